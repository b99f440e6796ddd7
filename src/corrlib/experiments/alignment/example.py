"""One object and its neighbours, aligned by each flow, as pictures (paper, Figure 3)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from corrlib import flow
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment.flows import GRID_LAYER, align
from corrlib.experiments.alignment.settings import Settings
from corrlib.experiments.shown import clear


@dataclass(frozen=True, eq=False)
class Example:
    """An object and n of its neighbours, which are the same for all flows.

    Attributes
    ----------
    target, neighbors : The crops ``(size, size, 3)`` and ``(n, size, size, 3)``.
    keypoints, neighbor_keypoints : ``(K, 2)`` and ``(n, K, 2)`` in these crops; NaN where invisible.
    nodes : ``(H, W, 2)`` the feature locations.
    flows : Method -> ``(n, size, size, 2)`` from each pixel of the object to its match.
    warped : Method -> ``(n, size, size, 3)`` the neighbours, warped to the object.
    points : Method -> ``(n, K, 2)`` their keypoints, transferred.
    errors : Method -> ``(n, K)`` their errors as `crops.errors`: infinite where only the object shows one.
    """

    target: np.ndarray
    keypoints: np.ndarray
    neighbors: np.ndarray
    neighbor_keypoints: np.ndarray
    nodes: np.ndarray
    flows: dict[str, np.ndarray]
    warped: dict[str, np.ndarray]
    points: dict[str, np.ndarray]
    errors: dict[str, np.ndarray]


def shown(settings: Settings, count: int = 3) -> list[str]:
    """Categories to show: the paper's bicycle and cat, and others drawn by the seed."""
    first = [name for name in ("bicycle", "cat") if name in settings.categories]
    others = [name for name in settings.categories if name not in first]
    order = np.random.default_rng(settings.seed).permutation(len(others))
    return first + [others[i] for i in order[: count - len(first)]]


def examples(
    data: VOC,
    network: Network,
    settings: Settings,
    category: str,
    betas: Mapping[str, float],
    count: int = 5,
) -> Example:
    """Align one of the `clear` objects of a category with `count` neighbours by both methods.

    The neighbours are those of the lowest mean rank by deformation energy, over the methods of `betas`.
    """
    field, size = network.receptive_fields[GRID_LAYER], settings.size
    train, val = (crops.objects(data, category, split) for split in ("train", "val"))
    pairs = {
        method: align(data, network, settings, category, feature=feature, beta=betas[method])
        for method, feature in settings.features.items()
    }
    first = next(iter(pairs.values()))  # objects and neighbours are the same for all methods
    candidates = clear([val[row] for row in first.rows])
    n = candidates[settings.seed % len(candidates)]
    ranks = sum(each.smoothness[n].argsort(kind="stable").argsort() for each in pairs.values())
    best = np.argsort(ranks, kind="stable")[:count]
    target, neighbors = val[first.rows[n]], [train[row] for row in first.neighbors[n, best]]
    images = crops.images(data, neighbors, size)
    flows = {m: flow.flow(each.labels_rc[n, best], field, field, (size, size)) for m, each in pairs.items()}
    points = {method: each.points[n, best] for method, each in pairs.items()}
    return Example(
        target=crops.images(data, [target], size)[0],
        keypoints=crops.keypoints([target], size)[0],
        neighbors=images,
        neighbor_keypoints=crops.keypoints(neighbors, size),
        nodes=field.centers(first.labels_rc.shape[2:4]),
        flows=flows,
        warped={
            m: np.stack([flow.warp(image, f) for image, f in zip(images, each, strict=True)])
            for m, each in flows.items()
        },
        points=points,
        errors={m: crops.errors(each, [target] * len(each), size) for m, each in points.items()},
    )
