"""Thinning against the greedy pass written out in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.thinning import thin_poses


def greedy(poses, rule, threshold):
    """Every pose against every kept one."""
    measure = np.max if rule == "max" else np.mean
    kept = []
    for i, pose in enumerate(poses):
        distances = measure(np.linalg.norm(poses[kept] - pose, axis=-1), axis=-1) if kept else np.array([])
        if not (distances < threshold).any():
            kept.append(i)
    return kept


def walk(seed, count, step):
    """Poses that drift like motion, and come back to where they were."""
    rng = np.random.default_rng(seed)
    drift = np.cumsum(rng.normal(scale=step, size=(count, 13, 3)), axis=0)
    return np.concatenate([drift, drift[::-3] + rng.normal(scale=step, size=drift[::-3].shape)])


@pytest.mark.parametrize(("rule", "threshold"), [("max", 0.05), ("mean", 0.015)])
@pytest.mark.parametrize("step", [0.0005, 0.003, 0.02])
def test_keeps_what_the_plain_greedy_pass_keeps(rule, threshold, step):
    poses = walk(1, 1500, step)
    expected = greedy(poses, rule, threshold)
    assert thin_poses(poses, rule, threshold).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(["max", "mean"]), st.floats(0.02, 1.0), st.integers(1, 13))
def test_keeps_what_the_plain_greedy_pass_keeps_in_any_cloud(seed, rule, threshold, joints):
    rng = np.random.default_rng(seed)
    poses = rng.normal(scale=rng.uniform(0.05, 0.5), size=(120, joints, 3))
    assert thin_poses(poses, rule, threshold).tolist() == greedy(poses, rule, threshold)


def test_one_joint_at_the_threshold_is_enough_under_max_but_not_under_mean():
    poses = np.zeros((2, 13, 3))
    poses[1, 4, 1] = 0.0625
    assert thin_poses(poses, "max", 0.0625).tolist() == [0, 1]
    assert thin_poses(poses, "max", 0.063).tolist() == [0]
    assert thin_poses(poses, "mean", 0.015).tolist() == [0]
    assert thin_poses(poses, "mean", 0.0625 / 13 - 1e-9).tolist() == [0, 1]


def test_equal_poses_leave_the_first_and_none_leaves_none():
    assert thin_poses(np.ones((5, 13, 3)), "mean", 0.01).tolist() == [0]
    assert thin_poses(np.empty((0, 13, 3)), "max", 0.05).tolist() == []
