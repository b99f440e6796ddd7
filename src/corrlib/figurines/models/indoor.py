"""Things that stand in a room. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from __future__ import annotations

from itertools import product

import numpy as np

from corrlib.figurines.figure import FRONT_VIEWS, Category, Figure, turn
from corrlib.figurines.models.furniture import SIDES, chair, diningtable, draw
from corrlib.figurines.models.sofas import sofa


def bottle(rng: np.random.Generator, subtype: str) -> Figure:
    """Wine, beer, a plastic bottle with a waist, a squat flagon with a handle."""
    figure = Figure()
    radius, body, slope, neck, thin = {
        "wine": (0.16, 0.62, 0.14, 0.34, 0.36),
        "beer": (0.16, 0.42, 0.24, 0.2, 0.38),
        "plastic": (0.19, 0.66, 0.22, 0.06, 0.4),
        "flagon": (0.3, 0.42, 0.26, 0.14, 0.3),
    }[subtype]
    radius, body, slope, neck = draw(rng, radius, body, slope, neck)
    thin *= np.exp(rng.uniform(-0.15, 0.15))
    figure.limb("foot", (0, 0, 0), (0, 0, 0.05), 0.96 * radius, "body", top=1.04)
    if subtype == "plastic":
        figure.limb("body_low", (0, 0, 0.05), (0, 0, 0.5 * body), radius, "body", top=0.84)
        figure.limb("body", (0, 0, 0.5 * body), (0, 0, body), 0.84 * radius, "body", top=1 / 0.84)
        for i in range(3):
            z = (0.12 + 0.13 * i) * body
            figure.limb(f"groove_{i}", (0, 0, z), (0, 0, z + 0.025), radius * (1.0 - 0.03 * i), "trim2")
    else:
        figure.limb("body", (0, 0, 0.05), (0, 0, body), radius, "body")
    figure.limb("shoulder", (0, 0, body), (0, 0, body + slope), radius, "body", top=thin)
    figure.limb("neck", (0, 0, body + slope), (0, 0, body + slope + neck), thin * radius, "body", top=0.88)
    top = body + slope + neck
    if subtype in ("wine", "beer"):
        figure.limb("foil", (0, 0, top - 0.55 * neck), (0, 0, top), 0.98 * thin * radius, "trim", top=0.96)
    figure.limb(
        "cap",
        (0, 0, top - 0.02),
        (0, 0, top + 0.06),
        (1.25 if subtype in ("plastic", "beer") else 1.02) * thin * radius,
        "trim2",
    )
    low, high = {"plastic": (0.58, 0.94)}.get(subtype, (rng.uniform(0.12, 0.28), rng.uniform(0.7, 0.9)))
    figure.limb("label", (0, 0, low * body), (0, 0, high * body), 1.03 * radius, "body2")
    figure.limb("band", (0, 0, (low + 0.08) * body), (0, 0, (low + 0.16) * body), 1.045 * radius, "trim2")
    figure.ellipsoid(
        "emblem",
        (1.0 * radius, 0, (0.35 * low + 0.65 * high) * body),
        (0.06 * radius, 0.4 * radius, 0.1 * body),
        "trim",
    )
    if subtype == "flagon":
        grip = [
            (0, 0.8 * thin * radius, top - 0.3 * neck),
            (0, 1.15 * radius, body + slope),
            (0, 0.95 * radius, 0.8 * body),
        ]
        figure.limb("handle_top", grip[0], grip[1], 0.05, "trim")
        figure.limb("handle_side", grip[1], grip[2], 0.05, "trim")
    for side, s in (("L", -1), ("R", 1)):
        edge = np.array([0.94 * s, -0.342])
        figure.keypoint(f"{side}_Base", "foot", (*(edge * 1.0), -1))
        figure.keypoint(f"{side}_Shoulder", "shoulder", (*edge, -1))
        figure.keypoint(f"{side}_Neck", "neck", (*edge, -1))
        figure.keypoint(f"{side}_Top", "cap", (*edge, 1))
    return figure


def pottedplant(rng: np.random.Generator, subtype: str) -> Figure:
    """A pot with a fern, flowers on stalks, a little tree or a cactus."""
    figure = Figure()
    radius, tall = draw(rng, 0.2, 0.34)
    flare = rng.uniform(1.15, 1.55)
    square = subtype == "tree"
    if square:
        figure.box("pot", (0, 0, tall / 2), (radius, radius, tall / 2), "body")
        figure.box("rim", (0, 0, tall - 0.03), (1.08 * radius, 1.08 * radius, 0.04), "trim")
        figure.box("emblem", (radius, 0, 0.42 * tall), (0.01, 0.55 * radius, 0.22 * tall), "body2")
    else:
        figure.limb("pot", (0, 0, 0), (0, 0, tall), radius, "body", top=flare)
        figure.limb("rim", (0, 0, 0.8 * tall), (0, 0, tall + 0.02), 1.08 * flare * radius, "trim")
        figure.limb("saucer", (0, 0, -0.04), (0, 0, 0), 1.15 * radius, "trim2", top=1.2)
    mouth = (0.86 if square else 0.82 * flare) * radius
    figure.limb("soil", (0, 0, tall - 0.02), (0, 0, tall + 0.028), mouth, "dark")
    for side, s in SIDES:
        figure.keypoint(f"Top_{side}", "rim", (0, s, 1) if square else (s, 0, 1))
        figure.keypoint(f"Bottom_{side}", "pot", (1, s, -1) if square else (0.94 * s, -0.342, -1))
    figure.keypoint("Top_Front_Middle", "rim", (1, 0, 1) if square else (0, -1, 1))
    figure.keypoint("Top_Back_Middle", "rim", (-1, 0, 1) if square else (0, 1, 1))
    ground = np.array([0, 0, tall])
    if subtype in ("fern", "flower"):
        count, height = (15, 0.55) if subtype == "fern" else (9, 0.3)
        height *= np.exp(rng.uniform(-0.25, 0.25))
        for i in range(count):
            heading, lift = 360 * 0.382 * i + rng.normal(0, 12), rng.uniform(40, 75)
            way, over = turn(yaw=heading, pitch=lift), turn(yaw=heading, pitch=lift - rng.uniform(45, 80))
            bend = ground + way @ (height, 0, 0)
            figure.ellipsoid(
                f"leaf_{i}", (ground + bend) / 2, (0.52 * height, 0.055, 0.02), "leaf", rotation=way
            )
            figure.ellipsoid(
                f"leaf_tip_{i}",
                bend + over @ (0.35 * height, 0, 0),
                (0.42 * height, 0.06, 0.018),
                "leaf",
                rotation=over,
            )
    if subtype == "flower":
        for i in range(6):
            way = turn(yaw=60 * i + rng.normal(0, 15), pitch=rng.uniform(55, 85)) @ (1, 0, 0)
            bloom = ground + rng.uniform(0.5, 0.8) * way
            figure.limb(f"stalk_{i}", ground, bloom, 0.014, "leaf")
            facing = turn(yaw=rng.normal(0, 40), pitch=rng.uniform(0, 60))
            figure.ellipsoid(f"bloom_{i}", bloom, (0.045, 0.1, 0.1), "body2", rotation=facing)
            figure.ellipsoid(
                f"heart_{i}", bloom + facing @ (0.04, 0, 0), (0.025, 0.04, 0.04), "trim2", rotation=facing
            )
    elif subtype == "tree":
        height, ball = draw(rng, 0.55, 0.24)
        figure.limb("trunk", ground, np.add(ground, (0, 0, height)), 0.035, "wood", top=0.8)
        for i in range(14):
            way = turn(yaw=137.5 * i, pitch=np.degrees(np.arcsin(1 - 2 * (i + 0.5) / 14))) @ (1, 0, 0)
            figure.ellipsoid(
                f"tuft_{i}",
                np.add(ground, (0, 0, height + 0.7 * ball)) + 0.75 * ball * way,
                np.full(3, ball) * rng.uniform(0.4, 0.65, 3),
                "leaf",
            )
    elif subtype == "cactus":
        height, girth = draw(rng, 0.62, 0.12)
        figure.ellipsoid(
            "column", np.add(ground, (0, 0, 0.48 * height)), (girth, girth, 0.55 * height), "leaf"
        )
        for side, s in SIDES:
            at, reach = rng.uniform(0.3, 0.6) * height, rng.uniform(0.22, 0.3)
            elbow = np.add(ground, (0, s * reach, at + 0.04))
            figure.limb(f"arm_{side}", np.add(ground, (0, 0, at)), elbow, 0.6 * girth, "leaf")
            figure.ellipsoid(
                f"branch_{side}",
                np.add(elbow, (0, 0, 0.1)),
                (0.62 * girth, 0.62 * girth, rng.uniform(0.14, 0.22)),
                "leaf",
            )
        figure.ellipsoid("flower", np.add(ground, (0, 0, 1.03 * height)), (0.07, 0.07, 0.05), "body2")
        for i in range(12):
            way = turn(yaw=rng.normal(137.5 * i, 10)) @ (girth, 0, 0)
            figure.limb(
                f"spine_{i}",
                ground + 0.8 * way + (0, 0, (0.2 + 0.05 * i) * height),
                ground + 1.5 * way + (0, 0, (0.22 + 0.05 * i) * height),
                0.012,
                "light",
                top=0.2,
            )
    return figure


def tvmonitor(rng: np.random.Generator, subtype: str) -> Figure:
    """A tube set with knobs and aerial, a flat panel, a computer with its keyboard, a portable on a stand."""
    figure = Figure()
    wide, tall, deep = {
        "tube": (0.36, 0.29, 0.2),
        "flat": (0.56, 0.33, 0.04),
        "computer": (0.32, 0.25, 0.06),
        "portable": (0.27, 0.25, 0.16),
    }[subtype]
    wide, tall, deep = draw(rng, wide, tall, deep)
    lift = {
        "tube": 0.04,
        "flat": rng.uniform(0.06, 0.16),
        "computer": rng.uniform(0.12, 0.2),
        "portable": 0.06,
    }[subtype]
    tilt = turn(pitch=rng.uniform(0, 8)) if subtype == "computer" else np.eye(3)
    middle = np.array([0, 0, lift + tall])

    def at(x, y, z):
        return middle + tilt @ (x, y * wide, z * tall)

    figure.box("case", at(0, 0, 0), (deep, wide, tall), "body", rotation=tilt)
    controls = subtype in ("tube", "portable")
    y, half = (-0.16, 0.76) if controls else (0.0, 0.93)
    figure.box("bezel", at(deep, y, 0.05), (0.012, (half + 0.04) * wide, 0.86 * tall), "trim", rotation=tilt)
    figure.box("screen", at(deep + 0.008, y, 0.05), (0.012, half * wide, 0.8 * tall), "glass", rotation=tilt)
    # Something is on: a horizon, a figure, a caption.
    figure.box(
        "picture_low",
        at(deep + 0.012, y, -0.4),
        (0.012, 0.96 * half * wide, rng.uniform(0.1, 0.3) * tall),
        "body2",
        rotation=tilt,
    )
    figure.ellipsoid(
        "picture_face",
        at(deep + 0.02, y + rng.uniform(-0.3, 0.3), 0.1),
        (0.012, 0.2 * wide, 0.3 * tall),
        "trim2",
        rotation=tilt,
    )
    figure.box(
        "caption", at(deep + 0.018, y, -0.58), (0.012, 0.6 * half * wide, 0.05 * tall), "light", rotation=tilt
    )
    figure.ellipsoid("lamp", at(deep, 0.85, -0.9), (0.02, 0.02, 0.02), "red")
    if controls:
        for i, z in enumerate((0.6, 0.2)):
            figure.limb(f"knob_{i}", at(deep, 0.8, z), at(deep + 0.04, 0.8, z), 0.1 * wide, "metal")
        for i, z in enumerate((-0.2, -0.38, -0.56)):
            figure.box(f"grille_{i}", at(deep, 0.8, z), (0.012, 0.12 * wide, 0.05 * tall), "dark")
        figure.box("rear", at(-1.5 * deep, 0, -0.1), (0.7 * deep, 0.7 * wide, 0.65 * tall), "dark")
        for side, s in SIDES:
            figure.limb(
                f"leg_{side}",
                at(0, 0.75 * s, -0.95),
                at(0, 0.85 * s, -1.0) - (0, 0, lift),
                0.03,
                "dark",
                top=0.7,
            )
    if subtype == "portable":
        figure.limb("handle", at(0, -0.4, 1.12), at(0, 0.4, 1.12), 0.02, "metal")
    if subtype == "tube":
        spread = rng.uniform(0.35, 0.9)
        for side, s in SIDES:
            figure.limb(
                f"aerial_{side}",
                at(-0.5 * deep, 0.05 * s, 1.0),
                at(-0.5 * deep, spread * s, 2.0),
                0.012,
                "metal",
                top=0.6,
            )
        figure.ellipsoid("aerial_base", at(-0.5 * deep, 0, 1.02), (0.06, 0.08, 0.05), "dark")
    if subtype in ("flat", "computer"):
        figure.limb("neck", (-0.02, 0, 0.01), (-0.02, 0, lift + 0.2 * tall), 0.05, "dark")
        figure.limb("stand", (0, 0, 0), (0, 0, 0.025), (0.55 * wide, 0.13), "dark", top=0.9)
        figure.ellipsoid("logo", at(deep, 0, -0.95), (0.012, 0.08 * wide, 0.03 * tall), "light")
    if subtype == "computer":
        figure.box("keyboard", (0.36, 0, 0.015), (0.1, 0.85 * wide, 0.014), "trim", rotation=turn(pitch=-3))
        for i, x in enumerate((0.3, 0.36, 0.42)):
            figure.box(f"keys_{i}", (x, 0, 0.032), (0.018, 0.78 * wide, 0.008), "light")
        figure.ellipsoid("mouse", (0.38, 1.15 * wide, 0.02), (0.06, 0.035, 0.025), "trim")
    for (side, s), (level, z), (end, e) in product(
        SIDES, (("Bottom", -1), ("Top", 1)), (("F", 1), ("B", -1))
    ):
        figure.keypoint(f"{end}_{level}_{side}", "case", (e, s, z))
    return figure


INDOOR: dict[str, Category] = {
    "bottle": Category(bottle, ("wine", "beer", "plastic", "flagon"), ((0, 18, 1),), (-2.0, 22.0)),
    "chair": Category(
        chair,
        ("kitchen", "carver", "office", "shell"),
        ((0, 15, 1), (35, 14, 2), (-35, 14, 2), (80, 20, 1), (-80, 20, 1), (145, 20, 0.6), (-145, 20, 0.6)),
        (3.0, 30.0),
    ),
    "diningtable": Category(
        diningtable, ("rectangular", "round", "cloth", "trestle"), FRONT_VIEWS, (10.0, 35.0)
    ),
    "pottedplant": Category(pottedplant, ("fern", "flower", "tree", "cactus"), ((0, 20, 1),), (0.0, 28.0)),
    "sofa": Category(sofa, ("two", "three", "rolled", "chaise"), FRONT_VIEWS, (5.0, 28.0)),
    "tvmonitor": Category(tvmonitor, ("tube", "flat", "computer", "portable"), FRONT_VIEWS, (-3.0, 22.0)),
}
