"""The compiled loops: messages, the two solvers, and the labels decoded from the messages.

A grid of H x W nodes with H' x W' labels each is one flat float32 array. Label (y, x) of a node is at
``(node * H' + y) * columns + x``: rows are padded to whole vectors by labels of cost `PADDING`. ``parabola``
is the pairwise cost along one axis: beta d^2 at index ``margin + d``, where the margin is the longer side of
the grid of labels plus `TILE`.
"""

import numpy as np

from corrlib.mrf import vectors
from corrlib.mrf.vectors import LANES, REACH, REACHES, TILE, aligned, compiled, v

#: Cost of the labels that pad a row. Messages are capped at `CEILING`, so that both the beliefs of padding
#: labels and what is sent from them stay far above the costs of real labels.
PADDING, CEILING = np.float32(1e30), np.float32(1e28)
INFINITY = np.float32(np.inf)
#: If belief propagation finds nothing better than no flow in so many iterations, TRW-S gets so many to prove
#: that there is nothing better, up to this share of the energy.
TRIED, PROVED, ROUNDING = 3, 10, 2e-6
#: Between the rows of a half-finished message: room for a window that is shifted by one.
GAP = max(LANES, REACH + 1)


@compiled
def send(belief, share, reverse, reverse_at, down, right, workspace, out, out_at):
    """Send share * belief - reverse[reverse_at:] along the edge (down, right), to out[out_at:].

    With source = share * belief - reverse, the message to label (i, j) is the minimum over all (y, x) of
    source[y, x] + beta |(y, x) - (i, j) + (down, right)|^2, computed along columns and then along rows. The
    minimum of the source is subtracted, to keep messages near zero. Returns it and the largest change.

    A parabola is nowhere lowest if it is further away than the range of the values allows: the nearest one,
    whose vertex is at most a label off, is below it. That mostly leaves those within `REACH` (for TRW-S on
    features of norm 1, if beta times the squared stride is above 0.05); otherwise all are compared.
    """
    rows, cols, parabola, source, half, whole, padding = workspace
    columns, pitch, margin = len(belief) // rows, len(half) // (max(rows, TILE) + 1), max(rows, cols) + TILE
    first, left = (REACH + 1) * columns, pitch - columns
    low, high = v.fill(INFINITY), v.fill(-INFINITY)
    for j in range(0, columns, LANES):
        top = v.fill(-INFINITY)
        for k in range(j, len(belief), columns):
            value = v.subtract(v.multiply(v.fill(share), v.load(belief, k)), v.load(reverse, reverse_at + k))
            v.store(value, source, first + k)
            low, top = v.minimum(value, low), v.maximum(value, top)
        high = v.maximum(v.subtract(top, v.load(padding, j)), high)
    offset = v.smallest(low)
    # The largest range within a lane is enough: a lane holds whole columns.
    extent = v.largest(v.subtract(high, low)) + parabola[margin + 1]
    near, far = parabola[margin + REACHES[0] + 1] > extent, parabola[margin + REACH + 1] > extent
    high = v.fill(-INFINITY)
    for j in range(0, columns, LANES):
        if near:
            for i in range(rows):
                at = first + (i - down) * columns + j
                best = vectors.lowest_near(source, at, columns, parabola, margin)
                v.store(best, half, left + i * pitch + j)
        elif far:
            for i in range(rows):
                at = first + (i - down) * columns + j
                best = vectors.lowest_far(source, at, columns, parabola, margin)
                v.store(best, half, left + i * pitch + j)
        else:
            for k in range(0, rows, TILE):
                i = max(min(k, rows - TILE), 0)
                tile = vectors.high_tile()
                for y in range(rows):
                    value = v.load(source, first + y * columns + j)
                    tile = vectors.lower(tile, value, parabola, margin + y - i + down, -1)
                vectors.put(tile, half, left + i * pitch + j, pitch)
        top = v.fill(-INFINITY)
        for i in range(rows):
            top = v.maximum(v.load(half, left + i * pitch + j), top)
        high = v.maximum(v.subtract(top, v.load(padding, j)), high)
    extent = v.largest(high) - offset + parabola[margin + 1]
    near, far = parabola[margin + REACHES[0] + 1] > extent, parabola[margin + REACH + 1] > extent
    change = v.fill(np.float32(0))
    for j in range(0, columns, LANES):
        if near:
            for i in range(rows):
                best = vectors.lowest_near(half, left + i * pitch + j - right, 1, parabola, margin)
                v.store(best, whole, i * columns + j)
        elif far:
            for i in range(rows):
                best = vectors.lowest_far(half, left + i * pitch + j - right, 1, parabola, margin)
                v.store(best, whole, i * columns + j)
        else:
            for k in range(0, rows, TILE):
                i = max(min(k, rows - TILE), 0)
                row, tile = left + i * pitch, vectors.high_tile()
                for x in range(cols):
                    cost = v.load(parabola, margin + j - x - right)
                    tile = vectors.lower(tile, cost, half, row + x, pitch)
                vectors.put(tile, whole, i * columns + j, columns)
        less = more = v.fill(np.float32(0))
        for k in range(j, len(belief), columns):
            value = v.subtract(v.minimum(v.load(whole, k), v.fill(CEILING)), v.fill(offset))
            difference = v.subtract(value, v.load(out, out_at + k))
            less, more = v.minimum(difference, less), v.maximum(difference, more)
            v.store(value, out, out_at + k)
        largest = v.maximum(v.subtract(v.fill(np.float32(0)), less), more)
        change = v.maximum(v.subtract(largest, v.load(padding, j)), change)
    return offset, v.largest(change)


@compiled
def prepare(rows, cols, columns, parabola):
    """What messages share: constants; arrays for a source, half a message and a whole; a row of padding."""
    tall = max(rows, TILE)
    source, half = aligned((rows + 2 * (REACH + 1)) * columns), aligned((tall + 1) * (columns + GAP))
    whole, padding = aligned(tall * columns), aligned(columns)
    source[:], half[:], padding[:], padding[:cols] = PADDING, PADDING, PADDING, 0
    return rows, cols, parabola, source, half, whole, padding


@compiled
def gather(data, at, a, a_at, b, b_at, c, c_at, d, d_at, belief):
    """belief = data[at:] + the messages a[a_at:], b[b_at:], c[c_at:] and d[d_at:]; return its minimum."""
    low = v.fill(INFINITY)
    for k in range(0, len(belief), LANES):
        messages = v.add(
            v.add(v.load(a, a_at + k), v.load(b, b_at + k)), v.add(v.load(c, c_at + k), v.load(d, d_at + k))
        )
        value = v.add(v.load(data, at + k), messages)
        v.store(value, belief, k)
        low = v.minimum(value, low)
    return v.smallest(low)


@compiled
def choose(belief, low, rows, labels_rc, node):
    """Give the node the first label whose belief is `low`; return whether it had another before."""
    columns = len(belief) // rows
    for first in range(0, len(belief), LANES):
        if v.smallest(v.load(belief, first)) == low:
            k = first
            while belief[k] != low:
                k += 1
            y, x = k // columns, k % columns
            changed = labels_rc[node, 0] != y or labels_rc[node, 1] != x
            labels_rc[node, 0], labels_rc[node, 1] = y, x
            return changed
    return False


@compiled
def energy(data, labels_rc, width, rows, beta):
    """The energy of a labelling."""
    unary, squares = 0.0, 0
    size = len(data) // len(labels_rc)
    columns = size // rows
    for node in range(len(labels_rc)):
        y, x = labels_rc[node, 0], labels_rc[node, 1]
        unary += data[node * size + y * columns + x]
        if node % width > 0:
            squares += (y - labels_rc[node - 1, 0]) ** 2 + (x - labels_rc[node - 1, 1] - 1) ** 2
        if node >= width:
            squares += (y - labels_rc[node - width, 0] - 1) ** 2 + (x - labels_rc[node - width, 1]) ** 2
    return unary + beta * squares


@compiled
def sweep(data, edges_right, edges_below, forward, height, width, belief, workspace):
    """One pass of TRW-S: each node sends to its neighbours after it in raster order, or to those before it.

    `edges_right` and `edges_below` hold the messages of the edges from each node to its right and to its
    lower neighbour, in the direction last sent; the zeros after those of the last node are for missing edges.
    Returns the lower bound on the energy, if backward.
    """
    size, nodes = len(belief), height * width
    bound = 0.0
    for k in range(nodes):
        node = k if forward else nodes - 1 - k
        r, c = node // width, node % width
        at = node * size
        left = (node - 1 if c > 0 else nodes) * size
        above = (node - width if r > 0 else nodes) * size
        low = gather(
            data, at, edges_right, at, edges_right, left, edges_below, at, edges_below, above, belief
        )
        # As many monotonic chains pass through the node; each has its share of the belief.
        before, after = (c > 0) + (r > 0), (c < width - 1) + (r < height - 1)
        chains = max(before, after, 1)
        share = np.float32(1 / chains)
        if not forward:
            bound += low * (1 - before / chains)
        for vertical in range(2):
            edges = edges_below if vertical else edges_right
            if forward:
                exists, of = (r < height - 1) if vertical else (c < width - 1), at
            else:
                exists, of = (r > 0, above) if vertical else (c > 0, left)
            if exists:
                step = 1 if forward else -1
                down, over = (step, 0) if vertical else (0, step)
                bound += send(belief, share, edges, of, down, over, workspace, edges, of)[0]
    return bound


@compiled
def decode(data, edges_right, edges_below, width, belief, workspace, labels_rc):
    """Label the nodes in raster order, each given the labels before it and the messages from after it."""
    rows, cols, parabola = workspace[:3]
    size, columns, margin = len(belief), len(belief) // rows, max(rows, cols) + TILE
    none = len(labels_rc) * size
    for node in range(len(labels_rc)):
        at = node * size
        gather(data, at, edges_below, at, edges_right, none, edges_below, none, edges_right, at, belief)
        low = v.fill(INFINITY)
        for i in range(rows):
            for j in range(0, columns, LANES):
                value = v.load(belief, i * columns + j)
                if node % width > 0:
                    y, x = labels_rc[node - 1, 0], labels_rc[node - 1, 1]
                    cost = v.add(v.broadcast(parabola, margin + i - y), v.load(parabola, margin + j - x - 1))
                    value = v.add(value, cost)
                if node >= width:
                    y, x = labels_rc[node - width, 0], labels_rc[node - width, 1]
                    cost = v.add(v.broadcast(parabola, margin + i - y - 1), v.load(parabola, margin + j - x))
                    value = v.add(value, cost)
                v.store(value, belief, i * columns + j)
                low = v.minimum(value, low)
        choose(belief, v.smallest(low), rows, labels_rc, node)


@compiled
def trws(data, best_rc, height, width, rows, cols, beta, parabola, iterations, tolerance, enough):
    """Improve the labels `best_rc` in place; return the lower bound and the number of iterations.

    Stops when the energy is below `enough`, or above the bound by no more than the share `tolerance`.
    """
    size = len(data) // len(best_rc)
    belief, workspace = aligned(size), prepare(rows, cols, size // rows, parabola)
    edges_right, edges_below = aligned(len(data) + size), aligned(len(data) + size)
    labels_rc = np.zeros_like(best_rc)
    best, bound, done = energy(data, best_rc, width, rows, beta), -np.inf, 0
    while done < iterations:
        done += 1
        sweep(data, edges_right, edges_below, True, height, width, belief, workspace)
        new_bound = sweep(data, edges_right, edges_below, False, height, width, belief, workspace)
        bound = max(bound, new_bound)
        decode(data, edges_right, edges_below, width, belief, workspace, labels_rc)
        new = energy(data, labels_rc, width, rows, beta)
        if new < best:
            best, best_rc[:] = new, labels_rc
        if best < enough or best - bound <= tolerance * abs(best):
            break
    return bound, done


@compiled
def bp(data, best_rc, height, width, rows, cols, beta, parabola, iterations, precision):
    """Improve the labels `best_rc` in place; return the number of iterations.

    In each, the nodes of one colour of the checkerboard send to all neighbours, then those of the other
    (Felzenszwalb and Huttenlocher 2006, section 3.2); again only if a message to them has changed by more
    than `precision` since. Stops when none has, when no label has changed for as long as a message takes to
    cross the grid, or when the given labels are proven optimal.
    """
    size, block, share = len(data) // len(best_rc), len(data), np.float32(1)
    belief, workspace = aligned(size), prepare(rows, cols, size // rows, parabola)
    # The messages that the nodes have received from their left, right, upper and lower neighbours.
    m = aligned(4 * block)
    labels_rc, waiting = np.zeros_like(best_rc), np.ones(len(best_rc), np.bool_)
    best = given = energy(data, best_rc, width, rows, beta)
    done = unchanged = 0
    while done < iterations and 2 * unchanged < height + width and waiting.any():
        done += 1
        changed = False
        for k in range(2 * height * width):
            node = k % (height * width)
            r, c = node // width, node % width
            if (r + c) % 2 != k // (height * width) or not waiting[node]:
                continue
            waiting[node], at = False, node * size
            low = gather(data, at, m, at, m, block + at, m, 2 * block + at, m, 3 * block + at, belief)
            changed |= choose(belief, low, rows, labels_rc, node)
            for side, down, over in ((0, 0, -1), (1, 0, 1), (2, -1, 0), (3, 1, 0)):
                if 0 <= r + down < height and 0 <= c + over < width:
                    other = node + down * width + over
                    to = (side ^ 1) * block + other * size
                    _, change = send(belief, share, m, side * block + at, down, over, workspace, m, to)
                    waiting[other] |= change > precision
        new = energy(data, labels_rc, width, rows, beta)
        if new < best:
            best, best_rc[:] = new, labels_rc
        unchanged = 0 if changed else unchanged + 1
        if done == TRIED and best == given:
            least = given - ROUNDING * abs(given)  # labels of less energy are a proof of the contrary
            copy = best_rc.copy()
            bound, _ = trws(data, copy, height, width, rows, cols, beta, parabola, PROVED, ROUNDING, least)
            if least <= bound:
                break
    return done
