"""Patches: where they are cut, that they reassemble, averages and contrast."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corrlib.patches import average, cut, reassemble, stretch
from refusals import refused


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


test_bad_input_is_refused = refused(
    (lambda: cut(np.zeros((0, 4, 3)), [1, 1], 3), r"\(0, 4, 3\)"),
    (lambda: cut(np.zeros((4, 4)), [1, 1, 1], 3), r"centers.*\(3,\)"),
    (lambda: cut(np.zeros((4, 4)), [np.nan, 1], 3), "finite centers"),
    (lambda: cut(np.zeros((4, 4)), [1, 1], 0), "at least 1 pixel, got 0"),
    (lambda: average(np.zeros((2, 3))), "uint8 patches.*float64"),
    (lambda: average(np.zeros((0, 3), np.uint8)), r"\(0, 3\)"),
    (lambda: reassemble(np.zeros((2, 2, 3, 4))), r"\(2, 2, 3, 4\)"),
    (lambda: stretch(np.array([np.nan, 1])), "finite"),
)
