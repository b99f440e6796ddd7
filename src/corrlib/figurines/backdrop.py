"""What pictures of all categories share: materials from one palette, backgrounds, clutter."""

import colorsys
import math

import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.render import MATERIAL, fractal

#: Material slots with a meaning shared by all categories: ranges of hue, saturation and value, then gloss.
_SLOTS = {
    "dark": ((0.0, 1.0), (0.0, 0.3), (0.04, 0.2), 0.1),
    "glass": ((0.5, 0.65), (0.1, 0.5), (0.15, 0.6), 0.6),
    "light": ((0.05, 0.2), (0.0, 0.15), (0.85, 1.0), 0.3),
    "metal": ((0.5, 0.7), (0.0, 0.1), (0.4, 0.8), 0.5),
    "skin": ((0.02, 0.09), (0.25, 0.6), (0.35, 0.95), 0.05),
    "leaf": ((0.2, 0.42), (0.3, 0.9), (0.2, 0.75), 0.05),
    "wood": ((0.04, 0.11), (0.3, 0.8), (0.25, 0.75), 0.05),
    "red": ((0.97, 1.01), (0.7, 1.0), (0.6, 0.95), 0.4),
}


def _colour(rng: np.random.Generator, hue, saturation, value) -> tuple[float, float, float]:
    return colorsys.hsv_to_rgb(rng.uniform(*hue) % 1.0, rng.uniform(*saturation), rng.uniform(*value))


def materials(rng: np.random.Generator, slots: list[str]) -> np.ndarray:
    """Draw the materials of one figure: a row of `MATERIAL` for each slot, in the order given.

    ``"glass"`` and its like say which colours, other slots take any.
    """
    table = np.zeros(len(slots), MATERIAL)
    for row, slot in zip(table, slots, strict=True):
        plain = slot in _SLOTS
        *colour, gloss = _SLOTS.get(slot, ((0, 1), (0, 0.8), (0.15, 1), 0.0))
        row["a"], row["b"] = _colour(rng, *colour), _colour(rng, *colour)
        row["pattern"] = 0 if plain else rng.choice(5, p=[0.5, 0.14, 0.12, 0.14, 0.1])
        row["freq"] = rng.uniform(5, 14)
        axis = rng.normal(size=3)
        row["axis"] = axis / np.linalg.norm(axis)
        row["seed"] = rng.integers(1 << 30)
        row["gloss"] = gloss if plain else rng.choice([0, 0, 0.2, 0.5])
        row["grain"] = rng.uniform(0, 0.15 if plain else 0.4)
    return table


def _texture(rng: np.random.Generator, shape: tuple[int, int], *, squash: float) -> np.ndarray:
    """A surface of two colours mixed by 1/f noise and sometimes by boards or tiles; (H, W, 3) float32."""
    a = np.array(_colour(rng, (0, 1), (0, 0.55), (0.15, 1)), np.float32)
    b = a + rng.normal(0, 0.16, 3).astype(np.float32)
    mix = fractal(shape, int(rng.integers(1 << 30)), rng.uniform(16, 120), squash)
    contrast = rng.uniform(0.8, 4)
    mix = np.clip(mix * contrast + (0.5 - 0.5 * contrast), 0, 1)
    kind = rng.random()
    if kind < 0.25:
        angle, cycles = rng.uniform(0, math.pi), rng.uniform(4, 18) / shape[1]
        c, s = math.cos(angle) * cycles, math.sin(angle) * cycles
        y, x = np.ogrid[: shape[0], : shape[1]]
        lines = (x * c + y * (squash * s)) % 1 < rng.uniform(0.1, 0.5)
        if kind < 0.12:
            lines ^= (x * s - y * (squash * c)) % 1 < 0.5
        mix = np.float32(0.5) * (mix + lines)
    return a + mix[..., None] * (b - a)


def background(rng: np.random.Generator, shape: tuple[int, int], horizon: float) -> np.ndarray:
    """Sky or wall above the row `horizon`, ground or floor below; (H, W, 3) float32 in 0..1."""
    height, width = shape
    soft = float(rng.choice([1.0, 3.0, 25.0]))
    # each texture is made only for the rows that show it
    end = int(np.clip(horizon + soft, 1, height))
    start = int(np.clip(horizon - soft, 0, height - 1))
    picture = np.zeros((height, width, 3), np.float32)
    picture[:end] = _texture(rng, (end, width), squash=rng.uniform(0.7, 2.5))
    below = _texture(rng, (height - start, width), squash=rng.uniform(1, 5))
    # half of the skies brighten towards the horizon, as real ones do
    if rng.random() < 0.5:
        picture[:end] += np.linspace(0, rng.uniform(-0.1, 0.35), end, dtype=np.float32)[:, None, None]
    edge = np.clip((np.arange(start, height, dtype=np.float32) - horizon) / soft + 0.5, 0, 1)[:, None, None]
    picture[start:] += (below - picture[start:]) * edge
    return np.clip(picture, 0, 1, out=picture)


def contact_shadow(image: np.ndarray, foot: tuple, half_width: float, *, strength: float) -> None:
    """Darken an ellipse around `foot` (x, y) in place, as something standing there would."""
    y, x = np.ogrid[: image.shape[0], : image.shape[1]]
    # a Gaussian in x and y is a product, so two short exponentials do
    across = np.exp(-(((x - foot[0]) / half_width) ** 2))
    along = np.exp(-(((y - foot[1]) / (0.22 * half_width)) ** 2))
    image *= (1 - strength * along * across).astype(np.float32)[..., None]


def clutter(rng: np.random.Generator) -> Figure:
    """A thing that is none of the twenty: a tree, a house, a post, a heap of the same primitives."""
    thing = Figure()
    kind = rng.choice(["tree", "house", "post", "ball", "crate", "heap"], p=[0.18, 0.17, 0.15, 0.1, 0.1, 0.3])
    if kind == "tree":
        thing.limb("trunk", (0, 0, 0), (rng.normal(0, 0.15), 0, 1), rng.uniform(0.05, 0.15), "wood", top=0.6)
        for k in range(rng.integers(1, 5)):
            thing.ellipsoid(f"crown{k}", rng.normal([0, 0, 1.3], 0.25), rng.uniform(0.25, 0.6, 3), "leaf")
    elif kind == "house":
        half = rng.uniform(0.3, 1, 3)
        thing.box("walls", (0, 0, half[2]), half, "body")
        thing.box("roof", (0, 0, 2 * half[2]), half * [1.1, 1.1, 0.12], "body2")
        for k in range(rng.integers(0, 5)):
            y, z = rng.uniform(-0.8, 0.8) * half[1], rng.uniform(0.3, 1.7) * half[2]
            thing.box(f"window{k}", (half[0], y, z), (0.03, 0.1, 0.14), "glass")
    elif kind == "post":
        thing.limb("pole", (0, 0, 0), (0, 0, 2), rng.uniform(0.03, 0.08), "metal")
        thing.box("sign", (0.05, 0, rng.uniform(1, 2)), (0.04, *rng.uniform(0.1, 0.5, 2)), "body")
    elif kind == "ball":
        thing.ellipsoid("ball", (0, 0, 1), rng.uniform(0.5, 1, 3), "body")
    elif kind == "crate":
        thing.box("crate", (0, 0, 0.5), rng.uniform(0.2, 1, 3), "body", yaw=rng.uniform(0, 90))
    else:
        slots = ("body", "body2", "dark", "metal", "wood", "glass", "light", "skin")
        for k in range(rng.integers(2, 9)):
            piece, where, slot, shape = f"piece{k}", rng.normal(0, 0.6, 3), rng.choice(slots), rng.integers(4)
            if shape == 0:
                thing.ellipsoid(piece, where, rng.uniform(0.08, 0.6, 3), slot)
            elif shape == 1:
                half, way = rng.uniform(0.06, 0.5, 3), turn(yaw=rng.uniform(0, 180), pitch=rng.normal(0, 25))
                thing.box(piece, where, half, slot, rotation=way)
            elif shape == 2:
                end, radius = where + rng.normal(0, 0.7, 3), rng.uniform(0.04, 0.25)
                thing.limb(piece, where, end, radius, slot, top=rng.uniform(0, 1.2))
            else:
                end, radius = where + rng.normal(0, 0.2, 3), rng.uniform(0.15, 0.5)
                thing.limb(piece, where, end, radius, slot, hole=rng.uniform(0.5, 0.9))
    return thing
