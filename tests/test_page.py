"""What a chapter shows, and the tables and results behind it."""

import base64
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import HTML

from corrlib.experiments import alignment
from corrlib.publishing import page, results, tables
from corrlib.publishing.plots.style import LineArt

SETTINGS = "corrlib.experiments.alignment.settings"


@pytest.fixture
def shown(monkeypatch):
    """Bundles and metadata in the order in which they are displayed."""
    outputs = []
    monkeypatch.setattr(
        page, "display", lambda data, raw, metadata: outputs.append((data, metadata["corrlib"]))
    )
    monkeypatch.setitem(page._CHAPTER, "source", "made up")
    return outputs


def test_a_drawn_figure_is_shown_once_with_its_caption(shown):
    figure, axes = plt.subplots(figsize=(2, 1))
    axes.plot([1, 2])
    page.figure("line", figure, "A line\n    that rises.", alt="From one\n to two.")
    (picture, about), (caption, kind) = shown
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG") and "image/svg+xml" not in picture
    assert about == dict(
        kind="figure", name="line", caption="A line that rises.", source="made up", alt="From one to two."
    )
    assert kind == {"kind": "caption"} and caption["text/markdown"].startswith("A line that rises.")
    assert "made up" in caption["text/markdown"]
    assert not plt.fignum_exists(figure.number), "or Jupyter shows it once more"
    json.dumps([picture, about])


def test_line_art_is_an_svg_too_and_always_the_same_file(shown):
    for _ in range(2):
        figure, axes = plt.subplots(figsize=(2, 1), FigureClass=LineArt)
        axes.plot([1, 2])
        page.figure("line", figure, "A line.", alt="It rises.")
    first, second = (data["image/svg+xml"] for data, about in shown if about["kind"] == "figure")
    assert first == second and first.lstrip().startswith("<?xml") and "<svg" in first


def test_html_brings_its_own_alt_text_and_a_drawing_must_have_one(shown):
    page.figure("widget", HTML("<b>moves</b>"), "It moves.")
    assert shown[0][0]["text/html"] == "<b>moves</b>"
    with pytest.raises(ValueError, match="figure 'line' has no alternative text"):
        page.figure("line", plt.figure(), "A line.")
    plt.close("all")


@pytest.mark.parametrize("name", ["Line", "a line", "line_1", "-line", "line-", ""])
def test_names_are_labels(shown, name):
    with pytest.raises(ValueError, match="lower case letters, digits and hyphens"):
        page.table(name, [{"a": 1}], "A table.")


def test_tables_numbers_and_text(shown):
    page.table("pck", [{"method": "flow", "PCK": np.array([24.91, 23.1, 26.8]), "n": 3}], "PCK.")
    page.numbers({"score": np.float32(0.5), "flow": (1.0, 0.5, 2.0)}, prefix="pck")
    page.text("""
        Words, and
        more words.
        """)
    caption, table, numbers, text = shown
    assert caption[1]["kind"] == "caption", "a table's caption is above it"
    assert "| flow | 24.9 [23.1,\u00a026.8] | 3 |" in table[0]["text/markdown"]
    assert table[1]["columns"] == ["method", "PCK", "n"]
    assert table[1]["rows"] == [["flow", [24.91, 23.1, 26.8], 3]]
    assert numbers[1]["numbers"] == {"pck-score": 0.5, "pck-flow": [1.0, 0.5, 2.0]}
    assert text[0]["text/markdown"] == "Words, and\nmore words."


def test_set_up_opens_what_the_parameters_name(shown, world, network, monkeypatch):
    monkeypatch.setattr("corrlib.convnet.load", lambda weights: network)
    parameters = dict(
        data_root=str(world.root), weights="", truncated=False, alpha=0.2, category="cat", other=1
    )
    data, net, settings = page.setup(parameters, alignment.Settings)
    assert data.root == world.root and not data.truncated and data.difficult and net is network
    assert settings == alignment.Settings(alpha=0.2, category="cat").resolve(data, network)
    ((bundle, about),) = shown
    assert "**figurines**" in bundle["text/markdown"]
    assert (about["kind"], about["dataset"], about["network"]) == ("setup", "figurines", network.name)
    assert page.setup({"data_root": str(world.root)}) == (world, network)


def test_results_are_saved_with_the_parameters_that_really_ran(shown, world, network, monkeypatch, tmp_path):
    monkeypatch.setattr("corrlib.convnet.load", lambda weights: network)
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path))
    page.setup(dict(data_root=str(world.root), category="cat"), alignment.Settings)
    page.save({"pck": {"cat": np.array([0.5])}})
    saved = results.read(tmp_path / "alignment-figurines.json")
    assert saved["values"] == {"pck": {"cat": [0.5]}}
    about = saved["provenance"]
    assert (about["dataset"], about["data"], about["weights"]) == ("figurines", world.digest, network.digest)
    assert about["parameters"]["categories"] == ["cat"] and about["parameters"]["retrieval_layer"] == "pool5"
    assert about["parameters"]["difficult"] is True and about["seconds"] >= 0 and len(about["code"]) == 16


@pytest.mark.parametrize(
    ("cell", "format", "text"),
    [
        (None, ".1f", ""),
        ("**bold**", ".1f", "**bold**"),
        (1234567, ".1f", "1,234,567"),
        (0.26, ".1f", "0.3"),
        (-0.04, ".1f", "0.0"),
        (-0.04, "+.1f", "0.0"),
        (-1.25, ".2f", "\u22121.25"),
        (1.25, "+.1f", "+1.2"),
        ((1.25, -0.5, 3), "+.1f", "+1.2 [\u22120.5,\u00a03]"),
        (np.array([0.5, 0.25, 1.0]), ".2f", "0.50 [0.25,\u00a01.00]"),
    ],
)
def test_cells_are_formatted(cell, format, text):
    assert tables.formatted(cell, format) == text


def test_tables_of_other_forms_are_refused():
    with pytest.raises(ValueError, match="at least one row"):
        tables.markdown([])
    with pytest.raises(ValueError, match="columns a, b, got a"):
        tables.markdown([{"a": 1, "b": 2}, {"a": 1}])
    with pytest.raises(ValueError, match="not \\[1, 2\\]"):
        tables.markdown([{"a": [1, 2]}])


def test_published_numbers_stand_beside_ours(request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    pck = {
        "conv4 flow": {"cat": (0.5, 0.4, 0.6), "ghost": (0.25, 0.2, 0.3)},
        "mine": {"cat": (1.0, 1, 1), "ghost": (0.0, 0, 0)},
    }
    cat, ghost, mean = tables.by_category(pck, "table2_alpha0.1")
    assert cat == {
        "category": "cat",
        "conv4 flow, paper": "19.6",
        "conv4 flow, ours": 50.0,
        "mine, paper": None,
        "mine, ours": 100.0,
    }
    assert ghost["conv4 flow, paper"] is None and mean["conv4 flow, paper"] == "24.9"
    assert mean["conv4 flow, ours"] == 37.5
    assert list(tables.by_category(pck)[0]) == ["category", "conv4 flow, ours", "mine, ours"]
    (row,) = tables.means({"NN transfer": [[0.5, 0.4, 0.6]]}, [0.025], "table2_mean_by_alpha")
    np.testing.assert_allclose(row.pop("alpha = 0.025"), [50, 40, 60])
    assert row == {"method": "NN transfer", "paper, 0.025": "2.35"}
