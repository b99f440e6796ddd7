"""Bicycles and motorbikes: what steers moves with the front wheel."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

import numpy as np

from corrlib.figurines.figure import Figure, turning, vary

BICYCLES = {
    # hole of the tyre, radius of the tubes, half width of the tyre, seat post, stem, bar: reach, half width
    "road": (0.93, 0.018, 0.02, 0.16, 0.06, 0.1, 0.2),
    "mountain": (0.83, 0.028, 0.035, 0.2, 0.09, 0.07, 0.31),
    "city": (0.89, 0.024, 0.028, 0.12, 0.17, 0.02, 0.27),
}
#: Where a grip begins and ends, from the middle of the bar; y in half widths.
GRIPS = {
    "road": ((0.1, 1, -0.05), (-0.05, 1, -0.15)),
    "mountain": ((-0.02, 0.6, 0.03), (-0.05, 1, 0.03)),
    "city": ((0.03, 0.8, 0.09), (-0.17, 1.05, 0.06)),
}
MOTORBIKES = {
    # wheel radius, half wheelbase, rake of the fork (per height), seat height; bar: half width, rise, pull;
    # tyre: half width, hole; spokes; rear of the seat (per half wheelbase) and its rise; half the seat
    "sport": (0.31, 0.70, 0.42, 0.80, 0.32, 0.02, 0.02, 0.08, 0.66, 3, -0.85, 0.14, 0.28),
    "cruiser": (0.33, 0.85, 0.75, 0.62, 0.40, 0.25, 0.28, 0.09, 0.62, 6, -0.7, -0.02, 0.26),
    "dirt": (0.36, 0.70, 0.48, 0.92, 0.40, 0.10, 0.06, 0.055, 0.78, 6, -0.9, 0.08, 0.42),
}
TANKS = {"sport": (0.29, 0.17, 0.14), "cruiser": (0.3, 0.16, 0.12), "dirt": (0.24, 0.12, 0.13)}


def bicycle(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a bicycle: two spoked wheels, a frame of tubes, cranks at any angle, a bar that steers."""
    hole, tube, half_width, post, stem, reach, wide = BICYCLES[subtype]
    city = subtype == "city"
    r, base = vary(rng, 0.34, 0.1), vary(rng, 0.52, 0.1)  # the wheels' radius, half the wheelbase
    back, front = np.array([-base, 0, r]), np.array([base, 0, r])
    crank = np.array([-0.08, 0, vary(rng, 0.29, 0.1)])
    height = vary(rng, 0.55, 0.18)  # crank to the top of the seat tube
    seat = crank + height * np.array([-0.3, 0, 0.95])
    slope = np.array([-0.36, 0, 0.93])  # the steering axis, upwards
    low = front + (r + 0.06) * slope + np.array([-0.02, 0, 0])
    head = low + vary(rng, 0.16, 0.25) * slope
    saddle = seat + vary(rng, post, 0.4) * np.array([-0.3, 0, 0.95])
    steered = fig.within(move=turning(head, slope, rng.uniform(-26, 26)))
    fig.wheel("b_wheel", back, r, half_width, hole=hole, hub=0.13, thin=0.8, spokes=7)
    steered.wheel("f_wheel", front, r, half_width, hole=hole, hub=0.1, thin=0.8, spokes=7)
    fig.limb("down_tube", crank, low, 1.25 * tube, "body")
    fig.limb("seat_tube", crank, seat, tube, "body")
    drop = np.array([0, 0, -0.34 * height if city else -0.05])
    fig.limb("top_tube", seat + 0.85 * drop, head + 0.3 * (low - head) + 0.25 * drop, tube, "body")
    fig.limb("head_tube", low, head, 1.4 * tube, "body2")
    crown, stay = low - 0.02 * slope, seat + 0.85 * drop * (not city)
    for side, s, _ in fig.sides():
        out = np.array([0, s * (half_width + 0.025), 0])
        fig.limb(f"{side}_chainstay", crank + 0.8 * out, back + 0.5 * out, 0.6 * tube, "body")
        fig.limb(f"{side}_seatstay", stay + out, back + 0.5 * out, 0.5 * tube, "body")
        steered.limb(f"{side}_fork", crown + out, front + 0.5 * out, tube, "trim", top=0.6)
    fig.limb("seat_post", seat, saddle, 0.75 * tube, "metal")
    fig.ellipsoid("saddle", saddle + (0.02, 0, 0.02), (0.15, 0.06, 0.035), "dark", pitch=rng.uniform(-6, 6))
    angle = rng.uniform(0, 360)
    fig.limb("chainring", crank + (0, -0.03, 0), crank + (0, -0.02, 0), 0.1, "metal")
    fig.limb("crank_axle", crank + (0, 0.04, 0), crank + (0, -0.04, 0), 0.03, "dark")
    for side, s, _ in fig.sides():
        turned = np.radians(angle + 90 * (1 - s))
        pedal = crank + np.array([0.17 * np.cos(turned), s * 0.06, 0.17 * np.sin(turned)])
        fig.limb(f"{side}_crank", crank + (0, s * 0.03, 0), pedal, 0.014, "metal")
        fig.box(f"{side}_pedal", pedal + (0, s * 0.05, 0), (0.05, 0.05, 0.015), "dark")
    top = head + vary(rng, stem, 0.3) * slope
    bar = top + np.array([reach, 0, 0.03])
    fig.limb("steerer", head, top, tube, "metal")
    steered.limb("stem", top, bar, 1.2 * tube, "metal")
    wide = vary(rng, wide, 0.12)
    for _, _, own in steered.sides():
        bend, end = GRIPS[subtype]
        grip, tip = bar + np.multiply(bend, (1, wide, 1)), bar + np.multiply(end, (1, wide, 1))
        own.limb("bar", bar, grip, 0.7 * tube, "metal")
        own.limb("grip", grip, tip, 0.9 * max(tube, 0.02), "dark")
    if city:
        steered.box("basket", bar + (0.17, 0, -0.1), (0.13, 0.17, 0.11), "wood")
    _name_ends(fig)
    # Where the wheel passes under the fork's crown and between the seat stays.
    for letter, towards in (("F", slope + (0.12, 0, 0)), ("B", seat - back)):
        x, _, z = towards / np.linalg.norm(towards)
        fig.name(f"{letter}_*", WheelIntersection=(f"{letter.lower()}_wheel_tyre", x, -z, 0))
    fig.name(HandleCenter=("stem", 0, 0, 1), CranksetCenter=("crank_axle", 0, 0, 0))
    fig.name(SeatBase=("saddle", 0, 0, 1))


def motorbike(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build a motorbike: fat wheels, engine, tank, seat, a fork that steers, an exhaust on the right."""
    r, base, rake, seat_z, wide, rise, pull, tyre, hole, spokes, rear, rear_z, half_seat = MOTORBIKES[subtype]
    r, base, rake = vary(rng, r, 0.1), vary(rng, base, 0.1), vary(rng, rake, 0.15)
    seat_z, wide, rise = vary(rng, seat_z, 0.08), vary(rng, wide, 0.15), vary(rng, rise, 0.4)
    back, front = np.array([-base, 0, r]), np.array([base, 0, r])
    head_z = max(seat_z + 0.12, 2.3 * r)
    slope = np.array([-rake, 0, 1]) / np.hypot(rake, 1)
    head = front + slope * (head_z - r) / slope[2]
    steered = fig.within(move=turning(head, slope, rng.uniform(-26, 26)))
    trail, hub = np.array([-0.06, 0, 0]), 0.2 if spokes == 6 else 0.4
    fig.wheel("b_wheel", back, r, 1.15 * tyre, hole=hole, hub=hub, thin=0.35, spokes=spokes)
    steered.wheel("f_wheel", front, r, 0.85 * tyre, hole=hole, hub=hub, thin=0.45, spokes=spokes)
    for side, s, _ in fig.sides():
        out = np.array([0, s * (tyre + 0.05), 0])
        steered.limb(f"{side}_fork", head + out, front + 0.6 * out + trail, 0.035, "metal", top=0.85)
        axle = back + 0.8 * out + (0, 0, 0.09)
        fig.limb(f"{side}_swingarm", (-0.1, 0.7 * out[1], r + 0.08), axle, 0.035, "trim2")
    guard = front + (1.08 if subtype != "dirt" else 1.5) * r * slope * 0.92
    steered.ellipsoid("front_mudguard", guard, (0.7 * r, tyre + 0.03, 0.16 * r), "trim", pitch=-8)
    seat_x = -0.35 * base
    fig.ellipsoid("engine", (0.02, 0, 1.15 * r), (0.26, 0.16, 0.17), "metal")
    fig.limb("cylinder", (0.03, 0, 1.2 * r), (0.14, 0, seat_z - 0.12), 0.12, "dark")
    fig.ellipsoid("tank", (0.22 * base, 0, seat_z + 0.06), TANKS[subtype], "body", pitch=rng.uniform(0, 14))
    rear, tilt = rear * base, rng.uniform(-5, 3)
    fig.ellipsoid("seat", (seat_x, 0, seat_z), (half_seat, 0.15, 0.075), "dark", pitch=tilt)
    tail = np.array([rear - 0.2, 0, seat_z + rear_z - (0.03 if subtype != "cruiser" else 0.1)])
    fig.ellipsoid("tail", tail + (0.16, 0, 0), (0.25, 0.11, 0.07), "body", pitch=-12)
    fig.ellipsoid("tail_light", tail + (-0.09, 0, 0.02), (0.06, 0.09, 0.055), "red")
    bar = head + np.array([-0.04, 0, 0.07]) + 0.05 * slope
    steered.limb("bar_clamp", head - 0.06 * slope, bar, 0.05, "metal")
    for _, _, own in steered.sides():
        bend, tip = bar + (-0.3 * pull, 0.5 * wide, rise), bar + (-pull - 0.06, wide, rise - 0.02)
        grip = bend + 0.4 * (tip - bend)
        own.limb("bar", bar, grip, 0.02, "metal")
        own.limb("grip", grip, tip, 0.03, "dark")
        own.ellipsoid("mirror", grip + (0.05, 0.05, 0.17), (0.02, 0.07, 0.045), "dark")
    lamp = head + np.array([0.12, 0, -0.08])
    if subtype == "sport":
        fig.limb("fairing", lamp + (-0.3, 0, 0.06), lamp + (0.24, 0, -0.12), (0.22, 0.2), "body", top=0.35)
        fig.ellipsoid("windshield", lamp + (-0.06, 0, 0.13), (0.22, 0.12, 0.09), "glass", pitch=-38)
        lamp = lamp + np.array([0.22, 0, -0.1])
    (fig if subtype == "sport" else steered).ellipsoid("headlight", lamp, (0.08, 0.1, 0.1), "light")
    knee = np.array([-0.15, -0.19, (0.75 if subtype != "dirt" else 1.6) * r])
    end = np.array([-0.85 * base, -0.2, {"sport": 1.5, "cruiser": 0.75, "dirt": 2}[subtype] * r])
    fig.limb("exhaust_pipe", (0.2, -0.14, 0.85 * r), knee, 0.035, "metal")
    fig.limb("muffler", knee, end, 0.055, "metal", top=1.25)
    fig.limb("muffler_hole", end + 0.02 * (knee - end), end - 0.01 * (knee - end), 0.05, "dark")
    _name_ends(fig)
    fig.name(HandleCenter=("bar_clamp", 0, 0, 1), SeatBase=("seat", 0, 0, 1))
    fig.name(TailLight=("tail_light", -1, 0, 0), ExhaustPipeEnd=("muffler_hole", 0, 0, 1))


def _name_ends(fig: Figure) -> None:
    """Name a two-wheeler's handle tips and its wheels' centres and foremost or rearmost points."""
    fig.name("F_Wheel*", Center=("f_wheel_hub", 0, 0, 0), End=("f_wheel_tyre", 1, 0, 0))
    fig.name("B_Wheel*", Center=("b_wheel_hub", 0, 0, 0), End=("b_wheel_tyre", -1, 0, 0))
    fig.name("*_HandleTip", L=("left_grip", 0, 0, 1), R=("right_grip", 0, 0, 1))
