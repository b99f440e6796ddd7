"""Slow, obvious implementations of what corrlib computes faster."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

# figurines


def first_inside(inside, origin, direction, *, far, step):
    """Walk along a ray in small steps: the first distance at which it is inside a solid, or inf."""
    distances = np.arange(0, far, step)
    found = np.flatnonzero(inside(origin + distances[:, None] * direction))
    return distances[found[0]] if len(found) else np.inf


# retrieval


def neighbours(query, database, k, query_group=None, database_group=None):
    """Sort the whole database for each query, by cosine in float64."""
    cosines = 1 - np.nan_to_num(cdist(query, database, "cosine"), nan=1)  # NaN without a direction
    if query_group is not None:
        cosines[np.equal.outer(query_group, database_group)] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(cosines, order, axis=1)


# geometry and convnet


def path_connected(windows, unit):
    """Follow every path from a unit down through 1-D windows (kernel, stride, padding) to the input."""
    positions = {unit}
    for kernel, stride, padding in reversed(windows):
        positions = {p * stride - padding + tap for p in positions for tap in range(kernel)}
    return positions


def convolution(x, weight, bias, stride, padding, groups):
    """Rectified convolution of x (C, H, W) by definition, in float64."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    kernel = weight.shape[2]
    windows = sliding_window_view(x, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    outputs = []
    for part, kernels in zip(np.split(windows, groups), np.split(weight, groups), strict=True):
        outputs.append(np.einsum("chwij,ocij->ohw", part, kernels, optimize=True))
    return np.maximum(np.concatenate(outputs) + bias[:, None, None], 0)


def max_pool(x, kernel, stride, ceil):
    """Maximum over windows of x (C, H, W); with `ceil` a last window may hang over the edge, as in Caffe."""
    rounding = np.ceil if ceil else np.floor
    rows, cols = (int(rounding((side - kernel) / stride)) + 1 for side in x.shape[1:])
    x = np.pad(x, ((0, 0), (0, kernel), (0, kernel)), constant_values=-np.inf)
    windows = sliding_window_view(x, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    return windows[:, :rows, :cols].max(axis=(3, 4))


def local_response_norm(x, size=5, alpha=1e-4, beta=0.75):
    """Caffe's normalisation across channels of x (C, H, W), channel by channel."""
    result = np.empty_like(x)
    for c in range(len(x)):
        near = x[max(0, c - size // 2) : c + size // 2 + 1]
        result[c] = x[c] / (1 + alpha / size * (near**2).sum(axis=0)) ** beta
    return result


# sift


def sift(image, x, y, radius, magnification=3):
    """Lowe's descriptor of a grey image at (x, y), pixel by pixel, without rounding the point."""
    width = radius / 2
    sigma = np.sqrt((width / magnification) ** 2 - 0.5**2)  # the image is assumed to be blurred by 0.5
    smooth = gaussian_filter(image.astype(float), sigma, mode="mirror")
    bins = np.zeros((4, 4, 8))
    for row in range(1, image.shape[0] - 1):
        for col in range(1, image.shape[1] - 1):
            u, v = (col - x) / width, (row - y) / width
            if max(abs(u), abs(v)) >= 2.5:
                continue
            right = smooth[row, col + 1] - smooth[row, col - 1]
            up = smooth[row - 1, col] - smooth[row + 1, col]
            weight = np.hypot(right, up) * np.exp(-(u**2 + v**2) / (2 * 2**2))
            turn = np.arctan2(up, right) / (2 * np.pi / 8) % 8
            for i in range(4):
                for j in range(4):
                    near = max(0, 1 - abs(v - (i - 1.5))) * max(0, 1 - abs(u - (j - 1.5)))
                    for k in (int(turn), int(turn) + 1):
                        bins[i, j, k % 8] += weight * near * (1 - abs(turn - k))
    vector = bins.ravel()
    vector = np.minimum(vector, 0.2 * np.linalg.norm(vector))
    return vector * (512 / max(np.linalg.norm(vector), 1e-9))


# metrics


def mean_pck(errors, alpha):
    """PCK by counting: over instances, then keypoint types, then categories."""
    categories = []
    for category in errors:
        types = [[e < alpha for e in column if not np.isnan(e)] for column in category.T]
        categories.append([np.mean(scored) for scored in types if scored])
    return np.mean([np.mean(types) for types in categories if types])


# alignment


def first_median(points, order, top, missing):
    """Median of each coordinate over the first neighbours that show the keypoint, one at a time."""
    result = np.full(points.shape[:1] + points.shape[2:], np.nan)
    for n, neighbours in enumerate(points):
        ranked = sorted(range(len(neighbours)), key=lambda j: (order[n, j], j))
        for k in range(points.shape[2]):
            shown = [j for j in ranked if not np.isnan(neighbours[j, k]).any()]
            used = shown[:top] if missing == "next" else [j for j in ranked[:top] if j in shown]
            if used and (missing != "most" or len(used) > top / 2):
                result[n, k] = np.median([neighbours[j, k] for j in used], axis=0)
    return result


# mrf


def flow_energy(unary, labels_rc, beta):
    """Data and smoothness term of the flow energy, one edge at a time."""
    height, width = unary.shape[:2]
    data = smoothness = 0.0
    for r in range(height):
        for c in range(width):
            data += float(unary[r, c, labels_rc[r, c, 0], labels_rc[r, c, 1]])
            for r2, c2 in ((r + 1, c), (r, c + 1)):
                if r2 < height and c2 < width:
                    moved = labels_rc[r, c] - (r, c) - (labels_rc[r2, c2] - (r2, c2))
                    smoothness += beta * float(moved @ moved)
    return data, smoothness


def least_flow_energy(unary, beta):
    """The minimum of the energy over every labelling of a tiny grid."""
    height, width, rows, cols = unary.shape
    labels = np.indices((rows, cols)).reshape(2, -1).T
    nodes = np.indices((height, width)).reshape(2, -1).T
    choices = np.indices((len(labels),) * len(nodes), dtype=np.int8).reshape(len(nodes), -1)
    total = np.zeros(choices.shape[1])
    for p, (r, c) in enumerate(nodes):
        total += unary[r, c].reshape(-1).astype(float)[choices[p]]
        for q, other in enumerate(nodes[:p]):
            if np.abs(nodes[p] - other).sum() == 1:
                moved = (labels[:, None] - nodes[p]) - (labels[None] - other)
                total += beta * (moved**2).sum(axis=-1)[choices[p], choices[q]]
    return total.min()


def message(source, beta, down, right):
    """For each label the minimum of source[y, x] + beta |(y, x) - label + (down, right)|^2, by definition."""
    places = np.indices(source.shape).reshape(2, -1).T
    moved = places[:, None] - places[None] + (down, right)
    return (source.reshape(-1, 1) + beta * (moved**2).sum(axis=-1)).min(axis=0).reshape(source.shape)


def belief_propagation(unary, beta, iterations):
    """Lowest energy encountered by min-sum on a checkerboard, starting with no flow (grids of one shape)."""
    height, width, _, cols = unary.shape
    nodes = [(r, c) for r in range(height) for c in range(width)]
    labels = np.array(nodes).reshape(height, width, 2)
    best = sum(flow_energy(unary, labels, beta))
    sent = {}
    for _ in range(iterations):
        for r, c in sorted(nodes, key=lambda rc: sum(rc) % 2):
            around = [q for q in ((r, c - 1), (r, c + 1), (r - 1, c), (r + 1, c)) if q in nodes]
            belief = unary[r, c] + sum(sent.get((q, (r, c)), 0) for q in around)
            labels[r, c] = divmod(int(belief.argmin()), cols)
            for q in around:
                sent[(r, c), q] = message(belief - sent.get((q, (r, c)), 0), beta, q[0] - r, q[1] - c)
        best = min(best, sum(flow_energy(unary, labels, beta)))
    return best


# visualization


def correlation_within_patches(a, b, size):
    """Correlate brightness after taking each patch's mean away, patch by patch."""
    rests = []
    for image in (a, b):
        rows, cols = (np.arange(size, side, size) for side in image.shape[:2])
        grey = np.split(image @ [0.299, 0.587, 0.114], rows)
        rests.append(
            np.concatenate([p - p.mean() for row in grey for p in np.split(row, cols, 1)], axis=None)
        )
    return np.corrcoef(*rests)[0, 1]


def mean_field(fields, size):
    """Mean of square fields of (image, centre) over those whose image has the pixel, and where any has."""
    shown = []
    for image, center in fields:
        padded = np.pad(image.astype(float), ((size, size), (size, size), (0, 0)), constant_values=np.nan)
        col, row = np.array(center, int) - size // 2 + size
        shown.append(padded[row : row + size, col : col + size])
    seen = np.isfinite(shown).any(axis=(0, 3))
    return np.nansum(shown, axis=0) / np.isfinite(shown).sum(axis=0).clip(1), seen


# mining and detection


def windows(maps, context):
    """The windows around all cells of maps (N, H, W, C), with zeros outside: (N H W, s s C)."""
    sides = (context // 2,) * 2
    found = sliding_window_view(np.pad(maps, ((0, 0), sides, sides, (0, 0))), (context, context), (1, 2))
    return np.moveaxis(found, 3, -1).reshape(-1, context**2 * maps.shape[3]).astype(float)


# svm


def svm_objective(w, b, x, signs, C):
    """Half the squared norm of the weights, with that of the constant feature 512, plus squared hinges."""
    hinges = [max(0.0, 1 - sign * (float(w @ row) + b)) for row, sign in zip(x, signs, strict=True)]
    return 0.5 * (float(w @ w) + (b / 512) ** 2) + C * sum(h * h for h in hinges)


def least_svm_objective(x, signs, C):
    """The minimum that a general optimiser finds, starting from zero."""
    scaled = np.hstack([x, np.full((len(x), 1), 512.0)]).astype(float)

    def value_and_slope(w):
        hinge = np.maximum(0, 1 - signs * (scaled @ w))
        return 0.5 * w @ w + C * hinge @ hinge, w - 2 * C * scaled.T @ (signs * hinge)

    return minimize(value_and_slope, np.zeros(scaled.shape[1]), jac=True, method="L-BFGS-B").fun
