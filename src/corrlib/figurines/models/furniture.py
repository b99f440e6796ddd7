"""Chairs, tables, sofas. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from corrlib.figurines.figure import Figure, turn

SIDES = (("Left", -1), ("Right", 1))
DEPTHS = (("Front", 1), ("Back", -1))

TABLES = ("rectangular", "round", "cloth")
#: Half the width, and seats.
SOFAS = {"two": (0.75, 2), "three": (1.1, 3), "rolled": (0.95, 2)}


def draw(rng: np.random.Generator, *means: float, spread: float = 0.22) -> np.ndarray:
    """Lengths around their means."""
    return np.array(means) * np.exp(rng.uniform(-spread, spread, len(means)))


#: As `Figure.sides`, but the picture's left comes first, and parts end in the side's name.
sides = partial(Figure.sides, first="Left", second="Right", naming="*_{}", sign=-1.0)


def corners(fig: Figure) -> Iterator[tuple[int, int, Figure]]:
    """Each corner's signs of x and y, and the figure mirrored to it; parts end in the corner's name."""
    for (side, s), (end, e) in product(SIDES, DEPTHS):
        yield e, s, fig.within(f"*_{side}_{end}", scale=(e, s, 1))


def chair(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A kitchen chair, one with arms, an office chair on castors."""
    deep, wide, seat, back = draw(rng, 0.22, 0.23, 0.45, 0.46, spread=0.18)
    rest = fig.within(at=(-0.92 * deep, 0, seat), pitch=rng.uniform(4, 16))
    thick, wooden, crest = rng.uniform(0.02, 0.05), subtype != "office", "backrest"
    fig.box("seat", (0, 0, seat), (deep, wide, thick), "body")
    if wooden:
        for _, _, side in sides(rest):
            side.limb("post", (0, 0.86 * wide, 0), (0, 0.86 * wide, back), 0.024, "wood")
        slats = ((0.25, 0.04, "wood"), (0.55, 0.04, "wood"), (0.86, 0.09, "body2"))
        for i, (t, tall, slot) in enumerate(slats):
            rest.box(f"slat_{i}", (0, 0, t * back), (0.015, 0.86 * wide, tall * back), slot)
        crest = "slat_2"
        fig.box("cushion", (0.02, 0, seat + thick + 0.015), (0.85 * deep, 0.85 * wide, 0.02), "trim")
    else:
        rest.box("backrest", (0, 0, 0.62 * back), (0.04, 0.85 * wide, 0.38 * back), "body")
        fig.limb("column", (0, 0, 0.1), (0, 0, seat), 0.035, "metal", top=0.7)
        rest.box("stem", (-0.03, 0, 0.15 * back), (0.02, 0.2 * wide, 0.25 * back), "dark")
    fig.name("BackRest_Top_*", Left=(crest, 1, -1, 1), Right=(crest, 1, 1, 1))
    if subtype in ("carver", "office"):
        out, slot = (1.0, "wood") if subtype == "carver" else (1.18, "dark")
        y, x = out * wide, 0.5 * deep
        for _, _, side in sides(fig):
            side.box("arm", (-0.05, y, seat + 0.21), (0.85 * deep, 0.03, 0.02), "trim2")
            side.limb("arm_post", (x, 0.95 * y, seat), (x, y, seat + 0.2), 0.02, slot)
    x, y = 0.94 * deep, 0.94 * wide
    for e, s, corner in corners(fig):
        if subtype == "office":
            corner.limb("leg", (0, 0, 0.12), (1.1 * x, 1.1 * y, 0.07), 0.032, "metal", top=0.6)
            corner.ellipsoid("castor", (1.1 * x, 1.1 * y, 0.035), (0.04, 0.025, 0.04), "dark")
            corner.name(Leg=("castor", 0.6 * e, 0.6 * s, -0.529))
        else:
            corner.limb("leg", (0.85 * deep, 0.86 * wide, seat), (x, y, 0), 0.026, "wood", top=0.75)
            corner.name(Leg=("leg", 0, 0, 1))
        corner.name(Seat=("seat", e, s, 1))


def diningtable(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Rectangular on four legs, round on one, or under a cloth; always laid."""
    deep, wide, tall = draw(rng, 0.45, 0.8, 0.74)
    thick, round_top = rng.uniform(0.02, 0.045), subtype == "round"
    if round_top:
        deep = wide = 0.62 * np.exp(rng.uniform(-0.15, 0.15))
        fig.limb("top", (0, 0, tall - 2 * thick), (0, 0, tall), deep, "wood")
        fig.limb("column", (0, 0, 0.08), (0, 0, tall), 0.09, "wood", top=0.7)
    else:
        fig.box("top", (0, 0, tall - thick), (deep, wide, thick), "wood")
    if subtype == "cloth":
        drop = rng.uniform(0.12, 0.24)
        fig.box("cloth", (0, 0, tall - drop + 0.006), (1.02 * deep, 1.015 * wide, drop), "body")
    head, foot = (0.88 * deep, 0.9 * wide, tall - thick), (0.88 * deep, 0.9 * wide, 0)
    if round_top:
        head, foot = (0, 0, 0.16), (0.5 * deep, 0.5 * wide, 0.02)
    for e, s, corner in corners(fig):
        corner.limb("leg", head, foot, 0.045, "wood", top=0.65)
        rim = (0.707 * s, -0.707 * e, 1) if round_top else (e, s, 1)
        corner.name(Bot=("leg", 0, 0, 1), Top=("cloth" if subtype == "cloth" else "top", *rim))
    for i, (x, y) in enumerate(product((-0.55, 0.55), (-0.35, 0.35) if round_top else (-0.6, 0.0, 0.6))):
        x, y = x * deep, y * wide
        place, beside = fig.within(f"*_{i}", (x, y, tall)), fig.within(f"*_{i}", (0.62 * x, y + 0.17, tall))
        place.limb("plate", (0, 0, 0.012), (0, 0, 0.03), 0.09, "light", top=1.3)
        beside.limb("glass", (0, 0, 0), (0, 0, 0.13), 0.035, "glass", top=1.2)
    height = rng.uniform(0.12, 0.26)
    fig.limb("vase", (0, 0, tall), (0, 0, tall + height), 0.07, "trim2", top=0.6)
    fig.ellipsoid("bouquet", (0, 0, tall + height + 0.07), (0.12, 0.12, 0.1), "leaf")


def sofa(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Two or three seats on legs, or a rolled-arm one."""
    wide, seats = SOFAS[subtype]
    wide, deep, low, arm, back, girth = draw(rng, wide, 0.42, 0.22, 0.24, 0.44, 0.11, spread=0.18)
    foot, inner, rolled = 0.08, wide - 2 * girth, subtype == "rolled"
    up = foot + low
    fig.box("base", (0, 0, foot + low / 2), (deep, wide, low / 2), "body")
    height = foot + low / 2 + back / 2
    fig.box("back", (-0.86 * deep, 0, height), (0.16 * deep, wide, (low + back) / 2), "body")
    for i in range(seats):
        y = inner * ((2 * i + 1) / seats - 1)
        fig.box(f"seat_{i}", (0.16 * deep, y, up + 0.05), (0.84 * deep, 0.96 * inner / seats, 0.06), "body2")
        place, size = (-0.55 * deep, y, up + 0.1 + 0.38 * back), (0.07, 0.92 * inner / seats, 0.36 * back)
        fig.box(f"cushion_{i}", place, size, "body2", pitch=rng.uniform(8, 16))
    y, middle = wide - girth, foot + (low + arm) / 2
    for name, s, side in sides(fig):
        side.box("arm", (0, y, middle), (1.01 * deep, girth, (low + arm) / 2), "body")
        if rolled:
            roll = (-0.9 * deep, y, up + arm), (1.04 * deep, y, up + arm)
            side.limb("roll", *roll, 1.15 * girth, "body")
        pillow = turn(yaw=-s * rng.uniform(5, 30), pitch=rng.uniform(10, 30), roll=rng.uniform(-30, 30))
        place, half = (-0.2 * deep, 0.8 * inner, up + 0.25), (0.05, 0.15, 0.15)
        side.box("pillow", place, half, "trim2", rotation=pillow)
        for end, e in DEPTHS:
            leg = fig.within(f"*_{name}_{end}", scale=(e * deep, s * wide, 1))
            leg.limb("foot", (0.88, 0.92, foot), (0.9, 0.94, 0), 0.04, "wood", top=0.7)
        side.name(Back_Top=("back", 1, s, 1), Back_Base=("back", -1, s, -1), Front_Base=("arm", 1, s, -1))
        side.name(Handle_Front=("roll", 0, 1, 1) if rolled else ("arm", 1, 0, 1))
        rear = ("roll", 0, 1, -0.7) if rolled else ("arm", -0.68, 0, 1)
        # where arm and seat part in front
        front = (f"seat_{0 if s < 0 else seats - 1}", 1, s, 1)
        side.name("*_Junction", **{f"Handle_{name}": rear, name: front})
