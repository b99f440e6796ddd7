"""Objects that are worth showing in figures."""

from collections.abc import Sequence

import numpy as np

from corrlib.data import Instance


def clear(objects: Sequence[Instance]) -> list[int]:
    """Indices of objects to show, which a reader can make out.

    Of the larger half of those that are neither truncated nor difficult (or of all, if there are none of
    these), the half with the most visible keypoints.
    """
    whole = [i for i, one in enumerate(objects) if not (one.truncated or one.difficult)]
    whole = whole or list(range(len(objects)))
    sides = np.array([np.ptp(objects[i].box.reshape(2, 2), axis=0).min() for i in whole])
    large = [i for i, side in zip(whole, sides, strict=True) if side >= np.median(sides)]
    visible = np.array([np.isfinite(objects[i].keypoints).all(axis=1).sum() for i in large])
    return [i for i, count in zip(large, visible, strict=True) if count >= np.median(visible)]
