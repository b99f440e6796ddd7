"""What ``make bench`` has measured: read from its file, and as tables of the book."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from corrlib.publishing import tables

__all__ = ["checks", "missed", "pages", "ratios", "read", "scale", "startup", "where"]

#: What a file of results has to have.
PARTS = ("machine", "limits", "contests", "growth", "startup", "sweep", "scale", "pages")


def read(path: Path | None = None) -> dict[str, Any]:
    """The results of a full run; of the project that a chapter runs in, if no other file is given.

    Raises
    ------
    ValueError
        If there is no such file, or it is no whole run's.
    """
    path = path or tables.project() / "benchmarks" / "results.json"
    cure = "make bench writes it anew, on a machine with nothing else to do"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: there are no results of benchmarks: {cure}") from None
    except ValueError as error:
        raise ValueError(f"{path}: expected results of benchmarks as JSON ({error}): {cure}") from None
    missing = [name for name in PARTS if not isinstance(found, dict) or name not in found]
    if missing:
        raise ValueError(f"{path}: expected the results of a whole run, without {', '.join(missing)}: {cure}")
    return found


def where(machine: Mapping[str, Any]) -> str:
    """When and on what it was measured, in words."""
    flags = ", ".join(flag.upper().replace("_", "-") for flag in machine["flags"]) or "no known flags"
    cores = "1 core" if machine["cores"] == 1 else f"{machine['cores']} cores"
    return (
        f"{machine['date']}, {machine['processor']}, {cores}, {flags}, load {machine['load']:g} at the start"
    )


def ratios(contests: Iterable[Mapping[str, Any]]) -> str:
    """The contests as a table: how many times as long the other takes, the goal, the share of the limit."""
    rows = []
    for row in contests:
        goal = "" if row["goal"] is None else f"{row['goal']:.2g}"
        ratio = "skipped" if "skipped" in row else _ratio(row) if row["passed"] else "no ratio"
        share = f"{row['fraction']:.0%}" if "fraction" in row else ""
        rows.append([f"{_named(row)}, against {row['against']}", ratio, goal, share])
    return tables.markdown(["what, against whom", "times as long", "goal", "of the limit"], rows)


def checks(contests: Iterable[Mapping[str, Any]]) -> str:
    """What was found of the answers before anything was timed, or which peer is not there."""
    rows = []
    for row in contests:
        found = row["skipped"] if "skipped" in row else row["checked"]
        failed = "" if "skipped" in row or row["passed"] else "**failed:** "
        rows.append([f"{_named(row)}, against {row['against']}", f"{failed}{found}"])
    return tables.markdown(["what, against whom", "found"], rows).replace("--:", ":--")


def missed(contests: Iterable[Mapping[str, Any]]) -> list[str]:
    """The contests whose ratio is below their goal, in words; those without a ratio are not among them."""
    return [
        f"{_named(row)}, against {row['against']} ({row['ratio']:.3g} of {row['goal']:.2g})"
        for row in contests
        if row["goal"] is not None and "ratio" in row and row["ratio"] < row["goal"]
    ]


def scale(steps: Iterable[Mapping[str, Any]]) -> str:
    """Hours on one core of each step of the paper's full experiment, and their sum."""
    steps = list(steps)
    rows = [
        [row["step"], f"{row['count']:,}", row["against"], f"{row['theirs']:.2f}", f"{row['ours']:.2f}"]
        for row in steps
    ]
    totals = [f"**{sum(row[side] for row in steps):.1f}**" for side in ("theirs", "ours")]
    head = ["step", "how many", "peer", "hours, peer", "hours, ours"]
    return tables.markdown(head, [*rows, ["**all**", "", "", *totals]])


def startup(seconds: Mapping[str, float]) -> str:
    """Processor time before anything is computed."""
    rows = [[name, f"{1e3 * taken:,.{2 if taken < 1e-3 else 0}f}"] for name, taken in seconds.items()]
    return tables.markdown(["of what", "ms"], rows)


def pages(executed: Iterable[Mapping[str, Any]]) -> str:
    """What the pages of the book took."""
    rows = [
        [
            row["name"],
            row["date"],
            f"{row['seconds']:.0f}",
            f"{row['memory'] / 1e9:.1f}" if row["memory"] else "not known",
        ]
        for row in executed
    ]
    return tables.markdown(["page", "executed", "s", "memory, GB"], rows)


def _named(row: Mapping[str, Any]) -> str:
    """Kernel and name, in the signs of print: a multiplication sign, and the Greek letter."""
    name = row["name"].replace(" x ", "\u00a0\u00d7\u00a0").replace("lambda ", "\u03bb\u00a0=\u00a0")
    return f"{row['kernel']}: {name}"


def _ratio(row: Mapping[str, Any]) -> str:
    """The median, bold where it is below the goal, and how far the rounds lie apart."""
    text = f"{row['ratio']:.3g}"
    if row["goal"] is not None and row["ratio"] < row["goal"]:
        text = f"**{text}**"
    return (
        text if row["rounds"] == 1 else f"{text} [{row['low']:.3g}, {row['high']:.3g}]".replace(" ", "\u00a0")
    )
