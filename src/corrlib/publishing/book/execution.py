"""Execute the chapters of the book that changed: each has a digest of all that its outputs depend on."""

import hashlib
import json
import re
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import nbformat
from sphinx_external_toc.parsing import parse_toc_yaml

from corrlib.publishing import chapters

#: The parameters of a chapter that name files: the digest of what they hold is part of the chapter's.
DATA, WEIGHTS = "data_root", "weights"
# What a chapter says in its text that its outputs depend on, beside what all depend on.
_READS_DATA = re.compile(r"\bopen_dataset\(")
_SWEEPS = re.compile(r'\bsweep\(\s*"(\w+)"')
_READS_RESULTS = re.compile(r"\bscoreboard\.read\(")
_READS_BENCHMARKS = re.compile(r"\bbenchmarks\W+results\.json\b")


def chapter_names(root: Path) -> list[str]:
    """Return the documents of ``_toc.yml`` that are chapters, such as ``book/visualization``."""
    return [name for name in parse_toc_yaml(root / "_toc.yml") if (root / f"{name}.py").is_file()]


def in_order(root: Path) -> list[str]:
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
        reads; without it `corrlib.publishing.tables.results`, and nothing of them is asked.
    """
    values, digest = _inputs(root, name, given, results)
    if _whole(out, digest, results):
        print(f"{name}: unchanged", flush=True)
        return
    print(f"{name}: executing", flush=True)
    chapters.run(root / f"{name}.py", out, values, stamp={"digest": digest}, results=results)


def unchanged(
    root: Path, name: str, given: dict[str, Any], out: Path, *, results: Path | None = None
) -> bool:
    """Whether `execute` would leave the notebook as it is."""
    return _whole(out, _inputs(root, name, given, results)[1], results)


def _inputs(root: Path, name: str, given: dict[str, Any], results: Path | None) -> tuple[dict[str, Any], str]:
    """Those of the given values that a chapter has, and its digest with them."""
    chapter = root / f"{name}.py"
    known = chapters.parameters(chapter)
    values = {key: value for key, value in given.items() if key in known}
    return values, chapter_digest(root, chapter, values, reads_data=reads_data(chapter), found=results)


def reads_data(chapter: Path) -> bool:
    """Whether a chapter opens a data set, its own parameter's or the embedded one, which is drawn before."""
    return DATA in chapters.parameters(chapter) or bool(_READS_DATA.search(chapter.read_text()))


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


def notebook(root: Path, name: str) -> Path:
    """Path of an executed chapter of the book."""
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
    package, published, results = Path(__file__).parents[1], root / "book" / "published", root / "results"
    pins = root / "constraints.txt"
    text = chapter.read_text()
    swept = [chapter.with_name(f"{name}.py") for name in _SWEEPS.findall(text)]
    parts: dict[str, object] = {
        "chapter": [text, *(path.read_text() for path in swept)],
        "values": dict(sorted(values.items())),
        "package": tree_digest(package, (p for p in package.rglob("*") if "__pycache__" not in p.parts)),
        "published": tree_digest(published, published.rglob("*")),
        "results": tree_digest(results, results.rglob("*")),
        "pins": pins.read_text() if pins.is_file() else "",
        "torch": metadata.version("torch"),
        "python": sys.version_info[:2],
    }
    if found and _READS_RESULTS.search(text):
        parts["found"] = tree_digest(found, found.glob("*.json"))
    if _READS_BENCHMARKS.search(text):
        parts["benchmarks"] = tree_digest(root, [root / "benchmarks" / "results.json"])
    if reads_data:
        from corrlib.data import open_dataset  # which draws the embedded world the first time

        parts["data"] = open_dataset(values.get(DATA)).digest
    if WEIGHTS in values:
        weights = Path(values[WEIGHTS])
        parts["weights"] = tree_digest(weights.parent, [weights])
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def tree_digest(root: Path, paths: Iterable[Path]) -> str:
    """Return a digest of the names (under ``root``) and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()} {chapters.digest(path)}\n".encode())
    return digest.hexdigest()
