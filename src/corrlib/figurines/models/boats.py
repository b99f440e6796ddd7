"""Boats: a sloop, a motorboat, a ship, a rowing boat."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.parts import vary

BOATS = {
    # half length, half width, height of the hull, sheer (rise of the bow), rake of the bow
    "sloop": (4.0, 1.15, 1.0, 0.30, 0.5),
    "motorboat": (3.2, 1.15, 1.1, 0.35, 0.9),
    "ship": (8.0, 1.7, 1.9, 0.55, 0.8),
    "rowboat": (2.0, 0.70, 0.65, 0.22, 0.25),
}
KEEL = 0.7  # the hull's width and length at its foot, of those at deck level


def boat(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a boat: a hull with a pointed bow and a transom, and what its kind carries on deck."""
    a, w, deck, sheer, rake = (vary(rng, v, 0.18) for v in BOATS[subtype])
    fig = Figure()
    fig.blade("hull", (0, 0, deck), (-rake * 0.5, 0, 0), (a, 0, sheer), (0, w, 0), "body", taper=KEEL)
    top, low = (-0.08 * rake, 0, 0.86 * deck), (-0.13 * rake, 0, 0.74 * deck)
    fig.blade("stripe", top, low, (0.97 * a, 0, 0.97 * sheer), (0, 0.97 * w, 0), "trim", taper=0.965)
    wide = (0.62 if subtype == "sloop" else 0.86) * w
    place = (-a / 2 - 0.2 * rake, wide * KEEL / 2, (deck - sheer) / 2 + 0.04 * deck)
    for name, s, side in fig.sides():
        shear = dict(dive=-sheer, flare=s * wide * (1 - KEEL), lean=0.1 * rake)
        side.slanted("stern", place, (a / 2, wide / 2, 0.46 * deck), "body", **shear)
        fig.keypoint(f"Hull_Mid_{name.capitalize()}_Top", "hull", (0, s, -1))
        fig.keypoint(f"Hull_Mid_{name.capitalize()}_Bot", "hull", (0, s * KEEL, 1))
    fig.keypoint("Hull_Front_Top", "hull", (1, 0, -1))
    fig.keypoint("Hull_Front_Bot", "hull", (KEEL, 0, 1))
    fig.keypoint("Hull_Back_Top", "left_stern", (-1, -1, 1))
    fig.keypoint("Hull_Back_Bot", "left_stern", (-1, 1 - 2 * KEEL, -1))
    outfit = {"sloop": _sloop, "motorboat": _motorboat, "ship": _ship, "rowboat": _rowboat}[subtype]
    outfit(fig, rng, a, w, deck, sheer)
    return fig


def _sail(fig: Figure, part: str, tack: np.ndarray, peak: np.ndarray, foot: np.ndarray, slot: str) -> None:
    """A triangle from `tack` along `foot` to `peak`; its free corner is ``u = (1, 0, -1)``."""
    flat = np.array([foot[1], -foot[0], 0]) / np.linalg.norm(foot) * 0.03
    fig.blade(part, tack, peak, foot / 2, flat, slot, taper=0.03)


def _sloop(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """Mast, boom, mainsail to port and foresail to starboard, a low cabin, a rudder."""
    foot = np.array([0.12 * a, 0, deck])
    top = foot + (-0.1, 0, vary(rng, 2.3 * a, 0.25))
    fig.limb("mast", foot, top, 0.09, "wood", top=0.6)
    swing, slack = np.radians(rng.uniform(4, 60)), np.radians(rng.uniform(4, 45))
    boom = vary(rng, 0.95 * a, 0.15) * np.array([-np.cos(swing), np.sin(swing), 0])
    low = foot + (0, 0, vary(rng, 0.75, 0.2))
    fig.limb("boom", low, low + boom, 0.06, "wood")
    _sail(fig, "mainsail", low + boom / 2 + (0, 0, 0.1), top - (0.05, 0, 0.1), boom, "light")
    tack = np.array([0.93 * a, 0, deck + 0.35])
    sheet = vary(rng, 0.72 * a, 0.15) * np.array([-np.cos(slack), -np.sin(slack), 0.0])
    _sail(fig, "foresail", tack + sheet / 2, foot + 0.85 * (top - foot), sheet, "trim2")
    fig.limb("forestay", tack, top, 0.02, "metal")
    fig.slanted("cabin", (-0.12 * a, 0, deck + 0.18), (0.36 * a, 0.5 * w, 0.22), "body2", lean=-0.15)
    for _, _, side in fig.sides():
        for i in range(3):
            pane = ((0.08 - 0.2 * i) * a, 0.5 * w, deck + 0.2)
            side.ellipsoid(f"port{i}", pane, (0.06 * a, 0.03, 0.1), "glass")
    place, half = (-0.72 * a, 0, deck - 0.72 * sheer), (0.2 * a, 0.5 * w, 0.03)
    fig.slanted("cockpit", place, half, "wood", dive=-0.4 * sheer)
    fig.box("rudder", (-1.06 * a, 0, 0.2 * deck), (0.08 * a, 0.04, 0.5 * deck), "trim2")
    fig.limb("pennant", top + (-0.35, 0.05, -0.06), top + (0, 0, -0.06), (0.02, 0.12), "red", top=0.6)
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))
    # The mainsail always swings to port here, the foresail to starboard.
    fig.keypoint("Sail_Left", "mainsail", (1, 0, -1))
    fig.keypoint("Sail_Right", "foresail", (1, 0, -1))


def _motorboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """A cuddy with a raked windscreen, a hardtop, a dark cockpit, an outboard motor and a rail."""
    tall = vary(rng, 0.75, 0.25)
    x = rng.uniform(-0.15, 0.1) * a
    bow, roof = x + 0.3 * a, deck + 0.34 + tall
    place, half = (x + 0.35 * a, 0, deck + 0.12), (0.3 * a, 0.45 * w, 0.2)
    fig.slanted("cuddy", place, half, "body2", dive=0.1, lean=-0.3)
    place, half = (x, 0, deck + 0.3 + tall / 2), (0.22 * a, 0.62 * w, tall / 2)
    fig.slanted("windscreen", place, half, "glass", lean=-0.5 * tall)
    fig.box("hardtop", (x - 0.3 * tall, 0, roof), (0.28 * a, 0.7 * w, 0.06), "body")
    for _, _, side in fig.sides():
        foot, head = (x - 0.42 * a, 0.62 * w, deck - 0.45 * sheer), (x - 0.3 * a, 0.62 * w, roof)
        side.limb("post", foot, head, 0.05, "metal")
        side.limb("rail", (bow, 0.72 * w, deck + 0.5), (0.92 * a, 0.12 * w, deck + 0.75), 0.035, "metal")
        for i, t in enumerate((0.2, 0.6, 0.95)):
            px, py = bow + t * (0.62 * a - x), (0.72 - 0.6 * t) * w
            low, high = deck + 0.9 * sheer * px / a, deck + 0.5 + 0.25 * t
            side.limb(f"stanchion{i}", (px, py, low), (px, py, high), 0.03, "metal")
        side.ellipsoid("port", (x + 0.35 * a, 0.45 * w, deck + 0.15), (0.16 * a, 0.03, 0.1), "glass")
        place = (-0.62 * a, 0.38 * w, deck - 0.62 * sheer + 0.05)
        side.box("seat", place, (0.1 * a, 0.22 * w, 0.25), "trim2")
    place, half = (-0.5 * a, 0, deck - 0.5 * sheer - 0.01), (0.42 * a, 0.66 * w, 0.03)
    fig.slanted("cockpit", place, half, "dark", dive=-0.84 * sheer)
    fig.box("motor", (-1.1 * a, 0, 0.85 * deck), (0.1 * a, 0.24, 0.32), "dark")
    fig.box("motor_leg", (-1.1 * a, 0, 0.3 * deck), (0.05 * a, 0.07, 0.4 * deck), "metal")
    fig.limb("flagpole", (-0.95 * a, 0, deck - sheer), (-1.1 * a, 0, deck + 0.7), 0.025, "wood")


def _ship(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """Two storeys with rows of windows, a bridge, a raked funnel, a mast, lifeboats."""
    storey = vary(rng, 0.95, 0.15)
    for i, (x, long, wide, slot) in enumerate(((-0.12, 0.62, 0.74, "body2"), (-0.16, 0.48, 0.64, "light"))):
        # the lowest storey reaches down to the falling deck
        z, under = deck + (i + 0.45) * storey, sheer * (1 - i)
        place, half = (x * a, 0, z - under / 2), (long * a, wide * w, (storey + under) / 2)
        fig.box(f"storey{i}", place, half, slot)
        for _, _, side in fig.sides():
            for k in range(6):
                pane = ((x + long * (0.82 - 0.32 * k)) * a, wide * w, z + 0.08)
                side.box(f"window{i}{k}", pane, (0.1 * long * a, 0.03, 0.2 * storey), "glass")
    bridge = deck + 2.3 * storey
    fig.box("bridge", (0.18 * a, 0, bridge), (0.13 * a, 0.7 * w, 0.45 * storey), "trim")
    fig.box("bridge_window", (0.31 * a, 0, bridge + 0.1), (0.02 * a, 0.6 * w, 0.2 * storey), "glass")
    low, rise = np.array([-0.25 * a, 0, deck + 1.8 * storey]), vary(rng, 1.7, 0.25)
    up = np.array([-0.25 * rise, 0, rise])
    for part, start, end, radius, slot in (
        ("funnel", 0, 1, (0.4, 0.55), "body"),
        ("funnel_band", 0.6, 0.8, (0.43, 0.58), "trim2"),
        ("funnel_rim", 0.97, 1.02, (0.41, 0.56), "dark"),
    ):
        fig.limb(part, low + start * up, low + end * up, radius, slot)
    foot = np.array([0.66 * a, 0, deck])
    top = foot + (-0.2, 0, vary(rng, 4.4, 0.15))
    fig.limb("mast", foot, top, 0.12, "wood", top=0.6)
    fig.within(at=foot + 0.75 * (top - foot)).limb("yard", (0, -0.9, 0), (0, 0.9, 0), 0.06, "wood")
    fig.limb("derrick", foot + (0, 0, 0.5), foot + (0.2 * a, 0, 2.3), 0.07, "metal")
    fig.box("hatch", (0.6 * a, 0, deck + 0.25), (0.09 * a, 0.4 * w, 0.25), "wood")
    for _, _, side in fig.sides():
        for i, x in enumerate((-0.3, -0.02)):
            place = (x * a, 0.72 * w, deck + 1.35 * storey)
            side.ellipsoid(f"lifeboat{i}", place, (0.08 * a, 0.25, 0.24), "trim2")
        stock, fluke = (0.82 * a, 0.35 * w, 0.75 * deck), (0.8 * a, 0.5 * w, 0.7 * deck)
        side.limb("anchor", stock, fluke, 0.2, "dark")
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))


def _rowboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """An open inside with three thwarts, and two oars at any angle."""
    low, high = (0, 0, deck - 0.03), (0, 0, deck + 0.012)
    fig.blade("inside", low, high, (0.9 * a, 0, 0.9 * sheer), (0, 0.86 * w, 0), "dark", taper=1.0)
    place, half = (-0.48 * a, 0, deck - 0.48 * sheer), (0.46 * a, 0.72 * w, 0.02)
    fig.slanted("inside_aft", place, half, "dark", dive=-0.92 * sheer)
    for i, (x, wide) in enumerate(((0.42, 0.72), (-0.02, 0.86), (-0.5, 0.86))):
        fig.box(f"thwart{i}", (x * a, 0, deck + 0.03 + sheer * x), (0.09 * a, wide * w, 0.04), "wood")
    sweep, dip = rng.uniform(-40, 40), np.radians(rng.uniform(5, 30))
    for name, s in (("left", 1.0), ("right", -1.0)):
        lock, reach = np.array([0.1 * a, s * 0.9 * w, deck + 0.1]), 0.75 * a
        arm = turn(yaw=-s * sweep) @ (0, s * np.cos(dip), -np.sin(dip))
        end, tip = lock + reach * arm, lock + 1.45 * reach * arm
        fig.limb(f"{name}_oar", lock - 0.4 * reach * arm, end, 0.035, "wood")
        fig.limb(f"{name}_oar_blade", end, tip, (0.03, 0.1), "trim2", top=1.3)
        fig.ellipsoid(f"{name}_rowlock", lock, (0.06, 0.04, 0.09), "metal")
