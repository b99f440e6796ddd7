"""Features of object crops on grids: of a layer, at its own stride or a finer one, or dense SIFT."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeVar

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import detection, sift
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.neighbors import keep_descriptors
from corrlib.experiments.prediction.settings import SIFT
from corrlib.geometry import ReceptiveField

Result = TypeVar("Result")
#: Number of object crops whose features are computed at a time.
BATCH = 16


def map_categories(function: Callable[[str], Result], categories: Sequence[str]) -> list[Result]:
    """Call `function` for each category, in one thread per category, as its steps are too short to divide."""
    if len(categories) == 1:
        return [function(categories[0])]
    single = dict(initializer=threadpool_limits, initargs=(1,))  # OpenMP counts per thread
    with threadpool_limits(1), ThreadPoolExecutor(cpu_count(), **single) as pool:
        return list(pool.map(function, categories))


def grid(
    network: Network | None, feature: str, *, size: int, context: int = 1, factor: int = 1
) -> tuple[ReceptiveField, tuple[int, int]]:
    """The grid of the features that detectors use in a crop of `size` pixels, and its rows and columns.

    Parameters
    ----------
    feature
        A layer of the network, or ``sift``, which has no context and no finer stride and needs no network.
    context
        Side of a window, in units of the layer.
    factor
        A divisor of the layer's stride, by which the grid is finer.
    """
    if feature == SIFT:
        return sift.dense_grid(), sift.dense_shape((size, size))
    field = detection.windows(network.receptive_fields[feature], context)
    field = replace(field, stride=field.stride // factor)
    smallest = size - (factor - 1) * field.stride
    height, width = network.output_shape((smallest, smallest), feature)
    return field, (height * factor, width * factor)


def category_features(
    data: VOC,
    network: Network | None,
    category: str,
    split: str,
    feature: str,
    *,
    size: int,
    factor: int = 1,
    smoothing: float = 0.0,
    limit: int | None = None,
) -> Iterator[np.ndarray]:
    """Yield `features` of the object crops of a category, `BATCH` at a time.

    If they are those of conv5 in all crops, pool5 is computed in the same pass and kept for the prior, which
    finds neighbours by it.
    """
    objects, pooled = crops.subset(crops.objects(data, category, split), limit), []
    both = feature == "conv5" and "pool5" in network.layers and not network.retriever
    both = both and factor == 1 and limit is None
    for first in range(0, len(objects), BATCH):
        images = crops.images(data, objects[first : first + BATCH], size)
        if both:
            maps = network.layer_features(images, ["conv5", "pool5"])
            pooled.append(maps["pool5"])
            yield maps["conv5"][:, None, None]
        else:
            yield features(network, images, feature, factor, smoothing)
    if both:
        keep_descriptors(np.concatenate(pooled), data, network, category, split, "pool5", size)


def features(
    network: Network | None, images: np.ndarray, feature: str, factor: int = 1, smoothing: float = 0.0
) -> np.ndarray:
    """Features of crops ``(N, size, size, 3)``, of single units: windows are not concatenated.

    Returns
    -------
    array (N, factor, factor, h, w, C) float32 or, SIFT, uint8
        ``[:, i, j]`` are the features of the images without their first ``i * stride / factor`` rows and ``j
        * stride / factor`` columns: the unit ``[r, c]`` is centred that far below and to the right of the
        layer's own. All are cut to the grid of the smallest of these images.
    """
    if feature == SIFT:
        # A thread per image, and none within: small matrix products would wait for each other.
        with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
            described = pool.map(lambda image: sift.dense(image, smoothing=smoothing), images)
            return np.stack(list(described))[:, None, None]
    field, shape = grid(network, feature, size=images.shape[1], factor=factor)
    h, w = (side // factor for side in shape)
    result = np.empty((len(images), factor, factor, h, w, network.channels(feature)), np.float32)
    for i, j in np.ndindex(factor, factor):
        shifted = images[:, i * field.stride :, j * field.stride :]
        result[:, i, j] = network.features(shifted, feature)[:, :h, :w]
    return result
