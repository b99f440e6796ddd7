"""The classifiers of a category's keypoints, trained once for all that is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from corrlib import svm
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.classification.keypoints import Feature, Square, features, keypoints, scale


def machines(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    *,
    C: float = 1e-6,
    share: float = 1.0,
    seed: int = 0,
    square: Square | None = None,
) -> dict[Feature, list[svm.LinearSVM]]:
    """Train on train a linear SVM for each keypoint of a category against its others (paper, section 4).

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
        Feature -> for each category the machine, for features as `samples` has them.
    """
    how = dict(C=float(C), share=float(share), seed=seed)
    found = _parallel(_trained, data, network, categories, wanted, square, how)
    return {feature: [svm.LinearSVM(**one) for one in each] for feature, each in found.items()}


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
        Feature -> for each category ``(len(Cs), N, K)``: the type that each visible keypoint is taken for,
        else -1.
    """
    how = dict(Cs=[float(C) for C in Cs], folds=folds)
    found = _parallel(_validated, data, network, categories, wanted, square, how)
    return {feature: [one["predicted"] for one in each] for feature, each in found.items()}


def samples(
    data: VOC, network: Network, category: str, split: str, *, feature: Feature, square: Square
) -> np.ndarray:
    """One feature at each visible keypoint, of RMS norm 512 over the training set: ``(n, D)`` float32."""
    factor = scale(data, network, feature=feature, square=square)
    found = features(data, network, category, split, feature=feature, square=square)
    return found * np.float32(factor)


def _parallel(
    compute: Callable[..., dict[str, np.ndarray]],
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    square: Square | None,
    how: dict[str, Any],
) -> dict[Feature, list[dict[str, np.ndarray]]]:
    """Compute all categories and features on all cores; features are shared by the threads, not copied."""
    square = square or Square()
    tasks = []
    for feature in wanted:
        scale(data, network, feature=feature, square=square)  # and with it all features, on all cores
        # SIFT is the same whatever the network.
        common = dict(data=data, network=network if isinstance(feature, str) else None, feature=feature)
        tasks += [dict(common, category=category, square=square, **how) for category in categories]
    with threadpool_limits(1):  # a thread a task, none within
        parallel = Parallel(cpu_count(), backend="threading")
        found = parallel(delayed(cached)(compute, **task) for task in tasks)
    step = len(categories)
    return {feature: found[i * step : (i + 1) * step] for i, feature in enumerate(wanted)}


def _trained(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    square: Square,
    C: float,
    share: float,
    seed: int,
) -> dict[str, np.ndarray]:
    known = keypoints(data, category, "train")
    images = np.unique(known.image)
    order = np.random.default_rng(seed).permutation(images)
    chosen = np.isin(known.image, order[: max(1, round(share * len(images)))])
    rows = samples(data, network, category, "train", feature=feature, square=square)
    return vars(svm.train(rows[chosen], known.kind[chosen], C=C))


def _validated(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    square: Square,
    Cs: list[float],
    folds: int,
) -> dict[str, np.ndarray]:
    known = keypoints(data, category, "train")
    rows = samples(data, network, category, "train", feature=feature, square=square)
    try:
        found = svm.cross_validate(rows, known.kind, known.image, Cs=Cs, count=folds)
    except ValueError as error:
        raise ValueError(f"{data.root}: {category!r} in train: {error}") from error
    return {"predicted": known.spread(found.astype(np.int16), -1)}
