"""What the paper claims of classification, judged by intervals: it holds, it does not, or cannot be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.experiments.classification.keypoints import Feature
from corrlib.experiments.classification.scores import estimate

Named = Mapping[Feature, Sequence[np.ndarray]]


def classification(
    named: Named, *, convnet: str, sift: Feature, sharp: Feature, early: str, layers: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Judge what the paper says of Table 3.

    Parameters
    ----------
    named
        Feature -> names given to val, from `scores.classify`.
    convnet, sift, sharp, early
        The best layer, the best radius, the best of SIFT with less smoothing, and the best layer but for
        conv4 and conv5: chosen on train.
    layers
        The convolution layers compared.

    Returns
    -------
    dict
        The claim in words -> ``leads`` ``(n, 3)`` in percent, of ``what`` (n strings), and the ``verdict``.
    """

    def lead(one: Feature, other: Feature) -> tuple[str, np.ndarray]:
        return f"{label(one)}\u00a0\u2212\u00a0{label(other)}", estimate(named[one], minus=named[other])

    pooled = [(name, f"{kind}{name[4:]}") for name in layers for kind in ("pool", "norm")]
    stated = {
        "convnet features are at least as good as SIFT": [lead(convnet, sift)],
        "they are at least as good as SIFT with less smoothing (not in the paper)": [lead(convnet, sharp)],
    }
    deep = [name for name in ("conv4", "conv5") if name in layers]
    if deep and early not in deep:
        stated["conv4 and conv5 are at least as good as the best other layer"] = [
            lead(one, early) for one in deep
        ]
    leads = [lead(one, other) for one, other in pooled if other in named]
    if leads:
        stated["convolution layers are better than the pooling and normalisation layers after them"] = leads
    return {claim: _judged(leads, ties="at least" in claim) for claim, leads in stated.items()}


def localisation(found: Mapping[str, Any], layers: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Judge what the paper says of Figure 4, from `studies.localisation`; as `classification`.

    Leads are over a uniform draw: the share of peaks within half of the stride of conv3 to conv5, also for
    SIFT.
    """
    leads = {one["feature"]: one["lead"][-1] for one in found["features"]}

    def listed(wanted: Sequence[Feature]) -> list[tuple[str, np.ndarray]]:
        return [(label(one), leads[one]) for one in wanted]

    deep = [name for name in layers if name in ("conv3", "conv4", "conv5")]
    stated = {
        "conv3 to conv5 peak within half their stride more often than by chance": listed(deep),
        "so does SIFT, of every radius (the paper finds it not sensitive to the place)": listed(
            [one for one in leads if not isinstance(one, str)]
        ),
    }
    return {claim: _judged(leads) for claim, leads in stated.items() if leads}


def label(feature: Feature) -> str:
    """A feature in words: ``conv4``; ``SIFT 20``; ``SIFT 20, bin/12``, smoothed by a twelfth of a bin."""
    if isinstance(feature, str):
        return feature
    return f"SIFT {feature[0]:g}, bin/{feature[1]:g}" if isinstance(feature, tuple) else f"SIFT {feature:g}"


def _judged(leads: Sequence[tuple[str, np.ndarray]], *, ties: bool = False) -> dict[str, Any]:
    what, values = zip(*leads, strict=True)
    values = np.stack(values)
    return {"what": list(what), "leads": values, "verdict": metrics.judge(values, ties=ties)}
