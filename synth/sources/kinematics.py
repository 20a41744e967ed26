"""Forward kinematics of joint trees, all frames at once, and the plan from any skeleton to H36M-17."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float64]
"""Rotations of F frames as (3, F, 3): `frames[k]` holds the k-th column of every matrix, contiguous."""


def identity_frames(count: int) -> Frames:
    """F identity matrices."""
    return np.ascontiguousarray(np.broadcast_to(np.eye(3)[:, None, :], (3, count, 3)))


def turned(frames: Frames, axis: str, angle: NDArray[np.float64]) -> Frames:
    """Right-multiply F matrices by elementary rotations.

    Parameters
    ----------
    frames : (3, F, 3) float64
        Columns of F rotation matrices.
    axis : str
        ``"x"``, ``"y"`` or ``"z"``.
    angle : (F,) float64
        Radians, right-handed.

    Returns
    -------
    (3, F, 3) float64
        `frames[f] @ R_axis(angle[f])`: two columns are mixed, the third stays.
    """
    k = "xyz".index(axis)
    a, b = (k + 1) % 3, (k + 2) % 3
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    result = np.empty_like(frames)
    result[k] = frames[k]
    result[a] = cosine * frames[a] + sine * frames[b]
    result[b] = cosine * frames[b] - sine * frames[a]
    return result


def times_matrix(frames: Frames, matrix: NDArray[np.float64]) -> Frames:
    """Right-multiply F matrices (3, F, 3) by one matrix (3, 3)."""
    return np.tensordot(matrix.T, frames, axes=1)


def times_vector(frames: Frames, vector: NDArray[np.float64]) -> NDArray[np.float64]:
    """F matrices (3, F, 3) times one vector (3,), or times F vectors (F, 3); returns (F, 3)."""
    columns = vector.T[:, ..., None] if vector.ndim == 2 else vector[:, None, None]
    return frames[0] * columns[0] + frames[1] * columns[1] + frames[2] * columns[2]


def euler_matrix(angles: NDArray[np.float64], order: str) -> NDArray[np.float64]:
    """Rotation matrix (3, 3) of three angles about x, y, z (radians), applied in the order of the letters.

    ``"xyz"`` gives Rz Ry Rx: the rotation about x acts first on a column vector.
    """
    matrix = np.eye(3)
    for letter in order:
        k = "xyz".index(letter)
        a, b = (k + 1) % 3, (k + 2) % 3
        elementary = np.eye(3)
        elementary[a, a] = elementary[b, b] = np.cos(angles[k])
        elementary[b, a] = np.sin(angles[k])
        elementary[a, b] = -elementary[b, a]
        matrix = elementary @ matrix
    return matrix
