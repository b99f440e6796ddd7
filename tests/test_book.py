"""Chapters, their parameters, and the building and checking of a small book."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import filelock
import jupytext
import nbconvert
import nbformat
import numpy as np
import pytest
from jupytext.config import load_jupytext_config

from conftest import ROOT
from corrlib.publishing import book, chapters, kernel, results
from corrlib.publishing.book import execution, progress, staging
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

page.set_source("weights] {{of}} $a$ *new*")
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
INTRO = "# A small book\n\nSee [the small one](small), [the line](#figure-line) and [the table](#table-rf).\n"
INTRO += "\n```{bibliography}\n```\n"
TOC = "format: jb-book\nroot: book/intro\noptions: {numbered: true}\nchapters:\n"
check_html = script("check_html")


def chapter_with(folder, cell):
    """Write a chapter of a parameters cell and a code cell."""
    (path := folder / "small.py").write_text(f'# %% tags=["parameters"]\nk: int = 1\n\n# %%{cell}\n')
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
    (root / "_toc.yml").write_text(f"{TOC}  - file: book/small\n  - file: book/more/small\n")
    (root / "book" / "intro.md").write_text(INTRO)
    (root / "book" / "small.py").write_text(CHAPTER)
    (root / "book" / "more" / "small.py").write_text(TINY)
    book.build(root)
    return root


def page_of(project, name="small"):
    return (project / "_build" / "html" / "book" / f"{name}.html").read_text()


def state(root):
    """Digest and time of each file of the rendered book."""
    paths = [path for path in (root / "_build" / "html").rglob("*") if path.is_file()]
    return {path: (chapters.file_digest(path), path.stat().st_mtime_ns) for path in paths}


def test_parameters_are_read_with_types_and_defaults(chapter):
    expected = dict(layer=(str, "conv3"), k=(int, 5), alpha=(float, 0.1), dense=(bool, False))
    expected |= dict(layers=(list[str], ["conv3", "conv4"]), weights=(str | None, None))
    assert chapters.parameters(chapter) == expected
    assert 'layer: str = "conv3"  # to look at\n' in chapters.parameters_cell(chapter)


def test_values_take_the_declared_type(chapter):
    values = {
        "layer": {"conv4": "conv4", "5": "5"},
        "k": {"7": 7, 7: 7},
        "alpha": {"0.05": 0.05, "1": 1.0, 1: 1.0, np.float32(0.5): 0.5},
        "dense": {"true": True, "False": False},
        "layers": {"conv1, conv 2 ": ["conv1", "conv 2"], ("conv1",): ["conv1"], "": []},
        "weights": {"a.npz": "a.npz", "none": None, None: None},
    }
    for name, cases in values.items():
        for given, expected in cases.items():
            value = chapters.typed({name: given}, chapter)[name]
            assert value == expected and type(value) is type(expected), (name, given)


def test_a_wrong_value_or_name_is_refused(chapter):
    wrong = [("k", value) for value in ("three", "1.5", 1.5, True, "")] + [("dense", "maybe"), ("layer", 4)]
    for name, value in wrong:
        with pytest.raises(ValueError, match=f"parameter {name} of chapter small must be .*{value!r}"):
            chapters.typed({name: value}, chapter)
    listed = r".*layer \(str\), k \(int\).*layers \(list\[str\]\), weights \(str \| None\)"
    with pytest.raises(ValueError, match="no parameter 'laer', did you mean 'layer'" + listed):
        chapters.typed({"laer": "conv3"}, chapter)


def test_a_parameters_cell_of_another_form_is_refused(tmp_path):
    path, cell = tmp_path / "odd.py", '# %% tags=["parameters"]\n'
    cases = {"k = 5": "gives no type to k", "k: int =": "does not run", "k: 'int' = 5": "k is in quotes"}
    for text, message in {**{cell + key: m for key, m in cases.items()}, "k: int = 5": "one cell"}.items():
        path.write_text(text + "\n")
        with pytest.raises(ValueError, match=message):
            chapters.parameters(path)


def test_a_chapter_may_come_from_windows_and_what_is_no_python_is_named(tmp_path):
    path, text = tmp_path / "odd.py", '# %% tags=["parameters"]\nk: int = 5  # \u00e9\n\n# %%\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert chapters.parameters(path) == {"k": (int, 5)} and not book.reads_data(path)
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=r"odd\.py is not in UTF-8"):
        chapters.parameters(path)
    path.write_text(f"{text}if k\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"odd\.py, line 5: expected ':'; correct it"):
        book.reads_data(path)


def test_a_kernel_writes_to_the_streams_of_its_run_not_of_the_first(tmp_path):
    program = """
import os, sys, pathlib
from corrlib.publishing import chapters
chapter, *files = map(pathlib.Path, sys.argv[1:])
for file in files:
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), 2)
    chapters.run(chapter, file.with_suffix(".ipynb"))
"""
    files = [tmp_path / "first.txt", tmp_path / "second.txt"]
    chapter = chapter_with(tmp_path, "\nimport os\nos.write(2, b'native')\n")
    environment = os.environ | {"PYTEST_CURRENT_TEST": "", "CORRLIB_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", program, chapter, *files]
    subprocess.run(list(map(str, command)), check=True, env=environment)
    assert all("native" in file.read_text() for file in files)


def test_a_run_writes_the_notebook_with_its_values_and_what_others_say_goes_to_the_terminal(
    tmp_path, caplog, capfd, monkeypatch
):
    """Whatever kernels and profiles the user has."""
    for file, text in (
        ("kernels/python3/kernel.json", '{"argv": ["false"], "display_name": "", "language": "python"}'),
        ("profile_default/startup/a.py", "raise SystemExit"),
    ):
        (tmp_path / "user" / file).parent.mkdir(parents=True)
        (tmp_path / "user" / file).write_text(text)
    (tmp_path / "user" / "startup.py").write_text("k_of_the_user = 1")
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "user" / "startup.py"))
    monkeypatch.setenv("MPLBACKEND", "module://backend_interagg")  # PyCharm's
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "user"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "user"))
    monkeypatch.setattr(kernel.cache, "cache_dir", lambda: tmp_path / "missing" / "cache")
    cell = "\nimport warnings\nfrom corrlib.cache import CorruptEntryWarning\nother: str | None = None\n{}"
    cell += "import matplotlib.pyplot as plt\nplt.close(plt.figure())\nassert 'k_of_the_user' not in vars()\n"
    cell += "print('k is', k)\n"
    out, warn = tmp_path / "new" / "out.ipynb", "warnings.warn('the entry is corrupt', CorruptEntryWarning)\n"
    library = "warnings.warn_explicit('no such font', UserWarning, '/lib/plots.py', 3)\n"
    library += "import os\nos.write(2, b'Corrupt JPEG data: 20 extraneous bytes')\n"
    for statement, said in (
        (warn, "CorruptEntryWarning: the entry is corrupt"),
        (library, "UserWarning: no such font"),
        (library, "20 extraneous bytes"),
        ("", ""),
    ):
        chapters.run(chapter_with(tmp_path, cell.format(statement)), out, {"k": "3"})
        printed, warned = capfd.readouterr()
        expected = said in warned if said else not warned
        assert not caplog.records and not printed and expected, warned
        notebook = nbformat.read(out, as_version=4)
        assert "".join(o.text for c in notebook.cells for o in c.get("outputs", [])) == "k is 3\n"
    nbformat.validate(notebook)
    assert notebook.metadata.papermill.parameters == {"k": 3}
    assert str(tmp_path) not in str(notebook.metadata), "no path of this machine"
    assert [p.name for p in out.parent.iterdir()] == ["out.ipynb"]


def test_a_failed_chapter_names_itself_and_its_cell_and_leaves_the_old_notebook(tmp_path):
    out = tmp_path / "out.ipynb"
    out.write_text("the last good one")
    cells = {
        "raise KeyError('lost')": r"(?s)(small\.py:\d+: KeyError: 'lost').*raise KeyError.*\1$",
        "import warnings; warnings.warn('odd')": r"(?s)small\.py:\d+ warned:.*odd",
        "import os; os._exit(1)": "small: the kernel died",
        "from corrlib.publishing import page\nfor a in 1, 2: page.table('t', [{'a': a}], 'c')": (
            r"small\.py:\d+: table 't' is shown twice"
        ),
    }
    for cell, message in cells.items():
        with pytest.raises(chapters.ChapterError, match=message):
            chapters.run(chapter_with(tmp_path, f"\n{cell}"), out)
        assert out.read_text() == "the last good one"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["out.ipynb", "small.py"]


def test_a_notebook_that_cannot_be_written_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters.papermill, "execute_notebook", lambda *_, **__: pytest.fail("it ran"))
    (tmp_path / "file").write_text("")
    for out in (tmp_path, tmp_path / "file" / "out.ipynb", tmp_path / "small.py"):
        with pytest.raises(OSError, match=f"cannot write {out}: .*; choose another place"):
            chapters.run(chapter_with(tmp_path, "\nx = 1"), out)


def test_a_page_has_each_figure_once_with_number_caption_alt_text_and_provenance(project):
    assert check_html.check(project / "_build" / "html") == []
    page = page_of(project)
    source = '<span class="provenance">' + re.escape("weights] {{of}} $a$ *new*; default parameters; ")
    source += r"\d{4}-\d\d-\d\d; \d+ s</span>"
    figures = dict(re.findall(r'<figure [^>]*id="(figure-[\w-]+)">(.*?)</figure>', page, re.DOTALL))
    assert list(figures) == ["figure-line", "figure-art", "figure-widget"]
    for number, figure in enumerate(figures.values(), 1):
        assert f'<span class="caption-number">Fig. 1.{number} </span>' in figure
        assert len(re.findall("<img ", figure)) == 1 and re.search(source, figure)
    assert 'alt="A &quot;line&quot; that rises to 5: # steeply"' in figures["figure-line"]
    assert "A <em>line</em> at alpha 0.100." in figures["figure-line"]
    assert 'small-figure-line.webp"' in figures["figure-line"]
    assert '.svg"' in figures["figure-art"] and '<img alt="Still" src="data:,">' in figures["figure-widget"]
    assert page.count("<img ") == len(figures) + page[: page.index("<article")].count("<img ")
    (table,) = re.findall(r'<table [^>]*id="table-rf">.*?</table>', page, re.DOTALL)
    assert "Table 1.1 " in table and "Receptive <em>fields</em>." in table and re.search(source, table)
    assert page.count("Receptive <em>") == 1 and "<code" not in table and "`score`" not in page
    # Code is folded, that of texts left out; texts are prose.
    assert page.count("Show code cell source") == 4 and 'class="cell tag_parameters' in page
    assert re.search(r"<details>\s*<summary>Folded</summary>\s*<p>Away, <span class=\"math", page)
    for text in ("The line rises to 5 and 2.5. It ends there.", "layer is conv3", "Not the result."):
        assert text in page


def test_a_page_offers_its_tables_and_notebook_and_says_what_it_took(project):
    page, html = page_of(project), project / "_build" / "html"
    addresses = re.findall(r'href="\.\./(_downloads/[^"]+/small-table-rf\.(csv|json))"', page)
    files = {kind: (html / path).read_text() for path, kind in addresses}
    first, second = csv.DictReader(files["csv"].splitlines())
    assert "weights] {{of}} $a$ *new*" in first["source"] and first.pop("source") == second["source"]
    assert first == {"unit": "conv1", "rf": "11", "PCK": "24.91", "PCK lower": "23.1", "PCK upper": "26.8"}
    table = json.loads(files["json"])
    assert (table["name"], table["caption"]) == ("table-rf", "Receptive *fields*.")
    assert table["columns"] == ["unit", "rf", "PCK", "PCK lower", "PCK upper"]
    assert table["rows"][1] == ["fc7; x", None, 3.0, None, None]
    executed = project / "_build" / "chapters" / "small.ipynb"
    notebook = nbformat.read(executed, 4)
    about = notebook.metadata.corrlib
    assert chapters.result(notebook) == "The line rises to 5 and 2.5.", "the last text before the exercises"
    assert 3e7 < about["memory"] < 3e9 and 0 < about["processor"] < 60
    assert re.search(rf"executed in \d+ s with {about['memory'] / 1e9:.1f} GB of memory", page)
    (address,) = re.findall(r'href="\.\./([^"]+)" download>The executed notebook', page)
    assert (html / address).read_bytes() == executed.read_bytes()
    exported, _ = nbconvert.HTMLExporter().from_filename(html / address)
    shown = re.sub(r"<script.*?</script>", "", exported, flags=re.DOTALL)
    assert len(re.findall(r"<img |<svg ", shown)) == page.count("<figure ")


def test_pages_link_to_their_source_to_each_other_and_load_mathjax_only_for_mathematics(project):
    page, intro, html = page_of(project), page_of(project, "intro"), project / "_build" / "html"
    assert "/edit/main/book/small.py" in page and "/edit/main/book/small.ipynb" not in page
    assert "/edit/main/book/intro.md" in intro
    assert 'href="#figure-line"' in page and 'href="#table-rf"' in page and 'href="intro.html#id' in page
    for address in ("small.html", "small.html#figure-line", "small.html#table-rf"):
        assert f'href="{address}"' in intro
    assert "Tiny" in page_of(project, "more/small"), "another chapter of the same name"
    assert "_static/mathjax/tex-chtml.js" in page
    assert "tex-chtml.js" not in (html / "search.html").read_text()
    assert (html / "_static/mathjax/output/chtml/fonts/woff-v2/MathJax_Main-Regular.woff").is_file()


def test_a_digest_changes_with_each_thing_that_the_outputs_depend_on_and_no_other(tmp_path, monkeypatch):
    seen, path, results = set(), tmp_path / "book" / "small.py", tmp_path / "found"

    def changed(name, text="1", **values):
        """Whether a file that is written, or a parameter, makes another digest."""
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        digest, before = book.chapter_digest(tmp_path, path, values, results=results), len(seen)
        seen.add(digest)
        return len(seen) > before

    assert changed("book/small.py", CHAPTER) and changed("book/small.py", CHAPTER, k=2)
    for text in "12":
        assert changed("weights.npz", text, weights=str(tmp_path / "weights.npz"))
    for name in ("constraints.txt", "book/published/table1.csv", "results/photos-small.json"):
        assert changed(name), name
    for name in ("book/intro.md", "book/other.py", "benchmarks/results.json", "found/small-made.json"):
        assert not changed(name), name
    depends = {
        "book/other.py": execution.SWEEPS,
        "found/small-made.json": execution.READS_RESULTS,
        "benchmarks/results.json": execution.READS_BENCHMARKS,
    }
    for name, call in depends.items():
        assert changed("book/small.py", f"{CHAPTER}\n# %%\nrows = {call}(\n    'other')\n")
        assert changed(name, "# %%\nk = 2\n"), name
    opens = "book/small.py", f"{CHAPTER}\n# %%\ndata, network = page.setup(globals())\n"
    for digest in "ab":
        monkeypatch.setattr("corrlib.data.open_dataset", lambda root, of=digest: SimpleNamespace(digest=of))
        assert changed(*opens)
    monkeypatch.setattr(execution, "imports_digest", lambda path: "the code that the chapter imports")
    assert changed(*opens)


def test_changed_text_is_copied_to_the_executed_notebook_and_changed_code_is_executed(tmp_path, capsys):
    (tmp_path / "book").mkdir()
    chapter = chapter_with(tmp_path / "book", "\nprint('k is', k)\n\n# %% [markdown]\n# The end.\n")
    out = tmp_path / "small.ipynb"

    def execute():
        todo = book.task(tmp_path, "book/small", {"k": 2}, out)
        book.execute(tmp_path, [todo] if todo else [], tmp_path / "book.log")
        cells = [(cell.cell_type, cell.source) for cell in nbformat.read(out, as_version=4).cells]
        return capsys.readouterr().out, cells, chapters.stamp(out)

    _, executed, stamp = execute()
    assert [kind for kind, _ in executed] == ["code", "code", "code", "markdown"]
    text = "# %% [markdown]\n# A beginning.\n\n" + chapter.read_text().replace("The end", "Another end")
    chapter.write_text(text.rstrip() + "\n#\n# And a paragraph.\n")
    said, cells, unchanged = execute()
    assert said == "book/small: text updated, not executed\n" and unchanged == stamp
    texts = [("markdown", "A beginning."), ("markdown", "Another end.\n\nAnd a paragraph.")]
    assert cells == [texts[0], *executed[:3], texts[1]]
    assert "k is 2" in out.read_text(), "what the code printed"
    assert execute() == ("book/small: unchanged\n", cells, stamp)
    chapter.write_text(chapter.read_text().replace("k is", "k was"))
    said, cells, _ = execute()
    assert "executed in" in said and cells[3][1] == "print('k was', k)"


def test_results_are_the_builds_own_and_missing_ones_are_computed_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CORRLIB_RESULTS", str(tmp_path / "elsewhere"))
    results, other = tmp_path / "made", tmp_path / "made" / "other-made.json"
    for folder in (tmp_path / "book", results):
        folder.mkdir()
    cell = "\nimport os, pathlib\nfolder = pathlib.Path(os.environ['CORRLIB_RESULTS'])\n"
    chapter_with(tmp_path / "book", cell + "(folder / 'small-made.json').write_text('{}')")
    other.write_text("{}")

    def execute():
        given = (tmp_path, "book/small", {"unknown": 1}, tmp_path / "small.ipynb")
        todo = book.task(*given, results=results)
        book.execute(tmp_path, [todo] if todo else [], tmp_path / "book.log")
        return capsys.readouterr().out.split()[1]

    assert execute() == "executing"
    assert (results / "small-made.json").read_text() == "{}" and not (tmp_path / "elsewhere").exists()
    assert os.environ["CORRLIB_RESULTS"] == str(tmp_path / "elsewhere")
    monkeypatch.setattr(chapters, "run", lambda *given, **_: None)
    other.unlink()
    assert execute() == "unchanged", "it is another chapter's"
    (results / "small-made.json").write_text("{ }")  # by a run with other parameters, say
    assert execute() == "executing"
    (results / "small-made.json").unlink()
    assert execute() == "executing"


def test_progress_is_weighted_by_the_recorded_seconds_of_chapters_and_cells(tmp_path):
    log, results = tmp_path / "book.log", tmp_path / "results.json"
    pages = [{"name": "slow", "seconds": 90.0, "progress": [0, 0.1, 0.8]}, {"name": "old", "seconds": 20.0}]
    results.write_text(json.dumps({"book": {"builds": [{"pages": pages}]}}))
    known, names = progress.recorded(results), ["book/slow", "book/old", "book/new"]
    with progress.shown(log, names, known):
        assert progress.reached(log, names, known) == (0, "0 of 3 pages")
        progress.say(log, "book/slow", 2, 3, "Scores")
        progress.say(log, "book/old", 1, 4, "")
        share, text = progress.reached(log, names, known)
        assert share == pytest.approx((0.8 * 90 + 20 / 4) / (90 + 20 + progress.UNKNOWN))
        assert text == "0 of 3 pages; slow: Scores; old: "
        progress.say(log, "book/slow", 1, 1, "")
        assert progress.reached(log, names, known)[1] == "1 of 3 pages; old: "
        assert progress.reached(log, names, known, log.stat().st_size) == (0, "0 of 3 pages"), (
            "of earlier ones"
        )
    assert progress.recorded(tmp_path / "gone") == {}


def test_the_log_has_the_chapters_that_stand_alone_and_those_that_read_their_results(tmp_path, monkeypatch):
    (tmp_path / "_toc.yml").touch()
    (tmp_path / "_build").mkdir()
    log = tmp_path / "_build" / "book.log"
    log.write_text("earlier ")

    def execute(root, tasks, log):
        with log.open("a") as file:
            file.write(" ".join(tasks))

    names = (["first "], ["second"])
    for name, fake in (("_task", lambda root, name, given: name), ("execute", execute)):
        monkeypatch.setattr(book, name, fake)
    for name in ("stage", "render"):
        monkeypatch.setattr(book, name, lambda root: None)
    monkeypatch.setattr(execution, "chapter_names", lambda root: names)
    book.build(tmp_path)
    assert log.read_text() == "earlier first second"


def test_memory_is_that_of_the_processes_that_were_started():
    program = "import time; a = bytearray(200_000_000); a[::1000] = b'x' * 200_000; print(); time.sleep({})"
    command = [sys.executable, "-c", program.format(60)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as before:  # which does not count
        before.stdout.readline()
        with kernel.watched() as used:
            subprocess.run([sys.executable, "-c", program.format(1.5)], check=True, stdout=subprocess.DEVNULL)
        before.kill()
    assert 2e8 < used.memory < 2.6e8 and 0 < sum(used.seconds.values()) < 30


def test_an_unchanged_book_is_left_as_it_is_and_a_corrupt_notebook_made_anew(project, monkeypatch, capsys):
    before, executed = state(project), project / "_build" / "chapters" / "small.ipynb"
    book.build(project)
    assert state(project) == before
    said = ["book/small: unchanged", "book/more/small: unchanged", "pages: unchanged"]
    assert capsys.readouterr().out.splitlines() == said
    whole = executed.read_bytes()
    executed.write_bytes(whole[: len(whole) // 2])
    monkeypatch.setattr(chapters, "run", lambda chapter, out, values, **_: out.write_bytes(whole))
    book.build(project)
    again = ["book/small: executing", "book/small: executed in 0 s"]
    assert capsys.readouterr().out.splitlines() == [said[1], *again, said[2]]


def test_mistakes_are_reported_before_anything_runs(tmp_path, project, monkeypatch):
    with pytest.raises(ValueError, match=r"has no _toc\.yml"):
        book.build(tmp_path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OSError, match=r"gone\.npz"):
        book.build(project, weights="gone.npz")
    lock = filelock.FileLock(project / "_build" / ".lock")
    with lock, pytest.raises(book.BuildError, match="another build"):
        book.build(project)
    monkeypatch.setenv("PATH", str(project))
    with pytest.raises(ValueError, match="printed by Chromium, and none is on the PATH: tried chromium, "):
        book.build(project, pdf=True)


def test_what_is_printed_has_all_pages_and_a_browser_that_fails_leaves_the_last_pdf(
    project, tmp_path, monkeypatch
):
    fake = tmp_path / "bin" / "chromium"
    fake.parent.mkdir()
    words = "case $word in --print-to-pdf=*) out=${word#*=};; file://*) page=${word#file://};; esac"
    fake.write_text(f'#!/bin/sh\nfor word; do {words}; done\ncp "$page" "$out"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    out = book.build(project, pdf=True)
    assert out == project / "_build" / "corrlib.pdf"
    text = out.read_text()
    assert all(f"{title}<" in text for title in ("A small book", "A small chapter"))
    assert 'href="#figure-line"' in text and '"book/intro.html#' not in text
    assert not (project / "_build" / "work").exists()
    assert "<details open>" in text and '<details open class="admonition hide' not in text
    assert "executed in" in text and "This table as" not in text and "executed notebook" not in text
    fake.write_text("#!/bin/sh\necho out of paper >&2\nexit 1\n")
    with pytest.raises(book.BuildError, match="out of paper"):
        book.build(project, pdf=True)
    assert out.read_text() == text


@pytest.mark.skipif(not any(map(shutil.which, book.BROWSERS)), reason="no Chromium on the PATH to print with")
def test_the_book_is_printed(project):
    pdf = book.build(project, pdf=True).read_bytes()
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    assert b"/Subtype /Image" in pdf  # the figure


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
    with pytest.raises(chapters.ChapterError, match=r"small\.py:\d+: ZeroDivisionError"):
        book.build(project)
    assert state(project) == before
    small.write_text(CHAPTER)


def test_the_commit_is_of_the_repository_that_tracks_the_chapter(chapter):
    def git(*arguments):
        who = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=chapter.parent, check=True, capture_output=True)

    git("init")
    git("commit", "--allow-empty", "-m", "Somebody else's")
    assert results.commit(chapter) == {}, "unpacked inside another repository"
    git("add", chapter.name)
    git("commit", "-m", "Ours")
    assert re.fullmatch("[0-9a-f]{8}", results.commit(chapter)["commit"])
    chapter.write_text(TINY)
    assert results.commit(chapter)["commit"].endswith("+"), "changed since"


def test_provenance_names_data_network_parameters_commit_date_and_time():
    text, about = {"text/markdown": "Dataset: **figurines**."}, {"kind": "setup", "dataset": "figurines"}
    setup = nbformat.v4.new_output("display_data", text, metadata={"corrlib": about})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[setup])])
    run = dict(parameters=dict(alpha=0.05, data_root="/a/b/photos"), duration=213.4)
    run["start_time"] = "2026-03-04T05:06:07.891011+00:00"
    notebook.metadata.update(papermill=run, corrlib={"memory": 1, "commit": "1234abcd"})
    source = "figurines 01234567, network small 89abcdef"
    said = f"{source}; alpha = 0.05, data_root = photos; commit 1234abcd; 2026-03-04; 213 s"
    assert staging.provenance(notebook, source) == said
    assert staging.provenance(notebook, "photos, recorded") == "photos, recorded"
    page = staging.staged(notebook, "book/small", Path("unused"))
    assert page.cells[1].source == "[Dataset: **figurines**.]{.provenance}" and not page.cells[0].outputs
    took = "This page was executed in 4 min with 0.0 GB of memory (commit 1234abcd, 2026-03-04)."
    assert took in page.cells[-1].source


def test_the_check_finds_each_fault(tmp_path):
    (tmp_path / "index.html").write_text('<meta http-equiv="Refresh" content="0; url=page.html">')
    (tmp_path / "x.css").write_text("p { color: red }")
    loads, https = (f"loads {url} from another host" for url in ("//a.example/x", "https://a.example"))
    faults = {
        '<script src="//a.example/x"></script>': loads,
        '<link rel="stylesheet" href="//a.example/x">': loads,
        '<img alt="A cat" srcset="x.css 1x, //a.example/x 2x">': loads,
        '<p style="background: url(//a.example/x)">': loads,
        "<style>@import '//a.example/x';</style>": loads,
        '<embed src="https://a.example">': https,
        '<img src="x.css">': "no alt text on x.css",
        '<img alt=" " src="x.css">': "no alt text on x.css",
        '<img alt="../x.png" src="x.css">': "no alt text on x.css",
        '<div class="output traceback highlight"></div>': "a cell shows traceback output",
        '<div class="output stderr highlight"></div>': "a cell shows stderr output",
        '<a href="gone.html">x</a>': "gone.html leads to no file",
        '<img alt="A cat" src="gone.png">': "gone.png leads to no file",
        '<a href="index.html#gone">x</a>': "index.html#gone leads to no element of its page",
        '<a href="#gone">x</a>': "#gone leads to no element of its page",
    }
    for html, problem in faults.items():
        (tmp_path / "page.html").write_text(f"<html><body>{html}</body></html>")
        assert check_html.check(tmp_path) == [f"page.html: {problem}"], html


def test_the_check_accepts_a_sound_book_and_reads_style_sheets(tmp_path):
    (tmp_path / "x.png").write_bytes(b"")
    (tmp_path / "index.html").write_text(
        '<h1 id="top">T</h1><a href="https://a.example">out</a><a href="#top">up</a>'
        '<a href="sub/../index.html">home</a><a href="mailto:a@a.example">mail</a>'
        '<img alt="A cat" src="x.png"><link rel="canonical" href="https://a.example/">'
        '<img alt="A dot" src="data:image/png;base64,AAAA"><p>url(https://a.example) in the text</p>'
    )
    assert check_html.check(tmp_path) == []
    (tmp_path / "x.css").write_text("@import 'https://a.example/y'; p { background: url(//a.example/z) }")
    (tmp_path / "index.html").unlink()
    missing, *loaded = check_html.check(tmp_path)
    assert "no index.html" in missing
    loads = [f"x.css: loads {url} from another host" for url in ("https://a.example/y", "//a.example/z")]
    assert loaded == loads


def test_chapters_survive_the_round_trip_and_have_typed_parameters():
    for path in ROOT.glob("book/*.py"):
        text, settings = path.read_text(), load_jupytext_config(str(path))
        notebook = jupytext.reads(text, "py:percent", config=settings)
        assert jupytext.writes(notebook, "py:percent", config=settings) == text, path
        assert notebook.metadata.kernelspec == chapters.KERNEL and chapters.parameters(path), path


def test_the_contents_name_every_chapter_and_digests_and_order_know_their_calls():
    paths, (alone, reading) = sorted(ROOT.glob("book/[!_]*.py")), execution.chapter_names(ROOT)
    assert sorted(f"book/{path.stem}" for path in paths) == sorted(alone + reading)
    calls = {f"book/{path.stem}": execution._calls(path) for path in paths}
    used = set().union(*calls.values())
    assert {execution.READS_RESULTS, execution.READS_BENCHMARKS, execution.SWEEPS} <= used
    assert {name for name in calls if execution.READS_RESULTS in calls[name]} == set(reading)
    assert [path.stem for path in paths if not book.reads_data(path)] == ["performance"]
