from __future__ import annotations

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from film_samples import drifting, pixels, seen

from synth.cameras import BODY13_OF_H36M17, pixels_per_standard_metre, project_camera_points
from synth.errors import InputError
from synth.people_files import open_people, people_hash, save_people
from synth.people_plan import PeopleOptions, PeoplePlan, plan_people
from synth.skeletons import H36M17
from synth.sources.records import AnnotatedImages, Known, Rejection
from synth.splits import SplitCycle

ALL_TRAIN = PeopleOptions(cycle=SplitCycle(1, 0, 0))
HEAD, PELVIS = H36M17.index("head"), H36M17.index("pelvis")


def photographs(source: str = "lspet", count: int = 6, root: Path = Path()) -> AnnotatedImages:
    """People of 2D joints alone, two in each photograph; the head of the first isn't labelled."""
    joints = pixels(seen(drifting(count) * 1.0)).astype(np.float32)
    labelled = np.ones((count, 17), bool)
    labelled[0, HEAD] = False
    return AnnotatedImages(
        source,
        root,
        tuple(f"{k}.png" for k in range(count // 2)),
        np.arange(count, dtype=np.int32) // 2,
        np.arange(count, dtype=np.int32) % 2,
        joints,
        labelled,
        np.zeros((count, 17), bool),
    )


def filmed(subject: str = "h36m:S1", count: int = 3, sideways: float = 1.5) -> AnnotatedImages:
    """People with 3D joints, at the side of the picture."""
    points = seen(drifting(count) + [sideways, 0.0, 0.0])
    known = Known(
        joints3d=points.astype(np.float32),
        K=np.tile([[300.0, 0, 99.5], [0, 300, 99.5], [0, 0, 1]], (count, 1, 1)),
        subject=np.full(count, subject),
        action=np.array([f"Action{k % 2}" for k in range(count)]),
        frame=np.arange(count, dtype=np.int32),
        head_size=np.full(count, 12.0, np.float32),
    )
    plain = photographs("h36m", count)
    return dataclasses.replace(
        plain,
        images=tuple(f"{k}.jpg" for k in range(count)),
        image_of=np.arange(count, dtype=np.int32),
        person=np.zeros(count, np.int32),
        joints=pixels(points).astype(np.float32),
        labelled=np.ones((count, 17), bool),
        known=known,
    )


def plan(*sources: AnnotatedImages, options: PeopleOptions = ALL_TRAIN) -> PeoplePlan:
    return plan_people(sources, [False] * len(sources), options)


def test_people_stand_in_the_box_as_those_of_mosaics_do() -> None:
    labels = plan(photographs()).labels
    body = labels["joints2d"][:, BODY13_OF_H36M17].astype(np.float64)
    known = labels["labelled"][:, BODY13_OF_H36M17]
    np.testing.assert_allclose(pixels_per_standard_metre(body, known), 100.0, rtol=1e-4)
    middle = (np.nanmin(body, axis=1) + np.nanmax(body, axis=1)) / 2
    np.testing.assert_allclose(middle, 109.5, atol=1e-3)
    np.testing.assert_allclose(labels["source_transform"][:, 0, 0] * labels["scale"], 100.0, rtol=1e-6)


def test_joints_without_a_label_are_nan() -> None:
    labels = plan(photographs()).labels
    assert np.isnan(labels["joints2d"][~labels["labelled"]]).all()
    assert np.isfinite(labels["joints2d"][labels["labelled"]]).all()
    assert (~labels["labelled"]).sum() == 1
    assert np.isnan(labels["joints3d"]).all()
    assert np.isnan(labels["K"]).all()
    assert labels["frame"].tolist() == [-1] * 6
    assert labels["subject"].tolist() == labels["action"].tolist() == [-1] * 6


def test_the_camera_of_the_box_projects_to_its_joints() -> None:
    labels = plan(filmed()).labels
    projected = project_camera_points(labels["K"], labels["joints3d"])
    np.testing.assert_allclose(projected, labels["joints2d"], atol=2e-3)
    np.testing.assert_allclose(labels["head_size"], 12.0 * labels["source_transform"][:, 0, 0])


def test_poses_are_turned_until_the_torso_is_straight_ahead() -> None:
    labels = plan(filmed()).labels
    torso = H36M17.indices(("left_shoulder", "right_shoulder", "left_hip", "right_hip"))
    centre = labels["joints3d"][:, torso].mean(axis=1).astype(np.float64)
    ahead = (labels["torso_rotation"] @ centre[..., None])[..., 0]
    np.testing.assert_allclose(ahead[:, :2], 0, atol=1e-6)
    np.testing.assert_allclose(ahead[:, 2], np.linalg.norm(centre, axis=1))
    turned = labels["joints3d_torso"] + ahead[:, None]
    back = turned @ labels["torso_rotation"]  # the inverse of a rotation is its transpose
    np.testing.assert_allclose(back, labels["joints3d"], atol=1e-5)
    assert np.abs(labels["joints3d_torso"] - (labels["joints3d"] - centre[:, None])).max() > 0.05


def test_order_is_random_by_photograph_and_people_stay_together() -> None:
    made = plan(photographs(count=40), filmed())
    assert made.tables["photographs"][:2] == ["lspet/0.png", "lspet/1.png"]
    assert made.tables["photographs"][-1] == "h36m/2.jpg"
    photograph, person = made.labels["photograph"], made.labels["person"]
    names = [made.tables["photographs"][row] for row in photograph]
    assert names != sorted(names)
    pairs = [(photograph[k], person[k]) for k in range(43)]
    for number in range(20):
        places = [k for k, pair in enumerate(pairs) if pair[0] == number]
        assert np.diff(places).tolist() == [1]
        assert person[places].tolist() == [0, 1]
    assert made.tables["subjects"] == ["h36m:S1"]
    assert made.tables["actions"] == ["Action0", "Action1"]
    films = made.source == 1
    assert (made.labels["subject"] == np.where(films, 0, -1)).all()
    assert sorted(made.labels["action"][films].tolist()) == [0, 0, 1]
    other = plan(photographs(count=40), filmed(), options=dataclasses.replace(ALL_TRAIN, seed=1))
    assert (other.labels["photograph"] != photograph).any()


def test_filters_spare_published_test_sets() -> None:
    small = dataclasses.replace(photographs(), joints=photographs().joints * np.float32(0.5))
    with pytest.raises(InputError, match="nobody can be cut out: person too small"):
        plan(small)
    kept = plan_people([small], [True], ALL_TRAIN)
    assert len(kept) == 6
    assert kept.labels["split"].tolist() == [2] * 6
    crossed = dataclasses.replace(photographs(), joints=photographs().joints.copy())
    shoulders = H36M17.indices(("left_shoulder", "right_shoulder"))
    crossed.joints[:, shoulders] = crossed.joints[:, shoulders[::-1]]
    with pytest.raises(InputError, match="implausible annotation"):
        plan(crossed)
    assert len(plan_people([crossed], [True], ALL_TRAIN)) == 6
    few = dataclasses.replace(small, labelled=np.zeros((6, 17), bool))
    few.labelled[:, [0, 1]] = True
    with pytest.raises(InputError, match="nobody can be cut out"):
        plan_people([few], [True], ALL_TRAIN)


def _written(root: Path) -> tuple[AnnotatedImages, PeoplePlan, Path]:
    images = photographs(root=root)
    for number, name in enumerate(images.images):
        picture = np.full((150, 150, 3), 50 * (number + 1), np.uint8)
        assert cv2.imwrite(str(root / name), picture)
    made = plan(images)
    folder = root / "people"
    folder.mkdir()
    save_people(made, [images], [Rejection("lspet", "x", "torn")], folder)
    return images, made, folder


def test_a_plan_comes_back_from_the_disk_and_cuts_out_people(tmp_path: Path) -> None:
    _, made, folder = _written(tmp_path)
    people = open_people(folder)
    assert len(people) == 6
    assert people.tables == made.tables
    assert [item.reason for item in people.rejections] == ["torn"]
    for name, array in made.labels.items():
        np.testing.assert_array_equal(people.labels[name], array)
    grey, mirrored = (list(people.pictures(np.arange(6), border)) for border in ("grey", "reflect"))
    for row in range(6):
        number = int(made.tables["photographs"][made.labels["photograph"][row]][len("lspet/")])
        shown = 50 * (number + 1)
        assert set(np.unique(mirrored[row])) == {shown}
        assert set(np.unique(grey[row])) == {128, shown}
        # the photograph's right edge, at 149, comes to the picture's column a x + b
        a, b = made.labels["source_transform"][row][0, [0, 2]]
        edge = int(np.floor(a * 149 + b))
        assert grey[row][110, edge, 0] == shown
        assert grey[row][110, edge + 1, 0] == 128


def test_a_photograph_that_cannot_be_read_is_told_for_each_of_its_people(tmp_path: Path) -> None:
    _, made, folder = _written(tmp_path)
    (tmp_path / "1.png").write_bytes(b"torn")
    pictures = list(open_people(folder).pictures(np.arange(6), "grey"))
    torn = [isinstance(picture, InputError) for picture in pictures]
    assert torn == (made.labels["photograph"] == 1).tolist()


def test_the_hash_tells_pixels_and_labels(tmp_path: Path) -> None:
    images, made, _ = _written(tmp_path)
    first = people_hash(made, [images])
    moved = dataclasses.replace(made, labels={**made.labels, "scale": made.labels["scale"] + 1})
    assert people_hash(moved, [images]) != first
    assert cv2.imwrite(str(tmp_path / "0.png"), np.zeros((150, 150, 3), np.uint8))
    assert people_hash(made, [images]) != first
