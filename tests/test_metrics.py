"""Measures: cases worked by hand, scipy's Procrustes, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from synth import metrics
from synth.errors import InputError
from synth.metrics.rates import PCKH_GROUPS, TABLE5_GROUPS, joint_groups
from synth.skeletons import BODY13, H36M17, LSP14, MPII16

QUIET = settings(deadline=None, max_examples=40)
NAN = float("nan")
SQUARE = np.array([[0.0, 0, 0], [2, 0, 0], [2, 2, 0], [0, 2, 0]])


def turned(poses, seed, scale=1.0, shift=0.0):
    rotation = Rotation.random(random_state=seed).as_matrix()
    return scale * poses @ rotation.T + shift


# --- distances ---


def test_distances_by_hand():
    truth = np.stack([SQUARE, SQUARE])
    estimate = truth + [[[3.0, 4, 0]], [[0, 0, 1]]]
    assert metrics.joint_errors(estimate, truth).tolist() == [[5] * 4, [1] * 4]
    assert metrics.mpjpe(estimate, truth).tolist() == [5, 1]
    assert metrics.mpjpe(estimate, truth, root=2).tolist() == [0, 0]
    estimate[0, 1] += [0, 0, 2]
    # the root counts, with its error of 0; a root in the wrong place moves all others
    assert metrics.mpjpe(estimate, truth, root=0).tolist() == [0.5, 0]
    assert metrics.mpjpe(estimate, truth, root=1).tolist() == [1.5, 0]


def test_joints_that_are_not_known_do_not_count():
    truth = np.array([[[0.0, 0], [1, 1], [NAN, 1]], [[0, 0], [NAN, NAN], [NAN, 0]]])
    estimate = np.array([[[3.0, 4], [1, 2], [5, 5]], [[NAN, 0], [1, 1], [2, 2]]])
    errors = metrics.joint_errors(estimate, truth, labelled=[[True, True, True], [True, True, True]])
    np.testing.assert_equal(errors, [[5, 1, NAN], [np.inf, NAN, NAN]])
    hidden = metrics.joint_errors(estimate, truth, labelled=[[False, True, True], [False, True, True]])
    np.testing.assert_equal(hidden, [[NAN, 1, NAN], [NAN, NAN, NAN]])
    assert metrics.mean_error(hidden) == 1
    np.testing.assert_equal(metrics.mpjpe(estimate[:1], truth[:1]), [3.0])
    assert np.isnan(metrics.mean_error([NAN]))


def test_poses_of_other_shapes_are_refused():
    with pytest.raises(InputError, match=r"\(1, 4, 3\) cannot be compared with \(4, 3\)"):
        metrics.mpjpe(SQUARE[None], SQUARE)


def test_errors_by_action_weigh_each_pose_alike():
    table = metrics.mean_by_group([1.0, 5.0, 3.0, NAN], ["walk", "sit", "walk", "sit"])
    assert table == {"walk": 2.0, "sit": 5.0}
    assert list(table) == ["walk", "sit"]
    assert metrics.mean_by_group([[1.0, NAN], [2.0, 6.0]], [7, 7]) == {7: 3.0}
    with pytest.raises(InputError, match="2 errors in 1 groups"):
        metrics.mean_by_group([1.0, 2.0], ["walk"])


# --- alignment ---


def test_aligned_distances_by_hand():
    # twice as large: a rigid map can lay the centres on each other, each corner stays off by its half-diagonal
    assert metrics.rigid_mpjpe(turned(2 * SQUARE, 1, shift=9.0)[None], SQUARE[None]) == pytest.approx(
        np.sqrt(2)
    )
    assert metrics.pa_mpjpe(turned(2 * SQUARE, 1, shift=9.0)[None], SQUARE[None]) == pytest.approx(
        0, abs=1e-12
    )


@QUIET
@given(seed=st.integers(0, 10**6))
def test_aligned_distances_are_scipy_s(seed):
    estimate, truth = random_poses(seed, 1, spread=0.3)[0], random_poses(seed + 1, 1, spread=0.3)[0]
    x, y = estimate - estimate.mean(axis=0), truth - truth.mean(axis=0)
    rotation, singular = orthogonal_procrustes(x, y)
    if np.linalg.det(rotation) > 0:  # scipy allows reflections
        rigid = np.linalg.norm(x @ rotation - y, axis=1).mean()
        assert metrics.rigid_mpjpe(estimate, truth) == pytest.approx(rigid)
        similar = np.linalg.norm(x @ rotation * singular / (x**2).sum() - y, axis=1).mean()
        assert metrics.pa_mpjpe(estimate, truth) == pytest.approx(similar)
        first, second, _ = procrustes(truth, estimate)  # of norm 1
        scaled = np.linalg.norm(first - second, axis=1).mean() * np.linalg.norm(y)
        assert metrics.pa_mpjpe(estimate, truth) == pytest.approx(scaled)


@QUIET
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_aligned_distances_know_no_rotation_place_or_scale(seed, scale, shift):
    estimate, truth = random_poses(seed, 2), random_poses(seed + 1, 2)
    rigid, similar = metrics.rigid_mpjpe(estimate, truth), metrics.pa_mpjpe(estimate, truth)
    moved = turned(estimate, seed, shift=shift)
    np.testing.assert_allclose(metrics.rigid_mpjpe(moved, truth), rigid, atol=1e-9)
    np.testing.assert_allclose(metrics.pa_mpjpe(scale * moved, truth), similar, atol=1e-9)
    # the unit goes through all of them
    np.testing.assert_allclose(metrics.pa_mpjpe(1000 * estimate, 1000 * truth), 1000 * similar, rtol=1e-6)
    np.testing.assert_allclose(metrics.mpjpe(estimate + shift, truth + shift), metrics.mpjpe(estimate, truth))


def test_a_mirrored_pose_is_not_laid_upon_the_true_one():
    poses = random_poses(3, 4)
    assert metrics.pa_mpjpe(poses * [-1, 1, 1], poses).min() > 0.02
    assert metrics.pa_mpjpe(poses * [-1, -1, 1], poses).max() < 1e-9


def test_a_damaged_pose_does_not_spoil_the_batch():
    poses = random_poses(0, 3)
    estimate, truth = poses.copy(), poses.copy()
    estimate[1, 4] = NAN
    truth[2, 0, 1] = NAN
    for measure in (metrics.rigid_mpjpe, metrics.pa_mpjpe):
        np.testing.assert_allclose(measure(estimate, truth), [0, np.inf, NAN], atol=1e-12)
    assert metrics.pa_mpjpe(poses.reshape(3, 1, 17, 3), poses.reshape(3, 1, 17, 3)).shape == (3, 1)


# --- thresholds ---


def test_3dpck_and_auc_by_hand():
    errors = np.array([[0.0, 0.010, 0.1499], [0.150, 0.5, NAN]])
    assert metrics.pck3d(errors) == pytest.approx(3 / 5)
    # below t: from 5, 15 and 150 mm on, of the thresholds 0, 5, ... 150
    assert metrics.auc3d(errors) == pytest.approx((30 + 28 + 1 + 0 + 0) / 5 / 31)
    assert metrics.auc3d([0.0]) == pytest.approx(30 / 31)
    assert np.isnan(metrics.pck3d([NAN]))


def test_pckh_by_hand():
    # 0.6 of the diagonal of 30 x 40: 30 px, so joints count up to 15 px
    sizes = metrics.head_sizes([[10, 20, 40, 60], [0, 0, 60, 80]])
    np.testing.assert_allclose(sizes, [30, 60])
    errors = np.full((2, 16), 100.0)
    errors[0, MPII16.index("head")] = 15.0
    errors[0, MPII16.index("neck")] = 15.01
    errors[1, MPII16.index("head")] = 29.0
    errors[1, MPII16.index("neck")] = NAN
    errors[:, MPII16.indices(["left_ankle", "pelvis", "thorax"])] = 0.0
    table = metrics.pckh(errors, sizes)
    assert table["Head"] == pytest.approx(2 / 3)
    assert table["Ankle"] == 0.5
    assert table["Knee"] == 0
    # 14 joints of two people but one; the pelvis and the thorax are left out
    assert table["Mean"] == pytest.approx(4 / 27)
    assert metrics.pckh(errors, sizes, share=0.4)["Head"] == 0


def test_columns_hold_each_joint_once():
    for groups, skeleton, without in (
        (TABLE5_GROUPS, BODY13, set()),
        (TABLE5_GROUPS, LSP14, {"neck"}),
        (PCKH_GROUPS, MPII16, {"pelvis", "thorax"}),
        (TABLE5_GROUPS, H36M17, {"pelvis", "spine", "thorax", "neck"}),
    ):
        found = np.concatenate(list(joint_groups(groups, skeleton).values()))
        assert sorted(skeleton.joints[i] for i in found) == sorted(set(skeleton.joints) - without)


def test_table_5_of_the_paper_adds_up():
    # Ours (VGG): each column's error on all its joints gives the published mean over the 13 joints
    columns = ("Feet", "Knees", "Hips", "Hands", "Elbows", "Shoulder", "Head")
    published = dict(zip(columns, (16.2, 10.6, 4.1, 17.7, 13.0, 8.4, 9.8), strict=True))
    errors = np.empty((1, 13))
    for name, own in joint_groups(TABLE5_GROUPS, BODY13).items():
        errors[:, own] = published[name]
    table = metrics.pixel_errors_by_group(errors)
    assert table.pop("All") == pytest.approx(11.5, abs=0.05)
    assert table == pytest.approx(published)


# --- classes and hypotheses ---


def test_classification_rates_by_hand():
    ranked = [[3, 1, 2], [0, 2, 1], [1, 0, 3], [9, 9, 9]]
    rates = metrics.top_k_rates(ranked, [3, 1, 2, -1], ks=[1, 2, 3])
    np.testing.assert_allclose(rates, [1 / 3, 1 / 3, 2 / 3])
    assert np.isnan(metrics.top_k_rates(ranked, [-1] * 4, ks=[1])).all()


def test_the_best_of_the_first_hypotheses_by_hand():
    errors = [[5.0, 7.0, 1.0], [2.0, 1.0, 8.0], [NAN, 0.0, 0.0]]
    np.testing.assert_allclose(metrics.best_of_top_k(errors, ks=[1, 2, 3]), [3.5, 3.0, 1.0])
    for ks in ([0], [4], []):
        with pytest.raises(InputError, match="of 3: give numbers"):
            metrics.best_of_top_k(errors, ks)


@QUIET
@given(seed=st.integers(0, 10**6), people=st.integers(1, 5), count=st.integers(1, 9))
def test_more_hypotheses_are_never_worse(seed, people, count):
    errors = np.random.default_rng(seed).random((people, count))
    curve = metrics.best_of_top_k(errors, range(1, count + 1))
    assert (np.diff(curve) <= 0).all()
    assert curve[0] == pytest.approx(errors[:, 0].mean())
    assert curve[-1] == pytest.approx(errors.min(axis=1).mean())
