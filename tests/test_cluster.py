"""What a cluster computes before the chapters of a reproduction, which compute nothing of it again."""

import os
import re
import shutil
import signal

import jupytext
import pytest
from distributed import LocalCluster

from conftest import ROOT
from corrlib import convnet
from corrlib.cache import contents
from corrlib.data import VOC
from corrlib.publishing import cli, exercises, page, plots, reproduce, results, scoreboard
from corrlib.publishing.reproduce import cluster, stages
from test_reproduce import PATCHES, weights, write_noise  # noqa: F401

#: Parameters that make the chapters short.
SMALL = {
    "alignment": ("betas: list[float] = [1e-3, 3e-3]", "neighbors: int = 2", "iterations: int = 3"),
    "classification": ("folds: int = 2",),
    "prediction": ("etas: list[float] = [0.1, 0.9]",),
    "visualization": (),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The book's own chapters, with a few other parameters."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "results", root / "results")
    shutil.copytree(ROOT / "book", root / "book")
    for chapter, lines in SMALL.items():
        text = (path := root / "book" / f"{chapter}.py").read_text()
        for line in lines:
            text, count = re.subn(rf"(?m)^{re.escape(line.partition('=')[0])}= [^#]*", f"{line}  ", text)
            assert count == 1, line
        path.write_text(text)
    return root


@pytest.fixture(scope="module")
def plan(project, tmp_path_factory, weights):  # noqa: F811
    """Of noise with the names of VOC, so that other readings of the paper are tried, too."""
    data = VOC(write_noise(tmp_path_factory.mktemp("data"), ("bus", "cat")))
    return reproduce.plan(project, data, convnet.load(weights), PATCHES)


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """A cache to which no other process writes meanwhile: its entries are compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CORRLIB_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def address():
    """Of a cluster of two processes, which keep what numba compiles where this one does."""
    quiet = dict(dashboard_address=None, host="127.0.0.1", silence_logs="CRITICAL")
    with LocalCluster(n_workers=2, threads_per_worker=1, **quiet) as running:
        yield running.scheduler_address


def die_once(data, network, file):
    if not file.exists():
        file.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def double(data, network, settings, *, number):
    if number is None:
        raise ValueError("nothing to double")
    return 2 * number


def entries():
    return {path: entry.name for entry in contents.list_entries() for path in entry.paths}


def test_the_chapters_add_nothing_to_the_cache(address, plan, project, own_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    cluster.compute(plan, dict.fromkeys(stages.tasks(plan), 1.0), tmp_path, scheduler=address)
    known = entries()
    assert len(known) > 400 and not list(tmp_path.iterdir())
    monkeypatch.setattr(page, "_show", lambda *shown, **about: None)
    monkeypatch.setattr(page, "figure", lambda *shown, **about: None)
    for name, value in vars(plots).items():  # drawing takes longer than all the rest
        if callable(value):
            monkeypatch.setattr(plots, name, lambda *drawn, **about: None)
    for name in ("stiff", "by_neighbors", "framed", "context", "widths"):  # of a single category
        monkeypatch.setattr(exercises, name, lambda *given: "")
    for chapter in scoreboard.CHAPTERS:
        scope = {"__name__": "__main__"}
        for cell in jupytext.read(project / "book" / f"{chapter}.py").cells:
            if cell.cell_type == "code":
                exec(cell.source, scope)
                scope.update(
                    plan.parameters[chapter] if "parameters" in cell.metadata.get("tags", []) else {}
                )
        new = {name for path, name in entries().items() if path not in known}
        assert not new, chapter


def test_a_worker_that_dies_is_replaced_and_a_task_that_fails_is_named(address, plan, tmp_path, monkeypatch):
    file = tmp_path / "died"
    dying = stages.Task("alignment", "flows", "cat", die_once, (file,))
    failing = stages.Task("alignment", "flows", "bus", double, (None,), given={"number": dying})
    waiting = stages.Task("alignment", "flows", "sofa", double, (None,), after=[failing])
    cluster.compute(plan, {dying: 1.0}, tmp_path / "a", scheduler=address)
    assert file.exists()
    with pytest.raises(cluster.TaskError, match=r"^alignment, flows of bus: nothing to double$"):
        cluster.compute(plan, {dying: 1.0, failing: 1.0, waiting: 1.0}, tmp_path / "b", scheduler=address)
    monkeypatch.setattr(cluster, "_key", lambda data, network: "another")
    with pytest.raises(cluster.TaskError, match="of cat: this worker has other code"):
        cluster.compute(plan, {dying: 1.0}, tmp_path / "c", scheduler=address)


def test_hours_are_those_recorded_and_the_longest_chain_bounds_them(plan):
    record = results.read(ROOT / reproduce.RECORDED)
    rows = reproduce.hours(record, objects=27_450, patches=10**6)
    hours = stages.hours(tasks := stages.tasks(plan), rows)
    assert sum(hours.values()) == pytest.approx(sum(row["hours"] for row in rows)), "no stage is left out"
    assert all(tasks.index(needed) < tasks.index(each) for each in tasks for needed in each.needed)
    flows = [each for each in tasks if (each.chapter, each.stage) == ("alignment", "flows")]
    (recorded,) = (row["hours"] for row in rows if row["stage"] == "flows")
    assert [hours[each] for each in flows] == pytest.approx(len(flows) * [recorded / len(flows)])
    chains = stages.longest_chains(hours)
    (chosen,) = (each for each in tasks if each.name == "alignment, choice of beta of all categories")
    assert chains[chosen] == pytest.approx(hours[chosen] + max(chains[each] for each in flows))
    # A record of whole chapters is enough.
    whole = [row for row in rows if row["stage"] == "the chapter"]
    assert sum(stages.hours(tasks, whole).values()) == pytest.approx(sum(row["hours"] for row in whole))


def test_the_cluster_comes_before_the_chapters_that_have_changed(
    plan, project, own_cache, tmp_path, monkeypatch, capsys
):
    done = []
    monkeypatch.setattr(cluster, "compute", lambda plan, hours, folder, **where: done.append(where))
    monkeypatch.setattr(reproduce.book, "execute", lambda root, tasks, log: done.append(tasks[0].name))
    monkeypatch.setattr(reproduce, "_score", lambda root, out, *inputs: out)
    monkeypatch.chdir(project)
    arguments = ["reproduce", "--data", str(plan.data.root), "--weights", plan.network.source]
    arguments += ["--out", str(tmp_path), "--patches", str(PATCHES)]
    for options, where in (([], []), (["--workers", "3"], [dict(workers=3, scheduler=None)])):
        assert cli.main([*arguments, *options]) == 0
        assert done == [*where, *(f"book/{name}" for name in scoreboard.CHAPTERS)]
        assert ("memory of each worker: " in capsys.readouterr().out) == bool(where)
        done.clear()
    monkeypatch.setattr(reproduce.book, "task", lambda *given, **named: None)
    assert cli.main([*arguments, "--workers", "3"]) == 0 and not done, "all are unchanged"
