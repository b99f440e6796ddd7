"""The renderer: solid primitives under orthographic rays, closed-form hits, a z-buffer, solid textures.

Everything lives in *pixel space*: x and y are pixels, z is depth in pixels, rays run along +z. A placed
primitive is an affine map from its unit frame, so one hit gives depth, normal and the dense truth (the point
``u`` on the part) at once. Randomness comes from integer hashes only: the same image on every machine and for
every order of drawing.
"""

import numpy as np

from corrlib.figurines import kernels
from corrlib.figurines.figure import BOX, FRUSTUM

#: One row a surface material. `pattern` is 0 plain, 1 stripes, 2 spots, 3 patches, 4 checks; `freq` is in
#: cycles per figure diameter, `axis` the stripes' direction.
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
    index, depth = np.full(shape, -1, np.int32), np.full(shape, np.inf)
    box = extents(placed)
    low = np.maximum(np.ceil(box[:, 0, :2]), 0).astype(np.int64)
    high = np.minimum(np.floor(box[:, 1, :2]), [shape[1] - 1, shape[0] - 1]).astype(np.int64)
    kernels.trace(placed, low, high, index, depth)
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
    image, unit = background.copy(), np.zeros((*index.shape, 3), np.float32)
    kernels.shade(placed, materials, light, ambient, index, depth, image, unit)
    return image, unit
