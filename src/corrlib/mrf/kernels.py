"""The compiled loops: messages, the two solvers and the labels they decode.

A grid of H x W nodes, each with H' x W' labels, is one flat array, in which label (y, x) of a node is at
``(node * H' + y) * columns + x``: rows are padded to whole vectors, by labels that cost `FAR`.

``bowl`` is the pairwise cost along one axis: beta d^2 at ``margin + d``, where the margin is one more than
the longer side of the grid of labels.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corrlib.mrf.vectors import (
    CEILING,
    FAR,
    INFINITY,
    LANES,
    full,
    higher,
    least,
    load,
    lower,
    minus,
    most,
    plus,
    spread,
    store,
    times,
)

#: So far to either side a message looks without a loop, whose few turns would cost more than they do: the
#: first of these that will do.
REACHES = (2, 4)
REACH = max(REACHES)

_compiled = njit(cache=True, nogil=True, error_model="numpy")
_inlined = njit(cache=True, nogil=True, error_model="numpy", forceinline=True)


def _dipper(reach):
    @_inlined
    def dip(a, at, step, bowl, margin):
        """The least of the vector at `at` and `reach` before and after it, `step` apart, each in its bowl."""
        best = lower(load(a, at), full(CEILING))
        for d in range(1, reach + 1):
            pair = lower(load(a, at - step * d), load(a, at + step * d))
            best = lower(plus(pair, spread(bowl, margin + d)), best)
        return best

    return dip


dip_near, dip_far = map(_dipper, REACHES)


@_compiled
def send(belief, share, reverse, reverse0, down, right, rows, cols, bowl, source, half, out, out0):
    """Send source = share * belief - reverse[reverse0:] along the edge (down, right), to out[out0:].

    The message to label (i, j) is the least of source[y, x] + beta |(y, x) - (i, j) + (down, right)|^2 over
    all (y, x): two passes, the vertical part first. A constant is taken off, to keep it near zero, and
    returned.

    A parabola further away than the range of its column (then: of all) allows is nowhere lowest: the nearest
    one, whose bottom is at most a cell off, is below it. Mostly that leaves those within `REACH` (TRW-S on
    features of norm 1, beta times the squared stride above 0.05); else all are looked at.
    """
    columns, pitch, margin = len(belief) // rows, len(half) // (rows + 1), max(rows, cols) + 1
    low, high = full(INFINITY), full(-INFINITY)
    first, left = (REACH + 1) * columns, pitch - columns
    for k in range(0, len(belief), LANES):
        value = minus(times(full(share), load(belief, k)), load(reverse, reverse0 + k))
        store(value, source, first + k)
        low, high = lower(value, low), higher(value, high)
    offset = least(low)
    # A lane holds one column or, of wide grids, some: never less than a column.
    drop = most(minus(high, low)) + bowl[margin + 1]
    near, far = bowl[margin + REACHES[0] + 1] > drop, bowl[margin + REACH + 1] > drop
    high = full(-INFINITY)
    for i in range(rows):
        for j in range(0, columns, LANES):
            if near:
                best = dip_near(source, first + (i - down) * columns + j, columns, bowl, margin)
            elif far:
                best = dip_far(source, first + (i - down) * columns + j, columns, bowl, margin)
            else:
                best = full(CEILING)
                for y in range(rows):
                    value = plus(load(source, first + y * columns + j), spread(bowl, margin + y - i + down))
                    best = lower(value, best)
            store(best, half, left + i * pitch + j)
            high = higher(best, high)
    drop = most(high) - offset + bowl[margin + 1]
    near, far = bowl[margin + REACHES[0] + 1] > drop, bowl[margin + REACH + 1] > drop
    for i in range(rows):
        for j in range(0, columns, LANES):
            at = left + i * pitch
            if near:
                best = dip_near(half, at + j - right, 1, bowl, margin)
            elif far:
                best = dip_far(half, at + j - right, 1, bowl, margin)
            else:
                best = full(CEILING)
                for x in range(cols):
                    best = lower(plus(load(bowl, margin + j - x - right), spread(half, at + x)), best)
            store(minus(best, full(offset)), out, out0 + i * columns + j)
    return offset


@_compiled
def workspace(rows, columns):
    """Arrays for a belief, the source of a message, and half of it; the last two have `FAR` around them."""
    return (
        np.zeros(rows * columns, np.float32),
        np.full((rows + 2 * (REACH + 1)) * columns, FAR),
        np.full((rows + 1) * (columns + LANES), FAR),
    )


@_compiled
def gather(data, a, a0, b, b0, c, c0, d, d0, at, belief):
    """belief = data[at:] + the messages a[a0:], b[b0:], c[c0:], d[d0:]; return its minimum."""
    low = full(INFINITY)
    for k in range(0, len(belief), LANES):
        one = plus(load(a, a0 + k), load(b, b0 + k))
        two = plus(load(c, c0 + k), load(d, d0 + k))
        value = plus(load(data, at + k), plus(one, two))
        store(value, belief, k)
        low = lower(value, low)
    return least(low)


@_compiled
def choose(belief, low, rows, labels_rc, node):
    """Give the node the first label whose belief is `low`; return whether it had another."""
    columns = len(belief) // rows
    for k in range(len(belief)):
        if belief[k] == low:
            y, x = k // columns, k % columns
            changed = labels_rc[node, 0] != y or labels_rc[node, 1] != x
            labels_rc[node, 0], labels_rc[node, 1] = y, x
            return changed
    return False


@_compiled
def terms(data, labels_rc, width, rows, beta):
    """The data term and the smoothness term of a labelling."""
    fit, rough = 0.0, 0
    size = len(data) // len(labels_rc)
    columns = size // rows
    for node in range(len(labels_rc)):
        y, x = labels_rc[node, 0], labels_rc[node, 1]
        fit += data[node * size + y * columns + x]
        if node % width > 0:
            rough += (y - labels_rc[node - 1, 0]) ** 2 + (x - labels_rc[node - 1, 1] - 1) ** 2
        if node >= width:
            rough += (y - labels_rc[node - width, 0] - 1) ** 2 + (x - labels_rc[node - width, 1]) ** 2
    return fit, beta * rough


@_compiled
def sweep(data, right, below, forward, height, width, rows, cols, bowl, belief, source, half):
    """One pass of TRW-S: every node sends to those after it in raster order, or to those before it.

    right and below hold, for each node, the message of the edge to its right and to its lower neighbour, in
    whichever direction it was sent last; zeros behind those of the last node stand for edges there are not.

    Returns a lower bound of the energy, which a backward pass certifies whatever messages it starts from:
    it takes the nodes away from the last one on, and the energy of the rest falls by no more than what it
    counts.
    """
    size, nodes = len(belief), height * width
    bound = 0.0
    for k in range(nodes):
        node = k if forward else nodes - 1 - k
        r, c = node // width, node % width
        at = node * size
        left = (node - 1 if c > 0 else nodes) * size
        above = (node - width if r > 0 else nodes) * size
        low = gather(data, right, at, right, left, below, at, below, above, at, belief)
        # As many monotonic chains pass through the node; each has its share of the belief.
        before, after = (c > 0) + (r > 0), (c < width - 1) + (r < height - 1)
        chains = max(before, after, 1)
        share = np.float32(1 / chains)
        if not forward:
            bound += low * (1 - before / chains)
        for vertical in range(2):
            edges = below if vertical else right
            if forward:
                exists, of = (r < height - 1) if vertical else (c < width - 1), at
            else:
                exists, of = (r > 0, above) if vertical else (c > 0, left)
            if exists:
                step = 1 if forward else -1
                down, over = (step, 0) if vertical else (0, step)
                taken = send(belief, share, edges, of, down, over, rows, cols, bowl, source, half, edges, of)
                bound += taken
    return bound


@_compiled
def decode(data, right, below, height, width, rows, cols, bowl, belief, labels_rc):
    """Label the nodes in raster order, each given the labels before it and the messages from after it."""
    size, columns = len(belief), len(belief) // rows
    margin, nothing = max(rows, cols) + 1, height * width * size
    for node in range(height * width):
        at = node * size
        gather(data, right, at, below, at, right, nothing, below, nothing, at, belief)
        low = full(INFINITY)
        for i in range(rows):
            for j in range(0, columns, LANES):
                value = load(belief, i * columns + j)
                if node % width > 0:
                    y, x = labels_rc[node - 1, 0], labels_rc[node - 1, 1]
                    far = plus(spread(bowl, margin + i - y), load(bowl, margin + j - x - 1))
                    value = plus(value, far)
                if node >= width:
                    y, x = labels_rc[node - width, 0], labels_rc[node - width, 1]
                    far = plus(spread(bowl, margin + i - y - 1), load(bowl, margin + j - x))
                    value = plus(value, far)
                store(value, belief, i * columns + j)
                low = lower(value, low)
        choose(belief, least(low), rows, labels_rc, node)


@_compiled
def trws(data, best_rc, height, width, rows, cols, beta, bowl, iterations, tolerance):
    """Improve `best_rc` in place; return the lower bound and the number of iterations."""
    size = len(data) // len(best_rc)
    belief, source, half = workspace(rows, size // rows)
    right, below = np.zeros((2, len(data) + size), np.float32)
    labels_rc = np.zeros_like(best_rc)
    best = sum(terms(data, best_rc, width, rows, beta))
    bound = -np.inf
    done = 0
    while done < iterations:
        done += 1
        for forward in (True, False):
            found = sweep(data, right, below, forward, height, width, rows, cols, bowl, belief, source, half)
        bound = max(bound, found)
        decode(data, right, below, height, width, rows, cols, bowl, belief, labels_rc)
        energy = sum(terms(data, labels_rc, width, rows, beta))
        if energy < best:
            best = energy
            for node in range(len(best_rc)):
                best_rc[node, 0], best_rc[node, 1] = labels_rc[node, 0], labels_rc[node, 1]
        if best - bound <= tolerance * abs(best):
            break
    return bound, done


@_compiled
def bp(data, best_rc, height, width, rows, cols, beta, bowl, iterations):
    """Improve `best_rc` in place; return the number of iterations.

    In each, the nodes of one colour of the checkerboard send to all their neighbours, then those of the
    other (Felzenszwalb and Huttenlocher 2006, section 3.2). Stops when no label has changed for as long as
    a message takes to cross the grid.
    """
    size = len(data) // len(best_rc)
    belief, source, half = workspace(rows, size // rows)
    # What the nodes have received from their left, right, upper and lower neighbours, one block each.
    received = np.zeros(4 * len(data), np.float32)
    block = len(data)
    labels_rc = np.zeros_like(best_rc)
    best = sum(terms(data, best_rc, width, rows, beta))
    done = quiet = 0
    while done < iterations:
        done += 1
        changed = False
        for k in range(2 * height * width):
            node = k % (height * width)
            r, c = node // width, node % width
            if (r + c) % 2 != k // (height * width):
                continue
            at, m = node * size, received
            low = gather(data, m, at, m, block + at, m, 2 * block + at, m, 3 * block + at, at, belief)
            changed |= choose(belief, low, rows, labels_rc, node)
            for side, down, over in ((0, 0, -1), (1, 0, 1), (2, -1, 0), (3, 1, 0)):
                if 0 <= r + down < height and 0 <= c + over < width:
                    to = (side ^ 1) * block + (node + down * width + over) * size
                    one = np.float32(1)
                    send(belief, one, m, side * block + at, down, over, rows, cols, bowl, source, half, m, to)
        energy = sum(terms(data, labels_rc, width, rows, beta))
        if energy < best:
            best = energy
            for node in range(len(best_rc)):
                best_rc[node, 0], best_rc[node, 1] = labels_rc[node, 0], labels_rc[node, 1]
        quiet = 0 if changed else quiet + 1
        if 2 * quiet >= height + width:
            break
    return done
