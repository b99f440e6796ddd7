"""Whether similar features agree at the centres of their receptive fields more than at the rims."""

from collections.abc import Mapping

import numpy as np

from corrlib import metrics, patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization.averages import inside
from corrlib.experiments.visualization.reconstruction import BRIGHTNESS
from corrlib.experiments.visualization.settings import Settings, database
from corrlib.experiments.visualization.units import Units, neighbors, sample, units, whole_image

#: What is compared, and which values of `describe` it is.
MEASURES = {"colour": slice(0, 3), "gradient": slice(3, 5)}
#: Numbers of validation images, and of units drawn in each of them.
IMAGES, SEEDS = 96, 16
#: Units of the database that are drawn at random, with which neighbours are compared.
RANDOM = 2048


def agreement(
    data: VOC, network: Network, settings: Settings, layer: str
) -> dict[str, dict[str, np.ndarray]]:
    """How well the nearest neighbours of units agree with them, at the centre and at the rim of their fields.

    At the centre is the patch of which the paper speaks, whose side is the stride; at the rim are the eight
    such patches in the corners of the field and in the middle of its sides. Agreement is 1 minus the ratio of
    two mean squared differences: that of neighbours to that of random units, at the same place of the field.
    It is 1 if neighbours are the same there, and 0 if they are no more similar than random units. In each of
    `IMAGES` validation images, up to `SEEDS` units are drawn whose fields lie inside the image; places of a
    neighbour outside its image do not count. Computed, or read from the cache.

    Returns
    -------
    dict
        ``colour`` (the mean colour of a patch) and ``gradient`` (the slope of its brightness, with its
        direction) -> ``center``, ``rim`` and their ``difference``: the mean over images and its 95 %
        bootstrap interval ``(3,)``.
    """
    ids = {"image_ids": compared(data, settings), "database_ids": database(data, settings)}
    about = {"layer": layer, "k": settings.k, "seed": settings.seed, **ids}
    values = cached(_agreement, data=data, network=network, **about)
    result = {}
    for measure in MEASURES:
        ends = {name: [values[f"{measure}-{name}"]] for name in ("center", "rim")}
        result[measure] = {name: metrics.mean_interval(each) for name, each in ends.items()}
        result[measure]["difference"] = metrics.mean_interval(ends["center"], minus=ends["rim"])
    return result


def compared(data: VOC, settings: Settings) -> list[str]:
    """Validation images whose units are compared with their neighbours."""
    return sample(data, "val", IMAGES, seed=settings.seed)


def _agreement(
    data: VOC, network: Network, layer: str, k: int, seed: int, image_ids: list[str], database_ids: list[str]
) -> dict[str, np.ndarray]:
    query, source = (units(data, network, layer, ids) for ids in (image_ids, database_ids))
    rng, seeds = np.random.default_rng(seed), []
    for number, image_id in enumerate(image_ids):
        rows = np.flatnonzero(query.image == number)
        rows = rows[inside(query.centers[rows], query.rf.size, whole_image(data, image_id))]
        seeds.append(rng.permutation(rows)[:SEEDS])
    chosen, image = np.concatenate(seeds), np.repeat(np.arange(len(seeds)), [len(each) for each in seeds])
    near, _ = neighbors(query, source, k, rows=chosen, device=network.device)
    kinds = ((query, chosen), (source, near), (source, rng.integers(len(source.image), size=RANDOM)))
    return compare(*(describe(data, *each) for each in kinds), image, len(seeds))


def compare(
    seeds: np.ndarray, near: np.ndarray, random: np.ndarray, image: np.ndarray, images: int
) -> dict[str, np.ndarray]:
    """The agreement of units ``(n, 9, 5)`` with their neighbours ``(n, k, 9, 5)``, image by image.

    All are values of `describe`. `random` are random units ``(m, 9, 5)``, and `image` ``(n,)`` is the number
    of each unit's image. Returns what `agreement` averages, such as ``colour-rim`` ``(images,)``; NaN for an
    image without units.
    """
    result = {}
    for measure, values in MEASURES.items():
        mean, variance = np.nanmean(random[..., values], axis=0), np.nanvar(random[..., values], axis=0)
        differences = ((seeds[:, None] - near)[..., values] ** 2).sum(axis=-1)
        # The mean squared difference from random units is that from their mean, plus their variance.
        expected = ((seeds[..., values] - mean) ** 2 + variance).sum(axis=-1)
        expected = np.where(np.isfinite(differences), expected[:, None], np.nan)
        for name, places in (("center", slice(0, 1)), ("rim", slice(1, None))):
            ours, theirs = (
                np.bincount(image, np.nansum(each[..., places], axis=(1, 2)), minlength=images)
                for each in (differences, expected)
            )
            result[f"{measure}-{name}"] = 1 - np.divide(
                ours, theirs, out=np.full(images, np.nan), where=theirs > 0
            )
    return result


def similar_colours(
    agreements: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]],
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """The differences on which the claim about colours is based: centre minus rim, for each layer.

    `agreements` is layer -> what `agreement` returns. The result is as of `reconstruction.differences`.
    """
    return {"similar-colours": [(layer, each["colour"]["difference"]) for layer, each in agreements.items()]}


def describe(data: VOC, source: Units, index: np.ndarray) -> np.ndarray:
    """Describe the patches at the centre and at the rim of the fields of units `index` ``(...)``.

    Returns
    -------
    array (..., 9, 5)
        Of each patch: means of red, green and blue, and the slopes (x, y) of the plane fitted to its
        brightness, in grey levels per pixel. The centre is first. NaN for a patch that leaves its image.
    """
    size, reach = source.rf.stride, (source.rf.size - source.rf.stride) / 2
    offsets = np.array([(x, y) for y in (0, -1, 1) for x in (0, -1, 1)]) * reach
    ramp = np.arange(size) - (size - 1) / 2
    slopes = np.stack(np.meshgrid(ramp, ramp), axis=-1)[:, :, None] / (size * (ramp @ ramp))
    slopes = slopes * np.array(BRIGHTNESS)[:, None] / 1000
    means = np.broadcast_to(np.eye(3) / size**2, (size, size, 3, 3))
    basis = np.concatenate([means, slopes], axis=-1).reshape(-1, 5).astype(np.float32)
    image, centers = source.image[index], source.centers[index]
    result = np.empty((*index.shape, len(offsets), 5), np.float32)
    for number in np.unique(image):  # each image is read once
        here, picture = image == number, whole_image(data, source.image_ids[number])
        places = centers[here][:, None] + offsets
        values = patches.cut(picture, places, size).reshape(*places.shape[:2], -1).astype(np.float32) @ basis
        values[~inside(places, size, picture)] = np.nan
        result[here] = values
    return result
