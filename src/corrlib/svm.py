"""One-vs-all linear SVMs and cross validation over their parameter C (paper, section 4).

For one class, with labels y of +1 (the class) and -1 (all others), the machine minimises

    1/2 |w|^2 + C sum_i max(0, 1 - y_i (w . x_i + b))^2

where the intercept b is the weight of one more, constant feature, and part of w. LIBLINEAR (Fan et al. 2008)
solves it, as scikit-learn's LinearSVC: its primal solver, which draws no random numbers. The dual one draws
them from a generator that all threads of a process share, and takes ten times as long at large C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import GroupKFold
from sklearn.svm import LinearSVC
from sklearn.utils import check_X_y

__all__ = ["LinearSVM", "cross_validate", "train"]

#: The constant feature, for features whose norm is 512: it is as strongly regularised as they are.
INTERCEPT = 512.0
#: A machine is done when the gradient has shrunk to this share of what it was, times that of the rarer sign.
TOLERANCE = 1e-4
#: Newton steps at most; the features of this project take ten to fifty.
STEPS = 1000


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
    features, labels = check_X_y(features, labels, dtype=np.float64)
    classes = np.unique(labels)
    if len(classes) == 1:
        return _machine(classes, np.zeros((1, features.shape[1])), np.ones(1))
    solver = LinearSVC(C=C, dual=False, intercept_scaling=INTERCEPT, tol=TOLERANCE, max_iter=STEPS)
    solver.fit(features, labels)
    if solver.n_iter_ >= STEPS:
        norm = np.sqrt((features**2).sum(axis=1).mean())
        raise ValueError(
            f"the SVMs did not converge at C = {C:g} for features of RMS norm {norm:.3g}: scale them to an"
            " RMS norm of 512, or take a smaller C"
        )
    if len(classes) == 2:  # LinearSVC has one machine, of the second class
        return _machine(classes, *(np.concatenate([-a, a]) for a in (solver.coef_, solver.intercept_)))
    return _machine(classes, solver.coef_, solver.intercept_)


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
        for row, C in zip(found, Cs, strict=True):
            row[out] = train(features[known], labels[known], C=C).predict(features[out])
    return found


def _machine(classes: np.ndarray, weights: np.ndarray, intercepts: np.ndarray) -> LinearSVM:
    """A machine of weights ``(K, D)``, as scikit-learn has them."""
    weights = np.ascontiguousarray(weights.T, dtype=np.float32)
    return LinearSVM(classes, weights, intercepts.astype(np.float32))
