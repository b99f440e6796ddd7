"""Slow, obvious twins of what corrlib computes cleverly."""

import numpy as np


# figurines


def first_inside(inside, origin, direction, *, far, step):
    """Walk along a ray in small steps: the first distance at which the point lies inside a solid; inf if none does."""
    distances = np.arange(0, far, step)
    found = np.flatnonzero(inside(origin + distances[:, None] * direction))
    return distances[found[0]] if len(found) else np.inf
