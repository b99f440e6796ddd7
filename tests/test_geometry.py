"""Receptive fields against their definition; crops against ramps, whose resampling is known; patches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracles
from conftest import refused
from corrlib.geometry import Crop, ReceptiveField
from corrlib.patches import average, cut, reassemble, stretch

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


# Patches: where they are cut, that they reassemble, averages and contrast


@pytest.fixture
def coordinates():
    """A 31 x 47 image whose channels are its own x and y."""
    return np.moveaxis(np.indices((31, 47))[::-1], 0, -1)


@pytest.mark.parametrize("size", [1, 3, 11])
def test_an_odd_patch_is_centred_on_its_pixel(coordinates, size):
    centers = np.array([[[17, 13], [20, 15]]])
    patches = cut(coordinates, centers, size)
    assert patches.shape == (1, 2, size, size, 2)
    np.testing.assert_array_equal(patches.mean(axis=(2, 3)), centers)
    np.testing.assert_array_equal(patches[0, 0, 0, 0], [17 - size // 2, 13 - size // 2])
    np.testing.assert_array_equal(patches[0, 0, 0, -1], [17 + size // 2, 13 - size // 2])


def test_an_even_patch_is_centred_between_pixels_or_else_up_and_left(coordinates):
    np.testing.assert_array_equal(cut(coordinates, [17.5, 13.5], 4).mean(axis=(0, 1)), [17.5, 13.5])
    np.testing.assert_array_equal(cut(coordinates, [17, 13], 4).mean(axis=(0, 1)), [16.5, 12.5])


def test_patches_are_copies_and_repeat_the_border(coordinates):
    expected = np.pad(coordinates, ((40, 40), (40, 40), (0, 0)), mode="edge")
    for x, y in ([0, 0], [46, 30], [-20, 5], [17, 60]):
        patch = cut(coordinates, [x, y], 9)
        np.testing.assert_array_equal(patch, expected[36 + y : 45 + y, 36 + x : 45 + x])
        patch[:] = -1
    assert (coordinates >= 0).all()


@given(rows=st.integers(1, 5), cols=st.integers(1, 5), size=st.integers(1, 6), start=st.integers(3, 9))
def test_patches_at_a_stride_of_their_size_reassemble_the_image(rows, cols, size, start):
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    x, y = np.meshgrid(start + size * np.arange(cols), start + size * np.arange(rows))
    whole = reassemble(cut(image, np.stack([x, y], axis=-1), size))
    first = int(np.floor(start - (size - 1) / 2))
    np.testing.assert_array_equal(whole, image[first:, first:][: rows * size, : cols * size])
    assert whole.shape == (rows * size, cols * size, 3) and whole.dtype == np.uint8


def test_average():
    patches = np.array([[0, 255, 10], [1, 255, 11], [2, 254, 13]], np.uint8)
    np.testing.assert_array_equal(average(patches), [1, 255, 11])
    np.testing.assert_array_equal(average(patches, axis=1), [88, 89, 90])
    np.testing.assert_array_equal(average(np.full((300, 2, 2), 255, np.uint8)), np.full((2, 2), 255))
    assert average(patches).dtype == np.uint8


def test_stretch():
    image = np.array([[100.0, 110, 120], [105, 100, 100]])
    np.testing.assert_array_equal(stretch(image), [[0, 128, 255], [64, 0, 0]])
    np.testing.assert_array_equal(stretch(np.full((2, 2, 3), 77, np.uint8)), np.full((2, 2, 3), 128))
    np.testing.assert_array_equal(stretch(np.arange(256, dtype=np.uint8)), np.arange(256))
    assert stretch(image).dtype == np.uint8


test_bad_patches_are_refused = refused(
    (lambda: cut(np.zeros((0, 4, 3)), [1, 1], 3), r"\(0, 4, 3\)"),
    (lambda: cut(np.zeros((4, 4)), [1, 1, 1], 3), r"centers.*\(3,\)"),
    (lambda: cut(np.zeros((4, 4)), [np.nan, 1], 3), "finite centers"),
    (lambda: cut(np.zeros((4, 4)), [1, 1], 0), "at least 1 pixel, got 0"),
    (lambda: average(np.zeros((2, 3))), "uint8 patches.*float64"),
    (lambda: average(np.zeros((0, 3), np.uint8)), r"\(0, 3\)"),
    (lambda: reassemble(np.zeros((2, 2, 3, 4))), r"\(2, 2, 3, 4\)"),
    (lambda: stretch(np.array([np.nan, 1])), "finite"),
)
