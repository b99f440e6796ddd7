"""Try every fault in full and tell what came of it: make faults, or python ci/faults.py [--inputs N].

Damaged and hostile files of every kind that is read, 10,000 inputs each, and where atheris is installed as
many that are guided by coverage; two hundred runs that are killed; full and read-only disks (as root), clocks
that jump, several processes that want the same. Half an hour on two quiet cores, of which both are used. The
test suite does the same with a small sample; fewer inputs mean fewer kills.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "tests"
FUZZ = sorted(path.name for path in TESTS.glob("test_fuzz*"))
LANES = {"killed": ["test_killed.py"], "others": ["test_faults.py", *FUZZ], "guided": FUZZ}
#: What runs at a time: runs that are killed, which have two processes of their own; and all others in turn.
TOGETHER = [["killed"], ["others", "guided"]]
MARK = "\x1erow "


class Recorder:
    """A plugin of pytest that writes a line for each test that has ended."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        if call.when != "call" and report.passed:
            return
        given = getattr(item.function, "_hypothesis_internal_use_settings", None)
        count = given.max_examples if hasattr(item.function, "hypothesis") else 1
        row = dict(fault=item.originalname.removeprefix("test_").replace("_", " "), file=item.path.stem)
        if tried := dict(report.user_properties).get("count"):  # of one kind of runs
            kind = item.callspec.id if hasattr(item, "callspec") else "guided by coverage"
            count, row["fault"] = tried, f"{row['fault']}: {kind}"
        row |= dict(count=count, outcome=report.outcome, seconds=report.duration)
        # The first bytes of a file that can be made again will do; what a guided run found is the last line.
        *lines, last = report.longreprtext.splitlines() or [""]
        row["why"] = "\n".join([*(line[:300] for line in lines[-80:]), last]) if report.failed else ""
        print(MARK + json.dumps(row), file=sys.__stdout__, flush=True)


def try_lane(lane: str, inputs: int) -> int:
    """Run a lane's tests in this process."""
    plugins: list = [Recorder()]
    if lane == "guided":
        try:
            from guided import Guide
        except ImportError:
            row = dict(fault="files guided by coverage: atheris is not installed", file=lane, count=0)
            print(MARK + json.dumps(row | dict(outcome="skipped", seconds=0, why="")))
            return 0
        plugins.append(Guide(inputs))
    quiet = ["-q", "-p", "no:cacheprovider", "--capture=sys", "-W", "ignore"]
    return pytest.main([*quiet, *(str(TESTS / name) for name in LANES[lane])], plugins=plugins)


def follow(lane: str, inputs: int, rows: list[dict]) -> None:
    """Run a lane in a process of its own; tell each test as it ends."""
    command = [sys.executable, __file__, "--lane", lane, "--inputs", str(inputs)]
    # Those that are guided begin with the sample of the test suite.
    many = {} if lane == "guided" else {"FAULTS": str(inputs)}
    environment = os.environ | many | {"OMP_NUM_THREADS": "1"}
    pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with subprocess.Popen(command, cwd=TESTS.parent, env=environment, **pipes) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            _, mark, text = line.partition(MARK)  # after the dots of those before
            if mark:
                rows.append(row := json.loads(text))
                print(f"{row['outcome']:8} {row['seconds']:7.1f} s  {row['fault']}", flush=True)
    if process.returncode not in (0, 1):
        row = dict(fault=lane, file=lane, count=0, outcome="failed", seconds=0, why="".join(said[-40:]))
        rows.append(row)


def table(rows: list[dict]) -> str:
    """One line for each fault: in how many forms it was tried, and what came of it."""
    lines = [f"{'fault':66} {'tried':>7}  outcome"]
    for key in dict.fromkeys((row["file"], row["fault"]) for row in rows):
        same = [row for row in rows if (row["file"], row["fault"]) == key]
        outcomes = [row["outcome"] for row in same]
        worst = next(o for o in ("failed", "skipped", "passed") if o in outcomes)
        lines.append(f"{key[1][:66]:66} {sum(row['count'] for row in same):7,}  {worst}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--inputs", type=int, default=10_000, metavar="N", help="of each kind of file (%(default)s)"
    )
    parser.add_argument("--lane", choices=LANES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.lane:
        return try_lane(args.lane, args.inputs)
    started, rows = time.monotonic(), []

    def follow_all(lanes: list[str]) -> None:
        for lane in lanes:
            follow(lane, args.inputs, rows)

    threads = [threading.Thread(target=follow_all, args=(lanes,)) for lanes in TOGETHER]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failed = [row for row in rows if row["outcome"] == "failed"]
    for row in failed:
        print(f"\n{row['fault']}:\n{row['why']}")
    print(f"\n{table(rows)}\n{len(failed)} failed, {time.monotonic() - started:,.0f} s")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
