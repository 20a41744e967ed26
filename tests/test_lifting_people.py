"""Annotated people to 3D poses in metres, and those to motion clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.cameras import STANDARD_LENGTHS
from synth.errors import InputError
from synth.geometry import axis_rotation, similarity_alignment, torso_centre
from synth.lifting.corrections import Correction, Corrections
from synth.lifting.dictionary import DictionaryOptions, learn_dictionary
from synth.lifting.lifted import confidences, join_people, load_people, motion_clips, save_people
from synth.lifting.limbs import LIMB_NAMES, limb_depths
from synth.lifting.people import (
    LiftOptions,
    lift_joints,
    lift_people,
    normalise_2d,
    settle_depths,
    spread_misfit,
)
from synth.plausibility import PlausibilityLimits
from synth.skeletons import H36M17, LSP14
from synth.sources.records import AnnotatedImages, MotionClip, Rejection

# people whose joints wander about one pose that is far from flat: a flat one may as well be turned either way
BODY = random_poses(11, 1, 0.2)[0]
LSP = np.isin(np.arange(17), H36M17.indices(LSP14.joints))


def wandering(seed, count, spread):
    return BODY + np.random.default_rng(seed).normal(scale=spread, size=(count, 17, 3))


@pytest.fixture(scope="module")
def dictionary():
    return learn_dictionary(wandering(0, 80, 0.06), DictionaryOptions(atoms=12, sparsity=0.2, thinning=0.001))


def seen_people(count, seed=5):
    """People unlike those of the dictionary, turned about the vertical: 2D at 80 px/m and truth, y down."""
    truth = wandering(seed, count, 0.03) * [1, -1, -1]
    turn = axis_rotation("y", np.linspace(-1.0, 1.0, count))
    truth = truth @ np.swapaxes(turn, 1, 2)
    return truth[..., :2] * 80.0 + [200.0, 150.0], truth


def annotated(joints, labelled):
    count = len(joints)
    numbers = np.arange(count, dtype=np.int32)
    images = tuple(f"im{k}.jpg" for k in range(count))
    hidden = np.zeros_like(labelled)
    found = joints.astype(np.float32)
    return AnnotatedImages(
        "shots", Path("."), images, numbers, np.zeros_like(numbers), found, labelled, hidden
    )


def test_labelled_joints_fall_on_their_annotation(dictionary):
    joints, _ = seen_people(4)
    poses = lift_joints(joints, np.tile(LSP, (4, 1)), dictionary.atoms)
    pixels = poses.origins[:, None] + poses.scales[:, None, None] * poses.joints[..., :2]
    np.testing.assert_allclose(pixels[:, LSP], joints[:, LSP], atol=2e-3)
    assert np.abs(pixels - joints).max() < 25
    np.testing.assert_allclose(torso_centre(poses.joints), 0, atol=1e-6)


def test_known_people_are_found_in_3d(dictionary):
    joints, truth = seen_people(6)
    poses = lift_joints(joints, np.tile(LSP, (6, 1)), dictionary.atoms)
    metres = poses.joints.astype(np.float64)
    error, flat = (
        np.linalg.norm(similarity_alignment(p, truth).apply(p) - truth, axis=2).mean()
        for p in (metres, metres * [1, 1, 0])
    )
    assert error < 0.65 * flat


def test_size_and_place_of_the_picture_do_not_matter(dictionary):
    joints, _ = seen_people(2)
    labelled = np.tile(LSP, (2, 1))
    one = lift_joints(joints, labelled, dictionary.atoms)
    other = lift_joints(3.0 * joints - 500.0, labelled, dictionary.atoms)
    np.testing.assert_allclose(other.joints, one.joints, atol=1e-5)
    np.testing.assert_allclose(other.scales, 3.0 * one.scales, rtol=1e-5)
    np.testing.assert_allclose(other.flip_costs, one.flip_costs, atol=1e-4)


def test_what_is_not_labelled_is_not_read(dictionary):
    joints, _ = seen_people(2)
    labelled = np.tile(LSP, (2, 1))
    spoilt = np.where(labelled[..., None], joints, np.nan)
    np.testing.assert_array_equal(
        lift_joints(spoilt, labelled, dictionary.atoms).joints,
        lift_joints(joints, labelled, dictionary.atoms).joints,
    )


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.floats(0.1, 50), st.floats(-100, 100))
def test_normalised_poses_have_unit_spread(seed, scale, shift):
    joints = random_poses(seed, 2)[..., :2] * scale + shift
    labelled = np.tile(LSP, (2, 1))
    points, spread, middle = normalise_2d(joints, labelled)
    np.testing.assert_allclose(points[:, :, LSP].std(axis=2).mean(axis=1), 1.0)
    back = np.swapaxes(points, 1, 2) * spread[:, None, None] + middle[:, None]
    np.testing.assert_allclose(back[:, LSP], joints[:, LSP], rtol=1e-9, atol=1e-6)
    assert (points[:, :, ~LSP] == 0).all()


def test_joints_without_label_follow_their_neighbours():
    misfit = np.zeros((1, 17, 2))
    for joint, x in (("left_hip", 3.0), ("right_hip", 1.0), ("left_shoulder", 4.0), ("right_shoulder", 4.0)):
        misfit[0, H36M17.index(joint), 0] = x
    misfit[0, H36M17.index("left_elbow"), 0] = 99.0
    labelled = LSP.copy()
    labelled[H36M17.indices(["left_elbow", "left_wrist", "neck", "head"])] = False
    moved = spread_misfit(misfit, labelled[None])[0, :, 0]
    pelvis, spine, thorax = moved[H36M17.indices(["pelvis", "spine", "thorax"])]
    # the neck hangs on the thorax alone; (3 + 1 + s) / 3, (p + t) / 2, (4 + 4 + s) / 3
    assert pelvis == pytest.approx((4 + spine) / 3)
    assert spine == pytest.approx((pelvis + thorax) / 2)
    assert thorax == pytest.approx((8 + spine) / 3)
    assert moved[H36M17.index("head")] == pytest.approx(thorax)
    assert moved[H36M17.index("left_wrist")] == pytest.approx(4.0)


def test_settled_limbs_have_their_standard_length():
    poses = random_poses(3, 3, 0.05) * 0.8
    settled = settle_depths(poses, 1.0)
    for limb in ("left_hip", "left_knee"), ("right_elbow", "right_wrist"):
        a, b = H36M17.indices(limb)
        length = np.linalg.norm(settled[:, a] - settled[:, b], axis=1)
        flat = np.linalg.norm((settled[:, a] - settled[:, b])[:, :2], axis=1)
        np.testing.assert_allclose(length, np.maximum(STANDARD_LENGTHS[limb], flat))
    assert (limb_depths(settled)[:, :8] * limb_depths(poses)[:, :8] >= 0).all()
    np.testing.assert_array_equal(settle_depths(poses, 0.0), poses)


def test_people_who_cannot_be_lifted_are_listed(dictionary):
    joints, _ = seen_people(4)
    labelled = np.tile(LSP, (4, 1))
    labelled[0, :6] = False
    joints[1] = 7.0
    joints[2, H36M17.index("left_wrist")] += 600.0
    people, rejections = lift_people(
        annotated(joints, labelled), range(4), dictionary.atoms, "d", LiftOptions(least_joints=12)
    )
    assert people.images == ("im3.jpg",)
    assert [(r.source, r.item, r.reason) for r in rejections] == [
        ("pseudo:shots", "im0.jpg person 0", "too few labelled joints"),
        ("pseudo:shots", "im1.jpg person 0", "labelled joints all in one place"),
        ("pseudo:shots", "im2.jpg person 0", "implausible limb length"),
    ]


def test_nobody_at_all(dictionary):
    joints, _ = seen_people(1)
    people, rejections = lift_people(annotated(joints, np.zeros((1, 17), bool)), [0], dictionary.atoms, "d")
    assert (people.images, len(people.poses), len(rejections)) == ((), 0, 1)


@pytest.fixture
def lifted(dictionary):
    joints, _ = seen_people(3)
    return lift_people(annotated(joints, np.tile(LSP, (3, 1))), range(3), dictionary.atoms, "d")[0]


def test_parts_join_to_the_whole_and_the_file_holds_it(dictionary, lifted, tmp_path):
    joints, _ = seen_people(3)
    source = annotated(joints, np.tile(LSP, (3, 1)))
    parts = [lift_people(source, rows, dictionary.atoms, "d")[0] for rows in ([0], [1, 2])]
    joined = join_people(parts)
    assert joined.content_hash == lifted.content_hash
    save_people(joined, tmp_path / "p.npz")
    found = load_people(tmp_path / "p.npz")
    assert found.content_hash == lifted.content_hash
    assert found.images == lifted.images
    (tmp_path / "p.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="cannot read lifted people"):
        load_people(tmp_path / "p.npz")


def test_clips_stand_upright_on_the_ground(lifted):
    clips = list(motion_clips(lifted))
    assert [(c.source, c.subject, c.name) for c in clips] == [
        ("pseudo:shots", f"im{k}.jpg", f"im{k}.jpg person 0") for k in range(3)
    ]
    for clip, pose in zip(clips, lifted.poses.joints, strict=True):
        assert clip.joints.shape == (1, 17, 3)
        assert clip.joints.dtype == np.float32
        assert clip.joints[0, :, 1].min() == 0.0
        assert clip.joints[0, H36M17.index("head"), 1] > clip.joints[0, H36M17.index("pelvis"), 1]
        back = clip.joints[0] * [1, -1, -1]
        np.testing.assert_allclose(back - back.mean(axis=0), pose - pose.mean(axis=0), atol=1e-5)


def test_low_confidence_is_listed(lifted):
    limit = float(np.sort(confidences(lifted.poses))[1])
    kinds = [type(item) for item in motion_clips(lifted, least_confidence=limit)]
    assert sorted(kinds, key=str) == sorted([MotionClip, MotionClip, Rejection], key=str)


def test_implausible_annotations_are_left_out(lifted):
    limits = PlausibilityLimits(**dict.fromkeys(("limb_ratio", "head", "shoulders", "hips"), 100.0))
    limits = replace(limits, side_ratio=1e6, opposed_width=100.0, torso_spread=0.0)
    assert all(isinstance(item, MotionClip) for item in motion_clips(lifted, limits=limits))
    items = list(motion_clips(lifted, limits=replace(limits, hips=0.0, torso_spread=100.0)))
    assert [item.reason for item in items] == ["implausible annotation"] * 3
    assert [item.detail for item in items] == ["hips too far apart, torso collapsed"] * 3


def test_corrections_turn_limbs_and_raise_confidence(lifted):
    pose, number = lifted.poses.joints[1], LIMB_NAMES.index("left_forearm")
    now = "toward" if limb_depths(pose[None])[0, number] < 0 else "away"
    other = "away" if now == "toward" else "toward"
    said = Corrections("shots", (Correction("im1.jpg", 0, "left_forearm", other),))
    clips = list(motion_clips(lifted, said))
    wrist = H36M17.index("left_wrist")
    plain = list(motion_clips(lifted))
    moved = np.abs(clips[1].joints - plain[1].joints).max(axis=(0, 2)) > 1e-6
    assert np.flatnonzero(moved).tolist() == [wrist]
    np.testing.assert_array_equal(clips[0].joints, plain[0].joints)
    confirmed = np.zeros((3, len(LIMB_NAMES)), bool)
    confirmed[1, number] = True
    before, after = confidences(lifted.poses), confidences(lifted.poses, confirmed)
    assert after[1] > before[1]
    assert after[0] == before[0]
    with pytest.raises(InputError, match="are for lsp, the lifted people are of shots"):
        list(motion_clips(lifted, Corrections("lsp")))


def test_options_are_checked():
    with pytest.raises(InputError, match="least_joints is 3"):
        LiftOptions(least_joints=3)
    with pytest.raises(InputError, match="limb_range"):
        LiftOptions(limb_range=(2.0, 1.0))
