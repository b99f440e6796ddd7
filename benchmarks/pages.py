"""What the pages of the book took when they were executed last, from what their notebooks say themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat


def measure(folder: Path) -> list[dict[str, Any]]:
    """Each executed page: when, in how many seconds, and how much memory its processes took at most.

    A page that found its work in the cache was fast: seconds are those of a cold run only where it was one.
    """
    found = []
    for path in sorted(folder.glob("*.ipynb")):
        about = nbformat.read(path, as_version=4).metadata
        run, own = about.get("papermill", {}), about.get("corrlib", {})
        if run.get("duration") is not None:
            row = {"name": path.stem, "date": run["start_time"][:10], "seconds": run["duration"]}
            found.append(row | {"memory": own.get("memory"), "commit": own.get("commit")})
    return found
