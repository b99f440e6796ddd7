"""One-vs-all linear SVMs and cross validation over their parameter C (paper, section 4).

The classifier of a class, with labels y of +1 (the class) and -1 (all others), minimises

    1/2 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

where the intercept b is the weight of an additional constant feature, and part of w. The classifiers of all
classes are trained together by Newton's method, each step found by conjugate gradients with one column per
class, so that all products are matrix products.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

#: The constant feature, for features of norm 512: it is regularised as strongly as they are.
INTERCEPT = 512.0
#: A classifier has converged when another Newton step would lower its objective by less than this fraction.
TOLERANCE = 1e-6
#: Maximum number of Newton steps at each C; the features of this project take one to five.
STEPS = 100
#: Conjugate gradients stop when the squared error is reduced to this fraction, or after so many iterations.
REDUCTION, GRADIENTS = 0.01, 30


@dataclass(frozen=True, eq=False)
class LinearSVM:
    """One linear classifier for each of K classes.

    Attributes
    ----------
    classes : array (K,)
        The labels, sorted.
    weights : array (D, K) float32
    intercepts : array (K,) float32
    """

    classes: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Scores ``(..., K)`` of `features` ``(..., D)``; positive for members of the class."""
        return features @ self.weights + self.intercepts

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Labels ``(...)`` with the highest scores; the first class in case of a tie."""
        return self.classes[self.scores(features).argmax(axis=-1)]


def train(features: np.ndarray, labels: np.ndarray, *, C: float = 1e-6) -> LinearSVM:
    """Train a linear SVM for each class against all others.

    Parameters
    ----------
    features : array (N, D)
        The paper's C suits an RMS norm of 512 (`corrlib.metrics.rms_norm`).
    labels : array (N,) of integers
        If there is only one class, the classifier always predicts it.
    C : float
        Weight of the squared hinge losses.

    Raises
    ------
    ValueError
        If there are no samples, the shapes do not match, a feature is not finite or C is not positive; or if
        training does not converge, because C is far too large for the scale of the features.
    """
    return _path(features, labels, [C])[0]


def cross_validate(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, *, Cs: Sequence[float], folds: int = 5
) -> np.ndarray:
    """Predict the label of every sample with classifiers trained on the other folds, for each C.

    Parameters
    ----------
    features, labels
        As in `train`.
    groups : array (N,)
        Samples of a group are always in one fold (those of an image, since nearby keypoints see the same
        pixels).
    Cs : sequence of float
    folds : int
        Folds, of about equal size; as many as there are groups, if these are fewer.

    Returns
    -------
    array (len(Cs), N)
        Predicted labels. A class that occurs in one fold only cannot be predicted there.

    Raises
    ------
    ValueError
        As in `train`, or if there are fewer than two folds or groups.
    """
    available = len(np.unique(groups))
    if min(folds, available) < 2:
        raise ValueError(f"cross validation needs 2 folds and 2 groups, got {folds} and {available}")
    from sklearn.model_selection import GroupKFold  # which takes most of a second

    predicted = np.empty((len(Cs), len(labels)), dtype=np.asarray(labels).dtype)
    for train_rows, test_rows in GroupKFold(min(folds, available)).split(features, groups=groups):
        for row, classifier in zip(
            predicted, _path(features[train_rows], labels[train_rows], Cs), strict=True
        ):
            row[test_rows] = classifier.predict(features[test_rows])
    return predicted


def _path(features: np.ndarray, labels: np.ndarray, Cs: Sequence[float]) -> list[LinearSVM]:
    """The regularisation path: `train` at each C, in increasing order, each from the solution before."""
    if not all(0 < C < np.inf for C in Cs):
        raise ValueError(f"C must be positive and finite; got {', '.join(map(str, Cs))}")
    from sklearn.utils import check_X_y

    features, labels = check_X_y(features, labels, dtype=np.float32)
    classes = np.unique(labels)
    if len(classes) == 1:
        constant = LinearSVM(classes, np.zeros((features.shape[1], 1), np.float32), np.ones(1, np.float32))
        return [constant] * len(Cs)
    x = np.column_stack([features, np.full(len(features), INTERCEPT, np.float32)])
    signs = np.where(labels[:, None] == classes, np.float32(1), np.float32(-1))
    gram, w, solutions = x.T @ x, np.zeros((x.shape[1], len(classes))), {}
    for C in sorted(Cs):
        w = _minimum(x, signs, C, gram, w)
        single = w.astype(np.float32)
        solutions[C] = LinearSVM(classes, single[:-1].copy(), np.float32(INTERCEPT) * single[-1])
    return [solutions[C] for C in Cs]


def _minimum(x: np.ndarray, signs: np.ndarray, C: float, gram: np.ndarray, w: np.ndarray) -> np.ndarray:
    """The weights ``(D, K)`` that minimise the objectives, starting from `w`; `gram` is ``x.T @ x``."""
    w, todo = w.copy(), np.arange(w.shape[1])
    scores = x @ w.astype(np.float32)
    for _ in range(STEPS):
        sign = signs[:, todo]
        inside = np.maximum(1 - sign * scores[:, todo], 0)
        gradient = w[:, todo] - 2 * C * (x.T @ (sign * inside))
        # Approximately the second derivative: as if a random fraction of samples, the same for all classes,
        # were inside the margin.
        hessian = 2 * C * np.float32((inside > 0).mean()) * gram
        hessian[np.diag_indices_from(hessian)] += 1
        factor = cho_factor(hessian, overwrite_a=True, check_finite=False)
        gain = (gradient * _solve(factor, gradient)).sum(axis=0) / 2
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
    norm = np.sqrt(gram.trace() / len(x) - INTERCEPT**2)
    raise ValueError(
        f"the SVMs did not converge at C = {C:g} for features of RMS norm {norm:.3g}: scale them to an"
        " RMS norm of 512, or take a smaller C"
    )


def _newton_step(x: np.ndarray, active: np.ndarray, C: float, factor: tuple, gradient: np.ndarray):
    """The steps ``(D, k)`` after which the gradients vanish if the same samples stay inside the margin."""
    step, residual = np.zeros_like(gradient), -gradient
    direction = solved = _solve(factor, residual)
    first = error = (residual * solved).sum(axis=0)
    for _ in range(GRADIENTS):
        curved = direction + 2 * C * (x.T @ (active * (x @ direction.astype(np.float32))))
        along = error / np.maximum((direction * curved).sum(axis=0), np.finfo(float).tiny)
        step, residual = step + along * direction, residual - along * curved
        solved = _solve(factor, residual)
        before, error = error, (residual * solved).sum(axis=0)
        if (error <= REDUCTION * first).all():
            break
        direction = solved + error / np.maximum(before, np.finfo(float).tiny) * direction
    return step


def _line_search(scores, change, signs, C: float, w: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Lengths ``(k,)`` of the steps, by Newton's method on the (increasing) derivative along each."""
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


def _solve(factor: tuple, right: np.ndarray) -> np.ndarray:
    return cho_solve(factor, right.astype(np.float32), check_finite=False).astype(np.float64)
