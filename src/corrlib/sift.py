"""Upright SIFT descriptors, at given points or on a dense regular grid (paper, sections 3 to 5).

As in VLFeat's dense SIFT, the image is smoothed once and its gradients of each direction are summed into
bins, whose weights are separable: two matrix products give the bins of all descriptors.
"""

from collections.abc import Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit

from corrlib.geometry import ReceptiveField

#: Smoothing of the scale space of Lowe's SIFT, in bins: the inverse of his and VLFeat's magnification.
SCALE_SPACE = 1 / 3
#: The blur that is assumed in the input; the result cannot be less smooth.
INPUT_SIGMA = 0.5
#: Smaller bins would be finer than the input's own blur.
MIN_BIN = 2.0
#: Spatial bins along an axis, directions, and Lowe's cap on the entries of a normalised descriptor.
BINS, DIRECTIONS, CAP = 4, 8, 0.2
#: An image whose longer side is below this many standard deviations is blurred by two matrix products, which
#: are faster than filters with kernels that long.
LONG = 20
#: Dense descriptors of a row or column that are summed by one matrix product.
GROUP = 8


class Sift(NamedTuple):
    """A kind of descriptor: the paper's radius, which is the side of a bin in pixels, and the smoothing.

    Its label is its ``str``: ``SIFT 20``, or ``SIFT 20, smoothed`` if it is smoothed at all.
    """

    radius: float
    smoothing: float = 0.0

    def __str__(self) -> str:
        return f"SIFT {self.radius:g}" + ", smoothed" * (self.smoothing > 0)


def descriptors(
    image: np.ndarray, points: np.ndarray, *, bin_size: float, smoothing: float = 0.0
) -> np.ndarray:
    """Describe `image` around each of `points` by 4 x 4 histograms of 8 gradient directions, upright.

    Parameters
    ----------
    image : array (H, W, 3) uint8 RGB, or (H, W) uint8 grey
    points : array (..., 2)
        ``(x, y)`` in pixels.
    bin_size : float
        Side of one of the 4 x 4 bins, in pixels (the ``size`` of VLFeat's dense SIFT).
    smoothing : float
        Standard deviation of the Gaussian that smooths the image beforehand, in bins. 0 means no smoothing,
        the default of VLFeat's dense SIFT, and collects fine gradients in large bins. `SCALE_SPACE` is the
        smoothing of Lowe's SIFT, which avoids aliasing in large bins.

    Returns
    -------
    array (..., 128) float32
        4 rows of 4 bins, from the top left, with 8 directions each, counter-clockwise from +x. The norm is
        512 up to rounding to integers and the cap at 255; 0 where the image is flat. Pixels outside the image
        contribute nothing.

    Raises
    ------
    ValueError
        If the image is not uint8, a point is not finite, a bin is below 2 pixels, or the smoothing negative.
    """
    return several(image, points, [(bin_size, smoothing)])[0]


def several(image: np.ndarray, points: np.ndarray, kinds: Sequence[tuple[float, float]]) -> np.ndarray:
    """`descriptors` for several pairs ``(bin_size, smoothing)``: ``(kinds, ..., 128)`` float32."""
    grey = _grey(image)
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"descriptors: expected points (..., 2) as (x, y), got an array of {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(
            "descriptors: points hold NaN or infinity (a missing keypoint?); keep the finite rows only"
        )
    (xs, of_x), (ys, of_y) = (np.unique(c, return_inverse=True) for c in points.reshape(-1, 2).T)
    grid = len(xs) * len(ys) <= len(of_x)
    gradients_of = cache(partial(_gradients, grey))  # kinds of equal smoothing in pixels share them
    result = np.empty((len(kinds), *points.shape[:-1], 128), dtype=np.float32)
    for described, (bin_size, smoothing) in zip(result, kinds, strict=True):
        if not MIN_BIN <= bin_size < np.inf:
            raise ValueError(f"descriptors: a bin has at least {MIN_BIN:g} pixels, got {bin_size!r}")
        if not 0 <= smoothing < np.inf:
            raise ValueError(f"descriptors: the smoothing must be 0 or more bins, got {smoothing!r}")
        (lines, rows), (columns, cols) = (
            _near(_weights(c, side, bin_size)) for c, side in zip((ys, xs), grey.shape, strict=True)
        )
        gradients = gradients_of(smoothing * bin_size)[:, lines, columns]
        part = rows.reshape(-1, rows.shape[2]) @ gradients
        if grid:  # of all rows and columns
            bins = part @ cols.reshape(-1, cols.shape[2]).T
            bins = bins.reshape(DIRECTIONS, len(ys), BINS, len(xs), BINS)[:, of_y, :, of_x]
        else:
            part = part.reshape(DIRECTIONS, len(ys), BINS, cols.shape[2])
            bins = (part[:, of_y] @ cols.swapaxes(1, 2)[of_x]).swapaxes(0, 1)
        described.reshape(-1, 128)[:] = _normalised(np.moveaxis(bins, 1, 3).reshape(len(of_x), 128))
    return result


def dense_grid(bin_size: int = 8, stride: int = 8) -> ReceptiveField:
    """Support, stride and first centre of dense descriptors: those whose bin centres are all in the image."""
    return ReceptiveField(size=BINS * bin_size, stride=stride, center=(BINS - 1) / 2 * bin_size)


def dense_shape(image: tuple[int, int], *, bin_size: int = 8, stride: int = 8) -> tuple[int, int]:
    """Rows and columns of dense descriptors of an image of shape ``(H, W)``."""
    rows, cols = ((side - 1 - (BINS - 1) * bin_size) // stride + 1 for side in image)
    return rows, cols


def dense(image: np.ndarray, *, bin_size: int = 8, stride: int = 8, smoothing: float = 0.0) -> np.ndarray:
    """Describe `image` at all points of `dense_grid`.

    Parameters
    ----------
    image : array (H, W, 3) uint8 RGB
    bin_size : int
        Side of a spatial bin in pixels.
    stride : int
        Pixels between descriptors.
    smoothing : float
        As in `descriptors`.

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
    grey = _grey(image)
    by_row, by_col = (_bin_weights(side, bin_size, stride) for side in grey.shape)
    rows, cols = dense_shape(grey.shape, bin_size=bin_size, stride=stride)
    gradients = _gradients(grey, smoothing * bin_size)
    parts = np.empty((*gradients.shape[:2], BINS, cols), np.float32)
    for columns, near, w in by_col:
        part = gradients[:, :, near] @ w.reshape(-1, w.shape[2]).T
        parts[..., columns] = part.reshape(*parts.shape[:3], -1)
    bins = np.empty((DIRECTIONS, BINS, rows, BINS, cols), np.float32)
    for lines, near, v in by_row:
        part = parts[:, near].reshape(DIRECTIONS, v.shape[2], -1)
        bins[:, :, lines] = (v.reshape(-1, v.shape[2]) @ part).reshape(DIRECTIONS, BINS, -1, BINS, cols)
    return _normalised(bins.transpose(2, 4, 1, 3, 0).reshape(rows, cols, -1)).astype(np.uint8)


def _grey(image: np.ndarray) -> np.ndarray:
    valid = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if not valid or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"descriptors: expected an image (H, W, 3) or (H, W) uint8, got {image.shape} {image.dtype}"
        )
    return (image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)).astype(np.float32)


def _gradients(grey: np.ndarray, sigma: float) -> np.ndarray:
    """Gradients of an image smoothed to `sigma`, by direction: ``(8, H, W)`` magnitudes."""
    if sigma > INPUT_SIGMA:
        beyond = float(np.sqrt(sigma**2 - INPUT_SIGMA**2))
        if LONG * beyond > max(grey.shape):
            rows, cols = (_blur(side, beyond) for side in grey.shape)
            grey = (rows @ grey @ cols.T).astype(np.float32)
        else:
            grey = cv2.GaussianBlur(grey, (0, 0), beyond, borderType=cv2.BORDER_REFLECT_101)
    right, up = np.zeros_like(grey), np.zeros_like(grey)
    right[1:-1, 1:-1] = grey[1:-1, 2:] - grey[1:-1, :-2]
    up[1:-1, 1:-1] = grey[:-2, 1:-1] - grey[2:, 1:-1]
    magnitude, angle = cv2.cartToPolar(right, up)
    return _split_by_direction(magnitude, angle * np.float32(DIRECTIONS / (2 * np.pi)))


@lru_cache(maxsize=16)
def _blur(side: int, sigma: float) -> np.ndarray:
    """`cv2.GaussianBlur` along an axis as a matrix: its results for the columns of the identity.

    In double precision, which leaves flat regions flat.
    """
    kernel = cv2.getGaussianKernel(round(8 * sigma + 1) | 1, sigma)
    return cv2.sepFilter2D(np.eye(side), -1, np.ones(1), kernel, borderType=cv2.BORDER_REFLECT_101)


def _normalised(bins: np.ndarray) -> np.ndarray:
    """Descriptors ``(..., 128)`` of norm 512, capped and rounded as Lowe's and VLFeat's are."""
    norm = np.linalg.norm(bins, axis=-1, keepdims=True)
    bins = np.minimum(bins, CAP * norm)
    bins *= 512 / np.maximum(np.linalg.norm(bins, axis=-1, keepdims=True), 1e-6)
    return np.minimum(np.rint(bins, out=bins), 255, out=bins)


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


@lru_cache(maxsize=8)
def _bin_weights(side: int, bin_size: int, stride: int) -> list[tuple[slice, slice, np.ndarray]]:
    """Weight of each pixel of an axis in each bin of each descriptor, for groups of descriptors.

    Of each group: its descriptors, the pixels near them, and the weights ``(BINS, n, pixels)`` of these.
    """
    last = side - 1 - (BINS - 1) * bin_size
    centers = np.arange(0, last + 1, stride) + (BINS - 1) / 2 * bin_size
    weights, groups = _weights(centers, side, bin_size).swapaxes(0, 1), []
    for first in range(0, len(centers), GROUP):
        part = weights[:, first : first + GROUP]
        groups.append((slice(first, first + part.shape[1]), *_near(part)))
    return groups


def _near(weights: np.ndarray) -> tuple[slice, np.ndarray]:
    """The range of pixels outside of which all `weights` ``(a, b, side)`` are zero, and the weights in it."""
    used = np.flatnonzero(weights.any(axis=(0, 1)))
    pixels = slice(used[0], used[-1] + 1) if len(used) else slice(1)  # an empty array has no shape to infer
    return pixels, np.ascontiguousarray(weights[..., pixels])


def _weights(centers: np.ndarray, side: int, bin_size: float) -> np.ndarray:
    """Weights ``(n, 4, side)`` of the pixels of an axis in the bins of descriptors with these centres.

    A bin is a triangle, and a Gaussian of two bins gives less weight to what is far from the centre.
    """
    offset = (np.arange(side) - centers[:, None, None]) / bin_size
    window = np.exp(-(offset**2) / (2 * (BINS / 2) ** 2))
    triangles = 1 - np.abs(offset - np.arange(BINS)[:, None] + (BINS - 1) / 2)
    return (window * np.maximum(0, triangles)).astype(np.float32)
