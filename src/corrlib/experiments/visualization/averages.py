"""Figure 2 of the paper: the average of the whole receptive fields of a feature's nearest neighbours."""

from collections.abc import Sequence

import numpy as np

from corrlib import patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization.settings import Settings, database
from corrlib.experiments.visualization.units import LAYERS, Units, neighbors, sample, units, whole_image

#: Numbers of neighbours, and the number of seeds, each in a validation image of its own.
KS, SEEDS = (1, 5, 25, 125), 2


def receptive_field_averages(
    data: VOC, network: Network, settings: Settings, layer: str
) -> dict[int, np.ndarray]:
    """Average the receptive fields of the nearest neighbours of random units (section 2, Figure 2).

    In each of `SEEDS` validation images, one unit is drawn around which the largest receptive field of
    `LAYERS` lies inside the image, so that all layers have the same seeds. The receptive fields of the
    neighbours may extend beyond their images; pixels outside do not count.

    Returns
    -------
    dict
        ``k`` of `KS` -> ``(SEEDS, size, size, 3)`` uint8, each with its contrast stretched; 0 -> the seeds.
    """
    ids = {"image_ids": sample(data, "val", SEEDS, seed=settings.seed + 1)}
    ids["database_ids"] = database(data, settings)
    values = cached(_averages, data=data, network=network, layer=layer, seed=settings.seed, **ids)
    return {k: values[str(k)] for k in (0, *KS)}


def _averages(
    data: VOC, network: Network, layer: str, seed: int, image_ids: list[str], database_ids: list[str]
) -> dict[str, np.ndarray]:
    query, source = (units(data, network, layer, ids) for ids in (image_ids, database_ids))
    rng, size, centers = np.random.default_rng(seed), query.rf.size, query.centers
    largest = max(network.receptive_fields[name].size for name in LAYERS)
    chosen, seeds = [], []
    for number, image_id in enumerate(image_ids):
        image, rows = whole_image(data, image_id), np.flatnonzero(query.image == number)
        chosen.append(rng.choice(rows[inside(centers[rows], largest, image)]))
        seeds.append(patches.stretch(patches.cut(image, centers[chosen[-1]], size)))
    index, _ = neighbors(query, source, max(KS), rows=np.array(chosen), device=network.device)
    averages = {0: np.stack(seeds)} | average_fields(data, source, index, KS)
    return {str(k): each for k, each in averages.items()}


def average_fields(data: VOC, source: Units, index: np.ndarray, ks: Sequence[int]) -> dict[int, np.ndarray]:
    """Average the receptive fields of the first k of units `index` ``(n, most)``, for each k; stretched."""
    size = source.rf.size
    image, centers = source.image[index], source.centers[index]
    total = {k: np.zeros((len(index), size, size, 3)) for k in ks}
    count = {k: np.zeros((len(index), size, size, 1)) for k in ks}
    for number in np.unique(image):
        picture = whole_image(data, source.image_ids[number])
        there = np.pad(np.ones((*picture.shape[:2], 1)), ((size, size), (size, size), (0, 0)))
        for seed, rank in np.argwhere(image == number):
            weight = patches.cut(there, centers[seed, rank] + size, size)
            field = weight * patches.cut(picture, centers[seed, rank], size)
            for k in (k for k in ks if k > rank):
                total[k][seed] += field
                count[k][seed] += weight
    return {k: np.stack([_stretched(t, c) for t, c in zip(total[k], count[k], strict=True)]) for k in ks}


def inside(centers: np.ndarray, size: int, image: np.ndarray) -> np.ndarray:
    """Whether squares of side `size` around `centers` ``(..., 2)`` lie inside an image."""
    low, high = centers - size / 2, centers + size / 2
    return ((low >= -0.5) & (high <= np.array(image.shape[1::-1]) - 0.5)).all(axis=-1)


def _stretched(total: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Mean image, stretched; middle grey where no neighbour had a pixel."""
    seen = count[..., 0] > 0
    image = np.full(total.shape, 128, np.uint8)
    image[seen] = patches.stretch(total[seen] / count[seen])
    return image
