"""Contests: two sides solve the same problem, their answers are checked, then both are timed in turns.

The result is the ratio of their times within a round, which is affected least by other load. Times are
processor seconds of one thread unless a contest says otherwise. A contest whose check fails has no ratio.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Processor seconds of all threads of this process, or elapsed seconds.
CLOCKS = {"processor": time.process_time, "wall": time.perf_counter}


class Absent(Exception):
    """A peer is not installed; the message says which."""


@dataclass(frozen=True)
class Sides:
    """A problem and its two solvers.

    Attributes
    ----------
    ours, theirs
        Solve the problem.
    check
        Takes both answers; returns whether they are good enough, and the comparison in words.
    units
        Number of items computed in a call, such as flows; times are per item.
    work, limit
        Operations that we need per item, and their kind, a key of `limits.measure`.
    """

    ours: Callable[[], Any]
    theirs: Callable[[], Any]
    check: Callable[[Any, Any], tuple[bool, str]]
    units: int = 1
    work: float = 0.0
    limit: str = ""


@dataclass(frozen=True)
class Contest:
    """A row of the table.

    Attributes
    ----------
    name, against
        What is computed, and the peer.
    prepare
        Sets up the problem, a small one if its argument is true; raises `Absent` if there is no peer.
    goal
        Minimum ratio of their time to ours; None: no goal.
    rounds
        Share of the number of rounds, less than 1 for contests with long rounds. With 0, the only calls are
        those whose answers are checked, and these are timed.
    clock
        One of `CLOCKS`.
    """

    name: str
    against: str
    prepare: Callable[[bool], Sides]
    goal: float | None = None
    rounds: float = 1.0
    clock: str = "processor"


@dataclass(frozen=True)
class Growth:
    """A computation of growing size, to measure the exponent of its time.

    Attributes
    ----------
    name, size
        What is computed, and what its size counts.
    sizes
        Sizes to measure; a quick run omits the largest.
    prepare
        Size -> the call that is timed.
    """

    name: str
    size: str
    sizes: Sequence[int]
    prepare: Callable[[int], Callable[[], Any]]


@dataclass
class Kernel:
    """The benchmarks of a module."""

    contests: list[Contest] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)


def compete(
    kernel: str, contest: Contest, *, rounds: int, quick: bool = False, limits: dict[str, float] | None = None
) -> dict[str, Any]:
    """Hold a contest; its row of results has no ratio if the peer is absent or the check fails."""
    row: dict[str, Any] = {
        "kernel": kernel,
        "name": contest.name,
        "against": contest.against,
        "goal": contest.goal,
        "clock": contest.clock,
        "quick": quick,
    }
    try:
        sides = contest.prepare(quick)
    except Absent as absent:
        return row | {"skipped": str(absent)}
    clock = CLOCKS[contest.clock]
    calls = {"ours": sides.ours, "theirs": sides.theirs}
    answers, first = {}, {}
    for side, call in calls.items():
        began = clock()
        answers[side] = call()
        first[side] = clock() - began
    passed, checked = sides.check(answers["ours"], answers["theirs"])
    del answers
    row |= {"passed": bool(passed), "checked": checked}
    if not passed:
        return row
    counted = max(1, round(contest.rounds * rounds)) if contest.rounds else 0
    seconds = in_turns(calls, counted, clock) if counted else {s: np.array([t]) for s, t in first.items()}
    ratios = np.sort(seconds["theirs"] / seconds["ours"])
    ours, theirs = (float(np.median(seconds[side])) / sides.units for side in ("ours", "theirs"))
    row |= {
        "rounds": len(ratios),
        "ratio": float(np.median(ratios)),
        "low": float(ratios[0]),
        "high": float(ratios[-1]),
        "ours": ours,
        "theirs": theirs,
    }
    if sides.limit and limits:
        row |= {"limit": sides.limit, "fraction": sides.work / ours / limits[sides.limit]}
    return row


def in_turns(
    calls: dict[str, Callable[[], Any]], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[str, np.ndarray]:
    """Time calls in turns in each round: ``(rounds,)`` seconds of each call."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            began = clock()
            call()
            seconds[name].append(clock() - began)
    return {name: np.array(taken) for name, taken in seconds.items()}


def grow(kernel: str, growth: Growth, *, rounds: int, quick: bool = False) -> dict[str, Any]:
    """Median processor seconds at each size, and the exponent that fits them best."""
    sizes = list(growth.sizes)[: -1 if quick else None]
    seconds = []
    for size in sizes:
        call = growth.prepare(size)
        call()
        seconds.append(float(np.median(in_turns({"": call}, rounds)[""])))
    return {
        "kernel": kernel,
        "name": growth.name,
        "size": growth.size,
        "sizes": sizes,
        "seconds": seconds,
        "exponent": exponent(sizes, seconds),
        "quick": quick,
    }


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent p of seconds proportional to ``size ** p``, by least squares of the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])
