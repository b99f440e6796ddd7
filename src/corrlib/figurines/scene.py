"""A scene: figures placed before a camera, pictured, with everything that is true about every pixel."""

from collections import namedtuple
from dataclasses import dataclass

import cv2
import numpy as np

from corrlib.figurines.backdrop import background, clutter, contact_shadow, materials
from corrlib.figurines.figure import Figure
from corrlib.figurines.models import CATEGORIES, parts
from corrlib.figurines.render import PLACED, extents, shade, trace
from corrlib.figurines.truth import Truth


@dataclass(frozen=True)
class Thing:
    """One figure of a scene as an annotator sees it.

    `view` is VOC's pose: which side the camera sees. `box` is the extent of its visible pixels (xyxy edges,
    NaN when there are none); `keypoints` maps every name of the figure to its (x, y) in pixels, `visible` to
    whether it lies inside the image with nothing in front of it; `shown` is the share of its pixels that
    neither the image border nor another thing takes away.
    """

    category: str
    subtype: str
    view: str
    box: np.ndarray
    keypoints: dict[str, np.ndarray]
    visible: dict[str, bool]
    truncated: bool
    shown: float


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3) uint8, its things in the order of their numbers, and its dense truth."""

    image: np.ndarray
    things: tuple[Thing, ...]
    truth: Truth


#: A figure in its place: what is drawn, and what an annotator will ask about.
_Actor = namedtuple("_Actor", "category subtype view figure placed at extent")


def camera(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Rotation from a figure's frame to the camera's: rows are image right, image down and into the scene.

    Angles are in degrees. Azimuth 0 sees the figure's front, 90 its left side; elevation 90 its top.
    """
    a, e, r = np.radians([azimuth, elevation, roll])
    forward = -np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    down = np.cross(forward, right)
    return np.stack([right * np.cos(r) + down * np.sin(r), down * np.cos(r) - right * np.sin(r), forward])


def place(figure: Figure, camera: np.ndarray, category: str | None = None, stretch=(1, 1, 1)) -> np.ndarray:
    """A figure's solids as rows of `PLACED`, one pixel a unit of length, centred on their bounding box.

    Its x, y and z are multiplied by `stretch` before. Textures are carved from the figure's own frame, in
    units of its diameter. Part numbers are those of `parts(category)`; a figure without a category (clutter)
    gets none.
    """
    names, kinds, shapes, centres, axes, slots = zip(*figure.solids, strict=True)
    placed = np.zeros(len(names), PLACED)
    placed["kind"], placed["shape"] = kinds, shapes
    placed["material"] = list(map(figure.slots.index, slots))
    placed["part"] = list(map(parts(category).index, names)) if category else 0
    axes, centre = np.stack(axes) * np.reshape(stretch, (3, 1)), np.stack(centres) * stretch
    placed["to_px"] = camera @ axes
    placed["at"] = centre @ camera.T
    low, high = bounds(placed)
    placed["at"] -= (low + high) / 2
    size = np.linalg.norm(high - low)
    placed["to_tex"], placed["tex_at"] = axes / size, centre / size
    return placed


def bounds(placed: np.ndarray) -> np.ndarray:
    """Low and high corner (2, 3) of the bounding box of all primitives, x, y and depth in pixels."""
    box = extents(placed)
    return np.stack([box[:, 0].min(0), box[:, 1].max(0)])


def scaled(placed: np.ndarray, scale: float, at: tuple[float, float, float]) -> np.ndarray:
    """The primitives `scale` times as large, their origin moved to `at` (x, y, depth): ready to be traced."""
    placed = placed.copy()
    placed["to_px"] *= scale
    placed["at"] = placed["at"] * scale + at
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    return placed


def compose(rng: np.random.Generator, category: str, *, size: int = 300, companions: bool = True) -> Scene:
    """Draw a scene around one instance of `category`, ``things[0]``; its longer side has `size` pixels.

    With `companions` some pictures show further figures, of any category, beside it.
    """
    short = round(size * rng.choice([1.0, 0.75, 0.67]))
    shape = (size, short) if rng.random() < 0.3 else (short, size)
    truncated = rng.random() < 0.15
    wanted = [(category, rng.uniform(1.0, 1.35) if truncated else rng.uniform(0.5, 0.97))]
    if companions and rng.random() < 0.25:
        for _ in range(rng.integers(1, 3)):
            wanted.append((str(rng.choice(list(CATEGORIES))), rng.uniform(0.25, 0.5)))

    placed, tables = [], []

    def put(primitives: np.ndarray, slots: list[str], owner: int) -> None:
        primitives["owner"] = owner
        primitives["material"] += sum(map(len, tables))
        tables.append(materials(rng, slots))
        placed.append(primitives)

    actors = []
    for number, (name, share) in enumerate(wanted):
        actor = _actor(rng, name, share, shape, number=number, truncated=truncated and number == 0)
        put(actor.placed, actor.figure.slots, number + 1)
        actors.append(actor)

    (x, y), (width, height, _) = actors[0].at, actors[0].extent
    foot = y + height / 2
    picture = background(rng, shape, float(foot - rng.uniform(0.05, 0.95) * height))
    if rng.random() < 0.7:
        contact_shadow(picture, (x, foot - 0.04 * height), 0.55 * width, strength=rng.uniform(0.2, 0.6))
    for k in range(rng.poisson(3.0)):
        prop, slots, scale = _prop(rng, size, largest=0.6, tilt=5)
        at = rng.uniform([0, 0.2 * shape[0]], [shape[1], 0.95 * shape[0]])
        put(scaled(prop, scale, (*at, (20.0 + 2 * k) * size)), slots, 0)
    if rng.random() < 0.25:  # something in front, near the figure's edge
        prop, slots, scale = _prop(rng, size, largest=0.3, tilt=8)
        at = actors[0].at + rng.choice([-1, 1], 2) * rng.uniform(0.3, 0.55, 2) * actors[0].extent[:2]
        put(scaled(prop, scale, (*at, -20.0 * size)), slots, 0)

    primitives, table = np.concatenate(placed), np.concatenate(tables)
    index, depth = trace(primitives, shape)
    light = rng.normal([0, -1.0, -0.8], [0.8, 0.4, 0.5])
    light /= np.linalg.norm(light)
    unit = np.zeros_like(picture)
    shade(primitives, table, index, depth, light, rng.uniform(0.35, 0.65), picture, unit)
    image = _expose(rng, picture)

    # one more row for the background, which index -1 finds at the end
    owner = np.append(primitives["owner"], 0).astype(np.uint8)[index]
    part = np.append(primitives["part"], 0).astype(np.uint8)[index]
    things = tuple(_annotate(actor, owner == number, depth) for number, actor in enumerate(actors, 1))
    frames = (zip(actor.placed["part"].tolist(), _frames(actor), strict=True) for actor in actors)
    categories = tuple(thing.category for thing in things)
    return Scene(image, things, Truth(owner, part, unit, categories, tuple(map(dict, frames))))


def _actor(rng, category: str, share: float, shape: tuple, *, number: int, truncated: bool) -> _Actor:
    """A figure that fills `share` of the image; number 0 is what it is a picture of, others accompany it."""
    model = CATEGORIES[category]
    subtype = str(rng.choice(model.subtypes))
    figure = model.build(rng, subtype)
    # proportions vary as a whole, too
    stretch = np.exp(rng.normal(0, 0.06, 3))
    weights = np.array([weight for _, _, weight in model.views])
    mean, spread, _ = model.views[rng.choice(len(weights), p=weights / weights.sum())]
    azimuth, elevation, roll = rng.normal(mean, spread), rng.uniform(*model.elevation), rng.normal(0, 4)
    placed = place(figure, camera(azimuth, elevation, roll), category, stretch)
    canvas = np.array(shape[::-1])
    extent = np.ptp(bounds(placed), axis=0)
    scale = share * min(canvas / extent[:2])
    extent *= scale
    # the figure lies inside, unless it is to be cut or is a companion
    reach = np.abs(canvas - extent[:2]) / 2 + (0.3 if number else 0.12 if truncated else 0) * extent[:2]
    at = canvas / 2 - 0.5 + rng.uniform(-1, 1, 2) * reach
    # companions stand clear behind or before the main figure, in their own slab of depth
    depth = 0.0 if number == 0 else rng.choice([-1, 1], p=[0.3, 0.7]) * number * 4.0 * max(shape)
    placed = scaled(placed, scale, (*at, depth))
    side = (azimuth + 180) % 360 - 180
    view = "Frontal" if abs(side) < 35 else "Rear" if abs(side) > 145 else "Left" if side > 0 else "Right"
    return _Actor(category, subtype, view, figure, placed, at, extent)


def _prop(rng: np.random.Generator, size: int, *, largest: float, tilt: float):
    """Clutter tilted by `tilt` degrees or so, its slots, and a scale, `largest` of `size` at most."""
    thing = clutter(rng)
    placed = place(thing, camera(rng.uniform(0, 360), rng.uniform(0, 25), rng.normal(0, tilt)))
    return placed, thing.slots, rng.uniform(0.12, largest) * size / max(np.ptp(bounds(placed), axis=0)[:2])


def _expose(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The camera: gain, tint, the blur of a lens and the noise of a sensor; uint8."""
    gain = 255 * rng.uniform(0.75, 1.15) * np.exp(rng.normal(0, 0.05, 3))
    picture = cv2.GaussianBlur(picture * gain.astype(np.float32), (5, 5), rng.uniform(0.5, 0.9))
    noise = rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None]
    picture += noise * np.float32(rng.uniform(0.0, 8.0))
    return cv2.convertScaleAbs(np.maximum(picture, 0, out=picture))


def _frames(actor: _Actor) -> np.ndarray:
    """The (3, 4) affine map of each solid from its unit frame to x, y and depth in pixels."""
    return np.concatenate([actor.placed["to_px"], actor.placed["at"][..., None]], axis=2)


def _annotate(actor: _Actor, mask: np.ndarray, depth: np.ndarray) -> Thing:
    """What an annotator would write down about a figure; `mask` (H, W) are its visible pixels."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = np.full(4, np.nan)
    if len(rows):
        box = np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5])
    low, high = bounds(actor.placed)[:, :2]
    # its whole silhouette, drawn alone, pixel for pixel, on a canvas that holds all of it
    corner = np.floor(low)
    alone = actor.placed.copy()
    alone["at"][:, :2] -= corner
    whole = np.count_nonzero(trace(alone, tuple(np.ceil(high - corner).astype(int)[::-1] + 1))[0] >= 0)
    frames = dict(zip((solid.part for solid in actor.figure.solids), _frames(actor), strict=True))
    # a point on a rounded surface may lie a little behind the pixel's centre
    tolerance = 0.025 * np.linalg.norm(actor.extent)
    keypoints, visible = {}, {}
    for keypoint, (part, u) in actor.figure.keypoints.items():
        x, y, z = frames[part] @ [*u, 1]
        keypoints[keypoint] = np.array([x, y])
        r, c = round(y), round(x)
        visible[keypoint] = 0 <= r < height and 0 <= c < width and bool(z <= depth[r, c] + tolerance)
    return Thing(
        category=actor.category,
        subtype=actor.subtype,
        view=actor.view,
        box=box,
        keypoints=keypoints,
        visible=visible,
        truncated=bool((low < -1).any() or (high > [width, height]).any()),
        shown=np.count_nonzero(mask) / max(whole, 1),
    )


def portrait(
    category: str, *, subtype: str, seed: int, azimuth: float, elevation: float, size: int
) -> np.ndarray:
    """A figure alone on a plain ground, as a model maker looks at it; (size, size, 3) uint8.

    `azimuth` and `elevation` of the camera are in degrees.
    """
    rng = np.random.default_rng([seed, list(CATEGORIES).index(category)])
    figure = CATEGORIES[category].build(rng, subtype)
    placed = place(figure, camera(azimuth, elevation, 0.0), category)
    placed = scaled(placed, 0.9 * size / max(np.ptp(bounds(placed), axis=0)[:2]), (size / 2, size / 2, 0.0))
    light = np.array([-0.5, -0.7, -0.5]) / np.linalg.norm([0.5, 0.7, 0.5])
    image = np.full((size, size, 3), 0.92, np.float32)
    shade(placed, materials(rng, figure.slots), *trace(placed, (size, size)), light, 0.5, image, image.copy())
    return (np.clip(image, 0, 1) * 255).astype(np.uint8)
