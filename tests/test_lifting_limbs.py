"""Turning limbs over, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.lifting.limbs import LIMB_NAMES, LIMBS, flip_chances, flip_costs, limb_depths, turn_limb
from synth.skeletons import H36M17


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.sampled_from(range(len(LIMBS))))
def test_turning_changes_one_limb_alone_and_twice_nothing(seed, number):
    poses = random_poses(seed, 2)
    turned = turn_limb(poses, LIMBS[number])
    expected = limb_depths(poses)
    expected[:, number] *= -1
    np.testing.assert_allclose(limb_depths(turned), expected, atol=1e-12)
    np.testing.assert_array_equal(turned[..., :2], poses[..., :2])
    np.testing.assert_allclose(turn_limb(turned, LIMBS[number]), poses, atol=1e-12)
    bones = H36M17.bone_indices
    before, after = (np.linalg.norm(p[:, bones[:, 0]] - p[:, bones[:, 1]], axis=2) for p in (poses, turned))
    # the torso is a chain through the spine: mirrored as a whole, its bones keep their lengths as well
    np.testing.assert_allclose(before[:, 2:], after[:, 2:], atol=1e-12)


def test_the_forearm_by_hand():
    poses = random_poses(1, 1)
    elbow, wrist = H36M17.index("left_elbow"), H36M17.index("left_wrist")
    poses[0, elbow, 2], poses[0, wrist, 2] = 0.1, -0.15
    number = LIMB_NAMES.index("left_forearm")
    assert limb_depths(poses)[0, number] == pytest.approx(-0.25)
    turned = turn_limb(poses, LIMBS[number])
    assert turned[0, wrist, 2] == pytest.approx(0.35)
    moved = np.flatnonzero((turned != poses).any(axis=2)[0])
    assert moved.tolist() == [wrist]


def test_an_upper_arm_takes_the_forearm_along():
    moved = turn_limb(random_poses(1, 1), LIMBS[LIMB_NAMES.index("right_upper_arm")]) != random_poses(1, 1)
    joints = {H36M17.joints[j] for j in np.flatnonzero(moved.any(axis=2)[0])}
    assert joints == {"right_elbow", "right_wrist"}


def test_costs_tell_the_known_pose_from_its_turned_one():
    body = np.swapaxes(random_poses(2, 1, 0.3), 1, 2)
    body -= body.mean(axis=2, keepdims=True)
    # a dictionary of one atom: the pose itself; turned limbs are not in it
    pose = np.swapaxes(body, 1, 2) * 0.9
    costs = flip_costs(pose, np.eye(3)[None], np.array([[0.9]]), body, 1e-3)
    assert (costs > 1e-4).all()
    back = np.array([turn_limb(pose, limb)[0] for limb in LIMBS])
    from_turned = flip_costs(
        back, np.tile(np.eye(3), (len(LIMBS), 1, 1)), np.full((len(LIMBS), 1), 0.9), body, 1e-3
    )
    assert (np.diag(from_turned) < -1e-4).all()


def test_a_limb_in_the_picture_plane_costs_nothing_to_turn():
    body = np.swapaxes(random_poses(2, 1, 0.3), 1, 2)
    body[:, 2] = 0.0
    body -= body.mean(axis=2, keepdims=True)
    costs = flip_costs(np.swapaxes(body, 1, 2), np.eye(3)[None], np.ones((1, 1)), body, 1e-3)
    np.testing.assert_allclose(costs, 0, atol=1e-9)


def test_chances():
    np.testing.assert_allclose(flip_chances([-1.0, 0.0, 0.1, 1e6]), [0.5, 0.5, 1 / (1 + np.e), 0.0])
