"""Figure 1 of the paper: an image rebuilt from patches of its nearest neighbours, and how much is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from corrlib import patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization.units import cut, neighbour_index, units, whole_image

#: Weights of red, green and blue in brightness (ITU-R BT.601) in thousandths: whole numbers add up exactly.
BRIGHTNESS = (299.0, 587.0, 114.0)


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """An image, and what its neighbours make of it.

    Attributes
    ----------
    image_id, image
        The whole image ``(H, W, 3)``.
    centers
        ``(h, w, 2)`` centres of the patches.
    size
        Side of the patches: the layer's stride.
    original
        ``(h * size, w * size, 3)``, the part of the image that the patches cover.
    neighbours, uniform
        ``k`` -> the same part, from k nearest neighbours; and from k places of the image itself, drawn from
        the conv3 receptive field around each patch.
    """

    image_id: str
    image: np.ndarray
    centers: np.ndarray
    size: int
    original: np.ndarray
    neighbours: dict[int, np.ndarray]
    uniform: dict[int, np.ndarray]


def reconstruct(
    data: VOC,
    network: Network,
    layer: str,
    image_ids: Sequence[str],
    database_ids: Sequence[str],
    *,
    ks: Sequence[int] = (1, 5),
    seed: int = 0,
) -> list[Reconstruction]:
    """Rebuild images from the patches of their units' nearest neighbours (section 2, Figure 1).

    A patch lies at the centre of a unit's receptive field and is as large as the stride. What replaces it is
    the average over the patches of the unit's nearest neighbours by cosine, never of the same image.

    Parameters
    ----------
    image_ids, database_ids
        Images to rebuild, and images to take patches from.
    ks
        Numbers of neighbours.
    seed
        Of the places that the uniform column takes.
    """
    if not ks or min(ks) < 1:
        raise ValueError(f"the numbers of neighbours must be at least 1, got {list(ks)}")
    query, database = units(data, network, layer, image_ids), units(data, network, layer, database_ids)
    size, most, window = query.rf.stride, max(ks), network.receptive_fields["conv3"].size
    inputs = {"image_ids": list(image_ids), "database_ids": list(database_ids), "k": most}
    index = cached(neighbour_index, data=data, network=network, layer=layer, **inputs)["index"]
    found = cut(data, database, index, size)
    results = []
    for number, (image_id, grid) in enumerate(zip(image_ids, query.grids.tolist(), strict=True)):
        image, centers = whole_image(data, image_id), query.rf.centers(tuple(grid))
        near = found[query.image == number].reshape(*grid, most, size, size, 3)
        rng = np.random.default_rng([seed, number])
        places = uniform_places(centers, image.shape[:2], window=window, size=size, k=most, rng=rng)
        drawn = patches.cut(image, places, size)
        results.append(
            Reconstruction(
                image_id,
                image,
                centers,
                size,
                original=patches.reassemble(patches.cut(image, centers, size)),
                neighbours={k: patches.reassemble(patches.average(near[:, :, :k], axis=2)) for k in ks},
                uniform={k: patches.reassemble(patches.average(drawn[:, :, :k], axis=2)) for k in ks},
            )
        )
    return results


def uniform_places(
    centers: np.ndarray, shape: tuple[int, int], *, window: int, size: int, k: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw patch centres uniformly from the window around each of `centers`, the patches inside of the image.

    Parameters
    ----------
    centers
        ``(H, W, 2)`` points.
    shape
        ``(H, W)`` of the image.
    window, size
        Sides of the window and of the patches in pixels.
    k
        Draws a centre, each independent of the others.

    Returns
    -------
    np.ndarray
        ``(H, W, k, 2)`` whole pixels.
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
    """Correlation of brightness within the patches of side `size`, each less its own mean.

    It asks for the place of edges and parts to less than the stride, and takes no note of how bright or of
    which colour a patch is: what an image of another individual can share. 1 for the same image; close to 0
    for patches from anywhere nearby.
    """
    return _correlation(*(_within(_brightness(x), size) for x in (image, original)))


def scores(results: Sequence[Reconstruction], k: int) -> dict[str, dict[str, np.ndarray]]:
    """Score one layer's reconstructions against their originals.

    Returns
    -------
    dict
        ``detail`` and ``similarity``, each of ``neighbours``, ``uniform`` and their ``difference`` image by
        image: the mean over images and its 95 % bootstrap interval, ``(3,)``.
    """
    measures = {"detail": lambda image, r: detail(image, r.original, r.size)}
    measures["similarity"] = lambda image, r: similarity(image, r.original)
    found = {}
    for name, measure in measures.items():
        near = np.array([measure(r.neighbours[k], r) for r in results])
        drawn = np.array([measure(r.uniform[k], r) for r in results])
        values = {"neighbours": near, "uniform": drawn, "difference": near - drawn}
        found[name] = {column: mean_interval(value) for column, value in values.items()}
    return found


def mean_interval(values: np.ndarray) -> np.ndarray:
    """Mean of `values` ``(n,)`` and the ends of its 95 % bootstrap interval (percentiles): ``(3,)``."""
    values = np.asarray(values, dtype=np.float64)
    if len(values) < 2:
        raise ValueError(f"an interval over images takes at least two of them, got {len(values)}")
    interval = stats.bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    return np.array([values.mean(), interval.low, interval.high])


def _brightness(image: np.ndarray) -> np.ndarray:
    return np.asarray(image, dtype=np.float64) @ BRIGHTNESS


def _within(values: np.ndarray, size: int) -> np.ndarray:
    """``(H, W)`` less the mean of each square of side `size`."""
    height, width = values.shape
    tiles = values.reshape(height // size, size, width // size, size)
    return tiles - tiles.mean(axis=(1, 3), keepdims=True)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = (x.ravel() - x.mean() for x in (a, b))
    if min(a @ a, b @ b) < 1e-6:  # nothing but rounding
        return 0.0
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
