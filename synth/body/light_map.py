"""The body as its key light sees it, and from that the body's shadow on itself.

The light map holds the surface nearest to the key light, seen along the light as a parallel projection. A point
of the body is in shadow where the map shows something nearer to the light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.body.mesh import Mesh
from synth.body.rasteriser import Samples, make_samples
from synth.body.triangles import SUBSAMPLES, draw

LIGHT_SIDE = 160
"""Cells along a side of the light map."""

_MARGIN = 4
_BIAS = np.float32(0.005)
_TYPICAL_GAP = 0.25
_NARROWEST, _WIDEST = 1.0, 4.0
_LIFT = 1.2
_ZERO, _QUARTER, _HALF, _ONE = (np.float32(n) for n in (0, 0.25, 0.5, 1))
_FIRST = np.float32(0.75)


@dataclass(frozen=True)
class LightMap:
    """What the key light sees; made once by `make_light_map`, filled by `draw_light_map`.

    Parameters
    ----------
    samples : Samples
        160 x 160 cells; `inverse_depth` holds the nearness to the light in metres, from 1 on, or 0.
    to_light : (4, 4) float32
        Rows 0 to 2: column, row and nearness of a point (x, y, z, 1) of the camera frame. Row 3: radius in
        cells of the window of the body's own shadow, and by how many metres points are lifted off their
        surface before they are compared.
    """

    samples: Samples
    to_light: NDArray[np.float32]


def make_light_map(vertices: int) -> LightMap:
    """Buffers for meshes of at most so many vertices."""
    return LightMap(make_samples(vertices, LIGHT_SIDE, LIGHT_SIDE), np.zeros((4, 4), np.float32))


def draw_light_map(
    light_map: LightMap, mesh: Mesh, points: NDArray[np.float32], light: NDArray[np.float32], softness: float
) -> None:
    """See a mesh along the key light; holes in its textures count as solid.

    Parameters
    ----------
    light_map : LightMap
        Filled.
    mesh : Mesh
        V vertices.
    points : (V, 3) float32
        In the camera frame, metres.
    light : (5, 3) float32
        Of `Light.as_array`.
    softness : float
        Half the angle of the key light, radians.

    Raises
    ------
    ValueError
        If there is no vertex, or one is not finite.
    """
    axes = light_axes(light)
    low, high = _extent(points, axes)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise ValueError(f"vertices must be finite numbers; they reach from {low} to {high} along the light")
    scale = (LIGHT_SIDE - 2 * _MARGIN) / max(float((high - low)[:2].max()), 1e-3)
    radius = min(max(softness * _TYPICAL_GAP * scale, _NARROWEST), _WIDEST)
    to_light = light_map.to_light
    to_light[:2, :3] = axes[:2] * scale
    to_light[:2, 3] = _MARGIN - low[:2] * scale
    to_light[2, :3], to_light[2, 3] = axes[2], 1.0 - low[2]
    # a plane at any slant then stays clear of its own window
    to_light[3, :2] = radius, _LIFT * radius / scale
    samples = light_map.samples
    screen = samples.screen[: len(points)]
    _project(points, to_light, screen)
    seen = (samples.triangle, samples.inverse_depth, None, samples.bounds)
    draw(screen, mesh.corners, mesh.two_sided, *seen, None)


def light_axes(light: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows: two axes across the light, the first along the ground, and the direction to the light.

    The first two and the way from the light are right-handed, as the camera's are.
    """
    towards, up = light[0].astype(np.float64), light[1].astype(np.float64)
    across = cross(up, towards)
    if math.hypot(*across.tolist()) < 1e-3:
        across = cross(np.eye(3)[np.argmin(np.abs(towards))], towards)
    across /= math.hypot(*across.tolist())
    return np.stack([across, cross(across, towards), towards])


def cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cross product of two vectors (3,); `numpy.cross` takes ten times as long for so few."""
    (ax, ay, az), (bx, by, bz) = a.tolist(), b.tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


@njit(cache=True, error_model="numpy")
def _extent(points, axes):  # type: ignore[no-untyped-def]
    """Least and greatest coordinate (3,), (3,) of points along three axes."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for k in range(3):
        ax, ay, az = np.float32(axes[k, 0]), np.float32(axes[k, 1]), np.float32(axes[k, 2])
        least, most = np.float32(np.inf), np.float32(-np.inf)
        for v in range(points.shape[0]):
            value = ax * points[v, 0] + ay * points[v, 1] + az * points[v, 2]
            least, most = min(least, value), max(most, value)
        low[k], high[k] = least, most
    return low, high


@njit(cache=True, error_model="numpy")
def _project(points, to_light, screen):  # type: ignore[no-untyped-def]
    """Places in the light map as `draw` takes them."""
    m = to_light
    for v in range(points.shape[0]):
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        screen[v, 0] = np.rint((m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]) * SUBSAMPLES)
        screen[v, 1] = np.rint((m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]) * SUBSAMPLES)
        screen[v, 2] = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]


@njit(cache=True, error_model="numpy", inline="always")
def lit_share(nearness, to_light, px, py, pz, nx, ny, nz, odd_x, odd_y):  # type: ignore[no-untyped-def]
    """Share of the key light that reaches a point of the body.

    The window has 4 x 4 places, of which every sample looks at four: the samples of a pixel, told apart by
    their parity, look at all.

    Parameters
    ----------
    nearness : (160, 160) float32
        Of the light map.
    to_light : (4, 4) float32
        Of the light map.
    px, py, pz, nx, ny, nz : float32
        Point and unit normal.
    odd_x, odd_y : int
        Column and row of the sample, modulo 2.

    Returns
    -------
    float32
        0, 0.25, 0.5, 0.75 or 1.
    """
    m = to_light
    lift = m[3, 1]
    x, y, z = px + lift * nx, py + lift * ny, pz + lift * nz
    column = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
    row = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
    here = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3] + _BIAS
    # places at -3/4, -1/4, 1/4 and 3/4 of the radius; half a cell more, to round
    radius = m[3, 0]
    column += (np.float32(odd_x) * _HALF - _FIRST) * radius + _HALF
    row += (np.float32(odd_y) * _HALF - _FIRST) * radius + _HALF
    last = np.float32(nearness.shape[0] - 1)
    c0 = np.uint64(np.int64(min(max(column, _ZERO), last)))
    c1 = np.uint64(np.int64(min(max(column + radius, _ZERO), last)))
    r0 = np.uint64(np.int64(min(max(row, _ZERO), last)))
    r1 = np.uint64(np.int64(min(max(row + radius, _ZERO), last)))
    hidden = np.int64(nearness[r0, c0] > here) + np.int64(nearness[r0, c1] > here)
    hidden += np.int64(nearness[r1, c0] > here) + np.int64(nearness[r1, c1] > here)
    return _ONE - _QUARTER * np.float32(hidden)
