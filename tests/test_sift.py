"""SIFT at given points: against a slow direct implementation, and what a descriptor must do."""

import cv2
import numpy as np
import pytest

import oracles
from corrlib.sift import descriptors, several


@pytest.fixture
def image(rng):
    """Blobs of all sizes, 61 x 83 pixels."""
    layers = [cv2.GaussianBlur(rng.normal(size=(61, 83)), (0, 0), s) * s for s in (1, 2, 4, 8)]
    return cv2.normalize(sum(layers), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@pytest.mark.parametrize("radius", [5, 10, 16, 20])
def test_equals_the_direct_computation(image, radius):
    # Inside, on and past the border.
    points = np.array([[41, 30], [30.4, 27.3], [3, 5], [0, 60], [82, 0], [-2, 30]])
    found = descriptors(image, points, radius=radius)
    assert found.shape == (6, 128) and found.dtype == np.float32
    for (x, y), row in zip(points, found, strict=True):
        # OpenCV rounds the point to a pixel and the numbers to integers.
        assert cosine(row, oracles.sift(image, round(x), round(y), radius)) > 0.9995
        assert cosine(row, oracles.sift(image, x, y, radius)) > (0.99 if radius > 5 else 0.97)


@pytest.mark.parametrize(("radius", "magnification"), [(10, 6), (20, 12), (40, 6)])
def test_less_smoothing_equals_the_direct_computation(image, radius, magnification):
    points = np.array([[41, 30], [3, 5], [0, 60]])
    found = descriptors(image, points, radius=radius, magnification=magnification)
    for (x, y), row in zip(points, found, strict=True):
        assert cosine(row, oracles.sift(image, x, y, radius, magnification)) > 0.9995
        assert cosine(row, oracles.sift(image, x, y, radius)) < 0.99


@pytest.mark.parametrize("shape", [(227, 227), (61, 83)])
def test_kinds_that_share_a_pyramid_are_what_each_is_alone(rng, shape):
    image = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), 2)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    points = rng.uniform(-2, 62, (3, 2, 2))
    kinds = [(radius, 3) for radius in (10, 20, 40, 80, 160, 30)] + [(40, 12), (80, 12), (20, 3)]
    found = several(image, points, kinds)
    assert found.shape == (9, 3, 2, 128)
    for (radius, magnification), one in zip(kinds, found, strict=True):
        alone = descriptors(image, points, radius=radius, magnification=magnification)
        np.testing.assert_array_equal(one, alone)
    assert several(image, points[:0], kinds).shape == (9, 0, 2, 128)


@pytest.mark.parametrize("magnification", [0, 11, np.nan])
def test_a_smoothing_finer_than_the_image_is_refused(image, magnification):
    with pytest.raises(ValueError, match="for radius 10, at most 10, got"):
        descriptors(image, [[9, 9]], radius=10, magnification=magnification)


@pytest.mark.parametrize("radius", [40, 80])
def test_large_radii_in_a_halved_image_are_those_at_full_resolution(rng, radius):
    image = cv2.GaussianBlur(rng.normal(size=(151, 131)), (0, 0), 5)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    points = np.array([[65, 75], [18.3, 97.1]])
    for (x, y), row in zip(points, descriptors(image, points, radius=radius), strict=True):
        assert cosine(row, oracles.sift(image, x, y, radius)) > 0.99


def test_large_radii_see_no_fine_pattern():
    fine = np.zeros((227, 227), np.uint8)
    fine[:, ::4] = fine[:, 1::4] = 60
    ramp = np.broadcast_to(np.linspace(0, 180, 227), (227, 227))
    both = (ramp + fine).astype(np.uint8)
    centre = np.array([113, 113])
    smooth, striped = (descriptors(i, centre, radius=160) for i in (ramp.astype(np.uint8), both))
    assert cosine(smooth, striped) > 0.99
    # Without the smoothing the stripes' gradients would be all that it sees.
    assert cosine(descriptors(fine, centre, radius=5), descriptors(both, centre, radius=5)) > 0.9


def test_directions_and_bins_are_where_they_are_said_to_be():
    ramp = np.broadcast_to(np.linspace(0, 250, 101), (101, 101)).astype(np.uint8)
    right, down = (descriptors(i, [50, 50], radius=20).reshape(4, 4, 8) for i in (ramp, ramp.T))
    assert (right.sum((0, 1)).argmax(), down.sum((0, 1)).argmax()) == (0, 6)  # image y points down
    dot = np.zeros((101, 101), np.uint8)
    dot[35:38, 58:61] = 255  # above and to the right of the centre
    strength = descriptors(dot, [50, 50], radius=20).reshape(4, 4, 8).sum(2)
    assert strength[:2, 2:].sum() > 0.9 * strength.sum()


def test_brightness_and_contrast_do_not_matter_and_norms_are_512(image):
    points = np.array([[41, 30], [20, 20]])
    once, again = (descriptors(i, points, radius=16) for i in (image, (image * 0.5 + 60).astype(np.uint8)))
    np.testing.assert_allclose(np.linalg.norm(once, axis=1), 512, rtol=0.02)
    assert all(cosine(a, b) > 0.998 for a, b in zip(once, again, strict=True))


def test_a_flat_image_has_the_descriptor_zero():
    assert not descriptors(np.full((50, 60, 3), 99, np.uint8), [[20, 20]], radius=10).any()


def test_shapes_of_points_are_kept_and_colour_becomes_grey(image):
    grid = np.stack(np.meshgrid([10, 30, 50], [20, 40]), axis=-1)
    colour = np.repeat(image[..., None], 3, axis=2)
    on_grid = descriptors(colour, grid, radius=10)
    assert on_grid.shape == (2, 3, 128)
    np.testing.assert_array_equal(on_grid.reshape(6, 128), descriptors(image, grid.reshape(6, 2), radius=10))
    assert descriptors(image, np.zeros((0, 2)), radius=10).shape == (0, 128)
    red = np.zeros_like(colour)
    red[..., 0] = image
    blue = red[..., ::-1].copy()
    grey = [cv2.cvtColor(i, cv2.COLOR_RGB2GRAY) for i in (red, blue)]
    for colourful, plain in zip((red, blue), grey, strict=True):
        np.testing.assert_array_equal(
            descriptors(colourful, grid, radius=10), descriptors(plain, grid, radius=10)
        )


def test_a_small_image_and_a_large_radius(rng):
    image = rng.integers(0, 256, (11, 13), np.uint8)
    (row,) = descriptors(image, [[6, 5]], radius=160)
    assert cosine(row, oracles.sift(image, 6, 5, 160)) > 0.99


@pytest.mark.parametrize(
    ("image", "points", "radius", "message"),
    [
        (np.zeros((20, 20)), [[1, 1]], 10, "uint8"),
        (np.zeros((20, 20, 4), np.uint8), [[1, 1]], 10, r"\(20, 20, 4\)"),
        (np.zeros((20, 0), np.uint8), [[1, 1]], 10, r"\(20, 0\)"),
        (np.zeros((20, 20), np.uint8), [[1, 1, 1]], 10, r"\(\.\.\., 2\)"),
        (np.zeros((20, 20), np.uint8), [[1, 1], [np.nan, 2]], 10, "NaN"),
        (np.zeros((20, 20), np.uint8), [[1, 1]], 3, "at least 4"),
        (np.zeros((20, 20), np.uint8), [[1, 1]], np.nan, "at least 4"),
    ],
)
def test_bad_input_is_refused(image, points, radius, message):
    with pytest.raises(ValueError, match=message):
        descriptors(image, points, radius=radius)
