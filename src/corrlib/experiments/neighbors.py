"""Nearest training objects of the same category, by a global descriptor (paper, sections 3 and 5)."""

from __future__ import annotations

import numpy as np

from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, DataError, crops
from corrlib.retrieval import nearest

__all__ = ["default_layer", "neighbors"]

#: Layers that serve as global descriptors, computed together: in alignment the first that the network has;
#: the last for the prior of prediction.
RETRIEVAL_LAYERS = ("fc7", "pool5")


def default_layer(network: Network) -> str:
    """The layer that neighbours are found by: fc7, as in the paper, or pool5 of a network without it."""
    return next(name for name in RETRIEVAL_LAYERS if name in network.layers)


def global_descriptors(data: VOC, network: Network, category: str, split: str, layer: str) -> np.ndarray:
    """Features of a layer, ``fc7`` or a whole map, of each object of a category: ``(N, D)`` float32.

    They are those of the network's own input, the object crop of 227 x 227 pixels. ValueError for another
    layer.
    """
    layers = [name for name in RETRIEVAL_LAYERS if name in network.layers]
    layers = layers if layer in layers else [layer]
    inputs = dict(data=data, network=network, category=category, split=split)
    return cached(_descriptors, **inputs, layers=layers)[layer]


def neighbors(
    data: VOC, network: Network, category: str, split: str, *, layer: str, neighbors: int | None = None
) -> np.ndarray:
    """Training objects of the same category that look most alike, by the cosine of `layer`.

    Parameters
    ----------
    split
        Of the objects whose neighbours are wanted.
    neighbors
        How many; fewer where the training set has no more of other images. None: all.

    Returns
    -------
    array (N, k) int64
        Rows of ``crops.objects(data, category, "train")``, the most similar first; none is of the object's
        own image. With `neighbors` None, -1 fills the ends of rows.

    Raises
    ------
    DataError
        If the category has no object in `split`, or some object no other in the training set.
    """
    query, database = (crops.objects(data, category, s) for s in (split, "train"))
    own, other = (np.array([i.image_id for i in instances], dtype=str) for instances in (query, database))
    left = len(other) - max((int((other == i).sum()) for i in own), default=0)
    if left < 1 or not query:
        raise DataError(
            f"{data.root}: {len(query)} objects of {category!r} have a visible keypoint in {split}, and"
            f" {len(database)} in train: neighbours need one, and another one of another image"
        )
    descriptors = (global_descriptors(data, network, category, s, layer) for s in (split, "train"))
    ranked, _ = nearest(*descriptors, len(database), device=network.device)
    allowed = own[:, None] != other[ranked]
    first = np.argsort(~allowed, axis=1, kind="stable")  # the object's own image comes last
    ranked = np.where(
        np.take_along_axis(allowed, first, axis=1), np.take_along_axis(ranked, first, axis=1), -1
    )
    return ranked if neighbors is None else ranked[:, : min(neighbors, left)]


def _descriptors(
    data: VOC, network: Network, category: str, split: str, layers: list[str]
) -> dict[str, np.ndarray]:
    images = crops.category_images(data, category, split, INPUT_SIDE)
    features = network.layer_features(images, layers)
    return {name: values.reshape(len(values), -1) for name, values in features.items()}
