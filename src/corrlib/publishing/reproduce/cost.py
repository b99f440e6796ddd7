"""Disk and memory that a run will take, estimated from numbers of objects, grids and channels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corrlib import cache
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment import studies
from corrlib.experiments.alignment.features import GRID_LAYER
from corrlib.experiments.classification.keypoints import RADII, SHARP
from corrlib.experiments.prediction import grids
from corrlib.experiments.visualization import units
from corrlib.publishing.reproduce.stages import TOGETHER

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


def database(data: VOC, network: Network, patches: int, *, seed: int = 0) -> tuple[int, int]:
    """How many images of train have so many patches in every layer of Figures 1 and 2, and how many they are.

    All images, if these have no more.
    """
    total, images = dict.fromkeys(units.LAYERS, 0), 0
    for name in units.sample(data, "train", 10**9, seed=seed):
        images += 1
        shape = units.whole_image(data, name).shape[:2]
        for layer in total:
            total[layer] += int(np.prod(network.output_shape(shape, layer)))
        if min(total.values()) >= patches:
            break
    return images, min(total.values())


def estimate(data: VOC, network: Network, parameters: Mapping[str, Mapping[str, Any]], patches: int) -> Cost:
    """Estimate what the four chapters keep on disk, and the memory of the largest step.

    Parameters
    ----------
    parameters
        Chapter -> all its parameters.
    patches
        In the database of section 2, of each layer.
    """
    splits = ("train", "val")
    count = {c: [len(crops.visible(data, c, s)) for s in splits] for c in data.categories}
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
    few = studies.few(list(data.categories))
    others = [name for name in studies.LAYERS if name != align["layer"]]
    studied = 2 * sum(network.channels(name) for name in others) + SIFT * (len(studies.RADII) - 1)
    # Of each neighbour: a label a node, its keypoints; its row, two energies, their bound and the iterations.
    near = {c: min(align["neighbors"], n[0]) for c, n in count.items()}
    pair = {c: near[c] * (2 * grid + 16 * kinds[c] + 40) for c in count}
    betas, tried = 2 * len(align["betas"]), 2 * align["studied"]
    flows = sum(pair[c] * (2 * n[1] + betas * min(align["studied"], n[0])) for c, n in count.items())
    side = len(studies.LAYERS) + len(studies.RADII) + 2 * 2 * 2  # methods, betas and solvers
    flows += sum(pair[c] * side * min(tried, count[c][1]) for c in few)

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
    finest = 16 * places[predict["layer"]]  # a quarter of the stride
    finest *= sum(min(predict["studied"], n[1]) * kinds[c] for c, n in count.items())
    disk = {
        "visualization: features of patches": 2 * patches * sum(network.channels(n) for n in units.LAYERS),
        "neighbours: fc7 and pool5": 4 * signature * instances,
        "alignment: features": (2 * network.channels(align["layer"]) + SIFT) * grid * instances,
        "alignment: features of the side studies": studied * grid * sum(sum(count[c]) for c in few),
        "alignment: flows": flows,
        "classification: features at keypoints": (
            4 * sum(map(network.channels, columns)) + SIFT * len((*RADII, *SHARP))
        )
        * int(points),
        "prediction: responses": 4 * (sum(places.values()) * responses + finest),
    }
    # The maps, twice while they are put together or padded; labels twice; responses held out.
    sizes = {f: SIFT if f == grids.SIFT else 4 * network.channels(f) for f in places}
    largest = [
        sorted(n[0] * places[f] * (2 * sizes[f] + kinds[c] * (1 + 1 + 4)) for c, n in count.items())
        for f in places
    ]
    memory = max(sum(each[-TOGETHER:]) for each in largest)
    return Cost({name: int(value) for name, value in disk.items()}, int(memory))


def kept(data: VOC) -> int:
    """Bytes in the cache that were made of this data set by the code as it is."""
    total = 0
    for path in cache.cache_dir().glob("corrlib.*/*.safetensors"):
        try:
            with path.open("rb") as file:
                head = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            _, code, inputs = json.loads(head["__metadata__"]["made_by"])
            current = cache.code_digest(path.parent.name.rpartition(".")[0])
            total += path.stat().st_size * (code == current and data.digest in json.dumps(inputs))
        except (OSError, ValueError, KeyError):  # replaced meanwhile, damaged, or of a module that has gone
            continue
    return total
