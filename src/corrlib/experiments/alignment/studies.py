"""What the paper does not show of its section 3: solvers, orders, all features, every pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import dense, scores
from corrlib.experiments.alignment.features import prepare

PAPER_BETA = 3e-3
LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
RADII = (10.0, 20.0, 40.0, 80.0, 160.0)
#: Categories on which solvers are compared, and every layer and every radius is tried.
FEW = 4


def few(categories: Sequence[str]) -> list[str]:
    """A few of the categories, evenly spread."""
    return [categories[row] for row in sorted(crops.spread(len(categories), FEW))]


def solvers(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    methods: Mapping[str, Mapping[str, Any]],
    *,
    alpha: float,
    limit: int,
    top: int = 5,
    **how: Any,
) -> list[dict[str, Any]]:
    """Both solvers at the beta of each method and at the paper's: what they find, and what it is worth.

    Parameters
    ----------
    methods
        Name -> feature and beta.
    alpha
        Tolerance of the PCK.
    limit
        Instances a category.
    how
        As `flows.align` has it.

    Returns
    -------
    list of dict
        ``method``, ``beta``, ``solver``, what `scores.optimality` says, and ``pck (3,)`` with its interval.
    """
    found = []
    for name, own in methods.items():
        for beta in sorted({own["beta"], PAPER_BETA}):
            for solver in ("trws", "bp"):
                same = dict(how, **own, limit=limit) | dict(beta=beta, solver=solver)
                errors = scores.flow_errors(data, network, categories, top=top, **same)
                about = scores.optimality(data, network, categories, **same)
                pck = metrics.estimate(errors, [alpha])[0]
                found.append({"method": name, "beta": beta, "solver": solver, **about, "pck": pck})
    return found


def features(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    betas: Sequence[float],
    *,
    alpha: float,
    count: int = 25,
    retrieval_layer: str = "fc7",
    size: int = INPUT_SIDE,
    **how: Any,
) -> dict[str, np.ndarray]:
    """Mean PCK ``(3,)`` of alignment by each layer and by SIFT of each radius, with its interval.

    Parameters
    ----------
    betas
        For layers, and for SIFT.
    alpha
        Tolerance of the PCK.
    count, retrieval_layer, size, how
        As `flows.align` and `scores.flow_errors` have them.
    """
    kinds: dict[str, tuple[str | float, float]] = {name: (name, betas[0]) for name in LAYERS}
    kinds |= {f"SIFT\n{radius:g}": (radius, betas[1]) for radius in RADII}
    layers_and_radii = [feature for feature, _ in kinds.values()]
    prepare(data, network, categories, layers_and_radii, count=count, layer=retrieval_layer, size=size)
    how = dict(how, count=count, retrieval_layer=retrieval_layer, size=size)
    found = {}
    for label, (feature, beta) in kinds.items():
        errors = scores.flow_errors(data, network, categories, feature=feature, beta=beta, **how)
        found[label] = metrics.estimate(errors, [alpha])[0]
    return found


def every_pixel(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    methods: Mapping[str, Mapping[str, Any]],
    alphas: Sequence[float],
    *,
    size: int = INPUT_SIDE,
    **how: Any,
) -> dict[str, dict[str, np.ndarray]]:
    """Errors at all co-visible places, and at the annotated keypoints of the same pairs.

    Parameters
    ----------
    methods
        Name -> feature and beta.
    alphas
        Tolerances in units of the square's side.
    how
        As `dense.dense_errors` has it.

    Returns
    -------
    dict
        Method, then "no alignment" -> "all pixels" and "keypoints" -> ``(3, 1 + A)``: the median error in
        pixels and the PCK at each tolerance, averaged over instances and categories, with their intervals.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, own in methods.items():
        errors = dense.dense_errors(data, network, categories, size=size, **how, **own)
        for method, key in ((name, "flow"), ("no alignment", "copy")):
            places = {"all pixels": errors[key], "keypoints": errors[f"{key} keypoints"]}
            found[method] = {
                where: metrics.mean_interval(dense.summary(values, alphas, size))
                for where, values in places.items()
            }
    return {**{name: found[name] for name in methods}, "no alignment": found["no alignment"]}
