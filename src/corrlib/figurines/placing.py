"""From a figure in its own frame to primitives in pixels: proportions, viewpoint, scale, place."""

from functools import cache

import numpy as np

from corrlib.figurines.figure import Category, Figure
from corrlib.figurines.models import CATEGORIES
from corrlib.figurines.render import PLACED, extents


@cache
def parts(category: str) -> tuple[str, ...]:
    """Names of all parts that some subtype of the category has; a part's number is its place here."""
    model = CATEGORIES[category]
    names: dict[str, None] = {}
    for subtype in model.subtypes:
        names.update((solid.part, None) for solid in model.build(np.random.default_rng(0), subtype).solids)
    return tuple(names)


def camera(azimuth: float, elevation: float, roll: float) -> np.ndarray:
    """Rotation from a figure's frame to the camera's: rows are image right, image down and into the scene.

    Angles are in degrees. Azimuth 0 sees the figure's front, 90 its left side; elevation 90 its top.
    """
    a, e, r = np.radians([azimuth, elevation, roll])
    forward = -np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    down = np.cross(forward, right)
    return np.stack([right * np.cos(r) + down * np.sin(r), down * np.cos(r) - right * np.sin(r), forward])


def place(figure: Figure, camera: np.ndarray, category: str | None = None) -> np.ndarray:
    """A figure's solids as rows of `PLACED`, one pixel a unit of length, centred on their bounding box.

    Textures are carved from the figure's own frame, in units of its diameter. Part numbers are those of
    `parts(category)`; a figure without a category (clutter) gets none.
    """
    placed = np.zeros(len(figure.solids), PLACED)
    axes = np.stack([solid.axes for solid in figure.solids])
    centre = np.stack([solid.centre for solid in figure.solids])
    placed["kind"] = [solid.kind for solid in figure.solids]
    placed["shape"] = [solid.shape for solid in figure.solids]
    slots = figure.slots
    placed["material"] = [slots.index(solid.slot) for solid in figure.solids]
    placed["part"] = [parts(category).index(solid.part) for solid in figure.solids] if category else 0
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


def random_view(rng: np.random.Generator, model: Category) -> tuple[float, float, float]:
    """Azimuth, elevation and roll in degrees, as the category is photographed."""
    weights = np.array([weight for _, _, weight in model.views])
    mean, spread, _ = model.views[rng.choice(len(weights), p=weights / weights.sum())]
    return rng.normal(mean, spread), rng.uniform(*model.elevation), rng.normal(0, 4)


def view_name(azimuth: float) -> str:
    """VOC's `pose`: which side of the figure the camera sees."""
    a = (azimuth + 180) % 360 - 180
    if abs(a) < 35:
        return "Frontal"
    if abs(a) > 145:
        return "Rear"
    return "Left" if a > 0 else "Right"
