"""The procedural clips: could people move like that, are they written and read alike, do they cover CMU's."""

from __future__ import annotations

import re
import socket
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from synth.geometry import axis_rotation
from synth.poses import build_library, torso_align
from synth.skeletons import H36M17
from synth.sources import catalog
from synth.sources.acclaim import forward_kinematics, landmarks
from synth.sources.amc import parse_amc
from synth.sources.demo import arms, body, capsules, clips, keys, tracks
from synth.sources.demo.archive import amc_text, demo_archive, write_archive
from synth.sources.demo.clearance import Arm, body_capsules
from synth.sources.demo.rotations import continuous_euler
from synth.sources.demo.solver import set_arm
from synth.sources.demo.trunk import Trunk
from synth.sources.humanoid import h36m17_weights
from synth.sources.kinematics import euler_matrix
from synth.sources.motion import acclaim_items, read_item
from synth.sources.records import MotionClip

ANY = settings(deadline=None, max_examples=60)
ANGLES = st.floats(-3.0, 3.0)


@pytest.fixture(scope="module")
def subjects():
    """Two subjects with all their clips."""
    return [clips.demo_subject(0, number) for number in range(2)]


@pytest.fixture(scope="module")
def all_clips():
    """Everything that `--mocap demo` gives, read from the files; made once in the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SYNTH_DATA", raising=False)
        patch.setattr(socket, "socket", None)
        return [read_item(item) for item in catalog.motion_items("demo", None)]


def every(subjects):
    """Each clip with its subject."""
    return [(subject, clip) for subject in subjects for clip in subject.clips]


def ends(subject, clip, *bones):
    """Positions of the ends of some bones, (F, len(bones), 3)."""
    return clip.positions[:, [subject.body.skeleton.names.index(bone) for bone in bones]]


# --- files ---------------------------------------------------------------------------------------------


def test_same_bytes_for_the_same_seed_and_others_for_another(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "socket", None)  # made anew without a network
    first, again, other = (tmp_path / name for name in ("a.zip", "b.zip", "c.zip"))
    for path, seed in ((first, 3), (again, 3), (other, 4)):
        write_archive(path, seed, subjects=1)
    assert first.read_bytes() == again.read_bytes()
    assert first.read_bytes() != other.read_bytes()


def test_archive_is_made_once_and_read_like_cmus(tmp_path, monkeypatch):
    monkeypatch.setenv("SYNTH_CACHE", str(tmp_path))
    path = demo_archive(seed=0, subjects=1)
    made = path.stat().st_mtime_ns
    assert demo_archive(seed=0, subjects=1) == path
    assert path.stat().st_mtime_ns == made
    assert demo_archive(seed=1, subjects=1) != path
    items = acclaim_items("demo", [path])
    clip = read_item(items[0])
    assert isinstance(clip, MotionClip)
    assert (clip.source, clip.subject, clip.fps) == ("demo", "01", tracks.FPS)
    assert items[0].skeleton == "01/demo_01.asf"
    names = zipfile.ZipFile(path).namelist()
    assert len([name for name in names if name.endswith(".amc")]) == len(items)


def test_clips_in_memory_are_those_of_the_files(tmp_path):
    path = tmp_path / "demo.zip"
    write_archive(path, seed=0, subjects=1)
    read = {item.name: read_item(item) for item in acclaim_items("demo", [path])}
    subject = clips.demo_subject(0, 0)
    weights = h36m17_weights(*landmarks(subject.body.skeleton, subject.name))
    assert len(read) == len(subject.clips)
    for number, clip in enumerate(subject.clips):
        # thousandths of a degree along a body of two metres
        found = read[clips.clip_name(subject.name, number, clip)]
        assert_allclose(found.joints, weights @ clip.positions, rtol=0, atol=3e-4)


def test_text_keeps_the_channels(subjects):
    subject = subjects[0]
    motion = subject.clips[0].motion
    again = parse_amc(amc_text(subject.body, subject.clips[0]), subject.body.skeleton)
    assert_allclose(again[:, :3], motion[:, :3], rtol=0, atol=0.00051 * body.UNIT)
    assert_allclose(again[:, 3:], motion[:, 3:], rtol=0, atol=np.radians(0.00051))


def test_demo_needs_neither_data_nor_network(all_clips):
    assert all(isinstance(clip, MotionClip) for clip in all_clips)
    assert len({clip.subject for clip in all_clips}) == clips.SUBJECTS == 40
    assert len(all_clips) >= 0.95 * clips.SUBJECTS * clips.CLIPS
    prints = [
        catalog.source_fingerprint(catalog.locate(source, None) for source in catalog.motion_sources("demo"))
        for _ in range(2)
    ]
    assert prints[0] == prints[1]


def test_there_are_twenty_thousand_distinct_poses(all_clips):
    library, rejections = build_library(all_clips)
    assert not rejections
    assert len(library) > 20_000
    assert len(library.subjects) == 40


# --- could people move like that? ----------------------------------------------------------------------


def test_every_channel_is_within_the_limits_that_the_file_declares(subjects):
    for subject, clip in every(subjects):
        declared = {}
        for block in subject.body.asf.split("begin")[1:-1]:
            name = re.search(r"name (\w+)", block)[1]
            declared[name] = [tuple(map(float, pair)) for pair in re.findall(r"\((\S+) (\S+)\)", block)]
        text = amc_text(subject.body, clip)
        for name, values in re.findall(r"^([a-z]+) (.+)$", text, flags=re.MULTILINE):
            if name != "root":
                for value, (low, high) in zip(map(float, values.split()), declared[name], strict=True):
                    assert low - 1e-3 <= value <= high + 1e-3, (clip.action, name)


LIMITS = {
    ("lowerback", "upperback", "thorax"): ((-45, 96), (-60, 60), (-51, 51)),
    ("lowerneck", "upperneck", "head"): ((-75, 66), (-78, 78), (-48, 48)),
    ("lfemur",): ((-140, 35), (-60, 75), (-75, 60)),
    ("rfemur",): ((-140, 35), (-75, 60), (-60, 75)),
    **dict.fromkeys([("ltibia",), ("rtibia",)], ((0, 155),)),
    ("lfoot",): ((-35, 60), (-40, 40)),
    ("rfoot",): ((-35, 60), (-40, 40)),
    **dict.fromkeys([("lradius",), ("rradius",)], ((0, 150),)),
}
"""Degrees by bones whose channels add up: bending forward or flexing, turning, leaning."""


def test_trunk_head_and_limbs_bend_no_further_than_people_do(subjects):
    reached = {bones: [] for bones in LIMITS}
    for subject, clip in every(subjects):
        for bones, limits in LIMITS.items():
            total = sum(np.degrees(clip.motion[:, subject.body.columns(bone)]) for bone in bones)
            low, high = np.array(limits).T
            assert ((total >= low - 1e-6) & (total <= high + 1e-6)).all(), (clip.action, bones)
            reached[bones].append(np.ptp(total, axis=0)[0])
    # and they do bend
    for bones, least in ((("lowerback", "upperback", "thorax"), 40), (("ltibia",), 120), (("lradius",), 90)):
        assert max(reached[bones]) > least


def upper_arms(subject, clip, frame):
    """Directions of both upper arms in the frame of the ribcage, as for a left arm, by plain matrices."""
    skeleton, motion = subject.body.skeleton, clip.motion[frame]
    turn = np.eye(3)
    for bone in ("root", "lowerback", "upperback", "thorax"):
        index = skeleton.names.index(bone)
        column = skeleton.first_column[index + 1]
        turn = turn @ euler_matrix(motion[column - 3 : column], "xyz")
    shoulders = ends(subject, clip, "lclavicle", "rclavicle")[frame]
    bones = ends(subject, clip, "lhumerus", "rhumerus")[frame] - shoulders
    return (bones @ turn) * [[1.0, 1.0, 1.0], [-1.0, 1.0, 1.0]] / np.linalg.norm(bones, axis=1)[:, None]


def test_upper_arms_keep_out_of_where_no_arm_goes(subjects):
    for subject, clip in every(subjects):
        for frame in range(0, len(clip.motion), 40):
            for upper in upper_arms(subject, clip, frame):
                for centre, degrees in arms.FORBIDDEN_DIRECTIONS:
                    cosine = upper @ np.array(centre) / np.linalg.norm(centre)
                    assert np.degrees(np.arccos(cosine)) > degrees - 1.0, clip.action


def test_limbs_stay_out_of_the_body(subjects):
    for subject, clip in every(subjects):
        deepest = capsules.penetration(body_capsules(subject.body), clip.positions).max()
        assert deepest <= capsules.TOLERANCE, clip.action


def test_the_ground_carries_everybody(subjects):
    for subject, clip in every(subjects):
        if clip.grounded:
            points = np.delete(clip.positions, 0, axis=1)[..., 1]
            assert points.min() > -0.06, clip.action
        if clip.action in ("walk", "stand_about", "squat", "bend", "reach", "lunge", "box", "throw"):
            soles = ends(subject, clip, "lfoot", "ltoes", "rfoot", "rtoes")[..., 1].min(axis=1)
            heels = ends(subject, clip, "ltibia", "rtibia")[..., 1].min(axis=1) - subject.body.ankle_height
            assert np.abs(np.minimum(soles - body.BALL_HEIGHT, heels)).max() < 0.045, clip.action


def test_standing_feet_do_not_slide(subjects):
    seen = 0
    for subject, clip in every(subjects):
        if clip.action in ("walk", "sneak", "walk_back", "stand_about", "squat"):
            for bone in ("lfoot", "rfoot"):
                ball = ends(subject, clip, bone)[:, 0]
                speed = np.linalg.norm(np.diff(ball, axis=0), axis=1) * tracks.FPS
                down = np.maximum(ball[1:, 1], ball[:-1, 1]) < body.BALL_HEIGHT + 0.004
                assert np.median(speed[down]) < 0.06, clip.action
                assert np.percentile(speed[down], 90) < 0.35, clip.action
                seen += int(down.sum())
    assert seen > 500


def test_nothing_jumps_from_frame_to_frame(subjects):
    for _, clip in every(subjects):
        steps = np.diff(clip.positions, axis=0) * tracks.FPS
        assert np.linalg.norm(steps, axis=-1).max() < 16.0, clip.action
        assert np.abs(np.diff(steps, axis=0)).max() * tracks.FPS < 270.0, clip.action


def test_legs_alternate_in_a_walk_and_knees_bend_forward(subjects):
    seen = 0
    for subject, clip in every(subjects):
        if clip.action != "walk":
            continue
        hips, ankles = (ends(subject, clip, f"l{b}", f"r{b}") for b in ("hipjoint", "tibia"))
        ahead = np.cross(hips[:, 0] - hips[:, 1], [0.0, 1.0, 0.0])
        apart = ((ankles[:, 0] - ankles[:, 1]) * ahead).sum(axis=1)
        changes = np.abs(np.diff(np.sign(apart))).sum() / 2
        assert 0.8 < changes / (len(apart) / tracks.FPS) < 3.0
        knees = ends(subject, clip, "lfemur", "rfemur")
        bent = knees - (hips + ankles) / 2
        assert ((bent * ahead[:, None]).sum(axis=-1) > -0.02).all()
        seen += 1
    assert seen


def test_people_differ_and_every_action_occurs(all_clips):
    actions = {re.search(r"demo_\d+_\d+_(\w+)_24\.amc", clip.name)[1] for clip in all_clips}
    assert actions == {entry.name for entry in clips.REPERTOIRE}
    hip, knee = H36M17.index("left_hip"), H36M17.index("left_knee")
    thighs = {
        clip.subject: float(np.linalg.norm(clip.joints[0, hip] - clip.joints[0, knee])) for clip in all_clips
    }
    assert np.ptp(list(thighs.values())) > 0.05
    assert len({round(value, 4) for value in thighs.values()}) > 35


# --- coverage ------------------------------------------------------------------------------------------


def nearest(poses, library):
    """Root mean square over joints of the distance to the nearest pose of a library, (N,) metres."""
    a, b = (x.reshape(len(x), -1).astype(np.float32) for x in (poses, library))
    squares = [
        ((part**2).sum(1)[:, None] + (b**2).sum(1) - 2.0 * part @ b.T).min(axis=1)
        for part in np.array_split(a, 20)
    ]
    return np.sqrt(np.maximum(np.concatenate(squares), 0.0) / poses.shape[1])


def test_coverage_of_recorded_poses(all_clips, data_root):
    recorded = [read_item(item) for item in catalog.motion_items("cmu", data_root)]
    frames = torso_align(np.concatenate([clip.joints[::12] for clip in recorded]))
    step = int(tracks.FPS / 4)
    made = torso_align(np.concatenate([clip.joints[::step] for clip in all_clips]))
    chosen = np.random.default_rng(0).permutation(len(made))[:20_000]
    assert len(chosen) == 20_000
    distances = nearest(frames, made[chosen])
    print(f"median {1000 * np.median(distances):.1f} mm of {len(frames)} frames")
    assert np.median(distances) < 0.100


# --- parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", arms.VOCABULARY)
def test_named_arm_poses_are_within_the_limits(name):
    state = arms.arm(name)
    assert np.linalg.norm(state[:3]) < 2.6  # far from a half turn, where mixing would fail
    assert_allclose(arms.within_limits(state), state, atol=0.03)


@ANY
@given(st.lists(ANGLES, min_size=4, max_size=4))
def test_any_arm_is_brought_within_the_limits(values):
    state = arms.within_limits(np.array(values) * [0.8, 0.8, 0.8, 1.0])
    rotation = arms.rotation_of(state)
    for centre, degrees in arms.FORBIDDEN_DIRECTIONS:
        cosine = arms.direction_of(rotation) @ np.array(centre) / np.linalg.norm(centre)
        assert np.degrees(np.arccos(cosine)) > degrees - 6.0
    low, high = np.radians(arms.TWIST_LIMITS)
    assert low - 1e-6 <= arms.twist_of(rotation) <= high + 1e-6
    assert 0.0 <= state[3] <= arms.ELBOW_LIMIT
    assert_allclose(arms.within_limits(state)[3], state[3])


@ANY
@given(st.lists(ANGLES, min_size=3, max_size=3), st.floats(0.1, 2.4))
def test_state_of_an_arm_from_its_directions(vector, elbow):
    given_turn = Rotation.from_rotvec(np.array(vector) * 0.55)
    state = np.concatenate([given_turn.as_rotvec(), [elbow]])
    turn = arms.rotation_of(state)
    upper = turn @ [1.0, 0.0, 0.0]
    bend = turn @ [0.0, 0.5, np.sqrt(0.75)]
    assert_allclose(arms.state_of(upper, np.cos(elbow) * upper + np.sin(elbow) * bend), state, atol=1e-6)


@ANY
@given(st.integers(0, 10_000))
def test_euler_channels_have_no_jumps_and_give_the_rotations(seed):
    curve = tracks.wander(np.random.default_rng(seed), 60, 3) * 2.0
    turns = Rotation.from_rotvec(curve).as_matrix()
    angles = continuous_euler(turns, np.array([0, 60]))
    again = (
        axis_rotation("z", angles[:, 2]) @ axis_rotation("y", angles[:, 1]) @ axis_rotation("x", angles[:, 0])
    )
    assert_allclose(again, turns, atol=1e-12)
    # never by more than the other choice would have been
    other = angles[1:] * [1.0, -1.0, 1.0] + np.pi
    gap = np.abs((other - angles[:-1] + np.pi) % (2 * np.pi) - np.pi)
    assert (np.linalg.norm(np.diff(angles, axis=0), axis=1) <= np.linalg.norm(gap, axis=1) + 1e-9).all()


@ANY
@given(st.lists(st.floats(-1.0, 1.0), min_size=12, max_size=12))
def test_distance_of_segments_against_points_along_them(values):
    a0, a1, b0, b1 = np.array(values).reshape(4, 3)
    share = np.linspace(0.0, 1.0, 201)[:, None]
    first, second = a0 + share * (a1 - a0), b0 + share * (b1 - b0)
    sampled = np.linalg.norm(first[:, None] - second, axis=-1).min()
    exact = capsules.distance(a0, a1, b0, b1)
    assert exact <= sampled + 1e-12
    assert exact >= sampled - 0.012


def test_an_arm_is_placed_where_its_channels_put_it(subjects):
    subject = subjects[0]
    person, clip = subject.body, subject.clips[0]
    states = arms.within_limits(np.random.default_rng(0).normal(size=(5, 4)) * 0.6 + [0, 0, 0, 1.0])
    motion = np.zeros((5, clip.motion.shape[1]))
    for side in (0, 1):
        set_arm(person, motion, np.array([0, 5]), side, states)
    positions = forward_kinematics(person.skeleton, motion)
    names = person.skeleton.names
    chest = np.broadcast_to(np.eye(3), (5, 3, 3)).copy()
    trunk = Trunk(chest, motion[:, :3], chest, positions[:, names.index("thorax")])
    for side, letter in enumerate("lr"):
        placed = Arm(person, side).place(states, trunk)
        for part, bone in ((0, "humerus"), (1, "wrist"), (2, "fingers")):
            assert_allclose(placed[:, part, 1], positions[:, names.index(letter + bone)], atol=1e-9)


def test_mirrored_twice_is_the_same(subjects):
    person = subjects[0].body
    rng = np.random.default_rng(5)
    motion = clips.REPERTOIRE[0].action(person, rng, 2.0)
    twice = tracks.mirrored(tracks.mirrored(motion))
    for name, value in vars(motion).items():
        assert_allclose(vars(twice)[name], value)


def test_feet_stand_still_between_keys_and_step_over_the_ground(subjects):
    person = subjects[0].body
    there = (keys.Foot(0.1, 0.5, 6.0), keys.Foot(-0.1, 0.0, -6.0))
    motion = keys.play(person, [keys.Key(hold=0.5), keys.Key(move=1.0, hold=0.5, feet=there)])
    ball = motion.feet[:, 0]
    assert_allclose(ball[: int(0.5 * tracks.FPS), 2], 0.0)
    assert_allclose(ball[int(1.5 * tracks.FPS) + 1 :, 2], 0.5)
    assert 0.05 < ball[:, 1].max() < 0.15
    assert_allclose(motion.feet[:, 1, :3], [[-0.1, 0.0, 0.0]] * len(motion))


def test_bodies_have_the_bones_of_cmus_skeletons(subjects):
    names = subjects[0].body.skeleton.names
    assert names[:6] == ("root", "lhipjoint", "lfemur", "ltibia", "lfoot", "ltoes")
    assert len(names) == 31
    assert {"rclavicle", "rhumerus", "rradius", "rwrist", "rhand", "rfingers", "rthumb", "head"} <= set(names)
    rest = forward_kinematics(subjects[0].body.skeleton, np.zeros((1, 62)))[0]
    left, right = (rest[[names.index(s + b) for b in ("femur", "toes", "hand")]] for s in "lr")
    assert_allclose(left * [-1, 1, 1], right, atol=1e-5)
