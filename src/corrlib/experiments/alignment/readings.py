"""The paper's Table 2 under other readings of its text, one choice at a time."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import LINEAR, Network
from corrlib.data import VOC
from corrlib.experiments.alignment.evaluation import errors
from corrlib.experiments.alignment.flows import GRID_LAYER, align, scale
from corrlib.experiments.alignment.settings import ALPHAS, PAPER_BETA, Settings
from corrlib.sift import SCALE_SPACE, Sift

#: Solver, as `corrlib.mrf.solve` calls it -> its name in a table.
SOLVERS = {"trws": "TRW-S", "bp": "BP"}
#: Ways to transfer a keypoint, by flow and in NN transfer -> the settings.
TRANSFERS = {
    "median of five, if most show it; copied from the first": dict(
        top=5, missing="most", copy_top=1, copy_missing="any"
    ),
    "median of five, if most show it": dict(top=5, missing="most", copy_top=5, copy_missing="most"),
    "median of those of five that show it": dict(top=5, missing="any", copy_top=5, copy_missing="any"),
    "median of the first five that show it": dict(top=5, missing="next", copy_top=5, copy_missing="next"),
    "of the first neighbour": dict(top=1, missing="any", copy_top=1, copy_missing="any"),
    "of the first neighbour that shows it": dict(top=1, missing="next", copy_top=1, copy_missing="next"),
}


def readings(
    data: VOC, network: Network, settings: Settings, betas: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Table 2 under other readings of the paper's text, changing one choice at a time.

    The choices are: whose keypoints are transferred (`TRANSFERS`), the layer by which neighbours are found,
    the unit of the paper's beta, whether the layer is rectified, the meaning of a radius of SIFT, and the
    solver. They are compared on ``settings.read`` objects per category.

    Returns
    -------
    list of dict
        ``choice`` and ``reading`` in words; ``ours``, whether it is that of `settings` and `betas`; ``pck``,
        method -> category -> PCK ``(3,)`` at each of `ALPHAS`; and ``still``, flow -> share of the pairs in
        which nothing moves.
    """
    betas = {method: betas[method] for method in settings.features}  # in their order
    norms = {m: scale(data, network, feature=f, size=settings.size) for m, f in settings.features.items()}
    squared = network.receptive_fields[GRID_LAYER].stride ** 2
    units = {
        f"{PAPER_BETA}, in pixels": dict.fromkeys(norms, PAPER_BETA),
        f"{PAPER_BETA}, in grid cells": dict.fromkeys(norms, PAPER_BETA / squared),
        f"{PAPER_BETA}, in pixels, for features as they are": {m: PAPER_BETA / n for m, n in norms.items()},
    }
    layers = [name for name in ("fc7", "conv5 mean", "pool5") if name.split()[0] in network.layers]
    halved = replace(settings, radius=settings.radius / 2, smoothing=SCALE_SPACE)
    layer = settings.convnet_layer.removesuffix(LINEAR)
    rectified = settings if layer == settings.convnet_layer else replace(settings, layer=layer)
    alternatives = [
        *(("keypoints", text, replace(settings, **by), betas) for text, by in TRANSFERS.items()),
        *(("neighbours", name, replace(settings, retrieval_layer=name), betas) for name in layers),
        *(("beta", text, settings, values) for text, values in units.items()),
        (layer, "rectified", rectified, betas),
        (layer, "before rectification", replace(settings, layer=f"{layer}{LINEAR}"), betas),
        ("SIFT", "radius: a bin; not smoothed", replace(settings, smoothing=0.0), betas),
        ("SIFT", "radius: half of the 4 x 4 bins; smoothed", halved, betas),
        *(("solver", text, replace(settings, solver=name), betas) for name, text in SOLVERS.items()),
    ]
    rows = []
    for choice, reading, own, own_betas in alternatives:
        # The same flows in the same order, though their names may say another radius.
        flows = dict(zip(own.features, own_betas.values(), strict=True))
        each = errors(data, network, own, flows, limit=settings.read).values()
        pck = {
            method: {c: metrics.pck(of, ALPHAS) for c, of in zip(settings.categories, by, strict=True)}
            for method, by in zip([*betas, "NN transfer"], each, strict=True)
        }
        stills = (_still(data, network, own, own.features[m], beta) for m, beta in flows.items())
        row = {"choice": choice, "reading": reading, "ours": own == settings and own_betas == betas}
        rows.append(row | {"pck": pck, "still": dict(zip(betas, stills, strict=True))})
    return rows


def _still(data: VOC, network: Network, settings: Settings, feature: str | Sift, beta: float) -> float:
    """Share of the pairs in which nothing moves."""
    inputs = dict(feature=feature, beta=beta, limit=settings.read)
    return float(
        np.mean([align(data, network, settings, c, **inputs).still.mean() for c in settings.categories])
    )
