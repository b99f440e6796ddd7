"""The seven vehicles by name; aeroplanes and boats."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, vary
from corrlib.figurines.models.cycles import BICYCLES, MOTORBIKES, bicycle, motorbike
from corrlib.figurines.models.land import BUSES, CARS, TRAINS, bus, car, train

PLANES = {
    # half length of the cylinder, fuselage radius, nose, tail, wing: x, z (in radii), half span, chord,
    # sweep (x per y), dihedral (z per y), taper, span of a stabilizer, height of the fin
    "airliner": (3.0, 0.48, 1.0, 2.3, 0.6, -0.45, 4.6, 1.5, 0.48, 0.10, 0.3, 1.7, 1.6),
    "jet": (2.4, 0.45, 1.3, 1.9, -0.2, -0.6, 3.4, 1.3, 0.35, 0.06, 0.35, 1.3, 1.4),
    "propeller": (2.3, 0.50, 0.9, 2.0, 0.8, 0.8, 4.2, 1.1, 0.04, 0.03, 0.6, 1.6, 1.4),
}
BOATS = {
    # half length, half width, height of the hull, sheer (rise of the bow), rake of the bow
    "sloop": (4.0, 1.15, 1.0, 0.30, 0.5),
    "motorboat": (3.2, 1.15, 1.1, 0.35, 0.9),
    "ship": (8.0, 1.7, 1.9, 0.55, 0.8),
}
KEEL = 0.7  # the hull's width and length at its foot, of those at deck level


def aeroplane(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build an aeroplane: fuselage, nose, tail, wings, fin and stabilizers, engines or propellers."""
    a, r, nose, tail, wing_x, wing_z, span, chord, sweep, rise, taper, stab, fin = PLANES[subtype]
    propeller = subtype == "propeller"
    a, r, nose, tail, span, chord, stab, fin = (
        vary(rng, v, 0.15) for v in (a, r, nose, tail, span, chord, stab, fin)
    )
    sweep, rise = vary(rng, sweep, 0.2), rise + rng.uniform(-0.03, 0.05)
    fig.limb("fuselage", (-a, 0, 0), (a, 0, 0), r, "body")
    fig.ellipsoid("nose", (a, 0, 0), (nose, r, r), "body")
    lift, end = 0.6 * r, -a - tail
    fig.blade("tail", (-a, 0, 0), (end, 0, lift), (0, r, 0), (0, 0, r), "body", taper=0.25)
    out = np.sqrt(1 - min(abs(wing_z), 0.95) ** 2) * r
    along, thin = (chord / 2, 0, 0), (0, 0, 0.06 * chord)
    for name, _, side in fig.sides():
        root = np.array([wing_x, out, wing_z * r])
        tip = root + np.array([-sweep * span, span, rise * span])
        side.blade("wing", root, tip, along, thin, "body2", taper=taper)
        foot = np.array([end + 0.35 * tail, 0.25 * r, 0.7 * lift])
        outer = foot + np.array([-0.35 * stab * (sweep + 0.3), stab, 0.04 * stab])
        root_chord = (0.3 * tail, 0, 0)
        side.blade("stabilizer", foot, outer, root_chord, (0, 0, 0.05), "trim", taper=0.5)
        side.name(f"{name[0].upper()}_*", WingTip=("wing", 0, 0, 1), Stabilizer=("stabilizer", 0, 0, 1))
        side.name(f"{name.capitalize()}_*", Wing_Base=("wing", 1, 0, -1))
        share = vary(rng, 0.34, 0.15)
        below = np.array([0.45 * chord * (1 - share / 2), 0, (-0.1 if propeller else -0.55) * r])
        reach, size = vary(rng, 0.6, 0.2), vary(rng, 0.22 if propeller else 0.3, 0.15)
        engine = side.within(at=root + share * (tip - root) + below)
        engine.limb("engine", (-reach, 0, 0), (reach, 0, 0), 0.65 * size, "trim2", top=1.5)
        side.name(f"{name.capitalize()}_Engine_*", Front=("engine", 0, 0, 1), Back=("engine", 0, 0, -1))
        if propeller:
            _propeller(engine.within(at=(1.1 * reach, 0, 0)), 0.85, rng.uniform(0, 90))
    foot, tip = (end + 0.4 * tail, 0, lift + 0.15 * r), (end - 0.1 * tail, 0, lift + 0.15 * r + fin)
    root_chord = (0.38 * tail, 0, 0)
    fig.blade("fin", foot, tip, root_chord, (0, 0.06, 0), "trim", taper=0.5)
    fig.name(Bot_Rudder_Front=("fin", 0.95, 0, -0.8), Bot_Rudder=("fin", -1, 0, -1))
    fig.name(Top_Rudder=("fin", -0.5, 0, 1), NoseTip=("nose", 1, 0, 0))
    fig.name("Nose_*", Top=("nose", 0.28, 0, 0.96), Bottom=("nose", 0.28, 0, -0.96))
    count = 5 if propeller else 8
    fig.ellipsoid("cockpit", (a + 0.42 * nose, 0, 0.6 * r), (0.3 * nose, 0.74 * r, 0.3 * r), "glass")
    for _, _, side in fig.sides():
        pane = (0.6 * a / count, 0.05, 0.15 * r)
        for i, x in enumerate(np.linspace(0.8 * a, -0.9 * a, count)):
            side.ellipsoid(f"window{i}", (x, 0.955 * r, 0.26 * r), pane, "glass")
    main, low = wing_x - 0.2, -1.6 * r - 0.35
    for name, x, y in (("left", main, 0.75), ("right", main, -0.75), ("front", a + 0.1, 0)):
        fig.limb(f"{name}_gear", (x, 0.5 * y, -0.6 * r), (x, y, low), 0.05, "metal")
        fig.wheel(f"{name}_wheel", (x, y, low), 0.24, 0.1, hole=0.5, hub=0.5)


def _propeller(fig: Figure, radius: float, angle: float) -> None:
    """Add a spinner and two crossed pairs of blades, turned by `angle` degrees."""
    fig.limb("propeller_spinner", (-0.15, 0, 0), (0.25, 0, 0), 0.14, "metal", top=0.2)
    for i in range(2):
        fig.ellipsoid(f"propeller_blade{i}", (0, 0, 0), (0.03, 0.09, radius), "dark", roll=angle + 90 * i)


def boat(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a boat: a hull with a pointed bow and a transom, and what its kind carries on deck."""
    a, w, deck, sheer, rake = (vary(rng, v, 0.18) for v in BOATS[subtype])
    fig.blade("hull", (0, 0, deck), (-rake * 0.5, 0, 0), (a, 0, sheer), (0, w, 0), "body", taper=KEEL)
    top, low = (-0.08 * rake, 0, 0.86 * deck), (-0.13 * rake, 0, 0.74 * deck)
    fig.blade("stripe", top, low, (0.97 * a, 0, 0.97 * sheer), (0, 0.97 * w, 0), "trim", taper=0.965)
    wide = (0.62 if subtype == "sloop" else 0.86) * w
    place = (-a / 2 - 0.2 * rake, wide * KEEL / 2, (deck - sheer) / 2 + 0.04 * deck)
    for name, s, side in fig.sides():
        shear = dict(dive=-sheer, flare=s * wide * (1 - KEEL), lean=0.1 * rake)
        side.slanted("stern", place, (a / 2, wide / 2, 0.46 * deck), "body", **shear)
        fig.name(f"Hull_Mid_{name.capitalize()}_*", Top=("hull", 0, s, -1), Bot=("hull", 0, s * KEEL, 1))
    fig.name("Hull_Front_*", Top=("hull", 1, 0, -1), Bot=("hull", KEEL, 0, 1))
    fig.name("Hull_Back_*", Top=("left_stern", -1, -1, 1), Bot=("left_stern", -1, 1 - 2 * KEEL, -1))
    outfit = {"sloop": _sloop, "motorboat": _motorboat, "ship": _ship}[subtype]
    outfit(fig, rng, a, w, deck, sheer)


def _sail(fig: Figure, part: str, tack: np.ndarray, peak: np.ndarray, foot: np.ndarray, slot: str) -> None:
    """A triangle from `tack` along `foot` to `peak`; its free corner is ``u = (1, 0, -1)``."""
    flat = np.array([foot[1], -foot[0], 0]) / np.linalg.norm(foot) * 0.03
    fig.blade(part, tack, peak, foot / 2, flat, slot, taper=0.03)


def _sloop(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
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
    fig.slanted("cabin", (-0.12 * a, 0, deck + 0.18), (0.36 * a, 0.5 * w, 0.22), "body2", lean=-0.15)
    fig.name(Mast_Top=("mast", 0, 0, 1), Sail_Left=("mainsail", 1, 0, -1), Sail_Right=("foresail", 1, 0, -1))


def _motorboat(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
    """A cuddy with a raked windscreen, a hardtop, a dark cockpit, an outboard motor and a rail."""
    tall = vary(rng, 0.75, 0.25)
    x = rng.uniform(-0.15, 0.1) * a
    cuddy, screen = (0.3 * a, 0.45 * w, 0.2), (0.22 * a, 0.62 * w, tall / 2)
    fig.slanted("cuddy", (x + 0.35 * a, 0, deck + 0.12), cuddy, "body2", dive=0.1, lean=-0.3)
    fig.slanted("windscreen", (x, 0, deck + 0.3 + tall / 2), screen, "glass", lean=-0.5 * tall)
    fig.box("hardtop", (x - 0.3 * tall, 0, deck + 0.34 + tall), (0.28 * a, 0.7 * w, 0.06), "body")
    half = (0.42 * a, 0.66 * w, 0.03)
    fig.slanted("cockpit", (-0.5 * a, 0, deck - 0.5 * sheer - 0.01), half, "dark", dive=-0.84 * sheer)
    fig.box("motor", (-1.1 * a, 0, 0.85 * deck), (0.1 * a, 0.24, 0.32), "dark")
    fig.box("motor_leg", (-1.1 * a, 0, 0.3 * deck), (0.05 * a, 0.07, 0.4 * deck), "metal")


def _ship(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
    """Two storeys with rows of windows, a bridge, a raked funnel, a mast, lifeboats."""
    storey = vary(rng, 0.95, 0.15)
    for i, (x, long, wide, slot) in enumerate(((-0.12, 0.62, 0.74, "body2"), (-0.16, 0.48, 0.64, "light"))):
        z, under = deck + (i + 0.45) * storey, sheer * (1 - i)
        place, half = (x * a, 0, z - under / 2), (long * a, wide * w, (storey + under) / 2)
        fig.box(f"storey{i}", place, half, slot)
        for _, _, side in fig.sides():
            for k in range(6):
                pane = ((x + long * (0.82 - 0.32 * k)) * a, wide * w, z + 0.08)
                side.box(f"window{i}{k}", pane, (0.1 * long * a, 0.03, 0.2 * storey), "glass")
    low, rise = np.array([-0.25 * a, 0, deck + 1.8 * storey]), vary(rng, 1.7, 0.25)
    up = np.array([-0.25 * rise, 0, rise])
    fig.limb("funnel", low, low + up, (0.4, 0.55), "body")
    foot = np.array([0.66 * a, 0, deck])
    top = foot + (-0.2, 0, vary(rng, 4.4, 0.15))
    fig.limb("mast", foot, top, 0.12, "wood", top=0.6)
    fig.name(Mast_Top=("mast", 0, 0, 1))


ROAD = ("street", "street", "field")
VEHICLES: dict[str, Category] = {
    name: Category(draw, tuple(subtypes), views, elevation, places, metres, "paint")
    for name, draw, subtypes, views, elevation, places, metres in (
        ("aeroplane", aeroplane, PLANES, SIDE_VIEWS, (-5, 30), ("sky", "street", "field"), 14.0),
        ("bicycle", bicycle, BICYCLES, SIDE_VIEWS, (0, 40), (*ROAD, "room"), 1.9),
        ("boat", boat, BOATS, SIDE_VIEWS, (0, 40), ("water", "water", "water", "field"), 9.0),
        ("bus", bus, BUSES, SIDE_VIEWS, (0, 35), ROAD, 11.0),
        ("car", car, CARS, SIDE_VIEWS, (0, 45), ROAD, 5.0),
        ("motorbike", motorbike, MOTORBIKES, SIDE_VIEWS, (0, 45), ROAD, 2.3),
        ("train", train, TRAINS, SIDE_VIEWS, (0, 35), ROAD, 16.0),
    )
}
