"""Rotations and alignment against scipy, and the torso frame on a body whose axes are known."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses, t_pose
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation

from synth.geometry import (
    axis_angle_to_matrix,
    axis_rotation,
    euler_to_matrix,
    rigid_alignment,
    similarity_alignment,
    to_optical_axis,
    torso_centre,
    torso_frame,
)

VECTORS = arrays(np.float64, (4, 3), elements=st.floats(-7, 7))


@settings(deadline=None)
@given(VECTORS)
def test_axis_angle_agrees_with_scipy(vectors):
    np.testing.assert_allclose(
        axis_angle_to_matrix(vectors), Rotation.from_rotvec(vectors).as_matrix(), atol=1e-12
    )


def test_axis_angle_of_tiny_and_zero_vectors():
    np.testing.assert_array_equal(axis_angle_to_matrix([0.0, 0.0, 0.0]), np.eye(3))
    tiny = axis_angle_to_matrix([0.0, 0.0, 1e-9])
    assert tiny[1, 0] == pytest.approx(1e-9, rel=1e-12)


@settings(deadline=None)
@given(arrays(np.float64, (4, 3), elements=st.floats(0.01, 7)))
def test_the_least_rotation_to_the_optical_axis(directions):
    found = to_optical_axis(directions * [1, -1, 1])
    units = directions * [1, -1, 1] / np.linalg.norm(directions, axis=1, keepdims=True)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", found, units), [[0, 0, 1]] * 4, atol=1e-12)
    # a proper rotation by the angle between the two, hence by the least
    angles = np.arccos(np.clip(units[:, 2], -1, 1))
    np.testing.assert_allclose(Rotation.from_matrix(found).magnitude(), angles, atol=1e-6)
    np.testing.assert_allclose(np.linalg.det(found), 1.0)


def test_quarter_turn_about_z_takes_x_to_y():
    np.testing.assert_allclose(axis_rotation("z", np.pi / 2) @ [1, 0, 0], [0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(axis_rotation("x", np.pi / 2) @ [0, 1, 0], [0, 0, 1], atol=1e-15)
    np.testing.assert_allclose(axis_rotation("y", np.pi / 2) @ [0, 0, 1], [1, 0, 0], atol=1e-15)


@settings(deadline=None)
@given(VECTORS, st.permutations("xyz"))
def test_euler_agrees_with_scipy(angles, letters):
    order = "".join(letters)
    expected = Rotation.from_euler(order.upper(), angles).as_matrix()
    np.testing.assert_allclose(euler_to_matrix(angles, order), expected, atol=1e-12)


@pytest.mark.parametrize("order", ["zy", "zyxw", "zyw"])
def test_euler_refuses_a_wrong_order(order):
    with pytest.raises(ValueError, match="letter"):
        euler_to_matrix(np.zeros(3), order)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.floats(0.1, 10))
def test_alignment_recovers_a_known_similarity(seed, scale):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(13, 3))
    rotation, translation = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3)
    found = similarity_alignment(source, scale * source @ rotation.T + translation)
    assert found.scale == pytest.approx(scale)
    np.testing.assert_allclose(found.rotation, rotation, atol=1e-9)
    np.testing.assert_allclose(found.translation, translation, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mirrored", [False, True])
def test_rigid_alignment_agrees_with_scipy(seed, mirrored):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(13, 3))
    target = (source * [-1, 1, 1] if mirrored else source) + rng.normal(scale=0.3, size=(13, 3)) + 5.0
    found = rigid_alignment(source, target)
    centred = source - source.mean(0), target - target.mean(0)
    best, residual = Rotation.align_vectors(centred[1], centred[0])
    np.testing.assert_allclose(found.rotation, best.as_matrix(), atol=1e-9)
    assert np.linalg.norm(found.apply(source) - target) == pytest.approx(residual)
    assert np.linalg.det(found.rotation) == pytest.approx(1.0)
    orthogonal = orthogonal_procrustes(*centred)[0].T
    assert (np.linalg.det(orthogonal) < 0) == mirrored
    if not mirrored:
        np.testing.assert_allclose(found.rotation, orthogonal, atol=1e-9)


def test_similarity_never_fits_worse_than_other_scales_and_rotations():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(7, 3)), rng.normal(size=(7, 3)) * [-2, 1, 1]
    found = similarity_alignment(source, target)
    best = np.linalg.norm(found.apply(source) - target)
    for turn in Rotation.random(200, rng=rng).as_matrix():
        moved = source @ turn.T * rng.uniform(0.2, 2.0)
        assert best <= np.linalg.norm(moved - moved.mean(0) + target.mean(0) - target)


def test_alignment_of_a_batch_is_that_of_its_members_in_two_dimensions():
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(2, 3, 5, 2)), rng.normal(size=(2, 3, 5, 2))
    together = similarity_alignment(source, target).apply(source)
    alone = similarity_alignment(source[1, 2], target[1, 2]).apply(source[1, 2])
    np.testing.assert_allclose(together[1, 2], alone, atol=1e-12)


def test_points_that_coincide_are_moved_to_the_targets_mean():
    found = similarity_alignment(np.ones((4, 3)), np.arange(12.0).reshape(4, 3))
    assert found.scale == 1.0
    np.testing.assert_allclose(found.apply(np.ones((4, 3))), np.tile([4.5, 5.5, 6.5], (4, 1)))


def test_torso_of_a_body_that_faces_z():
    np.testing.assert_allclose(torso_centre(t_pose()), [0, (1.42 + 0.93) / 2, 0])
    np.testing.assert_allclose(torso_frame(t_pose()), np.eye(3), atol=1e-15)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_torso_frame_turns_with_the_body(seed):
    poses = random_poses(seed, 3, 0.02)
    turn = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    np.testing.assert_allclose(torso_frame(poses @ turn.T + 3.0), torso_frame(poses) @ turn.T, atol=1e-9)


def test_torso_without_extent_has_no_frame():
    assert np.isnan(torso_frame(np.zeros((17, 3)))).all()
