"""Tables of the classification chapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib.experiments.classification import Feature, Settings
from corrlib.publishing import results
from corrlib.publishing.tables.published import MEAN


def naming(accuracy: Mapping[Feature, Mapping[str, Sequence[float]]]) -> list[dict[str, Any]]:
    """The paper's Table 3, transposed: ours, and the paper's below it where it has the number.

    Parameters
    ----------
    accuracy
        Feature -> category -> percent and its interval ``(3,)``. The best SIFT and the best layer are bold.
    """
    paper = _paper()
    values = {feature: {c: value[0] for c, value in each.items()} for feature, each in accuracy.items()}
    values = {feature: {**each, "mean": np.mean(list(each.values()))} for feature, each in values.items()}
    rows = []
    for category in next(iter(values.values())):
        row = {"category": MEAN if category == "mean" else category}
        for feature, each in values.items():
            rivals = (
                v[category] for f, v in values.items() if isinstance(f, str) == isinstance(feature, str)
            )
            ours = f"**{each[category]:.0f}**" if each[category] == max(rivals) else f"{each[category]:.0f}"
            printed = paper.get(str(feature), {}).get(category)
            # The name of a layer in two lines, as that of SIFT.
            row[str(feature).replace("conv", "conv ")] = f"{ours}<br>{printed}" if printed else ours
        rows.append(row)
    return rows


def naming_means(
    means: Mapping[Feature, np.ndarray],
    trained: Mapping[Feature, np.ndarray],
    curves: Mapping[Feature, np.ndarray],
    settings: Settings,
    photos: Mapping[str, Sequence[float]],
) -> list[dict[str, Any]]:
    """Mean accuracies ``(3,)``, here and on photographs, and what `classification.validate` says of them."""
    paper, rows = _paper(), []
    for feature, value in means.items():
        row = {"feature": str(feature), "paper": paper.get(str(feature), {}).get("mean"), "ours": value}
        row |= {"photos": photos.get(str(feature)), "train": float(np.mean(trained[feature]))}
        row |= {"best C": None, "gain": None}
        if feature in curves:
            curve = curves[feature]
            best = int(np.argmax(curve))
            row["best C"] = f"{settings.Cs[best]:g}".replace("-", "\u2011")  # in one line
            row["gain"] = curve[best] - curve[list(settings.Cs).index(settings.C)]
        rows.append(row)
    return rows


def localisation(located: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What `classification.localisation` returns."""
    columns = ["feature", "border, %", "median, px", "2 px, %", "4 px, %", "8 px, %"]
    cells = [
        [str(name), each["border"], each["median"], *each["within"]]
        for name, each in located["features"].items()
    ]
    draw = located["uniform"]
    cells.append(["uniform draw", None, draw["median"], *draw["within"]])
    return [dict(zip(columns, row, strict=True)) for row in cells]


def rectification(
    lost: Mapping[str, Mapping[str, Any]], photos: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """What `classification.rectification` returns, here and on photographs; "none" without such a layer."""
    rows = []
    for layer in lost or ["none"]:
        ours, other = lost.get(layer, {}), photos.get(layer, {})
        row = {"layer": layer, "active, %": ours.get("active")}
        row |= {"unrectified": ours.get("before"), "gain": ours.get("gain")}
        rows.append(row | {"photos: active, %": other.get("active"), "photos: gain": other.get("gain")})
    return rows


def _paper() -> dict[str, dict[str, str]]:
    """The paper's Table 3: feature -> category, or ``mean`` -> percent."""
    return {row["feature"].replace("sift_r", "SIFT "): row for row in results.published("table3")}
