"""The time that a run has taken, step by step, and what that means for the next one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corrlib import cache
from corrlib.publishing.reproduce.stages import Stage

#: Columns of ``stages.csv``.
LOGGED = ("chapter", "stage", "step", "unit", "count", "seconds", "processor_seconds", "peak_memory_bytes")
#: Units of what grows with the number of objects; there are as many patches, and so images, as in the paper.
GROWING = ("instances", "keypoints")


@dataclass(frozen=True)
class Expected:
    """Processor seconds that a stage will take, None if it is not recorded; `device`: those of them that
    the network and the search for neighbours take, which a GPU can do.
    """

    stage: str
    count: int
    unit: str
    seconds: float | None
    device: float


def log(
    path: Path, stage: Stage, step: int, seconds: float, processor_seconds: float, peak_memory: int
) -> None:
    """Add to ``stages.csv`` what a step of a stage took; memory is that of the whole run so far."""
    first = not path.is_file() or not path.stat().st_size  # a kill may leave an empty one
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if first:
            writer.writerow(LOGGED)
        took = (f"{seconds:.2f}", f"{processor_seconds:.2f}", peak_memory)
        writer.writerow((stage.chapter, stage.name, step, stage.unit, stage.steps[step][0], *took))


def summed(path: Path) -> list[dict[str, Any]]:
    """Put together what `log` has written of each stage, in however many runs."""
    stages: dict[tuple[str, str], dict[str, Any]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = row["chapter"], row["stage"]
            about = dict(zip(("chapter", "stage"), key, strict=True), unit=row["unit"], counts={})
            found = stages.setdefault(key, about | dict.fromkeys(LOGGED[5:], 0))
            found["counts"][row["step"]] = int(row["count"])  # in a later run it was found in the cache
            for name in ("seconds", "processor_seconds"):
                found[name] = round(found[name] + float(row[name]), 2)
            found["peak_memory_bytes"] = max(found["peak_memory_bytes"], int(row["peak_memory_bytes"]))
    return [dict(found, count=sum(found.pop("counts").values())) for found in stages.values()]


def recorded(path: Path) -> dict[str, Any]:
    """The values of a recorded run; without it, as if there had been one of no stages.

    ``stages`` are what `summed` gives, and of each the ``device_share``, which the network and the search for
    neighbours have in its processor time.
    """
    nothing = {"stages": [], "memory_bytes_estimated": 0}
    return cache.read_result(path)["values"] if path.is_file() else nothing


def overhead(record: Mapping[str, Any]) -> int:
    """Bytes of memory that a recorded run had beyond what was estimated for its largest step."""
    peak = max((row["peak_memory_bytes"] for row in record["stages"]), default=0)
    return max(0, peak - record["memory_bytes_estimated"])


def expected(stages: Iterable[Stage], record: Mapping[str, Any]) -> list[Expected]:
    """What stages will take at the speed of `recorded` ones, in proportion to what they count."""
    rows, found = {(row["chapter"], row["stage"]): row for row in record["stages"]}, []
    for stage in stages:
        row, seconds, device = rows.get((stage.chapter, stage.name)), None, 0.0
        if row:
            seconds = row["processor_seconds"] * stage.count / row["count"]
            device = seconds * row["device_share"]
        found.append(Expected(f"{stage.chapter}, {stage.name}", stage.count, stage.unit, seconds, device))
    return found


def told(every: Sequence[Expected]) -> list[str]:
    """Lines that say what a run will take: altogether, with the fastest of GPUs, and stage by stage."""
    hours = [(e.seconds or 0) / 3600 for e in every]
    left = sum(hours) - sum(e.device for e in every) / 3600
    lines = [
        f"{sum(hours):.1f} processor hours from an empty cache, or {sum(hours) / 2:.1f} on two busy cores",
        f"{left:.1f} processor hours even if a GPU took no time for its part (a bound: none was measured)",
    ]
    for e, time in zip(every, hours, strict=True):
        spent = "     ?  " if e.seconds is None else f"{time:6.2f} h"
        lines.append(f"{spent}  {e.stage}: {e.count:,} {e.unit}{' (not recorded)' * (e.seconds is None)}")
    return lines
