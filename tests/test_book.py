"""Chapters, their parameters, and the building and checking of a small book."""

import base64
import csv
import hashlib
import importlib.util
import io
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
import nbformat
import numpy as np
import pytest
from jupytext.config import load_jupytext_config

from corrlib.publishing import book, chapters, memory
from corrlib.publishing.book import captions, downloads, execution, pictures

ROOT = Path(__file__).resolve().parents[1]

HEADER = """\
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""
CHAPTER = (
    HEADER
    + r"""# %% [markdown]
# # A small chapter
#
# As {cite:t}`long2014` say, $\|w\|_2^2$; see {numref}`fig-line` and {numref}`tab-rf`.

# %% tags=["parameters"]
layer: str = "conv3"
k: int = 5
alpha: float = 0.1
dense: bool = False
layers: list[str] = ["conv3", "conv4"]
weights: str | None = None

# %%
import matplotlib.pyplot as plt
from IPython.display import Markdown
from myst_nb import glue

fig, ax = plt.subplots(figsize=(2, 1))
ax.plot([1, 2, k])
glue("line", fig, display=False)
plt.close(fig)
glue("origin", "made up", display=False)
glue("score", float(alpha), display=False)
glue("rf", Markdown("| layer | rf |\n|:--|--:|\n| conv1 | 11 |"), display=False)
print("layer is", layer)

# %% [markdown]
# ```{glue:figure} line
# :name: fig-line
# :alt: A line that rises from one to five
#
# A line at alpha {glue:text}`score:.3f`.
# ```
#
# :::{dropdown} Folded
# Away.
# :::
#
# ````{table} Receptive fields.
# :name: tab-rf
#
# ```{glue:md} rf
# :format: myst
# ```
# ````
"""
)
INTRO = """\
# A small book

See {doc}`small`, {numref}`fig-line` and {numref}`tab-rf`.

```{bibliography}
```
"""
TOC = "format: jb-book\nroot: book/intro\noptions: {numbered: true}\nchapters:\n  - file: book/small\n"


def load_checker():
    """Import ci/check_html.py, which is a script and no part of the package."""
    spec = importlib.util.spec_from_file_location("check_html", ROOT / "ci" / "check_html.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_html = load_checker()


def chapter_with(folder, *cells):
    """Write a chapter whose code cells are given after its parameters cell."""
    path = folder / "small.py"
    path.write_text(
        HEADER + "".join(f"# %%{cell}\n\n" for cell in (' tags=["parameters"]\nk: int = 1', *cells))
    )
    return path


@pytest.fixture
def chapter(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(CHAPTER)
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a small project with the real settings, whose book has been built once."""
    root = tmp_path_factory.mktemp("project")
    (root / "book").mkdir()
    for name in ("_config.yml", "constraints.txt"):
        shutil.copy(ROOT / name, root / name)
    for name in ("references.bib", "_static", "_vendor"):
        source = ROOT / "book" / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, root / "book" / name)
    (root / "_toc.yml").write_text(TOC)
    (root / "book" / "intro.md").write_text(INTRO)
    (root / "book" / "small.py").write_text(CHAPTER)
    book.build(root)
    return root


def state(root):
    """Return the content digest and time of each file of the rendered book."""
    return {
        p: (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns)
        for p in (root / "_build" / "html").rglob("*")
        if p.is_file()
    }


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


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"layer": "conv4"}, "conv4"),
        ({"layer": "5"}, "5"),
        ({"k": "7"}, 7),
        ({"k": 7}, 7),
        ({"alpha": "0.05"}, 0.05),
        ({"alpha": "1"}, 1.0),
        ({"alpha": 1}, 1.0),
        ({"dense": "true"}, True),
        ({"dense": "False"}, False),
        ({"layers": "conv1,conv2"}, ["conv1", "conv2"]),
        ({"layers": ("conv1",)}, ["conv1"]),
        ({"weights": "a.npz"}, "a.npz"),
        ({"weights": "none"}, None),
        ({"weights": None}, None),
    ],
)
def test_values_take_the_declared_type(chapter, given, expected):
    ((name, _),) = given.items()
    value = chapters.typed(given, chapter)[name]
    assert value == expected and type(value) is type(expected)


@pytest.mark.parametrize(
    "given",
    [{"k": "three"}, {"k": "1.5"}, {"k": 1.5}, {"k": True}, {"dense": "maybe"}, {"layer": 4}, {"k": ""}],
)
def test_a_value_of_another_type_is_refused_by_name(chapter, given):
    ((name, value),) = given.items()
    with pytest.raises(ValueError, match=f"parameter {name} of chapter small must be") as error:
        chapters.typed(given, chapter)
    assert repr(value) in str(error.value)


def test_an_unknown_parameter_is_refused_and_the_known_ones_listed(chapter):
    with pytest.raises(ValueError, match="no parameter 'laer', did you mean 'layer'") as error:
        chapters.typed({"laer": "conv3"}, chapter)
    for known in ("layer (str)", "k (int)", "layers (list[str])", "weights (str | None)"):
        assert known in str(error.value)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("k = 5", "gives no type to k"),
        ("k: int = ", "does not run"),
    ],
)
def test_a_parameters_cell_of_another_form_is_refused(tmp_path, cell, message):
    path = tmp_path / "odd.py"
    path.write_text(f'{HEADER}# %% tags=["parameters"]\n{cell}\n')
    with pytest.raises(ValueError, match=message):
        chapters.parameters(path)


def test_a_chapter_without_parameters_cell_is_refused(tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(f"{HEADER}# %%\nk: int = 5\n")
    with pytest.raises(ValueError, match="expected one cell marked"):
        chapters.parameters(path)


# Execution


def test_a_run_writes_the_notebook_with_its_values(chapter, tmp_path, caplog):
    out = tmp_path / "new" / "out.ipynb"
    chapters.run(chapter, out, {"layer": "conv4", "alpha": "0.025", "weights": "a.npz"})
    assert not caplog.records
    notebook = nbformat.read(out, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.papermill.parameters == {"layer": "conv4", "alpha": 0.025, "weights": "a.npz"}
    assert "layer is conv4" in "".join(
        o.get("text", "") for c in notebook.cells for o in c.get("outputs", [])
    )
    assert str(tmp_path) not in str(notebook.metadata), "no path of this machine"
    assert [p.name for p in out.parent.iterdir()] == ["out.ipynb"]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ("\nx = 1", "\nraise KeyError('lost')"),
            r"(?s)small failed in its cell 3:.*raise KeyError.*KeyError: 'lost'",
        ),
        (
            ("\nimport warnings\nwarnings.warn('odd')",),
            r"(?s)small wrote to standard error in its cell 2:.*odd",
        ),
        (("\nimport os\nos._exit(1)",), "small: the kernel died"),
    ],
    ids=["raises", "warns", "dies"],
)
def test_a_failed_chapter_names_itself_and_its_cell_and_leaves_the_old_notebook(tmp_path, cells, message):
    out = tmp_path / "out.ipynb"
    out.write_text("the last good one")
    with pytest.raises(chapters.ChapterError, match=message):
        chapters.run(chapter_with(tmp_path, *cells), out)
    assert out.read_text() == "the last good one"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.ipynb", "small.py"]


def test_a_damaged_cache_entry_is_told_on_the_terminal_and_not_in_the_book(tmp_path, capsys):
    cell = "\nimport warnings\nfrom corrlib.cache import DamagedEntryWarning\nprint('so far')\n"
    cell += "warnings.warn('the entry is damaged', DamagedEntryWarning)\nprint('so good')"
    chapters.run(chapter_with(tmp_path, cell), tmp_path / "out.ipynb")
    assert "DamagedEntryWarning: the entry is damaged" in capsys.readouterr().err
    outputs = [o for c in nbformat.read(tmp_path / "out.ipynb", 4).cells for o in c.get("outputs", [])]
    assert "".join(o.text for o in outputs) == "so far\nso good\n"
    with pytest.raises(chapters.ChapterError, match=r"(?s)standard error.*odd"):
        chapters.run(chapter_with(tmp_path, f"{cell}\nwarnings.warn('odd')"), tmp_path / "out.ipynb")


def test_a_place_that_cannot_be_written_is_told_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters.papermill, "execute_notebook", lambda *_, **__: pytest.fail("it ran"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "out.ipynb"):
        with pytest.raises(OSError, match=f"cannot write {out}: .*; choose another place"):
            chapters.run(chapter_with(tmp_path, "\nx = 1"), out)


def test_a_full_disk_is_told_with_the_file_and_leaves_nothing(tmp_path, monkeypatch):
    def full(notebook, path):
        Path(path).write_text("half")
        if Path(path).parent == tmp_path:
            raise OSError(28, "No space left on device")

    executed = nbformat.v4.new_notebook(metadata={"papermill": {}})
    monkeypatch.setattr(nbformat, "write", full)
    monkeypatch.setattr("papermill.execute_notebook", lambda *args, **kwargs: executed)
    path, out = chapter_with(tmp_path), tmp_path / "out.ipynb"
    with pytest.raises(ValueError, match=r"cannot write .*out\.ipynb: the disk is full: free some space"):
        chapters.run(path, out)
    assert [p.name for p in tmp_path.iterdir()] == ["small.py"]


# The book


def test_the_book_is_sound(project):
    assert check_html.check(project / "_build" / "html") == []


def test_a_page_offers_its_tables_and_its_notebook_and_says_what_it_took(project):
    html = project / "_build" / "html"
    page = (html / "book" / "small.html").read_text()
    addresses = dict(re.findall(r'href="(\.\./_downloads/[^"]+/small-tab-rf\.(csv|json))"', page))
    files = {kind: (html / "book" / address).read_text() for address, kind in addresses.items()}
    (row,) = csv.DictReader(io.StringIO(files["csv"]))
    assert (row["layer"], row["rf"]) == ("conv1", "11") and row["source"].startswith("made up; default")
    found = json.loads(files["json"])
    assert (found["name"], found["caption"]) == ("tab-rf", "Receptive fields.")
    assert found["rows"] == [["conv1", 11]] and found["source"] == row["source"]
    (address,) = re.findall(r'href="([^"]+)" download>The executed notebook', page)
    staged = nbformat.read(html / "book" / address, 4)
    assert chapters.glued(staged)["score"]
    about = nbformat.read(project / "_build" / "chapters" / "small.ipynb", 4).metadata.corrlib
    assert 3e7 < about["memory"] < 3e9
    assert re.search(
        rf"It took \d+ s and {about['memory'] / 1e9:.1f} GB of memory to execute this page", page
    )


def test_figures_tables_and_citations_are_numbered_and_linked(project):
    page = (project / "_build" / "html" / "book" / "small.html").read_text()
    assert '<span class="caption-number">Fig. 1.1 </span>' in page
    assert '<span class="caption-number">Table 1.1 </span>' in page
    assert 'alt="A line that rises from one to five"' in page
    assert "A line at alpha" in page and "0.100" in page
    assert 'href="intro.html#id' in page and "Long" in page  # the citation leads to the bibliography
    intro = (project / "_build" / "html" / "book" / "intro.html").read_text()
    assert 'href="small.html#fig-line"' in intro and 'href="small.html#tab-rf"' in intro


def test_edit_this_page_leads_to_the_source(project):
    page = (project / "_build" / "html" / "book" / "small.html").read_text()
    assert "/edit/main/book/small.py" in page and "/edit/main/book/small.ipynb" not in page
    assert "/edit/main/book/intro.md" in (project / "_build" / "html" / "book" / "intro.html").read_text()


def test_mathjax_is_the_books_own_and_loaded_only_where_there_is_mathematics(project):
    html = project / "_build" / "html"
    assert "_static/mathjax/tex-chtml.js" in (html / "book" / "small.html").read_text()
    assert "tex-chtml.js" not in (html / "search.html").read_text()
    assert (html / "_static/mathjax/output/chtml/fonts/woff-v2/MathJax_Main-Regular.woff").is_file()


def test_nothing_changed_nothing_done(project, capsys):
    before, start = state(project), time.perf_counter()
    book.build(project)
    assert state(project) == before
    assert capsys.readouterr().out.splitlines() == ["book/small: unchanged", "pages: unchanged"]
    assert time.perf_counter() - start < 10


def test_a_digest_changes_with_each_thing_that_the_outputs_depend_on_and_no_other(
    project, tmp_path, monkeypatch
):
    for name in ("book", "constraints.txt"):
        source = project / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    path, weights = tmp_path / "book" / "small.py", tmp_path / "weights.npz"
    weights.write_bytes(b"1")
    seen = set()

    def digest(reads_data=False, found=None, **values):
        return book.chapter_digest(tmp_path, path, values, reads_data=reads_data, found=found)

    def changed(**given):
        fresh = digest(**given) not in seen
        seen.add(digest(**given))
        return fresh

    assert changed()
    assert changed(weights=str(weights))
    weights.write_bytes(b"2")
    assert changed(weights=str(weights))
    assert changed(k="2")
    path.write_text(CHAPTER + "\n# %%\n")
    assert changed()
    swept = tmp_path / "book" / "swept.py"
    swept.write_text(CHAPTER)
    assert not changed()
    path.write_text(CHAPTER + '\n# %%\nrows = sweep(\n    "swept", k="1,2")\n')
    assert changed()
    swept.write_text(CHAPTER + "\n# %%\n")
    assert changed()
    (tmp_path / "constraints.txt").write_text("numpy==1\n")
    assert changed()
    (tmp_path / "book" / "intro.md").write_text("other words")
    assert not changed()
    (tmp_path / "book" / "published").mkdir()
    (tmp_path / "book" / "published" / "table1.csv").write_text("layer,rf\n")
    assert changed()
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "photos-small.json").write_text("{}")
    assert changed()

    folder = tmp_path / "found"
    folder.mkdir()
    (folder / "small-made.json").write_text("{}")
    assert not changed(found=folder)
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "results.json").write_text("{}")
    assert not changed()
    path.write_text(CHAPTER + '\n# %%\nrows = scoreboard.read(folder, "{chapter}.json")\n')
    assert changed() and changed(found=folder)
    (folder / "small-made.json").write_text("{ }")
    assert changed(found=folder)
    path.write_text(CHAPTER + '\n# %%\npath = tables.project() / "benchmarks" / "results.json"\n')
    assert changed() and not changed(found=folder)
    (tmp_path / "benchmarks" / "results.json").write_text("{ }")
    assert changed()

    class World:
        digest = "a"

    monkeypatch.setattr("corrlib.data.open_dataset", lambda data_root: World)
    assert changed(reads_data=True)
    World.digest = "b"
    assert changed(reads_data=True)
    package = shutil.copytree(Path(book.__file__).parents[1], tmp_path / "package")
    monkeypatch.setattr(execution, "__file__", str(package / "book" / "execution.py"))
    assert not changed()
    (package / "geometry.py").write_text("")
    assert changed()


def test_results_are_the_builds_own_and_missing_ones_are_computed_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path / "elsewhere"))
    cell = "\nimport os, pathlib\nfolder = pathlib.Path(os.environ['CORRLIB_RESULTS'])\n"
    cell += "(folder / 'small-made.json').write_text('{}')\nprint(sorted(p.name for p in folder.iterdir()))"
    (tmp_path / "book").mkdir()
    chapter_with(tmp_path / "book", cell)
    out, results = tmp_path / "small.ipynb", tmp_path / "made"
    results.mkdir()
    (results / "other-made.json").write_text("{}")
    how = dict(results=results)
    book.execute(tmp_path, "book/small", {}, out, **how)
    assert (results / "small-made.json").read_text() == "{}" and not (tmp_path / "elsewhere").exists()
    assert os.environ["CORRLIB_RESULTS"] == str(tmp_path / "elsewhere")
    kept = nbformat.read(out, 4).metadata.corrlib.results
    assert kept == {"small-made.json": hashlib.sha256(b"{}").hexdigest()}

    ran = []
    monkeypatch.setattr(chapters, "run", lambda *given, **_: ran.append(given))
    (results / "other-made.json").unlink()
    book.execute(tmp_path, "book/small", {}, out, **how)
    assert not ran
    (results / "small-made.json").write_text("{ }")  # by a run with other parameters, say
    book.execute(tmp_path, "book/small", {}, out, **how)
    assert len(ran) == 1
    (results / "small-made.json").unlink()
    book.execute(tmp_path, "book/small", {}, out, **how)
    assert len(ran) == 2
    assert book.unchanged(tmp_path, "book/small", {}, out), "nobody has said where results are"
    assert [line.split(": ")[1] for line in capsys.readouterr().out.splitlines()] == [
        "executing",
        "unchanged",
        "executing",
        "executing",
    ]


def test_a_page_that_reads_results_is_executed_after_those_that_write_them(tmp_path, monkeypatch):
    (tmp_path / "book").mkdir()
    for name in ("board", "first", "second"):
        text = CHAPTER + "\n# %%\nscoreboard.read(folder, '')\n" * (name == "board")
        (tmp_path / "book" / f"{name}.py").write_text(text)
    names = "".join(f"  - file: book/{name}\n" for name in ("board", "first", "second"))
    (tmp_path / "book" / "intro.md").write_text(INTRO)
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: book/intro\nchapters:\n{names}")
    done = []
    monkeypatch.setattr(book, "execute", lambda root, name, *_, results: done.append((name, results)))
    for step in ("stage", "render"):
        monkeypatch.setattr(book, step, lambda root: None)
    book.build(tmp_path)
    results = tmp_path / "_build" / "results"
    assert done == [(f"book/{name}", results) for name in ("first", "second", "board")]


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


def test_a_damaged_notebook_is_made_anew(project, monkeypatch, capsys):
    executed = project / "_build" / "chapters" / "small.ipynb"
    whole = executed.read_bytes()
    executed.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(chapters, "run", lambda chapter, out, values, **_: out.write_bytes(whole))
    book.build(project)
    said = capsys.readouterr().out.splitlines()
    assert "small.ipynb is damaged" in said[0]
    assert said[1:] == ["book/small: executing", "pages: unchanged"]


def test_a_folder_without_a_book_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"has no _toc\.yml"):
        book.build(tmp_path)
    assert not list(tmp_path.iterdir())


def test_missing_weights_are_named(project):
    with pytest.raises(ValueError, match="no weights file at gone"):
        book.build(project, weights="gone.npz")


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
    assert 'href="#fig-line"' in text and '"book/intro.html#' not in text
    assert pictures and all((tmp_path / "singlehtml" / name).is_file() for name in pictures)
    assert not (project / "_build" / "work").exists()
    assert '<details open class="sd' in text and '<details open class="admonition hide' not in text
    assert "It took" in text and "This table as" not in text and "executed notebook" not in text


@pytest.mark.skipif(not any(map(shutil.which, book.BROWSERS)), reason="no Chromium on the PATH to print with")
def test_the_book_is_printed(project):
    pdf = book.build(project, pdf=True).read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Image" in pdf  # the figure


def test_without_a_browser_no_chapter_runs_in_vain(project, monkeypatch):
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
    with (
        filelock.FileLock(project / "_build" / ".lock"),
        pytest.raises(book.BuildError, match="another build"),
    ):
        book.build(project)


def test_a_page_that_warns_or_a_chapter_that_fails_stops_the_build_and_leaves_the_last_book(project, capfd):
    before = state(project)
    intro, small = project / "book" / "intro.md", project / "book" / "small.py"
    intro.write_text(INTRO + "\nSee {numref}`fig-gone`.\n")
    with pytest.raises(book.BuildError, match="do not render"):
        book.build(project)
    assert "fig-gone" in capfd.readouterr().err
    assert state(project) == before
    intro.write_text(INTRO)
    chapter_with(project / "book", "\n1 / 0")
    with pytest.raises(chapters.ChapterError, match=r"(?s)small failed in its cell 2.*ZeroDivisionError"):
        book.build(project)
    assert state(project) == before
    small.write_text(CHAPTER)


# The check of a book


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        (
            '<script src="https://a.example/x.js"></script>',
            "page.html: loads https://a.example/x.js from another host",
        ),
        ('<link rel="stylesheet" href="//a.example/x.css">', "loads //a.example/x.css from another host"),
        ('<img alt="A cat" src="http://a.example/x.png">', "loads http://a.example/x.png from another host"),
        (
            '<img alt="A cat" srcset="x.css 1x, http://a.example/x.png 2x">',
            "loads http://a.example/x.png from",
        ),
        ('<p style="background: url(https://a.example/x)">', "loads https://a.example/x from another host"),
        (
            "<style>@import 'https://a.example/x.css';</style>",
            "loads https://a.example/x.css from another host",
        ),
        ('<iframe src="https://a.example/"></iframe>', "loads https://a.example/ from another host"),
        ('<img src="x.css">', "no alternative text on x.css"),
        ('<img alt="  " src="x.css">', "no alternative text on x.css"),
        ('<img alt="../_images/x.png" src="x.css">', "no alternative text on x.css"),
        ('<div class="output traceback highlight"></div>', "a cell shows traceback output"),
        ('<div class="output stderr highlight"></div>', "a cell shows stderr output"),
        ('<a href="gone.html">x</a>', "gone.html leads to no file"),
        ('<a href="index.html#gone">x</a>', "index.html#gone leads to no place on its page"),
        ('<a href="#gone">x</a>', "#gone leads to no place on its page"),
        ('<img alt="A cat" src="gone.png">', "gone.png leads to no file"),
    ],
)
def test_the_check_finds(tmp_path, html, problem):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=page.html">')
    (tmp_path / "x.css").write_text("p { color: red }")
    (tmp_path / "page.html").write_text(f"<html><body>{html}</body></html>")
    (found,) = check_html.check(tmp_path)
    assert problem in found


def test_the_check_lets_pass_what_is_sound(tmp_path):
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
    (tmp_path / "x.css").write_text(
        "@import 'https://a.example/y.css'; p { background: url(//a.example/z.png) }"
    )
    found = check_html.check(tmp_path)
    assert len(found) == 3 and "no index.html" in found[0]


# The chapters of this book


@pytest.mark.parametrize("path", sorted(ROOT.glob("book/*.py")), ids=lambda p: p.stem)
def test_a_chapter_survives_the_round_trip_and_has_typed_parameters(path):
    text, settings = path.read_text(), load_jupytext_config(str(path))
    assert settings is not None
    notebook = jupytext.reads(text, "py:percent", config=settings)
    assert jupytext.writes(notebook, "py:percent", config=settings) == text
    kernel = notebook.metadata.kernelspec
    assert (kernel.name, kernel.language) == ("python3", "python")
    assert kernel.display_name
    assert "seed" in chapters.parameters(path) or "seed" not in text


def test_the_visualization_chapter_has_the_parameters_of_a_sweep():
    names = set(chapters.parameters(ROOT / "book" / "visualization.py"))
    assert names >= {"layer", "k", "database_images", "image_id", "seed", "data_root", "weights"}


def test_the_contents_name_every_chapter():
    assert {f"book/{p.stem}" for p in ROOT.glob("book/*.py")} == set(book.chapter_names(ROOT))


def executed(source, origin="figurines 01234567, network small 89abcdef", **given):
    """An executed notebook with one markdown cell."""
    outputs = []
    if origin:
        data = {"application/papermill.record/text/plain": repr(origin)}
        glued = {"scrapbook": {"name": "origin", "mime_prefix": "application/papermill.record/"}}
        outputs = [nbformat.v4.new_output("display_data", data, metadata=glued)]
    code = nbformat.v4.new_code_cell("", outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(source), code])
    start = "2026-03-04T05:06:07.891011+00:00"
    about = dict(parameters=given, start_time=start, duration=213.4, input_path="small.py")
    notebook.metadata.update(papermill=about, corrlib={"digest": "d", "commit": "1234abcd"})
    return notebook


FIGURE = "```{glue:figure} line\n:name: fig-line\n:alt: A line\n\nA line.\n\nIts second paragraph.\n```\n"
TABLE = "::::{table} Receptive *fields* {glue:text}`k`\n:name: tab-rf\n\n| a |\n|--|\n::::\n"


def test_captions_end_with_where_they_are_from():
    notebook = executed(
        f"Text.\n\n{FIGURE}\nMore text.\n\n{TABLE}\n{FIGURE}", alpha=0.05, data_root="/a/b/photos"
    )
    captions.add_provenance(notebook)
    line = (
        " [figurines 01234567, network small 89abcdef; alpha = 0.05, data_root = photos; commit 1234abcd;"
        " 2026-03-04; 213 s]{.provenance}\n"
    )
    figure = FIGURE.replace("second paragraph.\n", f"second paragraph.{line}")
    table = TABLE.replace("`k`\n", f"`k`{line}")
    assert notebook.cells[0].source == f"Text.\n\n{figure}\nMore text.\n\n{table}\n{figure}"


def test_a_caption_that_says_where_it_is_from_is_left_alone():
    own = TABLE.replace("`k`", "[photos]{.provenance}")
    notebook = executed(own)
    captions.add_provenance(notebook)
    assert notebook.cells[0].source == own


def test_a_chapter_with_captions_and_no_origin_is_refused():
    captions.add_provenance(executed("Text alone.", origin=None))
    with pytest.raises(ValueError, match=r"small\.py has captions, and no origin"):
        captions.add_provenance(executed(FIGURE, origin=None))


def text_of(glued):
    """Code cells' outputs of glued Markdown."""
    record = "application/papermill.record/"
    return [
        nbformat.v4.new_output(
            "display_data",
            {f"{record}{kind}": data},
            metadata={"scrapbook": {"name": name, "mime_prefix": record}},
        )
        for name, (kind, data) in glued.items()
    ]


WIDE = """::::{table} *Means* at {glue:text}`k:.1f` for {glue:text}`who` [photos `ab` [1]]{.provenance}
:name: tab-means

```{glue:md} means
:format: myst
```
::::
"""
MEANS = """| method | alpha, paper | ours | n | verdict |
| :-- | --: | --: | --: | --: |
| **conv4** flow | 24.9 | 40.0\u00a0[38.2,\u00a041.8] | 1,108 | [holds]{.verdict .holds}<br>a:\u00a0+1.0 |
| [SIFT](x.html) {numref}`tab-rf` |  | \u22121.5<br>[\u22122.0, 1.0] | 12 |  |
| \u201cshort [...] words\u201d | 2 | 3 | | `x` |"""


def test_tables_are_read_as_they_are_shown_and_numbers_as_numbers(tmp_path):
    notebook = executed(f"Text.\n\n{WIDE}\nMore.\n\n{FIGURE}")
    glued = {
        "means": ("text/markdown", MEANS),
        "k": ("text/plain", "0.25"),
        "who": ("text/plain", "'a\\xa0b'"),
    }
    notebook.cells[1].outputs += text_of(glued)
    downloads.add_downloads(notebook, "small", tmp_path)
    found = json.loads((tmp_path / "downloads" / "small-tab-means.json").read_text())
    assert found["caption"] == "Means at 0.2 for a b" and found["source"] == "photos ab [1]"
    assert found["columns"] == ["method", "alpha, paper", "ours", "ours lower", "ours upper", "n", "verdict"]
    assert found["rows"] == [
        ["conv4 flow", 24.9, 40.0, 38.2, 41.8, 1108, "holds; a: +1.0"],
        ["SIFT tab-rf", None, -1.5, -2.0, 1.0, 12, None],
        ["\u201cshort [...] words\u201d", 2, 3, None, None, None, "x"],
    ]
    rows = list(csv.reader(io.StringIO((tmp_path / "downloads" / "small-tab-means.csv").read_text())))
    assert rows[0] == [*found["columns"], "source"] and {row[-1] for row in rows[1:]} == {"photos ab [1]"}
    assert rows[1][:3] == ["conv4 flow", "24.9", "40.0"] and rows[2][1] == ""
    files = (f"{{download}}`{kind} <downloads/small-tab-means.{kind.lower()}>`" for kind in ("CSV", "JSON"))
    link = " and ".join(files)
    lines = f"\n\n::::{{only}} not singlehtml\n[This table as {link}]{{.downloads}}\n::::\n"
    assert notebook.cells[0].source == f"Text.\n\n{WIDE.rstrip()}{lines}\n\nMore.\n\n{FIGURE}"


def test_what_a_page_took_ends_it():
    notebook = executed("Text.")
    captions.add_cost(notebook, "book/small")
    text = notebook.cells[-1].source
    assert (
        "It took 4 min and memory that is not known to execute this page (commit 1234abcd, 2026-03-04)"
        in text
    )
    assert 'href="../_sources/book/small.ipynb" download' in text
    notebook.metadata.corrlib.memory, notebook.metadata.papermill.duration = 1_234_000_000, 35.2
    captions.add_cost(notebook, "book/small")
    assert "It took 35 s and 1.2 GB of memory" in notebook.cells[-1].source


def test_large_pictures_are_made_light_and_line_art_is_left(rng):
    image = cv2.GaussianBlur(rng.integers(0, 256, (480, 640, 3), dtype=np.uint8), (0, 0), 2)
    kind = "application/papermill.record/image/png"

    def output(picture, **more):
        data = base64.b64encode(cv2.imencode(".png", picture)[1].tobytes()).decode()
        return nbformat.v4.new_output("display_data", {kind: data, **more})

    outputs = [
        output(image),
        output(np.full_like(image, 255)),
        output(image, **{kind.replace("png", "svg+xml"): ""}),
    ]
    before = [dict(one.data) for one in outputs]
    pictures.lighten(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=outputs)]))
    assert [one.data == old for one, old in zip(outputs, before, strict=True)] == [False, True, True]
    (name,) = outputs[0].data
    assert name == kind.replace("png", "jpeg")
    stored = base64.b64decode(outputs[0].data[name])
    assert len(stored) < 0.5 * len(base64.b64decode(before[0][kind]))
    seen = cv2.imdecode(np.frombuffer(stored, np.uint8), cv2.IMREAD_COLOR).astype(float)
    assert np.abs(seen - image).mean() < 3


def test_a_chapter_reads_data_by_its_parameter_or_by_its_text():
    reads = {name: book.reads_data(ROOT / f"{name}.py") for name in book.chapter_names(ROOT)}
    assert reads.pop("book/performance") is False
    assert set(reads) >= {"book/figurines", "book/alignment"} and all(reads.values())
