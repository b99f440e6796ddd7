"""Correct and wrong classifications of keypoints, the basis of Table 3, Figure 5 and the claims."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.classification.features import positive
from corrlib.experiments.classification.settings import Feature, Settings
from corrlib.experiments.classification.training import classify, cross_validate

#: Shares of the training images of each category on which classifiers are trained.
SHARES = (0.125, 0.25, 0.5, 1.0)
#: The layers that the paper finds best.
LATE = ("conv4", "conv5")
#: Parts of a keypoint's name that distinguish it from its mirror image.
SIDES = {"L", "R", "Left", "Right"}

#: For each category ``(I, M, K)``: the predicted type of each visible keypoint, else -1, for K keypoints of
#: up to M objects in each of I images.
Predicted = Sequence[np.ndarray]


def errors(predicted: np.ndarray, settings: Settings, classes: np.ndarray | None = None) -> np.ndarray:
    """Errors ``(I, M, K)`` of a category, as `metrics.pck` has them: 0 right, 1 wrong, NaN where invisible.

    A keypoint is correct if the class ``(K,)`` of the predicted type is; if None, each type is a class. If
    ``settings.average`` is over keypoints, all keypoints are of one type: ``(I, M * K, 1)``.
    """
    classes = np.arange(predicted.shape[-1]) if classes is None else classes
    wrong = np.where(predicted < 0, np.nan, classes[predicted] != classes)
    return wrong if settings.average == "types" else wrong.reshape(len(wrong), -1, 1)


def accuracy(predicted: Predicted, settings: Settings) -> dict[str, np.ndarray]:
    """Category -> the accuracy in percent, averaged as the settings have it, and its interval ``(3,)``."""
    values = metrics.by_category([errors(each, settings) for each in predicted], settings.categories, 0.5)
    return {category: 100 * value for category, value in values.items()}


def mean_accuracy(
    predicted: Predicted,
    settings: Settings,
    *,
    minus: Predicted | None = None,
    classes: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Mean of `accuracy` over categories, or its difference from that of `minus`, with its interval ``(3,)``.

    The bootstrap draws images, the same ones for both. `classes` are those of each category for `errors`.
    """
    classes = [None] * len(predicted) if classes is None else classes
    ours, theirs = (
        [errors(table, settings, c) for table, c in zip(each, classes, strict=True)] if each else None
        for each in (predicted, minus)
    )
    return 100 * metrics.estimate(ours, [0.5], minus=theirs)[0]


def validate(
    data: VOC, network: Network, settings: Settings
) -> tuple[dict[Feature, np.ndarray], dict[Feature, np.ndarray]]:
    """Accuracy in percent in cross validation on the training set.

    Returns
    -------
    trained
        Feature -> ``(c,)`` of each of ``settings.validated_categories`` at ``settings.C``.
    curves
        Feature of Table 3 -> ``(len(Cs),)`` of the category ``settings.shown`` at each of ``settings.Cs``.
    """

    def accuracies(categories: Sequence[str], features: Sequence[Feature], Cs: Sequence[float]):
        some = replace(settings, categories=categories)
        predicted = cross_validate(data, network, some, features, Cs=Cs)
        return {
            feature: np.array([[100 * metrics.pck(errors(at, some), 0.5) for at in each] for each in tables])
            for feature, tables in predicted.items()
        }

    trained = accuracies(settings.validated_categories, settings.features, [settings.C])
    curves = accuracies([settings.shown], settings.features, settings.Cs)
    return {f: v[:, 0] for f, v in trained.items()}, {f: v[0] for f, v in curves.items()}


def best_features(trained: Mapping[Feature, np.ndarray], settings: Settings) -> dict[str, Feature]:
    """Features with the highest mean of the accuracies ``(c,)`` that `validate` returns; the first of ties.

    ``convnet``, the best layer; ``sift``, the best radius; ``early``, the best layer other than conv4 and
    conv5, if there is one.
    """
    early = [name for name in settings.layers if name not in LATE] or settings.layers
    kinds = {"convnet": settings.layers, "sift": settings.sift, "early": early}
    return {kind: max(some, key=lambda feature: trained[feature].mean()) for kind, some in kinds.items()}


def best_C(curves: Sequence[np.ndarray], Cs: Sequence[float]) -> float:
    """The C with the highest of accuracies ``(len(Cs),)``, averaged over features; the first of ties."""
    return Cs[int(np.mean(curves, axis=0).argmax())]


def mirrored(names: Sequence[str]) -> np.ndarray:
    """A class ``(K,)`` for each type of keypoint, the same for left and right (``L_Eye`` and ``R_Eye``)."""
    bare = ["_".join(word for word in name.split("_") if word not in SIDES) for name in names]
    return np.unique(bare, return_inverse=True)[1]


def merged_accuracy(data: VOC, settings: Settings, predicted: Predicted) -> np.ndarray:
    """Mean accuracy and interval ``(3,)`` if left may be taken for right, and right for left."""
    classes = [mirrored(data.keypoint_names(category)) for category in settings.categories]
    return mean_accuracy(predicted, settings, classes=classes)


def confusion(predicted: np.ndarray) -> np.ndarray:
    """Share of visible keypoints of each type (row) classified as each type (column): ``(K, K)``, or NaN."""
    count = predicted.shape[-1]
    total = np.zeros((count, count))
    known = predicted >= 0
    np.add.at(total, (np.nonzero(known)[-1], predicted[known]), 1)
    visible = total.sum(axis=1, keepdims=True)
    return np.divide(total, visible, out=np.full(total.shape, np.nan), where=visible > 0)


def sizes(
    data: VOC, network: Network, settings: Settings, features: Sequence[Feature]
) -> dict[Feature, np.ndarray]:
    """Mean accuracy and interval ``(4, 3)`` when only each of `SHARES` of the training images is used."""
    each = [classify(data, network, settings, features, share=share) for share in SHARES]
    return {
        feature: np.stack([mean_accuracy(one[feature], settings) for one in each]) for feature in features
    }


def rectification(data: VOC, network: Network, settings: Settings) -> dict[str, dict[str, Any]]:
    """The effect of rectification on classifiers, for each convolution layer in ``settings.layers``.

    Returns
    -------
    dict
        Layer -> ``active``: percent of its outputs at the keypoints of val that are positive, averaged over
        categories; ``linear`` and ``rectified``: mean accuracy ``(3,)`` before and after rectification, with
        its interval; ``gain``: the former minus the latter, ``(3,)``.
    """
    layers = [name for name in settings.layers if name.startswith("conv")]
    linear, rectified = (
        classify(data, network, replace(settings, rectified=value), layers) for value in (False, True)
    )
    active = [positive(data, network, c, "val", sampling=settings.sampling) for c in settings.categories]
    result = {}
    for name in layers:
        result[name] = {
            "active": 100 * float(np.mean([each[settings.sampling.layer(name)] for each in active])),
            "linear": mean_accuracy(linear[name], settings),
            "rectified": mean_accuracy(rectified[name], settings),
            "gain": mean_accuracy(linear[name], settings, minus=rectified[name]),
        }
    return result


def differences(
    predicted: Mapping[Feature, Predicted],
    best: Mapping[str, Feature],
    located: Mapping[str, Any],
    settings: Settings,
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """The differences, in points, on which the paper's claims of section 4 are based.

    Parameters
    ----------
    predicted
        What `classify` returns for all layers and SIFT.
    best, located
        What `best_features` and `localisation` return.

    Returns
    -------
    dict
        Claim -> what is compared, and the difference with its 95 % bootstrap interval ``(3,)``; of
        localisation, the share of peaks within half the stride of conv3 to conv5, minus that of a uniform
        draw.
    """

    def compared(*pairs: tuple[Feature, Feature]) -> list[tuple[str, np.ndarray]]:
        return [
            (f"{ours} \u2212 {theirs}", mean_accuracy(predicted[ours], settings, minus=predicted[theirs]))
            for ours, theirs in pairs
        ]

    def near(features: Sequence[Feature]) -> list[tuple[str, np.ndarray]]:
        values = {feature: located["features"][feature]["difference"][-1] for feature in features}
        return [(str(feature), value) for feature, value in values.items() if value is not None]

    early, layers = best["early"], [name for name in settings.layers if name.startswith("conv")]
    pooled = [(name, f"{kind}{name[4:]}") for name in layers for kind in ("pool", "norm")]
    result = {
        "conv-as-good-as-sift": compared((best["convnet"], best["sift"])),
        "conv4-conv5-best": compared(
            *((name, early) for name in layers if name in LATE and early not in LATE)
        ),
        "conv-over-pool-and-norm": compared(*(pair for pair in pooled if pair[1] in predicted)),
        "conv-peaks-near": near([name for name in layers if name in ("conv3", *LATE)]),
        "sift-peaks-near": near(settings.sift),
    }
    return {claim: each for claim, each in result.items() if each}
