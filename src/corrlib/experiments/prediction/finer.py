"""Detectors that slide in smaller steps than they were trained on (the paper's own suggestion)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from corrlib import detection, hard_negatives
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.prediction import grids, predictions, training


def errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    factors: Sequence[int],
    etas: Sequence[float | None],
    *,
    limit: int | None = None,
    feature: str = "conv5",
    sigma: float = predictions.SIGMA,
    size: int = grids.SIZE,
    **how: Any,
) -> dict[int, list[list[np.ndarray]]]:
    """Errors on val when the grid is `factors` times finer than the layer's own.

    Parameters
    ----------
    factors
        Each divides the largest, and that the layer's stride.
    etas, sigma, feature, how
        As `predictions.errors` has them. The detectors are those of the layer's own stride.
    limit
        Instances of a category, evenly spread; None: all.

    Returns
    -------
    dict
        Factor -> for each of `etas` and each category ``(N, K)``.
    """
    finest = max(factors)
    if any(factor < 1 or finest % factor for factor in factors):
        raise ValueError(f"every factor must divide the largest, got {list(factors)}")

    def own(category: str) -> dict[int, list[np.ndarray]]:
        inputs = training.inputs(network, feature, dict(how, size=size))
        scores = cached(_scores, data=data, category=category, factor=finest, limit=limit, **inputs)["scores"]
        objects, rows = _objects(data, category, limit)
        means = grids.prior_means(data, network, category, "val", size)[rows]
        trained = training.train(data, network, category, feature=feature, size=size, **how)
        line = dict(slope=trained.slope, offset=trained.offset, means=means, sigma=sigma)
        found = {}
        for factor in factors:
            field = replace(trained.field, stride=trained.field.stride // factor)
            every = finest // factor
            places = predictions.predict(scores[..., ::every, ::every], field, etas, **line)
            found[factor] = [crops.errors(one, objects, size) for one in places]
        return found

    each = grids.each(own, categories)
    return {f: [list(one) for one in zip(*(found[f] for found in each), strict=True)] for f in factors}


def ceilings(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    factors: Sequence[int],
    *,
    limit: int | None = None,
    feature: str = "conv5",
    size: int = grids.SIZE,
) -> dict[int, list[np.ndarray]]:
    """Errors of an oracle that always says the best place of the grid, as `errors` has them."""
    found: dict[int, list[np.ndarray]] = {factor: [] for factor in factors}
    own = grids.field(network, feature, 1)
    for category in categories:
        objects, _ = _objects(data, category, limit)
        truth = crops.keypoints(objects, size)
        for factor in factors:
            field = replace(own, stride=own.stride // factor)
            shape = grids.shape(network, feature, size, factor)
            best = detection.nearest_location(truth, field, shape)
            found[factor].append(crops.errors(best, objects, size))
    return found


def _objects(data: VOC, category: str, limit: int | None) -> tuple[list[Instance], np.ndarray]:
    objects = grids.instances(data, category, "val")
    rows = crops.spread(len(objects), limit)
    return [objects[row] for row in rows], rows


def _scores(
    data: VOC, network: Network, category: str, factor: int, limit: int | None, feature: str, **how: Any
) -> dict[str, np.ndarray]:
    own = training.train(data, network, category, feature=feature, **how)
    objects, _ = _objects(data, category, limit)
    parts = []
    for first in range(0, len(objects), grids.BATCH):
        images = crops.images(data, objects[first : first + grids.BATCH], how["size"])
        maps = grids.shifted(network, images, feature, factor)
        count, height, width = len(images), *maps.shape[3:5]
        flat = maps.reshape(-1, *maps.shape[3:])
        scores = hard_negatives.responses(flat, own.weights, own.bias)
        scores = scores.reshape(count, factor, factor, -1, height, width).transpose(0, 3, 4, 1, 5, 2)
        parts.append(scores.reshape(count, -1, height * factor, width * factor))
    return {"scores": np.concatenate(parts)}
