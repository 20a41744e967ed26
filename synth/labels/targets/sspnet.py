"""Normalised x, y, z and confidence of SSP-Net (sections 3.2 and 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.labels.targets.common import inside_picture, known_joints

DEPTH_RANGE = 2.0
"""Metres of depth about the root that z from 0 to 1 stands for."""
ROOT = 0
"""Position of the root in `H36M17`: the pelvis."""


@dataclass(frozen=True)
class SspTargets:
    """Targets of N people.

    Parameters
    ----------
    coordinates : (N, J, 3) float32
        x, y: 0 at the left and top edge of the picture, 1 at the right and bottom edge. z: 0.5 at the root's
        depth, 0 and 1 a metre before and behind it. 0 where not known.
    known : (N, J, 3) bool
        Which coordinates enter the loss: of joints that are labelled and in the picture, z only with a depth.
    confidence : (N, J) float32
        1 where the joint is labelled and in the picture, also if something hides it; else 0.
    """

    coordinates: NDArray[np.float32]
    known: NDArray[np.bool_]
    confidence: NDArray[np.float32]


def ssp_targets(
    joints2d: ArrayLike,
    side: float,
    depth: ArrayLike | None = None,
    labelled: ArrayLike | None = None,
    root: int = ROOT,
) -> SspTargets:
    """Make the targets of people in square pictures.

    Joints outside the picture, and depths beyond a metre from the root's, keep their coordinates, beyond 0 and 1.

    Parameters
    ----------
    joints2d : (N, J, 2) float
        x, y, pixels.
    side : float
        Side of the picture, pixels.
    depth : (N, J) float, optional
        Camera z of the joints, metres; not given for people with 2D labels alone, NaN for some of them. No z of
        a person whose root has no depth is known.
    labelled : (N, J) bool, optional
        Which joints are known; by default those that are finite.
    root : int
        Position of the root joint.
    """
    joints = np.asarray(joints2d, dtype=np.float64)
    there = known_joints(joints, labelled)
    present = there & inside_picture(joints, side)
    z = np.full(there.shape, np.nan) if depth is None else np.asarray(depth, dtype=np.float64)
    z = 0.5 + (z - z[:, root, None]) / DEPTH_RANGE
    coordinates = np.concatenate([(joints + 0.5) / side, z[..., None]], axis=-1)
    finite = there[..., None] & np.isfinite(coordinates)
    return SspTargets(
        np.where(finite, coordinates, 0.0).astype(np.float32),
        finite & present[..., None],
        present.astype(np.float32),
    )


def joints_of_ssp(coordinates: ArrayLike, side: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels and depths of normalised coordinates.

    Parameters
    ----------
    coordinates : (N, J, 3) float
    side : float
        Side of the picture, pixels.

    Returns
    -------
    joints2d : (N, J, 2) float64
        Pixels.
    depth : (N, J) float64
        Metres, relative to the root.
    """
    given = np.asarray(coordinates, dtype=np.float64)
    return given[..., :2] * side - 0.5, (given[..., 2] - 0.5) * DEPTH_RANGE


def camera_joints_of_ssp(
    coordinates: ArrayLike, side: float, root_depth: ArrayLike, K: ArrayLike
) -> NDArray[np.float64]:
    """Joints in the camera frame, once the root's depth is known or estimated.

    Parameters
    ----------
    coordinates : (N, J, 3) float
        Normalised coordinates.
    side : float
        Side of the picture, pixels.
    root_depth : (N,) float
        Camera z of the root, metres.
    K : (N, 3, 3) float
        Intrinsics in pixels of the picture.

    Returns
    -------
    (N, J, 3) float64
        Metres.
    """
    pixels, depth = joints_of_ssp(coordinates, side)
    z = depth + np.asarray(root_depth, dtype=np.float64)[:, None]
    homogeneous = np.concatenate([pixels, np.ones((*pixels.shape[:-1], 1))], axis=-1)
    inverse = np.linalg.inv(np.asarray(K, dtype=np.float64))
    return (homogeneous @ np.swapaxes(inverse, -1, -2)) * z[..., None]
