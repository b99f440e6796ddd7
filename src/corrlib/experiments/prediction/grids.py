"""What prediction works on: features of two kinds on their grids, and neighbours for the prior."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import detection, sift
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.geometry import ReceptiveField
from corrlib.retrieval import nearest

#: Side of the squares (paper, section 5).
SIZE = 500
#: The kind of features that is no layer of the network.
SIFT = "sift"
BATCH = 16
Result = TypeVar("Result")


def each(call: Callable[[str], Result], categories: Sequence[str]) -> list[Result]:
    """What `call` says of each category, a thread a category, and none within: their steps are short."""
    if len(categories) == 1:
        return [call(categories[0])]
    one = dict(initializer=threadpool_limits, initargs=(1,))  # OpenMP counts each thread's own
    with threadpool_limits(1), ThreadPoolExecutor(cpu_count(), **one) as pool:
        return list(pool.map(call, categories))


def instances(data: VOC, category: str, split: str) -> tuple[Instance, ...]:
    """`crops.visible`; ValueError if there is none: nothing to be scored, or learned from."""
    found = crops.visible(data, category, split)
    if not found:
        raise ValueError(f"{data.root}: no instance of {category!r} in {split} has a visible keypoint")
    return found


def field(network: Network | None, feature: str, context: int) -> ReceptiveField:
    """The grid of a kind of features: what a window of a layer sees, or a descriptor of SIFT."""
    if feature == SIFT:
        return sift.dense_grid()
    return detection.windows(network.receptive_fields[_layer(network, feature)], context)


def shape(network: Network | None, feature: str, size: int, factor: int = 1) -> tuple[int, int]:
    """Rows and columns of the grid in a square; of a grid of a layer that is `factor` times finer."""
    if feature == SIFT:
        return sift.dense_shape((size, size))
    least = size - (factor - 1) * network.receptive_fields[feature].stride // factor
    height, width = network.output_shape((least, least), feature)
    return height * factor, width * factor


def maps(
    data: VOC, network: Network | None, objects: Sequence[Instance], feature: str, size: int
) -> np.ndarray:
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
        images = crops.images(data, objects[first : first + BATCH], size)
        if feature == SIFT:
            # A thread an image, and none within: small matrix products would wait for each other.
            with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
                parts.append(np.stack(list(pool.map(sift.dense, images))))
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


def neighbours(data: VOC, network: Network, category: str, split: str, layer: str = "pool5") -> np.ndarray:
    """All training instances of the category, the most similar first by the cosine of a layer's features.

    The whole 227 x 227 square is compared: the network's own input, as for the other chapters' neighbours.

    Returns
    -------
    array (N, M) int64
        Rows of ``crops.visible(data, category, "train")``; -1 in place of those of the instance's own
        image.
    """
    query, database = (crops.signatures(data, network, category, s, layer) for s in (split, "train"))
    rows, _ = nearest(query, database, len(database), device=network.device)
    objects = (crops.visible(data, category, s) for s in (split, "train"))
    own, others = (np.array([i.image_id for i in each]) for each in objects)
    return np.where(own[:, None] == others[rows], -1, rows)


def prior_means(
    data: VOC, network: Network, category: str, split: str, size: int, layer: str = "pool5"
) -> np.ndarray:
    """Where each keypoint is in the square of the nearest neighbour that has it, ``(N, K, 2)``.

    NaN if none has.
    """
    rows = neighbours(data, network, category, split, layer)
    known = crops.keypoints(crops.visible(data, category, "train"), size)
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
