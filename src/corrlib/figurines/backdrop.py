"""Where pictures are taken: fields, streets, water, sky and rooms, and the clutter that stands there."""

from collections import namedtuple

import cv2
import numpy as np

from corrlib.figurines.figure import Figure
from corrlib.figurines.materials import hsv, natural

# fmt: off
#: Ranges of hue, saturation and value of what one stands on; strength and roughness of its mottle.
GROUNDS = {
    "grass": ((0.17, 0.26), (0.3, 0.6), (0.3, 0.65), 0.18, 0.97),
    "hay": ((0.11, 0.16), (0.2, 0.45), (0.4, 0.7), 0.13, 0.95),
    "earth": ((0.05, 0.1), (0.25, 0.5), (0.3, 0.6), 0.13, 0.92),
    "sand": ((0.08, 0.12), (0.15, 0.35), (0.6, 0.85), 0.08, 0.9),
    "snow": ((0.55, 0.65), (0, 0.08), (0.82, 0.95), 0.03, 0.7),
    "asphalt": ((0.08, 0.65), (0, 0.08), (0.3, 0.6), 0.11, 0.95),
    "water": ((0.5, 0.62), (0.05, 0.3), (0.25, 0.6), 0.25, 0.85),
    "carpet": ((0, 0.13), (0.2, 0.5), (0.3, 0.7), 0.08, 1.0),
    "boards": ((0.05, 0.1), (0.25, 0.5), (0.3, 0.7), 0.12, 0.9),
    "tiles": ((0.05, 0.12), (0.08, 0.3), (0.5, 0.85), 0.05, 0.85),
}
#: What each place has below, with repetitions for the likelier, and what stands there.
PLACES = {
    "field": ("grass grass grass hay earth sand snow", "tree bush rock fence house"),
    "street": ("asphalt asphalt tiles earth", "tree sign house crate bin fence bush"),
    "water": ("water", "sign rock ball"),
    "sky": ("grass earth water", ""),
    "room": ("boards boards tiles carpet", "shelf shelf lamp crate ball bin bush"),
}
#: Clutter: height in metres, then solids as methods of `Figure` take them.
FOOT, TOP, HALF = (0, 0, 0), (0, 0, 1), (0, 0, 0.5)
CLUTTER: dict[str, tuple] = {
    "tree": (4, ("limb", FOOT, TOP, 0.06, "wood")),
    "bush": (0.9,),
    "rock": (0.6, ("ellipsoid", HALF, (0.7, 0.6, 0.5), "stone"), ("ellipsoid", TOP, (0.3,) * 3, "stone")),
    "sign": (2.2, ("limb", FOOT, TOP, 0.03, "metal"), ("box", (0.05, 0, 0.85), (0.02, 0.2, 0.15), "trim2")),
    "fence": (1.1, *(("limb", (0, y, 0), (0, y, 1), 0.05, "wood") for y in range(-3, 4)),
              *(("limb", (0, -3.4, z), (0, 3.4, z), 0.04, "wood") for z in (0.35, 0.65, 0.95))),
    "house": (4, ("box", HALF, (0.6, 0.8, 0.5), "body"), ("box", TOP, (0.7, 0.9, 0.08), "trim"),
              *(("box", (0.6, y, z), (0.1, 0.2, 0.1), "glass") for y in (-0.5, 0, 0.5) for z in (0.3, 0.7))),
    "shelf": (1.3, ("box", HALF, (0.15, 0.4, 0.5), "wood"), *(("box", (0.15, 0, z), (0.01, 0.35, 0.1), slot)
              for z, slot in ((0.2, "trim"), (0.5, "trim2"), (0.8, "body2")))),
    "lamp": (1.4, ("limb", FOOT, TOP, 0.02, "metal"), ("limb", (0, 0, 0.8), TOP, 0.18, "light")),
    "crate": (0.6, ("box", HALF, (0.5, 0.6, 0.5), "wood"), ("box", HALF, (0.52, 0.4, 0.3), "body")),
    "bin": (0.8, ("limb", FOOT, (0, 0, 0.9), 0.3, "body"), ("limb", (0, 0, 0.9), TOP, 0.33, "trim")),
    "ball": (0.3, ("ellipsoid", (0, 0, 0.5), (0.5,) * 3, "trim2")),
}
# fmt: on
#: A picture (H, W, 3) float32 without the figures, and the colours of sky and ground; all linear.
Backdrop = namedtuple("Backdrop", "picture sky ground")


def fractal(rng: np.random.Generator, shape: tuple, *, first: int = 2, gain: float = 0.68) -> np.ndarray:
    """1/f noise (H, W) float32 of mean 0 and standard deviation about 1: octaves, from `first` cells up."""
    total, longest, cells, share = np.zeros(shape, np.float32), max(shape), first, 1.0
    while cells < longest:
        grid = [max(2, -(-side * cells // longest)) for side in shape]
        noise = rng.random(grid, dtype=np.float32) - np.float32(0.5)
        total += np.float32(share) * cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC)
        cells, share = 2 * cells, gain * share
    return total * np.float32(4.2 * np.sqrt(1 - gain**2))


def backdrop(rng: np.random.Generator, place: str, shape: tuple, horizon: float, foot: float) -> Backdrop:
    """Paint a place: sky or wall above, ground or floor below the row `horizon`, that of the eye.

    The figure stands at the row `foot`; a room's wall begins somewhere between the two.
    """
    height, width = shape
    kind, room = str(rng.choice(PLACES[place][0].split())), place == "room"
    ground = hsv(rng, *GROUNDS[kind][:3])
    edge = horizon + rng.uniform(0.15, 0.75) * (foot - horizon) if room else horizon
    end = int(np.clip(np.ceil(edge) + 1, 1, height))
    if room:
        # the light of a lamp or a window falls off along the wall
        wall = natural(rng, 0.6)
        sky = 0.6 + 0.4 * wall
        above = wall + 0.02 * fractal(rng, (end, width), gain=0.85)[..., None]
        above *= np.linspace(*rng.uniform(0.75, 1.1, 2), width, dtype=np.float32)[:, None]
        _furnish(rng, above, edge, (foot - horizon) / 1.2)
    else:
        above, sky = _sky(rng, (end, width), edge)
        _horizon(rng, above, place, edge)
    picture = np.empty((height, width, 3), np.float32)
    picture[:end] = above
    if end < height:
        # from texture to picture: a plane seen from eye height, its cells shrinking towards the horizon
        high = max(foot - horizon, 20.0)
        span = np.float32(256 / (rng.uniform(0.5, 0.9) * max(0.5 * height, 0.6 * high)))
        y, x = (each.astype(np.float32) for each in np.mgrid[end - 1 : height, :width])
        depth = np.float32(high) / np.maximum(y - np.float32(horizon), 1)
        across, along = (x + np.float32(rng.uniform(-width, 0))) * depth, np.float32(2 * high) * depth
        # there and back: a mirrored tile has no seams
        u, v = (np.abs(each * span % 510 - 255) for each in (across, along))
        below = cv2.remap(_ground(rng, kind, ground, sky), u, v, cv2.INTER_LINEAR) - ground
        below = ground + below * np.clip(1 - depth / 4, 0.15, 1)[..., None]
        if kind != "water":  # blades, pebbles, threads, where they are near enough to be seen
            grain = np.float32(0.75 * GROUNDS[kind][3]) * fractal(rng, depth.shape, first=40, gain=0.9)
            below *= 1 + (grain * np.clip(1.2 - depth / 2, 0, 1))[..., None]
        picture[end - 1 :] = below + (sky - below) * np.clip(depth / 70, 0, 0 if room else 0.35)[..., None]
    shading = 1 + 0.06 * fractal(rng, shape, first=1, gain=0.5)
    return Backdrop(np.clip(picture * shading[..., None], 0.01, 1) ** 2, sky**2, ground**2)


def _sky(rng: np.random.Generator, shape: tuple[int, int], horizon: float) -> tuple[np.ndarray, np.ndarray]:
    """Clear, clouded or overcast; brighter towards the horizon. And its colour."""
    blue = hsv(rng, (0.56, 0.62), (0.12, 0.42), (0.6, 0.9))
    white = np.float32(rng.uniform(0.75, 0.97)) * np.array([0.98, 0.99, 1.0], np.float32)
    cover = rng.choice([-1.5, 0.0, 2.0], p=[0.35, 0.35, 0.3])
    # clouds are wider than high
    clouds = fractal(rng, (shape[0], max(shape[1] // 3, 2)), first=3)
    clouds = cv2.resize(clouds, shape[::-1], interpolation=cv2.INTER_LINEAR)
    haze = np.exp(np.minimum(np.arange(shape[0], dtype=np.float32) - horizon, 0) / (0.35 * max(horizon, 30)))
    share = np.maximum(np.clip(0.5 * clouds + cover, 0, 0.9), np.float32(0.75) * haze[:, None])[..., None]
    return blue + share * (white - blue), 0.5 * (blue + white) if cover < 2 else white


def _horizon(rng: np.random.Generator, above: np.ndarray, place: str, horizon: float) -> None:
    """Paint hills, trees or houses on the horizon, the further the paler."""
    height, width, _ = above.shape
    rows = np.arange(height)[:, None]
    for layer in range(rng.integers(0, 2 if place == "sky" else 4)):
        town = rng.random() < (0.5 if place == "street" else 0.05)
        trees, high = rng.random() < 0.6, rng.uniform(0.05, 0.5) * max(horizon, 30)
        colour = natural(rng, 0.6) if town else hsv(rng, (0.14, 0.3), (0.15, 0.5), (0.15, 0.5))
        colour = colour + (0.35 / (layer + 1)) * (above.mean((0, 1)) - colour)
        mottle = (0.03 if town else 0.1 + 0.2 * trees) * fractal(rng, (height, width), first=9, gain=0.85)
        painted = colour * (1 + mottle[..., None])
        if town:
            line = np.resize(np.repeat(rng.uniform(0.4, 1.6, 40), rng.integers(12, 60, 40)), width)
            pane = rng.uniform(9, 18, 2)
            columns = np.arange(width) % pane[0] < 0.45 * pane[0]
            painted[columns & ((rows - horizon) % pane[1] < 0.5 * pane[1])] *= rng.uniform(0.4, 0.8)
        else:
            line = np.interp(np.linspace(0, 8, width), np.arange(9), rng.uniform(0.4, 1, 9))
            line += 0.12 * trees * fractal(rng, (2, width), first=12, gain=0.8)[0]
        np.copyto(above, painted, where=(rows > horizon - high * line)[..., None])


def _furnish(rng: np.random.Generator, wall: np.ndarray, edge: float, metre: float) -> None:
    """Hang pictures, a window or a curtain on a wall, and lay a skirting board below it."""
    height, width = wall.shape[:2]
    for _ in range(rng.integers(0, 4)):
        curtain, window = rng.random(2) < (0.2, 0.4)
        wide, tall = rng.uniform((0.4, 0.4), (1.4, 1.2)) * metre
        left, bottom = rng.uniform(-0.2, 1) * width, edge - rng.uniform(0.5, 1.6) * metre * (not curtain)
        x0, x1, y0, y1 = (max(int(v), 0) for v in (left, left + wide, bottom - tall * (1 + curtain), bottom))
        patch = wall[y0:y1, x0:x1]
        if min(patch.shape[:2]) < 12:
            continue
        patch[:] = natural(rng, 0.7)
        if curtain:
            patch *= 1 + 0.25 * np.sin(np.linspace(0, rng.uniform(20, 50), patch.shape[1]))[:, None]
        else:
            inner = patch[4:-4, 4:-4]
            colour = rng.uniform(0.75, 1) if window else natural(rng)
            inner[:] = colour + 0.12 * fractal(rng, inner.shape[:2])[..., None]
    wall[int(np.clip(edge - 0.08 * metre, 0, height)) :] = natural(rng, 0.5)


def _ground(rng: np.random.Generator, kind: str, colour: np.ndarray, sky: np.ndarray) -> np.ndarray:
    """A texture (256, 256, 3) float32 of the ground about its colour."""
    side, (strength, gain) = (256, 256), GROUNDS[kind][3:]
    y, x = np.ogrid[:256, :256]
    if kind == "water":
        # ripples are wide and flat, and mirror the sky
        ripples = strength * cv2.resize(fractal(rng, (256, 32), first=16, gain=gain), side)
        return colour + np.clip(ripples + 0.2, 0, 1)[..., None] * (sky - colour)
    mottle = strength * fractal(rng, side, first=8, gain=gain)
    if kind in ("boards", "tiles"):
        step = int(rng.choice([64, 128]))
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
    thing, kind = Figure(), str(rng.choice(PLACES[place][1].split()))
    tall, *solids = CLUTTER[kind]
    for k, (shape, *about) in enumerate(solids):
        getattr(thing, shape)(f"{kind}{k}", *about)
    if kind in ("tree", "bush"):
        middle, spread = (np.array([0, 0, 1.1]), 0.4) if kind == "tree" else (np.array([0, 0, 0.35]), 0.4)
        for k in range(rng.integers(14, 24)):
            at = middle + rng.uniform(-1, 1, 3) * (spread, spread, 0.8 * spread)
            thing.ellipsoid(f"crown{k}", at, rng.uniform(0.12, 0.27, 3), "leaf")
    return thing, tall * np.exp(rng.normal(0, 0.3)), str(rng.choice(["plastic", "stone"]))
