"""Sofas. At azimuth 0 they face the viewer, and left is the *picture's* left: y < 0."""

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.furniture import DEPTHS, SIDES, draw


def sofa(rng: np.random.Generator, subtype: str) -> Figure:
    """Two or three seats on legs, a rolled-arm one, one with a chaise."""
    figure = Figure()
    wide = {"two": 0.75, "three": 1.1, "rolled": 0.95, "chaise": 1.05}[subtype]
    wide, deep, low, arm, back, girth = draw(rng, wide, 0.42, 0.22, 0.24, 0.44, 0.11, spread=0.18)
    foot = 0.08
    figure.box("base", (0, 0, foot + low / 2), (deep, wide, low / 2), "body")
    figure.box(
        "back", (-0.86 * deep, 0, foot + low / 2 + back / 2), (0.16 * deep, wide, (low + back) / 2), "body"
    )
    seats = {"two": 2, "three": 3, "rolled": 2, "chaise": 3}[subtype]
    inner = wide - 2 * girth
    for i in range(seats):
        y = inner * ((2 * i + 1) / seats - 1)
        figure.box(
            f"seat_{i}",
            (0.16 * deep, y, foot + low + 0.05),
            (0.84 * deep, 0.96 * inner / seats, 0.06),
            "body2",
        )
        figure.box(
            f"cushion_{i}",
            (-0.55 * deep, y, foot + low + 0.1 + 0.38 * back),
            (0.07, 0.92 * inner / seats, 0.36 * back),
            "body2",
            rotation=turn(pitch=rng.uniform(8, 16)),
        )
        if subtype == "rolled":
            for j in (-0.5, 0.5):
                figure.ellipsoid(
                    f"button_{i}_{j > 0:d}",
                    (-0.55 * deep + 0.08, y + j * inner / seats, foot + low + 0.1 + 0.45 * back),
                    np.full(3, 0.025),
                    "dark",
                )
    if subtype == "chaise":
        figure.box(
            "chaise", (0.95 * deep, 0.62 * wide, foot + low / 2), (0.85 * deep, 0.38 * wide, low / 2), "body"
        )
        figure.box(
            "chaise_seat",
            (0.95 * deep, 0.62 * wide, foot + low + 0.045),
            (0.84 * deep, 0.36 * wide, 0.055),
            "body2",
        )
    for side, s in SIDES:
        y = s * (wide - girth)
        figure.box(
            f"arm_{side}",
            (0, y, foot + (low + arm) / 2),
            (1.01 * deep, girth, (low + arm) / 2),
            "body",
        )
        if subtype == "rolled":
            figure.limb(
                f"roll_{side}",
                (-0.9 * deep, y, foot + low + arm),
                (1.04 * deep, y, foot + low + arm),
                1.15 * girth,
                "body",
            )
            figure.limb(
                f"rosette_{side}",
                (1.03 * deep, y, foot + low + arm),
                (1.06 * deep, y, foot + low + arm),
                0.6 * girth,
                "trim",
            )
        else:
            figure.box(
                f"piping_{side}",
                (1.01 * deep, y, foot + (low + arm) / 2),
                (0.012, 0.75 * girth, 0.43 * (low + arm)),
                "trim",
            )
        pillow = turn(yaw=-s * rng.uniform(5, 30), pitch=rng.uniform(10, 30), roll=rng.uniform(-30, 30))
        figure.box(
            f"pillow_{side}",
            (-0.2 * deep, 0.8 * s * inner, foot + low + 0.25),
            (0.05, 0.15, 0.15),
            "trim2",
            rotation=pillow,
        )
        for end, e in DEPTHS:
            figure.limb(
                f"foot_{side}_{end}",
                (0.88 * deep * e, 0.92 * wide * s, foot),
                (0.9 * deep * e, 0.94 * wide * s, 0),
                0.04,
                "wood",
                top=0.7,
            )
        figure.keypoint(f"Back_Top_{side}", "back", (1, s, 1))
        figure.keypoint(f"Back_Base_{side}", "back", (-1, s, -1))
        figure.keypoint(f"Front_Base_{side}", f"arm_{side}", (1, s, -1))
        top = ("roll_" if subtype == "rolled" else "arm_") + side
        figure.keypoint(f"Handle_Front_{side}", top, (0, 1, 1) if subtype == "rolled" else (1, 0, 1))
        figure.keypoint(
            f"Handle_{side}_Junction", top, (0, 1, -0.7) if subtype == "rolled" else (-0.68, 0, 1)
        )
        figure.keypoint(
            f"{side}_Junction", f"seat_{0 if s < 0 else seats - 1}", (1, s, 1)
        )  # where arm and seat part in front
    return figure
