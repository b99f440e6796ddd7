"""The explorer of places: where each kind of flow maps a point of an object, and where it truly is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from corrlib import flow
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment import Settings, few
from corrlib.experiments.alignment.flows import BLOCK, GRID_LAYER, align
from corrlib.experiments.alignment.studies import LAYERS, RADII
from corrlib.experiments.shown import clear
from corrlib.geometry import ReceptiveField
from corrlib.publishing.explorer import truths
from corrlib.publishing.explorer.html import packed, pixels, unpacked, webp, widget
from corrlib.publishing.plots.style import COLOURS, mark, panels, show
from corrlib.sift import Sift

#: Kinds of flow, as the script names them.
CONVNET, SIFT = "convnet flow", "SIFT flow"
#: Shapes of marks, the same as in the scripts: convnet flow, SIFT flow, truth.
MARKERS = ("o", "s", "x")
#: Number of nearest neighbours that are shown.
PAIRS = 5
#: Number of objects of a category among which one is chosen; the chapter aligns them by every feature, too.
FIRST = 2 * BLOCK
#: Tolerance of PCK by which it is chosen.
ALPHA = 0.1
ALT = (
    "An object with a point on it, and five neighbours with marks at the locations of the point given by"
    " convnet flow and SIFT flow, and at its true location."
)


def places(
    data: VOC,
    network: Network,
    settings: Settings,
    categories: Sequence[str],
    betas: Mapping[str, float],
    *,
    every_feature: bool = False,
) -> HTML:
    """The explorer of one object per category (`best_aligned` of the first few), aligned by each flow.

    The best comes first. `betas` are those of the flows of ``settings.features``. With `every_feature`, all
    layers and radii can be chosen in the categories for which the chapter compares them.
    """
    own, size = dict(zip((CONVNET, SIFT), settings.features.items(), strict=True)), settings.size
    field = network.receptive_fields[GRID_LAYER]
    compared, examples = few(settings).categories if every_feature else (), []
    for category in categories:
        others = {CONVNET: LAYERS, SIFT: RADII} if category in compared else {}
        train, val = (crops.objects(data, category, split) for split in ("train", "val"))
        aligned = {
            kind: {
                feature: align(
                    data, network, settings, category, feature=feature, beta=betas[method], limit=FIRST
                )
                for feature in dict.fromkeys([*others.get(kind, ()), first])
            }
            for kind, (method, first) in own.items()
        }
        chosen = [aligned[kind][feature] for kind, (_, feature) in own.items()]
        pairs = chosen[0]
        points = np.stack([each.points[:, :PAIRS] for each in chosen], axis=1)
        n, pck = best_aligned([val[row] for row in pairs.rows], points, size)
        labels = {
            kind: {in_words(feature): each.labels_rc[n, :PAIRS] for feature, each in by.items()}
            for kind, by in aligned.items()
        }
        target, near = val[pairs.rows[n]], [train[row] for row in pairs.neighbors[n, :PAIRS]]
        truth = truths.read(data, target, near, size) if data.name == "figurines" else None
        flows = np.stack(
            [flow.flow(each.labels_rc[n, :PAIRS], field, field, (size, size)) for each in chosen]
        )
        images, first = crops.images(data, [target, *near], size), start(truth, flows)
        examples.append((pck, described(category, images, labels, truth, first)))
    examples = [example for _, example in sorted(examples, key=lambda each: -each[0])]
    chosen = {kind: in_words(feature) for kind, (_, feature) in own.items()}
    made = content(examples, network, chosen, size)
    return widget("places", made, still(made), ALT)


def in_words(feature: str | Sift) -> str:
    """The name of a layer, or of a radius of SIFT."""
    return feature if isinstance(feature, str) else f"radius {feature.radius:g}"


def described(
    name: str,
    images: Sequence[np.ndarray],
    labels_rc: Mapping[str, Mapping[str, np.ndarray]],
    truth: truths.Truth | None,
    first: Sequence[int],
) -> dict[str, Any]:
    """The content for the script about an object and its ``k`` nearest neighbours, whose crops are `images`.

    `labels_rc` is kind of flow -> name of a feature -> ``(k, H, W, 2)``, as `alignment.flows.Alignment` has
    them; `truth` is None if the true matches are not known; `first` is the point where a reader starts.
    """
    target, *neighbors = map(webp, images)
    flows = {kind: {name: packed(labels) for name, labels in by.items()} for kind, by in labels_rc.items()}
    about = {"name": name, "target": target, "neighbours": neighbors, "flows": flows}
    size = len(images[0])
    return about | {"truth": truth and truths.content(truth, size), "start": list(first)}


def best_aligned(objects: Sequence[Instance], points: np.ndarray, size: int) -> tuple[int, float]:
    """Index of the object to which flows transfer keypoints best, among the `clear` ones, and their PCK.

    `points` are ``(N, ..., K, 2)`` the transferred keypoints, of all flows and neighbours.
    """

    def pck(i: int) -> float:
        errors = crops.errors(points[i : i + 1], [objects[i]], size)
        scored = errors[np.isfinite(errors)]
        return float(np.mean(scored < ALPHA)) if scored.size else 0.0

    best = max(clear(objects), key=pck)
    return best, pck(best)


def content(
    examples: Sequence[Mapping[str, Any]], network: Network, chosen: Mapping[str, str], size: int
) -> dict[str, Any]:
    """Content for ``explorer-places.js``, with the result of `described` for each example.

    From ``flows``, the labels (row, column), the browser computes the flow of `corrlib.flow` with the weights
    ``spline`` of each node of a line of the grid at each pixel. `chosen` is kind of flow -> the name of its
    feature that is shown first; every example has it.
    """
    field = network.receptive_fields[GRID_LAYER]
    weights = spline(field, network.output_shape((size, size), GRID_LAYER)[0], size)
    about = {"size": size, "step": truths.STEP, "stride": field.stride, "chosen": dict(chosen)}
    return about | {"spline": np.round(weights, 5).tolist(), "examples": examples}


def still(content: Mapping[str, Any]) -> Figure:
    """The explorer's first view, for readers without scripts."""
    first, weights, matches = content["examples"][0], np.array(content["spline"]), {}
    neighbors, (x, y), nodes = first["neighbours"], first["start"], weights.shape[1]
    for kind, name in content["chosen"].items():
        labels = unpacked(first["flows"][kind][name], len(neighbors), nodes, nodes, 2)
        moved = (labels - np.stack(np.indices((nodes, nodes)), axis=-1))[..., ::-1] * content["stride"]
        flows = np.einsum("r,c,krcd->kd", weights[y], weights[x], moved)
        matches[f"{kind} by {name}"] = flows + np.array(first["start"])
    if first["truth"]:
        side = -(-content["size"] // truths.STEP)
        places = unpacked(first["truth"]["places"], len(neighbors), side, side, 3)
        *point, state = np.moveaxis(places[:, y // truths.STEP, x // truths.STEP], -1, 0)
        matches["truth"] = np.where(state[:, None] <= truths.HIDDEN, np.transpose(point), np.nan)
    columns = 1 + len(neighbors)
    figure, ((left, *others),) = panels(1, columns, (1.7 * columns, 2.1))
    mark(show(left, pixels(first["target"])), (x, y), "black", "o")
    left.set_title("the object", fontsize=9)
    for number, (axes, image) in enumerate(zip(others, neighbors, strict=True)):
        show(axes, pixels(image)).set_title(f"neighbour {number + 1}", fontsize=9)
        for (name, points), colour, marker in zip(matches.items(), COLOURS, MARKERS, strict=False):
            mark(axes, points[number], colour, marker, label=name)
    handles, names = others[0].get_legend_handles_labels()
    placed = dict(loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    figure.legend(handles, names, **placed)
    return figure


def spline(field: ReceptiveField, nodes: int, size: int) -> np.ndarray:
    """Weights ``(size, nodes)`` of the nodes of a line in the flow at the pixels of a line.

    `flow.flow` is linear in the labels: a column is its result if only that node moves by one pixel.
    """
    unit = replace(field, center=0.0, stride=1.0)  # labels are pixels
    still = np.moveaxis(np.indices((nodes, 1)), 0, -1)
    moved = np.repeat(still[None], nodes, axis=0)
    moved[np.arange(nodes), np.arange(nodes), 0, 0] += 1

    def down(labels: np.ndarray) -> np.ndarray:
        return flow.flow(labels, field, unit, (size, 1))[..., 0, 1]

    return (down(moved) - down(still[None])).T


def start(truth: truths.Truth | None, flows: np.ndarray) -> list[int]:
    """The point (x, y) at which flows ``(F, k, size, size, 2)`` are nearest to the truth, on average.

    Of the points that most neighbours show (or as many as show any), away from the border, which would cut
    off marks. The middle, if the truth is not known.
    """
    size = flows.shape[2]
    if truth is None:
        return [size // 2, size // 2]
    lattice = np.stack(np.meshgrid(*2 * [np.arange(0, size, truths.STEP)]), axis=-1)
    error = np.linalg.norm(lattice + flows[:, :, :: truths.STEP, :: truths.STEP] - truth.matches, axis=-1)
    shown = (truth.state == truths.SHOWN) & (truth.part != truths.NONE)
    shown &= ((lattice >= size // 10) & (lattice < size - size // 10)).all(axis=-1)
    count = shown.sum(axis=0)
    mean = np.where(shown, error.mean(axis=0), 0).sum(axis=0) / np.maximum(count, 1)
    mean[count < min(len(shown) // 2 + 1, count.max())] = np.inf
    row, col = np.unravel_index(mean.argmin(), mean.shape)
    return lattice[row, col].tolist()
