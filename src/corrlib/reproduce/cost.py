"""What a run will take, from numbers of objects, grids and channels: estimates, told before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corrlib import squares, store
from corrlib.convnet import Network
from corrlib.datasets import VOC
from corrlib.experiments.alignment import studies
from corrlib.experiments.alignment.features import GRID_LAYER
from corrlib.experiments.classification.keypoints import RADII, SHARP
from corrlib.experiments.prediction import grids
from corrlib.experiments.visualization import units

#: Channels of SIFT.
SIFT = 128


@dataclass(frozen=True)
class Cost:
    """Estimates in bytes.

    Attributes
    ----------
    disk
        What is kept, by what it is.
    memory
        That the largest step needs at a time.
    """

    disk: Mapping[str, int]
    memory: int

    @property
    def total(self) -> int:
        """Bytes on disk."""
        return sum(self.disk.values())


def images_for(data: VOC, network: Network, patches: int, *, seed: int = 0) -> int:
    """How many images of train have at least so many patches in every layer of Figures 1 and 2, or all."""
    total, names = dict.fromkeys(units.LAYERS, 0), units.sample(data, "train", 10**9, seed=seed)
    for number, name in enumerate(names, 1):
        shape = units.whole_image(data, name).shape[:2]
        for layer in total:
            total[layer] += int(np.prod(network.output_shape(shape, layer)))
        if min(total.values()) >= patches:
            return number
    return len(names)


def cost(data: VOC, network: Network, parameters: Mapping[str, Mapping[str, Any]], patches: int) -> Cost:
    """Estimate what the four chapters keep on disk, and the memory of the largest step.

    Parameters
    ----------
    parameters
        Chapter -> all its parameters.
    patches
        In the database of section 2, of each layer.
    """
    splits = ("train", "val")
    count = {c: [len(squares.visible(data, c, s)) for s in splits] for c in data.categories}
    instances = sum(map(sum, count.values()))
    points = sum(
        np.isfinite(i.keypoints).all(axis=1).sum()
        for c in count
        for s in splits
        for i in data.instances(c, s)
    )
    kinds = {c: len(data.keypoint_names(c)) for c in data.categories}
    align, predict = parameters["alignment"], parameters["prediction"]

    grid = int(np.prod(network.output_shape((align["size"],) * 2, GRID_LAYER)))
    few = sum(sum(count[c]) for c in studies.few(list(data.categories)))
    others = [name for name in studies.LAYERS if name != align["layer"]]
    studied = 2 * sum(network.channels(name) for name in others) + SIFT * (len(studies.RADII) - 1)
    flows = sum(n[1] * align["neighbors"] * (2 * grid + 16 * kinds[c] + 32) for c, n in count.items())

    pooled = int(np.prod(network.output_shape((227, 227), "pool5"))) * network.channels("pool5")
    signature = pooled + (network.channels("fc7") if "fc7" in network.layers else 0)
    columns = [
        name
        for name, rf in network.receptive_fields.items()
        if rf.size <= parameters["classification"]["size"]
    ]
    places = {
        f: int(np.prod(grids.shape(network, f, predict["size"]))) for f in (predict["layer"], grids.SIFT)
    }
    responses = sum(sum(n) * kinds[c] for c, n in count.items())
    disk = {
        "visualization: features of patches": 2 * patches * sum(network.channels(n) for n in units.LAYERS),
        "neighbours: fc7 and pool5": 4 * signature * instances,
        "alignment: features": (2 * network.channels(align["layer"]) + SIFT) * grid * instances,
        "alignment: features of the side studies": studied * grid * few,
        "alignment: flows": 2 * flows,
        "classification: features at keypoints": (
            4 * sum(map(network.channels, columns)) + SIFT * len((*RADII, *SHARP))
        )
        * int(points),
        "prediction: responses": 4 * sum(places.values()) * responses,
    }
    memory = 0
    for c, (train, _) in count.items():
        for feature, cells in places.items():
            maps = train * cells * (SIFT if feature == grids.SIFT else 4 * network.channels(feature))
            # The maps, twice while they are put together or padded; labels twice; responses held out.
            memory = max(memory, 2 * maps + train * cells * kinds[c] * (1 + 1 + 4))
    return Cost({name: int(value) for name, value in disk.items()}, int(memory))


def kept(data: VOC) -> int:
    """Bytes in the cache that were made of this data set."""
    total = 0
    for path in store.cache_dir().glob("corrlib.*/*.safetensors"):
        try:
            with path.open("rb") as file:
                head = file.read(int.from_bytes(file.read(8), "little"))
            total += path.stat().st_size * (data.digest.encode() in head)
        except OSError:  # replaced meanwhile
            continue
    return total
