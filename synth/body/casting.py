"""Kernels of the ray caster: rays against boxes, samples of tiles and panoramas, light on what is hit.

Everything is float32; a box is its lower and its upper corner; kinds are those of `synth.body.raycast`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, error_model="numpy")
def _tile_colour(atlas, starts, to_linear, tile, u, v, level, out):  # type: ignore[no-untyped-def]
    """Bilinear sample of a tile at one of its sizes into out[0:3], linear; returns alpha 0 … 1."""
    size = 256 >> level
    side = np.float32(size)
    x = (u - np.float32(math.floor(u))) * side - np.float32(0.5)
    y = (v - np.float32(math.floor(v))) * side - np.float32(0.5)
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = np.float32(x - x0), np.float32(y - y0)
    base = starts[level]
    xa, xb = x0 & (size - 1), (x0 + 1) & (size - 1)
    ya, yb = base + (y0 & (size - 1)) * size, base + ((y0 + 1) & (size - 1)) * size
    w11 = fx * fy
    w10, w01 = fx - w11, fy - w11
    w00 = np.float32(1.0) - fx - fy + w11
    for c in range(3):
        out[c] = (
            w00 * to_linear[atlas[tile, ya + xa, c]]
            + w10 * to_linear[atlas[tile, ya + xb, c]]
            + w01 * to_linear[atlas[tile, yb + xa, c]]
            + w11 * to_linear[atlas[tile, yb + xb, c]]
        )
    a = w00 * atlas[tile, ya + xa, 3] + w10 * atlas[tile, ya + xb, 3]
    a += w01 * atlas[tile, yb + xa, 3] + w11 * atlas[tile, yb + xb, 3]
    return a / np.float32(255.0)


@njit(cache=True, error_model="numpy")
def _panorama_colour(panorama, to_linear, x, y, z, out):  # type: ignore[no-untyped-def]
    """Bilinear sample of an equirectangular picture in a direction into out[0:3], linear."""
    height, width = panorama.shape[:2]
    u = (math.atan2(x, z) * np.float32(0.5 / math.pi) + np.float32(0.5)) * width - np.float32(0.5)
    v = (np.float32(0.5) - math.atan2(y, math.sqrt(x * x + z * z)) * np.float32(1 / math.pi)) * height
    v -= np.float32(0.5)
    x0, y0 = math.floor(u), math.floor(v)
    fx, fy = np.float32(u - x0), np.float32(v - y0)
    xa, xb = x0 % width, (x0 + 1) % width
    ya, yb = min(max(y0, 0), height - 1), min(max(y0 + 1, 0), height - 1)
    gx, gy = np.float32(1.0) - fx, np.float32(1.0) - fy
    for c in range(3):
        top = to_linear[panorama[ya, xa, c]] * gx + to_linear[panorama[ya, xb, c]] * fx
        low = to_linear[panorama[yb, xa, c]] * gx + to_linear[panorama[yb, xb, c]] * fx
        out[c] = top * gy + low * fy


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
def _sun_seen(boxes, kinds, x, y, z, sun):  # type: ignore[no-untyped-def]
    ix, iy, iz = _inverse(sun[0]), _inverse(sun[1]), _inverse(sun[2])
    for b in range(len(boxes)):
        if kinds[b] == 0 and _box_hit(boxes, b, False, x, y, z, ix, iy, iz)[0] < 1e8:
            return np.float32(0.0)
    return np.float32(1.0)


@njit(cache=True, error_model="numpy", inline="always")
def _corner_shade(boxes, kinds, near, count, hit, axis, x, y, z):  # type: ignore[no-untyped-def]
    """Share of ambient light that corners of the room and feet of furniture leave."""
    shade = np.float32(1.0)
    for n in range(count):
        b = near[n]
        ax, bx = boxes[b, 0] - x, x - boxes[b, 3]
        ay, by = boxes[b, 1] - y, y - boxes[b, 4]
        az, bz = boxes[b, 2] - z, z - boxes[b, 5]
        if kinds[b] == 1:
            dark = np.float32(0.0)
            if axis != 0:
                dark += math.exp(max(ax, bx) * np.float32(3.0))
            if axis != 1:
                dark += math.exp(by * np.float32(3.0)) + math.exp(-y * np.float32(3.5))
            if axis != 2:
                dark += math.exp(max(az, bz) * np.float32(3.0))
            shade *= np.float32(1.0) - np.float32(0.28) * min(dark, np.float32(1.6))
        elif kinds[b] == 0 and b != hit:
            dx, dy = max(ax, bx, np.float32(0.0)), max(ay, by, np.float32(0.0))
            dz = max(az, bz, np.float32(0.0))
            square = dx * dx + dy * dy + dz * dz
            if square < np.float32(0.4):
                shade *= np.float32(1.0) - np.float32(0.5) * math.exp(-math.sqrt(square) * np.float32(7.0))
    return shade


@njit(cache=True, error_model="numpy", inline="always")
def _illuminate(boxes, kinds, near, count, lights, hit, axis, side, x, y, z, out):  # type: ignore[no-untyped-def]
    """Multiply an albedo by the light that falls on a face."""
    shade = _corner_shade(boxes, kinds, near, count, hit, axis, x, y, z)
    direct = max(side * lights[0, axis], np.float32(0.0))
    if direct > 0 and lights[1, 1] > 0:
        lift = side * np.float32(0.01)
        nx, ny = (lift if axis == 0 else np.float32(0)), (lift if axis == 1 else np.float32(0))
        nz = lift if axis == 2 else np.float32(0)
        direct *= _sun_seen(boxes, kinds, x + nx, y + ny, z + nz, lights[0])
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
    up = np.float32(0.5) + (np.float32(0.5) * side if axis == 1 else np.float32(0.0))
    for c in range(3):
        ambient = lights[4, c] * up + lights[5, c] * (np.float32(1.0) - up)
        out[c] *= ambient * shade + direct * lights[1, c] + local * lights[3, c]


@njit(cache=True, error_model="numpy")
def _surroundings(panorama, to_linear, height, radius, ox, oy, oz, dx, dy, dz, out):  # type: ignore[no-untyped-def]
    """Panorama as seen from `o`: on the ground plane within a circle, on an upright wall round it."""
    a = dx * dx + dz * dz
    b, c = ox * dx + oz * dz, ox * ox + oz * oz - radius * radius
    root = b * b - a * c
    if root <= 0 or a < np.float32(1e-6):
        _panorama_colour(panorama, to_linear, dx, dy, dz, out)
        return np.float32(1000.0)
    t = (math.sqrt(root) - b) / a
    if dy < np.float32(-1e-4) and oy > 0:
        t = min(t, -oy / dy)
    if t <= 0:
        _panorama_colour(panorama, to_linear, dx, dy, dz, out)
        return np.float32(1000.0)
    _panorama_colour(panorama, to_linear, ox + t * dx, oy + t * dy - height, oz + t * dz, out)
    return np.float32(t)


@njit(cache=True, error_model="numpy")
def _boxes_near(boxes, kinds, origin, rays, first, last, near):  # type: ignore[no-untyped-def]
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
        seen = kinds[b] == 1 or distance <= radius
        if not seen:
            cosine = (cx * mx + cy * my + cz * mz) / distance
            angle = math.acos(min(max(cosine, np.float32(-1.0)), np.float32(1.0)))
            seen = angle <= spread + math.asin(radius / distance)
        if seen:
            near[count] = b
            count += 1
    return count


@njit(cache=True, error_model="numpy", inline="always")
def _nearest_hit(  # type: ignore[no-untyped-def]
    scene, textures, near, count, thin, start, ox, oy, oz, dx, dy, dz, sample
):
    """Distance, axis and box of the first face on a ray, of those nearer than `start`; box -1 for none."""
    boxes, kinds, tiles, repeats, _ = scene
    atlas, starts, to_linear = textures
    ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
    best, best_axis, best_box = start, 1, -1
    for m in range(count):
        b = near[m]
        t, axis = _box_hit(boxes, b, kinds[b] == 1, ox, oy, oz, ix, iy, iz)
        if t < best:
            if kinds[b] == 2:
                # the edges of something cut out of a sheet aren't seen
                if axis != thin[b]:
                    continue
                u, v = _face_uv(boxes, b, axis, repeats[b], ox + t * dx, oy + t * dy, oz + t * dz)
                if _tile_colour(atlas, starts, to_linear, tiles[b, axis], u, v, 1, sample) <= np.float32(0.5):
                    continue
            best, best_axis, best_box = t, axis, b
    return best, best_axis, best_box


@njit(cache=True, error_model="numpy", inline="always")
def _ground_colour(textures, ground, x, z, level, tint, sample, out):  # type: ignore[no-untyped-def]
    """Colour of the ground; a mixed one is the mean of two patterns, so that none is seen to repeat."""
    atlas, starts, to_linear = textures
    tile, mixed, repeat = ground
    _tile_colour(atlas, starts, to_linear, tile, x / repeat, z / repeat, level, out)
    if mixed:
        turned = repeat * np.float32(2.37)
        u, v = (np.float32(0.8) * x + np.float32(0.6) * z), (np.float32(0.8) * z - np.float32(0.6) * x)
        _tile_colour(atlas, starts, to_linear, tile, u / turned, v / turned, max(level - 1, 0), sample)
        for c in range(3):
            out[c] = np.float32(0.5) * (out[c] + sample[c])
    for c in range(3):
        out[c] *= tint[c]


@njit(cache=True, error_model="numpy", inline="always")
def _face_colour(scene, textures, b, axis, distance, angle, slant, x, y, z, out):  # type: ignore[no-untyped-def]
    """Colour of a box's face at a point."""
    boxes, _, tiles, repeats, tints = scene
    atlas, starts, to_linear = textures
    u, v = _face_uv(boxes, b, axis, repeats[b], x, y, z)
    k = 0 if axis == 1 else 1
    level = _level(distance, angle, slant, repeats[b] if repeats[b] > 0 else boxes[b, k + 3] - boxes[b, k])
    _tile_colour(atlas, starts, to_linear, tiles[b, axis], u, v, level, out)
    for c in range(3):
        out[c] *= tints[b, c]


@njit(cache=True, error_model="numpy", inline="always")
def _add_haze(panorama, to_linear, haze, distance, dx, dy, dz, sample, out):  # type: ignore[no-untyped-def]
    """Fade a colour into the panorama above the horizon."""
    fog = np.float32(1.0) - math.exp(-distance / haze)
    fog = fog * fog
    if fog > np.float32(0.004):
        _panorama_colour(panorama, to_linear, dx, max(dy, np.float32(0.02)), dz, sample)
        for c in range(3):
            out[c] = out[c] * (np.float32(1.0) - fog) + sample[c] * fog


@njit(cache=True, error_model="numpy")
def cast_rays(  # type: ignore[no-untyped-def]
    scene, textures, ground, panorama, lights, numbers, origin, rays, block, colours, distances
):
    """Fill colours (P, 3) and distances (P,) of rays (P, 3); see `synth.body.raycast.cast`.

    `scene` is (boxes, kinds, tiles, repeats, tints), `textures` (atlas, first pixel of each size, table of
    linear light), `ground` (tile, mixed, repeat), `lights` the rows sun, its colour, lamp, its colour, sky,
    bounce, ground's tint, and `numbers` haze, the panorama's height and radius, the angle between rays.
    """
    boxes, kinds = scene[0], scene[1]
    haze, height, radius, angle = numbers
    ox, oy, oz = origin
    sample, colour = np.empty(3, np.float32), np.empty(3, np.float32)
    near, thin, count = np.empty(len(boxes), np.int64), np.empty(len(boxes), np.int64), 0
    for b in range(len(boxes)):
        thin[b] = np.argmin(boxes[b, 3:] - boxes[b, :3])
    for n in range(len(rays)):
        if n % block == 0:
            count = _boxes_near(boxes, kinds, origin, rays, n, min(n + block, len(rays)), near)
        dx, dy, dz = rays[n, 0], rays[n, 1], rays[n, 2]
        floor = np.float32(1e8)
        if ground[0] >= 0 and dy < np.float32(-1e-4) and oy > np.float32(0.02):
            floor = -oy * _inverse(dy)
        t, axis, b = _nearest_hit(scene, textures, near, count, thin, floor, ox, oy, oz, dx, dy, dz, sample)
        if t >= np.float32(1e8):
            distances[n] = _surroundings(
                panorama, textures[2], height, radius, ox, oy, oz, dx, dy, dz, colours[n]
            )
            continue
        x, y, z = ox + t * dx, oy + t * dy, oz + t * dz
        towards = dx if axis == 0 else (dy if axis == 1 else dz)
        if b < 0:
            level = _level(t, angle, -dy, ground[2])
            _ground_colour(textures, ground, x, z, level, lights[6], sample, colour)
        else:
            _face_colour(scene, textures, b, axis, t, angle, abs(towards), x, y, z, colour)
        side = np.float32(-1.0) if towards > 0 else np.float32(1.0)
        _illuminate(boxes, kinds, near, count, lights, b, axis, side, x, y, z, colour)
        _add_haze(panorama, textures[2], haze, t, dx, dy, dz, sample, colour)
        for c in range(3):
            colours[n, c] = colour[c]
        distances[n] = t
