"""Dense flow, warps and transferred points, against closed forms and slow searches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import RectBivariateSpline

import oracles
from corrlib import flow, mrf
from corrlib.geometry import ReceptiveField

CONV4 = ReceptiveField(131, 16, 17.0)


def grid(height, width):
    """Row and column, or y and x, of every place."""
    return np.moveaxis(np.indices((height, width)), 0, -1)


def pixels(height, width):
    return grid(height, width)[..., ::-1].astype(float)


# Alignment


def test_beta_counts_squared_pixels(rng):
    reference, moving = rng.standard_normal((2, 5, 7, 4))
    found = flow.align(reference, moving, beta=2e-3, stride=8)
    expected = mrf.solve(mrf.unary(reference, moving), 2e-3 * 64)
    assert_array_equal(found.labels_rc, expected.labels_rc)
    assert found.energy == pytest.approx(expected.energy)
    assert found.smoothness > 0


@pytest.mark.parametrize("solver", ["trws", "bp"])
def test_many_are_aligned_as_one_is_whatever_the_memory(rng, monkeypatch, solver):
    reference, moving = rng.standard_normal((4, 6, 5)), rng.standard_normal((5, 7, 3, 5))
    alone = [flow.align(reference, one, solver=solver) for one in moving]
    for memory in (1, 2 * 4 * 24 * 21, 2**28):
        monkeypatch.setattr(flow, "MEMORY", memory)
        for many in (moving, list(moving)):
            found = flow.align(reference, many, solver=solver, threads=2)
            assert len(found) == 5
            for one, expected in zip(found, alone, strict=True):
                assert_array_equal(one.labels_rc, expected.labels_rc)
                assert one.energy == pytest.approx(expected.energy, rel=1e-6)


def test_features_that_are_moved_by_whole_cells_are_found_there(rng):
    moving = rng.standard_normal((9, 13, 8))
    found = flow.align(moving[2:, 1:12], moving)
    assert_array_equal(found.labels_rc, np.add(grid(7, 11), (2, 1)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moving": np.zeros((3, 3, 4))}, "depth"),
        ({"moving": np.full((3, 3, 5), np.nan)}, "not finite"),
        ({"moving": np.zeros((3, 5))}, r"\(3, 5\)"),
        ({"reference": np.zeros((0, 3, 5))}, "empty"),
        ({"moving": []}, "no moving"),
        ({"beta": -1.0}, "beta is -"),
        ({"stride": 0}, "stride is 0"),
    ],
)
def test_alignment_refuses(change, message):
    given = {"reference": np.zeros((3, 3, 5)), "moving": np.zeros((3, 3, 5)), "beta": 1.0} | change
    with pytest.raises(ValueError, match=message):
        flow.align(given.pop("reference"), given.pop("moving"), **given)


# Dense flow


def test_a_shift_of_the_grid_is_a_constant_flow():
    rf_moving = ReceptiveField(51, 8, 9.0)
    dense = flow.flow(np.add(grid(5, 7), (2, 1)), CONV4, CONV4, (131, 167))
    assert dense.shape == (131, 167, 2)
    assert_allclose(dense - (16, 32), 0, atol=1e-9)
    centred = flow.flow(2 * grid(5, 7), CONV4, rf_moving, (131, 167))
    assert_allclose(centred - (-8, -8), 0, atol=1e-9)


def test_the_flow_passes_through_the_nodes_and_is_clamped_beyond_them(rng):
    labels = rng.integers(0, (5, 7), (5, 7, 2))
    dense = flow.flow(labels, CONV4, CONV4, (101, 150))
    at_nodes = dense[17 : 17 + 5 * 16 : 16, 17 : 17 + 7 * 16 : 16]
    assert_allclose(at_nodes, 16 * (labels - grid(5, 7))[..., ::-1], atol=1e-9)
    inside = dense[17 : 17 + 4 * 16 + 1, 17 : 17 + 6 * 16 + 1]
    clamped = np.pad(inside, ((17, 101 - 82), (17, 150 - 114), (0, 0)), mode="edge")
    assert_allclose(dense, clamped, atol=1e-9)


def test_between_the_nodes_lies_the_cubic():
    """Displacements that are a cubic polynomial of the position are reproduced by the spline."""
    r, c = np.moveaxis(grid(6, 5), -1, 0)
    labels = np.stack([r + c**3 - 2 * r * c, c + r**2], axis=-1)
    dense = flow.flow(labels, CONV4, CONV4, (98, 82))[17:, 17:]
    y, x = np.indices(dense.shape[:2]) / 16
    assert_allclose(dense[..., 0], 16 * y**2, atol=1e-8)
    assert_allclose(dense[..., 1], 16 * (x**3 - 2 * y * x), atol=1e-8)


@pytest.mark.parametrize(("height", "width"), [(13, 13), (4, 7), (3, 5), (2, 3)])
def test_it_is_the_bivariate_spline_of_scipy(rng, height, width):
    labels = rng.integers(0, 9, (height, width, 2))
    y, x = 17 + 16 * np.arange(height), 17 + 16 * np.arange(width)
    at = np.arange(230).clip(17, y[-1]), np.arange(210).clip(17, x[-1])
    nodes = 16 * (labels - grid(height, width))
    expected = [
        RectBivariateSpline(y, x, nodes[..., k], kx=min(3, height - 1), ky=min(3, width - 1))(*at)
        for k in (1, 0)
    ]
    dense = flow.flow(labels, CONV4, CONV4, (230, 210))
    assert_allclose(dense, np.stack(expected, axis=-1), rtol=0, atol=1e-9)


def test_labels_may_be_small_integers():
    """Positions in pixels do not fit in the type of such labels."""
    labels = np.add(grid(3, 20), (1, 2))
    assert_array_equal(
        flow.flow(labels.astype(np.uint8), CONV4, CONV4, (60, 340)),
        flow.flow(labels, CONV4, CONV4, (60, 340)),
    )


def test_many_pairs_at_once(rng):
    """Flows and points of a batch are those of its members."""
    labels = rng.integers(0, (5, 6), (2, 3, 5, 6, 2))
    points = rng.uniform(-5, 90, (2, 3, 4, 2))
    points[1, 2, 0] = np.nan
    dense = flow.flow(labels, CONV4, CONV4, (80, 97))
    found = flow.transfer(dense, points)
    assert dense.shape == (2, 3, 80, 97, 2) and found.shape == points.shape
    for at in np.ndindex(2, 3):
        alone = flow.flow(labels[at], CONV4, CONV4, (80, 97))
        assert_allclose(dense[at], alone, rtol=0, atol=1e-12)
        assert_allclose(found[at], flow.transfer(alone, points[at]), rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1), (2, 3)])
def test_narrow_grids_have_a_flow_too(shape):
    dense = flow.flow(2 * grid(*shape), CONV4, CONV4, (70, 90))
    expected = (pixels(70, 90) - 17).clip(0, 16 * (np.array(shape)[::-1] - 1))
    assert_allclose(dense, expected, atol=1e-9)


@pytest.mark.parametrize("labels", [np.zeros((3, 4)), np.zeros((3, 0, 2)), np.zeros((3, 3, 3))])
def test_flow_refuses_labels_of_other_shapes(labels):
    with pytest.raises(ValueError, match="labels"):
        flow.flow(labels, CONV4, CONV4, (100, 100))


# Warps


def test_a_warp_fetches_what_the_flow_leads_to(rng):
    image = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    warped = flow.warp(image, np.full((11, 13, 2), (5.0, -3.0)))
    assert warped.dtype == np.uint8
    assert_array_equal(warped, np.pad(image, ((3, 0), (0, 0), (0, 0)), mode="edge")[:11, 5:18])
    between = flow.warp(image[..., 0].astype(float), np.full((17, 22, 2), (0.25, 0.0)))
    assert_allclose(between, 0.75 * image[:, :-1, 0] + 0.25 * image[:, 1:, 0])
    halves = flow.warp(np.array([[0, 3, 255]], np.uint8), np.full((1, 2, 2), (0.5, 0.0)))
    assert_array_equal(halves, [[2, 129]])


def test_warp_refuses_what_is_no_image_or_no_flow():
    with pytest.raises(ValueError, match="image"):
        flow.warp(np.zeros(5), np.zeros((4, 4, 2)))
    with pytest.raises(ValueError, match="NaN"):
        flow.warp(np.zeros((5, 5)), np.full((4, 4, 2), np.nan))


# Points


@given(seed=st.integers(0, 2**32))
def test_transfer_undoes_a_smooth_flow(seed):
    """Points p of the reference, taken to p + flow(p) by hand, come back to where they were."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(3, 30, 2)
    place = pixels(height, width)
    a, b, phase = rng.uniform(-0.2, 0.2, (2, 2)), rng.uniform(1, 9, 2), rng.uniform(0, 6, 2)
    dense = b * np.sin(place @ a / b + phase)
    p = rng.uniform(0, (width - 1, height - 1), (6, 2))
    c, r = np.floor(p).astype(int).T
    u, v = (p - np.floor(p)).T[..., None]
    first = dense[r, c] + u * (dense[r, c + 1] - dense[r, c]) + v * (dense[r + 1, c] - dense[r, c])
    last = dense[r + 1, c + 1]
    second = last + (1 - u) * (dense[r + 1, c] - last) + (1 - v) * (dense[r, c + 1] - last)
    k = p + np.where(u + v <= 1, first, second)
    assert_allclose(flow.transfer(dense, k), p, atol=1e-6)


@given(seed=st.integers(0, 2**32))
def test_transfer_finds_the_closest_match_of_any_flow(seed):
    """Folds and all: no p of a fine grid leads nearer to the point."""
    rng = np.random.default_rng(seed)
    dense = rng.uniform(-1.5, 1.5, (4, 5, 2))
    k = rng.uniform(0.5, (3.5, 2.5))
    p = flow.transfer(dense, k)
    reached = oracles.closest_match(dense, k, 12)
    x, y = np.floor(p).astype(int).clip(0, (3, 2))
    u, v = p - (x, y)
    match = dense[y : y + 2, x : x + 2] + pixels(4, 5)[y : y + 2, x : x + 2]
    if u + v <= 1:
        landed = match[0, 0] + u * (match[0, 1] - match[0, 0]) + v * (match[1, 0] - match[0, 0])
    else:
        landed = match[1, 1] + (1 - u) * (match[1, 0] - match[1, 1]) + (1 - v) * (match[0, 1] - match[1, 1])
    assert np.hypot(*(landed - k)) <= reached + 1e-9


def test_of_several_places_the_nearest_is_taken():
    """A field that folds at x = 10: both x and 20 - x lead to x - 2."""
    place = pixels(5, 21)
    dense = np.zeros_like(place)
    dense[..., 0] = np.where(place[..., 0] <= 10, -2, 18 - 2 * place[..., 0])
    assert_allclose(flow.transfer(dense, np.array([[7.5, 2.25], [3, 0]])), [[9.5, 2.25], [5, 0]], atol=1e-9)


def test_where_nothing_leads_the_closest_is_taken():
    still = np.zeros((10, 15, 2))
    points = np.array([[-5, 3.25], [20, 12], [4.5, 9.75], [3, 4]])
    assert_allclose(flow.transfer(still, points), [[0, 3.25], [14, 9], [4.5, 9], [3, 4]], atol=1e-9)
    collapsed = (7.0, 7.0) - pixels(10, 15)
    found = flow.transfer(collapsed, np.array([7.0, 7.0]))
    assert found.shape == (2,) and np.isfinite(found).all()


def test_missing_points_stay_missing():
    points = np.array([[[1.5, 2], [np.nan, np.nan]], [[np.nan, 3], [4, 1]]])
    found = flow.transfer(np.full((8, 9, 2), (1.0, 0.5)), points)
    assert_allclose(found, [[[0.5, 1.5], [np.nan] * 2], [[np.nan] * 2, [3, 0.5]]], atol=1e-9)


def test_transfer_refuses_what_is_no_point_or_no_flow():
    with pytest.raises(ValueError, match="points"):
        flow.transfer(np.zeros((4, 4, 2)), np.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"\(3, ..., 2\)"):
        flow.transfer(np.zeros((3, 4, 4, 2)), np.zeros((2, 5, 2)))
    with pytest.raises(ValueError, match="flow"):
        flow.transfer(np.zeros((4, 4)), np.zeros((5, 2)))
    with pytest.raises(ValueError, match="NaN"):
        flow.transfer(np.full((4, 4, 2), np.nan), np.zeros((5, 2)))
