"""The solver, compiled: dual coordinate descent over the windows of some cells."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Passes over the examples, at most.
SWEEPS = 1000


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _dot(line, weights):
    total = np.float32(0)
    for i in range(len(weights)):
        total += np.float32(line[i]) * weights[i]
    return total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _add(weights, step, line):
    for i in range(len(weights)):
        weights[i] += step * np.float32(line[i])


@njit(cache=True, nogil=True)
def ascend(lines, shape, context, rows, signs, alphas, diagonal, C, scale2, bias2, tolerance, seed):
    """Maximise the dual over `rows`, changing `alphas`: weights and bias."""
    np.random.seed(seed)
    height, width = shape
    span = lines.shape[2] // (width + context - 1) * context
    cell = span // context
    weights = np.zeros((context, span), np.float32)
    count = len(rows)
    places = np.empty((count, 3), np.int64)
    bias = 0.0
    for i in range(count):
        n, place = divmod(rows[i], height * width)
        row, col = divmod(place, width)
        places[i] = n, row, col * cell
        if alphas[i] > 0:
            for d in range(context):
                line = lines[n, row + d, col * cell : col * cell + span]
                _add(weights[d], np.float32(signs[i] * alphas[i] * scale2), line)
            bias += signs[i] * alphas[i] * bias2
    order = np.arange(count)
    active, above = count, 1e30
    for _ in range(SWEEPS):
        for k in range(active):
            swap = k + np.random.randint(active - k)
            order[k], order[swap] = order[swap], order[k]
        most, least = -1e30, 1e30
        k = 0
        while k < active:
            i = order[k]
            n, row, start = places[i]
            score = bias
            for d in range(context):
                score += _dot(lines[n, row + d, start : start + span], weights[d])
            old = alphas[i]
            slope = signs[i] * score - 1 + old / (2 * C)
            # An example that is well outside of the margin is left alone until the others are done.
            if old == 0 and slope > above:
                active -= 1
                order[k], order[active] = order[active], order[k]
                continue
            pull = 0.0 if old == 0 and slope > 0 else slope
            most, least = max(most, pull), min(least, pull)
            if pull != 0:
                alphas[i] = max(old - slope / diagonal[i], 0.0)
                step = (alphas[i] - old) * signs[i]
                bias += step * bias2
                for d in range(context):
                    _add(weights[d], np.float32(step * scale2), lines[n, row + d, start : start + span])
            k += 1
        if most - least <= tolerance:
            if active == count:
                break
            active, above = count, 1e30
        else:
            above = most if most > 0 else 1e30
    return weights.ravel(), bias
