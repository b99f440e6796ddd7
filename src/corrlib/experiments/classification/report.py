"""The tables of the classification chapter, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments.classification.claims import label
from corrlib.experiments.classification.keypoints import RADII, Feature
from corrlib.publishing.tables import markdown, published, spelled


def table_3(found: Mapping[Feature, np.ndarray], categories: Sequence[str]) -> str:
    """The paper's Table 3, transposed: ours, and the paper's below it where it has the number.

    Parameters
    ----------
    found
        Feature -> accuracy ``(c,)`` of each category, in percent. The best SIFT and the best layer are bold.
    """
    paper = _paper()
    values = np.vstack([np.stack(list(found.values()), axis=1), [np.mean(v) for v in found.values()]])
    layers = np.array([isinstance(feature, str) for feature in found])
    rows = []
    for category, row in zip([*categories, "mean"], values, strict=True):
        cells = []
        for feature, value, layer in zip(found, row, layers, strict=True):
            best = value == row[layers == layer].max()
            text = f"**{value:.0f}**" if best else f"{value:.0f}"
            beside = paper.get(feature, {}).get(category)
            cells.append(f"{text}<br>{beside}" if beside else text)
        rows.append([f"**{category}**" if category == "mean" else category, *cells])
    heads = (label(feature).replace("conv", "conv ") for feature in found)  # in two lines, as SIFT
    return markdown(["category", *heads], rows)


def means(
    found: Mapping[Feature, np.ndarray],
    trained: Mapping[Feature, np.ndarray],
    curves: Mapping[Feature, np.ndarray],
    Cs: Sequence[float],
    C: float,
    photos: Mapping[str, Sequence[float]],
) -> str:
    """Mean accuracies of features, and what cross validation on train says of them.

    Parameters
    ----------
    found
        Feature -> ``(3,)`` mean accuracy on val and its interval.
    trained
        Feature -> ``(c,)`` accuracy of each category by cross validation.
    curves
        Feature -> ``(len(Cs),)`` accuracies of one category by cross validation; maybe not of all features.
    C
        The one used for `found` and `trained`, among `Cs`.
    photos
        Name of a feature -> as `found`, on photographs.
    """
    paper, rows = _paper(), []
    for feature, value in found.items():
        beside = paper.get(feature, {}).get("mean", "")
        other = spelled(photos[label(feature)]) if label(feature) in photos else ""
        chosen = ["", ""]
        if feature in curves:
            curve = curves[feature]
            at = int(np.argmax(curve))
            gain = curve[at] - curve[list(Cs).index(C)]
            chosen = [f"{Cs[at]:g}".replace("-", "\u2011"), f"{gain:.1f}"]  # in one line
        rows.append(
            [label(feature), beside, spelled(value), other, f"{np.mean(trained[feature]):.1f}", *chosen]
        )
    return markdown(["feature", "paper", "ours", "photos", "train", "best C", "gain"], rows)


def verdicts(*tiers: tuple[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """What `claims` found, for one or more tiers ``(name, claims)``, each a column."""
    rows = []
    for claim in dict.fromkeys(claim for _, found in tiers for claim in found):
        row = [claim]
        for _, found in tiers:
            one = found.get(claim)
            if one is None:
                row.append("")
                continue
            whats = [
                what.replace(" ", "\u00a0") for what in one["what"]
            ]  # lines break before the numbers only
            pairs = zip(whats, one["leads"], strict=True)
            listed = "<br>".join(f"{what}: {spelled(lead, sign=True)}" for what, lead in pairs)
            row.append(f"**{one['verdict']}**<br>{listed}")
        rows.append(row)
    return markdown(["claim", *(name for name, _ in tiers)], rows)


def rectification(found: Mapping[str, Mapping[str, Any]], photos: Mapping[str, Mapping[str, Any]]) -> str:
    """What `studies.rectification` found here and on photographs."""
    rows = []
    for layer, one in found.items():
        cells = [f"{one['active']:.0f}", spelled(one["before"]), spelled(one["gain"], sign=True)]
        other = photos.get(layer)
        beside = ["", ""] if other is None else [f"{other['active']:.0f}", spelled(other["gain"], sign=True)]
        rows.append([layer, *cells, *beside])
    return markdown(["layer", "active, %", "unrectified", "gain", "photos: active, %", "photos: gain"], rows)


def localisation(found: Mapping[str, Any]) -> str:
    """What `studies.localisation` found."""
    rows = []
    for one in found["features"]:
        border, median = (f"{v:.1f}" if v is not None else "" for v in (one["border"], one["median"]))
        within = (spelled(value, 0) for value in np.asarray(one["within"], dtype=np.float64))
        rows.append([label(one["feature"]), border, median, *within])
    drawn = found["uniform"]
    rows.append(["uniform draw", "", f"{drawn['median']:.1f}", *(f"{v:.0f}" for v in drawn["within"])])
    return markdown(["feature", "border, %", "median, px", "2 px, %", "4 px, %", "8 px, %"], rows)


def estimates(head: Sequence[str], *columns: Mapping[Feature, np.ndarray]) -> str:
    """Features and their ``(3,)`` estimates in one or more columns."""
    rows = [[label(feature), *(spelled(column[feature]) for column in columns)] for feature in columns[-1]]
    return markdown(head, rows)


def plain(found: Mapping[Feature, Any]) -> dict[str, Any]:
    """What belongs to features, under their names in words: as results are written down."""
    return {label(feature): value for feature, value in found.items()}


def _paper() -> dict[Feature, dict[str, str]]:
    """The paper's Table 3: feature -> category, or ``mean`` -> percent."""
    rows = {row["feature"]: row for row in published("table3")}
    names = {f"conv{i}": f"conv{i}" for i in range(1, 6)} | {radius: f"sift_r{radius:g}" for radius in RADII}
    return {feature: rows[name] for feature, name in names.items()}
