"""The compiled loops: messages, the two solvers and the labels they decode.

A grid of H x W nodes, each with H' x W' labels, is one 2-D array with row ``node * H' + y`` and column x.
Columns are padded to whole vectors by copies of the last label: it is never better than itself, so no minimum
needs to know of the padding.

``by_row`` (3 H', H') and ``by_col`` (3 W', padded W') are the two parts of the pairwise cost: of the rows,
resp. columns, of the labels at the two ends of an edge that leads -1, 0 or 1 node down, resp. right.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from corrlib.mrf.vectors import INFINITY, LANES, full, least, load, lower, minus, plus, store, times

_compiled = njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def min_plus(a, a0, b, b0, offset, out, out0, rows, taps):
    """out[out0 + i] = min over t < taps of a[a0 + i, t] + b[b0 + t], less offset: a (min, +) product."""
    for j in range(0, out.shape[1], LANES):
        for i in range(rows):
            best = full(INFINITY)
            for t in range(taps):
                best = lower(plus(full(a[a0 + i, t]), load(b, b0 + t, j)), best)
            store(minus(best, full(offset)), out, out0 + i, j)


@_compiled
def send(belief, share, reverse, reverse0, down, right, by_row, by_col, source, half, out, out0):
    """Send source = share * belief - reverse[reverse0:] along the edge (down, right), to out[out0:].

    The message to label (i, j) is the least of source[y, x] + beta |(y, x) - (i, j) + (down, right)|^2 over
    all (y, x): two passes, the vertical part first. A constant is taken off, to keep it near zero, and
    returned.
    """
    rows, cols = len(source), len(by_col) // 3
    low = full(INFINITY)
    for i in range(rows):
        for j in range(0, source.shape[1], LANES):
            value = minus(times(full(share), load(belief, i, j)), load(reverse, reverse0 + i, j))
            store(value, source, i, j)
            low = lower(value, low)
    offset = least(low)
    min_plus(by_row, (down + 1) * rows, source, 0, np.float32(0), half, 0, rows, rows)
    min_plus(half, 0, by_col, (right + 1) * cols, offset, out, out0, rows, cols)
    return offset


@_compiled
def gather(data, a, a0, b, b0, c, c0, d, d0, at, belief):
    """belief = data[at:] + the messages a[a0:], b[b0:], c[c0:], d[d0:]; return its minimum."""
    low = full(INFINITY)
    for i in range(len(belief)):
        for j in range(0, belief.shape[1], LANES):
            one = plus(load(a, a0 + i, j), load(b, b0 + i, j))
            two = plus(load(c, c0 + i, j), load(d, d0 + i, j))
            value = plus(load(data, at + i, j), plus(one, two))
            store(value, belief, i, j)
            low = lower(value, low)
    return least(low)


@_compiled
def choose(belief, low, cols, labels_rc, node):
    """Give the node the first label whose belief is `low`; return whether it had another."""
    for y in range(len(belief)):
        for x in range(cols):
            if belief[y, x] == low:
                changed = labels_rc[node, 0] != y or labels_rc[node, 1] != x
                labels_rc[node, 0], labels_rc[node, 1] = y, x
                return changed
    return False


@_compiled
def terms(data, labels_rc, width, rows, beta):
    """The data term and the smoothness term of a labelling."""
    fit, rough = 0.0, 0
    for node in range(len(labels_rc)):
        y, x = labels_rc[node, 0], labels_rc[node, 1]
        fit += data[node * rows + y, x]
        if node % width > 0:
            rough += (y - labels_rc[node - 1, 0]) ** 2 + (x - labels_rc[node - 1, 1] - 1) ** 2
        if node >= width:
            rough += (y - labels_rc[node - width, 0] - 1) ** 2 + (x - labels_rc[node - width, 1]) ** 2
    return fit, beta * rough


@_compiled
def sweep(data, right, below, forward, height, width, by_row, by_col, belief, source, half):
    """One pass of TRW-S: every node sends to those after it in raster order, or to those before it.

    right and below hold, for each node, the message of the edge to its right and to its lower neighbour, in
    whichever direction it was sent last; zeros behind those of the last node stand for edges there are not.

    Returns a lower bound of the energy, which a backward pass certifies whatever messages it starts from:
    it takes the nodes away from the last one on, and the energy of the rest falls by no more than what it
    counts.
    """
    rows, nodes = len(belief), height * width
    bound = 0.0
    for k in range(nodes):
        node = k if forward else nodes - 1 - k
        r, c = node // width, node % width
        at = node * rows
        left = (node - 1 if c > 0 else nodes) * rows
        above = (node - width if r > 0 else nodes) * rows
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
                taken = send(belief, share, edges, of, down, over, by_row, by_col, source, half, edges, of)
                bound += taken
    return bound


@_compiled
def decode(data, right, below, height, width, by_row, by_col, belief, labels_rc):
    """Label the nodes in raster order, each given the labels before it and the messages from after it."""
    rows, cols, nothing = len(belief), len(by_col) // 3, height * width * len(belief)
    for node in range(height * width):
        at = node * rows
        gather(data, right, at, below, at, right, nothing, below, nothing, at, belief)
        low = full(INFINITY)
        for i in range(rows):
            for j in range(0, belief.shape[1], LANES):
                value = load(belief, i, j)
                if node % width > 0:
                    y, x = labels_rc[node - 1, 0], labels_rc[node - 1, 1]
                    value = plus(value, plus(full(by_row[rows + i, y]), load(by_col, 2 * cols + x, j)))
                if node >= width:
                    y, x = labels_rc[node - width, 0], labels_rc[node - width, 1]
                    value = plus(value, plus(full(by_row[2 * rows + i, y]), load(by_col, cols + x, j)))
                store(value, belief, i, j)
                low = lower(value, low)
        choose(belief, least(low), cols, labels_rc, node)


@_compiled
def trws(data, best_rc, height, width, rows, beta, by_row, by_col, iterations, tolerance):
    """Improve `best_rc` in place; return the lower bound and the number of iterations."""
    belief, source, half = np.zeros((3, rows, data.shape[1]), np.float32)
    right, below = np.zeros((2, (height * width + 1) * rows, data.shape[1]), np.float32)
    labels_rc = np.zeros_like(best_rc)
    best = sum(terms(data, best_rc, width, rows, beta))
    bound = -np.inf
    done = 0
    while done < iterations:
        done += 1
        for forward in (True, False):
            found = sweep(data, right, below, forward, height, width, by_row, by_col, belief, source, half)
        bound = max(bound, found)
        decode(data, right, below, height, width, by_row, by_col, belief, labels_rc)
        energy = sum(terms(data, labels_rc, width, rows, beta))
        if energy < best:
            best = energy
            for node in range(len(best_rc)):
                best_rc[node, 0], best_rc[node, 1] = labels_rc[node, 0], labels_rc[node, 1]
        if best - bound <= tolerance * abs(best):
            break
    return bound, done


@_compiled
def bp(data, best_rc, height, width, rows, beta, by_row, by_col, iterations):
    """Improve `best_rc` in place; return the number of iterations.

    In each, the nodes of one colour of the checkerboard send to all their neighbours, then those of the
    other (Felzenszwalb and Huttenlocher 2006, section 3.2). Stops when no label has changed for as long as
    a message takes to cross the grid.
    """
    belief, source, half = np.zeros((3, rows, data.shape[1]), np.float32)
    # What the nodes have received from their left, right, upper and lower neighbours, one block each.
    received = np.zeros((4 * len(data), data.shape[1]), np.float32)
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
            at, m = node * rows, received
            low = gather(data, m, at, m, block + at, m, 2 * block + at, m, 3 * block + at, at, belief)
            changed |= choose(belief, low, len(by_col) // 3, labels_rc, node)
            for side, down, over in ((0, 0, -1), (1, 0, 1), (2, -1, 0), (3, 1, 0)):
                if 0 <= r + down < height and 0 <= c + over < width:
                    to = (side ^ 1) * block + (node + down * width + over) * rows
                    one = np.float32(1)
                    send(belief, one, m, side * block + at, down, over, by_row, by_col, source, half, m, to)
        energy = sum(terms(data, labels_rc, width, rows, beta))
        if energy < best:
            best = energy
            for node in range(len(best_rc)):
                best_rc[node, 0], best_rc[node, 1] = labels_rc[node, 0], labels_rc[node, 1]
        quiet = 0 if changed else quiet + 1
        if 2 * quiet >= height + width:
            break
    return done
