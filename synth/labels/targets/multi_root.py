"""Offsets of all joints from several roots, without scale (Park et al., sections 3.3 and 4, Eq. 6-7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.skeletons import H36M17

ROOTS = ("pelvis", "thorax", "right_knee", "left_knee", "right_elbow", "left_elbow")
"""The six roots; the paper shows theirs in a figure alone. Most joints are a root or next to one."""

TORSO_BONES = (
    ("pelvis", "right_hip"),
    ("pelvis", "left_hip"),
    ("pelvis", "spine"),
    ("spine", "thorax"),
    ("thorax", "left_shoulder"),
    ("thorax", "right_shoulder"),
)
"""Bones of `H36M17` whose lengths tell the scale; those of arms and legs vary too much in estimates."""

_STARTS = H36M17.indices(a for a, _ in TORSO_BONES)
_ENDS = H36M17.indices(b for _, b in TORSO_BONES)


@dataclass(frozen=True)
class MultiRootTargets:
    """Targets of N poses, and what was taken out of them.

    Parameters
    ----------
    offsets : (N, R, 17, 3) float32
        Each joint minus each root, of the pose of mean 0 and Frobenius norm 1; a root's own offset is 0.
    centre : (N, 3) float64
        Mean of the joints, metres.
    norm : (N,) float64
        Frobenius norm of the centred pose, metres.
    """

    offsets: NDArray[np.float32]
    centre: NDArray[np.float64]
    norm: NDArray[np.float64]


def multi_root_targets(joints3d: ArrayLike, roots: tuple[str, ...] = ROOTS) -> MultiRootTargets:
    """Offsets from several roots, of poses centred and scaled to Frobenius norm 1.

    Parameters
    ----------
    joints3d : (N, 17, 3) float
        Joints of `H36M17`, metres.
    roots : tuple of str
        R joints.

    Returns
    -------
    MultiRootTargets

    Raises
    ------
    InputError
        If a pose isn't finite, or all its joints are in one place.
    """
    joints = np.asarray(joints3d, dtype=np.float64)
    centre = joints.mean(axis=1)
    centred = joints - centre[:, None]
    norm = np.linalg.norm(centred, axis=(1, 2))
    bad = np.flatnonzero(~(np.isfinite(norm) & (norm > 0)))
    if len(bad):
        raise InputError(
            f"pose {bad[0]} of the batch has no size (norm {norm[bad[0]]}): "
            "targets need all 17 joints, finite and not all in one place"
        )
    shape = centred / norm[:, None, None]
    offsets = shape[:, None] - shape[:, H36M17.indices(roots)][:, :, None]
    return MultiRootTargets(offsets.astype(np.float32), centre, norm)


def poses_of_offsets(offsets: ArrayLike) -> NDArray[np.float64]:
    """Poses from the predictions of all roots (Eq. 7): each centred to mean 0, then averaged.

    Parameters
    ----------
    offsets : (N, R, 17, 3) float

    Returns
    -------
    (N, 17, 3) float64
        Mean 0, in the scale of the offsets.
    """
    predicted = np.asarray(offsets, dtype=np.float64)
    return (predicted - predicted.mean(axis=2, keepdims=True)).mean(axis=1)


def mean_torso_lengths(joints3d: ArrayLike) -> NDArray[np.float64]:
    """Mean lengths (6,) of `TORSO_BONES` over training poses (N, 17, 3), in their unit."""
    return _torso_lengths(joints3d).mean(axis=0)


def metric_poses(poses: ArrayLike, torso_lengths: ArrayLike) -> NDArray[np.float64]:
    """Give poses the scale at which their torso bones are together as long as the training set's mean.

    Parameters
    ----------
    poses : (N, 17, 3) float
        Joints of `H36M17` in any scale, as from `poses_of_offsets`.
    torso_lengths : (6,) float
        From `mean_torso_lengths`, metres.

    Returns
    -------
    (N, 17, 3) float64
        Metres; NaN where the torso bones have no length.
    """
    found = _torso_lengths(poses).sum(axis=-1)
    wanted = np.asarray(torso_lengths, dtype=np.float64).sum()
    scale = np.divide(wanted, found, out=np.full_like(found, np.nan), where=found > 0)
    return np.asarray(poses, dtype=np.float64) * scale[:, None, None]


def _torso_lengths(poses: ArrayLike) -> NDArray[np.float64]:
    joints = np.asarray(poses, dtype=np.float64)
    return np.linalg.norm(joints[:, _STARTS] - joints[:, _ENDS], axis=-1)
