"""One vector of 2D and 3D pose, all in [-1, 1]: the holistic regressor's target (Rogez & Schmid, section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.labels.targets.common import known_joints

REACH = 1.25
"""Metres from the torso centre that 1 stands for. Of recorded poses no coordinate was beyond 1.21 m."""


@dataclass(frozen=True)
class HolisticTargets:
    """Targets of N people.

    Parameters
    ----------
    vector : (N, 5 J) float32
        First x, y of all joints: -1 at the left and top edge of the picture, 1 at the right and bottom edge.
        Then x, y, z of all joints relative to the torso centre: `REACH` metres are 1. 0 where not known.
    known : (N, 5 J) bool
        Which numbers enter the loss.
    """

    vector: NDArray[np.float32]
    known: NDArray[np.bool_]


def holistic_targets(
    joints2d: ArrayLike,
    joints3d_torso: ArrayLike,
    side: float,
    labelled: ArrayLike | None = None,
    reach: float = REACH,
) -> HolisticTargets:
    """Concatenate normalised 2D and 3D joints.

    Nothing is clipped: joints outside the picture, or farther from the torso than the reach, are beyond -1 or 1.

    Parameters
    ----------
    joints2d : (N, J, 2) float
        x, y, pixels of a square picture.
    joints3d_torso : (N, J, 3) float
        The same joints in the camera's orientation relative to the torso centre, metres; NaN where not known.
    side : float
        Side of the picture, pixels.
    labelled : (N, J) bool, optional
        Which joints are known in 2D; by default those that are finite.
    reach : float
        Metres that become 1.

    Raises
    ------
    InputError
        If the reach isn't positive.
    """
    if not reach > 0:
        raise InputError(f"a reach of {reach} m cannot be scaled to 1: give a positive length")
    flat = np.asarray(joints2d, dtype=np.float64)
    solid = np.asarray(joints3d_torso, dtype=np.float64)
    values = ((flat + 0.5) * (2.0 / side) - 1.0, solid / reach)
    flags = (known_joints(flat, labelled), known_joints(solid, None))
    known = np.concatenate(
        [np.repeat(k, v.shape[-1], axis=1) for k, v in zip(flags, values, strict=True)], axis=1
    )
    vector = np.concatenate([v.reshape(len(v), -1) for v in values], axis=1)
    return HolisticTargets(np.where(known, vector, 0.0).astype(np.float32), known)


def joints_of_holistic(
    vector: ArrayLike, side: float, reach: float = REACH
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Split vectors into 2D and 3D joints: the inverse of `holistic_targets`.

    Parameters
    ----------
    vector : (N, 5 J) float
    side : float
        Side of the picture, pixels.
    reach : float
        Metres that 1 stands for.

    Returns
    -------
    joints2d : (N, J, 2) float64
        Pixels.
    joints3d_torso : (N, J, 3) float64
        Metres, relative to the torso centre.
    """
    given = np.asarray(vector, dtype=np.float64)
    joints = given.shape[1] // 5
    flat, solid = given[:, : 2 * joints], given[:, 2 * joints :]
    pixels = (flat.reshape(-1, joints, 2) + 1.0) * (side / 2.0) - 0.5
    return pixels, solid.reshape(-1, joints, 3) * reach
