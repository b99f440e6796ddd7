"""The renderer: solid primitives under orthographic rays, closed-form hits, a z-buffer, solid textures.

Everything lives in *pixel space*: x and y are pixels, z is depth in pixels, rays run along +z. A placed
primitive is an affine map from its unit frame, so one hit gives depth, normal and the dense truth (the point
``u`` on the part) at once. Randomness comes from integer hashes only: the same image on every machine and for
every order of drawing.
"""

import numpy as np
from numba import njit

from corrlib.figurines.figure import BOX, ELLIPSOID, FRUSTUM, TUBE

#: One row a surface material; colours `a` and `b` are linear. `pattern` is 0 plain, 1 stripes, 2 spots,
#: 3 patches; `freq` is in cycles per figure diameter, `axis` the stripes' direction. `grain` varies the colour
#: in cells of ``1 / fine`` diameters, `bump` the normal; `gloss` is a highlight, `mirror` the share of light
#: reflected from the surroundings; a `soft` surface has no creases where its primitives meet.
MATERIAL = np.dtype(
    [(name, "f4", 3) for name in ("a", "b", "axis", "fine")]
    + [(name, "f4") for name in ("freq", "gloss", "mirror", "grain", "bump")]
    + [("pattern", "i4"), ("seed", "i4"), ("soft", "i4")]
)
#: What shines on a scene, in linear RGB and pixel space: unit vectors towards the sun (z negative: on the
#: camera's side) and up; what comes from the sun, from the sky and back from the ground.
LIGHT = np.dtype([(name, "f8", 3) for name in ("towards", "up", "sun", "sky", "ground")])
#: One row a placed primitive: kind and shape as in `figure.Solid`; unit frame -> pixels ``to_px @ u + at``;
#: its inverse's matrix; unit frame -> texture space; pixels -> figure diameters; row of the material table;
#: owner (object number) and part number of the truth.
PLACED = np.dtype(
    [("to_px", "f8", (3, 3)), ("at", "f8", 3), ("to_unit", "f8", (3, 3))]
    + [("to_tex", "f4", (3, 3)), ("tex_at", "f4", 3), ("shape", "f4"), ("reach", "f8")]
    + [(name, "i4") for name in ("kind", "material", "owner", "part")]
)

#: Directions in which a pixel looks around.
AROUND = tuple((np.cos(2.4 * k), np.sin(2.4 * k)) for k in range(9))
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
    f = freq * 0.5
    return _noise(q[0] * f, q[1] * f, q[2] * f, seed) + 0.2 * _noise(x * 3, y * 3, z * 3, seed) > 0.63


@njit(cache=True)
def shade(placed, materials, index, depth, light, image, unit):
    """Paint what was hit: its colours into `image`, its points in the unit frames of the parts into `unit`.

    Parameters
    ----------
    materials : rows of `MATERIAL`.
    index, depth : from `trace`.
    light : one row of `LIGHT`.
    image, unit : (H, W, 3) float32, changed in place; colours are linear, in 0..1. Clutter has no unit points.
    """
    height, width = index.shape
    normals = np.zeros((height, width, 3), np.float32)
    for y in range(height):
        for x in range(width):
            if index[y, x] >= 0:
                solid = placed[index[y, x]]
                m, at = solid["to_unit"], solid["at"]
                u = _affine(m, ORIGIN, x - at[0], y - at[1], depth[y, x] - at[2])
                # normals go with the inverse transpose of the affine map
                normal = unit_normal(solid["kind"], np.float64(solid["shape"]), *u)
                nx, ny, nz = _affine(m.T, ORIGIN, *normal)
                scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
                normals[y, x] = nx * scale, ny * scale, nz * scale
                unit[y, x] = u
    for y in range(height):
        for x in range(width):
            if index[y, x] >= 0:
                solid = placed[index[y, x]]
                look = materials[solid["material"]]
                q = _affine(solid["to_tex"], solid["tex_at"], unit[y, x, 0], unit[y, x, 1], unit[y, x, 2])
                n, open_sky, lit = _surroundings(placed, materials, index, depth, normals, light, y, x)
                _paint(look, q, n, open_sky, lit, light, image[y, x])
                if solid["owner"] == 0:
                    unit[y, x] = 0.0


@njit(cache=True)
def _surroundings(placed, materials, index, depth, normals, light, y, x):
    """The normal at a pixel, smoothed if its material is soft; how much of the sky, and of the sun, it sees.

    What the picture does not show casts no shadow; a random start along the ray hides its steps.
    """
    solid = placed[index[y, x]]
    here, size = depth[y, x], 1.0 / max(solid["reach"], 1e-9)
    nx, ny, nz = normals[y, x, 0], normals[y, x, 1], normals[y, x, 2]
    soft = materials[solid["material"]]["soft"]
    near, hidden, spin = 0.045 * size, 0.0, int(16 * _hash(x, y, 0, 1))
    for k in range(len(AROUND)):
        dx, dy = AROUND[(k + spin) % len(AROUND)]
        step = near * np.sqrt((k + 0.5) / len(AROUND))
        xx, yy = int(np.rint(x + step * dx)), int(np.rint(y + step * dy))
        if 0 <= xx < index.shape[1] and 0 <= yy < index.shape[0] and index[yy, xx] >= 0:
            gap, other = here - depth[yy, xx], placed[index[yy, xx]]
            if soft > 0 and abs(gap) < 2 * near and other["material"] == solid["material"]:
                nx += 0.5 * normals[yy, xx, 0]
                ny += 0.5 * normals[yy, xx, 1]
                nz += 0.5 * normals[yy, xx, 2]
            # nearer than the tangent plane allows
            plane = -(normals[y, x, 0] * (xx - x) + normals[y, x, 1] * (yy - y)) / min(normals[y, x, 2], -0.15)
            hidden += 0.12 * near < gap + plane < 4 * near
    lit, stride = 1.0, 0.045 * size
    for k in range(6):
        along = stride * (k + 0.3 + _hash(x, y, 1, 1))
        xx, yy = int(np.rint(x + along * light["towards"][0])), int(np.rint(y + along * light["towards"][1]))
        if 0 <= xx < index.shape[1] and 0 <= yy < index.shape[0] and index[yy, xx] >= 0:
            over = here + along * light["towards"][2] - depth[yy, xx]
            if 0.35 * stride < over < 0.2 * size:
                lit = 0.25
                break
    scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
    return (nx * scale, ny * scale, nz * scale), 1 - 0.8 * hidden / len(AROUND), lit


@njit(cache=True)
def _paint(look, q, normal, open_sky, lit, light, pixel):
    """The colour of a surface, into `pixel`: diffuse light, then what it mirrors, then the highlight."""
    towards, up, seed, fine = light["towards"], light["up"], look["seed"], look["fine"]
    x, y, z = q[0] * fine[0], q[1] * fine[1], q[2] * fine[2]
    nx, ny, nz = normal
    rough, bump = 1.0, look["bump"]
    if look["grain"] > 0:
        coarse, detail = _noise(x / 5, y / 5, z / 5, seed + 7), _noise(x, y, z, seed + 8)
        rough += look["grain"] * (coarse + detail - 1)
    if bump > 0:
        nx += bump * (_noise(x / 2, y / 2, z / 2, seed + 1) - 0.5)
        ny += bump * (_noise(x / 2, y / 2, z / 2, seed + 2) - 0.5)
        scale = 1.0 / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
    facing = max(nx * towards[0] + ny * towards[1] + nz * towards[2], 0.0)
    above = 0.5 + 0.5 * (nx * up[0] + ny * up[1] + nz * up[2])
    # the half-way vector between the sun and the camera, which looks along +z
    hx, hy, hz = towards[0], towards[1], towards[2] - 1.0
    spark = max((nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz), 0.0) ** 40 * look["gloss"] * lit
    mirror, sky = look["mirror"], 0.0
    if mirror > 0:
        mirror += (1 - mirror) * (1 - min(abs(nz), 1.0)) ** 4
        # the camera's ray (0, 0, 1), reflected
        rise = -2 * nz * (nx * up[0] + ny * up[1] + nz * up[2]) + up[2]
        sky = min(max(3 * rise + 0.5 + 0.7 * (_noise(8 * nx, 8 * ny, 8 * nz, seed) - 0.5), 0.0), 1.0)
    second = 1.0 if look["pattern"] > 0 and _pattern(look, q) else 0.0
    for k in range(3):
        albedo = max((look["a"][k] + second * (look["b"][k] - look["a"][k])) * rough, 0.0)
        ambient = open_sky * (light["ground"][k] + above * (light["sky"][k] - light["ground"][k]))
        colour = albedo * (ambient + lit * facing * light["sun"][k])
        around = light["ground"][k] + sky * (light["sky"][k] - light["ground"][k])
        pixel[k] = colour + mirror * (0.8 * open_sky * around - colour) + spark * light["sun"][k]
