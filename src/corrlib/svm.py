"""One-vs-all linear SVMs and cross validation over their parameter C (paper, section 4).

For one class, with labels y of +1 (the class) and -1 (all others), the machine minimises

    1/2 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

where the intercept b is the weight of one more, constant feature, and part of w. The machines of all classes
are trained at once, by Newton's method: each step is found by conjugate gradients, whose products with the
features are products of matrices, a column a class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.model_selection import GroupKFold
from sklearn.utils import check_X_y

__all__ = ["LinearSVM", "cross_validate", "train"]

#: The constant feature, for features whose norm is 512: it is as strongly regularised as they are.
INTERCEPT = 512.0
#: A machine is done when another Newton step would lower its objective by less than this share of it.
TOLERANCE = 1e-6
#: Newton steps at most, at each C; the features of this project take one to five.
STEPS = 100
#: Conjugate gradients stop when the squared error of a step is this share of what it was, or after so many.
SHARE, GRADIENTS = 0.01, 30


@dataclass(frozen=True, eq=False)
class LinearSVM:
    """A linear machine for each of K classes.

    Attributes
    ----------
    classes
        ``(K,)`` the labels, sorted.
    weights
        ``(D, K)`` float32.
    intercepts
        ``(K,)`` float32.
    """

    classes: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(..., K)`` of `features` ``(..., D)``: positive where a class is claimed."""
        return features @ self.weights + self.intercepts

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Labels ``(...)`` of the highest scores; the first class of those that tie."""
        return self.classes[self.scores(features).argmax(axis=-1)]


def train(features: np.ndarray, labels: np.ndarray, *, C: float = 1e-6) -> LinearSVM:
    """Train a linear SVM for each class against all others.

    Parameters
    ----------
    features
        ``(N, D)``. The paper's C suits an RMS norm of 512 (`corrlib.metrics.rms_norm`).
    labels
        ``(N,)`` integers. A single class makes a machine that always names it.
    C
        Weight of the squared hinge losses.

    Raises
    ------
    ValueError
        If there is no sample, shapes do not fit, a feature is not finite, C is not positive, or the optimum
        is not reached: C is far too large for the scale of the features.
    """
    return _path(features, labels, [C])[0]


def cross_validate(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, Cs: Sequence[float], count: int = 5
) -> np.ndarray:
    """Label every sample by machines that were trained without its fold, for each C.

    Parameters
    ----------
    features, labels
        As `train` has them.
    groups
        ``(N,)`` of anything: samples of a group are never divided (of the same image, as nearby keypoints of
        one picture see the same pixels).
    Cs
        Values of C.
    count
        Folds of about equal size; as many as there are groups, if these are fewer.

    Returns
    -------
    array (len(Cs), N)
        Labels. A class that occurs in one fold alone is unknown when that fold is labelled: its samples are
        labelled wrongly.

    Raises
    ------
    ValueError
        As `train`, or with less than two folds or groups.
    """
    available = len(np.unique(groups))
    if min(count, available) < 2:
        raise ValueError(f"cross validation takes 2 folds and 2 groups, got {count} and {available}")
    found = np.empty((len(Cs), len(labels)), dtype=np.asarray(labels).dtype)
    for known, out in GroupKFold(min(count, available)).split(features, groups=groups):
        for row, machine in zip(found, _path(features[known], labels[known], Cs), strict=True):
            row[out] = machine.predict(features[out])
    return found


def _path(features: np.ndarray, labels: np.ndarray, Cs: Sequence[float]) -> list[LinearSVM]:
    """`train` at each of some C, in growing order: each begins where the one before it ended."""
    if not all(0 < C < np.inf for C in Cs):
        raise ValueError(f"C is the weight of the losses, positive and finite; got {', '.join(map(str, Cs))}")
    features, labels = check_X_y(features, labels, dtype=np.float32)
    classes = np.unique(labels)
    if len(classes) == 1:
        single = LinearSVM(classes, np.zeros((features.shape[1], 1), np.float32), np.ones(1, np.float32))
        return [single] * len(Cs)
    x = np.column_stack([features, np.full(len(features), INTERCEPT, np.float32)])
    signs = np.where(labels[:, None] == classes, np.float32(1), np.float32(-1))
    products, w, found = x.T @ x, np.zeros((x.shape[1], len(classes))), {}
    for C in sorted(Cs):
        w = _minimum(x, signs, C, products, w)
        single = w.astype(np.float32)
        found[C] = LinearSVM(classes, np.ascontiguousarray(single[:-1]), np.float32(INTERCEPT) * single[-1])
    return [found[C] for C in Cs]


def _minimum(x: np.ndarray, signs: np.ndarray, C: float, products: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The weights ``(D, K)`` that minimise the objectives, from `w` on; `products` are of all features."""
    w, todo = w.copy(), np.arange(w.shape[1])
    scores = x @ w.astype(np.float32)
    for _ in range(STEPS):
        sign = signs[:, todo]
        inside = np.maximum(1 - sign * scores[:, todo], 0)
        gradient = w[:, todo] - 2 * C * (x.T @ (sign * inside))
        # The second derivative, had all classes the same share of samples inside the margin, and any of them.
        likeness = 2 * C * np.float32((inside > 0).mean()) * products
        likeness[np.diag_indices_from(likeness)] += 1
        factor = cho_factor(likeness, overwrite_a=True, check_finite=False)
        gain = (gradient * _solved(factor, gradient)).sum(axis=0) / 2
        objective = (w[:, todo] ** 2).sum(axis=0) / 2 + C * (inside**2).sum(axis=0, dtype=float)
        left = gain > TOLERANCE * objective
        todo, sign = todo[left], sign[:, left]
        if not len(todo):
            return w
        step = _newton_step(x, inside[:, left] > 0, C, factor, gradient[:, left])
        change = x @ step.astype(np.float32)
        length = _line_search(scores[:, todo], change, sign, C, w[:, todo], step)
        w[:, todo] += length * step
        scores[:, todo] = x @ w[:, todo].astype(np.float32)
    norm = np.sqrt(products.trace() / len(x) - INTERCEPT**2)
    raise ValueError(
        f"the SVMs did not converge at C = {C:g} for features of RMS norm {norm:.3g}: scale them to an"
        " RMS norm of 512, or take a smaller C"
    )


def _newton_step(x: np.ndarray, active: np.ndarray, C: float, factor: tuple, gradient: np.ndarray):
    """The steps ``(D, k)`` by which the gradients vanish, if the same samples stay inside the margin."""
    step, residual = np.zeros_like(gradient), -gradient
    direction = solved = _solved(factor, residual)
    first = error = (residual * solved).sum(axis=0)
    for _ in range(GRADIENTS):
        bent = direction + 2 * C * (x.T @ (active * (x @ direction.astype(np.float32))))
        along = error / np.maximum((direction * bent).sum(axis=0), np.finfo(float).tiny)
        step, residual = step + along * direction, residual - along * bent
        solved = _solved(factor, residual)
        before, error = error, (residual * solved).sum(axis=0)
        if (error <= SHARE * first).all():
            break
        direction = solved + error / np.maximum(before, np.finfo(float).tiny) * direction
    return step


def _line_search(scores, change, signs, C: float, w: np.ndarray, step: np.ndarray) -> np.ndarray:
    """How far to go ``(k,)``: Newton's method on the derivative along each step, which increases."""
    linear, quadratic = (w * step).sum(axis=0), (step * step).sum(axis=0)
    length = np.ones(len(linear))
    for _ in range(8):
        inside = np.maximum(1 - signs * (scores + length.astype(np.float32) * change), 0)
        slope = linear + length * quadratic - 2 * C * (inside * signs * change).sum(axis=0)
        move = slope / (quadratic + 2 * C * ((inside > 0) * change**2).sum(axis=0))
        length -= move
        if (np.abs(move) <= 0.05 * length).all():
            break
    return length


def _solved(factor: tuple, right: np.ndarray) -> np.ndarray:
    return cho_solve(factor, right.astype(np.float32), check_finite=False).astype(np.float64)
