"""Things that stand in a room. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from itertools import product

import numpy as np

from corrlib.figurines.figure import FRONT_VIEWS, Category, Figure, turn
from corrlib.figurines.models.furniture import SIDES, chair, diningtable, draw, sides, sofa


def bottle(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Wine, beer, a plastic bottle with a waist, a squat flagon with a handle."""
    radius, body, slope, neck, thin, lid = {
        "wine": (0.16, 0.62, 0.14, 0.34, 0.36, 1.02),
        "beer": (0.16, 0.42, 0.24, 0.2, 0.38, 1.25),
        "plastic": (0.19, 0.66, 0.22, 0.06, 0.4, 1.25),
        "flagon": (0.3, 0.42, 0.26, 0.14, 0.3, 1.02),
    }[subtype]
    radius, body, slope, neck = draw(rng, radius, body, slope, neck)
    thin *= np.exp(rng.uniform(-0.15, 0.15))
    low, high = rng.uniform(0.12, 0.28), rng.uniform(0.7, 0.9)
    top, plastic = body + slope + neck, subtype == "plastic"

    def ring(part, bottom, up_to, width, slot, taper=1.0):
        fig.limb(part, (0, 0, bottom), (0, 0, up_to), width, slot, top=taper)

    ring("foot", 0, 0.05, 0.96 * radius, "body", 1.04)
    if plastic:
        low, high = 0.58, 0.94
        ring("body_low", 0.05, 0.5 * body, radius, "body", 0.84)
        ring("body", 0.5 * body, body, 0.84 * radius, "body", 1 / 0.84)
        for i in range(3):
            z = (0.12 + 0.13 * i) * body
            ring(f"groove_{i}", z, z + 0.025, radius * (1.0 - 0.03 * i), "trim2")
    else:
        ring("body", 0.05, body, radius, "body")
    ring("shoulder", body, body + slope, radius, "body", thin)
    ring("neck", body + slope, top, thin * radius, "body", 0.88)
    if subtype in ("wine", "beer"):
        ring("foil", top - 0.55 * neck, top, 0.98 * thin * radius, "trim", 0.96)
    ring("cap", top - 0.02, top + 0.06, lid * thin * radius, "trim2")
    ring("label", low * body, high * body, 1.03 * radius, "body2")
    ring("band", (low + 0.08) * body, (low + 0.16) * body, 1.045 * radius, "trim2")
    place = (1.0 * radius, 0, (0.35 * low + 0.65 * high) * body)
    fig.ellipsoid("emblem", place, (0.06 * radius, 0.4 * radius, 0.1 * body), "trim")
    if subtype == "flagon":
        elbow = (0, 1.15 * radius, body + slope)
        fig.limb("handle_top", (0, 0.8 * thin * radius, top - 0.3 * neck), elbow, 0.05, "trim")
        fig.limb("handle_side", elbow, (0, 0.95 * radius, 0.8 * body), 0.05, "trim")
    for side, s in (("L", -1), ("R", 1)):
        x, y = 0.94 * s, -0.342
        fig.name(f"{side}_*", Base=("foot", x, y, -1), Shoulder=("shoulder", x, y, -1))
        fig.name(f"{side}_*", Neck=("neck", x, y, -1), Top=("cap", x, y, 1))


def pottedplant(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A pot with a fern, flowers on stalks, a little tree or a cactus."""
    radius, tall = draw(rng, 0.2, 0.34)
    flare, square = rng.uniform(1.15, 1.55), subtype == "tree"
    if square:
        fig.box("pot", (0, 0, tall / 2), (radius, radius, tall / 2), "body")
        fig.box("rim", (0, 0, tall - 0.03), (1.08 * radius, 1.08 * radius, 0.04), "trim")
        fig.box("emblem", (radius, 0, 0.42 * tall), (0.01, 0.55 * radius, 0.22 * tall), "body2")
    else:
        fig.limb("pot", (0, 0, 0), (0, 0, tall), radius, "body", top=flare)
        fig.limb("rim", (0, 0, 0.8 * tall), (0, 0, tall + 0.02), 1.08 * flare * radius, "trim")
        fig.limb("saucer", (0, 0, -0.04), (0, 0, 0), 1.15 * radius, "trim2", top=1.2)
    mouth = (0.86 if square else 0.82 * flare) * radius
    fig.limb("soil", (0, 0, tall - 0.02), (0, 0, tall + 0.028), mouth, "dark")
    for side, s in SIDES:
        bottom = (1, s, -1) if square else (0.94 * s, -0.342, -1)
        fig.name(f"*_{side}", Top=("rim", 0, s, 1) if square else ("rim", s, 0, 1), Bottom=("pot", *bottom))
    front, back = ((1, 0, 1), (-1, 0, 1)) if square else ((0, -1, 1), (0, 1, 1))
    fig.name("Top_*_Middle", Front=("rim", *front), Back=("rim", *back))
    ground = fig.within(at=(0, 0, tall))
    if subtype in ("fern", "flower"):
        count, height = (15, 0.55) if subtype == "fern" else (9, 0.3)
        height *= np.exp(rng.uniform(-0.25, 0.25))
        for i in range(count):
            heading, lift = 360 * 0.382 * i + rng.normal(0, 12), rng.uniform(40, 75)
            way, over = turn(yaw=heading, pitch=lift), turn(yaw=heading, pitch=lift - rng.uniform(45, 80))
            bend = ground.within(rotation=way).at(height, 0, 0)
            leaf, tip = (0.52 * height, 0.055, 0.02), (0.42 * height, 0.06, 0.018)
            fig.ellipsoid(f"leaf_{i}", (ground.origin + bend) / 2, leaf, "leaf", rotation=way)
            fig.within(at=bend, rotation=over).ellipsoid(f"leaf_tip_{i}", (0.35 * height, 0, 0), tip, "leaf")
    if subtype == "flower":
        for i in range(6):
            way = turn(yaw=60 * i + rng.normal(0, 15), pitch=rng.uniform(55, 85)) @ (1, 0, 0)
            stalk = rng.uniform(0.5, 0.8) * way
            ground.limb(f"stalk_{i}", (0, 0, 0), stalk, 0.014, "leaf")
            bloom = ground.within(at=stalk, yaw=rng.normal(0, 40), pitch=rng.uniform(0, 60))
            bloom.ellipsoid(f"bloom_{i}", (0, 0, 0), (0.045, 0.1, 0.1), "body2")
            bloom.ellipsoid(f"heart_{i}", (0.04, 0, 0), (0.025, 0.04, 0.04), "trim2")
    elif subtype == "tree":
        height, ball = draw(rng, 0.55, 0.24)
        ground.limb("trunk", (0, 0, 0), (0, 0, height), 0.035, "wood", top=0.8)
        crown = ground.at(0, 0, height + 0.7 * ball)
        for i in range(14):
            way = turn(yaw=137.5 * i, pitch=np.degrees(np.arcsin(1 - 2 * (i + 0.5) / 14))) @ (1, 0, 0)
            fig.ellipsoid(f"tuft_{i}", crown + 0.75 * ball * way, ball * rng.uniform(0.4, 0.65, 3), "leaf")
    elif subtype == "cactus":
        height, girth = draw(rng, 0.62, 0.12)
        ground.ellipsoid("column", (0, 0, 0.48 * height), (girth, girth, 0.55 * height), "leaf")
        for _, _, side in sides(ground):
            z, reach = rng.uniform(0.3, 0.6) * height, rng.uniform(0.22, 0.3)
            side.limb("arm", (0, 0, z), (0, reach, z + 0.04), 0.6 * girth, "leaf")
            half = (0.62 * girth, 0.62 * girth, rng.uniform(0.14, 0.22))
            side.within(at=(0, reach, z + 0.04)).ellipsoid("branch", (0, 0, 0.1), half, "leaf")
        ground.ellipsoid("flower", (0, 0, 1.03 * height), (0.07, 0.07, 0.05), "body2")
        for i in range(12):
            x, y, _ = turn(yaw=rng.normal(137.5 * i, 10)) @ (girth, 0, 0)
            root = (0.8 * x, 0.8 * y, (0.2 + 0.05 * i) * height)
            tip = (1.5 * x, 1.5 * y, (0.22 + 0.05 * i) * height)
            ground.limb(f"spine_{i}", root, tip, 0.012, "light", top=0.2)


def tvmonitor(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A tube set with knobs and aerial, a flat panel, a computer with its keyboard, a portable on a stand."""
    wide, tall, deep = {
        "tube": (0.36, 0.29, 0.2),
        "flat": (0.56, 0.33, 0.04),
        "computer": (0.32, 0.25, 0.06),
        "portable": (0.27, 0.25, 0.16),
    }[subtype]
    wide, tall, deep = draw(rng, wide, tall, deep)
    lifts = {"flat": rng.uniform(0.06, 0.16), "computer": rng.uniform(0.12, 0.2), "tube": 0.04}
    lift = lifts.get(subtype, 0.06)
    tilt = rng.uniform(0, 8) if subtype == "computer" else 0.0
    case = fig.within(at=(0, 0, lift + tall), pitch=tilt, scale=(1, wide, tall))
    controls = subtype in ("tube", "portable")
    y, half = (-0.16, 0.76) if controls else (0.0, 0.93)
    case.box("case", (0, 0, 0), (deep, 1, 1), "body")
    case.box("bezel", (deep, y, 0.05), (0.012, half + 0.04, 0.86), "trim")
    case.box("screen", (deep + 0.008, y, 0.05), (0.012, half, 0.8), "glass")
    # Something is on: a horizon, a figure, a caption.
    case.box("picture_low", (deep + 0.012, y, -0.4), (0.012, 0.96 * half, rng.uniform(0.1, 0.3)), "body2")
    case.ellipsoid("picture_face", (deep + 0.02, y + rng.uniform(-0.3, 0.3), 0.1), (0.012, 0.2, 0.3), "trim2")
    case.box("caption", (deep + 0.018, y, -0.58), (0.012, 0.6 * half, 0.05), "light")
    fig.ellipsoid("lamp", case.at(deep, 0.85, -0.9), (0.02, 0.02, 0.02), "red")
    if controls:
        for i, z in enumerate((0.6, 0.2)):
            case.limb(f"knob_{i}", (deep, 0.8, z), (deep + 0.04, 0.8, z), 0.1 * wide, "metal")
        for i, z in enumerate((-0.2, -0.38, -0.56)):
            case.box(f"grille_{i}", (deep, 0.8, z), (0.012, 0.12, 0.05), "dark")
        case.box("rear", (-1.5 * deep, 0, -0.1), (0.7 * deep, 0.7, 0.65), "dark")
        for side, s in SIDES:
            foot = case.at(0, 0.85 * s, -1.0) - (0, 0, lift)
            fig.limb(f"leg_{side}", case.at(0, 0.75 * s, -0.95), foot, 0.03, "dark", top=0.7)
    if subtype == "portable":
        case.limb("handle", (0, -0.4, 1.12), (0, 0.4, 1.12), 0.02, "metal")
    if subtype == "tube":
        x, spread = -0.5 * deep, rng.uniform(0.35, 0.9)
        for _, _, side in sides(case):
            side.limb("aerial", (x, 0.05, 1.0), (x, spread, 2.0), 0.012, "metal", top=0.6)
        fig.ellipsoid("aerial_base", case.at(x, 0, 1.02), (0.06, 0.08, 0.05), "dark")
    if subtype in ("flat", "computer"):
        fig.limb("neck", (-0.02, 0, 0.01), (-0.02, 0, lift + 0.2 * tall), 0.05, "dark")
        fig.limb("stand", (0, 0, 0), (0, 0, 0.025), (0.55 * wide, 0.13), "dark", top=0.9)
        fig.ellipsoid("logo", case.at(deep, 0, -0.95), (0.012, 0.08 * wide, 0.03 * tall), "light")
    if subtype == "computer":
        fig.box("keyboard", (0.36, 0, 0.015), (0.1, 0.85 * wide, 0.014), "trim", pitch=-3)
        for i, x in enumerate((0.3, 0.36, 0.42)):
            fig.box(f"keys_{i}", (x, 0, 0.032), (0.018, 0.78 * wide, 0.008), "light")
        fig.ellipsoid("mouse", (0.38, 1.15 * wide, 0.02), (0.06, 0.035, 0.025), "trim")
    for (side, s), (level, z) in product(SIDES, (("Bottom", -1), ("Top", 1))):
        fig.name(f"*_{level}_{side}", F=("case", 1, s, z), B=("case", -1, s, z))


CHAIR_VIEWS = (
    (0, 15, 1),
    (35, 14, 2),
    (-35, 14, 2),
    (80, 20, 1),
    (-80, 20, 1),
    (145, 20, 0.6),
    (-145, 20, 0.6),
)

ROOM = ("room", "room", "room", "street", "field")
INDOOR: dict[str, Category] = {
    "bottle": Category(bottle, ("wine", "beer", "plastic", "flagon"), ((0, 18, 1),), (0, 8, 35), ROOM, 0.35, "glass"),
    "chair": Category(
        chair, ("kitchen", "carver", "office", "shell"), CHAIR_VIEWS, (3, 14, 40), ROOM, 1.1, "cloth"
    ),
    "diningtable": Category(
        diningtable, ("rectangular", "round", "cloth", "trestle"), FRONT_VIEWS, (8, 18, 45), ROOM, 2.0, "cloth"
    ),
    "pottedplant": Category(
        pottedplant, ("fern", "flower", "tree", "cactus"), ((0, 20, 1),), (0, 10, 40), ROOM, 0.9, "plastic"
    ),
    "sofa": Category(sofa, ("two", "three", "rolled", "chaise"), FRONT_VIEWS, (3, 14, 40), ("room",), 2.2, "cloth"),
    "tvmonitor": Category(
        tvmonitor, ("tube", "flat", "computer", "portable"), FRONT_VIEWS, (0, 8, 30), ("room",), 0.8, "plastic"
    ),
}
