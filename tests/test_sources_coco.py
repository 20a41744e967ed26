from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from source_samples import write_image

from synth.errors import InputError
from synth.skeletons import COCO17, H36M17
from synth.sources.coco import annotation_member, read_coco
from synth.sources.images import annotated_images


def _person(
    number: int, image: int, points: dict[str, tuple[float, float, int]], **more: Any
) -> dict[str, Any]:
    flat = [v for joint in COCO17.joints for v in points.get(joint, (0, 0, 0))]
    return {"id": number, "image_id": image, "keypoints": flat, "iscrowd": 0, **more}


def _write(root: Path, people: list[dict[str, Any]]) -> None:
    images = [{"id": 7, "file_name": "000007.jpg"}, {"id": 9, "file_name": "000009.jpg"}]
    path = root / "annotations" / "person_keypoints_train2017.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": people, "categories": []}))


def test_people_of_coco(tmp_path: Path) -> None:
    seen = {"nose": (10.5, 5.5, 2), "left_hip": (8.5, 20.5, 1), "right_knee": (3.5, 30.5, 2)}
    _write(
        tmp_path,
        [
            _person(1, 7, seen, iscrowd=1),
            _person(2, 7, {}),
            _person(3, 7, seen),
            _person(4, 9, {"left_wrist": (1, 1, 2)}),
            _person(5, 9, seen) | {"keypoints": [1, 2, 2]},
            _person(6, 9, {"nose": (3, 3, 2)}),
            _person(7, 1234, seen),
        ],
    )
    for name in ("000007.jpg", "000009.jpg"):
        write_image(tmp_path / "train2017" / name, 40, 40)
    people, left_out = read_coco(tmp_path)
    images, unusable = annotated_images(people, tmp_path)
    assert images.images == ("train2017/000007.jpg", "train2017/000009.jpg")
    assert (images.image_of.tolist(), images.person.tolist()) == ([0, 1], [2, 0])
    assert [H36M17.joints[j] for j in np.flatnonzero(images.labelled[0])] == ["right_knee", "left_hip"]
    assert [H36M17.joints[j] for j in np.flatnonzero(images.occluded[0])] == ["left_hip"]
    assert images.joints[0, H36M17.index("left_hip")].tolist() == [8, 20]
    assert not images.labelled[:, H36M17.index("head")].any()
    assert sorted((r.reason, r.count) for r in left_out) == [
        ("crowd", 1),
        ("malformed annotation", 1),
        ("malformed annotation", 1),
        ("no joints annotated", 1),
    ]
    assert [(r.item, r.reason) for r in unusable] == [("000009.jpg person 2", "no joint labelled")]


def test_training_annotations_of_the_latest_year_come_first(tmp_path: Path) -> None:
    for name in ("val2017", "train2014", "train2017"):
        (tmp_path / f"person_keypoints_{name}.json").write_text("{}")
        assert annotation_member(tmp_path) == f"person_keypoints_{name}.json"
    (tmp_path / "instances_train2020.json").write_text("{}")
    assert annotation_member(tmp_path) == "person_keypoints_train2017.json"
    with pytest.raises(InputError, match=r"train2017\.json cannot be read as COCO keypoints: KeyError"):
        read_coco(tmp_path)
    (tmp_path / "person_keypoints_train2017.json").write_text('{"images": [')
    with pytest.raises(InputError, match="cannot be read as COCO keypoints"):
        read_coco(tmp_path)
