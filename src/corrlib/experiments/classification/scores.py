"""Names given to keypoints by classifiers, right and wrong: what Table 3 and Figure 5 are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.classification.keypoints import Feature, Square, keypoints
from corrlib.experiments.classification.training import machines, samples

#: Words of a keypoint's name that tell it from its mirror image.
SIDES = {"L", "R", "Left", "Right"}


def classify(
    data: VOC, network: Network, categories: Sequence[str], wanted: Sequence[Feature], **how: Any
) -> dict[Feature, list[np.ndarray]]:
    """Train classifiers on train and name the keypoints of val (paper, section 4, Table 3).

    `wanted`, and `how`, are as `training.machines` has them.

    Returns
    -------
    dict
        Feature -> for each category ``(N, K)``: the type that each visible keypoint is taken for, else -1.
    """
    trained, square = machines(data, network, categories, wanted, **how), how.get("square") or Square()
    found: dict[Feature, list[np.ndarray]] = {}
    for feature, each in trained.items():
        found[feature] = []
        for category, machine in zip(categories, each, strict=True):
            rows = samples(data, network, category, "val", feature=feature, square=square)
            predicted = machine.predict(rows).astype(np.int16)
            found[feature].append(keypoints(data, category, "val").spread(predicted, -1))
    return found


def errors(predicted: np.ndarray, classes: np.ndarray | None = None) -> np.ndarray:
    """Whether keypoints ``(N, K)`` are named wrongly: 0 or 1, NaN where not visible; as `metrics.pck` has it.

    Parameters
    ----------
    predicted
        From `classify`.
    classes
        ``(K,)`` of the types: a keypoint is named rightly when the class is right. None: all differ.
    """
    classes = np.arange(predicted.shape[-1]) if classes is None else np.asarray(classes)
    return np.where(predicted < 0, np.nan, classes[predicted] != classes)


def accuracy(predicted: Sequence[np.ndarray]) -> np.ndarray:
    """Share of right names in percent, of each category the mean over its types of keypoints: ``(c,)``."""
    return np.array([100 * metrics.pck(errors(one), 0.5) for one in predicted])


def curve(predicted: Sequence[np.ndarray]) -> np.ndarray:
    """`accuracy` at each C ``(len(Cs), c)``, of what `training.validate` found for one feature."""
    return np.stack([accuracy(at) for at in zip(*predicted, strict=True)])


def estimate(
    predicted: Sequence[np.ndarray],
    *,
    minus: Sequence[np.ndarray] | None = None,
    classes: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Mean of `accuracy` over categories, or its lead over that of `minus`, with its 95 % interval: ``(3,)``.

    The bootstrap draws instances; `classes` of each category as `errors` has them.
    """
    classes = [None] * len(predicted) if classes is None else classes
    ours, theirs = (
        None if one is None else [errors(p, c) for p, c in zip(one, classes, strict=True)]
        for one in (predicted, minus)
    )
    value = metrics.mean_pck(ours, 0.5) - (0 if theirs is None else metrics.mean_pck(theirs, 0.5))
    return 100 * np.array([value, *metrics.bootstrap(ours, 0.5, minus=theirs)])


def mirrored(names: Sequence[str]) -> np.ndarray:
    """A class ``(K,)`` for each type of keypoint, the same for left and right (``L_Eye`` and ``R_Eye``)."""
    bare = ["_".join(word for word in name.split("_") if word not in SIDES) for name in names]
    return np.unique(bare, return_inverse=True)[1]


def confusion(predicted: np.ndarray) -> np.ndarray:
    """Of the visible keypoints of each type (row) the share taken for each (column), ``(K, K)``; or NaN."""
    count = predicted.shape[1]
    total = np.zeros((count, count))
    rows, kinds = np.nonzero(predicted >= 0)
    np.add.at(total, (kinds, predicted[rows, kinds]), 1)
    seen = total.sum(axis=1, keepdims=True)
    return np.divide(total, seen, out=np.full(total.shape, np.nan), where=seen > 0)
