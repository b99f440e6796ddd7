"""Instances with their keypoints and what is predicted of them, as pictures (Figure 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.prediction import grids, predictions


@dataclass(frozen=True, eq=False)
class Example:
    """An instance of val.

    Attributes
    ----------
    category, names
        Its category, and the names of its K keypoints.
    square
        Its box ``(size, size, 3)``.
    truth
        ``(K, 2)`` in the square; NaN where invisible.
    predicted, correct
        Method -> ``(K, 2)`` places in the square (NaN where the keypoint is invisible: it is not scored), and
        ``(K,)`` whether they are within the tolerance.
    """

    category: str
    names: tuple[str, ...]
    square: np.ndarray
    truth: np.ndarray
    predicted: dict[str, np.ndarray]
    correct: dict[str, np.ndarray]


def examples(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    methods: Mapping[str, Mapping[str, Any]],
    *,
    alpha: float = 0.1,
    seed: int = 0,
    size: int = grids.SIZE,
    **how: Any,
) -> list[Example]:
    """Draw an instance of each category, of the half with the most visible keypoints, and predict.

    Parameters
    ----------
    methods
        Name -> the features and the weight of the prior: ``{"feature": ..., "eta": ...}``.
    alpha
        Tolerance of what counts as correct.
    seed
        Of the draw.
    how
        As `predictions.places` has it, for all methods.
    """
    found, rng = [], np.random.default_rng(seed)
    for category in categories:
        objects = grids.instances(data, category, "val")
        visible = np.array([np.isfinite(one.keypoints).all(axis=1).sum() for one in objects])
        row = int(rng.choice(np.flatnonzero(visible >= np.median(visible))))
        truth = crops.keypoints(objects, size)[row]
        predicted, correct = {}, {}
        for name, own in methods.items():
            eta, feature = own["eta"], own["feature"]
            (all_,) = predictions.places(data, network, category, [eta], feature=feature, size=size, **how)
            error = crops.errors(all_[row : row + 1], objects[row : row + 1], size)[0]
            predicted[name] = np.where(np.isfinite(truth), all_[row], np.nan)
            correct[name] = error < alpha
        square = crops.images(data, [objects[row]], size)[0]
        names = data.keypoint_names(category)
        found.append(Example(category, names, square, truth, predicted, correct))
    return found
