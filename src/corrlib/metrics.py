"""PCK, the percentage of correct keypoints, and its confidence interval (paper, section 3).

Intervals resample images, because objects of one image are alike. Errors may be ``(I, M, K)``, of up to M
objects in each of I images, padded with NaN; or ``(N, K)``, of N objects in different images.
"""

import functools
from collections.abc import Sequence

import numpy as np
from threadpoolctl import ThreadpoolController

#: Limits the threads of matrix products: those of a bootstrap are so small that threads wait for each other.
BLAS = ThreadpoolController()
#: The paper's tolerances.
ALPHAS = (0.1, 0.05, 0.025)
#: Draws of a bootstrap, and the share of them on either side of its 95 % interval.
RESAMPLES, TAIL = 2000, (1 - 0.95) / 2
#: Verdicts on a claim, the best first.
VERDICTS = ("supported", "inconclusive (same direction)", "inconclusive", "contradicted", "not tested")


def errors(predicted: np.ndarray, truth: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Distances of predicted keypoints from the true ones, in units of the longer side of each box.

    Parameters
    ----------
    predicted
        ``(N, K, 2)`` ``(x, y)``; NaN where nothing is predicted.
    truth
        ``(N, K, 2)`` in the same frame; NaN where the keypoint is not visible.
    boxes
        ``(N, 4)`` xyxy edges in the same frame.

    Returns
    -------
    array (N, K) float64
        NaN where the keypoint is not visible (it is never scored), infinity where a visible one has no
        prediction (it counts as wrong).

    Raises
    ------
    ValueError
        If shapes do not fit or a box is empty.
    """
    predicted, truth, boxes = (np.asarray(a, dtype=np.float64) for a in (predicted, truth, boxes))
    if truth.ndim != 3 or truth.shape[2] != 2 or predicted.shape != truth.shape:
        raise ValueError(f"expected keypoints (N, K, 2) twice, got {predicted.shape} and {truth.shape}")
    if boxes.shape != (len(truth), 4):
        raise ValueError(f"expected boxes ({len(truth)}, 4), one an instance, got {boxes.shape}")
    side = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, initial=0)
    if not (side > 0).all():
        raise ValueError(f"expected boxes with x0 < x1 and y0 < y1, got {boxes[~(side > 0)][0].tolist()}")
    distance = np.linalg.norm(predicted - truth, axis=2) / side[:, None]
    visible = np.isfinite(truth).all(axis=2)
    return np.where(visible, np.where(np.isnan(distance), np.inf, distance), np.nan)


def pck(errors: np.ndarray, alpha: float | np.ndarray) -> np.ndarray:
    """Fraction of correct keypoints of each type (distance strictly below `alpha`), averaged over the types.

    Parameters
    ----------
    errors
        ``(I, M, K)`` or ``(N, K)`` from `errors`, of the objects of one category.
    alpha
        A tolerance, or several ``(A,)``.

    Returns
    -------
    array () or (A,) float64
        0 to 1. A type of keypoint that is never visible is left out; NaN if no type is left.
    """
    return _pck(_checked(errors), np.asarray(alpha, dtype=np.float64), np.ones((1, len(errors))))[0]


def mean_pck(errors: Sequence[np.ndarray], alpha: float | np.ndarray) -> np.ndarray:
    """Mean of `pck` over categories; those without a visible keypoint are left out."""
    return _mean([pck(one, alpha) for one in errors])


@BLAS.wrap(limits=1, user_api="blas")
def resampled(
    errors: Sequence[np.ndarray],
    alpha: float | np.ndarray,
    *,
    minus: Sequence[np.ndarray] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> np.ndarray:
    """Mean PCK of resampled images, or its difference from another method's on the same instances.

    Within each category, as many images as it has are drawn with replacement, with all their objects. The two
    methods of a difference see the same draws.

    Parameters
    ----------
    errors
        For each category ``(I, M, K)`` or ``(N, K)``; of a single one, the values are of its `pck`.
    alpha
        A tolerance, or several ``(A,)``.
    minus
        The errors of a second method, of the same shapes: the interval is that of the difference from it.
    resamples
        Number of draws.
    seed
        Of the draws.

    Returns
    -------
    array (R,) or (R, A) float64
        The value of each of R = `resamples` draws, as a fraction.
    """
    alpha = np.asarray(alpha, dtype=np.float64)
    if minus is not None and [np.shape(e) for e in minus] != [np.shape(e) for e in errors]:
        raise ValueError("bootstrap: the two methods must have errors of the same objects and keypoints")
    differences = []
    draws = _draws(tuple(map(len, errors)), resamples, seed)
    for number, (one, weights) in enumerate(zip(errors, draws, strict=True)):
        value = _pck(_checked(one), alpha, weights)
        if minus is not None:
            value = value - _pck(_checked(minus[number]), alpha, weights)
        differences.append(value)
    return _mean(differences)


def bootstrap(
    errors: Sequence[np.ndarray], alpha: float | np.ndarray, *, minus: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """95 % interval of the mean PCK, or of a difference, ``(2,)`` or ``(2, A)``, from `resampled`."""
    return np.nanquantile(resampled(errors, alpha, minus=minus), [TAIL, 1 - TAIL], axis=0)


def estimate(
    errors: Sequence[np.ndarray], alphas: Sequence[float], *, minus: Sequence[np.ndarray] | None = None
) -> np.ndarray:
    """Mean PCK at each of `alphas`, or its difference from `minus`, and the 95 % interval: ``(A, 3)``."""
    alphas = np.asarray(alphas, dtype=np.float64)
    value = mean_pck(errors, alphas)
    if minus is not None:
        value = value - mean_pck(minus, alphas)
    return np.stack([value, *bootstrap(errors, alphas, minus=minus)], axis=-1)


def by_category(
    errors: Sequence[np.ndarray], categories: Sequence[str], alpha: float
) -> dict[str, np.ndarray]:
    """Return category -> its `pck` at `alpha` and the 95 % bootstrap interval ``(3,)``, as fractions."""
    return {
        category: np.array([pck(each, alpha), *bootstrap([each], alpha)])
        for category, each in zip(categories, errors, strict=True)
    }


def judge(differences: Sequence[np.ndarray], *, at_least: bool = False) -> str:
    """Judge the claim that one method is better than another by the differences between them.

    Parameters
    ----------
    differences
        ``(n, 3)``: each difference, which is positive if the claim is true, and the ends of its interval; NaN
        for an unknown end.
    at_least
        Whether the claim is only that the method is no worse.

    Returns
    -------
    str
        One of `VERDICTS`: "supported" if every interval lies above zero (with `at_least`, not below zero);
        "contradicted" if an interval does not reach above zero (with `at_least`, lies below zero); otherwise
        "inconclusive (same direction)" if all values agree with the claim, else "inconclusive".
    """
    value, lower, upper = np.asarray(differences, dtype=np.float64).reshape(-1, 3).T
    if (lower >= 0).all() if at_least else (lower > 0).all():
        return VERDICTS[0]
    if (upper < 0).any() if at_least else (upper <= 0).any():
        return VERDICTS[3]
    return VERDICTS[1] if ((value >= 0).all() if at_least else (value > 0).all()) else VERDICTS[2]


@BLAS.wrap(limits=1, user_api="blas")
def mean_interval(values: Sequence[np.ndarray], *, minus: Sequence[np.ndarray] | None = None) -> np.ndarray:
    """Mean over categories of the means over their instances, and its 95 % interval, as of `bootstrap`.

    Parameters
    ----------
    values
        For each category ``(N,)`` or ``(N, A)``, resampled over N; or ``(I, M, A)``, resampled over I. NaN is
        ignored.
    minus
        Values of a second method for the same instances: the result is that of the difference from them.

    Returns
    -------
    array (3,) or (3, A) float64
        The mean, and the lower and the upper end of its interval.
    """
    if minus is not None:
        values = [np.asarray(a) - b for a, b in zip(values, minus, strict=True)]
    means, draws = [], []
    for one, drawn in zip(values, _draws(tuple(map(len, values))), strict=True):
        grouped = np.asarray(one, dtype=np.float64)
        grouped = grouped.reshape(len(one), -1, grouped.shape[-1] if grouped.ndim > 1 else 1)
        weights = np.concatenate([np.ones((1, len(one))), drawn])
        count = weights @ np.isfinite(grouped).sum(axis=1)
        total = weights @ np.nan_to_num(grouped).sum(axis=1)
        mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
        means.append(mean[0])
        draws.append(mean[1:])
    ends = np.nanquantile(_mean(draws), [TAIL, 1 - TAIL], axis=0)
    return np.stack([_mean(means), *ends]).reshape(3, *np.shape(values[0])[1:][-1:])


def rms_norm(features: np.ndarray) -> float:
    """Root mean square of the Euclidean norms of `features` ``(..., D)``.

    Each type of feature is multiplied by one scalar so that this norm over the training set is 1 for the flow
    energy, and 512, the norm of SIFT, for the linear SVMs. The paper's beta and C suit these scales.
    """
    return float(np.sqrt(np.einsum("...d,...d->...", features, features, dtype=np.float64).mean()))


@functools.lru_cache(maxsize=32)
def _draws(counts: tuple[int, ...], resamples: int = RESAMPLES, seed: int = 0) -> list[np.ndarray]:
    """How often each of ``count`` images is drawn, ``(resamples, count)``, for each of `counts`."""
    rng = np.random.default_rng(seed)
    # As floats, whose matrix products are fast; those of whole numbers stay exact.
    return [
        rng.multinomial(count, np.full(count, 1 / count), size=resamples).astype(np.float64)
        for count in counts
    ]


def _checked(errors: np.ndarray) -> np.ndarray:
    errors = np.asarray(errors, dtype=np.float64)
    if errors.ndim not in (2, 3) or errors.size == 0:
        raise ValueError(f"expected errors (I, M, K) or (N, K) of at least one object, got {errors.shape}")
    return errors.reshape(len(errors), -1, errors.shape[-1])


def _pck(errors: np.ndarray, alpha: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """PCK (R, *alpha) of errors (I, M, K) when image i counts weights[r, i] times."""
    seen = weights @ (~np.isnan(errors)).sum(axis=1, dtype=np.float64)
    below = errors < alpha.reshape(-1, 1, 1, 1)  # NaN is below nothing
    correct = weights @ below.sum(axis=2, dtype=np.float64)
    rate = correct / np.where(seen > 0, seen, 1)  # nothing unseen is correct
    types = (seen > 0).sum(axis=1)
    mean = np.divide(rate.sum(axis=2), types, out=np.full(rate.shape[:2], np.nan), where=types > 0)
    return mean.T.reshape(len(weights), *alpha.shape)


def _mean(values: list[np.ndarray]) -> np.ndarray:
    """Mean over categories, leaving out NaN; NaN where nothing is left."""
    values = np.stack(values)
    count = np.isfinite(values).sum(axis=0)
    total = np.nansum(values, axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
