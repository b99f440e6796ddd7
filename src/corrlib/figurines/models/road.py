"""Cars and buses."""

import numpy as np

from corrlib.figurines.figure import Figure
from corrlib.figurines.models.parts import turning, vary, wheel

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


def car(rng: np.random.Generator, subtype: str) -> Figure:
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
    fig = Figure()

    fig.box("body", (0, 0, (clear + bonnet) / 2), (x, w, (bonnet - clear) / 2), "body")
    rear, nose = back if subtype == "pickup" else -x, x - front
    fig.box("waist", ((rear + front) / 2, 0, door_z), ((front - rear) / 2, w, door), "body")
    place = (front + nose / 2, 0, belt - 0.1 - fall / 2)
    fig.slanted("bonnet", place, (nose / 2, 0.96 * w, 0.1), "body", dive=fall)
    c, middle, h = 0.9 * w, (belt + top) / 2, (top - belt) / 2
    run, roof_x = roof_front - roof_back, (roof_back + roof_front) / 2
    fig.box("cabin", (roof_x, 0, middle), (run / 2, c, h), "glass")
    for part, low, high, run_in in (
        ("windscreen", front, roof_front, -0.48 * run),
        ("rear_window", back, roof_back, 0.48 * run),
    ):
        pane = ((low + high) / 2 + run_in, 0, middle)
        fig.slanted(part, pane, (0.48 * run, c, h), "glass", lean=high - low)
    fig.box("roof", (roof_x, 0, top), (run / 2 + 0.02, c + 0.02, 0.04), "body")
    steer, seam = rng.uniform(-25, 25), roof_x + 0.1
    axles = {"front": x * vary(rng, 0.62, 0.07), "rear": -x * vary(rng, 0.6, 0.07)}
    _arches(fig, axles, w + 0.005, 1.2 * radius, 1.12 * radius)
    for _, s, side in fig.sides():
        for pillar, low, high, width in (
            ("a_pillar", front, roof_front, 0.05),
            ("b_pillar", seam, seam, 0.05),
            ("c_pillar", back, roof_back, 0.09),
        ):
            side.limb(pillar, (low, c, belt), (high, c, top), width, "body")
        for end, at in axles.items():
            move = turning((at, s * (w - 0.1), radius), (0, 0, 1), steer if end == "front" else 0)
            wheel(side.within(move=move), end, (at, w - 0.08, radius), radius, 0.12, hole=0.62, hub=0.6)
        side.ellipsoid("headlight", (x, 0.74 * w, bonnet - 0.12), (0.08, 0.2 * w, 0.09), "light")
        side.box("taillight", (-x, 0.86 * w, door_z + 0.1), (0.03, 0.13 * w, 0.11), "red")
        side.ellipsoid("mirror", (front - 0.25, w + 0.1, belt + 0.08), (0.07, 0.12, 0.08), "trim")
        side.box("door_seam", (seam, w, door_z + 0.03), (0.014, 0.008, door - 0.05), "dark")
        side.box("handle", (seam + 0.2, w, belt - 0.12), (0.1, 0.02, 0.02), "metal")
        side.box("sill", (0, w, clear + 0.05), (0.3 * length, 0.015, 0.05), "trim")
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

    for name, s, side in fig.sides():
        letter = name[0].upper()
        fig.keypoint(f"{letter}_F_RoofTop", "roof", (1, s, 1))
        fig.keypoint(f"{letter}_B_RoofTop", "roof", (-1, s, 1))
        side.keypoint(f"{letter}_F_WheelCenter", "front_hub", (0, 0, 1))
        side.keypoint(f"{letter}_B_WheelCenter", "rear_hub", (0, 0, 1))
        side.keypoint(f"{letter}_HeadLight", "headlight", (0.8, 0.6 * s, 0))
        side.keypoint(f"{letter}_TailLight", "taillight", (-1, s, 0))
        side.keypoint(f"{letter}_SideviewMirror", "mirror", (0.3, 0.954 * s, 0))
    return fig


def _arches(fig: Figure, axles: dict[str, float], w: float, z: float, radius: float) -> None:
    for end, x in axles.items():
        fig.limb(f"{end}_arch", (x, -w, z), (x, w, z), radius, "dark")


def bus(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a bus: a long box with a row of windows (two on a double decker; the school bus has a bonnet)."""
    length, height, sill, pane, count = BUSES[subtype]
    double, school = subtype == "double", subtype == "school"
    a, height, w = vary(rng, length, 0.15) / 2, vary(rng, height, 0.1), vary(rng, 1.25, 0.08)
    clear, radius = vary(rng, 0.35, 0.2), vary(rng, 0.5, 0.12)
    fig = Figure()
    fig.box("body", (0, 0, (clear + height) / 2), (a, w, (height - clear) / 2), "body")
    sill_z, half_pane = sill * height, pane * height / 2 * vary(rng, 1, 0.15)
    rows = [("", sill_z + half_pane)] + [("upper_", 0.64 * height + half_pane)] * double
    step = 1.84 * a / count
    gap = rng.uniform(0.76, 0.94)
    axles = {"front": a * vary(rng, 0.68, 0.08), "rear": -a * vary(rng, 0.55, 0.15)}
    _arches(fig, axles, w + 0.01, 1.15 * radius, 1.15 * radius)
    for _, _, side in fig.sides():
        for row, z in rows:
            for i in range(count):
                x = 0.92 * a - (i + 0.5) * step
                side.box(f"{row}window{i}", (x, w, z), (gap * step / 2, 0.02, half_pane), "glass")
        for end, x in axles.items():
            wheel(side, end, (x, w - 0.12, radius), radius, 0.16, hole=0.6, hub=0.58)
        side.box("band", (0, w, 0.9 * sill_z), (0.995 * a, 0.012, 0.05 * height), "body2")
        side.box("skirt", (0, w, clear + 0.12), (0.995 * a, 0.014, 0.1), "trim")
    front = a
    if school:
        hood, rise = vary(rng, 0.75, 0.2), 0.5 * height
        front = a + 2 * hood
        fig.box("bonnet", (a + hood, 0, (clear + rise) / 2), (hood, 0.82 * w, (rise - clear) / 2), "body")
        fig.box("grille", (front, 0, 0.33 * height), (0.03, 0.45 * w, 0.1 * height), "dark")
    tall = (1.25 if subtype != "coach" else 1.6) * half_pane
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

    for letter, s in (("L", 1), ("R", -1)):
        for end, x in (("F", 1), ("B", -1)):
            fig.keypoint(f"{letter}_{end}_RoofTop", "body", (x, s, 1))
            fig.keypoint(f"{letter}_{end}_Base", "bonnet" if school and end == "F" else "body", (x, s, -1))
    return fig
