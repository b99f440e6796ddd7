"""Vehicles: aeroplane, boat and train here; the road's in `road` and `cycles`."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.datasets.figurines.figure import SIDE_VIEWS, Category, Figure, turn
from corrlib.datasets.figurines.models.cycles import MOTORBIKES, bicycle, motorbike
from corrlib.datasets.figurines.models.parts import SIDES, blade, slanted, vary, wheel
from corrlib.datasets.figurines.models.road import BUSES, CARS, bus, car

PLANES = {
    # half length of the cylinder, fuselage radius, nose, tail | wing: x, z (in radii), half span, chord, sweep (x per y), dihedral | stabilizer span, fin
    "airliner": (3.0, 0.48, 1.0, 2.3, 0.6, -0.45, 4.6, 1.5, 0.48, 0.10, 1.7, 1.6),
    "fighter": (2.0, 0.50, 2.3, 1.2, -1.0, -0.05, 2.3, 3.0, 0.52, 0.0, 1.4, 1.5),
    "propeller": (2.3, 0.50, 0.9, 2.0, 0.8, 0.8, 4.2, 1.1, 0.04, 0.03, 1.6, 1.4),
    "biplane": (0.9, 0.42, 0.6, 2.0, 0.5, -0.8, 2.9, 1.0, 0.0, 0.05, 1.0, 0.8),
}


def aeroplane(rng: np.random.Generator, subtype: str) -> Figure:
    """Build an aeroplane: fuselage, nose and tail cone, swept or straight wings, fin and stabilizers, engines or propellers."""
    a, r, nose, tail, wing_x, wing_z, span, chord, sweep, rise, stab, fin = PLANES[subtype]
    a, r, nose, tail, span, chord, stab, fin = (vary(rng, v, 0.15) for v in (a, r, nose, tail, span, chord, stab, fin))
    sweep, rise = vary(rng, sweep, 0.2), rise + rng.uniform(-0.03, 0.05)
    fig = Figure()
    fig.limb("fuselage", (-a, 0, 0), (a, 0, 0), r, "body")
    fig.ellipsoid("nose", (a, 0, 0), (nose, r, r), "body")
    lift = 0.6 * r if subtype != "fighter" else 0.1 * r
    blade(fig, "tail", (-a, 0, 0), (-a - tail, 0, lift), (0, r, 0), (0, 0, r), "body", taper=0.25 if subtype != "fighter" else 0.7)
    end = -a - tail
    flat = 0.06 * chord if subtype != "fighter" else 0.025 * chord
    out = np.sqrt(1 - min(abs(wing_z), 0.95) ** 2) * r
    tip_ratio = {"airliner": 0.3, "fighter": 0.2, "propeller": 0.6, "biplane": 0.85}[subtype]
    for side, s in SIDES:
        letter = side[0].upper()
        root = np.array([wing_x, s * out, wing_z * r])
        tip = root + np.array([-sweep * span, s * span, rise * span])
        blade(fig, f"{side}_wing", root, tip, (chord / 2, 0, 0), (0, 0, flat), "body2", taper=tip_ratio)
        if subtype == "biplane":
            up = np.array([0.25, 0, 2.9 * r])
            blade(fig, f"{side}_upper_wing", (wing_x + 0.25, 0, 2.1 * r), tip + up, (chord / 2, 0, 0), (0, 0, flat), "body2", taper=0.85)
            for i, x in enumerate((0.3, -0.3)):
                foot = root + 0.7 * (tip - root) + (x * chord, 0, 0)
                fig.limb(f"{side}_strut{i}", foot, foot + up, 0.04, "wood")
        foot = np.array([end + 0.35 * tail, s * 0.25 * r, 0.7 * lift])
        blade(fig, f"{side}_stabilizer", foot, foot + np.array([-0.35 * stab * (sweep + 0.3), s * stab, 0.04 * stab]),
              (0.3 * tail if subtype != "fighter" else 0.7, 0, 0), (0, 0, 0.05), "trim", taper=0.5)
        fig.keypoint(f"{letter}_WingTip", f"{side}_wing", (0, 0, 1))
        fig.keypoint(f"{letter}_Stabilizer", f"{side}_stabilizer", (0, 0, 1))
        fig.keypoint(f"{side.capitalize()}_Wing_Base", f"{side}_wing", (1, 0, -1))
        if subtype in ("airliner", "propeller"):
            share = vary(rng, 0.34, 0.15)
            hang = root + share * (tip - root) + np.array([0.45 * chord * (1 - share / 2), 0, -0.55 * r if subtype == "airliner" else -0.1 * r])
            reach, size = vary(rng, 0.6, 0.2), vary(rng, 0.3 if subtype == "airliner" else 0.22, 0.15)
            fig.limb(f"{side}_engine", hang - (reach, 0, 0), hang + (reach, 0, 0), 0.65 * size, "trim2", top=1.5)
            fig.limb(f"{side}_intake", hang + (0.98 * reach, 0, 0), hang + (1.02 * reach, 0, 0), 0.75 * size, "dark")
            fig.keypoint(f"{side.capitalize()}_Engine_Front", f"{side}_engine", (0, 0, 1))
            fig.keypoint(f"{side.capitalize()}_Engine_Back", f"{side}_engine", (0, 0, -1))
            if subtype == "airliner":
                fig.box(f"{side}_pylon", hang + (-0.2, 0, 0.3 * r), (0.4, 0.04, 0.3 * r), "trim2")
            else:
                _propeller(fig, f"{side}_propeller", hang + (1.1 * reach, 0, 0), 0.85, rng.uniform(0, 90))
    blade(fig, "fin", (end + 0.4 * tail, 0, lift + 0.15 * r), (end - 0.1 * tail, 0, lift + 0.15 * r + fin),
          (0.38 * tail if subtype != "fighter" else 0.8, 0, 0), (0, 0.06, 0), "trim", taper=0.5)
    fig.keypoint("Bot_Rudder_Front", "fin", (1, 0, -0.8))
    fig.keypoint("Bot_Rudder", "fin", (-1, 0, -1))
    fig.keypoint("Top_Rudder", "fin", (-0.5, 0, 1))
    fig.keypoint("NoseTip", "nose", (1, 0, 0))
    fig.keypoint("Nose_Top", "nose", (0.28, 0, 0.96))
    fig.keypoint("Nose_Bottom", "nose", (0.28, 0, -0.96))

    if subtype in ("airliner", "propeller"):
        count = 8 if subtype == "airliner" else 5
        fig.ellipsoid("cockpit", (a + 0.45 * nose, 0, 0.42 * r), (0.26 * nose, 0.8 * r, 0.3 * r), "glass")
        for side, s in SIDES:
            for i, x in enumerate(np.linspace(0.8 * a, -0.9 * a, count)):
                fig.ellipsoid(f"{side}_window{i}", (x, s * 0.955 * r, 0.26 * r), (0.6 * a / count, 0.05, 0.15 * r), "glass")
            fig.box(f"{side}_door", (0.97 * a, s * 0.96 * r, 0.12 * r), (0.12, 0.05 * r, 0.34 * r), "trim")
    else:
        x = 0.75 * a if subtype == "fighter" else -0.35 * a
        fig.ellipsoid("canopy", (x, 0, 0.9 * r), (0.95 if subtype == "fighter" else 0.4, 0.55 * r, 0.6 * r), "glass")
    if subtype == "fighter":
        fig.limb("nozzle", (end + 0.1, 0, lift), (end - 0.35, 0, lift), 0.68 * r, "dark", top=0.8)
        for side, s in SIDES:
            fig.box(f"{side}_intake", (0.3 * a, s * 1.05 * r, -0.2 * r), (0.5 * a, 0.3 * r, 0.5 * r), "body2")
            fig.box(f"{side}_intake_mouth", (0.8 * a, s * 1.05 * r, -0.2 * r), (0.02, 0.24 * r, 0.42 * r), "dark")
            at = np.array([wing_x - 0.75 * sweep * span, s * (out + 0.75 * span), wing_z * r - 0.2])
            fig.limb(f"{side}_missile", at - (0.6, 0, 0), at + (0.7, 0, 0), 0.08, "light", top=0.6)
    if subtype == "biplane":
        fig.limb("cowling", (a - 0.05, 0, 0), (a + 0.5 * nose, 0, 0), 1.12 * r, "metal")
        _propeller(fig, "propeller", (a + 1.05 * nose, 0, 0), 1.15, rng.uniform(0, 90))
        for side, s in SIDES:
            fig.limb(f"{side}_cabane", (0.5, s * 0.4 * r, 0.8 * r), (0.7, s * 0.5 * r, 2.1 * r), 0.04, "wood")
    if subtype != "fighter":
        drop, size = (1.6 * r + 0.35, 0.24) if subtype != "biplane" else (1.9 * r + 0.2, 0.3)
        gears = {"left": (wing_x - 0.2, 0.75), "right": (wing_x - 0.2, -0.75)}
        gears["rear" if subtype == "biplane" else "front"] = (end + 0.3, 0) if subtype == "biplane" else (a + 0.1, 0)
        for name, (x, y) in gears.items():
            low = -drop if name != "rear" else -0.3 * r
            fig.limb(f"{name}_gear", (x, 0.5 * y, -0.6 * r if name != "rear" else lift), (x, y, low), 0.05, "metal")
            wheel(fig, f"{name}_wheel", (x, y, low), size if name != "rear" else 0.14, 0.1, hole=0.5, hub=0.5)
    return fig


def _propeller(fig: Figure, name: str, centre, radius: float, angle: float) -> None:
    """Add a spinner and two crossed pairs of blades, turned by `angle` degrees."""
    centre = np.asarray(centre, float)
    fig.limb(f"{name}_spinner", centre - (0.15, 0, 0), centre + (0.25, 0, 0), 0.14, "metal", top=0.2)
    for i in range(2):
        fig.ellipsoid(f"{name}_blade{i}", centre, (0.03, 0.09, radius), "dark", rotation=turn(roll=angle + 90 * i))


BOATS = {
    # half length, half width, height of the hull, sheer (rise of the bow), rake of the bow
    "sloop": (4.0, 1.15, 1.0, 0.30, 0.5),
    "motorboat": (3.2, 1.15, 1.1, 0.35, 0.9),
    "ship": (8.0, 1.7, 1.9, 0.55, 0.8),
    "rowboat": (2.0, 0.70, 0.65, 0.22, 0.25),
}
KEEL = 0.7  # the hull's width and length at its foot, of those at deck level


def boat(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a boat: a hull with a pointed bow and a transom, and what its kind carries on deck."""
    a, w, deck, sheer, rake = (vary(rng, v, 0.18) for v in BOATS[subtype])
    fig = Figure()
    blade(fig, "hull", (0, 0, deck), (-rake * 0.5, 0, 0), (a, 0, sheer), (0, w, 0), "body", taper=KEEL)
    blade(fig, "stripe", (-0.08 * rake, 0, 0.86 * deck), (-0.13 * rake, 0, 0.74 * deck), (0.97 * a, 0, 0.97 * sheer), (0, 0.97 * w, 0),
          "trim", taper=0.965)
    wide = 0.86 * w
    for side, s in SIDES:
        slanted(fig, f"{side}_stern", (-a / 2 - 0.2 * rake, s * (wide * (1 + KEEL) / 2 - wide / 2), (deck - sheer) / 2 + 0.04 * deck),
                (a / 2, wide / 2, 0.46 * deck), "body", dive=-sheer, flare=s * wide * (1 - KEEL), lean=0.1 * rake)
        letter = side.capitalize()
        fig.keypoint(f"Hull_Mid_{letter}_Top", "hull", (0, s, -1))
        fig.keypoint(f"Hull_Mid_{letter}_Bot", "hull", (0, s * KEEL, 1))
    fig.keypoint("Hull_Front_Top", "hull", (1, 0, -1))
    fig.keypoint("Hull_Front_Bot", "hull", (KEEL, 0, 1))
    fig.keypoint("Hull_Back_Top", "left_stern", (-1, -1, 1))
    fig.keypoint("Hull_Back_Bot", "left_stern", (-1, 1 - 2 * KEEL, -1))
    {"sloop": _sloop, "motorboat": _motorboat, "ship": _ship, "rowboat": _rowboat}[subtype](fig, rng, a, w, deck)
    return fig


def _sloop(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float) -> None:
    """Mast, boom, mainsail to port and foresail to starboard, a low cabin, a rudder."""
    foot = np.array([0.12 * a, 0, deck])
    top = foot + (-0.1, 0, vary(rng, 2.3 * a, 0.25))
    fig.limb("mast", foot, top, 0.09, "wood", top=0.6)
    swing, slack = np.radians(rng.uniform(4, 60)), np.radians(rng.uniform(4, 45))
    boom = vary(rng, 0.95 * a, 0.15) * np.array([-np.cos(swing), np.sin(swing), 0])
    low = foot + (0, 0, vary(rng, 0.75, 0.2))
    fig.limb("boom", low, low + boom, 0.06, "wood")
    flat = np.array([boom[1], -boom[0], 0]) / np.linalg.norm(boom) * 0.03
    blade(fig, "mainsail", low + boom / 2 + (0, 0, 0.1), top - (0.05, 0, 0.1), boom / 2, flat, "light", taper=0.03)
    tack = np.array([0.93 * a, 0, deck + 0.35])
    sheet = vary(rng, 0.72 * a, 0.15) * np.array([-np.cos(slack), -np.sin(slack), 0.0])
    flat = np.array([sheet[1], -sheet[0], 0]) / np.linalg.norm(sheet) * 0.03
    blade(fig, "foresail", tack + sheet / 2, foot + 0.85 * (top - foot), sheet / 2, flat, "trim2", taper=0.03)
    fig.limb("forestay", tack, top, 0.02, "metal")
    slanted(fig, "cabin", (-0.12 * a, 0, deck + 0.18), (0.36 * a, 0.5 * w, 0.22), "body2", lean=-0.15)
    for side, s in SIDES:
        for i in range(3):
            fig.ellipsoid(f"{side}_port{i}", ((0.08 - 0.2 * i) * a, s * 0.5 * w, deck + 0.2), (0.06 * a, 0.03, 0.1), "glass")
    fig.box("cockpit", (-0.72 * a, 0, deck - 0.16), (0.2 * a, 0.5 * w, 0.05), "wood")
    fig.box("rudder", (-1.06 * a, 0, 0.2 * deck), (0.08 * a, 0.04, 0.5 * deck), "trim2")
    fig.limb("pennant", top + (-0.35, 0.05, -0.06), top + (0, 0, -0.06), (0.02, 0.12), "red", top=0.6)
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))
    # The sails' free corners: in this world the mainsail's always swings to port, the foresail's to starboard.
    fig.keypoint("Sail_Left", "mainsail", (1, 0, -1))
    fig.keypoint("Sail_Right", "foresail", (1, 0, -1))


def _motorboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float) -> None:
    """A cuddy with a raked windscreen, a hardtop, a dark cockpit, an outboard motor and a rail."""
    tall = vary(rng, 0.75, 0.25)
    x = rng.uniform(-0.15, 0.1) * a
    slanted(fig, "cuddy", (x + 0.35 * a, 0, deck + 0.12), (0.38 * a, 0.6 * w, 0.2), "body2", dive=0.1, lean=-0.3)
    slanted(fig, "windscreen", (x, 0, deck + 0.3 + tall / 2), (0.22 * a, 0.62 * w, tall / 2), "glass", lean=-0.5 * tall)
    fig.box("hardtop", (x - 0.3 * tall, 0, deck + 0.34 + tall), (0.28 * a, 0.7 * w, 0.06), "body")
    for side, s in SIDES:
        fig.limb(f"{side}_post", (x - 0.42 * a, s * 0.62 * w, deck - 0.2), (x - 0.3 * a, s * 0.62 * w, deck + 0.34 + tall), 0.05, "metal")
        fig.limb(f"{side}_rail", (x + 0.3 * a, s * 0.72 * w, deck + 0.5), (0.92 * a, s * 0.12 * w, deck + 0.75), 0.035, "metal")
        for i, t in enumerate((0.2, 0.6, 0.95)):
            px, py = x + 0.3 * a + t * (0.62 * a - x), s * (0.72 - 0.6 * t) * w
            fig.limb(f"{side}_stanchion{i}", (px, py, deck), (px, py, deck + 0.5 + 0.25 * t), 0.03, "metal")
        fig.ellipsoid(f"{side}_port", (x + 0.35 * a, s * 0.6 * w, deck + 0.15), (0.16 * a, 0.03, 0.1), "glass")
        fig.box(f"{side}_seat", (-0.62 * a, s * 0.38 * w, deck - 0.05), (0.1 * a, 0.22 * w, 0.25), "trim2")
    fig.box("cockpit", (-0.5 * a, 0, deck - 0.15), (0.42 * a, 0.66 * w, 0.06), "dark")
    fig.box("motor", (-1.1 * a, 0, 0.85 * deck), (0.1 * a, 0.24, 0.32), "dark")
    fig.box("motor_leg", (-1.1 * a, 0, 0.3 * deck), (0.05 * a, 0.07, 0.4 * deck), "metal")
    fig.limb("flagpole", (-0.95 * a, 0, deck - 0.2), (-1.1 * a, 0, deck + 0.7), 0.025, "wood")


def _ship(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float) -> None:
    """Two storeys with rows of windows, a bridge, a raked funnel, a mast, lifeboats."""
    storey = vary(rng, 0.95, 0.15)
    for i, (x, half) in enumerate(((-0.12, 0.62), (-0.16, 0.48))):
        z = deck + (i + 0.45) * storey
        fig.box(f"storey{i}", (x * a, 0, z), (half * a, (0.74 - 0.1 * i) * w, storey / 2), "light" if i else "body2")
        for side, s in SIDES:
            for k in range(6):
                fig.box(f"{side}_window{i}{k}", ((x + half * (0.82 - 0.32 * k)) * a, s * (0.74 - 0.1 * i) * w, z + 0.08),
                        (0.1 * half * a, 0.03, 0.2 * storey), "glass")
    bridge = deck + 2.3 * storey
    fig.box("bridge", (0.18 * a, 0, bridge), (0.13 * a, 0.7 * w, 0.45 * storey), "trim")
    fig.box("bridge_window", (0.31 * a, 0, bridge + 0.1), (0.02 * a, 0.6 * w, 0.2 * storey), "glass")
    low, rise = np.array([-0.25 * a, 0, deck + 1.8 * storey]), vary(rng, 1.7, 0.25)
    fig.limb("funnel", low, low + (-0.25 * rise, 0, rise), (0.4, 0.55), "body")
    fig.limb("funnel_band", low + 0.6 * np.array([-0.25 * rise, 0, rise]), low + 0.8 * np.array([-0.25 * rise, 0, rise]), (0.43, 0.58), "trim2")
    fig.limb("funnel_rim", low + 0.97 * np.array([-0.25 * rise, 0, rise]), low + 1.02 * np.array([-0.25 * rise, 0, rise]), (0.41, 0.56), "dark")
    foot = np.array([0.66 * a, 0, deck])
    top = foot + (-0.2, 0, vary(rng, 4.4, 0.15))
    fig.limb("mast", foot, top, 0.12, "wood", top=0.6)
    fig.limb("yard", foot + 0.75 * (top - foot) - (0, 0.9, 0), foot + 0.75 * (top - foot) + (0, 0.9, 0), 0.06, "wood")
    fig.limb("derrick", foot + (0, 0, 0.5), foot + (0.2 * a, 0, 2.3), 0.07, "metal")
    fig.box("hatch", (0.6 * a, 0, deck + 0.25), (0.09 * a, 0.4 * w, 0.25), "wood")
    for side, s in SIDES:
        for i, x in enumerate((-0.3, -0.02)):
            fig.ellipsoid(f"{side}_lifeboat{i}", (x * a, s * 0.72 * w, deck + 1.35 * storey), (0.08 * a, 0.25, 0.24), "trim2")
        fig.limb(f"{side}_anchor", (0.82 * a, s * 0.35 * w, 0.75 * deck), (0.8 * a, s * 0.5 * w, 0.7 * deck), 0.2, "dark")
    fig.keypoint("Mast_Top", "mast", (0, 0, 1))


def _rowboat(fig: Figure, rng: np.random.Generator, a: float, w: float, deck: float) -> None:
    """An open inside with three thwarts, and two oars at any angle."""
    blade(fig, "inside", (0, 0, deck - 0.02), (0, 0, deck + 0.015), (0.9 * a, 0, 0.2 * a / 2), (0, 0.86 * w, 0), "dark", taper=1.0)
    fig.box("inside_aft", (-0.5 * a, 0, deck - 0.12), (0.46 * a, 0.72 * w, 0.03), "dark")
    for i, x in enumerate((0.42, -0.02, -0.5)):
        fig.box(f"thwart{i}", (x * a, 0, deck + 0.03 + 0.1 * x), (0.09 * a, (0.72 if i == 0 else 0.86) * w, 0.04), "wood")
    sweep, dip = rng.uniform(-40, 40), rng.uniform(5, 30)
    for side, s in SIDES:
        lock = np.array([0.1 * a, s * 0.9 * w, deck + 0.1])
        arm = turn(yaw=-s * sweep) @ (0, s * np.cos(np.radians(dip)), -np.sin(np.radians(dip)))
        reach = 0.75 * a
        fig.limb(f"{side}_oar", lock - 0.4 * reach * arm, lock + reach * arm, 0.035, "wood")
        fig.limb(f"{side}_oar_blade", lock + reach * arm, lock + 1.45 * reach * arm, (0.03, 0.1), "trim2", top=1.3)
        fig.ellipsoid(f"{side}_rowlock", lock, (0.06, 0.04, 0.09), "metal")


TRAINS = {
    # half length of the engine, half width, height, half length of a coach
    "diesel": (3.0, 1.35, 3.3, 2.5),
    "bullet": (2.4, 1.4, 3.0, 2.7),
    "commuter": (2.6, 1.4, 3.4, 2.6),
    "steam": (2.7, 1.2, 3.3, 2.3),
}


def train(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a train on its rails: an engine (boiler, box or wedge) and two coaches behind it."""
    a, w, height, b = (vary(rng, v, 0.12) for v in TRAINS[subtype])
    clear = vary(rng, 0.75, 0.15)
    fig = Figure()
    h, middle = (height - clear) / 2, (height + clear) / 2
    if subtype == "steam":
        _steam_engine(fig, rng, a, w, height, clear)
    else:
        _box_engine(fig, rng, subtype, a, w, h, middle)
    for i in range(2):
        x = -a - 0.25 - b - i * (2 * b + 0.25)
        fig.box(f"coach{i}", (x, 0, middle), (b, w, h), "body" if subtype != "diesel" else "trim2")
        fig.box(f"coach{i}_roof", (x, 0, height - 0.06), (b - 0.03, w + 0.03, 0.1), "metal")
        fig.box(f"bellows{i}", (x + b + 0.12, 0, middle), (0.2, 0.75 * w, 0.9 * h), "dark")
        for side, s in SIDES:
            for k in range(4):
                fig.box(f"{side}_coach{i}_window{k}", (x + b * (0.72 - 0.48 * k), s * w, middle + 0.3 * h), (0.16 * b, 0.02, 0.28 * h), "glass")
            fig.box(f"{side}_coach{i}_band", (x, s * w, middle - 0.25 * h), (b, 0.015, 0.08 * h), "trim")
        _bogies(fig, f"coach{i}", x, b, w, clear)
    rear = -a - 0.5 - 4 * b
    for side, s in SIDES:
        fig.box(f"{side}_rail", ((a + 0.5 + rear) / 2, s * 0.72, 0.06), ((a + 1.1 - rear) / 2, 0.07, 0.06), "metal")
    for i in range(9):
        x = rear + (i + 0.5) / 9 * (a + 1 - rear)
        fig.box(f"sleeper{i}", (x, 0, -0.05), (0.18, 1.3, 0.06), "wood")
    for side, s in SIDES:
        letter = side.capitalize()
        fig.keypoint(f"Roof_Back_{letter}", "coach1_roof", (-1, s, 1))
        fig.keypoint(f"Base_Back_{letter}", "coach1", (-1, s, -1))
    return fig


def _bogies(fig: Figure, name: str, x: float, half: float, w: float, clear: float) -> None:
    """Add two dark bogies with two axles each, the wheels drawn as one cylinder across."""
    for i, at in enumerate((x + 0.62 * half, x - 0.62 * half)):
        fig.box(f"{name}_bogie{i}", (at, 0, 0.75 * clear), (0.3 * half, 0.7 * w, 0.25 * clear), "dark")
        for j, shift in enumerate((0.2, -0.2)):
            axle = np.array([at + shift * half, 0, 0.38 + 0.1])
            fig.limb(f"{name}_wheels{i}{j}", axle - (0, 0.78 * w, 0), axle + (0, 0.78 * w, 0), 0.38, "metal")


def _box_engine(fig: Figure, rng: np.random.Generator, subtype: str, a: float, w: float, h: float, middle: float) -> None:
    """A diesel (hood in front of a cab), a bullet's long nose or a commuter's flat face with a door."""
    fig.box("engine", (0, 0, middle), (a, w, h), "body")
    _bogies(fig, "engine", 0, a, w, middle - h)
    low, face = middle - h, a
    pane = middle + 0.42 * h
    if subtype == "bullet":
        nose = vary(rng, 2.2, 0.25)
        fig.ellipsoid("nose", (a, 0, low + 0.75 * h), (nose, w, 0.75 * h), "body")
        fig.ellipsoid("nose_top", (a, 0, middle), (0.75 * nose, 0.98 * w, h), "body")
        fig.ellipsoid("windscreen", (a + 0.42 * nose, 0, middle + 0.5 * h), (0.28 * nose, 0.62 * w, 0.3 * h), "glass")
        fig.ellipsoid("coupler", (a + 0.95 * nose, 0, low + 0.55 * h), (0.14 * nose, 0.3 * w, 0.2 * h), "trim")
        lamp = np.array([a + 0.72 * nose, 0.55 * w, low + 0.9 * h])
    else:
        for side, s in SIDES:
            fig.box(f"{side}_windscreen", (face, s * 0.55 * w, pane), (0.03, 0.32 * w, 0.3 * h), "glass")
            fig.limb(f"{side}_buffer", (face, s * 0.6 * w, low + 0.1), (face + 0.4, s * 0.6 * w, low + 0.1), 0.17, "metal")
        lamp = np.array([face, 0.62 * w, middle - 0.35 * h])
        fig.box("face_band", (face, 0, middle - 0.1 * h), (0.025, 0.99 * w, 0.1 * h), "trim2")
        fig.box("plough", (face + 0.12, 0, low - 0.15), (0.1, 0.8 * w, 0.2), "dark")
        fig.box("sign", (face, 0, middle + 0.86 * h), (0.04, 0.4 * w, 0.08 * h), "light")
    if subtype == "commuter":
        fig.box("face_door", (face, 0, middle - 0.1 * h), (0.04, 0.2 * w, 0.75 * h), "trim")
        fig.limb("pantograph_low", (-0.1 * a, 0, middle + h), (-0.35 * a, 0, middle + h + 0.45), 0.06, "metal")
        fig.limb("pantograph_high", (-0.35 * a, 0, middle + h + 0.45), (-0.1 * a, 0, middle + h + 0.9), 0.05, "metal")
        fig.limb("pantograph_bow", (-0.1 * a, -0.6 * w, middle + h + 0.9), (-0.1 * a, 0.6 * w, middle + h + 0.9), 0.06, "dark")
    for side, s in SIDES:
        fig.ellipsoid(f"{side}_headlight", lamp * (1, s, 1), (0.1 if subtype != "bullet" else 0.25, 0.16, 0.16), "light")
        fig.box(f"{side}_engine_band", (0, s * w, middle - 0.25 * h), (a, 0.015, 0.08 * h), "trim")
        fig.box(f"{side}_cab_window", (0.8 * a, s * w, pane), (0.12 * a, 0.02, 0.28 * h), "glass")
        fig.box(f"{side}_cab_door", (0.52 * a, s * w, middle), (0.11 * a, 0.025, 0.8 * h), "trim2")
        for k in range(3):
            if subtype == "diesel":
                fig.box(f"{side}_grille{k}", ((0.12 - 0.38 * k) * a, s * w, middle + 0.25 * h), (0.14 * a, 0.02, 0.35 * h), "dark")
            else:
                fig.box(f"{side}_engine_window{k}", ((0.16 - 0.38 * k) * a, s * w, middle + 0.3 * h), (0.15 * a, 0.02, 0.28 * h), "glass")
    if subtype == "diesel":
        fig.limb("stack", (-0.2 * a, 0, middle + h), (-0.2 * a, 0, middle + h + 0.3), (0.5, 0.35), "dark")
    for side, s in SIDES:
        fig.keypoint(f"Base_Front_{side.capitalize()}", "engine", (1, s, -1))
    fig.keypoint("Roof_Front_Middle", "engine", (1, 0, 1))


def _steam_engine(fig: Figure, rng: np.random.Generator, a: float, w: float, height: float, clear: float) -> None:
    """Boiler, smokebox, chimney, dome, cab and driving wheels with their rods; the tender is the cab's tail."""
    r = vary(rng, 0.72 * w, 0.1)
    z = clear + 0.35 + r
    fig.box("engine", (0, 0, clear), (a, w, 0.18), "dark")
    fig.limb("boiler", (-0.5 * a, 0, z), (0.75 * a, 0, z), r, "body")
    fig.limb("smokebox", (0.7 * a, 0, z), (0.98 * a, 0, z), 1.06 * r, "dark")
    fig.limb("smokebox_door", (0.98 * a, 0, z), (1.02 * a, 0, z), 0.75 * r, "metal")
    for i, x in enumerate((0.4, 0.0)):
        fig.limb(f"boiler_band{i}", (x * a, 0, z), ((x + 0.04) * a, 0, z), 1.03 * r, "trim")
    fig.limb("chimney", (0.82 * a, 0, z + 0.9 * r), (0.82 * a, 0, vary(rng, height + 0.5, 0.1)), 0.22, "dark", top=1.45)
    fig.ellipsoid("dome", (0.2 * a, 0, z + r), (0.35, 0.35, 0.5), "trim2")
    fig.box("cab", (-0.72 * a, 0, (clear + height) / 2), (0.26 * a, w, (height - clear) / 2), "body2")
    fig.box("cab_roof", (-0.72 * a, 0, height), (0.34 * a, 1.08 * w, 0.08), "dark")
    fig.ellipsoid("lamp", (0.98 * a, 0, z + 1.1 * r), (0.16, 0.2, 0.2), "light")
    angle = rng.uniform(0, 360)
    wheel_r = vary(rng, 0.62, 0.1)
    for side, s in SIDES:
        fig.box(f"{side}_cab_window", (-0.72 * a, s * w, 0.72 * height), (0.15 * a, 0.02, 0.14 * height), "glass")
        fig.limb(f"{side}_cylinder", (0.55 * a, s * 0.85 * w, 0.75 * clear), (0.95 * a, s * 0.85 * w, 0.75 * clear), 0.3, "metal")
        fig.limb(f"{side}_buffer", (a, s * 0.65 * w, clear), (a + 0.4, s * 0.65 * w, clear), 0.16, "metal")
        pin = wheel_r * 0.5 * np.array([np.cos(np.radians(angle)), 0, np.sin(np.radians(angle))])
        for i, x in enumerate((0.3, -0.2, -0.7)):
            wheel(fig, f"{side}_driver{i}", (x * a, s * 0.8 * w, wheel_r + 0.1), wheel_r, 0.12, hole=0.8, hub=0.25, spokes=4, outward=s, slot="red")
        rod = np.array([0, s * (0.8 * w + 0.16), wheel_r + 0.1]) + pin
        fig.limb(f"{side}_rod", rod + (-0.7 * a, 0, 0), rod + (0.3 * a, 0, 0), 0.06, "metal")
    slanted(fig, "cowcatcher", (a + 0.2, 0, 0.45 * clear), (0.2, 0.85 * w, 0.3 * clear), "red", lean=-0.3)
    fig.box("beam", (a + 0.02, 0, clear), (0.06, w, 0.2), "red")
    for side, s in SIDES:
        fig.keypoint(f"Base_Front_{side.capitalize()}", "beam", (1, s, -1))
    fig.keypoint("Roof_Front_Middle", "smokebox", (0, -1, 1))


TRAIN_VIEWS = ((0, 12, 1), (38, 14, 2), (-38, 14, 2), (72, 12, 1), (-72, 12, 1))

VEHICLES: dict[str, Category] = {
    "aeroplane": Category(aeroplane, tuple(PLANES), SIDE_VIEWS, (-15, 25)),
    "bicycle": Category(bicycle, ("road", "mountain", "city"), SIDE_VIEWS, (0, 18)),
    "boat": Category(boat, tuple(BOATS), SIDE_VIEWS, (0, 22)),
    "bus": Category(bus, tuple(BUSES), SIDE_VIEWS, (0, 20)),
    "car": Category(car, tuple(CARS), SIDE_VIEWS, (0, 25)),
    "motorbike": Category(motorbike, tuple(MOTORBIKES), SIDE_VIEWS, (0, 18)),
    "train": Category(train, tuple(TRAINS), TRAIN_VIEWS, (0, 22)),
}
