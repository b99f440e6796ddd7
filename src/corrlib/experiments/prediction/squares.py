"""What prediction works on: boxes warped to squares, features on a grid, neighbours for the prior."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from corrlib import dense_sift, detection
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.datasets import VOC, Instance
from corrlib.geometry import Crop, ReceptiveField
from corrlib.retrieval import nearest
from corrlib.store import cached

#: Side of the squares (paper, section 5).
SIZE = 500
#: The kind of features that is no layer of the network.
SIFT = "sift"
BATCH = 16


def instances(data: VOC, category: str, split: str) -> list[Instance]:
    """Objects of a category that can be scored, or learned from: those with a visible keypoint.

    ValueError if there is none.
    """
    found = [i for i in data.instances(category, split) if np.isfinite(i.keypoints).any()]
    if not found:
        raise ValueError(f"{data.root}: no instance of {category!r} in {split} has a visible keypoint")
    return found


def spread(total: int, limit: int | None = None) -> np.ndarray:
    """Rows of at most `limit` of `total` instances, evenly spread; all if it is None."""
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1 instance, got {limit}")
    count = total if limit is None else min(limit, total)
    return np.arange(count) * total // count


def crop(instance: Instance, size: int) -> Crop:
    """The instance's box warped to a square of side `size`."""
    return Crop(tuple(instance.box), (size, size))


def keypoints(objects: list[Instance], size: int) -> np.ndarray:
    """Keypoints in the squares, ``(N, K, 2)``; NaN where invisible."""
    return np.stack([crop(one, size).points(one.keypoints) for one in objects])


def squares(data: VOC, objects: list[Instance], size: int) -> np.ndarray:
    """The instances' boxes warped to squares, ``(N, size, size, 3)`` uint8."""
    result = np.empty((len(objects), size, size, 3), np.uint8)

    def fill(row: int) -> None:
        result[row] = crop(objects[row], size).image(data.image(objects[row].image_id))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(fill, range(len(objects))))
    return result


def field(network: Network | None, feature: str, context: int) -> ReceptiveField:
    """The grid of a kind of features: what a window of a layer sees, or a descriptor of SIFT."""
    if feature == SIFT:
        return dense_sift.grid()
    return detection.windows(network.receptive_fields[_layer(network, feature)], context)


def shape(network: Network | None, feature: str, size: int, factor: int = 1) -> tuple[int, int]:
    """Rows and columns of the grid in a square; of a grid of a layer that is `factor` times finer."""
    if feature == SIFT:
        return dense_sift.shape((size, size))
    least = size - (factor - 1) * network.receptive_fields[feature].stride // factor
    height, width = network.output_shape((least, least), feature)
    return height * factor, width * factor


def maps(data: VOC, network: Network | None, objects: list[Instance], feature: str, size: int) -> np.ndarray:
    """Feature maps of the instances' squares.

    Parameters
    ----------
    network
        None will do for SIFT.
    feature
        A layer of the network, or ``sift``.

    Returns
    -------
    array (N, H, W, C) float32 or, SIFT, uint8
        One vector at each place of the grid; windows are not put together.
    """
    parts = []
    for first in range(0, len(objects), BATCH):
        images = squares(data, objects[first : first + BATCH], size)
        if feature == SIFT:
            # A thread an image, and none within: small matrix products would wait for each other.
            with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1):
                parts.append(np.stack(list(pool.map(dense_sift.descriptors, images))))
        else:
            parts.append(network.features(images, _layer(network, feature)))
    return np.concatenate(parts)


def shifted(network: Network, images: np.ndarray, layer: str, factor: int) -> np.ndarray:
    """Features of a layer at a finer stride: of images that are cut ever further to the right and below.

    Parameters
    ----------
    images
        ``(N, H, W, 3)`` uint8.
    factor
        How many times finer: the stride over a whole number of pixels.

    Returns
    -------
    array (N, factor, factor, h, w, C) float32
        ``[:, i, j]`` are the features of images without their first ``i * stride / factor`` rows and ``j *
        stride / factor`` columns: the unit ``[r, c]`` of it is centred that much below and right of the
        layer's own. The grids are those of the smallest images.
    """
    stride = network.receptive_fields[_layer(network, layer)].stride
    if factor < 1 or stride % factor:
        raise ValueError(f"the stride of {layer}, {stride} pixels, cannot be divided by {factor}")
    step = stride // factor
    least = [side - (factor - 1) * step for side in images.shape[1:3]]
    height, width = network.output_shape(tuple(least), layer)
    found = np.empty((len(images), factor, factor, height, width, network.channels(layer)), np.float32)
    for i in range(factor):
        for j in range(factor):
            features = network.features(images[:, i * step :, j * step :], layer, batch_size=BATCH)
            found[:, i, j] = features[:, :height, :width]
    return found


def neighbours(data: VOC, network: Network, category: str, split: str) -> np.ndarray:
    """All training instances of the category, the most similar first by the cosine of `pool5`.

    The whole 227 x 227 square is compared: the network's own input, as for the other chapters' neighbours.

    Returns
    -------
    array (N, M) int64
        Rows of ``instances(data, category, "train")``; -1 in place of those of the instance's own image.
    """
    inputs = dict(data=data, network=network, category=category)
    query, database = (cached(_signatures, **inputs, split=s)["features"] for s in (split, "train"))
    rows, _ = nearest(query, database, len(database))
    own, others = (np.array([i.image_id for i in instances(data, category, s)]) for s in (split, "train"))
    return np.where(own[:, None] == others[rows], -1, rows)


def prior_means(data: VOC, network: Network, category: str, split: str, size: int) -> np.ndarray:
    """Where each keypoint is in the square of the nearest neighbour that has it, ``(N, K, 2)``.

    NaN if none has.
    """
    rows = neighbours(data, network, category, split)
    known = keypoints(instances(data, category, "train"), size)
    usable = np.isfinite(known).all(axis=-1)[rows] & (rows >= 0)[..., None]
    first = usable.argmax(axis=1)
    means = known[np.take_along_axis(rows, first, axis=1), np.arange(known.shape[1])]
    return np.where(usable.any(axis=1)[..., None], means, np.nan)


def _layer(network: Network | None, feature: str) -> str:
    layers = [] if network is None else list(network.receptive_fields)
    if feature not in layers:
        raise ValueError(
            f"unknown features {feature!r}: expected sift, {', '.join(layers) or 'or a network'}"
        )
    return feature


def _signatures(data: VOC, network: Network, category: str, split: str):
    images = squares(data, instances(data, category, split), INPUT_SIDE)
    return {"features": network.features(images, "pool5").reshape(len(images), -1)}
