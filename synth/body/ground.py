"""The body's shadow on the ground, and the darkness where it touches the ground.

The shadow averages the light map over a window that grows with the distance between what casts it and the ground,
as the half-shadow of a light of some size does. A summed-area table makes every window cost the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.body.light_map import LIGHT_SIDE, LightMap, cross, light_axes

CONTACT_SIDE = 64
"""Cells along a side of the contact map."""

CONTACT_REACH = np.float32(0.35)
"""Height in metres up to which a body darkens the ground below it."""

CONTACT_STRENGTH = np.float32(0.9)
"""Share of the ambient light that a body lying on the ground keeps away."""

_LEAST_CELL = np.float32(0.02)
_LOWEST_LIGHT = 0.08
_SUNK = np.float32(-0.05)
_SHARPEST = np.float32(0.75)
_NOWHERE = np.float32(1e9)
_ALIKE = np.float32(0.04)
"""Difference of light up to which what lies between two pixels is not computed."""

# numba computes in float64 wherever a plain number meets a float32
_ZERO, _FIFTH, _QUARTER, _HALF, _ONE, _FOUR = (np.float32(n) for n in (0, 0.2, 0.25, 0.5, 1, 4))


@dataclass(frozen=True)
class Ground:
    """Light on the ground; made once by `make_ground`, filled by `light_ground` or `clear_ground`.

    Parameters
    ----------
    reach : (H, W, 2) float32
        Share of the key light and of the ambient light that reach the ground seen at each pixel, between the
        columns of `shadowed`.
    shadowed : (H, 2) int64
        First and last column of each row with a shadow; last < first: there is none.
    table : (81, 81, 2) float32
        Summed-area table, for pairs of columns and rows of the light map, of the covered share and of that
        times the distance to the ground along the light in metres.
    contact : (64, 64) float32
        Share of the ambient light kept away from the ground.
    to_contact : (2, 4) float32
        Column and row in `contact` of a point (x, y, z, 1) of the camera frame.
    """

    reach: NDArray[np.float32]
    shadowed: NDArray[np.int64]
    table: NDArray[np.float32]
    contact: NDArray[np.float32]
    to_contact: NDArray[np.float32]


def make_ground(height: int, width: int) -> Ground:
    """Buffers for pictures of H x W pixels."""
    half = LIGHT_SIDE // 2 + 1
    return Ground(
        np.ones((height, width, 2), np.float32),
        np.tile(np.array([width, -1]), (height, 1)),
        np.zeros((half, half, 2), np.float32),
        np.zeros((CONTACT_SIDE, CONTACT_SIDE), np.float32),
        np.zeros((2, 4), np.float32),
    )


def clear_ground(ground: Ground) -> None:
    """Leave the ground without a shadow."""
    ground.shadowed[:] = ground.reach.shape[1], -1


def light_ground(
    ground: Ground,
    light_map: LightMap,
    points: NDArray[np.float32],
    camera: tuple[float, float, float, float, float],
    light: NDArray[np.float32],
    softness: float,
    level: float,
) -> None:
    """Find how much light reaches the ground, after `draw_light_map`.

    Parameters
    ----------
    ground : Ground
        Filled.
    light_map : LightMap
        Of the same mesh and light.
    points : (V, 3) float32
        The mesh's vertices in the camera frame, metres.
    camera : (5,) float
        Intrinsics k00, k01, k02, k11, k12 in pixels.
    light : (5, 3) float32
        Of `Light.as_array`.
    softness : float
        Half the angle of the key light, radians.
    level : float
        The ground is where up . X = level.
    """
    axes, up = light_axes(light), light[1].astype(np.float64)
    slant, to_light = axes @ up, light_map.to_light.astype(np.float64)
    along = np.stack([axes[0], cross(up, axes[0])]).astype(np.float32)
    _draw_contact(points, light[1], np.float32(level), along, ground.contact, ground.to_contact)
    window = (_ZERO, -_NOWHERE)
    if slant[2] >= _LOWEST_LIGHT:
        # of a ground point the nearness is linear in column and row: solve up . X = level for it
        per_cell = -slant[:2] / (slant[2] * np.linalg.norm(to_light[0, :3]))
        base = to_light[2, 3] + level / slant[2] - per_cell @ to_light[:2, 3]
        plane = np.array([base, *per_cell], np.float32)
        furthest = _sum_areas(light_map.samples.inverse_depth, plane, ground.table)
        spread = softness * float(np.linalg.norm(to_light[0, :3])) / 2.0
        window = (np.float32(spread), np.float32(spread * furthest + 1.0))
    _light_rows(
        camera,
        light,
        np.float32(level),
        (light_map.samples.bounds, light_map.to_light, ground.table, window),
        (ground.contact, ground.to_contact),
        ground.reach,
        ground.shadowed,
    )


@njit(cache=True, error_model="numpy")
def _sum_areas(nearness, plane, table):  # type: ignore[no-untyped-def]
    """Fill the table of covered shares and distances, 2 x 2 cells to an entry; returns the greatest distance.

    On the ground the nearness is plane[0] + column * plane[1] + row * plane[2].
    """
    furthest = _ZERO
    for j in range(table.shape[0] - 1):
        covered = distance = _ZERO
        for i in range(table.shape[1] - 1):
            for k in range(4):
                row, column = 2 * j + (k >> 1), 2 * i + (k & 1)
                value = nearness[row, column]
                gap = value - (plane[0] + np.float32(column) * plane[1] + np.float32(row) * plane[2])
                # what is well below the ground casts no shadow on it
                weight = _QUARTER if (value > 0) & (gap > _SUNK) else _ZERO
                furthest = max(furthest, gap if weight > 0 else _ZERO)
                covered += weight
                distance += weight * max(gap, _ZERO)
            table[j + 1, i + 1, 0] = table[j, i + 1, 0] + covered
            table[j + 1, i + 1, 1] = table[j, i + 1, 1] + distance
    return furthest


@njit(cache=True, error_model="numpy")
def _draw_contact(points, up, level, along, contact, to_contact):  # type: ignore[no-untyped-def]
    """Mark the ground below vertices by their height, then blur."""
    side = contact.shape[0]
    contact[:] = 0
    _place_contact(points, up, level, along, side, to_contact)
    for v in range(points.shape[0]):
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        height = up[0] * x + up[1] * y + up[2] * z - level
        if height < CONTACT_REACH:
            column = np.int64(_at(to_contact, 0, x, y, z) + _HALF)
            row = np.int64(_at(to_contact, 1, x, y, z) + _HALF)
            share = _ONE - max(height, _ZERO) / CONTACT_REACH
            contact[row, column] = max(contact[row, column], CONTACT_STRENGTH * share * share)
    scratch = np.empty_like(contact)
    for _ in range(2):
        _blur(contact, scratch)
        _blur(scratch, contact)


@njit(cache=True, error_model="numpy")
def _place_contact(points, up, level, along, side, to_contact):  # type: ignore[no-untyped-def]
    """Choose the map in which all low vertices lie within a margin for the blur."""
    low_x = low_y = np.float32(np.inf)
    high_x = high_y = np.float32(-np.inf)
    for v in range(points.shape[0]):
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        if up[0] * x + up[1] * y + up[2] * z - level < CONTACT_REACH:
            p = along[0, 0] * x + along[0, 1] * y + along[0, 2] * z
            q = along[1, 0] * x + along[1, 1] * y + along[1, 2] * z
            low_x, high_x, low_y, high_y = min(low_x, p), max(high_x, p), min(low_y, q), max(high_y, q)
    to_contact[:] = 0
    # places outside the map, where no vertex is low
    to_contact[:, 3] = -_ONE
    if low_x <= high_x:
        cell = max(max(high_x - low_x, high_y - low_y) / np.float32(side - 16), _LEAST_CELL)
        # element by element: the compiler takes seconds for the check of an array expression's shapes
        for k in range(3):
            to_contact[0, k], to_contact[1, k] = along[0, k] / cell, along[1, k] / cell
        to_contact[0, 3] = _HALF * np.float32(side - 1) - _HALF * (low_x + high_x) / cell
        to_contact[1, 3] = _HALF * np.float32(side - 1) - _HALF * (low_y + high_y) / cell


@njit(cache=True, error_model="numpy")
def _blur(source, target):  # type: ignore[no-untyped-def]
    """Mean of 5 neighbours along the rows, written transposed; the outer two cells stay empty."""
    side = source.shape[0]
    target[:] = 0
    for y in range(side):
        for x in range(2, side - 2):
            total = source[y, x - 2] + source[y, x - 1] + source[y, x] + source[y, x + 1] + source[y, x + 2]
            target[x, y] = total * _FIFTH


@njit(cache=True, error_model="numpy")
def _light_rows(camera, light, level, light_map, contact_map, reach, shadowed):  # type: ignore[no-untyped-def]
    """Fill `reach` and `shadowed`: a pixel whose neighbours on both sides agree gets their mean."""
    k00, k01, k02, k11, k12 = camera
    bounds, _, _, (_, widest) = light_map
    low = np.float32(bounds[0]) * _HALF - widest, np.float32(bounds[1]) * _HALF - widest
    high = np.float32(bounds[2]) * _HALF + widest, np.float32(bounds[3]) * _HALF + widest
    height, width = shadowed.shape[0], reach.shape[1]
    for k in range(height):
        # even rows first, since odd ones lie between them
        y = 2 * k if 2 * k < height else 2 * k - height + 1 - height % 2
        ray_y = np.float32((y - k12) / k11)
        ray = np.float32((-k02 - k01 * ray_y) / k00), np.float32(1.0 / k00), ray_y
        between = (y % 2 == 1) & (y + 1 < height)
        shadowed[y, 0], shadowed[y, 1] = width, -1
        for j in range(width):
            x = 2 * j if 2 * j < width else 2 * j - width + 1 - width % 2
            done = between and _mean(reach, y, x, y - 1, x, y + 1, x)
            if not done and not between and (x % 2 == 1) & (x + 1 < width):
                done = _mean(reach, y, x, y, x - 1, y, x + 1)
            if not done:
                reach[y, x, 0], reach[y, x, 1] = _reach_at(
                    x, ray, light, level, light_map, contact_map, low, high
                )
            if min(reach[y, x, 0], reach[y, x, 1]) < _ONE:
                shadowed[y, 0], shadowed[y, 1] = min(shadowed[y, 0], x), max(shadowed[y, 1], x)


@njit(cache=True, error_model="numpy", inline="always")
def _mean(reach, y, x, y0, x0, y1, x1):  # type: ignore[no-untyped-def]
    """Set a pixel to the mean of two others if these are alike; returns whether they are."""
    key, ambient = reach[y1, x1, 0] - reach[y0, x0, 0], reach[y1, x1, 1] - reach[y0, x0, 1]
    if max(abs(key), abs(ambient)) > _ALIKE:
        return False
    reach[y, x, 0] = reach[y0, x0, 0] + _HALF * key
    reach[y, x, 1] = reach[y0, x0, 1] + _HALF * ambient
    return True


@njit(cache=True, error_model="numpy")
def _reach_at(x, ray, light, level, light_map, contact_map, low, high):  # type: ignore[no-untyped-def]
    """Share of the key light and of the ambient light that reach the ground seen by one pixel."""
    _, to_light, table, (spread, widest) = light_map
    contact, to_contact = contact_map
    ray_x, ray_y = np.float32(x) * ray[1] + ray[0], ray[2]
    upwards = light[1, 0] * ray_x + light[1, 1] * ray_y + light[1, 2]
    # nothing is seen of the ground at the horizon and above it, or by a camera below the ground
    if upwards * level <= 0:
        return _ONE, _ONE
    z = level / upwards
    px, py = ray_x * z, ray_y * z
    key, ambient = _ONE, _ONE
    column, row = _at(to_light, 0, px, py, z) * _HALF, _at(to_light, 1, px, py, z) * _HALF
    if (low[0] < column) & (column < high[0]) & (low[1] < row) & (row < high[1]):
        key = _unshadowed(table, column + _QUARTER, row + _QUARTER, spread, widest)
    last = np.float32(contact.shape[0] - 1)
    u, v = _at(to_contact, 0, px, py, z), _at(to_contact, 1, px, py, z)
    if (u >= 0) & (u < last) & (v >= 0) & (v < last):
        ambient = _ONE - _interpolated(contact, u, v)
    return key, ambient


@njit(cache=True, error_model="numpy", inline="always")
def _at(map_, n, px, py, pz):  # type: ignore[no-untyped-def]
    """Row n of an affine map, applied to a point."""
    return map_[n, 0] * px + map_[n, 1] * py + map_[n, 2] * pz + map_[n, 3]


@njit(cache=True, error_model="numpy", inline="always")
def _unshadowed(table, column, row, spread, widest):  # type: ignore[no-untyped-def]
    """Estimate the share of key light at a ground point: windows follow the mean distance in a wider one.

    All in entries of the table: column, row, by how much a window grows with each metre, and its widest.
    """
    covered, distance = _window(table, column, row, widest)
    for _ in range(2):
        if covered <= 0:
            return _ONE
        radius = max(spread * distance / covered, _SHARPEST)
        covered, distance = _window(table, column, row, radius)
    return _ONE - min(covered / (_FOUR * radius * radius), _ONE)


@njit(cache=True, error_model="numpy", inline="always")
def _window(table, column, row, radius):  # type: ignore[no-untyped-def]
    """Add up a square window, whose borders cut entries in proportion."""
    side = np.float32(table.shape[0] - 1)
    left, right = max(column - radius, _ZERO), min(column + radius, side)
    top, bottom = max(row - radius, _ZERO), min(row + radius, side)
    if left >= right or top >= bottom:
        return _ZERO, _ZERO
    a, b = _sum_to(table, right, bottom), _sum_to(table, left, top)
    c, d = _sum_to(table, right, top), _sum_to(table, left, bottom)
    return a[0] + b[0] - c[0] - d[0], a[1] + b[1] - c[1] - d[1]


@njit(cache=True, error_model="numpy", inline="always")
def _sum_to(table, column, row):  # type: ignore[no-untyped-def]
    """Interpolate the sums up to a place between two lines of the table."""
    last = table.shape[0] - 2
    i, j = min(np.int64(column), last), min(np.int64(row), last)
    fx, fy = column - np.float32(i), row - np.float32(j)
    i0, j0 = np.uint64(i), np.uint64(j)
    i1, j1 = np.uint64(i + 1), np.uint64(j + 1)
    p, q, r, s = (_ONE - fx) * (_ONE - fy), fx * (_ONE - fy), (_ONE - fx) * fy, fx * fy
    return (
        p * table[j0, i0, 0] + q * table[j0, i1, 0] + r * table[j1, i0, 0] + s * table[j1, i1, 0],
        p * table[j0, i0, 1] + q * table[j0, i1, 1] + r * table[j1, i0, 1] + s * table[j1, i1, 1],
    )


@njit(cache=True, error_model="numpy", inline="always")
def _interpolated(contact, x, y):  # type: ignore[no-untyped-def]
    """Contact map at a place between its cells."""
    i, j = np.int64(x), np.int64(y)
    fx, fy = x - np.float32(i), y - np.float32(j)
    i0, j0 = np.uint64(i), np.uint64(j)
    i1, j1 = np.uint64(i + 1), np.uint64(j + 1)
    upper = contact[j0, i0] + fx * (contact[j0, i1] - contact[j0, i0])
    lower = contact[j1, i0] + fx * (contact[j1, i1] - contact[j1, i0])
    return upper + fy * (lower - upper)
