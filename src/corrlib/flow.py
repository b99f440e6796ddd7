"""Alignment of two images by their features: dense flow, image warping, point transfer (paper, section 3).

The **reference** is the image being explained, the **moving** image its neighbour (source and target in the
paper's energy). Pixel p of the reference matches p + flow(p) in the moving image.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import numpy as np
from joblib import cpu_count
from numba import njit
from scipy.interpolate import make_interp_spline
from scipy.ndimage import map_coordinates

from corrlib import mrf
from corrlib.geometry import ReceptiveField

#: Bytes of costs that `align` holds at a time; grids of 56 x 56 need 39 MB per pair.
MEMORY = 2**28

_compiled = njit(cache=True, nogil=True, error_model="numpy")


def align(
    reference: np.ndarray,
    moving: np.ndarray,
    *,
    beta: float = 3e-3,
    stride: float = 16,
    solver: str = "trws",
    iterations: int = 100,
    tolerance: float = 1e-4,
    threads: int | None = None,
) -> mrf.Solution | list[mrf.Solution]:
    """Match the nodes of a feature grid with those of another, or of each of many others.

    Parameters
    ----------
    reference : array (H, W, C)
        Features of RMS norm 1.
    moving : array (H', W', C) or (N, H', W', C)
        Features of the same scale.
    beta : float
        Weight of the squared difference, in *pixels*, between the displacements of neighbours.
    stride : float
        Pixels between neighbouring nodes.
    solver, iterations, tolerance
        As in `corrlib.mrf.solve`.
    threads : int, optional
        Pairs solved in parallel; as many as there are cores if None.

    Returns
    -------
    Solution, or a list of N

    Raises
    ------
    ValueError
        If the features do not match or are not finite, a grid is empty, or a parameter is out of range.
    """
    if moving.ndim not in (3, 4):
        raise ValueError(f"expected moving features (H', W', C) or (N, H', W', C), got {moving.shape}")
    if not 0 < stride < np.inf:
        raise ValueError(f"stride is {stride}: expected the positive number of pixels between grid nodes")
    many = moving if moving.ndim == 4 else moving[None]
    pair = 4 * int(np.prod(reference.shape[:2])) * int(np.prod(many.shape[1:3]))
    block = max(1, MEMORY // max(pair, 1))
    solve = partial(
        mrf.solve, beta=beta * stride**2, solver=solver, iterations=iterations, tolerance=tolerance
    )
    solutions: list[mrf.Solution] = []
    with ThreadPoolExecutor(threads or cpu_count()) as pool:
        for first in range(0, len(many), block):
            solutions += pool.map(solve, mrf.unary(reference, many[first : first + block]))
    return solutions if moving.ndim == 4 else solutions[0]


def flow(
    labels_rc: np.ndarray,
    rf_reference: ReceptiveField,
    rf_moving: ReceptiveField,
    shape: tuple[int, int],
) -> np.ndarray:
    """Dense flow by cubic splines through the displacements of the grid nodes.

    Parameters
    ----------
    labels_rc : array (..., H, W, 2)
        The node ``(row, col)`` of the moving grid matched with each node of the reference grid, of one pair
        or many.
    rf_reference, rf_moving : ReceptiveField
        Where the nodes of the two grids are centred.
    shape : (int, int)
        ``(H, W)`` of the reference image.

    Returns
    -------
    array (..., *shape, 2) float64
        ``(x, y)`` in pixels. The splines are not extrapolated: beyond the outermost nodes, the flow is that
        of the nearest point between them.
    """
    labels_rc = np.asarray(labels_rc)
    if labels_rc.ndim < 3 or labels_rc.shape[-1] != 2 or not labels_rc.size:
        raise ValueError(f"expected labels (..., H, W, 2), none of them empty, got shape {labels_rc.shape}")
    rows, cols = labels_rc.shape[-3:-1]
    matches = rf_moving.center + rf_moving.stride * labels_rc[..., ::-1].astype(np.float64)
    displacements = matches - rf_reference.centers((rows, cols))
    vertical, horizontal = _spline(rf_reference, rows, shape[0]), _spline(rf_reference, cols, shape[1])
    return np.stack([vertical @ displacements[..., k] @ horizontal.T for k in (0, 1)], axis=-1)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """Warp the moving `image` ``(H', W')`` or ``(H', W', C)`` to the reference: sample it at p + flow(p).

    Bilinear; beyond the image its border pixels are repeated. Integers are rounded.
    """
    _check_flow(flow)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f"expected an image (H, W) or (H, W, C), got shape {image.shape}")
    rows, cols = np.indices(flow.shape[:2])
    places = [rows + flow[..., 1], cols + flow[..., 0]]
    planes = np.moveaxis(np.atleast_3d(image), -1, 0)
    warped = [map_coordinates(plane, places, float, order=1, mode="nearest") for plane in planes]
    warped = np.stack(warped, axis=-1).reshape(*flow.shape[:2], *image.shape[2:])
    return np.rint(warped).astype(image.dtype) if image.dtype.kind in "ui" else warped.astype(image.dtype)


def transfer(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transfer `points` from the moving image to the reference, by inverting the flow.

    Parameters
    ----------
    flow : array (..., H, W, 2)
        Flow ``(x, y)`` of each pixel of the reference, of one pair or many; linear on the two triangles
        between four pixels. Beyond the outermost pixels, it is that of the nearest of them.
    points : array (..., *, 2)
        ``(x, y)`` in the moving image, or outside, equally many for each flow; NaN if missing.

    Returns
    -------
    array (..., *, 2)
        For each point k the p with p + flow(p) = k, in the image or outside; if the flow folds and there are
        several, the one nearest to k. NaN stays NaN.
    """
    _check_flow(flow, many=True)
    points = np.asarray(points, dtype=np.float64)
    many = flow.shape[:-3]
    if points.ndim == len(many) or points.shape[-1] != 2 or points.shape[: len(many)] != many:
        expected = ", ".join([*map(str, many), "..., 2"])
        raise ValueError(f"expected points ({expected}) as (x, y) for flows {flow.shape}, got {points.shape}")
    known = points[np.isfinite(points)]
    # One more pixel on each side, so far away that all points match a place within.
    far = 1.0 + np.abs(known).max(initial=0) + 2 * np.abs(flow).max() + max(flow.shape[-3:-1])
    padding = [(0, 0)] * len(many) + [(1, 1), (1, 1), (0, 0)]
    padded = np.pad(np.asarray(flow, dtype=np.float64), padding, mode="edge")
    rows, cols = (np.concatenate([[-far], np.arange(n), [n - 1 + far]]) for n in flow.shape[-3:-1])
    padded = padded.reshape(-1, *padded.shape[-3:])
    result = np.empty((len(padded), int(np.prod(points.shape[len(many) : -1])), 2))
    for field, its_points, out in zip(padded, points.reshape(result.shape), result, strict=True):
        _invert(field, rows, cols, its_points, out)
    return result.reshape(points.shape)


@_compiled
def _invert(flow, rows, cols, points, out):
    """Write to `out` the places that `points` match, given the flow (H, W, 2) at rows (H,) and cols (W,)."""
    matches = flow.copy()
    matches[..., 0] += cols
    for r in range(len(rows)):
        matches[r, :, 1] += rows[r]
    for k in range(len(points)):
        x, y = points[k]
        out[k] = np.nan
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        best = np.inf
        for r in range(len(rows) - 1):
            for c in range(len(cols) - 1):
                if not (_in_range(matches, r, c, 0, x) and _in_range(matches, r, c, 1, y)):
                    continue
                # The two triangles have their right angles at the first and at the last of the four pixels.
                for step in (1, -1):
                    row, col = (r, c) if step == 1 else (r + 1, c + 1)
                    origin = matches[row, col]
                    across, down = matches[row, col + step] - origin, matches[row + step, col] - origin
                    to = points[k] - origin
                    area = _cross(across, down)
                    u = v = 0.0
                    if area != 0:
                        u, v = _cross(to, down) / area, _cross(across, to) / area
                    elif to[0] != 0 or to[1] != 0:
                        continue
                    if min(u, v) >= -1e-9 and u + v <= 1 + 1e-9:
                        # Not the place of the corners: where nothing moves, the point stays to the last bit.
                        here = flow[row, col]
                        dx, dy = (
                            here + u * (flow[row, col + step] - here) + v * (flow[row + step, col] - here)
                        )
                        if dx**2 + dy**2 < best:
                            best, out[k, 0], out[k, 1] = dx**2 + dy**2, x - dx, y - dy


@_compiled
def _in_range(matches, r, c, axis, value):
    """Whether a value is between the minimum and maximum of one coordinate of the matches of four pixels."""
    a, b = matches[r, c, axis], matches[r, c + 1, axis]
    d, e = matches[r + 1, c, axis], matches[r + 1, c + 1, axis]
    return min(min(a, b), min(d, e)) <= value <= max(max(a, b), max(d, e))


@_compiled
def _cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


@lru_cache(maxsize=32)
def _spline(field: ReceptiveField, nodes: int, pixels: int) -> np.ndarray:
    """Weights ``(pixels, nodes)`` of the nodes of one axis in the interpolating spline at each pixel.

    The spline is linear in its values, and separable. It is cubic if there are at least four nodes, and
    constant if there is one.
    """
    if nodes == 1:
        return np.ones((pixels, 1))
    centers = field.center + field.stride * np.arange(nodes)
    inside = np.clip(np.arange(pixels), centers[0], centers[-1])
    return make_interp_spline(centers, np.eye(nodes), min(3, nodes - 1))(inside)


def _check_flow(flow: np.ndarray, *, many: bool = False) -> None:
    if flow.ndim < 3 or (flow.ndim > 3 and not many) or flow.shape[-1] != 2:
        raise ValueError(f"expected a flow ({'..., ' * many}H, W, 2), got shape {flow.shape}")
    if not flow.size or not np.isfinite(flow).all():
        raise ValueError(f"the flow {flow.shape} is empty, or holds NaN or infinity")
