"""Locations around a keypoint where its classifier responds most, at single-pixel stride (Figure 4)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import sift, svm
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.convnet.dense import dense_features, dense_field
from corrlib.data import VOC, crops
from corrlib.experiments.classification.features import object_crops, visible
from corrlib.experiments.classification.settings import Feature, Sampling, Settings
from corrlib.experiments.classification.training import classifiers
from corrlib.sift import Sift

#: Windows extend this many pixels to each side of a keypoint, and so are 21 x 21.
REACH = 10
#: Pixels added around an object crop, so that keypoints on its border also have a window.
MARGIN = 32
#: Objects whose peaks are one entry of the cache.
BLOCK = 16


@dataclass(frozen=True, eq=False)
class Peaks:
    """The locations at which the classifiers of n keypoints of a category respond most.

    Attributes
    ----------
    names : Names of the K types.
    image, kind : ``(n,)`` index of the image, among those looked at, and of the type.
    inside
        ``(n,)`` whether the window lies within the receptive field centres of all layers, as it does unless
        the keypoint is far outside of the crop. The others are left out, for every feature.
    fraction : ``(n, 2)`` from the keypoint to the pixel in the middle of its window.
    offsets
        Feature -> ``(n, 2)`` pixels from the keypoint to the highest response; NaN where that is on the
        window's border (the paper drops these), or the keypoint is left out.
    """

    names: tuple[str, ...]
    image: np.ndarray
    kind: np.ndarray
    inside: np.ndarray
    fraction: np.ndarray
    offsets: Mapping[Feature, np.ndarray]


def peaks(data: VOC, network: Network, settings: Settings) -> list[Peaks]:
    """Peaks of the features of Table 3: for the category that is shown, then for some of the others."""
    where = {settings.shown: settings.localised}
    where |= dict.fromkeys(settings.other_categories, settings.localised_others)
    return [category_peaks(data, network, settings, category, limit) for category, limit in where.items()]


def category_peaks(
    data: VOC, network: Network, settings: Settings, category: str, limit: int | None = None
) -> Peaks:
    """Find the highest response to each keypoint of val in the 21 x 21 pixels around it.

    The classifiers are those of Table 3. The network sees the object crops at the same scale, and `MARGIN`
    pixels around them; its features are computed at every pixel. `limit` is the size of an evenly spaced
    subset.
    """
    objects = crops.subset(crops.objects(data, category, "val"), limit)
    firsts = range(0, len(objects), BLOCK)
    blocks = [block_peaks(data, network, settings, category, limit, first) for first in firsts]
    arrays = {
        name: np.concatenate([block[name] for block in blocks]) for name in ("kind", "inside", "fraction")
    }
    offsets = np.concatenate([block["offsets"] for block in blocks], axis=1)
    arrays["offsets"] = dict(zip(settings.features, offsets, strict=True))
    image = np.unique([instance.image_id for instance in objects], return_inverse=True)[1]
    image = np.repeat(image, [visible(instance).sum() for instance in objects])
    return Peaks(data.keypoint_names(category), image, **arrays)


def block_peaks(
    data: VOC, network: Network, settings: Settings, category: str, limit: int | None, first: int
) -> dict[str, np.ndarray]:
    """The arrays of `Peaks` but ``image``, of up to `BLOCK` objects from number `first`; from the cache."""
    inputs = dict(data=data, network=network, category=category, features=settings.features)
    return cached(_peaks, **inputs, sampling=settings.sampling, C=settings.C, limit=limit, first=first)


def windows(points: np.ndarray) -> np.ndarray:
    """The pixels around each of `points` ``(n, 2)``, row by row: ``(n, 21, 21, 2)``."""
    axis = np.arange(-REACH, REACH + 1)
    return np.rint(points)[:, None, None, :] + np.stack(np.meshgrid(axis, axis), axis=-1)


def highest(responses: np.ndarray) -> np.ndarray:
    """``(row, col)`` float64 of the highest of ``(21, 21)`` responses; NaN if it is on the border."""
    place = np.array(np.unravel_index(responses.argmax(), responses.shape), dtype=np.float64)
    return np.full(2, np.nan) if (np.abs(place - REACH) == REACH).any() else place


def _peaks(
    data: VOC,
    network: Network,
    category: str,
    features: Sequence[Feature],
    sampling: Sampling,
    C: float,
    limit: int | None,
    first: int,
) -> dict[str, np.ndarray]:
    objects = crops.subset(crops.objects(data, category, "val"), limit)[first : first + BLOCK]
    settings = Settings(C=C, **sampling._asdict(), categories=(category,))
    trained = {f: each for f, (each,) in classifiers(data, network, settings, features).items()}
    kinds = [np.flatnonzero(visible(instance)) for instance in objects]
    inside, fraction, offsets = [], [], []
    with threadpool_limits(1, user_api="blas"):  # a thread per keypoint, none within
        for images, points in object_crops(data, objects, sampling=sampling, margin=MARGIN):
            for image, its in zip(images, points, strict=True):
                windowed, peaks = _offsets(network, image, its, kinds[len(inside)], trained, sampling)
                inside.append(windowed)
                offsets.append(peaks)
                fraction.append(np.rint(its) - its)
    return {
        "kind": np.concatenate(kinds),
        "inside": np.concatenate(inside),
        "fraction": np.concatenate(fraction),
        "offsets": np.concatenate(offsets, axis=1),
    }


def _offsets(
    network: Network,
    image: np.ndarray,
    points: np.ndarray,
    kinds: np.ndarray,
    trained: Mapping[Feature, svm.LinearSVM],
    sampling: Sampling,
) -> tuple[np.ndarray, np.ndarray]:
    """Which of n keypoints of an object have a window, ``(n,)``, and their peaks ``(features, n, 2)``."""
    around, inside = windows(points), np.ones(len(points), bool)
    layers = [sampling.layer(feature) for feature in trained if not isinstance(feature, Sift)]
    maps = dense_features(network, image, layers) if layers else {}
    for name in layers:
        first = dense_field(network, name).center
        last = first + np.array(maps[name].shape[1::-1]) - 1
        inside &= ((around >= first) & (around <= last)).all(axis=(1, 2, 3))

    def of(n: int) -> np.ndarray:
        result = np.full((len(trained), 2), np.nan)
        described = iter(sift.several(image, around[n], [f for f in trained if isinstance(f, Sift)]))
        for peak, (feature, classifier) in zip(result, trained.items(), strict=True):
            if isinstance(feature, Sift):
                values = next(described)
            else:
                first = dense_field(network, feature).center
                cols, rows = np.moveaxis(np.rint(around[n] - first).astype(int), -1, 0)
                values = maps[sampling.layer(feature)][rows, cols]
            if kinds[n] in classifier.classes:  # no classifier, no peak
                weights = classifier.weights[:, np.searchsorted(classifier.classes, kinds[n])]
                peak[:] = around[n, 0, 0] + highest(values @ weights)[::-1] - points[n]
        return result

    offsets, where = np.full((len(trained), len(points), 2), np.nan), np.flatnonzero(inside)
    with ThreadPoolExecutor(cpu_count()) as pool:
        for n, peaks in zip(where, pool.map(of, where), strict=True):
            offsets[:, n] = peaks
    return inside, offsets
