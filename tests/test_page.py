"""What a chapter shows, and the tables and results behind it."""

import base64
import dataclasses
import html
import io
import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.display import HTML
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from PIL import Image

from corrlib.cache import CacheError, code_digest
from corrlib.experiments import alignment
from corrlib.publishing import page, results, tables
from corrlib.publishing.format import escaped
from corrlib.publishing.plots.style import LineArt


@pytest.fixture
def shown(monkeypatch):
    """Bundles and metadata in the order in which they are displayed."""
    outputs = []
    keep = lambda data, raw, metadata: outputs.append((data, metadata["corrlib"]))  # noqa: E731
    monkeypatch.setattr(page, "display", keep)
    monkeypatch.setitem(page._CHAPTER, "source", "made up")
    return outputs


@pytest.mark.parametrize("kind", [Figure, LineArt])
def test_a_drawn_figure_is_shown_once_with_its_caption(shown, kind):
    figure, axes = plt.subplots(figsize=(2, 1), FigureClass=kind)
    axes.plot([1, 2])
    page.figure("line", figure, "A line\n    that rises.", alt="From one\n to two.")
    (picture, about), (caption, about_caption) = shown
    data = {kind: picture[kind] for kind in picture if kind != "text/plain"}
    if kind is LineArt:
        assert "<svg" in data.pop("image/svg+xml")
    drawn = {mime: Image.open(io.BytesIO(base64.b64decode(text))) for mime, text in data.items()}
    assert all(one.get_format_mimetype() == mime for mime, one in drawn.items())
    assert list(drawn) == ["image/png"] if kind is LineArt else ["image/jpeg", "image/webp"]
    corners = {mime: one.convert("RGBA").getpixel((0, 0)) for mime, one in drawn.items()}
    assert corners.pop("image/webp", (0,))[-1] == 0, "no background"
    assert {*corners.values()} == {(255, 255, 255, 255)}
    expected = dict(kind="figure", name="line", source="made up", alt="From one to two.")
    assert about == expected | {"caption": "A line that rises."}
    assert about_caption == {"kind": "caption"} and caption["text/markdown"].startswith("A line that rises.")
    assert "made up" in caption["text/markdown"]
    assert not plt.fignum_exists(figure.number), "or Jupyter shows it once more"
    json.dumps([picture, about])


def test_html_has_alt_text_a_drawing_must_be_given_one_and_names_are_labels(shown):
    page.figure("widget", HTML("<b>moves</b>"), "It moves.")
    assert shown[0][0]["text/html"] == "<b>moves</b>"
    with pytest.raises(ValueError, match="figure 'line' has no alt text"):
        page.figure("line", plt.figure(), "A line.")
    for name in ("Line", "a line", "line_1", "-line", "line-", ""):
        with pytest.raises(ValueError, match="lower case letters, digits and hyphens"):
            page.table(name, [{"a": 1}], "A table.")


def test_tables_numbers_and_text(shown):
    page.table("pck", [{"method": "flow", "PCK": np.array([24.91, 23.1, 26.8]), "n": 3}], "PCK.")
    page.numbers({"score": np.float32(0.5), "flow": (1.0, 0.5, 2.0)}, prefix="pck")
    page.text("""
        Words, and
        more words.""")
    caption, table, numbers, text = shown
    assert caption[1]["kind"] == "caption", "a table's caption is above it"
    assert '| flow | 24.9 <span class="interval">[23.1,\u00a026.8]</span> | 3 |' in table[0]["text/markdown"]
    assert table[1]["columns"] == ["method", "PCK", "n"]
    assert table[1]["rows"] == [["flow", [24.91, 23.1, 26.8], 3]]
    assert numbers[1]["numbers"] == {"pck-score": 0.5, "pck-flow": [1.0, 0.5, 2.0]}
    assert text[0]["text/markdown"] == "Words, and\nmore words."


def test_set_up_opens_what_the_parameters_name_and_results_say_what_ran(
    shown, world, network, monkeypatch, tmp_path
):
    monkeypatch.setattr("corrlib.convnet.load", lambda weights: network)
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path))
    monkeypatch.setitem(plt.rcParams, "text.usetex", True)  # as a matplotlibrc may
    assert page.setup({"data_root": str(world.root)}) == (world, network)
    assert not plt.rcParams["text.usetex"]
    parameters = dict(data_root=str(world.root), weights="", truncated=False, other=1)
    parameters |= {"alpha": 0.2, "category": "cat"}
    data, net, settings = page.setup(parameters, alignment.Settings)
    assert data.root == world.root and not data.truncated and data.difficult and net is network
    assert settings == alignment.Settings(alpha=0.2, category="cat").resolve(data, network)
    bundle, about = shown[-1]
    assert "**figurines**" in bundle["text/markdown"]
    assert (about["kind"], about["dataset"], about["network"]) == ("setup", "figurines", network.name)
    page.save({"pck": {"cat": np.array([0.5])}})
    saved = results.read(tmp_path / "alignment-figurines.json")
    assert saved["values"] == {"pck": {"cat": [0.5]}}
    about = saved["provenance"]
    ran = dataclasses.asdict(settings) | {"difficult": True, "truncated": False}
    assert about.pop("parameters") == json.loads(json.dumps(ran)) and about.pop("seconds") >= 0
    expected = dict(dataset="figurines", data=data.digest, weights=network.digest, network=network.name)
    assert about == expected | {"code": code_digest("corrlib.experiments.alignment")}


def test_cells_are_formatted():
    plain = {None: "", "**bold**": "**bold**", 1234567: "1,234,567", 0.26: "0.3", -1.25: "\u22121.2"}
    signed = {-0.04: "0.0", 1.25: "+1.2", (1.25, -0.5, 3): "+1.2 [\u22120.5,\u00a03]"}
    for format, cases in {".1f": plain, "+.1f": signed}.items():
        assert {cell: tables.formatted(cell, format) for cell in cases} == cases


def test_tables_of_other_forms_are_refused():
    ragged, pair = [{"a": 1, "b": 2}, {"a": 1}], [{"a": [1, 2]}]
    for rows, words in (([], "at least one row"), (ragged, "columns a, b, got a"), (pair, r"not \[1, 2\]")):
        with pytest.raises(ValueError, match=words):
            tables.markdown(rows)


def test_published_numbers_stand_beside_ours(request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)
    pck = {"conv4 flow": {"cat": (0.5, 0.4, 0.6), "ghost": (0.25, 0.2, 0.3)}}
    pck["mine"] = {"cat": (1.0, 1, 1), "ghost": (0.0, 0, 0)}
    table = tables.by_category(pck, "table2_alpha0.1")
    columns = ["category", "conv4 flow, paper", "conv4 flow, ours", "mine, paper", "mine, ours"]
    rows = [["cat", "19.6", 50.0, None, 100.0], ["ghost", None, 25.0, None, 0.0]]
    rows.append(["**mean**", None, 37.5, None, 50.0])  # nothing was published of ghosts
    assert table == [dict(zip(columns, row, strict=True)) for row in rows]
    assert list(tables.by_category(pck)[0]) == ["category", "conv4 flow, ours", "mine, ours"]
    (row,) = tables.means({"NN transfer": [[0.5, 0.4, 0.6]]}, [0.025], "table2_mean_by_alpha")
    np.testing.assert_allclose(row.pop("0.025, ours"), [50, 40, 60])
    assert row == {"method": "NN transfer", "0.025, paper": "2.35"}


def test_names_are_shown_as_they_are():
    for name in ("x {{y}}", "set] $a$ *new*", "a_b_c <i> `d` #e ~~f~~ g|h"):
        assert MarkdownIt().renderInline(escaped(name)) == html.escape(name)


def test_readings_are_compared_with_the_published_numbers(request, monkeypatch):
    monkeypatch.chdir(request.config.rootpath)

    def reading(text, *pck, ours=False):  # of cats, whose published numbers are 19.6, 16.0 and 11.1
        pck = dict(
            zip(["conv4 flow", "SIFT flow", "NN transfer"], [{"cat": (v, 0, 0)} for v in pck], strict=True)
        )
        still = {"conv4 flow": 0.5, "SIFT flow": 0.1}
        return {"choice": "solver", "reading": text, "ours": ours, "pck": pck, "still": still}

    rows = [reading("A", 0.196, 0.16, 0.141), reading("B", 0.206, 0.14, 0.051, ours=True)]
    published, first, second = tables.readings(rows, "table2_alpha0.1")
    assert [published[m] for m in rows[0]["pck"]] == [19.6, 16.0, 11.1] and published["distance"] == ""
    assert first["distance"] == pytest.approx(1) and second["distance"] == pytest.approx(3)
    assert second["reading"] == "**B**" and first["still"] == "30"
    other = rows[0] | {"pck": rows[0]["pck"] | {"conv3 flow": {"cat": (0.9, 0, 0)}}}  # of no published layer
    published, first = tables.readings([other], "table2_alpha0.1")
    assert published["conv3 flow"] == "" and first["distance"] == pytest.approx(1)
    said = tables.readings_in_words(rows, "table2_alpha0.1")
    assert said == (
        "- *solver*: the nearest reading is \u201cA\u201d, 1.0 points away;"
        " \u201cB\u201d, which is used, is 3.0 points away."
    )
    rows = [rows[0] | {"ours": True}, rows[1] | {"ours": False}]
    said = tables.readings_in_words(rows, "table2_alpha0.1")
    assert said == "- *solver*: the reading in use is the nearest, 1.0 points away."


def test_results_are_read_as_they_were_written_and_others_are_refused(tmp_path):
    path, score = tmp_path / "results" / "chapter.json", np.float32(0.5)
    values = {"score": score, "interval": np.array([0.25, 0.75]), "layers": ("conv3",), 0.5: None}
    results.write(path, values, provenance={"k": np.int64(5)})
    for value in (float("nan"), np.array([1, np.inf]), object()):
        with pytest.raises(ValueError, match=r"chapter\.json.*finite numbers"):
            results.write(path, {"x": value}, provenance={})
    expected = {"score": 0.5, "interval": [0.25, 0.75], "layers": ["conv3"], "0.5": None}
    assert results.read(path) == {"values": expected, "provenance": {"k": 5}}, "the older one is whole"
    assert [p.name for p in path.parent.iterdir()] == ["chapter.json"]


def test_corrupt_results_name_the_file_and_the_cure(tmp_path):
    for text in ("", "{", "[1]", "{}", '{"values": {}}'):
        (tmp_path / "r.json").write_text(text)
        with pytest.raises(CacheError, match=r"r\.json.*delete it"):
            results.read(tmp_path / "r.json")
    with pytest.raises(CacheError, match=r"absent\.json: run the chapter"):
        results.read(tmp_path / "absent.json")


def test_results_lie_in_the_cache_unless_another_folder_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CORRLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CORRLIB_RESULTS", raising=False)
    assert results.folder() == tmp_path / "cache" / "results"
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path / "point"))
    assert results.folder() == tmp_path / "point"


def test_the_published_tables_are_found_from_the_project_and_its_book(tmp_path, monkeypatch):
    (tmp_path / "book" / "published").mkdir(parents=True)
    (tmp_path / "book" / "published" / "table9.csv").write_text("method,mean\nSIFT,15.7\n")
    for folder in (tmp_path, tmp_path / "book"):
        monkeypatch.chdir(folder)
        assert results.published("table9") == [{"method": "SIFT", "mean": "15.7"}]
    monkeypatch.chdir(tmp_path / "book" / "published")
    with pytest.raises(ValueError, match="start the chapter there"):
        results.published("table9")


def test_solvers_and_layers_in_words():
    def row(method, beta, solver, pck):
        return {"method": method, "beta": beta, "solver": solver, "pck": (pck, 0, 1)}

    flows = [
        ("conv4 flow", 1e-4, "trws", 0.3),
        ("conv4 flow", 1e-4, "bp", 0.25),
        ("conv4 flow", 3e-3, "bp", 0),
    ]
    flows += [("SIFT flow", 3e-5, "trws", 0.4), ("SIFT flow", 3e-5, "bp", 0.41)]
    solved = [row(*each) for each in flows]
    said = tables.optima(solved, {"conv4 flow": 1e-4, "SIFT flow": 3e-5})
    assert (
        said == "30.0 % for conv4 flow (those of BP: 25.0 %) and 40.0 % for SIFT flow (those of BP: 41.0 %)"
    )
    scores = {"conv1": (0.1, 0, 1), "conv2": (0.3, 0, 1), "SIFT 20": (0.5, 0, 1)}
    assert tables.ranked(scores) == "conv2 30.0, conv1 10.0"


def test_conclusions_in_words_follow_from_the_numbers():
    means = {
        name: np.array([value, 0, 0]) for name, value in (("SIFT 10", 30.0), ("conv1", 10), ("conv5", 40))
    }
    merged = {
        name: np.add(value, [2 * number + 1, 0, 0]) for number, (name, value) in enumerate(means.items())
    }
    said = tables.merged_in_words(means, merged)
    assert "adds 1.0 to 5.0 points: SIFT 10 gains 1.0, conv1 gains 3.0 and conv5 gains 5.0." in said
    assert said.endswith("they do.")
    level = {name: np.add(value, [4 + number, 0, 0]) for number, (name, value) in enumerate(means.items())}
    assert tables.merged_in_words(means, level).endswith("they hardly do.")
    ahead, crossing = {"a": [[2, 0, 3]] * 2, "b": [[1, 0, 3]] * 2}, {"a": [[1], [2]], "b": [[2], [1]]}
    assert tables.order_in_words(ahead) == "a is ahead at every share."
    assert tables.order_in_words(crossing) == "The order changes with the share."
    assert [tables.words(list("abc")[:n]) for n in range(4)] == ["none", "a", "a and b", "a, b and c"]
    assert tables.apart("voc2011", "methods") == "" and "compare methods" in tables.apart(
        "figurines", "methods"
    )
