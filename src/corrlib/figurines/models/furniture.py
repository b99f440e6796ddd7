"""Chairs, tables, sofas. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from collections.abc import Iterator
from functools import partial
from itertools import product

import numpy as np

from corrlib.figurines.figure import Figure, turn

SIDES = (("Left", -1), ("Right", 1))
DEPTHS = (("Front", 1), ("Back", -1))


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
    """A kitchen chair, one with arms, an office chair on castors, a shell on wire legs."""
    deep, wide, seat, back = draw(rng, 0.22, 0.23, 0.45, 0.46, spread=0.18)
    rest = fig.within(at=(-0.92 * deep, 0, seat), pitch=rng.uniform(4, 16))
    thick = {"office": 0.05, "shell": 0.025}.get(subtype, rng.uniform(0.02, 0.045))
    wooden, crest = subtype in ("kitchen", "carver"), "backrest"
    fig.box("seat", (0, 0, seat), (deep, wide, thick), "body")
    if wooden:
        for _, _, side in sides(rest):
            side.limb("post", (0, 0.86 * wide, 0), (0, 0.86 * wide, back), 0.024, "wood")
        slats = ((0.25, 0.04, "wood"), (0.55, 0.04, "wood"), (0.86, 0.09, "body2"))
        for i, (t, tall, slot) in enumerate(slats):
            rest.box(f"slat_{i}", (0, 0, t * back), (0.015, 0.86 * wide, tall * back), slot)
        crest = "slat_2"
        fig.box("cushion", (0.02, 0, seat + thick + 0.015), (0.85 * deep, 0.85 * wide, 0.02), "trim")
    elif subtype == "office":
        rest.box("backrest", (0, 0, 0.62 * back), (0.04, 0.85 * wide, 0.38 * back), "body")
        stem, panel = np.add([rest.at(0, 0, t * back) for t in (0.15, 0.62)], [(-0.03, 0, 0), (0.04, 0, 0)])
        fig.box("stem", stem, (0.02, 0.2 * wide, 0.25 * back), "dark", rotation=rest.rotation)
        fig.box("panel", panel, (0.015, 0.65 * wide, 0.25 * back), "body2", rotation=rest.rotation)
    else:
        fig.ellipsoid("bowl", (0, 0, seat + 0.02), (1.05 * deep, 1.03 * wide, 0.07), "body2")
        rest.box("backrest", (0, 0, 0.5 * back), (0.02, 0.9 * wide, 0.5 * back), "body")
        place = np.add(rest.at(0, 0, 0.55 * back), (0.02, 0, 0))
        fig.ellipsoid("badge", place, (0.03, 0.6 * wide, 0.3 * back), "trim", rotation=rest.rotation)
    fig.name("BackRest_Top_*", Left=(crest, 1, -1, 1), Right=(crest, 1, 1, 1))
    if subtype in ("carver", "office"):
        out, slot = (1.0, "wood") if subtype == "carver" else (1.18, "dark")
        y, x = out * wide, 0.5 * deep
        for _, _, side in sides(fig):
            side.box("arm", (-0.05, y, seat + 0.21), (0.85 * deep, 0.03, 0.02), "trim2")
            side.limb("arm_post", (x, 0.95 * y, seat), (x, y, seat + 0.2), 0.02, slot)
    if subtype == "office":
        fig.limb("column", (0, 0, 0.1), (0, 0, seat), 0.035, "metal", top=0.7)
    slot, radius, splay = ("metal", 0.014, 1.12) if subtype == "shell" else ("wood", 0.026, 1.02)
    x, y = splay * deep * 0.92, splay * 0.92 * wide
    for e, s, corner in corners(fig):
        if subtype == "office":
            corner.limb("leg", (0, 0, 0.12), (1.1 * x, 1.1 * y, 0.07), 0.032, "metal", top=0.6)
            corner.ellipsoid("castor", (1.1 * x, 1.1 * y, 0.035), (0.04, 0.025, 0.04), "dark")
            corner.name(Leg=("castor", 0.6 * e, 0.6 * s, -0.529))
        else:
            corner.limb("leg", (0.85 * deep, 0.86 * wide, seat), (x, y, 0), radius, slot, top=0.75)
            corner.name(Leg=("leg", 0, 0, 1))
        corner.name(Seat=("seat", e, s, 1))
    if wooden:
        x, y, z = 0.85 * deep, 0.88 * wide, 0.4 * seat
        for _, _, side in sides(fig):
            side.limb("stretcher", (x, y, z), (-x, y, z), 0.014, "wood")


def diningtable(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Rectangular on four legs, round on one, under a cloth, or on trestles; always laid."""
    deep, wide, tall = draw(rng, 0.45, 0.8, 0.74)
    thick, round_top = rng.uniform(0.02, 0.045), subtype == "round"
    if round_top:
        deep = wide = 0.62 * np.exp(rng.uniform(-0.15, 0.15))
        fig.limb("top", (0, 0, tall - 2 * thick), (0, 0, tall), deep, "wood")
        fig.limb("column", (0, 0, 0.08), (0, 0, tall), 0.09, "wood", top=0.7)
        fig.ellipsoid("knob", (0, 0, 0.45 * tall), (0.12, 0.12, 0.1), "trim")
    else:
        fig.box("top", (0, 0, tall - thick), (deep, wide, thick), "wood")
        fig.box("apron", (0, 0, tall - 0.1), (0.88 * deep, 0.92 * wide, 0.06), "body2")
    if subtype == "cloth":
        drop = rng.uniform(0.12, 0.24)
        fig.box("cloth", (0, 0, tall - drop + 0.006), (1.02 * deep, 1.015 * wide, drop), "body")
        fig.box("hem", (0, 0, tall - 1.9 * drop), (1.025 * deep, 1.02 * wide, 0.08 * drop), "trim2")
        fig.box("runner", (0, 0, tall + 0.008), (1.022 * deep, 0.2 * wide, 0.006), "body2")
    if subtype == "trestle":
        fig.limb("rail", (0, -0.75 * wide, 0.32 * tall), (0, 0.75 * wide, 0.32 * tall), 0.035, "wood")
    head, foot = (0.88 * deep, 0.9 * wide, tall - thick), (0.88 * deep, 0.9 * wide, 0)
    if round_top:
        head, foot = (0, 0, 0.16), (0.5 * deep, 0.5 * wide, 0.02)
    elif subtype == "trestle":
        head, foot = (-0.2 * deep, 0.72 * wide, tall - 0.1), (0.88 * deep, 0.9 * wide * 0.8, 0)
    for e, s, corner in corners(fig):
        corner.limb("leg", head, foot, 0.045, "wood", top=0.65)
        # A round top has no corners: its rim points towards them.
        rim = (0.707 * s, -0.707 * e, 1) if round_top else (e, s, 1)
        corner.name(Bot=("leg", 0, 0, 1), Top=("cloth" if subtype == "cloth" else "top", *rim))
    for i, (x, y) in enumerate(product((-0.55, 0.55), (-0.35, 0.35) if round_top else (-0.6, 0.0, 0.6))):
        x, y = x * deep, y * wide
        place, beside = fig.within(f"*_{i}", (x, y, tall)), fig.within(f"*_{i}", (0.62 * x, y + 0.17, tall))
        place.limb("plate", (0, 0, 0.012), (0, 0, 0.03), 0.09, "light", top=1.3)
        place.limb("food", (0, 0, 0.02), (0, 0, 0.035), 0.07, "trim")
        beside.limb("glass", (0, 0, 0), (0, 0, 0.13), 0.035, "glass", top=1.2)
    height = rng.uniform(0.12, 0.26)
    fig.limb("vase", (0, 0, tall), (0, 0, tall + height), 0.07, "trim2", top=0.6)
    fig.ellipsoid("bouquet", (0, 0, tall + height + 0.07), (0.12, 0.12, 0.1), "leaf")


def sofa(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Two or three seats on legs, a rolled-arm one, one with a chaise."""
    wide, seats = {"two": (0.75, 2), "three": (1.1, 3), "rolled": (0.95, 2), "chaise": (1.05, 3)}[subtype]
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
        for j, shift in enumerate((-0.5, 0.5) if rolled else ()):
            place = (-0.55 * deep + 0.08, y + shift * inner / seats, up + 0.1 + 0.45 * back)
            fig.ellipsoid(f"button_{i}_{j}", place, np.full(3, 0.025), "dark")
    if subtype == "chaise":
        x, y = 0.95 * deep, 0.62 * wide
        fig.box("chaise", (x, y, foot + low / 2), (0.85 * deep, 0.38 * wide, low / 2), "body")
        fig.box("chaise_seat", (x, y, up + 0.045), (0.84 * deep, 0.36 * wide, 0.055), "body2")
    y, middle = wide - girth, foot + (low + arm) / 2
    for name, s, side in sides(fig):
        side.box("arm", (0, y, middle), (1.01 * deep, girth, (low + arm) / 2), "body")
        if rolled:
            axis = fig.within(f"*_{name}", (0, s * y, up + arm))
            axis.limb("roll", (-0.9 * deep, 0, 0), (1.04 * deep, 0, 0), 1.15 * girth, "body")
            axis.limb("rosette", (1.03 * deep, 0, 0), (1.06 * deep, 0, 0), 0.6 * girth, "trim")
        else:
            side.box("piping", (1.01 * deep, y, middle), (0.012, 0.75 * girth, 0.43 * (low + arm)), "trim")
        pillow = turn(yaw=-s * rng.uniform(5, 30), pitch=rng.uniform(10, 30), roll=rng.uniform(-30, 30))
        side.box(
            "pillow", (-0.2 * deep, 0.8 * inner, up + 0.25), (0.05, 0.15, 0.15), "trim2", rotation=pillow
        )
        for end, e in DEPTHS:
            leg = fig.within(f"*_{name}_{end}", scale=(e * deep, s * wide, 1))
            leg.limb("foot", (0.88, 0.92, foot), (0.9, 0.94, 0), 0.04, "wood", top=0.7)
        side.name(Back_Top=("back", 1, s, 1), Back_Base=("back", -1, s, -1), Front_Base=("arm", 1, s, -1))
        side.name(Handle_Front=("roll", 0, 1, 1) if rolled else ("arm", 1, 0, 1))
        rear = ("roll", 0, 1, -0.7) if rolled else ("arm", -0.68, 0, 1)
        # where arm and seat part in front
        front = (f"seat_{0 if s < 0 else seats - 1}", 1, s, 1)
        side.name("*_Junction", **{f"Handle_{name}": rear, name: front})
