"""One instance and its best aligned neighbours, as pictures (Figure 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corrlib import flow
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment.features import GRID_LAYER
from corrlib.experiments.alignment.flows import align


@dataclass(frozen=True, eq=False)
class Example:
    """An instance, and the neighbours that one kind of feature deforms least.

    Attributes
    ----------
    target
        The instance's square ``(size, size, 3)``.
    keypoints
        Its own ``(K, 2)``; NaN where invisible.
    neighbours, warped
        ``(n, size, size, 3)`` the neighbours' squares as they are, and as they are seen by the instance.
    points
        ``(n, K, 2)`` their keypoints, transferred.
    flows
        ``(n, size, size, 2)`` from each pixel of the instance to its match.
    nodes
        ``(H, W, 2)`` the feature locations.
    """

    target: np.ndarray
    keypoints: np.ndarray
    neighbours: np.ndarray
    warped: np.ndarray
    points: np.ndarray
    flows: np.ndarray
    nodes: np.ndarray


def examples(
    data: VOC,
    network: Network,
    category: str,
    number: int,
    methods: Mapping[str, Mapping[str, Any]],
    *,
    top: int = 5,
    size: int = INPUT_SIDE,
    **how: Any,
) -> dict[str, Example]:
    """Align one instance by several methods.

    Parameters
    ----------
    category, number
        The instance, among those of the category that are worth looking at (`large`); counted around.
    methods
        Name -> what of `flows.align` is its own: feature, beta, ...
    top
        Neighbours shown, the least deformed first.
    how
        As `flows.align` has it, for all.
    """
    field, result = network.receptive_fields[GRID_LAYER], {}
    train, val = (crops.visible(data, category, split) for split in ("train", "val"))
    for name, own in methods.items():
        pairs = align(data, network, category, "val", size=size, **how, **own)
        candidates = large([val[row] for row in pairs.rows])
        n = candidates[number % len(candidates)]
        best = np.argsort(pairs.smoothness[n], kind="stable")[:top]
        one = val[pairs.rows[n]]
        labels = pairs.labels_rc[n, best]
        flows = flow.flow(labels, field, field, (size, size))
        images = crops.images(data, [train[row] for row in pairs.neighbours[n, best]], size)
        result[name] = Example(
            target=crops.images(data, [one], size)[0],
            keypoints=crops.keypoints([one], size)[0],
            neighbours=images,
            warped=np.stack([flow.warp(image, f) for image, f in zip(images, flows, strict=True)]),
            points=pairs.points[n, best],
            flows=flows,
            nodes=field.centers(labels.shape[1:3]),
        )
    return result


def large(objects: Sequence[Instance]) -> list[int]:
    """Which of some objects to show: those with the larger half of boxes of the whole ones, if there are any.

    Whole is what is neither truncated nor difficult.
    """
    whole = [i for i, one in enumerate(objects) if not (one.truncated or one.difficult)]
    whole = whole or list(range(len(objects)))
    sides = np.array([np.ptp(objects[i].box.reshape(2, 2), axis=0).min() for i in whole])
    return [i for i, side in zip(whole, sides, strict=True) if side >= np.median(sides)]


def panels(found: Sequence[Mapping[str, Example]]) -> dict[str, Any]:
    """The arguments of `corrlib.publishing.plots.transferred` that draw `examples`, one for each target."""
    targets, methods = [next(iter(one.values())) for one in found], list(found[0])
    return {
        "targets": [one.target for one in targets],
        "keypoints": [one.keypoints for one in targets],
        "warped": {name: [one[name].warped for one in found] for name in methods},
        "points": {name: [one[name].points for one in found] for name in methods},
    }


def fields(found: Mapping[str, Example], number: int = 0) -> dict[str, Any]:
    """The arguments of `corrlib.publishing.plots.displacements` that draw a neighbour of each of `examples`."""
    one = next(iter(found.values()))
    return {
        "target": one.target,
        "neighbours": {name: its.neighbours[number] for name, its in found.items()},
        "warped": {name: its.warped[number] for name, its in found.items()},
        "flows": {name: its.flows[number] for name, its in found.items()},
        "nodes": one.nodes,
    }
