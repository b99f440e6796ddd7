"""The table of a dataset's objects and keypoints."""

from __future__ import annotations

from typing import Any

from corrlib.data import VOC
from corrlib.data.census import census as counts

#: Counts from `corrlib.data.census` in the order of the columns.
COUNTED = ("images", "objects", "used", "keypoints", "outside", "truncated", "difficult")


def census(data: VOC, *, by_category: bool = True) -> list[dict[str, Any]]:
    """Numbers of objects and keypoints of a dataset in each split.

    Parameters
    ----------
    by_category
        One row per category and one for their sum, with train above val in each cell; else one row per split.
    """
    rows = counts(data)
    total = {s: {k: sum(r[k] for r in rows if r["split"] == s) for k in COUNTED} for s in ("train", "val")}
    for split, each in total.items():
        each["images"] = len(data.image_ids(split))  # an image can show several categories
    if not by_category:
        return [{"split": split, **each} for split, each in total.items()]
    result = []
    for category in [*data.categories, "all"]:
        own = {r["split"]: r for r in rows if r["category"] == category} or total
        cells = {k: "<br>".join(f"{own[s][k]:,}" for s in ("train", "val")) for k in COUNTED}
        result.append({"category": f"**{category}**" if category == "all" else category, **cells})
    return result
