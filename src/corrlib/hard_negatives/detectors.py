"""Linear detectors, their responses to all windows, and weighted sums of windows."""

from dataclasses import dataclass

import numpy as np
from numba import njit

#: Bytes of maps processed together, as float32: few enough to stay in the processor's cache.
CHUNK = 2**22


@dataclass(frozen=True, eq=False)
class Detectors:
    """One linear SVM for each of K keypoints, and how its training ended.

    Attributes
    ----------
    weights : array (K, context, context, C) float32
        For unscaled features; NaN for a keypoint without positives.
    bias : array (K,) float32
    rounds : array (K,)
        Rounds of mining: passes over all windows.
    duality_gap : array (K,)
        Over all samples, as a fraction of the objective: at most how far the objective is above its minimum.
        Exceeds the tolerance only if the maximum number of rounds was reached.
    support_vectors : array (K,)
        Number of samples inside the margin.
    curvature : array (D, D) float32
        Second moments of the windows, as estimated by the solver; reused by training that starts from here.
    """

    weights: np.ndarray
    bias: np.ndarray
    rounds: np.ndarray
    duality_gap: np.ndarray
    support_vectors: np.ndarray
    curvature: np.ndarray


def responses(maps: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Apply detectors around every cell of `maps` ``(N, H, W, C)``: ``(N, K, H, W)`` float32.

    There are K, of `weights` ``(K, context, context, C)`` and `bias` ``(K,)``.
    """
    maps, weights = np.asarray(maps), np.asarray(weights, dtype=np.float32)
    if maps.ndim != 4 or weights.ndim != 4 or maps.shape[3] != weights.shape[3]:
        raise ValueError(
            f"expected maps (N, H, W, C) and weights (K, s, s, C), got {maps.shape} and {weights.shape}"
        )
    count, height, width, channels = maps.shape
    context, bias = weights.shape[1], np.asarray(bias, dtype=np.float32)
    kernels = np.ascontiguousarray(weights.transpose(1, 2, 0, 3)).reshape(-1, channels)
    result = np.empty((count, len(weights), height, width), dtype=np.float32)
    step = _step(maps)
    for first in range(0, count, step):
        cells = maps[first : first + step].reshape(-1, channels).astype(np.float32, copy=False)
        parts = (cells @ kernels.T).reshape(-1, height, width, context, context, len(weights))
        _add_parts(parts, bias, result[first : first + step])
    return result


@njit(cache=True, nogil=True)
def _add_parts(parts, bias, out):
    """out[n, k, y, x] = bias[k] + the sum of parts[n, y + row - half, x + col - half, row, col, k]."""
    count, height, width, context, _, types = parts.shape
    half, total = context // 2, np.empty((width, types), np.float32)
    for n in range(count):
        for y in range(height):
            total[:] = 0
            for row in range(max(half - y, 0), min(height + half - y, context)):
                for col in range(context):
                    for x in range(max(half - col, 0), min(width + half - col, width)):
                        for k in range(types):
                            total[x, k] += parts[n, y + row - half, x + col - half, row, col, k]
            for k in range(types):
                out[n, k, y] = total[:, k] + bias[k]


def weighted_sum(maps: np.ndarray, sample_weights: np.ndarray, context: int) -> np.ndarray:
    """Sum the windows of `maps` ``(N, H, W, C)``, each times its weight: the transpose of `responses`.

    `sample_weights` are ``(N, K, H, W)`` float32, and the sums ``(K, context, context, C)`` float32.
    """
    half, (height, width, channels) = context // 2, maps.shape[1:]
    total = np.zeros((context**2 * sample_weights.shape[1], channels), dtype=np.float32)
    step = _step(maps)
    for first in range(0, len(maps), step):
        cells = maps[first : first + step].reshape(-1, channels).astype(np.float32, copy=False)
        padded = sample_weights[first : first + step].swapaxes(0, 1)
        padded = np.pad(padded, ((0, 0), (0, 0), (half, half), (half, half)))
        shifted = np.empty((context, context, *padded.shape[:2], height, width), dtype=np.float32)
        for row, col in np.ndindex(context, context):
            top, left = 2 * half - row, 2 * half - col
            shifted[row, col] = padded[..., top : top + height, left : left + width]
        total += shifted.reshape(len(total), -1) @ cells
    return total.reshape(context, context, -1, channels).transpose(2, 0, 1, 3)


def _step(maps: np.ndarray) -> int:
    """Number of maps processed together."""
    return max(1, CHUNK // (4 * int(np.prod(maps.shape[1:]))))
