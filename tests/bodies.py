"""A standing body for tests: joints of `H36M17`, metres, y up, facing +z (the person's left is +x)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import H36M17
from synth.sources.records import MotionClip

_T_POSE = {
    "pelvis": (0.0, 0.95, 0.0),
    "hip": (0.09, 0.93, 0.0),
    "knee": (0.09, 0.50, 0.0),
    "ankle": (0.09, 0.07, 0.0),
    "spine": (0.0, 1.15, 0.0),
    "thorax": (0.0, 1.40, 0.0),
    "neck": (0.0, 1.52, 0.0),
    "head": (0.0, 1.75, 0.0),
    "shoulder": (0.18, 1.42, 0.0),
    "elbow": (0.50, 1.42, 0.0),
    "wrist": (0.75, 1.42, 0.0),
}


def t_pose() -> NDArray[np.float64]:
    """Arms stretched sideways, (17, 3)."""
    return np.array([_place(joint) for joint in H36M17.joints])


def with_joints(pose: NDArray[np.float64], **places: tuple[float, float, float]) -> NDArray[np.float64]:
    """The pose with some joints moved."""
    moved = pose.copy()
    for joint, place in places.items():
        moved[H36M17.index(joint)] = place
    return moved


def random_poses(seed: int, count: int, spread: float = 0.15) -> NDArray[np.float64]:
    """T-poses whose joints are moved at random, (N, 17, 3)."""
    return t_pose() + np.random.default_rng(seed).normal(scale=spread, size=(count, 17, 3))


def clip(
    poses: NDArray[np.float64], subject: str = "01", name: str = "01.amc", fps: float = 120.0
) -> MotionClip:
    """A clip of the source "cmu"."""
    return MotionClip("cmu", subject, name, fps, poses.astype(np.float32))


def _place(joint: str) -> tuple[float, float, float]:
    x, y, z = _T_POSE[joint.removeprefix("left_").removeprefix("right_")]
    return (-x if joint.startswith("right_") else x, y, z)
