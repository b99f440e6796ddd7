"""What alignment works on: features of every kind on one grid, and neighbours of the same category."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from joblib import cpu_count

from corrlib import sift
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, crops
from corrlib.metrics import rms_norm
from corrlib.retrieval import nearest

#: Features of every kind are taken at the receptive field centres of this layer (paper, section 3: "the grid
#: of convnet rf centers").
GRID_LAYER = "conv4"
BATCH = 64
#: Training instances of each category over which the norm of a kind of feature is measured.
SAMPLE = 4


def grid(network: Network, size: int) -> np.ndarray:
    """The feature locations ``(H, W, 2)`` in a square: centres of the receptive fields of `GRID_LAYER`."""
    return network.receptive_fields[GRID_LAYER].centers(network.output_shape((size, size), GRID_LAYER))


def features(
    data: VOC, network: Network, category: str, split: str, *, feature: str | float, size: int = INPUT_SIDE
) -> np.ndarray:
    """Features of every instance at the grid, from the cache.

    Parameters
    ----------
    data, network, category, split
        Whose instances, and whose grid.
    feature
        A layer of the network, or the radius in pixels of SIFT.
    size
        Side of the squares.

    Returns
    -------
    array (N, H, W, C) float16 or, SIFT, uint8
        Of layers with another grid the unit nearest to each location.
    """
    inputs = dict(data=data, network=network, category=category, split=split)
    return cached(_features, **inputs, feature=feature, size=size)["features"]


def scale(data: VOC, network: Network, *, feature: str | float, size: int = INPUT_SIDE) -> float:
    """What a kind of feature is divided by in the energy: its RMS norm over a sample of the training set."""
    norm = float(cached(_norm, data=data, network=network, feature=feature, size=size)["norm"])
    if not norm:
        raise ValueError(f"the features {feature!r} of the training set are all zero: nothing can be aligned")
    return norm


def neighbours(
    data: VOC, network: Network, category: str, split: str, *, count: int = 25, layer: str = "fc7"
) -> np.ndarray:
    """Training instances of the same category that look most alike, by the cosine of `layer`.

    Returns
    -------
    array (N, k) int64
        Rows of ``crops.visible(data, category, "train")``, the most similar first; none from the instance's
        own image. ``k`` is `count`, or fewer if the training set has no more.
    """
    query, database = (crops.visible(data, category, s) for s in (split, "train"))
    images = [np.array([i.image_id for i in objects], dtype=str) for objects in (query, database)]
    left = len(database) - max((int((images[1] == i).sum()) for i in images[0]), default=0)
    if left < 1 or not query:
        raise ValueError(
            f"{data.root}: {len(query)} instances of {category!r} have a visible keypoint in {split}, and"
            f" {len(database)} in train: alignment needs one, and another to align it with"
        )
    found = (crops.signatures(data, network, category, s, layer) for s in (split, "train"))
    rows, _ = nearest(
        *found, min(count, left), query_group=images[0], database_group=images[1], device=network.device
    )
    return rows


def prepare(
    data: VOC,
    network: Network,
    categories: Iterable[str],
    kinds: Iterable[str | float],
    *,
    count: int = 25,
    layer: str = "fc7",
    size: int = INPUT_SIDE,
) -> list[np.ndarray]:
    """Compute all that is kept of val and train, a category at a time: their squares are cut once for all.

    Parameters
    ----------
    kinds
        Of `features`.
    count, layer
        As `neighbours` has them.

    Returns
    -------
    list
        The neighbours of the instances of val, for each category.
    """
    near, kinds = [], list(kinds)
    for category in categories:
        near.append(neighbours(data, network, category, "val", count=count, layer=layer))
        for split in ("train", "val"):
            for kind in kinds:
                features(data, network, category, split, feature=kind, size=size)
    return near


def _features(data: VOC, network: Network, category: str, split: str, feature: str | float, size: int):
    found = _describe(network, crops.all_images(data, category, split, size), feature)
    # OpenCV rounds SIFT to whole numbers.
    return {"features": found.astype(np.float16 if isinstance(feature, str) else np.uint8)}


def _norm(data: VOC, network: Network, feature: str | float, size: int):
    found = []
    for category in data.categories:
        train = crops.visible(data, category, "train")
        some = [train[row] for row in crops.spread(len(train), SAMPLE)]
        found.append(_describe(network, crops.images(data, some, size), feature))
    return {"norm": np.array(rms_norm(np.concatenate(found)))}


def _describe(network: Network, images: np.ndarray, feature: str | float) -> np.ndarray:
    """Features ``(N, H, W, C)`` float32 of squares ``(N, size, size, 3)`` at the grid."""
    centers = grid(network, images.shape[1])
    if not isinstance(feature, str):
        with ThreadPoolExecutor(cpu_count()) as pool:
            found = pool.map(lambda image: sift.descriptors(image, centers, radius=feature), images)
            return np.array(list(found), np.float32).reshape(len(images), *centers.shape[:2], 128)
    found = np.empty((len(images), *centers.shape[:2], network.channels(feature)), np.float32)
    for first in range(0, len(images), BATCH):
        maps = network.features(images[first : first + BATCH], feature)
        units = network.receptive_fields[feature].nearest(centers, maps.shape[1:3])
        found[first : first + BATCH] = maps[:, units[..., 0], units[..., 1]]
    return found
