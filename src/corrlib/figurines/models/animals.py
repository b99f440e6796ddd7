"""Things that live: the five quadrupeds' breeds, birds and people."""

from __future__ import annotations

from functools import partial

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn
from corrlib.figurines.models.breeds import BREEDS
from corrlib.figurines.models.person import person
from corrlib.figurines.models.quadrupeds import quadruped

SIDES = (("Left", 1), ("Right", -1))


def _animal(rng: np.random.Generator, subtype: str, *, category: str) -> Figure:
    return quadruped(rng, BREEDS[category][subtype])


def bird(rng: np.random.Generator, subtype: str) -> Figure:
    """A songbird, a gull on the wing, a duck or swan, a heron; lengths in bodies."""

    def vary(value, spread=0.2):
        return value * np.exp(rng.uniform(-spread, spread))

    pitch, neck, thin, beak, leg, size, flat, span = {
        "songbird": (32, 0.1, 0.17, 0.22, 0.26, 0.21, 1.0, 0.0),
        "flying": (4, 0.16, 0.13, 0.2, 0.16, 0.15, 1.0, 1.0),
        "duck": (6, 0.42, 0.1, 0.24, 0.14, 0.15, 0.35, 0.0),
        "heron": (18, 0.72, 0.06, 0.46, 0.85, 0.12, 1.0, 0.0),
    }[subtype]
    fig, depth = Figure(), vary(0.23)
    trunk = fig.within(rotation=turn(pitch=pitch + rng.normal(0, 7), roll=rng.normal(0, 12) * span))
    trunk.ellipsoid("body", (0, 0, 0), (0.5, 0.9 * depth, depth), "body")
    trunk.ellipsoid("breast", (0.12, 0, -0.32 * depth), (0.38, 0.8 * depth, 0.8 * depth), "body2")
    gaze, upright = rng.normal(0, 25), rng.normal(70 if neck > 0.2 else 45, 10)
    base = trunk.at(0.36, 0, 0.2 * depth)
    rise = turn(yaw=gaze / 3, pitch=upright * (1 - 0.6 * span)) @ (1, 0, 0)
    neck, size, thin = vary(neck, 0.3), vary(size), vary(thin)
    top = base + neck * rise
    fig.limb("neck", base - 0.08 * rise, top + 0.02 * rise, 1.35 * thin, "body", top=0.75)
    fig.keypoint("Upper_Neck_Base", "neck", (0, 0.95, -0.6))  # nape and chest side of the neck's root
    fig.keypoint("Lower_Neck_Base", "neck", (0, -0.95, -0.6))
    face = turn(yaw=gaze, pitch=rng.normal(0, 8))
    centre = top + face @ (0.3 * size, 0, 0.45 * size)
    head, half = fig.within(at=centre, rotation=face), np.array([1.1 * size, 0.85 * size, 0.92 * size])
    head.ellipsoid("head", (0, 0, 0), half, "trim")
    root = head.at(0.85 * size, 0, -0.1 * size)
    tip, taper = root + face @ (vary(beak, 0.3), 0, -0.03), 0.6 if subtype == "duck" else 0.05
    fig.limb("beak", root, tip, (0.4 * size, 0.4 * size * flat), "trim2", top=taper)
    fig.keypoint("Beak_Tip", "beak", (0, 0, 1))
    fig.keypoint("Beak_Base", "beak", (0, 1, -1))
    for side, sign in SIDES:
        outward = np.array([0.55, 0.74 * sign, 0.38])
        place = outward * half
        fig.ellipsoid(f"{side}_eyeball", head.at(*place), np.full(3, 0.24 * size), "light")
        head.ellipsoid(f"{side}_pupil", place + 0.14 * size * outward, np.full(3, 0.17 * size), "dark")
        fig.keypoint(f"{side}_Eye", f"{side}_pupil", outward)
    _wings(fig, rng, trunk, depth, span, vary)
    fan = turn(pitch=rng.normal(0, 10))
    for i, spread in enumerate((-14, 14, 0)):
        feather = trunk.within(at=(-0.42, 0, 0.04), rotation=fan).within(rotation=turn(yaw=spread))
        feather.ellipsoid(f"tail_{i}", (-0.25, 0, 0.01 * i), (vary(0.3), 0.09, 0.03), "trim")
    fig.keypoint("Tail_Tip", "tail_2", (-1, 0, 0))
    reach, swing = vary(leg, 0.3), 60 * span
    for side, sign in SIDES:
        own = fig.within(f"{side}_*")
        hip = trunk.at(-0.05, 0.4 * depth * sign, -0.75 * depth)
        foot = hip + reach * (turn(pitch=swing) @ (rng.uniform(-0.15, 0.15), 0, -1))
        own.ellipsoid("thigh", hip, (0.11, 0.07, 0.13), "body")
        own.limb("leg", hip, foot, 0.032, "trim2", top=0.85)
        for i, (yaw, long) in enumerate(((-35, 0.13), (0, 0.13), (35, 0.13), (180, 0.08))):
            toe = own.within(at=foot, rotation=turn(yaw=yaw, pitch=-swing))
            toe.limb(f"toe_{i}", (0, 0, 0), (long, 0, -0.02), 0.026, "trim2", top=0.4)
    trunk.ellipsoid("vent", (0.0, 0, -0.92 * depth), (0.17, 0.5 * depth, 0.26 * depth), "body2")
    fig.keypoint("Leg_Center", "vent", (0.6, 0, -0.8))
    return fig


def _wings(fig: Figure, rng, trunk: Figure, depth: float, span: float, vary) -> None:
    """Two panels and three flight feathers a wing: along the flank, or out to the side when `span` is 1."""
    flap, bend = rng.uniform(-25, 55), rng.uniform(-45, 5)
    inner, outer = vary(0.36 if span else 0.3), vary(0.48 if span else 0.28)
    for side, sign in SIDES:
        if span:
            one, two = turn(yaw=-sign * 8, roll=sign * flap), turn(yaw=-sign * 24, roll=sign * (flap + bend))
            columns = [(0, sign * 1.0, 0), (-1.0, 0, 0), (0, 0, 1.0)]
            shoulder, chord = (0.24, 0.6 * depth * sign, 0.45 * depth), 0.21
        else:
            one = two = turn(yaw=sign * rng.uniform(-2, 5), pitch=rng.normal(4, 5))
            columns = [(-1.0, 0, 0), (0, 0, -1.0), (0, sign * 1.0, 0)]
            shoulder, chord = (0.24, 0.82 * depth * sign, 0.25 * depth), 0.75 * depth
        one, two = (np.stack([turned @ column for column in columns], axis=1) for turned in (one, two))
        arm = trunk.within(f"{side}_*", at=shoulder, rotation=one)
        arm.ellipsoid("wing", (0.85 * inner, 0.3 * chord, 0), (inner, chord, 0.05), "body2")
        wrist = arm.at(1.5 * inner, 0.2 * chord, 0)
        hand = fig.within(f"{side}_*", at=wrist, rotation=trunk.rotation @ two)
        hand.ellipsoid("hand", (0.7 * outer, 0.1 * chord, 0), (outer, 0.75 * chord, 0.035), "trim2")
        for i, drop in enumerate((0.2, 0.75, 1.2)):
            place = ((0.9 - 0.35 * i) * outer, drop * chord, 0)
            hand.ellipsoid(f"feather_{i}", place, (0.5 * outer, 0.2 * chord, 0.03), "trim")
        arm.keypoint(f"{side}_Wing_Base", "wing", (-0.8, 0, 0.6))
        arm.keypoint(f"{side}_Wing_Tip", "hand", (1, 0, 0))


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
