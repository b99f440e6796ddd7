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
    "school": (7.5, 2.8, 0.55, 0.27, 6),
}
TRAINS = {
    # half length of the engine, half width, height, half length of a coach
    "diesel": (2.6, 1.4, 3.4, 1.9),
    "bullet": (2.0, 1.4, 3.1, 2.1),
    "commuter": (2.3, 1.4, 3.4, 2.0),
    "steam": (2.6, 1.25, 3.4, 1.8),
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
    for end, at in axles.items():
        high = fig.within(at=(at, 0, 1.2 * radius))
        high.limb(f"{end}_arch", (0, -w - 0.005, 0), (0, w + 0.005, 0), 1.12 * radius, "dark")
    for name, s, side in fig.sides():
        side.limb("a_pillar", (front, c, belt), (roof_front, c, top), 0.05, "body")
        side.limb("b_pillar", (seam, c, belt), (seam, c, top), 0.05, "body")
        side.limb("c_pillar", (back, c, belt), (roof_back, c, top), 0.09, "body")
        for end, at in axles.items():
            move = turning((at, s * (w - 0.1), radius), (0, 0, 1), steer if end == "front" else 0)
            side.within(move=move).wheel(end, (at, w - 0.08, radius), radius, 0.12, hole=0.62, hub=0.6)
        side.ellipsoid("headlight", (x, 0.74 * w, bonnet - 0.12), (0.08, 0.2 * w, 0.09), "light")
        side.box("taillight", (-x, 0.86 * w, door_z + 0.1), (0.03, 0.13 * w, 0.11), "red")
        side.ellipsoid("mirror", (front - 0.25, w + 0.1, belt + 0.08), (0.07, 0.12, 0.08), "trim")
        side.box("door_seam", (seam, w, door_z + 0.03), (0.014, 0.008, door - 0.05), "dark")
        side.box("handle", (seam + 0.2, w, belt - 0.12), (0.1, 0.02, 0.02), "metal")
        side.box("sill", (0, w, clear + 0.05), (0.3 * length, 0.015, 0.05), "trim")
        own = f"{name[0].upper()}_*"
        side.name(own, F_RoofTop=("roof", 1, s, 1), B_RoofTop=("roof", -1, s, 1))
        side.name(own, F_WheelCenter=("front_hub", 0, 0, 1), B_WheelCenter=("rear_hub", 0, 0, 1))
        side.name(own, HeadLight=("headlight", 0.8, 0.6 * s, 0), TailLight=("taillight", -1, s, 0))
        side.name(own, SideviewMirror=("mirror", 0.3, 0.954 * s, 0))
    fig.box("grille", (x, 0, bonnet - 0.14), (0.02, 0.48 * w, 0.08), "dark")
    for end, s in (("front", 1), ("rear", -1)):
        fig.box(f"{end}_bumper", (s * x, 0, clear + 0.1), (0.08, 0.97 * w, 0.1), "trim")
        fig.box(f"{end}_plate", (s * (x + 0.07), 0, clear + 0.14), (0.02, 0.25, 0.06), "light")
    if subtype == "pickup":
        bed_x, bed = (back - x) / 2, (back + x) / 2
        for _, _, side in fig.sides():
            side.box("bed_wall", (bed_x, w - 0.04, belt - 0.12), (bed, 0.04, 0.12), "body2")
        fig.box("tailgate", (-x + 0.04, 0, belt - 0.14), (0.04, w, 0.14), "body2")
        fig.box("bed", (bed_x, 0, bonnet), (bed - 0.05, 0.9 * w, 0.02), "dark")
    if subtype == "van":
        end = 0.1 * roof_back + 0.9 * seam
        fig.box("cargo", ((back + end) / 2 - 0.02, 0, middle), ((end - back) / 2, c + 0.03, h + 0.01), "body")
        fig.box("back_pane", (back - 0.02, 0, middle), (0.02, 0.75 * c, 0.6 * h), "glass")


def bus(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a bus: a long box with a row of windows (two on a double decker; the school bus has a bonnet)."""
    length, height, sill, pane, count = BUSES[subtype]
    double, school = subtype == "double", subtype == "school"
    a, height, w = vary(rng, length, 0.15) / 2, vary(rng, height, 0.1), vary(rng, 1.25, 0.08)
    clear, radius = vary(rng, 0.35, 0.2), vary(rng, 0.5, 0.12)
    fig.box("body", (0, 0, (clear + height) / 2), (a, w, (height - clear) / 2), "body")
    sill_z, half_pane = sill * height, pane * height / 2 * vary(rng, 1, 0.15)
    rows = [("", sill_z + half_pane)] + [("upper_", 0.64 * height + half_pane)] * double
    step, gap = 1.84 * a / count, rng.uniform(0.76, 0.94)
    axles = {"front": a * vary(rng, 0.68, 0.08), "rear": -a * vary(rng, 0.55, 0.15)}
    for end, x in axles.items():
        high = fig.within(at=(x, 0, 1.15 * radius))
        high.limb(f"{end}_arch", (0, -w - 0.01, 0), (0, w + 0.01, 0), 1.15 * radius, "dark")
    for _, _, side in fig.sides():
        for row, z in rows:
            for i, x in enumerate(0.92 * a - (np.arange(count) + 0.5) * step):
                side.box(f"{row}window{i}", (x, w, z), (gap * step / 2, 0.02, half_pane), "glass")
        for end, x in axles.items():
            side.wheel(end, (x, w - 0.12, radius), radius, 0.16, hole=0.6, hub=0.58)
        side.box("band", (0, w, 0.9 * sill_z), (0.995 * a, 0.012, 0.05 * height), "body2")
        side.box("skirt", (0, w, clear + 0.12), (0.995 * a, 0.014, 0.1), "trim")
    front, foremost = a, "body"
    if school:
        hood, rise, foremost = vary(rng, 0.75, 0.2), 0.5 * height, "bonnet"
        front = a + 2 * hood
        fig.box(foremost, (a + hood, 0, (clear + rise) / 2), (hood, 0.82 * w, (rise - clear) / 2), "body")
        fig.box("grille", (front, 0, 0.33 * height), (0.03, 0.45 * w, 0.1 * height), "dark")
    tall = (1.6 if subtype == "coach" else 1.25) * half_pane
    for row, z in rows:
        fig.box(f"{row}windscreen", (a, 0, z), (0.03, 0.9 * w, tall), "glass")
        fig.box(f"{row}rear_window", (-a, 0, z), (0.03, 0.7 * w, 0.8 * half_pane), "glass")
    fig.box("windscreen_post", (a + 0.03, 0, rows[0][1]), (0.02, 0.03, tall), "body")
    fig.box("sign", (a, 0, (0.56 if double else 0.94) * height), (0.05, 0.55 * w, 0.035 * height), "light")
    # The door stands on the right, behind the front corner, as where traffic keeps to the right.
    door, half = (0.88 * a, -w, (clear + sill_z + 2 * half_pane) / 2), (sill_z + 2 * half_pane - clear) / 2
    fig.box("door", door, (0.07 * a, 0.035, half), "glass")
    fig.box("door_seam", door, (0.012, 0.045, half), "trim")
    for _, _, side in fig.sides():
        lamp = (front, (0.62 if school else 0.76) * w, clear + 0.14 * height)
        side.ellipsoid("headlight", lamp, (0.06, 0.16, 0.14), "light")
        side.box("taillight", (-a, 0.85 * w, clear + 0.15 * height), (0.04, 0.1, 0.18), "red")
        side.box("mirror", (a + 0.15, w + 0.18, rows[0][1]), (0.05, 0.1, 0.22), "trim")
    fig.box("front_bumper", (front, 0, clear + 0.1), (0.1, (0.86 if school else 0.98) * w, 0.12), "trim2")
    fig.box("rear_bumper", (-a, 0, clear + 0.1), (0.1, 0.98 * w, 0.12), "trim2")
    if subtype in ("city", "coach"):
        fig.box("roof_unit", (-0.3 * a, 0, height + 0.08), (0.25 * a, 0.6 * w, 0.12), "trim")

    for side, s in (("L", 1), ("R", -1)):
        fig.name(f"{side}_F_*", RoofTop=("body", 1, s, 1), Base=(foremost, 1, s, -1))
        fig.name(f"{side}_B_*", RoofTop=("body", -1, s, 1), Base=("body", -1, s, -1))


def train(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a train on its rails: an engine (boiler, box or wedge) and two coaches behind it."""
    a, w, height, b = (vary(rng, v, 0.12) for v in TRAINS[subtype])
    clear = vary(rng, 0.75, 0.15)
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
            coach = side.within(f"coach{i}_*", (x, 0, middle))
            for k, along in enumerate((0.62, 0.0, -0.62)):
                coach.box(f"window{k}", (b * along, w, 0.3 * h), (0.22 * b, 0.02, 0.28 * h), "glass")
            coach.box("band", (0, w, -0.25 * h), (b, 0.015, 0.08 * h), "trim")
        _bogies(fig, f"coach{i}", x, b, w, clear)
    rear = -a - 0.5 - 4 * b
    for _, _, side in fig.sides():
        side.box("rail", ((a + 0.5 + rear) / 2, 0.72, 0.06), ((a + 1.1 - rear) / 2, 0.07, 0.06), "metal")
    for i, x in enumerate(rear + (np.arange(7) + 0.5) / 7 * (a + 1 - rear)):
        fig.box(f"sleeper{i}", (x, 0, -0.05), (0.18, 1.3, 0.06), "wood")
    base, roof = ("beam", ("smokebox", 0, 1, 1)) if subtype == "steam" else ("engine", ("engine", 1, 0, 1))
    fig.name("Base_Front_*", Left=(base, 1, 1, -1), Right=(base, 1, -1, -1))
    fig.name(Roof_Front_Middle=roof)
    for name, s in (("Left", 1), ("Right", -1)):
        fig.name(f"*_{name}", Roof_Back=("coach1_roof", -1, s, 1), Base_Back=("coach1", -1, s, -1))


def _bogies(fig: Figure, name: str, x: float, half: float, w: float, clear: float) -> None:
    """Add two dark bogies with two axles each, the wheels drawn as one cylinder across."""
    for i, at in enumerate((x + 0.62 * half, x - 0.62 * half)):
        fig.box(f"{name}_bogie{i}", (at, 0, 0.75 * clear), (0.3 * half, 0.7 * w, 0.25 * clear), "dark")
        for j, shift in enumerate((0.2, -0.2)):
            axle, y = fig.within(at=(at + shift * half, 0, 0.38 + 0.1)), 0.78 * w
            axle.limb(f"{name}_wheels{i}{j}", (0, -y, 0), (0, y, 0), 0.38, "metal")


def _box_engine(fig: Figure, rng, subtype: str, a: float, w: float, h: float, middle: float) -> None:
    """A diesel (hood in front of a cab), a bullet's long nose or a commuter's flat face with a door."""
    low, top, pane = middle - h, middle + h, middle + 0.42 * h
    fig.box("engine", (0, 0, middle), (a, w, h), "body")
    _bogies(fig, "engine", 0, a, w, low)
    if subtype == "bullet":
        nose = vary(rng, 2.2, 0.25)
        fig.ellipsoid("nose", (a, 0, low + 0.75 * h), (nose, w, 0.75 * h), "body")
        fig.ellipsoid("nose_top", (a, 0, middle), (0.75 * nose, 0.98 * w, h), "body")
        screen, coupler = (0.28 * nose, 0.62 * w, 0.3 * h), (0.14 * nose, 0.3 * w, 0.2 * h)
        fig.ellipsoid("windscreen", (a + 0.42 * nose, 0, middle + 0.5 * h), screen, "glass")
        fig.ellipsoid("coupler", (a + 0.95 * nose, 0, low + 0.55 * h), coupler, "trim")
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


def _steam_engine(fig: Figure, rng, a: float, w: float, height: float, clear: float) -> None:
    """Add boiler, smokebox, chimney, dome, cab and driving wheels with their rods."""
    r = vary(rng, 0.72 * w, 0.1)
    z = clear + 0.35 + r
    fig.box("engine", (0, 0, clear), (a, w, 0.18), "dark")
    drum = fig.within(at=(0, 0, z), scale=(a, 1, 1))
    drum.limb("boiler", (-0.5, 0, 0), (0.75, 0, 0), r, "body")
    drum.limb("smokebox", (0.7, 0, 0), (0.98, 0, 0), 1.06 * r, "dark")
    drum.limb("smokebox_door", (0.98, 0, 0), (1.02, 0, 0), 0.75 * r, "metal")
    drum.limb("boiler_band0", (0.4, 0, 0), (0.4 + 0.04, 0, 0), 1.03 * r, "trim")
    drum.limb("boiler_band1", (0, 0, 0), (0.04, 0, 0), 1.03 * r, "trim")
    x, top = 0.82 * a, vary(rng, height + 0.5, 0.1)
    fig.limb("chimney", (x, 0, z + 0.9 * r), (x, 0, top), 0.22, "dark", top=1.45)
    fig.ellipsoid("dome", (0.2 * a, 0, z + r), (0.35, 0.35, 0.5), "trim2")
    x = -0.72 * a
    fig.box("cab", (x, 0, (clear + height) / 2), (0.26 * a, w, (height - clear) / 2), "body2")
    fig.box("cab_roof", (x, 0, height), (0.34 * a, 1.08 * w, 0.08), "dark")
    fig.ellipsoid("lamp", (0.98 * a, 0, z + 1.1 * r), (0.16, 0.2, 0.2), "light")
    angle, wheel_r = np.radians(rng.uniform(0, 360)), vary(rng, 0.62, 0.1)
    pin = wheel_r * 0.5 * np.array([np.cos(angle), 0, np.sin(angle)])
    for _, _, side in fig.sides():
        side.box("cab_window", (x, w, 0.72 * height), (0.15 * a, 0.02, 0.14 * height), "glass")
        y, low = 0.85 * w, 0.75 * clear
        side.limb("cylinder", (0.55 * a, y, low), (0.95 * a, y, low), 0.3, "metal")
        side.limb("buffer", (a, 0.65 * w, clear), (a + 0.4, 0.65 * w, clear), 0.16, "metal")
        for i, along in enumerate((0.3, -0.2, -0.7)):
            hub = (along * a, 0.8 * w, wheel_r + 0.1)
            side.wheel(f"driver{i}", hub, wheel_r, 0.12, hole=0.8, hub=0.25, spokes=4, slot="red")
        rod = side.within(at=np.array([0, 0.8 * w + 0.16, wheel_r + 0.1]) + pin)
        rod.limb("rod", (-0.7 * a, 0, 0), (0.3 * a, 0, 0), 0.06, "metal")
    fig.slanted("cowcatcher", (a + 0.2, 0, 0.45 * clear), (0.2, 0.85 * w, 0.3 * clear), "red", lean=-0.3)
    fig.box("beam", (a + 0.02, 0, clear), (0.06, w, 0.2), "red")
