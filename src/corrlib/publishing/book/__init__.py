"""Build the book: execute the chapters that changed, stage them beside the pages, render with Jupyter Book.

Chapters are executed into ``_build/chapters``, with their results in ``_build/results``, staged in
``_build/stage`` and rendered into ``_build/html``. Each step runs only if its inputs have changed. Its output
is moved into place by a rename, so that a failed build leaves the last good book.
"""
# ruff: noqa: F401

from pathlib import Path

import filelock

from corrlib.publishing.book import execution
from corrlib.publishing.book.execution import (
    DATA,
    FILES,
    WEIGHTS,
    Task,
    chapter_digest,
    execute,
    reads_data,
    task,
)
from corrlib.publishing.book.rendering import BROWSERS, BuildError, browser, print_pdf, render, stage


def build(root: Path, *, data_root: str | None = None, weights: str | None = None, pdf: bool = False) -> Path:
    """Build the book of the project at ``root`` and return its first page, ``_build/html/index.html``.

    ``data_root`` and ``weights`` are passed to every chapter that has such a parameter. With ``pdf``, the
    book is also printed by Chromium, and ``_build/corrlib.pdf`` is returned.
    """
    if not (root / "_toc.yml").is_file():
        raise ValueError(f"no book in {root.resolve()}: it has no _toc.yml; build in the project's root")
    chromium = browser() if pdf else ""
    target = root / "_build"
    target.mkdir(exist_ok=True)
    try:
        with filelock.FileLock(target / ".lock", timeout=0):
            given = {name: value for name, value in ((DATA, data_root), (WEIGHTS, weights)) if value}
            for names in execution.chapter_names(root):  # the second group reads the results of the first
                execute(
                    root, [todo for name in names if (todo := _task(root, name, given))], target / "book.log"
                )
            stage(root)
            render(root)
            return print_pdf(root, chromium) if pdf else target / "html" / "index.html"
    except filelock.Timeout:
        raise BuildError(f"another build is running in {root.resolve()}: wait for it, or stop it") from None


def _task(root: Path, name: str, given: dict[str, str]) -> Task | None:
    out = execution.notebook(root, name)
    results = root / "_build" / "results" / out.relative_to(root / "_build" / "chapters").parent
    return task(root, name, given, out, results=results)
