"""Rotations and affine bone maps for fitting: all in float64, with any leading batch axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.geometry import axis_angle_to_matrix

Floats = NDArray[np.float64]


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) divided by their length; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def dot(a: Floats, b: Floats) -> Floats:
    """Inner products (..., 1) of vectors (..., 3)."""
    products: Floats = (a * b).sum(axis=-1, keepdims=True)
    return products


def apply(rotations: Floats, vectors: Floats) -> Floats:
    """Rotations (..., 3, 3) times vectors (..., 3)."""
    turned: Floats = (rotations @ vectors[..., None])[..., 0]
    return turned


def frame(primary: Floats, secondary: Floats) -> Floats:
    """Right-handed orthonormal axes in the columns of (..., 3, 3).

    The first is along `primary`, the second is the part of `secondary` perpendicular to it.
    """
    first = unit(primary)
    second = unit(perpendicular(secondary, first))
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def turn_between(primary: Floats, secondary: Floats, to_primary: Floats, to_secondary: Floats) -> Floats:
    """Rotation (..., 3, 3) that takes `primary` to `to_primary` and `secondary` as near as it can."""
    return frame(to_primary, to_secondary) @ np.swapaxes(frame(primary, secondary), -1, -2)


def perpendicular(vectors: Floats, axis: Floats) -> Floats:
    """Part of vectors (..., 3) perpendicular to unit vectors `axis`."""
    return vectors - dot(vectors, axis) * axis


def swing(start: Floats, end: Floats) -> Floats:
    """Smallest rotation (..., 3, 3) that takes the direction of `start` to that of `end`.

    Between opposite directions every axis is as good: one across the smallest coordinate is taken.
    """
    a, b = np.broadcast_arrays(unit(start), unit(end))
    cross, cosine = np.cross(a, b), dot(a, b)
    sine = np.linalg.norm(cross, axis=-1, keepdims=True)
    across = np.cross(a, np.eye(3)[np.abs(a).argmin(axis=-1)])
    axis = np.where(sine > 1e-9, unit(cross), unit(across))
    return axis_angle_to_matrix(axis * np.arctan2(sine, cosine))


def about(axis: Floats, angle: Floats) -> Floats:
    """Rotation (..., 3, 3) about unit vectors (..., 3) by angles (..., 1) in radians."""
    return axis_angle_to_matrix(axis * angle)


def angle_about(axis: Floats, start: Floats, end: Floats) -> Floats:
    """Angle (..., 1) about unit vectors `axis` that takes `start` to `end`, both perpendicular to it."""
    return np.arctan2(dot(axis, np.cross(start, end)), dot(start, end))


def between(first: Floats, second: Floats, share: float) -> Floats:
    """Rotation (..., 3, 3) a share of the way from one to another, on the shortest path."""
    relative = np.swapaxes(first, -1, -2) @ second
    return first @ axis_angle_to_matrix(share * rotation_vector(relative))


def rotation_vector(rotations: Floats) -> Floats:
    """Axis times angle (..., 3) of rotation matrices; the inverse of `axis_angle_to_matrix`."""
    skew = rotations - np.swapaxes(rotations, -1, -2)
    axis = np.stack([skew[..., 2, 1], skew[..., 0, 2], skew[..., 1, 0]], axis=-1) / 2
    cosine = (np.trace(rotations, axis1=-2, axis2=-1)[..., None] - 1) / 2
    angle = np.arctan2(np.linalg.norm(axis, axis=-1, keepdims=True), cosine)
    # near half a turn the skew part vanishes: (R + R')/2 = cos I + (1 - cos) a a' has the axis in its columns
    columns = (rotations + np.swapaxes(rotations, -1, -2)) / 2 - cosine[..., None] * np.eye(3)
    longest = np.linalg.norm(columns, axis=-2).argmax(axis=-1)
    half_turn = np.take_along_axis(columns, longest[..., None, None], axis=-1)[..., 0]
    half_turn *= np.where(dot(half_turn, axis) < 0, -1.0, 1.0)
    return unit(np.where(cosine < 0, half_turn, axis)) * angle


def smoothstep(values: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def rigid_map(rest: Floats, posed: Floats, rotation: Floats, scale: Floats) -> Floats:
    """Map (..., 3, 4) that takes the point `rest` to `posed`, all about it turned and scaled by (..., 1)."""
    linear = scale[..., None] * rotation
    return np.concatenate([linear, (posed - apply(linear, rest))[..., None]], axis=-1)


def bone_map(
    rest: tuple[Floats, Floats], posed: tuple[Floats, Floats], rotation: Floats, scale: Floats
) -> Floats:
    """Map (..., 3, 4) that takes a bone's start and end at rest to where they are in the pose.

    Parameters
    ----------
    rest, posed : two of (..., 3) float64
        Start and end at rest and in the pose.
    rotation : (..., 3, 3) float64
        Turn about the bone; it is corrected to take the bone's direction exactly to the posed one.
    scale : (..., 1) float64
        Scale across the bone; along it the bone is stretched to fit.
    """
    along, to = unit(rest[1] - rest[0]), posed[1] - posed[0]
    exact = swing(apply(rotation, along), to) @ rotation
    stretch = np.linalg.norm(to, axis=-1, keepdims=True) / np.linalg.norm(
        rest[1] - rest[0], axis=-1, keepdims=True
    )
    axial = (stretch - scale)[..., None] * along[..., :, None] * along[..., None, :]
    linear = exact @ (scale[..., None] * np.eye(3) + axial)
    return np.concatenate([linear, (posed[0] - apply(linear, rest[0]))[..., None]], axis=-1)


def mapped(maps: Floats, points: Floats) -> Floats:
    """Apply maps (..., 3, 4) to points (..., 3)."""
    return apply(maps[..., :3], points) + maps[..., 3]
