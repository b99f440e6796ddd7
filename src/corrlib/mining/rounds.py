"""Rounds of training on the hard negatives found so far, and of looking for others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from corrlib.mining.ascent import ascend
from corrlib.mining.detectors import Detectors, responses

#: Features are multiplied by one number so that their RMS norm is this, as of SIFT: it is what C suits. The
#: constant feature that learns the bias is as large.
NORM = 512.0
#: Maps that a pass looks at together.
CHUNK = 32
#: Negatives that a detector starts from, drawn at random.
FIRST = 5000
#: How far inside the margin a negative has to be in the first round. The first detectors are poor: most of
#: what they hardly reject the next ones will.
WIDE = 0.5


def mine(
    maps: np.ndarray,
    labels: np.ndarray,
    *,
    context: int = 3,
    C: float = 1e-6,
    rounds: int = 20,
    tolerance: float = 0.1,
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
        A negative is hard if its score is above -1 by more than this. The solver stops when no margin is
        further off than this, too; it is what LIBLINEAR does by default.
    seed
        Of the first negatives, and of the solver's order.
    start
        Detectors for the same maps, trained with other labels, say: their support vectors are where training
        begins, but not where it ends.

    Notes
    -----
    The objective is ``|w|^2 / 2 + C sum_i max(0, 1 - y_i w x_i)^2``, the default of LIBLINEAR and of
    scikit-learn. (One window of hundreds is positive. Where keypoints are hard to find, the plain hinge loss
    is least when all is called negative; the squared one still ranks the windows, and more than that is not
    asked of a detector.) A round minimises the objective over the negatives found so far (dual coordinate
    descent: Hsieh et al., ICML 2008, with its shrinking), from where the last one ended. Then one pass over
    the maps finds the hard ones among all the others, for all keypoints at once. When there are none the
    minimum is that over all examples: the dual variables of the others would be zero.
    """
    maps, labels = np.asarray(maps), np.asarray(labels)
    _check(maps, labels, context, C, rounds)
    half, rng = context // 2, np.random.default_rng(seed)
    padded = np.pad(maps, ((0, 0), (half, half), (half, half), (0, 0)))
    norms = _norms(padded, context)
    scale = NORM / max(float(np.sqrt(norms.mean(dtype=np.float64))), np.finfo(np.float32).tiny)
    diagonal = scale**2 * norms.ravel().astype(np.float64) + NORM**2 + 1 / (2 * C)
    lines, cells = padded.reshape(*padded.shape[:2], -1), labels.reshape(len(labels), -1)
    count, width = len(labels), context**2 * maps.shape[3]
    weights, bias = np.full((count, width), np.nan, np.float32), np.full(count, np.nan, np.float32)
    taken, left, gap = np.zeros(count, int), np.zeros(count, int), np.full(count, np.nan)
    trained = [k for k in range(count) if (cells[k] > 0).any()]
    rows, alphas = [np.zeros(0, np.int64)] * count, [np.zeros(0)] * count
    for k in trained:
        rows[k], alphas[k] = _first(cells[k], rng, start and (start.rows[k], start.alphas[k]))

    def solve(k: int) -> None:
        signs = cells[k][rows[k]].astype(np.float32)
        weights[k], bias[k] = ascend(
            lines, labels.shape[2:], context, rows[k], signs, alphas[k], diagonal[rows[k]], C, scale**2,
            NORM**2, tolerance, seed,
        )  # fmt: skip

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        todo = trained
        for number in range(rounds):
            list(pool.map(solve, todo))
            early = number == 0 and rounds > 1
            least = max(tolerance, WIDE) if early else tolerance
            found, losses = _hard(maps, cells, weights, bias, todo, context, least)
            missed = []
            for k, hard, loss in zip(todo, found, losses, strict=True):
                new = np.setdiff1d(hard, rows[k], assume_unique=True)
                taken[k], left[k] = taken[k] + 1, len(new)
                norm = float(weights[k] @ weights[k]) / scale**2 + (float(bias[k]) / NORM) ** 2
                primal = norm / 2 + C * loss
                dual = alphas[k].sum() - alphas[k] @ alphas[k] / (4 * C) - norm / 2
                gap[k] = (primal - dual) / primal
                if len(new) or early:
                    missed.append(k)
                    if taken[k] < rounds:
                        rows[k] = np.concatenate([rows[k], new])
                        alphas[k] = np.concatenate([alphas[k], np.zeros(len(new))])
            todo = missed
            if not todo:
                break
    support = [np.flatnonzero(a) for a in alphas]
    return Detectors(
        weights=weights.reshape(count, context, context, -1),
        bias=bias,
        rounds=taken,
        left=left,
        gap=gap,
        rows=tuple(r[s] for r, s in zip(rows, support, strict=True)),
        alphas=tuple(a[s] for a, s in zip(alphas, support, strict=True)),
    )


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


def _norms(padded: np.ndarray, context: int) -> np.ndarray:
    """Squared norms of all windows, ``(N, H, W)``."""
    squares = np.stack([np.einsum("hwc,hwc->hw", one, one, dtype=np.float32) for one in padded])
    for axis in (1, 2):
        squares = np.lib.stride_tricks.sliding_window_view(squares, context, axis).sum(axis=-1)
    return squares


def _first(
    cells: np.ndarray, rng: np.random.Generator, start: Sequence[np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray]:
    """All positives, and those negatives that it starts with: rows and dual variables."""
    positives = np.flatnonzero(cells > 0)
    if start is None:
        negatives = np.flatnonzero(cells < 0)
        negatives = rng.choice(negatives, min(FIRST, len(negatives)), replace=False)
        return np.concatenate([positives, negatives]), np.zeros(len(positives) + len(negatives))
    alphas = np.zeros(len(cells))
    alphas[start[0]] = start[1]
    rows = np.concatenate([positives, start[0][cells[start[0]] < 0]])
    return rows, alphas[rows]


def _hard(
    maps: np.ndarray,
    cells: np.ndarray,
    weights: np.ndarray,
    bias: np.ndarray,
    todo: list[int],
    context: int,
    tolerance: float,
) -> tuple[list[np.ndarray], np.ndarray]:
    """For each detector of `todo` all negatives inside the margin, and the sum of all its losses."""
    found, losses = [[] for _ in todo], np.zeros(len(todo))
    kernels, size = weights[todo].reshape(len(todo), context, context, -1), maps.shape[1] * maps.shape[2]
    for first in range(0, len(maps), CHUNK):
        scores = responses(maps[first : first + CHUNK], kernels, bias[todo])
        for n, k in enumerate(todo):
            score = scores[:, n].ravel()
            label = cells[k, first * size : first * size + len(score)]
            slack = np.maximum(0, 1 - label * score)[label != 0]
            losses[n] += slack @ slack
            found[n].append(first * size + np.flatnonzero((label < 0) & (score > tolerance - 1)))
    return [np.concatenate(hard) for hard in found], losses
