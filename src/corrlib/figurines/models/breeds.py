"""The tables of proportions that make a quadruped a cat, a cow, a dog, a horse or a sheep."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Breed:
    """Proportions of a quadruped; lengths in units of the distance from hips to shoulders.

    `head` is half the length of the skull and the unit of `head_width`, `muzzle` (its reach from the skull's
    centre), `muzzle_radius`, `ear` and `eye`. `poses` repeats a name to make it likelier. Numbers are means:
    each instance draws its own around them.
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


# fmt: off
_PETS = ("stand", "walk", "sit", "sit", "lie", "run")
_HERD = ("stand", "stand", "walk", "walk", "graze", "lie")

_CAT = dict(leg=0.6, depth=0.24, width=0.19, thick=0.06, neck=0.2, neck_pitch=42.0, neck_radius=0.19,
            head=0.27, head_width=1.02, head_pitch=-2.0, muzzle=0.98, muzzle_radius=0.4, ears="prick",
            ear=0.85, tail="rod", poses=_PETS, eye=0.21, muzzle_slot="light")
_COW = dict(leg=0.78, depth=0.42, width=0.29, thick=0.075, neck=0.42, neck_pitch=22.0, neck_radius=0.27,
            head=0.23, head_width=0.85, head_pitch=-28.0, muzzle=1.7, muzzle_radius=0.62, ears="side",
            ear=0.7, tail="tuft", poses=_HERD, hooves=True, muzzle_slot="skin")
_DOG = dict(leg=0.84, depth=0.28, width=0.19, thick=0.06, neck=0.34, neck_pitch=48.0, neck_radius=0.18,
            head=0.235, head_width=0.82, head_pitch=-8.0, muzzle=1.75, muzzle_radius=0.5, ears="prick",
            ear=0.75, tail="brush", poses=_PETS)
_HORSE = dict(leg=1.05, depth=0.34, width=0.23, thick=0.062, neck=0.78, neck_pitch=48.0, neck_radius=0.23,
              head=0.2, head_width=0.68, head_pitch=-38.0, muzzle=2.6, muzzle_radius=0.56, ears="prick",
              ear=0.75, tail="fall", poses=("stand", "stand", "walk", "walk", "run", "graze"), hooves=True,
              extras=("mane",), muzzle_slot="body", eye=0.16)
_SHEEP = dict(leg=0.62, depth=0.34, width=0.28, thick=0.058, neck=0.4, neck_pitch=42.0, neck_radius=0.2,
              head=0.17, head_width=0.8, head_pitch=-26.0, muzzle=1.75, muzzle_radius=0.58, ears="side",
              ear=0.8, tail="stub", poses=_HERD, hooves=True, extras=("wool",), muzzle_slot="trim",
              head_slot="trim", leg_slot="trim")

BREEDS: dict[str, dict[str, Breed]] = {
    "cat": {
        "shorthair": Breed(**_CAT | {"extras": ("whiskers",)}),
        "longhair": Breed(**_CAT | {"tail": "brush", "extras": ("whiskers", "ruff"), "depth": 0.27,
            "width": 0.23, "muzzle": 0.85, "ear": 0.65}),
        "siamese": Breed(**_CAT | {"extras": ("whiskers", "collar"), "depth": 0.18, "width": 0.14,
            "head": 0.22, "ear": 1.15, "leg": 0.7, "neck": 0.28, "head_slot": "trim", "leg_slot": "trim",
            "muzzle_slot": "trim"}),
    },
    "cow": {
        "dairy": Breed(**_COW | {"extras": ("udder",)}),
        "horned": Breed(**_COW | {"extras": ("horns", "udder")}),
        "bull": Breed(**_COW | {"extras": ("horns",), "depth": 0.49, "width": 0.34, "neck": 0.36,
            "neck_radius": 0.36, "leg": 0.7}),
    },
    "dog": {
        "shepherd": Breed(**_DOG | {"extras": ("ruff",)}),
        "hound": Breed(**_DOG | {"ears": "drop", "ear": 0.7, "tail": "rod", "extras": ("collar",),
            "leg": 0.95, "depth": 0.25, "muzzle": 1.9}),
        "pug": Breed(**_DOG | {"ears": "drop", "ear": 0.42, "tail": "curl", "leg": 0.5, "depth": 0.3,
            "width": 0.26, "head": 0.3, "head_width": 0.95, "muzzle": 1.1, "muzzle_radius": 0.56,
            "muzzle_slot": "dark", "thick": 0.075, "eye": 0.2}),
        "dachshund": Breed(**_DOG | {"ears": "drop", "ear": 0.75, "tail": "rod", "leg": 0.28, "depth": 0.19,
            "width": 0.15, "thick": 0.05, "head": 0.19, "muzzle": 2.1, "neck": 0.28,
            "poses": ("stand", "walk")}),
    },
    "horse": {
        "plain": Breed(**_HORSE),
        "saddled": Breed(**_HORSE | {"extras": ("mane", "saddle")}),
        "draught": Breed(**_HORSE | {"leg": 0.85, "depth": 0.41, "width": 0.3, "thick": 0.085, "neck": 0.62,
            "neck_radius": 0.29, "leg_slot": "body2"}),
        "foal": Breed(**_HORSE | {"leg": 1.25, "depth": 0.27, "width": 0.18, "neck": 0.62,
            "neck_radius": 0.17, "head": 0.19, "muzzle": 2.1, "ear": 0.95, "muzzle_slot": "body2"}),
    },
    "sheep": {
        "ewe": Breed(**_SHEEP),
        "ram": Breed(**_SHEEP | {"extras": ("wool", "spiral"), "head": 0.18}),
        "shorn": Breed(**_SHEEP | {"extras": (), "depth": 0.29, "width": 0.21, "neck": 0.42,
            "neck_radius": 0.16, "leg": 0.7, "leg_slot": "body", "ear": 1.0}),
    },
}
