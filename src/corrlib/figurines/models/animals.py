"""Things that live: the five quadrupeds' breeds, birds and people."""

from functools import partial

import numpy as np

from corrlib.figurines.figure import SIDE_VIEWS, Category, Figure, turn, vary
from corrlib.figurines.models.quadrupeds import BREEDS, quadruped

SIDES = (("Left", 1), ("Right", -1))


def bird(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """A songbird, a gull on the wing, a duck or swan, a heron; lengths in bodies."""
    pitch, neck, thin, beak, leg, size, flat, span = {
        "songbird": (32, 0.1, 0.17, 0.22, 0.26, 0.21, 1.0, 0.0),
        "flying": (4, 0.16, 0.13, 0.2, 0.16, 0.15, 1.0, 1.0),
        "duck": (6, 0.42, 0.1, 0.24, 0.14, 0.15, 0.35, 0.0),
        "heron": (18, 0.72, 0.06, 0.46, 0.85, 0.12, 1.0, 0.0),
    }[subtype]
    depth = vary(rng, 0.23)
    trunk = fig.within(pitch=pitch + rng.normal(0, 7), roll=rng.normal(0, 12) * span)
    trunk.ellipsoid("body", (0, 0, 0), (0.5, 0.9 * depth, depth), "body")
    trunk.ellipsoid("breast", (0.12, 0, -0.32 * depth), (0.38, 0.8 * depth, 0.8 * depth), "body2")
    gaze, upright = rng.normal(0, 25), rng.normal(70 if neck > 0.2 else 45, 10)
    base = trunk.at(0.36, 0, 0.2 * depth)
    rise = turn(yaw=gaze / 3, pitch=upright * (1 - 0.6 * span)) @ (1, 0, 0)
    neck, size, thin = vary(rng, neck, 0.3), vary(rng, size), vary(rng, thin)
    top = base + neck * rise
    fig.limb("neck", base - 0.08 * rise, top + 0.02 * rise, 1.35 * thin, "body", top=0.75)
    # nape and chest side of the neck's root
    fig.name(Upper_Neck_Base=("neck", 0, 0.95, -0.6), Lower_Neck_Base=("neck", 0, -0.95, -0.6))
    face = turn(yaw=gaze, pitch=rng.normal(0, 8))
    head = fig.within(at=top + face @ (0.3 * size, 0, 0.45 * size), rotation=face)
    half = np.array([1.1 * size, 0.85 * size, 0.92 * size])
    head.ellipsoid("head", (0, 0, 0), half, "trim")
    root = head.at(0.85 * size, 0, -0.1 * size)
    tip, taper = root + face @ (vary(rng, beak, 0.3), 0, -0.03), 0.6 if subtype == "duck" else 0.05
    fig.limb("beak", root, tip, (0.4 * size, 0.4 * size * flat), "trim2", top=taper)
    fig.name(Beak_Tip=("beak", 0, 0, 1), Beak_Base=("beak", 0, 1, -1))
    for side, sign in SIDES:
        outward = np.array([0.55, 0.74 * sign, 0.38])
        place = outward * half
        head.ellipsoid(f"{side}_pupil", place, np.full(3, 0.19 * size), "pupil")
        fig.name(f"{side}_*", Eye=(f"{side}_pupil", *outward))
    _wings(fig, rng, trunk, depth, span)
    fan = trunk.within(at=(-0.42, 0, 0.04), pitch=rng.normal(0, 10))
    for i, yaw in enumerate((-14, 14, 0)):
        fan.within(yaw=yaw).ellipsoid(f"tail_{i}", (-0.25, 0, 0.01 * i), (vary(rng, 0.3), 0.09, 0.03), "trim")
    fig.name(Tail_Tip=("tail_2", -1, 0, 0))
    reach, swing = vary(rng, leg, 0.3), 60 * span
    for side, sign in SIDES:
        own = fig.within(f"{side}_*")
        hip = trunk.at(-0.05, 0.4 * depth * sign, -0.75 * depth)
        foot = hip + reach * (turn(pitch=swing) @ (rng.uniform(-0.15, 0.15), 0, -1))
        own.ellipsoid("thigh", hip, (0.11, 0.07, 0.13), "body")
        own.limb("leg", hip, foot, 0.032, "trim2", top=0.85)
        for i, (yaw, long) in enumerate(((-35, 0.13), (0, 0.13), (35, 0.13), (180, 0.08))):
            toe = own.within(at=foot, yaw=yaw, pitch=-swing)
            toe.limb(f"toe_{i}", (0, 0, 0), (long, 0, -0.02), 0.026, "trim2", top=0.4)
    trunk.ellipsoid("vent", (0.0, 0, -0.92 * depth), (0.17, 0.5 * depth, 0.26 * depth), "body2")
    fig.name(Leg_Center=("vent", 0.6, 0, -0.8))


def _wings(fig: Figure, rng, trunk: Figure, depth: float, span: float) -> None:
    """Two panels and three flight feathers a wing: along the flank, or out to the side when `span` is 1."""
    flap, bend = rng.uniform(-25, 55), rng.uniform(-45, 5)
    inner, outer = vary(rng, 0.36 if span else 0.3), vary(rng, 0.48 if span else 0.28)
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
        hand = fig.within(f"{side}_*", arm.at(1.5 * inner, 0.2 * chord, 0), rotation=trunk.rotation @ two)
        hand.ellipsoid("hand", (0.7 * outer, 0.1 * chord, 0), (outer, 0.75 * chord, 0.035), "trim2")
        for i, drop in enumerate((0.2, 0.75, 1.2)):
            place = ((0.9 - 0.35 * i) * outer, drop * chord, 0)
            hand.ellipsoid(f"feather_{i}", place, (0.5 * outer, 0.2 * chord, 0.03), "trim")
        arm.name(Wing_Base=("wing", -0.8, 0, 0.6), Wing_Tip=("hand", 1, 0, 0))


def person(fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Somebody 1.75 tall: standing, walking, running or sitting, in trousers or skirt, arms anywhere."""
    build, reach = np.exp(rng.uniform(-0.2, 0.25)), np.exp(rng.uniform(-0.1, 0.1))
    tall, width = 0.5 * np.exp(rng.uniform(-0.14, 0.14)), 0.19 * build
    lean = turn(yaw=rng.normal(0, 10), pitch=rng.normal(-6, 14), roll=rng.normal(0, 9))
    trunk = fig.within(rotation=lean)
    waist = (0.82 * width, 0.13 * build)
    trunk.limb("belly", (0, 0, 0.0), (0, 0, 0.55 * tall), waist, "body")
    trunk.limb("ribs", (0, 0, 0.5 * tall), (0, 0, tall), waist, "body", top=1.15)
    trunk.ellipsoid("shoulders", (0, 0, tall), (0.12 * build, 1.12 * width, 0.08), "body")
    fig.ellipsoid("pelvis", (0, 0, -0.05), (0.14 * build, 0.92 * width, 0.12), "trim", rotation=lean)
    trunk.limb("neck", (0, 0, tall), (0.02, 0, tall + 0.13), 0.06, "skin", top=0.9)
    gaze = dict(yaw=rng.normal(0, 28), pitch=rng.normal(-2, 10), roll=rng.normal(0, 6))
    _face(trunk.within(at=(0.03, 0, tall + 0.22), **gaze), rng, subtype)
    pose, down = rng.choice(("stand", "stand", "walk", "run", "sit")), (0, 0, -1.0)
    strides = {"stand": (0, 8), "walk": (14, 28), "run": (32, 50), "sit": (0, 0)}
    stride = rng.uniform(*strides[pose]) * rng.choice((-1, 1))
    for side, sign in (("L", 1), ("R", -1)):
        own = fig.within(f"{side}_*")
        hip, swing = trunk.at(0, 0.52 * width * sign, -0.06), sign * stride
        if pose == "sit":
            swing, fold = rng.normal(80, 7), rng.uniform(70, 105)
        else:
            swing, fold = swing + rng.normal(0, 3), rng.uniform(0, 12) + max(-1.3 * swing, 0)
        splay = turn(roll=sign * rng.uniform(1, 9))
        knee = hip + 0.43 * reach * (splay @ turn(pitch=swing) @ down)
        ankle = knee + 0.41 * reach * (splay @ turn(pitch=swing - fold) @ down)
        _limbs(own, "leg", hip, knee, ankle, 0.088 * build, "trim", "skin" if subtype == "skirt" else "trim")
        level = turn(yaw=sign * 12, pitch=np.clip(swing - fold, -60, 10))
        foot = own.within(at=ankle, rotation=splay @ level)
        foot.ellipsoid("shoe", (0.07, 0, -0.045), (0.145, 0.058, 0.05), "dark")
        foot.ellipsoid("toecap", (0.165, 0, -0.05), (0.06, 0.055, 0.042), "trim2")
        own.name(Hip=("upper_leg", 0.72 * sign, 0.66, -0.9), Knee=("leg_joint", 1, 0, 0))
        heel, toes = ("shoe", -0.9, 0, -0.436), ("toecap", 1, 0, 0)
        own.name(Ankle=("lower_leg", 0.62 * sign, 0.3, 0.95), Foot=heel, Toes=toes)
        shoulder = trunk.at(0, 1.08 * width * sign, tall - 0.01)
        if rng.random() < 0.3:  # raised
            lift, out, crook = rng.uniform(90, 165), rng.uniform(10, 50), rng.uniform(0, 60)
        else:
            lift, out, crook = rng.normal(-0.8 * sign * stride, 14), rng.uniform(6, 26), rng.uniform(8, 100)
        aim = lean @ turn(roll=sign * out)
        elbow = shoulder + 0.29 * reach * (aim @ turn(pitch=lift) @ down)
        forearm = aim @ turn(yaw=-sign * rng.uniform(0, 35), pitch=lift + crook) @ down
        wrist = elbow + 0.25 * reach * forearm
        _limbs(own, "arm", shoulder, elbow, wrist, 0.056 * build, "body", "skin")
        grip = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        own.ellipsoid("hand", wrist + 0.06 * grip, (0.045, 0.04, 0.065), "skin", rotation=aim)
        own.name(Shoulder=("upper_arm", 0.7 * sign, 0.7, -0.95), Elbow=("arm_joint", -0.8, 0.6 * sign, 0))
        own.name(Wrist=("lower_arm", 0.5 * sign, 0.47, 0.95))
    if subtype == "skirt":
        hem = (0.3, 0, -0.22) if pose == "sit" else (0, 0, -0.48)
        fig.limb("skirt", trunk.at(0, 0, 0.04), hem, (0.85 * width, 0.14 * build), "trim2", top=1.75)
        fig.name(L_Hip=("skirt", 0.92, 0.69, -0.6), R_Hip=("skirt", -0.92, 0.69, -0.6))
    if subtype == "rucksack":
        trunk.box("rucksack", (-0.22, 0, 0.62 * tall), (0.1, 0.75 * width, 0.36 * tall), "trim2")


def _limbs(fig: Figure, name: str, start, joint, end, radius: float, cover: str, bare: str) -> None:
    fig.limb(f"upper_{name}", start, joint, 1.1 * radius, cover, top=0.78)
    fig.ellipsoid(f"{name}_joint", joint, np.full(3, 0.88 * radius), cover)
    fig.limb(f"lower_{name}", joint, end, 0.84 * radius, bare, top=0.68)


def _face(fig: Figure, rng, subtype: str) -> None:
    """The head: face, hair, eyes, nose, mouth, ears."""
    half = np.array([0.098, 0.082, 0.125]) * np.exp(rng.uniform(-0.12, 0.12, 3))
    head = fig.within(scale=half)
    head.ellipsoid("head", (0, 0, 0), (1, 1, 1), "skin")
    head.ellipsoid("hair", (-0.2, 0, 0.25), (1.0, 1.1, 0.92), "brown")
    # the crown, towards the back, and the back of the head, low
    fig.name(B_Head=("hair", -0.6, 0, 0.8), HeadBack=("hair", -0.95, 0, -0.312))
    head.ellipsoid("nose", (1.02, 0, -0.12), (0.22, 0.17, 0.2), "skin")
    fig.name(Nose=("nose", 1, 0, 0))
    head.ellipsoid("mouth", (0.82, 0, -0.5), (0.16, 0.42, 0.09), "red")
    for _, sign, side in head.sides("L", "R"):
        side.ellipsoid("eyeball", (0.87, 0.38, 0.12), (0.13, 0.23, 0.13), "light")
        side.ellipsoid("pupil", (0.95, 0.38, 0.12), (0.09, 0.12, 0.1), "dark")
        side.ellipsoid("ear", (0.02, 1.1, -0.05), (0.22, 0.14, 0.27), "skin")
        side.name(Eye=("pupil", 1, 0, 0), Ear=("ear", 0.5, 0.866 * sign, 0))
    if subtype == "skirt":
        head.ellipsoid("long_hair", (-0.55, 0, -0.6), (0.6, 1.15, 1.25), "brown")


PERSON_VIEWS = ((0, 20, 3), (45, 20, 2), (-45, 20, 2), (90, 15, 1), (-90, 15, 1), (180, 30, 0.7))
OUT, AROUND = ("field",), ("field", "street", "room", "room")
LIVES = dict(cat=(AROUND, 0.6, "tabby"), dog=(AROUND, 1, "fur"), sheep=(OUT, 1.4, "fur"))
LIVES.update(cow=(OUT, 2.4, "fur"), horse=(OUT, 2.6, "fur"))
BIRDS, PEOPLE = ("songbird", "flying", "duck", "heron"), ("plain", "skirt", "rucksack")
ANIMALS: dict[str, Category] = {
    "bird": Category(bird, BIRDS, SIDE_VIEWS, (-5, 35), ("field", "water", "sky"), 0.6, "feather"),
    "person": Category(person, PEOPLE, PERSON_VIEWS, (0, 45), ("field", "street", "room"), 1.8, "cloth"),
    **{
        name: Category(partial(quadruped, breeds), tuple(breeds), SIDE_VIEWS, (0, 40), *LIVES[name])
        for name, breeds in BREEDS.items()
    },
}
