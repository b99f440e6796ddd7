"""Benchmark corrlib against its peers: python -m benchmarks [--only flow,sift] [--rounds 5] [--quick]"""

# These must be set before any library starts threads or looks for a GPU.
# ruff: noqa: E402
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["CORRLIB_DEVICE"] = "cpu"

import argparse
import importlib
import json
import time
from typing import Any

import torch

from benchmarks import KERNELS, limits, pages, report, scale, sections, startup, sweep
from benchmarks.harness import compete, grow

#: Other benchmarks.
OTHERS = ("startup", "sweep")

DESCRIPTION = """\
Time corrlib's kernels and their peers in turns on one thread, after their answers are checked, and print the
peers' time divided by ours. Peers that are not installed are skipped, with a note. A full run writes
benchmarks/results.json, which the book's page on performance shows."""


def main() -> None:
    """Run the benchmarks that the command line names."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", help=f"some of {','.join(KERNELS + OTHERS)}; writes no file")
    parser.add_argument("--rounds", type=int, default=5, help="timings of each contest (default: 5)")
    parser.add_argument("--quick", action="store_true", help="smaller problems and one round; writes no file")
    parser.add_argument(
        "--book",
        nargs="*",
        metavar="COMMIT",
        help="only build the book of these commits (default: HEAD) from nothing, one after the other, and"
        " update the last results",
    )
    parser.add_argument(
        "--sections",
        metavar="COMMIT",
        help="only execute the four chapters on one category, this commit and HEAD in turns (a round takes"
        " 10 to 20 minutes), and update the last results",
    )
    given = parser.parse_args()
    if given.sections:
        compared = sections.compare(given.sections, given.rounds)
        return update(sections=compared | {"machine": report.machine()})
    if given.book is not None:
        return build(given.book or ["HEAD"])
    wanted = given.only.split(",") if given.only else list(KERNELS + OTHERS)
    if unknown := [name for name in wanted if name not in KERNELS + OTHERS]:
        parser.error(f"no benchmark {unknown[0]!r}: there are {', '.join(KERNELS + OTHERS)}")
    if given.rounds < 1:
        parser.error(f"--rounds is {given.rounds}: expected at least 1")
    rounds, quick = (1, True) if given.quick else (given.rounds, False)
    torch.set_num_threads(1)
    began = time.perf_counter()
    results = {"machine": report.machine(), "rounds": rounds, "contests": [], "growth": []}
    about = results["machine"]
    print(f"{about['processor']}, {about['cores']} cores, {' '.join(about['flags'])}; load {about['load']}")
    results["limits"] = limits.measure(5)
    rates = (f"{name} {rate / 1e9:.3g}" for name, rate in results["limits"].items())
    print(f"limits of one thread, billion operations per second: {', '.join(rates)}\n{report.HEAD}")
    for name in [name for name in KERNELS if name in wanted]:
        kernel = importlib.import_module(f"benchmarks.{name}").KERNEL
        for contest in kernel.contests:
            row = compete(name, contest, rounds=rounds, quick=quick, limits=results["limits"])
            results["contests"].append(row)
            print(report.line(row), flush=True)
        for growth in kernel.growths:
            results["growth"].append(grow(name, growth, rounds=min(rounds, 3), quick=quick))
    results["startup"] = startup.measure(quick) if "startup" in wanted else None
    results["sweep"] = sweep.measure() if "sweep" in wanted and not quick else None
    results["scale"] = scale.estimate(results["contests"])
    last = json.loads(report.RESULTS.read_text()) if report.RESULTS.is_file() else {}
    results |= {name: last[name] for name in ("book", "sections") if name in last}  # of runs of these alone
    results["seconds"] = round(time.perf_counter() - began)
    for line in report.tables(results):
        print(line)
    if given.only or quick:
        return print(f"{results['seconds']} s; no file is written, because this was not a full run")
    report.write(results, report.RESULTS)
    print(f"{results['seconds']} s; written to {report.RESULTS.relative_to(report.ROOT)}")


def build(commits: list[str]) -> None:
    """Build the book of some commits, print the seconds of each page, and update the file of results."""
    built = [pages.build(commit) for commit in commits]
    for row in built:
        print(f"{row['commit']}: {row['seconds']:.0f} s")
        for page in row["pages"]:
            print(f"  {page['name']}: {page['seconds']:.0f} s, processor {page['processor']:.0f} s")
    update(book={"machine": report.machine(), "builds": built})


def update(**part: Any) -> None:
    """Replace a part of the file of results."""
    report.write(json.loads(report.RESULTS.read_text()) | part, report.RESULTS)


if __name__ == "__main__":
    main()
