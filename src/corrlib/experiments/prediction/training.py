"""A detector for each keypoint of a category, its scores, and their probabilities; kept in the cache."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from corrlib import detection, hard_negatives
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.prediction.features import category_features, grid, map_categories
from corrlib.experiments.prediction.settings import SIFT, Settings
from corrlib.geometry import ReceptiveField

#: Number of parts of the training set, each scored by detectors that were trained on the others.
FOLDS = 2
#: Duality gap of those detectors: more exact ones would change neither the logistics nor the choice of eta.
HELD_OUT_GAP = 0.01


@dataclass(frozen=True, eq=False)
class Trained:
    """Detectors of a category's K keypoints, trained on one kind of feature.

    Attributes
    ----------
    weights, bias, rounds, duality_gap, support_vectors : As in `corrlib.hard_negatives.Detectors`.
    held_out
        ``(N, K, H, W)`` float32 scores of the training objects, by detectors trained without these objects
        and without the others in their images.
    slope, offset : ``(K,)`` of the logistic that maps a score to a probability, fitted to `held_out`.
    """

    weights: np.ndarray
    bias: np.ndarray
    rounds: np.ndarray
    duality_gap: np.ndarray
    support_vectors: np.ndarray
    held_out: np.ndarray
    slope: np.ndarray
    offset: np.ndarray

    @property
    def digest(self) -> str:
        """Of the detectors: scores in the cache are keyed by it."""
        return hashlib.sha256(self.weights.tobytes() + self.bias.tobytes()).hexdigest()[:16]


def train(data: VOC, network: Network, settings: Settings, category: str, feature: str) -> Trained:
    """Train the detectors of a category on all its training objects.

    `feature` is a layer, or ``sift``, which depends neither on the network nor on the context.
    """
    parameters = dict(C=settings.C, rounds=settings.rounds, seed=settings.seed)
    parameters["context"] = 1 if feature == SIFT else settings.context
    return Trained(**cached(_train, **_inputs(data, network, settings, category, feature), **parameters))


def scores(
    data: VOC,
    network: Network,
    settings: Settings,
    category: str,
    feature: str,
    *,
    split: str = "val",
    limit: int | None = None,
) -> tuple[np.ndarray, ReceptiveField]:
    """Scores ``(N, K, H, W)`` of a category's objects by its detectors, and their grid.

    Parameters
    ----------
    settings
        Detectors slide in steps of ``settings.stride``, whatever the stride in training.
    split
        ``val``; or ``train``, whose scores are held out and at the layer's own stride.
    limit
        Size of an evenly spaced subset of the objects of ``val``.
    """
    trained = train(data, network, settings, category, feature)
    own = feature == SIFT or split == "train"
    factor = 1 if own else network.receptive_fields[feature].stride // settings.stride
    field, _ = grid(network, feature, size=settings.size, context=settings.context, factor=factor)
    if split == "train":
        return trained.held_out, field
    inputs = _inputs(data, network, settings, category, feature)
    return cached(_score, **inputs, detectors=trained, factor=factor, limit=limit)["scores"], field


def mining(data: VOC, network: Network, settings: Settings) -> dict[str, dict[str, float]]:
    """Train the detectors of all categories, and summarise the training.

    Method -> the number of ``detectors``; the largest ``rounds`` and ``largest gap``; the median over
    detectors of ``hard`` examples, inside the margin; the mean over categories of ``windows`` in all training
    crops.
    """
    result = {}
    objects = np.mean([len(crops.objects(data, category, "train")) for category in settings.categories])
    for method, feature in settings.features.items():
        each = map_categories(partial(train, data, network, settings, feature=feature), settings.categories)
        names = ("rounds", "duality_gap", "support_vectors")
        rounds, gap, hard = (np.concatenate([getattr(trained, name) for trained in each]) for name in names)
        exists = np.isfinite(gap)
        result[method] = {
            "detectors": int(exists.sum()),
            "rounds": int(rounds.max()),
            "largest gap": float(gap[exists].max()),
            "hard": float(np.median(hard[exists])),
            "windows": float(objects * np.prod(grid(network, feature, size=settings.size)[1])),
        }
    return result


def folds(image_ids: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Fold ``(N,)`` of each object; the objects of one image are in the same fold."""
    names, image = np.unique(image_ids, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(names)) % count)[image]


def calibrate(held_out: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset ``(K,)`` of the logistics of scores ``(N, K, H, W)`` with labels ``(K, N, H, W)``.

    1 and 0 where there are no held out examples of both kinds: the keypoint is seen in one image only, say.
    """
    slope, offset = np.ones(len(labels)), np.zeros(len(labels))
    for k, label in enumerate(labels):
        score = held_out[:, k].astype(np.float64)
        used = (label != 0) & np.isfinite(score)
        if 0 < (label[used] > 0).sum() < used.sum():
            slope[k], offset[k] = detection.fit_logistic(score[used], label[used] > 0)
    return slope, offset


def _inputs(data: VOC, network: Network, settings: Settings, category: str, feature: str) -> dict[str, Any]:
    """The inputs of features: SIFT does not depend on the network, nor a layer on the smoothing."""
    shared = dict(data=data, category=category, feature=feature, size=settings.size)
    if feature == SIFT:
        return shared | dict(network=None, smoothing=settings.smoothing)
    return shared | dict(network=network, smoothing=0.0)


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
    smoothing: float,
) -> dict[str, np.ndarray]:
    objects = crops.objects(data, category, "train")
    batches = category_features(data, network, category, "train", feature, size=size, smoothing=smoothing)
    maps = np.concatenate([maps[:, 0, 0] for maps in batches])
    label = detection.labels_by_distance if feature == SIFT else detection.labels_by_field
    labels = label(crops.keypoints(objects, size), *grid(network, feature, size=size, context=context))
    parameters = dict(context=context, C=C, rounds=rounds, seed=seed)
    whole = hard_negatives.train(maps, labels, **parameters)
    part = folds([instance.image_id for instance in objects], FOLDS, seed)
    held_out = np.full(labels.swapaxes(0, 1).shape, np.nan, np.float32)
    for fold in np.unique(part):
        others = np.where((part == fold)[:, None, None], np.int8(0), labels)
        half = hard_negatives.train(maps, others, start=whole, tolerance=HELD_OUT_GAP, **parameters)
        held_out[part == fold] = hard_negatives.responses(maps[part == fold], half.weights, half.bias)
    slope, offset = calibrate(held_out, labels)
    names = ("weights", "bias", "rounds", "duality_gap", "support_vectors")
    result = {name: getattr(whole, name) for name in names}
    return result | {"held_out": held_out, "slope": slope, "offset": offset}


def _score(
    data: VOC,
    network: Network | None,
    category: str,
    feature: str,
    detectors: Trained,
    size: int,
    smoothing: float,
    factor: int,
    limit: int | None,
) -> dict[str, np.ndarray]:
    about, parts = dict(size=size, factor=factor, smoothing=smoothing, limit=limit), []
    for maps in category_features(data, network, category, "val", feature, **about):
        each = hard_negatives.responses(maps.reshape(-1, *maps.shape[3:]), detectors.weights, detectors.bias)
        (k, h, w), n = each.shape[1:], len(maps)
        each = each.reshape(n, factor, factor, k, h, w).transpose(0, 3, 4, 1, 5, 2)
        parts.append(each.reshape(n, k, h * factor, w * factor))
    return {"scores": np.concatenate(parts)}
