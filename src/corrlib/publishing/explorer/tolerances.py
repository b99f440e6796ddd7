"""Which predicted keypoints are correct, at any tolerance, and what PCK makes of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from corrlib import metrics
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import flows, predictions, scores
from corrlib.publishing import plots
from corrlib.publishing.explorer.page import pixels, webp
from corrlib.publishing.explorer.places import best_seen

#: The tolerances of the slider and of the curve.
ALPHAS = np.arange(1, 61) / 200
COPY = "NN transfer"


def content(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    shown: Sequence[str],
    methods: Mapping[str, Mapping[str, Any]],
    *,
    top: int = 5,
    size: int = INPUT_SIDE,
    **how: Any,
) -> dict[str, Any]:
    """What ``explorer-tolerances.js`` reads.

    Parameters
    ----------
    categories, shown
        Those of the curves, and those of which one object is shown (`places.best_seen`).
    methods
        Name -> what of `flows.align` is its own: feature, beta.
    how
        As `flows.align` has it, for all.
    """
    copying = {name: how[name] for name in ("count", "retrieval_layer") if name in how}
    world = (data, network, categories)
    errors = {
        name: scores.flow_errors(*world, top=top, size=size, **how, **own) for name, own in methods.items()
    }
    errors[COPY] = scores.copy_errors(*world, top=top, size=size, **copying)
    curves = {name: np.round(metrics.mean_pck(each, ALPHAS), 4).tolist() for name, each in errors.items()}
    found = []
    for category in shown:
        predicted = _predicted(data, network, category, methods, copying, top=top, size=size, **how)
        found.append(_example(data, category, predicted, size))
    return {"size": size, "alphas": ALPHAS.tolist(), "curves": curves, "examples": found}


def picture(content: Mapping[str, Any], alpha: float = 0.1) -> Figure:
    """What stands in the explorer's place without scripts: how it looks at first."""
    one = content["examples"][0]
    method = next(iter(content["curves"]))
    points, errors = (one["methods"][method][name] for name in ("points", "errors"))
    return plots.tolerated(
        pixels(one["target"]),
        np.array(one["truth"]),
        np.array([p or (np.nan, np.nan) for p in points]),
        np.array([e is not None and e < alpha for e in errors]),
        alpha * np.array(one["radii"]),
        alpha=alpha,
        alphas=content["alphas"],
        series=content["curves"],
    )


def _predicted(
    data: VOC,
    network: Network,
    category: str,
    methods: Mapping[str, Mapping[str, Any]],
    copying: Mapping[str, Any],
    *,
    top: int,
    size: int,
    **how: Any,
) -> dict[str, np.ndarray]:
    """Method -> the keypoints ``(n, K, 2)`` that it predicts for the first objects of a category."""
    result = {}
    for name, own in methods.items():
        pairs = flows.align(data, network, category, size=size, limit=flows.BLOCK, **how, **own)
        result[name] = predictions.first_median(pairs.points, pairs.smoothness, top=top)
    points = flows.copied(data, network, category, "val", size=size, **copying)[pairs.rows]
    rank = np.broadcast_to(np.arange(points.shape[1]), points.shape[:2])
    return result | {COPY: predictions.first_median(points, rank, top=top)}


def _example(data: VOC, category: str, predicted: Mapping[str, np.ndarray], size: int) -> dict[str, Any]:
    """The best seen of the first objects: its keypoints, those predicted, and how wrong they are."""
    objects = crops.visible(data, category, "val")
    objects = [objects[row] for row in crops.spread(len(objects), flows.BLOCK)]
    one = objects[n := best_seen(objects)]
    seen = np.isfinite(one.keypoints).all(axis=1)
    width, height = np.ptp(one.box.reshape(2, 2), axis=0)
    methods = {}
    for name, points in predicted.items():
        errors = crops.errors(points[n : n + 1], [one], size)[0, seen]
        methods[name] = {
            "points": [_spelled(p) for p in points[n, seen]],
            "errors": [round(e, 4) if np.isfinite(e) else None for e in errors.tolist()],
        }
    return {
        "name": category,
        "target": webp(crops.images(data, [one], size)[0]),
        "keypoints": [name for name, s in zip(data.keypoint_names(category), seen, strict=True) if s],
        "truth": [_spelled(p) for p in crops.keypoints([one], size)[0, seen]],
        # A distance in the image of 1 longer side is so many pixels of the square, across and down.
        "radii": [round(size * float(max(width, height) / side), 3) for side in (width, height)],
        "methods": methods,
    }


def _spelled(point: np.ndarray) -> list[float] | None:
    return np.round(point, 2).tolist() if np.isfinite(point).all() else None
