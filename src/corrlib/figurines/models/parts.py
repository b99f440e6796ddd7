"""Pieces that several vehicles share: sheared solids, wings and sails, wheels, steering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from corrlib.figurines.figure import BOX, FRUSTUM, Figure, Solid

#: The figure's own sides, with the sign of y there.
SIDES = (("left", 1.0), ("right", -1.0))

Move = Callable[[Sequence[float]], np.ndarray]


def vary(rng: np.random.Generator, value: float, amount: float = 0.2) -> float:
    """Draw a proportion: `value` give or take `amount` of itself."""
    return value * rng.uniform(1 - amount, 1 + amount)


def slanted(
    figure: Figure,
    part: str,
    centre: Sequence[float],
    half: Sequence[float],
    slot: str,
    *,
    lean: float = 0.0,
    dive: float = 0.0,
    flare: float = 0.0,
) -> None:
    """Add a sheared box: top `lean` forward and `flare` left of its foot, front `dive` below its back."""
    axes = np.diag(np.asarray(half, float))
    axes[0, 2], axes[1, 2], axes[2, 0] = lean / 2, flare / 2, -dive / 2
    figure.solids.append(Solid(part, BOX, 1.0, np.asarray(centre, float), axes, slot))


def blade(
    figure: Figure,
    part: str,
    root: Sequence[float],
    tip: Sequence[float],
    along: Sequence[float],
    across: Sequence[float],
    slot: str,
    *,
    taper: float,
) -> None:
    """Add a wing, a fin or a sail: a flat, sheared frustum from `root` (``u_z = -1``) to `tip`.

    `along` and `across` are half the chord and half the thickness at the root, as vectors;
    `taper` of them remains at the tip.
    """
    root, tip = np.asarray(root, float), np.asarray(tip, float)
    axes = np.stack([np.asarray(along, float), np.asarray(across, float), (tip - root) / 2], axis=1)
    figure.solids.append(Solid(part, FRUSTUM, taper, (root + tip) / 2, axes, slot))


def still(point: Sequence[float]) -> np.ndarray:
    """Move nothing."""
    return np.asarray(point, float)


def turning(pivot: Sequence[float], axis: Sequence[float], degrees: float) -> Move:
    """Return the turn by `degrees` about the line through `pivot` along `axis`, as a map of points."""
    pivot, k = np.asarray(pivot, float), np.asarray(axis, float)
    k = k / np.linalg.norm(k)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))

    def move(point: Sequence[float]) -> np.ndarray:
        v = np.asarray(point, float) - pivot
        return pivot + v * c + np.cross(k, v) * s + k * (k @ v) * (1 - c)

    return move


def wheel(
    figure: Figure,
    name: str,
    centre: Sequence[float],
    radius: float,
    half_width: float,
    *,
    hole: float,
    hub: float,
    thin: float = 1.0,
    spokes: int = 0,
    outward: float = 1.0,
    move: Move = still,
    slot: str = "metal",
) -> None:
    """Add `name`_tyre, `name`_hub and diametral `name`_spoke0... on an axle along y.

    The hub has radius ``hub * radius`` and half width ``thin * half_width``. The axle runs towards
    `outward` (a sign): ``u_z = 1`` is the outer face. On tyre and hub ``u = (1, 0, .)`` points forward and
    ``u = (0, -outward, .)`` up.
    """
    centre, across = np.asarray(centre, float), np.array([0.0, outward * half_width, 0.0])
    figure.tube(f"{name}_tyre", move(centre - across), move(centre + across), radius, "dark", hole=hole)
    figure.limb(f"{name}_hub", move(centre - thin * across), move(centre + thin * across), hub * radius, slot)
    for i in range(spokes):
        angle = np.pi * (i + 0.5) / spokes
        arm = radius * (hole + 1) / 2 * np.array([np.cos(angle), 0.0, np.sin(angle)])
        figure.limb(f"{name}_spoke{i}", move(centre - arm), move(centre + arm), 0.02 * radius, "metal")


def name_ends(fig: Figure, pairs: tuple[tuple[str, float], ...]) -> None:
    """Name a two-wheeler's handle tips and its wheels' centres and foremost (1) or rearmost (-1) points."""
    for name, forward in pairs:
        letter = name[0].upper()
        fig.keypoint(f"{letter}_WheelCenter", f"{name}_hub", (0, 0, 0))
        fig.keypoint(f"{letter}_WheelEnd", f"{name}_tyre", (forward, 0, 0))
    fig.keypoint("L_HandleTip", "left_grip", (0, 0, 1))
    fig.keypoint("R_HandleTip", "right_grip", (0, 0, 1))
