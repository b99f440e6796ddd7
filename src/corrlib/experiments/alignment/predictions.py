"""From the keypoints of aligned neighbours to predictions, and from predictions to errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corrlib.data import Instance, crops


def first_median(points: np.ndarray, order: np.ndarray, *, top: int = 5) -> np.ndarray:
    """Predict each keypoint: the median of the first neighbours that show it (paper, section 3).

    Coordinate by coordinate.

    Parameters
    ----------
    points
        ``(N, k, K, 2)`` keypoints that `k` neighbours transfer to each of N instances; NaN where a neighbour
        does not show the keypoint.
    order
        ``(N, k)`` numbers by which the neighbours are ordered, ascending; equal ones keep their places.
    top
        How many count.

    Returns
    -------
    array (N, K, 2) float64
        NaN where no neighbour shows the keypoint.
    """
    if points.ndim != 4 or points.shape[3] != 2 or order.shape != points.shape[:2]:
        raise ValueError(f"expected points (N, k, K, 2), order (N, k), got {points.shape} and {order.shape}")
    if top < 1:
        raise ValueError(f"top must be at least 1, got {top}")
    rank = np.argsort(order, axis=1, kind="stable")
    points = np.take_along_axis(np.asarray(points, np.float64), rank[:, :, None, None], axis=1)
    shown = np.isfinite(points).all(axis=3)
    used = shown & (shown.cumsum(axis=1) <= top)
    values = np.sort(np.where(used[..., None], points, np.inf), axis=1)
    count = used.sum(axis=1)[:, None, :, None]
    middle = (np.take_along_axis(values, np.maximum(count + odd - 2, 0) // 2, axis=1) for odd in (1, 2))
    median = (next(middle) + next(middle))[:, 0] / 2
    return np.where(np.isfinite(median), median, np.nan)


def oracle_order(points: np.ndarray, objects: Sequence[Instance], size: int) -> np.ndarray:
    """Order ``(N, k)`` of who knows the truth: the mean error of the keypoints that a neighbour transfers."""
    errors = np.stack([crops.errors(points[:, j], objects, size) for j in range(points.shape[1])], axis=1)
    scored = np.isfinite(errors)
    count = scored.sum(axis=2)
    total = np.where(scored, errors, 0).sum(axis=2)
    return np.divide(total, count, out=np.full(count.shape, np.inf), where=count > 0)
