"""Chairs and tables. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from __future__ import annotations

from itertools import product

import numpy as np

from corrlib.figurines.figure import Figure, turn

SIDES = (("Left", -1), ("Right", 1))
DEPTHS = (("Front", 1), ("Back", -1))


def draw(rng: np.random.Generator, *means: float, spread: float = 0.22) -> np.ndarray:
    """Lengths around their means."""
    return np.array(means) * np.exp(rng.uniform(-spread, spread, len(means)))


def chair(rng: np.random.Generator, subtype: str) -> Figure:
    """A kitchen chair, one with arms, an office chair on castors, a shell on wire legs."""
    figure = Figure()
    deep, wide, seat, back = draw(rng, 0.22, 0.23, 0.45, 0.46, spread=0.18)
    recline = rng.uniform(4, 16)
    up = turn(pitch=recline) @ (0, 0, 1.0)
    hinge = np.array([-0.92 * deep, 0, seat])
    thick = {"office": 0.05, "shell": 0.025}.get(subtype, rng.uniform(0.02, 0.045))
    figure.box("seat", (0, 0, seat), (deep, wide, thick), "body")
    if subtype in ("kitchen", "carver"):
        for side, s in SIDES:
            post = np.add(hinge, (0, 0.86 * wide * s, 0))
            figure.limb(f"post_{side}", post, post + back * up, 0.024, "wood")
        slats = ((0.25, 0.04), (0.55, 0.04), (0.86, 0.09))
        for i, (t, tall) in enumerate(slats):
            figure.box(
                f"slat_{i}",
                hinge + t * back * up,
                (0.015, 0.86 * wide, tall * back),
                "body2" if i == 2 else "wood",
                rotation=turn(pitch=recline),
            )
        crest = "slat_2"
        figure.box("cushion", (0.02, 0, seat + thick + 0.015), (0.85 * deep, 0.85 * wide, 0.02), "trim")
    elif subtype == "office":
        figure.box(
            "backrest",
            hinge + 0.62 * back * up,
            (0.04, 0.85 * wide, 0.38 * back),
            "body",
            rotation=turn(pitch=recline),
        )
        figure.box(
            "stem",
            hinge + 0.15 * back * up - (0.03, 0, 0),
            (0.02, 0.2 * wide, 0.25 * back),
            "dark",
            rotation=turn(pitch=recline),
        )
        figure.box(
            "panel",
            hinge + 0.62 * back * up + (0.04, 0, 0),
            (0.015, 0.65 * wide, 0.25 * back),
            "body2",
            rotation=turn(pitch=recline),
        )
        crest = "backrest"
    else:
        figure.ellipsoid("bowl", (0, 0, seat + 0.02), (1.05 * deep, 1.03 * wide, 0.07), "body2")
        figure.box(
            "backrest",
            hinge + 0.5 * back * up,
            (0.02, 0.9 * wide, 0.5 * back),
            "body",
            rotation=turn(pitch=recline),
        )
        figure.ellipsoid(
            "badge",
            hinge + 0.55 * back * up + (0.02, 0, 0),
            (0.03, 0.6 * wide, 0.3 * back),
            "trim",
            rotation=turn(pitch=recline),
        )
        crest = "backrest"
    for side, s in SIDES:
        figure.keypoint(f"BackRest_Top_{side}", crest, (1, s, 1))
    if subtype in ("carver", "office"):
        for side, s in SIDES:
            y = (1.0 if subtype == "carver" else 1.18) * wide * s
            figure.box(f"arm_{side}", (-0.05, y, seat + 0.21), (0.85 * deep, 0.03, 0.02), "trim2")
            figure.limb(
                f"arm_post_{side}",
                (0.5 * deep, 0.95 * y, seat),
                (0.5 * deep, y, seat + 0.2),
                0.02,
                "wood" if subtype == "carver" else "dark",
            )
    if subtype == "office":
        figure.limb("column", (0, 0, 0.1), (0, 0, seat), 0.035, "metal", top=0.7)
    for (side, s), (end, e) in product(SIDES, DEPTHS):
        splay = 1.12 if subtype == "shell" else 1.02
        bottom = np.array([splay * deep * e * 0.92, splay * 0.92 * wide * s, 0.0])
        if subtype == "office":
            figure.limb(
                f"leg_{side}_{end}",
                (0, 0, 0.12),
                bottom * (1.1, 1.1, 1) + (0, 0, 0.07),
                0.032,
                "metal",
                top=0.6,
            )
            figure.ellipsoid(
                f"castor_{side}_{end}", bottom * (1.1, 1.1, 1) + (0, 0, 0.035), (0.04, 0.025, 0.04), "dark"
            )
            figure.keypoint(f"Leg_{side}_{end}", f"castor_{side}_{end}", (0.6 * e, 0.6 * s, -0.529))
        else:
            slot, radius = ("metal", 0.014) if subtype == "shell" else ("wood", 0.026)
            figure.limb(
                f"leg_{side}_{end}", (0.85 * deep * e, 0.86 * wide * s, seat), bottom, radius, slot, top=0.75
            )
            figure.keypoint(f"Leg_{side}_{end}", f"leg_{side}_{end}", (0, 0, 1))
        figure.keypoint(f"Seat_{side}_{end}", "seat", (e, s, 1))
    if subtype in ("kitchen", "carver"):
        for side, s in SIDES:
            figure.limb(
                f"stretcher_{side}",
                (0.85 * deep, 0.88 * wide * s, 0.4 * seat),
                (-0.85 * deep, 0.88 * wide * s, 0.4 * seat),
                0.014,
                "wood",
            )
    return figure


def diningtable(rng: np.random.Generator, subtype: str) -> Figure:
    """Rectangular on four legs, round on one, under a cloth, or on trestles; always laid."""
    figure = Figure()
    deep, wide, tall = draw(rng, 0.45, 0.8, 0.74)
    thick = rng.uniform(0.02, 0.045)
    if subtype == "round":
        deep = wide = 0.62 * np.exp(rng.uniform(-0.15, 0.15))
        figure.limb("top", (0, 0, tall - 2 * thick), (0, 0, tall), deep, "wood")
        figure.limb("column", (0, 0, 0.08), (0, 0, tall), 0.09, "wood", top=0.7)
        figure.ellipsoid("knob", (0, 0, 0.45 * tall), (0.12, 0.12, 0.1), "trim")
    else:
        figure.box("top", (0, 0, tall - thick), (deep, wide, thick), "wood")
        figure.box("apron", (0, 0, tall - 0.1), (0.88 * deep, 0.92 * wide, 0.06), "body2")
    if subtype == "cloth":
        drop = rng.uniform(0.12, 0.24)
        figure.box("cloth", (0, 0, tall - drop + 0.006), (1.02 * deep, 1.015 * wide, drop), "body")
        figure.box("hem", (0, 0, tall - 1.9 * drop), (1.025 * deep, 1.02 * wide, 0.08 * drop), "trim2")
        figure.box("runner", (0, 0, tall + 0.008), (1.022 * deep, 0.2 * wide, 0.006), "body2")
    if subtype == "trestle":
        figure.limb("rail", (0, -0.75 * wide, 0.32 * tall), (0, 0.75 * wide, 0.32 * tall), 0.035, "wood")
    for (side, s), (end, e) in product(SIDES, DEPTHS):
        foot = np.array([0.88 * deep * e, 0.9 * wide * s, 0.0])
        head = np.add(foot, (0, 0, tall - thick))
        if subtype == "round":
            foot, head = np.array([0.5 * deep * e, 0.5 * wide * s, 0.02]), np.array([0.0, 0.0, 0.16])
        elif subtype == "trestle":
            head, foot = np.array([-0.2 * deep * e, 0.72 * wide * s, tall - 0.1]), foot * (1, 0.8, 1)
        figure.limb(f"leg_{side}_{end}", head, foot, 0.045, "wood", top=0.65)
        figure.keypoint(f"Bot_{side}_{end}", f"leg_{side}_{end}", (0, 0, 1))
        # A round top has no corners: its rim points towards them.
        corner = (0.707 * s, -0.707 * e, 1) if subtype == "round" else (e, s, 1)
        figure.keypoint(f"Top_{side}_{end}", "cloth" if subtype == "cloth" else "top", corner)
    places = [
        (x, y) for x in (-0.55, 0.55) for y in ((-0.35, 0.35) if subtype == "round" else (-0.6, 0.0, 0.6))
    ]
    for i, (x, y) in enumerate(places):
        x, y = x * deep, y * wide
        figure.limb(f"plate_{i}", (x, y, tall + 0.012), (x, y, tall + 0.03), 0.09, "light", top=1.3)
        figure.limb(f"food_{i}", (x, y, tall + 0.02), (x, y, tall + 0.035), 0.07, "trim")
        figure.limb(
            f"glass_{i}",
            (0.62 * x, y + 0.17, tall),
            (0.62 * x, y + 0.17, tall + 0.13),
            0.035,
            "glass",
            top=1.2,
        )
    height = rng.uniform(0.12, 0.26)
    figure.limb("vase", (0, 0, tall), (0, 0, tall + height), 0.07, "trim2", top=0.6)
    figure.ellipsoid("bouquet", (0, 0, tall + height + 0.07), (0.12, 0.12, 0.1), "leaf")
    return figure
