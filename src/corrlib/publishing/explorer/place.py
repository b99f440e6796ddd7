"""The explorer of places: where each kind of flow takes a point of an object, and where it truly is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from corrlib import flow
from corrlib.convnet import Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment import Settings, few
from corrlib.experiments.alignment.example import large
from corrlib.experiments.alignment.flows import BLOCK, GRID_LAYER, align
from corrlib.experiments.alignment.studies import LAYERS, RADII
from corrlib.geometry import ReceptiveField
from corrlib.publishing.explorer import truths
from corrlib.publishing.explorer.html import packed, webp, widget
from corrlib.publishing.plots.style import COLOURS, mark, panels, show
from corrlib.sift import Sift

#: Kinds of flow, as the script names them.
CONVNET, SIFT = "convnet flow", "SIFT flow"
#: Shapes of marks, the same as in the scripts: convnet flow, SIFT flow, truth.
MARKERS = ("o", "s", "x")
#: Number of nearest neighbours that are shown.
PAIRS = 5
ALT = (
    "An object with a point on it, and five neighbours with marks where convnet flow and SIFT flow take the"
    " point, and where it truly is."
)


@dataclass(frozen=True, eq=False)
class Example:
    """An object of a category, its nearest neighbours, and the flows from the object to them."""

    name: str
    #: The crops ``(size, size, 3)`` and ``(k, size, size, 3)``.
    target: np.ndarray
    neighbors: np.ndarray
    #: Kind of flow -> name of a feature -> ``(k, H, W, 2)`` as `alignment.flows.Alignment` has them.
    labels_rc: Mapping[str, Mapping[str, np.ndarray]]
    #: None if the true matches are not known.
    truth: truths.Truth | None


def places(
    data: VOC,
    network: Network,
    settings: Settings,
    categories: Sequence[str],
    betas: Mapping[str, float],
    *,
    every_feature: bool = False,
) -> HTML:
    """The explorer of one object per category; `betas` are those of the flows of ``settings.features``.

    With `every_feature`, all layers and radii can be chosen in the categories for which the chapter compares
    them.
    """
    feature = dict(zip((CONVNET, SIFT), settings.features.values(), strict=True))
    beta = dict(zip((CONVNET, SIFT), (betas[method] for method in settings.features), strict=True))
    compared, examples = few(settings).categories if every_feature else (), []
    for category in categories:
        others = {CONVNET: LAYERS, SIFT: RADII} if category in compared else {}
        features = {kind: list(dict.fromkeys([*others.get(kind, ()), feature[kind]])) for kind in feature}
        examples.append(example(data, network, settings, category, features, beta))
    first = {kind: in_words(chosen) for kind, chosen in feature.items()}
    picture = still(examples, network, first)
    return widget("places", content(examples, network, first, settings.size), picture, ALT)


def in_words(feature: str | Sift) -> str:
    """The name of a layer, or of a radius of SIFT."""
    return feature if isinstance(feature, str) else f"radius {feature.radius:g}"


def example(
    data: VOC,
    network: Network,
    settings: Settings,
    category: str,
    features: Mapping[str, Sequence[str | Sift]],
    betas: Mapping[str, float],
) -> Example:
    """Align an object of a category (`best_visible` of the first few) by features of each kind of flow."""
    labels: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in features}
    for kind, each in features.items():
        for feature in each:
            pairs = align(data, network, settings, category, feature=feature, beta=betas[kind], limit=BLOCK)
            n = best_visible([crops.objects(data, category, "val")[row] for row in pairs.rows])
            labels[kind][in_words(feature)] = pairs.labels_rc[n, :PAIRS]
    target = crops.objects(data, category, "val")[pairs.rows[n]]
    near = [crops.objects(data, category, "train")[row] for row in pairs.neighbors[n, :PAIRS]]
    return Example(
        name=category,
        target=crops.images(data, [target], settings.size)[0],
        neighbors=crops.images(data, near, settings.size),
        labels_rc=labels,
        truth=truths.read(data, target, near, settings.size) if data.name == "figurines" else None,
    )


def best_visible(objects: Sequence[Instance]) -> int:
    """Index of the largest object of those that are neither truncated nor difficult, or of all if none is."""
    return max(large(objects), key=lambda i: float(np.ptp(objects[i].box.reshape(2, 2), axis=0).min()))


def content(
    examples: Sequence[Example], network: Network, chosen: Mapping[str, str], size: int
) -> dict[str, Any]:
    """Content for ``explorer-places.js``.

    From ``flows``, the labels (row, column), the browser computes the flow of `corrlib.flow` with the weights
    ``spline`` of each node of a line of the grid at each pixel. `chosen` is kind of flow -> the name of its
    feature that is shown first; every example has it.
    """
    field = network.receptive_fields[GRID_LAYER]
    nodes = network.output_shape((size, size), GRID_LAYER)[0]
    return {
        "size": size,
        "step": truths.STEP,
        "stride": field.stride,
        "chosen": dict(chosen),
        "spline": np.round(spline(field, nodes, size), 5).tolist(),
        "examples": [
            {
                "name": example.name,
                "target": webp(example.target),
                "neighbours": [webp(image) for image in example.neighbors],
                "flows": {
                    kind: {name: packed(labels) for name, labels in by_feature.items()}
                    for kind, by_feature in example.labels_rc.items()
                },
                "truth": example.truth and truths.content(example.truth, size),
                "start": start(example, size),
            }
            for example in examples
        ],
    }


def still(examples: Sequence[Example], network: Network, chosen: Mapping[str, str]) -> Figure:
    """The explorer's first view, for readers without scripts."""
    first, field = examples[0], network.receptive_fields[GRID_LAYER]
    size = len(first.target)
    x, y = start(first, size)
    matches = {}
    for kind, name in chosen.items():
        flows = flow.flow(first.labels_rc[kind][name], field, field, (size, size))
        matches[f"{kind} by {name}"] = flows[:, y, x] + (x, y)
    if first.truth is not None:
        row, col = y // truths.STEP, x // truths.STEP
        known = first.truth.state[:, row, col, None] <= truths.HIDDEN
        matches["truth"] = np.where(known, first.truth.matches[:, row, col], np.nan)
    columns = 1 + len(first.neighbors)
    figure, ((left, *others),) = panels(1, columns, (1.7 * columns, 2.1))
    mark(show(left, first.target), (x, y), "black", "o")
    left.set_title("the object", fontsize=9)
    for number, (axes, image) in enumerate(zip(others, first.neighbors, strict=True)):
        show(axes, image).set_title(f"neighbour {number + 1}", fontsize=9)
        for (name, points), colour, marker in zip(matches.items(), COLOURS, MARKERS, strict=False):
            mark(axes, points[number], colour, marker, label=name)
    handles, names = others[0].get_legend_handles_labels()
    placed = dict(loc="outside lower center", ncols=len(names), frameon=False, fontsize=9)
    figure.legend(handles, names, **placed)
    return figure


def spline(field: ReceptiveField, nodes: int, size: int) -> np.ndarray:
    """Weights ``(size, nodes)`` of the nodes of a line in the flow at the pixels of a line.

    `flow.flow` is linear in the labels: a column is its answer when that node alone moves by one pixel.
    """
    unit = replace(field, center=0.0, stride=1.0)  # labels are pixels
    still = np.moveaxis(np.indices((nodes, 1)), 0, -1)
    moved = np.repeat(still[None], nodes, axis=0)
    moved[np.arange(nodes), np.arange(nodes), 0, 0] += 1

    def down(labels: np.ndarray) -> np.ndarray:
        return flow.flow(labels, field, unit, (size, 1))[..., 0, 1]

    return (down(moved) - down(still[None])).T


def start(example: Example, size: int) -> list[int]:
    """The first point (x, y): the nearest to the middle of those that most of the neighbours show."""
    axis = np.arange(0, size, truths.STEP)
    distance = np.hypot(*(np.stack(np.meshgrid(axis, axis)) - size / 2))
    if example.truth is not None:
        count = ((example.truth.state == truths.SHOWN) & (example.truth.part != truths.NONE)).sum(axis=0)
        distance = np.where(count == count.max(), distance, np.inf)
    row, col = np.unravel_index(distance.argmin(), distance.shape)
    return [int(col) * truths.STEP, int(row) * truths.STEP]
