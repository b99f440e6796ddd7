"""Things that stand in a room. They face the viewer at azimuth 0, and left is the *picture's* left there: y < 0."""

from __future__ import annotations

from itertools import product

import numpy as np

from corrlib.datasets.figurines.figure import FRONT_VIEWS, Category, Figure, turn

SIDES = (("Left", -1), ("Right", 1))
DEPTHS = (("Front", 1), ("Back", -1))


def _draw(rng: np.random.Generator, *means: float, spread: float = 0.22) -> np.ndarray:
    """Lengths around their means."""
    return np.array(means) * np.exp(rng.uniform(-spread, spread, len(means)))


def bottle(rng: np.random.Generator, subtype: str) -> Figure:
    """Wine, beer, a plastic bottle with a waist, a squat flagon with a handle."""
    figure = Figure()
    radius, body, slope, neck, thin = {
        "wine": (0.16, 0.62, 0.14, 0.34, 0.36), "beer": (0.16, 0.42, 0.24, 0.2, 0.38),
        "plastic": (0.19, 0.66, 0.22, 0.06, 0.4), "flagon": (0.3, 0.42, 0.26, 0.14, 0.3)}[subtype]
    radius, body, slope, neck = _draw(rng, radius, body, slope, neck)
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
    figure.limb("cap", (0, 0, top - 0.02), (0, 0, top + 0.06), (1.25 if subtype in ("plastic", "beer") else 1.02) * thin * radius, "trim2")
    low, high = {"plastic": (0.58, 0.94)}.get(subtype, (rng.uniform(0.12, 0.28), rng.uniform(0.7, 0.9)))
    figure.limb("label", (0, 0, low * body), (0, 0, high * body), 1.03 * radius, "body2")
    figure.limb("band", (0, 0, (low + 0.08) * body), (0, 0, (low + 0.16) * body), 1.045 * radius, "trim2")
    figure.ellipsoid("emblem", (1.0 * radius, 0, (0.35 * low + 0.65 * high) * body), (0.06 * radius, 0.4 * radius, 0.1 * body), "trim")
    if subtype == "flagon":
        grip = [(0, 0.8 * thin * radius, top - 0.3 * neck), (0, 1.15 * radius, body + slope), (0, 0.95 * radius, 0.8 * body)]
        figure.limb("handle_top", grip[0], grip[1], 0.05, "trim")
        figure.limb("handle_side", grip[1], grip[2], 0.05, "trim")
    for side, s in (("L", -1), ("R", 1)):
        edge = np.array([0.94 * s, -0.342])
        figure.keypoint(f"{side}_Base", "foot", (*(edge * 1.0), -1))
        figure.keypoint(f"{side}_Shoulder", "shoulder", (*edge, -1))
        figure.keypoint(f"{side}_Neck", "neck", (*edge, -1))
        figure.keypoint(f"{side}_Top", "cap", (*edge, 1))
    return figure


def chair(rng: np.random.Generator, subtype: str) -> Figure:
    """A kitchen chair, one with arms, an office chair on castors, a shell on wire legs."""
    figure = Figure()
    deep, wide, seat, back = _draw(rng, 0.22, 0.23, 0.45, 0.46, spread=0.18)
    recline = rng.uniform(4, 16)
    up = turn(pitch=recline) @ (0, 0, 1.0)
    hinge = np.array([-0.92 * deep, 0, seat])
    thick = {"office": 0.05, "shell": 0.025}.get(subtype, rng.uniform(0.02, 0.045))
    figure.box("seat", (0, 0, seat), (deep, wide, thick), "body")
    if subtype in ("kitchen", "carver"):
        for side, s in SIDES:
            post = hinge + (0, 0.86 * wide * s, 0)
            figure.limb(f"post_{side}", post, post + back * up, 0.024, "wood")
        slats = ((0.25, 0.04), (0.55, 0.04), (0.86, 0.09))
        for i, (t, tall) in enumerate(slats):
            figure.box(f"slat_{i}", hinge + t * back * up, (0.015, 0.86 * wide, tall * back), "body2" if i == 2 else "wood", rotation=turn(pitch=recline))
        crest, corner = "slat_2", (1, 1)
        figure.box("cushion", (0.02, 0, seat + thick + 0.015), (0.85 * deep, 0.85 * wide, 0.02), "trim")
    elif subtype == "office":
        figure.box("backrest", hinge + 0.62 * back * up, (0.04, 0.85 * wide, 0.38 * back), "body", rotation=turn(pitch=recline))
        figure.box("stem", hinge + 0.15 * back * up - (0.03, 0, 0), (0.02, 0.2 * wide, 0.25 * back), "dark", rotation=turn(pitch=recline))
        figure.box("panel", hinge + 0.62 * back * up + (0.04, 0, 0), (0.015, 0.65 * wide, 0.25 * back), "body2", rotation=turn(pitch=recline))
        crest = "backrest"
    else:
        figure.ellipsoid("bowl", (0, 0, seat + 0.02), (1.05 * deep, 1.03 * wide, 0.07), "body2")
        figure.box("backrest", hinge + 0.5 * back * up, (0.02, 0.9 * wide, 0.5 * back), "body", rotation=turn(pitch=recline))
        figure.ellipsoid("badge", hinge + 0.55 * back * up + (0.02, 0, 0), (0.03, 0.6 * wide, 0.3 * back), "trim", rotation=turn(pitch=recline))
        crest = "backrest"
    for side, s in SIDES:
        figure.keypoint(f"BackRest_Top_{side}", crest, (1, s, 1))
    if subtype in ("carver", "office"):
        for side, s in SIDES:
            y = (1.0 if subtype == "carver" else 1.18) * wide * s
            figure.box(f"arm_{side}", (-0.05, y, seat + 0.21), (0.85 * deep, 0.03, 0.02), "trim2")
            figure.limb(f"arm_post_{side}", (0.5 * deep, 0.95 * y, seat), (0.5 * deep, y, seat + 0.2), 0.02, "wood" if subtype == "carver" else "dark")
    if subtype == "office":
        figure.limb("column", (0, 0, 0.1), (0, 0, seat), 0.035, "metal", top=0.7)
    for (side, s), (end, e) in product(SIDES, DEPTHS):
        splay = 1.12 if subtype == "shell" else 1.02
        bottom = np.array([splay * deep * e * 0.92, splay * 0.92 * wide * s, 0.0])
        if subtype == "office":
            figure.limb(f"leg_{side}_{end}", (0, 0, 0.12), bottom * (1.1, 1.1, 1) + (0, 0, 0.07), 0.032, "metal", top=0.6)
            figure.ellipsoid(f"castor_{side}_{end}", bottom * (1.1, 1.1, 1) + (0, 0, 0.035), (0.04, 0.025, 0.04), "dark")
            figure.keypoint(f"Leg_{side}_{end}", f"castor_{side}_{end}", (0.6 * e, 0.6 * s, -0.529))
        else:
            slot, radius = ("metal", 0.014) if subtype == "shell" else ("wood", 0.026)
            figure.limb(f"leg_{side}_{end}", (0.85 * deep * e, 0.86 * wide * s, seat), bottom, radius, slot, top=0.75)
            figure.keypoint(f"Leg_{side}_{end}", f"leg_{side}_{end}", (0, 0, 1))
        figure.keypoint(f"Seat_{side}_{end}", "seat", (e, s, 1))
    if subtype in ("kitchen", "carver"):
        for side, s in SIDES:
            figure.limb(f"stretcher_{side}", (0.85 * deep, 0.88 * wide * s, 0.4 * seat), (-0.85 * deep, 0.88 * wide * s, 0.4 * seat), 0.014, "wood")
    return figure


def diningtable(rng: np.random.Generator, subtype: str) -> Figure:
    """Rectangular on four legs, round on one, under a cloth, or on trestles; always laid."""
    figure = Figure()
    deep, wide, tall = _draw(rng, 0.45, 0.8, 0.74)
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
        head = foot + (0, 0, tall - thick)
        if subtype == "round":
            foot, head = np.array([0.5 * deep * e, 0.5 * wide * s, 0.02]), np.array([0.0, 0.0, 0.16])
        elif subtype == "trestle":
            head, foot = np.array([-0.2 * deep * e, 0.72 * wide * s, tall - 0.1]), foot * (1, 0.8, 1)
        figure.limb(f"leg_{side}_{end}", head, foot, 0.045, "wood", top=0.65)
        figure.keypoint(f"Bot_{side}_{end}", f"leg_{side}_{end}", (0, 0, 1))
        # A round top has no corners: its rim points towards them.
        corner = (0.707 * s, -0.707 * e, 1) if subtype == "round" else (e, s, 1)
        figure.keypoint(f"Top_{side}_{end}", "cloth" if subtype == "cloth" else "top", corner)
    places = [(x, y) for x in (-0.55, 0.55) for y in ((-0.35, 0.35) if subtype == "round" else (-0.6, 0.0, 0.6))]
    for i, (x, y) in enumerate(places):
        x, y = x * deep, y * wide
        figure.limb(f"plate_{i}", (x, y, tall + 0.012), (x, y, tall + 0.03), 0.09, "light", top=1.3)
        figure.limb(f"food_{i}", (x, y, tall + 0.02), (x, y, tall + 0.035), 0.07, "trim")
        figure.limb(f"glass_{i}", (0.62 * x, y + 0.17, tall), (0.62 * x, y + 0.17, tall + 0.13), 0.035, "glass", top=1.2)
    height = rng.uniform(0.12, 0.26)
    figure.limb("vase", (0, 0, tall), (0, 0, tall + height), 0.07, "trim2", top=0.6)
    figure.ellipsoid("bouquet", (0, 0, tall + height + 0.07), (0.12, 0.12, 0.1), "leaf")
    return figure


def pottedplant(rng: np.random.Generator, subtype: str) -> Figure:
    """A pot with a fern, flowers on stalks, a little tree or a cactus."""
    figure = Figure()
    radius, tall, = _draw(rng, 0.2, 0.34)
    flare = rng.uniform(1.15, 1.55)
    square = subtype == "tree"
    if square:
        figure.box("pot", (0, 0, tall / 2), (radius, radius, tall / 2), "body")
        figure.box("rim", (0, 0, tall - 0.03), (1.08 * radius, 1.08 * radius, 0.04), "trim")
        figure.box("emblem", (radius, 0, 0.42 * tall), (0.01, 0.55 * radius, 0.22 * tall), "body2")
    else:
        figure.limb("pot", (0, 0, 0), (0, 0, tall), radius, "body", top=flare)
        figure.limb("rim", (0, 0, 0.8 * tall), (0, 0, tall + 0.02), 1.08 * flare * radius, "trim")
        figure.limb("saucer", (0, 0, -0.02), (0, 0, 0.03), 1.25 * radius, "trim2", top=1.15)
    mouth = radius if square else 0.95 * flare * radius
    figure.limb("soil", (0, 0, tall - 0.02), (0, 0, tall + 0.03), mouth * (0.95 if square else 1.0), "dark")
    for side, s in SIDES:
        figure.keypoint(f"Top_{side}", "rim", (0, s, 1) if square else (s, 0, 1))
        figure.keypoint(f"Bottom_{side}", "pot", (0.4, s, -1) if square else (0.94 * s, -0.342, -1))
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
            figure.ellipsoid(f"leaf_{i}", (ground + bend) / 2, (0.52 * height, 0.055, 0.02), "leaf", rotation=way)
            figure.ellipsoid(f"leaf_tip_{i}", bend + over @ (0.35 * height, 0, 0), (0.42 * height, 0.06, 0.018), "leaf", rotation=over)
    if subtype == "flower":
        for i in range(6):
            way = turn(yaw=60 * i + rng.normal(0, 15), pitch=rng.uniform(55, 85)) @ (1, 0, 0)
            bloom = ground + rng.uniform(0.5, 0.8) * way
            figure.limb(f"stalk_{i}", ground, bloom, 0.014, "leaf")
            facing = turn(yaw=rng.normal(0, 40), pitch=rng.uniform(0, 60))
            figure.ellipsoid(f"bloom_{i}", bloom, (0.045, 0.1, 0.1), "body2", rotation=facing)
            figure.ellipsoid(f"heart_{i}", bloom + facing @ (0.04, 0, 0), (0.025, 0.04, 0.04), "trim2", rotation=facing)
    elif subtype == "tree":
        height, ball = _draw(rng, 0.55, 0.24)
        figure.limb("trunk", ground, ground + (0, 0, height), 0.035, "wood", top=0.8)
        for i in range(14):
            way = turn(yaw=137.5 * i, pitch=np.degrees(np.arcsin(1 - 2 * (i + 0.5) / 14))) @ (1, 0, 0)
            figure.ellipsoid(f"tuft_{i}", ground + (0, 0, height + 0.7 * ball) + 0.75 * ball * way, np.full(3, ball) * rng.uniform(0.4, 0.65, 3), "leaf")
    elif subtype == "cactus":
        height, girth = _draw(rng, 0.62, 0.12)
        figure.ellipsoid("column", ground + (0, 0, 0.48 * height), (girth, girth, 0.55 * height), "leaf")
        for side, s in SIDES:
            at, reach = rng.uniform(0.3, 0.6) * height, rng.uniform(0.22, 0.3)
            elbow = ground + (0, s * reach, at + 0.04)
            figure.limb(f"arm_{side}", ground + (0, 0, at), elbow, 0.6 * girth, "leaf")
            figure.ellipsoid(f"branch_{side}", elbow + (0, 0, 0.1), (0.62 * girth, 0.62 * girth, rng.uniform(0.14, 0.22)), "leaf")
        figure.ellipsoid("flower", ground + (0, 0, 1.03 * height), (0.07, 0.07, 0.05), "body2")
        for i in range(12):
            way = turn(yaw=rng.normal(137.5 * i, 10)) @ (girth, 0, 0)
            figure.limb(f"spine_{i}", ground + 0.8 * way + (0, 0, (0.2 + 0.05 * i) * height), ground + 1.5 * way + (0, 0, (0.22 + 0.05 * i) * height), 0.012, "light", top=0.2)
    return figure


def sofa(rng: np.random.Generator, subtype: str) -> Figure:
    """Two or three seats on legs, a rolled-arm one, one with a chaise."""
    figure = Figure()
    wide = {"two": 0.75, "three": 1.1, "rolled": 0.95, "chaise": 1.05}[subtype]
    wide, deep, low, arm, back, girth = _draw(rng, wide, 0.42, 0.22, 0.24, 0.44, 0.11, spread=0.18)
    foot = 0.08
    figure.box("base", (0, 0, foot + low / 2), (deep, wide, low / 2), "body")
    figure.box("back", (-0.86 * deep, 0, foot + low / 2 + back / 2), (0.16 * deep, wide, (low + back) / 2), "body")
    seats = {"two": 2, "three": 3, "rolled": 2, "chaise": 3}[subtype]
    inner = wide - 2 * girth
    for i in range(seats):
        y = inner * ((2 * i + 1) / seats - 1)
        figure.box(f"seat_{i}", (0.16 * deep, y, foot + low + 0.05), (0.84 * deep, 0.96 * inner / seats, 0.06), "body2")
        figure.box(f"cushion_{i}", (-0.55 * deep, y, foot + low + 0.1 + 0.38 * back), (0.07, 0.92 * inner / seats, 0.36 * back), "body2",
                   rotation=turn(pitch=rng.uniform(8, 16)))
        if subtype == "rolled":
            for j in (-0.5, 0.5):
                figure.ellipsoid(f"button_{i}_{j > 0:d}", (-0.55 * deep + 0.08, y + j * inner / seats, foot + low + 0.1 + 0.45 * back), np.full(3, 0.025), "dark")
    if subtype == "chaise":
        figure.box("chaise", (0.95 * deep, 0.62 * wide, foot + low / 2), (0.85 * deep, 0.38 * wide, low / 2), "body")
        figure.box("chaise_seat", (0.95 * deep, 0.62 * wide, foot + low + 0.045), (0.84 * deep, 0.36 * wide, 0.055), "body2")
    for side, s in SIDES:
        y = s * (wide - girth)
        figure.box(f"arm_{side}", (0, y, foot + (low + arm) / 2), (1.01 * deep, girth, (low + arm) / 2), "body")
        if subtype == "rolled":
            figure.limb(f"roll_{side}", (-0.9 * deep, y, foot + low + arm), (1.04 * deep, y, foot + low + arm), 1.15 * girth, "body")
            figure.limb(f"rosette_{side}", (1.03 * deep, y, foot + low + arm), (1.06 * deep, y, foot + low + arm), 0.6 * girth, "trim")
        else:
            figure.box(f"piping_{side}", (1.01 * deep, y, foot + (low + arm) / 2), (0.012, 0.75 * girth, 0.43 * (low + arm)), "trim")
        pillow = turn(yaw=-s * rng.uniform(5, 30), pitch=rng.uniform(10, 30), roll=rng.uniform(-30, 30))
        figure.box(f"pillow_{side}", (-0.2 * deep, 0.8 * s * inner, foot + low + 0.25), (0.05, 0.15, 0.15), "trim2", rotation=pillow)
        for end, e in DEPTHS:
            figure.limb(f"foot_{side}_{end}", (0.88 * deep * e, 0.92 * wide * s, foot), (0.9 * deep * e, 0.94 * wide * s, 0), 0.04, "wood", top=0.7)
        figure.keypoint(f"Back_Top_{side}", "back", (1, s, 1))
        figure.keypoint(f"Back_Base_{side}", "back", (-1, s, -1))
        figure.keypoint(f"Front_Base_{side}", f"arm_{side}", (1, s, -1))
        top = ("roll_" if subtype == "rolled" else "arm_") + side
        figure.keypoint(f"Handle_Front_{side}", top, (0, 1, 1) if subtype == "rolled" else (1, 0, 1))
        figure.keypoint(f"Handle_{side}_Junction", top, (0, 1, -0.7) if subtype == "rolled" else (-0.68, 0, 1))
        figure.keypoint(f"{side}_Junction", f"seat_{0 if s < 0 else seats - 1}", (1, s, 1))   # where arm and seat part in front
    return figure


def tvmonitor(rng: np.random.Generator, subtype: str) -> Figure:
    """A tube set with knobs and aerial, a flat panel, a computer with its keyboard, a portable on a stand."""
    figure = Figure()
    wide, tall, deep = {"tube": (0.36, 0.29, 0.2), "flat": (0.56, 0.33, 0.04), "computer": (0.32, 0.25, 0.06), "portable": (0.27, 0.25, 0.16)}[subtype]
    wide, tall, deep = _draw(rng, wide, tall, deep)
    lift = {"tube": 0.04, "flat": rng.uniform(0.06, 0.16), "computer": rng.uniform(0.12, 0.2), "portable": 0.06}[subtype]
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
    figure.box("picture_low", at(deep + 0.012, y, -0.4), (0.012, 0.96 * half * wide, rng.uniform(0.1, 0.3) * tall), "body2", rotation=tilt)
    figure.ellipsoid("picture_face", at(deep + 0.02, y + rng.uniform(-0.3, 0.3), 0.1), (0.012, 0.2 * wide, 0.3 * tall), "trim2", rotation=tilt)
    figure.box("caption", at(deep + 0.018, y, -0.58), (0.012, 0.6 * half * wide, 0.05 * tall), "light", rotation=tilt)
    figure.ellipsoid("lamp", at(deep, 0.85, -0.9), (0.02, 0.02, 0.02), "red")
    if controls:
        for i, z in enumerate((0.6, 0.2)):
            figure.limb(f"knob_{i}", at(deep, 0.8, z), at(deep + 0.04, 0.8, z), 0.1 * wide, "metal")
        for i, z in enumerate((-0.2, -0.38, -0.56)):
            figure.box(f"grille_{i}", at(deep, 0.8, z), (0.012, 0.12 * wide, 0.05 * tall), "dark")
        figure.box("rear", at(-1.5 * deep, 0, -0.1), (0.7 * deep, 0.7 * wide, 0.65 * tall), "dark")
        for side, s in SIDES:
            figure.limb(f"leg_{side}", at(0, 0.75 * s, -0.95), at(0, 0.85 * s, -1.0) - (0, 0, lift), 0.03, "dark", top=0.7)
    if subtype == "portable":
        figure.limb("handle", at(0, -0.4, 1.12), at(0, 0.4, 1.12), 0.02, "metal")
    if subtype == "tube":
        spread = rng.uniform(0.35, 0.9)
        for side, s in SIDES:
            figure.limb(f"aerial_{side}", at(-0.5 * deep, 0.05 * s, 1.0), at(-0.5 * deep, spread * s, 2.0), 0.012, "metal", top=0.6)
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
    for (side, s), (level, z), (end, e) in product(SIDES, (("Bottom", -1), ("Top", 1)), (("F", 1), ("B", -1))):
        figure.keypoint(f"{end}_{level}_{side}", "case", (e, s, z))
    return figure


INDOOR: dict[str, Category] = {
    "bottle": Category(bottle, ("wine", "beer", "plastic", "flagon"), ((0, 18, 1),), (-2.0, 22.0)),
    "chair": Category(chair, ("kitchen", "carver", "office", "shell"), ((0, 15, 1), (35, 14, 2), (-35, 14, 2), (80, 20, 1), (-80, 20, 1),
                                                                     (145, 20, 0.6), (-145, 20, 0.6)), (3.0, 30.0)),
    "diningtable": Category(diningtable, ("rectangular", "round", "cloth", "trestle"), FRONT_VIEWS, (10.0, 35.0)),
    "pottedplant": Category(pottedplant, ("fern", "flower", "tree", "cactus"), ((0, 20, 1),), (0.0, 28.0)),
    "sofa": Category(sofa, ("two", "three", "rolled", "chaise"), FRONT_VIEWS, (5.0, 28.0)),
    "tvmonitor": Category(tvmonitor, ("tube", "flat", "computer", "portable"), FRONT_VIEWS, (-3.0, 22.0)),
}
