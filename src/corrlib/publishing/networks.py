"""The paper's four experiments with each layer of a network, one number each: to compare networks."""

from collections.abc import Sequence

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.alignment.evaluation import copy_errors, flow_errors
from corrlib.experiments.classification.evaluation import errors as named
from corrlib.experiments.prediction.evaluation import predict
from corrlib.sift import Sift

#: For each layer or other method, a number and its difference from SIFT, each with an interval ``(3,)``.
Numbers = dict[str, dict[str, np.ndarray]]
#: The tolerance of PCK.
ALPHA = 0.1


def detail(data: VOC, network: Network, layers: Sequence[str], *, images: int) -> Numbers:
    """Detail score of images rebuilt from five neighbours, minus that of random places nearby."""
    settings = visualization.Settings(database_images=images).resolve(data, network)
    result: Numbers = {}
    for layer in layers:
        rebuilt = visualization.reconstruct(data, network, settings, layer)
        own = [rebuilt[image_id] for image_id in visualization.scored(data, settings)]
        result[layer] = {"value": visualization.scores(own, settings.k)["detail"]["difference"]}
    return result


def naming(data: VOC, network: Network, layers: Sequence[str]) -> Numbers:
    """Mean accuracy in percent (Table 3), and the difference from SIFT of radius 40."""
    settings = classification.Settings().resolve(data, network)
    sift = next(kind for kind in settings.sift if kind.radius == 40)
    predicted = classification.classify(data, network, settings, [*layers, sift])
    errors = {str(f): [named(p, settings) for p in each] for f, each in predicted.items()}
    return _compared(errors, str(sift), 0.5)


def aligning(
    data: VOC,
    network: Network,
    layers: Sequence[str],
    *,
    limit: int | None,
    validated: int,
    few: bool = False,
) -> Numbers:
    """PCK of convnet flow in percent (Table 2), of NN transfer, and the differences from SIFT flow.

    `limit` objects per category are aligned, and the best of the betas for each kind of feature is chosen on
    `validated` training objects per category, by PCK averaged over the paper's tolerances. `few`: in a few of
    the categories only. Beside ``value`` and ``over SIFT``, ``beta``.
    """
    settings = alignment.Settings().resolve(data, network)
    settings = alignment.few(settings) if few else settings
    errors, betas = {}, {}
    for name, feature in {**{layer: layer for layer in layers}, "SIFT": Sift(20.0)}.items():
        tried = {
            beta: metrics.mean_pck(
                flow_errors(
                    data, network, settings, feature=feature, beta=beta, split="train", limit=validated
                ),
                np.array(metrics.ALPHAS),
            ).mean()
            for beta in settings.betas
        }
        betas[name] = max(tried, key=tried.__getitem__)
        errors[name] = flow_errors(data, network, settings, feature=feature, beta=betas[name], limit=limit)
    errors["NN transfer"] = copy_errors(data, network, settings, limit=limit)
    result = _compared(errors, "SIFT", ALPHA)
    return {name: each | {"beta": betas.get(name)} for name, each in result.items()}


def predicting(data: VOC, network: Network, layers: Sequence[str]) -> Numbers:
    """PCK of detectors in percent (Table 4), without and with the prior, and the differences from SIFT."""
    errors: dict[str, dict[str, list[np.ndarray]]] = {"": {}, "+prior": {}}
    for layer in (*layers, prediction.SIFT):
        chosen = layer if layer in layers else layers[-1]
        settings = prediction.Settings(layer=chosen).resolve(data, network)
        _, found = predict(data, network, settings, layer, [None, settings.eta])
        for suffix, each in zip(errors, found, strict=True):
            errors[suffix][f"{'SIFT' if layer == prediction.SIFT else layer}{suffix}"] = each
    alone, prior = (_compared(each, f"SIFT{suffix}", ALPHA) for suffix, each in errors.items())
    return alone | prior


def _compared(errors: dict[str, list[np.ndarray]], sift: str, alpha: float) -> Numbers:
    return {
        name: {
            "value": 100 * metrics.estimate(each, [alpha])[0],
            "over SIFT": 100 * metrics.estimate(each, [alpha], minus=errors[sift])[0],
        }
        for name, each in errors.items()
    }
