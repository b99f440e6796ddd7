"""Build the book: execute the chapters that changed, stage them beside the pages, render with Jupyter Book.

Chapters (``.py``) and pages (``.md``) are those that ``_toc.yml`` names. Chapters are executed into
``_build/chapters``, their results are in ``_build/results``; they are staged in ``_build/stage`` and rendered
into ``_build/html``. Each step runs only if what it reads has changed, and each result appears by a rename,
so that a failed build leaves the last good book.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import nbformat
from sphinx_external_toc.parsing import parse_toc_yaml

from corrlib import alternatives, captions, chapters, downloads, pictures

# The parameters of a chapter that name files: the digest of what they hold is part of the chapter's.
DATA, WEIGHTS = "data_root", "weights"
STAMP = ".corrlib"
#: Names under which Chromium, or Chrome, is found.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# What a chapter says in its text that its outputs depend on, beside what all depend on.
_SWEEPS = re.compile(r'\bsweep\(\s*"(\w+)"')
_READS_RESULTS = re.compile(r"\bscoreboard\.read\(")
_READS_BENCHMARKS = re.compile(r"\bbenchmarks\W+results\.json\b")


class BuildError(RuntimeError):
    """The pages do not render without warnings, or another build is at work in the same tree."""


def build(root: Path, *, data_root: str | None = None, weights: str | None = None, pdf: bool = False) -> Path:
    """Build the book of the project at ``root`` and return its first page, ``_build/html/index.html``.

    Parameters
    ----------
    data_root, weights
        Given to every chapter that has a parameter of that name; without them the embedded world and network.
    pdf
        Whether to print it as well, by Chromium, and to return ``_build/corrlib.pdf`` instead.

    Raises
    ------
    BuildError, chapters.ChapterError, ValueError
        What failed and where; the last good book is still in ``_build/html``.
    """
    if not (root / "_toc.yml").is_file():
        raise ValueError(f"no book in {root.resolve()}: it has no _toc.yml; build in the project's root")
    if weights and not Path(weights).is_file():
        raise ValueError(f"no weights file at {weights}")
    browser = _browser() if pdf else ""
    target = root / "_build"
    target.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(target / ".lock", timeout=0):
            given = {name: value for name, value in ((DATA, data_root), (WEIGHTS, weights)) if value}
            for name in _in_order(root):
                execute(root, name, given, _executed(root, name), results=target / "results")
            _stage(root)
            _render(root)
            if pdf:
                return _print(root, browser)
    except filelock.Timeout:
        raise BuildError(f"another build is at work in {root.resolve()}: wait for it, or stop it") from None
    return target / "html" / "index.html"


def _browser() -> str:
    """Path of a Chromium, before hours of work."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise ValueError(
            f"a PDF is printed by Chromium, and none is on the PATH: tried {', '.join(BROWSERS)}"
        )
    return found


def chapter_names(root: Path) -> list[str]:
    """Return the documents of ``_toc.yml`` that are chapters, such as ``book/visualization``."""
    return [name for name in parse_toc_yaml(root / "_toc.yml") if (root / f"{name}.py").is_file()]


def _in_order(root: Path) -> list[str]:
    """Chapters as they are executed: those last that read what others write."""
    return sorted(
        chapter_names(root), key=lambda name: bool(_READS_RESULTS.search((root / f"{name}.py").read_text()))
    )


def execute(root: Path, name: str, given: dict[str, Any], out: Path, *, results: Path | None = None) -> None:
    """Execute a chapter such as ``book/visualization`` into a notebook, unless it is what it would become.

    Parameters
    ----------
    given
        Values of its parameters; those that the chapter does not have are left out.
    out
        The notebook.
    results
        Folder of the results that it writes, all of which must still be there as well, and of those that it
        reads; without it `corrlib.tables.results`, and nothing of them is asked.
    """
    values, digest = _inputs(root, name, given, results)
    if _whole(out, digest, results):
        print(f"{name}: unchanged", flush=True)
        return
    print(f"{name}: executing", flush=True)
    chapters.run(root / f"{name}.py", out, values, stamp={"digest": digest}, results=results)


def unchanged(root: Path, name: str, given: dict[str, Any], out: Path) -> bool:
    """Whether `execute`, without a folder of results, would leave the notebook as it is."""
    return _whole(out, _inputs(root, name, given, None)[1], None)


def _inputs(root: Path, name: str, given: dict[str, Any], results: Path | None) -> tuple[dict[str, Any], str]:
    """Those of the given values that a chapter has, and its digest with them."""
    chapter = root / f"{name}.py"
    known = chapters.parameters(chapter)
    values = {key: value for key, value in given.items() if key in known}
    return values, chapter_digest(root, chapter, values, reads_data=DATA in known, found=results)


def _whole(out: Path, digest: str, results: Path | None) -> bool:
    """Whether an executed notebook is the one of that digest, and the results that it wrote are there."""
    if not out.is_file():
        return False
    try:
        about = nbformat.read(out, as_version=4).metadata.get("corrlib", {})
    except ValueError as error:
        print(f"{out} is damaged ({type(error).__name__})", flush=True)
        return False
    written = about.get("results", {}) if results else {}
    return about.get("digest") == digest and all(
        (results / name).is_file() and chapters.digest(results / name) == kept
        for name, kept in written.items()
    )


def _executed(root: Path, name: str) -> Path:
    return root / "_build" / "chapters" / f"{Path(name).name}.ipynb"


def chapter_digest(
    root: Path, chapter: Path, values: dict[str, Any], *, reads_data: bool, found: Path | None = None
) -> str:
    """Return a digest of everything that a chapter's outputs depend on, and of nothing else.

    That is its text, that of the chapters that it sweeps, its parameters, the paper's numbers in
    ``book/published`` and ours in ``results``, the sources and weights in the package, the pinned
    requirements, torch (pinned apart) and Python, the data set if the chapter reads one, the weights file if
    one is given, the benchmarks' results if its text names them, and what other chapters `found`, the results
    in that folder, if it reads these.
    """
    package, published, results = Path(__file__).parent, root / "book" / "published", root / "results"
    pins = root / "constraints.txt"
    text = chapter.read_text()
    swept = [chapter.with_name(f"{name}.py") for name in _SWEEPS.findall(text)]
    parts: dict[str, object] = {
        "chapter": [text, *(path.read_text() for path in swept)],
        "values": dict(sorted(values.items())),
        "package": _tree_digest(package, (p for p in package.rglob("*") if "__pycache__" not in p.parts)),
        "published": _tree_digest(published, published.rglob("*")),
        "results": _tree_digest(results, results.rglob("*")),
        "pins": pins.read_text() if pins.is_file() else "",
        "torch": metadata.version("torch"),
        "python": sys.version_info[:2],
    }
    if found and _READS_RESULTS.search(text):
        parts["found"] = _tree_digest(found, found.glob("*.json"))
    if _READS_BENCHMARKS.search(text):
        parts["benchmarks"] = _tree_digest(root, [root / "benchmarks" / "results.json"])
    if reads_data:
        from corrlib.datasets import open_dataset  # which draws the embedded world the first time

        parts["data"] = open_dataset(values.get(DATA)).digest
    if WEIGHTS in values:
        weights = Path(values[WEIGHTS])
        parts["weights"] = _tree_digest(weights.parent, [weights])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _tree_digest(root: Path, paths: Iterable[Path]) -> str:
    """Return a digest of the names (under ``root``) and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()} {chapters.digest(path)}\n".encode())
    return digest.hexdigest()


def _stage(root: Path) -> None:
    """Lay out in ``_build/stage`` what Jupyter Book is to read: settings, pages and executed chapters."""
    stage = root / "_build" / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(
        root / "book", stage / "book", ignore=shutil.ignore_patterns("*.py", "*.ipynb", "__pycache__", ".*")
    )
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(root / name, stage / name)
    for name in chapter_names(root):
        notebook = nbformat.read(_executed(root, name), as_version=4)
        alternatives.add_numbers(notebook)
        captions.add_provenance(notebook)
        downloads.add_downloads(notebook, Path(name).name, (stage / name).parent)
        captions.add_cost(notebook, name)
        pictures.lighten(notebook)
        nbformat.write(notebook, stage / f"{name}.ipynb")


def _render(root: Path) -> None:
    """Render ``_build/stage`` afresh, all warnings errors, and put it in the place of ``_build/html``.

    Always all pages: Sphinx does not repeat the warnings of a page that it has read before.
    """
    target = root / "_build"
    stage, html, work = target / "stage", target / "html", target / "work"
    digest = _tree_digest(root, [root / "constraints.txt", *stage.rglob("*")])
    if (html / STAMP).is_file() and (html / STAMP).read_text() == digest:
        print("pages: unchanged", flush=True)
        return
    print("pages: rendering", flush=True)
    made = _sphinx(stage, work, "html")
    (made / STAMP).write_text(digest)
    shutil.rmtree(html, ignore_errors=True)
    made.replace(html)
    shutil.rmtree(work)


def _print(root: Path, browser: str) -> Path:
    """Print ``_build/stage``, all on one page, to ``_build/corrlib.pdf``."""
    target = root / "_build"
    work, out = target / "work", target / "corrlib.pdf"
    print("pdf: rendering", flush=True)
    made, first = (
        _sphinx(target / "stage", work, "singlehtml"),
        parse_toc_yaml(root / "_toc.yml").root.docname,
    )
    # Sphinx writes the page into the folder of the first document, and its links as if it were above.
    page, printed = made / "index.html", work / "book.pdf"
    text = (made / f"{first}.html").read_text().replace(f'href="{first}.html#', 'href="#')
    # On paper nothing can be unfolded; code that is folded away is left out (print.css).
    page.write_text(re.sub(r'<details class="(?!admonition hide)', '<details open class="', text))
    # The budget is how long MathJax may take by the page's own clock.
    options = ["--headless=new", "--disable-gpu", "--no-pdf-header-footer", "--virtual-time-budget=120000"]
    if os.geteuid() == 0:  # as in a container: Chromium's sandbox refuses the superuser
        options.append("--no-sandbox")
    command = [browser, *options, f"--print-to-pdf={printed}", page.resolve().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode or not printed.is_file():
        raise BuildError(f"{browser} printed no PDF:\n{done.stderr}")
    printed.replace(out)
    shutil.rmtree(work)
    return out


def _sphinx(stage: Path, work: Path, builder: str) -> Path:
    """Render ``stage`` with a builder of Sphinx into ``work``, all warnings errors; return what it made."""
    shutil.rmtree(work, ignore_errors=True)
    main = "from jupyter_book.cli.main import main; main()"
    options = ["--builder", builder, "-q", "-W", "-n", "--keep-going", "--path-output", str(work), str(stage)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}  # warnings and errors go to stderr
    done = subprocess.run([sys.executable, "-c", main, "build", *options], **quiet)
    if done.returncode:
        raise BuildError("the pages do not render without the warnings above")
    return work / "_build" / builder
