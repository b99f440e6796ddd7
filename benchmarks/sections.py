"""Seconds of each section of the four chapters on one category: two versions of this package, in turns.

Each version is a clone with a cache of its own, in which only the figurines are drawn beforehand. The
chapters are executed one at a time, first from nothing and then again, when nothing is left to compute.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import nbformat
import numpy as np

from benchmarks.version import COMMAND, Version

CHAPTERS = ("visualization", "alignment", "classification", "prediction")
CATEGORY = "cat"  # the one that the figures and the exercises show
#: Sections that took fewer seconds in the earlier version are added up.
SHORT = 2.0
REST, AGAIN = "other sections", "again, nothing to compute"

DRAW = "from corrlib.data import open_dataset; open_dataset().digest"


def seconds(version: Version, chapter: str) -> dict[str, float]:
    """Seconds of each section of a chapter from nothing, and of the whole command when run again."""
    for entry in version.cache.glob("corrlib.*"):
        if not entry.name.startswith("corrlib.figurines"):
            shutil.rmtree(entry)
    out = version.root / "out.ipynb"
    given = [] if chapter == "visualization" else ["-p", f"category={CATEGORY}"]
    command = [COMMAND, "run", chapter, *given, "-o", str(out)]
    version.run(*command)
    result: dict[str, float] = defaultdict(float)
    section = "Set-up"
    for cell in nbformat.read(out, as_version=4).cells:
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            section = cell.source.splitlines()[0].removeprefix("## ")
        result[section] += cell.metadata.get("papermill", {}).get("duration") or 0
    return {**result, AGAIN: version.run(*command)}


def compare(earlier: str, rounds: int) -> dict[str, Any]:
    """Compare a commit with HEAD: the commits, and rows of chapters and sections.

    A row has the seconds before and now, which are medians over the rounds, and the ratio with its range. Of
    sections that only one version has, the seconds count among the others.
    """
    with tempfile.TemporaryDirectory() as folder:
        versions = [Version(commit, Path(folder, str(n))) for n, commit in enumerate((earlier, "HEAD"))]
        for version in versions:
            version.run(DRAW)
        taken: dict[str, list[list[dict[str, float]]]] = {chapter: [] for chapter in CHAPTERS}
        for number in range(rounds):
            order = (0, 1) if number % 2 == 0 else (1, 0)
            for chapter in CHAPTERS:
                each = {n: seconds(versions[n], chapter) for n in order}
                taken[chapter].append([each[0], each[1]])
                whole = [sum(part.values()) - part[AGAIN] for part in taken[chapter][-1]]
                print(
                    f"round {number + 1}, {chapter}: {whole[0]:.0f} s before, {whole[1]:.0f} s now",
                    flush=True,
                )
        rows = [row for chapter, pairs in taken.items() for row in _rows(chapter, pairs)]
        commits = {"earlier": versions[0].commit, "commit": versions[1].commit}
        return commits | {"category": CATEGORY, "rounds": rounds, "rows": rows}


def _rows(chapter: str, pairs: list[list[dict[str, float]]]) -> list[dict[str, Any]]:
    first, second = pairs[0]
    shown = [name for name in first if name in second and name != AGAIN]
    shown = [name for name in shown if np.median([before[name] for before, _ in pairs]) >= SHORT]
    rows = []
    for name in ("", *shown, REST, AGAIN):
        if name in ("", REST):
            out = {AGAIN, *shown} if name else {AGAIN}
            seconds = [[sum(s for n, s in part.items() if n not in out) for part in pair] for pair in pairs]
        else:
            seconds = [[part[name] for part in pair] for pair in pairs]
        before, now = np.array(seconds).T
        ratio = before / np.maximum(now, 1e-3)
        row = {"chapter": chapter, "section": name, "before": np.median(before), "now": np.median(now)}
        row |= {"ratio": np.median(ratio), "low": ratio.min(), "high": ratio.max()}
        rows.append({key: value if isinstance(value, str) else float(value) for key, value in row.items()})
    return rows
