"""Receptive fields against enumeration by definition; crops against ramps, whose resampling is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from corrlib.geometry import Crop, ReceptiveField
from refusals import refused

WINDOWS = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2)), max_size=5)


@given(WINDOWS, st.integers(0, 6))
def test_a_receptive_field_is_the_pixels_connected_by_paths(windows, unit):
    field = ReceptiveField()
    for window in windows:
        field = field.then(*window)
    pixels = oracles.path_connected(windows, unit)
    box = field.boxes((1, unit + 1))[0, unit]
    assert (box[0], box[2]) == (min(pixels) - 0.5, max(pixels) + 0.5)
    assert field.size == max(pixels) - min(pixels) + 1


def test_centers_and_boxes_are_xy_on_an_oblong_grid():
    field = ReceptiveField(size=99, stride=16, center=17)
    centers = field.centers((3, 5))
    assert centers.shape == (3, 5, 2)
    assert centers[2, 4].tolist() == [17 + 16 * 4, 17 + 16 * 2]
    assert field.boxes((3, 5))[2, 4].tolist() == [81 - 49.5, 49 - 49.5, 81 + 49.5, 49 + 49.5]
    assert ReceptiveField().boxes((2, 3))[1, 2].tolist() == [1.5, 0.5, 2.5, 1.5]  # a pixel


@given(st.integers(1, 9), st.floats(-30, 30), st.integers(1, 7), st.integers(1, 5), st.integers(0, 99))
def test_nearest_and_contains_against_all_units(stride, center, height, width, seed):
    field = ReceptiveField(size=11, stride=stride, center=center)
    points = np.random.default_rng(seed).uniform(-60, 90, (4, 2, 2))
    distances = np.linalg.norm(points[..., None, None, :] - field.centers((height, width)), axis=-1)
    nearest = field.nearest(points, (height, width))
    assert nearest.shape == (4, 2, 2) and nearest.dtype == np.int64
    flat = nearest[..., :1] * width + nearest[..., 1:]
    found = np.take_along_axis(distances.reshape(4, 2, -1), flat, axis=-1)
    np.testing.assert_allclose(found[..., 0], distances.min(axis=(-1, -2)))

    x0, y0, x1, y1 = np.moveaxis(field.boxes((height, width)), -1, 0)
    x, y = points[..., 0, None, None], points[..., 1, None, None]
    inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    assert (field.contains(points, (height, width)) == inside).all()


def test_missing_points_are_contained_nowhere():
    points = np.array([[np.nan, np.nan], [5, 5]])
    assert ReceptiveField(11, 4, 5).contains(points, (2, 2)).any(axis=(1, 2)).tolist() == [False, True]


def test_a_crop_of_the_whole_image_is_resized_by_the_formula():
    x, y = Crop((-0.5, -0.5, 52.5, 30.5), (62, 106)).points(np.array([10.0, 20.0]))
    assert (x, y) == ((10 + 0.5) * 2 - 0.5, (20 + 0.5) * 2 - 0.5)


@given(st.floats(-20, 20), st.floats(-20, 20), st.floats(0.5, 90), st.floats(0.5, 90), st.integers(1, 99))
def test_points_and_inverse(x0, y0, width, height, side):
    crop = Crop((x0, y0, x0 + width, y0 + height), (side, 2 * side))
    points = np.array([[1.0, 2.0], [np.nan, np.nan], [-7.5, 31.25]])
    np.testing.assert_allclose(crop.inverse(crop.points(points)), points, atol=1e-9)
    corners = crop.points(np.array([[x0, y0], [x0 + width, y0 + height]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [2 * side - 0.5, side - 0.5]], atol=1e-7)


@pytest.mark.parametrize(("shape", "tolerance"), [((227, 227), 0.01), ((31, 17), 0.1), ((8, 90), 0.1)])
def test_a_ramp_stays_the_same_ramp(shape, tolerance):
    """Any symmetric filter preserves a linear image, so its value at each point of the crop is known."""
    y, x = np.mgrid[0:97, 0:113]
    image = np.stack([2 * x, 2 * y, x + y], axis=-1).astype(np.uint8)
    crop = Crop((20.3, 15.9, 90.1, 80.2), shape)
    row, col = np.indices(shape)
    px, py = np.moveaxis(crop.inverse(np.stack([col, row], axis=-1)), -1, 0)
    expected = np.stack([2 * px, 2 * py, px + py], axis=-1)
    # Half a level of rounding; and a wide triangle, sampled at the pixels, is not quite symmetric.
    assert np.abs(crop.image(image).astype(float) - expected).max() < 0.5 + tolerance


def test_crops_without_resampling_are_exact_and_repeat_the_border(rng):
    image = rng.integers(0, 256, (37, 53, 3), dtype=np.uint8)
    assert (Crop((-0.5, -0.5, 52.5, 36.5), (37, 53)).image(image) == image).all()
    assert (Crop((9.5, 4.5, 29.5, 17.5), (13, 20)).image(image) == image[5:18, 10:30]).all()
    beyond = Crop((-5.5, -3.5, 56.5, 42.5), (46, 62)).image(image)
    assert (beyond == np.pad(image, ((3, 6), (5, 4), (0, 0)), mode="edge")).all()


def test_shrinking_does_not_alias():
    board = np.indices((120, 120)).sum(axis=0) % 2 * 200
    image = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    small = Crop((-0.5, -0.5, 119.5, 119.5), (24, 24)).image(image)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 100).max() <= 4


test_bad_input_is_refused = refused(
    (lambda: ReceptiveField().centers((0, 3)), "shape"),
    (lambda: ReceptiveField().centers((3,)), "shape"),
    (lambda: ReceptiveField().centers((2.5, 3)), "shape"),
    (lambda: ReceptiveField().nearest(np.zeros((4, 3)), (2, 2)), r"\(4, 3\)"),
    (lambda: ReceptiveField().nearest(np.array([5, np.nan]), (2, 2)), "NaN"),
    (lambda: Crop((3, 3, 3, 9), (5, 5)), "box"),
    (lambda: Crop((5, 1, 4, 9), (5, 5)), "box"),
    (lambda: Crop((0, 0, np.nan, 4), (5, 5)), "box"),
    (lambda: Crop((0, 0, 4), (5, 5)), "box"),
    (lambda: Crop((0, 0, 4, 4), (5, 5)).image(np.zeros((9, 9, 3))), "float64"),
    (lambda: Crop((0, 0, 4, 4), (5, 5)).image(np.zeros((9, 9), np.uint8)), r"\(9, 9\)"),
)
