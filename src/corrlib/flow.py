"""Alignment of two images by their features, and what follows from it: a dense flow, warped images, points.

The **reference** is the image that is explained, the **moving** one its neighbour (in the energy of the
paper the source and the target). The flow at a pixel p of the reference leads to its match p + flow(p) in
the moving image.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numba import njit
from scipy.interpolate import make_interp_spline
from scipy.ndimage import map_coordinates

from corrlib import mrf
from corrlib.geometry import ReceptiveField

#: Costs that `align` holds at a time, in bytes: grids of 56 x 56 are 39 MB a pair.
MEMORY = 2**28

_compiled = njit(cache=True, nogil=True, error_model="numpy")


def align(
    reference: np.ndarray,
    moving: np.ndarray | Sequence[np.ndarray],
    *,
    beta: float = 3e-3,
    stride: float = 16,
    solver: str = "trws",
    iterations: int = 100,
    tolerance: float = 1e-4,
    threads: int | None = None,
) -> mrf.Solution | list[mrf.Solution]:
    """Match the nodes of a grid of features to those of another, or of each of many (paper, section 3).

    Parameters
    ----------
    reference : array (H, W, C)
        Features of RMS norm 1.
    moving : array (H', W', C), or (N, H', W', C), or a sequence of N arrays
        Features of the same scale.
    beta : float
        Weight of a squared *pixel* of difference between the displacements of neighbours.
    stride : float
        Pixels between neighbours of the grids.
    solver, iterations, tolerance
        As `corrlib.mrf.solve` has them.
    threads : int, optional
        Pairs solved at a time; as many as there are cores if None.

    Returns
    -------
    Solution, or a list of N

    Raises
    ------
    ValueError
        For features that do not fit or are not finite, empty grids, or parameters out of their range.
    """
    if not isinstance(moving, np.ndarray):
        if not len(moving):
            raise ValueError("there are no moving features to align: expected at least one map")
        moving = np.stack(moving)
    if moving.ndim not in (3, 4):
        raise ValueError(f"expected moving features (H', W', C) or (N, H', W', C), got {moving.shape}")
    if not 0 < stride < np.inf:
        raise ValueError(f"stride is {stride}: expected the positive number of pixels between grid nodes")
    many = moving if moving.ndim == 4 else moving[None]
    pair = 4 * int(np.prod(reference.shape[:2])) * int(np.prod(many.shape[1:3]))
    block = max(1, MEMORY // max(pair, 1))
    how = {"solver": solver, "iterations": iterations, "tolerance": tolerance, "threads": threads}
    found = []
    for first in range(0, len(many), block):
        costs = mrf.unary(reference, many[first : first + block])
        found += mrf.solve_batch(costs, beta * stride**2, **how)
    return found if moving.ndim == 4 else found[0]


def flow(
    labels_rc: np.ndarray,
    rf_reference: ReceptiveField,
    rf_moving: ReceptiveField,
    shape: tuple[int, int],
) -> np.ndarray:
    """The flow of every pixel of the reference, by cubic splines through the flow of the grid nodes.

    Parameters
    ----------
    labels_rc : array (..., H, W, 2)
        Node ``(row, col)`` of the moving grid that each node of the reference's grid is matched with; of one
        pair or of many.
    rf_reference, rf_moving : ReceptiveField
        Where the nodes of the two grids are centred.
    shape : (int, int)
        ``(H, W)`` of the reference image.

    Returns
    -------
    array (..., *shape, 2) float64
        ``(x, y)`` in pixels. Beyond the outermost receptive field centres it is that of the nearest point of
        their hull: a spline must not be extrapolated.
    """
    labels_rc = np.asarray(labels_rc)
    if labels_rc.ndim < 3 or labels_rc.shape[-1] != 2 or not labels_rc.size:
        raise ValueError(f"expected labels (..., H, W, 2), none of them empty, got shape {labels_rc.shape}")
    rows, cols = labels_rc.shape[-3:-1]
    at_moving = rf_moving.center + rf_moving.stride * labels_rc[..., ::-1].astype(np.float64)
    nodes = at_moving - rf_reference.centers((rows, cols))
    down, across = _spline(rf_reference, rows, shape[0]), _spline(rf_reference, cols, shape[1])
    return np.stack([down @ nodes[..., k] @ across.T for k in (0, 1)], axis=-1)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The moving `image` ``(H', W')`` or ``(H', W', C)`` seen by the reference: at p, what is at p + flow(p).

    Linear between pixels; outside of the image its border is repeated. Integers are rounded.
    """
    _check_flow(flow)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f"expected an image (H, W) or (H, W, C), got shape {image.shape}")
    x, y = np.moveaxis(_matches(flow), -1, 0)
    channels = image[..., None] if image.ndim == 2 else image
    planes = np.moveaxis(channels, -1, 0)
    warped = [map_coordinates(plane, [y, x], float, order=1, mode="nearest") for plane in planes]
    warped = np.stack(warped, axis=-1).reshape(*flow.shape[:2], *image.shape[2:])
    return np.rint(warped).astype(image.dtype) if image.dtype.kind in "ui" else warped.astype(image.dtype)


def transfer(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where `points` of the moving image lie in the reference: the inverse of the field.

    Parameters
    ----------
    flow : array (..., H, W, 2)
        Flow of each pixel of the reference, ``(x, y)``; linear on the two triangles between four pixels. Of
        one pair or of many.
    points : array (..., *, 2)
        ``(x, y)`` in the moving image, as many as there are for each flow; NaN for missing ones.

    Returns
    -------
    array (..., *, 2)
        For each point k the p with p + flow(p) = k; where the field folds and there are several, the one
        nearest to k. Where nothing flows to k: the p whose match is nearest to it, on the edges around the
        pixel whose match is. NaN stays NaN.
    """
    _check_flow(flow, many=True)
    points = np.asarray(points, dtype=np.float64)
    many = flow.shape[:-3]
    if points.ndim == len(many) or points.shape[-1] != 2 or points.shape[: len(many)] != many:
        expected = ", ".join([*map(str, many), "..., 2"])
        raise ValueError(f"expected points ({expected}) as (x, y) for flows {flow.shape}, got {points.shape}")
    fields = _matches(flow).reshape(-1, *flow.shape[-3:])
    found = np.empty((len(fields), int(np.prod(points.shape[len(many) : -1])), 2))
    for field, one, out in zip(fields, points.reshape(found.shape), found, strict=True):
        _invert(field, one, out)
    return found.reshape(points.shape)


@_compiled
def _invert(matches, points, found):
    """`transfer` points (K, 2) by the matches (H, W, 2) of all pixels, to `found`."""
    for k in range(len(points)):
        x, y = points[k]
        found[k] = np.nan
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        best = np.inf
        for r in range(matches.shape[0] - 1):
            for c in range(matches.shape[1] - 1):
                if not (_among(matches, r, c, 0, x) and _among(matches, r, c, 1, y)):
                    continue
                # The two triangles of a square have their right angles at its first and at its last corner.
                for step in (1, -1):
                    row, col = (r, c) if step == 1 else (r + 1, c + 1)
                    origin = matches[row, col]
                    across, down = matches[row, col + step] - origin, matches[row + step, col] - origin
                    to = points[k] - origin
                    area = _cross(across, down)
                    u, v = _cross(to, down) / area, _cross(across, to) / area
                    if min(u, v) >= -1e-9 and u + v <= 1 + 1e-9:
                        off = (col + step * u - x) ** 2 + (row + step * v - y) ** 2
                        if off < best:
                            best, found[k, 0], found[k, 1] = off, col + step * u, row + step * v
        if best == np.inf:
            _approach(matches, points[k], found[k])


@_compiled
def _among(matches, r, c, axis, value):
    """Whether a value lies between the extremes of a coordinate of the matches of four pixels."""
    a, b = matches[r, c, axis], matches[r, c + 1, axis]
    d, e = matches[r + 1, c, axis], matches[r + 1, c + 1, axis]
    return min(min(a, b), min(d, e)) <= value <= max(max(a, b), max(d, e))


@_compiled
def _approach(matches, point, found):
    """The (x, y) whose match is nearest to `point`, on the edges around the pixel whose match is."""
    height, width = matches.shape[:2]
    row, col, best = 0, 0, np.inf
    for r in range(height):
        for c in range(width):
            off = (matches[r, c, 0] - point[0]) ** 2 + (matches[r, c, 1] - point[1]) ** 2
            if off < best:
                best, row, col = off, r, c
    found[0], found[1] = col, row
    for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)):
        if 0 <= row + down < height and 0 <= col + across < width:
            edge = matches[row + down, col + across] - matches[row, col]
            to = point - matches[row, col]
            share = min(max(_dot(to, edge) / max(_dot(edge, edge), 1e-300), 0.0), 1.0)
            rest = to - share * edge
            if _dot(rest, rest) < best:
                best, found[0], found[1] = _dot(rest, rest), col + share * across, row + share * down


@_compiled
def _cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


@_compiled
def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1]


@lru_cache(maxsize=32)
def _spline(field: ReceptiveField, nodes: int, pixels: int) -> np.ndarray:
    """What each of a line of grid nodes weighs in the spline at each pixel, ``(pixels, nodes)``.

    An interpolating spline is linear in its values, and the bivariate one is of one axis after the other.
    Cubic where there are four nodes, constant where there is one.
    """
    if nodes == 1:
        return np.ones((pixels, 1))
    centers = field.center + field.stride * np.arange(nodes)
    inside = np.clip(np.arange(pixels), centers[0], centers[-1])
    return make_interp_spline(centers, np.eye(nodes), min(3, nodes - 1))(inside)


def _matches(flow: np.ndarray) -> np.ndarray:
    """p + flow(p) of every pixel p."""
    y, x = np.indices(flow.shape[-3:-1])
    return flow + np.stack([x, y], axis=-1)


def _check_flow(flow: np.ndarray, *, many: bool = False) -> None:
    if flow.ndim < 3 or (flow.ndim > 3 and not many) or flow.shape[-1] != 2:
        raise ValueError(f"expected a flow ({'..., ' * many}H, W, 2), got shape {flow.shape}")
    if not flow.size or not np.isfinite(flow).all():
        raise ValueError(f"the flow {flow.shape} is empty, or holds NaN or infinity")
