"""Nearest training objects of the same category, by a global descriptor (paper, sections 3 and 5)."""

from typing import Any

import numpy as np

from corrlib.cache import cached, keep
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, DataError, crops
from corrlib.retrieval import nearest

#: Number of object crops that are described at a time.
BATCH = 64
#: Suffix of the name of a layer whose map is averaged over its places.
MEAN = " mean"


def default_layer(network: Network) -> str:
    """The global descriptor by which neighbours are found: fc7, as in the paper, or else ``conv5 mean``.

    Like fc7, the spatial mean of conv5 encodes what is in an image but hardly where it is. A whole map such
    as pool5 would find neighbours in the same pose, whose keypoints need no alignment.
    """
    network = network.retriever or network
    return "fc7" if "fc7" in network.layers else "conv5 mean"


def global_descriptors(
    data: VOC, network: Network, category: str, split: str, layer: str, size: int
) -> np.ndarray:
    """Global descriptors of each object of a category: ``(N, D)`` float32.

    They are computed on object crops of `size` pixels. `layer` is a layer of the network: ``fc7``, a whole
    map such as ``pool5``, or a map averaged over its places such as ``conv5 mean``. ValueError for others.
    """
    return cached(_descriptors, **_inputs(data, network, category, split, layer, size))["descriptors"]


def keep_descriptors(
    maps: np.ndarray, data: VOC, network: Network, category: str, split: str, layer: str, size: int
) -> None:
    """Keep `global_descriptors` that were found in another pass: the maps of a layer, of all objects."""
    inputs = _inputs(data, network, category, split, layer, size)
    keep({"descriptors": maps.reshape(len(maps), -1)}, _descriptors, **inputs)


def neighbors(
    data: VOC,
    network: Network,
    category: str,
    split: str,
    *,
    layer: str,
    size: int = INPUT_SIDE,
    neighbors: int | None = None,
) -> np.ndarray:
    """The most similar training objects of the same category, by the cosine of a global descriptor.

    Parameters
    ----------
    split
        Split of the objects whose neighbours are wanted.
    layer, size
        As in `global_descriptors`.
    neighbors
        Number of neighbours; fewer if the training set has no more in other images. None: all.

    Returns
    -------
    array (N, k) int64
        Rows of ``crops.objects(data, category, "train")``, the most similar first; none is from the image of
        the object. If `neighbors` is None, rows are padded with -1 at the end.

    Raises
    ------
    DataError
        If the category has no object in `split`, or an object has no other object in the training set.
    """
    ranked = cached(_ranked, **_inputs(data, network, category, split, layer, size))["rows"]
    left = (ranked >= 0).all(axis=0).sum()
    return ranked if neighbors is None else ranked[:, : min(neighbors, left)]


def _inputs(data: VOC, network: Network, category: str, split: str, layer: str, size: int) -> dict[str, Any]:
    """What descriptors and neighbours are computed from: the network is the one that finds neighbours."""
    network = network.retriever or network
    return dict(data=data, network=network, category=category, split=split, layer=layer, size=size)


def _ranked(
    data: VOC, network: Network, category: str, split: str, layer: str, size: int
) -> dict[str, np.ndarray]:
    query, database = (crops.objects(data, category, s) for s in (split, "train"))
    own, other = (np.array([i.image_id for i in instances], dtype=str) for instances in (query, database))
    left = len(other) - max((int((other == i).sum()) for i in own), default=0)
    if left < 1 or not query:
        raise DataError(
            f"{data.root}: {len(query)} objects of {category!r} have a visible keypoint in {split}, and"
            f" {len(database)} in train: neighbours need one, and another one of another image"
        )
    descriptors = (global_descriptors(data, network, category, s, layer, size) for s in (split, "train"))
    ranked, _ = nearest(*descriptors, len(database), device=network.device)
    allowed = own[:, None] != other[ranked]
    first = np.argsort(~allowed, axis=1, kind="stable")  # the object's own image comes last
    allowed, ranked = (np.take_along_axis(a, first, axis=1) for a in (allowed, ranked))
    return {"rows": np.where(allowed, ranked, -1)}


def _descriptors(
    data: VOC, network: Network, category: str, split: str, layer: str, size: int
) -> dict[str, np.ndarray]:
    objects, described = crops.objects(data, category, split), []
    if size == INPUT_SIDE:  # other features need these crops, too, and they are small
        batches = [crops.category_images(data, category, split, size)]
    else:
        firsts = range(0, len(objects), BATCH)
        batches = (crops.images(data, objects[first : first + BATCH], size) for first in firsts)
    for images in batches:
        values = network.features(images, layer.removesuffix(MEAN))
        averaged = layer.endswith(MEAN) and values.ndim == 4
        described.append(values.mean(axis=(1, 2)) if averaged else values.reshape(len(values), -1))
    return {"descriptors": np.concatenate(described)}
