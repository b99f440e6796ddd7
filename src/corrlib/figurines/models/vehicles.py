"""The seven vehicles by name; aeroplanes and boats."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn, vary
from corrlib.figurines.models.cycles import BICYCLES, MOTORBIKES, bicycle, motorbike
from corrlib.figurines.models.land import BUSES, CARS, TRAINS, bus, car, train

PLANES = {
    # half length of the cylinder, fuselage radius, nose, tail, wing: x, z (in radii), half span, chord,
    # sweep (x per y), dihedral (z per y), taper, span of a stabilizer, height of the fin
    "airliner": (3.0, 0.48, 1.0, 2.3, 0.6, -0.45, 4.6, 1.5, 0.48, 0.10, 0.3, 1.7, 1.6),
    "fighter": (2.0, 0.50, 2.3, 1.2, -0.7, -0.05, 2.9, 3.0, 0.52, 0.0, 0.2, 1.4, 1.5),
    "propeller": (2.3, 0.50, 0.9, 2.0, 0.8, 0.8, 4.2, 1.1, 0.04, 0.03, 0.6, 1.6, 1.4),
    "biplane": (0.9, 0.42, 0.6, 2.0, 0.5, -0.8, 2.9, 1.0, 0.0, 0.05, 0.85, 1.0, 0.8),
}
BOATS = {
    # half length, half width, height of the hull, sheer (rise of the bow), rake of the bow
    "sloop": (4.0, 1.15, 1.0, 0.30, 0.5),
    "motorboat": (3.2, 1.15, 1.1, 0.35, 0.9),
    "ship": (8.0, 1.7, 1.9, 0.55, 0.8),
    "rowboat": (2.0, 0.70, 0.65, 0.22, 0.25),
}
KEEL = 0.7  # the hull's width and length at its foot, of those at deck level


def aeroplane(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build an aeroplane: fuselage, nose, tail, wings, fin and stabilizers, engines or propellers."""
    a, r, nose, tail, wing_x, wing_z, span, chord, sweep, rise, taper, stab, fin = PLANES[subtype]
    airliner, fighter, biplane = (subtype == name for name in ("airliner", "fighter", "biplane"))
    a, r, nose, tail, span, chord, stab, fin = (
        vary(rng, v, 0.15) for v in (a, r, nose, tail, span, chord, stab, fin)
    )
    sweep, rise = vary(rng, sweep, 0.2), rise + rng.uniform(-0.03, 0.05)
    fig.limb("fuselage", (-a, 0, 0), (a, 0, 0), r, "body")
    fig.ellipsoid("nose", (a, 0, 0), (nose, r, r), "body")
    lift, narrow, flat = (0.1 * r, 0.7, 0.025 * chord) if fighter else (0.6 * r, 0.25, 0.06 * chord)
    end = -a - tail
    fig.blade("tail", (-a, 0, 0), (end, 0, lift), (0, r, 0), (0, 0, r), "body", taper=narrow)
    out = np.sqrt(1 - min(abs(wing_z), 0.95) ** 2) * r
    along, thin, up = (chord / 2, 0, 0), (0, 0, flat), np.array([0.25, 0, 2.9 * r])
    for name, _, side in fig.sides():
        root = np.array([wing_x, out, wing_z * r])
        tip = root + np.array([-sweep * span, span, rise * span])
        side.blade("wing", root, tip, along, thin, "body2", taper=taper)
        if biplane:
            side.blade("upper_wing", (wing_x + 0.25, 0, 2.1 * r), tip + up, along, thin, "body2", taper=0.85)
            for i, x in enumerate((0.3, -0.3)):
                foot = root + 0.7 * (tip - root) + (x * chord, 0, 0)
                side.limb(f"strut{i}", foot, foot + up, 0.04, "wood")
        foot = np.array([end + 0.35 * tail, 0.25 * r, 0.7 * lift])
        outer = foot + np.array([-0.35 * stab * (sweep + 0.3), stab, 0.04 * stab])
        root_chord = (0.7 if fighter else 0.3 * tail, 0, 0)
        side.blade("stabilizer", foot, outer, root_chord, (0, 0, 0.05), "trim", taper=0.5)
        side.name(f"{name[0].upper()}_*", WingTip=("wing", 0, 0, 1), Stabilizer=("stabilizer", 0, 0, 1))
        side.name(f"{name.capitalize()}_*", Wing_Base=("wing", 1, 0, -1))
        if subtype in ("airliner", "propeller"):
            share = vary(rng, 0.34, 0.15)
            below = np.array([0.45 * chord * (1 - share / 2), 0, (-0.55 if airliner else -0.1) * r])
            reach, size = vary(rng, 0.6, 0.2), vary(rng, 0.3 if airliner else 0.22, 0.15)
            engine = side.within(at=root + share * (tip - root) + below)
            engine.limb("engine", (-reach, 0, 0), (reach, 0, 0), 0.65 * size, "trim2", top=1.5)
            engine.limb("intake", (0.98 * reach, 0, 0), (1.02 * reach, 0, 0), 0.75 * size, "dark")
            side.name(f"{name.capitalize()}_Engine_*", Front=("engine", 0, 0, 1), Back=("engine", 0, 0, -1))
            if airliner:
                engine.box("pylon", (-0.2, 0, 0.3 * r), (0.4, 0.04, 0.3 * r), "trim2")
            else:
                _propeller(engine.within(at=(1.1 * reach, 0, 0)), 0.85, rng.uniform(0, 90))
    foot, tip = (end + 0.4 * tail, 0, lift + 0.15 * r), (end - 0.1 * tail, 0, lift + 0.15 * r + fin)
    root_chord = (0.8 if fighter else 0.38 * tail, 0, 0)
    fig.blade("fin", foot, tip, root_chord, (0, 0.06, 0), "trim", taper=0.5)
    fig.name(Bot_Rudder_Front=("fin", 0.95, 0, -0.8), Bot_Rudder=("fin", -1, 0, -1))
    fig.name(Top_Rudder=("fin", -0.5, 0, 1), NoseTip=("nose", 1, 0, 0))
    fig.name("Nose_*", Top=("nose", 0.28, 0, 0.96), Bottom=("nose", 0.28, 0, -0.96))

    if subtype in ("airliner", "propeller"):
        count = 8 if airliner else 5
        fig.ellipsoid("cockpit", (a + 0.42 * nose, 0, 0.6 * r), (0.3 * nose, 0.74 * r, 0.3 * r), "glass")
        for _, _, side in fig.sides():
            pane = (0.6 * a / count, 0.05, 0.15 * r)
            for i, x in enumerate(np.linspace(0.8 * a, -0.9 * a, count)):
                side.ellipsoid(f"window{i}", (x, 0.955 * r, 0.26 * r), pane, "glass")
            side.box("door", (0.97 * a, 0.96 * r, 0.12 * r), (0.12, 0.05 * r, 0.34 * r), "trim")
    else:
        x, long = (0.75 * a, 0.95) if fighter else (-0.35 * a, 0.4)
        fig.ellipsoid("canopy", (x, 0, 0.9 * r), (long, 0.55 * r, 0.6 * r), "glass")
    if fighter:
        fig.limb("nozzle", (end + 0.1, 0, lift), (end - 0.35, 0, lift), 0.68 * r, "dark", top=0.8)
        for _, _, side in fig.sides():
            side.box("intake", (0.3 * a, 1.05 * r, -0.2 * r), (0.5 * a, 0.3 * r, 0.5 * r), "body2")
            side.box("intake_mouth", (0.8 * a, 1.05 * r, -0.2 * r), (0.02, 0.24 * r, 0.42 * r), "dark")
            rail = side.within(at=(wing_x - 0.75 * sweep * span, out + 0.75 * span, wing_z * r - 0.2))
            rail.limb("missile", (-0.6, 0, 0), (0.7, 0, 0), 0.08, "light", top=0.6)
    if biplane:
        fig.limb("cowling", (a - 0.05, 0, 0), (a + 0.5 * nose, 0, 0), 1.12 * r, "metal")
        _propeller(fig.within(at=(a + 1.05 * nose, 0, 0)), 1.15, rng.uniform(0, 90))
        for _, _, side in fig.sides():
            side.limb("cabane", (0.5, 0.4 * r, 0.8 * r), (0.7, 0.5 * r, 2.1 * r), 0.04, "wood")
    if not fighter:
        drop, size = (1.9 * r + 0.2, 0.3) if biplane else (1.6 * r + 0.35, 0.24)
        main = (wing_x - 0.2, -0.6 * r, -drop, size)
        third = (end + 0.3, lift, -0.3 * r, 0.14) if biplane else (a + 0.1, *main[1:])
        gears = {"left": (0.75, *main), "right": (-0.75, *main), "rear" if biplane else "front": (0, *third)}
        for name, (y, x, high, low, radius) in gears.items():
            fig.limb(f"{name}_gear", (x, 0.5 * y, high), (x, y, low), 0.05, "metal")
            fig.wheel(f"{name}_wheel", (x, y, low), radius, 0.1, hole=0.5, hub=0.5)


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
    outfit = {"sloop": _sloop, "motorboat": _motorboat, "ship": _ship, "rowboat": _rowboat}[subtype]
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
    fig.limb("forestay", tack, top, 0.02, "metal")
    fig.slanted("cabin", (-0.12 * a, 0, deck + 0.18), (0.36 * a, 0.5 * w, 0.22), "body2", lean=-0.15)
    for _, _, side in fig.sides():
        for i in range(3):
            side.ellipsoid(
                f"port{i}", ((0.08 - 0.2 * i) * a, 0.5 * w, deck + 0.2), (0.06 * a, 0.03, 0.1), "glass"
            )
    half = (0.2 * a, 0.5 * w, 0.03)
    fig.slanted("cockpit", (-0.72 * a, 0, deck - 0.72 * sheer), half, "wood", dive=-0.4 * sheer)
    fig.box("rudder", (-1.06 * a, 0, 0.2 * deck), (0.08 * a, 0.04, 0.5 * deck), "trim2")
    fig.limb("pennant", top + (-0.35, 0.05, -0.06), top + (0, 0, -0.06), (0.02, 0.12), "red", top=0.6)
    # The mainsail always swings to port here, the foresail to starboard.
    fig.name(Mast_Top=("mast", 0, 0, 1), Sail_Left=("mainsail", 1, 0, -1), Sail_Right=("foresail", 1, 0, -1))


def _motorboat(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
    """A cuddy with a raked windscreen, a hardtop, a dark cockpit, an outboard motor and a rail."""
    tall = vary(rng, 0.75, 0.25)
    x = rng.uniform(-0.15, 0.1) * a
    bow, roof = x + 0.3 * a, deck + 0.34 + tall
    cuddy, screen = (0.3 * a, 0.45 * w, 0.2), (0.22 * a, 0.62 * w, tall / 2)
    fig.slanted("cuddy", (x + 0.35 * a, 0, deck + 0.12), cuddy, "body2", dive=0.1, lean=-0.3)
    fig.slanted("windscreen", (x, 0, deck + 0.3 + tall / 2), screen, "glass", lean=-0.5 * tall)
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
        side.box(
            "seat", (-0.62 * a, 0.38 * w, deck - 0.62 * sheer + 0.05), (0.1 * a, 0.22 * w, 0.25), "trim2"
        )
    half = (0.42 * a, 0.66 * w, 0.03)
    fig.slanted("cockpit", (-0.5 * a, 0, deck - 0.5 * sheer - 0.01), half, "dark", dive=-0.84 * sheer)
    fig.box("motor", (-1.1 * a, 0, 0.85 * deck), (0.1 * a, 0.24, 0.32), "dark")
    fig.box("motor_leg", (-1.1 * a, 0, 0.3 * deck), (0.05 * a, 0.07, 0.4 * deck), "metal")
    fig.limb("flagpole", (-0.95 * a, 0, deck - sheer), (-1.1 * a, 0, deck + 0.7), 0.025, "wood")


def _ship(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
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
    fig.limb("funnel", low, low + up, (0.4, 0.55), "body")
    fig.limb("funnel_band", low + 0.6 * up, low + 0.8 * up, (0.43, 0.58), "trim2")
    fig.limb("funnel_rim", low + 0.97 * up, low + 1.02 * up, (0.41, 0.56), "dark")
    foot = np.array([0.66 * a, 0, deck])
    top = foot + (-0.2, 0, vary(rng, 4.4, 0.15))
    fig.limb("mast", foot, top, 0.12, "wood", top=0.6)
    fig.within(at=foot + 0.75 * (top - foot)).limb("yard", (0, -0.9, 0), (0, 0.9, 0), 0.06, "wood")
    fig.limb("derrick", foot + (0, 0, 0.5), foot + (0.2 * a, 0, 2.3), 0.07, "metal")
    fig.box("hatch", (0.6 * a, 0, deck + 0.25), (0.09 * a, 0.4 * w, 0.25), "wood")
    for _, _, side in fig.sides():
        for i, x in enumerate((-0.3, -0.02)):
            place, half = (x * a, 0.72 * w, deck + 1.35 * storey), (0.08 * a, 0.25, 0.24)
            side.ellipsoid(f"lifeboat{i}", place, half, "trim2")
        stock, fluke = (0.82 * a, 0.35 * w, 0.75 * deck), (0.8 * a, 0.5 * w, 0.7 * deck)
        side.limb("anchor", stock, fluke, 0.2, "dark")
    fig.name(Mast_Top=("mast", 0, 0, 1))


def _rowboat(fig: Figure, rng, a: float, w: float, deck: float, sheer: float) -> None:
    """An open inside with three thwarts, and two oars at any angle."""
    low, high = (0, 0, deck - 0.03), (0, 0, deck + 0.012)
    fig.blade("inside", low, high, (0.9 * a, 0, 0.9 * sheer), (0, 0.86 * w, 0), "dark", taper=1.0)
    half = (0.46 * a, 0.72 * w, 0.02)
    fig.slanted("inside_aft", (-0.48 * a, 0, deck - 0.48 * sheer), half, "dark", dive=-0.92 * sheer)
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


TRAIN_VIEWS = ((0, 12, 1), (38, 14, 2), (-38, 14, 2), (72, 12, 1), (-72, 12, 1))

ROAD = ("street", "street", "field")
VEHICLES: dict[str, Category] = {
    "aeroplane": Category(
        aeroplane, tuple(PLANES), SIDE_VIEWS, (-5, 5, 30), ("sky", "street", "field"), 14.0, "paint"
    ),
    "bicycle": Category(bicycle, tuple(BICYCLES), SIDE_VIEWS, (0, 6, 30), (*ROAD, "room"), 1.9, "paint"),
    "boat": Category(boat, tuple(BOATS), SIDE_VIEWS, (0, 6, 30), ("water", "water", "water", "field"), 9.0, "paint"),
    "bus": Category(bus, tuple(BUSES), SIDE_VIEWS, (0, 5, 25), ROAD, 11.0, "paint"),
    "car": Category(car, tuple(CARS), SIDE_VIEWS, (0, 8, 35), ROAD, 5.0, "paint"),
    "motorbike": Category(motorbike, tuple(MOTORBIKES), SIDE_VIEWS, (0, 6, 30), ROAD, 2.3, "paint"),
    "train": Category(train, tuple(TRAINS), TRAIN_VIEWS, (0, 6, 25), ROAD, 16.0, "paint"),
}
