"""The harness of ``make bench``, the recorded results, and the tables that the book makes of them."""

import importlib
import itertools
import sys

import numpy as np
import pytest

from conftest import ROOT
from corrlib.publishing import tables

sys.path.insert(0, str(ROOT))
from benchmarks import KERNELS, harness, report, scale, sections
from benchmarks.harness import Contest, Growth, Sides


@pytest.fixture
def compete(monkeypatch):
    """Holds a contest of three rounds, whose calls, ours and theirs in turns, take some seconds."""

    def compete(*seconds, passed=True, share=1.0, units=1, **more):
        readings = itertools.accumulate(step for each in seconds for step in (0, each))
        monkeypatch.setitem(harness.CLOCKS, "processor", lambda: next(readings))
        check = lambda *answers: (passed and answers == ("ours", "theirs"), "compared")  # noqa: E731
        sides = Sides(lambda: "ours", lambda: "theirs", check, units, **more)
        contest = Contest("it", "them", lambda quick: sides, 2, share)
        return harness.compete("kernel", contest, rounds=3, limits={"adds": 100.0})

    return compete


def test_a_ratio_is_the_median_of_rounds_after_the_check(compete):
    # Ratios of the rounds: 30 / 2, 8 / 4, 7 / 1, and before them the check's 99 / 50.
    row = compete(50, 99, 2, 30, 4, 8, 1, 7, units=2, work=10.0, limit="adds")
    assert (row["ratio"], row["low"], row["high"], row["rounds"]) == (7, 2, 15, 3)
    assert (row["ours"], row["theirs"]) == (1, 4), "median seconds per unit"
    assert row["fraction"] == 10.0 / 1 / 100.0
    assert row["passed"] and row["checked"] == "compared" and not row["quick"]
    row = compete(2, 8, share=0)
    assert (row["ratio"], row["rounds"]) == (4, 1), "the call that is checked can be the only round"
    missed = compete(2, 3, share=0)
    assert tables.missed_goals([row, missed]) == ["kernel: it, against them (ratio 1.5, goal 2)"]
    assert tables.ratios([missed])[0]["time ratio"].startswith("**1.5**")


def test_a_failed_check_has_no_ratio_and_is_not_timed(compete):
    row = compete(1, 5, passed=False)
    assert not {"ratio", "ours", "theirs", "low", "high", "fraction"} & set(row)
    assert "no ratio" in report.line(row) and "compared" in report.line(row)
    assert tables.ratios([row])[0]["time ratio"] == "no ratio"
    assert tables.checks([row])[0]["answers"] == "**failed:** compared" and not tables.missed_goals([row])


def test_a_peer_that_is_not_installed_is_named(monkeypatch):
    module = pytest.importorskip("benchmarks.flow")
    monkeypatch.setitem(sys.modules, "maxflow.fastmin", None)  # its import fails
    contest = next(c for c in module.KERNEL.contests if "PyMaxflow" in c.against)
    row = harness.compete("flow", contest, rounds=1, quick=True)
    assert "PyMaxflow" in row["skipped"] and "ratio" not in row
    assert f"skipped, {row['skipped']}" in report.line(row)
    assert tables.ratios([row])[0]["time ratio"] == "skipped"
    assert tables.checks([row])[0]["answers"] == row["skipped"]


def test_rounds_are_interleaved_and_growth_has_its_exponent(monkeypatch):
    order = []
    harness.in_turns({name: lambda name=name: order.append(name) for name in "ab"}, 3)
    assert "".join(order) == "ababab"
    assert harness.exponent([1, 2, 8], [3, 12, 192]) == pytest.approx(2)
    monkeypatch.setattr(harness, "in_turns", lambda calls, rounds: {"": np.full(rounds, calls[""]())})
    growth = Growth("it", "things", (10, 100, 1000), lambda size: lambda: 5e-3 * size**1.5)
    row = harness.grow("kernel", growth, rounds=2)
    assert row["exponent"] == pytest.approx(1.5) and row["sizes"] == [10, 100, 1000]
    assert harness.grow("kernel", growth, rounds=2, quick=True)["sizes"] == [10, 100]


def test_the_full_scale_is_counts_times_rates():
    row = {"kernel": "sift", "name": "dense, section 5's grid", "against": "VLFeat", "ratio": 4.0}
    row |= {"ours": 0.5, "theirs": 2.0, "quick": False}
    (step,) = scale.estimate([row, row | {"against": "OpenCV"}])
    assert step["count"] == 27_450
    assert (step["ours"], step["theirs"]) == (27_450 * 0.5 / 3600, 27_450 * 2.0 / 3600)
    assert scale.estimate([row | {"quick": True}]) == []
    assert tables.full_scale([step, step])[-1]["hours, ours"] == 2 * step["ours"]


def test_other_files_are_not_read_as_results(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    for name in ("broken.json", "none.json"):
        with pytest.raises(ValueError, match=rf"{name}: expected results of benchmarks.*; run make bench"):
            tables.read_benchmarks(tmp_path / name)


def test_the_recorded_results_are_of_every_kernel():
    measured = tables.read_benchmarks(ROOT / "benchmarks" / "results.json")
    contests, growths = [], []
    for name in KERNELS:
        kernel = importlib.import_module(f"benchmarks.{name}").KERNEL
        contests += [(name, c.name, c.against, c.goal) for c in kernel.contests]
        growths += [(name, g.name, list(g.sizes)) for g in kernel.growths]
    rows = measured["contests"]
    assert [(r["kernel"], r["name"], r["against"], r["goal"]) for r in rows] == contests
    assert [(g["kernel"], g["name"], g["sizes"]) for g in measured["growth"]] == growths
    for row in rows:
        assert row["passed"] and not row["quick"], row
        assert 0 < row["low"] <= row["ratio"] <= row["high"], row
        assert 0 < row.get("fraction", 1) <= 1.1, row
    assert set(measured["machine"]["versions"]) <= set(report.PACKAGES)
    assert measured["scale"] == scale.estimate(rows)
    assert measured["startup"]["import"] < 0.3, "the command's import loads no torch"
    for made in (tables.ratios(rows), tables.startup(measured["startup"])):
        assert len(made) > 2 and "nan" not in tables.markdown(made)


def test_versions_are_compared_section_by_section():
    again = sections.AGAIN
    before = {"Set-up": 1.0, "Long": 8.0, "Gone": 1.0, again: 6.0}
    now = {"Set-up": 0.5, "Long": 2.0, again: 2.0}
    slower = {name: 2 * seconds for name, seconds in before.items()}
    rows = sections._rows("alignment", [[before, now], [slower, now], [before, now]])
    expected = [("", 10, 2.5, 4, 8), ("Long", 8, 2, 4, 8), (sections.REST, 2, 0.5, 4, 8), (again, 6, 2, 3, 6)]
    keys = ("section", "before", "now", "ratio", "low", "high")
    high = [(*row[:4], row[3], row[4]) for row in expected]
    assert [tuple(row[key] for key in keys) for row in rows] == high
    shown = tables.sections(rows)
    assert shown[0]["chapter, section"] == "**alignment**" and shown[1]["before / now"] == [4, 4, 8]


def test_builds_of_the_book_are_compared_page_by_page():
    def build(commit, total, seconds):
        page = dict(name="alignment", seconds=seconds, processor=3.0, memory=2e9)
        return dict(commit=commit, seconds=total, pages=[page])

    builds = [build("old", 100.0, 90.0), build("new", 50.0, 30.0)]
    builds[1]["pages"].append(dict(name="networks", seconds=8.0, processor=9.0, memory=1e9))
    row, new, whole = tables.pages(builds)
    page = {"page": "alignment", "s": "30", "processor s": "3", "memory, GB": 2}
    assert row == page | {"earlier version, s": "90", "earlier / now": "3.00"}
    assert (whole["earlier version, s"], whole["earlier / now"]) == ("100", "2.00")
    assert (new["page"], new["earlier version, s"], new["earlier / now"]) == ("networks", None, None)
    assert tables.pages(builds[1:])[0] == page
