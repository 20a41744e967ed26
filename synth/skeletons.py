"""Named skeletons: joints, bones, mirror pairs, and conversion between them by joint name.

Joints are known by name everywhere; an index means nothing without its skeleton. `left_` and `right_`
are the person's own sides. `head` is the top of the head, never the nose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Skeleton:
    """An ordered set of named joints and the bones between them.

    Parameters
    ----------
    name : str
        Name of the skeleton.
    joints : tuple of str
        Joint names, in storage order.
    bones : tuple of (str, str)
        Pairs of joint names, parent first where there is a root.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Position of a joint; `ValueError` names the skeleton where it has none of that name."""
        if joint not in self.joints:
            raise ValueError(f"skeleton {self.name} has no joint {joint!r}; it has {', '.join(self.joints)}")
        return self.joints.index(joint)

    def indices(self, joints: Iterable[str]) -> NDArray[np.intp]:
        """Positions of several joints."""
        return np.array([self.index(joint) for joint in joints], dtype=np.intp)

    @cached_property
    def mirror(self) -> NDArray[np.intp]:
        """Permutation (J,) that swaps left and right: `mirrored[k] = joints[mirror[k]]`."""
        return self.indices(mirrored_name(joint) for joint in self.joints)

    @cached_property
    def bone_indices(self) -> NDArray[np.intp]:
        """Bones as joint positions, (B, 2)."""
        return np.array([[self.index(a), self.index(b)] for a, b in self.bones], dtype=np.intp).reshape(-1, 2)

    @property
    def mirror_pairs(self) -> list[tuple[str, str]]:
        """Pairs (left joint, right joint)."""
        return [(joint, mirrored_name(joint)) for joint in self.joints if joint.startswith("left_")]


def mirrored_name(joint: str) -> str:
    """Name of the same joint on the body's other side (itself for a joint on the middle line)."""
    if joint.startswith("left_"):
        return "right_" + joint.removeprefix("left_")
    if joint.startswith("right_"):
        return "left_" + joint.removeprefix("right_")
    return joint


_LIMBS = (
    ("right_hip", "right_knee"),
    ("right_knee", "right_ankle"),
    ("left_hip", "left_knee"),
    ("left_knee", "left_ankle"),
    ("left_shoulder", "left_elbow"),
    ("left_elbow", "left_wrist"),
    ("right_shoulder", "right_elbow"),
    ("right_elbow", "right_wrist"),
)

H36M17 = Skeleton(
    "h36m17",
    (
        "pelvis",
        "right_hip",
        "right_knee",
        "right_ankle",
        "left_hip",
        "left_knee",
        "left_ankle",
        "spine",
        "thorax",
        "neck",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    ),
    (
        ("pelvis", "right_hip"),
        ("pelvis", "left_hip"),
        ("pelvis", "spine"),
        ("spine", "thorax"),
        ("thorax", "neck"),
        ("neck", "head"),
        ("thorax", "left_shoulder"),
        ("thorax", "right_shoulder"),
        *_LIMBS,
    ),
)
"""The 17 joints that every store carries (Human3.6M's usual subset)."""

BODY13 = Skeleton(
    "body13",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "head",
    ),
    (
        *_LIMBS,
        ("right_shoulder", "left_shoulder"),
        ("right_hip", "left_hip"),
        ("right_shoulder", "right_hip"),
        ("left_shoulder", "left_hip"),
        ("head", "right_shoulder"),
        ("head", "left_shoulder"),
    ),
)
"""The 13 joints of Rogez & Schmid and the 14 edges along which poses are matched."""

MPII16 = Skeleton(
    "mpii16",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "pelvis",
        "thorax",
        "neck",
        "head",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
    ),
)
"""MPII's order; its `upper neck` is `neck` here and its `head top` is `head`."""

HEAD_SHARE = 0.6
"""Share of the diagonal of MPII's head box that is its head size."""

LSP14 = Skeleton(
    "lsp14",
    (
        "right_ankle",
        "right_knee",
        "right_hip",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_wrist",
        "right_elbow",
        "right_shoulder",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "neck",
        "head",
    ),
)
"""Leeds Sports Pose's order; its `head top` is `head`."""

COCO17 = Skeleton(
    "coco17",
    (
        "nose",
        "left_eye",
        "right_eye",
        "left_ear",
        "right_ear",
        "left_shoulder",
        "right_shoulder",
        "left_elbow",
        "right_elbow",
        "left_wrist",
        "right_wrist",
        "left_hip",
        "right_hip",
        "left_knee",
        "right_knee",
        "left_ankle",
        "right_ankle",
    ),
)
"""COCO's keypoints. None of them is the top of the head."""


DEEPSKELETON16 = Skeleton(
    "deepskeleton16",
    (
        "thorax",
        "neck",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "pelvis",
        "left_hip",
        "left_knee",
        "left_ankle",
        "right_hip",
        "right_knee",
        "right_ankle",
    ),
    (
        ("thorax", "neck"),
        ("neck", "head"),
        ("thorax", "left_shoulder"),
        ("left_shoulder", "left_elbow"),
        ("left_elbow", "left_wrist"),
        ("thorax", "right_shoulder"),
        ("right_shoulder", "right_elbow"),
        ("right_elbow", "right_wrist"),
        ("thorax", "pelvis"),
        ("pelvis", "left_hip"),
        ("left_hip", "left_knee"),
        ("left_knee", "left_ankle"),
        ("pelvis", "right_hip"),
        ("right_hip", "right_knee"),
        ("right_knee", "right_ankle"),
    ),
)
"""The 16 joints of DeepSkeleton's maps, the thorax as root: bone number b (1 to 15) ends at joint b."""


def correspondence(source: Skeleton, target: Skeleton) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of the joints that two skeletons share by name.

    Returns
    -------
    source_indices, target_indices : (S,) intp each
        `target_joints[target_indices] = source_joints[source_indices]`, in the target's order.
    """
    shared = [joint for joint in target.joints if joint in source.joints]
    return source.indices(shared), target.indices(shared)
