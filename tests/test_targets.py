"""Targets of networks: the papers' formulas one joint at a time, round trips, and joints that aren't there."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses, t_pose
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synth.cameras import ViewRange, camera_for, project_camera_points, sample_views, to_camera
from synth.errors import InputError
from synth.geometry import torso_centre
from synth.labels import targets
from synth.skeletons import H36M17

SIDE = 220.0
QUIET = settings(deadline=None, max_examples=40)


def joints_in(low, high, count=5):
    return hnp.arrays(np.float64, (2, count, 2), elements=st.floats(low, high))


# --- soft grid (Park et al.) ---


def soft_label(joint, side, grid=16):
    """Eq. 1 and 2 of one joint, cell by cell; a distance of 0 takes all."""
    width = side / grid
    label = np.zeros((grid, grid))
    for row in range(grid):
        for column in range(grid):
            centre = np.array([column + 0.5, row + 0.5]) * width - 0.5
            distance = np.linalg.norm(joint - centre)
            if distance < width * (1 - 1e-9):
                label[row, column] = 1 / max(distance, 1e-12)
    return label / label.sum()


@QUIET
@given(joints=joints_in(-0.5, 224.5), grid=st.sampled_from([16, 8]))
def test_soft_labels_follow_the_formula(joints, grid):
    labels = targets.soft_grid_labels(joints, 225, grid=grid)
    assert labels.dtype == np.float32
    assert labels.shape == (2, 5, grid, grid)
    expected = [[soft_label(joint, 225, grid) for joint in person] for person in joints]
    # the small epsilon moves a label of nearly 1 the most
    np.testing.assert_allclose(labels, expected, atol=3e-4)
    cells = (labels > 0).sum(axis=(2, 3))
    assert ((cells >= 1) & (cells <= 4)).all()
    np.testing.assert_allclose(labels.sum(axis=(2, 3)), 1, atol=1e-6)


def test_soft_labels_drawn_by_hand():
    # 4 x 4 cells of 10 px; their centres are at 4.5, 14.5, 24.5, 34.5
    joints = [[[14.5, 24.5], [19.5, 24.5], [19.5, 19.5], [16.5, 24.5], [-0.5, -0.5]]]
    labels = targets.soft_grid_labels(joints, 40, grid=4)[0]
    assert labels[0, 2, 1] == 1
    assert labels[1, 2].tolist() == [0, 0.5, 0.5, 0]
    assert (labels[2, 1:3, 1:3] == 0.25).all()
    np.testing.assert_allclose(labels[3, 2], [0, 0.8, 0.2, 0], atol=1e-4)
    assert labels[4, 0, 0] == 1


def test_joints_outside_or_without_a_label_have_no_soft_label():
    joints = [[[-0.6, 50], [50, 219.6], [np.nan, 50], [50, 50], [50, 60]]]
    labels = targets.soft_grid_labels(joints, SIDE, labelled=[[True, True, True, False, True]])
    assert labels.sum(axis=(2, 3)).round(6).tolist() == [[0, 0, 0, 0, 1]]
    back = targets.joints_of_soft_grid(labels, SIDE)
    assert np.isnan(back[0, :4]).all()
    assert np.isfinite(back[0, 4]).all()


@QUIET
@given(joints=joints_in(-0.5, SIDE - 0.5))
def test_soft_labels_lead_back_to_their_joints(joints):
    width = SIDE / 16
    error = targets.joints_of_soft_grid(targets.soft_grid_labels(joints, SIDE), SIDE) - joints
    assert abs(error).max() <= 0.5 * width + 1e-4
    between = (abs(joints - (SIDE - 1) / 2) <= (SIDE - width) / 2).all(axis=-1)
    assert (np.linalg.norm(error, axis=-1)[between] <= 0.21 * width).all()


def test_a_network_s_probabilities_give_the_best_place():
    probabilities = np.full((1, 1, 16, 16), 0.4 / 252)
    probabilities[0, 0, 3:5, 6:8] = [[0.3, 0.1], [0.1, 0.1]]
    place = targets.joints_of_soft_grid(probabilities, 160)
    np.testing.assert_allclose(place, [[[(6 + 1 / 3 + 0.5) * 10 - 0.5, (3 + 1 / 3 + 0.5) * 10 - 0.5]]])


# --- multi-root offsets (Park et al.) ---


def test_offsets_follow_the_formula():
    poses = random_poses(0, 3)
    made = targets.multi_root_targets(poses)
    assert made.offsets.shape == (3, 6, 17, 3)
    for n, pose in enumerate(poses):
        shape = pose - pose.mean(axis=0)
        shape /= np.sqrt((shape**2).sum())
        for r, root in enumerate(
            ("pelvis", "thorax", "right_knee", "left_knee", "right_elbow", "left_elbow")
        ):
            for j in range(17):
                expected = shape[j] - shape[H36M17.index(root)]
                np.testing.assert_allclose(made.offsets[n, r, j], expected, atol=1e-7)


@QUIET
@given(seed=st.integers(0, 10**6), scale=st.floats(0.01, 100), shift=st.floats(-50, 50))
def test_offsets_lead_back_to_the_pose_and_know_no_scale_or_place(seed, scale, shift):
    poses = random_poses(seed, 2)
    made = targets.multi_root_targets(scale * poses + shift)
    np.testing.assert_allclose(made.offsets, targets.multi_root_targets(poses).offsets, atol=1e-6)
    back = targets.poses_of_offsets(made.offsets) * made.norm[:, None, None] + made.centre[:, None]
    np.testing.assert_allclose(back, scale * poses + shift, atol=2e-6 * scale * 10)


def test_roots_that_disagree_are_averaged_after_centring():
    pose = t_pose() - t_pose().mean(axis=0)
    predicted = np.stack([pose + 3.0, 2.0 * pose - 1.0])[None]
    np.testing.assert_allclose(targets.poses_of_offsets(predicted)[0], 1.5 * pose, atol=1e-12)


@QUIET
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 10))
def test_scale_comes_back_from_the_torso_of_the_training_set(seed, scale):
    # one person in many sizes of estimate: the torso's bones have one length, arms and legs move
    poses = np.tile(t_pose(), (4, 1, 1))
    limbs = [
        j
        for j, name in enumerate(H36M17.joints)
        if name.split("_")[-1] in ("knee", "ankle", "elbow", "wrist")
    ]
    poses[:, limbs] += np.random.default_rng(seed).normal(scale=0.2, size=(4, len(limbs), 3))
    lengths = targets.mean_torso_lengths(poses)
    assert lengths[2] == pytest.approx(0.2)  # pelvis to spine
    estimate = targets.poses_of_offsets(targets.multi_root_targets(poses * scale).offsets)
    centred = poses - poses.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(targets.metric_poses(estimate, lengths), centred, atol=1e-5)


def test_poses_without_size_are_refused_and_torsos_without_length_marked():
    poses = random_poses(0, 3)
    for bad in (np.nan, 0.5):
        poses[1] = bad
        with pytest.raises(InputError, match="pose 1 of the batch"):
            targets.multi_root_targets(poses)
    assert np.isnan(targets.metric_poses(np.ones((1, 17, 3)), np.ones(6))).all()


# --- SSP-Net ---


def seen_people(seed, count=3):
    """Camera joints (N, 17, 3), pixels (N, 17, 2) and intrinsics of made-up people."""
    bodies = random_poses(seed, count)
    cameras = camera_for(bodies, sample_views(seed, np.arange(count), ViewRange()))
    joints = to_camera(cameras, bodies)
    return joints, project_camera_points(cameras.K, joints), cameras.K


def test_ssp_coordinates_of_corners_and_depths():
    joints = [[[-0.5, -0.5], [219.5, 219.5], [109.5, 54.5], [230, 50]]]
    made = targets.ssp_targets(joints, SIDE, depth=[[4.0, 5.0, 3.0, 4.5]])
    expected = [[0, 0, 0.5], [1, 1, 1], [0.5, 0.25, 0], [230.5 / 220, 50.5 / 220, 0.75]]
    np.testing.assert_allclose(made.coordinates[0], expected, rtol=1e-6)
    assert made.confidence.tolist() == [[1, 1, 1, 0]]
    assert made.known.all(axis=-1).tolist() == [[True, True, True, False]]
    assert made.coordinates.dtype == made.confidence.dtype == np.float32


def test_ssp_targets_without_depth_or_label():
    joints = [[[10, 10], [20, 20], [np.nan, 5]], [[10, 10], [20, 20], [30, 30]]]
    made = targets.ssp_targets(
        joints, SIDE, depth=[[4.0, np.nan, 4], [np.nan, 4, 4]], labelled=[[1, 1, 1], [1, 0, 1]]
    )
    assert made.known[..., :2].all(axis=-1).tolist() == [[True, True, False], [True, False, True]]
    # a person whose root has no depth has none at all
    assert made.known[..., 2].tolist() == [[True, False, False], [False, False, False]]
    assert made.confidence.tolist() == [[1, 1, 0], [1, 0, 1]]
    assert (made.coordinates[~made.known] == 0).all()
    assert not targets.ssp_targets(joints, SIDE).known[..., 2].any()


@QUIET
@given(seed=st.integers(0, 10**6))
def test_ssp_targets_lead_back_to_the_camera_frame(seed):
    joints, pixels, K = seen_people(seed)
    made = targets.ssp_targets(pixels, SIDE, depth=joints[..., 2])
    inside = ((pixels >= -0.5) & (pixels <= 219.5)).all(axis=-1)
    np.testing.assert_array_equal(made.confidence, inside)
    flat, depth = targets.joints_of_ssp(made.coordinates, SIDE)
    np.testing.assert_allclose(flat, pixels, atol=1e-4)
    np.testing.assert_allclose(depth, joints[..., 2] - joints[:, :1, 2], atol=1e-6)
    back = targets.camera_joints_of_ssp(made.coordinates, SIDE, joints[:, 0, 2], K)
    np.testing.assert_allclose(back, joints, atol=1e-5)


# --- holistic regression (Rogez & Schmid) ---


def test_holistic_vector_by_hand():
    made = targets.holistic_targets(
        [[[-0.5, 219.5], [109.5, 54.5]]],
        [[[1.25, -1.25, 0], [0.625, np.nan, 1.0]]],
        SIDE,
        labelled=[[True, False]],
    )
    expected = [[-1, 1, 0, 0, 1, -1, 0, 0, 0, 0]]
    assert made.vector.tolist() == expected
    assert made.known.tolist() == [[True] * 2 + [False] * 2 + [True] * 3 + [False] * 3]
    with pytest.raises(InputError, match="positive"):
        targets.holistic_targets(np.zeros((1, 2, 2)), np.zeros((1, 2, 3)), SIDE, reach=0)


@QUIET
@given(seed=st.integers(0, 10**6), reach=st.floats(0.5, 4))
def test_holistic_vectors_lead_back_to_their_joints(seed, reach):
    joints, pixels, _ = seen_people(seed)
    solid = joints - torso_centre(joints)[:, None]
    made = targets.holistic_targets(pixels, solid, SIDE, reach=reach)
    assert made.vector.shape == (3, 85)
    assert made.known.all()
    inside = ((pixels >= -0.5) & (pixels <= 219.5)).all(axis=-1)
    assert abs(made.vector[:, :34].reshape(3, 17, 2)[inside]).max() <= 1
    flat, back = targets.joints_of_holistic(made.vector, SIDE, reach)
    np.testing.assert_allclose(flat, pixels, atol=1e-4)
    np.testing.assert_allclose(back, solid, atol=1e-6)


# --- lifters (Martinez et al., Seth) ---


def test_moments_are_those_of_the_known_values():
    values = np.array([[1.0, 5.0, 2.0], [3.0, np.nan, 2.0], [8.0, 9.0, 2.0], [0.0, np.nan, 2.0]])
    found = targets.moments(values)
    np.testing.assert_allclose(found.mean, np.nanmean(values, axis=0))
    np.testing.assert_allclose(found.deviation, [np.std([1, 3, 8, 0]), 2.0, 1.0])
    assert found.count.tolist() == [4, 2, 4]
    scaled = targets.standardise(values, found)
    assert scaled[1, 1] == 0
    assert (scaled[:, 2] == 0).all()
    with pytest.raises(InputError, match="standardised"):
        targets.standardise(values[:, :2], found)


def test_a_constant_coordinate_isn_t_blown_up_by_rounding():
    found = targets.moments(np.full((7, 1), 0.1))
    assert found.deviation.tolist() == [1]
    assert abs(targets.standardise(np.full((1, 1), 0.1), found)).max() < 1e-15


@QUIET
@given(
    values=hnp.arrays(np.float64, (12, 3), elements=st.floats(-1e3, 1e3) | st.just(np.nan)),
    cut=st.integers(0, 12),
)
def test_moments_of_parts_make_those_of_the_whole(values, cut):
    whole = targets.moments(values)
    parts = targets.combine_moments(targets.moments(values[:cut]), targets.moments(values[cut:]))
    np.testing.assert_array_equal(parts.count, whole.count)
    np.testing.assert_allclose(parts.mean, whole.mean, atol=1e-9)
    np.testing.assert_allclose(parts.squares, whole.squares, atol=1e-6)


@QUIET
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e4), root=st.integers(0, 16))
def test_standardised_poses_lead_back(seed, scale, root):
    poses = scale * random_poses(seed, 20)
    offsets = targets.root_relative(poses, root)
    assert offsets.shape == (20, 16, 3)
    training = targets.moments(offsets)
    scaled = targets.standardise(offsets, training)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)
    back = targets.poses_of_root_relative(targets.destandardise(scaled, training), root)
    np.testing.assert_allclose(back, poses - poses[:, [root]], atol=1e-5 * scale)
