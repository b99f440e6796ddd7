"""Where keypoints are predicted, by detectors with and without the prior, and how wrong that is."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from joblib import cpu_count

from corrlib import detection, metrics
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.prediction import grids, training
from corrlib.geometry import ReceptiveField

#: Standard deviation of the prior, in pixels of the square (paper, section 5).
SIGMA = 22.0


def predict(
    scores: np.ndarray,
    field: ReceptiveField,
    etas: Sequence[float | None],
    *,
    slope: np.ndarray,
    offset: np.ndarray,
    means: np.ndarray,
    sigma: float = SIGMA,
) -> np.ndarray:
    """The highest scoring place of each keypoint, for several weights of the prior.

    Parameters
    ----------
    scores
        ``(N, K, H, W)`` of the detectors.
    field
        Their grid.
    etas
        Weights of the prior, 0 to 1. None: the place of the highest score as it is.
    slope, offset
        ``(K,)`` of the logistics.
    means
        ``(N, K, 2)`` centres of the priors.
    sigma
        Their standard deviation, in pixels.

    Returns
    -------
    array (len(etas), N, K, 2)
        NaN where there is no detector.
    """
    found = np.empty((len(etas), *scores.shape[:2], 2))

    def fill(n: int) -> None:
        score = scores[n].astype(np.float64)
        log_score = detection.log_probability(score, slope, offset)
        log_prior = detection.log_prior(means[n : n + 1], field, score.shape[1:], sigma=sigma)[0]
        for e, eta in enumerate(etas):
            value = score if eta is None else detection.combine(log_score, log_prior, eta)
            found[e, n] = detection.peak(value, field)

    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, range(len(scores))))
    return found


def errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    etas: Sequence[float | None],
    *,
    split: str = "val",
    sigma: float = SIGMA,
    size: int = grids.SIZE,
    **how: Any,
) -> list[list[np.ndarray]]:
    """Errors of one kind of features for several weights of the prior.

    Parameters
    ----------
    etas, sigma
        As `predict` has them.
    split
        ``val``, or ``train``: held out instances, whose neighbours are other training instances.
    how
        As `training.train` has it: feature, context, C, ...

    Returns
    -------
    list of lists of arrays (N, K)
        For each of `etas` and each category, as `corrlib.metrics.errors`: in the image, in units of the
        longer side of the box.
    """

    def own(category: str) -> list[np.ndarray]:
        objects = grids.instances(data, category, split)
        found = places(data, network, category, etas, split=split, sigma=sigma, size=size, **how)
        return [crops.errors(one, objects, size) for one in found]

    return [list(one) for one in zip(*grids.each(own, categories), strict=True)]


def copy_errors(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    *,
    neighbours: str = "pool5",
    size: int = grids.SIZE,
) -> list[np.ndarray]:
    """Errors on val of the prior alone: keypoints are where the nearest neighbour has them, off any grid.

    Parameters
    ----------
    neighbours
        The layer by whose features they are nearest.
    """
    found = []
    for category in categories:
        means = grids.prior_means(data, network, category, "val", size, neighbours)
        found.append(crops.errors(means, grids.instances(data, category, "val"), size))
    return found


def places(
    data: VOC,
    network: Network,
    category: str,
    etas: Sequence[float | None],
    *,
    split: str = "val",
    sigma: float = SIGMA,
    size: int = grids.SIZE,
    **how: Any,
) -> np.ndarray:
    """What `predict` says of a split of a category, in the squares: ``(len(etas), N, K, 2)``."""
    own = training.train(data, network, category, size=size, **how)
    scores = training.scores(data, network, category, split, size=size, **how)
    means = grids.prior_means(data, network, category, split, size)
    line = dict(slope=own.slope, offset=own.offset)
    return predict(scores, own.field, etas, means=means, sigma=sigma, **line)


def validate(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    etas: Sequence[float],
    *,
    alpha: float = 0.1,
    **how: Any,
) -> tuple[float, np.ndarray]:
    """Choose eta on the training set, each half of it scored by detectors of the other half.

    Parameters
    ----------
    etas
        To choose from.
    alpha
        The tolerance of the PCK that decides.
    how
        As `errors` has it.

    Returns
    -------
    eta
        The one with the highest mean PCK.
    pck
        ``(etas, 3)`` mean PCK of each, and its 95 % bootstrap interval over instances.
    """
    found = errors(data, network, categories, list(etas), split="train", **how)
    curve = np.stack([metrics.estimate(one, [alpha])[0] for one in found])
    return float(etas[int(curve[:, 0].argmax())]), curve
