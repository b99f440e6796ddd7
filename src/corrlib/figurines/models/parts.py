"""Pieces that several vehicles share: proportions, steering, wheels."""

from collections.abc import Callable

import numpy as np

from corrlib.figurines.figure import Figure, Vector


def vary(rng: np.random.Generator, value: float, amount: float = 0.2) -> float:
    """Draw a proportion: `value` give or take `amount` of itself."""
    return value * rng.uniform(1 - amount, 1 + amount)


def turning(pivot: Vector, axis: Vector, degrees: float) -> Callable[[Vector], np.ndarray]:
    """Return the turn by `degrees` about the line through `pivot` along `axis`, as a map of points."""
    pivot, k = np.asarray(pivot, float), np.asarray(axis, float)
    k = k / np.linalg.norm(k)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def move(point: Vector) -> np.ndarray:
        v = np.asarray(point, float) - pivot
        return pivot + v * c + np.cross(k, v) * s + k * (k @ v) * (1 - c)

    return move


def wheel(
    fig: Figure,
    name: str,
    centre: Vector,
    radius: float,
    half_width: float,
    *,
    hole: float,
    hub: float,
    thin: float = 1.0,
    spokes: int = 0,
    slot: str = "metal",
) -> None:
    """Add `name`_tyre, `name`_hub and diametral `name`_spoke0... on an axle along the frame's y.

    The hub has radius ``hub * radius`` and half width ``thin * half_width``. On tyre and hub ``u_z = 1`` is
    the face towards positive y, ``u = (1, 0, .)`` points forward, and ``u = (0, -1, .)`` up, or down in a
    mirrored frame.
    """
    centre, across = np.asarray(centre, float), np.array([0.0, half_width, 0.0])
    fig.tube(f"{name}_tyre", centre - across, centre + across, radius, "dark", hole=hole)
    fig.limb(f"{name}_hub", centre - thin * across, centre + thin * across, hub * radius, slot)
    for i in range(spokes):
        angle = np.pi * (i + 0.5) / spokes
        arm = radius * (hole + 1) / 2 * np.array([np.cos(angle), 0.0, np.sin(angle)])
        fig.limb(f"{name}_spoke{i}", centre - arm, centre + arm, 0.02 * radius, "metal")
