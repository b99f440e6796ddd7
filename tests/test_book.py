"""Chapters, their parameters, and the building and checking of a small book."""

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import filelock
import jupytext
import nbconvert
import nbformat
import numpy as np
import pytest
from jupytext.config import load_jupytext_config

from conftest import ROOT
from corrlib.publishing import book, chapters, memory
from corrlib.publishing.book import execution, staging
from test_project import script

#: Without the header that Jupyter writes.
CHAPTER = r'''# %% [markdown]
# # A small chapter
#
# As {cite:t}`long2014` say, $\|w\|_2^2$; see [Figure 1](#figure-line) and [Table 1](#table-rf).

# %% tags=["parameters"]
layer: str = "conv3"  # to look at
k: int = 5
alpha: float = 0.1
dense: bool = False
layers: list[str] = ["conv3", "conv4"]
weights: str | None = None

# %%
import matplotlib.pyplot as plt
from IPython.display import HTML

from corrlib.publishing import page
from corrlib.publishing.plots.style import LineArt

page.set_source("made up")
print("layer is", layer)

# %%
figure, axes = plt.subplots(figsize=(2, 1))
axes.plot([1, 2, k])
page.figure("line", figure, f"A *line* at alpha {alpha:.3f}.", alt=f'A "line" that rises to {k}: # steeply')
page.figure("art", plt.figure(figsize=(2, 1), FigureClass=LineArt), "Line art.", alt="An empty figure")
page.figure("widget", HTML('<img alt="Still" src="data:,">'), "A widget.")

# %%
first = {"unit": "**conv1**", "rf": 11, "PCK": (24.91, 23.1, 26.8)}
page.table("rf", [first, {"unit": "fc7<br>x", "rf": None, "PCK": 3.0}], "Receptive *fields*.")
page.numbers({"score": (24.91, 23.1, 26.8)})
page.text(f"""
The line rises to {k} and 2.5. It ends there.

<details>
<summary>Folded</summary>

Away, $x^2$.

</details>
""")

# %% [markdown]
# ## Exercises

# %%
page.text("Not the result.")
'''
TINY = '# %% tags=["parameters"]\nk: int = 1\n\n# %% [markdown]\n# # Tiny\n'
INTRO = """\
# A small book

See [the small one](small), [the line](#figure-line) and [the table](#table-rf).

```{bibliography}
```
"""
TOC = "format: jb-book\nroot: book/intro\noptions: {numbered: true}\nchapters:\n"
TOC += "  - file: book/small\n  - file: book/more/small\n"


check_html = script("check_html")


def chapter_with(folder, *cells):
    """Write a chapter whose code cells are given after its parameters cell."""
    path = folder / "small.py"
    path.write_text("".join(f"# %%{cell}\n\n" for cell in (' tags=["parameters"]\nk: int = 1', *cells)))
    return path


@pytest.fixture
def chapter(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(CHAPTER)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A small project with the real settings, whose book has been built once."""
    root = tmp_path_factory.mktemp("project")
    (root / "book" / "more").mkdir(parents=True)
    for name in ("_config.yml", "constraints.txt", "book/references.bib", "book/_static", "book/_vendor"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, root / name)
    (root / "_toc.yml").write_text(TOC)
    (root / "book" / "intro.md").write_text(INTRO)
    (root / "book" / "small.py").write_text(CHAPTER)
    (root / "book" / "more" / "small.py").write_text(TINY)
    book.build(root)
    return root


def page_of(project, name="small"):
    return (project / "_build" / "html" / "book" / f"{name}.html").read_text()


def state(root):
    """Content digest and time of each file of the rendered book."""
    paths = [path for path in (root / "_build" / "html").rglob("*") if path.is_file()]
    return {p: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in paths}


# Parameters


def test_parameters_are_read_with_types_and_defaults(chapter):
    assert chapters.parameters(chapter) == {
        "layer": (str, "conv3"),
        "k": (int, 5),
        "alpha": (float, 0.1),
        "dense": (bool, False),
        "layers": (list[str], ["conv3", "conv4"]),
        "weights": (str | None, None),
    }
    assert 'layer: str = "conv3"  # to look at\n' in chapters.parameters_cell(chapter)


VALUES = {
    "layer": [("conv4", "conv4"), ("5", "5")],
    "k": [("7", 7), (7, 7)],
    "alpha": [("0.05", 0.05), ("1", 1.0), (1, 1.0)],
    "dense": [("true", True), ("False", False)],
    "layers": [("conv1,conv2", ["conv1", "conv2"]), (("conv1",), ["conv1"])],
    "weights": [("a.npz", "a.npz"), ("none", None), (None, None)],
}


@pytest.mark.parametrize(
    ("name", "given", "expected"), [(n, *pair) for n, pairs in VALUES.items() for pair in pairs]
)
def test_values_take_the_declared_type(chapter, name, given, expected):
    value = chapters.typed({name: given}, chapter)[name]
    assert value == expected and type(value) is type(expected)


REFUSED = [("k", "three"), ("k", "1.5"), ("k", 1.5), ("k", True), ("k", ""), ("dense", "maybe"), ("layer", 4)]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_value_of_another_type_is_refused_by_name(chapter, name, value):
    with pytest.raises(ValueError, match=f"parameter {name} of chapter small must be .*{value!r}"):
        chapters.typed({name: value}, chapter)


def test_an_unknown_parameter_is_refused_and_the_known_ones_listed(chapter):
    listed = r".*layer \(str\), k \(int\).*layers \(list\[str\]\), weights \(str \| None\)"
    with pytest.raises(ValueError, match="no parameter 'laer', did you mean 'layer'" + listed):
        chapters.typed({"laer": "conv3"}, chapter)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('# %% tags=["parameters"]\nk = 5\n', "gives no type to k"),
        ('# %% tags=["parameters"]\nk: int = \n', "does not run"),
        ("k: int = 5\n", "expected one cell marked"),
    ],
)
def test_a_parameters_cell_of_another_form_is_refused(tmp_path, text, message):
    path = tmp_path / "odd.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        chapters.parameters(path)


# Execution


def test_a_run_writes_the_notebook_with_its_values(tmp_path, caplog, capsys):
    chapter = chapter_with(tmp_path, "\nother: str | None = None\nprint('k is', k)")
    out = tmp_path / "new" / "out.ipynb"
    chapters.run(chapter, out, {"k": "3"})
    assert not caplog.records and capsys.readouterr() == ("", ""), "quiet where there is no terminal"
    notebook = nbformat.read(out, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.papermill.parameters == {"k": 3}
    assert "k is 3" in str([cell.get("outputs") for cell in notebook.cells])
    assert str(tmp_path) not in str(notebook.metadata), "no path of this machine"
    assert [p.name for p in out.parent.iterdir()] == ["out.ipynb"]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("raise KeyError('lost')", r"(?s)small failed in its cell 2:.*raise KeyError.*KeyError: 'lost'"),
        ("import warnings; warnings.warn('odd')", r"(?s)small wrote to standard error in its cell 2:.*odd"),
        ("import os; os._exit(1)", "small: the kernel died"),
    ],
    ids=["raises", "warns", "dies"],
)
def test_a_failed_chapter_names_itself_and_its_cell_and_leaves_the_old_notebook(tmp_path, cell, message):
    out = tmp_path / "out.ipynb"
    out.write_text("the last good one")
    with pytest.raises(chapters.ChapterError, match=message):
        chapters.run(chapter_with(tmp_path, f"\n{cell}"), out)
    assert out.read_text() == "the last good one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.ipynb", "small.py"]


def test_a_corrupt_cache_entry_is_reported_on_the_terminal_and_not_in_the_book(tmp_path, capsys):
    cell = "\nimport warnings\nfrom corrlib.cache import CorruptEntryWarning\nprint('so far')\n"
    cell += "warnings.warn('the entry is corrupt', CorruptEntryWarning)\nprint('so good')"
    chapters.run(chapter_with(tmp_path, cell), tmp_path / "out.ipynb")
    assert "CorruptEntryWarning: the entry is corrupt" in capsys.readouterr().err
    outputs = [o for c in nbformat.read(tmp_path / "out.ipynb", 4).cells for o in c.get("outputs", [])]
    assert "".join(o.text for o in outputs) == "so far\nso good\n"


def test_a_notebook_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters.papermill, "execute_notebook", lambda *_, **__: pytest.fail("it ran"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "out.ipynb"):
        with pytest.raises(OSError, match=f"cannot write {out}: .*; choose another place"):
            chapters.run(chapter_with(tmp_path, "\nx = 1"), out)


def test_the_result_of_a_chapter_is_its_last_text_before_the_exercises_or_its_score(project):
    notebook = nbformat.read(project / "_build" / "chapters" / "small.ipynb", 4)
    assert chapters.result(notebook) == "The line rises to 5 and 2.5."
    kinds = [about["kind"] for about, _ in chapters.shown(notebook)]
    assert kinds.count("figure") == 3 and kinds.count("numbers") == 1
    for about, _ in chapters.shown(notebook):
        about["kind"] = about["kind"].replace("text", "other")
    assert chapters.result(notebook) == "score: 24.9 [23.1,\u00a026.8]"
    assert chapters.result(nbformat.v4.new_notebook()) == ""


# The book


def test_the_book_is_sound(project):
    assert check_html.check(project / "_build" / "html") == []


def test_a_page_has_each_figure_once_with_number_caption_alt_text_and_provenance(project):
    page = page_of(project)
    source = r'<span class="provenance">made up; default parameters; \d{4}-\d\d-\d\d; \d+ s</span>'
    figures = dict(re.findall(r'<figure [^>]*id="(figure-[\w-]+)">(.*?)</figure>', page, re.DOTALL))
    assert list(figures) == ["figure-line", "figure-art", "figure-widget"]
    for number, figure in enumerate(figures.values(), 1):
        assert f'<span class="caption-number">Fig. 1.{number} </span>' in figure
        assert len(re.findall("<img ", figure)) == 1 and re.search(source, figure)
    assert 'alt="A &quot;line&quot; that rises to 5: # steeply"' in figures["figure-line"]
    assert "A <em>line</em> at alpha 0.100." in figures["figure-line"] and '.png"' in figures["figure-line"]
    assert '.svg"' in figures["figure-art"] and '<img alt="Still" src="data:,">' in figures["figure-widget"]
    assert page.count("<img ") == len(figures) + page[: page.index("<article")].count("<img ")
    (table,) = re.findall(r'<table [^>]*id="table-rf">.*?</table>', page, re.DOTALL)
    assert "Table 1.1 " in table and "Receptive <em>fields</em>." in table and re.search(source, table)
    assert page.count("Receptive <em>") == 1 and "<code" not in table and "`score`" not in page


def test_a_page_folds_its_code_except_the_parameters_and_sets_its_texts(project):
    page = page_of(project)
    assert page.count("Show code cell source") == 4 and 'class="cell tag_parameters' in page
    assert re.search(r"<details>\s*<summary>Folded</summary>\s*<p>Away, <span class=\"math", page)
    for text in ("The line rises to 5 and 2.5. It ends there.", "layer is conv3", "Not the result."):
        assert text in page


def test_pages_link_to_figures_tables_pages_and_citations(project):
    assert 'href="#figure-line"' in page_of(project) and 'href="#table-rf"' in page_of(project)
    assert 'href="intro.html#id' in page_of(project) and "Long" in page_of(project)
    for address in ("small.html", "small.html#figure-line", "small.html#table-rf"):
        assert f'href="{address}"' in page_of(project, "intro")


def test_a_page_offers_its_tables_and_says_what_it_took(project):
    page = page_of(project)
    addresses = re.findall(r'href="\.\./(_downloads/[^"]+/small-table-rf\.(csv|json))"', page)
    files = {kind: (project / "_build" / "html" / path).read_text() for path, kind in addresses}
    first, second = csv.DictReader(files["csv"].splitlines())
    assert (first.pop("source"), second["source"]) == (second["source"],) * 2 and "made up" in second[
        "source"
    ]
    assert first == {"unit": "conv1", "rf": "11", "PCK": "24.91", "PCK lower": "23.1", "PCK upper": "26.8"}
    table = json.loads(files["json"])
    assert (table["name"], table["caption"]) == ("table-rf", "Receptive *fields*.")
    assert table["columns"] == ["unit", "rf", "PCK", "PCK lower", "PCK upper"]
    assert table["rows"][1] == ["fc7; x", None, 3.0, None, None]
    about = nbformat.read(project / "_build" / "chapters" / "small.ipynb", 4).metadata.corrlib
    assert 3e7 < about["memory"] < 3e9
    assert re.search(rf"\d+ s and {about['memory'] / 1e9:.1f} GB of memory to execute this page", page)


def test_the_notebook_of_a_page_is_the_executed_one_and_shows_as_many_figures(project):
    (address,) = re.findall(r'href="\.\./([^"]+)" download>The executed notebook', page_of(project))
    offered = project / "_build" / "html" / address
    assert offered.read_bytes() == (project / "_build" / "chapters" / "small.ipynb").read_bytes()
    html, _ = nbconvert.HTMLExporter().from_filename(offered)
    shown = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert len(re.findall(r"<img |<svg ", shown)) == page_of(project).count("<figure ")


def test_two_chapters_of_one_name_in_two_folders_are_two(project):
    folder = project / "_build" / "chapters"
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.ipynb")) == [
        "more/small.ipynb",
        "small.ipynb",
    ]
    assert "Tiny" in page_of(project, "more/small") and "A small chapter" in page_of(project)


def test_a_page_leads_to_its_source_and_has_mathjax_only_where_there_is_mathematics(project):
    page, html = page_of(project), project / "_build" / "html"
    assert "/edit/main/book/small.py" in page and "/edit/main/book/small.ipynb" not in page
    assert "/edit/main/book/intro.md" in page_of(project, "intro")
    assert "_static/mathjax/tex-chtml.js" in page
    assert "tex-chtml.js" not in (html / "search.html").read_text()
    assert (html / "_static/mathjax/output/chtml/fonts/woff-v2/MathJax_Main-Regular.woff").is_file()


def test_an_unchanged_book_is_left_as_it_is(project, capsys):
    before, start = state(project), time.perf_counter()
    book.build(project)
    assert state(project) == before
    said = ["book/small: unchanged", "book/more/small: unchanged", "pages: unchanged"]
    assert capsys.readouterr().out.splitlines() == said
    assert time.perf_counter() - start < 10


def test_a_digest_changes_with_each_thing_that_the_outputs_depend_on_and_no_other(tmp_path, monkeypatch):
    path, weights, results = tmp_path / "book" / "small.py", tmp_path / "weights.npz", tmp_path / "found"
    seen = set()

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    def changed(results=None, **values):
        digest = book.chapter_digest(tmp_path, path, values, results=results)
        fresh = digest not in seen
        seen.add(digest)
        return fresh

    write("book/small.py", CHAPTER)
    assert changed()
    weights.write_bytes(b"1")
    assert changed(weights=str(weights))
    weights.write_bytes(b"2")
    assert changed(weights=str(weights)) and changed(k=2)
    for name in ("constraints.txt", "book/published/table1.csv", "results/photos-small.json"):
        write(name, "1")
        assert changed(), name
    for name in ("book/intro.md", "book/other.py", "benchmarks/results.json", "found/small-made.json"):
        write(name, "1")
        assert not changed(results=results), name
    depends = {
        "book/other.py": execution.SWEEPS,
        "found/small-made.json": execution.READS_RESULTS,
        "benchmarks/results.json": execution.READS_BENCHMARKS,
    }
    for name, (call,) in depends.items():
        write("book/small.py", f"{CHAPTER}\n# %%\nrows = {call}(\n    'other')\n")
        assert changed(results=results)
        write(name, "# %%\nk = 2\n")
        assert changed(results=results), name

    class Data:
        digest = "a"

    monkeypatch.setattr("corrlib.data.open_dataset", lambda data_root: Data)
    write("book/small.py", f"{CHAPTER}\n# %%\ndata, network = page.setup(globals())\n")
    assert changed()
    Data.digest = "b"
    assert changed()
    monkeypatch.setattr(execution, "imports_digest", lambda path: "the code that the chapter imports")
    assert changed()


def test_results_are_the_builds_own_and_missing_ones_are_computed_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path / "elsewhere"))
    cell = "\nimport os, pathlib\nfolder = pathlib.Path(os.environ['CORRLIB_RESULTS'])\n"
    cell += "(folder / 'small-made.json').write_text('{}')"
    (tmp_path / "book").mkdir()
    chapter_with(tmp_path / "book", cell)
    out, results = tmp_path / "small.ipynb", tmp_path / "made"
    results.mkdir()
    (results / "other-made.json").write_text("{}")

    def execute():
        book.execute(tmp_path, "book/small", {"unknown": 1}, out, results=results)
        return capsys.readouterr().out.split()[-1]

    assert execute() == "executing"
    assert (results / "small-made.json").read_text() == "{}" and not (tmp_path / "elsewhere").exists()
    assert os.environ["CORRLIB_RESULTS"] == str(tmp_path / "elsewhere")
    kept = nbformat.read(out, 4).metadata.corrlib.results
    assert kept == {"small-made.json": hashlib.sha256(b"{}").hexdigest()}
    monkeypatch.setattr(chapters, "run", lambda *given, **_: None)
    (results / "other-made.json").unlink()
    assert execute() == "unchanged"
    (results / "small-made.json").write_text("{ }")  # by a run with other parameters, say
    assert execute() == "executing"
    (results / "small-made.json").unlink()
    assert execute() == "executing"
    assert book.unchanged(tmp_path, "book/small", {}, out), "where the results are is not known"


def test_a_page_that_reads_results_is_executed_after_those_that_write_them(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    for name in ("board", "first", "second"):
        text = TINY + "\n# %%\nscoreboard.read(folder, '')\n" * (name == "board")
        (tmp_path / "book" / f"{name}.py").write_text(text)
    names = "".join(f"  - file: book/{name}\n" for name in ("board", "first", "second"))
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nchapters:\n{names}")
    done = []
    monkeypatch.setattr(book, "execute", lambda root, name, *_, results: done.append((name, results)))
    for step in ("stage", "render"):
        monkeypatch.setattr(book, step, lambda root: None)
    book.build(tmp_path)
    results = tmp_path / "_build" / "results"
    assert done == [(f"book/{name}", results) for name in ("first", "second", "board")]


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            "book/mine",
            r"book/mine\.ipynb is a notebook.*jupytext --to py:percent book/mine\.ipynb.*name it book/mine",
        ),
        ("book/mine.ipynb", "jupytext --to py:percent"),
        ("book/mine.py", "name book/mine.py without its ending, book/mine"),
    ],
)
def test_a_notebook_in_the_contents_is_refused_with_the_cure(tmp_path, named, message):
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nchapters:\n  - file: {named}\n")
    (tmp_path / "book").mkdir()
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "book" / "mine.ipynb")
    with pytest.raises(ValueError, match=message):
        book.build(tmp_path)


def test_memory_is_that_of_the_processes_that_were_started():
    program = "import time; a = bytearray(200_000_000); a[::1000] = b'x' * 200_000; print(); time.sleep({})"
    command = [sys.executable, "-c", program.format(60)]
    # What runs before does not count, nor does our own.
    with subprocess.Popen(command, stdout=subprocess.PIPE) as before:
        before.stdout.readline()
        held = np.ones(30_000_000)
        with memory.watched() as most:
            pass
        assert most == [0]
        with memory.watched() as most:
            subprocess.run([sys.executable, "-c", program.format(1.5)], check=True, stdout=subprocess.DEVNULL)
        before.kill()
    assert 2e8 < most[0] < 2.6e8 and held.nbytes > 2.3e8


def test_a_corrupt_notebook_is_made_anew(project, monkeypatch, capsys):
    executed = project / "_build" / "chapters" / "small.ipynb"
    whole = executed.read_bytes()
    executed.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(chapters, "run", lambda chapter, out, values, **_: out.write_bytes(whole))
    book.build(project)
    said = capsys.readouterr().out.splitlines()
    assert "small.ipynb is corrupt" in said[0]
    assert said[1:] == ["book/small: executing", "book/more/small: unchanged", "pages: unchanged"]


def test_a_folder_without_a_book_and_missing_weights_are_refused(tmp_path, project):
    with pytest.raises(ValueError, match=r"has no _toc\.yml"):
        book.build(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="no weights file at gone"):
        book.build(project, weights="gone.npz")


# Printing


def browser_that(folder, monkeypatch, *commands):
    """Put a Chromium on the PATH that does something else."""
    folder.mkdir()
    (folder / "chromium").write_text("\n".join(["#!/bin/sh", *commands, ""]))
    (folder / "chromium").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_what_is_printed_has_all_pages_and_their_pictures(project, tmp_path, monkeypatch):
    words = "case $word in --print-to-pdf=*) out=${word#*=};; file://*) page=${word#file://};; esac"
    copies = ('cp "$page" "$out"', f'cp -r "$(dirname "$page")" {tmp_path}')
    browser_that(tmp_path / "bin", monkeypatch, f"for word; do {words}; done", *copies)
    out = book.build(project, pdf=True)
    assert out == project / "_build" / "corrlib.pdf"
    text = out.read_text()
    assert all(f"{title}<" in text for title in ("A small book", "A small chapter"))
    pictures = re.findall(r'<img[^>]* src="(_images/[^"]+)"', text)
    assert 'href="#figure-line"' in text and '"book/intro.html#' not in text
    assert pictures and all((tmp_path / "singlehtml" / name).is_file() for name in pictures)
    assert not (project / "_build" / "work").exists()
    assert "<details open>" in text and '<details open class="admonition hide' not in text
    assert "It took" in text and "This table as" not in text and "executed notebook" not in text


@pytest.mark.skipif(not any(map(shutil.which, book.BROWSERS)), reason="no Chromium on the PATH to print with")
def test_the_book_is_printed(project):
    pdf = book.build(project, pdf=True).read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Image" in pdf  # the figure


def test_a_missing_browser_is_reported_before_anything_runs(project, monkeypatch):
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(ValueError, match="printed by Chromium, and none is on the PATH: tried chromium, "):
        book.build(project, pdf=True)


def test_a_browser_that_fails_is_quoted_and_leaves_the_last_pdf(project, tmp_path, monkeypatch):
    browser_that(tmp_path / "bin", monkeypatch, "echo out of paper >&2", "exit 1")
    (project / "_build" / "corrlib.pdf").write_bytes(b"the last one")
    with pytest.raises(book.BuildError, match="out of paper"):
        book.build(project, pdf=True)
    assert (project / "_build" / "corrlib.pdf").read_bytes() == b"the last one"


def test_a_second_build_in_the_same_tree_is_refused(project):
    lock = filelock.FileLock(project / "_build" / ".lock")
    with lock, pytest.raises(book.BuildError, match="another build"):
        book.build(project)


def test_a_page_that_warns_or_a_chapter_that_fails_stops_the_build_and_leaves_the_last_book(project, capfd):
    before = state(project)
    intro, small = project / "book" / "intro.md", project / "book" / "small.py"
    intro.write_text(INTRO + "\nSee [nothing](#figure-gone).\n")
    with pytest.raises(book.BuildError, match="do not render"):
        book.build(project)
    assert "figure-gone" in capfd.readouterr().err
    assert state(project) == before
    intro.write_text(INTRO)
    chapter_with(project / "book", "\n1 / 0")
    with pytest.raises(chapters.ChapterError, match=r"(?s)small failed in its cell 2.*ZeroDivisionError"):
        book.build(project)
    assert state(project) == before
    small.write_text(CHAPTER)


# What pages say of their figures


def executed(*outputs, **given):
    """A notebook that was executed with some parameters."""
    setup = nbformat.v4.new_output(
        "display_data",
        {"text/markdown": "Dataset: **figurines**."},
        metadata={"corrlib": {"kind": "setup", "dataset": "figurines", "network": "small"}},
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[setup, *outputs])])
    about = dict(parameters=given, start_time="2026-03-04T05:06:07.891011+00:00", duration=213.4)
    notebook.metadata.update(papermill=about, corrlib={"digest": "d", "commit": "1234abcd"})
    return notebook


def test_provenance_names_data_network_parameters_commit_date_and_time():
    notebook = executed(alpha=0.05, data_root="/a/b/photos")
    source = "figurines 01234567, network small 89abcdef"
    said = f"{source}; alpha = 0.05, data_root = photos; commit 1234abcd; 2026-03-04; 213 s"
    assert staging.provenance(notebook, source) == said
    assert staging.provenance(notebook, "photos, recorded") == "photos, recorded"
    page = staging.staged(notebook, "book/small", Path("unused"))
    assert page.cells[1].source == "Dataset: **figurines**." and not page.cells[0].outputs
    assert "It took 4 min to execute this page (commit 1234abcd, 2026-03-04)" in page.cells[-1].source
    assert 'href="../_sources/book/small.ipynb" download' in page.cells[-1].source


def test_large_pictures_are_made_light_and_line_art_is_left(rng):
    image = cv2.GaussianBlur(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8), (0, 0), 2)
    encoded = {
        name: base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()
        for name, picture in (("photograph", image), ("blank", np.full_like(image, 255)))
    }

    def staged(data):
        about = dict(kind="figure", name="f", caption="A figure.", alt="Noise", source="figurines")
        output = nbformat.v4.new_output("display_data", data, metadata={"corrlib": about})
        page = staging.staged(executed(output), "book/small", Path("unused"))
        return {
            kind.removeprefix("application/papermill.record/"): v
            for kind, v in page.cells[0].outputs[0].data.items()
        }

    for data in ({"image/png": encoded["blank"]}, {"image/png": encoded["photograph"], "image/svg+xml": ""}):
        assert staged(data) == data
    light = staged({"image/png": encoded["photograph"]})
    assert list(light) == ["image/jpeg"]
    stored = base64.b64decode(light["image/jpeg"])
    assert len(stored) < 0.5 * len(base64.b64decode(encoded["photograph"]))
    seen = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR).astype(float)
    assert np.abs(seen - image).mean() < 3


# The check of a book


FAULTS = {
    "loads //a.example/x from another host": [
        '<script src="//a.example/x"></script>',
        '<link rel="stylesheet" href="//a.example/x">',
        '<img alt="A cat" src="//a.example/x">',
        '<img alt="A cat" srcset="x.css 1x, //a.example/x 2x">',
        '<p style="background: url(//a.example/x)">',
        "<style>@import '//a.example/x';</style>",
        '<iframe src="//a.example/x"></iframe>',
    ],
    "loads https://a.example from another host": ['<embed src="https://a.example">'],
    "no alternative text on x.css": [f'<img {alt} src="x.css">' for alt in ("", 'alt=" "', 'alt="../x.png"')],
    "a cell shows traceback output": ['<div class="output traceback highlight"></div>'],
    "a cell shows stderr output": ['<div class="output stderr highlight"></div>'],
    "gone.html leads to no file": ['<a href="gone.html">x</a>'],
    "gone.png leads to no file": ['<img alt="A cat" src="gone.png">'],
    "index.html#gone leads to no place on its page": ['<a href="index.html#gone">x</a>'],
    "#gone leads to no place on its page": ['<a href="#gone">x</a>'],
}


@pytest.mark.parametrize(("problem", "html"), [(p, html) for p, pages in FAULTS.items() for html in pages])
def test_the_check_finds(tmp_path, html, problem):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=page.html">')
    (tmp_path / "x.css").write_text("p { color: red }")
    (tmp_path / "page.html").write_text(f"<html><body>{html}</body></html>")
    assert check_html.check(tmp_path) == [f"page.html: {problem}"]


def test_the_check_accepts_a_sound_book(tmp_path):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=sub/page.html">')
    (tmp_path / "sub").mkdir()
    (tmp_path / "x.png").write_bytes(b"")
    (tmp_path / "sub" / "page.html").write_text(
        '<h1 id="top">T</h1><a href="https://a.example">out</a><a href="#top">up</a><a href="../index.html">'
        'home</a><a href="mailto:a@a.example">mail</a><img alt="A cat" src="../x.png">'
        '<link rel="canonical" href="https://a.example/">'
        '<img alt="A dot" src="data:image/png;base64,AAAA"><p>url(https://a.example) in the text</p>'
    )
    assert check_html.check(tmp_path) == []


def test_the_check_finds_what_a_style_sheet_loads_and_a_missing_first_page(tmp_path):
    style = "@import 'https://a.example/y.css'; p { background: url(//a.example/z.png) }"
    (tmp_path / "x.css").write_text(style)
    problems = check_html.check(tmp_path)
    assert len(problems) == 3 and "no index.html" in problems[0]


# The chapters of this book


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.py")), ids=lambda p: p.stem)
def test_a_chapter_survives_the_round_trip_and_has_typed_parameters(path):
    text, settings = path.read_text(), load_jupytext_config(str(path))
    notebook = jupytext.reads(text, "py:percent", config=settings)
    assert jupytext.writes(notebook, "py:percent", config=settings) == text
    assert notebook.metadata.kernelspec == chapters.KERNEL
    assert chapters.parameters(path)


def test_the_contents_name_every_chapter_and_not_the_template():
    assert {f"book/{p.stem}" for p in ROOT.glob("book/[!_]*.py")} == set(execution.chapter_names(ROOT))
    assert (ROOT / "book" / "_template.py").is_file()


def test_the_template_runs_in_the_folder_of_the_chapters_as_jupyter_runs_it(world, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT / "book")
    chapters.run(Path("_template.py"), tmp_path / "out.ipynb", {"data_root": str(world.root)})
    notebook = nbformat.read(tmp_path / "out.ipynb", 4)
    assert {about["kind"] for about, _ in chapters.shown(notebook)} == {
        "setup",
        "figure",
        "caption",
        "table",
        "numbers",
        "text",
    }
    assert re.match(
        r"Of 20 categories, \w+ shows the most keypoints: [\d.]+ per object\.", chapters.result(notebook)
    )


def test_digests_know_what_the_chapters_call():
    calls = {call for path in ROOT.glob("book/[!_]*.py") for call in execution._calls(path)}
    for known in (execution.READS_RESULTS, execution.READS_BENCHMARKS, execution.SWEEPS):
        assert known <= calls


def test_a_chapter_reads_data_by_its_parameter_or_by_what_it_calls():
    reads = {name: book.reads_data(ROOT / f"{name}.py") for name in execution.chapter_names(ROOT)}
    assert reads.pop("book/performance") is False
    assert set(reads) >= {"book/figurines", "book/alignment"} and all(reads.values())
