"""Virtual views, perspective projection, and the scale at which a person stands in the 220-pixel box.

Camera frame: x right, y down, z forward, metres. `X_camera = R @ X_world + t`, `pixel = K @ X_camera / z`.
Pixel centres are integers: the box is 0...219.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.geometry import axis_rotation, torso_centre
from synth.skeletons import BODY13, H36M17, Skeleton

BOX = 220
"""Side of the picture in pixels."""
CROP = 360
"""Side of a stored source crop in pixels, at the same scale as the box."""
PIXELS_PER_METRE = 100.0
"""Pixels per standard metre, for queries and for pool images."""
BOX_CENTRE = (BOX - 1) / 2.0

_STATURE = 1.75
_TORSO_SIDE = float(np.hypot(0.818 - 0.530, 0.129 - 0.191 / 2.0))
STANDARD_LENGTHS: Mapping[tuple[str, str], float] = MappingProxyType(
    {
        (f"{side}_{a}", f"{side}_{b}"): round(share * _STATURE, 4)
        for side in ("right", "left")
        for a, b, share in (
            ("hip", "knee", 0.245),
            ("knee", "ankle", 0.246),
            ("shoulder", "elbow", 0.186),
            ("elbow", "wrist", 0.146),
            ("shoulder", "hip", _TORSO_SIDE),
        )
    }
)
"""Standard lengths in metres of the 8 limbs and the 2 sides of the torso.

The segment lengths of Drillis & Contini (Body Segment Parameters, 1966) as shares of the stature of a
person of 1.75 m; the torso side joins the shoulder (height 0.818, 0.129 from the middle) with the hip
(height 0.530, 0.191 between the hips). Medians of motion capture (CMU and HDM05, 11 subjects) are within
5 % for thigh, shank and torso side; upper arm (-15 %) and forearm (-26 %: the Vicon skeleton's radius ends
before the wrist) are shorter, so the largest ratios of such a pose come from legs and torso.
"""

_LENGTHS = np.array(list(STANDARD_LENGTHS.values()))
_STARTS = BODY13.indices(a for a, _ in STANDARD_LENGTHS)
_ENDS = BODY13.indices(b for _, b in STANDARD_LENGTHS)
BODY13_OF_H36M17 = H36M17.indices(BODY13.joints)
"""Positions in `H36M17` of the joints of `BODY13`."""

VIEW_STAGE = 1
"""Key of the view's draws in the random generator [seed, stage, sample id, attempt]."""


@dataclass(frozen=True)
class Views:
    """Directions from which people are seen, one for each sample.

    Parameters
    ----------
    azimuth : (N,) float64
        Radians about the world's vertical. 0: the camera stands on the world's +z side of the person and
        looks along -z; it moves towards +x as the azimuth grows. Not relative to the person's own facing.
    elevation : (N,) float64
        Radians; positive: the camera is above and looks down.
    distance : (N,) float64
        Metres from the camera centre to the torso centre.
    roll : (N,) float64
        Radians about the optical axis; positive turns the person clockwise in the picture.
    """

    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]
    distance: NDArray[np.float64]
    roll: NDArray[np.float64]


@dataclass(frozen=True)
class ViewRange:
    """Closed intervals from which views are drawn uniformly.

    The azimuth and elevation are the paper's (section 4); the distance is ours: from 4 m, the nearest from
    which a standing person fits a common lens, to 8 m, beyond which perspective hardly changes.

    Parameters
    ----------
    azimuth, elevation, roll : (float, float)
        Least and greatest value in degrees; see `Views` for their zero and sign.
    distance : (float, float)
        Least and greatest value in metres.

    Raises
    ------
    InputError
        If an interval is not finite or runs backwards, an elevation is beyond 90 degrees, or the camera
        could come within 2 m of the torso centre, where a limb might reach behind it.
    """

    azimuth: tuple[float, float] = (0.0, 360.0)
    elevation: tuple[float, float] = (-45.0, 45.0)
    distance: tuple[float, float] = (4.0, 8.0)
    roll: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for name in ("azimuth", "elevation", "distance", "roll"):
            low, high = getattr(self, name)
            if not (np.isfinite(low) and np.isfinite(high) and low <= high):
                raise InputError(
                    f"view range {name} is ({low}, {high}); give two finite numbers, least first"
                )
        if max(map(abs, self.elevation)) > 90.0:
            raise InputError(f"view range elevation is {self.elevation}; keep it within -90 and 90 degrees")
        if self.distance[0] < 2.0:
            raise InputError(f"view range distance is {self.distance}; it must begin at 2 m or more")


@dataclass(frozen=True)
class Cameras:
    """Cameras of N samples.

    Parameters
    ----------
    K : (N, 3, 3) float64
        Intrinsics in pixels of the box: square pixels, no skew.
    R, t : (N, 3, 3), (N, 3) float64
        World to camera: `X_camera = R @ X_world + t`, metres.
    """

    K: NDArray[np.float64]
    R: NDArray[np.float64]
    t: NDArray[np.float64]


def sample_views(seed: int, ids: ArrayLike, ranges: ViewRange, attempt: int = 0) -> Views:
    """Draw the view of each sample from a generator keyed by (seed, stage, sample id, attempt).

    Parameters
    ----------
    seed : int
        Seed of the run, 0 or more.
    ids : (N,) int
        Sample ids, 0 or more.
    ranges : ViewRange
        Where to draw from.
    attempt : int
        0 for a sample's first view, 1 for the one drawn in its stead, and so on.

    Returns
    -------
    Views

    Raises
    ------
    InputError
        If the seed or an id is negative.
    """
    sample_ids = np.asarray(ids, dtype=np.int64).reshape(-1)
    if seed < 0 or (sample_ids < 0).any():
        raise InputError(f"seed {seed} and all sample ids must be 0 or more")
    bounds = np.array([ranges.azimuth, ranges.elevation, ranges.distance, ranges.roll])
    unit = np.empty((len(sample_ids), 4))
    for row, sample in zip(unit, sample_ids.tolist(), strict=True):
        np.random.default_rng([seed, VIEW_STAGE, sample, attempt]).random(out=row)
    azimuth, elevation, distance, roll = (bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0])).T
    return Views(np.deg2rad(azimuth), np.deg2rad(elevation), distance.copy(), np.deg2rad(roll))


def pixels_per_standard_metre(joints2d: ArrayLike, labelled: ArrayLike) -> NDArray[np.float64]:
    """Scale of people in pictures, from their least foreshortened limbs.

    The mean of the 2nd to 5th largest ratio of a limb's or torso side's length in the picture to its
    standard length: the largest is left out because one wrong annotation makes it, the small ones because
    foreshortening does. With 3 or 4 ratios the mean runs from the 2nd to the last; fewer give NaN.

    Parameters
    ----------
    joints2d : (N, 13, 2) float
        Joints of `BODY13`, pixels.
    labelled : (N, 13) bool
        Whether the joint is known.

    Returns
    -------
    (N,) float64
        Pixels per standard metre.
    """
    points, known = np.asarray(joints2d, dtype=np.float64), np.asarray(labelled, dtype=bool)
    ratios = np.linalg.norm(points[:, _STARTS] - points[:, _ENDS], axis=-1) / _LENGTHS
    usable = known[:, _STARTS] & known[:, _ENDS]
    largest = -np.sort(-np.where(usable, ratios, 0.0), axis=1)[:, 1:5]
    count = np.minimum(usable.sum(axis=1), 5) - 1
    return np.where(count >= 2, largest.sum(axis=1) / np.maximum(count, 1), np.nan)


def project(cameras: Cameras, joints3d: ArrayLike) -> NDArray[np.float64]:
    """Pixels of world points.

    Parameters
    ----------
    cameras : Cameras
        N cameras.
    joints3d : (N, J, 3) float
        World points in metres, in front of their camera.

    Returns
    -------
    (N, J, 2) float64
        x, y in pixels of the box.
    """
    return project_camera_points(cameras.K, to_camera(cameras, joints3d))


def to_camera(cameras: Cameras, joints3d: ArrayLike) -> NDArray[np.float64]:
    """Camera coordinates (N, J, 3), metres, of world points (N, J, 3)."""
    rotated = np.asarray(joints3d, dtype=np.float64) @ np.swapaxes(cameras.R, -1, -2)
    return rotated + cameras.t[:, None, :]


def project_camera_points(K: ArrayLike, points: ArrayLike) -> NDArray[np.float64]:
    """Pixels (N, J, 2) of points (N, J, 3) in the camera frame, metres, under intrinsics (N, 3, 3)."""
    homogeneous = np.asarray(points, dtype=np.float64) @ np.swapaxes(np.asarray(K, dtype=np.float64), -1, -2)
    return homogeneous[..., :2] / homogeneous[..., 2:]


def camera_for(joints3d: ArrayLike, views: Views) -> Cameras:
    """Cameras that see each person from a view, at the common scale, in the middle of the box.

    The optical axis (+z) goes through the torso centre. The focal length makes
    `pixels_per_standard_metre` of the 13 projected joints `PIXELS_PER_METRE`; the principal point brings
    the middle of their bounding box to the middle of the box.

    Parameters
    ----------
    joints3d : (N, 17, 3) float
        Joints of `H36M17`, metres, world frame with y up.
    views : Views
        N views.

    Returns
    -------
    Cameras
    """
    joints = np.asarray(joints3d, dtype=np.float64)
    rotation = view_rotation(views)
    centre = torso_centre(joints)
    translation = -(rotation @ centre[..., None])[..., 0]
    translation[:, 2] += views.distance
    intrinsics = np.broadcast_to(np.eye(3), rotation.shape).copy()
    # the picture's scale is linear in the focal length: measure it at 1 and divide
    body = project(Cameras(intrinsics, rotation, translation), joints[:, BODY13_OF_H36M17])
    known = np.ones(body.shape[:2], dtype=bool)
    focal = PIXELS_PER_METRE / pixels_per_standard_metre(body, known)
    middle = (body.min(axis=1) + body.max(axis=1)) / 2.0
    intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = focal
    intrinsics[:, :2, 2] = BOX_CENTRE - focal[:, None] * middle
    return Cameras(intrinsics, rotation, translation)


def view_rotation(views: Views) -> NDArray[np.float64]:
    """Rotations (N, 3, 3) from a world with y up to the camera frame of each view."""
    sin_a, cos_a = np.sin(views.azimuth), np.cos(views.azimuth)
    sin_e, cos_e = np.sin(views.elevation), np.cos(views.elevation)
    right = np.stack([cos_a, np.zeros_like(cos_a), -sin_a], axis=-1)
    forward = -np.stack([cos_e * sin_a, sin_e, cos_e * cos_a], axis=-1)
    upright = np.stack([right, np.cross(forward, right), forward], axis=-2)
    return axis_rotation("z", views.roll) @ upright


def mirror_joints2d(joints: NDArray, width: float = BOX, skeleton: Skeleton = BODY13) -> NDArray:
    """Joints of the mirror image: `x -> width - 1 - x`, left and right swapped.

    Parameters
    ----------
    joints : (..., J, 2) float
        Joints of `skeleton`, pixels.
    width : float
        Width of the picture in pixels.
    skeleton : Skeleton
        Skeleton of the joints.

    Returns
    -------
    (..., J, 2)
        Of the same dtype.
    """
    mirrored = joints[..., skeleton.mirror, :].copy()
    mirrored[..., 0] = (width - 1) - mirrored[..., 0]
    return mirrored
