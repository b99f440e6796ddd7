"""What is like each patch of an image: its nearest neighbours by the features of some layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from corrlib import patches
from corrlib.cache import cached
from corrlib.convnet import Network
from corrlib.data import VOC
from corrlib.experiments.visualization import units
from corrlib.geometry import ReceptiveField
from corrlib.publishing import plots
from corrlib.publishing.explorer.page import pixels, webp

#: Sides of a neighbour's tile in strides: the patch and as much around it.
TILE = 2


def content(
    data: VOC,
    network: Network,
    layers: Sequence[str],
    image_id: str,
    database_ids: Sequence[str],
    *,
    k: int = 5,
) -> dict[str, Any]:
    """What ``explorer-nearest.js`` reads: an image, and for each unit of each layer its neighbours' patches.

    Parameters
    ----------
    image_id, database_ids
        The image, and those from which the neighbours come.
    k
        Neighbours.
    """
    found = {layer: _layer(data, network, layer, image_id, list(database_ids), k) for layer in layers}
    image = units.whole_image(data, image_id)
    return {"image": webp(image), "shape": list(image.shape[:2]), "k": k, "tile": TILE, "layers": found}


def picture(content: Mapping[str, Any]) -> Figure:
    """What stands in the explorer's place without scripts: how it looks at first."""
    image, layers = pixels(content["image"]), content["layers"]
    (height, width), tiles = content["shape"], {}
    for name, layer in layers.items():
        side, k, shape = content["tile"] * layer["stride"], content["k"], layer["grid"]
        field = ReceptiveField(layer["field"], layer["stride"], layer["center"])
        row, col = field.nearest(np.array([width, height]) / 2, shape)
        center = field.centers(shape)[row, col]
        here = pixels(layer["sheet"])[row * side : (row + 1) * side, col * k * side : (col + 1) * k * side]
        tiles[name] = here.reshape(side, k, side, 3).swapaxes(0, 1)
    fields = {name: layer["field"] for name, layer in layers.items()}
    return plots.alike(image, center, layer["stride"], fields, tiles)


def largest(data: VOC, image_ids: Sequence[str]) -> str:
    """Which of some images has the largest object."""
    objects = [i for name in data.categories for i in data.instances(name, "val") if i.image_id in image_ids]
    if not objects:
        return image_ids[0]
    return max(objects, key=lambda i: float(np.prod(np.ptp(i.box.reshape(2, 2), axis=0)))).image_id


def _layer(
    data: VOC, network: Network, layer: str, image_id: str, database_ids: list[str], k: int
) -> dict[str, Any]:
    query, database = (units.units(data, network, layer, ids) for ids in ([image_id], database_ids))
    inputs = dict(layer=layer, image_ids=[image_id], database_ids=database_ids, k=k)
    index = cached(units.neighbour_index, data=data, network=network, **inputs)["index"]
    side = TILE * query.rf.stride
    tiles = units.cut(data, database, index, side)
    rows, cols = query.grids[0].tolist()
    # A row of the sheet has the neighbours of a row of units, unit by unit.
    sheet = patches.reassemble(tiles.reshape(rows, cols * index.shape[1], side, side, 3))
    return {
        "center": query.rf.center,
        "stride": query.rf.stride,
        "field": query.rf.size,
        "grid": [rows, cols],
        "sheet": webp(sheet),
    }
