"""Every chapter on a tiny world: its size, its settings, and each of its cells executed twice."""

import ast
import dataclasses
import importlib
import json
import re
from collections import defaultdict
from functools import partialmethod

import jupytext
import pytest

import corrlib.data
import legible
from conftest import ROOT
from corrlib import convnet
from corrlib.experiments import alignment
from corrlib.experiments.alignment import studies
from corrlib.publishing import chapters, page, sweep
from corrlib.sift import Sift

CHAPTERS = sorted(ROOT.glob("book/*.py"))  # the template is one, too
EXPERIMENTS = ("visualization", "alignment", "classification", "prediction")
#: Parameters with which a chapter takes seconds.
SMALL = {
    "alignment": dict(
        betas=[1e-3, 3e-3], validated=1, neighbors=3, iterations=9, studied=1, read=1, category="cat"
    ),
    "classification": dict(
        category="cat",
        layers=["conv3", "conv4"],
        radii=[20.0],
        Cs=[1e-6, 1e-5],
        folds=2,
        localised=1,
        others=0,
    ),
    "explorer": dict(database_images=4, k=1),
    "networks": dict(database_images=4),
    "prediction": dict(category="cat", size=227, studied=1, etas=[0.1, 0.9]),
    "visualization": dict(database_images=4, k=2),
}


def cells(path):
    return [cell for cell in jupytext.read(path).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_chapters_are_prose_and_calls(path):
    code = [cell.source for cell in cells(path) if "parameters" not in cell.metadata.get("tags", [])]
    count = sum(isinstance(node, ast.stmt) for source in code for node in ast.walk(ast.parse(source)))
    assert count <= 75, (
        f"book/{path.name} has {count} statements beside its parameters, 75 are allowed: move drawing to"
        " publishing/plots, tables to publishing/tables, the rest to experiments"
    )
    hints = re.findall(r"(?m)^\w+: .*", chapters.parameters_cell(path))
    assert all("  # " in hint for hint in hints), "--help shows the comment of each parameter"
    longest = max(code, key=lambda source: len(source.splitlines()))
    assert len(longest.splitlines()) <= 25, f"a cell has one idea, and at most 25 lines:\n{longest}"
    assert "{glue:" not in path.read_text()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_settings_have_the_names_and_defaults_of_the_parameters_cell(name):
    settings = importlib.import_module(f"corrlib.experiments.{name}").Settings()
    parameters = chapters.parameters(ROOT / "book" / f"{name}.py")
    shared = {field.name for field in dataclasses.fields(settings)} - {"categories"}
    assert shared <= set(parameters), "each setting can be changed from the chapter"
    for parameter in shared:
        default = getattr(settings, parameter)
        default = list(default) if isinstance(default, tuple) else default
        assert parameters[parameter][1] == default, parameter


def swept(chapter, *, layer="", layers="", **values):
    """Rows like those of a sweep, which executes a chapter with all of the figurines."""
    return [defaultdict(lambda: 0.5, layer=name) for name in re.split("[,;]", layer or layers)]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_cells_and_chapters_can_be_run_twice(path, world, network, own_cache, monkeypatch, tmp_path_factory):
    """What a cell shows is the same the second time, and so is the whole chapter; its figures are legible."""
    monkeypatch.chdir(ROOT)
    # Other processes write results of these chapters meanwhile, which some of them read.
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path_factory.getbasetemp() / "results"))
    if path.stem != "figurines":  # which describes the network that comes with the package
        monkeypatch.setattr(convnet, "load", lambda weights=None: network)
    small = partialmethod(alignment.Settings.__init__, **SMALL["alignment"])  # for the explorer, too
    monkeypatch.setattr(alignment.Settings, "__init__", small)
    monkeypatch.setattr(studies, "LAYERS", ("conv4",))
    monkeypatch.setattr(studies, "RADII", (Sift(20.0),))
    monkeypatch.setattr(corrlib.data, "open_dataset", lambda data_root=None, **flags: world)
    monkeypatch.setattr(sweep, "command", swept)
    shown, scope = [], {"__name__": "__main__"}
    monkeypatch.setattr(page, "_show", lambda bundle, kind, **about: shown.append((bundle, kind, about)))

    def run(cell, check=lambda figure: None, draw=page._drawn):
        monkeypatch.setattr(page, "_drawn", lambda figure: (draw(figure), check(figure))[0])
        shown.clear()
        exec(cell.source, scope)
        if "parameters" in cell.metadata.get("tags", []):
            scope.update(SMALL.get(path.stem, {}))
        return json.dumps(shown)

    chapter, outputs = cells(path), []
    for cell in chapter:
        outputs.append(run(cell, legible.check))
        assert run(cell) == outputs[-1], f"run again, this cell shows something else:\n{cell.source}"
    assert [run(cell) for cell in chapter] == outputs
    about = [(kind, about.get("name")) for text in outputs for _, kind, about in json.loads(text)]
    named = sorted((kind, name) for kind, name in about if name)
    assert len(named) == len(set(named)), f"two figures or tables have one name: {named}"
