"""The true matches of places in a figurine's crop in the crops of other figurines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corrlib import figurines
from corrlib.data import VOC, Instance, crops
from corrlib.publishing.explorer.html import packed

#: Pixels of the crop between places whose matches are given; the first is at pixel 0.
STEP = 2
#: State of a place in a neighbour: visible, occluded, outside of the crop, or of a part that it lacks.
SHOWN, HIDDEN, OUTSIDE, MISSING = range(4)
#: Number of no part: the place is not on the object.
NONE = 255


@dataclass(frozen=True, eq=False)
class Truth:
    """True matches of a lattice of ``n x n`` places."""

    #: The parts of the category, in words.
    names: tuple[str, ...]
    #: ``(n, n)`` uint8: which part is at the place; `NONE` where the object is not.
    part: np.ndarray
    #: ``(k, n, n, 2)`` points in the crops of the neighbours, ``(0, 0)`` where there is none.
    matches: np.ndarray
    #: ``(k, n, n)`` uint8: `SHOWN`, `HIDDEN` (the match is known), `OUTSIDE` or `MISSING`.
    state: np.ndarray


def read(data: VOC, reference: Instance, moving: Sequence[Instance], size: int) -> Truth:
    """Read the true matches of a figurine's crop in the crops of others, from the nearest image pixels."""
    axis = np.arange(0, size, STEP)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1)
    seen = figurines.read_truth(data.root, reference.image_id)
    height, width = seen.owner.shape
    pixels = np.rint(crops.crop(reference, size).inverse(lattice)).astype(int)
    x, y = pixels[..., 0].clip(0, width - 1), pixels[..., 1].clip(0, height - 1)
    some = replace(seen, owner=seen.owner[y, x], part=seen.part[y, x], unit=seen.unit[y, x])
    matches, state = [], []
    for neighbor in moving:
        other = figurines.read_truth(data.root, neighbor.image_id)
        places, shown = figurines.correspond(some, other, owner_a=reference.number, owner_b=neighbor.number)
        place = crops.crop(neighbor, size).points(places)
        within = ((place >= -0.5) & (place <= size - 0.5)).all(axis=-1)
        known = np.isfinite(place[..., 0])
        state.append(np.select([~known, ~within, shown], [MISSING, OUTSIDE, SHOWN], HIDDEN))
        matches.append(np.where(within[..., None], place, 0))
    return Truth(
        names=tuple(map(in_words, figurines.parts(reference.category))),
        part=np.where(some.owner == reference.number, some.part, NONE).astype(np.uint8),
        matches=np.stack(matches),
        state=np.stack(state).astype(np.uint8),
    )


def in_words(part: str) -> str:
    """The name of a part in words, such as "left front thigh" for ``L_F_thigh``, without numbers."""
    words = {"l": "left", "r": "right", "f": "front", "b": "back"}
    names = re.sub(r"\d+", "", part).lower().split("_")
    return " ".join(words.get(name, name) for name in names if name)


def content(truth: Truth, size: int) -> dict[str, Any]:
    """Content for ``explorer-places.js``: the part; for each neighbour x, y and state, one byte each."""
    places = np.rint(truth.matches).clip(0, size - 1)
    return {
        "names": list(truth.names),
        "part": packed(truth.part),
        "places": packed(np.concatenate([places, truth.state[..., None]], axis=-1)),
    }
