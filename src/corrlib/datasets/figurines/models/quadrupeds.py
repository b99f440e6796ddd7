"""One parametric quadruped, and the tables of proportions that make it a cat, a cow, a dog, a horse or a sheep.

The unit of length is the distance from hips to shoulders. Poses place the feet, and two-bone inverse kinematics bends the legs.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from corrlib.datasets.figurines.figure import Figure, turn


@dataclass(frozen=True)
class Breed:
    """Proportions of a quadruped; lengths in units of the distance from hips to shoulders.

    `head` is half the length of the skull, `muzzle` reaches that many half lengths beyond the skull's centre, `poses` repeats a
    name to make it likelier. Numbers are means: each instance draws its own around them.
    """

    leg: float
    depth: float
    width: float
    thick: float
    neck: float
    neck_pitch: float
    neck_radius: float
    head: float
    head_width: float
    head_pitch: float
    muzzle: float
    muzzle_radius: float
    ears: str
    ear: float
    tail: str
    poses: tuple[str, ...]
    hooves: bool = False
    extras: tuple[str, ...] = ()
    muzzle_slot: str = "body2"
    head_slot: str = "body"
    leg_slot: str = "body"
    eye: float = 0.17


def quadruped(rng: np.random.Generator, mean: Breed, *, spread: float = 0.17) -> Figure:
    """Build one animal: proportions within about ``exp(+-spread)`` of the breed's, pose and gaze drawn."""
    angles = {"neck_pitch", "head_pitch"}
    drawn = {f.name: getattr(mean, f.name) for f in fields(mean)}
    for name, value in drawn.items():
        if name in angles:
            drawn[name] = value + rng.normal(0, 9)
        elif isinstance(value, float):
            drawn[name] = value * np.exp(rng.uniform(-spread, spread))
    breed = Breed(**drawn)
    figure = Figure()
    pose = breed.poses[rng.integers(len(breed.poses))]
    height, pitch, feet = _stance(rng, pose, breed)
    body, origin = turn(pitch=pitch), np.array([0.0, 0.0, height + 0.28 * breed.depth])

    def at(x, y, z):
        return origin + body @ (x, y * breed.width, z * breed.depth)

    figure.ellipsoid(
        "barrel", at(0.5, 0, -0.06), (0.66, 1.04 * breed.width, 0.94 * breed.depth), "body", rotation=body
    )
    figure.ellipsoid("chest", at(0.93, 0, 0), (0.34, 0.98 * breed.width, breed.depth), "body", rotation=body)
    figure.ellipsoid(
        "rump", at(0.05, 0, 0.02), (0.34, breed.width, 0.93 * breed.depth), "body", rotation=body
    )
    figure.keypoint("Withers", "chest", (-0.3, 0, 0.954))
    for side, sign in (("L", 1), ("R", -1)):
        for end, x in (("F", 0.93), ("B", 0.02)):
            _leg(
                figure,
                breed,
                f"{side}_{end}",
                at(x, 0.66 * sign, -0.28),
                feet[side + end],
                hind=end == "B",
                pose=pose,
            )
    _tail(figure, rng, breed, at(-0.24, 0, 0.45), body)
    down = {"graze": -38.0, "run": 0.7 * breed.neck_pitch}.get(pose, breed.neck_pitch)
    gaze = rng.normal(0, 22)
    toward = turn(yaw=gaze / 2, pitch=down) @ (1.0, 0.0, 0.0)
    start = at(1.0, 0, 0.25)
    top = start + breed.neck * toward
    figure.limb(
        "neck", start - 0.1 * toward, top, (0.8 * breed.neck_radius, breed.neck_radius), "body", top=0.68
    )
    figure.keypoint("Throat", "neck", (0, -0.776, 0.4))
    _head(
        figure,
        rng,
        breed,
        top,
        turn(yaw=gaze, pitch=breed.head_pitch - (25 if pose == "graze" else 0), roll=rng.normal(0, 5)),
    )
    _extras(figure, rng, breed, at, body, (start, top, toward))
    return figure


def _stance(rng, pose: str, breed: Breed):
    """Height of the hip joints, pitch of the trunk and each foot's shift from its joint's foot point, ``{"LF": (dx, z)}``."""
    leg, swing = breed.leg, rng.uniform(-0.1, 0.1, 4) * breed.leg
    if pose == "sit":
        pitch = np.degrees(np.arcsin(min(0.62 * leg, 0.8)))
        return (
            0.3 * leg,
            pitch,
            dict(
                zip(
                    ("LF", "RF", "LB", "RB"),
                    [(0.05 + s, 0) for s in swing[:2]] + [(0.42 * leg + s, 0) for s in swing[2:]],
                    strict=True,
                )
            ),
        )
    if pose == "lie":
        shift = (0.75, 0.75 - rng.uniform(0, 0.4), 0.5, 0.5)
        return (
            0.68 * breed.depth,
            rng.normal(2, 2),
            {k: (a * leg + s, 0) for k, a, s in zip(("LF", "RF", "LB", "RB"), shift, swing, strict=True)},
        )
    stride = (
        {"walk": rng.uniform(0.2, 0.38), "run": rng.uniform(0.5, 0.7)}.get(pose, 0.0)
        * leg
        * rng.choice((-1, 1))
    )
    lift = 0.15 * leg if pose == "run" else 0.0
    signs = (1, 0.7, -1, -0.7) if pose == "run" else (1, -1, -1, 1)
    return (
        leg,
        rng.normal(0, 2.5),
        {
            k: (a * stride + s, lift * rng.uniform(0, 1.5) if pose == "run" else 0)
            for k, a, s in zip(("LF", "RF", "LB", "RB"), signs, swing, strict=True)
        },
    )


def _leg(figure: Figure, breed: Breed, name: str, joint, foot_shift, *, hind: bool, pose: str) -> None:
    """Thigh or shoulder, upper and lower leg, knee and foot, from the trunk's joint to the foot's place."""
    r = breed.thick
    foot = np.array([joint[0] + foot_shift[0], joint[1] * 1.05, foot_shift[1] + 0.75 * r])
    d = foot - joint
    distance = np.linalg.norm(d)
    upper, lower = 0.5 * breed.leg, 0.53 * breed.leg
    along = np.clip((upper**2 - lower**2 + distance**2) / (2 * distance), 0.25 * distance, 0.75 * distance)
    bend = np.sqrt(max(upper**2 - along**2, 0.0))
    # Elbows and hocks point backwards; a grazing animal's foreleg is straight enough not to matter.
    knee = (
        joint
        + d / distance * along
        + bend * np.cross(d / distance, (0.0, 1.0, 0.0)) * (-1 if d[2] > 0 else 1)
    )
    knee[2] = max(knee[2], 1.05 * r)
    bulk = (1.5 if hind else 1.25) * r + 0.16 * breed.depth
    figure.ellipsoid(
        f"{name}_thigh", joint + 0.12 * (knee - joint), (1.25 * bulk, 0.8 * bulk, 1.6 * bulk), "body"
    )
    figure.limb(f"{name}_upper", joint, knee, 1.7 * r, "body", top=0.62)
    figure.ellipsoid(f"{name}_knee", knee, (1.1 * r, 1.05 * r, 1.2 * r), breed.leg_slot)
    figure.limb(f"{name}_lower", knee, foot, 1.0 * r, breed.leg_slot, top=0.8)
    if breed.hooves:
        figure.limb(
            f"{name}_foot",
            foot + (0.1 * r, 0, 0.6 * r),
            foot + (0.35 * r, 0, -0.75 * r),
            1.0 * r,
            "dark",
            top=1.35,
        )
        figure.keypoint(f"{name}_Paw", f"{name}_foot", (0, 1.175, 0.0))
    else:
        figure.ellipsoid(f"{name}_foot", foot + (0.55 * r, 0, 0.1 * r), (1.7 * r, 1.2 * r, 0.85 * r), "body2")
        figure.keypoint(f"{name}_Paw", f"{name}_foot", (0.8, 0, 0.6))
    figure.keypoint(f"{name}_Elbow", f"{name}_knee", (-0.8, 0.6 if name[0] == "L" else -0.6, 0))


def _tail(figure: Figure, rng, breed: Breed, base, body) -> None:
    """One or two pieces: a cat's and a hound's rod, a brush, a horse's fall of hair, a cow's tuft, a sheep's stub."""
    kind, sweep, side = breed.tail, rng.normal(0, 14), rng.uniform(-0.25, 0.25)
    first, second, length, radius, slot = {
        "rod": (rng.uniform(-25, 45), rng.uniform(-30, 80), 0.42, 0.055, "body"),
        "brush": (rng.uniform(-50, 10), rng.uniform(-40, 40), 0.36, 0.075, "body"),
        "curl": (80 + sweep, 165, 0.2, 0.06, "body"),
        "fall": (-30 + sweep, -82 + sweep / 2, 0.3, 0.08, "trim"),
        "tuft": (-60 + sweep / 2, -86 + sweep / 3, 0.36, 0.05, "body"),
        "stub": (-50 + sweep, -75, 0.14, 0.08, "body"),
    }[kind]
    one = body @ turn(pitch=-first) @ (-1.0, side / 2, 0.0)
    two = turn(pitch=-second) @ (-1.0, side, 0.0)
    middle = base + length * one
    figure.limb("tail_root", base - 0.06 * one, middle, radius, slot, top=0.9)
    if kind == "fall":
        figure.ellipsoid(
            "tail_end", middle + 0.32 * two, (0.42, 0.08, 0.13), slot, rotation=turn(pitch=-second)
        )
    elif kind == "brush":
        figure.ellipsoid(
            "tail_end", middle + 0.2 * two, (0.32, 0.09, 0.12), "body2", rotation=turn(pitch=-second)
        )
    else:
        figure.limb(
            "tail_end",
            middle - 0.02 * two,
            middle + (1.0 if kind == "tuft" else 0.9) * length * two,
            0.9 * radius,
            slot,
            top=0.7,
        )
    if kind == "tuft":
        figure.ellipsoid(
            "tail_tuft",
            middle + 1.15 * length * two,
            (0.15, 0.06, 0.075),
            "trim",
            rotation=turn(pitch=-second),
        )
    figure.keypoint("TailBase", "tail_root", (0, -0.93, 0.4) if kind == "stub" else (0, -0.975, -0.5))


def _head(figure: Figure, rng, breed: Breed, top, rotation) -> None:
    """Skull, muzzle, nose, mouth, eyes, ears and horns in the head's own frame."""
    h, w, m, mr = breed.head, breed.head_width, breed.muzzle, breed.muzzle_radius
    centre = top + rotation @ (0.25 * h, 0, 0.12 * h)

    def at(x, y, z):
        return centre + rotation @ (x * h, y * h, z * h)

    figure.ellipsoid("skull", centre, (h, w * h, 0.85 * h), breed.head_slot, rotation=rotation)
    figure.limb(
        "muzzle", at(0.25, 0, -0.12), at(m, 0, -0.28), (mr * h, 0.95 * mr * h), breed.muzzle_slot, top=0.78
    )
    figure.ellipsoid(
        "snout",
        at(m, 0, -0.28),
        (0.4 * mr * h, 0.8 * mr * h, 0.76 * mr * h),
        breed.muzzle_slot,
        rotation=rotation,
    )
    figure.ellipsoid(
        "mouth",
        at(m + 0.02, 0, -0.28 - 0.5 * mr),
        (0.42 * mr * h, 0.72 * mr * h, 0.14 * mr * h),
        "dark",
        rotation=rotation,
    )
    if breed.hooves:
        for side, sign in (("L", 1), ("R", -1)):
            figure.ellipsoid(
                f"{side}_nostril", at(m + 0.24 * mr, 0.42 * sign * mr, -0.2), np.full(3, 0.2 * mr * h), "dark"
            )
        figure.keypoint("Nose", "snout", (0.95, 0, 0.312))
    else:
        figure.ellipsoid(
            "nose",
            at(m + 0.3 * mr, 0, -0.28 + 0.45 * mr),
            (0.32 * mr * h, 0.42 * mr * h, 0.3 * mr * h),
            "dark",
            rotation=rotation,
        )
        figure.keypoint("Nose", "nose", (0.95, 0, 0.312))
    forward = 0.72 if breed.ears == "prick" else 0.55
    across = np.sqrt(0.86 - forward**2)
    for side, sign in (("L", 1), ("R", -1)):
        e, outward = breed.eye * h, np.array([forward, sign * across, 0.36])
        place = outward * (1, w, 0.85)
        figure.ellipsoid(f"{side}_eyeball", at(*place), (e, e, 0.9 * e), "light", rotation=rotation)
        figure.ellipsoid(
            f"{side}_pupil",
            at(*(place + 0.55 * breed.eye * outward)),
            np.full(3, 0.68 * e),
            "dark",
            rotation=rotation,
        )
        figure.keypoint(f"{side}_Eye", f"{side}_pupil", outward / np.linalg.norm(outward))
        _ear(figure, rng, breed, side, sign, at, rotation)
        if "whiskers" in breed.extras:
            for i, z in enumerate((0.12, -0.12)):
                root = at(m, 0.55 * sign * mr, -0.35 + 0.3 * z)
                figure.limb(
                    f"{side}_whisker_{i}",
                    root,
                    root + rotation @ (0.05 * h, 0.75 * sign * h, z * h),
                    0.025 * h,
                    "light",
                    top=0.4,
                )
        if "horns" in breed.extras:
            bend, tip = at(-0.25, sign * (w + 0.55), 0.85), at(0.15, sign * (w + 0.75), 1.6)
            figure.limb(f"{side}_horn", at(-0.25, 0.5 * w * sign, 0.6), bend, 0.17 * h, "light", top=0.8)
            figure.limb(f"{side}_horn_tip", bend, tip, 0.136 * h, "light", top=0.15)
        if "spiral" in breed.extras:
            arc = np.linspace(-0.2, 4.9, 9)
            turns = [
                at(-0.1 - 0.78 * np.sin(t), sign * (0.5 * w + 0.13 * (t + 0.2)), 0.28 + 0.78 * np.cos(t))
                for t in arc
            ]
            for i, (one, two) in enumerate(zip(turns, turns[1:], strict=False)):
                figure.limb(
                    f"{side}_spiral_{i}",
                    one,
                    two + 0.1 * (two - one),
                    (0.38 - 0.036 * i) * h,
                    "trim2",
                    top=0.88,
                )


def _ear(figure: Figure, rng, breed: Breed, side: str, sign: int, at, rotation) -> None:
    """An upright triangle, a hanging flap or a leaf held sideways."""
    h, w, size, tilt = breed.head, breed.head_width, breed.ear, rng.normal(0, 0.08)
    if breed.ears == "prick":
        base, tip = at(-0.12, 0.52 * w * sign, 0.6), at(-0.05 + tilt, (0.62 * w + 0.22) * sign, 0.62 + size)
        figure.limb(f"{side}_ear", base, tip, (0.36 * size * h, 0.2 * size * h), "body", top=0.12)
        front = rotation @ (0.1 * size * h, 0, 0)
        figure.limb(
            f"{side}_ear_inner",
            base + front,
            base + front + 0.8 * (tip - base),
            (0.25 * size * h, 0.14 * size * h),
            "skin",
            top=0.1,
        )
        figure.keypoint(f"{side}_EarBase", f"{side}_ear", (0.824 * sign, 0, -0.6))
    else:
        droop = 78 if breed.ears == "drop" else 12
        out = turn(roll=-sign * (droop + 60 * tilt)) @ (0, sign * 1.0, 0)
        base = np.array([-0.15, 0.86 * w * sign, 0.5])
        along = rotation @ np.stack([[1, 0, 0], out, np.cross([1, 0, 0], out)], axis=1)
        figure.ellipsoid(
            f"{side}_ear",
            at(*(base + 0.8 * size * out)),
            (0.45 * size * h, size * h, 0.16 * size * h),
            "trim",
            rotation=along,
        )
        figure.keypoint(f"{side}_EarBase", f"{side}_ear", (0.55, -0.835 * 1.0, 0))


def _extras(figure: Figure, rng, breed: Breed, at, body, neck) -> None:
    """What only some breeds wear: mane, wool, udder, saddle, collar, whiskers."""
    start, top, toward = neck
    up = np.cross(toward, (0.0, 1.0, 0.0))
    up /= np.linalg.norm(up)
    if "mane" in breed.extras:
        for i, t in enumerate((0.1, 0.35, 0.6, 0.85, 1.05)):
            place = start + t * (top - start) + (1.0 - 0.3 * t) * breed.neck_radius * up
            figure.ellipsoid(
                f"mane_{i}", place, (0.15, 0.07, 0.12), "trim", rotation=turn(pitch=rng.normal(40, 15))
            )
    if "wool" in breed.extras:
        for i, angle in enumerate(np.linspace(-0.15, np.pi + 0.15, 5)):
            for j, x in enumerate((-0.05, 0.3, 0.65, 1.0)):
                place = at(x + rng.normal(0, 0.03), 0.88 * np.cos(angle), 0.86 * np.sin(angle) - 0.08)
                figure.ellipsoid(
                    f"wool_{i}_{j}", place, np.array([0.22, 0.17, 0.17]) * rng.uniform(0.85, 1.15), "body"
                )
        figure.keypoint("Withers", "wool_2_2", (0, 0, 1))  # the fleece covers the back itself
        figure.ellipsoid("topknot", top + 0.75 * breed.head * up, np.full(3, 0.65 * breed.head), "body")
    if "udder" in breed.extras:
        figure.ellipsoid("udder", at(0.16, 0, -0.95), (0.17, 0.5 * breed.width, 0.14), "skin", rotation=body)
    if "saddle" in breed.extras:
        figure.ellipsoid(
            "blanket",
            at(0.58, 0, -0.02),
            (0.26, 1.12 * breed.width, 1.0 * breed.depth),
            "trim2",
            rotation=body,
        )
        figure.ellipsoid("saddle", at(0.58, 0, 0.92), (0.2, 0.6 * breed.width, 0.1), "wood", rotation=body)
        figure.limb("saddle_horn", at(0.72, 0, 0.9), at(0.76, 0, 1.3), 0.045, "wood", top=0.7)
    if "collar" in breed.extras:
        where = start + 0.5 * (top - start)
        figure.limb(
            "collar",
            where - 0.05 * toward,
            where + 0.05 * toward,
            (0.75 * breed.neck_radius, 0.93 * breed.neck_radius),
            "trim2",
        )
    if "ruff" in breed.extras:
        figure.ellipsoid(
            "ruff",
            start + 0.35 * (top - start) - 0.3 * breed.neck_radius * up,
            (0.8 * breed.neck_radius, 1.05 * breed.neck_radius, 1.25 * breed.neck_radius),
            "body2",
            rotation=body,
        )
