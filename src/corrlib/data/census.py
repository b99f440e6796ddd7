"""Counts of the objects and keypoints of a dataset, and of those that are used."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from corrlib.data.voc import VOC


def census(data: VOC, splits: Sequence[str] = ("train", "val")) -> list[dict[str, str | int]]:
    """Count the objects of each category in each split.

    ``images`` with such objects; ``objects``; objects ``used``, which have a visible keypoint; visible
    ``keypoints``; objects that VOC marks ``truncated`` and ``difficult``; keypoints ``outside`` their
    object's box.
    """
    rows = []
    for category, split in product(data.categories, splits):
        objects = data.instances(category, split)
        seen = [np.isfinite(one.keypoints).all(axis=1) for one in objects]
        row = {
            "category": category,
            "split": split,
            "images": len({one.image_id for one in objects}),
            "objects": len(objects),
            "used": sum(bool(s.any()) for s in seen),
            "keypoints": sum(int(s.sum()) for s in seen),
            "truncated": sum(one.truncated for one in objects),
            "difficult": sum(one.difficult for one in objects),
            "outside": sum(_outside(one.box, one.keypoints) for one in objects),
        }
        rows.append(row)
    return rows


def _outside(box: np.ndarray, points: np.ndarray) -> int:  # points that are NaN are not
    return int(((points < box[:2]) | (points > box[2:])).any(axis=1).sum())
