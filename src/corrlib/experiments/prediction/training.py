"""A detector for each keypoint of a category, and how probable what it says is; kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from corrlib import detection, hard_negatives
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.prediction.grids import BATCH, SIFT, SIZE, field, instances, maps
from corrlib.geometry import ReceptiveField

#: Parts of the training set, each scored by detectors that were trained on the others.
FOLDS = 2
#: Their detectors are only as good as a logistic and the choice of eta need: to this duality gap.
ENOUGH = 0.01
#: How detectors are trained unless something else is asked for: the paper's context and C.
DEFAULTS = {"context": 3, "C": 1e-6, "rounds": 200, "seed": 0, "size": SIZE}


@dataclass(frozen=True, eq=False)
class Trained:
    """Detectors of a category's K keypoints, trained on one kind of features.

    Attributes
    ----------
    field
        The grid that they slide over.
    weights, bias
        As `corrlib.hard_negatives.Detectors` has them.
    slope, offset
        ``(K,)`` of the logistic that makes a score a probability, fitted on `held_out`.
    held_out
        ``(N, K, H, W)`` float32 scores of the training instances, by detectors trained without them (and
        without all others of their image).
    rounds, gap, hard
        ``(K,)`` how the training ended (`corrlib.hard_negatives.Detectors`).
    """

    field: ReceptiveField
    weights: np.ndarray
    bias: np.ndarray
    slope: np.ndarray
    offset: np.ndarray
    held_out: np.ndarray
    rounds: np.ndarray
    gap: np.ndarray
    hard: np.ndarray


def train(data: VOC, network: Network, category: str, *, feature: str = "conv5", **how: Any) -> Trained:
    """Train the detectors of a category on all its training instances.

    Parameters
    ----------
    feature
        A layer of the network, or ``sift``.
    how
        What is to differ from `DEFAULTS`: ``context``, the side of the window of a layer's units that makes a
        feature (SIFT has none); ``C`` and ``rounds`` as `corrlib.hard_negatives.mine` has them; ``seed``, of that and
        of the folds; ``size``, the side of the squares.
    """
    given = inputs(network, feature, how)
    found = cached(_train, data=data, category=category, **given)
    return Trained(field=field(network, feature, given["context"]), **found)


def scores(
    data: VOC, network: Network, category: str, split: str, *, feature: str = "conv5", **how: Any
) -> np.ndarray:
    """Scores ``(N, K, H, W)`` float32 of all instances of a split; of train, those that were held out.

    `feature` and `how` as `train` has them.
    """
    if split == "train":
        return train(data, network, category, feature=feature, **how).held_out
    given = inputs(network, feature, how)
    return cached(_score, data=data, category=category, split=split, **given)["scores"]


def folds(image_ids: list[str], count: int, seed: int) -> np.ndarray:
    """Fold ``(N,)`` of each instance: those of one image are never divided."""
    names, own = np.unique(image_ids, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(names)) % count)[own]


def labels(points: np.ndarray, grid: ReceptiveField, shape: tuple[int, int], feature: str) -> np.ndarray:
    """The paper's examples for a kind of features (`corrlib.detection`)."""
    rule = detection.labels_by_distance if feature == SIFT else detection.labels_by_field
    return rule(points, grid, shape)


def calibrate(held_out: np.ndarray, examples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset ``(K,)`` of each keypoint's logistic, from scores ``(N, K, H, W)`` and labels ``(K,
    N, H, W)``.

    Where a keypoint has no held out example (it is seen in one image alone, say) they are 1 and 0.
    """
    slope, offset = np.ones(len(examples)), np.zeros(len(examples))
    for k, label in enumerate(examples):
        score = held_out[:, k].astype(np.float64)
        used = (label != 0) & np.isfinite(score)
        if 0 < (label[used] > 0).sum() < used.sum():
            slope[k], offset[k] = detection.fit_logistic(score[used], label[used] > 0)
    return slope, offset


def inputs(network: Network, feature: str, how: dict[str, Any]) -> dict[str, Any]:
    """What detectors depend on. SIFT does not depend on a network, nor has it a context."""
    own = {"network": None, "context": 1} if feature == SIFT else {"network": network}
    return {"feature": feature, **DEFAULTS, **how, **own}


def _train(
    data: VOC,
    network: Network | None,
    category: str,
    feature: str,
    context: int,
    C: float,
    rounds: int,
    seed: int,
    size: int,
) -> dict[str, np.ndarray]:
    objects = instances(data, category, "train")
    found = maps(data, network, objects, feature, size)
    shape = found.shape[1:3]
    examples = labels(crops.keypoints(objects, size), field(network, feature, context), shape, feature)
    how = dict(context=context, C=C, rounds=rounds, seed=seed)
    whole = hard_negatives.mine(found, examples, **how)
    part = folds([one.image_id for one in objects], FOLDS, seed)
    held_out = np.full((len(objects), len(examples), *shape), np.nan, np.float32)
    for fold in np.unique(part):
        out = part == fold
        others = examples.copy()
        others[:, out] = 0
        detectors = hard_negatives.mine(found, others, start=whole, tolerance=ENOUGH, **how)
        held_out[out] = hard_negatives.responses(found[out], detectors.weights, detectors.bias)
    slope, offset = calibrate(held_out, examples)
    ended = {"rounds": whole.rounds, "gap": whole.gap, "hard": whole.hard}
    own = {"weights": whole.weights, "bias": whole.bias, "slope": slope, "offset": offset}
    return {**own, **ended, "held_out": held_out}


def _score(
    data: VOC, network: Network | None, category: str, split: str, feature: str, **how: Any
) -> dict[str, np.ndarray]:
    own = cached(_train, data=data, network=network, category=category, feature=feature, **how)
    objects, parts = instances(data, category, split), []
    for first in range(0, len(objects), BATCH):
        found = maps(data, network, objects[first : first + BATCH], feature, how["size"])
        parts.append(hard_negatives.responses(found, own["weights"], own["bias"]))
    return {"scores": np.concatenate(parts)}
