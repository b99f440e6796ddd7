"""A scene: figures placed before a camera, pictured, with everything that is true about every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from corrlib.datasets.figurines.backdrop import background, clutter, contact_shadow, materials
from corrlib.datasets.figurines.figure import Category, Figure
from corrlib.datasets.figurines.models import CATEGORIES
from corrlib.datasets.figurines.render import PLACED, extents, shade, trace


@dataclass(frozen=True)
class Thing:
    """One figure of a scene as an annotator sees it.

    `box` is the extent of its visible pixels (xyxy edges, NaN when there are none); `keypoints` maps every name of the figure
    to its (x, y) in pixels, `visible` to whether it lies inside the image with nothing in front of it; `shown` is the share
    of its pixels that neither the image border nor another thing takes away. `frames` maps each part to the (3, 4) affine
    map from its unit frame to pixels and depth: where any point of the part is, seen or not.
    """

    category: str
    subtype: str
    view: str
    box: np.ndarray
    keypoints: dict[str, np.ndarray]
    visible: dict[str, bool]
    truncated: bool
    shown: float
    frames: dict[str, np.ndarray]


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3) uint8, its things, and its dense truth.

    `owner` (H, W) is 0 for the background, else 1 + the row of `things`; `part` (H, W) the number of the part within
    `parts(category)`; `unit` (H, W, 3) the point of that part, in the part's unit frame.
    """

    image: np.ndarray
    things: tuple[Thing, ...]
    owner: np.ndarray
    part: np.ndarray
    unit: np.ndarray


@cache
def parts(category: str) -> tuple[str, ...]:
    """Names of all parts that some subtype of the category has; a part's number is its place here."""
    model = CATEGORIES[category]
    names: dict[str, None] = {}
    for subtype in model.subtypes:
        names.update((solid.part, None) for solid in model.build(np.random.default_rng(0), subtype).solids)
    return tuple(names)


def _camera(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Rows: image right, image down, into the scene, in the figure's frame. Degrees; azimuth 0 sees the front, 90 the left side."""
    a, e, r = np.radians([azimuth, elevation, roll])
    forward = -np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    down = np.cross(forward, right)
    return np.stack([right * np.cos(r) + down * np.sin(r), down * np.cos(r) - right * np.sin(r), forward])


def _place(figure: Figure, camera: np.ndarray, category: str | None = None) -> np.ndarray:
    """The figure's solids in a pixel space of one pixel a unit, centred on its bounding box, and textured by its diameter."""
    placed = np.zeros(len(figure.solids), PLACED)
    axes = np.stack([solid.axes for solid in figure.solids])
    centre = np.stack([solid.centre for solid in figure.solids])
    slots = list(dict.fromkeys(solid.slot for solid in figure.solids))
    placed["kind"] = [solid.kind for solid in figure.solids]
    placed["shape"] = [solid.shape for solid in figure.solids]
    placed["material"] = [slots.index(solid.slot) for solid in figure.solids]
    placed["part"] = [parts(category).index(solid.part) for solid in figure.solids] if category else 0
    placed["to_px"] = camera @ axes
    placed["at"] = centre @ camera.T
    box = extents(placed)
    low, high = box[:, 0].min(0), box[:, 1].max(0)
    placed["at"] -= (low + high) / 2
    size = np.linalg.norm(high - low)
    placed["to_tex"], placed["tex_at"] = axes / size, centre / size
    return placed


def _scale(placed: np.ndarray, scale: float, at: tuple[float, float, float]) -> np.ndarray:
    placed = placed.copy()
    placed["to_px"] *= scale
    placed["at"] = placed["at"] * scale + at
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    return placed


def _size(placed: np.ndarray) -> np.ndarray:
    box = extents(placed)
    return box[:, 1].max(0) - box[:, 0].min(0)


def _figure(rng: np.random.Generator, model: Category, subtype: str) -> Figure:
    """An instance whose proportions are also stretched as a whole, a little and differently along each axis."""
    figure = model.build(rng, subtype)
    stretch = np.exp(rng.normal(0, 0.06, 3))
    stretched = Figure(keypoints=figure.keypoints)
    for solid in figure.solids:
        stretched._add(solid.part, solid.kind, solid.shape, solid.centre * stretch, solid.axes * stretch[:, None], solid.slot)
    return stretched


def _view(rng: np.random.Generator, model: Category) -> tuple[float, float, float]:
    weights = np.array([weight for _, _, weight in model.views])
    mean, spread, _ = model.views[rng.choice(len(weights), p=weights / weights.sum())]
    return rng.normal(mean, spread), rng.uniform(*model.elevation), rng.normal(0, 4)


def _view_name(azimuth: float) -> str:
    """VOC's `pose`: which side of the figure the camera sees."""
    a = (azimuth + 180) % 360 - 180
    if abs(a) < 35:
        return "Frontal"
    if abs(a) > 145:
        return "Rear"
    return "Left" if a > 0 else "Right"


def compose(rng: np.random.Generator, category: str, *, size: int = 300, companions: bool = True) -> Scene:
    """Draw a scene around one instance of `category`.

    Parameters
    ----------
    rng : source of every choice made.
    category : what the picture is of; its figure is ``things[0]``.
    size : longer side of the image, in pixels.
    companions : whether some pictures show further figures, of any category, beside it.
    """
    short = int(round(size * rng.choice([1.0, 0.75, 0.67])))
    shape = (size, short) if rng.random() < 0.3 else (short, size)
    height, width = shape

    truncated = rng.random() < 0.15
    wanted = [(category, rng.uniform(1.0, 1.35) if truncated else rng.uniform(0.5, 0.97))]
    if companions and rng.random() < 0.25:
        wanted += [(str(rng.choice(list(CATEGORIES))), rng.uniform(0.25, 0.5)) for _ in range(rng.integers(1, 3))]

    scene, tables, drawn = [], [], []

    def put(placed, table, owner):
        placed["owner"] = owner
        placed["material"] += sum(map(len, tables))
        tables.append(table)
        scene.append(placed)

    for number, (name, share) in enumerate(wanted):
        model = CATEGORIES[name]
        subtype = str(rng.choice(model.subtypes))
        figure = _figure(rng, model, subtype)
        azimuth, elevation, roll = _view(rng, model)
        placed = _place(figure, _camera(azimuth, elevation, roll), name)
        extent = _size(placed)
        scale = share * min(width / extent[0], height / extent[1])
        room = np.array([width, height]) - scale * extent[:2]
        middle = np.array([width, height]) / 2 - 0.5
        reach = np.abs(room) / 2 + (0.3 * scale * extent[:2] if number else 0)
        if number == 0 and truncated:
            reach += 0.12 * scale * extent[:2]
        at = middle + rng.uniform(-1, 1, 2) * reach
        # companions stand clear behind or before the main figure, in their own slab of depth
        depth = 0.0 if number == 0 else rng.choice([-1, 1], p=[0.3, 0.7]) * number * 4.0 * size
        placed = _scale(placed, scale, (*at, depth))
        slots = list(dict.fromkeys(solid.slot for solid in figure.solids))
        put(placed, materials(rng, slots), number + 1)
        drawn.append((name, subtype, _view_name(azimuth), figure, placed, at, scale * extent))

    main_at, main_size = drawn[0][5], drawn[0][6]
    foot = main_at[1] + main_size[1] / 2
    horizon = float(foot - rng.uniform(0.05, 0.95) * main_size[1])
    picture = background(rng, shape, horizon)
    if rng.random() < 0.7:
        contact_shadow(picture, (main_at[0], foot - 0.04 * main_size[1]), 0.55 * main_size[0], strength=rng.uniform(0.2, 0.6))
    for k in range(rng.poisson(3.0)):
        thing = clutter(rng)
        placed = _place(thing, _camera(rng.uniform(0, 360), rng.uniform(0, 25), rng.normal(0, 5)))
        scale = rng.uniform(0.12, 0.6) * size / max(_size(placed)[:2])
        at = rng.uniform([0, 0.2 * height], [width, 0.95 * height])
        put(_scale(placed, scale, (*at, (20.0 + 2 * k) * size)), _clutter_materials(rng, thing), 0)
    if rng.random() < 0.25:
        thing = clutter(rng)
        placed = _place(thing, _camera(rng.uniform(0, 360), rng.uniform(0, 25), rng.normal(0, 8)))
        scale = rng.uniform(0.12, 0.3) * size / max(_size(placed)[:2])
        at = main_at + rng.choice([-1, 1], 2) * rng.uniform(0.3, 0.55, 2) * main_size[:2]
        put(_scale(placed, scale, (*at, -20.0 * size)), _clutter_materials(rng, thing), 0)

    placed, table = np.concatenate(scene), np.concatenate(tables)
    index, depth = trace(placed, shape)
    light = rng.normal([0, -1.0, -0.8], [0.8, 0.4, 0.5])
    picture, unit = shade(placed, table, index, depth, picture, light=light / np.linalg.norm(light), ambient=rng.uniform(0.35, 0.65))
    image = _expose(rng, picture)

    # one more row for the background, which index -1 finds at the end
    owner = np.append(placed["owner"], 0).astype(np.uint8)[index]
    part = np.append(placed["part"], 0).astype(np.uint8)[index]
    things = []
    for number, (name, subtype, view, figure, own, _, extent) in enumerate(drawn):
        things.append(_annotate(name, subtype, view, figure, own, extent, owner == number + 1, depth))
    return Scene(image, tuple(things), owner, part, unit)


def _clutter_materials(rng: np.random.Generator, thing: Figure) -> np.ndarray:
    return materials(rng, list(dict.fromkeys(solid.slot for solid in thing.solids)))


def _expose(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The camera: gain, tint, the blur of a lens and the noise of a sensor; uint8."""
    gain = 255 * rng.uniform(0.75, 1.15) * np.exp(rng.normal(0, 0.05, 3))
    picture = cv2.GaussianBlur(picture * gain.astype(np.float32), (5, 5), rng.uniform(0.5, 0.9))
    picture += rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None] * np.float32(rng.uniform(0.0, 8.0))
    return cv2.convertScaleAbs(np.maximum(picture, 0, out=picture))


def _annotate(name: str, subtype: str, view: str, figure: Figure, placed: np.ndarray, extent: np.ndarray, mask: np.ndarray,
              depth: np.ndarray) -> Thing:
    """What an annotator would write down about one figure, its visible pixels given."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows):
        box = np.array([columns[0] - 0.5, rows[0] - 0.5, columns[-1] + 0.5, rows[-1] + 0.5])
    else:
        box = np.full(4, np.nan)
    bounds = extents(placed)
    low, high = bounds[:, 0].min(0)[:2], bounds[:, 1].max(0)[:2]
    outside = bool((low < -1).any() or (high > [width, height]).any())
    # its whole silhouette, drawn alone, pixel for pixel, on a canvas that holds all of it
    corner = np.floor(low)
    canvas = (int(np.ceil(high[1] - corner[1])) + 1, int(np.ceil(high[0] - corner[0])) + 1)
    alone = placed.copy()
    alone["at"][:, :2] -= corner
    whole = np.count_nonzero(trace(alone, canvas)[0] >= 0)
    by_part = {solid.part: row for solid, row in zip(figure.solids, placed, strict=True)}
    tolerance = 0.025 * np.linalg.norm(extent)
    keypoints, visible = {}, {}
    for keypoint, (part, u) in figure.keypoints.items():
        row = by_part[part]
        x, y, z = row["to_px"] @ u + row["at"]
        keypoints[keypoint] = np.array([x, y])
        r, c = int(round(y)), int(round(x))
        visible[keypoint] = 0 <= r < height and 0 <= c < width and bool(z <= depth[r, c] + tolerance)
    frames = {part: np.column_stack([row["to_px"], row["at"]]) for part, row in by_part.items()}
    return Thing(name, subtype, view, box, keypoints, visible, outside, np.count_nonzero(mask) / max(whole, 1), frames)


def portrait(category: str, *, subtype: str | None = None, seed: int = 0, azimuth: float = 60.0, elevation: float = 10.0,
             size: int = 240, keypoints: bool = False) -> np.ndarray:
    """A figure alone on a plain ground, as a model maker looks at it; (size, size, 3) uint8, keypoints drawn on demand."""
    rng = np.random.default_rng([seed, list(CATEGORIES).index(category)])
    model = CATEGORIES[category]
    subtype = subtype or str(rng.choice(model.subtypes))
    figure = _figure(rng, model, subtype)
    placed = _place(figure, _camera(azimuth, elevation, 0.0), category)
    extent = _size(placed)
    placed = _scale(placed, 0.9 * size / max(extent[:2]), (size / 2, size / 2, 0.0))
    table = materials(rng, list(dict.fromkeys(solid.slot for solid in figure.solids)))
    index, depth = trace(placed, (size, size))
    light = np.array([-0.5, -0.7, -0.5]) / np.linalg.norm([0.5, 0.7, 0.5])
    ground = np.full((size, size, 3), 0.92, np.float32)
    image = (np.clip(shade(placed, table, index, depth, ground, light=light, ambient=0.5)[0], 0, 1) * 255).astype(np.uint8)
    if keypoints:
        thing = _annotate(category, subtype, "", figure, placed, _size(placed), index >= 0, depth)
        for name, (x, y) in thing.keypoints.items():
            if thing.visible[name]:
                cv2.circle(image, (round(x), round(y)), 3, (255, 0, 0), -1)
                cv2.putText(image, name, (round(x) + 4, round(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.3, (0, 0, 160), 1)
    return image
