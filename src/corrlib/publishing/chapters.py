"""Run a chapter: jupytext py:percent in, typed parameters, an executed notebook out.

A chapter is a ``.py`` file with one cell tagged ``parameters``, whose lines are annotated assignments of
literals.
"""

import contextlib
import difflib
import hashlib
import logging
import math
import os
import re
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from corrlib import cache
from corrlib.publishing import memory

#: What papermill puts before the kinds of a glued value.
_RECORD = "application/papermill.record/"
#: A warning of `corrlib.cache`: where, what, and the line of code that Python shows with it.
HARMLESS = re.compile(r"^.*: DamagedEntryWarning: .*\n(?:  .*\n)?", re.MULTILINE)


class ChapterError(RuntimeError):
    """A chapter raised, wrote to standard error or lost its kernel; the message names chapter and cell."""


def find(name: str) -> Path:
    """Return the file of a chapter given by its name (in ``book/`` of the current folder) or by its path."""
    path = Path(name) if name.endswith(".py") else Path("book", f"{name}.py")
    if path.is_file():
        return path
    here = ", ".join(sorted(p.stem for p in Path("book").glob("*.py"))) or "none, is this the project's root?"
    raise ValueError(f"no chapter at {path}; chapters in book/: {here}")


def parameters(chapter: Path) -> dict[str, tuple[Any, Any]]:
    """Return the (type, default) of each parameter of a chapter, by name.

    Raises
    ------
    ValueError
        Not exactly one cell tagged ``parameters``, or something else in it than annotated assignments.
    """
    cells = [c for c in jupytext.read(chapter).cells if "parameters" in c.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f'{chapter}: expected one cell marked # %% tags=["parameters"], found {len(cells)}')
    scope: dict[str, Any] = {"__annotations__": {}}
    try:
        exec(cells[0].source, scope)  # nothing but literals, which the kernel runs next in any case
    except Exception as error:
        raise ValueError(f"{chapter}: the parameters cell does not run: {error!r}") from error
    hints = scope["__annotations__"]
    bare = sorted(set(scope) - set(hints) - {"__annotations__", "__builtins__"})
    if bare:
        raise ValueError(
            f"{chapter}: the parameters cell gives no type to {', '.join(bare)}: write `k: int = 5`"
        )
    return {name: (hint, scope[name]) for name, hint in hints.items()}


def typed(
    values: Mapping[str, Any], chapter: Path, *, known: Mapping[str, tuple[Any, Any]] | None = None
) -> dict[str, Any]:
    """Return ``values``, text or Python values, as the types that the chapter's parameters cell declares.

    Parameters
    ----------
    known
        ``parameters(chapter)``, where it is at hand: a sweep has many values to type.

    Raises
    ------
    ValueError
        A name that the chapter does not have (papermill logs it and runs on), or a value of the wrong type.
    """
    known = parameters(chapter) if known is None else known
    spelled = {name: str(h) if get_args(h) else h.__name__ for name, (h, _) in known.items()}
    result = {}
    for name, value in values.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            listed = ", ".join(f"{k} ({v})" for k, v in spelled.items()) or "none"
            raise ValueError(
                f"chapter {chapter.stem} has no parameter {name!r}"
                f"{f', did you mean {near[0]!r}?' if near else '.'} Its parameters are: {listed}"
            )
        try:
            result[name] = _converted(value, known[name][0])
        except (TypeError, ValueError):
            raise ValueError(
                f"parameter {name} of chapter {chapter.stem} must be {spelled[name]}, got {value!r}"
            ) from None
    return result


def _converted(value: Any, hint: Any) -> Any:
    """Read text as a type such as ``int``, ``str | None`` or ``list[float]``; check any other value."""
    if isinstance(hint, types.UnionType):
        # None first: the word "none" is not a string then.
        for choice in sorted(get_args(hint), key=lambda h: h is not types.NoneType):
            with contextlib.suppress(TypeError, ValueError):
                return _converted(value, choice)
        raise TypeError
    if hint is types.NoneType:
        value = None if value in ("", "none", "None") else value
    elif get_origin(hint) in (list, tuple):
        items = value.split(",") if isinstance(value, str) else value
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
    stamp: Mapping[str, str] | None = None,
    results: Path | None = None,
) -> None:
    """Execute a chapter in a fresh kernel; write the notebook to ``out``, which appears whole or not at all.

    The kernel's working folder is the current one.

    Parameters
    ----------
    stamp
        Kept in the notebook's metadata, under ``corrlib``, with the ``commit`` that the chapter is of, the
        ``memory`` in bytes that its processes took at most, and names and digests of the ``results`` that it
        wrote.
    results
        The folder for these; without it that of `corrlib.publishing.tables.results`, and they are not noted down.

    Raises
    ------
    ChapterError
        A cell raised or wrote to standard error (a book shows no warnings), or the kernel died.
    OSError
        `out` cannot be written: before anything is executed.
    ValueError
        See `typed`; also if `out` can no longer be written.
    """
    values = typed(values or {}, chapter)
    _check_writable(out)
    notebook = jupytext.read(chapter)
    # Papermill cannot read a type such as `str | None`, and logs that such a parameter is unknown.
    logging.getLogger("papermill").setLevel(logging.ERROR)
    before = _listed(results)
    with tempfile.TemporaryDirectory() as folder, _results_in(results), memory.watched() as most:
        source = Path(folder, f"{chapter.stem}.ipynb")
        nbformat.write(notebook, source)
        try:
            notebook = papermill.execute_notebook(
                source,
                None,
                values,
                kernel_name="python3",  # whatever kernel the file was last opened with
                progress_bar=sys.stderr.isatty(),
                # Without it the kernel warns that its sockets on this machine are in the clear.
                config=Config({"KernelManager": {"transport_encryption": "auto"}}),
            )
        except PapermillExecutionError as error:
            where = f"chapter {chapter.stem} failed in its cell {error.cell_index + 1}"
            raise ChapterError(f"{where}:\n\n{error.source}\n{error}") from error
        except DeadKernelError as error:
            raise ChapterError(f"chapter {chapter.stem}: the kernel died, out of memory? {error}") from error
    for number, cell in enumerate(notebook.cells, 1):
        said = "".join(o.text for o in cell.get("outputs", []) if o.get("name") == "stderr")
        # A damaged entry of the cache is news for who runs the chapter, not for who reads it.
        for harmless in HARMLESS.findall(said):
            print(harmless, end="", file=sys.stderr)
            said = said.replace(harmless, "")
        if "outputs" in cell and not said:
            cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
        if said:
            where = f"chapter {chapter.stem} wrote to standard error in its cell {number}"
            raise ChapterError(f"{where}:\n\n{cell.source}\n\n{said}")
    notebook.metadata.papermill.update(input_path=chapter.name, output_path=out.name)
    about = dict(stamp or {}) | _commit(chapter.parent) | {"memory": most[0]}
    written = sorted(name for name, seen in _listed(results).items() if before.get(name) != seen)
    notebook.metadata["corrlib"] = about | {"results": {name: digest(results / name) for name in written}}
    with cache.replacing(out) as unfinished:
        nbformat.write(notebook, unfinished)


def glued(notebook: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a notebook's cells have glued: name -> MIME type -> data."""
    return {
        output["metadata"]["scrapbook"]["name"]: {
            kind.removeprefix(_RECORD): data for kind, data in output.get("data", {}).items()
        }
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if "name" in output.get("metadata", {}).get("scrapbook", {})
    }


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _results_in(folder: Path | None) -> Iterator[None]:
    """Have kernels that start now write their results there."""
    name, given = "CORRLIB_RESULTS", os.environ.get("CORRLIB_RESULTS")
    if folder:
        os.environ[name] = str(folder.resolve())
    try:
        yield
    finally:
        if folder:
            del os.environ[name]
            os.environ |= {} if given is None else {name: given}


def _listed(folder: Path | None) -> dict[str, tuple[int, int]]:
    """What tells each result from one that is written in its place."""
    found = {path.name: path.stat() for path in folder.glob("*.json")} if folder else {}
    return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in found.items()}


def _commit(folder: Path) -> dict[str, str]:
    """The commit that a folder is at, with a + if files differ from it; nothing if that is not known."""
    try:
        ask = partial(subprocess.run, cwd=folder, capture_output=True, text=True, check=True)
        commit = ask(["git", "rev-parse", "--short=8", "HEAD"]).stdout.strip()
        changed = ask(["git", "status", "--porcelain", "--untracked-files=no"]).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return {}
    return {"commit": f"{commit}+" if changed else commit}


def _check_writable(out: Path) -> None:
    """Find out before the work, not after it, that its result could not be kept."""
    try:
        if out.is_dir():
            raise IsADirectoryError("it is a folder")
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()  # which has no name that could stay
    except OSError as error:
        raise OSError(f"cannot write {out}: {error}; choose another place") from error
