"""Keypoints transferred from aligned neighbours, and their errors, from which Table 2 is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment.flows import align, copied
from corrlib.experiments.alignment.settings import ALPHAS, Settings
from corrlib.sift import Sift

#: Orders of neighbours: by deformation energy (as in the paper), the data term, their sum, similarity, and
#: the true error.
ORDERS = ("deformation", "data", "energy", "retrieval", "oracle")

#: Settings on which the errors of one kind of flow, at one beta and for one category, do not depend.
APART = {"layer", "radius", "smoothing", "alpha", "beta", "betas", "validated", "copy_top", "copy_missing"}
APART |= {"studied", "read", "category", "seed", "categories"}

#: Maximum number of values beyond the grid of betas that are tried.
WIDENED = 4

Errors = Sequence[np.ndarray]


def errors(
    data: VOC,
    network: Network,
    settings: Settings,
    betas: Mapping[str, float],
    *,
    order: str = "deformation",
    limit: int | None = None,
) -> dict[str, list[np.ndarray]]:
    """Errors of the keypoints that each method of Table 2 predicts for the validation objects.

    `betas` maps each flow to its beta; NN transfer copies from the most similar neighbours in any `order`.
    Method -> for each category ``(I, M, K)``: the flows of ``settings.features``, then NN transfer.
    """
    shared = dict(order=order, limit=limit)
    result = {
        method: flow_errors(data, network, settings, feature=feature, beta=betas[method], **shared)
        for method, feature in settings.features.items()
    }
    return result | {"NN transfer": copy_errors(data, network, settings, limit=limit)}


def flow_errors(
    data: VOC,
    network: Network,
    settings: Settings,
    *,
    feature: str | Sift,
    beta: float,
    order: str = "deformation",
    split: str = "val",
    limit: int | None = None,
) -> list[np.ndarray]:
    """Errors ``(I, M, K)`` per category of the keypoints that aligned neighbours predict.

    The median is of the first ``settings.top`` neighbours in `order`, one of `ORDERS`.
    """
    if order not in ORDERS:
        raise ValueError(f"unknown order {order!r}: expected one of {', '.join(ORDERS)}")
    inputs = dict(feature=feature, beta=beta, order=order, split=split, limit=limit)
    return [_of_category(data, network, settings, name, **inputs)["errors"] for name in settings.categories]


def _of_category(
    data: VOC, network: Network, settings: Settings, category: str, **inputs: Any
) -> dict[str, np.ndarray]:
    """The ``errors`` of a category's flows, and which pairs are ``still``."""
    inputs |= {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in APART}
    return cached(_errors, data=data, network=network, category=category, **inputs)


def _errors(
    data: VOC, network: Network, category: str, feature: str | Sift, beta: float, order: str, split: str,
    limit: int | None, **parameters: Any,
) -> dict[str, np.ndarray]:  # fmt: skip
    settings = Settings(**parameters)
    pairs = align(data, network, settings, category, feature=feature, beta=beta, split=split, limit=limit)
    objects = crops.objects(data, category, split)
    objects = [objects[row] for row in pairs.rows]
    if order == "retrieval":
        rank = np.broadcast_to(np.arange(pairs.points.shape[1]), pairs.points.shape[:2])
    elif order == "oracle":
        rank = oracle_order(pairs.points, objects, settings.size)
    else:
        terms = {"deformation": pairs.smoothness, "data": pairs.data}
        rank = terms.get(order, pairs.smoothness + pairs.data)
    predicted = first_median(pairs.points, rank, top=settings.top, missing=settings.missing)
    errors = crops.by_image(crops.errors(predicted, objects, settings.size), objects)
    return {"errors": errors, "still": pairs.still}


def copy_errors(
    data: VOC, network: Network, settings: Settings, *, split: str = "val", limit: int | None = None
) -> list[np.ndarray]:
    """Errors of NN transfer: the nearest neighbours' keypoints are copied where they are."""
    result = []
    for category in settings.categories:
        points = copied(data, network, settings, category, split)
        objects = crops.objects(data, category, split)
        points, objects = np.array(crops.subset(points, limit)), crops.subset(objects, limit)
        rank = np.broadcast_to(np.arange(points.shape[1]), points.shape[:2])
        predicted = first_median(points, rank, top=settings.copy_top, missing=settings.copy_missing)
        result.append(crops.by_image(crops.errors(predicted, objects, settings.size), objects))
    return result


def first_median(points: np.ndarray, order: np.ndarray, *, top: int = 5, missing: str = "next") -> np.ndarray:
    """Predict each keypoint: the median, by coordinate, of the first neighbours (section 3).

    Parameters
    ----------
    points
        ``(N, k, K, 2)`` keypoints that k neighbours transfer to each of N objects; NaN where not shown.
    order
        ``(N, k)`` numbers by which the neighbours are ordered, ascending; ties keep their order.
    top
        Number of neighbours over which the median is taken.
    missing
        One of `MISSING`. If some of these do not show a keypoint, the median is over the first `top` that do
        (``next``), or over those of the first `top` that do, whatever their number (``any``) or only if they
        are most of them (``most``).

    Returns
    -------
    array (N, K, 2) float64
        NaN where nothing is predicted.
    """
    if points.ndim != 4 or points.shape[3] != 2 or order.shape != points.shape[:2]:
        raise ValueError(f"expected points (N, k, K, 2), order (N, k), got {points.shape} and {order.shape}")
    rank = np.argsort(order, axis=1, kind="stable")
    points = np.take_along_axis(np.asarray(points, np.float64), rank[:, :, None, None], axis=1)
    shown = np.isfinite(points).all(axis=3)
    first = shown.cumsum(axis=1) if missing == "next" else np.arange(1, shown.shape[1] + 1)[:, None]
    used = shown & (first <= top)
    if missing == "most":
        used &= used.sum(axis=1, keepdims=True) > min(top, shown.shape[1]) / 2
    values = np.sort(np.where(used[..., None], points, np.inf), axis=1)
    count = used.sum(axis=1)[:, None, :, None]
    middle = (np.take_along_axis(values, np.maximum(count + odd - 2, 0) // 2, axis=1) for odd in (1, 2))
    median = (next(middle) + next(middle))[:, 0] / 2
    return np.where(np.isfinite(median), median, np.nan)


def oracle_order(points: np.ndarray, objects: Sequence[Instance], size: int) -> np.ndarray:
    """Order ``(N, k)`` by the truth: the mean error of the keypoints that each neighbour transfers."""
    each = crops.errors(points, objects, size)
    scored = np.isfinite(each)
    count = scored.sum(axis=2)
    total = np.where(scored, each, 0).sum(axis=2)
    return np.divide(total, count, out=np.full(count.shape, np.inf), where=count > 0)


@dataclass(frozen=True, eq=False)
class Validation:
    """The results of each flow on the training set at each of B betas.

    Attributes
    ----------
    betas : Ascending.
    pck : Flow -> ``(B, 3)`` PCK, averaged over `ALPHAS`, with the ends of its 95 % interval.
    still : Flow -> ``(B,)`` share of the pairs in which nothing moves.
    """

    betas: list[float]
    pck: dict[str, np.ndarray]
    still: dict[str, np.ndarray]

    @property
    def best(self) -> dict[str, float]:
        """Flow -> the beta with the highest PCK; the first of ties."""
        return {method: self.betas[int(pck[:, 0].argmax())] for method, pck in self.pck.items()}

    @property
    def no_flow(self) -> list[str]:
        """Flows that, at their best beta, leave most pairs as they are, and so amount to NN transfer."""
        return [m for m, best in self.best.items() if self.still[m][self.betas.index(best)] > 0.5]


def validate(data: VOC, network: Network, settings: Settings) -> tuple[dict[str, float], Validation]:
    """Choose beta on the training set, whose objects are aligned with the others of their category.

    Flow -> ``settings.beta``; or, if it is None, the one with the highest PCK, averaged over `ALPHAS`. While
    that is the first or the last of the grid, the grid is widened there, by at most `WIDENED` values.
    """
    grid = sorted(map(float, settings.betas))
    trials: dict[tuple[str, float], np.ndarray] = {}

    def try_all(betas: Sequence[float]) -> None:
        for beta in betas:
            for method, feature in settings.features.items():
                # What moves at no smaller beta does not move: no flow then has the lowest energy.
                still = [
                    value for (m, b), value in trials.items() if m == method and b < beta and value[3] == 1
                ]
                trial = still[0] if still else _trial(data, network, settings, feature, beta)
                trials[method, beta] = trial

    try_all(grid)
    for _ in range(WIDENED if len(grid) > 1 else 0):
        best = {max(grid, key=lambda beta, m=m: trials[m, beta][0]) for m in settings.features}
        edges = ((grid[0], grid[0] / grid[1]), (grid[-1], grid[-1] / grid[-2]))
        beyond = [float(f"{edge * ratio:.3g}") for edge, ratio in edges if edge in best]
        if not beyond:
            break
        try_all(beyond)
        grid = sorted({*grid, *beyond})
    values = {m: np.array([trials[m, beta] for beta in grid]) for m in settings.features}
    validation = Validation(
        grid, {m: v[:, :3] for m, v in values.items()}, {m: v[:, 3] for m, v in values.items()}
    )
    chosen = validation.best if settings.beta is None else dict.fromkeys(settings.features, settings.beta)
    return chosen, validation


def _trial(data: VOC, network: Network, settings: Settings, feature: str | Sift, beta: float) -> np.ndarray:
    """PCK over all of `ALPHAS` with its interval, and the share of still pairs, ``(4,)``, on train."""
    inputs = dict(feature=feature, beta=beta, order="deformation", split="train", limit=settings.validated)
    results = [_of_category(data, network, settings, category, **inputs) for category in settings.categories]
    # As many types thrice.
    each = [np.concatenate([result["errors"] / alpha for alpha in ALPHAS], axis=-1) for result in results]
    return np.append(
        metrics.estimate(each, [1.0])[0], np.mean([result["still"].mean() for result in results])
    )


def by_order(
    data: VOC, network: Network, settings: Settings, betas: Mapping[str, float]
) -> dict[str, dict[str, list[np.ndarray]]]:
    """Flow -> order of the neighbours, of `ORDERS` -> `errors`."""
    flows = {
        method: partial(flow_errors, data, network, settings, feature=feature, beta=betas[method])
        for method, feature in settings.features.items()
    }
    return {method: {order: of_flow(order=order) for order in ORDERS} for method, of_flow in flows.items()}


def differences(
    errors: Mapping[str, Errors], ordered: Mapping[str, Mapping[str, Errors]]
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """The differences in mean PCK, in points, on which the paper's claims of section 3 are based.

    Parameters
    ----------
    errors
        Errors of convnet flow, SIFT flow and NN transfer, in this order, all of the same objects.
    ordered
        As `by_order` returns them.

    Returns
    -------
    dict
        Claim -> what is compared, and the difference with its 95 % bootstrap interval ``(3,)``.
    """
    loose, *strict = ALPHAS
    (convnet, conv), (sift, by_sift), (_, copy) = errors.items()

    def compared(ours: Errors, theirs: Errors, alphas: Sequence[float]) -> list[tuple[str, np.ndarray]]:
        points = 100 * metrics.estimate(ours, alphas, minus=theirs)
        return [(f"alpha = {alpha:g}", point) for alpha, point in zip(alphas, points, strict=True)]

    return {
        "conv-flow-as-good": compared(conv, by_sift, [loose]),
        "conv-flow-stricter": compared(conv, by_sift, strict),
        "conv-flow-over-copy": compared(conv, copy, ALPHAS),
        "sift-flow-over-copy": compared(by_sift, copy, ALPHAS),
        "conv-deformation-order": compared(conv, ordered[convnet]["data"], [loose]),
        "sift-deformation-order": compared(by_sift, ordered[sift]["data"], [loose]),
    }
