"""Execute the chapters that changed: each has a digest of everything that its outputs depend on."""

import ast
import hashlib
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from joblib import cpu_count
from sphinx_external_toc.parsing import parse_toc_yaml

import corrlib
from corrlib import cache
from corrlib.cache import imports_digest
from corrlib.publishing import chapters, kernel
from corrlib.publishing.book import progress

#: Parameters of a chapter that name files, whose digests are part of the chapter's digest.
FILES = DATA, WEIGHTS, RETRIEVER = "data_root", "weights", "retrieval_weights"
#: Chapters that are executed at the same time.
AT_ONCE = 2
# Calls in a chapter that make its outputs depend on further inputs.
READS_DATA = {"page.setup", "open_dataset"}
READS_RESULTS, READS_BENCHMARKS, SWEEPS = "scoreboard.datasets", "tables.read_benchmarks", "sweep.command"
#: Suffixes of files of the package that are not code.
PACKAGED = (".html", ".safetensors")


def chapter_names(root: Path) -> tuple[list[str], list[str]]:
    """The documents of ``_toc.yml`` that are chapters, such as ``book/visualization``: first those that stand
    alone, then those that read the results of others.
    """
    names = [name for name in parse_toc_yaml(root / "_toc.yml") if (root / f"{name}.py").is_file()]
    reading = [name for name in names if READS_RESULTS in _calls(root / f"{name}.py")]
    return [name for name in names if name not in reading], reading


@dataclass(frozen=True)
class Task:
    """A chapter to execute: the parameters given, the notebook, its digest, and the folder of results."""

    name: str
    chapter: Path
    values: dict[str, Any]
    out: Path
    digest: str
    results: Path | None


def task(
    root: Path, name: str, given: dict[str, Any], out: Path, *, results: Path | None = None
) -> Task | None:
    """What to do so that the notebook ``out`` of a chapter such as ``book/visualization`` is up to date.

    None if it is; if only Markdown cells of the chapter have changed, they are copied to the notebook. Values
    in ``given`` for which the chapter has no parameter are ignored. ``results`` is the folder of the results
    that the chapter writes, which must still exist, and of those that it reads.
    """
    known = chapters.parameters(chapter := root / f"{name}.py")
    values = {key: value for key, value in given.items() if key in known}
    digest, about = chapter_digest(root, chapter, values, results=results), chapters.stamp(out)
    written = about.get("results", {}) if results else {}
    if about.get("digest") == digest and all(
        (results / name).is_file() and chapters.file_digest(results / name) == kept
        for name, kept in written.items()
    ):
        updated = update_text(out, chapter)
        print(f"{name}: {'text updated, not executed' if updated else 'unchanged'}", flush=True)
        return None
    return Task(name, chapter, values, out, digest, results)


def update_text(out: Path, chapter: Path) -> bool:
    """Copy the Markdown cells of a chapter to its executed notebook; return whether they differed."""
    executed, cells = nbformat.read(out, as_version=4), []
    code = _code_cells(executed)
    for cell in chapters.read(chapter).cells:
        cells.append(code.pop(0) if cell.cell_type == "code" else cell)
        if code and "injected-parameters" in code[0].metadata.get("tags", []):  # which papermill adds
            cells.append(code.pop(0))
    if [cell.source for cell in cells] == [cell.source for cell in executed.cells]:
        return False
    executed.cells = cells
    with cache.replacing(out) as unfinished:
        nbformat.write(executed, unfinished)
    return True


def execute(root: Path, tasks: Sequence[Task], log: Path) -> None:
    """Execute chapters, `AT_ONCE` at a time, so that one computes while another reads, draws or waits.

    What two of them need is computed once: the cache lets the second wait for the first. They share the
    cores, because threads of two pools that wait for each other waste them. The chapters that took longest
    when last recorded come first. Their progress is appended to ``log``.
    """
    if not tasks:
        return
    where = cache.cache_dir().resolve()
    threads = None if "OMP_NUM_THREADS" in os.environ else max(1, cpu_count() // AT_ONCE)
    known = progress.recorded(root / "benchmarks" / "results.json")
    with progress.shown(log, [each.name for each in tasks], known):
        if len(tasks) == 1:
            return _run(tasks[0], log, where)
        longest = sorted(tasks, key=lambda each: -known.get(each.name, (0, ()))[0])
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(AT_ONCE, context, kernel.end_with_parent) as pool:
            running = [pool.submit(_run, each, log, where, threads) for each in longest]
            try:
                for ended in as_completed(running):
                    ended.result()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _run(each: Task, log: Path, cache_dir: Path, threads: int | None = None) -> None:
    """Execute a chapter, in a process that may have been started for other ones."""
    os.environ["CORRLIB_CACHE"] = str(cache_dir)
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    # The line of `progress.shown`, in which the cursor is on a terminal, comes back by itself.
    erased = "\r\x1b[K" if sys.stdout.isatty() else ""
    print(f"{erased}{each.name}: executing", flush=True)
    began, say = time.monotonic(), partial(progress.say, log, each.name)
    chapters.run(each.chapter, each.out, each.values, digest=each.digest, results=each.results, say=say)
    say(1, 1, "")
    print(f"{erased}{each.name}: executed in {time.monotonic() - began:.0f} s", flush=True)


def reads_data(chapter: Path) -> bool:
    """Whether a chapter opens a dataset, given by its parameter or by default the figurines."""
    return DATA in chapters.parameters(chapter) or bool(_calls(chapter).keys() & READS_DATA)


def notebook(root: Path, name: str) -> Path:
    """Path of an executed chapter; folders in ``book/`` become folders in ``_build/chapters``."""
    return root / "_build" / "chapters" / f"{name.removeprefix('book/')}.ipynb"


def chapter_digest(root: Path, chapter: Path, values: dict[str, Any], *, results: Path | None = None) -> str:
    """A digest of everything that a chapter's outputs depend on, and of nothing else.

    The following are read only if its code needs them: the dataset, the weights, the texts of the chapters
    that it sweeps, the results of the benchmarks, and ``results``, the folder of other chapters' results.
    """
    package, calls = Path(corrlib.__file__).parent, _calls(chapter)
    texts = [chapter, *sorted(chapter.with_name(f"{name}.py") for name in calls.get(SWEEPS, ()))]
    read = [root / "constraints.txt", *root.glob("book/published/*"), *root.glob("results/*")]
    if READS_BENCHMARKS in calls:
        read.append(root / "benchmarks" / "results.json")
    parts: dict[str, object] = {
        "chapter": [
            [(cell.source, cell.metadata.get("tags")) for cell in _code_cells(chapters.read(path))]
            for path in texts
        ],
        "code": [imports_digest(path) for path in texts],
        "files": tree_digest(package, (p for p in package.rglob("*") if p.suffix in PACKAGED)),
        "values": dict(sorted(values.items())),
        "read": tree_digest(root, read),
        "torch": metadata.version("torch"),
        "python": sys.version_info[:2],
    }
    if results and READS_RESULTS in calls:
        parts["found"] = tree_digest(results, results.glob("*.json"))
    if reads_data(chapter):
        from corrlib.data import open_dataset  # which draws the figurines the first time

        parts["data"] = open_dataset(values.get(DATA)).digest
    if given := [name for name in (WEIGHTS, RETRIEVER) if values.get(name)]:
        from corrlib.convnet.module import weights_file  # and torch with it

        files = {name: weights_file(values[name]) for name in given}
        parts |= {name: chapters.file_digest(file) for name, file in files.items() if file}
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def tree_digest(root: Path, paths: Iterable[Path]) -> str:
    """A digest of the names (under ``root``) and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()} {chapters.file_digest(path)}\n".encode())
    return digest.hexdigest()


def _code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _calls(chapter: Path) -> dict[str, list[str]]:
    """The functions that a chapter calls, such as ``page.setup``, and their first arguments that are text."""
    calls: dict[str, list[str]] = {}
    try:
        tree = ast.parse(chapter.read_bytes(), chapter)
    except SyntaxError as error:
        raise ValueError(f"{chapter}, line {error.lineno}: {error.msg}; correct it") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first = [arg.value for arg in node.args[:1] if isinstance(arg, ast.Constant)]
            calls.setdefault(ast.unparse(node.func), []).extend(a for a in first if isinstance(a, str))
    return calls
