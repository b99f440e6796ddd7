"""A scene: figures placed before a camera, pictured, with everything that is true about every pixel."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np

from corrlib.figurines.backdrop import backdrop, clutter
from corrlib.figurines.figure import Figure
from corrlib.figurines.materials import materials
from corrlib.figurines.models import CATEGORIES, parts
from corrlib.figurines.render import PLACED, bounds, scaled, trace
from corrlib.figurines.shading import LIGHT, cast_shadows, expose, light_of, shade
from corrlib.figurines.truth import Truth


@dataclass(frozen=True)
class Thing:
    """One figure of a scene as an annotator sees it.

    `view` is VOC's pose: which side the camera sees. `box` is the extent of its visible pixels (xyxy edges,
    NaN when there are none); `keypoints` maps every name of the figure to its (x, y) in pixels, `visible` to
    whether it lies inside the image with nothing in front of it; `shown` is the share of its pixels that
    neither the image border nor another thing takes away, `covered` the share of those inside the image that
    another thing hides.
    """

    category: str
    subtype: str
    view: str
    box: np.ndarray
    keypoints: dict[str, np.ndarray]
    visible: dict[str, bool]
    truncated: bool
    shown: float
    covered: float


@dataclass(frozen=True)
class Scene:
    """An image (H, W, 3) uint8, its things in the order of their numbers, and its dense truth."""

    image: np.ndarray
    things: tuple[Thing, ...]
    truth: Truth


#: A figure in its place: what is drawn, and what an annotator will ask about.
_Actor = namedtuple("_Actor", "category subtype view figure placed at extent metre")


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
    placed["to_tex"], placed["tex_at"], placed["reach"] = axes / size, centre / size, 1 / size
    return placed


def compose(rng: np.random.Generator, category: str, *, size: int = 300, companions: bool = True) -> Scene:
    """Draw a scene around one instance of `category`, ``things[0]``; its longer side has `size` pixels.

    With `companions` some pictures show further figures, often of the same category, beside it.
    """
    short = round(size * rng.choice([1.0, 0.75, 0.67]))
    shape = (size, short) if rng.random() < 0.3 else (short, size)
    place_name = str(rng.choice(CATEGORIES[category].places))
    flying = place_name == "sky"
    low, high = (-20, 30) if flying else CATEGORIES[category].elevation
    elevation = rng.triangular(low, low + 0.25 * (high - low), high)
    actors = [_actor(rng, category, elevation, place_name, shape)]
    (_, y), (_, height, _) = actors[0].at, actors[0].extent
    foot = y + height / 2
    horizon = rng.uniform(0.8, 2.0) * shape[0] if flying else foot - rng.uniform(0.35, 1.5) * height

    def stand(tall: float) -> tuple[np.ndarray, float]:
        """A place for something else, `tall` metres long, to stand, and the length of a metre there."""
        if flying:
            return rng.uniform(0, 1, 2) * shape[::-1], actors[0].metre * rng.uniform(0.3, 0.8)
        column = rng.uniform(-0.05, 1.05) * shape[1]
        large = tall * actors[0].metre > 1.5 * max(actors[0].extent[:2])
        if large or rng.random() < 0.8:  # behind, the larger the further, so that there is a picture left
            near = min(rng.uniform(0.3, 1), 0.9 * shape[0] / (tall * actors[0].metre))
        else:  # before, where it leaves something of the figure to be seen
            near = 1 + rng.uniform(0, 0.3) * height / (foot - horizon)
            aside = rng.uniform(0.4, 0.9) * actors[0].extent[0] + 0.3 * tall * actors[0].metre
            column = actors[0].at[0] + rng.choice([-1, 1]) * aside
        return np.array([column, horizon + near * (foot - horizon)]), near * actors[0].metre

    if companions and rng.random() < 0.55:
        kin = [name for name, model in CATEGORIES.items() if place_name in model.places]
        for _ in range(rng.integers(1, 4)):
            name = category if rng.random() < 0.6 else str(rng.choice(kin))
            at, scale = stand(CATEGORIES[name].metres)
            actors.append(_actor(rng, name, elevation, place_name, shape, at, scale))
    groups = []
    for number, actor in enumerate(actors, 1):
        groups.append((actor.placed, actor.figure.slots, CATEGORIES[actor.category].finish, number))
    for _ in range(0 if flying else rng.poisson(2.5)):
        thing, tall, finish = clutter(rng, place_name)
        turned = camera(rng.uniform(-40, 40), max(elevation, 3), rng.normal(0, 2))
        prop = place(thing, turned)
        at, scale = stand(tall)
        high = np.ptp(bounds(prop), axis=0)[1]
        scale = min(scale * tall, 0.6 * actors[0].extent[1] if at[1] > foot else 0.9 * shape[0]) / high
        groups.append((scaled(prop, scale, (at[0], at[1] - scale * high / 2, 0.0)), thing.slots, finish, 0))

    scenery = backdrop(rng, place_name, shape, horizon, foot)
    light = light_of(rng, scenery, elevation, indoors=place_name == "room")
    picture = scenery.picture
    if not flying:
        cast_shadows(picture, [group[0] for group in groups], light)
    primitives, table = _stack(rng, groups)
    index, depth = trace(primitives, shape)
    unit = np.zeros_like(picture)
    shade(primitives, table, index, depth, light, picture, unit)
    image = expose(rng, picture)

    # one more row for the background, which index -1 finds at the end
    owner = np.append(primitives["owner"], 0).astype(np.uint8)[index]
    part = np.append(primitives["part"], 0).astype(np.uint8)[index]
    things = tuple(_annotate(actor, owner == number, depth) for number, actor in enumerate(actors, 1))
    frames = (zip(actor.placed["part"].tolist(), _frames(actor), strict=True) for actor in actors)
    categories = tuple(thing.category for thing in things)
    return Scene(image, things, Truth(owner, part, unit, categories, tuple(map(dict, frames))))


def _actor(
    rng, category: str, elevation: float, place_name: str, shape: tuple, foot=None, metre=1.0
) -> _Actor:
    """A figure in its place: with its foot at `foot`, where a metre has `metre` pixels, or the main one."""
    model = CATEGORIES[category]
    subtype = str(rng.choice(model.subtypes))
    figure = model.build(rng, subtype)
    # proportions vary as a whole, too
    stretch = np.exp(rng.normal(0, 0.12, 3))
    weights = np.array([weight for _, _, weight in model.views])
    mean, spread, _ = model.views[rng.choice(len(weights), p=weights / weights.sum())]
    azimuth, roll = rng.normal(mean, spread), rng.normal(0, {"sky": 12, "water": 9}.get(place_name, 4.5))
    placed = place(figure, camera(azimuth, elevation, roll), category, stretch)
    canvas, extent = np.array(shape[::-1]), np.ptp(bounds(placed), axis=0)
    length = np.linalg.norm(extent) / model.metres
    if foot is None:
        share = np.clip(np.exp(rng.normal(np.log(0.52), 0.62)), 0.2, 2.0)
        scale = share * min(canvas / extent[:2])
        extent *= scale
        reach = np.abs(canvas - extent[:2]) / 2 + rng.choice([0, 0.35], p=[0.72, 0.28]) * extent[:2]
        at = canvas / 2 - 0.5 + rng.uniform(-1, 1, 2) * reach
    else:
        scale = metre / length
        extent *= scale
        at = foot - (0, extent[1] / 2)
    side = (azimuth + 180) % 360 - 180
    view = "Frontal" if abs(side) < 35 else "Rear" if abs(side) > 145 else "Left" if side > 0 else "Right"
    placed = scaled(placed, scale, (*at, 0.0))
    return _Actor(category, subtype, view, figure, placed, at, extent, scale * length)


def _stack(rng, groups: list[tuple]) -> tuple[np.ndarray, np.ndarray]:
    """All primitives and their materials; what stands lower in the picture stands in front of the rest."""
    lowest = [bounds(placed)[1, 1] for placed, *_ in groups]
    behind, stacked, tables = 0.0, [], []
    for k in np.argsort(lowest):
        placed, slots, finish, owner = groups[k]
        low, high = bounds(placed)[:, 2]
        placed["at"][:, 2] += behind - high
        behind -= high - low + 10
        placed["owner"] = owner
        placed["material"] += sum(map(len, tables))
        stacked.append(placed)
        tables.append(materials(rng, slots, finish))
    return np.concatenate(stacked), np.concatenate(tables)


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
    alone = trace(alone, tuple(np.ceil(high - corner).astype(int)[::-1] + 1))[0] >= 0
    x0, y0 = (-corner).astype(int)
    inside = alone[max(y0, 0) : max(y0 + height, 0), max(x0, 0) : max(x0 + width, 0)]
    seen, whole, within = (max(np.count_nonzero(each), 1) for each in (mask, alone, inside))
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
        shown=np.count_nonzero(mask) / whole,
        covered=1 - seen / within,
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
    light = np.zeros(1, LIGHT)[0]
    light["towards"], light["up"] = np.array([-0.5, -0.7, -0.5]) / np.linalg.norm([0.5, 0.7, 0.5]), (0, -1, 0)
    light["sun"], light["sky"], light["ground"] = 0.6, 0.6, 0.35
    image = np.full((size, size, 3), 0.85, np.float32)
    cast_shadows(image, [placed], light)
    table = materials(rng, figure.slots, CATEGORIES[category].finish)
    shade(placed, table, *trace(placed, (size, size)), light, image, image.copy())
    return (np.sqrt(np.clip(image, 0, 1)) * 255).astype(np.uint8)
