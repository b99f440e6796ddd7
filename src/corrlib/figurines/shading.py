"""Light and camera: materials with solid textures under sun and sky, shadows, exposure.

Noise on surfaces comes from integer hashes: the same image on every machine and for every order of drawing.
"""

import cv2
import numpy as np
from numba import njit

from corrlib.figurines.render import ORIGIN, affine, depth_at, scaled, trace, unit_normal

#: One row a surface material; colours `a` and `b` are linear. `pattern` is 0 plain, 1 stripes,
#: 2 patches; `freq` is in cycles per figure diameter, `axis` the stripes' direction. `grain` varies the
#: colour in cells of ``1 / fine`` diameters, `bump` the normal; `gloss` is a highlight, `mirror` the share of
#: light reflected from the surroundings; a `soft` surface has no creases where its primitives meet.
MATERIAL = np.dtype(
    [(name, "f4", 3) for name in ("a", "b", "axis", "fine")]
    + [(name, "f4") for name in ("freq", "gloss", "mirror", "grain", "bump")]
    + [("pattern", "i4"), ("seed", "i4"), ("soft", "i4")]
)
#: What shines on a scene, in linear RGB and pixel space: unit vectors towards the sun (z negative: on the
#: camera's side) and up; what comes from the sun, from the sky and back from the ground.
LIGHT = np.dtype([(name, "f8", 3) for name in ("towards", "up", "sun", "sky", "ground")])
#: Directions in which a pixel looks around.
AROUND = tuple((np.cos(2.4 * k), np.sin(2.4 * k)) for k in range(9))
#: Rays through a pixel at an edge (x, y), and the pixels (row, column) around it that may lend a colour.
RAYS = ((-0.375, -0.125), (0.125, -0.375), (0.375, 0.125), (-0.125, 0.375))
NEAR = ((0, 0), (0, 1), (1, 0), (0, -1), (-1, 0))


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
def _pattern(look, q):
    """Whether texture point `q` of a material with a pattern shows the second colour."""
    pattern, freq, axis, seed = look["pattern"], look["freq"], look["axis"], look["seed"]
    x, y, z = q[0] * freq, q[1] * freq, q[2] * freq
    if pattern == 1:
        wave = (q[0] * axis[0] + q[1] * axis[1] + q[2] * axis[2]) * freq
        return (wave + 0.35 * _noise(x * 0.7, y * 0.7, z * 0.7, seed)) % 1.0 < 0.45
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
    image, unit : (H, W, 3) float32, changed in place; colours are linear. Clutter has no unit points.
    """
    behind = image.copy()
    # normals, and what falls there of the sun
    surface = np.zeros((*index.shape, 4), np.float32)
    for y, x in np.ndindex(index.shape):
        if index[y, x] >= 0:
            solid = placed[index[y, x]]
            m, at = solid["to_unit"], solid["at"]
            u = affine(m, ORIGIN, x - at[0], y - at[1], depth[y, x] - at[2])
            # normals go with the inverse transpose of the affine map
            normal = unit_normal(solid["kind"], np.float64(solid["shape"]), *u)
            nx, ny, nz = affine(m.T, ORIGIN, *normal)
            scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
            lit = _sunlit(placed, index, depth, light["towards"], y, x)
            surface[y, x] = nx * scale, ny * scale, nz * scale, lit
            unit[y, x] = u
    for y, x in np.ndindex(index.shape):
        if index[y, x] >= 0:
            solid = placed[index[y, x]]
            q = affine(solid["to_tex"], solid["tex_at"], unit[y, x, 0], unit[y, x, 1], unit[y, x, 2])
            n, open_sky, lit = _surroundings(placed, materials, index, depth, surface, y, x)
            _paint(materials[solid["material"]], q, n, open_sky, lit, light, image[y, x])
            if solid["owner"] == 0:
                unit[y, x] = 0.0
    _smooth_edges(placed, index, depth, behind, image)


@njit(cache=True)
def _smooth_edges(placed, index, depth, behind, image):
    """Average each pixel at an edge over four rays, which take their colours from the pixels around it."""
    sharp = image.copy()
    for y in range(1, index.shape[0] - 1):
        for x in range(1, index.shape[1] - 1):
            own, edge = index[y, x], False
            for dy, dx in NEAR:
                other = index[y + dy, x + dx]
                if other != own:  # where soft parts join there is no edge
                    edge |= placed[other]["material"] != placed[own]["material"]
                    edge |= abs(depth[y + dy, x + dx] - depth[y, x]) > 2
            for k in range(len(RAYS) if edge else 0):
                nearest, row, column, empty = np.inf, y, x, own < 0
                for dy, dx in NEAR:
                    other = index[y + dy, x + dx]
                    empty |= other < 0
                    if other >= 0 and (other != own or dy == dx):
                        z = depth_at(placed[other], x + RAYS[k][0], y + RAYS[k][1])
                        if z < nearest:
                            nearest, row, column = z, y + dy, x + dx
                for c in range(3):
                    colour = behind[y, x, c] if empty and nearest == np.inf else sharp[row, column, c]
                    image[y, x, c] = colour / 4 + (image[y, x, c] if k else 0)


@njit(cache=True)
def _sunlit(placed, index, depth, towards, y, x):
    """What a pixel gets of the sun: less where something in the picture stands between them."""
    size = 1.0 / max(placed[index[y, x]]["reach"], 1e-9)
    # a random start along the ray hides its steps
    for k in range(7):
        along = 0.035 * size * (k + 0.3 + _hash(x, y, 1, 1))
        xx, yy = int(np.rint(x + along * towards[0])), int(np.rint(y + along * towards[1]))
        inside = 0 <= xx < index.shape[1] and 0 <= yy < index.shape[0]
        # nothing's depth is infinite
        if inside and 0.015 * size < depth[y, x] + along * towards[2] - depth[yy, xx] < 0.2 * size:
            return 0.2
    return 1.0


@njit(cache=True)
def _surroundings(placed, materials, index, depth, surface, y, x):
    """The normal at a pixel, smoothed if its material is soft; how much it sees of sky and sun."""
    solid = placed[index[y, x]]
    nx, ny, nz, lit = surface[y, x, 0], surface[y, x, 1], surface[y, x, 2], surface[y, x, 3]
    soft, near = 0.5 * materials[solid["material"]]["soft"], 0.045 / max(solid["reach"], 1e-9)
    hidden, level, spin = 0.0, 1.0, int(16 * _hash(x, y, 0, 1))
    for k in range(len(AROUND)):
        dx, dy = AROUND[(k + spin) % len(AROUND)]
        step = near * np.sqrt((k + 0.5) / len(AROUND))
        xx, yy = int(np.rint(x + step * dx)), int(np.rint(y + step * dy))
        if 0 <= xx < index.shape[1] and 0 <= yy < index.shape[0] and index[yy, xx] >= 0:
            gap, there = depth[y, x] - depth[yy, xx], surface[yy, xx]
            if abs(gap) < 2 * near:
                lit, level = lit + there[3], level + 1
                if soft > 0 and placed[index[yy, xx]]["material"] == solid["material"]:
                    nx, ny, nz = nx + soft * there[0], ny + soft * there[1], nz + soft * there[2]
            # nearer than the tangent plane allows
            rise = (surface[y, x, 0] * (xx - x) + surface[y, x, 1] * (yy - y)) / min(surface[y, x, 2], -0.15)
            hidden += 0.12 * near < gap - rise < 4 * near
    scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
    return (nx * scale, ny * scale, nz * scale), 1 - 0.8 * hidden / len(AROUND), lit / level


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
    spark = max((nx * hx + ny * hy + nz * hz) / np.sqrt(hx * hx + hy * hy + hz * hz), 0.0) ** 40
    spark *= look["gloss"] * lit
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


def light_of(rng, scenery, elevation: float, *, indoors: bool) -> np.ndarray:
    """Sun or a lamp, mostly from the camera's side; what sky or walls give, and the ground returns."""
    e = np.radians(max(elevation, 6.0))
    high, side = np.radians(rng.uniform(25, 75)), np.radians(rng.normal(0, 60))
    up, ahead = np.array([0, -np.cos(e), -np.sin(e)]), np.array([0, np.sin(e), -np.cos(e)])
    sun = np.sin(high) * up + np.cos(high) * (np.sin(side) * np.array([1.0, 0, 0]) + np.cos(side) * ahead)
    strength = rng.uniform(0.2, 0.7) if indoors else rng.choice([0.15, 0.5, 1.0])
    warm = np.array([1.0, 0.93, 0.8]) if strength > 0.2 else np.ones(3)
    ambient = (1.05 - 0.65 * strength) * (0.5 + 0.5 * scenery.sky / max(scenery.sky.mean(), 0.1))
    light = np.zeros(1, LIGHT)[0]
    light["towards"], light["up"], light["sun"], light["sky"] = sun, up, 1.1 * strength * warm, ambient
    light["ground"] = ambient * (0.15 + 0.6 * scenery.ground)
    return light


def cast_shadows(picture: np.ndarray, groups: list[np.ndarray], light: np.ndarray) -> None:
    """Darken the ground where figures stand in the sun's way, and under them, where they hide the sky."""
    small = tuple(-(-side // 3) for side in picture.shape[:2])
    share = light["sun"].mean() / (light["sun"].mean() + light["sky"].mean())
    for towards, strength, blur in ((light["towards"], 0.85 * share, 0.9), (light["up"], 0.6, 2.5)):
        flat = np.concatenate([_flattened(group, towards, light["up"]) for group in groups])
        shadow = (trace(flat, small)[0] >= 0).astype(np.float32)
        shadow = cv2.GaussianBlur(shadow, (0, 0), blur)
        shadow = cv2.resize(shadow, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        picture *= 1 - np.float32(strength) * shadow[..., None]


def _flattened(placed: np.ndarray, towards: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Primitives pressed along the light onto the ground they stand on, a third as large."""
    shadow = placed.copy()
    height = placed["at"] @ up
    height -= (height - np.linalg.norm(up @ placed["to_px"], axis=1)).min()
    # not quite flat: what has no thickness has no inverse
    press = 0.96 * towards / (towards @ up)
    shadow["to_px"] = placed["to_px"] - press[:, None] * (up @ placed["to_px"])[:, None, :]
    shadow["at"] -= height[:, None] * press
    return scaled(shadow, 1 / 3, (-1 / 3, -1 / 3, 0.0))


def expose(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """The camera: exposure, contrast, tint, blur or sharpening, and the noise of a sensor; uint8."""
    picture = np.sqrt(np.clip(picture, 0, 4))
    mean, spread = picture.mean(), picture.std()
    gain = np.clip(rng.normal(0.275, 0.065) / spread, 0.7, 1.8)
    level, vivid = (
        0.5 * (mean + rng.normal(0.46, 0.1)),
        rng.uniform(0.7, 1.1) * (rng.random() > 0.03),
    )
    tint = 255 * np.exp(rng.normal(0, 0.03, 3))[:, None]
    mix = np.hstack([gain * (vivid * np.eye(3) + (1 - vivid) / 3), np.full((3, 1), level - gain * mean)])
    picture = cv2.transform(picture, (tint * mix).astype(np.float32))
    blurred, sharp = cv2.GaussianBlur(picture, (7, 7), 1), rng.choice([1.6, 1.4, 1.2, 0])
    picture = cv2.addWeighted(picture, sharp, blurred, 1 - sharp, 0)
    noise = rng.standard_normal(picture.shape[:2], dtype=np.float32)[..., None]
    picture += noise * np.float32(rng.choice([1.0, 3.0, 6.0]))
    return cv2.convertScaleAbs(np.maximum(picture, 0, out=picture))
