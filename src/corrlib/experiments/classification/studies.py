"""What stands beside Table 3: fine localisation in numbers, less training data, left taken for right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from corrlib import metrics
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.classification import scores
from corrlib.experiments.classification.fine import REACH, Peaks, uniform
from corrlib.experiments.classification.keypoints import LINEAR, Feature, Square, features

#: Half the strides of conv1, conv2 and conv3 to conv5, in pixels.
HALF_STRIDES = (2.0, 4.0, 8.0)
#: Side in pixels of the cells of histograms: it divides the window's.
CELL = 3


def best(accuracies: Mapping[Feature, np.ndarray], among: Sequence[Feature]) -> Feature:
    """The feature with the highest mean accuracy over categories ``(c,)``; the first of ties."""
    return max(among, key=lambda feature: accuracies[feature].mean())


def best_C(curves: Mapping[Feature, np.ndarray], Cs: Sequence[float], among: Sequence[Feature]) -> float:
    """The C with the highest of accuracies ``(len(Cs),)``, averaged over features; the first of ties."""
    return Cs[int(np.mean([curves[feature] for feature in among], axis=0).argmax())]


def sizes(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    wanted: Sequence[Feature],
    shares: Sequence[float],
    **how: Any,
) -> dict[Feature, np.ndarray]:
    """Mean accuracy and interval ``(shares, 3)`` when only some of the training images are used.

    `how` as `training.machines` has it.
    """
    found = [scores.classify(data, network, categories, wanted, share=share, **how) for share in shares]
    return {feature: np.stack([scores.estimate(one[feature]) for one in found]) for feature in wanted}


def mirrored(
    data: VOC, categories: Sequence[str], predicted: Mapping[Feature, Sequence[np.ndarray]]
) -> dict[Feature, np.ndarray]:
    """Mean accuracy and interval ``(3,)`` when left may be taken for right, and right for left."""
    classes = [scores.mirrored(data.keypoint_names(category)) for category in categories]
    return {feature: scores.estimate(found, classes=classes) for feature, found in predicted.items()}


def rectification(
    data: VOC,
    network: Network,
    categories: Sequence[str],
    layers: Sequence[str],
    *,
    square: Square | None = None,
    **how: Any,
) -> dict[str, dict[str, Any]]:
    """What the classifiers lose because layers rectify: of each that has its output from before in `LINEAR`.

    Returns
    -------
    dict
        Layer -> ``active``: percent of its activations at the keypoints of val that are not 0, averaged over
        categories; ``before``: mean accuracy ``(3,)`` before rectification, with its interval; ``gain``:
        the lead ``(3,)`` of that over the layer itself. `how` as `training.machines` has it.
    """
    square, found = square or Square(), {}
    for name in [name for name in layers if name in LINEAR]:
        named = scores.classify(data, network, categories, [name, LINEAR[name]], square=square, **how)
        at = dict(feature=name, square=square)
        active = [np.mean(features(data, network, c, "val", **at) > 0) for c in categories]
        found[name] = {
            "active": 100 * float(np.mean(active)),
            "before": scores.estimate(named[LINEAR[name]]),
            "gain": scores.estimate(named[LINEAR[name]], minus=named[name]),
        }
    return found


def localisation(found: Sequence[Peaks], wanted: Sequence[Feature]) -> dict[str, Any]:
    """How near the peaks of some categories lie to the keypoints, against places drawn from the window.

    Returns
    -------
    dict
        ``features``: for each of `wanted`, in turn, a dictionary of

        - ``border``: the share in percent of peaks on the window's border, which are dropped;
        - ``median`` distance in pixels of the others from the keypoint, over all keypoints;
        - ``within``: the share in percent closer than, or at, each of `HALF_STRIDES`, ``(3, 3)``, and
        - ``lead``: how far it is above that of a uniform draw.

        Means over keypoints of an instance, then over the instances of all categories together (there may be
        few of each), with 95 % bootstrap intervals over them. ``uniform``: ``median`` and ``within`` ``(3,)``
        of the draw. ``total``, ``inside``: numbers of keypoints, and of those with a window.
    """
    drawn = [uniform(one.fraction) for one in found]
    limits = np.array(HALF_STRIDES)
    by_chance = [(d[:, :, None] <= limits).mean(axis=1) for d in drawn]
    result: dict[str, Any] = {"features": []}
    for feature in wanted:
        distances = [one.distances(feature) for one in found]
        kept = [np.isfinite(d) for d in distances]
        near = [
            np.where(k[:, None], d[:, None] <= limits, np.nan) for d, k in zip(distances, kept, strict=True)
        ]
        ours = np.concatenate([_by_instance(n, one.instance) for n, one in zip(near, found, strict=True)])
        draws = zip(by_chance, kept, found, strict=True)
        chance = np.concatenate(
            [_by_instance(np.where(k[:, None], c, np.nan), one.instance) for c, k, one in draws]
        )
        inside = sum(int(one.inside.sum()) for one in found)
        some = np.concatenate([d[k] for d, k in zip(distances, kept, strict=True)])
        result["features"].append(
            {
                "feature": feature,
                "border": 100 * (1 - len(some) / inside) if inside else None,
                "median": float(np.median(some)) if len(some) else None,
                "within": 100 * metrics.mean_interval([ours]).T,
                "lead": 100 * metrics.mean_interval([ours], minus=[chance]).T,
            }
        )
    inner = np.concatenate([d[one.inside] for d, one in zip(drawn, found, strict=True)])
    share = 100 * (inner.reshape(-1, 1) <= limits).mean(axis=0)
    result["uniform"] = {"median": float(np.median(inner)), "within": share}
    result["total"] = sum(len(one.inside) for one in found)
    result["inside"] = sum(int(one.inside.sum()) for one in found)
    return result


def histogram(found: Peaks, feature: Feature, keypoint: str) -> np.ndarray:
    """Counts ``(7, 7)``, in cells of 3 x 3 pixels, of where in their windows the peaks of one type lie."""
    here = found.kind == found.names.index(keypoint)
    pixels = found.offsets[feature][here] - found.fraction[here]
    pixels = np.rint(pixels[np.isfinite(pixels).all(axis=1)]).astype(int) + REACH
    cells = (2 * REACH + 1) // CELL
    counts = np.zeros((cells, cells))
    np.add.at(counts, tuple(pixels.T[::-1] // CELL), 1)
    return counts


def _by_instance(values: np.ndarray, instance: np.ndarray) -> np.ndarray:
    """Means ``(N, A)`` of the rows of each instance that are not NaN; NaN where none is."""
    total = np.zeros((instance.max() + 1, values.shape[1]))
    count = np.zeros_like(total)
    np.add.at(total, instance, np.nan_to_num(values))
    np.add.at(count, instance, np.isfinite(values))
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
