"""People."""

from __future__ import annotations

import numpy as np

from corrlib.figurines.figure import Figure, turn


def person(rng: np.random.Generator, subtype: str) -> Figure:
    """Somebody 1.75 tall: standing, walking, running or sitting, in trousers or skirt, arms anywhere."""
    figure = Figure()
    build, reach, tall = (
        np.exp(rng.uniform(-0.2, 0.25)),
        np.exp(rng.uniform(-0.1, 0.1)),
        np.exp(rng.uniform(-0.14, 0.14)),
    )
    lean = turn(yaw=rng.normal(0, 10), pitch=rng.normal(-4, 7), roll=rng.normal(0, 5))
    trunk, width = 0.5 * tall, 0.19 * build

    def at(x, y, z):
        return lean @ (x, y, z)

    figure.limb("belly", at(0, 0, 0.0), at(0, 0, 0.55 * trunk), (0.82 * width, 0.13 * build), "body", top=1.0)
    figure.limb(
        "ribs", at(0, 0, 0.5 * trunk), at(0, 0, trunk), (0.82 * width, 0.13 * build), "body", top=1.15
    )
    figure.ellipsoid("shoulders", at(0, 0, trunk), (0.12 * build, 1.12 * width, 0.08), "body", rotation=lean)
    figure.limb("belt", at(0, 0, -0.01), at(0, 0, 0.05), (0.86 * width, 0.138 * build), "dark")
    figure.ellipsoid("pelvis", (0, 0, -0.05), (0.14 * build, 0.92 * width, 0.12), "trim", rotation=lean)
    for i, z in enumerate((0.3, 0.55, 0.8)):
        figure.ellipsoid(
            f"button_{i}", at(0.135 * build, 0, z * trunk), (0.016, 0.018, 0.018), "light", rotation=lean
        )
    figure.limb("neck", at(0, 0, trunk), at(0.02, 0, trunk + 0.13), 0.06, "skin", top=0.9)
    _face(
        figure,
        rng,
        subtype,
        at(0.03, 0, trunk + 0.22),
        lean @ turn(yaw=rng.normal(0, 28), pitch=rng.normal(-2, 10), roll=rng.normal(0, 6)),
    )
    pose = rng.choice(("stand", "stand", "walk", "run", "sit"))
    stride = {"stand": rng.uniform(-8, 8), "walk": rng.uniform(14, 28), "run": rng.uniform(32, 50)}.get(
        pose, 0.0
    ) * rng.choice((-1, 1))
    for side, sign in (("L", 1), ("R", -1)):
        hip, swing = at(0, 0.52 * width * sign, -0.06), sign * stride
        swing, fold = (
            (rng.normal(80, 7), rng.uniform(70, 105))
            if pose == "sit"
            else (swing + rng.normal(0, 3), rng.uniform(0, 12) + max(-1.3 * swing, 0))
        )
        splay = turn(roll=sign * rng.uniform(1, 9))
        knee = hip + 0.43 * reach * (splay @ turn(pitch=swing) @ (0, 0, -1.0))
        ankle = knee + 0.41 * reach * (splay @ turn(pitch=swing - fold) @ (0, 0, -1.0))
        _limbs(
            figure,
            side,
            "leg",
            hip,
            knee,
            ankle,
            0.088 * build,
            "trim",
            "skin" if subtype == "skirt" else "trim",
        )
        foot = splay @ turn(yaw=sign * 12, pitch=np.clip(swing - fold, -60, 10))
        figure.ellipsoid(
            f"{side}_shoe", ankle + foot @ (0.07, 0, -0.045), (0.145, 0.058, 0.05), "dark", rotation=foot
        )
        figure.ellipsoid(
            f"{side}_toecap", ankle + foot @ (0.165, 0, -0.05), (0.06, 0.055, 0.042), "trim2", rotation=foot
        )
        figure.keypoint(f"{side}_Hip", f"{side}_upper_leg", (0.72 * sign, 0.66, -0.9))
        figure.keypoint(f"{side}_Knee", f"{side}_leg_joint", (1, 0, 0))
        figure.keypoint(f"{side}_Ankle", f"{side}_lower_leg", (0.62 * sign, 0.3, 0.95))
        figure.keypoint(f"{side}_Foot", f"{side}_shoe", (-0.9, 0, -0.436))  # the heel
        figure.keypoint(f"{side}_Toes", f"{side}_toecap", (1, 0, 0))
        shoulder = at(0, 1.08 * width * sign, trunk - 0.01)
        raised = rng.random() < 0.2
        lift, out, crook = (
            (rng.uniform(90, 165), rng.uniform(10, 50), rng.uniform(0, 60))
            if raised
            else (rng.normal(-0.8 * sign * stride, 14), rng.uniform(6, 26), rng.uniform(8, 100))
        )
        aim = lean @ turn(roll=sign * out)
        elbow = shoulder + 0.29 * reach * (aim @ turn(pitch=lift) @ (0, 0, -1.0))
        wrist = elbow + 0.25 * reach * (
            aim @ turn(yaw=-sign * rng.uniform(0, 35), pitch=lift + crook) @ (0, 0, -1.0)
        )
        _limbs(figure, side, "arm", shoulder, elbow, wrist, 0.056 * build, "body", "skin")
        grip = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        figure.ellipsoid(f"{side}_hand", wrist + 0.06 * grip, (0.045, 0.04, 0.065), "skin", rotation=aim)
        figure.keypoint(f"{side}_Shoulder", f"{side}_upper_arm", (0.7 * sign, 0.7, -0.95))
        figure.keypoint(f"{side}_Elbow", f"{side}_arm_joint", (-0.8, 0.6 * sign, 0))
        figure.keypoint(f"{side}_Wrist", f"{side}_lower_arm", (0.5 * sign, 0.47, 0.95))
    if subtype == "skirt":
        hem = (0.3, 0, -0.22) if pose == "sit" else (0, 0, -0.48)
        figure.limb("skirt", at(0, 0, 0.04), hem, (0.85 * width, 0.14 * build), "trim2", top=1.75)
        for side, sign in (("L", 1), ("R", -1)):
            figure.keypoint(f"{side}_Hip", "skirt", (0.92 * sign, 0.69, -0.6))
    if subtype == "rucksack":
        figure.box(
            "rucksack", at(-0.22, 0, 0.62 * trunk), (0.1, 0.75 * width, 0.36 * trunk), "trim2", rotation=lean
        )
        for side, sign in (("L", 1), ("R", -1)):
            figure.box(
                f"{side}_strap",
                at(0.125 * build, 0.55 * width * sign, 0.7 * trunk),
                (0.018, 0.025, 0.3 * trunk),
                "trim2",
                rotation=lean,
            )
    return figure


def _limbs(
    figure: Figure, side: str, name: str, start, joint, end, radius: float, cover: str, bare: str
) -> None:
    figure.limb(f"{side}_upper_{name}", start, joint, 1.1 * radius, cover, top=0.78)
    figure.ellipsoid(f"{side}_{name}_joint", joint, np.full(3, 0.88 * radius), cover)
    figure.limb(f"{side}_lower_{name}", joint, end, 0.84 * radius, bare, top=0.68)


def _face(figure: Figure, rng, subtype: str, centre, turned) -> None:
    """The head: face, hair or hat, eyes, brows, nose, mouth, ears."""
    half = np.array([0.098, 0.082, 0.125]) * np.exp(rng.uniform(-0.12, 0.12, 3))

    def at(x, y, z):
        return centre + turned @ (half * (x, y, z))

    figure.ellipsoid("head", centre, half, "skin", rotation=turned)
    figure.ellipsoid("hair", at(-0.2, 0, 0.25), half * (1.0, 1.1, 0.92), "trim2", rotation=turned)
    figure.keypoint("B_Head", "hair", (-0.6, 0, 0.8))  # the crown, towards the back
    figure.keypoint("HeadBack", "hair", (-0.95, 0, -0.312))  # the back of the head, low
    figure.ellipsoid("nose", at(1.02, 0, -0.12), half * (0.22, 0.17, 0.2), "skin", rotation=turned)
    figure.keypoint("Nose", "nose", (1, 0, 0))
    figure.ellipsoid("mouth", at(0.82, 0, -0.5), half * (0.16, 0.42, 0.09), "red", rotation=turned)
    for side, sign in (("L", 1), ("R", -1)):
        figure.ellipsoid(
            f"{side}_eyeball",
            at(0.87, 0.38 * sign, 0.12),
            half * (0.13, 0.23, 0.13),
            "light",
            rotation=turned,
        )
        figure.ellipsoid(
            f"{side}_pupil", at(0.95, 0.38 * sign, 0.12), half * (0.09, 0.12, 0.1), "dark", rotation=turned
        )
        figure.ellipsoid(
            f"{side}_brow", at(0.88, 0.4 * sign, 0.36), half * (0.1, 0.26, 0.06), "dark", rotation=turned
        )
        figure.keypoint(f"{side}_Eye", f"{side}_pupil", (1, 0, 0))
        figure.ellipsoid(
            f"{side}_ear", at(0.02, 1.1 * sign, -0.05), half * (0.22, 0.14, 0.27), "skin", rotation=turned
        )
        figure.keypoint(f"{side}_Ear", f"{side}_ear", (0.5, 0.866 * sign, 0))
    if subtype == "skirt":
        figure.ellipsoid("long_hair", at(-0.55, 0, -0.6), half * (0.6, 1.15, 1.25), "trim2", rotation=turned)
    if subtype == "hat":
        figure.limb(
            "hat", at(-0.05, 0, 0.6), at(-0.05, 0, 1.5), (1.1 * half[1], 1.1 * half[0]), "body2", top=0.85
        )
        figure.limb(
            "brim", at(-0.05, 0, 0.62), at(-0.02, 0, 0.7), (2.0 * half[1], 1.9 * half[0]), "body2", top=0.95
        )
