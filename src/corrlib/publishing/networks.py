"""The paper's four experiments with each layer of a network, one number each: to compare networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import AlexNet, Network
from corrlib.convnet.module import NAMES
from corrlib.data import VOC
from corrlib.experiments import alignment, classification, prediction, visualization
from corrlib.experiments.classification.evaluation import errors as named
from corrlib.experiments.prediction.evaluation import predict
from corrlib.publishing import exercises
from corrlib.publishing.format import formatted, words
from corrlib.publishing.scoreboard.judging import listed, mark

#: For each layer or other method, a number and its difference from SIFT, each with an interval ``(3,)``.
Numbers = dict[str, dict[str, np.ndarray]]
#: The tolerance of PCK.
ALPHA = 0.1
#: Experiment -> its number, in a heading; the format of its differences; and the row of SIFT.
TITLES = {
    "detail": "detail score, difference from random places",
    "aligning": "alignment, PCK",
    "naming": "classification, accuracy",
    "predicting": "prediction, PCK",
}
FORMATS = {"detail": "+.2f"}
SIFT = {"aligning": "SIFT", "naming": "SIFT 40", "predicting": "SIFT"}
#: Claims of the paper: experiment, row, column, and whether equal is enough.
CLAIMS = (
    ("conv3 preserves details in their place", "detail", "conv3", "value", False),
    ("conv5 preserves details in their place", "detail", "conv5", "value", False),
    ("flow by conv4 performs at least as well as SIFT flow", "aligning", "conv4", "over SIFT", True),
    ("conv4 classifies keypoints at least as well as SIFT", "naming", "conv4", "over SIFT", True),
    ("detectors of conv5 outperform those of SIFT", "predicting", "conv5", "over SIFT", False),
    (
        "with the prior, detectors of conv5 outperform those of SIFT",
        "predicting",
        "conv5+prior",
        "over SIFT",
        False,
    ),
)


def detail(data: VOC, network: Network, layers: Sequence[str], *, images: int) -> Numbers:
    """Detail score of images rebuilt from five neighbours, minus that of random places nearby."""
    settings = visualization.Settings(database_images=images).resolve(data, network)
    return {name: {"value": exercises.detail(data, network, settings, name)["difference"]} for name in layers}


def naming(data: VOC, network: Network, layers: Sequence[str]) -> Numbers:
    """Mean accuracy in percent (Table 3), and the difference from SIFT of radius 40."""
    settings = classification.Settings().resolve(data, network)
    sift = next(kind for kind in settings.sift if kind.radius == 40)
    predicted = classification.classify(data, network, settings, [*layers, sift])
    errors = {str(f): [named(p, settings) for p in each] for f, each in predicted.items()}
    return _compared(errors, str(sift), 0.5)


def aligning(
    data: VOC, network: Network, layers: Sequence[str], *, limit: int | None, validated: int
) -> Numbers:
    """PCK of convnet flow in percent (Table 2), of NN transfer, and the differences from SIFT flow.

    `limit` objects per category are aligned. Beta is chosen for each flow, on `validated` training objects
    per category, by `alignment.validate`. Beside ``value`` and ``over SIFT``: ``beta``, and ``no flow``,
    whether most pairs do not move at it.
    """
    errors, about = {}, {}
    for layer in layers:
        settings = alignment.Settings(layer=layer, validated=validated).resolve(data, network)
        betas, validation = alignment.validate(data, network, settings)
        found = alignment.errors(data, network, settings, betas, limit=limit)
        names = dict(zip(found, (layer, "SIFT", "NN transfer"), strict=True))
        errors |= {name: found[method] for method, name in names.items()}
        about |= {
            names[method]: {"beta": beta, "no flow": method in validation.no_flow}
            for method, beta in betas.items()
        }
    compared = _compared(errors, "SIFT", ALPHA)
    return {name: each | about.get(name, {"beta": None}) for name, each in compared.items()}


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


def random_weights(network: AlexNet, *, seed: int) -> AlexNet:
    """A network of the same shape and preprocessing, whose convolutions are random (He et al., 2015)."""
    rng, weights = np.random.default_rng(seed), {}
    for layer in network.architecture.layers:
        weight, bias = network.parameters(layer.name)
        if layer.kind == "conv":
            scale = np.sqrt(2 / np.prod(weight.shape[1:]))
            weights[f"{layer.name}.weight"] = rng.normal(0, scale, weight.shape)
            weights[f"{layer.name}.bias"] = np.zeros(bias.shape)
    return AlexNet(network.architecture.name, weights, network.preprocessing, source="random weights")


def claims(measured: Mapping[str, Mapping[str, Numbers]]) -> list[dict[str, str]]:
    """The paper's claims about its network, judged on each of some: network -> experiment -> `Numbers`."""
    rows = []
    for text, experiment, row, column, at_least in CLAIMS:
        cells = {}
        for network, each in measured.items():
            difference = np.array(each[experiment][row][column], dtype=np.float64)
            verdict = mark(metrics.judge([difference], at_least=at_least))
            cells[network] = f"{verdict}<br>{listed('', difference, FORMATS.get(experiment, '+.1f'))}"
        rows.append({"claim": text, **cells})
    return rows


def table(measured: Mapping[str, Mapping[str, Numbers]], experiments: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each network and layer, and for SIFT, with the number of each experiment and its interval."""
    rows = []
    for network, each in measured.items():
        for layer in NAMES:
            cells = {TITLES[e]: each[e].get(layer, {}).get("value") for e in experiments}
            rows.append({"network": network, "layer": layer, **cells})
    first = next(iter(measured.values()))
    sift = {TITLES[e]: first[e].get(SIFT.get(e, ""), {}).get("value") for e in experiments}
    return [*rows, {"network": "SIFT", "layer": "", **sift}]


def panels(
    measured: Mapping[str, Mapping[str, Numbers]],
) -> tuple[dict[str, dict[str, dict[str, Any]]], Sequence[str], dict[str, Any], dict[str, Any]]:
    """The numbers of `corrlib.publishing.plots.by_depth`, the layers, the numbers of SIFT, and no flows."""
    first = next(iter(measured.values()))
    lines = {
        title: {
            network: {layer: each[e][layer]["value"] for layer in NAMES if layer in each[e]}
            for network, each in measured.items()
        }
        for e, title in TITLES.items()
    }
    sift = {TITLES[e]: first[e][row]["value"] for e, row in SIFT.items()}
    return lines, NAMES, sift, {TITLES["aligning"]: no_flow(measured)}


def no_flow(measured: Mapping[str, Mapping[str, Numbers]]) -> dict[str, list[str]]:
    """Network -> the layers by which most pairs do not move."""
    return {
        network: [layer for layer in NAMES if each["aligning"].get(layer, {}).get("no flow")]
        for network, each in measured.items()
    }


def still(measured: Mapping[str, Mapping[str, Numbers]]) -> str:
    """A sentence that names the layers by which most pairs do not move; empty if there are none."""
    phrases = [f"{words(layers)} of {network}" for network, layers in no_flow(measured).items() if layers]
    what = "most pairs do not move at the best beta, so that the median of the neighbours is copied"
    return f"With {', and with '.join(phrases)}, {what}." if phrases else ""


def unlearned(learned: Mapping[str, Numbers], random: Mapping[str, Numbers]) -> str:
    """A sentence that names the layers whose detail score is no higher than with random weights."""
    values = [{layer: each["value"][0] for layer, each in net["detail"].items()} for net in (learned, random)]
    layers = [layer for layer, value in values[0].items() if value <= values[1][layer]]
    if not layers:
        return "At every layer, the detail score is higher than with random weights."
    return (
        f"At {words(layers)}, random weights score at least as high as learned ones. A high detail score is"
        " therefore no evidence of what a network has learned."
    )


def in_words(
    photos: Mapping[str, Mapping[str, Numbers]], built: Mapping[str, Mapping[str, Numbers]], dataset: str
) -> str:
    """The best layer of each network in each experiment, and what learning adds at conv4, as sentences."""

    def best(measured: Mapping[str, Mapping[str, Numbers]], experiment: str) -> str:
        parts = []
        for network, each in measured.items():
            values = {name: each[experiment][name]["value"] for name in NAMES if name in each[experiment]}
            layer = max(values, key=lambda name: values[name][0])
            parts.append(f"{formatted(values[layer])} % for {network} ({layer})")
        return words(parts)

    aligned, named, predicted = (best(photos, e) for e in ("aligning", "naming", "predicting"))
    at_conv4 = [each["naming"]["conv4"]["value"] for each in built.values()]
    learned, random = map(formatted, at_conv4)
    return (
        f"In alignment on the paper's photographs, the best layers reach {aligned}; in classification,"
        f" {named}; in prediction, {predicted}.\n\nOn {dataset}, classifiers of conv4 name {learned} % of"
        f" the keypoints correctly with learned weights, and {random} % with random ones. Learning adds"
        f" {at_conv4[0][0] - at_conv4[1][0]:.1f} points."
    )
