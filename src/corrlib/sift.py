"""Upright SIFT descriptors, at given points or on a dense regular grid (paper, sections 3 to 5).

The dense grid follows VLFeat's dense SIFT: neighbouring descriptors share their gradients, so those of each
direction are summed into the bins of all descriptors at once, by one matrix product for the columns and one
for the rows. That is several times faster than computing the descriptors one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numba import njit

from corrlib.geometry import ReceptiveField

__all__ = ["dense", "dense_grid", "dense_shape", "descriptors", "several"]

#: Side of a spatial bin, divided by the standard deviation of the Gaussian that smooths the image (Lowe's and
#: VLFeat's magnification).
MAGNIFICATION = 3.0
#: The image is halved only while at least this smoothing remains, in pixels of the halved image. OpenCV
#: rounds points to those pixels: with 3.2 the error is at most a twentieth of a bin.
MIN_SIGMA = 3.2
#: The blur that OpenCV assumes in its input; the result cannot be less smooth.
INPUT_SIGMA = 0.5
#: Below this radius the bins would be finer than the input's own blur.
MIN_RADIUS = 4.0
#: Spatial bins along an axis, directions, and Lowe's cap on the entries of a normalised descriptor.
BINS, DIRECTIONS, CAP = 4, 8, 0.2
#: Dense descriptors of a row or column that are summed by one matrix product.
GROUP = 8


def descriptors(
    image: np.ndarray, points: np.ndarray, *, radius: float, magnification: float = MAGNIFICATION
) -> np.ndarray:
    """Describe `image` around each of `points` by 4 x 4 histograms of 8 gradient directions, upright.

    Parameters
    ----------
    image : array (H, W, 3) uint8 RGB, or (H, W) uint8 grey
    points : array (..., 2)
        ``(x, y)`` in pixels. OpenCV rounds them to whole pixels up to radius 38, and to a twentieth of a bin
        beyond.
    radius : float
        Half the side of the 4 x 4 bins, in pixels; a bin is ``radius / 2`` wide. The image is smoothed as
        SIFT's scale space would be for that bin width (``sigma = radius / 6``), so that large radii do not
        alias.
    magnification : float
        Width of a bin divided by sigma: 3 in Lowe's and VLFeat's SIFT, 6 in VLFeat's PHOW. Larger values
        collect finer gradients in large bins.

    Returns
    -------
    array (..., 128) float32
        4 rows of 4 bins, from the top left, with 8 directions each, counter-clockwise from +x. The norm is
        512 up to rounding to integers and the cap at 255; 0 where the image is flat. Pixels outside the image
        contribute nothing.

    Raises
    ------
    ValueError
        If the image is not uint8, a point is not finite, the radius is below 4, or the magnification implies
        less smoothing than the input's own (half a pixel).

    Notes
    -----
    OpenCV computes them. Its bins are 1.5 keypoint sizes wide, and its pyramid starts from an image smoothed
    by `sigma` and halves it after each doubling of sigma. A keypoint of size ``radius / 3`` in octave ``o``
    of a pyramid with ``sigma = radius / 6 / 2**o`` has just the bins and the smoothing described above.
    """
    return several(image, points, [(radius, magnification)])[0]


def several(image: np.ndarray, points: np.ndarray, kinds: Sequence[tuple[float, float]]) -> np.ndarray:
    """`descriptors` for several pairs ``(radius, magnification)``: ``(kinds, ..., 128)`` float32.

    Equal results in a third of the time: kinds whose sigmas differ by powers of two share a pyramid.
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
        keypoints = [
            cv2.KeyPoint(x, y, radius / 3, 0.0, 0.0, halvings)  # size; angle 0: upright
            for _, radius, halvings in members
            for x, y in flat
        ]
        _, computed = cv2.SIFT_create(sigma=sigma, enable_precise_upscale=True).compute(image, keypoints)
        rows = [row for row, _, _ in members]
        result[rows] = computed.reshape(len(members), *result.shape[1:])
    return result


def dense_grid(bin_size: int = 8, stride: int = 8) -> ReceptiveField:
    """Support, stride and first centre of dense descriptors: those whose bin centres are all in the image."""
    return ReceptiveField(size=BINS * bin_size, stride=stride, center=(BINS - 1) / 2 * bin_size)


def dense_shape(image: tuple[int, int], *, bin_size: int = 8, stride: int = 8) -> tuple[int, int]:
    """Rows and columns of dense descriptors of an image of shape ``(H, W)``."""
    rows, cols = ((side - 1 - (BINS - 1) * bin_size) // stride + 1 for side in image)
    return rows, cols


def dense(image: np.ndarray, *, bin_size: int = 8, stride: int = 8) -> np.ndarray:
    """Describe `image` at all points of `dense_grid`.

    Parameters
    ----------
    image : array (H, W, 3) uint8 RGB
    bin_size : int
        Side of a spatial bin in pixels; half the radius of `descriptors`.
    stride : int
        Pixels between descriptors.

    Returns
    -------
    array (h, w, 128) uint8
        As `descriptors`, up to rounding; the first is centred at ``dense_grid(bin_size, stride).center`` on
        both axes.

    Raises
    ------
    ValueError
        If the image is not uint8 RGB, or smaller than three bins.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"dense: expected an image (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if min(image.shape[:2]) <= (BINS - 1) * bin_size or bin_size < 2 or stride < 1:
        raise ValueError(
            f"dense: bins of {bin_size} pixels every {stride} do not fit an image of {image.shape[:2]}"
        )
    sigma = np.sqrt((bin_size / MAGNIFICATION) ** 2 - INPUT_SIGMA**2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)
    right, up = np.zeros_like(grey), np.zeros_like(grey)
    right[1:-1, 1:-1] = grey[1:-1, 2:] - grey[1:-1, :-2]
    up[1:-1, 1:-1] = grey[:-2, 1:-1] - grey[2:, 1:-1]
    magnitude, angle = cv2.cartToPolar(right, up)
    angle *= DIRECTIONS / (2 * np.pi)
    by_row, by_col = (_bin_weights(side, bin_size, stride) for side in grey.shape)
    rows, cols = dense_shape(grey.shape, bin_size=bin_size, stride=stride)
    result = np.empty((rows, cols, BINS, BINS, DIRECTIONS), np.float32)
    for direction, gradients in enumerate(_split_by_direction(magnitude, angle)):
        for columns, left, w in by_col:
            part = gradients[:, left : left + w.shape[2]] @ w.reshape(-1, w.shape[2]).T
            for lines, top, v in by_row:
                bins = v.reshape(-1, v.shape[2]) @ part[top : top + v.shape[2]]
                bins = bins.reshape(BINS, v.shape[1], BINS, w.shape[1])
                result[lines, columns, ..., direction] = bins.transpose(1, 3, 0, 2)
    result = result.reshape(rows, cols, -1)
    norm = np.linalg.norm(result, axis=-1, keepdims=True)
    np.minimum(result, CAP * norm, out=result)
    result *= 512 / np.maximum(np.linalg.norm(result, axis=-1, keepdims=True), 1e-6)
    return np.minimum(np.rint(result), 255).astype(np.uint8)


def _smoothing(radius: float, magnification: float, side: int) -> tuple[float, int]:
    """Sigma of a pyramid's first image, and the number of halvings after which it is the sigma asked for."""
    if not (np.isfinite(radius) and radius >= MIN_RADIUS):
        raise ValueError(f"descriptors: radius must be at least {MIN_RADIUS:g} pixels, got {radius!r}")
    if not (magnification > 0 and radius / 2 / magnification >= INPUT_SIGMA):
        raise ValueError(
            f"descriptors: the magnification must be above 0 and, for radius {radius:g}, at most"
            f" {radius / 2 / INPUT_SIGMA:g}, got {magnification!r}"
        )
    sigma = radius / 2 / magnification
    halvings = max(0, int(np.log2(sigma / MIN_SIGMA)))
    halvings = min(halvings, max(0, int(np.log2(side / 8))))  # a pyramid ends at 8 pixels
    return sigma / 2**halvings, halvings


def _grey(image: np.ndarray) -> np.ndarray:
    valid = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not valid or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"descriptors: expected an image (H, W, 3) or (H, W) uint8, got {image.shape} {image.dtype}"
        )
    return np.ascontiguousarray(image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


@njit(cache=True, nogil=True)
def _split_by_direction(magnitude, angle):
    """Distribute each gradient between the two nearest directions; `angle` is in units of a direction."""
    height, width = magnitude.shape
    result = np.zeros((DIRECTIONS, height, width), np.float32)
    for row in range(height):
        for col in range(width):
            first = int(angle[row, col])
            part = angle[row, col] - first
            result[first % DIRECTIONS, row, col] = magnitude[row, col] * (1 - part)
            result[(first + 1) % DIRECTIONS, row, col] = magnitude[row, col] * part
    return result


def _bin_weights(side: int, bin_size: int, stride: int) -> list[tuple[slice, int, np.ndarray]]:
    """Weight of each pixel of an axis in each bin of each descriptor, for groups of descriptors.

    Of each group: its descriptors, the first pixel with a weight, and the weights (BINS, n, pixels) from
    there on.
    """
    last = side - 1 - (BINS - 1) * bin_size
    centers = np.arange(0, last + 1, stride) + (BINS - 1) / 2 * bin_size
    offset = (np.arange(side) - centers[:, None]) / bin_size
    window = np.exp(-(offset**2) / (2 * (BINS / 2) ** 2))
    weights = [window * np.maximum(0, 1 - np.abs(offset - b + (BINS - 1) / 2)) for b in range(BINS)]
    weights, groups = np.array(weights, np.float32), []
    for first in range(0, len(centers), GROUP):
        part = weights[:, first : first + GROUP]
        used = np.flatnonzero(part.any(axis=(0, 1)))
        near = np.ascontiguousarray(part[..., used[0] : used[-1] + 1])
        groups.append((slice(first, first + part.shape[1]), int(used[0]), near))
    return groups
