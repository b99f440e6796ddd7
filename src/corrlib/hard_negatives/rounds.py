"""Rounds of looking for hard examples among all windows, and of moving the detectors away from them."""

from __future__ import annotations

import numpy as np
from scipy.linalg.blas import ssyrk

from corrlib.hard_negatives.descent import Memory, inside_margin, line_search
from corrlib.hard_negatives.detectors import Detectors, responses, weighted_sum

#: Features are multiplied by one number so that their RMS norm is this, as of SIFT: it is what C suits. The
#: constant feature that learns the bias is as large.
NORM = 512.0
#: Detectors that start from nothing are first trained on one of so many maps, to this gap.
FEW, ROUGH = 8, 0.1
#: Windows that curvature is estimated from, and the share of all that is taken to be inside the margin.
SAMPLE, SHARE = 10_000, 0.1


def mine(
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
    maps
        ``(N, H, W, C)`` feature maps, float32 or uint8.
    labels
        ``(K, N, H, W)`` int8: 1 where a window is an example of the keypoint, -1 where it is none, 0 where it
        is not trained on.
    context
        Side of a window in cells, odd.
    C
        Weight of the squared hinge loss of an example, for features of RMS norm 512 (over all windows).
    rounds
        Of mining, at most.
    tolerance
        A detector is done when its duality gap, over all examples, is this share of its objective.
    seed
        Of the maps that are first, and of the windows that curvature is estimated from.
    start
        Detectors for the same maps, trained with other labels, say: where training begins, but not where it
        ends.

    Notes
    -----
    The objective is ``|w|^2 / 2 + C sum_i max(0, 1 - y_i w x_i)^2``, the default of LIBLINEAR and of
    scikit-learn. (One window of hundreds is positive. Where keypoints are hard to find, the plain hinge loss
    is least when all is called negative; the squared one still ranks the windows, and more than that is not
    asked of a detector.)

    Only examples inside the margin count: the positives that are missed, and the hard negatives. A round
    finds them among all windows, for all keypoints at once, as one product of matrices a chunk of maps, and
    takes a quasi-Newton step. No list of hard negatives is kept that others could be missing from, as it is
    where windows are too expensive to be looked at again: the round's are always all there are. With ``a_i =
    2 C max(0, 1 - y_i w x_i)`` as dual variables the duality gap is half the squared norm of the gradient, so
    every round knows how far above the minimum it is at most.
    """
    maps, labels = np.asarray(maps), np.asarray(labels)
    _check(maps, labels, context, C, rounds)
    count, rng = len(labels), np.random.default_rng(seed)
    scale = NORM / max(_rms_norm(maps, context), np.finfo(np.float32).tiny)
    trained = [k for k in range(count) if (labels[k] > 0).any()]
    lines = np.zeros((count, context**2 * maps.shape[3] + 1))
    lines[:, -1] = -1 / NORM  # all is rejected
    if start is not None:
        lines[:, :-1], lines[:, -1] = start.weights.reshape(count, -1) / scale, start.bias / NORM
        lines[np.isnan(lines).any(axis=1)] = 0
    used = rng.permutation(np.flatnonzero((labels != 0).any(axis=(0, 2, 3))))
    curvature = _curvature(maps, used, context, scale, rng) if start is None else start.curvature
    how = dict(context=context, C=C, scale=scale, curvature=curvature)
    if start is None:
        few = np.sort(used[: -(-len(used) // FEW)])
        seen = [k for k in trained if (labels[k, few] > 0).any()]
        _descend(lines, maps[few], labels[:, few], seen, rounds=rounds, tolerance=ROUGH, **how)
    some = np.sort(used) if len(used) < len(maps) else slice(None)  # of all, no copy
    taken, gap, hard = _descend(
        lines, maps[some], labels[:, some], trained, rounds=rounds, tolerance=tolerance, **how
    )
    lines[[k for k in range(count) if k not in trained]] = np.nan
    return Detectors(
        weights=(lines[:, :-1] * scale).reshape(count, context, context, -1).astype(np.float32),
        bias=(lines[:, -1] * NORM).astype(np.float32),
        rounds=taken,
        gap=gap,
        hard=hard,
        curvature=curvature,
    )


def _descend(
    lines: np.ndarray,
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
    """Change `lines` until their gaps are within `tolerance`: rounds, gaps, examples inside the margin."""
    labels = np.ascontiguousarray(labels)
    count, size = len(labels), labels[0].size
    taken, gap, hard = np.zeros(count, int), np.full(count, np.nan), np.zeros(count, int)
    memory = Memory(count, np.eye(len(curvature), dtype=np.float32) + 2 * C * SHARE * size * curvature)

    def scored(some: np.ndarray) -> np.ndarray:
        weights = (some[:, :-1] * scale).reshape(len(some), context, context, -1)
        found = responses(maps, weights, some[:, -1] * NORM)
        return np.ascontiguousarray(found.swapaxes(0, 1)).reshape(len(some), size)

    todo, scores = list(trained), np.zeros((count, size), np.float32)
    scores[todo] = scored(lines[todo])
    before: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    while todo:
        shares, losses = np.empty((len(todo), size), np.float32), np.empty(len(todo))
        for n, k in enumerate(todo):
            hard[k], losses[n] = inside_margin(scores[k], labels[k].ravel(), shares[n])
        sums = weighted_sum(maps, shares.reshape(len(todo), *labels.shape[1:]).swapaxes(0, 1), context)
        pull = np.column_stack([sums.reshape(len(todo), -1) * scale, shares.sum(axis=1, dtype=float) * NORM])
        gradients = lines[todo] - 2 * C * pull
        for n, k in enumerate(todo):
            taken[k] += 1
            gap[k] = gradients[n] @ gradients[n] / 2 / (lines[k] @ lines[k] / 2 + C * losses[n])
            if k in before:
                memory.add(k, before[k][0], gradients[n] - before[k][1])
        going = [n for n, k in enumerate(todo) if gap[k] > tolerance and taken[k] < rounds]
        todo, gradients = [todo[n] for n in going], gradients[going]
        if not todo:
            break
        directions = memory.directions(todo, gradients)
        for k, gradient, direction, change in zip(
            todo, gradients, directions, scored(directions), strict=True
        ):
            linear, quadratic = lines[k] @ direction, direction @ direction
            t = line_search(scores[k], change, labels[k].ravel(), C, linear, quadratic)
            lines[k] += t * direction
            scores[k] += np.float32(t) * change
            before[k] = t * direction, gradient
    return taken, gap, hard


def _check(maps: np.ndarray, labels: np.ndarray, context: int, C: float, rounds: int) -> None:
    if maps.ndim != 4 or maps.dtype not in (np.float32, np.uint8):
        raise ValueError(f"expected maps (N, H, W, C) float32 or uint8, got {maps.shape} {maps.dtype}")
    if labels.ndim != 4 or labels.shape[1:] != maps.shape[:3] or labels.dtype != np.int8:
        raise ValueError(
            f"expected labels (K, {', '.join(map(str, maps.shape[:3]))}) int8, one for each cell of the"
            f" maps, got {labels.shape} {labels.dtype}"
        )
    if context < 1 or context % 2 == 0:
        raise ValueError(f"context must be an odd number of cells, so that a window has a middle: {context}")
    if not (C > 0 and rounds >= 1):
        raise ValueError(f"expected C > 0 and at least one round, got C = {C} and {rounds} rounds")


def _rms_norm(maps: np.ndarray, context: int) -> float:
    """Root mean square of the norms of all windows."""
    energy = np.stack([np.einsum("hwc,hwc->hw", one, one, dtype=np.float32) for one in maps])
    # A cell is in as many windows as there are cells around it.
    rows, cols = (np.convolve(np.ones(side), np.ones(context), "same") for side in energy.shape[1:])
    return float(np.sqrt(np.einsum("nhw,h,w->", energy, rows, cols) / energy.size))


def _curvature(
    maps: np.ndarray, used: np.ndarray, context: int, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Mean of the outer products of windows, drawn at random, and their constant feature, with themselves."""
    half, (height, width) = context // 2, maps.shape[1:3]
    places = rng.choice(len(used) * height * width, min(SAMPLE, len(used) * height * width), replace=False)
    n, row, col = np.unravel_index(np.sort(places), (len(used), height, width))
    drawn = np.full((len(places), context**2 * maps.shape[3] + 1), NORM, np.float32)
    windows = drawn[:, :-1].reshape(len(places), context, context, -1)
    for i, j in np.ndindex(context, context):
        r, c = row + i - half, col + j - half
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
        windows[:, i, j] = 0
        windows[inside, i, j] = maps[used[n[inside]], r[inside], c[inside]]
        windows[:, i, j] *= scale
    half_of_it = ssyrk(1 / len(drawn), drawn.T)  # above the diagonal
    return np.triu(half_of_it) + np.triu(half_of_it, 1).T
