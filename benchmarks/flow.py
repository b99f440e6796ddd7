"""Flow solvers side by side: answers are checked, then ratios of times measured in turns in one process.

    pip install -e .[bench]
    OMP_NUM_THREADS=1 python benchmarks/flow.py        (--help tells how to have less of it)

A pair of feature maps is a smooth random field, rectified, and a bent copy of it in twice as much noise,
both of RMS norm 1: costs as those of conv4 on two objects of one category. lambda is beta times the squared
stride. Before anything is timed the answers are checked: no energy below the certified bound, none above
belief propagation's, and on the book's grid of 13 x 13 at least 95 % within 1e-3 of the bound. On larger
ones that share is only printed: the cap on sweeps is met now and then.

Solvers that are compared on one thread are timed by its processor time, which is steadier on a busy machine;
those on two need a machine with nothing else to do.
"""

import argparse
import importlib.util
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path
from types import FunctionType

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter, map_coordinates

from corrlib import mrf
from corrlib.flow import align
from corrlib.mrf import kernels, solvers

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
import oracles


def features(side: int, seed: int, depth: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Reference and moving features (side, side, depth)."""
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


def in_turns(calls: dict, rounds: int, clock=time.thread_time) -> dict[str, np.ndarray]:
    """Seconds (rounds,) of every call, one after the other in each round; a first round is not counted."""
    seconds = {name: [] for name in calls}
    for round_ in range(rounds + 1):
        for name, call in calls.items():
            begin = clock()
            call()
            if round_:
                seconds[name].append(clock() - begin)
    return {name: np.array(taken) for name, taken in seconds.items()}


def tell(what: str, seconds: dict[str, np.ndarray], flows: int = 1) -> None:
    """Print how many times as long as the first each of the others took, then the medians."""
    ours, *others = seconds
    ratios = {name: np.sort(seconds[name] / seconds[ours]) for name in others}
    spelled = [f"{name} {np.median(r):.3g} ({r[0]:.3g} to {r[-1]:.3g})" for name, r in ratios.items()]
    times = [f"{name} {1e3 * np.median(taken) / flows:.3g}" for name, taken in seconds.items()]
    print(f"{what}: times as long as {ours}: {', '.join(spelled)}; ms: {', '.join(times)}", flush=True)


def expansion(costs: np.ndarray, beta: float, cycles: int = 5):
    """The same problem for PyMaxflow, whose labels have to be displacements; a function that solves it."""
    from maxflow.fastmin import aexpansion_grid

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


envelope = njit(nogil=True, error_model="numpy")(oracles.lower_envelope)


@njit(nogil=True, error_model="numpy")
def send_envelope(belief, share, reverse, reverse0, down, right, rows, cols, bowl, source, half, out, out0):
    """`kernels.send` by lower envelopes."""
    columns, beta = len(belief) // rows, float(bowl[max(rows, cols) + 2])
    vertex, start = np.empty(max(rows, cols), np.int64), np.empty(max(rows, cols) + 1)
    line, column = np.empty(cols), np.empty(rows)
    turned, between = np.empty((cols, rows)), np.empty((rows, cols))
    offset = share * belief[0] - reverse[reverse0]
    for i in range(rows):
        for j in range(cols):
            turned[j, i] = share * belief[i * columns + j] - reverse[reverse0 + i * columns + j]
            offset = min(offset, turned[j, i])
    for j in range(cols):
        envelope(turned[j], beta, down, column, vertex, start)
        between[:, j] = column
    for i in range(rows):
        envelope(between[i], beta, right, line, vertex, start)
        for j in range(cols):
            out[out0 + i * columns + j] = line[j] - offset
    return np.float32(offset)


def with_send(send):
    """`kernels.trws`, sweep for sweep the same, with another function for the messages."""
    world = dict(vars(kernels), send=send)
    for name in ("sweep", "trws"):
        code = getattr(kernels, name).py_func.__code__
        world[name] = njit(nogil=True, error_model="numpy")(FunctionType(code, world, name))
    return world["trws"]


def against_expansion(side: int, beta: float, pairs: int, rounds: int) -> None:
    ratios, worse = [], []
    for seed in range(pairs):
        costs = mrf.unary(*features(side, seed))
        theirs = expansion(costs, beta)
        found, labels = mrf.solve(costs, beta, tolerance=1e-3), theirs()
        energy = sum(mrf.energy(costs, labels, beta))
        assert min(found.energy, energy) >= found.bound * (1 - 1e-5)
        assert found.energy - found.bound <= 1e-3 * found.energy
        worse.append(energy / found.energy - 1)
        assert worse[-1] > -1e-3
        contest = {"trws": lambda c=costs: mrf.solve(c, beta, tolerance=1e-3), "PyMaxflow": theirs}
        taken = in_turns(contest, rounds)
        tell(f"{side} x {side}, lambda {beta:g}, its energy {worse[-1]:+.2%}", taken)
        ratios.append(np.median(taken["PyMaxflow"] / taken["trws"]))
    print(f"  median of {pairs}: {np.median(ratios):.3g} times; its energy {np.median(worse):+.2%} of ours")


def against_envelope(side: int, beta: float, rounds: int, sweeps: int = 3) -> None:
    costs = mrf.unary(*features(side, 0))
    trws = with_send(send_envelope)

    def run(solver) -> float:
        return solver(*solvers._problem(costs, beta), sweeps, 0.0)[0]

    assert abs(run(trws) - run(kernels.trws)) < 1e-4 * abs(run(trws))
    taken = in_turns({"min-plus": lambda: run(kernels.trws), "envelope": lambda: run(trws)}, rounds)
    tell(f"{side} x {side}, lambda {beta:g}, a sweep", taken, sweeps)


def flows(side: int, beta: float, rounds: int, neighbours: int = 25) -> None:
    reference = features(side, 0, 384)[0]
    moving = np.stack([features(side, seed, 384)[1] for seed in range(neighbours)])
    how = {"beta": beta, "stride": 1}
    best = align(reference, moving, **how)
    paper = align(reference, moving, solver="bp", **how)
    gaps = np.array([(s.energy - s.bound) / s.energy for s in best])
    above = np.array([b.energy / s.energy - 1 for b, s in zip(paper, best, strict=True)])
    assert above.min() > -1e-4
    assert side != 13 or np.mean(gaps <= 1e-3) >= 0.95
    print(
        f"{side} x {side}, lambda {beta:g}: within 1e-3 of the bound {np.mean(gaps <= 1e-3):.0%}, worst gap "
        f"{gaps.max():.1e}, sweeps {np.median([s.iterations for s in best]):g}; bp above trws by median "
        f"{np.median(above):.2%}, {above.min():.2%} to {above.max():.2%}"
    )
    calls = {f"{n} threads": lambda n=n: align(reference, moving, threads=n, **how) for n in (2, 1)}
    calls["data term alone"] = lambda: mrf.unary(reference, moving)
    taken = in_turns(calls, rounds, time.perf_counter)
    tell(f"  {neighbours} flows with data term, each", taken, neighbours)
    print(f"  {neighbours / np.median(taken['2 threads']):.0f} flows a second with two threads")


def main() -> None:
    has_maxflow = importlib.util.find_spec("maxflow") is not None
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="timings of each contestant (default 9)")
    parser.add_argument("--pairs", type=int, default=5, help="pairs for PyMaxflow at 13 x 13 (default 5)")
    parser.add_argument("--large", type=int, default=1, help="pairs for it at 32 x 32 (default 1; minutes)")
    given = parser.parse_args()
    packages = ("numba", "numpy", "scipy") + ("pymaxflow",) * has_maxflow
    print(f"{len(os.sched_getaffinity(0))} cores;", ", ".join(f"{one} {version(one)}" for one in packages))
    for beta in (0.15, 0.77):
        flows(13, beta, given.rounds)
    flows(32, 0.15, 2, neighbours=4)
    for side in (13, 32):
        against_envelope(side, 0.15, given.rounds)
    if not has_maxflow:
        return print("PyMaxflow is not installed (pip install -e .[bench]): not compared")
    for beta in (0.15, 0.77):
        against_expansion(13, beta, given.pairs, min(3, given.rounds))
    if given.large:
        against_expansion(32, 0.15, given.large, 1)


if __name__ == "__main__":
    main()
