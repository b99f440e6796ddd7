"""Results of chapters, as JSON files of numbers and their provenance; and the paper's own tables."""

import csv
import functools
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from corrlib.cache import CacheError, cache_dir, replacing


def folder() -> Path:
    """The folder to which chapters write their results: ``$CORRLIB_RESULTS``, or one in the cache."""
    return Path(os.environ.get("CORRLIB_RESULTS") or cache_dir() / "results")


def project() -> Path:
    """The project's root. The kernel of a chapter runs there, or in ``book/`` if the chapter is edited."""
    for root in (Path(), Path("..")):
        if (root / "book" / "published").is_dir():
            return root
    raise ValueError(f"{Path.cwd()} is neither the project's root nor its book/: start the chapter there")


def published(name: str) -> list[dict[str, str]]:
    """The rows of one of the paper's own tables, ``book/published/<name>.csv``."""
    return _table((project() / "book" / "published" / f"{name}.csv").resolve())


@functools.cache
def _table(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write(path: str | Path, values: Mapping[str, Any], *, provenance: Mapping[str, Any]) -> None:
    """Write numbers and their provenance as JSON, in one step; ValueError for other values.

    Parameters
    ----------
    values
        Numbers, strings, booleans, None, arrays, and lists and dictionaries of these; no NaN, no infinity.
    provenance
        ``dataset``, ``weights`` (digest), ``parameters``, ``code`` (digest), ``seconds``; more if useful.
    """
    try:
        content = _plain({"values": values, "provenance": provenance})
        text = json.dumps(content, indent=1, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: a result holds finite numbers, strings and None ({error})") from error
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def commit(chapter: Path) -> dict[str, str]:
    """The commit of a chapter, with a + if files differ from it; empty if it is not known."""
    ask = functools.partial(subprocess.check_output, cwd=chapter.parent, text=True, stderr=subprocess.DEVNULL)
    try:
        ask(["git", "ls-files", "--error-unmatch", chapter.name])  # an untracked file has no commit
        described = ask(["git", "describe", "--always", "--exclude=*", "--abbrev=8", "--dirty=+"])
        return {"commit": described.strip()}
    except (OSError, subprocess.CalledProcessError):
        return {}


def read(path: str | Path) -> dict[str, Any]:
    """Read a file of `write`: ``{"values": ..., "provenance": ...}``; CacheError if missing or corrupt."""
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        return {part: result[part] for part in ("values", "provenance")}
    except FileNotFoundError:
        raise CacheError(f"no result at {path}: run the chapter that computes it first") from None
    except (ValueError, TypeError, KeyError):
        raise CacheError(
            f"{path} is corrupt or not a result of corrlib: delete it and run its chapter"
        ) from None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
