"""Queries: functions of plan and id alone, with labels that agree with one another."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

import numpy as np
import pytest
from bodies import clip, random_poses, t_pose

from synth.cameras import (
    BODY13_OF_H36M17,
    ViewRange,
    pixels_per_standard_metre,
    project,
    project_camera_points,
)
from synth.errors import InputError
from synth.poses import build_library
from synth.queries import make_queries
from synth.query_plan import choose_poses, plan_queries
from synth.shares import SourceShare
from synth.sources.records import MotionClip
from synth.splits import SplitCycle, assign_photographs


@pytest.fixture(scope="module")
def library():
    counts = {"01": 40, "02": 8, "03": 5}
    clips = [
        clip(random_poses(i, count), subject, f"{subject}.amc", fps=4.0)
        for i, (subject, count) in enumerate(counts.items())
    ]
    return build_library(clips)[0]


@pytest.fixture(scope="module")
def plan(library):
    return plan_queries(library, SplitCycle(8, 1, 1), seed=3)


def flat(queries):
    """Every array by name."""
    found = {}
    for field in fields(queries):
        value = getattr(queries, field.name)
        parts = flat(value) if is_dataclass(value) else {"": value}
        found |= {f"{field.name}.{name}": part for name, part in parts.items()}
    return found


@pytest.mark.parametrize("some", [[150, 3, 99, 8], [42]])
def test_a_query_does_not_depend_on_the_others(plan, some):
    together = flat(make_queries(plan, np.arange(200)))
    alone = flat(make_queries(plan, some))
    assert len(together) == 14
    for name, array in together.items():
        np.testing.assert_array_equal(array[some], alone[name], err_msg=name)


def test_poses_come_from_their_splits_subjects(library, plan):
    queries = make_queries(plan, np.arange(500))
    np.testing.assert_array_equal(queries.split, plan.cycle.split_of(np.arange(500)))
    np.testing.assert_array_equal(plan.split_of_subject[library.subject_of[queries.pose]], queries.split)
    assert plan.split_of_subject.tolist() == [0, 1, 2]


def test_each_round_uses_every_pose_once_in_a_new_order(plan):
    train = np.flatnonzero(plan.cycle.split_of(np.arange(200)) == 0)
    poses = choose_poses(plan, train)
    first, second = poses[:40], poses[40:80]
    assert sorted(first) == sorted(second) == list(range(40))
    assert first.tolist() != second.tolist()
    assert first.tolist() != sorted(first)


def test_another_seed_gives_other_poses_and_views(plan):
    one, other = make_queries(plan, np.arange(40)), make_queries(replace(plan, seed=4), np.arange(40))
    assert (one.pose != other.pose).mean() > 0.5
    assert (one.views.azimuth != other.views.azimuth).all()


def test_labels_agree(library, plan):
    queries = make_queries(plan, np.arange(300))
    assert queries.joints3d.dtype == queries.joints2d.dtype == np.float32
    from_camera = project_camera_points(queries.cameras.K, queries.joints3d)
    np.testing.assert_allclose(queries.joints2d, from_camera, atol=1e-3)
    from_world = project(queries.cameras, library.joints[queries.pose])
    np.testing.assert_allclose(queries.joints2d, from_world, atol=1e-3)
    scale = pixels_per_standard_metre(queries.joints2d[:, BODY13_OF_H36M17], np.ones((300, 13), bool))
    np.testing.assert_allclose(scale, 100.0, rtol=1e-5)
    assert 0 < queries.self_occluded.mean() < 0.5


def test_joints_outside_the_box_are_flagged_and_kept(plan):
    queries = make_queries(plan, np.arange(300))
    big = replace(plan, library=replace(plan.library, joints=plan.library.joints.copy()))
    big.library.joints[:, 13] += [0.0, 1.5, 0.0]
    outside = make_queries(big, np.arange(300))
    assert queries.inside.mean() > 0.99
    expected = ((outside.joints2d >= -0.5) & (outside.joints2d <= 219.5)).all(axis=-1)
    np.testing.assert_array_equal(outside.inside, expected)
    assert not outside.inside.all()
    assert np.isfinite(outside.joints2d).all()


def test_view_ranges_are_followed(library):
    plan = plan_queries(
        library, SplitCycle(), 0, ViewRange(azimuth=(90, 90), elevation=(0, 0), distance=(5, 5))
    )
    views = make_queries(plan, np.arange(10)).views
    np.testing.assert_allclose(views.azimuth, np.pi / 2)
    np.testing.assert_array_equal(views.distance, 5.0)


def test_fewer_subjects_than_splits_are_refused():
    library, _ = build_library([clip(random_poses(0, 20), fps=4.0)])
    with pytest.raises(InputError, match="--splits 1:0:0"):
        plan_queries(library, SplitCycle(), 0)
    assert len(make_queries(plan_queries(library, SplitCycle(1, 0, 0), 0), np.arange(50))) == 50


def test_one_person_of_two_sources_is_in_one_split():
    clips = [
        clip(random_poses(i, 10), subject, f"{subject}.amc", fps=4.0) for i, subject in enumerate("abcd")
    ]
    clips += [replace(clips[0], source="bvh", joints=clips[0].joints + np.float32(0.2) * clips[1].joints)]
    plan = plan_queries(build_library(clips)[0], SplitCycle(8, 1, 1), 0)
    assert plan.library.subjects == ("bvh/a", "cmu/a", "cmu/b", "cmu/c", "cmu/d")
    assert plan.split_of_subject[0] == plan.split_of_subject[1]
    assert set(plan.split_of_subject.tolist()) == {0, 1, 2}


@pytest.fixture(scope="module")
def mixed():
    """Library of three recorded subjects of two sources, and of people of thirty photographs."""
    clips = [clip(random_poses(i, 12), subject, fps=4.0) for i, subject in enumerate("abc")]
    clips[2] = replace(clips[2], source="hdm05")
    lifted = random_poses(9, 40)
    clips += [
        MotionClip("pseudo:lspet", f"{k % 30}.jpg", f"{k % 30}.jpg person {k // 30}", 1.0, np.float32([pose]))
        for k, pose in enumerate(lifted)
    ]
    return build_library(clips)[0]


def test_lifted_people_belong_to_their_photographs_split(mixed):
    keys = [f"lspet/{k}.jpg" for k in range(30)]
    cycle = SplitCycle(500, 250, 250)
    of_pool = dict(zip(keys, assign_photographs(keys, cycle).tolist(), strict=True))
    moved = {**of_pool, "lspet/3.jpg": (of_pool["lspet/3.jpg"] + 1) % 3}
    for given, expected in ((None, of_pool), (moved, moved), ({}, of_pool)):
        plan = plan_queries(mixed, cycle, 0, photographs=given)
        assert plan.split_of_subject[:3].tolist() in ([0, 1, 2], [0, 2, 1])
        found = dict(zip(mixed.subjects[3:], plan.split_of_subject[3:].tolist(), strict=True))
        assert found == {f"pseudo:{key}": split for key, split in expected.items()}
    assert set(of_pool.values()) == {0, 1, 2}


def test_photographs_alone_need_no_recorded_people(mixed):
    lifted = mixed.lifted_subjects[mixed.subject_of]
    rows = {name: getattr(mixed, name)[lifted] for name in ("joints", "file_of", "frame", "fps")}
    alone = replace(mixed, subjects=mixed.subjects[3:], subject_of=mixed.subject_of[lifted] - 3, **rows)
    queries = make_queries(plan_queries(alone, SplitCycle(8, 1, 1), 0), np.arange(50))
    assert set(queries.split.tolist()) == {0, 1, 2}


def test_lifted_people_are_seen_from_their_own_range(mixed):
    plan = plan_queries(
        *(mixed, SplitCycle(1, 0, 0), 2),
        ViewRange(azimuth=(100, 200), elevation=(1, 2), roll=(3, 4)),
        lifted_ranges=ViewRange(azimuth=(-30, 30), elevation=(-9, -8), roll=(-6, -5)),
    )
    queries = make_queries(plan, np.arange(len(mixed)))
    lifted = mixed.lifted_subjects[mixed.subject_of[queries.pose]]
    assert 0 < lifted.sum() < len(mixed)
    for of, (azimuth, elevation, roll) in (
        (lifted, ((-30, 30), (-9, -8), (-6, -5))),
        (~lifted, ((100, 200), (1, 2), (3, 4))),
    ):
        for values, (least, greatest) in (
            (queries.views.azimuth, azimuth),
            (queries.views.elevation, elevation),
            (queries.views.roll, roll),
        ):
            assert (np.rad2deg(values[of]) >= least).all()
            assert (np.rad2deg(values[of]) <= greatest).all()
    recorded = make_queries(replace(plan, lifted_ranges=ViewRange()), np.arange(len(mixed)))
    np.testing.assert_array_equal(recorded.views.azimuth[~lifted], queries.views.azimuth[~lifted])


def test_azimuth_0_shows_a_lifted_person_as_photographed():
    # seen in the photograph: x right, y down; motion clips have y up and z towards the camera
    pose = t_pose()
    library = build_library([MotionClip("pseudo:lsp", "a.jpg", "a.jpg person 0", 1.0, np.float32([pose]))])[0]
    still = ViewRange(azimuth=(0, 0), elevation=(0, 0), distance=(500, 500))
    query = make_queries(plan_queries(library, SplitCycle(1, 0, 0), 0, lifted_ranges=still), [5])
    seen = query.joints2d[0] - query.joints2d[0, 0]
    photographed = (pose - pose[0])[:, :2] * [1, -1]
    scale = np.ptp(seen[:, 0]) / np.ptp(photographed[:, 0])
    np.testing.assert_allclose(seen, photographed * scale, atol=0.05)


SHARES = (SourceShare(("cmu",), 5.0), SourceShare(("hdm05",), 3.0), SourceShare(("pseudo:lspet",), 2.0))


def test_sources_get_their_shares_and_use_every_pose_equally_often(mixed):
    plan = plan_queries(mixed, SplitCycle(1, 0, 0), 4, shares=SHARES)
    pose = choose_poses(plan, np.arange(2000))
    sources = mixed.source_of_subject[mixed.subject_of[pose]]
    assert [(sources == name).sum() for name in ("cmu", "hdm05", "pseudo:lspet")] == [1000, 600, 400]
    uses = np.bincount(pose, minlength=len(mixed))
    for name in ("cmu", "hdm05", "pseudo:lspet"):
        of_source = uses[mixed.source_of_subject[mixed.subject_of] == name]
        assert of_source.max() - of_source.min() <= 1
    some = np.array([1999, 3, 1000, 42])
    np.testing.assert_array_equal(choose_poses(plan, some), pose[some])
    other = choose_poses(replace(plan, seed=5), np.arange(2000))
    assert (other != pose).mean() > 0.5


def test_the_share_of_a_source_without_poses_in_a_split_goes_to_the_others(mixed):
    plan = plan_queries(mixed, SplitCycle(1, 1, 1), 4, shares=SHARES)
    split = np.where(mixed.source_of_subject == "hdm05", 0, plan.split_of_subject).astype(np.uint8)
    plan = replace(plan, split_of_subject=split)
    sources = [
        mixed.source_of_subject[mixed.subject_of[choose_poses(plan, np.arange(k, 3000, 3))]] for k in range(3)
    ]
    assert "hdm05" in sources[0]
    assert not any("hdm05" in of_split for of_split in sources[1:])
    assert any((of_split == "pseudo:lspet").sum() == round(1000 * 2 / 7) for of_split in sources[1:])


def test_a_split_without_poses_is_refused(plan):
    emptied = replace(plan, split_of_subject=np.zeros(3, dtype=np.uint8))
    with pytest.raises(InputError, match="val"):
        make_queries(emptied, [8])
    with pytest.raises(InputError, match="val"):
        make_queries(replace(emptied, shares=SHARES), [8])
