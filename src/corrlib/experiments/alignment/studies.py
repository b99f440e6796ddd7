"""Studies that are not in section 3 of the paper: both solvers, every layer and radius, every pixel."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from joblib import cpu_count
from scipy.ndimage import map_coordinates
from threadpoolctl import threadpool_limits

from corrlib import figurines, flow, metrics
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment.evaluation import copy_errors, flow_errors
from corrlib.experiments.alignment.flows import GRID_LAYER, TOLERANCE, align
from corrlib.experiments.alignment.settings import ALPHAS, PAPER_BETA, Settings
from corrlib.experiments.neighbors import neighbors as nearest_neighbors
from corrlib.sift import Sift

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5")
RADII = tuple(map(Sift, (10.0, 20.0, 40.0, 80.0, 160.0)))
#: Number of categories on which solvers are compared, and every layer and every radius is tried.
FEW = 4
#: Number of nearest neighbours of an object in which dense errors are measured.
PAIRS = 5
#: Distance in pixels between the places of a crop at which dense errors are measured.
STEP = 4


def few(settings: Settings) -> Settings:
    """The same settings with a few of their categories, evenly spaced."""
    rows = sorted(crops.evenly_spaced(len(settings.categories), FEW))
    return replace(settings, categories=tuple(settings.categories[row] for row in rows))


def solvers(
    data: VOC, network: Network, settings: Settings, betas: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Both solvers at the beta of each method and at the paper's: distance from the optimum, and PCK.

    They are compared on twice ``settings.studied`` objects per category.

    Returns
    -------
    list of dict
        ``method``, ``beta``, ``solver``, the items of `optimality`, and ``pck (3,)`` at ``settings.alpha``.
    """
    result = []
    for method, feature in settings.features.items():
        for beta in sorted({betas[method], PAPER_BETA}):
            for solver in ("trws", "bp"):
                own = replace(settings, solver=solver)
                inputs = dict(feature=feature, beta=beta, limit=2 * settings.studied)
                pck = metrics.estimate(flow_errors(data, network, own, **inputs), [settings.alpha])[0]
                about = optimality(data, network, own, **inputs)
                result.append({"method": method, "beta": beta, "solver": solver, **about, "pck": pck})
    return result


def optimality(
    data: VOC, network: Network, settings: Settings, *, feature: str | Sift, beta: float, limit: int
) -> dict[str, float]:
    """The share of alignments that move nothing, and how far energies are above the optimum.

    ``still`` is the share of pairs in which nothing moves; ``optimal`` the share whose energy is within
    `TOLERANCE` of the lower bound of TRW-S, whatever the solver; ``median`` and ``largest`` the relative
    excess over that bound.
    """
    still, gaps = [], []
    for category in settings.categories:
        pairs, certified = (
            align(data, network, s, category, feature=feature, beta=beta, limit=limit)
            for s in (settings, replace(settings, solver="trws"))
        )
        still.append(pairs.still.ravel())
        gaps.append(((pairs.data + pairs.smoothness) / certified.bound - 1).ravel())
    still, gap = np.concatenate(still), np.concatenate(gaps)
    return {
        "still": float(still.mean()),
        "optimal": float((gap <= TOLERANCE).mean()),
        "median": float(np.median(gap)),
        "largest": float(gap.max()),
    }


def unmoved(solved: Sequence[Mapping[str, Any]], solver: str) -> dict[str, float]:
    """Method -> the share of pairs in which nothing moves at the paper's beta, of what `solvers` returns."""
    rows = [row for row in solved if row["beta"] == PAPER_BETA and row["solver"] == solver]
    return {row["method"]: row["still"] for row in rows}


def by_feature(
    data: VOC, network: Network, settings: Settings, betas: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Mean PCK ``(3,)`` at ``settings.alpha`` of flows by each layer and radius of SIFT, and NN transfer.

    Measured on twice ``settings.studied`` objects per category, at the beta of the same kind of feature.
    """
    conv, sift = betas.values()
    limit, errors = 2 * settings.studied, {}
    for feature in (*LAYERS, *RADII):
        beta = sift if isinstance(feature, Sift) else conv
        label = str(feature).replace(" ", "\n")
        errors[label] = flow_errors(data, network, settings, feature=feature, beta=beta, limit=limit)
    errors["NN transfer"] = copy_errors(data, network, settings, limit=limit)
    return {label: metrics.estimate(each, [settings.alpha])[0] for label, each in errors.items()}


def every_pixel(
    data: VOC, network: Network, settings: Settings, betas: Mapping[str, float]
) -> dict[str, dict[str, np.ndarray]]:
    """Errors at all pixels that are visible in both images of a pair, and at the keypoints of these pairs.

    Returns
    -------
    dict
        Method, then "no alignment" -> "all pixels" and "keypoints" -> ``(3, 1 + A)``: the median error in
        pixels and the PCK at each of `ALPHAS` (in units of the crop's side), averaged over objects and
        categories, with their intervals. Empty where the dataset has no dense truth.
    """
    if data.name != "figurines":
        return {}
    result: dict[str, dict[str, np.ndarray]] = {}
    for method, feature in settings.features.items():
        with threadpool_limits(1, user_api="blas"):  # threads of small products wait for each other
            each = dense_errors(data, network, settings, feature=feature, beta=betas[method])
        for name, key in ((method, "flow"), ("no alignment", "copy")):
            places = {"all pixels": each[key], "keypoints": each[f"{key} keypoints"]}
            result[name] = {
                where: metrics.mean_interval(_by_image(data, settings, _summary(values, settings.size)))
                for where, values in places.items()
            }
    return {**{name: result[name] for name in settings.features}, "no alignment": result["no alignment"]}


def dense_errors(
    data: VOC, network: Network, settings: Settings, *, feature: str | Sift, beta: float
) -> dict[str, list[list[np.ndarray]]]:
    """Errors of the flow at all places that an object and its nearest neighbours both show, pair by pair.

    Returns
    -------
    dict
        ``flow``, and ``copy``, when nothing is aligned: for each category and each of ``settings.studied``
        objects the distances ``(P,)``, in pixels of the crops, of the predicted places in its
        `PAIRS` nearest neighbours from the true ones. ``flow keypoints`` and ``copy keypoints``: of
        the same pairs the distances of the neighbours' transferred keypoints from the object's own, where
        both are visible.
    """
    size, limit, field = settings.size, settings.studied, network.receptive_fields[GRID_LAYER]
    names = ("flow", "copy", "flow keypoints", "copy keypoints")
    result: dict[str, list[list[np.ndarray]]] = {name: [] for name in names}
    for category in settings.categories:
        aligned = align(data, network, settings, category, feature=feature, beta=beta, limit=limit)
        shared = dict(data=data, network=network, category=category, size=size, limit=limit)
        shared |= dict(neighbors=settings.neighbors, retrieval_layer=settings.retrieval_layer)
        truth = cached(_truth, **shared)
        predicted = np.empty_like(truth["matches"])
        pair = truth["pair"]  # that of each place: those of one pair are in succession
        other = np.flatnonzero((pair[1:] != pair[:-1]).any(axis=1)) + 1
        for here in filter(len, np.split(np.arange(len(pair)), other)):
            points = truth["points"][here]
            dense = flow.flow(aligned.labels_rc[*pair[here[0]]], field, field, (size, size))
            at = (map_coordinates(dense[..., k], points.T[::-1], order=1, mode="nearest") for k in (0, 1))
            predicted[here] = points + np.stack(list(at), axis=-1)
        for name, claimed in (("flow", predicted), ("copy", truth["points"])):
            distance = np.linalg.norm(claimed - truth["matches"], axis=1)
            result[name].append([distance[pair[:, 0] == n] for n in range(len(aligned.rows))])
        own, still = (crops.keypoints(crops.objects(data, category, s), size) for s in ("val", "train"))
        own, near = own[aligned.rows][:, None], aligned.neighbors[:, :PAIRS]
        for name, points in (("flow keypoints", aligned.points[:, :PAIRS]), ("copy keypoints", still[near])):
            distance = np.linalg.norm(points - own, axis=-1)
            result[name].append([row[np.isfinite(row)] for row in distance])
    return result


def true_matches(
    data: VOC, reference: Instance, moving: Instance, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Places ``(P, 2)`` of the reference's crop that both show, and where they are in the moving one's.

    Every `STEP` pixels. ValueError if there is no dense truth.
    """
    axis = np.arange(STEP // 2, size, STEP)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    seen, other = (figurines.read_truth(data.root, one.image_id) for one in (reference, moving))
    # The truth is of whole pixels of the image: their places in the crop are taken as they are.
    pixels = np.unique(np.rint(crops.crop(reference, size).inverse(lattice)).astype(int), axis=0)
    pixels = pixels[((pixels >= 0) & (pixels < seen.owner.shape[::-1])).all(axis=1)]
    x, y = pixels.T[:, None]  # an image of one row, of these pixels alone
    some = replace(seen, owner=seen.owner[y, x], part=seen.part[y, x], unit=seen.unit[y, x])
    places, visible = figurines.correspond(some, other, owner_a=reference.number, owner_b=moving.number)
    points = crops.crop(reference, size).points(pixels)
    return points[visible[0]], crops.crop(moving, size).points(places[0, visible[0]])


def _by_image(data: VOC, settings: Settings, values: list[np.ndarray]) -> list[np.ndarray]:
    objects = (crops.subset(crops.objects(data, c, "val"), settings.studied) for c in settings.categories)
    return [crops.by_image(*each) for each in zip(values, objects, strict=True)]


def _summary(errors: list[list[np.ndarray]], size: int) -> list[np.ndarray]:
    """Of each object the median error in pixels and the PCK at `ALPHAS`: ``(N, 1 + A)`` per category.

    NaN for an object that shares no place with its neighbours.
    """
    limits = np.array(ALPHAS) * size
    result = []
    for category in errors:
        rows = np.full((len(category), 1 + len(limits)), np.nan)
        for row, distances in zip(rows, category, strict=True):
            if len(distances):
                row[:] = np.median(distances), *(distances[:, None] < limits).mean(axis=0)
        result.append(rows)
    return result


def _truth(
    data: VOC, network: Network, category: str, neighbors: int, retrieval_layer: str, size: int, limit: int
) -> dict[str, np.ndarray]:
    near = nearest_neighbors(data, network, category, "val", layer=retrieval_layer, neighbors=neighbors)
    reference, moving = crops.objects(data, category, "val"), crops.objects(data, category, "train")
    rows, pairs = crops.evenly_spaced(len(near), limit), min(PAIRS, near.shape[1])
    todo = [(n, j, reference[row], moving[near[row, j]]) for n, row in enumerate(rows) for j in range(pairs)]
    with ThreadPoolExecutor(cpu_count()) as pool:
        known = list(pool.map(lambda t: true_matches(data, t[2], t[3], size), todo))
    pair = [np.tile([n, j], (len(points), 1)) for (n, j, _, _), (points, _) in zip(todo, known, strict=True)]
    points, matches = (np.concatenate([each[i] for each in known]) for i in (0, 1))
    return {"pair": np.concatenate(pair), "points": points, "matches": matches}
