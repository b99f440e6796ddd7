"""Errors of transferred keypoints, method by method: what Table 2 and its curves are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import predictions
from corrlib.experiments.alignment.flows import TOLERANCE, align, copied

ORDERS = ("deformation", "data", "energy", "retrieval", "oracle")


def flow_errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    *,
    order: str = "deformation",
    top: int = 5,
    split: str = "val",
    size: int = INPUT_SIDE,
    **how: Any,
) -> list[np.ndarray]:
    """Errors of what aligned neighbours predict: for each category ``(N, K)``, as `metrics.errors`.

    Parameters
    ----------
    order
        By what the neighbours are ordered before the median of the first `top` is taken: ``deformation``
        energy (the paper's), the ``data`` term, their sum (``energy``), similarity (``retrieval``), or the
        true error (``oracle``).
    how
        As `flows.align` has it: feature, beta, solver, limit, ...
    """
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: expected one of {', '.join(ORDERS)}")
    found = []
    for category in categories:
        pairs = align(data, network, category, split, size=size, **how)
        objects = crops.visible(data, category, split)
        objects = [objects[row] for row in pairs.rows]
        if order == "retrieval":
            rank = np.broadcast_to(np.arange(pairs.points.shape[1]), pairs.points.shape[:2])
        elif order == "oracle":
            rank = predictions.oracle_order(pairs.points, objects, size)
        else:
            terms = {"deformation": pairs.smoothness, "data": pairs.data}
            rank = terms.get(order, pairs.smoothness + pairs.data)
        predicted = predictions.first_median(pairs.points, rank, top=top)
        found.append(crops.errors(predicted, objects, size))
    return found


def copy_errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    *,
    top: int = 5,
    split: str = "val",
    size: int = INPUT_SIDE,
    limit: int | None = None,
    **how: Any,
) -> list[np.ndarray]:
    """Errors when the nearest neighbours' keypoints are copied as they are (NN transfer), like `flow_errors`.

    `limit` and `how` as `flows.align` and `flows.copied` have them.
    """
    found = []
    for category in categories:
        points = copied(data, network, category, split, size=size, **how)
        objects = crops.visible(data, category, split)
        rows = crops.spread(len(objects), limit)
        points, objects = points[rows], [objects[row] for row in rows]
        rank = np.broadcast_to(np.arange(points.shape[1]), points.shape[:2])
        predicted = predictions.first_median(points, rank, top=top)
        found.append(crops.errors(predicted, objects, size))
    return found


def by_category(
    errors: Mapping[str, Sequence[np.ndarray]], categories: Sequence[str], alpha: float
) -> dict[str, dict[str, float]]:
    """Method -> category -> PCK, of errors by method as `flow_errors` returns them."""
    return {
        name: {c: float(metrics.pck(one, alpha)) for c, one in zip(categories, each, strict=True)}
        for name, each in errors.items()
    }


def optimality(data: VOC, network: Network, categories: Sequence[str], **how: Any) -> dict[str, float]:
    """How many alignments move nothing, and how far above the optimum their energies are.

    `how` as `flows.align` has it.

    Returns
    -------
    dict
        ``still``: the share of pairs in which nothing moves. ``optimal``: the share whose energy is within
        `flows.TOLERANCE` of the lower bound that TRW-S proves, whatever the solver. ``median`` and
        ``largest``: the energy's excess over that bound, as a share of it.
    """
    still, gaps = [], []
    for category in categories:
        found, certified = (align(data, network, category, **h) for h in (how, dict(how, solver="trws")))
        still.append((found.smoothness == 0).ravel())  # a shift of the whole grid would leave it
        gaps.append(((found.data + found.smoothness) / certified.bound - 1).ravel())
    still, gap = np.concatenate(still), np.concatenate(gaps)
    return {
        "still": float(still.mean()),
        "optimal": float((gap <= TOLERANCE).mean()),
        "median": float(np.median(gap)),
        "largest": float(gap.max()),
    }


def validate(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    betas: Sequence[float],
    *,
    alpha: float = 0.1,
    limit: int = 5,
    **how: Any,
) -> tuple[float, np.ndarray]:
    """Choose beta on the training set, whose instances are aligned with the others of their category.

    Parameters
    ----------
    betas
        To choose from.
    alpha
        The tolerance of the PCK that decides; beta should not follow that of a table.
    limit
        Instances a category that are aligned.
    how
        As `flow_errors` has it.

    Returns
    -------
    beta
        The one with the highest mean PCK.
    pck
        ``(betas, 3)`` mean PCK of each, and its 95 % bootstrap interval over instances.
    """
    how |= dict(split="train", limit=limit)
    # Category by category: what is read of one serves all betas.
    errors = [[flow_errors(data, network, [c], beta=float(b), **how)[0] for b in betas] for c in categories]
    curve = np.stack([metrics.estimate(each, [alpha])[0] for each in zip(*errors, strict=True)])
    return float(betas[int(curve[:, 0].argmax())]), curve
