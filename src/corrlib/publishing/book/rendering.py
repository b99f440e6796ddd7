"""Render the executed chapters and the pages beside them with Jupyter Book, and print them with Chromium."""

import os
import re
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import nbformat
from sphinx_external_toc.parsing import parse_toc_yaml

from corrlib.publishing.book import execution, staging

STAMP = ".corrlib"
#: Names under which Chromium, or Chrome, is found.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


class BuildError(RuntimeError):
    """The pages do not render without warnings, or another build is running in the same tree."""


def browser() -> str:
    """Path of Chromium, found before hours of work; ValueError if there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise ValueError(
            f"a PDF is printed by Chromium, and none is on the PATH: tried {', '.join(BROWSERS)}"
        )
    return found


def stage(root: Path) -> None:
    """Write the input of Jupyter Book to ``_build/stage``: settings, pages and executed chapters."""
    stage = root / "_build" / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    shutil.copytree(
        root / "book", stage / "book", ignore=shutil.ignore_patterns("*.py", "*.ipynb", "__pycache__", ".*")
    )
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(root / name, stage / name)
    for name in chain(*execution.chapter_names(root)):
        executed = nbformat.read(execution.notebook(root, name), as_version=4)
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(staging.staged(executed, name, stage), stage / f"{name}.ipynb")


def render(root: Path) -> None:
    """Render ``_build/stage`` from scratch, with warnings as errors, and replace ``_build/html`` by it.

    All pages are rendered, because Sphinx does not repeat the warnings of a page that it has read before.
    """
    target = root / "_build"
    stage, html, work = target / "stage", target / "html", target / "work"
    digest = execution.tree_digest(root, [root / "constraints.txt", *stage.rglob("*")])
    if (html / STAMP).is_file() and (html / STAMP).read_text() == digest:
        print("pages: unchanged", flush=True)
        return
    print("pages: rendering", flush=True)
    made = _sphinx(stage, work, "html")
    for name in chain(*execution.chapter_names(root)):  # to download: with its figures, as it was executed
        shutil.copy(execution.notebook(root, name), made / "_sources" / f"{name}.ipynb")
    (made / STAMP).write_text(digest)
    if html.exists():
        html.replace(work / "last")  # a moment without a book, not the time that it takes to delete one
    made.replace(html)
    shutil.rmtree(work)


def print_pdf(root: Path, browser: str) -> Path:
    """Print ``_build/stage``, as one page, to ``_build/corrlib.pdf``."""
    target = root / "_build"
    work, out = target / "work", target / "corrlib.pdf"
    print("pdf: rendering", flush=True)
    made = _sphinx(target / "stage", work, "singlehtml")
    first = parse_toc_yaml(root / "_toc.yml").root.docname
    # Sphinx writes the page into the folder of the first document, and its links as if it were above.
    page, printed = made / "index.html", work / "book.pdf"
    text = (made / f"{first}.html").read_text().replace(f'href="{first}.html#', 'href="#')
    # On paper nothing can be unfolded; code that is folded away is left out (print.css).
    page.write_text(re.sub(r'<details(?= |>)(?! class="admonition hide)', "<details open", text))
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
    """Render ``stage`` with a Sphinx builder into ``work``, with warnings as errors; return the output."""
    shutil.rmtree(work, ignore_errors=True)
    main = "from jupyter_book.cli.main import main; main()"
    options = ["--builder", builder, "-q", "-W", "-n", "--keep-going", "--path-output", str(work), str(stage)]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}  # warnings and errors go to stderr
    done = subprocess.run([sys.executable, "-c", main, "build", *options], **quiet)
    if done.returncode:
        raise BuildError("the pages do not render without the warnings above")
    return work / "_build" / builder
