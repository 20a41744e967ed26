from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.cameras import BODY13_OF_H36M17
from synth.errors import InputError
from synth.geometry import rigid_alignment, torso_centre
from synth.labels.classes import (
    PoseClasses,
    assign_2d,
    assign_3d,
    body_joints,
    joint_error,
    make_classes,
    orientated_poses,
    picture_poses,
    quantisation,
)
from synth.labels.kmeans import Sums, sums_of
from synth.skeletons import BODY13


def people(seed, count=6, joints=17):
    rng = np.random.default_rng(seed)
    return rng.normal(scale=0.4, size=(count, joints, 3)) + [0.5, -0.3, 5.0]


def classes_of(poses, pictures, turn="ray"):
    """Every pose is a class of its own."""
    ids = np.arange(len(poses)).astype(np.int32)
    return make_classes(poses, sums_of(pictures, ids, len(poses)), turn)


def pictures_of(seed, count):
    return np.random.default_rng(seed).uniform(0, 219, (count, 26)).astype(np.float32)


def test_untouched_axes_give_differences_from_the_torso_centre():
    joints = people(0)
    found = orientated_poses(joints, "none")
    expected = joints[:, BODY13_OF_H36M17] - torso_centre(joints)[:, None]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.reshape(-1, 13, 3), expected, atol=1e-7)
    np.testing.assert_array_equal(orientated_poses(joints[:, BODY13_OF_H36M17], "none"), found)


@given(st.integers(0, 10_000), st.floats(-60, 60), st.floats(-60, 60))
@settings(deadline=None, max_examples=30)
def test_turned_poses_are_rotated_and_see_the_camera_straight_ahead(seed, yaw, pitch):
    """Wherever a person is put by turning the camera about its own centre, the pose is the same but for roll."""
    joints = people(seed, 1)
    found = orientated_poses(joints).reshape(-1, 13, 3)
    plain = orientated_poses(joints, "none").reshape(-1, 13, 3)
    alignment = rigid_alignment(plain, found)
    np.testing.assert_allclose(alignment.apply(plain), found, atol=1e-6)
    centre = torso_centre(joints)[0]
    np.testing.assert_allclose(alignment.rotation[0] @ centre, [0, 0, np.linalg.norm(centre)], atol=1e-5)
    # the least rotation: its axis is perpendicular to both directions
    vector = np.cross(centre, [0.0, 0.0, 1.0])
    np.testing.assert_allclose(alignment.rotation[0] @ vector, vector, atol=1e-5)


def test_a_torso_straight_ahead_is_not_turned():
    joints = people(1)
    joints -= torso_centre(joints)[:, None] - [0.0, 0.0, 4.0]
    np.testing.assert_allclose(orientated_poses(joints, "ray"), orientated_poses(joints, "none"), atol=1e-7)


def test_poses_that_cannot_be_orientated():
    joints = people(2)
    joints[3] -= [0, 0, 10]
    with pytest.raises(InputError, match=r"pose 3: its torso centre is at z = -\d.*not in front"):
        orientated_poses(joints)
    with pytest.raises(InputError, match=r"\(6, 14, 3\): expected 13 joints \(body13\) or 17"):
        body_joints(people(0, joints=14))


def test_each_pose_finds_itself_in_3d():
    poses, pictures = orientated_poses(people(3, 40)), pictures_of(0, 40)
    classes = classes_of(poses, pictures)
    assert len(classes) == 40
    found = assign_3d(classes, poses[::-1])
    assert found.ids.tolist() == list(range(39, -1, -1))
    assert found.error.max() < 1e-6
    moved = poses.copy().reshape(-1, 13, 3)
    moved[:, :, 1] += np.float32(0.125)
    np.testing.assert_allclose(assign_3d(classes, moved.reshape(40, 39)).error, 0.125, atol=1e-6)
    poses[5, 7] = np.nan
    with pytest.raises(InputError, match="pose 5 has a coordinate that is not finite"):
        assign_3d(classes, poses)


def test_nearest_picture_counts_labelled_joints_alone():
    """Against the definition; class 2 has no pose, classes 3 and 4 are equal."""
    rng = np.random.default_rng(4)
    totals = rng.uniform(0, 219, (5, 26))
    totals[4] = totals[3]
    counts = np.array([1, 1, 0, 1, 1])
    classes = make_classes(rng.normal(size=(5, 39)), Sums(counts, totals * counts[:, None]), "none")
    assert np.isnan(classes.means2d[2]).all()
    joints = rng.uniform(0, 219, (60, 13, 2)).astype(np.float32)
    joints[:12] = totals[3].reshape(13, 2) + rng.normal(size=(12, 13, 2))
    labelled = rng.random((60, 13)) < 0.6
    labelled[20] = False
    joints[~labelled] = np.nan
    found = assign_2d(classes, joints, labelled)
    for row in range(60):
        away = np.linalg.norm(joints[row] - totals.reshape(5, 13, 2), axis=-1)[:, labelled[row]]
        if row == 20:
            assert found.ids[row] == -1
            assert np.isnan(found.error[row])
            continue
        mean = np.where(counts > 0, away.mean(axis=1), np.inf)
        assert found.ids[row] == mean.argmin() != 4
        assert found.error[row] == pytest.approx(mean.min(), rel=1e-5)
    assert (found.ids[:12] == 3).all()
    joints[1, np.flatnonzero(labelled[1])[0]] = np.nan
    with pytest.raises(InputError, match="pose 1 has a labelled joint that is not finite"):
        assign_2d(classes, joints, labelled)


def test_joint_error_is_the_mean_distance():
    joints = np.zeros((2, 13, 2), np.float32)
    others = joints.copy()
    others[1, 0] = [3, 4]
    others[1, 1] = [0, 8]
    np.testing.assert_allclose(joint_error(joints, others), [0.0, 1.0])


def test_quantisation_bound_is_the_least_error():
    poses, pictures = orientated_poses(people(5, 30)), pictures_of(1, 30)
    classes = classes_of(poses, pictures)
    itself = quantisation(classes, poses, pictures)
    assert itself.error3d < 1e-6
    assert itself.error2d == itself.bound2d < 1e-3
    others = pictures_of(2, 30)
    found = quantisation(classes, poses, others)
    away = np.linalg.norm(others.reshape(30, 1, 13, 2) - pictures.reshape(1, 30, 13, 2), axis=-1).mean(
        axis=-1
    )
    assert found.error2d == pytest.approx(np.diag(away).mean(), rel=1e-5)
    assert found.bound2d == pytest.approx(away.min(axis=1).mean(), rel=1e-5)
    assert found.bound2d < found.error2d


def test_means_in_the_picture():
    joints = np.random.default_rng(6).uniform(0, 219, (5, 17, 2))
    found = picture_poses(joints)
    np.testing.assert_allclose(found.reshape(5, 13, 2), joints[:, BODY13_OF_H36M17], atol=2**-16)
    classes = make_classes(np.zeros((2, 39)), sums_of(found, np.int32([0, 1, 0, 0, 1]), 2), "ray")
    assert isinstance(classes, PoseClasses)
    np.testing.assert_allclose(
        classes.means2d[1], joints[[1, 4]][:, BODY13_OF_H36M17].mean(axis=0), atol=1e-4
    )
    assert classes.counts.tolist() == [3, 2]
    assert classes.means3d.shape == (2, len(BODY13), 3)


def test_no_poses():
    classes = classes_of(orientated_poses(people(7, 3)), pictures_of(3, 3))
    poses = orientated_poses(np.zeros((0, 17, 3)))
    assert poses.shape == (0, 39)
    assert len(assign_3d(classes, poses).ids) == 0
    assert len(assign_2d(classes, picture_poses(np.zeros((0, 17, 2))).reshape(-1, 13, 2)).ids) == 0
