"""The descriptors of `corrlib.sift` on a whole regular grid: several times faster than one by one.

As VLFeat's dense SIFT does it: neighbouring descriptors share their gradients, so each direction's gradients
are summed into the bins of all of them at once, by one matrix product for the columns and one for the rows.
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from corrlib.geometry import ReceptiveField
from corrlib.sift import MAGNIFICATION

__all__ = ["descriptors", "grid", "shape"]

#: Spatial bins along an axis, directions, and Lowe's cap on a normalised descriptor.
BINS, DIRECTIONS, CAP = 4, 8, 0.2
#: Descriptors of a row or column that are summed by one matrix product.
GROUP = 8


def grid(bin_size: int = 8, stride: int = 8) -> ReceptiveField:
    """Where dense SIFT looks: from the first descriptor whose bins all have their centres in the image."""
    return ReceptiveField(size=BINS * bin_size, stride=stride, center=(BINS - 1) / 2 * bin_size)


def shape(image: tuple[int, int], *, bin_size: int = 8, stride: int = 8) -> tuple[int, int]:
    """Rows and columns of descriptors of an image of shape ``(H, W)``."""
    rows, cols = ((side - 1 - (BINS - 1) * bin_size) // stride + 1 for side in image)
    return rows, cols


def descriptors(image: np.ndarray, *, bin_size: int = 8, stride: int = 8) -> np.ndarray:
    """Describe `image` at every place of `grid` whose bins have their centres in the image.

    Parameters
    ----------
    image
        ``(H, W, 3)`` uint8 RGB.
    bin_size
        Side of a spatial bin, in pixels; the radius of `corrlib.sift.descriptors` is twice that.
    stride
        Pixels between descriptors.

    Returns
    -------
    array (h, w, 128) uint8
        As `corrlib.sift.descriptors` has them, whose compiled loops round a little differently; the first is
        at ``grid(bin_size, stride).center`` on both axes.

    Raises
    ------
    ValueError
        If the image is no uint8 image or smaller than three bins.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"descriptors: expected an image (H, W, 3) uint8, got {image.shape} {image.dtype}")
    if min(image.shape[:2]) <= (BINS - 1) * bin_size or bin_size < 2 or stride < 1:
        raise ValueError(
            f"descriptors: bins of {bin_size} pixels every {stride} do not fit an image of {image.shape[:2]}"
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
    rows, cols = shape(grey.shape, bin_size=bin_size, stride=stride)
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
