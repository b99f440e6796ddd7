"""Bicycles: a racer, a mountain bike, a city bike."""

# ruff: noqa: RUF005   (points are arrays: `point + (x, y, z)` adds, it does not concatenate)

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.parts import SIDES, name_ends, turning, vary, wheel


def bicycle(rng: np.random.Generator, subtype: str) -> Figure:
    """Build a bicycle: two spoked wheels, a frame of tubes, cranks at any angle, a bar that steers."""
    r = vary(rng, 0.34, 0.1)
    base = vary(rng, 0.52, 0.1)  # half the wheelbase
    fat, tube = {"road": (0.93, 0.018), "mountain": (0.83, 0.028), "city": (0.89, 0.024)}[subtype]
    half_width = {"road": 0.02, "mountain": 0.035, "city": 0.028}[subtype]
    back, front = np.array([-base, 0, r]), np.array([base, 0, r])
    crank = np.array([-0.08, 0, vary(rng, 0.29, 0.1)])
    height = vary(rng, 0.55, 0.18)  # crank to the top of the seat tube
    seat = crank + height * np.array([-0.3, 0, 0.95])
    slope = np.array([-0.36, 0, 0.93])  # the steering axis, upwards
    low = front + (r + 0.06) * slope + np.array([-0.02, 0, 0])
    head = low + vary(rng, 0.16, 0.25) * slope
    post = vary(rng, {"road": 0.16, "mountain": 0.2, "city": 0.12}[subtype], 0.4)
    saddle = seat + post * np.array([-0.3, 0, 0.95])
    fig = Figure()
    move = turning(head, slope, rng.uniform(-26, 26))

    wheel(fig, "b_wheel", back, r, half_width, hole=fat, hub=0.13, thin=0.8, spokes=7)
    wheel(fig, "f_wheel", front, r, half_width, hole=fat, hub=0.1, thin=0.8, spokes=7, move=move)
    fig.limb("down_tube", crank, low, 1.25 * tube, "body")
    fig.limb("seat_tube", crank, seat, tube, "body")
    drop = np.array([0, 0, -0.34 * height]) if subtype == "city" else np.array([0, 0, -0.05])
    fig.limb("top_tube", seat + 0.85 * drop, head + 0.3 * (low - head) + 0.25 * drop, tube, "body")
    fig.limb("head_tube", low, head, 1.4 * tube, "body2")
    crown = low - 0.02 * slope
    for side, s in SIDES:
        out = np.array([0, s * (half_width + 0.025), 0])
        fig.limb(f"{side}_chainstay", crank + 0.8 * out, back + 0.5 * out, 0.6 * tube, "body")
        fig.limb(
            f"{side}_seatstay",
            seat + 0.85 * drop * (subtype != "city") + out,
            back + 0.5 * out,
            0.5 * tube,
            "body",
        )
        fig.limb(f"{side}_fork", move(crown + out), move(front + 0.5 * out), tube, "trim", top=0.6)
    fig.limb("seat_post", seat, saddle, 0.75 * tube, "metal")
    fig.ellipsoid(
        "saddle",
        saddle + (0.02, 0, 0.02),
        (0.15, 0.06, 0.035),
        "dark",
        rotation=turn(pitch=rng.uniform(-6, 6)),
    )
    fig.ellipsoid(
        "saddle_back", saddle + (-0.07, 0, 0.025), (0.07, 0.1 if subtype == "city" else 0.08, 0.04), "dark"
    )

    angle = rng.uniform(0, 360)
    fig.limb("chainring", crank + (0, -0.03, 0), crank + (0, -0.02, 0), 0.1, "metal")
    fig.limb("crank_axle", crank + (0, 0.04, 0), crank + (0, -0.04, 0), 0.03, "dark")
    for side, s in SIDES:
        turned = np.radians(angle + 90 * (1 - s))
        pedal = crank + np.array([0.17 * np.cos(turned), s * 0.06, 0.17 * np.sin(turned)])
        fig.limb(f"{side}_crank", crank + (0, s * 0.03, 0), pedal, 0.014, "metal")
        fig.box(f"{side}_pedal", pedal + (0, s * 0.05, 0), (0.05, 0.05, 0.015), "dark")

    stem = head + vary(rng, {"road": 0.06, "mountain": 0.09, "city": 0.17}[subtype], 0.3) * slope
    reach = {"road": 0.1, "mountain": 0.07, "city": 0.02}[subtype]
    bar = stem + np.array([reach, 0, 0.03])
    fig.limb("steerer", head, stem, tube, "metal")
    fig.limb("stem", move(stem), move(bar), 1.2 * tube, "metal")
    wide = vary(rng, {"road": 0.2, "mountain": 0.31, "city": 0.27}[subtype], 0.12)
    for side, s in SIDES:
        shoulder = (
            bar
            + {
                "road": (0, s * wide, 0),
                "mountain": (-0.02, s * 0.6 * wide, 0.03),
                "city": (0.03, s * 0.8 * wide, 0.09),
            }[subtype]
        )
        tip = {
            "road": shoulder + (-0.05, 0, -0.15),
            "mountain": bar + (-0.05, s * wide, 0.03),
            "city": shoulder + (-0.2, s * 0.25 * wide, -0.03),
        }[subtype]
        fig.limb(f"{side}_bar", move(bar), move(shoulder), 0.7 * tube, "metal")
        grip = shoulder
        if subtype == "road":
            grip = shoulder + np.array([0.1, 0, -0.05])
            fig.limb(f"{side}_drop", move(shoulder), move(grip), 0.9 * tube, "dark")
        fig.limb(f"{side}_grip", move(grip), move(tip), 0.9 * max(tube, 0.02), "dark")
    if subtype == "city":
        fig.box("basket", move(bar + (0.17, 0, -0.1)), (0.13, 0.17, 0.11), "wood")
        fig.tube("chain_guard", crank + (0, -0.06, 0), crank + (0, -0.05, 0), 0.13, "trim", hole=0.75)
        fig.box("carrier", back + (-0.02, 0, r + 0.06), (0.18, 0.07, 0.012), "metal")
        fig.ellipsoid("headlamp", move(front + (0.1, 0, r + 0.1)), (0.04, 0.05, 0.05), "light")
    if subtype == "road":
        fig.limb(
            "bottle",
            crank + 0.35 * (low - crank) + (-0.04, 0, 0.05),
            crank + 0.75 * (low - crank) + (-0.04, 0, 0.05),
            0.036,
            "light",
        )

    name_ends(fig, (("f_wheel", 1), ("b_wheel", -1)))
    # Where the wheel passes under the fork's crown and between the seat stays.
    towards = (seat - back) / np.linalg.norm(seat - back)
    under = slope + (0.12, 0, 0)
    under /= np.linalg.norm(under)
    fig.keypoint("F_WheelIntersection", "f_wheel_tyre", (under[0], -under[2], 0))
    fig.keypoint("B_WheelIntersection", "b_wheel_tyre", (towards[0], -towards[2], 0))
    fig.keypoint("HandleCenter", "stem", (0, 0, 1))
    fig.keypoint("CranksetCenter", "crank_axle", (0, 0, 0))
    fig.keypoint("SeatBase", "saddle", (0, 0, 1))
    return fig
