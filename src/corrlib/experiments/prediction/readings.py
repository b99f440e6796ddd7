"""The paper's Table 4 under other readings of its text, one choice at a time."""

from dataclasses import replace
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import INPUT_SIDE, LINEAR, Network
from corrlib.data import VOC
from corrlib.experiments.prediction.evaluation import predict
from corrlib.experiments.prediction.settings import ALPHAS, Settings

#: Choice -> its readings in words -> the settings; `readings` adds rectification.
READINGS: dict[str, dict[str, dict[str, Any]]] = {
    "neighbour without the keypoint": {
        "any place is as likely": dict(prior_missing="any"),
        "the next one that shows it": dict(prior_missing="next"),
    },
    "neighbour": {
        "by pool5 of the crop of 500 pixels": dict(prior_layer="pool5", prior_size=500),
        f"by pool5 of a crop of {INPUT_SIDE} pixels": dict(prior_layer="pool5", prior_size=INPUT_SIDE),
        "by conv5 averaged over its places": dict(prior_layer="conv5 mean", prior_size=INPUT_SIDE),
    },
    "scores become probabilities": {
        "by fitted logistics": dict(calibrated=True),
        "by the plain logistic": dict(calibrated=False),
    },
    "C": {"1e-6, as in section 4": dict(C=1e-6), "1e-7": dict(C=1e-7), "1e-5": dict(C=1e-5)},
}


def readings(data: VOC, network: Network, settings: Settings) -> list[dict[str, Any]]:
    """Table 4 under other readings of the paper's text, changing one choice at a time.

    Returns
    -------
    list of dict
        ``choice`` and ``reading`` in words; ``ours``, whether it is that of `settings`; and ``pck``, method
        of `settings` -> category -> PCK ``(3,)`` at each of `ALPHAS`.
    """
    layer = settings.layer.removesuffix(LINEAR)
    outputs = {"rectified": dict(layer=layer), "before rectification": dict(layer=f"{layer}{LINEAR}")}
    ours, rows = _pck(data, network, settings, settings), []
    for choice, others in (READINGS | {layer: outputs}).items():
        for reading, other in others.items():
            own = replace(settings, **other)
            pck = ours if own == settings else _pck(data, network, settings, own)
            rows.append({"choice": choice, "reading": reading, "ours": own == settings, "pck": pck})
    alike = _pck(data, network, settings, settings, alike=True)
    for reading, pck in (("over types of keypoint, each averaged first", ours), ("over keypoints", alike)):
        rows.append({"choice": "average", "reading": reading, "ours": pck is ours, "pck": pck})
    return rows


def _pck(
    data: VOC, network: Network, settings: Settings, own: Settings, *, alike: bool = False
) -> dict[str, dict[str, np.ndarray]]:
    """Method of `settings` -> category -> PCK of `own` ones; `alike`: all keypoints are of one type."""
    result = {}
    for method, other in zip(settings.methods[::2], own.methods[::2], strict=True):
        _, each = predict(data, network, own, own.features[other], [None, settings.eta])
        for name, errors in zip((method, f"{method}+prior"), each, strict=True):
            errors = [of.reshape(len(of), -1, 1) if alike else of for of in errors]
            pck = [metrics.pck(of, ALPHAS) for of in errors]
            result[name] = dict(zip(settings.categories, pck, strict=True))
    return result
