"""People."""

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn


def person(rng: np.random.Generator, subtype: str) -> Figure:
    """Somebody 1.75 tall: standing, walking, running or sitting, in trousers or skirt, arms anywhere."""
    fig = Figure()
    build, reach = np.exp(rng.uniform(-0.2, 0.25)), np.exp(rng.uniform(-0.1, 0.1))
    tall, width = 0.5 * np.exp(rng.uniform(-0.14, 0.14)), 0.19 * build
    lean = turn(yaw=rng.normal(0, 10), pitch=rng.normal(-4, 7), roll=rng.normal(0, 5))
    trunk = fig.within(rotation=lean)
    waist = (0.82 * width, 0.13 * build)
    trunk.limb("belly", (0, 0, 0.0), (0, 0, 0.55 * tall), waist, "body")
    trunk.limb("ribs", (0, 0, 0.5 * tall), (0, 0, tall), waist, "body", top=1.15)
    trunk.ellipsoid("shoulders", (0, 0, tall), (0.12 * build, 1.12 * width, 0.08), "body")
    trunk.limb("belt", (0, 0, -0.01), (0, 0, 0.05), (0.86 * width, 0.138 * build), "dark")
    fig.ellipsoid("pelvis", (0, 0, -0.05), (0.14 * build, 0.92 * width, 0.12), "trim", rotation=lean)
    for i, z in enumerate((0.3, 0.55, 0.8)):
        trunk.ellipsoid(f"button_{i}", (0.135 * build, 0, z * tall), (0.016, 0.018, 0.018), "light")
    trunk.limb("neck", (0, 0, tall), (0.02, 0, tall + 0.13), 0.06, "skin", top=0.9)
    gaze = turn(yaw=rng.normal(0, 28), pitch=rng.normal(-2, 10), roll=rng.normal(0, 6))
    _face(trunk.within(at=(0.03, 0, tall + 0.22), rotation=gaze), rng, subtype)
    pose = rng.choice(("stand", "stand", "walk", "run", "sit"))
    strides = {"stand": rng.uniform(-8, 8), "walk": rng.uniform(14, 28), "run": rng.uniform(32, 50)}
    stride = strides.get(pose, 0.0) * rng.choice((-1, 1))
    down = (0, 0, -1.0)
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
        calf = "skin" if subtype == "skirt" else "trim"
        _limbs(own, "leg", hip, knee, ankle, 0.088 * build, "trim", calf)
        foot = splay @ turn(yaw=sign * 12, pitch=np.clip(swing - fold, -60, 10))
        foot = own.within(at=ankle, rotation=foot)
        foot.ellipsoid("shoe", (0.07, 0, -0.045), (0.145, 0.058, 0.05), "dark")
        foot.ellipsoid("toecap", (0.165, 0, -0.05), (0.06, 0.055, 0.042), "trim2")
        own.keypoint(f"{side}_Hip", "upper_leg", (0.72 * sign, 0.66, -0.9))
        own.keypoint(f"{side}_Knee", "leg_joint", (1, 0, 0))
        own.keypoint(f"{side}_Ankle", "lower_leg", (0.62 * sign, 0.3, 0.95))
        own.keypoint(f"{side}_Foot", "shoe", (-0.9, 0, -0.436))  # the heel
        own.keypoint(f"{side}_Toes", "toecap", (1, 0, 0))
        shoulder = trunk.at(0, 1.08 * width * sign, tall - 0.01)
        if rng.random() < 0.2:  # raised
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
        own.keypoint(f"{side}_Shoulder", "upper_arm", (0.7 * sign, 0.7, -0.95))
        own.keypoint(f"{side}_Elbow", "arm_joint", (-0.8, 0.6 * sign, 0))
        own.keypoint(f"{side}_Wrist", "lower_arm", (0.5 * sign, 0.47, 0.95))
    if subtype == "skirt":
        hem = (0.3, 0, -0.22) if pose == "sit" else (0, 0, -0.48)
        fig.limb("skirt", trunk.at(0, 0, 0.04), hem, (0.85 * width, 0.14 * build), "trim2", top=1.75)
        for side, sign in (("L", 1), ("R", -1)):
            fig.keypoint(f"{side}_Hip", "skirt", (0.92 * sign, 0.69, -0.6))
    if subtype == "rucksack":
        trunk.box("rucksack", (-0.22, 0, 0.62 * tall), (0.1, 0.75 * width, 0.36 * tall), "trim2")
        half = (0.018, 0.025, 0.3 * tall)
        for _, _, side in trunk.sides("L", "R"):
            side.box("strap", (0.125 * build, 0.55 * width, 0.7 * tall), half, "trim2")
    return fig


def _limbs(fig: Figure, name: str, start, joint, end, radius: float, cover: str, bare: str) -> None:
    fig.limb(f"upper_{name}", start, joint, 1.1 * radius, cover, top=0.78)
    fig.ellipsoid(f"{name}_joint", joint, np.full(3, 0.88 * radius), cover)
    fig.limb(f"lower_{name}", joint, end, 0.84 * radius, bare, top=0.68)


def _face(fig: Figure, rng, subtype: str) -> None:
    """The head: face, hair or hat, eyes, brows, nose, mouth, ears."""
    half = np.array([0.098, 0.082, 0.125]) * np.exp(rng.uniform(-0.12, 0.12, 3))
    head = fig.within(scale=half)
    head.ellipsoid("head", (0, 0, 0), (1, 1, 1), "skin")
    head.ellipsoid("hair", (-0.2, 0, 0.25), (1.0, 1.1, 0.92), "trim2")
    fig.keypoint("B_Head", "hair", (-0.6, 0, 0.8))  # the crown, towards the back
    fig.keypoint("HeadBack", "hair", (-0.95, 0, -0.312))  # the back of the head, low
    head.ellipsoid("nose", (1.02, 0, -0.12), (0.22, 0.17, 0.2), "skin")
    fig.keypoint("Nose", "nose", (1, 0, 0))
    head.ellipsoid("mouth", (0.82, 0, -0.5), (0.16, 0.42, 0.09), "red")
    for name, sign, side in head.sides("L", "R"):
        side.ellipsoid("eyeball", (0.87, 0.38, 0.12), (0.13, 0.23, 0.13), "light")
        side.ellipsoid("pupil", (0.95, 0.38, 0.12), (0.09, 0.12, 0.1), "dark")
        side.ellipsoid("brow", (0.88, 0.4, 0.36), (0.1, 0.26, 0.06), "dark")
        side.keypoint(f"{name}_Eye", "pupil", (1, 0, 0))
        side.ellipsoid("ear", (0.02, 1.1, -0.05), (0.22, 0.14, 0.27), "skin")
        side.keypoint(f"{name}_Ear", "ear", (0.5, 0.866 * sign, 0))
    if subtype == "skirt":
        head.ellipsoid("long_hair", (-0.55, 0, -0.6), (0.6, 1.15, 1.25), "trim2")
    if subtype == "hat":
        deep, wide, _ = half
        head.limb("hat", (-0.05, 0, 0.6), (-0.05, 0, 1.5), (1.1 * wide, 1.1 * deep), "body2", top=0.85)
        head.limb("brim", (-0.05, 0, 0.62), (-0.02, 0, 0.7), (2.0 * wide, 1.9 * deep), "body2", top=0.95)
