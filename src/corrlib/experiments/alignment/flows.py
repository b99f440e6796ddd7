"""Features on one grid, and the alignment of every object with its neighbours; kept in the cache."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from corrlib import flow, sift
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, crops
from corrlib.experiments.alignment.settings import Settings
from corrlib.experiments.neighbors import neighbors as nearest_neighbors
from corrlib.geometry import ReceptiveField
from corrlib.metrics import rms_norm
from corrlib.sift import Sift

#: All kinds of features are sampled at the receptive field centres of this layer (paper, section 3: "the grid
#: of convnet rf centers").
GRID_LAYER = "conv4"
BATCH = 64
#: Training objects per category over which the norm of a kind of feature is measured.
SAMPLE = 4
#: The field is inverted on a lattice of this many pixels; the splines vary no faster than the grid of 16.
COARSE = 4
#: Number of objects in the first cache entry; the next entry has twice as many, and so on.
BLOCK = 4
#: TRW-S stops when the energy exceeds its lower bound by no more than this share.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Alignment:
    """Objects of one category, their neighbours, and the alignment of each pair.

    Attributes
    ----------
    rows : ``(N,)`` rows of the objects in ``crops.objects``, in the order of ``crops.evenly_spaced``.
    neighbors : ``(N, k)`` rows of the training objects, the most similar first.
    labels_rc
        ``(N, k, H, W, 2)`` node of the neighbour's grid that each node of the object's is matched with.
    points : ``(N, k, K, 2)`` the neighbours' keypoints in the object's crop; NaN where a neighbour has none.
    data, smoothness, bound : ``(N, k)`` the two terms of the energy, and its lower bound (-inf: none known).
    """

    rows: np.ndarray
    neighbors: np.ndarray
    labels_rc: np.ndarray
    points: np.ndarray
    data: np.ndarray
    smoothness: np.ndarray
    bound: np.ndarray

    @property
    def still(self) -> np.ndarray:
        """``(N, k)`` whether no node moves: such an alignment is none."""
        grid = np.stack(np.indices(self.labels_rc.shape[2:4]), axis=-1)
        return (self.labels_rc == grid).all(axis=(2, 3, 4))


def align(
    data: VOC,
    network: Network,
    settings: Settings,
    category: str,
    *,
    feature: str | Sift,
    beta: float,
    split: str = "val",
    limit: int | None = None,
) -> Alignment:
    """Align objects of a category with their nearest neighbours in the training set (paper, section 3).

    Parameters
    ----------
    feature
        A layer of the network, or a kind of SIFT; both are sampled at the same locations.
    split
        Split of the objects; the neighbours are always from ``train``.
    limit
        Size of an evenly spaced subset of the objects; None: all objects.
    """
    wanted = len(crops.evenly_spaced(len(crops.objects(data, category, split)), limit))
    edges = [0, BLOCK]
    while edges[-1] < wanted:
        edges.append(2 * edges[-1])
    inputs = dict(data=data, network=network, category=category, split=split, feature=feature, beta=beta)
    names = ("solver", "iterations", "neighbors", "retrieval_layer", "size")
    inputs |= {name: getattr(settings, name) for name in names}
    parts = [cached(_align, **inputs, first=first, last=last) for first, last in pairwise(edges)]
    return Alignment(**{name: np.concatenate([part[name] for part in parts])[:wanted] for name in parts[0]})


def prepare(data: VOC, network: Network, settings: Settings) -> dict[str, np.ndarray]:
    """Compute the features of all objects, a category at a time, so that its crops are cut only once.

    Category -> ``(N, k)`` the neighbours of its validation objects.
    """
    near, by = {}, dict(layer=settings.retrieval_layer, neighbors=settings.neighbors)
    for category in settings.categories:
        near[category] = nearest_neighbors(data, network, category, "val", **by)
        for split in ("train", "val"):
            for feature in settings.features.values():
                features(data, network, category, split, feature=feature, size=settings.size)
    return near


def copied(data: VOC, network: Network, settings: Settings, category: str, split: str = "val") -> np.ndarray:
    """The neighbours' keypoints ``(N, k, K, 2)`` at their places in their own crops, without alignment."""
    by = dict(layer=settings.retrieval_layer, neighbors=settings.neighbors)
    rows = nearest_neighbors(data, network, category, split, **by)
    return crops.keypoints(crops.objects(data, category, "train"), settings.size)[rows]


def transfer(labels_rc: np.ndarray, field: ReceptiveField, size: int, points: np.ndarray) -> np.ndarray:
    """Keypoints ``(..., K, 2)`` of moving crops where alignments ``(..., H, W, 2)`` put them.

    As inverting the flow of every pixel, but on a `COARSE` lattice: almost the same, and much faster.
    """
    coarse = ReceptiveField(field.size, field.stride / COARSE, (field.center + 0.5) / COARSE - 0.5)
    cells = -(-size // COARSE)
    flows = flow.flow(labels_rc, coarse, coarse, (cells, cells))
    return (flow.transfer(flows, (points + 0.5) / COARSE - 0.5) + 0.5) * COARSE - 0.5


def features(
    data: VOC, network: Network, category: str, split: str, *, feature: str | Sift, size: int
) -> np.ndarray:
    """Features of every object of a category at the grid, from the cache: float16, or uint8 for SIFT.

    `feature` is a layer or a kind of SIFT; `size` the side of the crops. A layer with another
    grid gives the unit nearest to each location.
    """
    inputs = dict(data=data, network=network, category=category, split=split)
    return cached(_features, **inputs, feature=feature, size=size)["features"]


def scale(data: VOC, network: Network, *, feature: str | Sift, size: int) -> float:
    """The divisor of a kind of feature in the energy: its RMS norm over a sample of the training set."""
    norm = float(cached(_norm, data=data, network=network, feature=feature, size=size)["norm"])
    if not norm:
        raise ValueError(f"the features {feature!r} of the training set are all zero: nothing can be aligned")
    return norm


@lru_cache(maxsize=4)
def _scaled(data: VOC, network: Network, category: str, split: str, feature: str | Sift, size: int):
    """Features of RMS norm 1, float32; those of one category serve many blocks and many betas in turn."""
    raw = features(data, network, category, split, feature=feature, size=size)
    return raw.astype(np.float32) / scale(data, network, feature=feature, size=size)


def _features(data: VOC, network: Network, category: str, split: str, feature: str | Sift, size: int):
    described = _describe(network, crops.category_images(data, category, split, size), feature)
    # SIFT is rounded to integers.
    return {"features": described.astype(np.float16 if isinstance(feature, str) else np.uint8)}


def _norm(data: VOC, network: Network, feature: str | Sift, size: int):
    samples = (crops.subset(crops.objects(data, category, "train"), SAMPLE) for category in data.categories)
    described = [_describe(network, crops.images(data, some, size), feature) for some in samples]
    return {"norm": np.array(rms_norm(np.concatenate(described)))}


def _describe(network: Network, images: np.ndarray, feature: str | Sift) -> np.ndarray:
    """Features ``(N, H, W, C)`` float32 of crops ``(N, size, size, 3)`` at the grid."""
    shape = network.output_shape(images.shape[1:3], GRID_LAYER)
    centers = network.receptive_fields[GRID_LAYER].centers(shape)
    if not isinstance(feature, str):
        with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
            described = pool.map(lambda image: sift.several(image, centers, [feature])[0], images)
            return np.array(list(described), np.float32).reshape(len(images), *shape, 128)
    described = np.empty((len(images), *shape, network.channels(feature)), np.float32)
    for first in range(0, len(images), BATCH):
        maps = network.features(images[first : first + BATCH], feature)
        units = network.receptive_fields[feature].nearest(centers, maps.shape[1:3])
        described[first : first + BATCH] = maps[:, units[..., 0], units[..., 1]]
    return described


def _align(
    data: VOC,
    network: Network,
    category: str,
    split: str,
    feature: str | Sift,
    beta: float,
    solver: str,
    iterations: int,
    neighbors: int,
    retrieval_layer: str,
    size: int,
    first: int,
    last: int,
) -> dict[str, np.ndarray]:
    near = nearest_neighbors(data, network, category, split, layer=retrieval_layer, neighbors=neighbors)
    rows = crops.evenly_spaced(len(near))[first:last]
    reference, moving = (_scaled(data, network, category, s, feature, size) for s in (split, "train"))
    points = crops.keypoints(crops.objects(data, category, "train"), size)
    field = network.receptive_fields[GRID_LAYER]

    def align_object(row: int) -> tuple:
        parameters = dict(solver=solver, iterations=iterations, tolerance=TOLERANCE, threads=1)
        pair = reference[row], moving[near[row]]
        solutions = flow.align(*pair, beta=beta, stride=field.stride, **parameters)
        labels = np.stack([s.labels_rc for s in solutions])
        numbers = [(s.data, s.smoothness, s.bound) for s in solutions]
        return labels, transfer(labels, field, size, points[near[row]]), np.array(numbers)

    # A thread per object, and none within: the matrix products would wait for each other's threads.
    with ThreadPoolExecutor(cpu_count()) as pool, threadpool_limits(1):
        labels, moved, numbers = (
            np.stack(parts) for parts in zip(*pool.map(align_object, rows), strict=True)
        )
    return {
        "rows": rows,
        "neighbors": near[rows],
        "labels_rc": labels.astype(np.uint8),
        "points": moved,
        **{name: numbers[..., i] for i, name in enumerate(("data", "smoothness", "bound"))},
    }
