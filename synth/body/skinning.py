"""Linear blend skinning: vertices follow the bones, in numba, one person at a time.

Posed vertex = sum over its four bones of weight x (bone's 3x4 matrix) x (rest vertex, 1). The matrices are
blended first, each in one vector register, and applied once.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.body.lanes import add_normal, store_skinned


def bone_transforms(
    heads: ArrayLike, parents: NDArray[np.int32], rotations: ArrayLike, origin: ArrayLike | None = None
) -> NDArray[np.float32]:
    """Forward kinematics: matrices of the bones from their rotations.

    Parameters
    ----------
    heads : (B, 3) float
        Where each bone starts at rest, metres.
    parents : (B,) int32
        Parent of each bone, -1 for the first; parents come before children.
    rotations : (..., B, 3, 3) float
        Rotation of each bone from rest to pose, in world axes (not relative to its parent).
    origin : (..., 3) float, optional
        Where the first bone starts in the pose; by default where it does at rest.

    Returns
    -------
    (..., B, 3, 4) float32
        `matrix[:, :3] @ rest_point + matrix[:, 3]` is the posed point.
    """
    rest, turn = np.asarray(heads, dtype=np.float64), np.asarray(rotations, dtype=np.float64)
    posed = np.empty(turn.shape[:-1])
    posed[..., 0, :] = rest[0] if origin is None else origin
    for bone, parent in enumerate(parents[1:], start=1):
        arm = turn[..., parent, :, :] @ (rest[bone] - rest[parent])
        posed[..., bone, :] = posed[..., parent, :] + arm
    shift = posed - (turn @ rest[..., None])[..., 0]
    return np.concatenate([turn, shift[..., None]], axis=-1).astype(np.float32)


def skin(
    rest: NDArray[np.float32],
    bones: NDArray[np.uint8],
    weights: NDArray[np.float32],
    transforms: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Pose vertices.

    Parameters
    ----------
    rest : (V, 3) float32
        Vertices of one person at rest: `mesh.vertices.at(coefficients)`, perhaps displaced.
    bones : (V, 4) uint8
        Bones that move each vertex: `mesh.bones`, or some rows of it.
    weights : (V, 4) float32
        Their weights: `mesh.weights`.
    transforms : (B, 3, 4) float32
        Matrices of the bones.

    Returns
    -------
    (V, 3) float32
    """
    posed = np.empty(rest.size + 1, dtype=np.float32)
    flat = (np.ascontiguousarray(array).ravel() for array in (rest, bones, weights))
    _skin(*flat, _padded(transforms), posed)
    return posed[:-1].reshape(-1, 3)


def skin_with_normals(
    rest: NDArray[np.float32],
    bones: NDArray[np.uint8],
    weights: NDArray[np.float32],
    triangles: NDArray[np.int32],
    transforms: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pose vertices and find the normals of the posed surface.

    Parameters
    ----------
    rest, bones, weights, transforms
        As for `skin`.
    triangles : (T, 3) int32
        The surface.

    Returns
    -------
    vertices, normals : (V, 3) float32 each
    """
    posed = skin(rest, bones, weights, transforms)
    return posed, vertex_normals(posed, triangles)


def vertex_normals(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Find unit normals (V, 3) float32 of vertices: mean of their triangles' normals, weighted by area.

    Triangles are counter-clockwise seen from outside. A vertex without a triangle of any area gets 0.
    """
    points = np.zeros(vertices.size + 1, dtype=np.float32)
    points[:-1] = np.ravel(vertices)
    sums = np.zeros(4 * len(vertices), dtype=np.float32)
    _add_normals(points, np.ascontiguousarray(triangles).ravel(), sums)
    return _unit(sums)


def _padded(transforms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Matrices as four columns of four floats (the last one 0), one after the other."""
    columns = np.zeros((len(transforms), 4, 4), dtype=np.float32)
    columns[:, :, :3] = transforms.transpose(0, 2, 1)
    return columns.ravel()


@njit(cache=True)
def _skin(
    rest: NDArray[np.float32],
    bones: NDArray[np.uint8],
    weights: NDArray[np.float32],
    columns: NDArray[np.float32],
    posed: NDArray[np.float32],
) -> None:
    for v in range(len(rest) // 3):
        store_skinned(posed, 3 * v, columns, bones, weights, v, rest)


@njit(cache=True)
def _add_normals(
    vertices: NDArray[np.float32], triangles: NDArray[np.int32], sums: NDArray[np.float32]
) -> None:
    for t in range(0, len(triangles), 3):
        add_normal(
            sums, vertices, np.int64(triangles[t]), np.int64(triangles[t + 1]), np.int64(triangles[t + 2])
        )


@njit(cache=True)
def _unit(sums: NDArray[np.float32]) -> NDArray[np.float32]:
    normals = np.zeros((len(sums) // 4, 3), dtype=np.float32)
    for v in range(len(normals)):
        x, y, z = sums[4 * v], sums[4 * v + 1], sums[4 * v + 2]
        square = x * x + y * y + z * z
        if square > 0:
            scale = np.float32(1) / np.sqrt(square)
            normals[v, 0], normals[v, 1], normals[v, 2] = x * scale, y * scale, z * scale
    return normals
