"""Where each point of an object is on its neighbours: by every kind of flow, and in truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from corrlib import flow
from corrlib.convnet import INPUT_SIDE, Network
from corrlib.data import VOC, Instance, crops
from corrlib.experiments.alignment import examples, features, flows
from corrlib.geometry import ReceptiveField
from corrlib.publishing import plots
from corrlib.publishing.explorer import truths
from corrlib.publishing.explorer.page import packed, webp, widget


@dataclass(frozen=True, eq=False)
class Example:
    """An object, its nearest neighbours, and what leads from one to the others.

    Attributes
    ----------
    name
        The category.
    target, neighbours
        The squares ``(size, size, 3)`` and ``(k, size, size, 3)``.
    labels_rc
        Kind of flow -> what it was computed with -> ``(k, H, W, 2)`` as `flows.Aligned` has them.
    truth
        None where it is not known.
    """

    name: str
    target: np.ndarray
    neighbours: np.ndarray
    labels_rc: Mapping[str, Mapping[str, np.ndarray]]
    truth: truths.Truth | None


def explorer(
    data: VOC,
    network: Network,
    shown: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]],
    chosen: Mapping[str, str],
    description: str,
    *,
    size: int = INPUT_SIDE,
    **how: Any,
) -> str:
    """The explorer as HTML; it leaves the figure of its picture to be closed.

    Parameters
    ----------
    shown
        Category -> kinds of flow as `example` has them, in one order for all.
    chosen
        Kind of flow -> the name that is shown first; every category has it.
    description
        Alternative text of the picture.
    how
        As `flows.align` has it, for all.
    """
    found = [example(data, network, name, kinds, size=size, **how) for name, kinds in shown.items()]
    still = picture(found, network, chosen)
    return widget("places", content(found, network, chosen, size), still, description)


def example(
    data: VOC,
    network: Network,
    category: str,
    kinds: Mapping[str, Mapping[str, Mapping[str, Any]]],
    *,
    pairs: int = 5,
    size: int = INPUT_SIDE,
    **how: Any,
) -> Example:
    """Align the object of a category that is best to be seen (`best_seen`) in many ways.

    Parameters
    ----------
    kinds
        Kind of flow -> name -> what of `flows.align` is its own: feature, beta.
    pairs
        Nearest neighbours that are shown.
    how
        As `flows.align` has it, for all.
    """
    labels: dict[str, dict[str, np.ndarray]] = {}
    for kind, choices in kinds.items():
        for name, own in choices.items():
            found = flows.align(data, network, category, size=size, limit=flows.BLOCK, **how, **own)
            n = best_seen([crops.visible(data, category, "val")[row] for row in found.rows])
            labels.setdefault(kind, {})[name] = found.labels_rc[n, :pairs]
    target = crops.visible(data, category, "val")[found.rows[n]]
    near = [crops.visible(data, category, "train")[row] for row in found.neighbours[n, :pairs]]
    return Example(
        name=category,
        target=crops.images(data, [target], size)[0],
        neighbours=crops.images(data, near, size),
        labels_rc=labels,
        truth=truths.read(data, target, near, size) if data.name == "figurines" else None,
    )


def best_seen(objects: Sequence[Instance]) -> int:
    """Which of some objects to show: the largest of the whole ones, if there are any."""
    candidates = examples.large(objects)
    return max(candidates, key=lambda i: float(np.ptp(objects[i].box.reshape(2, 2), axis=0).min()))


def content(
    shown: Sequence[Example], network: Network, chosen: Mapping[str, str], size: int = INPUT_SIDE
) -> dict[str, Any]:
    """What ``explorer-places.js`` reads.

    `chosen` as `explorer` has it.
    ``spline``: what each node of a line of the grid weighs at each pixel, so that the browser's flow is that
    of `corrlib.flow`; ``flows``: row and column of a label; ``truth``: part, and x, y, state of a match.
    """
    field = network.receptive_fields[features.GRID_LAYER]
    nodes = network.output_shape((size, size), features.GRID_LAYER)[0]
    return {
        "size": size,
        "step": truths.STEP,
        "stride": field.stride,
        "chosen": dict(chosen),
        "spline": np.round(spline(field, nodes, size), 5).tolist(),
        "examples": [
            {
                "name": one.name,
                "target": webp(one.target),
                "neighbours": [webp(image) for image in one.neighbours],
                "flows": {
                    kind: {name: packed(labels) for name, labels in choices.items()}
                    for kind, choices in one.labels_rc.items()
                },
                "truth": one.truth and truths.content(one.truth, size),
                "start": start(one, size),
            }
            for one in shown
        ],
    }


def picture(shown: Sequence[Example], network: Network, chosen: Mapping[str, str]) -> Figure:
    """What stands in the explorer's place without scripts: how it looks at first. As `content`."""
    one, field = shown[0], network.receptive_fields[features.GRID_LAYER]
    size = len(one.target)
    x, y = start(one, size)
    matches = {}
    for kind, name in chosen.items():
        flows = flow.flow(one.labels_rc[kind][name], field, field, (size, size))
        matches[f"{kind} by {name}"] = flows[:, y, x] + (x, y)
    if one.truth is not None:
        known = one.truth.state[:, y // truths.STEP, x // truths.STEP, None] <= truths.HIDDEN
        matches["truth"] = np.where(known, one.truth.matches[:, y // truths.STEP, x // truths.STEP], np.nan)
    return plots.followed(one.target, one.neighbours, np.array([x, y]), matches)


def spline(field: ReceptiveField, nodes: int, size: int) -> np.ndarray:
    """What each of a line of nodes weighs in the flow of each of a line of pixels, ``(size, nodes)``.

    `flow.flow` is linear in the labels: these are its answers to one node that moves by a pixel.
    """
    unit = replace(field, center=0.0, stride=1.0)  # labels as they are
    rest = np.moveaxis(np.indices((nodes, 1)), 0, -1)
    moved = np.repeat(rest[None], nodes, axis=0)
    moved[np.arange(nodes), np.arange(nodes), 0, 0] += 1
    return (_down(moved, field, unit, size) - _down(rest[None], field, unit, size)).T


def _down(labels: np.ndarray, field: ReceptiveField, unit: ReceptiveField, size: int) -> np.ndarray:
    return flow.flow(labels, field, unit, (size, 1))[..., 0, 1]


def start(one: Example, size: int) -> list[int]:
    """The place (x, y) first pointed at: of those that most neighbours show the nearest to the middle."""
    axis = np.arange(0, size, truths.STEP)
    off = np.hypot(*(np.stack(np.meshgrid(axis, axis)) - size / 2))
    if one.truth is not None:
        count = ((one.truth.state == truths.SHOWN) & (one.truth.part != truths.NONE)).sum(axis=0)
        off = np.where(count == count.max(), off, np.inf)
    row, col = np.unravel_index(off.argmin(), off.shape)
    return [int(col) * truths.STEP, int(row) * truths.STEP]
