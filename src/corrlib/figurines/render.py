"""The renderer: solid primitives under orthographic rays, closed-form hits, a z-buffer.

Everything lives in *pixel space*: x and y are pixels, z is depth in pixels, rays run along +z. A placed
primitive is an affine map from its unit frame, so one hit gives depth, normal and the dense truth (the point
``u`` on the part) at once. `shading` paints what was hit.
"""

import numpy as np
from numba import njit

from corrlib.figurines.figure import BOX, ELLIPSOID, FRUSTUM, TUBE

#: One row a placed primitive: kind and shape as in `figure.Solid`; unit frame -> pixels ``to_px @ u + at``;
#: its inverse's matrix; unit frame -> texture space; pixels -> figure diameters; row of the material table;
#: owner (object number) and part number of the truth.
PLACED = np.dtype(
    [("to_px", "f8", (3, 3)), ("at", "f8", 3), ("to_unit", "f8", (3, 3))]
    + [("to_tex", "f4", (3, 3)), ("tex_at", "f4", 3), ("shape", "f4"), ("reach", "f8")]
    + [(name, "i4") for name in ("kind", "material", "owner", "part")]
)

#: Where an affine map without an offset sends the origin.
ORIGIN = (0.0, 0.0, 0.0)


@njit(cache=True)
def affine(m, at, x, y, z):
    return (
        at[0] + m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        at[1] + m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        at[2] + m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@njit(cache=True)
def _frustum_hit(top, hole, ox, oy, oz, dx, dy, dz):
    """First hit with a frustum (radius 1 at z=-1, `top` at z=1), or a pipe if ``hole > 0`` (`top` is 1)."""
    best = np.inf
    base, slope = (1 + top) / 2, (top - 1) / 2
    for wall in range(2 if hole > 0 else 1):
        radius = hole if wall else base
        # x^2 + y^2 = (radius + slope z)^2 along the ray
        r0, r1 = radius + slope * oz, slope * dz
        a = dx * dx + dy * dy - r1 * r1
        b = ox * dx + oy * dy - r0 * r1
        c = ox * ox + oy * oy - r0 * r0
        gap = b * b - a * c
        if gap >= 0 and abs(a) > 1e-12:
            root = np.sqrt(gap)
            # the outer wall is met on the way in; the wall of the hole is seen from inside, on the way out
            for sign in (-1.0, 1.0):
                hit = (-b + sign * root) / a
                z = oz + hit * dz
                if wall and sign * a < 0:
                    continue
                if hit < best and abs(z) <= 1 and r0 + hit * r1 >= 0:
                    best = hit
    if abs(dz) > 1e-12:
        for end in (-1.0, 1.0):
            hit = (end - oz) / dz
            x, y = ox + hit * dx, oy + hit * dy
            rr = x * x + y * y
            edge = 1.0 if end < 0 else top
            if hit < best and hole * hole <= rr <= edge * edge:
                best = hit
    return best


@njit(cache=True)
def hit(kind, shape, ox, oy, oz, dx, dy, dz):
    """Smallest parameter at which the ray ``o + s d`` meets the unit solid; inf when it does not."""
    if kind == ELLIPSOID:
        a = dx * dx + dy * dy + dz * dz
        b = ox * dx + oy * dy + oz * dz
        gap = b * b - a * (ox * ox + oy * oy + oz * oz - 1)
        return (-b - np.sqrt(gap)) / a if gap >= 0 else np.inf
    if kind == BOX:
        near, far = -np.inf, np.inf
        for o, d in ((ox, dx), (oy, dy), (oz, dz)):
            if abs(d) < 1e-12:
                if abs(o) > 1:
                    return np.inf
            else:
                s, e = (-1 - o) / d, (1 - o) / d
                near, far = max(near, min(s, e)), min(far, max(s, e))
        return near if near <= far else np.inf
    top, hole = (shape, 0.0) if kind == FRUSTUM else (1.0, shape)
    return _frustum_hit(top, hole, ox, oy, oz, dx, dy, dz)


@njit(cache=True)
def depth_at(solid, x, y):
    """Depth at which the ray through a place of the image meets a placed primitive; inf when it does not."""
    # rays start in the plane z = at_z, so that hits stay near zero and keep their digits
    m, at = solid["to_unit"], solid["at"]
    ox, oy, oz = affine(m, ORIGIN, x - at[0], y - at[1], 0.0)
    return hit(solid["kind"], np.float64(solid["shape"]), ox, oy, oz, m[0, 2], m[1, 2], m[2, 2]) + at[2]


def extents(placed: np.ndarray) -> np.ndarray:
    """Pixel-space bounding boxes (N, 2, 3), low and high corners, of placed primitives."""
    m = placed["to_px"]
    # a frustum or a pipe reaches as far as its two end discs, of radius 1 at -axis and `shape` (a pipe: 1) at
    # +axis
    axis, disc = m[:, :, 2], np.sqrt((m[:, :, :2] ** 2).sum(axis=2))
    end = disc * np.where(placed["kind"] == FRUSTUM, placed["shape"], 1)[:, None]
    kind = placed["kind"][:, None]
    half = np.where(kind == BOX, np.abs(m).sum(axis=2), np.sqrt((m**2).sum(axis=2)))
    low = np.where(kind <= BOX, -half, np.minimum(-axis - disc, axis - end))
    high = np.where(kind <= BOX, half, np.maximum(-axis + disc, axis + end))
    return placed["at"][:, None] + np.stack([low, high], axis=1)


def bounds(placed: np.ndarray) -> np.ndarray:
    """Low and high corner (2, 3) of the bounding box of all primitives, x, y and depth in pixels."""
    box = extents(placed)
    return np.stack([box[:, 0].min(0), box[:, 1].max(0)])


def scaled(placed: np.ndarray, scale: float, at: tuple[float, float, float]) -> np.ndarray:
    """The primitives `scale` times as large, their origin moved to `at` (x, y, depth): ready to be traced."""
    placed = placed.copy()
    placed["to_px"] *= scale
    placed["at"] = placed["at"] * scale + at
    placed["reach"] /= scale
    placed["to_unit"] = np.linalg.inv(placed["to_px"])
    return placed


def trace(placed: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Nearest primitive at each pixel centre: its row of `placed` or -1, and its depth in pixels or inf."""
    index, depth = np.full(shape, -1, np.int32), np.full(shape, np.inf)
    box = extents(placed)
    low = np.maximum(np.ceil(box[:, 0, :2]), 0).astype(np.int64)
    high = np.minimum(np.floor(box[:, 1, :2]), [shape[1] - 1, shape[0] - 1]).astype(np.int64)
    _trace(placed, low, high, index, depth)
    return index, depth


@njit(cache=True)
def _trace(placed, low, high, index, depth):
    for s in range(len(placed)):
        solid = placed[s]
        for y in range(low[s, 1], high[s, 1] + 1):
            for x in range(low[s, 0], high[s, 0] + 1):
                z = depth_at(solid, x, y)
                if z < depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = s


@njit(cache=True)
def unit_normal(kind, shape, x, y, z):
    """Outward normal (not normalised) of the unit solid at a point of its surface."""
    if kind == ELLIPSOID:
        return x, y, z
    if kind == BOX:
        furthest = max(abs(x), abs(y), abs(z))
        if abs(x) == furthest:
            return np.sign(x), 0.0, 0.0
        return (0.0, np.sign(y), 0.0) if abs(y) == furthest else (0.0, 0.0, np.sign(z))
    radius = np.sqrt(x * x + y * y)
    slope = (shape - 1) / 2 if kind == FRUSTUM else 0.0
    edge = (1 + shape) / 2 + slope * z if kind == FRUSTUM else 1.0
    inner = kind == TUBE and radius < shape + 1e-4
    if abs(z) > 1 - 1e-6 and not inner and radius < edge - 1e-6:
        return 0.0, 0.0, np.sign(z)
    side = -1.0 if inner else 1.0
    return side * x / max(radius, 1e-9), side * y / max(radius, 1e-9), -slope
