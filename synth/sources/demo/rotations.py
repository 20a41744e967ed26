"""Rotations that posing needs beside those of `synth.geometry`: logarithms, Euler channels, shortest arcs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]


def rotation_vectors(matrices: Array) -> Array:
    """Rotation vectors (..., 3) of rotation matrices (..., 3, 3), radians, no longer than pi."""
    flat = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec()
    return np.asarray(flat, dtype=np.float64).reshape(matrices.shape[:-1])


def continuous_euler(matrices: Array, starts: NDArray[np.intp]) -> Array:
    """Angles about x, y, z of matrices Rz Ry Rx along motions, without jumps.

    Every rotation has two triples of angles (and their multiples of a turn); the one nearest to the frame
    before is taken. A clip starts with y within a quarter turn, and its angles lie about 0.

    Parameters
    ----------
    matrices : (F, 3, 3) float64
        Rotations of F frames.
    starts : (N + 1,) intp
        First frame of each of N clips, and F.

    Returns
    -------
    (F, 3) float64
        Radians.
    """
    return np.concatenate([_continuous(matrices[a:b]) for a, b in pairwise(starts)])


def _continuous(matrices: Array) -> Array:
    """Do as `continuous_euler` for one clip."""
    principal = np.stack(
        [
            np.arctan2(matrices[:, 2, 1], matrices[:, 2, 2]),
            np.arctan2(-matrices[:, 2, 0], np.hypot(matrices[:, 0, 0], matrices[:, 1, 0])),
            np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0]),
        ],
        axis=1,
    )
    other = principal * [1.0, -1.0, 1.0] + np.pi
    stays, swaps = (_wrapped(new[1:] - principal[:-1]) for new in (principal, other))
    flips = (swaps**2).sum(axis=1) < (stays**2).sum(axis=1)
    flipped = np.concatenate([[False], np.cumsum(flips) % 2 == 1])
    angles = np.unwrap(np.where(flipped[:, None], other, principal), axis=0)
    # whole turns say nothing: leave those out that the clip as a whole has gone
    return angles - 2 * np.pi * np.round(angles.mean(axis=0) / (2 * np.pi))


def _wrapped(angles: Array) -> Array:
    """Angles brought into [-pi, pi)."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def shortest_arc(start: Array, ends: Array) -> Array:
    """Rotations by the shortest way from one direction to others.

    Parameters
    ----------
    start : (3,) float64
        Unit vector.
    ends : (..., 3) float64
        Unit vectors, none opposite to `start`.

    Returns
    -------
    (..., 3, 3) float64
        Matrices with `matrix @ start = end`.
    """
    axis = np.cross(start, ends)
    cosine = (ends @ start)[..., None, None]
    cross = np.zeros((*axis.shape, 3))
    cross[..., [2, 0, 1], [1, 2, 0]] = axis
    cross[..., [1, 2, 0], [2, 0, 1]] = -axis
    matrices: Array = np.eye(3) + cross + cross @ cross / np.maximum(1.0 + cosine, 1e-6)
    return matrices


def unit(vectors: Array) -> Array:
    """Vectors (..., 3) divided by their lengths; of no length: left as they are."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0.0, length, 1.0))


def apply(matrices: Array, vectors: Array) -> Array:
    """Matrices (..., 3, 3) times vectors (..., 3)."""
    return np.asarray((matrices @ vectors[..., None])[..., 0])


def frame_of(first: Array, second: Array) -> Array:
    """Right-handed frames whose x is `first` and whose y is the part of `second` across it; (..., 3, 3)."""
    x = unit(first)
    y = unit(second - (second * x).sum(axis=-1, keepdims=True) * x)
    return np.stack([x, y, np.cross(x, y)], axis=-1)


@njit(cache=True)
def dot(a: Array, b: Array) -> float:  # pragma: no cover
    """Scalar product of two vectors (3,); for so few numbers a library call takes longer than the sum."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True)
def cross(a: Array, b: Array) -> Array:  # pragma: no cover
    """Vector product of two vectors (3,)."""
    result = np.empty(3)
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        result[k] = a[i] * b[j] - a[j] * b[i]
    return result


@njit(cache=True)
def product(a: Array, b: Array) -> Array:  # pragma: no cover
    """Product of two matrices (3, 3)."""
    result = np.empty((3, 3))
    product_into(a, b, result)
    return result


@njit(cache=True)
def product_into(a: Array, b: Array, result: Array) -> None:  # pragma: no cover
    """Write the product of two matrices (3, 3) into a third, element by element.

    Assigning whole arrays is compiled together with the text of its error messages, which takes ten seconds.
    """
    for i in range(3):
        for j in range(3):
            result[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]


@njit(cache=True)
def turn_about(axis: Array, angle: float) -> Array:  # pragma: no cover
    """Rotation matrix (3, 3) about a unit vector (3,) by an angle in radians."""
    c, s = np.cos(angle), np.sin(angle)
    result = np.empty((3, 3))
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        result[k, k] = c + (1.0 - c) * axis[k] * axis[k]
        result[i, j] = (1.0 - c) * axis[i] * axis[j] - s * axis[k]
        result[j, i] = (1.0 - c) * axis[i] * axis[j] + s * axis[k]
    return result
