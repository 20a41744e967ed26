"""Rotations of body parts: Acclaim motion on a skeleton of four bones, tiny and real BVH files."""

from __future__ import annotations

import numpy as np
import pytest
from source_samples import tiny_bvh

from synth.geometry import axis_angle_to_matrix
from synth.sources.acclaim import AcclaimSkeleton, bone_rotations, forward_kinematics
from synth.sources.bvh_text import parse_bvh
from synth.sources.catalog import motion_items, read_item
from synth.sources.part_rotations import bvh_part_rotations, part_rotations, read_rotations

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


def test_a_bvh_file_turns_what_hangs_on_the_elbow():
    skeleton, motion, _ = parse_bvh(tiny_bvh(turn=50), "tiny.bvh")
    found = bvh_part_rotations(skeleton, motion, "tiny.bvh")
    for rotation in found.values():
        # the tiny person rests in the reference pose, and only the left elbow moves
        np.testing.assert_allclose(rotation, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-12)
    assert {"pelvis", "chest", "head", "left_upper_arm", "right_foot"} <= set(found)
    assert "left_hand" not in found


def test_where_a_bvh_skeleton_rests_does_not_matter():
    """Arms that hang at rest and are raised sideways are in the reference pose."""
    hanging = tiny_bvh().replace("OFFSET 28 0 0", "OFFSET 0 -28 0").replace("OFFSET 25 0 0", "OFFSET 0 -25 0")
    skeleton, motion, _ = parse_bvh(hanging, "tiny.bvh")
    motion[:, skeleton.first_column[skeleton.names.index("LeftArm")]] = 90  # its z rotation
    found = bvh_part_rotations(skeleton, motion, "tiny.bvh")["left_upper_arm"]
    np.testing.assert_allclose(found, np.broadcast_to(np.eye(3), (2, 3, 3)), atol=1e-12)


def test_cmu_and_its_conversion_tell_the_same(data_root):
    items = {item.name.rpartition("/")[2]: item for item in motion_items("cmu+bvh", data_root)}
    frames = [10, 100, 190]
    joints, acclaim = read_rotations(items["02_01.amc"], frames)
    others, bvh = read_rotations(items["02_01.bvh"], frames)
    leg = slice(1, 7)
    np.testing.assert_allclose(joints[:, leg] - joints[:, :1], others[:, leg] - others[:, :1], atol=2e-3)
    for part in ("pelvis", "chest", "head", "left_upper_arm", "right_upper_arm", "left_foot", "right_foot"):
        np.testing.assert_allclose(acclaim[part], bvh[part], atol=5e-3, err_msg=part)
    clip = read_item(items["02_01.amc"])
    np.testing.assert_allclose(joints, clip.joints[frames], atol=1e-6)
