"""Which triangle is seen at each sample of a picture: perspective projection and a z-buffer.

A picture of H x W pixels has s x s samples a pixel: sample (j, i) lies at pixel coordinates
((i + 0.5) / s - 0.5, (j + 0.5) / s - 0.5), so that pixel centres are integers. Projected vertices are
rounded to 1/256 of a sample; from there on coverage is exact arithmetic, without cracks or ties between
neighbours: a sample on an edge belongs to the triangles on both sides, the nearest surface is seen, and
of equally near ones the triangle with the lowest number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.mesh import Mesh
from synth.body.spans import SPAN
from synth.body.textures import MaterialSet
from synth.body.triangles import draw, draw_cut, to_screen
from synth.cameras import BOX

NEAR = 0.05
"""Nearest depth in metres at which anything is seen."""


@dataclass(frozen=True)
class Samples:
    """What is seen at each sample; made once by `make_samples` and filled again by each `rasterise`.

    Parameters
    ----------
    supersampling : int
        Samples along a side of a pixel, s.
    triangle : (s H, s W) int32
        Triangle seen, -1 where there is none.
    inverse_depth : (s H, s W) float32
        One over the depth in metres; 0 where nothing is seen.
    barycentric : (s H, s W, 2) float32
        Weights of the triangle's second and third vertex at the point seen, in space (perspective-correct);
        they mean nothing where nothing is seen.
    bounds : (4,) int64
        First column, first row, last column and last row that may show something; empty if last < first.
    screen : (V, 4) float32
        Scratch: projected vertices.
    """

    supersampling: int
    triangle: NDArray[np.int32]
    inverse_depth: NDArray[np.float32]
    barycentric: NDArray[np.float32]
    bounds: NDArray[np.int64]
    screen: NDArray[np.float32]

    @property
    def depth(self) -> NDArray[np.float32]:
        """Depth (s H, s W) in metres along the optical axis; infinite where nothing is seen."""
        with np.errstate(divide="ignore"):
            return np.float32(1) / self.inverse_depth


def make_samples(vertices: int, height: int = BOX, width: int = BOX, supersampling: int = 1) -> Samples:
    """Buffers for meshes of at most so many vertices.

    Parameters
    ----------
    vertices : int
        Greatest number of vertices that will be rasterised.
    height, width : int
        Pixels.
    supersampling : int
        Samples along a side of a pixel, 1 to 4.

    Returns
    -------
    Samples
        Empty.

    Raises
    ------
    ValueError
        If a size is not positive or the supersampling not within 1 and 4.
    """
    if height < 1 or width < 1 or not 1 <= supersampling <= 4:
        raise ValueError(f"cannot sample {height} x {width} pixels {supersampling} times a side (1 to 4)")
    shape = (height * supersampling, width * supersampling)
    return Samples(
        supersampling,
        _buffer(shape, np.int32, -1),
        _buffer(shape, np.float32, 0),
        _buffer((*shape, 2), np.float32, 0),
        np.array([0, 0, -1, -1]),
        np.zeros((vertices, 4), np.float32),
    )


def _buffer(shape: tuple[int, ...], dtype: type, value: int) -> NDArray[Any]:
    """Array with room behind its end for the samples that a span writes back unchanged."""
    size = math.prod(shape)
    return np.full(size + SPAN * math.prod(shape[2:]), value, dtype)[:size].reshape(shape)


def rasterise(
    samples: Samples,
    mesh: Mesh,
    vertices: ArrayLike,
    K: ArrayLike,
    near: float = NEAR,
    materials: MaterialSet | None = None,
) -> None:
    """Find the triangle seen at each sample.

    Parameters
    ----------
    samples : Samples
        Filled; what it held is lost.
    mesh : Mesh
        V vertices and T triangles. Those seen from behind are left out unless two-sided.
    vertices : (V, 3) float
        In the camera frame (x right, y down, z forward), metres.
    K : (3, 3) float
        Intrinsics in pixels: `pixel = K X / z`.
    near : float
        Depth in metres before which nothing is seen. Triangles that cross it are cut there.
    materials : MaterialSet, optional
        Where these have holes, one sees through; without, triangles are solid.

    Raises
    ------
    ValueError
        If the vertices are not as many as the mesh's, more than `samples` were made for, or K is no
        intrinsic matrix.
    """
    points = as_points(vertices, mesh.vertices)
    if len(points) > len(samples.screen):
        raise ValueError(f"{len(points)} vertices, but the samples were made for {len(samples.screen)}")
    camera = sample_camera(K, samples.supersampling)
    screen = samples.screen[: len(points)]
    holes = None
    if materials is not None and materials.cut_out.any():
        metres = np.float32(2.0 / (camera[0] + camera[3]))
        holes = (mesh.coating, mesh.solid, materials.cut_out, materials.texels, materials.levels, metres)
    seen = (samples.triangle, samples.inverse_depth, samples.barycentric, samples.bounds, holes)
    all_whole = to_screen(points, camera, near, screen)
    draw(screen, mesh.corners, mesh.two_sided, *seen)
    if not all_whole:
        draw_cut(points, screen, mesh.corners, mesh.two_sided, camera, near, *seen)


def as_points(points: ArrayLike, count: int) -> NDArray[np.float32]:
    """Return points as a contiguous (count, 3) float32 array; `ValueError` if they are not as many."""
    array = np.ascontiguousarray(points, dtype=np.float32)
    if array.shape != (count, 3):
        raise ValueError(f"points have shape {array.shape}; the mesh needs ({count}, 3)")
    return array


def sample_camera(K: ArrayLike, supersampling: int) -> tuple[float, float, float, float, float]:
    """Intrinsics k00, k01, k02, k11, k12 in units of samples."""
    rows, s = np.asarray(K, dtype=np.float64).tolist(), supersampling
    match rows:
        case [[fx, skew, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]] if fx > 0 and fy > 0:
            if all(map(math.isfinite, (fx, skew, cx, fy, cy))):
                return fx * s, skew * s, (cx + 0.5) * s - 0.5, fy * s, (cy + 0.5) * s - 0.5
    raise ValueError(f"K must be [[fx, s, cx], [0, fy, cy], [0, 0, 1]] with fx, fy > 0, not {rows}")
