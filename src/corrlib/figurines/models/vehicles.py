"""The seven vehicles by name, and the aeroplane."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn
from corrlib.figurines.models.bicycles import bicycle
from corrlib.figurines.models.boats import BOATS, boat
from corrlib.figurines.models.motorbikes import MOTORBIKES, motorbike
from corrlib.figurines.models.parts import SIDES, blade, vary, wheel
from corrlib.figurines.models.road import BUSES, CARS, bus, car
from corrlib.figurines.models.trains import TRAINS, train

PLANES = {
    # half length of the cylinder, fuselage radius, nose, tail, wing: x, z (in radii), half span, chord,
    # sweep (x per y), dihedral (z per y), span of a stabilizer, height of the fin
    "airliner": (3.0, 0.48, 1.0, 2.3, 0.6, -0.45, 4.6, 1.5, 0.48, 0.10, 1.7, 1.6),
    "fighter": (2.0, 0.50, 2.3, 1.2, -0.7, -0.05, 2.9, 3.0, 0.52, 0.0, 1.4, 1.5),
    "propeller": (2.3, 0.50, 0.9, 2.0, 0.8, 0.8, 4.2, 1.1, 0.04, 0.03, 1.6, 1.4),
    "biplane": (0.9, 0.42, 0.6, 2.0, 0.5, -0.8, 2.9, 1.0, 0.0, 0.05, 1.0, 0.8),
}


def aeroplane(rng: np.random.Generator, subtype: str) -> Figure:
    """Build an aeroplane: fuselage, nose, tail, wings, fin and stabilizers, engines or propellers."""
    a, r, nose, tail, wing_x, wing_z, span, chord, sweep, rise, stab, fin = PLANES[subtype]
    a, r, nose, tail, span, chord, stab, fin = (
        vary(rng, v, 0.15) for v in (a, r, nose, tail, span, chord, stab, fin)
    )
    sweep, rise = vary(rng, sweep, 0.2), rise + rng.uniform(-0.03, 0.05)
    fig = Figure()
    fig.limb("fuselage", (-a, 0, 0), (a, 0, 0), r, "body")
    fig.ellipsoid("nose", (a, 0, 0), (nose, r, r), "body")
    lift = 0.6 * r if subtype != "fighter" else 0.1 * r
    blade(
        fig,
        "tail",
        (-a, 0, 0),
        (-a - tail, 0, lift),
        (0, r, 0),
        (0, 0, r),
        "body",
        taper=0.25 if subtype != "fighter" else 0.7,
    )
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
            blade(
                fig,
                f"{side}_upper_wing",
                (wing_x + 0.25, 0, 2.1 * r),
                tip + up,
                (chord / 2, 0, 0),
                (0, 0, flat),
                "body2",
                taper=0.85,
            )
            for i, x in enumerate((0.3, -0.3)):
                foot = root + 0.7 * (tip - root) + (x * chord, 0, 0)
                fig.limb(f"{side}_strut{i}", foot, foot + up, 0.04, "wood")
        foot = np.array([end + 0.35 * tail, s * 0.25 * r, 0.7 * lift])
        blade(
            fig,
            f"{side}_stabilizer",
            foot,
            foot + np.array([-0.35 * stab * (sweep + 0.3), s * stab, 0.04 * stab]),
            (0.3 * tail if subtype != "fighter" else 0.7, 0, 0),
            (0, 0, 0.05),
            "trim",
            taper=0.5,
        )
        fig.keypoint(f"{letter}_WingTip", f"{side}_wing", (0, 0, 1))
        fig.keypoint(f"{letter}_Stabilizer", f"{side}_stabilizer", (0, 0, 1))
        fig.keypoint(f"{side.capitalize()}_Wing_Base", f"{side}_wing", (1, 0, -1))
        if subtype in ("airliner", "propeller"):
            share = vary(rng, 0.34, 0.15)
            hang = (
                root
                + share * (tip - root)
                + np.array(
                    [0.45 * chord * (1 - share / 2), 0, -0.55 * r if subtype == "airliner" else -0.1 * r]
                )
            )
            reach, size = vary(rng, 0.6, 0.2), vary(rng, 0.3 if subtype == "airliner" else 0.22, 0.15)
            fig.limb(
                f"{side}_engine", hang - (reach, 0, 0), hang + (reach, 0, 0), 0.65 * size, "trim2", top=1.5
            )
            fig.limb(
                f"{side}_intake",
                hang + (0.98 * reach, 0, 0),
                hang + (1.02 * reach, 0, 0),
                0.75 * size,
                "dark",
            )
            fig.keypoint(f"{side.capitalize()}_Engine_Front", f"{side}_engine", (0, 0, 1))
            fig.keypoint(f"{side.capitalize()}_Engine_Back", f"{side}_engine", (0, 0, -1))
            if subtype == "airliner":
                fig.box(f"{side}_pylon", hang + (-0.2, 0, 0.3 * r), (0.4, 0.04, 0.3 * r), "trim2")
            else:
                _propeller(fig, f"{side}_propeller", hang + (1.1 * reach, 0, 0), 0.85, rng.uniform(0, 90))
    blade(
        fig,
        "fin",
        (end + 0.4 * tail, 0, lift + 0.15 * r),
        (end - 0.1 * tail, 0, lift + 0.15 * r + fin),
        (0.38 * tail if subtype != "fighter" else 0.8, 0, 0),
        (0, 0.06, 0),
        "trim",
        taper=0.5,
    )
    fig.keypoint("Bot_Rudder_Front", "fin", (0.95, 0, -0.8))
    fig.keypoint("Bot_Rudder", "fin", (-1, 0, -1))
    fig.keypoint("Top_Rudder", "fin", (-0.5, 0, 1))
    fig.keypoint("NoseTip", "nose", (1, 0, 0))
    fig.keypoint("Nose_Top", "nose", (0.28, 0, 0.96))
    fig.keypoint("Nose_Bottom", "nose", (0.28, 0, -0.96))

    if subtype in ("airliner", "propeller"):
        count = 8 if subtype == "airliner" else 5
        fig.ellipsoid("cockpit", (a + 0.42 * nose, 0, 0.6 * r), (0.3 * nose, 0.74 * r, 0.3 * r), "glass")
        for side, s in SIDES:
            for i, x in enumerate(np.linspace(0.8 * a, -0.9 * a, count)):
                fig.ellipsoid(
                    f"{side}_window{i}",
                    (x, s * 0.955 * r, 0.26 * r),
                    (0.6 * a / count, 0.05, 0.15 * r),
                    "glass",
                )
            fig.box(f"{side}_door", (0.97 * a, s * 0.96 * r, 0.12 * r), (0.12, 0.05 * r, 0.34 * r), "trim")
    else:
        x = 0.75 * a if subtype == "fighter" else -0.35 * a
        fig.ellipsoid(
            "canopy", (x, 0, 0.9 * r), (0.95 if subtype == "fighter" else 0.4, 0.55 * r, 0.6 * r), "glass"
        )
    if subtype == "fighter":
        fig.limb("nozzle", (end + 0.1, 0, lift), (end - 0.35, 0, lift), 0.68 * r, "dark", top=0.8)
        for side, s in SIDES:
            fig.box(f"{side}_intake", (0.3 * a, s * 1.05 * r, -0.2 * r), (0.5 * a, 0.3 * r, 0.5 * r), "body2")
            fig.box(
                f"{side}_intake_mouth", (0.8 * a, s * 1.05 * r, -0.2 * r), (0.02, 0.24 * r, 0.42 * r), "dark"
            )
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
        gears["rear" if subtype == "biplane" else "front"] = (
            (end + 0.3, 0) if subtype == "biplane" else (a + 0.1, 0)
        )
        for name, (x, y) in gears.items():
            low = -drop if name != "rear" else -0.3 * r
            fig.limb(
                f"{name}_gear", (x, 0.5 * y, -0.6 * r if name != "rear" else lift), (x, y, low), 0.05, "metal"
            )
            wheel(fig, f"{name}_wheel", (x, y, low), size if name != "rear" else 0.14, 0.1, hole=0.5, hub=0.5)
    return fig


def _propeller(fig: Figure, name: str, centre, radius: float, angle: float) -> None:
    """Add a spinner and two crossed pairs of blades, turned by `angle` degrees."""
    centre = np.asarray(centre, float)
    fig.limb(f"{name}_spinner", centre - (0.15, 0, 0), centre + (0.25, 0, 0), 0.14, "metal", top=0.2)
    for i in range(2):
        fig.ellipsoid(
            f"{name}_blade{i}", centre, (0.03, 0.09, radius), "dark", rotation=turn(roll=angle + 90 * i)
        )


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
