"""Names given to keypoints by classifiers, right and wrong: what Table 3 and Figure 5 are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from corrlib import metrics, svm
from corrlib.convnet import Network
from corrlib.datasets import VOC
from corrlib.experiments.classification.keypoints import (
    Feature,
    Square,
    features,
    keypoints,
    scale,
)
from corrlib.store import cached

#: Words of a keypoint's name that tell it from its mirror image.
SIDES = {"L", "R", "Left", "Right"}


def classify(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    *,
    C: float = 1e-6,
    share: float = 1.0,
    seed: int = 0,
    square: Square | None = None,
) -> dict[Feature, list[np.ndarray]]:
    """Train classifiers on train and name the keypoints of val (paper, section 4, Table 3).

    Parameters
    ----------
    wanted
        Features: layers of the network, SIFT of some radii.
    C
        Of the SVMs, for features of RMS norm 512.
    share
        Of the training images of each category, drawn at random; at least one.
    seed
        Of that draw. A larger share contains a smaller.
    square
        Where features are taken; none: the box, warped to 227 pixels.

    Returns
    -------
    dict
        Feature -> for each category ``(N, K)``: the type that each visible keypoint is taken for, else -1.
    """
    how = dict(C=float(C), share=float(share), seed=seed)
    return _run(_classified, data, network, categories, wanted, square, how)


def validate(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    *,
    Cs: Sequence[float],
    folds: int = 5,
    square: Square | None = None,
) -> dict[Feature, list[np.ndarray]]:
    """Name the keypoints of train by cross validation, for each C (Figure 5).

    Parameters
    ----------
    Cs
        Values of C.
    folds
        Parts of the training images of each category; as many as it has images, if these are fewer. An image
        is never divided, nor then an instance.

    Returns
    -------
    dict
        As `classify`, each ``(len(Cs), N, K)``.
    """
    how = dict(Cs=[float(C) for C in Cs], folds=folds)
    return _run(_validated, data, network, categories, wanted, square, how)


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
    """`accuracy` at each C ``(len(Cs), c)``, of what `validate` found for one feature."""
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


def _run(
    compute: Callable[..., dict[str, np.ndarray]],
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    square: Square | None,
    how: dict[str, Any],
) -> dict[Feature, list[np.ndarray]]:
    """Compute all categories and features on all cores; features are shared by the threads, not copied."""
    square = square or Square()
    tasks = []
    for feature in wanted:
        factor = scale(data, network, feature=feature, square=square)
        # SIFT is the same whatever the network.
        common = dict(data=data, network=network if isinstance(feature, str) else None, feature=feature)
        for category in categories:
            features(data, network, category, "val", feature=feature, square=square)
            tasks.append(dict(common, category=category, factor=factor, square=square, **how))
    with threadpool_limits(1):  # a thread a task, none within
        parallel = Parallel(cpu_count(), backend="threading")
        found = parallel(delayed(cached)(compute, **task) for task in tasks)
    found = [one["predicted"] for one in found]
    step = len(categories)
    return {feature: found[i * step : (i + 1) * step] for i, feature in enumerate(wanted)}


def _samples(
    data: VOC,
    network: Network,
    category: str,
    split: str,
    feature: Feature,
    factor: float,
    square: Square,
):
    found = features(data, network, category, split, feature=feature, square=square)
    return keypoints(data, category, split), found * np.float32(factor)


def _classified(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    factor: float,
    square: Square,
    C: float,
    share: float,
    seed: int,
) -> dict[str, np.ndarray]:
    known, samples = _samples(data, network, category, "train", feature, factor, square)
    images = np.unique(known.image)
    order = np.random.default_rng(seed).permutation(images)
    chosen = np.isin(known.image, order[: max(1, round(share * len(images)))])
    machine = svm.train(samples[chosen], known.kind[chosen], C=C)
    asked, samples = _samples(data, network, category, "val", feature, factor, square)
    return {"predicted": asked.spread(machine.predict(samples).astype(np.int16), -1)}


def _validated(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    factor: float,
    square: Square,
    Cs: list[float],
    folds: int,
) -> dict[str, np.ndarray]:
    known, samples = _samples(data, network, category, "train", feature, factor, square)
    try:
        found = svm.cross_validate(samples, known.kind, known.image, Cs=Cs, count=folds)
    except ValueError as error:
        raise ValueError(f"{data.root}: {category!r} in train: {error}") from error
    return {"predicted": known.spread(found.astype(np.int16), -1)}
