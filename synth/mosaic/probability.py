"""The index map of a mosaic, Eq. 5: which source is the most probable at each pixel.

Triangles are rasterised straight into a map of the greatest probability so far and its label; the map of
any one source never exists.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.cameras import BOX
from synth.native import float_bits

NO_SOURCE = 255
"""Label of a pixel that no source's photograph reaches."""

_EDGE = 1e-4
"""A pixel centre this close to a triangle (pixels) belongs to it, so that neighbours leave no crack."""

_THIN = 1e-3
"""A triangle less high than this (pixels) is left to its neighbours."""


def vertex_probabilities(
    queries: NDArray[np.floating], aligned: NDArray[np.floating], sigma: float
) -> NDArray[np.float64]:
    """prob_j(q'_k) = exp(-d(p_k, q'_k)^2 / sigma^2), the vertex values below Eq. 4.

    Parameters
    ----------
    queries, aligned : (..., 13, 2) float
        p and q', box pixels.
    sigma : float
        Pixels.

    Returns
    -------
    (..., 13) float64
    """
    squared = ((queries - aligned) ** 2).sum(axis=-1)
    return np.exp(-squared / sigma**2)


@njit(cache=True, error_model="numpy")
def index_map(vertices, probabilities, triangles, to_crop, valid, ramp, best, label):  # type: ignore[no-untyped-def]
    """Index of the most probable source at each pixel (Eq. 5); the first of equals.

    Parameters
    ----------
    vertices : (S, 17, 2) float64
        Aligned joints q' and crop corners of each source, box pixels.
    probabilities : (S, 17) float64
        Value at each vertex; 0 at corners.
    triangles : (S, T, 3) int8
        Vertices of each triangle, rows of -1 at the end.
    to_crop : (S, 2, 3) float64
        From box pixels to pixels of the stored crop.
    valid : (S, 4) float32
        x0, y0, x1, y1 of the photograph within the stored crop.
    ramp : (220,) float32
        0, 1, 2, …
    best : (220 * 220,) int32
        Scratch: the bits of the greatest probability so far, of which the last four name its source. This
        rounds probabilities to 2e-6 of themselves and makes a comparison of both a single maximum.
    label : (220, 220) uint8
        Filled with source numbers, `NO_SOURCE` where no valid pixel of any source lies.

    Returns
    -------
    int
        Number of pixels without a source.
    """
    nothing = np.int32(-(2**31))
    best[:] = nothing
    first = np.empty(BOX, np.int64)
    last = np.empty(BOX, np.int64)
    for s in range(vertices.shape[0]):
        _valid_spans(to_crop[s], valid[s], first, last)
        for t in range(triangles.shape[1]):
            if triangles[s, t, 0] < 0:
                break
            _rasterise(
                vertices[s], probabilities[s], triangles[s, t], np.int32(15 - s), first, last, ramp, best
            )
    empty = 0
    for y in range(BOX):
        for x in range(BOX):
            bits = best[y * BOX + x]
            empty += bits == nothing
            label[y, x] = np.uint8(15 - (bits & 15)) if bits != nothing else np.uint8(NO_SOURCE)
    return empty


@njit(cache=True, error_model="numpy")
def _valid_spans(to_crop, valid, first, last):  # type: ignore[no-untyped-def]
    """First and last pixel of each box row whose source pixel lies within the photograph."""
    for y in range(BOX):
        low, high = 0.0, BOX - 1.0
        for axis in range(2):
            slope = to_crop[axis, 0]
            start = to_crop[axis, 1] * y + to_crop[axis, 2]
            least, most = valid[axis] - start - _EDGE, valid[axis + 2] - start + _EDGE
            if abs(slope) < 1e-12:
                if least > 0 or most < 0:
                    high = -1.0
            elif slope > 0:
                low, high = max(low, least / slope), min(high, most / slope)
            else:
                low, high = max(low, most / slope), min(high, least / slope)
        first[y] = np.int64(np.ceil(low))
        last[y] = np.int64(np.floor(high)) if high >= 0 else -1


@njit(cache=True, error_model="numpy")
def _rasterise(vertices, probabilities, triangle, tag, first, last, ramp, best):  # type: ignore[no-untyped-def]
    """Put one triangle into the maximum map, barycentric between its vertices' probabilities."""
    a, b, c = triangle[0], triangle[1], triangle[2]
    ax, ay = vertices[a, 0], vertices[a, 1]
    bx, by = vertices[b, 0], vertices[b, 1]
    cx, cy = vertices[c, 0], vertices[c, 1]
    double_area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    longest = np.sqrt(
        max(
            max((bx - ax) ** 2 + (by - ay) ** 2, (cx - bx) ** 2 + (cy - by) ** 2),
            (ax - cx) ** 2 + (ay - cy) ** 2,
        )
    )
    if abs(double_area) < _THIN * longest:
        return
    pa, pb, pc = probabilities[a], probabilities[b], probabilities[c]
    step_x = ((pb - pa) * (cy - ay) - (pc - pa) * (by - ay)) / double_area
    step_y = ((pc - pa) * (bx - ax) - (pb - pa) * (cx - ax)) / double_area
    if double_area < 0:
        bx, by, cx, cy = cx, cy, bx, by
    top = max(0, np.int64(np.ceil(min(ay, min(by, cy)) - _EDGE)))
    bottom = min(BOX - 1, np.int64(np.floor(max(ay, max(by, cy)) + _EDGE)))
    low0, high0, low_slope0, high_slope0 = _side(ax, ay, bx, by)
    low1, high1, low_slope1, high_slope1 = _side(bx, by, cx, cy)
    low2, high2, low_slope2, high_slope2 = _side(cx, cy, ax, ay)
    step = np.float32(step_x)
    tag, keep = np.int32(tag), np.int32(~15)
    for y in range(top, bottom + 1):
        low = max(
            max(low0 + low_slope0 * y, low1 + low_slope1 * y),
            max(low2 + low_slope2 * y, np.float64(first[y])),
        )
        high = min(
            min(high0 + high_slope0 * y, high1 + high_slope1 * y),
            min(high2 + high_slope2 * y, np.float64(last[y])),
        )
        if low > high:
            continue
        start = np.int64(np.ceil(low))
        count = np.int64(np.floor(high)) + 1 - start
        value = np.float32(pa + step_x * (start - ax) + step_y * (y - ay))
        # Unsigned places and no slice: either would cost more than a short row itself.
        place = np.uint64(y * BOX + start)
        for x in range(np.uint64(count)):
            best[place + x] = max(best[place + x], float_bits(value + step * ramp[x]) & keep | tag)


@njit(cache=True, error_model="numpy", inline="always")
def _side(ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """Bounds on x in row y, low + low_slope y and high + high_slope y, left of the directed edge a-b.

    Counter-clockwise in x right, y down: inside is dx (y - ay) - dy (x - ax) >= 0. An edge that runs along
    the row bounds nothing: the triangle's first and last row do.
    """
    dx, dy = bx - ax, by - ay
    low, high, low_slope, high_slope = -np.inf, np.inf, 0.0, 0.0
    if abs(dy) > 1e-6:
        slope = dx / dy
        slack = _EDGE * np.sqrt(1 + slope * slope)
        if dy > 0:
            high, high_slope = ax - slope * ay + slack, slope
        else:
            low, low_slope = ax - slope * ay - slack, slope
    return low, high, low_slope, high_slope
