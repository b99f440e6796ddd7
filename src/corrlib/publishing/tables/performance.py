"""Tables of the results of ``make bench``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

#: Parts of the results of a full run.
PARTS = ("machine", "limits", "contests", "growth", "startup", "sweep", "scale", "pages")


def read_benchmarks(path: Path) -> dict[str, Any]:
    """Read the results of a full run of the benchmarks.

    Raises
    ------
    ValueError
        If the file does not exist or holds no full run.
    """
    cure = "run make bench on an otherwise idle machine to write it"
    try:
        measured = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such results of benchmarks; {cure}") from None
    except ValueError as error:
        raise ValueError(f"{path}: expected results of benchmarks as JSON ({error}); {cure}") from None
    missing = [name for name in PARTS if not isinstance(measured, dict) or name not in measured]
    if missing:
        raise ValueError(f"{path}: expected a full run, but {', '.join(missing)} are missing; {cure}")
    return measured


def ratios(contests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Time of the peer divided by ours, the goal, and our rate as a share of the machine's limit."""
    return [
        {
            "kernel, peer": contest(row),
            "time ratio": _ratio(row),
            "goal": "" if row["goal"] is None else f"{row['goal']:.2g}",
            "of the limit": f"{row['fraction']:.0%}" if "fraction" in row else "",
        }
        for row in contests
    ]


def checks(contests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Comparison of the answers, which is checked before timing; or the peer that is not installed."""
    rows = []
    for row in contests:
        failed = "" if "skipped" in row or row["passed"] else "**failed:** "
        rows.append(
            {"kernel, peer": contest(row), "answers": failed + row.get("skipped", row.get("checked", ""))}
        )
    return rows


def missed_goals(contests: Iterable[Mapping[str, Any]]) -> list[str]:
    """The contests with a ratio below their goal, in words."""
    return [
        f"{contest(row)} ({row['ratio']:.3g} of {row['goal']:.2g})"
        for row in contests
        if row["goal"] is not None and "ratio" in row and row["ratio"] < row["goal"]
    ]


def full_scale(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hours on one core for each step of the paper's full experiment, and their sum."""
    rows = [
        {
            "step": row["step"],
            "how many": row["count"],
            "peer": row["against"],
            "hours, peer": row["theirs"],
            "hours, ours": row["ours"],
        }
        for row in steps
    ]
    total = {column: sum(row[column] for row in rows) for column in ("hours, peer", "hours, ours")}
    return [*rows, {"step": "**all**", "how many": None, "peer": None, **total}]


def startup(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Processor time spent before the first computation."""
    return [
        {"step": name, "ms": f"{1e3 * taken:,.{2 if taken < 1e-3 else 0}f}"}
        for name, taken in seconds.items()
    ]


def pages(executed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Seconds and memory that the execution of the book's pages took."""
    return [
        {
            "page": row["name"],
            "executed": row["date"],
            "s": f"{row['seconds']:.0f}",
            "memory, GB": row["memory"] / 1e9 if row["memory"] else "not known",
        }
        for row in executed
    ]


def contest(row: Mapping[str, Any]) -> str:
    """Kernel, case and peer, typeset with a multiplication sign and the Greek letter."""
    case = row["name"].replace(" x ", "\u00a0\u00d7\u00a0").replace("lambda ", "\u03bb\u00a0=\u00a0")
    return f"{row['kernel']}: {case}, against {row['against']}"


def _ratio(row: Mapping[str, Any]) -> str:
    """The median, bold if below the goal, with the smallest and the largest of the rounds."""
    if "skipped" in row or not row["passed"]:
        return "skipped" if "skipped" in row else "no ratio"
    text = f"{row['ratio']:.3g}"
    if row["goal"] is not None and row["ratio"] < row["goal"]:
        text = f"**{text}**"
    return text if row["rounds"] == 1 else f"{text} [{row['low']:.3g},\u00a0{row['high']:.3g}]"
