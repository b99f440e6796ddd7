"""Seconds and memory of the book's pages, as their notebooks record them, and of a build from nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from benchmarks.version import COMMAND, Version


def build(commit: str) -> dict[str, Any]:
    """Build the book of a commit in a fresh clone, with an empty cache and the installed libraries.

    The commit, the seconds of the whole build, and what `measure` says of its pages.
    """
    with tempfile.TemporaryDirectory() as folder:
        version = Version(commit, Path(folder))
        seconds = version.run(COMMAND, "book")
        pages = measure(version.root / "_build" / "chapters")
        return {"commit": version.commit, "seconds": seconds, "pages": pages}


def measure(folder: Path) -> list[dict[str, Any]]:
    """Date, seconds and peak memory of each executed page, and the share of the time before each cell.

    Pages that find their results in the cache are fast: the seconds are of a cold run only if it was empty.
    """
    rows = []
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        about = notebook.metadata
        run, recorded = about.get("papermill", {}), about.get("corrlib", {})
        if run.get("duration") is not None:
            row = {"name": path.stem, "date": run["start_time"][:10], "seconds": run["duration"]}
            ends = np.cumsum(
                [cell.metadata.get("papermill", {}).get("duration") or 0 for cell in notebook.cells]
            )
            row["progress"] = [0.0, *np.round(ends / max(ends[-1], 1e-9), 3).tolist()][:-1]
            row |= {name: recorded.get(name) for name in ("processor", "memory", "commit")}
            rows.append(row)
    return rows
