"""Linear detectors, and what they say of every window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
        ``(K,)`` rounds of mining.
    left
        ``(K,)`` hard negatives that the last round still found: 0 unless the rounds ran out.
    gap
        ``(K,)`` the duality gap over *all* examples, as a share of the objective: how far above its minimum
        the objective is, at most.
    rows, alphas
        For each keypoint the support vectors: cells, counted through all maps, and their dual variables.
    """

    weights: np.ndarray
    bias: np.ndarray
    rounds: np.ndarray
    left: np.ndarray
    gap: np.ndarray
    rows: tuple[np.ndarray, ...]
    alphas: tuple[np.ndarray, ...]


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
    kernels = weights.transpose(1, 2, 0, 3).reshape(-1, channels).T
    parts = maps.reshape(-1, channels).astype(np.float32, copy=False) @ kernels
    parts = parts.reshape(count, height, width, context, context, len(weights))
    total = np.zeros((count, height + 2 * half, width + 2 * half, len(weights)), dtype=np.float32)
    for row in range(context):
        for col in range(context):
            top, left = 2 * half - row, 2 * half - col
            total[:, top : top + height, left : left + width] += parts[:, :, :, row, col]
    total = total[:, half : half + height, half : half + width] + np.asarray(bias, dtype=np.float32)
    return total.transpose(0, 3, 1, 2)
