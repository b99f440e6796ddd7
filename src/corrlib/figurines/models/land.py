"""Cars, buses and trains."""

import numpy as np

from corrlib.figurines.figure import Figure, turning, vary

CARS = {
    # length, cabin's foot (back, front), roof (back, front), belt height, roof height, wheel radius
    "sedan": (4.6, (-1.75, 0.95), (-1.05, 0.15), 0.95, 1.42, 0.33),
    "hatchback": (3.8, (-1.85, 0.95), (-1.50, 0.15), 0.95, 1.52, 0.31),
    "pickup": (5.2, (-0.75, 0.95), (-0.60, 0.35), 1.12, 1.72, 0.41),
    "van": (4.5, (-2.22, 1.75), (-2.10, 0.95), 1.15, 1.98, 0.33),
}
BUSES = {
    # length, height, floor of the windows and their height (fractions of the height), windows a side
    "city": (9.5, 2.9, 0.48, 0.34, 6),
    "coach": (10.5, 3.3, 0.52, 0.32, 5),
    "double": (8.5, 4.2, 0.27, 0.17, 5),
}
TRAINS = {
    # half length of the engine, half width, height, half length of a coach
    "diesel": (2.6, 1.4, 3.4, 1.9),
    "bullet": (2.0, 1.4, 3.1, 2.1),
    "commuter": (2.3, 1.4, 3.4, 2.0),
}


def car(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a car: a body with a bonnet, a glass cabin between pillars, a roof, four wheels."""
    length, foot, roof, belt, top, radius = CARS[subtype]
    stretch, squeeze = vary(rng, 1, 0.13), vary(rng, 1, 0.12)
    x, w = length / 2 * stretch, vary(rng, 0.92, 0.08)  # half length, half width
    back, front = np.array(foot) * stretch
    roof_back, roof_front = np.array(roof) * stretch * vary(rng, 1, 0.06)
    roof_back = max(roof_back, back + 0.05)
    belt, top, radius = belt * squeeze, top * squeeze * vary(rng, 1, 0.06), vary(rng, radius, 0.12)
    clear, bonnet = vary(rng, 0.27, 0.2), belt - vary(rng, 0.16, 0.4)
    door_z, door, fall = (clear + belt) / 2, (belt - clear) / 2, belt - bonnet
    fig.box("body", (0, 0, (clear + bonnet) / 2), (x, w, (bonnet - clear) / 2), "body")
    rear, nose = back if subtype == "pickup" else -x, x - front
    fig.box("waist", ((rear + front) / 2, 0, door_z), ((front - rear) / 2, w, door), "body")
    place = (front + nose / 2, 0, belt - 0.1 - fall / 2)
    fig.slanted("bonnet", place, (nose / 2, 0.96 * w, 0.1), "body", dive=fall)
    c, middle, h = 0.9 * w, (belt + top) / 2, (top - belt) / 2
    run, roof_x = roof_front - roof_back, (roof_back + roof_front) / 2
    fig.box("cabin", (roof_x, 0, middle), (run / 2, c, h), "glass")
    pane, x_front, x_back = (0.48 * run, c, h), (front + roof_front) / 2, (back + roof_back) / 2
    fig.slanted("windscreen", (x_front - 0.48 * run, 0, middle), pane, "glass", lean=roof_front - front)
    fig.slanted("rear_window", (x_back + 0.48 * run, 0, middle), pane, "glass", lean=roof_back - back)
    fig.box("roof", (roof_x, 0, top), (run / 2 + 0.02, c + 0.02, 0.04), "body")
    steer, seam = rng.uniform(-25, 25), roof_x + 0.1
    axles = {"front": x * vary(rng, 0.62, 0.07), "rear": -x * vary(rng, 0.6, 0.07)}
    for name, s, side in fig.sides():
        side.limb("a_pillar", (front, c, belt), (roof_front, c, top), 0.05, "body")
        side.limb("c_pillar", (back, c, belt), (roof_back, c, top), 0.09, "body")
        for end, at in axles.items():
            arch = (at, w - 0.3, 1.2 * radius), (at, w + 0.005, 1.2 * radius)
            side.limb(f"{end}_arch", *arch, 1.12 * radius, "dark")
            move = turning((at, s * (w - 0.1), radius), (0, 0, 1), steer if end == "front" else 0)
            side.within(move=move).wheel(end, (at, w - 0.08, radius), radius, 0.12, hole=0.62, hub=0.6)
        side.ellipsoid("headlight", (x, 0.74 * w, bonnet - 0.12), (0.08, 0.2 * w, 0.09), "light")
        side.box("taillight", (-x, 0.86 * w, door_z + 0.1), (0.03, 0.13 * w, 0.11), "red")
        side.ellipsoid("mirror", (front - 0.25, w + 0.1, belt + 0.08), (0.07, 0.12, 0.08), "trim")
        side.box("door_seam", (seam, w, door_z + 0.03), (0.014, 0.008, door - 0.05), "dark")
        own = f"{name[0].upper()}_*"
        side.name(own, F_RoofTop=("roof", 1, s, 1), B_RoofTop=("roof", -1, s, 1))
        side.name(own, F_WheelCenter=("front_hub", 0, 0, 1), B_WheelCenter=("rear_hub", 0, 0, 1))
        side.name(own, HeadLight=("headlight", 0.8, 0.6 * s, 0), TailLight=("taillight", -1, s, 0))
        side.name(own, SideviewMirror=("mirror", 0.3, 0.954 * s, 0))
    fig.box("grille", (x, 0, bonnet - 0.14), (0.02, 0.48 * w, 0.08), "dark")
    for end, s in (("front", 1), ("rear", -1)):
        fig.box(f"{end}_bumper", (s * x, 0, clear + 0.1), (0.08, 0.97 * w, 0.1), "trim")


def bus(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a bus: a long box with a row of windows (two on a double decker)."""
    length, height, sill, pane, count = BUSES[subtype]
    double = subtype == "double"
    a, height, w = vary(rng, length, 0.15) / 2, vary(rng, height, 0.1), vary(rng, 1.25, 0.08)
    clear, radius = vary(rng, 0.35, 0.2), vary(rng, 0.5, 0.12)
    fig.box("body", (0, 0, (clear + height) / 2), (a, w, (height - clear) / 2), "body")
    sill_z, half_pane = sill * height, pane * height / 2 * vary(rng, 1, 0.15)
    rows = [("", sill_z + half_pane)] + [("upper_", 0.64 * height + half_pane)] * double
    step, gap = 1.84 * a / count, rng.uniform(0.76, 0.94)
    axles = {"front": a * vary(rng, 0.68, 0.08), "rear": -a * vary(rng, 0.55, 0.15)}
    for _, _, side in fig.sides():
        for row, z in rows:
            for i, x in enumerate(0.92 * a - (np.arange(count) + 0.5) * step):
                side.box(f"{row}window{i}", (x, w, z), (gap * step / 2, 0.02, half_pane), "glass")
        for end, x in axles.items():
            z = 1.15 * radius
            side.limb(f"{end}_arch", (x, w - 0.2, z), (x, w + 0.01, z), z, "dark")
            side.wheel(end, (x, w - 0.12, radius), radius, 0.16, hole=0.6, hub=0.58)
    tall = (1.6 if subtype == "coach" else 1.25) * half_pane
    for row, z in rows:
        fig.box(f"{row}windscreen", (a, 0, z), (0.03, 0.9 * w, tall), "glass")
        fig.box(f"{row}rear_window", (-a, 0, z), (0.03, 0.7 * w, 0.8 * half_pane), "glass")
    fig.box("sign", (a, 0, (0.56 if double else 0.94) * height), (0.05, 0.55 * w, 0.035 * height), "light")
    # The door stands on the right, behind the front corner, as where traffic keeps to the right.
    door, half = (0.88 * a, -w, (clear + sill_z + 2 * half_pane) / 2), (sill_z + 2 * half_pane - clear) / 2
    fig.box("door", door, (0.07 * a, 0.035, half), "glass")
    for _, _, side in fig.sides():
        lamp = (a, 0.76 * w, clear + 0.14 * height)
        side.ellipsoid("headlight", lamp, (0.06, 0.16, 0.14), "light")
        side.box("taillight", (-a, 0.85 * w, clear + 0.15 * height), (0.04, 0.1, 0.18), "red")
    fig.box("front_bumper", (a, 0, clear + 0.1), (0.1, 0.98 * w, 0.12), "trim2")
    fig.box("rear_bumper", (-a, 0, clear + 0.1), (0.1, 0.98 * w, 0.12), "trim2")
    for side, s in (("L", 1), ("R", -1)):
        fig.name(f"{side}_F_*", RoofTop=("body", 1, s, 1), Base=("body", 1, s, -1))
        fig.name(f"{side}_B_*", RoofTop=("body", -1, s, 1), Base=("body", -1, s, -1))


def train(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a train on its rails: an engine and two coaches behind it."""
    a, w, height, b = (vary(rng, v, 0.12) for v in TRAINS[subtype])
    clear = vary(rng, 0.75, 0.15)
    h, middle = (height - clear) / 2, (height + clear) / 2
    _engine(fig, rng, subtype, a, w, h, middle)
    for i in range(2):
        x = -a - 0.25 - b - i * (2 * b + 0.25)
        fig.box(f"coach{i}", (x, 0, middle), (b, w, h), "body" if subtype != "diesel" else "trim2")
        fig.box(f"coach{i}_roof", (x, 0, height - 0.06), (b - 0.03, w + 0.03, 0.1), "metal")
        for _, _, side in fig.sides():
            coach = side.within(f"coach{i}_*", (x, 0, middle))
            for k, along in enumerate((0.62, 0.0, -0.62)):
                coach.box(f"window{k}", (b * along, w, 0.3 * h), (0.22 * b, 0.02, 0.28 * h), "glass")
        _bogies(fig, f"coach{i}", x, b, w, clear)
    rear = -a - 0.5 - 4 * b
    for _, _, side in fig.sides():
        side.box("rail", ((a + 0.5 + rear) / 2, 0.72, 0.06), ((a + 1.1 - rear) / 2, 0.07, 0.06), "metal")
    for i, x in enumerate(rear + (np.arange(7) + 0.5) / 7 * (a + 1 - rear)):
        fig.box(f"sleeper{i}", (x, 0, -0.05), (0.18, 1.3, 0.06), "wood")
    fig.name("Base_Front_*", Left=("engine", 1, 1, -1), Right=("engine", 1, -1, -1))
    fig.name(Roof_Front_Middle=("engine", 1, 0, 1))
    for name, s in (("Left", 1), ("Right", -1)):
        fig.name(f"*_{name}", Roof_Back=("coach1_roof", -1, s, 1), Base_Back=("coach1", -1, s, -1))


def _bogies(fig: Figure, name: str, x: float, half: float, w: float, clear: float) -> None:
    """Add two dark bogies with two axles each, the wheels drawn as one cylinder across."""
    for i, at in enumerate((x + 0.62 * half, x - 0.62 * half)):
        fig.box(f"{name}_bogie{i}", (at, 0, 0.75 * clear), (0.3 * half, 0.7 * w, 0.25 * clear), "dark")
        for j, shift in enumerate((0.2, -0.2)):
            axle, y = fig.within(at=(at + shift * half, 0, 0.38 + 0.1)), 0.78 * w
            axle.limb(f"{name}_wheels{i}{j}", (0, -y, 0), (0, y, 0), 0.38, "metal")


def _engine(fig: Figure, rng, subtype: str, a: float, w: float, h: float, middle: float) -> None:
    """A diesel (hood in front of a cab), a bullet's long nose or a commuter's flat face with a door."""
    low, pane = middle - h, middle + 0.42 * h
    fig.box("engine", (0, 0, middle), (a, w, h), "body")
    _bogies(fig, "engine", 0, a, w, low)
    if subtype == "bullet":
        nose = vary(rng, 2.2, 0.25)
        fig.ellipsoid("nose", (a, 0, low + 0.75 * h), (nose, w, 0.75 * h), "body")
        fig.ellipsoid("nose_top", (a, 0, middle), (0.75 * nose, 0.98 * w, h), "body")
        screen = (0.28 * nose, 0.62 * w, 0.3 * h)
        fig.ellipsoid("windscreen", (a + 0.42 * nose, 0, middle + 0.5 * h), screen, "glass")
        lamp, bulb = (a + 0.72 * nose, 0.55 * w, low + 0.9 * h), 0.25
    else:
        for _, _, side in fig.sides():
            side.box("windscreen", (a, 0.55 * w, pane), (0.03, 0.32 * w, 0.3 * h), "glass")
        lamp, bulb = (a, 0.62 * w, middle - 0.35 * h), 0.1
    for _, _, side in fig.sides():
        side.ellipsoid("headlight", lamp, (bulb, 0.16, 0.16), "light")
        for k in range(3):
            place = ((0.16 - 0.38 * k) * a, w, middle + 0.3 * h)
            side.box(f"engine_window{k}", place, (0.15 * a, 0.02, 0.28 * h), "glass")
