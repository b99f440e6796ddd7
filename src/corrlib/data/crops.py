"""Objects as the experiments see them: their boxes warped to squares."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from joblib import cpu_count

from corrlib import metrics
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.convnet.dense import layer_features
from corrlib.data import VOC, Instance
from corrlib.geometry import Crop

__all__ = ["all_images", "crop", "errors", "images", "keypoints", "signatures", "spread", "visible"]

#: What neighbours are found by: in alignment (paper, section 3), and for the prior of prediction (section 5).
SIGNATURES = ("fc7", "pool5")


@lru_cache(maxsize=128)
def visible(data: VOC, category: str, split: str) -> tuple[Instance, ...]:
    """Objects of a category that can be scored or transfer anything: those with a visible keypoint."""
    return tuple(i for i in data.instances(category, split) if np.isfinite(i.keypoints).any())


def spread(total: int, limit: int | None = None) -> np.ndarray:
    """Rows of at most `limit` of `total` objects, evenly spread; all if it is None.

    Always in one order, of which a limit takes the first: what is known of few is part of what is known of
    more.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 instance, got {limit}")
    return np.argsort(np.arange(total) * ((5**0.5 - 1) / 2) % 1)[:limit]  # the golden ratio


def crop(instance: Instance, size: int) -> Crop:
    """The object's box warped to a square of side `size`."""
    return Crop(tuple(instance.box), (size, size))


def keypoints(objects: Sequence[Instance], size: int) -> np.ndarray:
    """Keypoints in the squares, ``(N, K, 2)``; NaN where invisible."""
    return np.stack([crop(one, size).points(one.keypoints) for one in objects])


def images(data: VOC, objects: Sequence[Instance], size: int) -> np.ndarray:
    """The squares, ``(N, size, size, 3)`` uint8."""
    result = np.empty((len(objects), size, size, 3), np.uint8)

    def fill(row: int) -> None:
        result[row] = crop(objects[row], size).image(data.image(objects[row].image_id))

    with ThreadPoolExecutor(cpu_count()) as pool:
        list(pool.map(fill, range(len(objects))))
    return result


@lru_cache(maxsize=2)
def all_images(data: VOC, category: str, split: str, size: int) -> np.ndarray:
    """`images` of all `visible`; kept in memory for who asks next."""
    return images(data, visible(data, category, split), size)


def errors(predicted: np.ndarray, objects: Sequence[Instance], size: int) -> np.ndarray:
    """Errors ``(N, K)`` of keypoints ``(N, K, 2)`` predicted in the squares, as `metrics.errors`.

    They are measured in the image: the paper compares the distance with the longer side of the bounding box,
    so both are those of the box before it is warped.
    """
    in_image = np.stack([crop(one, size).inverse(p) for one, p in zip(objects, predicted, strict=True)])
    truth, boxes = (np.stack([getattr(one, name) for one in objects]) for name in ("keypoints", "box"))
    return metrics.errors(in_image, truth, boxes)


def signatures(data: VOC, network: Network, category: str, split: str, layer: str) -> np.ndarray:
    """The features of a layer, ``fc7`` or a map as a whole, of each of `visible`: ``(N, D)``, from the cache.

    Always of the network's own input, 227 x 227. ValueError for a layer that it has not.
    """
    layers = [name for name in SIGNATURES if name in network.layers]
    inputs = dict(data=data, network=network, category=category, split=split)
    return cached(_signatures, **inputs, layers=layers if layer in layers else [layer])[layer]


def _signatures(
    data: VOC, network: Network, category: str, split: str, layers: list[str]
) -> dict[str, np.ndarray]:
    found = layer_features(network, all_images(data, category, split, INPUT_SIDE), layers)
    return {name: values.reshape(len(values), -1) for name, values in found.items()}
