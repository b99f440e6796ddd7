"""A quadruped's head, and what only some breeds wear."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.models.breeds import Breed


def head(figure: Figure, rng, breed: Breed, top, rotation) -> None:
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
        figure.keypoint(
            "Throat", "skull", (0.15, 0, -0.9887)
        )  # a cat's and a dog's neck is sunk between head and chest
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
            for i, (one, two) in enumerate(pairwise(turns)):
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


def extras(figure: Figure, rng, breed: Breed, at, body, neck) -> None:
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
