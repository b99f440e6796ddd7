"""One object and its best aligned neighbours, as pictures (paper, Figure 3)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corrlib import flow
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment.flows import GRID_LAYER, align
from corrlib.experiments.alignment.settings import Settings

#: Neighbours of an object that are shown.
SHOWN = 5


@dataclass(frozen=True, eq=False)
class Example:
    """An object, and the neighbours that one kind of feature deforms least.

    Attributes
    ----------
    target : The object's crop ``(size, size, 3)``.
    keypoints : Its own ``(K, 2)``; NaN where invisible.
    neighbors, warped : ``(n, size, size, 3)`` the neighbours' crops as they are, and warped to the object.
    points : ``(n, K, 2)`` their keypoints, transferred.
    flows : ``(n, size, size, 2)`` from each pixel of the object to its match.
    nodes : ``(H, W, 2)`` the feature locations.
    """

    target: np.ndarray
    keypoints: np.ndarray
    neighbors: np.ndarray
    warped: np.ndarray
    points: np.ndarray
    flows: np.ndarray
    nodes: np.ndarray


def shown(settings: Settings, count: int = 4) -> list[str]:
    """Categories to show: the paper's cat and bicycle, and others drawn by the seed."""
    first = [name for name in ("cat", "bicycle") if name in settings.categories]
    others = [name for name in settings.categories if name not in first]
    order = np.random.default_rng(settings.seed).permutation(len(others))
    return first + [others[i] for i in order[: count - len(first)]]


def examples(
    data: VOC, network: Network, settings: Settings, category: str, betas: Mapping[str, float]
) -> dict[str, Example]:
    """Align one of the `large` objects of a category by both methods, whose `betas` are given."""
    field, size, result = network.receptive_fields[GRID_LAYER], settings.size, {}
    train, val = (crops.objects(data, category, split) for split in ("train", "val"))
    for method, feature in settings.features.items():
        pairs = align(data, network, settings, category, feature=feature, beta=betas[method])
        candidates = large([val[row] for row in pairs.rows])
        n = candidates[settings.seed % len(candidates)]
        best = np.argsort(pairs.smoothness[n], kind="stable")[:SHOWN]
        target, labels = val[pairs.rows[n]], pairs.labels_rc[n, best]
        flows = flow.flow(labels, field, field, (size, size))
        images = crops.images(data, [train[row] for row in pairs.neighbors[n, best]], size)
        result[method] = Example(
            target=crops.images(data, [target], size)[0],
            keypoints=crops.keypoints([target], size)[0],
            neighbors=images,
            warped=np.stack([flow.warp(image, f) for image, f in zip(images, flows, strict=True)]),
            points=pairs.points[n, best],
            flows=flows,
            nodes=field.centers(labels.shape[1:3]),
        )
    return result


def large(objects: Sequence[Instance]) -> list[int]:
    """Indices of objects to show: the larger half of those that are neither truncated nor difficult.

    If there are none of these, the larger half of all objects.
    """
    whole = [i for i, one in enumerate(objects) if not (one.truncated or one.difficult)]
    whole = whole or list(range(len(objects)))
    sides = np.array([np.ptp(objects[i].box.reshape(2, 2), axis=0).min() for i in whole])
    return [i for i, side in zip(whole, sides, strict=True) if side >= np.median(sides)]
