"""One parametric quadruped, which tables of proportions make a cat, a cow, a dog, a horse or a sheep.

The unit of length is the distance from hips to shoulders. Poses place the feet; two-bone inverse kinematics
bends the legs.
"""

from collections import namedtuple

import numpy as np

from corrlib.figurines.figure import Figure, turn

#: Proportions of a quadruped. `head` is half the length of the skull and the unit of `head_width`, `muzzle`
#: (its reach from the skull's centre), `muzzle_radius`, `ear` and `eye`. `poses` repeats a name to make it
#: likelier. Numbers are means: each instance draws its own around them.
Breed = namedtuple(
    "Breed",
    "leg depth width thick neck neck_pitch neck_radius head head_width head_pitch muzzle muzzle_radius "
    "ears ear tail poses hooves extras muzzle_slot head_slot leg_slot eye",
    defaults=(False, (), "body2", "body", "body", 0.14),
)
_PETS = ("stand", "walk", "sit", "sit", "lie", "lie", "run", "jump")
_HERD = ("stand", "stand", "walk", "walk", "graze", "lie")
_STEEDS = ("stand", "stand", "walk", "walk", "run", "jump", "graze")

# fmt: off
_CAT = Breed(leg=0.6, depth=0.24, width=0.19, thick=0.06, neck=0.2, neck_pitch=42.0, neck_radius=0.19,
             head=0.27, head_width=1.02, head_pitch=-4.0, muzzle=0.86, muzzle_radius=0.46, ears="prick",
             ear=0.8, tail="rod", poses=_PETS, eye=0.2, muzzle_slot="body2")
_COW = Breed(leg=0.78, depth=0.42, width=0.29, thick=0.075, neck=0.42, neck_pitch=22.0, neck_radius=0.27,
             head=0.23, head_width=0.85, head_pitch=-28.0, muzzle=1.7, muzzle_radius=0.62, ears="side",
             ear=0.7, tail="tuft", poses=_HERD, hooves=True, muzzle_slot="brown", eye=0.13)
_DOG = Breed(leg=0.84, depth=0.28, width=0.19, thick=0.06, neck=0.34, neck_pitch=48.0, neck_radius=0.18,
             head=0.235, head_width=0.82, head_pitch=-8.0, muzzle=1.6, muzzle_radius=0.48, ears="prick",
             ear=0.75, tail="brush", poses=_PETS)
_HORSE = Breed(leg=1.05, depth=0.34, width=0.23, thick=0.062, neck=0.78, neck_pitch=48.0, neck_radius=0.23,
               head=0.2, head_width=0.68, head_pitch=-38.0, muzzle=2.6, muzzle_radius=0.56, ears="prick",
               ear=0.75, tail="fall", poses=_STEEDS, hooves=True, extras=("mane",), eye=0.15,
               muzzle_slot="body")
_SHEEP = Breed(leg=0.62, depth=0.34, width=0.28, thick=0.058, neck=0.4, neck_pitch=42.0, neck_radius=0.2,
               head=0.17, head_width=0.8, head_pitch=-26.0, muzzle=1.75, muzzle_radius=0.58, ears="side",
               ear=0.8, tail="stub", poses=_HERD, hooves=True, extras=("wool",), muzzle_slot="trim",
               head_slot="trim", leg_slot="trim", eye=0.15)

BREEDS: dict[str, dict[str, Breed]] = {
    "cat": {
        "shorthair": _CAT._replace(extras=("whiskers",)),
        "longhair": _CAT._replace(tail="brush", extras=("whiskers",), depth=0.27, width=0.23,
            muzzle=0.8, ear=0.65),
        "siamese": _CAT._replace(extras=("whiskers",), depth=0.18, width=0.14, head=0.22, ear=1.15,
            leg=0.7, neck=0.28, head_slot="trim", leg_slot="trim", muzzle_slot="trim"),
    },
    "cow": {
        "dairy": _COW._replace(extras=("udder",)),
        "horned": _COW._replace(extras=("horns", "udder")),
        "bull": _COW._replace(extras=("horns",), depth=0.49, width=0.34, neck=0.36, neck_radius=0.36,
            leg=0.7),
    },
    "dog": {
        "shepherd": _DOG,
        "hound": _DOG._replace(ears="drop", ear=0.7, tail="rod", leg=0.95, depth=0.25,
            muzzle=1.65),
        "pug": _DOG._replace(ears="drop", ear=0.42, tail="curl", leg=0.5, depth=0.3, width=0.26, head=0.3,
            head_width=0.95, muzzle=1.1, muzzle_radius=0.56, muzzle_slot="trim", thick=0.075, eye=0.2),
        "dachshund": _DOG._replace(ears="drop", ear=0.75, tail="rod", leg=0.28, depth=0.19, width=0.15,
            thick=0.05, head=0.19, muzzle=1.85, neck=0.28, poses=("stand", "walk")),
    },
    "horse": {
        "plain": _HORSE,
        "thoroughbred": _HORSE._replace(depth=0.3, neck=0.85, muzzle_slot="trim", leg_slot="trim"),
        "draught": _HORSE._replace(leg=0.85, depth=0.41, width=0.3, thick=0.085, neck=0.62, neck_radius=0.29,
            leg_slot="body2"),
        "foal": _HORSE._replace(leg=1.25, depth=0.27, width=0.18, neck=0.62, neck_radius=0.17, head=0.19,
            muzzle=2.1, ear=0.95, muzzle_slot="body2"),
    },
    "sheep": {
        "ewe": _SHEEP,
        "ram": _SHEEP._replace(extras=("wool", "horns"), head=0.18),
        "lamb": _SHEEP._replace(depth=0.27, width=0.2, neck_radius=0.15, leg=0.75, head=0.19, muzzle=1.55),
    },
}
# fmt: on


def quadruped(breeds: dict[str, Breed], fig: Figure, rng: np.random.Generator, subtype: str) -> None:
    """Build one animal: proportions within about ``exp(+-0.17)`` of the breed's, pose and gaze drawn."""
    drawn = breeds[subtype]._asdict()
    for name, value in drawn.items():
        if name in ("neck_pitch", "head_pitch"):
            drawn[name] = value + rng.normal(0, 13)
        elif isinstance(value, float):
            drawn[name] = value * np.exp(rng.uniform(-0.17, 0.17))
    breed = Breed(**drawn)
    pose = breed.poses[rng.integers(len(breed.poses))]
    height, pitch, feet = _stance(rng, pose, breed)
    # an animal at rest bends its back
    size = ({"sit": 0.78, "lie": 0.86}.get(pose, 1), breed.width, breed.depth)
    trunk = fig.within(at=(0, 0, height + 0.28 * breed.depth), pitch=pitch, scale=size)
    # fleece is thick
    thick, coat = (1.13, "wool") if "wool" in breed.extras else (1.0, "body")
    trunk.ellipsoid("barrel", (0.5, 0, -0.04), (0.7, 1.02 * thick, 0.93 * thick), coat)
    trunk.ellipsoid("chest", (0.9, 0, 0), (0.36, 0.95 * thick, thick), coat)
    trunk.ellipsoid("rump", (0.08, 0, 0.02), (0.36, 0.97 * thick, 0.95 * thick), coat)
    below = "wool" if coat == "wool" else "body2"
    trunk.ellipsoid("belly", (0.5, 0, -0.3), (0.5, 0.9 * thick, 0.72 * thick), below)
    fig.name(Withers=("chest", -0.3, 0, 0.954))
    for name, (forward, up) in feet.items():
        joint = trunk.at(0.93 if "F" in name else 0.02, 0.66 if "L" in name else -0.66, -0.28)
        apart = 1.4 if pose in ("sit", "lie") and "B" in name else 1.05
        _leg(fig, breed, name, joint, joint * (1, apart, 0) + (forward, 0, up + 0.75 * breed.thick))
    _tail(fig, rng, breed, trunk)
    down = {"graze": -38.0, "run": 0.7 * breed.neck_pitch}.get(pose, breed.neck_pitch)
    gaze = rng.normal(0, 32)
    toward = turn(yaw=gaze / 2, pitch=down) @ (1.0, 0.0, 0.0)
    start, radius = trunk.at(1.0, 0, 0.25), breed.neck_radius
    top = start + breed.neck * toward
    fig.limb("neck", start - 0.1 * toward, top, (0.8 * radius, radius), "body", top=0.68)
    if breed.hooves:
        fig.name(Throat=("neck", 0, -0.776, 0.4))
    nod = breed.head_pitch - (25 if pose == "graze" else 0)
    _head(fig, rng, breed, top, turn(yaw=gaze, pitch=nod, roll=rng.normal(0, 5)))
    _extras(fig, rng, breed, trunk, start, top, toward)


def _stance(rng, pose: str, breed: Breed) -> tuple[float, float, dict[str, tuple[float, float]]]:
    """Height of the hip joints, pitch of the trunk, and how far each foot is before its joint and lifted."""
    leg, swing, lift = breed.leg, rng.uniform(-0.1, 0.1, 4) * breed.leg, np.zeros(4)
    if pose == "sit":
        height, pitch = 0.3 * leg, np.degrees(np.arcsin(min(leg * rng.uniform(1, 1.15), 0.88)))
        shift = np.array([0.05, 0.05, 0.5 * leg, 0.5 * leg])
    elif pose == "lie":
        shift = np.array([0.75, 0.75 - rng.uniform(0, 0.4), 0.5, 0.5]) * leg
        height, pitch = 0.68 * breed.depth, rng.normal(9, 3)
    else:
        stride = {"walk": rng.uniform(0.2, 0.38), "run": rng.uniform(0.5, 0.7), "jump": 0.5}.get(pose, 0.0)
        fast = pose in ("run", "jump")
        signs = np.array((1, 0.7, -1, -0.7) if fast else (1, -1, -1, 1))
        shift = signs * (stride * leg * rng.choice((-1, 1)))
        height, pitch = leg * rng.uniform(0.9, 1.02), rng.normal(0, 2.5)
        if fast:
            lift = 0.15 * leg * rng.uniform(0, 1.5, 4)
        if pose == "jump":
            pitch, far = rng.normal(12, 14), leg * rng.uniform(0.6, 1.2)
            shift = np.multiply((0.35, 0.25, -0.5, -0.6), far)
            lift[:2] += leg * (0.25 + np.sin(np.radians(max(pitch, 0))))
    left_front, right_front, left_back, right_back = zip(shift + swing, lift, strict=True)
    return height, pitch, {"L_F": left_front, "L_B": left_back, "R_F": right_front, "R_B": right_back}


def _leg(fig: Figure, breed: Breed, name: str, joint: np.ndarray, foot: np.ndarray) -> None:
    """Thigh or shoulder, upper and lower leg, knee and foot, from the trunk's joint to the foot's place."""
    r, d = breed.thick, foot - joint
    distance = np.linalg.norm(d)
    upper, lower = 0.5 * breed.leg, 0.53 * breed.leg
    along = np.clip((upper**2 - lower**2 + distance**2) / (2 * distance), 0.25 * distance, 0.75 * distance)
    bend = np.sqrt(max(upper**2 - along**2, 0.0)) * (-1 if d[2] > 0 else 1)
    # Elbows and hocks point backwards; a grazing animal's foreleg is straight enough not to matter.
    knee = joint + d / distance * along + bend * np.cross(d / distance, (0.0, 1.0, 0.0))
    bulk = (1.6 if "B" in name else 1.15) * r + 0.17 * breed.depth
    half = (1.25 * bulk, 0.8 * bulk, 1.6 * bulk)
    if joint[2] < 0.6 * breed.leg:  # folded: the lower leg lies on the ground, a haunch beside the rump
        knee = foot - (lower, 0, 0)
        half = (0.36 * breed.leg, bulk, 0.28 * breed.leg) if "B" in name else half
    knee[2] = max(knee[2], 1.05 * r)
    leg = fig.within(f"{name}_*")
    leg.ellipsoid("thigh", joint + 0.12 * (knee - joint), half, "body")
    leg.limb("upper", joint, knee, 1.7 * r, "body", top=0.62)
    leg.ellipsoid("knee", knee, (1.1 * r, 1.05 * r, 1.2 * r), breed.leg_slot)
    leg.limb("lower", knee, foot, 1.0 * r, breed.leg_slot, top=0.8)
    ankle = leg.within(at=foot, scale=r)
    if breed.hooves:
        ankle.limb("foot", (0.1, 0, 0.6), (0.35, 0, -0.75), r, "dark", top=1.35)
        leg.name(Paw=("foot", 0, 1.175, 0.0))
    else:
        ankle.ellipsoid("foot", (0.5, 0, 0.1), (1.6, 1.15, 0.8), "body2")
        for i, y in enumerate((-0.72, 0, 0.72)):
            ankle.ellipsoid(f"toe_{i}", (1.75 - 0.3 * abs(y), y, -0.1), (0.55, 0.42, 0.5), "body2")
            ankle.ellipsoid(f"claw_{i}", (2.25 - 0.3 * abs(y), y, -0.25), (0.18, 0.1, 0.14), "dark")
        leg.name(Paw=("foot", 0.8, 0, 0.6))
    leg.name(Elbow=("knee", -0.8, 0.6 if "L" in name else -0.6, 0))


def _tail(fig: Figure, rng, breed: Breed, trunk: Figure) -> None:
    """Two pieces: a cat's and a hound's rod, a brush, a horse's long hair, a cow's tuft, a sheep's stub."""
    kind, sweep, side = breed.tail, rng.normal(0, 14), rng.uniform(-0.25, 0.25)
    first, second, length, radius, slot = {
        "rod": (rng.uniform(-25, 45), rng.uniform(-30, 80), 0.42, 0.044, "body"),
        "brush": (rng.uniform(-50, 10), rng.uniform(-40, 40), 0.36, 0.075, "body"),
        "curl": (80 + sweep, 165, 0.2, 0.06, "body"),
        "fall": (-30 + sweep, -82 + sweep / 2, 0.3, 0.08, "trim"),
        "tuft": (-60 + sweep / 2, -86 + sweep / 3, 0.36, 0.05, "body"),
        "stub": (-50 + sweep, -75, 0.14, 0.08, "body"),
    }[kind]
    base, lowered = trunk.at(-0.24, 0, 0.45), turn(pitch=-second)
    one, two = trunk.rotation @ turn(pitch=-first) @ (-1.0, side / 2, 0.0), lowered @ (-1.0, side, 0.0)
    one[2] = max(one[2], (radius - base[2]) / length)  # on the ground, not in it
    middle = base + length * one
    two[2] = max(two[2], (radius - middle[2]) / length)
    fig.limb("tail_root", base - 0.06 * one, middle, radius, slot, top=0.9)
    if kind in ("fall", "brush"):
        half, hair = ((0.42, 0.08, 0.13), slot) if kind == "fall" else ((0.32, 0.09, 0.12), "body2")
        fig.ellipsoid("tail_end", middle + 0.7 * half[0] * two, half, hair, rotation=lowered)
    else:
        end = middle + (1.0 if kind == "tuft" else 0.9) * length * two
        fig.limb("tail_end", middle - 0.02 * two, end, 0.9 * radius, slot, top=0.7)
    if kind == "tuft":
        place = middle + 1.15 * length * two
        fig.ellipsoid("tail_tuft", place, (0.15, 0.06, 0.075), "trim", rotation=lowered)
    fig.name(TailBase=("tail_root", 0, -0.93, 0.4) if kind == "stub" else ("tail_root", 0, -0.975, -0.5))


def _head(fig: Figure, rng, breed: Breed, top: np.ndarray, rotation: np.ndarray) -> None:
    """Skull, muzzle, nose, mouth, eyes, ears and horns in the head's own frame."""
    h, w, m, mr = breed.head, breed.head_width, breed.muzzle, breed.muzzle_radius
    centre = fig.within(at=top, rotation=rotation, scale=h).at(0.25, 0, 0.12)
    head = fig.within(at=centre, rotation=rotation, scale=h)
    head.ellipsoid("skull", (0, 0, 0), (1, w, 0.85), breed.head_slot)
    head.limb("muzzle", (0.2, 0, -0.1), (m, 0, -0.28), (mr * h, 0.95 * mr * h), breed.muzzle_slot, top=0.74)
    head.ellipsoid("snout", (m, 0, -0.28), (0.42 * mr, 0.78 * mr, 0.74 * mr), breed.muzzle_slot)
    head.ellipsoid("jaw", (0.5 * m, 0, -0.28 - 0.5 * mr), (0.52 * m, 0.6 * mr, 0.4 * mr), breed.head_slot)
    head.ellipsoid("mouth", (m + 0.02, 0, -0.3 - 0.5 * mr), (0.42 * mr, 0.66 * mr, 0.08 * mr), "dark")
    cat = "whiskers" in breed.extras
    if breed.hooves:
        # cattle have a broad wet nose, the others nostrils alone
        broad = 0.8 if breed.muzzle_slot == "brown" else 0.5
        head.ellipsoid("nose", (m + 0.2 * mr, 0, -0.14), (0.3 * mr, broad * mr, 0.5 * mr), breed.muzzle_slot)
        for _, _, side in head.sides("L", "R"):
            nostril = (m + 0.36 * mr, 0.36 * mr, -0.16)
            side.ellipsoid("nostril", nostril, np.array([0.16, 0.13, 0.2]) * mr, "pupil", yaw=30)
        fig.name(Nose=("snout", 0.95, 0, 0.312))
    else:
        wide = 0.26 if cat else 0.42
        place, half = (m + 0.32 * mr, 0, -0.28 + 0.42 * mr), (0.26 * mr, wide * mr, 0.8 * wide * mr)
        head.ellipsoid("nose", place, half, "brown" if cat else "pupil")
        for _, _, side in head.sides("L", "R"):
            place = (m + 0.06 * mr, 0.36 * mr, -0.3 - 0.12 * mr)
            side.ellipsoid("lip", place, (0.45 * mr, 0.42 * mr, 0.44 * mr), breed.muzzle_slot)
        # a cat's and a dog's neck is sunk between head and chest
        fig.name(Nose=("nose", 0.95, 0, 0.312), Throat=("skull", 0.15, 0, -0.9887))
    forward = 0.78 if cat else 0.68 if not breed.hooves else 0.5
    outward = np.array([forward, np.sqrt(0.88 - forward**2), 0.34])
    place, e = outward * (1, w, 0.85), breed.eye
    for name, sign, side in head.sides("L", "R"):
        side.ellipsoid("lid", place - 0.12 * e * outward, (1.25 * e, 1.3 * e, 1.15 * e), breed.head_slot)
        iris = "pupil" if breed.hooves else "eye"
        side.ellipsoid("eyeball", place + 0.3 * e * outward, (e, e, 0.85 * e), iris)
        pupil, narrow = side.within(at=place + 0.75 * e * outward, scale=e), 0.3 if cat else 0.6
        pupil.ellipsoid("pupil", (0, 0, 0), (0.62, narrow, 0.62), "pupil")
        side.name(Eye=("pupil", *(outward * (1, sign, 1) / np.linalg.norm(outward))))
        _ear(fig, breed, head, name, sign, tilt=rng.normal(0, 0.08))
        if cat:
            for i, z in enumerate((0.12, -0.12)):
                root = side.within(at=(m, 0.55 * mr, -0.35 + 0.3 * z))
                root.limb(f"whisker_{i}", (0, 0, 0), (0.05, 0.9, z), 0.02 * h, "light", top=0.3)
        if "horns" in breed.extras:
            bend, tip = (-0.25, w + 0.55, 0.85), (0.15, w + 0.75, 1.6)
            if "wool" in breed.extras:  # a ram's, which curl back and down
                bend, tip = (-0.9, w + 0.2, 0.3), (0.1, w + 0.45, -0.5)
            side.limb("horn", (-0.15, 0.5 * w, 0.65), bend, 0.2 * h, "light", top=0.8)
            side.limb("horn_tip", bend, tip, 0.16 * h, "light", top=0.2)


def _ear(fig: Figure, breed: Breed, head: Figure, name: str, sign: float, *, tilt: float) -> None:
    """An upright triangle, a hanging flap or a leaf held sideways."""
    h, w, size = breed.head, breed.head_width, breed.ear
    if breed.ears == "prick":
        base = head.at(-0.12, 0.52 * w * sign, 0.6)
        tip = head.at(-0.05 + tilt, (0.62 * w + 0.22) * sign, 0.62 + size)
        fig.limb(f"{name}_ear", base, tip, (0.36 * size * h, 0.2 * size * h), "body", top=0.12)
        inner = base + head.rotation @ (0.1 * size * h, 0, 0)
        end, radii = inner + 0.8 * (tip - base), (0.25 * size * h, 0.14 * size * h)
        fig.limb(f"{name}_ear_inner", inner, end, radii, "skin", top=0.1)
        fig.name(f"{name}_*", EarBase=(f"{name}_ear", 0.824 * sign, 0, -0.6))
    else:
        droop = 78 if breed.ears == "drop" else 12
        out = turn(roll=-sign * (droop + 60 * tilt)) @ (0, sign * 1.0, 0)
        place = np.array([-0.15, 0.86 * w * sign, 0.5]) + 0.8 * size * out
        along = np.stack([[1, 0, 0], out, np.cross([1, 0, 0], out)], axis=1)
        head.ellipsoid(f"{name}_ear", place, (0.45 * size, size, 0.16 * size), "trim", rotation=along)
        fig.name(f"{name}_*", EarBase=(f"{name}_ear", 0.55, -0.835, 0))


def _extras(fig: Figure, rng, breed: Breed, trunk: Figure, start, top, toward) -> None:
    """What only some breeds wear: mane, wool, udder."""
    radius, up = breed.neck_radius, np.cross(toward, (0.0, 1.0, 0.0))
    up /= np.linalg.norm(up)
    if "mane" in breed.extras:
        for i, t in enumerate((0.1, 0.35, 0.6, 0.85, 1.05)):
            place, combed = start + t * (top - start) + (1.0 - 0.3 * t) * radius * up, rng.normal(40, 15)
            fig.ellipsoid(f"mane_{i}", place, (0.15, 0.07, 0.12), "trim", pitch=combed)
    if "wool" in breed.extras:
        fig.ellipsoid("topknot", top + 0.7 * breed.head * up, np.full(3, 0.75 * breed.head), "wool")
        fig.ellipsoid("collar_wool", start + 0.3 * (top - start), np.full(3, 1.25 * radius), "wool")
    if "udder" in breed.extras:
        half = (0.17, 0.5 * breed.width, 0.14)
        fig.ellipsoid("udder", trunk.at(0.16, 0, -0.95), half, "skin", rotation=trunk.rotation)
