"""L-BFGS directions, an exact line search, and the samples inside the margin."""

import numpy as np
from numba import njit
from scipy.linalg import cho_factor, cho_solve

#: Steps that L-BFGS remembers.
MEMORY = 20
#: The line search stops when the step length is accurate to this fraction, or after so many iterations.
ACCURACY, ITERATIONS = 0.02, 30

_compiled = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})


class LBFGS:
    """The last steps of K minimisations, and the directions that follow from them (Liu and Nocedal, 1989).

    Parameters
    ----------
    count : int
        K.
    curvature : array (D, D)
        An estimate of the second derivative of the objectives, shared by all.
    """

    def __init__(self, count: int, curvature: np.ndarray):
        self._factor = cho_factor(curvature)
        self._pairs: list[list[tuple[np.ndarray, np.ndarray, float]]] = [[] for _ in range(count)]

    def add(self, k: int, step: np.ndarray, change: np.ndarray) -> None:
        """Remember a step ``(D,)`` of minimisation k, and the change of the gradient."""
        if (along := float(step @ change)) > 0:  # the objective is convex, up to rounding
            self._pairs[k] = [*self._pairs[k][1 - MEMORY :], (step, change, 1 / along)]

    def directions(self, which: list[int], gradients: np.ndarray) -> np.ndarray:
        """Directions ``(n, D)`` of the n minimisations `which`, at ``(n, D)`` `gradients`."""
        residuals, shares = gradients.copy(), []
        for residual, k in zip(residuals, which, strict=True):
            shares.append([])
            for step, change, scale in reversed(self._pairs[k]):
                shares[-1].append(scale * (step @ residual))
                residual -= shares[-1][-1] * change
        solved = cho_solve(self._factor, residuals.T.astype(np.float32)).T.astype(np.float64)
        for direction, k, its_shares in zip(solved, which, shares, strict=True):
            for (step, change, scale), share in zip(self._pairs[k], reversed(its_shares), strict=True):
                direction += (share - scale * (change @ direction)) * step
        return -solved


def line_search(
    scores: np.ndarray, change: np.ndarray, signs: np.ndarray, C: float, linear: float, quadratic: float
) -> float:
    """The t that minimises ``linear t + quadratic t^2 / 2 + C sum max(0, 1 - signs (scores + t change))^2``.

    Newton's method on the (increasing) derivative, and bisection where it leaves the bracketing interval.
    """
    low, high, t = 0.0, np.inf, 1.0
    for _ in range(ITERATIONS):
        slope, curvature = _derivatives(scores, change, signs, t)
        slope = linear + t * quadratic + 2 * C * slope
        low, high = (t, high) if slope < 0 else (low, t)
        step = slope / (quadratic + 2 * C * curvature)
        if abs(step) <= ACCURACY * t:
            return t - step
        t = t - step if low < t - step < high else (low + high) / 2 if np.isfinite(high) else 2 * t
    return t


@_compiled
def _derivatives(scores, change, signs, t):
    """First and second derivative, by t, of half the sum of squared losses."""
    slope, curvature = 0.0, 0.0
    for i in range(len(scores)):
        inside = 1 - signs[i] * (scores[i] + t * change[i])
        if signs[i] != 0 and inside > 0:
            slope -= inside * signs[i] * change[i]
            curvature += change[i] * change[i]
    return slope, curvature


@_compiled
def inside_margin(scores, signs, out):
    """Write to `out` each sample's signed distance from the margin, 0 if it is not inside.

    Returns the number of samples inside, and the sum of their squared losses.
    """
    count, loss = 0, 0.0
    for i in range(len(scores)):
        inside = 1 - signs[i] * scores[i]
        if signs[i] != 0 and inside > 0:
            out[i] = inside * signs[i]
            loss += inside * inside
            count += 1
        else:
            out[i] = 0
    return count, loss
