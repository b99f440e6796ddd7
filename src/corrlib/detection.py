"""Sliding window detectors of keypoints: what they learn from, their prior, where they point (section 5).

Everything is on the grid of a `ReceptiveField`: of windows of `conv5`, say, or of SIFT descriptors. Keypoints
are ``(x, y)`` in the square that the grid covers; NaN where invisible.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit

from corrlib.geometry import ReceptiveField

__all__ = ["combine", "fit_logistic", "labels_by_distance", "labels_by_field", "log_prior", "log_probability"]
__all__ += ["nearest_location", "peak", "windows"]


def windows(field: ReceptiveField, context: int) -> ReceptiveField:
    """Where windows of `context` x `context` units look, one around every unit of a layer.

    The paper joins 3 x 3 units of `conv5`: windows of 195 pixels, still 16 apart.
    """
    if context < 1 or context % 2 == 0:
        raise ValueError(f"context must be an odd number of units, so that a window has a middle: {context}")
    return field.then(context, 1, context // 2)


def labels_by_field(
    keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int], *, count: int = 10
) -> np.ndarray:
    """The paper's examples for convnet features.

    Positive are the `count` features closest to a keypoint, negative those whose receptive fields do not
    contain it. A feature that is both (of a keypoint far outside of the box) is negative: it cannot see it.

    Parameters
    ----------
    keypoints
        ``(N, K, 2)``.
    field, shape
        The grid, ``(H, W)``.
    count
        Positives of each keypoint.

    Returns
    -------
    array (K, N, H, W) int8
        1, -1, or 0: neither. An invisible keypoint gives neither: it may still be in the picture, behind
        something, and nobody knows where.
    """
    keypoints = _keypoints(keypoints)
    if not 1 <= count <= shape[0] * shape[1]:
        raise ValueError(f"count is {count}, but the grid has {shape[0] * shape[1]} features")
    labels = np.zeros((keypoints.shape[1], len(keypoints), *shape), dtype=np.int8)
    for (n, k), distance in _distances(keypoints, field, shape):
        label = labels[k, n]
        label.ravel()[np.argsort(distance, axis=None, kind="stable")[:count]] = 1
        label[~field.contains(keypoints[n, k], shape)] = -1
    return labels


def labels_by_distance(
    keypoints: np.ndarray,
    field: ReceptiveField,
    shape: tuple[int, int],
    *,
    near: float = 16.0,
    far: float = 32.0,
) -> np.ndarray:
    """The paper's examples for SIFT: positive up to `near` pixels from a keypoint, negative from `far` on.

    Twice and four times the bin size of 8 pixels. Otherwise as `labels_by_field`.
    """
    keypoints = _keypoints(keypoints)
    if not 0 <= near < far:
        raise ValueError(f"expected distances 0 <= near < far, got {near} and {far}")
    labels = np.zeros((keypoints.shape[1], len(keypoints), *shape), dtype=np.int8)
    for (n, k), distance in _distances(keypoints, field, shape):
        labels[k, n] = np.where(distance <= near, 1, np.where(distance >= far, -1, 0))
    return labels


def fit_logistic(scores: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
    """Fit the probability ``1 / (1 + exp(-(slope * score + offset)))`` that an example is positive.

    Parameters
    ----------
    scores, positive
        ``(n,)`` of examples that the detector was not trained on.

    Returns
    -------
    slope, offset
        The most likely, by Newton's method. Targets are a little inside of 0 and 1 (Platt, 1999), so that
        there is a finite best even where the two kinds do not overlap.

    Raises
    ------
    ValueError
        If one of the kinds is missing, or a score is not finite.
    """
    scores, positive = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    ones = int(positive.sum())
    if scores.shape != positive.shape or scores.ndim != 1 or not 0 < ones < len(scores):
        raise ValueError(
            f"expected scores (n,) of positive and of negative examples, got {scores.shape}, {ones} positive"
        )
    if not np.isfinite(scores).all():
        raise ValueError("a logistic is fitted to finite scores, but some are NaN or infinite")
    centre, spread = scores.mean(), scores.std() or 1.0
    x = np.stack([(scores - centre) / spread, np.ones(len(scores))])
    target = np.where(positive, (ones + 1) / (ones + 2), 1 / (len(scores) - ones + 2))

    def loss(line: np.ndarray) -> float:
        at = line @ x
        return float((1 - target) @ at - log_expit(at).sum())  # log(1 - p) is log(p) - at

    line = np.array([0.0, np.log((ones + 1) / (len(scores) - ones + 1))])
    best = loss(line)
    for _ in range(100):
        probability = expit(line @ x)
        gradient = x @ (probability - target)
        hessian = (x * (probability * (1 - probability))) @ x.T + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while (value := loss(line - step)) > best and np.abs(step).max() > 1e-12:
            step /= 2
        if value > best or np.abs(step).max() < 1e-7:
            break
        line, best = line - step, value
    return float(line[0] / spread), float(line[1] - line[0] * centre / spread)


def log_probability(scores: np.ndarray, slope: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Logarithm of the probability that `fit_logistic` gives to `scores` ``(N, K, H, W)``.

    Finite however small it is. `slope` and `offset` are ``(K,)``.
    """
    slope, offset = (np.asarray(a, dtype=np.float64)[:, None, None] for a in (slope, offset))
    return log_expit(slope * scores + offset)


def log_prior(
    means: np.ndarray, field: ReceptiveField, shape: tuple[int, int], *, sigma: float = 22.0
) -> np.ndarray:
    """Logarithm of a spherical Gaussian around each of `means`, but for a constant.

    Parameters
    ----------
    means
        ``(N, K, 2)``: where a neighbour has the keypoint. NaN: none has, all places are equal.
    sigma
        Its standard deviation in pixels.

    Returns
    -------
    array (N, K, H, W) float64
    """
    means = _keypoints(means)
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    x, y = field.centers(shape)[0, :, 0], field.centers(shape)[:, 0, 1]
    across, down = (means[..., axis, None] - places for axis, places in ((0, x), (1, y)))
    squared = down[..., :, None] ** 2 + across[..., None, :] ** 2
    return np.nan_to_num(-squared / (2 * sigma**2), nan=0.0)


def combine(log_scores: np.ndarray, log_priors: np.ndarray, eta: float) -> np.ndarray:
    """Logarithm of the paper's ``f = s^(1 - eta) p^eta``.

    In logarithms nothing underflows: 500 pixels from its mean the prior is below ``exp(-258)``, and its
    square and that of a small score no longer are double precision numbers.
    """
    if not 0 <= eta <= 1:
        raise ValueError(f"eta must be between 0 (scores alone) and 1 (the prior alone), got {eta}")
    return (1 - eta) * log_scores + eta * log_priors


def peak(values: np.ndarray, field: ReceptiveField) -> np.ndarray:
    """The place of the highest of `values` ``(..., H, W)``: ``(..., 2)``.

    Of equal ones the first in reading order; NaN where the values are NaN: there is no detector.
    """
    shape = values.shape[-2:]
    flat = np.asarray(values).reshape(*values.shape[:-2], -1)
    places = field.centers(shape).reshape(-1, 2)[flat.argmax(axis=-1)]
    return np.where(np.isnan(flat).any(axis=-1)[..., None], np.nan, places)


def nearest_location(keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int]) -> np.ndarray:
    """The place on the grid closest to each of `keypoints` ``(..., 2)``: the best that a detector can say."""
    keypoints = np.asarray(keypoints, dtype=np.float64)
    seen = np.isfinite(keypoints).all(axis=-1)
    found = np.full(keypoints.shape, np.nan)
    rows, cols = field.nearest(keypoints[seen], shape).T
    found[seen] = field.centers(shape)[rows, cols]
    return found


def _keypoints(keypoints: np.ndarray) -> np.ndarray:
    keypoints = np.asarray(keypoints, dtype=np.float64)
    if keypoints.ndim != 3 or keypoints.shape[2] != 2:
        raise ValueError(f"expected keypoints (N, K, 2), got an array of shape {keypoints.shape}")
    return keypoints


def _distances(keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int]):
    """Instance and type of each visible keypoint, and its distances from the whole grid ``(H, W)``."""
    centers = field.centers(shape)
    for n, k in np.argwhere(np.isfinite(keypoints).all(axis=-1)):
        yield (n, k), np.linalg.norm(centers - keypoints[n, k], axis=-1)
