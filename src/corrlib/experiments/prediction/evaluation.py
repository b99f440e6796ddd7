"""Predictions of detectors, with and without the prior, and their errors, the basis of Table 4."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
from joblib import cpu_count

from corrlib import detection, metrics
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.experiments.neighbors import neighbors
from corrlib.experiments.prediction.features import grid, map_categories
from corrlib.experiments.prediction.settings import ALPHAS, Settings
from corrlib.experiments.prediction.training import scores, train
from corrlib.geometry import ReceptiveField

#: The oracle, which always predicts the place of the grid that is closest to the truth.
ORACLE = "best place"
#: Parameters on which the predictions for one category, by one kind of feature, do not depend.
APART = {"layer", "alpha", "eta", "etas", "studied", "category", "categories"}

Errors = Sequence[np.ndarray]


def errors(
    data: VOC, network: Network, settings: Settings, etas: Mapping[str, float]
) -> dict[str, list[np.ndarray]]:
    """Errors of the keypoints that each method predicts for the validation objects.

    `etas` maps each method of ``settings.features`` to the weight of the prior that was chosen on train.

    Returns
    -------
    dict
        Method -> for each category ``(I, M, K)``: the ``settings.methods``; those with the prior at the
        chosen eta; the prior alone; and, if the network has fc7, the prior alone whose neighbours are found
        by it.
    """
    table, beside, predicted = {}, {}, {}
    # The layer comes first: its pass also gives the descriptors by which the prior finds neighbours.
    for method, feature in settings.features.items():
        _, both = predict(data, network, settings, feature, [None, settings.eta])
        _, chosen = predict(data, network, settings, feature, [etas[method]])
        predicted[method] = *both, *chosen
    for method in settings.methods[::2]:
        plain, prior, chosen = predicted[method]
        table |= {method: plain, f"{method}+prior": prior}
        beside[f"{method}+prior, eta chosen"] = chosen
    beside["prior alone"] = copy_errors(data, network, settings)
    if "fc7" in network.layers:
        by_fc7 = replace(settings, prior_layer="fc7", prior_size=INPUT_SIDE)
        beside["prior alone, by fc7"] = copy_errors(data, network, by_fc7)
    return table | beside


def predict(
    data: VOC,
    network: Network,
    settings: Settings,
    feature: str,
    etas: Sequence[float | None],
    *,
    split: str = "val",
    limit: int | None = None,
    every: int = 1,
) -> tuple[list[list[np.ndarray]], list[list[np.ndarray]]]:
    """Predict the keypoints of all categories by the detectors of one kind of feature.

    Parameters
    ----------
    etas
        As in `locate`. The prior of a training object comes from another one.
    every
        Step between the rows and columns of the scores that are considered.

    Returns
    -------
    points, errors
        For each of `etas` and each category ``(N, K, 2)`` in the crops, and ``(I, M, K)``.
    """

    parameters = {f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in APART}
    inputs = dict(data=data, network=network, feature=feature, etas=list(etas), **parameters)

    def of_category(category: str) -> tuple[np.ndarray, list[np.ndarray]]:
        part = dict(category=category, split=split, limit=limit, every=every)
        points = cached(_points, **inputs, **part)["points"]
        objects = crops.subset(crops.objects(data, category, split), limit)
        errors = crops.errors(points.swapaxes(0, 1), objects, settings.size).swapaxes(0, 1)
        return points, list(crops.by_image(errors, objects))

    each = zip(*map_categories(of_category, settings.categories), strict=True)
    points, errors = ([list(at_eta) for at_eta in zip(*part, strict=True)] for part in each)
    return points, errors


def _points(
    data: VOC,
    network: Network,
    category: str,
    feature: str,
    etas: Sequence[float | None],
    split: str,
    limit: int | None,
    every: int,
    **parameters: Any,
) -> dict[str, np.ndarray]:
    settings = Settings(**parameters)
    trained = train(data, network, settings, category, feature)
    score, field = scores(data, network, settings, category, feature, split=split, limit=limit)
    means = prior_means(data, network, settings, category, split)
    points = locate(
        score[..., ::every, ::every],
        replace(field, stride=field.stride * every),
        etas,
        slope=trained.slope if settings.calibrated else np.ones_like(trained.slope),
        offset=trained.offset if settings.calibrated else np.zeros_like(trained.offset),
        means=np.stack(crops.subset(means, limit)),
        sigma=settings.sigma,
    )
    return {"points": points}


def copy_errors(data: VOC, network: Network, settings: Settings, *, split: str = "val") -> list[np.ndarray]:
    """Errors of the prior alone: keypoints are where the neighbour has them."""
    result = []
    for category in settings.categories:
        means = prior_means(data, network, settings, category, split)
        objects = crops.objects(data, category, split)
        result.append(crops.by_image(crops.errors(means, objects, settings.size), objects))
    return result


def locate(
    scores: np.ndarray,
    field: ReceptiveField,
    etas: Sequence[float | None],
    *,
    slope: np.ndarray,
    offset: np.ndarray,
    means: np.ndarray,
    sigma: float,
) -> np.ndarray:
    """The best place of each keypoint, for several weights of the prior: ``(len(etas), N, K, 2)``.

    Parameters
    ----------
    scores, field
        ``(N, K, H, W)`` of the detectors, and their grid.
    etas
        Weights of the prior, from 0 to 1. None: the place of the highest score, without a logistic.
    slope, offset
        ``(K,)`` of the logistics.
    means, sigma
        Centres ``(N, K, 2)`` of the priors, and their standard deviation in pixels.
    """
    result, plain = np.empty((len(etas), *scores.shape[:2], 2)), np.array([eta is None for eta in etas])
    weights = [eta for eta in etas if eta is not None]

    def fill(n: int) -> None:
        score = scores[n].astype(np.float64)
        log_score = detection.log_probability(score, slope, offset)
        log_prior = detection.log_prior(means[n : n + 1], field, score.shape[1:], sigma=sigma)[0]
        result[plain, n] = detection.peak(score, field)
        result[~plain, n] = detection.peaks(log_score, log_prior, weights, field)

    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, range(len(scores))))
    return result


def prior_means(data: VOC, network: Network, settings: Settings, category: str, split: str) -> np.ndarray:
    """Keypoints ``(N, K, 2)`` of the nearest neighbour in its crop, or of the nearest that has each keypoint.

    ``settings.prior_missing`` chooses. NaN where there is none.
    """
    by = dict(layer=settings.prior_layer, size=settings.prior_size)
    rows = neighbors(data, network, category, split, **by)
    known = crops.keypoints(crops.objects(data, category, "train"), settings.size)
    usable = np.isfinite(known).all(axis=-1)[rows] & (rows >= 0)[..., None]
    if settings.prior_missing == "any":
        usable = usable[:, :1]
    first = usable.argmax(axis=1)
    means = known[np.take_along_axis(rows, first, axis=1), np.arange(known.shape[1])]
    return np.where(usable.any(axis=1)[..., None], means, np.nan)


def validate(
    data: VOC, network: Network, settings: Settings
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Choose eta on the training set, each half of which is scored by detectors of the other half.

    Returns
    -------
    etas
        Method -> the one of ``settings.etas`` with the highest mean PCK at 0.1.
    curves
        Method -> ``(etas, 3)`` mean PCK of each, and its 95 % bootstrap interval.
    """
    etas, curves = {}, {}
    for method, feature in settings.features.items():
        _, each = predict(data, network, settings, feature, settings.etas, split="train")
        curve = np.stack([metrics.estimate(errors, ALPHAS[:1])[0] for errors in each])
        etas[method], curves[method] = float(settings.etas[int(curve[:, 0].argmax())]), curve
    return etas, curves


def by_stride(data: VOC, network: Network, settings: Settings) -> dict[str, dict[int, list[np.ndarray]]]:
    """Errors at the layer's stride, half and a quarter of it, of ``settings.studied`` objects per category.

    Method (the layer without and with the prior, and `ORACLE`) -> stride, the largest first -> ``(I, M, K)``
    per category.
    """
    layer, limit, own = settings.layer, settings.studied, network.receptive_fields[settings.layer].stride
    factors = [factor for factor in (1, 2, 4) if own % factor == 0]
    finest = replace(settings, stride=own // factors[-1])  # its scores hold those of all strides
    result: dict[str, dict[int, list[np.ndarray]]] = {layer: {}, f"{layer}+prior": {}, ORACLE: {}}
    for factor in factors:
        stride, every = own // factor, factors[-1] // factor
        _, (plain, prior) = predict(
            data, network, finest, layer, [None, settings.eta], limit=limit, every=every
        )
        result[layer][stride], result[f"{layer}+prior"][stride] = plain, prior
        place = grid(network, layer, size=settings.size, factor=factor)
        result[ORACLE][stride] = []
        for category in settings.categories:
            objects = crops.subset(crops.objects(data, category, "val"), limit)
            best = detection.nearest_location(crops.keypoints(objects, settings.size), *place)
            errors = crops.by_image(crops.errors(best, objects, settings.size), objects)
            result[ORACLE][stride].append(errors)
    return result


def stride_gain(strides: Mapping[int, Errors]) -> dict[float, np.ndarray]:
    """At each of `ALPHAS` the gain in mean PCK, in points, from the first to the last of some strides.

    With its 95 % bootstrap interval. `strides` has the errors of the same objects by stride.
    """
    first, *_, last = strides.values()
    return dict(zip(ALPHAS, 100 * metrics.estimate(last, ALPHAS, minus=first), strict=True))


def differences(
    errors: Mapping[str, Errors], strides: Mapping[int, Errors], settings: Settings
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """The differences in mean PCK, in points, on which the claims of section 5 and three more are based.

    Returns
    -------
    dict
        Claim -> what is compared, and the difference with its 95 % bootstrap interval ``(3,)``.
    """
    sift, sift_prior, conv, conv_prior = settings.methods
    finer = list(stride_gain(strides).items())[1:]

    def compared(ours: str, theirs: str, *alphas: float) -> list[tuple[str, np.ndarray]]:
        points = 100 * metrics.estimate(errors[ours], alphas, minus=errors[theirs])
        return [(f"alpha = {alpha:g}", point) for alpha, point in zip(alphas, points, strict=True)]

    return {
        "conv-over-sift": compared(conv, sift, settings.alpha),
        "conv-prior-helps": compared(conv_prior, conv, settings.alpha),
        "sift-prior-helps": compared(sift_prior, sift, settings.alpha),
        "conv-prior-over-sift-prior": compared(conv_prior, sift_prior, settings.alpha),
        "conv-prior-over-prior": compared(conv_prior, "prior alone", settings.alpha),
        "sift-prior-over-prior": compared(sift_prior, "prior alone", settings.alpha),
        "conv-prior-over-sift-prior-stricter": compared(conv_prior, sift_prior, *ALPHAS[1:]),
        "finer-stride": [(f"alpha = {alpha:g}", gain) for alpha, gain in finer],
    }
