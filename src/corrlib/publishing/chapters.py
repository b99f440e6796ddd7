"""Chapters of the book: their parameters, their execution by papermill, and their outputs.

A chapter is a Python file of ``# %%`` cells; one, tagged ``parameters``, holds annotated literals.
"""

import contextlib
import difflib
import hashlib
import itertools
import json
import logging
import math
import re
import sys
import tempfile
import threading
import types
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from tqdm import tqdm
from traitlets.config import Config

from corrlib import cache
from corrlib.publishing import kernel
from corrlib.publishing.results import commit

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


class ChapterError(RuntimeError):
    """A chapter raised an exception, issued a warning or lost its kernel; the message names the cell."""


def find(name: str) -> Path:
    """The file of a chapter, given by its name in ``book/`` of the current folder or by its path."""
    path = Path(name) if name.endswith(".py") else Path("book", f"{name}.py")
    if path.is_file():
        return path
    listed = ", ".join(names()) or "none; is this the project's root?"
    raise ValueError(f"no chapter at {path}; chapters in book/: {listed}")


def names() -> list[str]:
    """Names of the chapters in ``book/`` of the current folder, without files that begin with ``_``."""
    return sorted(path.stem for path in Path("book").glob("[!_]*.py"))


def read(chapter: Path) -> nbformat.NotebookNode:
    """Read a chapter as a notebook; the header that Jupyter writes may be missing."""
    try:
        text = chapter.read_text(encoding="utf-8-sig")  # editors on Windows may write a byte order mark
    except UnicodeDecodeError as error:
        raise ValueError(f"{chapter} is not in UTF-8 ({error}): save it as UTF-8") from None
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata["kernelspec"] = dict(KERNEL)  # regardless of the kernel that last opened the file
    return notebook


def parameters(chapter: Path) -> dict[str, tuple[Any, Any]]:
    """The ``(type, default)`` of each parameter of a chapter, by name; ValueError if malformed."""
    scope: dict[str, Any] = {"__annotations__": {}}
    source = parameters_cell(chapter)
    try:
        exec(source, scope)  # only literals, which the kernel will execute in any case
    except Exception as error:
        raise ValueError(f"{chapter}: the parameters cell does not run: {error!r}") from error
    hints = scope["__annotations__"]
    if bare := sorted(set(scope) - set(hints) - {"__annotations__", "__builtins__"}):
        raise ValueError(
            f"{chapter}: the parameters cell gives no type to {', '.join(bare)}: write `k: int = 5`"
        )
    if quoted := [name for name, hint in hints.items() if isinstance(hint, str)]:
        raise ValueError(f"{chapter}: the type of {quoted[0]} is in quotes: write `k: int = 5`")
    known = {name: (hint, scope[name]) for name, hint in hints.items()}
    typed({name: scope[name] for name in hints}, chapter, known=known)
    return known


def parameters_cell(chapter: Path) -> str:
    """The source of a chapter's parameters cell: a line with name, type, default and comment of each."""
    tags = {"parameters", "injected-parameters"}  # the latter is set by papermill
    cells = [c.source for c in read(chapter).cells if tags & {*c.metadata.get("tags", [])}]
    if (found := len(cells)) != 1:
        wanted = 'expected one cell marked # %% tags=["parameters"]'
        raise ValueError(f"{chapter}: {wanted}, found {found} (with injected ones): see book/_template.py")
    return cells[0]


def typed(
    values: Mapping[str, Any], chapter: Path, *, known: Mapping[str, tuple[Any, Any]] | None = None
) -> dict[str, Any]:
    """Convert ``values``, text or Python values, to the types that the parameters cell declares.

    ``known`` is ``parameters(chapter)`` if the caller has it. ValueError for an unknown name, which papermill
    would only log, or for a value of the wrong type.
    """
    known = parameters(chapter) if known is None else known
    hints = {name: str(h) if get_args(h) else h.__name__ for name, (h, _) in known.items()}
    result = {}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            listed = ", ".join(f"{k} ({v})" for k, v in hints.items()) or "none"
            raise ValueError(
                f"chapter {chapter.stem} has no parameter {name!r}"
                f"{f', did you mean {near[0]!r}?' if near else '.'} Its parameters are: {listed}"
            )
        try:
            result[name] = _converted(value, known[name][0])
        except (TypeError, ValueError):
            raise ValueError(
                f"parameter {name} of chapter {chapter.stem} must be {hints[name]}, got {value!r}"
            ) from None
    return result


def _converted(value: Any, hint: Any) -> Any:
    """Read text as a type such as ``int``, ``str | None`` or ``list[float]``; check any other value."""
    value = getattr(value, "item", lambda: value)()  # of NumPy
    if isinstance(hint, types.UnionType):
        # None comes first, so that the word "none" is not read as a string.
        for choice in sorted(get_args(hint), key=lambda h: h is not types.NoneType):
            with contextlib.suppress(TypeError, ValueError):
                return _converted(value, choice)
        raise TypeError
    if hint is types.NoneType:
        value = None if value in ("", "none", "None", "null", "~") else value
    elif get_origin(hint) in (list, tuple):
        items = re.findall(r"[^,\s](?:[^,]*[^,\s])?", value) if isinstance(value, str) else value
        return [_converted(item, get_args(hint)[0]) for item in items]
    elif hint is bool and isinstance(value, str):
        value = {"true": True, "false": False}.get(value.lower(), value)
    elif isinstance(value, str) or (hint is float and type(value) is int):
        value = hint(value)
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise TypeError
    return value


def run(
    chapter: Path,
    out: Path,
    values: Mapping[str, Any] | None = None,
    *,
    digest: str = "",
    results: Path | None = None,
    exercises: bool = True,
    say: Callable[[int, int, str], None] | None = None,
) -> nbformat.NotebookNode:
    """Execute a chapter in a fresh kernel; write the notebook to ``out``, or nothing at all, and return it.

    Parameters
    ----------
    digest
        Digest of everything that the run depends on. The metadata of the notebook keep it under ``corrlib``,
        with the ``commit`` of the chapter, the peak ``memory`` of its processes in bytes, their ``processor``
        seconds, and the names and digests of the ``results`` that it wrote.
    results
        Folder for these; by default, that of `corrlib.publishing.results`, and they are not recorded.
    exercises
        Whether the exercises, at its end, are part of the run.
    say
        Called with the cell reached, their number, and the title of the section, instead of showing a bar.

    Raises
    ------
    ChapterError
        If a cell raised an exception, a cell or this package issued a warning, or the kernel died. Other
        output to standard error is passed on.
    OSError, ValueError
        Before anything is executed, if ``out`` cannot be written, or as in `typed`.
    """
    values = typed(values or {}, chapter)
    _check_writable(out)
    notebook = read(chapter)
    notebook.cells = notebook.cells if exercises else _before_exercises(notebook)
    # Papermill cannot read a type such as `str | None`, and logs that the parameter is unknown.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    count, cells = len(notebook.cells), sum(c.cell_type == "code" for c in notebook.cells) + bool(values)
    tqdm.set_lock(threading.RLock())  # a killed process would leak the lock that tqdm creates
    bar = tqdm(total=cells, desc=chapter.stem, unit="cell", smoothing=0, leave=False, disable=say or None)
    with bar, kernel.results_in(results), kernel.watched(bar.refresh) as used:
        try:
            notebook = papermill.execute_notebook(
                notebook,
                None,
                values,
                kernel_name=KERNEL["name"],
                kernel_manager_class=kernel.Kernel,
                progress_bar=False,  # it would also count the Markdown cells
                on_cell_start=partial(_say_section, bar, say, count),
                # A kernel ends between two measurements: what it has used is exact at the end of a cell.
                on_cell_executed=lambda **_: (used.measure(), bar.update()),
                # Without it the kernel warns that its connections on this machine are not encrypted.
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            )
        except PapermillExecutionError as error:
            what = f"{_place(chapter, error.source)}: {error.ename}: {error.evalue}"
            if "page.setup(" in error.source:  # the cause is a wrong parameter, not the chapter's code
                raise ChapterError(what) from error
            raise ChapterError(f"{what}\n\n{error.source}\n{error}\n\n{what}") from error
        except DeadKernelError as error:
            raise ChapterError(f"chapter {chapter.stem}: the kernel died, out of memory? {error}") from error
    _check_outputs(notebook, chapter)
    notebook.metadata.papermill.update(input_path=chapter.name, output_path=out.name)
    written = results.glob(f"{chapter.stem}-*.json") if results else []
    about = dict(digest=digest, memory=used.memory, processor=round(sum(used.seconds.values()), 2))
    about["results"] = {path.name: file_digest(path) for path in written}
    notebook.metadata["corrlib"] = about | commit(chapter)
    with cache.replacing(out) as unfinished:
        nbformat.write(notebook, unfinished)
    return notebook


def stamp(path: Path) -> dict[str, Any]:
    """What `run` kept in a notebook's metadata; empty if the file is missing, corrupt or not from `run`."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metadata"]["corrlib"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def shown(notebook: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The outputs of `page` calls in a notebook: the metadata (see `page`) and the output of each call."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [(o["metadata"]["corrlib"], o) for o in outputs if "corrlib" in o.get("metadata", {})]


def result(notebook: nbformat.NotebookNode) -> str:
    """The result of an executed chapter: the first sentence of its last text before the exercises."""
    texts = []
    for about, output in shown({"cells": _before_exercises(notebook)}):
        if about["kind"] == "text":
            texts.append(" ".join(output["data"]["text/markdown"].split()))
    return re.match(r".*?(?:[.!?](?= |$)|$)", texts[-1])[0] if texts else ""


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _before_exercises(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return list(itertools.takewhile(lambda c: not c.source.startswith("## Exercises"), notebook.cells))


def _say_section(bar: tqdm, say: Callable | None, cells: int, cell: nbformat.NotebookNode, cell_index: int):
    """Show the heading of the section that is being executed."""
    if cell.cell_type == "markdown" and (title := re.search(r"(?m)^#+ (.+)", cell.source)):
        bar.set_postfix_str(title[1])
    if say:
        say(cell_index, cells, getattr(bar, "postfix", ""))


def _place(chapter: Path, source: str) -> str:
    """The file and the line where a cell of a chapter begins."""
    before, found, _ = chapter.read_text(encoding="utf-8").partition(source)
    return f"{chapter}:{before.count(chr(10)) + 1}" if found else str(chapter)


def _check_outputs(notebook: nbformat.NotebookNode, chapter: Path) -> None:
    """Refuse warnings, and two figures or tables of one name; pass on other output to standard error."""
    seen = set()
    for cell in (cell for cell in notebook.cells if "outputs" in cell):
        for about, _ in shown({"cells": [cell]}):
            name = about["kind"], about.get("name")
            if name[1] and name in seen:
                raise ChapterError(f"{_place(chapter, cell.source)}: {name[0]} {name[1]!r} is shown twice")
            seen.add(name)
        said = "".join(o.text for o in cell.outputs if o.get("name") == "stderr")
        if kernel.warned(said):
            raise ChapterError(f"{_place(chapter, cell.source)} warned:\n\n{cell.source}\n\n{said}")
        print(said, end="", file=sys.stderr)
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]


def _check_writable(out: Path) -> None:
    """Find out before the work, not after it, whether its result can be written."""
    try:
        if out.is_dir():
            raise IsADirectoryError("it is a folder")
        if out.suffix != ".ipynb":  # such as the chapter itself
            raise OSError("a notebook has a name that ends in .ipynb")
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()  # it has no name that could be left behind
    except OSError as error:
        raise OSError(f"cannot write {out}: {error}; choose another place") from error
