"""Where each place of a figurine's square is on other figurines, truly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from corrlib import figurines
from corrlib.data import VOC, Instance, crops
from corrlib.publishing.explorer.page import packed

#: The truth is known at every so many pixels of a square, from pixel 0 on.
STEP = 2
#: What a neighbour makes of a place: shows it, hides it, has it outside of its square, or has no such part.
SHOWN, HIDDEN, OUTSIDE, MISSING = range(4)
#: Part of a place that is not on the object.
NONE = 255


@dataclass(frozen=True, eq=False)
class Truth:
    """Where the places of a lattice of ``n x n`` are, truly.

    Attributes
    ----------
    names
        Of the parts of the category.
    part
        ``(n, n)`` uint8: which of them is seen there; `NONE` where the object is not.
    matches
        ``(k, n, n, 2)`` points in the squares of the neighbours, ``(0, 0)`` where there is none.
    state
        ``(k, n, n)`` uint8: `SHOWN`, `HIDDEN` (the place is known), `OUTSIDE` or `MISSING`.
    """

    names: tuple[str, ...]
    part: np.ndarray
    matches: np.ndarray
    state: np.ndarray


def read(data: VOC, reference: Instance, moving: Sequence[Instance], size: int) -> Truth:
    """Ask a figurine world where the places of one object's square are in those of others.

    The truth is that of the nearest pixel of the image. Raises ValueError where there is none.
    """
    axis = np.arange(0, size, STEP)
    lattice = np.stack(np.meshgrid(axis, axis), axis=-1)
    seen = figurines.read_truth(data.root, reference.image_id)
    height, width = seen.owner.shape
    pixels = np.rint(crops.crop(reference, size).inverse(lattice)).astype(int)
    x, y = pixels[..., 0].clip(0, width - 1), pixels[..., 1].clip(0, height - 1)
    some = replace(seen, owner=seen.owner[y, x], part=seen.part[y, x], unit=seen.unit[y, x])
    matches, state = [], []
    for one in moving:
        other = figurines.read_truth(data.root, one.image_id)
        places, shown = figurines.correspond(some, other, owner_a=reference.number, owner_b=one.number)
        place = crops.crop(one, size).points(places)
        within = ((place >= -0.5) & (place <= size - 0.5)).all(axis=-1)
        known = np.isfinite(place[..., 0])
        state.append(np.select([~known, ~within, shown], [MISSING, OUTSIDE, SHOWN], HIDDEN))
        matches.append(np.where(within[..., None], place, 0))
    return Truth(
        names=tuple(map(spoken, figurines.parts(reference.category))),
        part=np.where(some.owner == reference.number, some.part, NONE).astype(np.uint8),
        matches=np.stack(matches),
        state=np.stack(state).astype(np.uint8),
    )


def spoken(part: str) -> str:
    """The name of a part in words: ``L_F_thigh`` is the left front thigh, ``b_wheel_spoke3`` a spoke."""
    words = {"l": "left", "r": "right", "f": "front", "b": "back"}
    plain = re.sub(r"\d+", "", part).lower().split("_")
    return " ".join(words.get(word, word) for word in plain if word)


def content(one: Truth, size: int) -> dict[str, Any]:
    """What ``explorer-places.js`` reads: the part; for each neighbour x, y and state, a byte each."""
    places = np.rint(one.matches).clip(0, size - 1)
    return {
        "names": list(one.names),
        "part": packed(one.part),
        "places": packed(np.concatenate([places, one.state[..., None]], axis=-1)),
    }
