"""One parametric quadruped: trunk, legs and tail; the tables of `breeds` make it a cat, a cow or a horse.

The unit of length is the distance from hips to shoulders. Poses place the feet; two-bone inverse kinematics
bends the legs.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.breeds import Breed
from corrlib.figurines.models.heads import extras, head


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
    if breed.hooves:
        figure.keypoint("Throat", "neck", (0, -0.776, 0.4))
    head(
        figure,
        rng,
        breed,
        top,
        turn(yaw=gaze, pitch=breed.head_pitch - (25 if pose == "graze" else 0), roll=rng.normal(0, 5)),
    )
    extras(figure, rng, breed, at, body, (start, top, toward))
    return figure


def _stance(rng, pose: str, breed: Breed):
    """Height of the hip joints, pitch of the trunk, feet relative to their joints: ``{"LF": (dx, z)}``."""
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
            np.add(foot, (0.1 * r, 0, 0.6 * r)),
            np.add(foot, (0.35 * r, 0, -0.75 * r)),
            1.0 * r,
            "dark",
            top=1.35,
        )
        figure.keypoint(f"{name}_Paw", f"{name}_foot", (0, 1.175, 0.0))
    else:
        figure.ellipsoid(
            f"{name}_foot", np.add(foot, (0.55 * r, 0, 0.1 * r)), (1.7 * r, 1.2 * r, 0.85 * r), "body2"
        )
        figure.keypoint(f"{name}_Paw", f"{name}_foot", (0.8, 0, 0.6))
    figure.keypoint(f"{name}_Elbow", f"{name}_knee", (-0.8, 0.6 if name[0] == "L" else -0.6, 0))


def _tail(figure: Figure, rng, breed: Breed, base, body) -> None:
    """Two pieces: a cat's and a hound's rod, a brush, a horse's long hair, a cow's tuft, a sheep's stub."""
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
