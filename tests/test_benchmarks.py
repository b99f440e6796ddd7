"""The harness of ``make bench``, its results in the project, and the tables that the book makes of them."""

import importlib
import json
import sys

import numpy as np
import pytest

from conftest import ROOT
from corrlib.publishing import performance

sys.path.insert(0, str(ROOT))
from benchmarks import KERNELS, harness, report, scale
from benchmarks.harness import Absent, Contest, Growth, Sides

RESULTS = ROOT / "benchmarks" / "results.json"
MACHINE = {
    "date": "2026-01-02",
    "processor": "Z80",
    "cores": 2,
    "flags": ["avx2"],
    "load": 0.5,
}


class Clock:
    """Time that passes only when something is done."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def task(self, *seconds):
        """Something that takes so long, one duration after the other; its answer is how often it was done."""
        done = []

        def call():
            self.now += seconds[len(done) % len(seconds)]
            done.append(1)
            return len(done)

        return call


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setitem(harness.CLOCKS, "processor", clock)
    return clock


def held(ours, theirs, *, passed=True, rounds=3, share=1.0, units=1, **more):
    seen = []

    def check(a, b):
        seen.append((a, b))
        return passed, "looked at"

    sides = Sides(ours, theirs, check, units, **more)
    contest = Contest("it", "them", lambda quick: sides, goal=2, rounds=share)
    row = harness.compete("kernel", contest, rounds=rounds, limits={"adds": 100.0})
    assert seen == [(1, 1)], "the first answers are checked, once"
    return row


def test_a_ratio_is_the_median_of_rounds_of_which_the_first_is_not_counted(clock):
    # Ratios of the rounds: 30 / 2, 8 / 4, 7 / 1, and before them the check's 99 / 50.
    row = held(clock.task(50, 2, 4, 1), clock.task(99, 30, 8, 7), units=2, work=10.0, limit="adds")
    assert (row["ratio"], row["low"], row["high"], row["rounds"]) == (7, 2, 15, 3)
    assert (row["ours"], row["theirs"]) == (1, 4), "seconds of one thing, medians"
    assert row["fraction"] == 10.0 / 1 / 100.0
    assert row["passed"] and row["checked"] == "looked at" and not row["quick"]


def test_a_failed_check_has_no_ratio_and_is_not_timed(clock):
    row = held(clock.task(1), clock.task(5), passed=False)
    assert not {"ratio", "ours", "theirs", "low", "high", "fraction"} & set(row)
    assert clock.now == 6, "nothing was done after the check"
    assert "no ratio" in report.line(row) and "looked at" in report.line(row)
    assert "| no ratio |" in performance.ratios([row])
    assert "**failed:** looked at" in performance.checks([row])
    assert performance.missed([row]) == []


def test_one_long_round_is_its_own_check(clock):
    row = held(clock.task(2), clock.task(8), share=0)
    assert (row["ratio"], row["rounds"], clock.now) == (4, 1, 10)


def test_a_peer_that_is_absent_is_named():
    def prepare(quick):
        raise Absent("PyThing is not installed")

    row = harness.compete("kernel", Contest("it", "PyThing", prepare, goal=2), rounds=1)
    assert row["skipped"] == "PyThing is not installed" and "ratio" not in row
    assert "skipped, PyThing is not installed" in report.line(row)
    assert "| skipped |" in performance.ratios([row])
    assert row["skipped"] in performance.checks([row])


@pytest.mark.parametrize(
    ("kernel", "package", "named"),
    [("flow", "maxflow.fastmin", "PyMaxflow"), ("retrieval", "faiss", "faiss"), ("network", "onnx", "onnx")],
)
def test_kernels_name_the_peers_that_they_miss(monkeypatch, kernel, package, named):
    module = pytest.importorskip(f"benchmarks.{kernel}")
    monkeypatch.setitem(sys.modules, package, None)  # whose import fails
    contests = [c for c in module.KERNEL.contests if named in c.against]
    rows = [harness.compete(kernel, c, rounds=1, quick=True) for c in contests[:1]]
    assert rows and all(named in row["skipped"] for row in rows)


def test_rounds_are_interleaved():
    order = []
    harness.in_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert "".join(order) == "ababab"


def test_growth_has_the_power_it_is_of(monkeypatch, clock):
    assert harness.exponent([1, 2, 8], [3, 12, 192]) == pytest.approx(2)
    monkeypatch.setattr(harness, "in_turns", lambda calls, rounds: {"": np.full(rounds, calls[""]())})
    growth = Growth("it", "things", (10, 100, 1000), lambda size: lambda: 5e-3 * size**1.5)
    row = harness.grow("kernel", growth, rounds=2)
    assert row["exponent"] == pytest.approx(1.5) and row["sizes"] == [10, 100, 1000]
    assert harness.grow("kernel", growth, rounds=2, quick=True)["sizes"] == [10, 100]


def test_results_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.json"
    report.write({"a": 1}, path)
    with pytest.raises(ValueError, match="JSON"):
        report.write({"a": float("nan")}, path)
    assert json.loads(path.read_text()) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_the_scale_is_counts_times_full_rates():
    row = {
        "kernel": "sift",
        "name": "dense, section 5's grid",
        "against": "VLFeat",
        "ratio": 4.0,
        "quick": False,
    }
    row |= {"ours": 0.5, "theirs": 2.0}
    (step,) = scale.estimate([row, row | {"against": "OpenCV"}])
    assert step["count"] == 27_450
    assert (step["ours"], step["theirs"]) == (27_450 * 0.5 / 3600, 27_450 * 2.0 / 3600)
    assert scale.estimate([row | {"quick": True}]) == []
    assert "**15.2** | **3.8**" in performance.scale([step])


def test_a_missed_goal_is_bold_and_named():
    row = {"kernel": "a", "name": "b", "against": "c", "passed": True, "checked": "d", "rounds": 3}
    low, high = (row | {"ratio": r, "low": r - 0.5, "high": r + 0.5, "goal": 2.0} for r in (1.5, 2.5))
    assert "| **1.5** [1, 2] |" in performance.ratios([low]).replace("\u00a0", " ")
    assert "| 2.5 [2, 3] |" in performance.ratios([high]).replace("\u00a0", " ")
    assert performance.missed([low, high]) == ["a: b, against c (1.5 of 2)"]
    assert performance.missed([low | {"goal": None}]) == []


def test_it_is_said_where_it_was_measured():
    assert performance.where(MACHINE) == "2026-01-02, Z80, 2 cores, AVX2, load 0.5 at the start"


def test_results_that_are_not_there_or_not_whole_are_refused(tmp_path):
    path = tmp_path / "results.json"
    with pytest.raises(ValueError, match="no results of benchmarks: make bench"):
        performance.read(path)
    path.write_text("{")
    with pytest.raises(ValueError, match="as JSON"):
        performance.read(path)
    path.write_text(json.dumps({"machine": MACHINE}))
    with pytest.raises(ValueError, match="without limits, contests"):
        performance.read(path)


def test_the_project_has_results_of_every_kernel_and_pages_can_be_made_of_them():
    found = performance.read(RESULTS)
    contests, growths = [], []
    for name in KERNELS:
        kernel = importlib.import_module(f"benchmarks.{name}").KERNEL
        contests += [(name, c.name, c.against, c.goal) for c in kernel.contests]
        growths += [(name, g.name, list(g.sizes)) for g in kernel.growths]
    rows = found["contests"]
    assert [(r["kernel"], r["name"], r["against"], r["goal"]) for r in rows] == contests
    assert [(g["kernel"], g["name"], g["sizes"]) for g in found["growth"]] == growths
    for row in rows:
        assert row["passed"] and not row["quick"], row
        assert 0 < row["low"] <= row["ratio"] <= row["high"], row
        assert 0 < row.get("fraction", 1) <= 1.1, row
    assert found["machine"]["cores"] >= 1 and set(found["machine"]["versions"]) <= set(report.PACKAGES)
    assert len(found["scale"]) == len(scale.STEPS)
    assert found["startup"]["import"] < 0.3, "the command's import is not slow, and loads no torch"
    tables = (
        performance.ratios(rows),
        performance.startup(found["startup"]),
        performance.pages(found["pages"]),
    )
    for table in tables:
        assert len(table.splitlines()) > 2 and "nan" not in table
