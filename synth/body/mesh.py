"""Triangle meshes as the renderer takes them: what stays the same while vertices move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

PARTS = 255
"""Part numbers run from 1 to this; 0 is the background."""


@dataclass(frozen=True)
class Mesh:
    """Triangles, their texture coordinates and what they belong to; made by `make_mesh`.

    The front of a triangle is where its vertices are seen counter-clockwise. Texture coordinates have
    u to the right and v **down**, (0, 0) at the outer corner of the first texel and (1, 1) at that of the
    last; textures repeat beyond.

    Parameters
    ----------
    vertices : int
        Number V of vertices.
    triangles : (T, 3) int32
        Vertices of each triangle.
    uv : (T, 3, 2) float32
        Texture coordinates at its corners.
    material : (T,) int32
        Position of its material in the `MaterialSet` it is shaded with.
    part : (T,) uint8
        Body part, 1 to 255.
    two_sided : (T,) bool
        Whether it is seen from behind as well.
    density : (T,) float32
        Texture coordinate units per metre, to choose the mip level by.
    solid : (T,) bool
        Whether it is known to have no hole, whatever its material (`holes.mark_solid`).
    """

    vertices: int
    triangles: NDArray[np.int32]
    uv: NDArray[np.float32]
    material: NDArray[np.int32]
    part: NDArray[np.uint8]
    two_sided: NDArray[np.bool_]
    density: NDArray[np.float32]
    solid: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.triangles)

    @cached_property
    def corners(self) -> NDArray[np.int32]:
        """Vertices and material of each triangle, (T, 4): what lies together is fetched together."""
        return np.concatenate([self.triangles, self.material[:, None]], axis=1)

    @cached_property
    def coating(self) -> NDArray[np.float32]:
        """Texture coordinates of the corners, density and 1 if two-sided or 0 of each triangle, (T, 8)."""
        rest = np.stack([self.density, self.two_sided.astype(np.float32)], axis=1)
        return np.concatenate([self.uv.reshape(-1, 6), rest], axis=1)


def make_mesh(
    vertices: ArrayLike,
    triangles: ArrayLike,
    uv: ArrayLike | None = None,
    material: ArrayLike = 0,
    part: ArrayLike = 1,
    two_sided: ArrayLike = False,
) -> Mesh:
    """Build a mesh from triangles and vertices at rest.

    Parameters
    ----------
    vertices : (V, 3) float
        Positions at rest in metres; they only serve to measure the texture's density.
    triangles : (T, 3) int
        Vertices of each triangle, counter-clockwise as seen from outside.
    uv : (T, 3, 2) float, optional
        Texture coordinates at the corners (u right, v down); zero where a texture of one texel serves.
    material : int or (T,) int
        Position in the `MaterialSet`.
    part : int or (T,) int
        Body part, 1 to 255.
    two_sided : bool or (T,) bool
        Whether triangles are seen from behind as well (sheets of hair or cloth).

    Returns
    -------
    Mesh

    Raises
    ------
    ValueError
        If a triangle names a vertex that is not there, a part is not within 1 and 255, a material is
        negative, a shape does not fit, or a number is not finite.
    """
    points = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    corners = np.ascontiguousarray(triangles, dtype=np.int32).reshape(-1, 3)
    count = len(corners)
    if count and (corners.min() < 0 or corners.max() >= len(points)):
        raise ValueError(f"triangles name vertices {corners.min()} to {corners.max()} of {len(points)}")
    parts, materials = (np.broadcast_to(np.asarray(a, dtype=np.int64), count) for a in (part, material))
    if count and not (parts.min() >= 1 and parts.max() <= PARTS and materials.min() >= 0):
        raise ValueError(
            f"parts are {parts.min()} to {parts.max()}, materials from {materials.min()}; "
            f"parts must be within 1 and {PARTS}, materials 0 or more"
        )
    coordinates = np.zeros((count, 3, 2)) if uv is None else np.asarray(uv, dtype=np.float64)
    if coordinates.shape != (count, 3, 2):
        raise ValueError(f"uv has shape {coordinates.shape}; expected ({count}, 3, 2)")
    if not (np.isfinite(coordinates).all() and np.isfinite(points).all()):
        raise ValueError("vertices and uv must be finite numbers")
    return Mesh(
        len(points),
        corners,
        np.ascontiguousarray(coordinates, dtype=np.float32),
        materials.astype(np.int32),
        parts.astype(np.uint8),
        np.broadcast_to(np.asarray(two_sided, dtype=bool), count).copy(),
        _density(points[corners], coordinates),
        np.zeros(count, bool),
    )


def join_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """One mesh of several: vertices and triangles in the order given, materials and parts unchanged.

    Parameters
    ----------
    meshes : sequence of Mesh
        At least one.

    Returns
    -------
    Mesh
        Its vertices are those of the meshes, one after the other.
    """
    first = np.cumsum([0] + [mesh.vertices for mesh in meshes])
    triangles = [mesh.triangles + np.int32(start) for mesh, start in zip(meshes, first, strict=False)]
    return Mesh(
        int(first[-1]),
        np.concatenate(triangles),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate([mesh.material for mesh in meshes]),
        np.concatenate([mesh.part for mesh in meshes]),
        np.concatenate([mesh.two_sided for mesh in meshes]),
        np.concatenate([mesh.density for mesh in meshes]),
        np.concatenate([mesh.solid for mesh in meshes]),
    )


def _density(points: NDArray[np.float64], uv: NDArray[np.float64]) -> NDArray[np.float32]:
    """Square root of the ratio of a triangle's area in the texture to its area in space."""
    a, b = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    space = np.linalg.norm(np.cross(a, b), axis=-1)
    p, q = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    texture = np.abs(p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0])
    # a triangle without area is hardly seen: any level will do
    ratio = np.divide(texture, space, out=np.zeros(len(space)), where=space > 0)
    return np.sqrt(ratio).astype(np.float32)
