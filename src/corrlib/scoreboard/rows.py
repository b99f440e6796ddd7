"""The numbers and claims themselves, read from the paper's tables and from the chapters' results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corrlib import metrics, store
from corrlib.tables import published

#: The chapters of the paper's sections 2 to 5, in its order.
CHAPTERS = ("visualization", "alignment", "classification", "prediction")

#: Chapter -> what it wrote, as `store.read_result` returns it.
Results = Mapping[str, Mapping[str, Any]]
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


@dataclass(frozen=True)
class Claim:
    """A claim of the paper, or beside it, in words.

    Attributes
    ----------
    section
        Of the paper.
    text
        The claim.
    verdicts
        Tier -> that of `metrics.judge`.
    leads
        Tier -> what by how much is ahead of the other: ``(label, (value, lower, upper))``, in percentage
        points; in section 2 in correlation.
    """

    section: int
    text: str
    verdicts: Mapping[str, str]
    leads: Mapping[str, Sequence[tuple[str, Sequence[float]]]]


def read(folder: str | Path, pattern: str) -> dict[str, dict[str, Any]]:
    """Read the results of one tier that are there.

    Parameters
    ----------
    folder, pattern
        Where they are, and their names: ``{chapter}-voc2011.json``, or ``photos-{chapter}.json``.

    Raises
    ------
    ValueError
        If they were not all computed from the same data by the same network: no table may mix them.
    """
    files = {chapter: Path(folder) / pattern.format(chapter=chapter) for chapter in CHAPTERS}
    found = {chapter: store.read_result(path) for chapter, path in files.items() if path.is_file()}
    for what in ("data", "weights"):
        digests = {chapter: one["provenance"].get(what) for chapter, one in found.items()}
        if len(set(digests.values())) > 1:
            listed = ", ".join(f"{chapter} {digest}" for chapter, digest in digests.items())
            raise ValueError(f"{folder}: results of different {what} ({listed}): run their chapters again")
    return found


def numbers(tiers: Mapping[str, Results]) -> list[Number]:
    """Return all numbers of the paper's tables, with those of each tier that has them."""
    ours = {tier: dict(_ours(results)) for tier, results in tiers.items()}
    return [
        Number(*key, float(text), _digits(text), {t: own[key] for t, own in ours.items() if key in own})
        for key, text in _published()
    ]


def claims(tiers: Mapping[str, Results]) -> list[Claim]:
    """Return the claims that some tier has a verdict of, in the order of the paper's sections."""
    found: dict[tuple[int, str], dict[str, list]] = {}
    for tier, results in tiers.items():
        for section, text, leads in _leads(results):
            found.setdefault((section, text), {})[tier] = leads
    result = []
    for (section, text), leads in sorted(found.items(), key=lambda item: item[0][0]):
        verdicts = {
            t: metrics.judge([v for _, v in one], ties="at least" in text) for t, one in leads.items()
        }
        result.append(Claim(section, text, verdicts, leads))
    return result


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
                for category, value in each.items():
                    yield (number, name, category), (100 * value, None, None)
        for name, each in own.get("means", {}).items():
            for alpha, value in zip(own["alphas"], each, strict=True):
                yield (number, name, f"mean, alpha = {alpha:g}"), tuple(100 * v for v in value)
    own = values.get("classification", {})
    for name, each in own.get("table", {}).items():
        for category, value in zip(own["categories"], each, strict=True):
            yield (3, name, category), (value, None, None)
    for name, value in own.get("means", {}).items():
        yield (3, name, "mean"), tuple(value)


def _leads(results: Results) -> Iterator[tuple[int, str, list[tuple[str, list[float]]]]]:
    """Section, claim, and (label, lead) of all that the claim is about; of one tier."""
    values = {chapter: one["values"] for chapter, one in results.items()}
    if own := values.get("visualization"):
        k = str(results["visualization"]["provenance"]["parameters"]["k"])
        leads = [(n, own[n][k]["detail"]["difference"]) for n in ("conv3", "conv4", "conv5")]
        yield 2, "neighbours tell what is where better than places drawn from the receptive field", leads
    for text, one in values.get("alignment", {}).get("claims", {}).items():
        leads = zip(one["alphas"], one["leads"], strict=True)
        yield 3, text, [(f"alpha = {a:g}", [100 * v for v in lead]) for a, lead in leads]
    for text, one in values.get("classification", {}).get("claims", {}).items():
        labels = (what.replace("\u00a0", " ") for what in one["what"])
        yield 4, text, list(zip(labels, one["leads"], strict=True))
    for text, one in values.get("prediction", {}).get("claims", {}).items():
        yield 5, text, [("", [100 * v for v in one["lead"]])]


def _digits(text: str) -> int:
    return len(text.partition(".")[2])
