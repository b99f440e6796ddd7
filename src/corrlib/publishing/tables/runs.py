"""Tables of the resources that runs need: benchmarks, sweeps, and the reproduction on PASCAL VOC."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corrlib.data.download import SOURCES
from corrlib.publishing.format import words


def read_benchmarks(path: Path) -> dict[str, Any]:
    """Read the results of a full run of the benchmarks; a ValueError if the file has none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        cure = "run make bench on an otherwise idle machine to write it"
        raise ValueError(f"{path}: expected results of benchmarks as JSON ({error}); {cure}") from None


def ratios(contests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Time of the peer divided by ours, the goal, and our rate as a share of the machine's limit."""
    return [
        {
            "kernel, peer": _contest(row),
            "time ratio": _ratio(row),
            "goal": "" if row["goal"] is None else f"{row['goal']:.2g}",
            "of the limit": f"{row['fraction']:.0%}" if "fraction" in row else "",
        }
        for row in contests
    ]


def checks(contests: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The comparison of the answers, which is made before timing, or a note that the peer is missing."""
    rows = []
    for row in contests:
        failed = "**failed:** " * ("skipped" not in row and not row["passed"])
        answers = failed + row.get("skipped", row.get("checked", ""))
        rows.append({"kernel, peer": _contest(row), "answers": answers})
    return rows


def missed_goals(contests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Descriptions of the contests whose ratio is below the goal."""
    return [
        f"{_contest(row)} (ratio {row['ratio']:.3g}, goal {row['goal']:.2g})"
        for row in contests
        if row["goal"] is not None and "ratio" in row and row["ratio"] < row["goal"]
    ]


def full_scale(steps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hours on one core for each step of the paper's full experiment, and their sum."""
    columns = {"step": "step", "how many": "count", "peer": "against"}
    columns |= {"hours, peer": "theirs", "hours, ours": "ours"}
    rows = [{column: row[key] for column, key in columns.items()} for row in steps]
    total = {column: sum(row[column] for row in rows) for column in ("hours, peer", "hours, ours")}
    return [*rows, {"step": "**all**", "how many": None, "peer": None, **total}]


def startup(seconds: Mapping[str, float]) -> list[dict[str, Any]]:
    """Processor time spent before the first computation."""
    return [
        {"step": name, "ms": f"{1e3 * taken:,.{2 if taken < 1e-3 else 0}f}"}
        for name, taken in seconds.items()
    ]


def pages(builds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Seconds and memory of each page in the last of some builds, and its seconds in the first of several."""
    first, last = ({page["name"]: page for page in build["pages"]} for build in (builds[0], builds[-1]))
    whole = {"seconds": builds[-1]["seconds"], "memory": max(page["memory"] for page in last.values())}
    whole["processor"] = sum(page["processor"] for page in last.values())
    last, first = last | {"**whole build**": whole}, first | {"**whole build**": builds[0]}
    rows = []
    for name, page in last.items():
        row = {"page": name, "s": f"{page['seconds']:.0f}", "processor s": f"{page['processor']:.0f}"}
        row["memory, GB"] = page["memory"] / 1e9
        if len(builds) > 1:
            before = first.get(name, {}).get("seconds")
            row["earlier version, s"] = f"{before:.0f}" if before else None
            row["earlier / now"] = f"{before / page['seconds']:.2f}" if before else None
        rows.append(row)
    return rows


def sections(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Seconds of each section of the chapters, before and now, and the ratio with its range, if any."""
    return [
        {
            "chapter, section": row["section"] or f"**{row['chapter']}**",
            "before, s": f"{row['before']:.1f}",
            "now, s": f"{row['now']:.1f}",
            "before / now": [row[key] for key in ("ratio", "low", "high")]
            if row["low"] < row["high"]
            else row["ratio"],
        }
        for row in rows
    ]


def _contest(row: Mapping[str, Any]) -> str:
    """Kernel, case and peer, with a multiplication sign and a Greek lambda."""
    case = row["name"].replace(" x ", "\u00a0\u00d7\u00a0").replace("lambda ", "\u03bb\u00a0=\u00a0")
    against = re.sub(r"(?<=[.])|(?=\()", "\u200b", row["against"])  # long names may break there
    return f"{row['kernel']}: {case}, against {against}"


def _ratio(row: Mapping[str, Any]) -> str:
    """The median, bold if below the goal, with the smallest and the largest of the rounds."""
    if "skipped" in row or not row["passed"]:
        return "skipped" if "skipped" in row else "no ratio"
    text = f"{row['ratio']:.3g}"
    if row["goal"] is not None and row["ratio"] < row["goal"]:
        text = f"**{text}**"
    return text if row["rounds"] == 1 else f"{text} [{row['low']:.3g},\u00a0{row['high']:.3g}]"


def swept(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Numbers of points and seconds of sweeps, given as chapter -> rows of its sweep."""
    return [
        {
            "chapter": chapter,
            "points": len(points),
            "seconds, all points": f"{sum(point['seconds'] for point in points):.0f}",
            "seconds, longest point": f"{max(point['seconds'] for point in points):.0f}",
        }
        for chapter, points in rows.items()
    ]


def highest(rows: Sequence[Mapping[str, Any]], alphas: Sequence[float]) -> list[str]:
    """The layer with the highest score at each of `alphas`, in words."""
    best = [max(rows, key=lambda row, a=a: row[f"score-{a:g}"])["layer"] for a in alphas]
    if len(set(best)) == 1:
        return [f"{best[0]} at every tolerance"]
    at = {layer: words([f"{a:g}" for a, b in zip(alphas, best, strict=True) if b == layer]) for layer in best}
    return [f"{layer} at alpha = {where}" for layer, where in at.items()]


def sources() -> list[dict[str, str]]:
    """The files that ``corrlib download`` offers, their addresses, and the first digits of their digests."""
    return [
        {
            "name": name,
            "file": f"[`{source.file}`]({source.urls[0]})",
            "mirrors": " ".join(f"[copy]({url})" for url in source.urls[1:]),
            "digest": f"`{source.digest[:15] or 'none known'}`",
        }
        for name, source in SOURCES.items()
    ]


def costs(disk: Mapping[str, int], memory: int) -> list[dict[str, Any]]:
    """Estimates in GB: of the files in the cache, given as content -> bytes, and of the memory."""
    sizes = {name: f"{size / 1e9:.2f}" for name, size in disk.items()}
    sizes["**total on disk**"] = f"**{sum(disk.values()) / 1e9:.1f}**"
    sizes["memory for training detectors, in all (one category per core)"] = f"{memory / 1e9:.1f}"
    return [{"item": name, "GB": size} for name, size in sizes.items()]


def stages(rows: Iterable[Mapping[str, Any]], dataset: str) -> list[dict[str, Any]]:
    """Stages of a recorded run (`reproduce.hours`): their time, the hours on a dataset, and the sums."""
    rows, last = list(rows), f"{dataset}, hours"
    result = [
        {
            "stage": f"{row['chapter']}: {row['stage']}",
            "count": f"{row['count']:,} {row['unit']}",
            "processor seconds": f"{row['processor_seconds']:,.0f}",
            "wall-clock seconds": f"{row['seconds']:,.0f}",
            last: f"{row['hours']:.2f}",
        }
        for row in rows
    ]
    used, seconds, hours = (sum(r[key] for r in rows) for key in ("processor_seconds", "seconds", "hours"))
    total = {"processor seconds": f"**{used:,.0f}**", "wall-clock seconds": f"**{seconds:,.0f}**"}
    return [*result, {"stage": "**total**", "count": "", **total, last: f"**{hours:.1f}**"}]
