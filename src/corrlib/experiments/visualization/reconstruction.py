"""Figure 1 of the paper: images rebuilt from patches of their nearest neighbours, and their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from corrlib import metrics, patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization.settings import Settings, database, scored, shown
from corrlib.experiments.visualization.units import LAYERS, cut, neighbor_index, units, whole_image

#: Weights of red, green and blue in brightness (ITU-R BT.601) in thousandths: whole numbers add up exactly.
BRIGHTNESS = (299.0, 587.0, 114.0)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """An image, and the images rebuilt from patches.

    Attributes
    ----------
    image : The whole image ``(H, W, 3)``.
    centers : ``(h, w, 2)`` centres of the patches.
    size : Side of the patches: the layer's stride.
    original : ``(h * size, w * size, 3)``, the part of the image that the patches cover.
    neighbors, uniform
        ``k`` -> the same part, from k nearest neighbours; and from k places of the image itself, drawn from
        the conv3 receptive field around each patch.
    """

    image: np.ndarray
    centers: np.ndarray
    size: int
    original: np.ndarray
    neighbors: dict[int, np.ndarray]
    uniform: dict[int, np.ndarray]


def reconstruct(data: VOC, network: Network, settings: Settings, layer: str) -> dict[str, Reconstruction]:
    """Rebuild images from the patches of their units' nearest neighbours (section 2, Figure 1).

    A patch lies at the centre of a unit's receptive field, and its side is the stride. It is replaced by the
    average of the patches of the unit's nearest neighbours by cosine, which are from other images.

    Returns
    -------
    dict
        Image, shown or scored -> its reconstruction from each of ``settings.ks`` neighbours.
    """
    image_ids, ks, field = rebuilt_images(data, settings), settings.ks, network.receptive_fields[layer]
    about = dict(layer=layer, ks=ks, seed=settings.seed, image_ids=image_ids)
    values = cached(_rebuilt, data=data, network=network, **about, database_ids=database(data, settings))
    results = {}
    for number, image_id in enumerate(image_ids):
        rebuilt = {name: {k: values[f"{number} {name} {k}"] for k in ks} for name in ("neighbors", "uniform")}
        centers, original = values[f"{number} centers"], values[f"{number} original"]
        image = whole_image(data, image_id)
        results[image_id] = Reconstruction(image, centers, field.stride, original, **rebuilt)
    return results


def _rebuilt(
    data: VOC,
    network: Network,
    layer: str,
    ks: list[int],
    seed: int,
    image_ids: list[str],
    database_ids: list[str],
) -> dict[str, np.ndarray]:
    query = units(data, network, layer, image_ids)
    size, most, window = query.rf.stride, max(ks), network.receptive_fields["conv3"].size
    index, _ = neighbor_index(data, network, layer, image_ids, database_ids, most)
    nearest = cut(data, units(data, network, layer, database_ids), index, size)
    result = {}
    for number, (image_id, grid) in enumerate(zip(image_ids, query.grids.tolist(), strict=True)):
        image, centers = whole_image(data, image_id), query.rf.centers(tuple(grid))
        near = nearest[query.image == number].reshape(*grid, most, size, size, 3)
        rng = np.random.default_rng([seed, number])
        places = uniform_places(centers, image.shape[:2], window=window, size=size, k=most, rng=rng)
        drawn = patches.cut(image, places, size)
        result[f"{number} centers"] = centers
        result[f"{number} original"] = patches.reassemble(patches.cut(image, centers, size))
        for name, k in product(("neighbors", "uniform"), ks):
            chosen = {"neighbors": near, "uniform": drawn}[name][:, :, :k]
            result[f"{number} {name} {k}"] = patches.reassemble(patches.average(chosen, axis=2))
    return result


def rebuilt_images(data: VOC, settings: Settings) -> list[str]:
    """The images that are `shown`, and then the others that are `scored`."""
    return list(dict.fromkeys([*shown(data, settings), *scored(data, settings)]))


def uniform_places(
    centers: np.ndarray, shape: tuple[int, int], *, window: int, size: int, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw k pixels ``(H, W, k, 2)`` uniformly from the window of side `window` around each of `centers`.

    They are centres of patches of side `size` that lie inside the image of `shape`.
    """
    before, after = size // 2, (size - 1) // 2  # an even patch reaches further to the upper left
    end = np.array(shape[::-1]) - 1 - after
    low = np.clip(np.floor(centers) - window // 2, before, end).astype(int)
    high = np.clip(np.floor(centers) + window // 2, before, end).astype(int)
    draws = rng.integers(low[..., None, :], high[..., None, :], (*centers.shape[:2], k, 2), endpoint=True)
    return draws.astype(np.float64)


def similarity(image: np.ndarray, original: np.ndarray) -> float:
    """Correlation of the brightness of all pixels: 1 for the same image, 0 for noise or a constant."""
    return _correlation(_brightness(image), _brightness(original))


def detail(image: np.ndarray, original: np.ndarray, size: int) -> float:
    """Correlation of brightness within the patches of side `size`, each minus its own mean.

    It compares where edges and parts are within the patches, and ignores the mean brightness and the colour
    of a patch, so that an image of another individual can also score. It is 1 for the same image, and close
    to 0 for patches from random places nearby.
    """
    return _correlation(*(_within(_brightness(x), size) for x in (image, original)))


def scores(rebuilt: Sequence[Reconstruction], k: int) -> dict[str, dict[str, np.ndarray]]:
    """Score one layer's reconstructions from k patches against their originals; at least two.

    Returns
    -------
    dict
        ``detail`` and ``similarity``, each of ``neighbors``, ``uniform`` and their ``difference`` image by
        image: the mean over images and its 95 % bootstrap interval ``(3,)``.
    """
    return {
        measure: {column: metrics.mean_interval([each]) for column, each in values.items()}
        for measure, values in _values(rebuilt, k).items()
    }


def differences(
    rebuilt: Mapping[str, Sequence[Reconstruction]], k: int
) -> dict[str, list[tuple[str, np.ndarray]]]:
    """The differences of mean detail scores (correlations) on which the claims of section 2 are based.

    `rebuilt` maps each layer to reconstructions of the same images from `k` neighbours.

    Returns
    -------
    dict
        Claim -> what is compared, and the difference with its 95 % bootstrap interval ``(3,)``.
    """
    details = {layer: _values(rebuilt[layer], k)["detail"] for layer in LAYERS}
    near = {layer: [values["neighbors"]] for layer, values in details.items()}
    over_uniform = [(layer, metrics.mean_interval([each["difference"]])) for layer, each in details.items()]
    with_depth = [
        (f"{shallow} \u2212 {deep}", metrics.mean_interval(near[shallow], minus=near[deep]))
        for shallow, deep in pairwise(LAYERS)
    ]
    return {"detail-over-uniform": over_uniform, "detail-falls-with-depth": with_depth}


def _values(rebuilt: Sequence[Reconstruction], k: int) -> dict[str, dict[str, np.ndarray]]:
    """What `scores` averages: the values ``(n,)`` of the images."""
    if len(rebuilt) < 2:
        raise ValueError(f"an interval over images takes at least two of them, got {len(rebuilt)}")
    measures = {"detail": detail, "similarity": lambda image, original, _: similarity(image, original)}
    result = {}
    for name, measure in measures.items():
        near, uniform = (
            np.array([measure(getattr(r, column)[k], r.original, r.size) for r in rebuilt])
            for column in ("neighbors", "uniform")
        )
        result[name] = {"neighbors": near, "uniform": uniform, "difference": near - uniform}
    return result


def _brightness(image: np.ndarray) -> np.ndarray:
    return np.asarray(image, dtype=np.float64) @ BRIGHTNESS


def _within(values: np.ndarray, size: int) -> np.ndarray:
    """``(H, W)`` minus the mean of each patch of side `size`."""
    height, width = values.shape
    tiles = values.reshape(height // size, size, width // size, size)
    return tiles - tiles.mean(axis=(1, 3), keepdims=True)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (x.ravel() - x.mean() for x in (a, b))
    if min(a @ a, b @ b) < 1e-6:  # nothing but rounding
        return 0.0
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
