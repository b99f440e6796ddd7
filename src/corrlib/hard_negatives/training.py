"""Training with hard negative mining: rounds of finding hard samples among all windows, and a step each."""

import numpy as np
from scipy.linalg.blas import ssyrk

from corrlib.hard_negatives.detectors import Detectors, responses, weighted_sum
from corrlib.hard_negatives.solver import LBFGS, inside_margin, line_search

#: All features are multiplied by one number so that their RMS norm is this, the norm of SIFT, which suits C.
#: The constant feature, whose weight is the bias, is as large.
NORM = 512.0
#: Without a start, detectors are first trained on one of so many maps, to this tolerance.
FEWER, ROUGH = 8, 0.1
#: Windows from which the curvature is estimated, and the fraction of all assumed to be inside the margin.
SAMPLE, INSIDE = 10_000, 0.1


def train(
    maps: np.ndarray,
    labels: np.ndarray,
    *,
    context: int = 3,
    C: float = 1e-6,
    rounds: int = 200,
    tolerance: float = 1e-3,
    seed: int = 0,
    start: Detectors | None = None,
) -> Detectors:
    """Train a detector for each keypoint on all positive and negative windows of `maps`.

    Parameters
    ----------
    maps : array (N, H, W, C) float32 or uint8
    labels : array (K, N, H, W) int8
        1 where a window is positive for the keypoint, -1 where it is negative, 0 where it is not used.
    context : int
        Side of a window in cells, odd.
    C : float
        Weight of the squared hinge losses, for features of RMS norm 512 over all windows.
    rounds : int
        Maximum number of rounds of mining.
    tolerance : float
        A detector is done when its duality gap, over all samples, is this fraction of its objective.
    seed : int
        For the choice of the first maps and of the windows from which the curvature is estimated.
    start : Detectors, optional
        Detectors of the same maps, trained with other labels: where training starts. The result is the same
        within the tolerance.

    Notes
    -----
    The objective is ``|w|^2 / 2 + C sum_i max(0, 1 - y_i w x_i)^2``, as by default in LIBLINEAR and
    scikit-learn. (With the plain hinge loss, and one positive among hundreds of windows, the detectors of
    difficult keypoints reject everything; with the squared one they still rank the windows.)

    Only samples inside the margin contribute: missed positives and hard negatives. A round finds them among
    all windows, for all keypoints together, with one matrix product per chunk of maps, and takes an L-BFGS
    step. Hence no hard negative is ever missed, as it might be if a list of them were kept. With the dual
    variables ``a_i = 2 C max(0, 1 - y_i w x_i)`` the duality gap is half the squared norm of the gradient.
    """
    maps, labels = np.asarray(maps), np.asarray(labels)
    _check(maps, labels, context, C, rounds)
    count, rng = len(labels), np.random.default_rng(seed)
    scale = NORM / max(_rms_norm(maps, context), np.finfo(np.float32).tiny)
    trained = [k for k in range(count) if (labels[k] > 0).any()]
    w = np.zeros((count, context**2 * maps.shape[3] + 1))
    w[:, -1] = -1 / NORM  # rejects everything
    if start is not None:
        w[:, :-1], w[:, -1] = start.weights.reshape(count, -1) / scale, start.bias / NORM
        w[np.isnan(w).any(axis=1)] = 0
    used = rng.permutation(np.flatnonzero((labels != 0).any(axis=(0, 2, 3))))
    curvature = _curvature(maps, used, context, scale, rng) if start is None else start.curvature
    shared = dict(context=context, C=C, scale=scale, curvature=curvature, rounds=rounds)
    if start is None:
        few = np.sort(used[: -(-len(used) // FEWER)])
        positive = [k for k in trained if (labels[k, few] > 0).any()]
        _minimise(w, maps[few], labels[:, few], positive, tolerance=ROUGH, **shared)
    rows = np.sort(used) if len(used) < len(maps) else slice(None)  # a slice does not copy
    taken, gap, inside = _minimise(w, maps[rows], labels[:, rows], trained, tolerance=tolerance, **shared)
    w[[k for k in range(count) if k not in trained]] = np.nan
    return Detectors(
        weights=(w[:, :-1] * scale).reshape(count, context, context, -1).astype(np.float32),
        bias=(w[:, -1] * NORM).astype(np.float32),
        rounds=taken,
        duality_gap=gap,
        support_vectors=inside,
        curvature=curvature,
    )


def _minimise(
    w: np.ndarray,
    maps: np.ndarray,
    labels: np.ndarray,
    trained: list[int],
    *,
    context: int,
    C: float,
    scale: float,
    curvature: np.ndarray,
    rounds: int,
    tolerance: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Update `w` until the gaps are within `tolerance`; return rounds, gaps and samples inside the margin."""
    labels = np.ascontiguousarray(labels)
    count, size = len(labels), labels[0].size
    taken, gap, inside = np.zeros(count, int), np.full(count, np.nan), np.zeros(count, int)
    lbfgs = LBFGS(count, np.eye(len(curvature), dtype=np.float32) + 2 * C * INSIDE * size * curvature)

    def score(w: np.ndarray) -> np.ndarray:
        weights = (w[:, :-1] * scale).reshape(len(w), context, context, -1)
        result = responses(maps, weights, w[:, -1] * NORM)
        return np.ascontiguousarray(result.swapaxes(0, 1)).reshape(len(w), size)

    todo, scores = list(trained), np.zeros((count, size), np.float32)
    scores[todo] = score(w[todo])
    previous: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    while todo:
        margins, losses = np.empty((len(todo), size), np.float32), np.empty(len(todo))
        for n, k in enumerate(todo):
            inside[k], losses[n] = inside_margin(scores[k], labels[k].ravel(), margins[n])
        sums = weighted_sum(maps, margins.reshape(len(todo), *labels.shape[1:]).swapaxes(0, 1), context)
        sums = sums.reshape(len(todo), -1) * scale
        sums = np.column_stack([sums, margins.sum(axis=1, dtype=float) * NORM])
        gradients = w[todo] - 2 * C * sums
        for n, k in enumerate(todo):
            taken[k] += 1
            gap[k] = gradients[n] @ gradients[n] / 2 / (w[k] @ w[k] / 2 + C * losses[n])
            if k in previous:
                lbfgs.add(k, previous[k][0], gradients[n] - previous[k][1])
        remaining = [n for n, k in enumerate(todo) if gap[k] > tolerance and taken[k] < rounds]
        todo, gradients = [todo[n] for n in remaining], gradients[remaining]
        if not todo:
            break
        directions = lbfgs.directions(todo, gradients)
        for k, gradient, direction, change in zip(
            todo, gradients, directions, score(directions), strict=True
        ):
            linear, quadratic = w[k] @ direction, direction @ direction
            t = line_search(scores[k], change, labels[k].ravel(), C, linear, quadratic)
            w[k] += t * direction
            scores[k] += np.float32(t) * change
            previous[k] = t * direction, gradient
    return taken, gap, inside


def _check(maps: np.ndarray, labels: np.ndarray, context: int, C: float, rounds: int) -> None:
    if maps.ndim != 4 or maps.dtype not in (np.float32, np.uint8):
        raise ValueError(f"expected maps (N, H, W, C) float32 or uint8, got {maps.shape} {maps.dtype}")
    if labels.ndim != 4 or labels.shape[1:] != maps.shape[:3] or labels.dtype != np.int8:
        expected = ", ".join(map(str, maps.shape[:3]))
        raise ValueError(f"expected labels (K, {expected}) int8, got {labels.shape} {labels.dtype}")
    if not (context % 2 == 1 <= context and C > 0 and rounds >= 1):
        raise ValueError(
            f"expected an odd context, C > 0 and at least one round; got {context}, {C} and {rounds}"
        )


def _rms_norm(maps: np.ndarray, context: int) -> float:
    """Root mean square of the norms of all windows."""
    squares = np.stack([np.einsum("hwc,hwc->hw", m, m, dtype=np.float32) for m in maps])
    # A cell is in as many windows as there are cells around it.
    rows, cols = (np.convolve(np.ones(side), np.ones(context), "same") for side in squares.shape[1:])
    return float(np.sqrt(np.einsum("nhw,h,w->", squares, rows, cols) / squares.size))


def _curvature(
    maps: np.ndarray, used: np.ndarray, context: int, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Second moments ``(D, D)`` of randomly drawn windows, each with its constant feature."""
    half, (height, width) = context // 2, maps.shape[1:3]
    cells = rng.choice(len(used) * height * width, min(SAMPLE, len(used) * height * width), replace=False)
    n, row, col = np.unravel_index(np.sort(cells), (len(used), height, width))
    drawn = np.full((len(cells), context**2 * maps.shape[3] + 1), NORM, np.float32)
    windows = drawn[:, :-1].reshape(len(cells), context, context, -1)
    for i, j in np.ndindex(context, context):
        r, c = row + i - half, col + j - half
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        windows[:, i, j] = 0
        windows[inside, i, j] = maps[used[n[inside]], r[inside], c[inside]]
        windows[:, i, j] *= scale
    upper = ssyrk(1 / len(drawn), drawn.T)  # the triangle above the diagonal
    return np.triu(upper) + np.triu(upper, 1).T
