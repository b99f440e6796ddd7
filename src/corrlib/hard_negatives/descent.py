"""Directions and steps of the solver: limited memory quasi-Newton, and an exact search along a line."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.linalg import cho_factor, cho_solve

#: Steps that the quasi-Newton method remembers.
MEMORY = 20
#: Of the line search: the step is found to this share of itself, or when it has been halved so often.
EXACT, HALVINGS = 0.02, 30


class Memory:
    """The last steps of K descents, and the directions that follow from them (L-BFGS; Liu and Nocedal, 1989).

    Parameters
    ----------
    count
        K.
    curvature
        ``(D, D)`` an estimate of the objectives' second derivative, shared by all.
    """

    def __init__(self, count: int, curvature: np.ndarray):
        self._factor = cho_factor(curvature)
        self._pairs: list[list[tuple[np.ndarray, np.ndarray, float]]] = [[] for _ in range(count)]

    def add(self, k: int, step: np.ndarray, change: np.ndarray) -> None:
        """Remember a step ``(D,)`` of descent k, and how the gradient changed."""
        if (along := float(step @ change)) > 0:  # as the objective is convex, but for rounding
            self._pairs[k] = [*self._pairs[k][1 - MEMORY :], (step, change, 1 / along)]

    def directions(self, which: list[int], gradients: np.ndarray) -> np.ndarray:
        """Where to go ``(n, D)`` from where the n descents `which` have `gradients` ``(n, D)``."""
        found, shares = gradients.copy(), []
        for own, k in zip(found, which, strict=True):
            shares.append([])
            for step, change, scale in reversed(self._pairs[k]):
                shares[-1].append(scale * (step @ own))
                own -= shares[-1][-1] * change
        solved = cho_solve(self._factor, found.T.astype(np.float32)).T.astype(np.float64)
        for own, k, its in zip(solved, which, shares, strict=True):
            for (step, change, scale), share in zip(self._pairs[k], reversed(its), strict=True):
                own += (share - scale * (change @ own)) * step
        return -solved


def line_search(
    scores: np.ndarray, change: np.ndarray, signs: np.ndarray, C: float, linear: float, quadratic: float
) -> float:
    """The t that minimises ``linear t + quadratic t^2 / 2 + C sum max(0, 1 - signs (scores + t change))^2``.

    Newton's method on its derivative, which increases; where that leaves the interval that is known to hold
    the zero, the interval is halved.
    """
    low, high, t = 0.0, np.inf, 1.0
    for _ in range(HALVINGS):
        slope, curvature = _along(scores, change, signs, t)
        slope = linear + t * quadratic + 2 * C * slope
        low, high = (t, high) if slope < 0 else (low, t)
        step = slope / (quadratic + 2 * C * curvature)
        if abs(step) <= EXACT * t:
            return t - step
        t = t - step if low < t - step < high else (low + high) / 2 if np.isfinite(high) else 2 * t
    return t


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _along(scores, change, signs, t):
    """First and second derivative by t of half the sum of squared losses."""
    slope, curvature = 0.0, 0.0
    for i in range(len(scores)):
        inside = 1 - signs[i] * (scores[i] + t * change[i])
        if signs[i] != 0 and inside > 0:
            slope -= inside * signs[i] * change[i]
            curvature += change[i] * change[i]
    return slope, curvature


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def inside_margin(scores, signs, found):
    """Write into `found` the signed distance from the margin of each example inside it, 0 for the others.

    Returns their number, and the sum of their squared losses.
    """
    count, loss = 0, 0.0
    for i in range(len(scores)):
        inside = 1 - signs[i] * scores[i]
        if signs[i] != 0 and inside > 0:
            found[i] = inside * signs[i]
            loss += inside * inside
            count += 1
        else:
            found[i] = 0
    return count, loss
