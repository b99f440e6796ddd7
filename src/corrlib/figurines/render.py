"""The renderer: solid primitives under orthographic rays, closed-form hits, a z-buffer, solid textures.

Everything lives in *pixel space*: x and y are pixels, z is depth in pixels, rays run along +z. A placed
primitive is an affine map from its unit frame, so one hit gives depth, normal and the dense truth (the point
``u`` on the part) at once. Randomness comes from integer hashes only: the same image on every machine and for
every order of drawing.
"""

from __future__ import annotations

import numpy as np

from corrlib.figurines import kernels
from corrlib.figurines.figure import BOX, FRUSTUM

PLAIN, STRIPES, SPOTS, PATCHES, CHECKS = range(5)

#: One row a surface material. `freq` is in cycles per figure diameter, `axis` the stripes' direction.
MATERIAL = np.dtype(
    [
        ("a", "f4", 3),
        ("b", "f4", 3),
        ("pattern", "i4"),
        ("freq", "f4"),
        ("axis", "f4", 3),
        ("seed", "i4"),
        ("gloss", "f4"),
        ("grain", "f4"),
    ]
)

#: One row a placed primitive: kind and shape as in `figure.Solid`; unit frame -> pixels ``to_px @ u + at``;
#: its inverse's matrix; unit frame -> texture space; row of the material table; owner (object number) and
#: part number of the truth.
PLACED = np.dtype(
    [
        ("kind", "i4"),
        ("shape", "f4"),
        ("to_px", "f8", (3, 3)),
        ("at", "f8", 3),
        ("to_unit", "f8", (3, 3)),
        ("to_tex", "f4", (3, 3)),
        ("tex_at", "f4", 3),
        ("material", "i4"),
        ("owner", "i4"),
        ("part", "i4"),
    ]
)


def extents(placed: np.ndarray) -> np.ndarray:
    """Pixel-space bounding boxes (N, 2, 3), low and high corners, of placed primitives."""
    m = placed["to_px"]
    boxed = np.abs(m).sum(axis=2)
    rounded = np.sqrt((m**2).sum(axis=2))
    # a frustum or a pipe reaches as far as its two end discs, of radius 1 at -axis and `shape` (a pipe: 1) at
    # +axis
    axis, disc = m[:, :, 2], np.sqrt((m[:, :, :2] ** 2).sum(axis=2))
    end = disc * np.where(placed["kind"] == FRUSTUM, placed["shape"], 1)[:, None]
    kind = placed["kind"][:, None]
    half = np.where(kind == BOX, boxed, rounded)
    flat = kind <= BOX
    low = np.where(flat, -half, np.minimum(-axis - disc, axis - end))
    high = np.where(flat, half, np.maximum(-axis + disc, axis + end))
    return placed["at"][:, None] + np.stack([low, high], axis=1)


def trace(placed: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Nearest primitive at each pixel centre: its row of `placed` or -1, and its depth in pixels or inf."""
    index = np.full(shape, -1, np.int32)
    depth = np.full(shape, np.inf)
    if len(placed):
        box = extents(placed)
        low = np.maximum(np.ceil(box[:, 0, :2]), 0).astype(np.int64)
        high = np.minimum(np.floor(box[:, 1, :2]), [shape[1] - 1, shape[0] - 1]).astype(np.int64)
        kernels.trace(
            placed["kind"].copy(),
            placed["shape"].astype(float),
            placed["to_unit"].copy(),
            placed["at"].copy(),
            low,
            high,
            index,
            depth,
        )
    return index, depth


def shade(
    placed: np.ndarray,
    materials: np.ndarray,
    index: np.ndarray,
    depth: np.ndarray,
    background: np.ndarray,
    *,
    light: np.ndarray,
    ambient: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Colour of each pixel, (H, W, 3) in 0..1, and the point that it shows in the part's unit frame.

    Parameters
    ----------
    index, depth : from `trace`.
    background : (H, W, 3) float32 in 0..1, shows where nothing was hit; the unit point is zero there.
    light : (3,) unit vector towards the light in pixel space (z negative: on the camera's side).
    ambient : share of light that comes from everywhere, in 0..1.
    """
    image = np.ascontiguousarray(background, np.float32).copy()
    unit = np.zeros((*index.shape, 3), np.float32)
    if len(placed):
        m = materials[placed["material"]]
        kernels.shade(
            placed["kind"].copy(),
            placed["shape"].astype(float),
            placed["to_unit"].copy(),
            placed["at"].copy(),
            placed["to_tex"].copy(),
            placed["tex_at"].copy(),
            m["a"].copy(),
            m["b"].copy(),
            m["pattern"].copy(),
            m["freq"].copy(),
            m["axis"].copy(),
            m["seed"].copy(),
            m["gloss"].copy(),
            m["grain"].copy(),
            placed["owner"].copy(),
            np.asarray(light, float),
            float(ambient),
            index,
            depth,
            image,
            unit,
        )
    return image, unit


def fractal(
    shape: tuple[int, int], *, seed: int, cell: float, squash: float = 1.0, octaves: int = 4
) -> np.ndarray:
    """1/f noise (H, W) float32 in about 0..1: octaves of value noise, the coarsest in cells of `cell` px."""
    out = np.zeros(shape, np.float32)
    kernels.fractal(seed, cell, squash, octaves, out)
    return out
