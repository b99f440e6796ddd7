"""The renderer: solid primitives under orthographic rays, closed-form hits, a z-buffer, solid textures.

Everything lives in *pixel space*: x and y are pixels, z is depth in pixels, rays run along +z. A placed
primitive is an affine map from its unit frame, so one hit gives depth, normal and the dense truth (the point
``u`` on the part) at once. Randomness comes from integer hashes only: the same image on every machine and for
every order of drawing.
"""

import numpy as np
from numba import njit

from corrlib.figurines.figure import BOX, ELLIPSOID, FRUSTUM, TUBE

#: One row a surface material. `pattern` is 0 plain, 1 stripes, 2 spots, 3 patches, 4 checks; `freq` is in
#: cycles per figure diameter, `axis` the stripes' direction; `a` and `b` are colours.
MATERIAL = np.dtype(
    [(name, "f4", 3) for name in ("a", "b", "axis")]
    + [(name, "f4") for name in ("freq", "gloss", "grain")]
    + [("pattern", "i4"), ("seed", "i4")]
)
#: One row a placed primitive: kind and shape as in `figure.Solid`; unit frame -> pixels ``to_px @ u + at``;
#: its inverse's matrix; unit frame -> texture space; row of the material table; owner (object number) and
#: part number of the truth.
PLACED = np.dtype(
    [("to_px", "f8", (3, 3)), ("at", "f8", 3), ("to_unit", "f8", (3, 3))]
    + [("to_tex", "f4", (3, 3)), ("tex_at", "f4", 3), ("shape", "f4")]
    + [(name, "i4") for name in ("kind", "material", "owner", "part")]
)

#: Where an affine map without an offset sends the origin.
ORIGIN = (0.0, 0.0, 0.0)


@njit(cache=True)
def _affine(m, at, x, y, z):
    return (
        at[0] + m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        at[1] + m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        at[2] + m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@njit(cache=True, inline="always")
def _hash(x, y, z, seed):
    """Uniform number in [0, 1) of an integer lattice point (a 32-bit multiply-xorshift mix)."""
    h = np.uint32(x) * np.uint32(0x8DA6B343) ^ np.uint32(y) * np.uint32(0xD8163841)
    h ^= np.uint32(z) * np.uint32(0xCB1AB31F) ^ np.uint32(seed) * np.uint32(0x165667B1)
    h = np.uint32(h ^ (h >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    h = np.uint32(h ^ (h >> np.uint32(12))) * np.uint32(0x297A2D39)
    h = np.uint32(h ^ (h >> np.uint32(15)))
    return float(h) / 4294967296.0


@njit(cache=True)
def _noise(x, y, z, seed):
    """Trilinear value noise."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - ix, y - iy, z - iz
    total = 0.0
    for dz in range(2):
        for dy in range(2):
            for dx in range(2):
                weight = (fx if dx else 1 - fx) * (fy if dy else 1 - fy) * (fz if dz else 1 - fz)
                total += weight * _hash(ix + dx, iy + dy, iz + dz, seed)
    return total


@njit(cache=True)
def fractal(shape, seed, cell, squash):
    """1/f noise (H, W) float32 in about 0..1: value noise in cells of `cell` px, and three octaves above it.

    The cells are `squash` times as wide as they are high.
    """
    out = np.zeros(shape, np.float32)
    for octave in range(4):
        step = 2.0**octave / cell
        gain = 0.5 ** (octave + 1)
        for y in range(shape[0]):
            fy = y * step * squash
            iy = int(np.floor(fy))
            wy = fy - iy
            for x in range(shape[1]):
                fx = x * step
                ix = int(np.floor(fx))
                wx = fx - ix
                top = _hash(ix, iy, octave, seed) * (1 - wx) + _hash(ix + 1, iy, octave, seed) * wx
                low = _hash(ix, iy + 1, octave, seed) * (1 - wx) + _hash(ix + 1, iy + 1, octave, seed) * wx
                out[y, x] += gain * (top * (1 - wy) + low * wy)
    return out


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
        m, at, kind, shape = solid["to_unit"], solid["at"], solid["kind"], np.float64(solid["shape"])
        for y in range(low[s, 1], high[s, 1] + 1):
            for x in range(low[s, 0], high[s, 0] + 1):
                # rays start in the plane z = at_z, so that hits stay near zero and keep their digits
                ox, oy, oz = _affine(m, ORIGIN, x - at[0], y - at[1], 0.0)
                z = hit(kind, shape, ox, oy, oz, m[0, 2], m[1, 2], m[2, 2]) + at[2]
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


@njit(cache=True)
def _pattern(look, q):
    """Whether texture point `q` of a material with a pattern shows the second colour."""
    pattern, freq, axis, seed = look["pattern"], look["freq"], look["axis"], look["seed"]
    x, y, z = q[0] * freq, q[1] * freq, q[2] * freq
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    if pattern == 1:
        wave = (q[0] * axis[0] + q[1] * axis[1] + q[2] * axis[2]) * freq
        return (wave + 0.35 * _noise(x * 0.7, y * 0.7, z * 0.7, seed)) % 1.0 < 0.45
    if pattern == 2:
        # a spot stays inside its cell, so one cell is all there is to ask
        cx = 0.33 + 0.34 * _hash(ix, iy, iz, seed)
        cy = 0.33 + 0.34 * _hash(ix, iy, iz, seed + 1)
        cz = 0.33 + 0.34 * _hash(ix, iy, iz, seed + 2)
        return (x - ix - cx) ** 2 + (y - iy - cy) ** 2 + (z - iz - cz) ** 2 < 0.1
    if pattern == 3:
        f = freq * 0.6
        return _noise(q[0] * f, q[1] * f, q[2] * f, seed) > 0.53
    return (ix + iy + iz) % 2 == 1


@njit(cache=True)
def shade(placed, materials, index, depth, light, ambient, image, unit):
    """Paint what was hit: its colours into `image`, its points in the unit frames of the parts into `unit`.

    Parameters
    ----------
    materials : rows of `MATERIAL`.
    index, depth : from `trace`.
    light : (3,) unit vector towards the light in pixel space (z negative: on the camera's side).
    ambient : share of light that comes from everywhere, in 0..1.
    image, unit : (H, W, 3) float32, changed in place; colours are in 0..1. Clutter has no unit points.
    """
    # the half-way vector between the light and the camera, which looks along +z
    half = np.array([light[0], light[1], light[2] - 1.0])
    half /= np.sqrt((half * half).sum())
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            if index[y, x] < 0:
                continue
            solid = placed[index[y, x]]
            look = materials[solid["material"]]
            m, at, a, b = solid["to_unit"], solid["at"], look["a"], look["b"]
            u = _affine(m, ORIGIN, x - at[0], y - at[1], depth[y, x] - at[2])
            q = _affine(solid["to_tex"], solid["tex_at"], *u)
            # normals go with the inverse transpose of the affine map
            normal = unit_normal(solid["kind"], np.float64(solid["shape"]), *u)
            nx, ny, nz = _affine(m.T, ORIGIN, *normal)
            scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
            facing = max(nx * light[0] + ny * light[1] + nz * light[2], 0.0)
            diffuse = ambient + (1 - ambient) * scale * facing
            spark, rough = 0.0, 1.0
            if look["gloss"] > 0:
                spark = max(scale * (nx * half[0] + ny * half[1] + nz * half[2]), 0.0) ** 24 * look["gloss"]
            second = 1.0 if look["pattern"] > 0 and _pattern(look, q) else 0.0
            if look["grain"] > 0.05:
                rough += look["grain"] * (_noise(q[0] * 40, q[1] * 40, q[2] * 40, look["seed"] + 7) - 0.5)
            for k in range(3):
                albedo = a[k] + second * (b[k] - a[k])
                image[y, x, k] = albedo * rough * diffuse + spark
                if solid["owner"] > 0:
                    unit[y, x, k] = u[k]
