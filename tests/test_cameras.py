"""Views and projection on a body whose pictures can be worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from bodies import random_poses, t_pose
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.cameras import (
    BODY13_OF_H36M17,
    STANDARD_LENGTHS,
    ViewRange,
    Views,
    camera_for,
    mirror_joints2d,
    pixels_per_standard_metre,
    project,
    sample_views,
    to_camera,
    view_rotation,
)
from synth.errors import InputError
from synth.geometry import torso_centre
from synth.skeletons import BODY13, H36M17


def view(azimuth=0.0, elevation=0.0, distance=5.0, roll=0.0):
    angles = (np.deg2rad([angle]) for angle in (azimuth, elevation, roll))
    azimuth, elevation, roll = angles
    return Views(azimuth, elevation, np.array([distance]), roll)


def picture(pose, **options):
    camera = camera_for(pose[None], view(**options))
    return dict(zip(H36M17.joints, project(camera, pose[None])[0], strict=True))


def ladder(lengths):
    """A 2D pose whose ten standard parts have the given ratios to their standard length."""
    joints = np.zeros((13, 2))
    for side, part in (("right", lengths[:5]), ("left", lengths[5:])):
        scaled = dict(zip([k for k in STANDARD_LENGTHS if k[0].startswith(side)], part, strict=True))
        place = {f"{side}_hip": np.zeros(2)}
        steps = [("shoulder", "hip", -1), ("hip", "knee", 1), ("knee", "ankle", 1)]
        steps += [("shoulder", "elbow", 1), ("elbow", "wrist", 1)]
        for a, b, sign in steps:
            a, b = f"{side}_{a}", f"{side}_{b}"
            step = np.array([sign * scaled[a, b] * STANDARD_LENGTHS[a, b], 0.0])
            if sign < 0:
                place[a] = place[b] + step
            else:
                place[b] = place[a] + step
        for joint, point in place.items():
            joints[BODY13.index(joint)] = point
    return joints


def test_standard_lengths_are_ten_and_equal_on_both_sides():
    assert len(STANDARD_LENGTHS) == 10
    assert STANDARD_LENGTHS["right_hip", "right_knee"] == pytest.approx(0.245 * 1.75, abs=1e-4)
    for (a, b), length in STANDARD_LENGTHS.items():
        assert STANDARD_LENGTHS[a.replace("right", "left"), b.replace("right", "left")] == length


def test_scale_is_the_mean_of_the_second_to_fifth_largest_ratio():
    joints = ladder([10, 90, 30, 70, 50, 20, 80, 40, 60, 100])
    assert pixels_per_standard_metre(joints[None], np.ones((1, 13), bool))[0] == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (("hip", "knee", "ankle", "shoulder", "elbow"), (70 + 30 + 10) / 3),
        (("hip", "knee", "ankle", "shoulder"), (30 + 10) / 2),
        (("hip", "knee", "ankle"), np.nan),
        ((), np.nan),
    ],
)
def test_scale_with_few_labels(known, expected):
    thigh, shank, upper_arm, forearm, side = 10, 90, 70, 50, 30
    joints = ladder([thigh, shank, upper_arm, forearm, side, 500, 500, 500, 500, 500])
    labelled = np.array([joint.removeprefix("right_") in known for joint in BODY13.joints])
    found = pixels_per_standard_metre(joints[None], labelled[None])[0]
    np.testing.assert_allclose(found, expected)


def test_front_view_shows_left_on_the_right_and_up_above():
    seen = picture(t_pose())
    assert seen["left_wrist"][0] - seen["right_wrist"][0] == pytest.approx(150, rel=0.1)
    assert seen["left_wrist"][1] == pytest.approx(seen["right_wrist"][1])
    assert seen["head"][1] < seen["pelvis"][1] < seen["left_ankle"][1]


def test_azimuth_elevation_and_roll_turn_as_documented():
    pose = t_pose()
    from_the_left = to_camera(camera_for(pose[None], view(azimuth=90)), pose[None])[0]
    assert from_the_left[H36M17.index("left_wrist"), 2] == pytest.approx(5 - 0.75)
    from_above = to_camera(camera_for(pose[None], view(elevation=40)), pose[None])[0]
    assert from_above[H36M17.index("head"), 2] < 5 < from_above[H36M17.index("left_ankle"), 2]
    clockwise = picture(pose, roll=90)
    assert clockwise["head"][0] > clockwise["pelvis"][0] + 50
    assert clockwise["left_wrist"][1] > clockwise["right_wrist"][1]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31))
def test_every_picture_has_the_common_scale_in_the_middle_of_the_box(seed):
    poses = random_poses(seed, 8)
    views = sample_views(seed, np.arange(8), ViewRange(roll=(-180, 180)))
    camera = camera_for(poses, views)
    body = project(camera, poses)[:, BODY13_OF_H36M17]
    np.testing.assert_allclose(pixels_per_standard_metre(body, np.ones((8, 13), bool)), 100.0)
    np.testing.assert_allclose((body.min(axis=1) + body.max(axis=1)) / 2, 109.5, atol=1e-9)
    centre = to_camera(camera, torso_centre(poses)[:, None])[:, 0]
    expected = np.stack([np.zeros(8), np.zeros(8), views.distance], axis=1)
    np.testing.assert_allclose(centre, expected, atol=1e-12)
    np.testing.assert_allclose(
        camera.R @ np.swapaxes(camera.R, 1, 2), np.tile(np.eye(3), (8, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(np.linalg.det(camera.R), 1.0)


def test_projection_agrees_with_opencv():
    pose = random_poses(3, 1)
    camera = camera_for(pose, view(azimuth=33, elevation=-20, roll=10))
    expected, _ = cv2.projectPoints(pose[0], cv2.Rodrigues(camera.R[0])[0], camera.t[0], camera.K[0], None)
    np.testing.assert_allclose(project(camera, pose)[0], expected[:, 0], atol=1e-8)


def test_view_rotation_of_the_front_view():
    np.testing.assert_allclose(view_rotation(view())[0], np.diag([1.0, -1.0, -1.0]), atol=1e-15)


def test_views_depend_on_seed_and_id_alone():
    ranges = ViewRange(roll=(-10, 10))
    all_at_once, one = sample_views(7, np.arange(50), ranges), sample_views(7, [31], ranges)
    for name in ("azimuth", "elevation", "distance", "roll"):
        assert getattr(all_at_once, name)[31] == getattr(one, name)[0]
    assert sample_views(8, [31], ranges).azimuth[0] != one.azimuth[0]
    assert len(np.unique(all_at_once.azimuth)) == 50


def test_views_fill_their_range_and_stay_inside():
    views = sample_views(0, np.arange(2000), ViewRange())
    assert 0 <= views.azimuth.min() < 0.02
    assert 2 * np.pi - 0.02 < views.azimuth.max() <= 2 * np.pi
    assert np.abs(views.elevation).max() <= np.pi / 4
    assert views.distance.mean() == pytest.approx(6.0, abs=0.1)
    assert (views.roll == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"azimuth": (10.0, 0.0)}, "azimuth"),
        ({"roll": (0.0, float("nan"))}, "roll"),
        ({"elevation": (-91.0, 0.0)}, "elevation"),
        ({"distance": (1.0, 3.0)}, "distance"),
    ],
)
def test_wrong_ranges_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        ViewRange(**options)


def test_negative_seeds_are_refused():
    with pytest.raises(InputError, match="-1"):
        sample_views(-1, [0], ViewRange())


def test_mirroring_swaps_sides_and_twice_is_nothing():
    joints = np.arange(26.0, dtype=np.float32).reshape(13, 2)
    mirrored = mirror_joints2d(joints, 220)
    right_ankle, left_ankle = BODY13.index("right_ankle"), BODY13.index("left_ankle")
    assert mirrored[left_ankle].tolist() == [219.0, 1.0]
    assert mirrored[right_ankle].tolist() == [219.0 - 10.0, 11.0]
    assert mirrored.dtype == np.float32
    np.testing.assert_array_equal(mirror_joints2d(mirrored, 220), joints)
