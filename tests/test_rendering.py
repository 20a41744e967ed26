"""Rendered samples: who is seen, how poses are taken over, what is behind people, what the maps say."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import t_pose, with_joints
from source_samples import tiny_bvh

from synth.body.archive import load_body
from synth.body.fit_problem import ROTATED_PARTS
from synth.body.fitting import fit_pose
from synth.body.shapes import make_shape, sample_people
from synth.cameras import Views, camera_for, project_camera_points, to_camera
from synth.errors import InputError
from synth.geometry import axis_rotation
from synth.rendering.backdrops import person_mask, plain_backdrop, surroundings, without_person
from synth.rendering.cast import roles
from synth.rendering.maps import check_maps
from synth.rendering.renderer import Renderer, RenderOptions
from synth.rendering.retargeting import ClipPoses, fit_people, recorded_rotations, seen_from
from synth.rendering.shots import PASSED_ON, Shots, stored_shots, world_joints
from synth.skeletons import H36M17
from synth.sources.motion import MotionItem
from synth.sources.part_rotations import read_rotations
from synth.sources.records import Rejection
from synth.splits import SplitCycle

SIT = {"left_knee": (0.09, 0.5, 0.42), "left_ankle": (0.09, 0.08, 0.42)}


def poses():
    """Three poses (3, 17, 3): arms stretched, one knee raised, turned about the vertical."""
    stretched = t_pose()
    seated = with_joints(stretched, **SIT)
    return np.stack([stretched, seated, seated @ axis_rotation("y", 2.0).T])


def shots(**more):
    """Those poses seen from five metres, as samples 7, 8 and 950."""
    world = poses()
    angles = np.radians([20.0, 120.0, 250.0])
    views = Views(angles, np.radians([10.0, 0.0, 30.0]), np.full(3, 5.0), np.zeros(3))
    cameras = camera_for(world, views)
    pixels = project_camera_points(cameras.K, to_camera(cameras, world))
    labels = {"K": cameras.K, "R": cameras.R, "t": cameras.t}
    ids = np.array([7, 8, 950])
    return Shots(ids, labels, world, pixels.astype(np.float32), **more)


@pytest.fixture(scope="module")
def renderer():
    return Renderer(RenderOptions(3, SplitCycle(), "plain", people=2, arrays=("depth", "parts", "mask")))


@pytest.fixture(scope="module")
def rendered(renderer):
    """Batch, samples by row and labels of the three shots."""
    batch = renderer.prepare(shots())
    made = list(renderer.pictures(batch))
    return batch, made, renderer.labels(batch, {row: sample.seen for row, sample in enumerate(made)})


def test_nobody_is_in_two_splits_and_neighbours_differ():
    cycle = SplitCycle(800, 100, 100)
    ids = np.arange(2000)
    cast = roles(ids, cycle, people=50)
    for cycle_number in (0, 1):
        by_split = [
            {
                role
                for role, of in zip(cast, cycle.split_of(ids), strict=True)
                if of == split and role.cycle == cycle_number
            }
            for split in range(3)
        ]
        assert [len(of) for of in by_split] == [40, 10, 10]
    assert len(set(cast)) == 120
    assert len(set(cast[:40])) == 40
    assert cast[0] == cast[40] != cast[1000]
    assert roles(np.array([999, 3]), cycle, 50) == [cast[999], cast[3]]
    assert len(set(roles(ids[:1000], cycle, people=1))) == 3


def test_world_joints_undo_the_camera():
    made = shots()
    camera_frame = made.joints @ np.swapaxes(made.labels["R"], 1, 2) + made.labels["t"][:, None]
    world = world_joints(camera_frame.astype(np.float32), made.labels["R"], made.labels["t"])
    np.testing.assert_allclose(world, poses(), atol=1e-6)


def test_everyone_is_fitted_with_what_is_known_of_them():
    body, joints = load_body(), poses()
    people = sample_people(body, np.random.default_rng(0), 3)
    shape = make_shape(body, people.coefficients)
    turns = np.full((3, len(ROTATED_PARTS), 3, 3), np.nan, np.float32)
    head = ROTATED_PARTS.index("head")
    turns[1, head] = axis_rotation("y", 0.8)
    found = fit_people(body, shape, joints, turns)
    for row, told in enumerate(({}, {"head": turns[1, head]}, {})):
        alone = fit_pose(body, make_shape(body, people.coefficients[row]), joints[row], told, up=(0, 1, 0))
        np.testing.assert_allclose(found[row], alone, atol=1e-5)
    bone = body.bones.index("head")
    turned = found[1, bone, :, :3] / np.linalg.norm(found[1, bone, :, 1])
    np.testing.assert_allclose(turned, axis_rotation("y", 0.8), atol=1e-5)
    R, t = np.stack([axis_rotation("x", 0.4)] * 3), np.ones((3, 3))
    moved = seen_from(found, R, t)[0, bone] @ [0.1, 0.2, 0.3, 1.0]
    np.testing.assert_allclose(moved, R[0] @ (found[0, bone] @ [0.1, 0.2, 0.3, 1.0]) + 1, atol=1e-6)


def test_rotations_come_from_the_very_clip_or_not_at_all(tmp_path):
    (tmp_path / "tiny.bvh").write_text(tiny_bvh(turn=90))
    item = MotionItem("bvh", "tiny", tmp_path, "tiny.bvh", tmp_path)
    frames = np.array([1, 0])
    joints, told = read_rotations(item, frames)
    joints[..., [0, 2]] -= joints[:, :1, [0, 2]]
    found = recorded_rotations(ClipPoses(item, np.array([4, 9]), frames, joints))
    np.testing.assert_allclose(found[:, ROTATED_PARTS.index("chest")], told["chest"])
    assert np.isnan(found[:, ROTATED_PARTS.index("left_hand")]).all()
    swapped = recorded_rotations(ClipPoses(item, np.array([4, 9]), frames[::-1], joints))
    assert isinstance(swapped, Rejection)
    assert swapped.reason == "another clip of the same name"
    late = recorded_rotations(ClipPoses(item, np.array([4]), np.array([2]), joints[:1]))
    assert isinstance(late, Rejection)
    assert late.reason.startswith("clip is shorter")
    (tmp_path / "tiny.bvh").write_text("HIERARCHY")
    damaged = recorded_rotations(ClipPoses(item, np.array([4]), np.array([1]), joints[:1]))
    assert isinstance(damaged, Rejection)


def test_a_picture_loses_its_person_and_nothing_else():
    y, x = np.mgrid[0:220, 0:220]
    empty = np.stack([x // 2 + 40, y // 2 + 60, np.full_like(x, 90)], axis=-1).astype(np.uint8)
    places = shots().joints2d[0]
    where = person_mask(220, places) > 0
    people = empty.copy()
    people[where] = (255, 0, 0)
    filled = without_person(people, places)
    far = person_mask(220, places + 0.0) == 0
    away = far & (np.abs(filled.astype(int) - people).max(axis=-1) == 0)
    assert away.sum() > 0.9 * far.sum()
    wrong = np.abs(filled[where].astype(int) - empty[where]).max(axis=-1)
    assert np.median(wrong) < 15
    for joint in ("head", "left_wrist", "right_ankle", "spine"):
        column, row = np.rint(places[H36M17.index(joint)]).astype(int)
        assert where[row, column], joint


def test_backgrounds_are_of_the_kind_asked_for():
    made, rng = shots(), np.random.default_rng(0)
    camera = (made.labels["K"][0], made.labels["R"][0], made.labels["t"][0])
    foot = np.zeros(3)
    plain = plain_backdrop(rng, *camera, foot, 220)
    assert plain.image.std(axis=(0, 1)).max() < 40
    assert plain.ground_seen
    picture = np.full((220, 220, 3), 70, np.uint8)
    picture[:20] = 200
    mosaic = surroundings("mosaic", picture, made.joints2d[0])(rng, *camera, foot, 220)
    np.testing.assert_array_equal(mosaic.image[:15, :20], picture[:15, :20])
    shown = {
        kind: surroundings(kind)(np.random.default_rng(1), *camera, foot, 220)
        for kind in ("scenes", "photographs")
    }
    assert shown["scenes"].image.std() > 5
    assert (shown["scenes"].image != shown["photographs"].image).any()


def test_limbs_are_where_they_were_recorded(rendered):
    batch, _, labels = rendered
    apart = np.linalg.norm(labels["joints2d"] - batch.shots.joints2d, axis=-1)
    exact = [
        H36M17.index(f"{side}_{joint}")
        for side in ("left", "right")
        for joint in ("knee", "ankle", "elbow", "wrist")
    ]
    assert apart[:, exact].max() < 0.1
    assert apart.max() < 25


def test_maps_and_labels_belong_to_the_picture(rendered):
    _, made, labels = rendered
    for row, sample in enumerate(made):
        person = sample.maps["parts"] > 0
        assert 0.02 < person.mean() < 0.4
        assert np.isfinite(sample.maps["depth"][person]).all()
        np.testing.assert_array_equal(sample.maps["mask"] == 255, (sample.maps["mask"] == 255) & person)
        near, far = labels["joints3d"][row, :, 2].min(), labels["joints3d"][row, :, 2].max()
        seen = sample.maps["depth"][person]
        assert near - 0.3 < seen.min() < seen.max() < far + 0.3
    assert labels["visible"].any(axis=1).all()


def test_a_sample_does_not_depend_on_its_company(renderer, rendered):
    _, made, _ = rendered
    whole = shots()
    one = Shots(
        whole.ids[1:2],
        {name: values[1:2] for name, values in whole.labels.items()},
        whole.joints[1:2],
        whole.joints2d[1:2],
    )
    (alone,) = renderer.pictures(renderer.prepare(one))
    np.testing.assert_array_equal(alone.image, made[1].image)
    np.testing.assert_array_equal(alone.maps["depth"], made[1].maps["depth"])
    assert (made[0].image != made[1].image).any()


def test_samples_that_are_not_there_fail_alone(renderer, rendered):
    _, made, _ = rendered
    joints = poses()
    joints[0, 3] = np.nan
    whole = shots(valid=np.array([True, True, False]))
    broken = Shots(whole.ids, whole.labels, joints, whole.joints2d, valid=whole.valid)
    batch = renderer.prepare(broken)
    first, second, third = renderer.pictures(batch)
    assert isinstance(first, InputError)
    assert isinstance(third, InputError)
    np.testing.assert_array_equal(second.image, made[1].image)
    labels = renderer.labels(batch, {1: second.seen})
    assert np.isfinite(labels["joints2d"]).all()


def test_maps_are_known_and_named_once():
    check_maps(("depth", "mask"))
    with pytest.raises(InputError, match=r"no array 'normals'.*depth, parts, mask"):
        check_maps(("normals",))
    with pytest.raises(InputError, match="each once"):
        check_maps(("mask", "mask"))


def test_a_failed_sample_may_name_a_pose_beyond_the_recorded_ones():
    made = shots()
    labels = {
        **dict.fromkeys(PASSED_ON, np.zeros(3)),
        **made.labels,
        "pose": np.array([1, 0, 5]),
        "joints3d": made.joints,
        "joints2d": made.joints2d,
        "valid": np.array([True, True, False]),
    }
    table = np.arange(2.0 * len(ROTATED_PARTS) * 9, dtype=np.float32).reshape(2, -1, 3, 3)
    found = stored_shots(made.ids, labels, table, lambda sample: np.zeros((220, 220, 3), np.uint8))
    np.testing.assert_array_equal(found.rotations[:2], table[[1, 0]])
    assert found.there().tolist() == [True, True, False]
