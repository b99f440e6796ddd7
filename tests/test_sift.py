"""SIFT at given points and on a dense grid: against a slow direct implementation, and by its properties."""

import cv2
import numpy as np
import pytest

import oracles
from conftest import refused
from corrlib import sift
from corrlib.sift import SCALE_SPACE, several


def blobs(rng, *shape, sizes=(1, 2, 4, 8)):
    layers = [cv2.GaussianBlur(rng.normal(size=shape), (0, 0), s) * s for s in sizes]
    return cv2.normalize(sum(layers), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.fixture
def image(rng):
    return blobs(rng, 61, 83)


def descriptors(image, points, radius, smoothing=SCALE_SPACE):
    """Of half the side of the bins, smoothed as Lowe's."""
    return sift.descriptors(image, points, bin_size=radius / 2, smoothing=smoothing)


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


# Inside, between pixels, on and beyond the border.
POINTS = [[41, 30], [30.4, 27.3], [3, 5], [0, 60], [82, 0], [-2, 30]]


@pytest.mark.parametrize(
    ("shape", "sizes", "radius", "points", "least"),
    [
        *(((61, 83), (1, 2, 4, 8), radius, POINTS, 0.9999) for radius in (5, 10, 16, 20)),
        *(((151, 131), [5], radius, [[65, 75], [18.3, 97.1]], 0.99) for radius in (40, 80)),
        ((11, 13), [], 160, [[6, 5]], 0.99),
    ],
)
def test_equals_the_direct_computation(rng, shape, sizes, radius, points, least):
    image = blobs(rng, *shape, sizes=sizes) if sizes else rng.integers(0, 256, shape, np.uint8)
    found = descriptors(image, points, radius=radius)
    assert found.shape == (len(points), 128) and found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 512, rtol=0.02)
    for (x, y), row in zip(points, found, strict=True):
        assert cosine(row, oracles.sift(image, x, y, radius)) > least


@pytest.mark.parametrize("radius", [10, 20])
def test_equals_opencv(image, radius):
    """OpenCV's bins are 1.5 keypoint sizes wide; at ``sigma`` its pyramid starts."""
    keypoint = cv2.KeyPoint(41, 30, radius / 3, 0.0, 0.0, 0)
    _, (expected,) = cv2.SIFT_create(sigma=radius / 6, enable_precise_upscale=True).compute(image, [keypoint])
    assert cosine(descriptors(image, [41, 30], radius=radius), expected) > 0.999


@pytest.mark.parametrize(("radius", "smoothing"), [(10, 1 / 6), (20, 1 / 12), (40, 1 / 6), (20, 0)])
def test_less_smoothing_equals_the_direct_computation(image, radius, smoothing):
    points = np.array([[41, 30], [3, 5], [0, 60]])
    found = descriptors(image, points, radius, smoothing)
    for (x, y), row in zip(points, found, strict=True):
        direct = oracles.sift(image, x, y, radius, min(1 / max(smoothing, 1e-9), radius))
        assert cosine(row, direct) > 0.9995
        assert cosine(row, oracles.sift(image, x, y, radius)) < 0.99


def test_several_kinds_at_once_are_what_each_is_alone(rng, image):
    points = rng.uniform(-2, 62, (3, 2, 2))
    kinds = [(5, 1 / 3), (80, 1 / 3), (20, 1 / 12), (10, 0)]
    found = several(image, points, kinds)
    assert found.shape == (4, 3, 2, 128)
    for (bin_size, smoothing), together in zip(kinds, found, strict=True):
        alone = sift.descriptors(image, points, bin_size=bin_size, smoothing=smoothing)
        np.testing.assert_array_equal(together, alone)
    assert several(image, points[:0], kinds).shape == (4, 0, 2, 128)


def test_the_order_of_directions_and_bins():
    ramp = np.broadcast_to(np.linspace(0, 250, 101), (101, 101)).astype(np.uint8)
    right, down = (descriptors(i, [50, 50], radius=20).reshape(4, 4, 8) for i in (ramp, ramp.T))
    assert (right.sum((0, 1)).argmax(), down.sum((0, 1)).argmax()) == (0, 6)  # image y points down
    dot = np.zeros((101, 101), np.uint8)
    dot[35:38, 58:61] = 255  # above and to the right of the centre
    strength = descriptors(dot, [50, 50], radius=20).reshape(4, 4, 8).sum(2)
    assert strength[:2, 2:].sum() > 0.9 * strength.sum()


def test_shapes_of_points_are_kept_and_colour_becomes_grey(image):
    points = np.stack(np.meshgrid([10, 30, 50], [20, 40]), axis=-1)
    found = descriptors(image, points, radius=10)
    assert found.shape == (2, 3, 128)
    np.testing.assert_array_equal(found.reshape(6, 128), descriptors(image, points.reshape(6, 2), radius=10))
    red = image[..., None] * np.array([1, 0, 0], np.uint8)
    for colour in (np.repeat(image[..., None], 3, axis=2), red, red[..., ::-1]):
        grey = cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_RGB2GRAY)
        expected = descriptors(grey, points, radius=10)
        np.testing.assert_array_equal(descriptors(colour, points, radius=10), expected)
    for radius in (10, 160):
        assert not descriptors(np.full((50, 60, 3), 99, np.uint8), [[20, 20]], radius).any()  # flat


def test_dense_descriptors_are_those_of_each_point_of_the_grid(rng):
    image = blobs(rng, 83, 101, 3)
    image[:50, :50] = 128  # flat: a descriptor of zeros
    found = sift.dense(image, smoothing=SCALE_SPACE)
    assert found.shape == ((83 - 1 - 24) // 8 + 1, (101 - 1 - 24) // 8 + 1, 128) and found.dtype == np.uint8
    centers = sift.dense_grid().centers(found.shape[:2])
    assert centers.min() == 12 and (centers[-1, -1] + 12 <= (100, 82)).all()
    difference = np.abs(found - descriptors(image, centers, radius=16))
    assert difference.max() <= 1 and difference.mean() < 0.01  # of 512; rounding
    assert (found[0, 0] == 0).all() and found[-1, -1].any()


GREY = np.zeros((20, 20), np.uint8)


test_bad_input_is_refused = refused(
    (lambda: descriptors(np.zeros((20, 20)), [[1, 1]], radius=10), "uint8"),
    (lambda: descriptors(np.zeros((20, 20, 4), np.uint8), [[1, 1]], radius=10), r"\(20, 20, 4\)"),
    (lambda: descriptors(np.zeros((20, 0), np.uint8), [[1, 1]], radius=10), r"\(20, 0\)"),
    (lambda: descriptors(GREY, [[1, 1, 1]], radius=10), r"\(\.\.\., 2\)"),
    (lambda: descriptors(GREY, [[1, 1], [np.nan, 2]], radius=10), "NaN"),
    (lambda: descriptors(GREY, [[1, 1]], radius=3), "at least 2"),
    (lambda: descriptors(GREY, [[1, 1]], radius=np.nan), "at least 2"),
    (lambda: descriptors(GREY, [[9, 9]], 10, -0.1), "0 or more bins, got -0.1"),
    (lambda: descriptors(GREY, [[9, 9]], 10, np.nan), "0 or more bins, got nan"),
    (lambda: sift.dense(np.zeros((50, 50, 3))), "uint8"),
    (lambda: sift.dense(np.zeros((24, 50, 3), np.uint8)), "do not fit"),
)
