"""Vectors, from `corrlib.mrf.intrinsics` or else `corrlib.mrf.scalars`, and what the loops do with several.

numba's cache of compiled functions does not notice changes of this file: touch kernels.py after editing it.
"""

import warnings

import numpy as np
from numba import njit

try:
    from corrlib.mrf import intrinsics as v
except Exception as error:  # whatever another version of numba or llvmlite raises
    from corrlib.mrf import scalars as v

    message = f"flows will be slow: vectors cannot be compiled here ({type(error).__name__}: {error})"
    warnings.warn(message, RuntimeWarning, stacklevel=2)

LANES = v.LANES
#: Windows, in labels to either side, for which a message is computed without an inner loop.
REACHES = (2, 4)
REACH = max(REACHES)
#: Rows of a message that are computed together where all labels are compared: each value serves all of them.
#: The paper's grids of 13 labels are two tiles.
TILE = 7
# The cache on disk does not know which vectors a function was compiled for: only those of 16 are cached.
compiled = njit(cache=LANES > 1, nogil=True, error_model="numpy")
inlined = njit(cache=LANES > 1, nogil=True, error_model="numpy", forceinline=True)


def _window(reach):
    @inlined
    def lowest(a, at, step, parabola, margin):
        """The minimum over d of a[at + step * d] + beta d^2, with d from -reach to reach."""
        best = v.load(a, at)
        for d in range(1, reach + 1):
            pair = v.minimum(v.load(a, at - step * d), v.load(a, at + step * d))
            best = v.minimum(v.add(pair, v.broadcast(parabola, margin + d)), best)
        return best

    return lowest


lowest_near, lowest_far = map(_window, REACHES)


@inlined
def high_tile():
    """A tile that anything lowers."""
    top = v.fill(np.float32(np.inf))
    return top, top, top, top, top, top, top


@inlined
def lower(tile, value, costs, at, step):
    """The minima of the vectors of a tile with value + costs[at], value + costs[at + step], and so on."""
    a, b, c, d, e, f, g = tile
    return (
        v.minimum(v.add(value, v.broadcast(costs, at)), a),
        v.minimum(v.add(value, v.broadcast(costs, at + step)), b),
        v.minimum(v.add(value, v.broadcast(costs, at + 2 * step)), c),
        v.minimum(v.add(value, v.broadcast(costs, at + 3 * step)), d),
        v.minimum(v.add(value, v.broadcast(costs, at + 4 * step)), e),
        v.minimum(v.add(value, v.broadcast(costs, at + 5 * step)), f),
        v.minimum(v.add(value, v.broadcast(costs, at + 6 * step)), g),
    )


@inlined
def put(tile, out, at, step):
    """Store the vectors of a tile at out[at:], out[at + step:], and so on."""
    a, b, c, d, e, f, g = tile
    v.store(a, out, at)
    v.store(b, out, at + step)
    v.store(c, out, at + 2 * step)
    v.store(d, out, at + 3 * step)
    v.store(e, out, at + 4 * step)
    v.store(f, out, at + 5 * step)
    v.store(g, out, at + 6 * step)


@compiled
def aligned(size):
    """Zeros at an address that is a multiple of a vector's size, so that no vector straddles a cache line."""
    room = np.zeros(size + LANES, np.float32)
    first = -(room.ctypes.data // 4) % LANES
    return room[first : first + size]
