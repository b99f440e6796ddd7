"""Alignment of two images by their features, and what follows from it: a dense flow, warped images, points.

The **reference** is the image that is explained, the **moving** one its neighbour (in the energy of the
paper the source and the target). The flow at a pixel p of the reference leads to its match p + flow(p) in
the moving image.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import map_coordinates

from corrlib import mrf
from corrlib.geometry import ReceptiveField

#: Costs that `align` holds at a time, in bytes: grids of 56 x 56 are 39 MB a pair.
MEMORY = 2**28


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
    labels_rc : array (H, W, 2)
        Node ``(row, col)`` of the moving grid that each node of the reference's grid is matched with.
    rf_reference, rf_moving : ReceptiveField
        Where the nodes of the two grids are centred.
    shape : (int, int)
        ``(H, W)`` of the reference image.

    Returns
    -------
    array (*shape, 2)
        ``(x, y)`` in pixels. Beyond the outermost receptive field centres it is that of the nearest point of
        their hull: a spline must not be extrapolated.
    """
    labels_rc = np.asarray(labels_rc)
    if labels_rc.ndim != 3 or labels_rc.shape[-1] != 2 or not labels_rc.size:
        raise ValueError(f"expected labels (H, W, 2), none of them empty, got shape {labels_rc.shape}")
    centers = rf_reference.centers(labels_rc.shape[:2])
    nodes = rf_moving.center + rf_moving.stride * labels_rc[..., ::-1] - centers
    x, y = centers[0, :, 0], centers[:, 0, 1]
    pixels = _inside(y, shape[0]), _inside(x, shape[1])
    return np.stack([_spline(y, x, nodes[..., k])(*pixels) for k in (0, 1)], axis=-1)


def warp(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The moving `image` ``(H', W')`` or ``(H', W', C)`` seen by the reference: at p, what is at p + flow(p).

    Linear between pixels; outside of the image its border is repeated. Integers are rounded.
    """
    _check_flow(flow)
    if image.ndim not in (2, 3) or not image.size:
        raise ValueError(f"expected an image (H, W) or (H, W, C), got shape {image.shape}")
    x, y = np.moveaxis(_targets(flow), -1, 0)
    channels = image[..., None] if image.ndim == 2 else image
    planes = np.moveaxis(channels, -1, 0)
    warped = [map_coordinates(plane, [y, x], float, order=1, mode="nearest") for plane in planes]
    warped = np.stack(warped, axis=-1).reshape(*flow.shape[:2], *image.shape[2:])
    return np.rint(warped).astype(image.dtype) if image.dtype.kind in "ui" else warped.astype(image.dtype)


def transfer(flow: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where `points` of the moving image lie in the reference: the inverse of the field.

    Parameters
    ----------
    flow : array (H, W, 2)
        Flow of each pixel of the reference, ``(x, y)``; linear on the two triangles between four pixels.
    points : array (..., 2)
        ``(x, y)`` in the moving image; NaN for missing ones.

    Returns
    -------
    array (..., 2)
        For each point k the p with p + flow(p) = k; where the field folds and there are several, the one
        nearest to k. Where nothing flows to k: the p whose match is nearest to it, on the edges around the
        pixel whose match is. NaN stays NaN.
    """
    _check_flow(flow)
    points = np.asarray(points, dtype=np.float64)
    if points.ndim == 0 or points.shape[-1] != 2:
        raise ValueError(f"expected points (..., 2) as (x, y), got shape {points.shape}")
    targets = np.moveaxis(_targets(flow), -1, 0)
    corners = [targets[:, :-1, :-1], targets[:, :-1, 1:], targets[:, 1:, :-1], targets[:, 1:, 1:]]
    boxes = np.minimum.reduce(corners), np.maximum.reduce(corners)
    flat = points.reshape(-1, 2)
    found = np.full_like(flat, np.nan)
    for k in np.flatnonzero(np.isfinite(flat).all(axis=1)):
        exact = _preimages(flat[k], targets, boxes)
        if len(exact):
            found[k] = exact[np.argmin(((exact - flat[k]) ** 2).sum(axis=1))]
        else:
            found[k] = _closest(flat[k], targets)
    return found.reshape(points.shape)


def _preimages(point: np.ndarray, targets: np.ndarray, boxes: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """All ``(x, y)`` whose match is `point`; `boxes` are the extents of the matches of every four pixels."""
    low, high = boxes
    inside = (low[0] <= point[0]) & (point[0] <= high[0]) & (low[1] <= point[1]) & (point[1] <= high[1])
    r, c = np.nonzero(inside)
    # The two triangles of a square have their right angles at its first and at its last corner.
    step = np.repeat([1, -1], len(r))
    r, c = np.concatenate([r, r + 1]), np.concatenate([c, c + 1])
    origin = targets[:, r, c]
    across, down = targets[:, r, c + step] - origin, targets[:, r + step, c] - origin
    to = point[:, None] - origin
    with np.errstate(divide="ignore", invalid="ignore"):
        area = _cross(across, down)
        u, v = _cross(to, down) / area, _cross(across, to) / area
    hit = (np.minimum(u, v) >= -1e-9) & (u + v <= 1 + 1e-9)
    return np.stack([c + step * u, r + step * v], axis=1)[hit]


def _closest(point: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The ``(x, y)`` whose match is nearest to `point`, on the edges around the pixel whose match is."""
    far = (targets[0] - point[0]) ** 2 + (targets[1] - point[1]) ** 2
    row, col = np.unravel_index(far.argmin(), far.shape)
    best, distance = np.array([col, row], dtype=float), far[row, col]
    for down, across in ((0, 1), (0, -1), (1, 0), (-1, 0), (1, -1), (-1, 1)):
        if 0 <= row + down < far.shape[0] and 0 <= col + across < far.shape[1]:
            edge = targets[:, row + down, col + across] - targets[:, row, col]
            to = point - targets[:, row, col]
            share = np.clip(to @ edge / max(edge @ edge, 1e-300), 0, 1)
            left = ((to - share * edge) ** 2).sum()
            if left < distance:
                best, distance = np.array([col + share * across, row + share * down]), left
    return best


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[0] * b[1] - a[1] * b[0]


def _inside(centers: np.ndarray, length: int) -> np.ndarray:
    return np.clip(np.arange(length), centers[0], centers[-1])


def _spline(y: np.ndarray, x: np.ndarray, values: np.ndarray) -> RectBivariateSpline:
    """The interpolating spline, cubic where there are four nodes; constant where there is one."""
    if len(y) == 1:
        y, values = np.array([y[0], y[0] + 1]), np.repeat(values, 2, axis=0)
    if len(x) == 1:
        x, values = np.array([x[0], x[0] + 1]), np.repeat(values, 2, axis=1)
    return RectBivariateSpline(y, x, values, kx=min(3, len(y) - 1), ky=min(3, len(x) - 1))


def _targets(flow: np.ndarray) -> np.ndarray:
    """p + flow(p) of every pixel p."""
    y, x = np.indices(flow.shape[:2])
    return flow + np.stack([x, y], axis=-1)


def _check_flow(flow: np.ndarray) -> None:
    if flow.ndim != 3 or flow.shape[-1] != 2 or not flow.size or not np.isfinite(flow).all():
        raise ValueError(f"expected a flow (H, W, 2) of finite values, got {flow.shape}, or NaN or infinity")
