"""Boats: a sloop, a motorboat, a ship, a rowing boat."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.parts import SIDES, blade, slanted, vary

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
    blade(fig, "hull", (0, 0, deck), (-rake * 0.5, 0, 0), (a, 0, sheer), (0, w, 0), "body", taper=KEEL)
    blade(
        fig,
        "stripe",
        (-0.08 * rake, 0, 0.86 * deck),
        (-0.13 * rake, 0, 0.74 * deck),
        (0.97 * a, 0, 0.97 * sheer),
        (0, 0.97 * w, 0),
        "trim",
        taper=0.965,
    )
    wide = (0.62 if subtype == "sloop" else 0.86) * w
    for side, s in SIDES:
        slanted(
            fig,
            f"{side}_stern",
            (-a / 2 - 0.2 * rake, s * wide * KEEL / 2, (deck - sheer) / 2 + 0.04 * deck),
            (a / 2, wide / 2, 0.46 * deck),
            "body",
            dive=-sheer,
            flare=s * wide * (1 - KEEL),
            lean=0.1 * rake,
        )
        letter = side.capitalize()
        fig.keypoint(f"Hull_Mid_{letter}_Top", "hull", (0, s, -1))
        fig.keypoint(f"Hull_Mid_{letter}_Bot", "hull", (0, s * KEEL, 1))
    fig.keypoint("Hull_Front_Top", "hull", (1, 0, -1))
    fig.keypoint("Hull_Front_Bot", "hull", (KEEL, 0, 1))
    fig.keypoint("Hull_Back_Top", "left_stern", (-1, -1, 1))
    fig.keypoint("Hull_Back_Bot", "left_stern", (-1, 1 - 2 * KEEL, -1))
    {"sloop": _sloop, "motorboat": _motorboat, "ship": _ship, "rowboat": _rowboat}[subtype](
        fig, rng, a, w, deck, sheer
    )
    return fig


def _sloop(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """Mast, boom, mainsail to port and foresail to starboard, a low cabin, a rudder."""
    foot = np.array([0.12 * a, 0, deck])
    top = foot + (-0.1, 0, vary(rng, 2.3 * a, 0.25))
    fig.limb("mast", foot, top, 0.09, "wood", top=0.6)
    swing, slack = np.radians(rng.uniform(4, 60)), np.radians(rng.uniform(4, 45))
    boom = vary(rng, 0.95 * a, 0.15) * np.array([-np.cos(swing), np.sin(swing), 0])
    low = foot + (0, 0, vary(rng, 0.75, 0.2))
    fig.limb("boom", low, low + boom, 0.06, "wood")
    flat = np.array([boom[1], -boom[0], 0]) / np.linalg.norm(boom) * 0.03
    blade(
        fig,
        "mainsail",
        low + boom / 2 + (0, 0, 0.1),
        top - (0.05, 0, 0.1),
        boom / 2,
        flat,
        "light",
        taper=0.03,
    )
    tack = np.array([0.93 * a, 0, deck + 0.35])
    sheet = vary(rng, 0.72 * a, 0.15) * np.array([-np.cos(slack), -np.sin(slack), 0.0])
    flat = np.array([sheet[1], -sheet[0], 0]) / np.linalg.norm(sheet) * 0.03
    blade(fig, "foresail", tack + sheet / 2, foot + 0.85 * (top - foot), sheet / 2, flat, "trim2", taper=0.03)
    fig.limb("forestay", tack, top, 0.02, "metal")
    slanted(fig, "cabin", (-0.12 * a, 0, deck + 0.18), (0.36 * a, 0.5 * w, 0.22), "body2", lean=-0.15)
    for side, s in SIDES:
        for i in range(3):
            fig.ellipsoid(
                f"{side}_port{i}",
                ((0.08 - 0.2 * i) * a, s * 0.5 * w, deck + 0.2),
                (0.06 * a, 0.03, 0.1),
                "glass",
            )
    slanted(
        fig,
        "cockpit",
        (-0.72 * a, 0, deck - 0.72 * sheer),
        (0.2 * a, 0.5 * w, 0.03),
        "wood",
        dive=-0.4 * sheer,
    )
    fig.box("rudder", (-1.06 * a, 0, 0.2 * deck), (0.08 * a, 0.04, 0.5 * deck), "trim2")
    fig.limb("pennant", top + (-0.35, 0.05, -0.06), top + (0, 0, -0.06), (0.02, 0.12), "red", top=0.6)
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))
    # The sails' free corners: the mainsail's always swings to port here, the foresail's to starboard.
    fig.keypoint("Sail_Left", "mainsail", (1, 0, -1))
    fig.keypoint("Sail_Right", "foresail", (1, 0, -1))


def _motorboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """A cuddy with a raked windscreen, a hardtop, a dark cockpit, an outboard motor and a rail."""
    tall = vary(rng, 0.75, 0.25)
    x = rng.uniform(-0.15, 0.1) * a
    slanted(
        fig, "cuddy", (x + 0.35 * a, 0, deck + 0.12), (0.3 * a, 0.45 * w, 0.2), "body2", dive=0.1, lean=-0.3
    )
    slanted(
        fig,
        "windscreen",
        (x, 0, deck + 0.3 + tall / 2),
        (0.22 * a, 0.62 * w, tall / 2),
        "glass",
        lean=-0.5 * tall,
    )
    fig.box("hardtop", (x - 0.3 * tall, 0, deck + 0.34 + tall), (0.28 * a, 0.7 * w, 0.06), "body")
    for side, s in SIDES:
        fig.limb(
            f"{side}_post",
            (x - 0.42 * a, s * 0.62 * w, deck - 0.45 * sheer),
            (x - 0.3 * a, s * 0.62 * w, deck + 0.34 + tall),
            0.05,
            "metal",
        )
        fig.limb(
            f"{side}_rail",
            (x + 0.3 * a, s * 0.72 * w, deck + 0.5),
            (0.92 * a, s * 0.12 * w, deck + 0.75),
            0.035,
            "metal",
        )
        for i, t in enumerate((0.2, 0.6, 0.95)):
            px, py = x + 0.3 * a + t * (0.62 * a - x), s * (0.72 - 0.6 * t) * w
            fig.limb(
                f"{side}_stanchion{i}",
                (px, py, deck + 0.9 * sheer * px / a),
                (px, py, deck + 0.5 + 0.25 * t),
                0.03,
                "metal",
            )
        fig.ellipsoid(
            f"{side}_port", (x + 0.35 * a, s * 0.45 * w, deck + 0.15), (0.16 * a, 0.03, 0.1), "glass"
        )
        fig.box(
            f"{side}_seat",
            (-0.62 * a, s * 0.38 * w, deck - 0.62 * sheer + 0.05),
            (0.1 * a, 0.22 * w, 0.25),
            "trim2",
        )
    slanted(
        fig,
        "cockpit",
        (-0.5 * a, 0, deck - 0.5 * sheer - 0.01),
        (0.42 * a, 0.66 * w, 0.03),
        "dark",
        dive=-0.84 * sheer,
    )
    fig.box("motor", (-1.1 * a, 0, 0.85 * deck), (0.1 * a, 0.24, 0.32), "dark")
    fig.box("motor_leg", (-1.1 * a, 0, 0.3 * deck), (0.05 * a, 0.07, 0.4 * deck), "metal")
    fig.limb("flagpole", (-0.95 * a, 0, deck - sheer), (-1.1 * a, 0, deck + 0.7), 0.025, "wood")


def _ship(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """Two storeys with rows of windows, a bridge, a raked funnel, a mast, lifeboats."""
    storey = vary(rng, 0.95, 0.15)
    for i, (x, half) in enumerate(((-0.12, 0.62), (-0.16, 0.48))):
        z, under = (
            deck + (i + 0.45) * storey,
            sheer * (1 - i),
        )  # the lowest storey reaches down to the falling deck
        fig.box(
            f"storey{i}",
            (x * a, 0, z - under / 2),
            (half * a, (0.74 - 0.1 * i) * w, (storey + under) / 2),
            "light" if i else "body2",
        )
        for side, s in SIDES:
            for k in range(6):
                fig.box(
                    f"{side}_window{i}{k}",
                    ((x + half * (0.82 - 0.32 * k)) * a, s * (0.74 - 0.1 * i) * w, z + 0.08),
                    (0.1 * half * a, 0.03, 0.2 * storey),
                    "glass",
                )
    bridge = deck + 2.3 * storey
    fig.box("bridge", (0.18 * a, 0, bridge), (0.13 * a, 0.7 * w, 0.45 * storey), "trim")
    fig.box("bridge_window", (0.31 * a, 0, bridge + 0.1), (0.02 * a, 0.6 * w, 0.2 * storey), "glass")
    low, rise = np.array([-0.25 * a, 0, deck + 1.8 * storey]), vary(rng, 1.7, 0.25)
    fig.limb("funnel", low, low + (-0.25 * rise, 0, rise), (0.4, 0.55), "body")
    fig.limb(
        "funnel_band",
        low + 0.6 * np.array([-0.25 * rise, 0, rise]),
        low + 0.8 * np.array([-0.25 * rise, 0, rise]),
        (0.43, 0.58),
        "trim2",
    )
    fig.limb(
        "funnel_rim",
        low + 0.97 * np.array([-0.25 * rise, 0, rise]),
        low + 1.02 * np.array([-0.25 * rise, 0, rise]),
        (0.41, 0.56),
        "dark",
    )
    foot = np.array([0.66 * a, 0, deck])
    top = foot + (-0.2, 0, vary(rng, 4.4, 0.15))
    fig.limb("mast", foot, top, 0.12, "wood", top=0.6)
    fig.limb(
        "yard",
        foot + 0.75 * (top - foot) - (0, 0.9, 0),
        foot + 0.75 * (top - foot) + (0, 0.9, 0),
        0.06,
        "wood",
    )
    fig.limb("derrick", foot + (0, 0, 0.5), foot + (0.2 * a, 0, 2.3), 0.07, "metal")
    fig.box("hatch", (0.6 * a, 0, deck + 0.25), (0.09 * a, 0.4 * w, 0.25), "wood")
    for side, s in SIDES:
        for i, x in enumerate((-0.3, -0.02)):
            fig.ellipsoid(
                f"{side}_lifeboat{i}",
                (x * a, s * 0.72 * w, deck + 1.35 * storey),
                (0.08 * a, 0.25, 0.24),
                "trim2",
            )
        fig.limb(
            f"{side}_anchor",
            (0.82 * a, s * 0.35 * w, 0.75 * deck),
            (0.8 * a, s * 0.5 * w, 0.7 * deck),
            0.2,
            "dark",
        )
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))


def _rowboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float, sheer: float) -> None:
    """An open inside with three thwarts, and two oars at any angle."""
    blade(
        fig,
        "inside",
        (0, 0, deck - 0.03),
        (0, 0, deck + 0.012),
        (0.9 * a, 0, 0.9 * sheer),
        (0, 0.86 * w, 0),
        "dark",
        taper=1.0,
    )
    slanted(
        fig,
        "inside_aft",
        (-0.48 * a, 0, deck - 0.48 * sheer),
        (0.46 * a, 0.72 * w, 0.02),
        "dark",
        dive=-0.92 * sheer,
    )
    for i, x in enumerate((0.42, -0.02, -0.5)):
        fig.box(
            f"thwart{i}",
            (x * a, 0, deck + 0.03 + sheer * x),
            (0.09 * a, (0.72 if i == 0 else 0.86) * w, 0.04),
            "wood",
        )
    sweep, dip = rng.uniform(-40, 40), rng.uniform(5, 30)
    for side, s in SIDES:
        lock = np.array([0.1 * a, s * 0.9 * w, deck + 0.1])
        arm = turn(yaw=-s * sweep) @ (0, s * np.cos(np.radians(dip)), -np.sin(np.radians(dip)))
        reach = 0.75 * a
        fig.limb(f"{side}_oar", lock - 0.4 * reach * arm, lock + reach * arm, 0.035, "wood")
        fig.limb(
            f"{side}_oar_blade", lock + reach * arm, lock + 1.45 * reach * arm, (0.03, 0.1), "trim2", top=1.3
        )
        fig.ellipsoid(f"{side}_rowlock", lock, (0.06, 0.04, 0.09), "metal")
