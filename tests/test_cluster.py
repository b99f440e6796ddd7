"""What a cluster computes before the chapters of a reproduction, and that they compute none of it again."""

import json
import re
import shutil
import time

import jupytext
import pytest

from conftest import ROOT
from corrlib import convnet
from corrlib.cache import contents
from corrlib.data import VOC
from corrlib.publishing import cluster, page, reproduce, scoreboard, stages
from test_reproduce import PATCHES, weights, write_noise  # noqa: F401

#: Parameters that make the chapters short; the layers and radii of the studies are those of the book.
SMALL = {
    "alignment": ("betas: list[float] = [1e-3, 3e-3]", "neighbors: int = 2", "iterations: int = 3"),
    "classification": ("folds: int = 2",),
    "prediction": ("etas: list[float] = [0.1, 0.9]",),
    "visualization": (),
}

@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The book's own chapters, with parameters that make them short."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "book", root / "book")
    shutil.copytree(ROOT / "results", root / "results")
    for chapter, lines in SMALL.items():
        path = root / "book" / f"{chapter}.py"
        text = path.read_text()
        for line in lines:
            text, count = re.subn(rf"(?m)^{re.escape(line.partition('=')[0])}= [^#]*", f"{line}  ", text)
            assert count == 1
        path.write_text(text)
    return root


@pytest.fixture(scope="module")
def plan(project, tmp_path_factory, weights):
    """Of noise that looks like VOC, so that other readings of the paper are tried."""
    data = VOC(write_noise(tmp_path_factory.mktemp("data"), ("bus", "cat")))
    return reproduce.plan(project, data, convnet.load(weights), PATCHES)


def entries():
    return {entry.paths[0]: (entry.name, entry.inputs) for entry in contents.list_entries()}


def test_chapters_find_all_that_takes_long(project, plan, own_cache, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    tasks = stages.tasks(plan)
    t = time.time()
    cluster.compute(plan, dict.fromkeys(tasks, 1.0), tmp_path, workers=2)
    print("cluster", time.time() - t, len(tasks))
    import collections; c = collections.Counter()
    for e in contents.list_entries(): c[e.name] += e.seconds
    print(c)
    import resource; print(resource.getrusage(resource.RUSAGE_CHILDREN))
    known = entries()
    monkeypatch.setattr(page, "_show", lambda *_, **__: None)
    for chapter in scoreboard.CHAPTERS:
        t = time.time()
        scope = {"__name__": "__main__"}
        for cell in jupytext.read(project / "book" / f"{chapter}.py").cells:
            if cell.cell_type == "code":
                exec(cell.source, scope)
                if "parameters" in cell.metadata.get("tags", []):
                    scope.update(plan.parameters[chapter])
        print(chapter, time.time() - t)
    new = [about for path, about in entries().items() if path not in known]
    assert not new
