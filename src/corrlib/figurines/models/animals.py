"""Things that live: the five quadrupeds' breeds, birds and people."""

from __future__ import annotations

from functools import partial

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn
from corrlib.figurines.models.breeds import BREEDS
from corrlib.figurines.models.person import person
from corrlib.figurines.models.quadrupeds import quadruped


def _animal(rng: np.random.Generator, subtype: str, *, category: str) -> Figure:
    return quadruped(rng, BREEDS[category][subtype])


def bird(rng: np.random.Generator, subtype: str) -> Figure:
    """A songbird, a gull on the wing, a duck or swan, a heron; lengths in bodies."""
    figure = Figure()

    def vary(value, spread=0.2):
        return value * np.exp(rng.uniform(-spread, spread))

    pitch, neck, thin, beak, leg, head, flat, span = {
        "songbird": (32, 0.1, 0.17, 0.22, 0.26, 0.21, 1.0, 0.0),
        "flying": (4, 0.16, 0.13, 0.2, 0.16, 0.15, 1.0, 1.0),
        "duck": (6, 0.42, 0.1, 0.24, 0.14, 0.15, 0.35, 0.0),
        "heron": (18, 0.72, 0.06, 0.46, 0.85, 0.12, 1.0, 0.0),
    }[subtype]
    length, depth = 0.5, vary(0.23)
    trunk = turn(pitch=pitch + rng.normal(0, 7), roll=rng.normal(0, 12) * span)

    def at(x, y, z):
        return trunk @ (x, y, z)

    figure.ellipsoid("body", (0, 0, 0), (length, 0.9 * depth, depth), "body", rotation=trunk)
    figure.ellipsoid(
        "breast", at(0.12, 0, -0.32 * depth), (0.38, 0.8 * depth, 0.8 * depth), "body2", rotation=trunk
    )
    gaze = rng.normal(0, 25)
    base, rise = (
        at(0.36, 0, 0.2 * depth),
        turn(yaw=gaze / 3, pitch=rng.normal(70 if neck > 0.2 else 45, 10) * (1 - 0.6 * span)) @ (1, 0, 0),
    )
    neck, head, thin = vary(neck, 0.3), vary(head), vary(thin)
    top = base + neck * rise
    figure.limb("neck", base - 0.08 * rise, top + 0.02 * rise, 1.35 * thin, "body", top=0.75)
    figure.keypoint("Upper_Neck_Base", "neck", (0, 0.95, -0.6))  # nape and chest side of the neck's root
    figure.keypoint("Lower_Neck_Base", "neck", (0, -0.95, -0.6))
    face = turn(yaw=gaze, pitch=rng.normal(0, 8))
    centre = top + face @ (0.3 * head, 0, 0.45 * head)
    figure.ellipsoid("head", centre, (1.1 * head, 0.85 * head, 0.92 * head), "trim", rotation=face)
    root = centre + face @ (0.85 * head, 0, -0.1 * head)
    tip = root + face @ (vary(beak, 0.3), 0, -0.03)
    figure.limb(
        "beak", root, tip, (0.4 * head, 0.4 * head * flat), "trim2", top=0.6 if subtype == "duck" else 0.05
    )
    figure.keypoint("Beak_Tip", "beak", (0, 0, 1))
    figure.keypoint("Beak_Base", "beak", (0, 1, -1))
    for side, sign in (("Left", 1), ("Right", -1)):
        outward = np.array([0.55, 0.74 * sign, 0.38])
        place = outward * (1.1 * head, 0.85 * head, 0.92 * head)
        figure.ellipsoid(f"{side}_eyeball", centre + face @ place, np.full(3, 0.24 * head), "light")
        figure.ellipsoid(
            f"{side}_pupil",
            centre + face @ (place + 0.14 * head * outward),
            np.full(3, 0.17 * head),
            "dark",
            rotation=face,
        )
        figure.keypoint(f"{side}_Eye", f"{side}_pupil", outward)
    _wings(figure, rng, at, trunk, depth, span, vary)
    fan = trunk @ turn(pitch=rng.normal(0, 10))
    for i, spread in enumerate((-14, 14, 0)):
        feather = fan @ turn(yaw=spread)
        figure.ellipsoid(
            f"tail_{i}",
            at(-0.42, 0, 0.04) + feather @ (-0.25, 0, 0.01 * i),
            (vary(0.3), 0.09, 0.03),
            "trim",
            rotation=feather,
        )
    figure.keypoint("Tail_Tip", "tail_2", (-1, 0, 0))
    reach, swing = vary(leg, 0.3), 60 * span
    for side, sign in (("Left", 1), ("Right", -1)):
        hip, stride = at(-0.05, 0.4 * depth * sign, -0.75 * depth), rng.uniform(-0.15, 0.15)
        foot = hip + reach * (turn(pitch=swing) @ (stride, 0, -1))
        figure.ellipsoid(f"{side}_thigh", hip, (0.11, 0.07, 0.13), "body")
        figure.limb(f"{side}_leg", hip, foot, 0.032, "trim2", top=0.85)
        for i, toe in enumerate((-35, 0, 35, 180)):
            figure.limb(
                f"{side}_toe_{i}",
                foot,
                foot + turn(yaw=toe, pitch=-swing) @ (0.13 if i < 3 else 0.08, 0, -0.02),
                0.026,
                "trim2",
                top=0.4,
            )
    figure.ellipsoid(
        "vent", at(0.0, 0, -0.92 * depth), (0.17, 0.5 * depth, 0.26 * depth), "body2", rotation=trunk
    )
    figure.keypoint("Leg_Center", "vent", (0.6, 0, -0.8))
    return figure


def _wings(figure: Figure, rng, at, trunk, depth: float, span: float, vary) -> None:
    """Two panels and three flight feathers a wing: along the flank, or out to the side when `span` is 1."""
    flap, bend, inner, outer = (
        rng.uniform(-25, 55),
        rng.uniform(-45, 5),
        vary(0.36 if span else 0.3),
        vary(0.48 if span else 0.28),
    )
    for side, sign in (("Left", 1), ("Right", -1)):
        if span:
            one, two = turn(yaw=-sign * 8, roll=sign * flap), turn(yaw=-sign * 24, roll=sign * (flap + bend))
            frames = [
                trunk @ np.stack([m @ (0, sign * 1.0, 0), m @ (-1.0, 0, 0), m @ (0, 0, 1.0)], axis=1)
                for m in (one, two)
            ]
        else:
            fold = turn(yaw=sign * rng.uniform(-2, 5), pitch=rng.normal(4, 5))
            frames = [
                trunk
                @ np.stack([fold @ (-1.0, 0, 0), fold @ (0, 0, -1.0), fold @ (0, sign * 1.0, 0)], axis=1)
            ] * 2
        shoulder = at(0.24, (0.6 if span else 0.82) * depth * sign, (0.45 if span else 0.25) * depth)
        chord = 0.21 if span else 0.75 * depth
        figure.ellipsoid(
            f"{side}_wing",
            shoulder + frames[0] @ (0.85 * inner, 0.3 * chord, 0),
            (inner, chord, 0.05),
            "body2",
            rotation=frames[0],
        )
        wrist = shoulder + frames[0] @ (1.5 * inner, 0.2 * chord, 0)
        figure.ellipsoid(
            f"{side}_hand",
            wrist + frames[1] @ (0.7 * outer, 0.1 * chord, 0),
            (outer, 0.75 * chord, 0.035),
            "trim2",
            rotation=frames[1],
        )
        for i, drop in enumerate((0.2, 0.75, 1.2)):
            figure.ellipsoid(
                f"{side}_feather_{i}",
                wrist + frames[1] @ ((0.9 - 0.35 * i) * outer, drop * chord, 0),
                (0.5 * outer, 0.2 * chord, 0.03),
                "trim",
                rotation=frames[1],
            )
        figure.keypoint(f"{side}_Wing_Base", f"{side}_wing", (-0.8, 0, 0.6))
        figure.keypoint(f"{side}_Wing_Tip", f"{side}_hand", (1, 0, 0))


ANIMALS: dict[str, Category] = {
    "bird": Category(bird, ("songbird", "flying", "duck", "heron"), SIDE_VIEWS, (-15.0, 25.0)),
    "person": Category(
        person,
        ("plain", "hat", "skirt", "rucksack"),
        ((0, 20, 3), (45, 20, 2), (-45, 20, 2), (90, 15, 1), (-90, 15, 1), (180, 30, 0.7)),
        (-5.0, 20.0),
    ),
} | {
    name: Category(partial(_animal, category=name), tuple(breeds), SIDE_VIEWS)
    for name, breeds in BREEDS.items()
}
