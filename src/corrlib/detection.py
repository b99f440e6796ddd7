"""Sliding window detection of keypoints: training labels, probabilities, prior and maxima (paper, section 5).

Everything is on the grid of a `ReceptiveField`, of conv5 windows or SIFT descriptors. Keypoints are
``(x, y)`` in pixels of the object crop that the grid covers; NaN if invisible.
"""

from collections.abc import Sequence

import numpy as np
from numba import njit
from scipy.special import expit, log_expit

from corrlib.geometry import ReceptiveField


def windows(field: ReceptiveField, context: int) -> ReceptiveField:
    """Receptive fields of windows of `context` x `context` units, one centred on every unit of a layer.

    The paper uses 3 x 3 units of conv5: windows of 195 pixels at a stride of 16.
    """
    if context < 1 or context % 2 == 0:
        raise ValueError(f"context must be odd, so that a window has a central unit; got {context}")
    return field.then(context, 1, context // 2)


def labels_by_field(
    keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int], *, count: int = 10
) -> np.ndarray:
    """Training labels for convnet features, as in the paper.

    The `count` features closest to a keypoint are positive; those whose receptive fields do not contain it
    are negative, even if they are among the closest (to a keypoint far outside the box).

    Parameters
    ----------
    keypoints : array (N, K, 2)
    field, shape
        The grid, and its ``(H, W)``.
    count : int
        Positives per keypoint.

    Returns
    -------
    array (K, N, H, W) int8
        1, -1, or 0 for neither. An invisible keypoint has neither: it may be in the image, but occluded.
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
    """Training labels for SIFT, as in the paper: positive up to `near` pixels away, negative from `far` on.

    The defaults are two and four times the bin size of 8 pixels. Otherwise as `labels_by_field`.
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
    scores, positive : array (n,)
        Of examples that the detector was not trained on.

    Returns
    -------
    slope, offset : float
        Maximum likelihood estimates, by Newton's method. Targets are slightly inside 0 and 1 (Platt, 1999),
        so that the optimum is finite even if the classes are separable.

    Raises
    ------
    ValueError
        If there are no positives or no negatives, or a score is not finite.
    """
    scores, positive = np.asarray(scores, dtype=np.float64), np.asarray(positive, dtype=bool)
    ones = int(positive.sum())
    if scores.shape != positive.shape or scores.ndim != 1 or not 0 < ones < len(scores):
        raise ValueError(
            f"expected scores (n,) of positive and negative examples, got {scores.shape} with {ones} positive"
        )
    if not np.isfinite(scores).all():
        raise ValueError("a logistic needs finite scores, but some are NaN or infinite")
    mean, deviation = scores.mean(), scores.std() or 1.0
    x = np.stack([(scores - mean) / deviation, np.ones(len(scores))])
    target = np.where(positive, (ones + 1) / (ones + 2), 1 / (len(scores) - ones + 2))

    def loss(line: np.ndarray) -> float:
        logit = line @ x
        return float((1 - target) @ logit - log_expit(logit).sum())  # log(1 - p) is log(p) - logit

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
    return float(line[0] / deviation), float(line[1] - line[0] * mean / deviation)


def log_probability(scores: np.ndarray, slope: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Log probability of `scores` ``(N, K, H, W)``, by the `slope` and `offset` ``(K,)`` of `fit_logistic`.

    Finite, however small the probability.
    """
    slope, offset = (np.asarray(a, dtype=np.float64)[:, None, None] for a in (slope, offset))
    return log_expit(slope * scores + offset)


def log_prior(
    means: np.ndarray, field: ReceptiveField, shape: tuple[int, int], *, sigma: float = 22.0
) -> np.ndarray:
    """Log density ``(N, K, H, W)``, up to a constant, of an isotropic Gaussian around each of `means`.

    These are the keypoints ``(N, K, 2)`` of a neighbour; where they are NaN the prior is uniform. `sigma` is
    the standard deviation in pixels.
    """
    means = _keypoints(means)
    if not sigma > 0:
        raise ValueError(f"sigma must be positive, got {sigma}")
    x, y = field.centers((1, shape[1]))[0, :, 0], field.centers((shape[0], 1))[:, 0, 1]
    dx, dy = means[..., 0, None] - x, means[..., 1, None] - y
    density = dy[..., :, None] ** 2 + dx[..., None, :] ** 2
    density /= -2 * sigma**2
    density[np.isnan(means).any(axis=-1)] = 0
    return density


def peaks(
    log_scores: np.ndarray, log_priors: np.ndarray, etas: Sequence[float], field: ReceptiveField
) -> np.ndarray:
    """The locations ``(len(etas), K, 2)`` of the maxima of the paper's ``f = s^(1 - eta) p^eta``.

    As `peak` finds them in the logarithm of f, which does not underflow: 500 pixels from its mean, the prior
    is below ``exp(-258)``. Both logarithms are ``(K, H, W)``.
    """
    if not all(0 <= eta <= 1 for eta in etas):
        raise ValueError(f"eta must be between 0 (scores alone) and 1 (the prior alone), got {etas}")
    flat = (np.ascontiguousarray(a, dtype=np.float64).reshape(len(a), -1) for a in (log_scores, log_priors))
    index = _maxima(*flat, np.array(etas, dtype=np.float64))
    locations = field.centers(log_scores.shape[-2:]).reshape(-1, 2)[index]
    return np.where(index[..., None] < 0, np.nan, locations)


@njit(cache=True, nogil=True)
def _maxima(log_scores, log_priors, etas):
    """For each eta and row the index of the first maximum; -1 if a score is NaN."""
    result = np.zeros((len(etas), len(log_scores)), np.int64)
    for row in range(len(log_scores)):
        missing = np.isnan(log_scores[row]).any()
        for e in range(len(etas)):
            best = -np.inf
            for cell in range(log_scores.shape[1]):
                value = (1 - etas[e]) * log_scores[row, cell] + etas[e] * log_priors[row, cell]
                if value > best:
                    best, result[e, row] = value, cell
            if missing:
                result[e, row] = -1
    return result


def peak(values: np.ndarray, field: ReceptiveField) -> np.ndarray:
    """The location ``(..., 2)`` of the maximum of `values` ``(..., H, W)``; the first one in raster order.

    NaN where a value is NaN, because there is no detector.
    """
    flat = np.asarray(values).reshape(*values.shape[:-2], -1)
    locations = field.centers(values.shape[-2:]).reshape(-1, 2)[flat.argmax(axis=-1)]
    return np.where(np.isnan(flat).any(axis=-1)[..., None], np.nan, locations)


def nearest_location(keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int]) -> np.ndarray:
    """The grid location closest to each of `keypoints` ``(..., 2)``: the best that a detector can predict."""
    keypoints = np.asarray(keypoints, dtype=np.float64)
    visible = np.isfinite(keypoints).all(axis=-1)
    locations = np.full(keypoints.shape, np.nan)
    rows, cols = field.nearest(keypoints[visible], shape).T
    locations[visible] = field.centers(shape)[rows, cols]
    return locations


def _keypoints(keypoints: np.ndarray) -> np.ndarray:
    keypoints = np.asarray(keypoints, dtype=np.float64)
    if keypoints.ndim != 3 or keypoints.shape[2] != 2:
        raise ValueError(f"expected keypoints (N, K, 2), got an array of shape {keypoints.shape}")
    return keypoints


def _distances(keypoints: np.ndarray, field: ReceptiveField, shape: tuple[int, int]):
    """For each visible keypoint ((instance, type), distances ``(H, W)`` to all grid locations)."""
    centers = field.centers(shape)
    for n, k in np.argwhere(np.isfinite(keypoints).all(axis=-1)):
        yield (n, k), np.linalg.norm(centers - keypoints[n, k], axis=-1)
