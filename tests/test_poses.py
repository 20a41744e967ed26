"""The pose library: alignment, sampling, order, sources, and its file."""

from __future__ import annotations

import io

import numpy as np
import pytest
from bodies import clip, random_poses, t_pose, with_joints
from scipy.spatial.transform import Rotation

from synth.errors import InputError
from synth.poses import build_library, load_library, sampled_frames, save_library, torso_align
from synth.skeletons import BODY13, H36M17
from synth.sources.catalog import motion_items, read_item
from synth.sources.records import Rejection


def test_torso_aligned_pose_forgets_place_and_heading():
    pose = t_pose()
    turned = pose @ Rotation.random(rng=np.random.default_rng(0)).as_matrix().T + [3.0, -1.0, 2.0]
    aligned = torso_align(np.stack([pose, turned]))
    np.testing.assert_allclose(aligned[0], aligned[1], atol=1e-12)
    height = 1.75 - (1.42 + 0.93) / 2
    np.testing.assert_allclose(aligned[0, BODY13.index("head")], [0, height, 0], atol=1e-12)
    assert aligned[0, BODY13.index("left_wrist"), 0] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("count", "fps", "rate", "expected"),
    [
        (91, 120.0, 4.0, [0, 30, 60, 90]),
        (90, 120.0, 4.0, [0, 30, 60]),
        (5, 4.0, 4.0, [0, 1, 2, 3, 4]),
        (3, 2.0, 4.0, [0, 1, 2]),
        (32, 30.0, 4.0, [0, 8, 15, 23, 30]),
        (0, 120.0, 4.0, []),
        (1, 120.0, 4.0, [0]),
    ],
)
def test_sampled_frames(count, fps, rate, expected):
    assert sampled_frames(count, fps, rate).tolist() == expected


def test_library_is_in_order_whatever_the_order_of_clips():
    poses = random_poses(0, 240)
    clips = [
        clip(poses[:60], "02", "02_01.amc"),
        clip(poses[60:120], "01", "01_02.amc"),
        clip(poses[120:], "01", "01_01.amc"),
    ]
    library, rejections = build_library(clips)
    assert rejections == []
    assert library.subjects == ("cmu/01", "cmu/02")
    assert library.files == ("cmu:01_01.amc", "cmu:01_02.amc", "cmu:02_01.amc")
    assert library.frame.tolist() == [0, 30, 60, 90, 0, 30, 0, 30]
    assert library.file_of.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert library.subject_of.tolist() == [0] * 6 + [1] * 2
    assert library.poses_per_subject().tolist() == [6, 2]
    assert build_library(reversed(clips))[0].content_hash == library.content_hash


def test_poses_keep_height_and_heading_and_lose_their_place():
    poses = random_poses(0, 1) + np.array([5.0, 0.25, -3.0])
    joints = build_library([clip(poses)])[0].joints
    assert joints.dtype == np.float32
    pelvis = poses[0, H36M17.index("pelvis")]
    np.testing.assert_allclose(joints[0], poses[0] - [pelvis[0], 0.0, pelvis[2]], atol=1e-6)


def test_five_centimetres_of_one_wrist_make_another_pose():
    x, y, z = 0.75, 1.42, 0.0
    near = with_joints(t_pose(), left_wrist=(x, y, z + 0.049))
    far = with_joints(t_pose(), left_wrist=(x, y, z + 0.051))
    library, _ = build_library([clip(np.stack([t_pose(), near, far]), fps=4.0)])
    assert library.frame.tolist() == [0, 2]
    library, _ = build_library([clip(np.stack([t_pose(), near, far]), fps=4.0)], rule="mean")
    assert library.frame.tolist() == [0]
    library, _ = build_library([clip(np.stack([t_pose(), near, far]), fps=4.0)], threshold=0.04)
    assert library.frame.tolist() == [0, 1]


def test_rejections_pass_through_and_flat_torsos_join_them():
    poses = random_poses(0, 4)
    poses[2] = 0.0
    damaged = Rejection("cmu", "03.amc", "truncated file")
    library, rejections = build_library([damaged, clip(poses, fps=4.0)])
    assert library.frame.tolist() == [0, 1, 3]
    assert rejections[0] == damaged
    assert rejections[1].reason == "torso without extent"
    assert rejections[1].detail == "1 of 4 sampled frames, first frame 2"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"rule": "median"}, "median"), ({"threshold": 0.0}, "0.0"), ({"rate_hz": -1}, "-1")],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        build_library([clip(random_poses(0, 4))], **options)


def test_no_pose_at_all_is_an_error():
    with pytest.raises(InputError, match="1 items rejected"):
        build_library([Rejection("cmu", "03.amc", "truncated file")])


def test_library_comes_back_from_its_file(tmp_path):
    library, _ = build_library([clip(random_poses(0, 120))])
    save_library(library, tmp_path / "deep" / "library.npz")
    again = load_library(tmp_path / "deep" / "library.npz")
    assert again.content_hash == library.content_hash
    assert (again.subjects, again.files) == (library.subjects, library.files)
    np.testing.assert_array_equal(again.joints, library.joints)


def test_content_hash_sees_every_field():
    poses = random_poses(0, 60)
    hashes = {
        build_library([clip(poses)])[0].content_hash,
        build_library([clip(poses + 0.001)])[0].content_hash,
        build_library([clip(poses, subject="02")])[0].content_hash,
        build_library([clip(poses, name="02.amc")])[0].content_hash,
        build_library([clip(poses, fps=119.0)])[0].content_hash,
        build_library([clip(poses[30:])])[0].content_hash,
    }
    assert len(hashes) == 6


def _numpy_array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", _numpy_array()])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "library.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"library\.npz"):
        load_library(path)


def test_any_two_poses_of_recorded_motion_have_a_joint_five_centimetres_apart(data_root):
    clips = [read_item(item) for item in motion_items("hdm05", data_root)[::25]]
    library, _ = build_library(clips, rate_hz=30.0)
    aligned = torso_align(library.joints)
    candidates = sum(len(sampled_frames(len(clip.joints), clip.fps, 30.0)) for clip in clips)
    assert 20 < len(library) < candidates
    for i in range(1, len(aligned)):
        distance = np.linalg.norm(aligned[:i] - aligned[i], axis=-1).max(axis=-1)
        assert distance.min() >= 0.05 - 1e-6
