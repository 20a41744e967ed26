"""Kernels of the ray caster: rays against boxes, samples of tiles and panoramas, light on what is hit.

Everything is float32; tiles are packed pixels, red in the lowest byte and alpha in the highest; kinds of
boxes are those of `synth.body.raycast`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from synth.body.materials import LEVELS, TILE
from synth.body.textures import alpha_bilinear, decoded, sample_bilinear

KIND, THIN, REPEAT, TILES, TINT = 6, 7, 8, 9, 12
"""Columns of boxes, after the corners: kind, shortest axis, metres a tile, three tiles, three tints.

One array for all, since numba hands an array over as seven numbers and calls are many.
"""

STARTS = np.cumsum([0] + [(TILE >> level) ** 2 for level in range(LEVELS)]).astype(np.int64)
"""First pixel of each size of a tile."""

_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_QUARTER = np.float32(math.pi / 2)
_OPAQUE = np.uint64(128 << 16)
"""Interpolated alpha from which one doesn't see through."""


@njit(cache=True, error_model="numpy")
def _tile_colour(atlas, tile, u, v, level):  # type: ignore[no-untyped-def]
    """Bilinear sample of a tile at one of its sizes: linear red, green, blue."""
    size = np.int64(TILE) >> level
    red, green, blue = sample_bilinear(atlas, _start(tile, level), size, size, u, v)
    return decoded(red), decoded(green), decoded(blue)


@njit(cache=True, error_model="numpy", inline="always")
def _start(tile, level):  # type: ignore[no-untyped-def]
    """First pixel of a tile at one of its sizes."""
    return np.int64(tile) * STARTS[LEVELS] + STARTS[level]


@njit(cache=True, error_model="numpy", inline="always")
def _angle(y, x):  # type: ignore[no-untyped-def]
    """Angle of the point (x, y), as atan2, to 1e-5 radians (Abramowitz & Stegun, 4.4.49)."""
    wide, tall = abs(x), abs(y)
    t = min(wide, tall) / max(max(wide, tall), np.float32(1e-20))
    s = t * t
    tail = s * (np.float32(0.1801410) + s * (np.float32(-0.0851330) + s * np.float32(0.0208351)))
    a = t * (np.float32(0.9998660) + s * (np.float32(-0.3302995) + tail))
    a = _QUARTER - a if tall > wide else a
    a = np.float32(2) * _QUARTER - a if x < 0 else a
    return -a if y < 0 else a


@njit(cache=True, error_model="numpy", inline="always")
def _panorama_colour(panorama, x, y, z):  # type: ignore[no-untyped-def]
    """Bilinear sample of an equirectangular picture in a direction: linear red, green, blue."""
    texels, width, height = panorama
    u = _angle(x, z) * np.float32(0.5 / math.pi) + _HALF
    v = _HALF - _angle(y, math.sqrt(x * x + z * z)) * np.float32(1 / math.pi)
    # not round the poles to the other one
    edge = _HALF / np.float32(height)
    red, green, blue = sample_bilinear(texels, 0, width, height, u, min(max(v, edge), _ONE - edge))
    return decoded(red), decoded(green), decoded(blue)


@njit(cache=True, error_model="numpy")
def _inverse(x):  # type: ignore[no-untyped-def]
    return np.float32(1.0) / (x if abs(x) > np.float32(1e-7) else np.float32(1e-7))


@njit(cache=True, error_model="numpy")
def _box_hit(boxes, b, inside, ox, oy, oz, ix, iy, iz):  # type: ignore[no-untyped-def]
    """Distance and axis at which a ray (inverse direction) enters a box, or leaves it if inside; else 1e9."""
    xa, xb = (boxes[b, 0] - ox) * ix, (boxes[b, 3] - ox) * ix
    ya, yb = (boxes[b, 1] - oy) * iy, (boxes[b, 4] - oy) * iy
    za, zb = (boxes[b, 2] - oz) * iz, (boxes[b, 5] - oz) * iz
    xn, yn, zn = min(xa, xb), min(ya, yb), min(za, zb)
    xf, yf, zf = max(xa, xb), max(ya, yb), max(za, zb)
    near, far = max(xn, max(yn, zn)), min(xf, min(yf, zf))
    distance = far if inside else near
    if near > far or distance <= 0:
        return np.float32(1e9), 0
    if inside:
        return distance, (0 if far == xf else (1 if far == yf else 2))
    return distance, (0 if near == xn else (1 if near == yn else 2))


@njit(cache=True, error_model="numpy")
def _face_uv(boxes, b, axis, repeat, x, y, z):  # type: ignore[no-untyped-def]
    """Place on a face: the horizontal coordinate and the height, in tiles; v grows downwards."""
    horizontal, vertical = (2 if axis == 0 else 0), (2 if axis == 1 else 1)
    h, v = (z if axis == 0 else x), (z if axis == 1 else y)
    if repeat > 0:
        return h / repeat, -v / repeat
    u = (h - boxes[b, horizontal]) / (boxes[b, horizontal + 3] - boxes[b, horizontal])
    w = (boxes[b, vertical + 3] - v) / (boxes[b, vertical + 3] - boxes[b, vertical])
    # away from the very edge, where a tile would wrap
    return min(max(u, np.float32(0.003)), np.float32(0.997)), min(
        max(w, np.float32(0.003)), np.float32(0.997)
    )


@njit(cache=True, error_model="numpy")
def _level(distance, angle, slant, repeat):  # type: ignore[no-untyped-def]
    # between the lengths of a pixel's footprint along and across a slanted face
    texels = distance * angle / math.sqrt(max(slant, np.float32(0.04))) * (np.float32(256.0) / repeat)
    level = 0
    while texels > np.float32(1.4) and level < 5:
        texels *= np.float32(0.5)
        level += 1
    return level


@njit(cache=True, error_model="numpy")
def _sun_seen(boxes, x, y, z, lights):  # type: ignore[no-untyped-def]
    ix, iy, iz = _inverse(lights[0, 0]), _inverse(lights[0, 1]), _inverse(lights[0, 2])
    for b in range(len(boxes)):
        if boxes[b, KIND] == 0 and _box_hit(boxes, b, False, x, y, z, ix, iy, iz)[0] < 1e8:
            return np.float32(0.0)
    return np.float32(1.0)


@njit(cache=True, error_model="numpy")
def _corner_shade(boxes, near, count, hit, axis, x, y, z):  # type: ignore[no-untyped-def]
    """Share of ambient light that corners of the room and feet of furniture leave."""
    shade = np.float32(1.0)
    for n in range(count):
        b = near[n]
        ax, bx = boxes[b, 0] - x, x - boxes[b, 3]
        ay, by = boxes[b, 1] - y, y - boxes[b, 4]
        az, bz = boxes[b, 2] - z, z - boxes[b, 5]
        if boxes[b, KIND] == 1:
            dark = np.float32(0.0)
            if axis != 0:
                dark += math.exp(max(ax, bx) * np.float32(3.0))
            if axis != 1:
                dark += math.exp(by * np.float32(3.0)) + math.exp(-y * np.float32(3.5))
            if axis != 2:
                dark += math.exp(max(az, bz) * np.float32(3.0))
            shade *= np.float32(1.0) - np.float32(0.28) * min(dark, np.float32(1.6))
        elif boxes[b, KIND] == 0 and b != hit:
            dx, dy = max(ax, bx, np.float32(0.0)), max(ay, by, np.float32(0.0))
            dz = max(az, bz, np.float32(0.0))
            square = dx * dx + dy * dy + dz * dz
            if square < np.float32(0.4):
                shade *= np.float32(1.0) - np.float32(0.5) * math.exp(-math.sqrt(square) * np.float32(7.0))
    return shade


@njit(cache=True, error_model="numpy")
def _illumination(boxes, near, count, lights, hit, axis, side, x, y, z):  # type: ignore[no-untyped-def]
    """Light that falls on a face: red, green, blue."""
    shade = _corner_shade(boxes, near, count, hit, axis, x, y, z)
    direct = max(side * lights[0, axis], np.float32(0.0))
    if direct > 0 and lights[1, 1] > 0:
        lift = side * np.float32(0.01)
        nx, ny = (lift if axis == 0 else np.float32(0)), (lift if axis == 1 else np.float32(0))
        nz = lift if axis == 2 else np.float32(0)
        direct *= _sun_seen(boxes, x + nx, y + ny, z + nz, lights)
    local = np.float32(0.0)
    if lights[3, 1] > 0:
        dx, dy, dz = lights[2, 0] - x, lights[2, 1] - y, lights[2, 2] - z
        square = dx * dx + dy * dy + dz * dz
        towards = dx if axis == 0 else (dy if axis == 1 else dz)
        facing = side * towards / math.sqrt(square + np.float32(0.01))
        local = (
            max(facing * np.float32(0.8) + np.float32(0.2), np.float32(0.0))
            * np.float32(5.0)
            / (np.float32(1.0) + square)
        )
    up = _HALF + (_HALF * side if axis == 1 else np.float32(0.0))
    above, below = up * shade, (np.float32(1.0) - up) * shade
    return (
        lights[4, 0] * above + lights[5, 0] * below + lights[1, 0] * direct + lights[3, 0] * local,
        lights[4, 1] * above + lights[5, 1] * below + lights[1, 1] * direct + lights[3, 1] * local,
        lights[4, 2] * above + lights[5, 2] * below + lights[1, 2] * direct + lights[3, 2] * local,
    )


@njit(cache=True, error_model="numpy")
def _surroundings(panorama, height, radius, ox, oy, oz, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Distance and colour of a panorama seen from `o`: on the ground within a circle, on a wall round it."""
    a = dx * dx + dz * dz
    b, c = ox * dx + oz * dz, ox * ox + oz * oz - radius * radius
    root = b * b - a * c
    t = np.float32(0.0)
    if root > 0 and a >= np.float32(1e-6):
        t = (math.sqrt(root) - b) / a
        if dy < np.float32(-1e-4) and oy > 0:
            t = min(t, -oy / dy)
    x, y, z = dx, dy, dz
    if t > 0:
        x, y, z = ox + t * dx, oy + t * dy - height, oz + t * dz
    return t if t > 0 else np.float32(1000.0), _panorama_colour(panorama, x, y, z)


@njit(cache=True, error_model="numpy")
def _boxes_near(boxes, origin, rays, first, last, near):  # type: ignore[no-untyped-def]
    """Boxes whose bounding sphere, grown by the reach of their shade, meets the cone of some rays."""
    mx = my = mz = np.float32(0.0)
    for n in range(first, last):
        mx, my, mz = mx + rays[n, 0], my + rays[n, 1], mz + rays[n, 2]
    length = math.sqrt(mx * mx + my * my + mz * mz)
    mx, my, mz = mx / length, my / length, mz / length
    narrow = np.float32(1.0)
    for n in range(first, last):
        narrow = min(narrow, mx * rays[n, 0] + my * rays[n, 1] + mz * rays[n, 2])
    spread, count = math.acos(narrow), 0
    for b in range(len(boxes)):
        cx = (boxes[b, 0] + boxes[b, 3]) / 2 - origin[0]
        cy = (boxes[b, 1] + boxes[b, 4]) / 2 - origin[1]
        cz = (boxes[b, 2] + boxes[b, 5]) / 2 - origin[2]
        sx, sy, sz = boxes[b, 3] - boxes[b, 0], boxes[b, 4] - boxes[b, 1], boxes[b, 5] - boxes[b, 2]
        radius = math.sqrt(sx * sx + sy * sy + sz * sz) / 2 + np.float32(0.6)
        distance = math.sqrt(cx * cx + cy * cy + cz * cz)
        seen = boxes[b, KIND] == 1 or distance <= radius
        if not seen:
            cosine = (cx * mx + cy * my + cz * mz) / distance
            angle = math.acos(min(max(cosine, np.float32(-1.0)), np.float32(1.0)))
            seen = angle <= spread + math.asin(radius / distance)
        if seen:
            near[count] = b
            count += 1
    return count


@njit(cache=True, error_model="numpy")
def _nearest_hit(boxes, atlas, near, count, start, ox, oy, oz, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Distance, axis and box of the first face on a ray, of those nearer than `start`; box -1 for none."""
    ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
    best, best_axis, best_box = start, 1, -1
    for m in range(count):
        b = near[m]
        t, axis = _box_hit(boxes, b, boxes[b, KIND] == 1, ox, oy, oz, ix, iy, iz)
        if t < best:
            if boxes[b, KIND] == 2:
                # the edges of something cut out of a sheet aren't seen
                if axis != boxes[b, THIN]:
                    continue
                u, v = _face_uv(boxes, b, axis, boxes[b, REPEAT], ox + t * dx, oy + t * dy, oz + t * dz)
                first, size = _start(boxes[b, TILES + axis], 1), TILE >> 1
                if alpha_bilinear(atlas, first, size, size, u, v) < _OPAQUE:
                    continue
            best, best_axis, best_box = t, axis, b
    return best, best_axis, best_box


@njit(cache=True, error_model="numpy")
def _ground_colour(atlas, tile, mixed, repeat, lights, x, z, level):  # type: ignore[no-untyped-def]
    """Colour of the ground; a mixed one is the mean of two patterns, so that none is seen to repeat."""
    r, g, b = _tile_colour(atlas, tile, x / repeat, z / repeat, level)
    if mixed:
        turned = repeat * np.float32(2.37)
        u, v = (np.float32(0.8) * x + np.float32(0.6) * z), (np.float32(0.8) * z - np.float32(0.6) * x)
        p, q, s = _tile_colour(atlas, tile, u / turned, v / turned, max(level - 1, 0))
        r, g, b = _HALF * (r + p), _HALF * (g + q), _HALF * (b + s)
    return r * lights[6, 0], g * lights[6, 1], b * lights[6, 2]


@njit(cache=True, error_model="numpy")
def _face_colour(boxes, atlas, box, axis, distance, angle, slant, x, y, z):  # type: ignore[no-untyped-def]
    """Colour of a box's face at a point."""
    u, v = _face_uv(boxes, box, axis, boxes[box, REPEAT], x, y, z)
    k = 0 if axis == 1 else 1
    across = boxes[box, REPEAT] if boxes[box, REPEAT] > 0 else boxes[box, k + 3] - boxes[box, k]
    level = _level(distance, angle, slant, across)
    r, g, b = _tile_colour(atlas, boxes[box, TILES + axis], u, v, level)
    return r * boxes[box, TINT], g * boxes[box, TINT + 1], b * boxes[box, TINT + 2]


@njit(cache=True, error_model="numpy")
def _veil(panorama, haze, distance, dx, dy, dz):  # type: ignore[no-untyped-def]
    """Share of a colour that haze leaves, and the haze's own: the panorama's above the horizon."""
    fog = np.float32(1.0) - math.exp(-distance / haze)
    fog = fog * fog
    if fog <= np.float32(0.004):
        return np.float32(1.0), np.float32(0.0), np.float32(0.0), np.float32(0.0)
    r, g, b = _panorama_colour(panorama, dx, max(dy, np.float32(0.02)), dz)
    return np.float32(1.0) - fog, fog * r, fog * g, fog * b


@njit(cache=True, error_model="numpy")
def cast_rays(  # type: ignore[no-untyped-def]
    boxes, atlas, ground, panorama, lights, numbers, origin, rays, block, alike, colours, distances
):
    """Fill colours (P, 3) and distances (P,) of rays (P, 3); see `synth.body.raycast.cast`.

    `boxes` are rows (B, 15) as the constants above tell, `atlas` packed tiles one after the other, `ground`
    (tile, mixed, repeat), `panorama` (packed picture, width, height), `lights` the rows sun, its colour, lamp,
    its colour, sky, bounce, ground's tint, and `numbers` haze, the panorama's height and radius, the angle
    between rays.
    """
    tile, mixed, repeat = ground
    haze, height, radius, angle = numbers
    ox, oy, oz = origin
    near, count = np.empty(len(boxes), np.int64), 0
    lit, veil = (_ONE, _ONE, _ONE), (_ONE, _ONE, _ONE, _ONE)
    last_box, last_axis = -2, -1
    for n in range(len(rays)):
        if n % block == 0:
            count = _boxes_near(boxes, origin, rays, n, min(n + block, len(rays)), near)
        dx, dy, dz = rays[n, 0], rays[n, 1], rays[n, 2]
        t, axis, b = np.float32(1e8), 1, -1
        if tile >= 0 and dy < np.float32(-1e-4) and oy > np.float32(0.02):
            t = -oy * _inverse(dy)
        if count > 0:
            t, axis, b = _nearest_hit(boxes, atlas, near, count, t, ox, oy, oz, dx, dy, dz)
        if t >= np.float32(1e8):
            last_box = -2
            distances[n], colour = _surroundings(panorama, height, radius, ox, oy, oz, dx, dy, dz)
            colours[n, 0], colours[n, 1], colours[n, 2] = colour
            continue
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        towards = dx if axis == 0 else (dy if axis == 1 else dz)
        if b < 0:
            level = _level(t, angle, -dy, repeat)
            colour = _ground_colour(atlas, tile, mixed, repeat, lights, x, z, level)
        else:
            colour = _face_colour(boxes, atlas, b, axis, t, angle, abs(towards), x, y, z)
        if n % alike == 0 or b != last_box or axis != last_axis:
            side = np.float32(-1.0) if towards > 0 else _ONE
            lit = _illumination(boxes, near, count, lights, b, axis, side, x, y, z)
            veil = _veil(panorama, haze, t, dx, dy, dz)
            last_box, last_axis = b, axis
        colours[n, 0] = colour[0] * lit[0] * veil[0] + veil[1]
        colours[n, 1] = colour[1] * lit[1] * veil[0] + veil[2]
        colours[n, 2] = colour[2] * lit[2] * veil[0] + veil[3]
        distances[n] = t
