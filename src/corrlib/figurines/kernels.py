"""The renderer's compiled loops: closed-form hits with unit solids, shading, textures from integer hashes."""

import numpy as np
from numba import njit


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
    if kind == 0:
        a = dx * dx + dy * dy + dz * dz
        b = ox * dx + oy * dy + oz * dz
        gap = b * b - a * (ox * ox + oy * oy + oz * oz - 1)
        return (-b - np.sqrt(gap)) / a if gap >= 0 else np.inf
    if kind == 1:
        near, far = -np.inf, np.inf
        for o, d in ((ox, dx), (oy, dy), (oz, dz)):
            if abs(d) < 1e-12:
                if abs(o) > 1:
                    return np.inf
            else:
                s, e = (-1 - o) / d, (1 - o) / d
                near, far = max(near, min(s, e)), min(far, max(s, e))
        return near if near <= far else np.inf
    if kind == 2:
        return _frustum_hit(shape, 0.0, ox, oy, oz, dx, dy, dz)
    return _frustum_hit(1.0, shape, ox, oy, oz, dx, dy, dz)


@njit(cache=True)
def trace(placed, low, high, index, depth):
    for s in range(len(placed)):
        solid = placed[s]
        m, at, kind, shape = solid["to_unit"], solid["at"], solid["kind"], np.float64(solid["shape"])
        dx, dy, dz = m[0, 2], m[1, 2], m[2, 2]
        for y in range(low[s, 1], high[s, 1] + 1):
            py = y - at[1]
            for x in range(low[s, 0], high[s, 0] + 1):
                px = x - at[0]
                # rays start in the plane z = at_z, so that hits stay near zero and keep their digits
                ox = m[0, 0] * px + m[0, 1] * py
                oy = m[1, 0] * px + m[1, 1] * py
                oz = m[2, 0] * px + m[2, 1] * py
                z = hit(kind, shape, ox, oy, oz, dx, dy, dz) + at[2]
                if z < depth[y, x]:
                    depth[y, x] = z
                    index[y, x] = s


@njit(cache=True)
def unit_normal(kind, shape, u, n):
    """Outward normal `n` (written in place, not normalised) of the unit solid at its surface point `u`."""
    n[:] = 0.0
    if kind == 0:
        n[:] = u
    elif kind == 1:
        k = np.argmax(np.abs(u))
        n[k] = np.sign(u[k])
    else:
        rr = np.sqrt(u[0] * u[0] + u[1] * u[1])
        slope = (shape - 1) / 2 if kind == 2 else 0.0
        edge = (1 + shape) / 2 + slope * u[2] if kind == 2 else 1.0
        inner = kind == 3 and rr < shape + 1e-4
        if abs(u[2]) > 1 - 1e-6 and not inner and rr < edge - 1e-6:
            n[2] = np.sign(u[2])
        else:
            side = -1.0 if inner else 1.0
            n[0], n[1], n[2] = side * u[0] / max(rr, 1e-9), side * u[1] / max(rr, 1e-9), -slope


@njit(cache=True)
def _pattern(pattern, freq, axis, seed, q):
    """Share of the second colour at texture point `q`: 0 or 1."""
    if pattern == 1:
        wave = (q[0] * axis[0] + q[1] * axis[1] + q[2] * axis[2]) * freq
        bend = 0.35 * _noise(q[0] * freq * 0.7, q[1] * freq * 0.7, q[2] * freq * 0.7, seed)
        return 1.0 if (wave + bend) % 1.0 < 0.45 else 0.0
    if pattern == 2:
        x, y, z = q[0] * freq, q[1] * freq, q[2] * freq
        ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
        # a spot stays inside its cell, so one cell is all there is to ask
        cx = 0.33 + 0.34 * _hash(ix, iy, iz, seed)
        cy = 0.33 + 0.34 * _hash(ix, iy, iz, seed + 1)
        cz = 0.33 + 0.34 * _hash(ix, iy, iz, seed + 2)
        return 1.0 if (x - ix - cx) ** 2 + (y - iy - cy) ** 2 + (z - iz - cz) ** 2 < 0.1 else 0.0
    if pattern == 3:
        f = freq * 0.6
        return 1.0 if _noise(q[0] * f, q[1] * f, q[2] * f, seed) > 0.53 else 0.0
    if pattern == 4:
        parity = int(np.floor(q[0] * freq)) + int(np.floor(q[1] * freq)) + int(np.floor(q[2] * freq))
        return float(parity % 2)
    return 0.0


@njit(cache=True)
def shade(placed, materials, light, ambient, index, depth, image, unit):
    u, q, nu = np.zeros(3), np.zeros(3), np.zeros(3)
    # the half-way vector between the light and the camera, which looks along +z
    half = np.array([light[0], light[1], light[2] - 1.0])
    half /= np.sqrt((half * half).sum())
    for y in range(index.shape[0]):
        for x in range(index.shape[1]):
            if index[y, x] < 0:
                continue
            solid = placed[index[y, x]]
            look = materials[solid["material"]]
            m, at, to_tex, tex_at = solid["to_unit"], solid["at"], solid["to_tex"], solid["tex_at"]
            a, b, seed = look["a"], look["b"], look["seed"]
            px, py, pz = x - at[0], y - at[1], depth[y, x] - at[2]
            for k in range(3):
                u[k] = m[k, 0] * px + m[k, 1] * py + m[k, 2] * pz
                if solid["owner"] > 0:
                    unit[y, x, k] = u[k]
            for k in range(3):
                q[k] = tex_at[k] + to_tex[k, 0] * u[0] + to_tex[k, 1] * u[1] + to_tex[k, 2] * u[2]
            unit_normal(solid["kind"], np.float64(solid["shape"]), u, nu)
            # normals go with the inverse transpose of the affine map
            nx = m[0, 0] * nu[0] + m[1, 0] * nu[1] + m[2, 0] * nu[2]
            ny = m[0, 1] * nu[0] + m[1, 1] * nu[1] + m[2, 1] * nu[2]
            nz = m[0, 2] * nu[0] + m[1, 2] * nu[1] + m[2, 2] * nu[2]
            scale = 1.0 / (np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-12)
            facing = max(nx * light[0] + ny * light[1] + nz * light[2], 0.0)
            diffuse = ambient + (1 - ambient) * scale * facing
            spark, rough = 0.0, 1.0
            if look["gloss"] > 0:
                spark = max(scale * (nx * half[0] + ny * half[1] + nz * half[2]), 0.0) ** 24 * look["gloss"]
            second = _pattern(look["pattern"], look["freq"], look["axis"], seed, q)
            if look["grain"] > 0.05:
                rough += look["grain"] * (_noise(q[0] * 40, q[1] * 40, q[2] * 40, seed + 7) - 0.5)
            for k in range(3):
                albedo = a[k] + second * (b[k] - a[k])
                image[y, x, k] = albedo * rough * diffuse + spark
