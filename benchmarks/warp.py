"""Dense flow and warped images: ours, and SciPy's RectBivariateSpline at every pixel, as in the paper."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RectBivariateSpline

from benchmarks.harness import Contest, Kernel, Sides
from corrlib.flow import flow, warp
from corrlib.geometry import ReceptiveField

SIDE, FIELD, GRID = 227, ReceptiveField(139, 16, 17.0), 13


def labels() -> np.ndarray:
    """A smooth labelling with steps in it."""
    r, c = np.indices((GRID, GRID))
    bent = np.stack([r + np.rint(1.5 * np.sin(c / 3)), c + np.rint(1.5 * np.cos(r / 4))], axis=-1)
    return np.clip(bent, 0, GRID - 1).astype(int)


def dense(quick: bool) -> Sides:
    """The flow of each pixel from that of the nodes, by cubic splines."""
    chosen = labels()
    centres = FIELD.center + FIELD.stride * np.arange(GRID)
    inside = np.clip(np.arange(SIDE), centres[0], centres[-1])
    y, x = np.meshgrid(inside, inside, indexing="ij")
    nodes = FIELD.center + FIELD.stride * chosen[..., ::-1] - FIELD.centers((GRID, GRID))

    def theirs() -> np.ndarray:
        splines = (RectBivariateSpline(centres, centres, nodes[..., k]) for k in (0, 1))
        return np.stack([spline.ev(y, x) for spline in splines], axis=-1)

    def check(a: np.ndarray, b: np.ndarray) -> tuple[bool, str]:
        rms = np.sqrt(np.mean((a - b) ** 2))
        return rms <= 1e-3, f"rms difference {rms:.0e} pixels"

    return Sides(lambda: flow(chosen, FIELD, FIELD, (SIDE, SIDE)), theirs, check)


def picture(quick: bool) -> Sides:
    """An image warped by a flow, with linear interpolation."""
    image = np.random.default_rng(0).uniform(0, 255, (SIDE, SIDE, 3)).astype(np.float32)
    field = flow(labels(), FIELD, FIELD, (SIDE, SIDE))
    axis = np.arange(SIDE)
    y, x = np.indices((SIDE, SIDE)) + np.moveaxis(field, -1, 0)[::-1]
    y, x = y.clip(0, SIDE - 1), x.clip(0, SIDE - 1)

    def theirs() -> np.ndarray:
        planes = (RectBivariateSpline(axis, axis, image[..., k], kx=1, ky=1) for k in range(3))
        return np.stack([plane.ev(y, x) for plane in planes], axis=-1)

    def check(a: np.ndarray, b: np.ndarray) -> tuple[bool, str]:
        rms = np.sqrt(np.mean((a - b) ** 2))
        return rms <= 1e-3, f"rms difference {rms:.0e} of 255"

    return Sides(lambda: warp(image, field), theirs, check)


PEER = "SciPy's RectBivariateSpline.ev"
KERNEL = Kernel(
    contests=[
        Contest(f"flow of {SIDE} x {SIDE} pixels from {GRID} x {GRID} nodes", PEER, dense, 4),
        Contest(f"image, {SIDE} x {SIDE} x 3", PEER, picture, 4),
    ]
)
