"""The units of a layer in many images: where they are, their features, their nearest neighbours.

A *unit* is one place of a feature map. The units of several images are numbered one after another: image by
image, row by row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from corrlib import patches
from corrlib.cache import cached
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC
from corrlib.geometry import Crop, ReceptiveField
from corrlib.retrieval import nearest

#: The layers of Figures 1 and 2.
LAYERS = ("conv3", "conv4", "conv5")
#: Images whose features are one entry of the cache.
SHARD = 32


@dataclass(frozen=True, eq=False)
class Units:
    """The units of one layer in some images.

    Attributes
    ----------
    rf : The layer's receptive field.
    grids : ``(n, 2)`` shapes ``(H, W)`` of the images' feature maps.
    blocks : The features, ``(units, C)`` float16, in several arrays mapped from disk.
    """

    image_ids: tuple[str, ...]
    rf: ReceptiveField
    grids: np.ndarray
    blocks: list[np.ndarray]

    @property
    def image(self) -> np.ndarray:
        """``(units,)`` index of each unit's image."""
        return np.repeat(np.arange(len(self.grids)), self.grids.prod(axis=1))

    @property
    def centers(self) -> np.ndarray:
        """``(units, 2)`` centres of the receptive fields, ``(x, y)`` in pixels of the image."""
        return np.concatenate([self.rf.centers(tuple(g)).reshape(-1, 2) for g in self.grids.tolist()])


def table_1(network: Network, layers: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Size and stride in pixels of the receptive fields of some layers, computed (Table 1)."""
    fields = {name: network.receptive_fields[name] for name in layers}
    return {name: (rf.size, rf.stride) for name, rf in fields.items()}


def sample(data: VOC, split: str, count: int, *, seed: int) -> list[str]:
    """Draw images of a split: all, if there are fewer than `count`. Larger samples begin with smaller."""
    if count < 1:
        raise ValueError(f"the number of images of {split} must be at least 1, got {count}")
    if seed < 0:
        raise ValueError(f"the seed of a sample must not be negative, got {seed}")
    if not (names := sorted(data.image_ids(split))):
        raise ValueError(f"there is nothing to draw a sample from: the split {split} lists no image")
    order = np.random.default_rng(seed).permutation(names)
    return [str(image_id) for image_id in order[:count]]


def whole_image(data: VOC, image_id: str) -> np.ndarray:
    """An image as the network sees it: as it is, or enlarged if a side is shorter than 227 pixels."""
    image = data.image(image_id)
    height, width = image.shape[:2]
    scale = INPUT_SIDE / min(height, width)
    if scale <= 1:
        return image
    shape = (max(INPUT_SIDE, round(height * scale)), max(INPUT_SIDE, round(width * scale)))
    return Crop((-0.5, -0.5, width - 0.5, height - 0.5), shape).image(image)


def units(data: VOC, network: Network, layer: str, image_ids: Sequence[str]) -> Units:
    """Features of one layer at all places of whole images: computed, or read from the cache."""
    layers = LAYERS if layer in LAYERS else (layer,)
    shards = [list(image_ids[i : i + SHARD]) for i in range(0, len(image_ids), SHARD)]
    entries = [
        cached(_features, data=data, network=network, layers=layers, image_ids=shard)
        for shard in tqdm(shards, desc=f"{layer} features", unit="shard", disable=None)
    ]
    grids = np.concatenate([entry[f"{layer} grids"] for entry in entries])
    blocks = [entry[layer] for entry in entries]
    return Units(tuple(image_ids), network.receptive_fields[layer], grids, blocks)


def _features(
    data: VOC, network: Network, layers: Sequence[str], image_ids: list[str]
) -> dict[str, np.ndarray]:
    """Compute features of several layers in one pass over some images, for the cache.

    For each layer its name -> ``(units, C)`` float16, and ``<name> grids`` -> ``(n, 2)``.
    """
    maps = [network.layer_features(whole_image(data, image_id)[None], layers) for image_id in image_ids]
    result = {}
    for layer in layers:
        own = [each[layer][0] for each in maps]
        result[layer] = np.concatenate([m.reshape(-1, m.shape[-1]).astype(np.float16) for m in own])
        result[f"{layer} grids"] = np.array([m.shape[:2] for m in own])
    return result


def neighbors(
    query: Units, database: Units, k: int, *, rows: np.ndarray | slice = slice(None), device: Any = "cpu"
) -> tuple[np.ndarray, np.ndarray]:
    """The `k` units of `database` most similar to each of `query`, or to some `rows` of it, and cosines.

    Both are ``(Q, k)`` (paper, section 2). Units of the same image are never neighbours.
    """
    number = {name: i for i, name in enumerate({*query.image_ids, *database.image_ids})}
    groups = [np.array([number[name] for name in u.image_ids])[u.image] for u in (query, database)]
    features = np.concatenate(query.blocks)[rows]
    return nearest(
        features, database.blocks, k, query_group=groups[0][rows], database_group=groups[1], device=device
    )


def neighbor_index(
    data: VOC, network: Network, layer: str, image_ids: Sequence[str], database_ids: Sequence[str], k: int
) -> tuple[np.ndarray, np.ndarray]:
    """`neighbors` of all units of some images, computed or read from the cache: twice ``(units, k)``."""
    ids = {"image_ids": list(image_ids), "database_ids": list(database_ids)}
    found = cached(_neighbor_index, data=data, network=network, layer=layer, k=k, **ids)
    return found["index"], found["similarity"]


def cut(data: VOC, source: Units, index: np.ndarray, size: int) -> np.ndarray:
    """Cut the patches at the units `index` ``(...)`` of `source`: ``(..., size, size, 3)`` uint8."""
    image, centers = source.image[index], source.centers[index]
    result = np.empty((*index.shape, size, size, 3), np.uint8)
    for number in np.unique(image):  # each image is read once
        here = image == number
        result[here] = patches.cut(whole_image(data, source.image_ids[number]), centers[here], size)
    return result


def _neighbor_index(
    data: VOC, network: Network, layer: str, image_ids: list[str], database_ids: list[str], k: int
) -> dict[str, np.ndarray]:
    query, database = (units(data, network, layer, ids) for ids in (image_ids, database_ids))
    index, similarity = neighbors(query, database, k, device=network.device)
    return {"index": index, "similarity": similarity}
