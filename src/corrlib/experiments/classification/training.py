"""The classifiers of a category's keypoints, their predictions and their cross validation; all are cached."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, cpu_count, delayed
from threadpoolctl import threadpool_limits

from corrlib import svm
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.classification.features import inputs, keypoints, samples, scale
from corrlib.experiments.classification.settings import Feature, Sampling, Settings


def classifiers(
    data: VOC, network: Network, settings: Settings, features: Sequence[Feature], *, share: float = 1.0
) -> dict[Feature, list[svm.LinearSVM]]:
    """Train a linear SVM for each keypoint of a category against the others (paper, section 4).

    Parameters
    ----------
    share
        Share of the training images of each category, drawn at random; at least one image. A larger share
        contains a smaller one.

    Returns
    -------
    dict
        Feature -> for each category its classifiers, for features as `samples` returns them.
    """

    def train(feature: Feature, category: str) -> svm.LinearSVM:
        return svm.LinearSVM(**cached(_train, **_inputs(data, network, settings, category, feature, share)))

    return _in_parallel(train, data, network, settings, features)


def classify(
    data: VOC, network: Network, settings: Settings, features: Sequence[Feature], *, share: float = 1.0
) -> dict[Feature, list[np.ndarray]]:
    """Train on train and classify the keypoints of val (paper, section 4, Table 3).

    Parameters are those of `classifiers`.

    Returns
    -------
    dict
        Feature -> for each category ``(I, M, K)``: the predicted type of each visible keypoint, else -1.
    """

    def predict(feature: Feature, category: str) -> np.ndarray:
        return cached(_predict, **_inputs(data, network, settings, category, feature, share))["predicted"]

    return _in_parallel(predict, data, network, settings, features)


def cross_validate(
    data: VOC, network: Network, settings: Settings, features: Sequence[Feature], *, Cs: Sequence[float]
) -> dict[Feature, list[np.ndarray]]:
    """Classify the keypoints of train by cross validation, for each C (Figure 5).

    There are at most as many folds as a category has training images; an image is never divided.

    Returns
    -------
    dict
        Feature -> for each category ``(len(Cs), I, M, K)``: the predicted type of each visible keypoint, else
        -1.
    """

    def validate(feature: Feature, category: str) -> np.ndarray:
        shared = dict(data=data, category=category, **inputs(network, feature, settings.sampling))
        entry = cached(_cross_validate, **shared, Cs=list(Cs), folds=settings.folds)
        return entry["predicted"]

    return _in_parallel(validate, data, network, settings, features)


def _in_parallel(
    compute: Callable[[Feature, str], Any],
    data: VOC,
    network: Network,
    settings: Settings,
    features: Sequence[Feature],
) -> dict[Feature, list[Any]]:
    """Feature -> what `compute` returns for each category, on all cores."""
    for feature in features:  # with their scale, all features are computed, on all cores
        scale(data, network, feature=feature, sampling=settings.sampling)
    tasks = [delayed(compute)(feature, category) for feature in features for category in settings.categories]
    with threadpool_limits(1):  # a thread per task, none within; threads share the features
        results = iter(Parallel(cpu_count(), backend="threading")(tasks))
    return {feature: [next(results) for _ in settings.categories] for feature in features}


def _inputs(
    data: VOC, network: Network, settings: Settings, category: str, feature: Feature, share: float
) -> dict[str, Any]:
    seed = settings.seed if share < 1 else 0  # nothing is drawn where all are used
    shared = dict(data=data, category=category, **inputs(network, feature, settings.sampling))
    return shared | dict(C=settings.C, share=share, seed=seed)


def _predict(
    data: VOC, network: Network, category: str, feature: Feature, sampling: Sampling, **parameters: Any
) -> dict[str, np.ndarray]:
    shared = dict(data=data, network=network, category=category, feature=feature, sampling=sampling)
    classifier = svm.LinearSVM(**cached(_train, **shared, **parameters))
    rows = samples(data, network, category, "val", feature=feature, sampling=sampling)
    return {"predicted": keypoints(data, category, "val").by_image(classifier.predict(rows))}


def _train(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    sampling: Sampling,
    C: float,
    share: float,
    seed: int,
) -> dict[str, np.ndarray]:
    known = keypoints(data, category, "train")
    order = np.random.default_rng(seed).permutation(np.unique(known.image))
    drawn = np.isin(known.image, order[: max(1, round(share * len(order)))])
    rows = samples(data, network, category, "train", feature=feature, sampling=sampling)
    return vars(svm.train(rows[drawn], known.kind[drawn], C=C))


def _cross_validate(
    data: VOC,
    network: Network,
    category: str,
    feature: Feature,
    sampling: Sampling,
    Cs: Sequence[float],
    folds: int,
) -> dict[str, np.ndarray]:
    known = keypoints(data, category, "train")
    rows = samples(data, network, category, "train", feature=feature, sampling=sampling)
    try:
        predicted = svm.cross_validate(rows, known.kind, known.image, Cs=Cs, folds=folds)
    except ValueError as error:
        raise ValueError(f"{data.root}: {category!r} in train: {error}") from error
    return {"predicted": known.by_image(predicted)}
