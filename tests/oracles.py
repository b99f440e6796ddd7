"""Slow, obvious twins of what corrlib computes cleverly."""

import numpy as np

# figurines


def first_inside(inside, origin, direction, *, far, step):
    """Walk along a ray in small steps: the first distance at which the point lies inside a solid; inf if none does."""
    distances = np.arange(0, far, step)
    found = np.flatnonzero(inside(origin + distances[:, None] * direction))
    return distances[found[0]] if len(found) else np.inf


# retrieval


def neighbours(query, database, k, query_group=None, database_group=None):
    """Sort the whole database for each query, by cosine in float64."""
    indices, similarities = [], []
    for i, q in enumerate(np.asarray(query, float)):
        cosines = []
        for j, d in enumerate(np.asarray(database, float)):
            if query_group is None or query_group[i] != database_group[j]:
                length = np.linalg.norm(q) * np.linalg.norm(d)
                cosines.append((q @ d / length if length else 0.0, -j))
        best = sorted(cosines, reverse=True)[:k]
        indices.append([-j for _, j in best])
        similarities.append([cosine for cosine, _ in best])
    return np.array(indices), np.array(similarities)


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
    windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), (1, 2))[:, ::stride, ::stride]
    outputs = []
    for part, kernels in zip(np.split(windows, groups), np.split(weight, groups), strict=True):
        outputs.append(np.einsum("chwij,ocij->ohw", part, kernels, optimize=True))
    return np.maximum(np.concatenate(outputs) + bias[:, None, None], 0)


def max_pool(x, kernel, stride, ceil):
    """Maximum over windows of x (C, H, W); with `ceil` a last window may hang over the edge, as in Caffe."""
    rounding = np.ceil if ceil else np.floor
    rows, cols = (int(rounding((side - kernel) / stride)) + 1 for side in x.shape[1:])
    result = np.empty((len(x), rows, cols))
    for r in range(rows):
        for c in range(cols):
            window = x[:, r * stride : r * stride + kernel, c * stride : c * stride + kernel]
            result[:, r, c] = window.max(axis=(1, 2))
    return result


def local_response_norm(x, size=5, alpha=1e-4, beta=0.75):
    """Caffe's normalisation across channels of x (C, H, W), channel by channel."""
    result = np.empty_like(x)
    for c in range(len(x)):
        near = x[max(0, c - size // 2) : c + size // 2 + 1]
        result[c] = x[c] / (1 + alpha / size * (near**2).sum(axis=0)) ** beta
    return result


# sift


def sift(image, x, y, radius):
    """Lowe's descriptor of a grey image at (x, y), pixel by pixel at full resolution, the point unrounded."""
    from scipy.ndimage import gaussian_filter

    width = radius / 2
    sigma = np.sqrt((width / 3) ** 2 - 0.5**2)  # the camera has blurred the image by 0.5
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
        types = []
        for k in range(category.shape[1]):
            scored = [e for e in category[:, k] if not np.isnan(e)]
            if scored:
                types.append(sum(e < alpha for e in scored) / len(scored))
        if types:
            categories.append(sum(types) / len(types))
    return sum(categories) / len(categories)
