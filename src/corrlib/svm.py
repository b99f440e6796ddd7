"""One-vs-all linear SVMs and cross validation over their parameter C (paper, section 4).

For one class, with labels y of +1 (the class) and -1 (all others), the machine minimises

    1/2 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

where the intercept b is the weight of one more, constant feature, and part of w. That is LIBLINEAR's (Fan et
al. 2008) and scikit-learn's default. All classes are solved together by Newton's method: its linear systems
by conjugate gradients, preconditioned by the Hessian that all samples would give, which at small C they do.
The gap to the dual tells when to stop, so every machine is within a known distance of the optimum.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.model_selection import GroupKFold

__all__ = ["LinearSVM", "cross_validate", "train"]

#: The constant feature, for features whose norm is 512: it is as strongly regularised as they are.
INTERCEPT = 512.0
#: A machine is done when its objective is at most this share above the optimum.
TOLERANCE = 1e-3
#: Newton steps, and conjugate gradient steps within each, at most.
STEPS, INNER = 100, 100


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
        If there is no sample, shapes do not fit, a feature is not finite, or C is not positive.
    RuntimeError
        If the optimum is not reached: C is far too large for the scale of the features.
    """
    return next(_machines(features, labels, [C]))


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
    features, labels = _checked(features, labels)
    available = len(np.unique(groups))
    if min(count, available) < 2:
        raise ValueError(f"cross validation takes 2 folds and 2 groups, got {count} and {available}")
    order = np.argsort(Cs)  # from small to large, each from where the last ended
    found = np.empty((len(Cs), len(labels)), dtype=labels.dtype)
    for known, out in GroupKFold(min(count, available)).split(features, groups=groups):
        machines = _machines(features[known], labels[known], np.asarray(Cs, dtype=float)[order])
        for row, machine in zip(order, machines, strict=True):
            found[row, out] = machine.predict(features[out])
    return found


def _machines(features: np.ndarray, labels: np.ndarray, Cs: Sequence[float]) -> Iterator[LinearSVM]:
    """Machines for each C in turn, each from where the last one ended."""
    features, labels = _checked(features, labels)
    x = np.pad(features, ((0, 0), (0, 1)), constant_values=INTERCEPT)
    gram = np.asarray(x.T @ x, dtype=np.float64)
    classes = np.unique(labels)
    y = np.where(labels[:, None] == classes, np.float32(1), np.float32(-1))
    w = np.zeros((x.shape[1], len(classes)), dtype=np.float32)
    for C in Cs:
        if not (np.isfinite(C) and C > 0):
            raise ValueError(f"C must be positive, got {C!r}")
        w = _solve(x, y, np.float32(C), gram, w)
        yield LinearSVM(classes, w[:-1], w[-1] * np.float32(INTERCEPT))


def _solve(x: np.ndarray, y: np.ndarray, C: np.float32, gram: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Weights ``(D, K)`` of K machines, from `w` on, for samples ``(N, D)`` and signs ``(N, K)``."""
    hessian = cho_factor(np.eye(len(gram)) + 2 * C * gram, check_finite=False)

    def precondition(r: np.ndarray) -> np.ndarray:
        return cho_solve(hessian, r, check_finite=False).astype(np.float32)

    z = x @ w
    for _ in range(STEPS):
        slack = np.maximum(0, 1 - y * z)
        loss = C * _dot(slack, slack)
        pull = 2 * C * (x.T @ (y * slack))  # the sum over samples, at the optimum equal to w
        objective = _dot(w, w) / 2 + loss
        dual = 2 * C * slack.sum(axis=0) - _dot(pull, pull) / 2 - loss
        done = objective - dual <= TOLERANCE * objective
        if done.all():
            return w
        step = _newton(x, slack > 0, C, pull - w, precondition, done)
        along, slope = x @ step, _dot(w - pull, step)
        length = np.ones(y.shape[1], dtype=np.float32)
        for _ in range(20):  # halve the steps that do not go down as they promise
            hinge = np.maximum(0, 1 - y * (z + length * along))
            moved = w + length * step
            reached = _dot(moved, moved) / 2 + C * _dot(hinge, hinge)
            short = reached > objective * (1 + 1e-6) + 1e-4 * length * slope
            if not short.any():
                break
            length[short] /= 2
        w, z = moved, z + length * along
    norm = np.sqrt(np.trace(gram[:-1, :-1]) / len(x))
    raise RuntimeError(
        f"the SVMs did not converge at C = {C:g} for features of RMS norm {norm:.3g}: scale them to an RMS"
        " norm of 512, or take a smaller C"
    )


def _newton(x, active, C, residual, precondition, done) -> np.ndarray:
    """Newton's step: the Hessian (identity, and 2 C x x^T of the active samples) times it is `residual`."""
    active = active.astype(np.float32)
    step, residual = np.zeros_like(residual), residual.copy()
    direction = better = precondition(residual)
    rate = first = _dot(residual, better)
    for _ in range(INNER):
        curved = direction + 2 * C * (x.T @ (active * (x @ direction)))
        size = rate / np.maximum(_dot(direction, curved), np.finfo(np.float32).tiny)
        step += size * direction
        residual -= size * curved
        better = precondition(residual)
        rate, before = _dot(residual, better), rate
        if ((rate <= 0.01 * first) | done).all():
            break
        direction = better + rate / np.maximum(before, np.finfo(np.float32).tiny) * direction
    return step


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner products of the columns of two matrices."""
    return np.einsum("ij,ij->j", a, b)


def _checked(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features, labels = np.asarray(features, dtype=np.float32), np.asarray(labels)
    if features.ndim != 2 or labels.shape != (len(features),) or 0 in features.shape:
        raise ValueError(
            f"expected features (N, D) and labels (N,) of at least one sample, got {features.shape} and"
            f" {labels.shape}"
        )
    if not np.isfinite(features).all():
        raise ValueError("the features hold NaN or infinity: look for it where they are computed")
    return features, labels
