"""Seconds and memory of the last execution of the book's pages, as their notebooks record them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import numpy as np


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
            rows.append(row | {"memory": recorded.get("memory"), "commit": recorded.get("commit")})
    return rows
