"""Which joints are hidden by the person's own body, seen from the camera.

The body is a set of capsules. A joint is hidden when the line of sight to it enters a capsule that is not
one of its own, more than a margin before it reaches the joint's own flesh. The test is the perspective one:
the joint's projection lies inside the projected capsule, whose surface is nearer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from synth.skeletons import H36M17

OCCLUSION_MARGIN = 0.05
"""Metres by which a capsule's surface must be nearer than the joint's flesh to hide it."""


@dataclass(frozen=True)
class Capsule:
    """All points within a radius of a segment whose ends are weighted means of joints.

    Parameters
    ----------
    start, end : tuple of (str, float)
        Joints of `H36M17` and their weights, which add up to 1.
    radius : float
        Metres.
    owners : tuple of str
        Joints that this capsule never hides, because it is the flesh around them.
    """

    start: tuple[tuple[str, float], ...]
    end: tuple[tuple[str, float], ...]
    radius: float
    owners: tuple[str, ...]


def _limb(a: str, b: str, radius: float) -> Capsule:
    return Capsule(((a, 1.0),), ((b, 1.0),), radius, (a, b))


def _torso(right: float, owners: tuple[str, ...]) -> Capsule:
    """Capsule from the shoulder line to the hip line, a share `right` of the way to the right side."""
    left = 1.0 - right
    return Capsule(
        (("right_shoulder", right), ("left_shoulder", left)),
        (("right_hip", right), ("left_hip", left)),
        0.11,
        (*owners, "pelvis", "spine", "thorax", "neck"),
    )


_RIGHT_TRUNK, _LEFT_TRUNK = ("right_shoulder", "right_hip"), ("left_shoulder", "left_hip")

CAPSULES = (
    *(_limb(f"{side}_shoulder", f"{side}_elbow", 0.05) for side in ("right", "left")),
    *(_limb(f"{side}_elbow", f"{side}_wrist", 0.04) for side in ("right", "left")),
    *(_limb(f"{side}_hip", f"{side}_knee", 0.08) for side in ("right", "left")),
    *(_limb(f"{side}_knee", f"{side}_ankle", 0.055) for side in ("right", "left")),
    _torso(0.8, _RIGHT_TRUNK),
    _torso(0.5, _RIGHT_TRUNK + _LEFT_TRUNK),
    _torso(0.2, _LEFT_TRUNK),
    Capsule((("neck", 1.0),), (("neck", 0.5), ("head", 0.5)), 0.10, ("neck", "head", "thorax")),
)
"""The body: limbs, three capsules side by side for the torso (0.22 m deep, shoulders about 0.44 m and hips
about 0.33 m wide), and a head that ends at the head top. The paper gives no radii ("simple 3D reasoning"):
these are our choice, round figures for an adult's flesh without clothes."""

JOINT_RADII = np.array(
    [
        {"wrist": 0.03, "elbow": 0.045, "ankle": 0.045, "knee": 0.055, "shoulder": 0.06}.get(
            joint.removeprefix("left_").removeprefix("right_"), 0.10
        )
        for joint in H36M17.joints
    ]
)
"""Metres of flesh in front of each joint of `H36M17` (hips, head and the trunk's joints: 0.10)."""

_RADII = np.array([capsule.radius for capsule in CAPSULES])
_OWN = np.array([[joint in capsule.owners for capsule in CAPSULES] for joint in H36M17.joints])


def _weights(ends: tuple[tuple[str, float], ...]) -> NDArray[np.float64]:
    row = np.zeros(len(H36M17))
    for joint, weight in ends:
        row[H36M17.index(joint)] = weight
    return row


_STARTS = np.array([_weights(capsule.start) for capsule in CAPSULES])
_ENDS = np.array([_weights(capsule.end) for capsule in CAPSULES])


def self_occluded(joints3d: ArrayLike, margin: float = OCCLUSION_MARGIN) -> NDArray[np.bool_]:
    """Whether each joint is hidden behind the person's own body.

    Parameters
    ----------
    joints3d : (N, 17, 3) float
        Joints of `H36M17` in the camera frame, metres; the camera is at the origin.
    margin : float
        Metres by which the hiding surface must be nearer than the joint's flesh.

    Returns
    -------
    (N, 17) bool
    """
    joints = np.ascontiguousarray(joints3d, dtype=np.float64)
    starts, ends = capsule_ends(joints)
    hidden: NDArray[np.bool_] = _hidden(joints, starts, ends, _RADII, _OWN, JOINT_RADII + margin)
    return hidden


def capsule_ends(joints3d: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the ends (N, C, 3) of the capsules of poses (N, 17, 3), in the same frame and unit."""
    return _STARTS @ joints3d, _ENDS @ joints3d


@njit(cache=True)
def _dot(a: NDArray, b: NDArray) -> float:  # pragma: no cover
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@njit(cache=True)
def _entry_sphere(ray: NDArray, centre: NDArray, radius: float) -> float:  # pragma: no cover
    """Distance along a unit ray from the origin to a sphere; infinite if it misses."""
    along = _dot(ray, centre)
    inside = radius * radius - (_dot(centre, centre) - along * along)
    return along - np.sqrt(inside) if inside > 0.0 else np.inf


@njit(cache=True)
def _entry_side(ray: NDArray, start: NDArray, axis: NDArray, radius: float) -> float:  # pragma: no cover
    """Distance along a unit ray from the origin to the side of a cylinder; infinite if it misses.

    With their parts along the axis removed, the ray and the start are u and v in the plane across it, and
    |s u - v| = radius is a quadratic equation for the distance s.
    """
    length = np.sqrt(_dot(axis, axis))
    if length < 1e-9:
        return np.inf
    ray_along, start_along = _dot(ray, axis) / length, _dot(start, axis) / length
    uu = 1.0 - ray_along * ray_along
    uv = _dot(ray, start) - ray_along * start_along
    vv = _dot(start, start) - start_along * start_along
    inside = uv * uv - uu * (vv - radius * radius)
    if uu < 1e-12 or inside <= 0.0:
        return np.inf
    distance = (uv - np.sqrt(inside)) / uu
    along = distance * ray_along - start_along
    return distance if 0.0 <= along <= length else np.inf


@njit(cache=True)
def _hidden(
    joints: NDArray, starts: NDArray, ends: NDArray, radii: NDArray, own: NDArray, flesh: NDArray
) -> NDArray:  # pragma: no cover
    """Hidden flags (N, J) of joints in the camera frame under capsules (N, C)."""
    n, count = joints.shape[:2]
    axes = ends - starts
    hidden = np.zeros((n, count), np.bool_)
    for i in range(n):
        for j in range(count):
            distance = np.sqrt(joints[i, j, 0] ** 2 + joints[i, j, 1] ** 2 + joints[i, j, 2] ** 2)
            ray = joints[i, j] / distance
            limit = distance - flesh[j]
            for c in range(len(radii)):
                if own[j, c]:
                    continue
                # a capsule is the union of its side and two spheres: its entry is the first of theirs
                entry = min(
                    _entry_sphere(ray, starts[i, c], radii[c]),
                    _entry_sphere(ray, ends[i, c], radii[c]),
                    _entry_side(ray, starts[i, c], axes[i, c], radii[c]),
                )
                if entry < limit:
                    hidden[i, j] = True
                    break
    return hidden
