"""The keypoints of a category, the squares they lie in, and their features, from the cache."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from joblib import cpu_count

from corrlib import sift
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.convnet.dense import layer_features, unrectified
from corrlib.data import VOC, Instance
from corrlib.geometry import Crop
from corrlib.metrics import rms_norm

#: A layer of the network, or one of `LINEAR`; or SIFT of a radius in pixels; or of a radius and a
#: magnification (see `sift`).
Feature = str | float | tuple[float, float]
#: The SIFT of Table 3, and the best two radii with less smoothing: described together, as reading the images
#: takes its time.
RADII = (10.0, 20.0, 40.0, 80.0, 160.0)
SHARP = tuple((radius, 12.0) for radius in (40.0, 80.0))
#: Convolution layers before they rectify, and their names as features.
LINEAR = {name: f"{name} linear" for name in ("conv3", "conv4", "conv5")}
#: RMS norm that every type of feature is scaled to: the one at which the paper's C = 1e-6 fits.
NORM = 512.0
BATCH = 32


@dataclass(frozen=True)
class Square:
    """What part of an image is warped to the square that features are taken from.

    Attributes
    ----------
    frame
        ``box`` of the object, or the whole ``image``.
    size
        Side of the square in pixels.
    margin
        Pixels that are seen beyond it on each side, at the same scale.
    """

    frame: str = "box"
    size: int = INPUT_SIDE
    margin: int = 0

    def __post_init__(self) -> None:
        if self.frame not in ("box", "image"):
            raise ValueError(f"frame must be 'box' or 'image', got {self.frame!r}")
        if self.size < 1:
            raise ValueError(f"the size of a square must be at least 1, got {self.size}")

    @property
    def digest(self) -> str:
        """What tells it from others in the cache."""
        return f"{self.frame} {self.size} {self.margin}"

    def crop(self, instance: Instance, shape: tuple[int, int]) -> Crop:
        """The square of an instance in an image of `shape` ``(H, W)``."""
        height, width = shape
        whole = (-0.5, -0.5, width - 0.5, height - 0.5)
        box = np.array(whole if self.frame == "image" else instance.box, dtype=np.float64)
        beyond = self.margin / self.size * (box[2:] - box[:2])
        side = self.size + 2 * self.margin
        return Crop((*(box[:2] - beyond), *(box[2:] + beyond)), (side, side))


@dataclass(frozen=True, eq=False)
class Keypoints:
    """The n visible keypoints of a category's instances in a split, instance by instance.

    Attributes
    ----------
    names
        Of the K types.
    count
        Number of instances.
    instance, kind
        ``(n,)`` index of each keypoint's instance, and of its type.
    image
        ``(n,)`` number of its image.
    """

    names: tuple[str, ...]
    count: int
    instance: np.ndarray
    kind: np.ndarray
    image: np.ndarray

    def spread(self, values: np.ndarray, missing: float | int) -> np.ndarray:
        """Values ``(..., n)`` of the keypoints as ``(..., N, K)``, `missing` where one is not visible."""
        result = np.full((*values.shape[:-1], self.count, len(self.names)), missing, dtype=values.dtype)
        result[..., self.instance, self.kind] = values
        return result


def keypoints(data: VOC, category: str, split: str) -> Keypoints:
    """The visible keypoints of a category in a split.

    Raises
    ------
    ValueError
        If there are none: nothing can be trained or scored.
    """
    objects = data.instances(category, split)
    names = data.keypoint_names(category)
    visible = [np.flatnonzero(_visible(i)) for i in objects]
    if not sum(map(len, visible)):
        raise ValueError(f"{data.root}: no instance of {category!r} has a visible keypoint in {split}")
    images = {name: number for number, name in enumerate(dict.fromkeys(i.image_id for i in objects))}
    counts = [len(v) for v in visible]
    return Keypoints(
        names=names,
        count=len(objects),
        instance=np.repeat(np.arange(len(objects)), counts),
        kind=np.concatenate(visible),
        image=np.repeat([images[i.image_id] for i in objects], counts),
    )


def features(
    data: VOC, network: Network, category: str, split: str, *, feature: Feature, square: Square
) -> np.ndarray:
    """One feature at each of `keypoints`: ``(n, D)`` float32.

    Parameters
    ----------
    feature
        Of a layer, the unit whose receptive field's centre lies nearest; SIFT is described at the keypoint
        itself (paper, section 4).

    Raises
    ------
    ValueError
        For a layer that the network does not have, or whose receptive field the square does not hold.
    """
    common = dict(data=data, category=category, split=split, square=square)
    if not isinstance(feature, str):
        kinds = [*RADII, *SHARP] if feature in (*RADII, *SHARP) else [feature]
        return cached(_sift, kinds=kinds, **common)[str(kinds.index(feature))].astype(np.float32)
    known = _layers(network, square)
    known += [LINEAR[name] for name in _linear(known)]
    if feature not in known:
        raise ValueError(
            f"unknown layer {feature!r}, or its receptive field is larger than the square of {square.size}"
            f" pixels; there are {', '.join(known)}"
        )
    return cached(_columns, network=network, **common)[feature]


def scale(data: VOC, network: Network, *, feature: Feature, square: Square) -> float:
    """The factor that gives a type of feature an RMS norm of 512 over the training set of all categories."""
    common = dict(data=data, network=network if isinstance(feature, str) else None, square=square)
    return float(cached(_scale, feature=feature, **common)["factor"])


def pictures(
    data: VOC, objects: list[Instance], square: Square
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """The squares of instances in batches ``(B, size, size, 3)``, and their visible keypoints ``(k, 2)``."""

    def one(instance: Instance) -> tuple[np.ndarray, np.ndarray]:
        image = data.image(instance.image_id)
        crop = square.crop(instance, image.shape[:2])
        return crop.image(image), crop.points(instance.keypoints[_visible(instance)])

    with ThreadPoolExecutor(cpu_count()) as pool:
        for start in range(0, len(objects), BATCH):
            images, points = zip(*pool.map(one, objects[start : start + BATCH]), strict=True)
            yield np.stack(images), list(points)


def _scale(data: VOC, network: Network, feature: Feature, square: Square) -> dict[str, np.ndarray]:
    norms = []
    for category in data.categories:
        if not any(_visible(one).any() for one in data.instances(category, "train")):
            continue
        found = features(data, network, category, "train", feature=feature, square=square)
        norms.append((len(found), rms_norm(found)))
    count, norm = np.array(norms).T
    total = np.sqrt((count * norm**2).sum() / count.sum())
    if not total > 0:
        raise ValueError(f"the features {feature!r} of the training set are all zero: they tell nothing")
    return {"factor": np.array(NORM / total)}


def _visible(instance: Instance) -> np.ndarray:
    return np.isfinite(instance.keypoints).all(axis=1)


def _layers(network: Network, square: Square) -> list[str]:
    return [name for name, rf in network.receptive_fields.items() if rf.size <= square.size]


def _linear(layers: list[str]) -> list[str]:
    return [name for name in layers if name in LINEAR]


def _columns(data: VOC, network: Network, category: str, split: str, square: Square) -> dict[str, np.ndarray]:
    layers = _layers(network, square)
    found: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    found |= {LINEAR[name]: [] for name in _linear(layers)}
    for images, points in pictures(data, data.instances(category, split), square):
        maps = layer_features(network, images, layers)
        for n, its in enumerate(points):
            for before, name in zip([None, *layers], layers, strict=False):
                units_rc = network.receptive_fields[name].nearest(its, maps[name].shape[1:3])
                rows, cols = units_rc.T
                found[name].append(maps[name][n, rows, cols])
                if name in LINEAR:
                    found[LINEAR[name]].append(unrectified(network, name, maps[before][n], units_rc))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def descriptors(image: np.ndarray, points: np.ndarray, feature: Feature) -> np.ndarray:
    """SIFT of one kind at `points` ``(..., 2)``: ``(..., 128)``."""
    return sift.several(image, points, [_kind(feature)])[0]


def _kind(feature: Feature) -> tuple[float, float]:
    """Radius and magnification of a kind of SIFT."""
    return feature if isinstance(feature, tuple) else (feature, sift.MAGNIFICATION)


def _sift(
    data: VOC, category: str, split: str, square: Square, kinds: list[Feature]
) -> dict[str, np.ndarray]:
    def one(image: np.ndarray, points: np.ndarray) -> np.ndarray:
        return sift.several(image, points, [_kind(kind) for kind in kinds])

    found = []
    with ThreadPoolExecutor(cpu_count()) as pool:
        for images, points in pictures(data, data.instances(category, split), square):
            found += pool.map(one, images, points)
    described = np.concatenate(found, axis=1).astype(np.uint8)  # whole numbers, at most 255
    return {str(number): rows for number, rows in enumerate(described)}
