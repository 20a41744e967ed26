"""Self-occlusion: obvious cases, and capsules against the spheres they are made of."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses, t_pose, with_joints

from synth.cameras import Views, camera_for, to_camera
from synth.occlusion import CAPSULES, JOINT_RADII, OCCLUSION_MARGIN, self_occluded
from synth.poses import build_library
from synth.queries import make_queries
from synth.query_plan import plan_queries
from synth.skeletons import BODY13, H36M17, mirrored_name
from synth.sources.catalog import motion_items, read_item
from synth.splits import SplitCycle


def seen_from(azimuth, pose):
    """Names of the hidden joints of `BODY13`."""
    zero = np.zeros(1)
    camera = camera_for(pose[None], Views(np.deg2rad([azimuth]), zero, np.array([6.0]), zero))
    hidden = self_occluded(to_camera(camera, pose[None]))[0]
    return {joint for joint in BODY13.joints if hidden[H36M17.index(joint)]}


@pytest.mark.parametrize("azimuth", [0, 180, 20, -30])
def test_nothing_of_a_t_pose_is_hidden_from_front_or_back(azimuth):
    assert seen_from(azimuth, t_pose()) == set()


def test_profile_hides_the_far_side_and_the_shoulder_behind_its_own_arm():
    far = {f"right_{joint}" for joint in ("ankle", "knee", "hip", "wrist", "elbow", "shoulder")}
    assert seen_from(90, t_pose()) == far | {"left_shoulder"}
    assert seen_from(-90, t_pose()) == {mirrored_name(joint) for joint in far} | {"right_shoulder"}


def test_more_of_the_far_side_is_hidden_as_the_body_turns():
    pose = with_joints(
        t_pose(),
        left_elbow=(0.22, 1.12, 0.0),
        left_wrist=(0.24, 0.87, 0.0),
        right_elbow=(-0.22, 1.12, 0.0),
        right_wrist=(-0.24, 0.87, 0.0),
    )
    assert seen_from(0, pose) == set()
    assert seen_from(45, pose) == {"right_elbow"}
    assert seen_from(70, pose) == {
        f"right_{joint}" for joint in ("elbow", "hip", "knee", "shoulder", "wrist")
    }


def test_a_hand_behind_the_back_is_hidden_from_the_front_only():
    pose = with_joints(t_pose(), left_elbow=(0.30, 1.15, -0.10), left_wrist=(0.05, 1.10, -0.20))
    assert seen_from(0, pose) == {"left_wrist"}
    assert seen_from(180, pose) == set()


def test_a_hand_before_the_chest_hides_nothing_and_is_seen():
    pose = with_joints(t_pose(), left_elbow=(0.30, 1.20, 0.15), left_wrist=(0.05, 1.25, 0.25))
    assert seen_from(0, pose) == set()
    assert seen_from(180, pose) == {"left_wrist"}


def test_an_arm_that_points_at_the_camera_hides_its_shoulder_but_not_its_own_elbow():
    pose = with_joints(t_pose(), left_elbow=(0.18, 1.42, 0.32), left_wrist=(0.18, 1.42, 0.57))
    zero = np.zeros(1)
    camera = camera_for(pose[None], Views(zero, zero, np.array([60.0]), zero))
    hidden = self_occluded(to_camera(camera, pose[None]))[0]
    assert hidden[H36M17.index("left_shoulder")]
    assert not hidden[H36M17.index("left_elbow")]
    assert not hidden[H36M17.index("left_wrist")]


def test_a_wider_margin_hides_less():
    camera_poses = random_poses(0, 200, 0.2) + np.array([0.0, -1.0, 5.0])
    narrow, wide = self_occluded(camera_poses, 0.02), self_occluded(camera_poses, 0.2)
    assert wide.sum() < narrow.sum()
    assert not (wide & ~narrow).any()


def entry_of_spheres(joint, capsule, pose, count=1500):
    """Where the line of sight to a joint first meets a capsule, taken as very many spheres."""
    start = sum(weight * pose[H36M17.index(name)] for name, weight in capsule.start)
    end = sum(weight * pose[H36M17.index(name)] for name, weight in capsule.end)
    centres = start + np.linspace(0, 1, count)[:, None] * (end - start)
    ray = joint / np.linalg.norm(joint)
    foot = centres @ ray
    across = np.linalg.norm(centres - foot[:, None] * ray, axis=1)
    inside = across < capsule.radius
    half = np.sqrt(np.maximum(capsule.radius**2 - across**2, 0.0))
    return np.min(np.where(inside, foot - half, np.inf)), abs(across.min() - capsule.radius)


def test_capsules_agree_with_spheres():
    poses = random_poses(2, 50, 0.2) @ np.diag([1.0, -1.0, -1.0]) + np.array([0.0, 1.0, 4.0])
    found, doubtful, hidden_count = self_occluded(poses), 0, 0
    for pose, hidden in zip(poses, found, strict=True):
        for j, name in enumerate(H36M17.joints):
            limit = np.linalg.norm(pose[j]) - JOINT_RADII[j] - OCCLUSION_MARGIN
            others = [capsule for capsule in CAPSULES if name not in capsule.owners]
            entries, grazing = np.array([entry_of_spheres(pose[j], c, pose) for c in others]).T
            if (np.abs(entries - limit) < 1e-3).any() or (grazing < 1e-5).any():
                doubtful += 1
                continue
            assert hidden[j] == (entries < limit).any()
            hidden_count += hidden[j]
    assert doubtful < 20
    assert 50 < hidden_count < 700


def test_recorded_people_hide_one_to_four_of_thirteen_joints(data_root):
    clips = [read_item(item) for item in motion_items("hdm05", data_root)[::25]]
    plan = plan_queries(build_library(clips)[0], SplitCycle(1, 0, 0), seed=0)
    hidden = make_queries(plan, np.arange(400)).self_occluded[:, H36M17.indices(BODY13.joints)]
    assert 1.0 < hidden.sum(axis=1).mean() < 4.0
    assert (hidden.mean(axis=0) > 0.01).all()
