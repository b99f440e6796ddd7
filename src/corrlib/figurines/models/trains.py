"""Trains: a diesel, a bullet train, a commuter train, a steam train."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure
from corrlib.figurines.models.parts import SIDES, slanted, vary, wheel

TRAINS = {
    # half length of the engine, half width, height, half length of a coach
    "diesel": (2.6, 1.4, 3.4, 1.9),
    "bullet": (2.0, 1.4, 3.1, 2.1),
    "commuter": (2.3, 1.4, 3.4, 2.0),
    "steam": (2.6, 1.25, 3.4, 1.8),
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
            for k in range(3):
                fig.box(
                    f"{side}_coach{i}_window{k}",
                    (x + b * (0.62 - 0.62 * k), s * w, middle + 0.3 * h),
                    (0.22 * b, 0.02, 0.28 * h),
                    "glass",
                )
            fig.box(f"{side}_coach{i}_band", (x, s * w, middle - 0.25 * h), (b, 0.015, 0.08 * h), "trim")
        _bogies(fig, f"coach{i}", x, b, w, clear)
    rear = -a - 0.5 - 4 * b
    for side, s in SIDES:
        fig.box(
            f"{side}_rail",
            ((a + 0.5 + rear) / 2, s * 0.72, 0.06),
            ((a + 1.1 - rear) / 2, 0.07, 0.06),
            "metal",
        )
    for i in range(7):
        x = rear + (i + 0.5) / 7 * (a + 1 - rear)
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


def _box_engine(
    fig: Figure, rng: np.random.Generator, subtype: str, a: float, w: float, h: float, middle: float
) -> None:
    """A diesel (hood in front of a cab), a bullet's long nose or a commuter's flat face with a door."""
    fig.box("engine", (0, 0, middle), (a, w, h), "body")
    _bogies(fig, "engine", 0, a, w, middle - h)
    low, face = middle - h, a
    pane = middle + 0.42 * h
    if subtype == "bullet":
        nose = vary(rng, 2.2, 0.25)
        fig.ellipsoid("nose", (a, 0, low + 0.75 * h), (nose, w, 0.75 * h), "body")
        fig.ellipsoid("nose_top", (a, 0, middle), (0.75 * nose, 0.98 * w, h), "body")
        fig.ellipsoid(
            "windscreen", (a + 0.42 * nose, 0, middle + 0.5 * h), (0.28 * nose, 0.62 * w, 0.3 * h), "glass"
        )
        fig.ellipsoid(
            "coupler", (a + 0.95 * nose, 0, low + 0.55 * h), (0.14 * nose, 0.3 * w, 0.2 * h), "trim"
        )
        lamp = np.array([a + 0.72 * nose, 0.55 * w, low + 0.9 * h])
    else:
        for side, s in SIDES:
            fig.box(f"{side}_windscreen", (face, s * 0.55 * w, pane), (0.03, 0.32 * w, 0.3 * h), "glass")
            fig.limb(
                f"{side}_buffer",
                (face, s * 0.6 * w, low + 0.1),
                (face + 0.4, s * 0.6 * w, low + 0.1),
                0.17,
                "metal",
            )
        lamp = np.array([face, 0.62 * w, middle - 0.35 * h])
        fig.box("face_band", (face, 0, middle - 0.1 * h), (0.025, 0.99 * w, 0.1 * h), "trim2")
        fig.box("plough", (face + 0.12, 0, low - 0.15), (0.1, 0.8 * w, 0.2), "dark")
        fig.box("sign", (face, 0, middle + 0.86 * h), (0.04, 0.4 * w, 0.08 * h), "light")
    if subtype == "commuter":
        fig.box("face_door", (face, 0, middle - 0.1 * h), (0.04, 0.2 * w, 0.75 * h), "trim")
        fig.limb(
            "pantograph_low", (-0.1 * a, 0, middle + h), (-0.35 * a, 0, middle + h + 0.45), 0.06, "metal"
        )
        fig.limb(
            "pantograph_high",
            (-0.35 * a, 0, middle + h + 0.45),
            (-0.1 * a, 0, middle + h + 0.9),
            0.05,
            "metal",
        )
        fig.limb(
            "pantograph_bow",
            (-0.1 * a, -0.6 * w, middle + h + 0.9),
            (-0.1 * a, 0.6 * w, middle + h + 0.9),
            0.06,
            "dark",
        )
    for side, s in SIDES:
        fig.ellipsoid(
            f"{side}_headlight", lamp * (1, s, 1), (0.1 if subtype != "bullet" else 0.25, 0.16, 0.16), "light"
        )
        fig.box(f"{side}_engine_band", (0, s * w, middle - 0.25 * h), (a, 0.015, 0.08 * h), "trim")
        fig.box(f"{side}_cab_window", (0.8 * a, s * w, pane), (0.12 * a, 0.02, 0.28 * h), "glass")
        fig.box(f"{side}_cab_door", (0.52 * a, s * w, middle), (0.11 * a, 0.025, 0.8 * h), "trim2")
        for k in range(3):
            if subtype == "diesel":
                fig.box(
                    f"{side}_grille{k}",
                    ((0.12 - 0.38 * k) * a, s * w, middle + 0.25 * h),
                    (0.14 * a, 0.02, 0.35 * h),
                    "dark",
                )
            else:
                fig.box(
                    f"{side}_engine_window{k}",
                    ((0.16 - 0.38 * k) * a, s * w, middle + 0.3 * h),
                    (0.15 * a, 0.02, 0.28 * h),
                    "glass",
                )
    if subtype == "diesel":
        fig.limb("stack", (-0.2 * a, 0, middle + h), (-0.2 * a, 0, middle + h + 0.3), (0.5, 0.35), "dark")
    for side, s in SIDES:
        fig.keypoint(f"Base_Front_{side.capitalize()}", "engine", (1, s, -1))
    fig.keypoint("Roof_Front_Middle", "engine", (1, 0, 1))


def _steam_engine(
    fig: Figure, rng: np.random.Generator, a: float, w: float, height: float, clear: float
) -> None:
    """Add boiler, smokebox, chimney, dome, cab and driving wheels with their rods."""
    r = vary(rng, 0.72 * w, 0.1)
    z = clear + 0.35 + r
    fig.box("engine", (0, 0, clear), (a, w, 0.18), "dark")
    fig.limb("boiler", (-0.5 * a, 0, z), (0.75 * a, 0, z), r, "body")
    fig.limb("smokebox", (0.7 * a, 0, z), (0.98 * a, 0, z), 1.06 * r, "dark")
    fig.limb("smokebox_door", (0.98 * a, 0, z), (1.02 * a, 0, z), 0.75 * r, "metal")
    for i, x in enumerate((0.4, 0.0)):
        fig.limb(f"boiler_band{i}", (x * a, 0, z), ((x + 0.04) * a, 0, z), 1.03 * r, "trim")
    fig.limb(
        "chimney",
        (0.82 * a, 0, z + 0.9 * r),
        (0.82 * a, 0, vary(rng, height + 0.5, 0.1)),
        0.22,
        "dark",
        top=1.45,
    )
    fig.ellipsoid("dome", (0.2 * a, 0, z + r), (0.35, 0.35, 0.5), "trim2")
    fig.box("cab", (-0.72 * a, 0, (clear + height) / 2), (0.26 * a, w, (height - clear) / 2), "body2")
    fig.box("cab_roof", (-0.72 * a, 0, height), (0.34 * a, 1.08 * w, 0.08), "dark")
    fig.ellipsoid("lamp", (0.98 * a, 0, z + 1.1 * r), (0.16, 0.2, 0.2), "light")
    angle = rng.uniform(0, 360)
    wheel_r = vary(rng, 0.62, 0.1)
    for side, s in SIDES:
        fig.box(
            f"{side}_cab_window", (-0.72 * a, s * w, 0.72 * height), (0.15 * a, 0.02, 0.14 * height), "glass"
        )
        fig.limb(
            f"{side}_cylinder",
            (0.55 * a, s * 0.85 * w, 0.75 * clear),
            (0.95 * a, s * 0.85 * w, 0.75 * clear),
            0.3,
            "metal",
        )
        fig.limb(f"{side}_buffer", (a, s * 0.65 * w, clear), (a + 0.4, s * 0.65 * w, clear), 0.16, "metal")
        pin = wheel_r * 0.5 * np.array([np.cos(np.radians(angle)), 0, np.sin(np.radians(angle))])
        for i, x in enumerate((0.3, -0.2, -0.7)):
            wheel(
                fig,
                f"{side}_driver{i}",
                (x * a, s * 0.8 * w, wheel_r + 0.1),
                wheel_r,
                0.12,
                hole=0.8,
                hub=0.25,
                spokes=4,
                outward=s,
                slot="red",
            )
        rod = np.array([0, s * (0.8 * w + 0.16), wheel_r + 0.1]) + pin
        fig.limb(f"{side}_rod", rod + (-0.7 * a, 0, 0), rod + (0.3 * a, 0, 0), 0.06, "metal")
    slanted(fig, "cowcatcher", (a + 0.2, 0, 0.45 * clear), (0.2, 0.85 * w, 0.3 * clear), "red", lean=-0.3)
    fig.box("beam", (a + 0.02, 0, clear), (0.06, w, 0.2), "red")
    for side, s in SIDES:
        fig.keypoint(f"Base_Front_{side.capitalize()}", "beam", (1, s, -1))
    fig.keypoint("Roof_Front_Middle", "smokebox", (0, 1, 1))
