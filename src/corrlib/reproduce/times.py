"""The time that a run has taken, step by step, and what that means for the next one."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from corrlib import store
from corrlib.reproduce.stages import Stage

#: Columns of ``stages.csv``.
LOGGED = ("chapter", "stage", "step", "unit", "count", "seconds", "processor_seconds", "peak_memory_bytes")


def log(
    path: Path, stage: Stage, step: int, seconds: float, processor_seconds: float, peak_memory: int
) -> None:
    """Add to ``stages.csv`` what a step of a stage took; memory is that of the whole run so far."""
    first = not path.is_file()
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


def recorded(path: Path) -> list[dict[str, Any]]:
    """The rows of a recorded ``stages.csv``, as the result that they were made; none without it."""
    return store.read_result(path)["values"]["stages"] if path.is_file() else []


def hours(stages: Iterable[Stage], known: Iterable[Mapping[str, Any]]) -> tuple[float, list[str]]:
    """Processor hours of stages at the speed of `recorded` ones, and the names of those not recorded."""
    speed = {(row["chapter"], row["stage"]): row["processor_seconds"] / row["count"] for row in known}
    total, unknown = 0.0, []
    for stage in stages:
        rate = speed.get((stage.chapter, stage.name))
        total += 0 if rate is None else rate * stage.count / 3600
        unknown += [f"{stage.chapter}, {stage.name}"] * (rate is None)
    return total, unknown
