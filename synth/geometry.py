"""Rotations, least-squares alignment of point sets, and the frame of the torso.

Rotation matrices act on column vectors: `rotated = R @ point`. All functions take any number of leading
batch axes and compute in float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.skeletons import H36M17

Axis = Literal["x", "y", "z"]

TORSO = H36M17.indices(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
"""Positions in `H36M17` of the four joints whose mean is the torso centre."""


def axis_angle_to_matrix(vectors: ArrayLike) -> NDArray[np.float64]:
    """Rotation matrices of rotation vectors (Rodrigues' formula).

    Parameters
    ----------
    vectors : (..., 3) float
        Direction: the axis; length: the angle in radians (right-hand rule).

    Returns
    -------
    (..., 3, 3) float64
    """
    v = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(v, axis=-1)[..., None, None]
    cross = np.zeros((*v.shape, 3))
    cross[..., [2, 0, 1], [1, 2, 0]] = v
    cross[..., [1, 2, 0], [2, 0, 1]] = -v
    # numpy's sinc is sin(pi x) / (pi x): both factors stay exact as the angle goes to zero
    sine = np.sinc(angle / np.pi)
    versine = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    rotation: NDArray[np.float64] = np.eye(3) + sine * cross + versine * (cross @ cross)
    return rotation


def axis_rotation(axis: Axis, angles: ArrayLike) -> NDArray[np.float64]:
    """Rotation matrices about one coordinate axis.

    Parameters
    ----------
    axis : {"x", "y", "z"}
        Axis of the rotation.
    angles : (...,) float
        Angles in radians (right-hand rule).

    Returns
    -------
    (..., 3, 3) float64
    """
    angle = np.asarray(angles, dtype=np.float64)
    i = "xyz".index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    rotation = np.zeros((*angle.shape, 3, 3))
    rotation[..., i, i] = 1.0
    rotation[..., j, j] = rotation[..., k, k] = np.cos(angle)
    rotation[..., k, j] = np.sin(angle)
    rotation[..., j, k] = -rotation[..., k, j]
    return rotation


def euler_to_matrix(angles: ArrayLike, order: str) -> NDArray[np.float64]:
    """Product of rotations about coordinate axes, in the order written.

    `euler_to_matrix((a, b, c), "zyx")` is ``Rz(a) @ Ry(b) @ Rx(c)``: the rotation written last is applied
    to a point first.

    Parameters
    ----------
    angles : (..., A) float
        Angles in radians, one for each letter of `order`.
    order : str
        Letters x, y and z.

    Returns
    -------
    (..., 3, 3) float64

    Raises
    ------
    ValueError
        If there are not as many angles as letters, or a letter is not an axis.
    """
    angle = np.asarray(angles, dtype=np.float64)
    if angle.shape[-1] != len(order) or not set(order) <= set("xyz"):
        raise ValueError(f"order {order!r} needs one letter of x, y, z for each of {angle.shape[-1]} angles")
    rotation = np.broadcast_to(np.eye(3), (*angle.shape[:-1], 3, 3)).copy()
    axes: dict[str, Axis] = {"x": "x", "y": "y", "z": "z"}
    for position, letter in enumerate(order):
        rotation = rotation @ axis_rotation(axes[letter], angle[..., position])
    return rotation


def to_optical_axis(directions: ArrayLike) -> NDArray[np.float64]:
    """Least rotations that bring directions to +z.

    Parameters
    ----------
    directions : (..., 3) float
        Of any length, not opposite to +z.

    Returns
    -------
    (..., 3, 3) float64
    """
    given = np.asarray(directions, dtype=np.float64)
    x, y, z = np.moveaxis(given / np.linalg.norm(given, axis=-1, keepdims=True), -1, 0)
    share = 1.0 / (1.0 + z)
    rows = [[1.0 - x * x * share, -x * y * share, -x], [-x * y * share, 1.0 - y * y * share, -y], [x, y, z]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


@dataclass(frozen=True)
class Similarity:
    """Maps `x -> scale * rotation @ x + translation`, one for each batch element.

    Parameters
    ----------
    scale : (...,) float64
        Positive factor; 1 for a rigid map.
    rotation : (..., D, D) float64
        Proper rotation (determinant +1).
    translation : (..., D) float64
        In the unit of the points.
    """

    scale: NDArray[np.float64]
    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    def apply(self, points: ArrayLike) -> NDArray[np.float64]:
        """Map points (..., J, D)."""
        rotated = np.asarray(points, dtype=np.float64) @ np.swapaxes(self.rotation, -1, -2)
        mapped: NDArray[np.float64] = self.scale[..., None, None] * rotated + self.translation[..., None, :]
        return mapped


def rigid_alignment(source: ArrayLike, target: ArrayLike) -> Similarity:
    """Rotation and translation that bring `source` nearest to `target` in the least-squares sense.

    Parameters
    ----------
    source, target : (..., J, D) float
        Corresponding points, D = 2 or 3.

    Returns
    -------
    Similarity
        With scale 1; never a reflection.
    """
    return _procrustes(source, target, with_scale=False)


def similarity_alignment(source: ArrayLike, target: ArrayLike) -> Similarity:
    """Rotation, translation and scale that bring `source` nearest to `target` (least squares).

    Parameters
    ----------
    source, target : (..., J, D) float
        Corresponding points, D = 2 or 3.

    Returns
    -------
    Similarity
        Never a reflection. Where all source points coincide every scale is equally good: 1 is returned.
    """
    return _procrustes(source, target, with_scale=True)


def _procrustes(source: ArrayLike, target: ArrayLike, with_scale: bool) -> Similarity:
    x, y = np.asarray(source, dtype=np.float64), np.asarray(target, dtype=np.float64)
    x_mean, y_mean = x.mean(axis=-2, keepdims=True), y.mean(axis=-2, keepdims=True)
    x0, y0 = x - x_mean, y - y_mean
    u, singular, vt = np.linalg.svd(np.swapaxes(y0, -1, -2) @ x0)
    # the determinant fix: the best orthogonal matrix may be a reflection; flipping the direction of
    # the least singular value gives the best proper rotation (Umeyama 1991, Eq. 39-43)
    sign = np.ones_like(singular)
    sign[..., -1] = np.where(np.linalg.det(u @ vt) < 0.0, -1.0, 1.0)
    rotation = (u * sign[..., None, :]) @ vt
    scale = np.ones(singular.shape[:-1])
    if with_scale:
        spread = (x0**2).sum(axis=(-1, -2))
        scale = np.where(
            spread > 0.0, (singular * sign).sum(axis=-1) / np.where(spread > 0.0, spread, 1.0), 1.0
        )
    rotated_mean = (rotation @ np.swapaxes(x_mean, -1, -2))[..., 0]
    return Similarity(scale, rotation, y_mean[..., 0, :] - scale[..., None] * rotated_mean)


def torso_centre(joints: ArrayLike) -> NDArray[np.float64]:
    """Mean of shoulders and hips.

    Parameters
    ----------
    joints : (..., 17, D) float
        Joints of `H36M17`.

    Returns
    -------
    (..., D) float64
    """
    return np.asarray(joints, dtype=np.float64)[..., TORSO, :].mean(axis=-2)


def torso_frame(joints: ArrayLike) -> NDArray[np.float64]:
    """Axes of the torso: x to the person's left, y up along the spine, z forward.

    y goes from the middle of the hips to the middle of the shoulders; x is the sum of the lines from right
    to left shoulder and from right to left hip, made perpendicular to y.

    Parameters
    ----------
    joints : (..., 17, 3) float
        Joints of `H36M17` in a right-handed frame.

    Returns
    -------
    (..., 3, 3) float64
        Rows are the axes, so `frame @ v` are the torso coordinates of a world vector v. NaN where the
        torso has no extent along the spine or across it.
    """
    corners = np.asarray(joints, dtype=np.float64)[..., TORSO, :]
    left_shoulder, right_shoulder, left_hip, right_hip = np.moveaxis(corners, -2, 0)
    up = _unit(left_shoulder + right_shoulder - left_hip - right_hip)
    across = left_shoulder - right_shoulder + left_hip - right_hip
    left = _unit(across - (across * up).sum(axis=-1, keepdims=True) * up)
    return np.stack([left, up, np.cross(left, up)], axis=-2)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    # a torso under a nanometre is no torso: rounding would choose its direction
    return np.divide(vectors, length, out=np.full_like(vectors, np.nan), where=length > 1e-9)
