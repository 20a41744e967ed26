"""Kernels of the z-buffer: projection, whole triangles, and triangles that cross the near plane."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from synth.body.holes import in_hole
from synth.body.spans import SPAN, draw_span

SUBSAMPLES = 256
"""Steps between two samples to which projected vertices are rounded."""

_SAMPLE = np.float32(1 / SUBSAMPLES)
_BLOCK = 256
_SMALL = 64 * SUBSAMPLES
"""Triangles that reach less far each way have areas, and those of a span about them, below 2^31."""

_LIMIT = float(2**13 * SUBSAMPLES)
"""Vertices farther outside are not rounded: their triangles go the way of those that cross the near plane."""


@njit(cache=True, error_model="numpy")
def to_screen(points, camera, near, screen):  # type: ignore[no-untyped-def]
    """Project points; returns whether all of them lie beyond the near plane and not too far outside.

    `screen` (V, 4) float32 gets x and y in 1/256 of a sample, whole numbers, and 1 / z, or 0 for points that
    do not.
    """
    k00, k01, k02, k11, k12 = camera
    whole = True
    for v in range(points.shape[0]):
        x, y, z = np.float64(points[v, 0]), np.float64(points[v, 1]), np.float64(points[v, 2])
        inverse = 1.0 / z
        sx = np.rint(((k00 * x + k01 * y) * inverse + k02) * SUBSAMPLES)
        sy = np.rint((k11 * y * inverse + k12) * SUBSAMPLES)
        fits = z >= near and abs(sx) < _LIMIT and abs(sy) < _LIMIT
        whole &= fits
        screen[v, 0] = sx
        screen[v, 1] = sy
        screen[v, 2] = inverse if fits else 0.0
    return whole


@njit(cache=True, error_model="numpy")
def draw(screen, triangles, two_sided, seen, nearness, barycentric, bounds, holes):  # type: ignore[no-untyped-def]
    """Clear the buffers and draw all triangles whose vertices have a positive nearness.

    Parameters
    ----------
    screen : (V, 4) float32
        x and y in 1/256 of a sample, whole numbers below 2^21 in size, and a nearness that is linear in
        the picture (the inverse depth under perspective); 0: triangles with this vertex are left out.
    triangles : (T, 3 or more) int32
        Vertices.
    two_sided : (T,) bool
        Whether to draw a triangle that is seen from behind.
    seen : (H, W) int32
        Filled with the nearest triangle, -1 where there is none. Behind the end of this and of the next two
        there is room for `SPAN` samples more.
    nearness : (H, W) float32
        Filled with the nearness there, 0 where there is nothing.
    barycentric : (H, W, 2) float32
        Filled with the weights of the second and third vertex, perspective-correct; may be None.
    bounds : (4,) int64
        Filled with the first column, first row, last column and last row of all that was drawn.
    holes : tuple, optional
        As `in_hole` takes them; None: triangles are solid.
    """
    seen[:] = -1
    nearness[:] = 0
    bounds[0], bounds[1], bounds[2], bounds[3] = seen.shape[1], seen.shape[0], -1, -1
    worth = np.empty(_BLOCK, np.uint64)
    for start in range(0, triangles.shape[0], _BLOCK):
        count = _cull(screen, triangles, two_sided, start, worth)
        for n in range(count):
            _draw_triangle(screen, triangles, worth[n], seen, nearness, barycentric, bounds, holes)


@njit(cache=True, error_model="numpy", inline="always")
def _cull(screen, triangles, two_sided, start, worth):  # type: ignore[no-untyped-def]
    """List the triangles of a block that may cover a sample; returns their number.

    Half of a body is turned away and half of the rest slips between the samples, in no foreseeable order:
    written without a branch.
    """
    count = 0
    for t in range(np.uint64(start), np.uint64(min(start + _BLOCK, triangles.shape[0]))):
        a, b, c = np.uint64(triangles[t, 0]), np.uint64(triangles[t, 1]), np.uint64(triangles[t, 2])
        ax, ay, bx, by = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
        cx, cy = screen[c, 0], screen[c, 1]
        area = np.float64(bx - ax) * np.float64(cy - ay) - np.float64(by - ay) * np.float64(cx - ax)
        between_x = np.floor(max(ax, bx, cx) * _SAMPLE) >= min(ax, bx, cx) * _SAMPLE
        between_y = np.floor(max(ay, by, cy) * _SAMPLE) >= min(ay, by, cy) * _SAMPLE
        whole = min(screen[a, 2], screen[b, 2], screen[c, 2]) > 0
        worth[count] = t
        count += ((area < 0) | ((area > 0) & two_sided[t])) & between_x & between_y & whole
    return count


@njit(cache=True, error_model="numpy", inline="always")
def _draw_triangle(screen, triangles, t, seen, nearness, barycentric, bounds, holes):  # type: ignore[no-untyped-def]
    a, b, c = np.uint64(triangles[t, 0]), np.uint64(triangles[t, 1]), np.uint64(triangles[t, 2])
    # whole numbers, whose products stay below 2^53
    ax, ay = np.int64(screen[a, 0]), np.int64(screen[a, 1])
    bx, by = np.int64(screen[b, 0]), np.int64(screen[b, 1])
    cx, cy = np.int64(screen[c, 0]), np.int64(screen[c, 1])
    low_x, high_x, low_y, high_y = min(ax, bx, cx), max(ax, bx, cx), min(ay, by, cy), max(ay, by, cy)
    first_x, last_x = _covered(low_x, high_x, seen.shape[1])
    first_y, last_y = _covered(low_y, high_y, seen.shape[0])
    if first_x > last_x or first_y > last_y:
        return
    _extend(bounds, first_x, first_y, last_x, last_y)
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    sign = 1 if area > 0 else -1
    step = sign * SUBSAMPLES
    px, py = first_x * SUBSAMPLES, first_y * SUBSAMPLES
    # twice the areas opposite a, b, c, positive inside
    edges = (
        sign * ((bx - px) * (cy - py) - (by - py) * (cx - px)),
        sign * ((cx - px) * (ay - py) - (cy - py) * (ax - px)),
        sign * ((ax - px) * (by - py) - (ay - py) * (bx - px)),
    )
    right = (step * (by - cy), step * (cy - ay), step * (ay - by))
    down = (step * (cx - bx), step * (ax - cx), step * (bx - ax))
    inverse = 1.0 / (sign * area)
    near_a, near_b, near_c = np.float64(screen[a, 2]), np.float64(screen[b, 2]), np.float64(screen[c, 2])
    slope_b, slope_c = (near_b - near_a) * inverse, (near_c - near_a) * inverse
    slopes = (near_a, slope_b, slope_c, near_b * inverse, near_c * inverse)
    where = (first_x, first_y, last_x, last_y)
    small = max(high_x - low_x, high_y - low_y) < _SMALL
    if small and (holes is None or holes[1][t]):
        _draw_spans(np.int64(t), where, edges, right, down, slopes, seen, nearness, barycentric)
    else:
        _draw_samples(triangles, t, where, edges, right, down, slopes, seen, nearness, barycentric, holes)


@njit(cache=True, error_model="numpy", inline="always")
def _draw_spans(t, where, edges, right, down, slopes, seen, nearness, barycentric):  # type: ignore[no-untyped-def]
    """Draw a small triangle without holes, several samples at once."""
    first_x, first_y, last_x, last_y = where
    base, slope_b, slope_c = np.float32(slopes[0]), np.float32(slopes[1]), np.float32(slopes[2])
    depth = (base, slope_b, slope_c, np.float32(slopes[3]), np.float32(slopes[4]))
    inside_a, inside_b, inside_c = edges
    row = first_y * seen.shape[1]
    for _ in range(last_y - first_y + 1):
        for x in range(first_x, last_x + 1, SPAN):
            n = x - first_x
            here = (inside_a + n * right[0], inside_b + n * right[1], inside_c + n * right[2])
            draw_span(seen, nearness, barycentric, row + x, last_x + 1 - x, t, here, right, depth)
        inside_a, inside_b, inside_c = inside_a + down[0], inside_b + down[1], inside_c + down[2]
        row += seen.shape[1]


@njit(cache=True, error_model="numpy")
def _draw_samples(triangles, t, where, edges, right, down, slopes, seen, nearness, barycentric, holes):  # type: ignore[no-untyped-def]
    """Draw a triangle of any size, sample by sample."""
    first_x, first_y, last_x, last_y = where
    near_a, slope_b, slope_c, share_b, share_c = slopes
    row_a, row_b, row_c = edges
    for y in range(np.uint64(first_y), np.uint64(last_y + 1)):
        inside_a, inside_b, inside_c = row_a, row_b, row_c
        for x in range(np.uint64(first_x), np.uint64(last_x + 1)):
            near = near_a + inside_b * slope_b + inside_c * slope_c
            # one branch instead of four, for none is foreseeable
            if (min(inside_a, inside_b, inside_c) >= 0) & (np.float32(near) > nearness[y, x]):
                wb, wc = np.float32(inside_b * share_b / near), np.float32(inside_c * share_c / near)
                if holes is None or not in_hole(holes, triangles, t, wb, wc, near):
                    nearness[y, x] = near
                    seen[y, x] = t
                    if barycentric is not None:
                        barycentric[y, x, 0], barycentric[y, x, 1] = wb, wc
            inside_a += right[0]
            inside_b += right[1]
            inside_c += right[2]
        row_a += down[0]
        row_b += down[1]
        row_c += down[2]


@njit(cache=True, error_model="numpy", inline="always")
def _covered(low, high, count):  # type: ignore[no-untyped-def]
    """First and last of `count` samples between two places in 1/256 of a sample."""
    first, last = (low + (SUBSAMPLES - 1)) >> 8, high >> 8
    return max(first, 0), min(last, count - 1)


@njit(cache=True, error_model="numpy", inline="always")
def _extend(bounds, first_x, first_y, last_x, last_y):  # type: ignore[no-untyped-def]
    bounds[0], bounds[1] = min(bounds[0], first_x), min(bounds[1], first_y)
    bounds[2], bounds[3] = max(bounds[2], last_x), max(bounds[3], last_y)


@njit(cache=True, error_model="numpy")
def draw_cut(points, screen, triangles, two_sided, camera, near, seen, nearness, barycentric, bounds, holes):  # type: ignore[no-untyped-def]
    """Draw the triangles that `draw` leaves out, sample by sample: viewing ray against the plane.

    Camera, plane and sample give the volumes that the ray's direction spans with two vertices each; their
    shares are the barycentric weights, and no vertex is ever divided by its depth.
    """
    k00, k01, k02, k11, k12 = camera
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if screen[a, 2] > 0 and screen[b, 2] > 0 and screen[c, 2] > 0:
            continue
        x0, y0, x1, y1 = _cut_bounds(points, triangles[t], camera, near, seen.shape)
        va, vb, vc = _vector(points, a), _vector(points, b), _vector(points, c)
        na, nb, nc = _cross(vb, vc), _cross(vc, va), _cross(va, vb)
        volume = _dot(va, na)
        if x0 > x1 or y0 > y1 or not (volume < 0 or (volume > 0 and two_sided[t])):
            continue
        _extend(bounds, x0, y0, x1, y1)
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                ray_y = (y - k12) / k11
                ray = ((x - k02 - k01 * ray_y) / k00, ray_y, 1.0)
                wa, wb, wc = _dot(ray, na) / volume, _dot(ray, nb) / volume, _dot(ray, nc) / volume
                total = wa + wb + wc
                if not (wa >= 0 and wb >= 0 and wc >= 0 and total * near <= 1.0):
                    continue
                here = np.float32(total)
                if not (here > nearness[y, x] or (here == nearness[y, x] and t < seen[y, x])):
                    continue
                wb, wc = np.float32(wb / total), np.float32(wc / total)
                if holes is None or not in_hole(holes, triangles, t, wb, wc, total):
                    nearness[y, x] = here
                    seen[y, x] = t
                    barycentric[y, x, 0], barycentric[y, x, 1] = wb, wc


@njit(cache=True, error_model="numpy")
def _cut_bounds(points, triangle, camera, near, shape):  # type: ignore[no-untyped-def]
    """First and last sample, each way, of the part of a triangle that lies beyond the near plane."""
    k00, k01, k02, k11, k12 = camera
    x0, y0, x1, y1 = np.inf, np.inf, -np.inf, -np.inf
    for n in range(3):
        p, q = _vector(points, triangle[n]), _vector(points, triangle[(n + 1) % 3])
        for end in range(2):
            if end == 0:
                if not p[2] >= near:
                    continue
                x, y, z = p
            else:
                if (p[2] >= near) == (q[2] >= near):
                    continue
                share = (near - p[2]) / (q[2] - p[2])
                x, y, z = p[0] + share * (q[0] - p[0]), p[1] + share * (q[1] - p[1]), near
            sx, sy = (k00 * x + k01 * y) / z + k02, k11 * y / z + k12
            x0, x1, y0, y1 = min(x0, sx), max(x1, sx), min(y0, sy), max(y1, sy)
    height, width = shape
    if not (x0 < width and x1 > -1 and y0 < height and y1 > -1):
        return 0, 0, -1, -1
    # one sample more each way, for these borders are rounded
    return (
        np.int64(math.floor(max(x0, 0.0))),
        np.int64(math.floor(max(y0, 0.0))),
        np.int64(math.ceil(min(x1, width - 1.0))),
        np.int64(math.ceil(min(y1, height - 1.0))),
    )


@njit(cache=True, error_model="numpy", inline="always")
def _vector(points, n):  # type: ignore[no-untyped-def]
    return np.float64(points[n, 0]), np.float64(points[n, 1]), np.float64(points[n, 2])


@njit(cache=True, error_model="numpy", inline="always")
def _cross(p, q):  # type: ignore[no-untyped-def]
    return p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]


@njit(cache=True, error_model="numpy", inline="always")
def _dot(p, q):  # type: ignore[no-untyped-def]
    return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]
