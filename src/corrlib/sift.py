"""Upright SIFT descriptors: at given points and of a given size, or on a whole regular grid (paper, sections 3 to 5).

The dense grid is computed as VLFeat's dense SIFT does it: neighbouring descriptors share their gradients, so the
gradients of each direction are summed into the bins of all descriptors at once, by one matrix product for the
columns and one for the rows. That is several times faster than describing the points one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numba import njit

from corrlib.geometry import ReceptiveField

__all__ = ["dense", "dense_grid", "dense_shape", "descriptors", "several"]

#: Side of a spatial bin over the standard deviation of the Gaussian that has smoothed the image (Lowe's and
#: VLFeat's magnification).
MAGNIFICATION = 3.0
#: The image is halved only while this smoothing, in its own pixels, remains. OpenCV rounds a point to a pixel
#: of the halved image: with 3.2 the error is at most a twentieth of a bin.
SMOOTHNESS = 3.2
#: The blur that OpenCV takes an image to have: none can be less smooth.
CAMERA = 0.5
#: Below this radius the bins would be finer than the image's own blur.
MIN_RADIUS = 4.0
#: Spatial bins along an axis, directions, and Lowe's cap on a normalised descriptor.
BINS, DIRECTIONS, CAP = 4, 8, 0.2
#: Dense descriptors of a row or column that are summed by one matrix product.
GROUP = 8


def descriptors(
    image: np.ndarray, points: np.ndarray, *, radius: float, magnification: float = MAGNIFICATION
) -> np.ndarray:
    """Describe `image` around each of `points` by 4 x 4 histograms of 8 gradient directions, upright.

    Parameters
    ----------
    image
        ``(H, W, 3)`` uint8 RGB, or ``(H, W)`` uint8 grey.
    points
        ``(..., 2)`` ``(x, y)`` in pixels: centres of receptive fields, keypoints, a regular grid. OpenCV
        rounds each to a pixel, up to radius 38; beyond, to a twentieth of a bin.
    radius
        Half the side of the 4 x 4 bins, in pixels: a bin is ``radius / 2`` wide. The image is smoothed as
        SIFT's scale space would be for that bin width (``sigma = radius / 6``), so that large radii do not
        alias.
    magnification
        Width of a bin over the smoothing: 3 as Lowe's and VLFeat's SIFT, 6 as VLFeat's PHOW; with more, fine
        gradients are collected in large bins.

    Returns
    -------
    array (..., 128) float32
        Rows of bins from the top, each from the left, 8 directions each, counter-clockwise from +x. Norm 512
        but for rounding to integers and for the cap at 255; 0 where the image is flat. What lies outside of
        the image contributes nothing: a point on the border, or a little outside, is described by what is
        inside.

    Raises
    ------
    ValueError
        If the image is no uint8 image, a point is not finite (a missing keypoint: drop it first), or the
        radius is below 4, or the magnification leaves a smoothing below the image's own (half a pixel).

    Notes
    -----
    OpenCV computes it. Its bins are 3 times half a keypoint's size wide, and its pyramid starts from an image
    smoothed to `sigma` and halves after each doubling of it: a keypoint of size ``radius / 3`` in octave
    ``o`` of a pyramid with ``sigma = radius / 6 / 2**o`` has just the bins and the smoothing asked for.
    """
    return several(image, points, [(radius, magnification)])[0]


def several(image: np.ndarray, points: np.ndarray, kinds: Sequence[tuple[float, float]]) -> np.ndarray:
    """`descriptors` of several kinds ``(radius, magnification)``: ``(kinds, ..., 128)``.

    The same numbers in a third of the time: kinds whose smoothing differs by halvings share their pyramid.
    """
    image = _grey(image)
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"descriptors: expected points (..., 2) as (x, y), got an array of {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(
            "descriptors: points hold NaN or infinity (a missing keypoint?); keep the finite rows only"
        )
    pyramids: dict[float, list[tuple[int, float, int]]] = {}
    for row, (radius, magnification) in enumerate(kinds):
        sigma, halvings = _smoothing(radius, magnification, min(image.shape))
        pyramids.setdefault(sigma, []).append((row, radius, halvings))
    result = np.zeros((len(kinds), *points.shape[:-1], 128), dtype=np.float32)
    if points.size == 0:
        return result
    flat = points.reshape(-1, 2).tolist()
    for sigma, members in pyramids.items():
        # A keypoint of size s has bins of 3 * s / 2. Angle 0: upright.
        keypoints = [
            cv2.KeyPoint(x, y, radius / 3, 0.0, 0.0, halvings)
            for _, radius, halvings in members
            for x, y in flat
        ]
        _, found = cv2.SIFT_create(sigma=sigma, enable_precise_upscale=True).compute(image, keypoints)
        rows = [row for row, _, _ in members]
        result[rows] = found.reshape(len(members), *result.shape[1:])
    return result


def _smoothing(radius: float, magnification: float, side: int) -> tuple[float, int]:
    """The smoothing of a pyramid's first image, and how often it is halved until it is that asked for."""
    if not (np.isfinite(radius) and radius >= MIN_RADIUS):
        raise ValueError(f"descriptors: radius must be at least {MIN_RADIUS:g} pixels, got {radius!r}")
    if not (magnification > 0 and radius / 2 / magnification >= CAMERA):
        raise ValueError(
            f"descriptors: the magnification must be above 0 and, for radius {radius:g}, at most"
            f" {radius / 2 / CAMERA:g}, got {magnification!r}"
        )
    sigma = radius / 2 / magnification
    halvings = max(0, int(np.log2(sigma / SMOOTHNESS)))
    halvings = min(halvings, max(0, int(np.log2(side / 8))))  # a pyramid ends at 8 pixels
    return sigma / 2**halvings, halvings


def _grey(image: np.ndarray) -> np.ndarray:
    shaped = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not shaped or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"descriptors: expected an image (H, W, 3) or (H, W) uint8, got {image.shape} {image.dtype}"
        )
    return np.ascontiguousarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def dense_grid(bin_size: int = 8, stride: int = 8) -> ReceptiveField:
    """Where dense SIFT looks: from the first descriptor whose bins all have their centres in the image."""
    return ReceptiveField(size=BINS * bin_size, stride=stride, center=(BINS - 1) / 2 * bin_size)


def dense_shape(image: tuple[int, int], *, bin_size: int = 8, stride: int = 8) -> tuple[int, int]:
    """Rows and columns of descriptors of an image of shape ``(H, W)``."""
    rows, cols = ((side - 1 - (BINS - 1) * bin_size) // stride + 1 for side in image)
    return rows, cols


def dense(image: np.ndarray, *, bin_size: int = 8, stride: int = 8) -> np.ndarray:
    """Describe `image` at every place of `dense_grid` whose bins have their centres in the image.

    Parameters
    ----------
    image
        ``(H, W, 3)`` uint8 RGB.
    bin_size
        Side of a spatial bin, in pixels; the radius of `descriptors` is twice that.
    stride
        Pixels between descriptors.

    Returns
    -------
    array (h, w, 128) uint8
        As `descriptors` has them, whose compiled loops round a little differently; the first is
        at ``dense_grid(bin_size, stride).center`` on both axes.

    Raises
    ------
    ValueError
        If the image is no uint8 image or smaller than three bins.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"dense: expected an image (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if min(image.shape[:2]) <= (BINS - 1) * bin_size or bin_size < 2 or stride < 1:
        raise ValueError(
            f"dense: bins of {bin_size} pixels every {stride} do not fit an image of {image.shape[:2]}"
        )
    # The camera has blurred the image by half a pixel.
    sigma = np.sqrt((bin_size / MAGNIFICATION) ** 2 - 0.25)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    right, up = np.zeros_like(grey), np.zeros_like(grey)
    right[1:-1, 1:-1] = grey[1:-1, 2:] - grey[1:-1, :-2]
    up[1:-1, 1:-1] = grey[:-2, 1:-1] - grey[2:, 1:-1]
    size, turn = cv2.cartToPolar(right, up)
    turn *= DIRECTIONS / (2 * np.pi)
    by_row, by_col = (_bins(side, bin_size, stride) for side in grey.shape)
    rows, cols = dense_shape(grey.shape, bin_size=bin_size, stride=stride)
    found = np.empty((rows, cols, BINS, BINS, DIRECTIONS), np.float32)
    for direction, share in enumerate(_shares(size, turn)):
        for columns, (left, weights) in by_col:
            part = share[:, left : left + weights.shape[2]] @ weights.reshape(-1, weights.shape[2]).T
            for lines, (top, others) in by_row:
                bins = others.reshape(-1, others.shape[2]) @ part[top : top + others.shape[2]]
                bins = bins.reshape(BINS, others.shape[1], BINS, weights.shape[1])
                found[lines, columns, ..., direction] = bins.transpose(1, 3, 0, 2)
    found = found.reshape(rows, cols, -1)
    norm = np.linalg.norm(found, axis=-1, keepdims=True)
    np.minimum(found, CAP * norm, out=found)
    found *= 512 / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-6)
    return np.minimum(np.rint(found), 255).astype(np.uint8)


@njit(cache=True, nogil=True)
def _shares(size, turn):
    """What each pixel's gradient gives to each direction: all to the two on either side of it."""
    height, width = size.shape
    found = np.zeros((DIRECTIONS, height, width), np.float32)
    for row in range(height):
        for col in range(width):
            first = int(turn[row, col])
            part = turn[row, col] - first
            found[first % DIRECTIONS, row, col] = size[row, col] * (1 - part)
            found[(first + 1) % DIRECTIONS, row, col] = size[row, col] * part
    return found


def _bins(side: int, bin_size: int, stride: int) -> list[tuple[slice, tuple[int, np.ndarray]]]:
    """How much each pixel of an axis counts in each bin of each descriptor.

    Descriptors in groups, ``(BINS, n, pixels)`` from a first pixel on: far from it nothing counts.
    """
    last = side - 1 - (BINS - 1) * bin_size
    centres = np.arange(0, last + 1, stride) + (BINS - 1) / 2 * bin_size
    off = (np.arange(side) - centres[:, None]) / bin_size
    window = np.exp(-(off**2) / (2 * (BINS / 2) ** 2))
    weights = [window * np.maximum(0, 1 - np.abs(off - b + (BINS - 1) / 2)) for b in range(BINS)]
    weights, groups = np.array(weights, np.float32), []
    for first in range(0, len(centres), GROUP):
        part = weights[:, first : first + GROUP]
        used = np.flatnonzero(part.any(axis=(0, 1)))
        near = np.ascontiguousarray(part[..., used[0] : used[-1] + 1])
        groups.append((slice(first, first + part.shape[1]), (int(used[0]), near)))
    return groups
