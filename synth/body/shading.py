"""Light on the samples that are seen: key light with highlight, hemisphere of ambient light, textures.

Everything is computed in linear light. For a point with unit normal n, direction l to the key light, v to the
camera and h half-way between them, albedo a, occlusion o (0 ... 1) and shadow s (1: lit):

    key(c)     = key_c * s * max(0, (n.l + wrap_c) / (1 + wrap_c))
    ambient(c) = o * ((1 + n.up) / 2 * sky_c + (1 - n.up) / 2 * ground_c)
    shine(c)   = specular * key_c * s * max(0, n.l) * max(0, n.h)^(2^gloss)
    light(c)   = a_c * (key(c) + ambient(c)) + shine(c)

and what exceeds 0.7 is compressed towards 1 as film does (`shoulder`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.body.light_map import lit_share
from synth.body.textures import decoded, mip_level, sample_bilinear

KNEE = np.float32(0.7)
"""Linear light above which highlights are compressed."""

# numba computes in float64 wherever a plain number meets a float32
_ZERO, _HALF, _ONE, _FIVE = (np.float32(n) for n in (0, 0.5, 1, 5))
_TINY = np.float32(1e-12)

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Illumination of a picture, in the camera frame (x right, y down, z forward).

    Parameters
    ----------
    direction : (float, float, float)
        Towards the key light; any length but zero.
    up : (float, float, float)
        Upwards, away from the ground; any length but zero.
    key, sky, ground : (float, float, float)
        Linear RGB that a white, matt surface sends to the camera when it faces the key light, when only
        the sky lights it, when only light from the ground does.
    softness : float
        Radians: half the angle under which the key light is seen. Sun 0.005, lamp 0.05, window 0.2, overcast
        sky 0.5.
    """

    direction: Colour
    up: Colour
    key: Colour = (0.8, 0.77, 0.72)
    sky: Colour = (0.35, 0.38, 0.42)
    ground: Colour = (0.18, 0.16, 0.14)
    softness: float = 0.05

    def as_array(self) -> NDArray[np.float32]:
        """Rows direction, up (both unit), key, sky and ground, (5, 3) float32."""
        rows = np.array([self.direction, self.up, self.key, self.sky, self.ground], np.float64)
        length = np.linalg.norm(rows[:2], axis=1, keepdims=True)
        if not (np.isfinite(rows).all() and (length > 0).all()):
            raise ValueError(f"light needs finite colours and directions that are not zero, not {self}")
        rows[:2] /= length
        return rows.astype(np.float32)


def pack_attributes(normals: ArrayLike, occlusion: ArrayLike | None, attributes: NDArray[np.float32]) -> None:
    """Put normals (V, 3) and occlusion (V,), 1 if none is given, into `attributes` (V, 4) float32.

    Raises
    ------
    ValueError
        If one of them is not a finite number.
    """
    attributes[:, :3] = normals
    attributes[:, 3] = 1.0 if occlusion is None else occlusion
    if not np.isfinite(attributes).all():
        first = int(np.flatnonzero(~np.isfinite(attributes).all(axis=1))[0])
        raise ValueError(
            f"normal and occlusion of vertex {first} are {attributes[first]}; expected finite numbers"
        )


@njit(cache=True, error_model="numpy")
def shade_row(y, paired, samples, camera, surface, textures, attributes, light, light_map, colour):  # type: ignore[no-untyped-def]
    """Colour of one row of samples, within their bounds; returns the first and last sample that shows something.

    Parameters
    ----------
    y : int
        The row.
    paired : bool
        Whether samples 2 n and 2 n + 1 lie in one pixel: they share their light, which changes slowly, if they
        show the same triangle. Each has its own texture.
    samples : tuple
        `triangle`, `inverse_depth`, `barycentric` and `bounds` of `Samples`.
    camera : (5,) float
        Intrinsics k00, k01, k02, k11, k12 in samples.
    surface : tuple
        `corners` and `coating` of `Mesh`.
    textures : tuple
        `texels`, `levels` and `parameters` of `MaterialSet`.
    attributes : (V, 4) float32
        Unit normal and occlusion of each vertex.
    light : (5, 3) float32
        Of `Light.as_array`.
    light_map : tuple
        Nearness and `to_light` of `LightMap`.
    colour : (s W, 4) float32
        Filled within the bounds with linear RGB and 1, or zeros where nothing is seen.
    """
    seen, inverse_depth, barycentric, bounds = samples
    corners, coating = surface
    texels, levels, parameters = textures
    k00, k01, k02, k11, k12 = camera
    odd, row = np.uint64(1), np.uint64(y)
    per_sample = np.float32(2.0 / (k00 + k11))
    ray_y = np.float32((np.float64(y) - k12) / k11)
    step_x, start_x = np.float32(1.0 / k00), np.float32((-k02 - k01 * ray_y) / k00)
    matt, shine, last = (_ONE, _ONE, _ONE), _ZERO, -1
    begin, end = np.int64(seen.shape[1]), -1
    for x in range(np.uint64(bounds[0]), np.uint64(bounds[2] + 1)):
        if seen[row, x] < 0:
            colour[x, 0] = colour[x, 1] = colour[x, 2] = colour[x, 3] = _ZERO
            last = -1
            continue
        begin, end = min(begin, np.int64(x)), np.int64(x)
        t = np.uint64(seen[row, x])
        m = np.uint64(corners[t, 3])
        z = _ONE / inverse_depth[row, x]
        wb, wc = barycentric[row, x, 0], barycentric[row, x, 1]
        if np.int64(t) != last or not (paired & (x & odd == odd)):
            point = ((np.float32(np.int64(x)) * step_x + start_x) * z, ray_y * z, z)
            nx, ny, nz, open_ = _attributes_at(attributes, corners, t, wb, wc)
            if coating[t, 7] > 0 and nx * point[0] + ny * point[1] + nz * z > 0:
                nx, ny, nz = -nx, -ny, -nz
            matt, shine = _light_at(
                parameters, m, light, light_map, point, (nx, ny, nz), open_, x & odd, row & odd
            )
            last = np.int64(t)
        albedo = _albedo(coating, t, wb, wc, texels, levels, m, z * per_sample)
        for c in range(np.uint64(3)):
            colour[x, c] = shoulder(albedo[c] * matt[c] + light[2, c] * shine)
        colour[x, 3] = _ONE
    return begin, end


@njit(cache=True, error_model="numpy", inline="always")
def _light_at(parameters, m, light, light_map, point, normal, open_, odd_x, odd_y):  # type: ignore[no-untyped-def]
    """Light of each colour that a matt white surface of a material sends at a point, and its highlight."""
    px, py, pz = point
    nx, ny, nz = normal
    lit = light[0, 0] * nx + light[0, 1] * ny + light[0, 2] * nz
    shadow, shine = _ONE, _ZERO
    if lit > 0:
        share = lit_share(light_map[0], light_map[1], px, py, pz, nx, ny, nz, odd_x, odd_y)
        # the map cannot tell where light grazes a surface; the normal does
        shadow = _ONE - (_ONE - share) * min(_FIVE * lit, _ONE)
        shine = _highlight(light, nx, ny, nz, px, py, pz, np.int64(parameters[m, 1]))
        shine *= parameters[m, 0] * lit * shadow
    above = _HALF * (_ONE + light[1, 0] * nx + light[1, 1] * ny + light[1, 2] * nz)
    ambient, below = above * open_, (_ONE - above) * open_
    return (
        _matt(parameters, m, 0, light, lit, shadow, ambient, below),
        _matt(parameters, m, 1, light, lit, shadow, ambient, below),
        _matt(parameters, m, 2, light, lit, shadow, ambient, below),
    ), shine


@njit(cache=True, error_model="numpy", inline="always")
def _matt(parameters, m, c, light, lit, shadow, above, below):  # type: ignore[no-untyped-def]
    """Light of one colour, times the material's tint."""
    wrap = parameters[m, c + 2]
    key = max((lit + wrap) / (_ONE + wrap), _ZERO) * shadow
    return parameters[m, c + 5] * (light[2, c] * key + above * light[3, c] + below * light[4, c])


@njit(cache=True, error_model="numpy", inline="always")
def _attributes_at(attributes, corners, t, wb, wc):  # type: ignore[no-untyped-def]
    """Interpolate the unit normal and the occlusion at a point of a triangle."""
    a, b, c = np.uint64(corners[t, 0]), np.uint64(corners[t, 1]), np.uint64(corners[t, 2])
    wa = _ONE - wb - wc
    nx = wa * attributes[a, 0] + wb * attributes[b, 0] + wc * attributes[c, 0]
    ny = wa * attributes[a, 1] + wb * attributes[b, 1] + wc * attributes[c, 1]
    nz = wa * attributes[a, 2] + wb * attributes[b, 2] + wc * attributes[c, 2]
    open_ = wa * attributes[a, 3] + wb * attributes[b, 3] + wc * attributes[c, 3]
    scale = _ONE / math.sqrt(max(nx * nx + ny * ny + nz * nz, _TINY))
    return nx * scale, ny * scale, nz * scale, open_


@njit(cache=True, error_model="numpy", inline="always")
def _albedo(coating, t, wb, wc, texels, levels, m, apart):  # type: ignore[no-untyped-def]
    """Linear RGB of the texture, seen by samples that are so many metres apart."""
    wa = _ONE - wb - wc
    u = wa * coating[t, 0] + wb * coating[t, 2] + wc * coating[t, 4]
    v = wa * coating[t, 1] + wb * coating[t, 3] + wc * coating[t, 5]
    # the level whose texel is nearest to a sample in size, on a logarithmic scale
    level = mip_level(levels, m, coating[t, 6] * apart)
    start, width, height = levels[m, level, 0], levels[m, level, 1], levels[m, level, 2]
    red, green, blue = sample_bilinear(texels, start, width, height, u, v)
    return decoded(red), decoded(green), decoded(blue)


@njit(cache=True, error_model="numpy", inline="always")
def _highlight(light, nx, ny, nz, px, py, pz, gloss):  # type: ignore[no-untyped-def]
    """(n.h)^(2^gloss) for a point p seen from the origin."""
    towards = -_ONE / math.sqrt(px * px + py * py + pz * pz)
    hx, hy, hz = light[0, 0] + px * towards, light[0, 1] + py * towards, light[0, 2] + pz * towards
    squared = max(hx * hx + hy * hy + hz * hz, _TINY)
    value = max(hx * nx + hy * ny + hz * nz, _ZERO)
    if gloss == 0:
        return value / math.sqrt(squared)
    value = value * value / squared
    for _ in range(gloss - 1):
        value *= value
    return value


@njit(cache=True, error_model="numpy", inline="always")
def shoulder(value):  # type: ignore[no-untyped-def]
    """Linear light, with what is above `KNEE` compressed smoothly towards 1."""
    if value <= KNEE:
        return value
    over = value - KNEE
    return KNEE + (_ONE - KNEE) * over / (_ONE - KNEE + over)
