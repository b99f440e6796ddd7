"""Where around a keypoint its classifier responds most, at single-pixel stride (section 4, Figure 4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import svm
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.convnet.dense import dense_features, dense_field
from corrlib.data import VOC, crops
from corrlib.experiments.classification.keypoints import Feature, Square, descriptors, pictures
from corrlib.experiments.classification.training import machines

#: Windows reach so many pixels to each side of a keypoint: 21 x 21.
REACH = 10
#: Pixels that are seen around the square, so that there are features around a keypoint on its border, too.
MARGIN = 32


@dataclass(frozen=True, eq=False)
class Peaks:
    """Of n keypoints of a category the places where their own classifiers respond most.

    Attributes
    ----------
    names
        Of the K types.
    instance, kind
        ``(n,)`` index of the instance, among those looked at, and of the type.
    inside
        ``(n,)`` whether the window lies within the centres of receptive fields of all layers asked for, as it
        does unless the keypoint is far outside of the square. The others are left out, for every feature.
    fraction
        ``(n, 2)`` from the keypoint to the pixel in the middle of its window.
    offsets
        Feature -> ``(n, 2)`` pixels from the keypoint to the highest response; NaN where that is on the
        window's border (the paper drops these), or the keypoint is left out.
    """

    names: tuple[str, ...]
    instance: np.ndarray
    kind: np.ndarray
    inside: np.ndarray
    fraction: np.ndarray
    offsets: dict[Feature, np.ndarray]

    def distances(self, feature: Feature) -> np.ndarray:
        """``(n,)`` lengths of the offsets of one feature."""
        return np.linalg.norm(self.offsets[feature], axis=1)


def peaks(
    data: VOC,
    network: Network,
    category: str,
    wanted: Sequence[Feature],
    *,
    C: float = 1e-6,
    limit: int | None = None,
    square: Square | None = None,
) -> Peaks:
    """Find the highest response to each keypoint of val in the 21 x 21 pixels around it.

    The classifiers are those of Table 3. The network sees the squares at the same scale, and `MARGIN` pixels
    around them; the grid of its units is shifted, pixel by pixel, so that each pixel is the centre of a unit
    in turn.

    Parameters
    ----------
    wanted
        Features: layers of the network, SIFT of some radii.
    C
        Of the SVMs.
    limit
        At most so many instances, as `crops.spread` has them; None for all.
    square
        Where features are taken; none: the box, warped to 227 pixels.
    """
    how = dict(C=float(C), limit=limit, square=square or Square(), wanted=list(wanted))
    found = dict(cached(_peaks, data=data, network=network, category=category, **how))
    offsets = dict(zip(wanted, found.pop("offsets"), strict=True))
    return Peaks(data.keypoint_names(category), offsets=offsets, **found)


def windows(points: np.ndarray) -> np.ndarray:
    """The pixels around each of `points` ``(n, 2)``, row by row: ``(n, 21, 21, 2)``."""
    axis = np.arange(-REACH, REACH + 1)
    return np.rint(points)[:, None, None, :] + np.stack(np.meshgrid(axis, axis), axis=-1)


def uniform(fraction: np.ndarray) -> np.ndarray:
    """Distances ``(n, 361)`` to n keypoints from all pixels of their windows but those on the border."""
    inner = windows(np.zeros((1, 2)))[0, 1:-1, 1:-1].reshape(-1, 2)
    return np.linalg.norm(inner + fraction[:, None], axis=-1)


def highest(responses: np.ndarray) -> np.ndarray:
    """``(row, col)`` float64 of the highest of ``(21, 21)`` responses; NaN if it is on the border."""
    place = np.array(np.unravel_index(responses.argmax(), responses.shape), dtype=np.float64)
    return np.full(2, np.nan) if (np.abs(place - REACH) == REACH).any() else place


def at_pixels(image: np.ndarray, points: np.ndarray, feature: Feature) -> np.ndarray:
    """SIFT at whole pixels ``(..., 2)``, never rounded to those of a halved image: ``(..., 128)``.

    `corrlib.sift.descriptors` describes large radii in halved images, whose pixels are at most
    ``radius / 20`` wide: the image is cut so that each point in turn becomes one of them.
    """
    radius = feature[0] if isinstance(feature, tuple) else feature
    step = 2 ** max(0, math.ceil(math.log2(radius / 20)))
    flat = np.rint(points).astype(int).reshape(-1, 2)
    result = np.empty((len(flat), 128), np.float32)
    for x, y in np.unique(flat % step, axis=0):
        here = (flat % step == (x, y)).all(axis=1)
        result[here] = descriptors(image[y:, x:], flat[here] - (x, y), feature)
    return result.reshape(*points.shape[:-1], 128)


def _peaks(
    data: VOC,
    network: Network,
    category: str,
    C: float,
    limit: int | None,
    square: Square,
    wanted: list[Feature],
) -> dict[str, np.ndarray]:
    objects = [i for i in data.instances(category, "val") if np.isfinite(i.keypoints).all(axis=1).any()]
    objects = [objects[i] for i in crops.spread(len(objects), limit)]
    trained = machines(data, network, [category], wanted, C=C, square=square)
    answering = {feature: machine for feature, (machine,) in trained.items()}
    kinds = [np.flatnonzero(np.isfinite(i.keypoints).all(axis=1)) for i in objects]
    found = {"inside": [], "fraction": [], "offsets": []}
    with threadpool_limits(1, user_api="blas"):  # a thread a feature, none within
        for images, points in pictures(data, objects, replace(square, margin=MARGIN)):
            for image, its in zip(images, points, strict=True):
                inside, offsets = _offsets(network, image, its, kinds[len(found["inside"])], answering)
                found["inside"].append(inside)
                found["offsets"].append(offsets.swapaxes(0, 1))
                found["fraction"].append(np.rint(its) - its)
    result = {name: np.concatenate(parts) for name, parts in found.items()}
    result["offsets"] = result["offsets"].swapaxes(0, 1)
    result["instance"] = np.repeat(np.arange(len(objects)), [len(k) for k in kinds])
    return result | {"kind": np.concatenate(kinds)}


def _offsets(
    network: Network,
    image: np.ndarray,
    points: np.ndarray,
    kinds: np.ndarray,
    answering: dict[Feature, svm.LinearSVM],
) -> tuple[np.ndarray, np.ndarray]:
    """Which of n keypoints of an instance have a window, ``(n,)``, and their peaks ``(features, n, 2)``."""
    around, inside = windows(points), np.ones(len(points), bool)
    layers = [f for f in answering if isinstance(f, str)]
    for name in layers:  # features are as far from all sides as the first
        first = dense_field(network, name).center
        last = np.array(image.shape[1::-1]) - 1 - first
        inside &= ((around >= first) & (around <= last)).all(axis=(1, 2, 3))
    maps = dense_features(network, image, layers) if layers and inside.any() else {}

    def one(feature: Feature) -> np.ndarray:
        result, machine = np.full((len(points), 2), np.nan), answering[feature]
        for n in np.flatnonzero(inside & np.isin(kinds, machine.classes)):  # no classifier, no peak
            if feature in maps:
                first = dense_field(network, feature).center
                cols, rows = np.moveaxis(np.rint(around[n] - first).astype(int), -1, 0)
                values = maps[feature][rows, cols]
            else:
                values = at_pixels(image, around[n], feature)
            weights = machine.weights[:, np.searchsorted(machine.classes, kinds[n])]
            result[n] = around[n, 0, 0] + highest(values @ weights)[::-1] - points[n]
        return result

    with ThreadPoolExecutor(cpu_count()) as pool:
        return inside, np.stack(list(pool.map(one, answering)))
