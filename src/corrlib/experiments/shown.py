"""Objects that are worth showing in figures."""

from collections.abc import Sequence

import numpy as np

from corrlib.data import Instance


def large(objects: Sequence[Instance]) -> list[int]:
    """Indices of objects to show: the larger half of those that are neither truncated nor difficult.

    If there are none of these, the larger half of all objects.
    """
    whole = [i for i, one in enumerate(objects) if not (one.truncated or one.difficult)]
    whole = whole or list(range(len(objects)))
    sides = np.array([np.ptp(objects[i].box.reshape(2, 2), axis=0).min() for i in whole])
    return [i for i, side in zip(whole, sides, strict=True) if side >= np.median(sides)]
