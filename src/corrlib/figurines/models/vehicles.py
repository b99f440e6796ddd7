"""The seven vehicles by name, and the aeroplane."""

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn
from corrlib.figurines.models.boats import BOATS, boat
from corrlib.figurines.models.cycles import BICYCLES, MOTORBIKES, bicycle, motorbike
from corrlib.figurines.models.parts import vary, wheel
from corrlib.figurines.models.road import BUSES, CARS, bus, car
from corrlib.figurines.models.trains import TRAINS, train

PLANES = {
    # half length of the cylinder, fuselage radius, nose, tail, wing: x, z (in radii), half span, chord,
    # sweep (x per y), dihedral (z per y), taper, span of a stabilizer, height of the fin
    "airliner": (3.0, 0.48, 1.0, 2.3, 0.6, -0.45, 4.6, 1.5, 0.48, 0.10, 0.3, 1.7, 1.6),
    "fighter": (2.0, 0.50, 2.3, 1.2, -0.7, -0.05, 2.9, 3.0, 0.52, 0.0, 0.2, 1.4, 1.5),
    "propeller": (2.3, 0.50, 0.9, 2.0, 0.8, 0.8, 4.2, 1.1, 0.04, 0.03, 0.6, 1.6, 1.4),
    "biplane": (0.9, 0.42, 0.6, 2.0, 0.5, -0.8, 2.9, 1.0, 0.0, 0.05, 0.85, 1.0, 0.8),
}


def aeroplane(rng: np.random.Generator, subtype: str) -> Figure:
    """Build an aeroplane: fuselage, nose, tail, wings, fin and stabilizers, engines or propellers."""
    a, r, nose, tail, wing_x, wing_z, span, chord, sweep, rise, taper, stab, fin = PLANES[subtype]
    airliner, fighter, biplane = (subtype == name for name in ("airliner", "fighter", "biplane"))
    a, r, nose, tail, span, chord, stab, fin = (
        vary(rng, v, 0.15) for v in (a, r, nose, tail, span, chord, stab, fin)
    )
    sweep, rise = vary(rng, sweep, 0.2), rise + rng.uniform(-0.03, 0.05)
    fig = Figure()
    fig.limb("fuselage", (-a, 0, 0), (a, 0, 0), r, "body")
    fig.ellipsoid("nose", (a, 0, 0), (nose, r, r), "body")
    lift, narrow, flat = (0.1 * r, 0.7, 0.025 * chord) if fighter else (0.6 * r, 0.25, 0.06 * chord)
    end = -a - tail
    fig.blade("tail", (-a, 0, 0), (end, 0, lift), (0, r, 0), (0, 0, r), "body", taper=narrow)
    out = np.sqrt(1 - min(abs(wing_z), 0.95) ** 2) * r
    along, thin, up = (chord / 2, 0, 0), (0, 0, flat), np.array([0.25, 0, 2.9 * r])
    for name, _, side in fig.sides():
        letter = name.capitalize()
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
        side.keypoint(f"{letter[0]}_WingTip", "wing", (0, 0, 1))
        side.keypoint(f"{letter[0]}_Stabilizer", "stabilizer", (0, 0, 1))
        side.keypoint(f"{letter}_Wing_Base", "wing", (1, 0, -1))
        if subtype in ("airliner", "propeller"):
            share = vary(rng, 0.34, 0.15)
            below = np.array([0.45 * chord * (1 - share / 2), 0, (-0.55 if airliner else -0.1) * r])
            hang = root + share * (tip - root) + below
            reach, size = vary(rng, 0.6, 0.2), vary(rng, 0.3 if airliner else 0.22, 0.15)
            engine = side.within(at=hang)
            engine.limb("engine", (-reach, 0, 0), (reach, 0, 0), 0.65 * size, "trim2", top=1.5)
            engine.limb("intake", (0.98 * reach, 0, 0), (1.02 * reach, 0, 0), 0.75 * size, "dark")
            side.keypoint(f"{letter}_Engine_Front", "engine", (0, 0, 1))
            side.keypoint(f"{letter}_Engine_Back", "engine", (0, 0, -1))
            if airliner:
                engine.box("pylon", (-0.2, 0, 0.3 * r), (0.4, 0.04, 0.3 * r), "trim2")
            else:
                _propeller(engine.within(at=(1.1 * reach, 0, 0)), 0.85, rng.uniform(0, 90))
    foot, tip = (end + 0.4 * tail, 0, lift + 0.15 * r), (end - 0.1 * tail, 0, lift + 0.15 * r + fin)
    root_chord = (0.8 if fighter else 0.38 * tail, 0, 0)
    fig.blade("fin", foot, tip, root_chord, (0, 0.06, 0), "trim", taper=0.5)
    for name, part, u in (
        ("Bot_Rudder_Front", "fin", (0.95, 0, -0.8)),
        ("Bot_Rudder", "fin", (-1, 0, -1)),
        ("Top_Rudder", "fin", (-0.5, 0, 1)),
        ("NoseTip", "nose", (1, 0, 0)),
        ("Nose_Top", "nose", (0.28, 0, 0.96)),
        ("Nose_Bottom", "nose", (0.28, 0, -0.96)),
    ):
        fig.keypoint(name, part, u)

    if subtype in ("airliner", "propeller"):
        count = 8 if airliner else 5
        fig.ellipsoid("cockpit", (a + 0.42 * nose, 0, 0.6 * r), (0.3 * nose, 0.74 * r, 0.3 * r), "glass")
        for _, _, side in fig.sides():
            for i, x in enumerate(np.linspace(0.8 * a, -0.9 * a, count)):
                half = (0.6 * a / count, 0.05, 0.15 * r)
                side.ellipsoid(f"window{i}", (x, 0.955 * r, 0.26 * r), half, "glass")
            side.box("door", (0.97 * a, 0.96 * r, 0.12 * r), (0.12, 0.05 * r, 0.34 * r), "trim")
    else:
        x, long = (0.75 * a, 0.95) if fighter else (-0.35 * a, 0.4)
        fig.ellipsoid("canopy", (x, 0, 0.9 * r), (long, 0.55 * r, 0.6 * r), "glass")
    if fighter:
        fig.limb("nozzle", (end + 0.1, 0, lift), (end - 0.35, 0, lift), 0.68 * r, "dark", top=0.8)
        for _, _, side in fig.sides():
            y, z = 1.05 * r, -0.2 * r
            side.box("intake", (0.3 * a, y, z), (0.5 * a, 0.3 * r, 0.5 * r), "body2")
            side.box("intake_mouth", (0.8 * a, y, z), (0.02, 0.24 * r, 0.42 * r), "dark")
            rail = side.within(at=(wing_x - 0.75 * sweep * span, out + 0.75 * span, wing_z * r - 0.2))
            rail.limb("missile", (-0.6, 0, 0), (0.7, 0, 0), 0.08, "light", top=0.6)
    if biplane:
        fig.limb("cowling", (a - 0.05, 0, 0), (a + 0.5 * nose, 0, 0), 1.12 * r, "metal")
        _propeller(fig.within(at=(a + 1.05 * nose, 0, 0)), 1.15, rng.uniform(0, 90))
        for _, _, side in fig.sides():
            side.limb("cabane", (0.5, 0.4 * r, 0.8 * r), (0.7, 0.5 * r, 2.1 * r), 0.04, "wood")
    if not fighter:
        drop, size = (1.9 * r + 0.2, 0.3) if biplane else (1.6 * r + 0.35, 0.24)
        front = ("front", a + 0.1, 0, -0.6 * r, -drop, size)
        rear = ("rear", end + 0.3, 0, lift, -0.3 * r, 0.14)
        for name, x, y, high, low, radius in (
            ("left", wing_x - 0.2, 0.75, -0.6 * r, -drop, size),
            ("right", wing_x - 0.2, -0.75, -0.6 * r, -drop, size),
            rear if biplane else front,
        ):
            fig.limb(f"{name}_gear", (x, 0.5 * y, high), (x, y, low), 0.05, "metal")
            wheel(fig, f"{name}_wheel", (x, y, low), radius, 0.1, hole=0.5, hub=0.5)
    return fig


def _propeller(fig: Figure, radius: float, angle: float) -> None:
    """Add a spinner and two crossed pairs of blades, turned by `angle` degrees."""
    fig.limb("propeller_spinner", (-0.15, 0, 0), (0.25, 0, 0), 0.14, "metal", top=0.2)
    for i in range(2):
        way = turn(roll=angle + 90 * i)
        fig.ellipsoid(f"propeller_blade{i}", (0, 0, 0), (0.03, 0.09, radius), "dark", rotation=way)


TRAIN_VIEWS = ((0, 12, 1), (38, 14, 2), (-38, 14, 2), (72, 12, 1), (-72, 12, 1))

VEHICLES: dict[str, Category] = {
    "aeroplane": Category(aeroplane, tuple(PLANES), SIDE_VIEWS, (-15, 25)),
    "bicycle": Category(bicycle, tuple(BICYCLES), SIDE_VIEWS, (0, 18)),
    "boat": Category(boat, tuple(BOATS), SIDE_VIEWS, (0, 22)),
    "bus": Category(bus, tuple(BUSES), SIDE_VIEWS, (0, 20)),
    "car": Category(car, tuple(CARS), SIDE_VIEWS, (0, 25)),
    "motorbike": Category(motorbike, tuple(MOTORBIKES), SIDE_VIEWS, (0, 18)),
    "train": Category(train, tuple(TRAINS), TRAIN_VIEWS, (0, 22)),
}
