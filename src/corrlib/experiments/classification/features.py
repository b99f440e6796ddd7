"""The keypoints of a category and the features at them, from the cache."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import sift
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.classification.settings import RADII, Feature, Sampling
from corrlib.metrics import rms_norm
from corrlib.sift import SCALE_SPACE, Sift

#: These kinds of SIFT are computed together, because reading the images takes time.
TOGETHER = tuple(Sift(radius, smoothing) for smoothing in (0.0, SCALE_SPACE) for radius in RADII)
#: RMS norm to which every type of feature is scaled: the norm of SIFT, which suits the paper's C = 1e-6.
NORM = 512.0
BATCH = 32


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The n visible keypoints of a category's N objects in a split, object by object.

    Attributes
    ----------
    objects : The objects.
    visible : ``(N, K)`` which of K types each object shows; possibly none.
    image : ``(n,)`` number of each keypoint's image.
    """

    objects: Sequence[Instance]
    visible: np.ndarray
    image: np.ndarray

    @property
    def kind(self) -> np.ndarray:
        """``(n,)`` index of each keypoint's type."""
        return np.nonzero(self.visible)[1]

    def by_image(self, values: np.ndarray) -> np.ndarray:
        """Types ``(..., n)`` as int16 ``(..., I, M, K)``, as `crops.by_image`; -1 where there is none."""
        result = np.full((*values.shape[:-1], *self.visible.shape), -1, np.int16)
        result[..., self.visible] = values
        return crops.by_image(result, self.objects, -1)


def keypoints(data: VOC, category: str, split: str) -> Keypoints:
    """The visible keypoints of a category in a split; ValueError if there are none."""
    objects = data.instances(category, split)
    shown = np.array([visible(instance) for instance in objects])
    if not shown.any():
        raise ValueError(f"{data.root}: no object of {category!r} has a visible keypoint in {split}")
    images = {name: number for number, name in enumerate(dict.fromkeys(i.image_id for i in objects))}
    return Keypoints(objects, shown, np.repeat([images[i.image_id] for i in objects], shown.sum(axis=1)))


def features(
    data: VOC, network: Network, category: str, split: str, *, feature: Feature, sampling: Sampling
) -> np.ndarray:
    """One feature at each of `keypoints`: ``(n, D)`` float32.

    For a layer, it is that of the unit whose receptive field centre is nearest to the keypoint; SIFT is
    computed at the keypoint itself (paper, section 4).

    Raises
    ------
    ValueError
        If the network lacks a layer, or the receptive field of a layer is larger than an object crop.
    """
    shared = dict(data=data, category=category, split=split, sampling=sampling._replace(rectified=True))
    if isinstance(feature, Sift):
        kinds = TOGETHER if feature in TOGETHER else (feature,)
        return cached(_sift, **shared, kinds=kinds)[str(kinds.index(feature))].astype(np.float32)
    if feature not in (known := _layers(network, sampling)):
        raise ValueError(
            f"unknown layer {feature!r}, or its receptive field is larger than the object crop of"
            f" {sampling.size} pixels; there are {', '.join(known)}"
        )
    return cached(_columns, **shared, network=network)[sampling.layer(feature)]


def inputs(network: Network, feature: Feature, sampling: Sampling) -> dict[str, Any]:
    """The inputs of a type of feature; SIFT depends neither on the network nor on rectification."""
    if isinstance(feature, Sift):
        return dict(network=None, feature=feature, sampling=sampling._replace(rectified=True))
    return dict(network=network, feature=feature, sampling=sampling)


def samples(
    data: VOC, network: Network, category: str, split: str, *, feature: Feature, sampling: Sampling
) -> np.ndarray:
    """`features` of RMS norm 512 over the training set."""
    rows = features(data, network, category, split, feature=feature, sampling=sampling)
    return rows * np.float32(scale(data, network, feature=feature, sampling=sampling))


def positive(
    data: VOC, network: Network, category: str, split: str, *, sampling: Sampling
) -> dict[str, np.ndarray]:
    """Layer, named as by `Sampling.layer` -> the share ``(1,)`` of its outputs at `keypoints` above zero."""
    shared = dict(data=data, category=category, split=split, sampling=sampling._replace(rectified=True))
    return cached(_positive, **shared, network=network)


def scale(data: VOC, network: Network, *, feature: Feature, sampling: Sampling) -> float:
    """The factor that gives a type of feature an RMS norm of 512 over the training set of all categories.

    It is measured on boxes, whatever the frame: one factor, and no features of all whole images for it.
    """
    boxes = sampling._replace(frame="box")
    return float(cached(_scale, data=data, **inputs(network, feature, boxes))["factor"])


def object_crops(
    data: VOC, objects: Sequence[Instance], *, sampling: Sampling, margin: int = 0
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Crops of objects in batches ``(B, side, side, 3)``, and the visible keypoints ``(k, 2)`` of each."""

    def cut(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
        image = data.image(instance.image_id)
        crop = sampling.crop(instance, image.shape[:2], margin)
        return crop.image(image), crop.points(instance.keypoints[visible(instance)])

    with ThreadPoolExecutor(cpu_count()) as pool:
        for start in range(0, len(objects), BATCH):
            images, points = zip(*pool.map(cut, objects[start : start + BATCH]), strict=True)
            yield np.stack(images), list(points)


def visible(instance: Instance) -> np.ndarray:
    """Which keypoints of an object are visible, ``(K,)``."""
    return np.isfinite(instance.keypoints).all(axis=1)


def _layers(network: Network, sampling: Sampling) -> list[str]:
    return [name for name, field in network.receptive_fields.items() if field.size <= sampling.size]


def _scale(data: VOC, network: Network, feature: Feature, sampling: Sampling) -> dict[str, np.ndarray]:
    norms = []
    for category in data.categories:
        if any(visible(instance).any() for instance in data.instances(category, "train")):
            rows = features(data, network, category, "train", feature=feature, sampling=sampling)
            norms.append((len(rows), rms_norm(rows)))
    count, norm = np.array(norms).T
    total = np.sqrt((count * norm**2).sum() / count.sum())
    if not total > 0:
        raise ValueError(f"the features {str(feature)!r} of the training set are all zero")
    return {"factor": np.array(NORM / total)}


def _columns(
    data: VOC, network: Network, category: str, split: str, sampling: Sampling
) -> dict[str, np.ndarray]:
    layers = _layers(network, sampling)
    columns: dict[str, list[np.ndarray]] = {}
    for images, points in object_crops(data, data.instances(category, split), sampling=sampling):
        maps = network.layer_features(images, layers)
        for n, its in enumerate(points):
            for name in layers:
                rows, cols = network.receptive_fields[name].nearest(its, maps[name].shape[1:3]).T
                columns.setdefault(name, []).append(maps[name][n, rows, cols])
    return {name: np.concatenate(parts) for name, parts in columns.items()}


def _positive(**shared: Any) -> dict[str, np.ndarray]:
    return {name: np.mean(rows > 0, keepdims=True) for name, rows in cached(_columns, **shared).items()}


def _sift(
    data: VOC, category: str, split: str, sampling: Sampling, kinds: Sequence[Sift]
) -> dict[str, np.ndarray]:
    parts = []
    # A thread per image, and none within: small matrix products would wait for each other.
    with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
        for images, points in object_crops(data, data.instances(category, split), sampling=sampling):
            parts += pool.map(lambda image, its: sift.several(image, its, kinds), images, points)
    described = np.concatenate(parts, axis=1).astype(np.uint8)  # whole numbers, at most 255
    return {str(number): rows for number, rows in enumerate(described)}
