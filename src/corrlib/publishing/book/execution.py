"""Execute the chapters that changed: each has a digest of everything that its outputs depend on."""

import ast
import hashlib
import json
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from sphinx_external_toc.parsing import parse_toc_yaml

import corrlib
from corrlib.cache import imports_digest
from corrlib.publishing import chapters

#: Parameters of a chapter that name files, whose digests are part of the chapter's digest.
DATA, WEIGHTS = "data_root", "weights"
# Calls in a chapter that make its outputs depend on further inputs.
READS_DATA = {"page.setup", "open_dataset"}
READS_RESULTS, READS_BENCHMARKS, SWEEPS = "scoreboard.datasets", "tables.read_benchmarks", "sweep.command"
#: Suffixes of files of the package that are not code.
PACKAGED = (".html", ".safetensors")


def chapter_names(root: Path) -> list[str]:
    """The documents of ``_toc.yml`` that are chapters, such as ``book/visualization``; those that read the
    results of others come last.
    """
    names = [name for name in parse_toc_yaml(root / "_toc.yml") if (root / f"{name}.py").is_file()]
    return sorted(names, key=lambda name: READS_RESULTS in _calls(root / f"{name}.py"))


def execute(root: Path, name: str, given: dict[str, Any], out: Path, *, results: Path | None = None) -> None:
    """Execute a chapter such as ``book/visualization`` into the notebook ``out``, unless that is up to date.

    Values in ``given`` for which the chapter has no parameter are ignored. ``results`` is the folder of the
    results that the chapter writes, which must still exist, and of those that it reads.
    """
    known = chapters.parameters(chapter := root / f"{name}.py")
    values = {key: value for key, value in given.items() if key in known}
    digest, about = chapter_digest(root, chapter, values, results=results), chapters.stamp(out)
    written = about.get("results", {}) if results else {}
    if about.get("digest") == digest and all(
        (results / name).is_file() and chapters.file_digest(results / name) == kept
        for name, kept in written.items()
    ):
        print(f"{name}: unchanged", flush=True)
        return
    print(f"{name}: executing", flush=True)
    chapters.run(chapter, out, values, digest=digest, results=results)


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
        "chapter": [path.read_text(encoding="utf-8") for path in texts],
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
    if values.get(WEIGHTS):
        parts["weights"] = chapters.file_digest(Path(values[WEIGHTS]))
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def tree_digest(root: Path, paths: Iterable[Path]) -> str:
    """A digest of the names (under ``root``) and contents of files."""
    digest = hashlib.sha256()
    for path in sorted(p for p in paths if p.is_file()):
        digest.update(f"{path.relative_to(root).as_posix()} {chapters.file_digest(path)}\n".encode())
    return digest.hexdigest()


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
