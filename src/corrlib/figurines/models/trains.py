"""Trains: a diesel, a bullet train, a commuter train, a steam train."""

import numpy as np

from corrlib.figurines.figure import Figure
from corrlib.figurines.models.parts import vary, wheel

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
        for _, _, side in fig.sides():
            side = side.within(f"coach{i}_*", (x, 0, middle))
            for k, along in enumerate((0.62, 0.0, -0.62)):
                side.box(f"window{k}", (b * along, w, 0.3 * h), (0.22 * b, 0.02, 0.28 * h), "glass")
            side.box("band", (0, w, -0.25 * h), (b, 0.015, 0.08 * h), "trim")
        _bogies(fig, f"coach{i}", x, b, w, clear)
    rear = -a - 0.5 - 4 * b
    for _, _, side in fig.sides():
        side.box("rail", ((a + 0.5 + rear) / 2, 0.72, 0.06), ((a + 1.1 - rear) / 2, 0.07, 0.06), "metal")
    for i in range(7):
        x = rear + (i + 0.5) / 7 * (a + 1 - rear)
        fig.box(f"sleeper{i}", (x, 0, -0.05), (0.18, 1.3, 0.06), "wood")
    base, roof, u = "engine", "engine", (1, 0, 1)
    if subtype == "steam":
        base, roof, u = "beam", "smokebox", (0, 1, 1)
    for name, s in (("Left", 1), ("Right", -1)):
        fig.keypoint(f"Base_Front_{name}", base, (1, s, -1))
    fig.keypoint("Roof_Front_Middle", roof, u)
    for name, s in (("Left", 1), ("Right", -1)):
        fig.keypoint(f"Roof_Back_{name}", "coach1_roof", (-1, s, 1))
        fig.keypoint(f"Base_Back_{name}", "coach1", (-1, s, -1))
    return fig


def _bogies(fig: Figure, name: str, x: float, half: float, w: float, clear: float) -> None:
    """Add two dark bogies with two axles each, the wheels drawn as one cylinder across."""
    for i, at in enumerate((x + 0.62 * half, x - 0.62 * half)):
        fig.box(f"{name}_bogie{i}", (at, 0, 0.75 * clear), (0.3 * half, 0.7 * w, 0.25 * clear), "dark")
        for j, shift in enumerate((0.2, -0.2)):
            axle, y = fig.within(at=(at + shift * half, 0, 0.38 + 0.1)), 0.78 * w
            axle.limb(f"{name}_wheels{i}{j}", (0, -y, 0), (0, y, 0), 0.38, "metal")


def _box_engine(
    fig: Figure, rng: np.random.Generator, subtype: str, a: float, w: float, h: float, middle: float
) -> None:
    """A diesel (hood in front of a cab), a bullet's long nose or a commuter's flat face with a door."""
    low, top, pane = middle - h, middle + h, middle + 0.42 * h
    fig.box("engine", (0, 0, middle), (a, w, h), "body")
    _bogies(fig, "engine", 0, a, w, low)
    if subtype == "bullet":
        nose = vary(rng, 2.2, 0.25)
        for part, forward, z, half, slot in (
            ("nose", 0, low + 0.75 * h, (nose, w, 0.75 * h), "body"),
            ("nose_top", 0, middle, (0.75 * nose, 0.98 * w, h), "body"),
            ("windscreen", 0.42, middle + 0.5 * h, (0.28 * nose, 0.62 * w, 0.3 * h), "glass"),
            ("coupler", 0.95, low + 0.55 * h, (0.14 * nose, 0.3 * w, 0.2 * h), "trim"),
        ):
            fig.ellipsoid(part, (a + forward * nose, 0, z), half, slot)
        lamp, bulb = (a + 0.72 * nose, 0.55 * w, low + 0.9 * h), 0.25
    else:
        for _, _, side in fig.sides():
            side.box("windscreen", (a, 0.55 * w, pane), (0.03, 0.32 * w, 0.3 * h), "glass")
            side.limb("buffer", (a, 0.6 * w, low + 0.1), (a + 0.4, 0.6 * w, low + 0.1), 0.17, "metal")
        lamp, bulb = (a, 0.62 * w, middle - 0.35 * h), 0.1
        fig.box("face_band", (a, 0, middle - 0.1 * h), (0.025, 0.99 * w, 0.1 * h), "trim2")
        fig.box("plough", (a + 0.12, 0, low - 0.15), (0.1, 0.8 * w, 0.2), "dark")
        fig.box("sign", (a, 0, middle + 0.86 * h), (0.04, 0.4 * w, 0.08 * h), "light")
    if subtype == "commuter":
        fig.box("face_door", (a, 0, middle - 0.1 * h), (0.04, 0.2 * w, 0.75 * h), "trim")
        knee, x, z = (-0.35 * a, 0, top + 0.45), -0.1 * a, top + 0.9
        fig.limb("pantograph_low", (x, 0, top), knee, 0.06, "metal")
        fig.limb("pantograph_high", knee, (x, 0, z), 0.05, "metal")
        fig.limb("pantograph_bow", (x, -0.6 * w, z), (x, 0.6 * w, z), 0.06, "dark")
    part, x, z, half, slot = ("engine_window", 0.16, 0.3, (0.15 * a, 0.02, 0.28 * h), "glass")
    if subtype == "diesel":
        part, x, z, half, slot = ("grille", 0.12, 0.25, (0.14 * a, 0.02, 0.35 * h), "dark")
    for _, _, side in fig.sides():
        side.ellipsoid("headlight", lamp, (bulb, 0.16, 0.16), "light")
        side.box("engine_band", (0, w, middle - 0.25 * h), (a, 0.015, 0.08 * h), "trim")
        side.box("cab_window", (0.8 * a, w, pane), (0.12 * a, 0.02, 0.28 * h), "glass")
        side.box("cab_door", (0.52 * a, w, middle), (0.11 * a, 0.025, 0.8 * h), "trim2")
        for k in range(3):
            side.box(f"{part}{k}", ((x - 0.38 * k) * a, w, middle + z * h), half, slot)
    if subtype == "diesel":
        fig.limb("stack", (-0.2 * a, 0, top), (-0.2 * a, 0, top + 0.3), (0.5, 0.35), "dark")


def _steam_engine(
    fig: Figure, rng: np.random.Generator, a: float, w: float, height: float, clear: float
) -> None:
    """Add boiler, smokebox, chimney, dome, cab and driving wheels with their rods."""
    r = vary(rng, 0.72 * w, 0.1)
    z = clear + 0.35 + r
    fig.box("engine", (0, 0, clear), (a, w, 0.18), "dark")
    for part, start, end, radius, slot in (
        ("boiler", -0.5, 0.75, r, "body"),
        ("smokebox", 0.7, 0.98, 1.06 * r, "dark"),
        ("smokebox_door", 0.98, 1.02, 0.75 * r, "metal"),
        ("boiler_band0", 0.4, 0.4 + 0.04, 1.03 * r, "trim"),
        ("boiler_band1", 0.0, 0.04, 1.03 * r, "trim"),
    ):
        fig.limb(part, (start * a, 0, z), (end * a, 0, z), radius, slot)
    x, top = 0.82 * a, vary(rng, height + 0.5, 0.1)
    fig.limb("chimney", (x, 0, z + 0.9 * r), (x, 0, top), 0.22, "dark", top=1.45)
    fig.ellipsoid("dome", (0.2 * a, 0, z + r), (0.35, 0.35, 0.5), "trim2")
    x = -0.72 * a
    fig.box("cab", (x, 0, (clear + height) / 2), (0.26 * a, w, (height - clear) / 2), "body2")
    fig.box("cab_roof", (x, 0, height), (0.34 * a, 1.08 * w, 0.08), "dark")
    fig.ellipsoid("lamp", (0.98 * a, 0, z + 1.1 * r), (0.16, 0.2, 0.2), "light")
    angle = np.radians(rng.uniform(0, 360))
    wheel_r = vary(rng, 0.62, 0.1)
    pin = wheel_r * 0.5 * np.array([np.cos(angle), 0, np.sin(angle)])
    for _, _, side in fig.sides():
        side.box("cab_window", (x, w, 0.72 * height), (0.15 * a, 0.02, 0.14 * height), "glass")
        y, low = 0.85 * w, 0.75 * clear
        side.limb("cylinder", (0.55 * a, y, low), (0.95 * a, y, low), 0.3, "metal")
        side.limb("buffer", (a, 0.65 * w, clear), (a + 0.4, 0.65 * w, clear), 0.16, "metal")
        for i, along in enumerate((0.3, -0.2, -0.7)):
            hub, look = (along * a, 0.8 * w, wheel_r + 0.1), dict(spokes=4, slot="red")
            wheel(side, f"driver{i}", hub, wheel_r, 0.12, hole=0.8, hub=0.25, **look)
        rod = side.within(at=np.array([0, 0.8 * w + 0.16, wheel_r + 0.1]) + pin)
        rod.limb("rod", (-0.7 * a, 0, 0), (0.3 * a, 0, 0), 0.06, "metal")
    fig.slanted("cowcatcher", (a + 0.2, 0, 0.45 * clear), (0.2, 0.85 * w, 0.3 * clear), "red", lean=-0.3)
    fig.box("beam", (a + 0.02, 0, clear), (0.06, w, 0.2), "red")
