"""Things that stand in a room. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from itertools import product

import numpy as np

from corrlib.figurines.figure import FRONT_VIEWS, SIDE_VIEWS, Category, Figure, turn
from corrlib.figurines.models.furniture import SIDES, SOFAS, TABLES, chair, diningtable, draw, sides, sofa

BOTTLES = {
    # radius, height of body, shoulder and neck; the neck's radius and the cap's over the neck's
    "wine": (0.16, 0.62, 0.14, 0.34, 0.36, 1.02),
    "beer": (0.16, 0.42, 0.24, 0.2, 0.38, 1.25),
    "plastic": (0.19, 0.66, 0.22, 0.06, 0.4, 1.25),
    "flagon": (0.3, 0.42, 0.26, 0.14, 0.3, 1.02),
}
# half width, height and depth
SCREENS = {"tube": (0.36, 0.29, 0.2), "flat": (0.56, 0.33, 0.04), "computer": (0.32, 0.25, 0.06)}


def bottle(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Wine, beer, a plastic bottle, a squat flagon; some have fallen over."""
    radius, body, slope, neck, thin, lid = BOTTLES[subtype]
    fig = fig.within(roll=rng.normal(0, 5) if rng.random() < 0.7 else rng.normal(0, 70))
    radius, body, slope, neck = draw(rng, radius, body, slope, neck)
    thin *= np.exp(rng.uniform(-0.15, 0.15))
    low, high = rng.uniform(0.12, 0.28), rng.uniform(0.7, 0.9)
    top = body + slope + neck

    def ring(part, bottom, up_to, width, slot, taper=1.0):
        fig.limb(part, (0, 0, bottom), (0, 0, up_to), width, slot, top=taper)

    ring("foot", 0, 0.05, 0.96 * radius, "body", 1.04)
    ring("body", 0.05, body, radius, "body")
    ring("shoulder", body, body + slope, radius, "body", thin)
    ring("neck", body + slope, top, thin * radius, "body", 0.88)
    ring("cap", top - 0.02, top + 0.06, lid * thin * radius, "trim2")
    ring("label", low * body, high * body, 1.03 * radius, "body2")
    for side, s in (("L", -1), ("R", 1)):
        x, y = 0.94 * s, -0.342
        fig.name(f"{side}_*", Base=("foot", x, y, -1), Shoulder=("shoulder", x, y, -1))
        fig.name(f"{side}_*", Neck=("neck", x, y, -1), Top=("cap", x, y, 1))


def pottedplant(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A pot with a fern, flowers on stalks, a little tree."""
    radius, tall = draw(rng, 0.2, 0.34)
    flare = rng.uniform(1.0, 1.55)
    fig.limb("pot", (0, 0, 0), (0, 0, tall), radius, "body", top=flare)
    fig.limb("rim", (0, 0, 0.8 * tall), (0, 0, tall + 0.02), 1.08 * flare * radius, "trim")
    fig.limb("soil", (0, 0, tall - 0.02), (0, 0, tall + 0.028), 0.82 * flare * radius, "dark")
    for side, s in SIDES:
        fig.name(f"*_{side}", Top=("rim", s, 0, 1), Bottom=("pot", 0.94 * s, -0.342, -1))
    fig.name("Top_*_Middle", Front=("rim", 0, -1, 1), Back=("rim", 0, 1, 1))
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
    elif subtype == "tree":
        height, ball = draw(rng, 0.55, 0.24)
        ground.limb("trunk", (0, 0, 0), (0, 0, height), 0.035, "wood", top=0.8)
        crown = ground.at(0, 0, height + 0.7 * ball)
        for i in range(14):
            way = turn(yaw=137.5 * i, pitch=np.degrees(np.arcsin(1 - 2 * (i + 0.5) / 14))) @ (1, 0, 0)
            fig.ellipsoid(f"tuft_{i}", crown + 0.75 * ball * way, ball * rng.uniform(0.4, 0.65, 3), "leaf")


def tvmonitor(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A tube set with an aerial, a flat panel, a computer's screen."""
    wide, tall, deep = draw(rng, *SCREENS[subtype])
    lift = 0.04 if subtype == "tube" else rng.uniform(0.06, 0.2)
    case = fig.within(at=(0, 0, lift + tall), pitch=rng.uniform(0, 5), scale=(1, wide, tall))
    y, half = (-0.16, 0.76) if subtype == "tube" else (0.0, 0.93)
    case.box("case", (0, 0, 0), (deep, 1, 1), "body")
    case.box("bezel", (deep, y, 0.05), (0.012, half + 0.04, 0.86), "trim")
    case.box("screen", (deep + 0.008, y, 0.05), (0.012, half, 0.8), "glass")
    case.ellipsoid("picture_face", (deep + 0.02, y + rng.uniform(-0.3, 0.3), 0.1), (0.012, 0.2, 0.3), "trim2")
    if subtype == "tube":
        case.box("rear", (-1.5 * deep, 0, -0.1), (0.7 * deep, 0.7, 0.65), "dark")
        x, spread = -0.5 * deep, rng.uniform(0.35, 0.9)
        for _, _, side in sides(case):
            side.limb("aerial", (x, 0.05, 1.0), (x, spread, 2.0), 0.012, "metal", top=0.6)
    else:
        fig.limb("neck", (-0.02, 0, 0.01), (-0.02, 0, lift + 0.2 * tall), 0.05, "dark")
        fig.limb("stand", (0, 0, 0), (0, 0, 0.025), (0.55 * wide, 0.13), "dark", top=0.9)
    for (side, s), (level, z) in product(SIDES, (("Bottom", -1), ("Top", 1))):
        fig.name(f"*_{level}_{side}", F=("case", 1, s, z), B=("case", -1, s, z))


ROOM, PLANTS, UPRIGHT = ("room", "room", "room", "street", "field"), ("fern", "flower", "tree"), ((0, 32, 1),)
CHAIRS = ("kitchen", "carver", "office")
INDOOR: dict[str, Category] = {
    name: Category(draw, tuple(subtypes), views, elevation, places, metres, finish)
    for name, draw, subtypes, views, elevation, places, metres, finish in (
        ("bottle", bottle, BOTTLES, UPRIGHT, (0, 60), ROOM, 0.35, "glass"),
        ("chair", chair, CHAIRS, SIDE_VIEWS, (3, 50), ROOM, 1.1, "cloth"),
        ("diningtable", diningtable, TABLES, FRONT_VIEWS, (8, 60), ROOM, 2.0, "cloth"),
        ("pottedplant", pottedplant, PLANTS, UPRIGHT, (0, 60), ROOM, 0.9, "plastic"),
        ("sofa", sofa, SOFAS, FRONT_VIEWS, (3, 50), ("room",), 2.2, "cloth"),
        ("tvmonitor", tvmonitor, SCREENS, FRONT_VIEWS, (-10, 50), ("room",), 0.8, "plastic"),
    )
}
