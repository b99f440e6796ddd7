"""Seconds and memory of the book's pages, as their notebooks record them, and of a build from nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from benchmarks.report import ROOT

BUILD = "import sys; from corrlib.publishing.cli import main; sys.argv[1:] = ['book']; sys.exit(main())"


def build(commit: str) -> dict[str, Any]:
    """Build the book of a commit in a fresh clone, with an empty cache and the installed libraries.

    The commit, the seconds of the whole build, and what `measure` says of its pages.
    """
    # The limits of threads are for the other benchmarks.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "project")
        subprocess.run(["git", "clone", "--quiet", ROOT, project], check=True)
        subprocess.run(["git", "checkout", "--quiet", commit], cwd=project, check=True)
        environment |= {"CORRLIB_CACHE": f"{folder}/cache", "PYTHONPATH": str(project / "src")}
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", BUILD], cwd=project, env=environment, check=True)
        seconds = time.perf_counter() - began
        named = subprocess.check_output(["git", "rev-parse", "--short=8", "HEAD"], cwd=project, text=True)
        commit = named.strip()
        return {"commit": commit, "seconds": seconds, "pages": measure(project / "_build" / "chapters")}


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
