"""Every instance aligned with its neighbours, and what the neighbours' keypoints become; kept on disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import flow
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment.features import GRID_LAYER, features, neighbours, scale
from corrlib.geometry import ReceptiveField

#: The field is inverted on every so many pixels of the square: the splines bend no faster than the grid's 16.
COARSE = 4
#: Instances that are kept on disk together, at first; then twice as many, and so on.
BLOCK = 4
#: Share of the energy by which it may exceed the bound of TRW-S: it stops there.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Aligned:
    """Instances of one category, their neighbours, and the alignment of each pair.

    Attributes
    ----------
    rows
        ``(N,)`` which of the split's instances, in the order of `crops.spread`.
    neighbours
        ``(N, k)`` rows of the training instances, the most similar first.
    labels_rc
        ``(N, k, H, W, 2)`` node of the neighbour's grid that each node of the instance's is matched with.
    points
        ``(N, k, K, 2)`` the neighbours' keypoints in the instance's square; NaN where a neighbour has none.
    data, smoothness, bound
        ``(N, k)`` the two terms of the energy, and the bound below which it cannot be (-inf: none known).
    iterations
        ``(N, k)`` of the solver.
    """

    rows: np.ndarray
    neighbours: np.ndarray
    labels_rc: np.ndarray
    points: np.ndarray
    data: np.ndarray
    smoothness: np.ndarray
    bound: np.ndarray
    iterations: np.ndarray


def align(
    data: VOC,
    network: Network,
    category: str,
    split: str = "val",
    *,
    feature: str | float = "conv4",
    beta: float = 3e-3,
    solver: str = "trws",
    iterations: int = 100,
    count: int = 25,
    retrieval_layer: str = "fc7",
    size: int = INPUT_SIDE,
    limit: int | None = None,
) -> Aligned:
    """Align instances of a category with their nearest neighbours in the training set (paper, section 3).

    Parameters
    ----------
    data, network, category, split
        Whose instances; the neighbours are always of ``train``.
    feature
        A layer of the network, or a radius of SIFT in pixels; taken at the same locations.
    beta
        Weight of squared differences of displacements in pixels, for features of RMS norm 1.
    solver, iterations
        As `corrlib.mrf.solve` has them.
    count
        Neighbours; fewer if there are not as many.
    retrieval_layer
        By whose cosine neighbours are near.
    size
        Side of the squares that boxes are warped to.
    limit
        At most so many instances, evenly spread; None for all.
    """
    inputs = dict(data=data, network=network, category=category, split=split, feature=feature, beta=beta)
    inputs |= dict(solver=solver, iterations=iterations, count=count, retrieval_layer=retrieval_layer)
    wanted = len(crops.spread(len(crops.visible(data, category, split)), limit))
    edges = [0, BLOCK]
    while edges[-1] < wanted:
        edges.append(2 * edges[-1])
    parts = [cached(_align, **inputs, size=size, first=a, last=b) for a, b in pairwise(edges)]
    return Aligned(**{name: np.concatenate([part[name] for part in parts])[:wanted] for name in parts[0]})


def copied(
    data: VOC,
    network: Network,
    category: str,
    split: str = "val",
    *,
    count: int = 25,
    retrieval_layer: str = "fc7",
    size: int = INPUT_SIDE,
) -> np.ndarray:
    """The neighbours' keypoints as they are in their own squares, ``(N, k, K, 2)``: no alignment at all."""
    rows = neighbours(data, network, category, split, count=count, layer=retrieval_layer)
    return crops.keypoints(crops.visible(data, category, "train"), size)[rows]


def transfer(labels_rc: np.ndarray, field: ReceptiveField, size: int, points: np.ndarray) -> np.ndarray:
    """Keypoints ``(..., K, 2)`` of moving squares where alignments ``(..., H, W, 2)`` put them.

    As inverting the flow of every pixel, but on a `COARSE` lattice: almost the same, and much faster.
    """
    coarse = ReceptiveField(field.size, field.stride / COARSE, (field.center + 0.5) / COARSE - 0.5)
    cells = -(-size // COARSE)
    moved = flow.flow(labels_rc, coarse, coarse, (cells, cells))
    return (flow.transfer(moved, (points + 0.5) / COARSE - 0.5) + 0.5) * COARSE - 0.5


@lru_cache(maxsize=4)
def _scaled(data: VOC, network: Network, category: str, split: str, feature: str | float, size: int):
    """Features of RMS norm 1, float32; those of one category serve many blocks and many betas in turn."""
    found = features(data, network, category, split, feature=feature, size=size)
    return found.astype(np.float32) / scale(data, network, feature=feature, size=size)


def _align(
    data: VOC,
    network: Network,
    category: str,
    split: str,
    feature: str | float,
    beta: float,
    solver: str,
    iterations: int,
    count: int,
    retrieval_layer: str,
    size: int,
    first: int,
    last: int,
) -> dict[str, np.ndarray]:
    found = neighbours(data, network, category, split, count=count, layer=retrieval_layer)
    rows = crops.spread(len(found))[first:last]
    reference, moving = (_scaled(data, network, category, s, feature, size) for s in (split, "train"))
    points = crops.keypoints(crops.visible(data, category, "train"), size)
    field = network.receptive_fields[GRID_LAYER]

    def one(row: int) -> tuple:
        near = found[row]
        solutions = flow.align(
            reference[row],
            moving[near],
            beta=beta,
            stride=field.stride,
            solver=solver,
            iterations=iterations,
            tolerance=TOLERANCE,
            threads=1,
        )
        labels = np.stack([s.labels_rc for s in solutions])
        numbers = [(s.data, s.smoothness, s.bound, s.iterations) for s in solutions]
        return labels, transfer(labels, field, size, points[near]), np.array(numbers)

    # A thread an instance, and none within: the products would wait for each other's threads.
    with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
        labels, moved, numbers = (np.stack(parts) for parts in zip(*pool.map(one, rows), strict=True))
    return {
        "rows": rows,
        "neighbours": found[rows],
        "labels_rc": labels.astype(np.uint8),
        "points": moved,
        **{name: numbers[..., i] for i, name in enumerate(("data", "smoothness", "bound", "iterations"))},
    }
