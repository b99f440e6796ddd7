"""The explorer of patches: the nearest neighbours of each patch of an image, by the features of layers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from corrlib import patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization import LAYERS, Settings, database
from corrlib.experiments.visualization.reconstruction import rebuilt_images
from corrlib.experiments.visualization.units import Units, cut, neighbor_index, units, whole_image
from corrlib.geometry import ReceptiveField
from corrlib.publishing.explorer.html import packed, pixels, webp, widget
from corrlib.publishing.plots.style import DPI, show

#: What is outside of all boxes.
BACKGROUND = "background"
#: Side of a neighbour's tile in strides: the patch with its surroundings.
TILE = 2
ALT = (
    "An image with a yellow patch inside the receptive fields of several layers. Beside it are the nearest"
    " neighbours of the patch, in one row per layer."
)


def nearest(data: VOC, network: Network, settings: Settings, image_id: str) -> HTML:
    """The explorer of one image: the neighbours of each of its patches, by the layers of Figure 1.

    It starts at the patch of an object that has the most neighbours of its category by the last layer; among
    several, where the neighbours are most similar.
    """
    ids = dict(image_ids=rebuilt_images(data, settings), sources=database(data, settings))
    entry = cached(_content, data=data, network=network, image_id=image_id, k=settings.k, **ids)
    content = json.loads(entry["json"].tobytes())
    return widget("nearest", content, still(content), ALT)


def _content(
    data: VOC, network: Network, image_id: str, k: int, image_ids: list[str], sources: list[str]
) -> dict[str, np.ndarray]:
    """What the explorer shows, as JSON. The neighbours of all of `image_ids` are in the cache."""
    image, layers = whole_image(data, image_id), {}
    kinds: dict[ReceptiveField, tuple[np.ndarray, np.ndarray]] = {}
    for layer in LAYERS:
        query, source = (units(data, network, layer, ids) for ids in ([image_id], sources))
        places = replace(query.rf, size=1)  # layers of AlexNet have the same
        if places not in kinds:
            kinds[places] = categories_at(data, query, "val"), categories_at(data, source, "train")
        own_kind, kind_near = kinds[places]
        own = units(data, network, layer, image_ids).image == image_ids.index(image_id)
        found = neighbor_index(data, network, layer, image_ids, sources, k)
        index, similarity = (each[own, :k] for each in found)
        (rows, cols), field = query.grids[0].tolist(), query.rf
        side = TILE * field.stride
        # A row of the sheet shows the neighbours of a row of units, unit by unit.
        category = kind_near[index]
        tiles = cut(data, source, index, side).reshape(rows, cols * k, side, side, 3)
        layers[layer] = {"center": field.center, "stride": field.stride, "field": field.size}
        layers[layer] |= {"grid": [rows, cols], "sheet": webp(patches.reassemble(tiles))}
        percent = np.rint(100 * similarity).clip(0, 100)
        layers[layer] |= {"similarity": packed(percent), "category": packed(category)}
    agreement = (category == own_kind[:, None]).sum(axis=1) + similarity.mean(axis=1)
    start = query.centers[np.where(own_kind > 0, agreement, -1).argmax()].tolist()
    content = {"image": webp(image), "shape": list(image.shape[:2]), "k": k, "tile": TILE, "layers": layers}
    content |= {"start": start, "categories": [BACKGROUND, *data.categories]}
    return {"json": np.frombuffer(json.dumps(content).encode(), np.uint8)}


def categories_at(data: VOC, source: Units, split: str) -> np.ndarray:
    """``(units,)`` 1 + the category of the smallest box around each unit's centre; 0 if there is none."""
    result, image, centers = np.zeros(len(source.image), int), source.image, source.centers
    boxes = [(one, c) for c, name in enumerate(data.categories, 1) for one in data.instances(name, split)]
    boxes.sort(key=lambda box: -np.prod(np.ptp(box[0].box.reshape(2, 2), axis=0)))
    number = {image_id: i for i, image_id in enumerate(source.image_ids)}
    first = np.searchsorted(image, np.arange(len(number) + 1))
    scales: dict[str, float] = {}  # each image is read once
    for one, category in boxes:
        if (i := number.get(one.image_id)) is None:
            continue
        if one.image_id not in scales:
            enlarged, stored = whole_image(data, one.image_id), data.image(one.image_id)
            scales[one.image_id] = enlarged.shape[1] / stored.shape[1]
        low, high = ((one.box + 0.5) * scales[one.image_id] - 0.5).reshape(2, 2)
        here = slice(first[i], first[i + 1])
        result[here][((centers[here] >= low) & (centers[here] <= high)).all(axis=1)] = category
    return result


def still(content: Mapping[str, Any]) -> Figure:
    """The explorer's first view, for readers without scripts."""
    image, layers, k = pixels(content["image"]), content["layers"], content["k"]
    figure = plt.figure(figsize=(9, 3), dpi=DPI, layout="constrained")
    grid = figure.add_gridspec(len(layers), k + 1, width_ratios=[k, *[1] * k])
    whole = show(figure.add_subplot(grid[:, 0]), image)
    for number, (name, layer) in enumerate(layers.items()):
        shape, stride, side = layer["grid"], layer["stride"], content["tile"] * layer["stride"]
        field = ReceptiveField(layer["field"], stride, layer["center"])
        row, col = field.nearest(np.array(content["start"]), shape)
        center = field.centers(shape)[row, col]
        _outline(whole, center, field.size, "black")
        strip = pixels(layer["sheet"])[row * side : (row + 1) * side, col * k * side : (col + 1) * k * side]
        for column, tile in enumerate(np.split(strip, k, axis=1), 1):
            axes = show(figure.add_subplot(grid[number, column]), tile)
            _outline(axes, np.full(2, (side - 1) / 2), stride, "yellow")
            axes.set_ylabel(name if column == 1 else "", fontsize=9)
    _outline(whole, center, stride, "yellow")
    return figure


def _outline(axes: Axes, center: np.ndarray, side: int, colour: str) -> None:
    axes.add_patch(Rectangle(center - side / 2, side, side, fill=False, ec=colour, lw=1.2))
