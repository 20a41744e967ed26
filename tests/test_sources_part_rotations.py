"""Rotations of body parts from Acclaim motion, on a skeleton of four bones."""

from __future__ import annotations

import numpy as np
import pytest

from synth.geometry import axis_angle_to_matrix
from synth.sources.acclaim import AcclaimSkeleton, bone_rotations, forward_kinematics
from synth.sources.part_rotations import part_rotations

SKELETON = AcclaimSkeleton(
    names=("root", "thorax", "lhumerus", "lradius", "lhand"),
    parents=(-1, 0, 1, 2, 3),
    offsets=np.array([[0.0, 0, 0], [0, 0.5, 0], [0.3, 0, 0], [0.25, 0, 0], [0.1, 0, 0]]),
    axes=np.array([[0.0, 0, 0], [0, 0, 0], [0, 0, 0.6], [0, 0, 0], [0, 0, 0]]),
    orders=("xyz",) * 5,
    channels=(("tx", "ty", "tz", "rx", "ry", "rz"), ("rz",), ("rx", "ry", "rz"), ("ry",), ()),
    metres_per_unit=1.0,
    degrees=False,
)
CHANNELS = 11


def test_nothing_is_turned_at_rest():
    found = part_rotations(SKELETON, np.zeros((2, CHANNELS)))
    assert set(found) == {"pelvis", "chest", "left_upper_arm", "left_hand"}
    for rotation in found.values():
        np.testing.assert_allclose(rotation, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-15)


def test_parts_hang_on_each_other():
    motion = np.zeros((1, CHANNELS))
    motion[0, 4], motion[0, 6] = 0.5, 0.2
    found = part_rotations(SKELETON, motion)
    root, chest = axis_angle_to_matrix((0, 0.5, 0)), axis_angle_to_matrix((0, 0, 0.2))
    np.testing.assert_allclose(found["pelvis"][0], root, atol=1e-12)
    np.testing.assert_allclose(found["chest"][0], root @ chest, atol=1e-12)
    np.testing.assert_allclose(found["left_hand"][0], root @ chest, atol=1e-12)


def test_rotations_carry_the_bones():
    motion = np.random.default_rng(0).normal(scale=0.7, size=(20, CHANNELS))
    positions = forward_kinematics(SKELETON, motion)
    frames = bone_rotations(SKELETON, motion, range(5))
    for bone in range(1, 5):
        vector = np.moveaxis(frames[bone], 0, -1) @ SKELETON.offsets[bone]
        parent = SKELETON.parents[bone]
        np.testing.assert_allclose(positions[:, bone], positions[:, parent] + vector, atol=1e-12)
    for rotation in part_rotations(SKELETON, motion).values():
        assert np.linalg.det(rotation) == pytest.approx(np.ones(20))
