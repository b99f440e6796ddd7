"""The numbers themselves, read from the paper's tables and from the chapters' results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corrlib import cache
from corrlib.publishing.scoreboard.leads import Results
from corrlib.publishing.tables import published

#: The chapters of the paper's sections 2 to 5, in its order.
CHAPTERS = ("visualization", "alignment", "classification", "prediction")

#: A value and its 95 % interval; None where there is no interval.
Value = tuple[float, float | None, float | None]


@dataclass(frozen=True)
class Number:
    """A number of the paper and ours.

    Attributes
    ----------
    table
        1 to 4.
    name
        What has it: a layer, a feature, a method.
    of
        A category, the mean (of a tolerance), or the size or stride of a receptive field.
    published
        In percent or, in Table 1, in pixels, and `digits` after its decimal point.
    ours
        Tier -> value and interval in the same unit.
    """

    table: int
    name: str
    of: str
    published: float
    digits: int
    ours: Mapping[str, Value] = field(default_factory=dict)

    def difference(self, tier: str) -> float | None:
        """Ours less the published; None where the tier has no such number."""
        return self.ours[tier][0] - self.published if tier in self.ours else None


def read(folder: str | Path, pattern: str, **digests: str) -> dict[str, dict[str, Any]]:
    """Read the results of one tier that are there.

    Parameters
    ----------
    folder, pattern
        Where they are, and their names: ``{chapter}-voc2011.json``, or ``photos-{chapter}.json``.
    digests
        Of ``data`` or ``weights``, where they are known.

    Raises
    ------
    ValueError
        If they were not all computed from the same data by the same network, or not from those of
        `digests`: no table may mix them.
    """
    files = {chapter: Path(folder) / pattern.format(chapter=chapter) for chapter in CHAPTERS}
    found = {chapter: cache.read_result(path) for chapter, path in files.items() if path.is_file()}
    for what in ("data", "weights"):
        known = {chapter: one["provenance"].get(what) for chapter, one in found.items()}
        if len({*known.values(), digests.get(what, next(iter(known.values()), None))}) > 1:
            listed = ", ".join(f"{chapter} {digest}" for chapter, digest in known.items())
            wanted = f", not {digests[what]}" if what in digests else ""
            raise ValueError(
                f"{folder}: results of different {what} ({listed}{wanted}): run their chapters again"
            )
    return found


def numbers(tiers: Mapping[str, Results]) -> list[Number]:
    """Return all numbers of the paper's tables, with those of each tier that has them."""
    ours = {tier: dict(_ours(results)) for tier, results in tiers.items()}
    return [
        Number(*key, float(text), _digits(text), {t: own[key] for t, own in ours.items() if key in own})
        for key, text in _published()
    ]


def summary(every: Sequence[Number], tier: str) -> list[dict[str, Any]]:
    """How far a tier is from the paper: for each table ``count``, ``mean`` difference, ``mean absolute``."""
    rows = []
    for table in sorted({one.table for one in every}):
        apart = [one.difference(tier) for one in every if one.table == table and tier in one.ours]
        if apart:
            absolute = float(np.abs(apart).mean())
            mean = float(np.mean(apart))
            rows.append({"table": table, "count": len(apart), "mean": mean, "mean absolute": absolute})
    return rows


def _published() -> Iterator[tuple[tuple[int, str, str], str]]:
    """(table, name, of) and the number as it is printed."""
    for row in published("table1"):
        yield (1, row["layer"], "rf size"), row["rf_size_px"]
        yield (1, row["layer"], "stride"), row["stride_px"]
    for number, name in ((2, "table2_alpha0.1"), (3, "table3"), (4, "table4")):
        for row in published(name):
            first, *others = row
            method = row[first].replace("sift_r", "SIFT ")
            for column in others:
                mean = "mean, alpha = 0.1" if number != 3 else "mean"
                yield (number, method, mean if column == "mean" else column), row[column]
    for row in published("table2_mean_by_alpha"):
        for alpha in ("0.05", "0.025"):
            yield (2, row["method"], f"mean, alpha = {alpha}"), row[alpha]


def _ours(results: Results) -> Iterator[tuple[tuple[int, str, str], Value]]:
    """(table, name, of) and the value, of one tier."""
    values = {chapter: one["values"] for chapter, one in results.items()}
    for layer, sides in values.get("visualization", {}).get("table 1", {}).items():
        for of, side in zip(("rf size", "stride"), sides, strict=True):
            yield (1, layer, of), (float(side), None, None)
    for number, chapter in ((2, "alignment"), (4, "prediction")):
        own = values.get(chapter, {})
        if results.get(chapter, {}).get("provenance", {}).get("parameters", {}).get("alpha", 0.1) == 0.1:
            for name, each in own.get("pck", {}).items():
                ends = own.get("intervals", {}).get(name, {})
                for category, value in each.items():
                    lower, upper = (None if v is None else 100 * v for v in ends.get(category, (None, None)))
                    yield (number, name, category), (100 * value, lower, upper)
        for name, each in own.get("means", {}).items():
            for alpha, value in zip(own["alphas"], each, strict=True):
                yield (number, name, f"mean, alpha = {alpha:g}"), tuple(100 * v for v in value)
    own = values.get("classification", {})
    for name, each in own.get("table", {}).items():
        ends = own.get("intervals", {}).get(name, [(None, None)] * len(each))
        for category, value, (lower, upper) in zip(own["categories"], each, ends, strict=True):
            yield (3, name, category), (value, lower, upper)
    for name, value in own.get("means", {}).items():
        yield (3, name, "mean"), tuple(value)


def _digits(text: str) -> int:
    return len(text.partition(".")[2])
