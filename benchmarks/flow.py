"""Flow: TRW-S against alpha expansion, its messages against lower envelopes, two threads against one.

A pair of feature maps is a smooth random field, rectified, and a deformed copy with twice as much noise, both
of RMS norm 1: their costs resemble those of conv4 on two objects of a category. lambda is beta times the
squared stride: 0.15 corresponds to a beta of 6e-4, and 0.77 to the paper's, 3e-3.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter, map_coordinates

from benchmarks.harness import Absent, Contest, Growth, Kernel, Sides
from corrlib import mrf
from corrlib.flow import align
from corrlib.mrf import solvers
from corrlib.mrf.kernels import prepare, send
from corrlib.mrf.vectors import REACHES, TILE, aligned

#: Tolerated gap between energy and bound as a share of the energy, and share of pairs that must be within it.
GAP, MOST = 1e-3, 0.95


def features(side: int, seed: int, depth: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Reference and moving features ``(side, side, depth)``."""
    rng = np.random.default_rng(seed)
    margin = 8
    field = gaussian_filter(rng.standard_normal((side + 2 * margin, side + 2 * margin, depth)), (0.8, 0.8, 0))
    r, c = np.indices((side, side)) + float(margin)
    bend = 1.5 * np.sin(c / 3 + seed), 1.5 * np.cos(r / 4)
    moving = [map_coordinates(f, (r + bend[0], c + bend[1]), order=1) for f in np.moveaxis(field, -1, 0)]
    noise = gaussian_filter(rng.standard_normal((side, side, depth)), (0.8, 0.8, 0))
    pair = [field[margin:-margin, margin:-margin], np.moveaxis(np.array(moving), 0, -1) + 2 * noise]
    pair = [np.maximum(f - 0.5 * f.std(), 0) for f in pair]
    return tuple((f / np.sqrt((f**2).sum(axis=-1).mean())).astype(np.float32) for f in pair)


def pairs(side: int, count: int) -> list[np.ndarray]:
    """Costs of some pairs."""
    return [mrf.unary(*features(side, seed)) for seed in range(count)]


def expansion(costs: np.ndarray, beta: float, cycles: int = 5) -> Callable[[], np.ndarray]:
    """A function that solves the same problem by PyMaxflow, whose labels have to be displacements."""
    try:
        from maxflow.fastmin import aexpansion_grid
    except ImportError:
        raise Absent("PyMaxflow is not installed") from None
    height, width, rows, cols = costs.shape
    moves = np.stack(np.mgrid[1 - height : rows, 1 - width : cols], axis=-1).reshape(-1, 2)
    r, c = np.indices((height, width))[..., None]
    row, col = r + moves[:, 0], c + moves[:, 1]
    off = (row < 0) | (row >= rows) | (col < 0) | (col >= cols)
    unary = costs[r, c, row.clip(0, rows - 1), col.clip(0, cols - 1)].astype(float)
    unary[off] = 1e4
    pairwise = beta * ((moves[:, None] - moves) ** 2).sum(axis=-1).astype(float)

    def solve() -> np.ndarray:
        chosen = aexpansion_grid(unary, pairwise, max_cycles=cycles)
        return moves[chosen] + np.stack([r[..., 0], c[..., 0]], axis=-1)

    return solve


def against_expansion(side: int, beta: float, timed: int, checked: int, quick: bool) -> Sides:
    """Time some pairs; compare their energies, and check more pairs against the bound."""
    timed, checked = (max(1, n // 3) for n in (timed, checked)) if quick else (timed, checked)
    costs = pairs(side, max(timed, checked))
    theirs = [expansion(one, beta) for one in costs[:timed]]
    solve = partial(mrf.solve, beta=beta, tolerance=GAP)

    def check(ours: list[mrf.Solution], labels: list[np.ndarray]) -> tuple[bool, str]:
        solutions = [*ours, *map(solve, costs[timed:])]
        gaps = np.array([(s.energy - s.bound) / s.energy for s in solutions])
        energies = [sum(mrf.energy(one, its, beta)) for one, its in zip(costs, labels, strict=False)]
        above = np.array([its / one.energy - 1 for its, one in zip(energies, ours, strict=True)])
        met = np.mean(gaps <= GAP)
        said = (
            f"{met:.0%} of {len(solutions)} within {GAP:g} of the bound; its energy {np.median(above):+.2%}"
        )
        # Its energy may be lower only by as much as the bound allows.
        return met >= MOST and above.min() >= -GAP, said

    return Sides(
        lambda: [solve(one) for one in costs[:timed]], lambda: [its() for its in theirs], check, timed
    )


_compiled = njit(nogil=True, error_model="numpy")


@_compiled
def envelope(f, beta, shift, out, vertex, start):
    """out[j] = min over o of f[o] + beta (o - j + shift)^2 by the lower envelope of the parabolas.

    Felzenszwalb and Huttenlocher 2004, section 2; beta > 0. `vertex` (n ints) and `start` (n + 1 floats) are
    workspaces.
    """
    last = 0
    vertex[0], start[0], start[1] = 0, -np.inf, np.inf
    for o in range(1, len(f)):
        while True:
            v = vertex[last]
            meet = ((f[o] + beta * o * o) - (f[v] + beta * v * v)) / (2 * beta * (o - v))
            if meet > start[last]:
                break
            last -= 1
        last += 1
        vertex[last] = o
        start[last], start[last + 1] = meet, np.inf
    last = 0
    for j in range(len(out)):
        place = j - shift
        while start[last + 1] < place:
            last += 1
        out[j] = f[vertex[last]] + beta * (vertex[last] - place) ** 2


@_compiled
def send_envelope(belief, share, reverse, reverse_at, down, right, workspace, out, out_at):
    """`corrlib.mrf.kernels.send` by lower envelopes."""
    rows, cols, parabola = workspace[:3]
    columns, beta = len(belief) // rows, float(parabola[max(rows, cols) + TILE + 1])
    vertex, start = np.empty(max(rows, cols), np.int64), np.empty(max(rows, cols) + 1)
    line, column = np.empty(cols), np.empty(rows)
    turned, between = np.empty((cols, rows)), np.empty((rows, cols))
    offset = share * belief[0] - reverse[reverse_at]
    for i in range(rows):
        for j in range(cols):
            turned[j, i] = share * belief[i * columns + j] - reverse[reverse_at + i * columns + j]
            offset = min(offset, turned[j, i])
    for j in range(cols):
        envelope(turned[j], beta, down, column, vertex, start)
        between[:, j] = column
    for i in range(rows):
        envelope(between[i], beta, right, line, vertex, start)
        for j in range(cols):
            out[out_at + i * columns + j] = line[j] - offset
    return np.float32(offset)


def sender(sends) -> Callable[..., float]:
    """Compile a loop that sends a message from every node, whose belief is its costs, to the right."""

    @_compiled
    def run(data, nodes, workspace, nothing, out, times):
        size, share = len(data) // nodes, np.float32(0.5)
        for _ in range(times):
            for at in range(0, nodes * size, size):
                belief = data[at : at + size]
                sends(belief, share, nothing, 0, 0, 1, workspace, out, at)
        return out

    return run


def messages(side: int, beta: float, quick: bool) -> Sides:
    """All messages to the right for one pair."""
    (costs,) = pairs(side, 1)
    data, _, height, width, rows, cols, _, parabola = solvers._problem(costs, beta)
    nodes, times = height * width, max(1, (2_000 if quick else 10_000) // (height * width))
    size = len(data) // nodes

    def call(sends) -> Callable[[], np.ndarray]:
        run, workspace = sender(sends), prepare(rows, cols, size // rows, parabola)
        nothing, out = aligned(size), aligned(len(data))
        return lambda: run(data, nodes, workspace, nothing, out, times)

    def check(ours: np.ndarray, theirs: np.ndarray) -> tuple[bool, str]:
        ours, theirs = (x.reshape(nodes, rows, -1)[..., :cols] for x in (ours, theirs))
        error = np.abs(ours - theirs).max()
        return error <= 1e-5, f"equal to {error:.0e}"

    # For each label and direction: itself and some pairs of neighbours are added to and compared.
    work = 2 * 2 * (REACHES[0] + 1) * rows * cols
    return Sides(call(send), call(send_envelope), check, nodes * times, work, "min-plus")


def two_threads(beta: float, quick: bool, neighbours: int = 25) -> Sides:
    """Flows from a reference to its neighbours, including the data term."""
    reference = features(13, 0, 384)[0]
    moving = np.stack([features(13, seed, 384)[1] for seed in range(5 if quick else neighbours)])

    def run(threads: int) -> list[mrf.Solution]:
        return align(reference, moving, beta=beta, stride=1, threads=threads)

    def check(ours: list[mrf.Solution], theirs: list[mrf.Solution]) -> tuple[bool, str]:
        same = all(np.array_equal(a.labels_rc, b.labels_rc) for a, b in zip(ours, theirs, strict=True))
        return same, f"the same labels of {len(ours)} pairs"

    return Sides(lambda: run(2), lambda: run(1), check, len(moving))


def one_flow(side: int, beta: float = 0.15) -> Callable[[], mrf.Solution]:
    """A flow on a square grid, with the tolerance of the contests."""
    (costs,) = pairs(side, 1)
    return lambda: mrf.solve(costs, beta, tolerance=GAP)


MAXFLOW, ENVELOPE = "PyMaxflow's aexpansion_grid, 5 cycles", "lower envelopes, compiled as well"
KERNEL = Kernel(
    contests=[
        Contest(
            f"{side} x {side}, lambda {beta:g}",
            MAXFLOW,
            partial(against_expansion, side, beta, *n),
            goal,
            share,
        )
        for side, n, goal, share in ((13, (3, 40), 20, 1.0), (32, (1, 20), 10, 0.2))
        for beta in (0.15, 0.77)
    ]
    + [
        Contest(f"message, {side} x {side} labels, lambda 0.15", ENVELOPE, partial(messages, side, 0.15), 15)
        for side in (13, 32)
    ]
    + [Contest("two threads, lambda 0.15", "one thread", partial(two_threads, 0.15), 1.6, clock="wall")],
    growths=[Growth("a flow, lambda 0.15", "nodes on a side of the grid", (13, 28, 32, 56), one_flow)],
)
