"""Linear detectors, what they say of every window, and what windows say of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Maps that are looked at together: small enough for a processor's cache.
CHUNK = 4


@dataclass(frozen=True, eq=False)
class Detectors:
    """One linear SVM for each of K keypoints, and how its training ended.

    Attributes
    ----------
    weights
        ``(K, context, context, C)`` float32, for the features as they are; NaN without a positive.
    bias
        ``(K,)`` float32.
    rounds
        ``(K,)`` rounds of mining: passes over all windows.
    gap
        ``(K,)`` the duality gap over all examples, as a share of the objective: how far above its minimum the
        objective is, at most. Above the tolerance only where the rounds ran out.
    hard
        ``(K,)`` examples inside the margin at the end: the support vectors.
    curvature
        What the solver knows of the windows: ``(D, D)`` float32. Training that starts from here does as well.
    """

    weights: np.ndarray
    bias: np.ndarray
    rounds: np.ndarray
    gap: np.ndarray
    hard: np.ndarray
    curvature: np.ndarray


def responses(maps: np.ndarray, weights: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Apply K detectors around every cell of `maps`.

    Parameters
    ----------
    maps
        ``(N, H, W, C)``.
    weights, bias
        ``(K, context, context, C)`` and ``(K,)``.

    Returns
    -------
    array (N, K, H, W) float32
    """
    maps, weights = np.asarray(maps), np.asarray(weights, dtype=np.float32)
    if maps.ndim != 4 or weights.ndim != 4 or maps.shape[3] != weights.shape[3]:
        raise ValueError(
            f"expected maps (N, H, W, C) and weights (K, s, s, C), got {maps.shape}, {weights.shape}"
        )
    count, height, width, channels = maps.shape
    context, half = weights.shape[1], weights.shape[1] // 2
    kernels = np.ascontiguousarray(weights.transpose(1, 2, 0, 3)).reshape(-1, channels)
    found = np.empty((count, len(weights), height, width), dtype=np.float32)
    for first in range(0, count, CHUNK):
        some = maps[first : first + CHUNK].reshape(-1, channels).astype(np.float32, copy=False)
        parts = (kernels @ some.T).reshape(context, context, len(weights), -1, height, width)
        total = np.zeros((*parts.shape[2:4], height + 2 * half, width + 2 * half), dtype=np.float32)
        for row, col in np.ndindex(context, context):
            top, left = 2 * half - row, 2 * half - col
            total[..., top : top + height, left : left + width] += parts[row, col]
        total = total[..., half : half + height, half : half + width].swapaxes(0, 1)
        found[first : first + CHUNK] = total + np.asarray(bias, dtype=np.float32)[:, None, None]
    return found


def weighted_sum(maps: np.ndarray, shares: np.ndarray, context: int) -> np.ndarray:
    """Sum the windows of `maps`, each times its share: what `responses` is the transpose of.

    Parameters
    ----------
    maps
        ``(N, H, W, C)``.
    shares
        ``(N, K, H, W)`` float32.

    Returns
    -------
    array (K, context, context, C) float32
    """
    half, (height, width, channels) = context // 2, maps.shape[1:]
    total = np.zeros((context**2 * shares.shape[1], channels), dtype=np.float32)
    for first in range(0, len(maps), CHUNK):
        some = maps[first : first + CHUNK].reshape(-1, channels).astype(np.float32, copy=False)
        own = shares[first : first + CHUNK].swapaxes(0, 1)
        own = np.pad(own, ((0, 0), (0, 0), (half, half), (half, half)))
        moved = np.empty((context, context, *own.shape[:2], height, width), dtype=np.float32)
        for row, col in np.ndindex(context, context):
            top, left = 2 * half - row, 2 * half - col
            moved[row, col] = own[..., top : top + height, left : left + width]
        total += moved.reshape(len(total), -1) @ some
    return total.reshape(context, context, -1, channels).transpose(2, 0, 1, 3)
