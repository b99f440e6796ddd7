"""Alignment, dense flow, warping and point transfer, against closed forms and slow searches."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.interpolate import RectBivariateSpline

from conftest import refused
from corrlib import flow, mrf
from corrlib.geometry import ReceptiveField

CONV4 = ReceptiveField(131, 16, 17.0)


def grid(height, width):
    """(row, col), or (y, x), of every cell."""
    return np.moveaxis(np.indices((height, width)), 0, -1)


def pixels(height, width):
    return grid(height, width)[..., ::-1].astype(float)


# Alignment


def test_beta_weighs_squared_pixels(rng):
    reference, moving = rng.standard_normal((2, 5, 7, 4))
    found = flow.align(reference, moving, beta=2e-3, stride=8)
    expected = mrf.solve(mrf.unary(reference, moving), 2e-3 * 64)
    assert_array_equal(found.labels_rc, expected.labels_rc)
    assert found.energy == pytest.approx(expected.energy)
    assert found.smoothness > 0


@pytest.mark.parametrize("solver", ["trws", "bp"])
@pytest.mark.parametrize("memory", [1, 2 * 4 * 24 * 21, 2**28])
def test_many_are_aligned_as_each_is_alone(rng, monkeypatch, solver, memory):
    reference, moving = rng.standard_normal((4, 6, 5)), rng.standard_normal((5, 7, 3, 5))
    expected = [flow.align(reference, alone, solver=solver) for alone in moving]
    monkeypatch.setattr(flow, "MEMORY", memory)
    found = flow.align(reference, moving, solver=solver, threads=2)
    for together, alone in zip(found, expected, strict=True):
        assert_array_equal(together.labels_rc, alone.labels_rc)
        assert together.energy == pytest.approx(alone.energy, rel=1e-6)


# Dense flow


@pytest.mark.parametrize(
    ("labels", "moving", "expected"),
    [
        (np.add(grid(5, 7), (2, 1)), CONV4, (16, 32)),
        (2 * grid(5, 7), ReceptiveField(51, 8, 9.0), (-8, -8)),  # another stride and centre
    ],
)
def test_a_shift_of_the_grid_is_a_constant_flow(labels, moving, expected):
    dense = flow.flow(labels, CONV4, moving, (131, 167))
    assert dense.shape == (131, 167, 2)
    assert_allclose(dense - expected, 0, atol=1e-9)


@pytest.mark.parametrize(("height", "width"), [(13, 13), (4, 7), (3, 5), (2, 3)])
def test_it_is_scipys_bivariate_spline_clamped_beyond_the_nodes(rng, height, width):
    labels = rng.integers(0, 25, (height, width, 2))
    y, x = 17 + 16 * np.arange(height), 17 + 16 * np.arange(width)
    clamped = np.arange(230).clip(17, y[-1]), np.arange(210).clip(17, x[-1])
    displacement = 16 * (labels - grid(height, width))
    degrees = dict(kx=min(3, height - 1), ky=min(3, width - 1))
    expected = [RectBivariateSpline(y, x, displacement[..., k], **degrees)(*clamped) for k in (1, 0)]
    dense = flow.flow(labels, CONV4, CONV4, (230, 210))
    assert_allclose(dense, np.stack(expected, axis=-1), rtol=0, atol=1e-9)
    assert_allclose(dense[np.ix_(y, x)], displacement[..., ::-1], atol=1e-9)  # through the nodes
    # 8-bit labels, whose positions in pixels overflow their type.
    assert_array_equal(flow.flow(labels.astype(np.uint8), CONV4, CONV4, (230, 210)), dense)


def test_cubic_displacements_are_reproduced():
    r, c = np.moveaxis(grid(6, 5), -1, 0)
    labels = np.stack([r + c**3 - 2 * r * c, c + r**2], axis=-1)
    dense = flow.flow(labels, CONV4, CONV4, (98, 82))[17:, 17:]
    y, x = np.indices(dense.shape[:2]) / 16
    assert_allclose(dense[..., 0], 16 * y**2, atol=1e-8)
    assert_allclose(dense[..., 1], 16 * (x**3 - 2 * y * x), atol=1e-8)


@pytest.mark.parametrize("shape", [(1, 4), (4, 1), (1, 1)])
def test_grids_of_few_nodes(shape):
    dense = flow.flow(2 * grid(*shape), CONV4, CONV4, (70, 90))
    expected = (pixels(70, 90) - 17).clip(0, 16 * (np.array(shape)[::-1] - 1))
    assert_allclose(dense, expected, atol=1e-9)


def test_flows_and_points_of_many_pairs_are_those_of_each(rng):
    labels = rng.integers(0, (5, 6), (2, 3, 5, 6, 2))
    points = rng.uniform(-5, 90, (2, 3, 4, 2))
    points[1, 2, 0] = np.nan
    dense = flow.flow(labels, CONV4, CONV4, (80, 97))
    found = flow.transfer(dense, points)
    assert dense.shape == (2, 3, 80, 97, 2) and found.shape == points.shape
    for pair in np.ndindex(2, 3):
        alone = flow.flow(labels[pair], CONV4, CONV4, (80, 97))
        assert_allclose(dense[pair], alone, rtol=0, atol=1e-12)
        assert_allclose(found[pair], flow.transfer(alone, points[pair]), rtol=0, atol=1e-9)


# Warping


def test_a_warp_samples_the_image_at_the_matches(rng):
    image = rng.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    warped = flow.warp(image, np.full((11, 13, 2), (5.0, -3.0)))
    assert warped.dtype == np.uint8
    assert_array_equal(warped, np.pad(image, ((3, 0), (0, 0), (0, 0)), mode="edge")[:11, 5:18])
    between = flow.warp(image[..., 0].astype(float), np.full((17, 22, 2), (0.25, 0.0)))
    assert_allclose(between, 0.75 * image[:, :-1, 0] + 0.25 * image[:, 1:, 0])
    rounded = flow.warp(np.array([[0, 3, 255]], np.uint8), np.full((1, 2, 2), (0.5, 0.0)))
    assert_array_equal(rounded, [[2, 129]])


# Points


def match(dense, p):
    """p + flow(p), linear on the two triangles between four pixels."""
    x, y = np.floor(p).astype(int).clip(0, np.array(dense.shape[1::-1]) - 2)
    u, v = p - (x, y)
    a, b, c, d = (dense[y + j, x + i] + (x + i, y + j) for j in (0, 1) for i in (0, 1))
    if u + v <= 1:
        return a + u * (b - a) + v * (c - a)
    return d + (1 - u) * (c - d) + (1 - v) * (b - d)


@given(seed=st.integers(0, 2**32))
def test_transfer_inverts_a_smooth_flow(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(3, 30, 2)
    a, b, phase = rng.uniform(-0.2, 0.2, (2, 2)), rng.uniform(1, 9, 2), rng.uniform(0, 6, 2)
    dense = b * np.sin(pixels(height, width) @ a / b + phase)
    p = rng.uniform(0, (width - 1, height - 1), (6, 2))
    assert_allclose(flow.transfer(dense, np.array([match(dense, q) for q in p])), p, atol=1e-6)


@given(seed=st.integers(0, 2**32))
def test_transfer_inverts_any_flow_at_any_point(seed):
    """Folds included, and points outside of the image: p + flow(p) is k, where the edge's flow goes on."""
    rng = np.random.default_rng(seed)
    dense = rng.uniform(-1.5, 1.5, (4, 5, 2))
    for k in rng.uniform(-9, 12, (5, 2)):
        p = flow.transfer(dense, k)
        inside = p.clip(0, (4, 3))
        assert_allclose(p - inside + match(dense, inside), k, atol=1e-7)


@given(seed=st.integers(0, 2**32))
def test_no_displacement_is_the_identity(seed):
    points = np.random.default_rng(seed).uniform(-100, 300, (5, 2))
    assert_array_equal(flow.transfer(np.zeros((11, 13, 2)), points), points)


FOLD = np.where(pixels(5, 21)[..., :1] <= 10, (-2, 0), (18, 0) - 2 * pixels(5, 21) * (1, 0))
NOTHING = [np.nan, np.nan]


@pytest.mark.parametrize(
    ("dense", "points", "expected"),
    [
        # Of several matches, the nearest: both x and 20 - x lead to x - 2.
        (FOLD, [[7.5, 2.25], [3, 0]], [[9.5, 2.25], [5, 0]]),
        (np.full((8, 9, 2), (1.0, 0.5)), [[1.5, 2], NOTHING, [np.nan, 3]], [[0.5, 1.5], NOTHING, NOTHING]),
        ((7.0, 7.0) - pixels(10, 15), [7.0, 7.0], [7, 7]),  # all pixels match
    ],
)
def test_transfer_of_special_points(dense, points, expected):
    assert_allclose(flow.transfer(dense, np.array(points)), expected, atol=1e-9)


# Bad input

FEATURES, STILL = np.zeros((3, 3, 5)), np.zeros((4, 4, 2))


test_bad_input_is_refused = refused(
    (lambda: flow.align(FEATURES, np.zeros((3, 3, 4))), "depth"),
    (lambda: flow.align(FEATURES, np.full((3, 3, 5), np.nan)), "not finite"),
    (lambda: flow.align(FEATURES, np.zeros((3, 5))), r"\(3, 5\)"),
    (lambda: flow.align(np.zeros((0, 3, 5)), FEATURES), "empty"),
    (lambda: flow.align(FEATURES, FEATURES, beta=-1.0), "beta is -"),
    (lambda: flow.align(FEATURES, FEATURES, stride=0), "stride is 0"),
    (lambda: flow.flow(np.zeros((3, 4)), CONV4, CONV4, (9, 9)), "labels"),
    (lambda: flow.flow(np.zeros((3, 0, 2)), CONV4, CONV4, (9, 9)), "labels"),
    (lambda: flow.flow(np.zeros((3, 3, 3)), CONV4, CONV4, (9, 9)), "labels"),
    (lambda: flow.warp(np.zeros(5), STILL), "image"),
    (lambda: flow.warp(np.zeros((5, 5)), np.full((4, 4, 2), np.nan)), "NaN"),
    (lambda: flow.transfer(STILL, np.zeros((5, 3))), "points"),
    (lambda: flow.transfer(np.zeros((3, 4, 4, 2)), np.zeros((2, 5, 2))), r"\(3, ..., 2\)"),
    (lambda: flow.transfer(np.zeros((4, 4)), np.zeros((5, 2))), "flow"),
    (lambda: flow.transfer(np.full((4, 4, 2), np.nan), np.zeros((5, 2))), "NaN"),
)
