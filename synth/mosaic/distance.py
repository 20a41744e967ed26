"""The window of each pixel, Eq. 7: its size grows with the distance to the rasterised skeleton."""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.cameras import BOX

_SUBPIXEL = 256.0


@njit(cache=True, error_model="numpy")
def rasterise_skeleton(joints, bones, mask):  # type: ignore[no-untyped-def]
    """Mark the pixels whose centre lies within half a pixel of a bone.

    Coordinates are first rounded to 1/256 px, so that the result mirrors exactly under x -> 219 - x.

    Parameters
    ----------
    joints : (13, 2) float64
        Box pixels; joints may lie outside the box.
    bones : (B, 2) int64
        Pairs of joints.
    mask : (220, 220) bool
        Filled.
    """
    mask[:] = False
    for b in range(bones.shape[0]):
        ax = np.rint(joints[bones[b, 0], 0] * _SUBPIXEL) / _SUBPIXEL
        ay = np.rint(joints[bones[b, 0], 1] * _SUBPIXEL) / _SUBPIXEL
        bx = np.rint(joints[bones[b, 1], 0] * _SUBPIXEL) / _SUBPIXEL
        by = np.rint(joints[bones[b, 1], 1] * _SUBPIXEL) / _SUBPIXEL
        dx, dy = bx - ax, by - ay
        squared = dx * dx + dy * dy
        for y in range(max(0, int(min(ay, by) - 1)), min(BOX - 1, int(max(ay, by) + 1)) + 1):
            low, high = _near_row(ax, ay, dx, dy, squared, y)
            for x in range(max(0, low), min(BOX - 1, high) + 1):
                px, py = x - ax, y - ay
                along = px * dx + py * dy
                along = 0.0 if along < 0 else (squared if along > squared else along)
                # |p - a - t d|^2 <= 1/4 with t = along / squared, times squared^2.
                ex, ey = px * squared - along * dx, py * squared - along * dy
                if (
                    ex * ex + ey * ey <= 0.25 * squared * squared
                    if squared > 0
                    else px * px + py * py <= 0.25
                ):
                    mask[y, x] = True


@njit(cache=True, error_model="numpy")
def _near_row(ax, ay, dx, dy, squared, y):  # type: ignore[no-untyped-def]
    """Columns of row y that may lie within half a pixel of the bone a + t d."""
    if abs(dy) < 1e-9:
        return math.floor(min(ax, ax + dx) - 1), math.ceil(max(ax, ax + dx) + 1)
    # Within half a pixel of the line means within that many columns of where it crosses the row.
    reach = 0.5 * math.sqrt(squared) / abs(dy) + 1
    centre = ax + (y - ay) * dx / dy
    low = max(min(ax, ax + dx) - 1, centre - reach)
    high = min(max(ax, ax + dx) + 1, centre + reach)
    return math.floor(low), math.ceil(high)


@njit(cache=True, error_model="numpy")
def squared_distances(mask, columns, squared):  # type: ignore[no-untyped-def]
    """Exact squared Euclidean distance transform, by columns and then by lower envelopes of rows.

    Parameters
    ----------
    mask : (220, 220) bool
        The rasterised skeleton.
    columns : (220, 220) int32
        Scratch.
    squared : (220, 220) int32
        Filled with the squared distance to the nearest marked pixel; 2 * 220^2 where nothing is marked.
    """
    far = np.int32(BOX)
    reciprocal = np.empty(BOX)
    for k in range(1, BOX):
        reciprocal[k] = 0.5 / k
    for x in range(BOX):
        columns[0, x] = np.int32(0) if mask[0, x] else far
    for y in range(1, BOX):
        for x in range(BOX):
            columns[y, x] = np.int32(0) if mask[y, x] else np.int32(min(columns[y - 1, x] + 1, far))
    for y in range(BOX - 2, -1, -1):
        for x in range(BOX):
            columns[y, x] = min(columns[y, x], np.int32(columns[y + 1, x] + 1))
    vertex = np.empty(BOX, np.int64)
    height = np.empty(BOX, np.int64)
    start = np.empty(BOX + 1, np.int64)
    for y in range(BOX):
        top = -1
        for x in range(BOX):
            g = np.int64(columns[y, x])
            if g >= far:
                continue
            g = g * g
            while top >= 0:
                u, at = vertex[top], start[top]
                # The last parabola goes if this one lies below it already where it begins.
                if (at - x) * (at - x) + g > (at - u) * (at - u) + height[top]:
                    break
                top -= 1
            begin = 0
            if top >= 0:
                u = vertex[top]
                # Where the parabola of x falls below that of u; where both are equal, either will do.
                begin = np.int64(math.floor((x * x - u * u + g - height[top]) * reciprocal[x - u])) + 1
            if begin < BOX:
                top += 1
                vertex[top], height[top], start[top] = x, g, begin
        if top < 0:
            squared[y, :] = np.int32(2 * BOX * BOX)
            continue
        start[top + 1] = BOX
        row = np.uint64(y)
        for k in range(top + 1):
            u, g = vertex[k], height[k]
            centre, lift = np.int32(u), np.int32(g)
            for x in range(np.uint64(start[k]), np.uint64(start[k + 1])):
                away = np.int32(x) - centre
                squared[row, x] = away * away + lift


def half_sizes(alpha: float, beta: float, window: str) -> NDArray[np.uint8]:
    """Half size h of the window (2h + 1)^2 for every squared distance, Eq. 7: R = alpha + beta d.

    Parameters
    ----------
    alpha, beta : float
        Pixels; pixels per pixel.
    window : {"side", "half"}
        Whether R is the side of the square (h = floor(R / 2)) or half of it (h = floor(R)).

    Returns
    -------
    (2 * 220^2 + 1,) uint8
    """
    size = alpha + beta * np.sqrt(np.arange(2 * BOX * BOX + 1))
    return np.minimum(np.floor(size / 2 if window == "side" else size), BOX).astype(np.uint8)
