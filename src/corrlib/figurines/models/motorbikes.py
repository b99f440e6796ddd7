"""Motorbikes: a sports bike, a cruiser, a dirt bike, a scooter."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.parts import SIDES, name_ends, turning, vary, wheel

MOTORBIKES = {
    # wheel radius, half wheelbase, rake of the fork (per height), seat height; bar: half width, rise, pull
    "sport": (0.31, 0.70, 0.42, 0.80, 0.32, 0.02, 0.02),
    "cruiser": (0.33, 0.85, 0.75, 0.62, 0.40, 0.25, 0.28),
    "dirt": (0.36, 0.70, 0.48, 0.92, 0.40, 0.10, 0.06),
    "scooter": (0.23, 0.62, 0.40, 0.72, 0.33, 0.06, 0.04),
}


def motorbike(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a motorbike: fat wheels, engine, tank, seat, a fork that steers, an exhaust on the right."""
    r, base, rake, seat_z, wide, rise, pull = MOTORBIKES[subtype]
    r, base, rake, seat_z = (
        vary(rng, r, 0.1),
        vary(rng, base, 0.1),
        vary(rng, rake, 0.15),
        vary(rng, seat_z, 0.08),
    )
    wide, rise = vary(rng, wide, 0.15), vary(rng, rise, 0.4)
    tyre = {"sport": 0.08, "cruiser": 0.09, "dirt": 0.055, "scooter": 0.06}[subtype]
    hole = {"sport": 0.66, "cruiser": 0.62, "dirt": 0.78, "scooter": 0.55}[subtype]
    spokes = 6 if subtype in ("cruiser", "dirt") else 3
    back, front = np.array([-base, 0, r]), np.array([base, 0, r])
    head_z = max(seat_z + 0.12, 2.3 * r)
    slope = np.array([-rake, 0, 1]) / np.hypot(rake, 1)
    head = front + slope * (head_z - r) / slope[2]
    fig = Figure()
    move = turning(head, slope, rng.uniform(-26, 26))

    trail = np.array(
        [-0.06, 0, 0]
    )  # the legs end behind the axle, the swingarm above it: the hubs stay in sight
    hub = 0.2 if spokes == 6 else 0.4
    wheel(fig, "b_wheel", back, r, 1.15 * tyre, hole=hole, hub=hub, thin=0.35, spokes=spokes)
    wheel(fig, "f_wheel", front, r, 0.85 * tyre, hole=hole, hub=hub, thin=0.45, spokes=spokes, move=move)
    for side, s in SIDES:
        out = np.array([0, s * (tyre + 0.05), 0])
        fig.limb(f"{side}_fork", move(head + out), move(front + 0.6 * out + trail), 0.035, "metal", top=0.85)
        fig.limb(
            f"{side}_swingarm",
            (-0.1, 0.7 * out[1], r + 0.08),
            back + 0.8 * out + (0, 0, 0.09),
            0.035,
            "trim2",
        )
    guard = 1.08 * r if subtype != "dirt" else 1.5 * r
    fig.ellipsoid(
        "front_mudguard",
        move(front + guard * slope * 0.92),
        (0.7 * r, tyre + 0.03, 0.16 * r),
        "trim",
        rotation=turn(yaw=0, pitch=-8),
    )

    seat_x = -0.35 * base
    tank_x = 0.22 * base
    if subtype == "scooter":
        fig.ellipsoid(
            "rear_body", (-0.62 * base, 0, 0.62 * seat_z), (0.62 * base, 0.19, 0.32 * seat_z), "body"
        )
        fig.box("footboard", (0.1 * base, 0, 0.85 * r), (0.5 * base, 0.17, 0.05), "body2")
        fig.limb("leg_shield", (0.5 * base, 0, 0.9 * r), head + (-0.04, 0, 0), (0.22, 0.04), "body", top=0.7)
        fig.ellipsoid("engine", (-0.5 * base, 0, 0.9 * r), (0.3 * base, 0.13, 0.1), "metal")
    else:
        fig.ellipsoid("engine", (0.02, 0, 1.15 * r), (0.26, 0.16, 0.17), "metal")
        fig.limb("cylinder", (0.03, 0, 1.2 * r), (0.14, 0, seat_z - 0.12), 0.12, "dark")
        fig.limb("cylinder_head", (0.12, 0, seat_z - 0.19), (0.15, 0, seat_z - 0.09), 0.13, "metal")
        tank = {"sport": (0.29, 0.17, 0.14), "cruiser": (0.3, 0.16, 0.12), "dirt": (0.24, 0.12, 0.13)}[
            subtype
        ]
        fig.ellipsoid(
            "tank", (tank_x, 0, seat_z + 0.06), tank, "body", rotation=turn(pitch=rng.uniform(0, 14))
        )
        fig.limb("backbone", (seat_x, 0, seat_z - 0.1), head - 0.1 * slope, 0.04, "trim2")
        fig.limb("down_tube", head - 0.15 * slope, (0.2, 0, 0.8 * r), 0.035, "trim2")
        fig.limb("subframe", (-0.08, 0, r + 0.1), (-0.6 * base, 0, seat_z - 0.06), 0.035, "trim2")
    rear = {
        "sport": (-0.85 * base, 0.14),
        "cruiser": (-0.7 * base, -0.02),
        "dirt": (-0.9 * base, 0.08),
        "scooter": (-0.9 * base, 0.02),
    }[subtype]
    half_seat = {"sport": 0.28, "cruiser": 0.26, "dirt": 0.42, "scooter": 0.34}[subtype]
    fig.ellipsoid(
        "seat", (seat_x, 0, seat_z), (half_seat, 0.15, 0.075), "dark", rotation=turn(pitch=rng.uniform(-5, 3))
    )
    fig.ellipsoid(
        "pillion",
        (rear[0] * 0.85, 0, seat_z + 0.7 * rear[1] + 0.03),
        (0.22, 0.12, 0.06),
        "dark",
        rotation=turn(pitch=-8),
    )
    tail = np.array([rear[0] - 0.2, 0, seat_z + rear[1] - (0.03 if subtype != "cruiser" else 0.1)])
    fig.ellipsoid("tail", tail + (0.16, 0, 0), (0.25, 0.11, 0.07), "body", rotation=turn(pitch=-12))
    fig.ellipsoid("tail_light", tail + (-0.09, 0, 0.02), (0.06, 0.09, 0.055), "red")
    if subtype in ("cruiser", "scooter"):
        fig.ellipsoid(
            "rear_mudguard",
            back + (-0.1, 0, 0.75 * r),
            (0.9 * r, tyre + 0.05, 0.4 * r),
            "body",
            rotation=turn(pitch=14),
        )
    fig.limb("plate_holder", tail, tail + (-0.08, 0, -0.17), 0.03, "dark")
    fig.box("plate", tail + (-0.1, 0, -0.15), (0.015, 0.09, 0.06), "light", rotation=turn(pitch=20))

    bar = head + np.array([-0.04, 0, 0.07]) + 0.05 * slope
    fig.limb("bar_clamp", move(head - 0.06 * slope), move(bar), 0.05, "metal")
    for side, s in SIDES:
        bend = bar + np.array([-0.3 * pull, s * 0.5 * wide, rise])
        tip = bar + np.array([-pull - 0.06, s * wide, rise - 0.02])
        grip = bend + 0.4 * (tip - bend)
        fig.limb(f"{side}_bar", move(bar), move(bend), 0.02, "metal")
        fig.limb(f"{side}_bar_end", move(bend), move(grip), 0.02, "metal")
        fig.limb(f"{side}_grip", move(grip), move(tip), 0.03, "dark")
        fig.limb(f"{side}_mirror_rod", move(grip), move(grip + (0.05, 0.03 * s, 0.14)), 0.012, "metal")
        fig.ellipsoid(f"{side}_mirror", move(grip + (0.05, 0.05 * s, 0.17)), (0.02, 0.07, 0.045), "dark")
        fig.limb(f"{side}_footpeg", (-0.12, s * 0.1, 0.95 * r), (-0.12, s * 0.24, 0.95 * r), 0.02, "dark")
    lamp = head + np.array([0.12, 0, -0.08])
    if subtype == "sport":
        fig.limb("fairing", lamp + (-0.3, 0, 0.06), lamp + (0.24, 0, -0.12), (0.22, 0.2), "body", top=0.35)
        fig.ellipsoid(
            "windshield", lamp + (-0.06, 0, 0.13), (0.22, 0.12, 0.09), "glass", rotation=turn(pitch=-38)
        )
        fig.ellipsoid("belly", (0.18, 0, 1.15 * r), (0.36, 0.19, 0.2), "body2", rotation=turn(pitch=12))
        lamp = lamp + np.array([0.22, 0, -0.1])
    if subtype == "dirt":
        fig.box(
            "number_board", move(lamp + (0.03, 0, 0.06)), (0.02, 0.1, 0.12), "light", rotation=turn(pitch=20)
        )
        lamp = lamp + np.array([0.04, 0, -0.08])
    fig.ellipsoid("headlight", lamp if subtype == "sport" else move(lamp), (0.08, 0.1, 0.1), "light")

    start = np.array([0.2, -0.14, 0.85 * r])
    end = {
        "sport": np.array([-0.85 * base, -0.2, 1.5 * r]),
        "cruiser": np.array([-1.12 * base, -0.2, 0.75 * r]),
        "dirt": np.array([-0.85 * base, -0.17, seat_z - 0.14]),
        "scooter": np.array([-1.05 * base, -0.2, 0.9 * r]),
    }[subtype]
    knee = np.array([-0.15, -0.19, (0.75 if subtype != "dirt" else 1.6) * r])
    fig.limb("exhaust_pipe", start, knee, 0.035, "metal")
    fig.limb("muffler", knee, end, 0.055, "metal", top=1.25)
    fig.limb("muffler_hole", end + 0.02 * (knee - end), end - 0.01 * (knee - end), 0.05, "dark")

    name_ends(fig, (("f_wheel", 1), ("b_wheel", -1)))
    fig.keypoint("HandleCenter", "bar_clamp", (0, 0, 1))
    fig.keypoint("SeatBase", "seat", (0, 0, 1))
    fig.keypoint("TailLight", "tail_light", (-1, 0, 0))
    fig.keypoint("ExhaustPipeEnd", "muffler_hole", (0, 0, 1))
    return fig
