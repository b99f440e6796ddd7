"""Estimates for the paper's full experiment, from the measured rates of the peers and of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

#: Objects of VOC 2011 in train and val, assumed to be equally many, and the paper's numbers.
OBJECTS = 27_450
VAL, NEIGHBOURS, CATEGORIES, FOLDS = OBJECTS // 2, 25, 20, 5
#: Step, number of computations, and the contest that gives their time: kernel, and start of name and peer.
STEPS = (
    ("flows by conv4 and by SIFT", 2 * VAL * NEIGHBOURS, "flow", "13 x 13, lambda 0.15", "PyMaxflow"),
    ("dense flow of each", 2 * VAL * NEIGHBOURS, "warp", "flow", "SciPy"),
    (
        "features of crops of 227 and of 500 pixels",
        OBJECTS * (1 + (500 / 227) ** 2),
        "network",
        "conv5",
        "onnxruntime",
    ),
    ("dense SIFT of section 5", OBJECTS, "sift", "dense, section 5", "VLFeat"),
    ("SIFT at keypoints, five radii", OBJECTS, "sift", "keypoints", "OpenCV"),
    ("neighbours of eight images in a million, three layers", 3 * 8 * 169, "retrieval", "1,000,000", "faiss"),
    (
        "SVMs of ten features, eleven C, five folds",
        10 * CATEGORIES * FOLDS,
        "svm",
        "16 classes",
        "LinearSVC(dual=False)",
    ),
)


def estimate(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hours on one core for each step; steps whose contest was not held in full are omitted."""
    steps, rows = [], list(rows)
    for step, count, kernel, name, against in STEPS:
        for row in rows:
            same = (
                row["kernel"] == kernel
                and row["name"].startswith(name)
                and row["against"].startswith(against)
            )
            if same and "ratio" in row and not row["quick"]:
                hours = {side: count * row[side] / 3600 for side in ("ours", "theirs")}
                steps.append({"step": step, "count": round(count), "against": row["against"]} | hours)
    return steps
