"""Where pictures are taken: fields, streets, water, sky and rooms, and the clutter that stands there."""

from dataclasses import dataclass

import cv2
import numpy as np

from corrlib.figurines.figure import Figure, turn
from corrlib.figurines.materials import hsv, natural

#: Ranges of hue, saturation and value of what one stands on.
GROUNDS = {
    "grass": ((0.17, 0.26), (0.3, 0.65), (0.3, 0.65)),
    "dry grass": ((0.11, 0.16), (0.25, 0.5), (0.4, 0.7)),
    "earth": ((0.05, 0.1), (0.2, 0.45), (0.3, 0.6)),
    "sand": ((0.08, 0.12), (0.15, 0.35), (0.6, 0.85)),
    "snow": ((0.55, 0.65), (0.0, 0.08), (0.82, 0.95)),
    "asphalt": ((0.08, 0.65), (0.0, 0.08), (0.3, 0.6)),
    "water": ((0.5, 0.62), (0.1, 0.45), (0.25, 0.6)),
    "boards": ((0.05, 0.1), (0.3, 0.6), (0.3, 0.7)),
    "tiles": ((0.05, 0.15), (0.03, 0.25), (0.5, 0.85)),
    "carpet": ((0.0, 0.13), (0.1, 0.4), (0.3, 0.7)),
}
#: What each place has below, with repetitions for the likelier.
PLACES = {
    "field": ("grass", "grass", "grass", "dry grass", "earth", "sand", "snow"),
    "street": ("asphalt", "asphalt", "tiles", "earth"),
    "water": ("water",),
    "sky": ("grass", "earth", "water"),
    "room": ("boards", "boards", "tiles", "carpet"),
}
#: Clutter of each place, with its height in metres.
CLUTTER = {
    "field": {"tree": 4.0, "bush": 1.0, "rock": 0.6, "post": 1.6, "fence": 1.1, "house": 4.0, "trough": 0.5},
    "street": {"tree": 4.0, "post": 2.6, "house": 5.0, "crate": 0.8, "bin": 1.0, "fence": 1.0, "bush": 0.9},
    "water": {"post": 1.5, "rock": 0.8, "buoy": 0.7},
    "sky": {},
    "room": {"cabinet": 1.0, "lamp": 1.4, "crate": 0.4, "ball": 0.25, "shelf": 1.7, "vase": 0.35, "heap": 0.3},
}


@dataclass(frozen=True)
class Backdrop:
    """A picture (H, W, 3) float32 in linear colours without the figures, and the colours of sky and ground."""

    picture: np.ndarray
    sky: np.ndarray
    ground: np.ndarray


def fractal(rng: np.random.Generator, shape: tuple[int, int], *, first: int = 2, gain: float = 0.68) -> np.ndarray:
    """1/f noise (H, W) float32 of mean 0 and standard deviation about 1: octaves, from `first` cells up."""
    total, longest, cells, share = np.zeros(shape, np.float32), max(shape), first, 1.0
    while cells < longest:
        grid = [max(2, -(-side * cells // longest)) for side in shape]
        noise = rng.random(grid, dtype=np.float32) - np.float32(0.5)
        total += np.float32(share) * cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
        cells, share = 2 * cells, gain * share
    return total * np.float32(4.2 * np.sqrt(1 - gain**2))


def backdrop(rng: np.random.Generator, place: str, shape: tuple[int, int], horizon: float, foot: float) -> Backdrop:
    """Paint a place: sky or wall above, ground or floor below the row `horizon`, which is that of the eye.

    The figure stands at the row `foot`; a room's wall begins somewhere between the two.
    """
    height, width = shape
    kind = str(rng.choice(PLACES[place]))
    ground = hsv(rng, *GROUNDS[kind])
    room = place == "room"
    edge = horizon + rng.uniform(0.15, 0.75) * (foot - horizon) if room else horizon
    end = int(np.clip(np.ceil(edge) + 1, 1, height))
    if room:
        # the light of a lamp or a window falls off along the wall
        wall = natural(rng, 0.6)
        sky = 0.6 + 0.4 * wall
        above = wall + 0.02 * fractal(rng, (end, width))[..., None]
        above *= np.linspace(*rng.uniform(0.75, 1.1, 2), width, dtype=np.float32)[:, None]
        _furnish(rng, above, edge, (foot - horizon) / 1.2)
    else:
        above, sky = _sky(rng, (end, width), edge)
        _horizon(rng, above, place, edge)
    picture = np.empty((height, width, 3), np.float32)
    picture[:end] = above
    if end < height:
        texture = _ground(rng, kind, ground, sky)
        # from texture to picture: a plane seen from eye height, its cells shrinking towards the horizon
        cell = rng.uniform(0.5, 0.9) * max(0.5 * height, 0.6 * (foot - horizon))
        y, x = np.ogrid[end - 1 : height, :width]
        depth = np.float32(max(foot - horizon, 20.0)) / np.maximum(y - horizon, 1.0).astype(np.float32)
        span = np.float32(256 / cell)
        u = (x - width / 2).astype(np.float32) * (depth * span) + np.float32(rng.uniform(0, 510))
        v = np.zeros_like(x, np.float32) + depth * (2 * span * max(foot - horizon, 20.0))
        # there and back: a mirrored tile has no seams
        u, v = (np.abs(each % 510 - 255).astype(np.float32) for each in (u, v))
        below = cv2.remap(texture, u, v, cv2.INTER_LINEAR)
        far = np.clip(1 - np.float32(0.25) * depth, 0.15, 1)[..., None]
        below = ground + (below - ground) * far
        if not room:
            below += (sky - below) * (np.float32(0.35) * np.clip(depth / 25, 0, 1))[..., None]
        picture[end - 1 :] = below
        if room:
            picture[end - 4 : end - 1] *= rng.uniform(0.5, 1.2)
    shading = 1 + 0.06 * fractal(rng, shape, first=1, gain=0.5)
    return Backdrop(np.clip(picture * shading[..., None], 0.01, 1) ** 2, sky**2, ground**2)


def _sky(rng: np.random.Generator, shape: tuple[int, int], horizon: float) -> tuple[np.ndarray, np.ndarray]:
    """Clear, clouded or overcast; brighter towards the horizon. And its colour."""
    blue = hsv(rng, (0.56, 0.62), (0.2, 0.6), (0.6, 0.9))
    white = np.float32(rng.uniform(0.75, 0.97)) * np.array([0.98, 0.99, 1.0], np.float32)
    cover = rng.choice([-1.5, 0.0, 2.0], p=[0.35, 0.35, 0.3])
    # clouds are wider than high
    clouds = fractal(rng, (shape[0], max(shape[1] // 3, 2)), first=3)
    clouds = cv2.resize(clouds, shape[::-1], interpolation=cv2.INTER_LINEAR)
    share = np.clip(0.5 * clouds + cover, 0, 1) * 0.9
    haze = np.exp(-(np.maximum(horizon - np.arange(shape[0]), 0)) / (0.35 * max(horizon, 30)))
    share = np.maximum(share, 0.75 * haze.astype(np.float32)[:, None])[..., None]
    return blue + share * (white - blue), 0.5 * (blue + white) if cover < 2 else white


def _horizon(rng: np.random.Generator, above: np.ndarray, place: str, horizon: float) -> None:
    """Paint hills, trees or houses on the horizon, the further the paler."""
    height, width = above.shape[:2]
    rows = np.arange(height)[:, None]
    for layer in range(rng.integers(0, 4) if place != "sky" else rng.integers(0, 2)):
        kind = rng.choice(["hills", "trees", "houses"], p=(0.1, 0.4, 0.5) if place == "street" else (0.4, 0.55, 0.05))
        colour = natural(rng, 0.6) if kind == "houses" else hsv(rng, (0.14, 0.3), (0.15, 0.5), (0.15, 0.5))
        colour = colour + (0.35 / (layer + 1)) * (above.mean((0, 1)) - colour)
        high = rng.uniform(0.05, 0.5) * max(horizon, 30)
        line = np.interp(np.linspace(0, 1, width), np.linspace(0, 1, 9), rng.uniform(0.4, 1, 9))
        if kind == "trees":
            line = line + 0.12 * fractal(rng, (2, width), first=12, gain=0.8)[0]
        if kind == "houses":
            steps = np.repeat(rng.uniform(0.4, 1.6, 40), rng.integers(12, 60, 40))
            line = np.resize(steps, width)
        mask = (rows > horizon - high * line)[..., None]
        mottle = fractal(rng, (height, width), first=12 if kind == "trees" else 3, gain=0.85)[..., None]
        painted = colour * (1 + (0.3 if kind == "trees" else 0.08) * mottle)
        if kind == "houses":
            u, v = rng.uniform(9, 18), rng.uniform(9, 18)
            panes = (np.arange(width) % u < 0.45 * u) & ((rows - horizon) % v < 0.5 * v)
            painted = painted * np.where(panes, np.float32(rng.uniform(0.4, 0.8)), np.float32(1))[..., None]
        np.copyto(above, painted, where=mask)


def _furnish(rng: np.random.Generator, wall: np.ndarray, edge: float, metre: float) -> None:
    """Hang pictures, a window or a curtain on a wall, and lay a skirting board below it."""
    height, width = wall.shape[:2]
    for _ in range(rng.integers(0, 4)):
        kind = rng.choice(["frame", "window", "curtain"], p=[0.5, 0.3, 0.2])
        wide, tall = rng.uniform((0.3, 0.3), (1.2, 1.0)) * metre * (1.6 if kind != "frame" else 1)
        left, bottom = rng.uniform(-0.2, 1) * width, edge - rng.uniform(0.5, 1.6) * metre
        bottom = edge if kind == "curtain" else bottom
        top = bottom - tall * (2 if kind == "curtain" else 1)
        x0, x1, y0, y1 = (max(int(v), 0) for v in (left, left + wide, top, bottom))
        patch = wall[y0:y1, x0:x1]
        if min(patch.shape[:2]) < 12:
            continue
        inner = patch[4:-4, 4:-4]
        patch[:] = natural(rng, 0.7)
        if kind == "curtain":
            patch *= 1 + 0.25 * np.sin(np.linspace(0, rng.uniform(20, 50), patch.shape[1]))[:, None]
        else:
            colour = rng.uniform(0.75, 1) if kind == "window" else natural(rng)
            inner[:] = colour + 0.12 * fractal(rng, inner.shape[:2])[..., None]
    row = int(np.clip(edge - 0.08 * metre, 0, height))
    wall[row:] = natural(rng, 0.5)


def _ground(rng: np.random.Generator, kind: str, colour: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """A texture (256, 256, 3) float32 of the ground about its colour."""
    side = (256, 256)
    y, x = np.ogrid[:256, :256]
    strength, gain = {"snow": (0.03, 0.6), "carpet": (0.08, 0.95), "tiles": (0.05, 0.8), "grass": (0.22, 0.95)}.get(
        kind, (0.14, 0.88)
    )
    mottle = strength * fractal(rng, side, first=4, gain=gain)
    if kind == "water":
        # ripples are wide and flat, and mirror the sky
        ripples = cv2.resize(fractal(rng, (256, 32), first=16, gain=0.8), side[::-1])
        return colour + np.clip(0.25 * ripples + 0.2, 0, 1)[..., None] * (sky - colour)
    if kind in ("boards", "tiles"):
        many = int(rng.choice([2, 4]))
        step = 256 // many
        board = (x // step) * 7 + (y // (step if kind == "tiles" else 256)) * 13
        tone = rng.uniform(-0.06, 0.06, 400).astype(np.float32)[board % 400]
        seams = (x % step < 2) | ((kind == "tiles") & (y % step < 2))
        mottle += tone - np.float32(0.15) * seams
    if kind == "asphalt" and rng.random() < 0.4:
        mottle += np.float32(0.5) * ((x > 120) & (x < 126) & (y % 128 < 75))
    tint = np.float32(0.3) * (natural(rng, 0.8) - colour)
    return colour + mottle[..., None] * (colour + tint)


def clutter(rng: np.random.Generator, place: str) -> tuple[Figure, float, str]:
    """A thing that is none of the twenty, its height in metres and its finish."""
    thing, kinds = Figure(), CLUTTER[place]
    kind = str(rng.choice(list(kinds)))
    finish = str(rng.choice(["paint", "cloth", "plastic", "stone"]))
    if kind in ("tree", "bush", "lamp", "post", "buoy"):
        thin = rng.uniform(0.03, 0.06)
        if kind != "bush":
            end = (0, 0, 0.6 if kind == "buoy" else 1)
            thing.limb("trunk", (0, 0, 0), end, thin, "wood" if kind == "tree" else "metal", top=0.7)
        if kind in ("tree", "bush"):
            middle, spread = (1.1, 0.25) if kind == "tree" else (0.35, 0.3)
            for k in range(rng.integers(14, 24)):
                at = rng.normal([0, 0, middle], [spread, spread, 0.7 * spread])
                thing.ellipsoid(f"crown{k}", at, rng.uniform(0.08, 0.25, 3), "leaf")
        elif kind == "lamp":
            thing.limb("shade", (0, 0, 0.8), (0, 0, 1.05), 0.2, "light", top=0.6)
            thing.limb("foot", (0, 0, 0), (0, 0, 0.03), 0.15, "metal")
        elif kind == "post":
            thing.box("sign", (0.05, 0, 0.85), (0.02, *rng.uniform(0.08, 0.25, 2)), "trim2")
        else:
            thing.ellipsoid("ball", (0, 0, 0.3), (0.4, 0.4, 0.35), "red")
    elif kind in ("house", "cabinet", "shelf", "trough", "crate"):
        half = {"house": (0.6, 0.8, 0.5), "cabinet": (0.25, 0.5, 0.5), "shelf": (0.12, 0.35, 0.5)}.get(
            kind, (0.3, 0.5, 0.35)
        ) * np.exp(rng.uniform(-0.3, 0.3, 3))
        slot = "wood" if kind != "house" and rng.random() < 0.5 else "body"
        thing.box("walls", (0, 0, half[2]), half, slot)
        if kind == "house":
            for s in (-1, 1):
                slope = turn(roll=35 * s)
                thing.box(f"roof{s}", (0, 0.45 * s * half[1], 2.2 * half[2]), half * [1.1, 0.75, 0.08], "trim", rotation=slope)
        rows, columns = (4, 1) if kind == "shelf" else (2, 3) if kind in ("house", "cabinet") else (0, 0)
        for r, c in np.ndindex(rows, columns):
            y, z = ((c + 0.5) / columns * 2 - 1) * half[1], (r + 0.5) / rows * 2 * half[2]
            pane = (0.02, 0.75 * half[1] / columns, 0.7 * half[2] / rows)
            thing.box(f"pane{r}{c}", (half[0], y, z), pane, "glass" if kind == "house" else f"trim{2 * (r % 2) or ''}")
    elif kind == "fence":
        for k in range(7):
            thing.limb(f"post{k}", (0, k - 3, 0), (0, k - 3, 1), 0.05, "wood")
        for k, z in enumerate((0.35, 0.65, 0.95)):
            thing.limb(f"rail{k}", (0, -3.4, z), (0, 3.4, z), 0.04, "wood")
    elif kind == "vase":
        thing.limb("foot", (0, 0, 0), (0, 0, 0.3), 0.15, "body", top=1.6)
        thing.limb("neck", (0, 0, 0.3), (0, 0, 1), 0.24, "body", top=0.5)
    elif kind == "bin":
        thing.limb("bin", (0, 0, 0), (0, 0, 0.9), 0.25, "body", top=1.25)
        thing.limb("lid", (0, 0, 0.9), (0, 0, 1), 0.33, "trim", top=0.8)
    elif kind == "heap":
        for k in range(rng.integers(2, 5)):
            half = rng.uniform((0.3, 0.4, 0.06), (0.5, 0.7, 0.14))
            thing.box(f"book{k}", (0, 0, 0.12 + 0.25 * k), half, ("body", "trim2", "body2", "trim")[k % 4], yaw=rng.normal(0, 15))
    else:
        for k in range(1 if kind == "ball" else 3):
            at, half = (rng.normal([0, 0, 0.35], 0.2), rng.uniform(0.3, 0.6, 3)) if kind == "rock" else ((0, 0, 0.5), (0.5,) * 3)
            thing.ellipsoid(f"lump{k}", at, half, "stone" if kind == "rock" else "trim2")
    return thing, kinds[kind] * np.exp(rng.normal(0, 0.3)), finish
