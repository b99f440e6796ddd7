"""How well an alignment does on every pixel, where the truth is known: on figurines (not in the paper)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import cpu_count
from scipy.ndimage import map_coordinates

from corrlib import figurines, flow
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment.features import GRID_LAYER, neighbours
from corrlib.experiments.alignment.flows import align

#: Every so many pixels of a square are looked at.
STEP = 4


def dense_errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    *,
    pairs: int = 5,
    count: int = 25,
    retrieval_layer: str = "fc7",
    size: int = INPUT_SIDE,
    limit: int | None = None,
    **how: Any,
) -> dict[str, list[list[np.ndarray]]]:
    """Errors of the flow at all places that an instance and its nearest neighbours both show, one by one.

    Parameters
    ----------
    pairs
        Neighbours of each instance, the most similar first: the same whatever the features.
    count, retrieval_layer, size, limit, how
        As `flows.align` has them.

    Returns
    -------
    dict
        ``flow``, and ``copy``, when nothing is aligned: for each category and each of its instances the
        distances ``(P,)``, in pixels, of where a place is said to be in the neighbours' squares from where it
        is. ``flow keypoints`` and ``copy keypoints``: of the same pairs the distances of the neighbours'
        annotated keypoints, transferred, from the instance's own, where both are visible.

    Raises
    ------
    ValueError
        If the data set has no dense truth.
    """
    field = network.receptive_fields[GRID_LAYER]
    same = dict(count=count, retrieval_layer=retrieval_layer, size=size, limit=limit)
    names = ("flow", "copy", "flow keypoints", "copy keypoints")
    result: dict[str, list[list[np.ndarray]]] = {name: [] for name in names}
    for category in categories:
        found = align(data, network, category, "val", **same, **how)
        truth = cached(_truth, data=data, network=network, category=category, pairs=pairs, **same)
        moved = np.empty_like(truth["matches"])
        for n, j in np.unique(truth["pair"], axis=0):
            here = (truth["pair"] == (n, j)).all(axis=1)
            points = truth["points"][here]
            dense = flow.flow(found.labels_rc[n, j], field, field, (size, size))
            at = (map_coordinates(dense[..., k], points.T[::-1], order=1, mode="nearest") for k in (0, 1))
            moved[here] = points + np.stack(list(at), axis=-1)
        for name, claimed in (("flow", moved), ("copy", truth["points"])):
            distance = np.linalg.norm(claimed - truth["matches"], axis=1)
            result[name].append([distance[truth["pair"][:, 0] == n] for n in range(len(found.rows))])
        target, still = (
            crops.keypoints(crops.visible(data, category, split), size) for split in ("val", "train")
        )
        target, near = target[found.rows][:, None], found.neighbours[:, :pairs]
        for name, points in (("flow keypoints", found.points[:, :pairs]), ("copy keypoints", still[near])):
            distance = np.linalg.norm(points - target, axis=-1)
            result[name].append([one[np.isfinite(one)] for one in distance])
    return result


def summary(
    errors: list[list[np.ndarray]], alphas: Sequence[float], size: int = INPUT_SIDE
) -> list[np.ndarray]:
    """Of each instance the median error in pixels, and the PCK at each of `alphas` (of the square's side).

    Returns
    -------
    list of arrays (N, 1 + A)
        One a category; NaN for an instance that shares no place with its neighbours.
    """
    limits = np.asarray(alphas, dtype=float) * size
    result = []
    for category in errors:
        rows = np.full((len(category), 1 + len(limits)), np.nan)
        for row, one in zip(rows, category, strict=True):
            if len(one):
                row[:] = np.median(one), *(one[:, None] < limits).mean(axis=0)
        result.append(rows)
    return result


def true_matches(
    root: str | os.PathLike, reference: Instance, moving: Instance, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places ``(P, 2)`` of the reference's square that both show, and where they are in the moving one's.

    Every `STEP` pixels. ValueError if there is no dense truth.
    """
    axis = np.arange(STEP // 2, size, STEP)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    seen, other = (figurines.read_truth(root, one.image_id) for one in (reference, moving))
    # The truth is of whole pixels of the image: their places in the square are taken as they are.
    pixels = np.unique(np.rint(crops.crop(reference, size).inverse(lattice)).astype(int), axis=0)
    pixels = pixels[((pixels >= 0) & (pixels < seen.owner.shape[::-1])).all(axis=1)]
    x, y = pixels.T[:, None]  # an image of one row, of these pixels alone
    some = replace(seen, owner=seen.owner[y, x], part=seen.part[y, x], unit=seen.unit[y, x])
    places, visible = figurines.correspond(some, other, owner_a=reference.number, owner_b=moving.number)
    points = crops.crop(reference, size).points(pixels)
    return points[visible[0]], crops.crop(moving, size).points(places[0, visible[0]])


def _truth(
    data: VOC,
    network: Network,
    category: str,
    pairs: int,
    count: int,
    retrieval_layer: str,
    size: int,
    limit: int | None,
) -> dict[str, np.ndarray]:
    near = neighbours(data, network, category, "val", count=count, layer=retrieval_layer)
    reference, moving = crops.visible(data, category, "val"), crops.visible(data, category, "train")
    rows = crops.spread(len(near), limit)
    pairs = min(pairs, near.shape[1])
    todo = [(n, j, reference[row], moving[near[row, j]]) for n, row in enumerate(rows) for j in range(pairs)]
    with ThreadPoolExecutor(cpu_count()) as pool:
        found = list(pool.map(lambda t: true_matches(data.root, t[2], t[3], size), todo))
    pair = [np.tile([n, j], (len(points), 1)) for (n, j, _, _), (points, _) in zip(todo, found, strict=True)]
    points, matches = (np.concatenate([f[i] for f in found]) for i in (0, 1))
    return {"pair": np.concatenate(pair), "points": points, "matches": matches}
