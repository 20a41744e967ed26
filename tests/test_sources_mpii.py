from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from source_samples import write_image

from synth.errors import InputError
from synth.skeletons import H36M17, MPII16
from synth.sources.images import annotated_images
from synth.sources.mpii import annotation_member, read_mpii

EMPTY = np.zeros((0, 0))


def _structs(*items: dict[str, Any]) -> np.ndarray:
    """A 1 x N MATLAB struct array; a field that an item lacks is empty, as MATLAB would have it."""
    fields = list(dict.fromkeys(field for item in items for field in item))
    array = np.empty((1, len(items)), dtype=[(field, object) for field in fields])
    for k, item in enumerate(items):
        array[0, k] = tuple(item.get(field, EMPTY) for field in fields)
    return array


def _point(number: int, x: float, y: float, **visible: Any) -> dict[str, Any]:
    return {"x": x, "y": y, "id": number, **visible}


def _release(path: Path) -> None:
    """Five images with everything odd that the publisher's file holds."""
    full = _structs(
        _point(9, 31, 11, is_visible=EMPTY),
        _point(0, 11, 51, is_visible="0"),
        _point(6, 21, 41, is_visible="1"),
        _point(2, 16, 41, is_visible=0),
        _point(3, 26, 41, is_visible=1),
    )
    no_flags = _structs(_point(8, 5, 6), _point(9, 5, 2))
    single = _structs(_point(15, 7, 8, is_visible=1))
    box = {"x1": 1, "y1": 1, "x2": 4, "y2": 5}
    place = {"scale": 3.2, "objpos": _structs({"x": 20, "y": 30})}
    two = _structs(
        {**box, "annopoints": _structs({"point": full}), **place},
        {**box, "annopoints": EMPTY, **place},
        {**box, "annopoints": _structs({"point": single}), **place},
    )
    scalar = _structs({**box, "annopoints": _structs({"point": no_flags}), **place})
    without_points = _structs({**box, **place})
    annolist = _structs(
        {"image": _structs({"name": "one.jpg"}), "annorect": two, "frame_sec": EMPTY, "vididx": EMPTY},
        {"image": _structs({"name": "two.jpg"}), "annorect": scalar, "frame_sec": 12, "vididx": 3},
        {"image": _structs({"name": "test.jpg"}), "annorect": scalar},
        {"image": _structs({"name": "three.jpg"}), "annorect": without_points},
        {"image": _structs({"name": "four.jpg"}), "annorect": EMPTY},
    )
    release = _structs(
        {
            "annolist": annolist,
            "img_train": np.array([[1, 1, 0, 1, 1]]),
            "version": "12",
            "single_person": np.array([[EMPTY]] * 5, dtype=object),
            "act": _structs(*[{"act_name": EMPTY, "cat_name": EMPTY, "act_id": -1}] * 5),
        }
    )
    scipy.io.savemat(path, {"RELEASE": release})


def test_the_original_struct(tmp_path: Path) -> None:
    _release(tmp_path / "mpii_human_pose_v1_u12_1.mat")
    people, rejections = read_mpii(tmp_path)
    assert people.images == ["one.jpg", "one.jpg", "two.jpg"]
    assert people.person.tolist() == [0, 2, 0]
    labelled = [[MPII16.joints[j] for j in np.flatnonzero(row)] for row in people.labelled]
    assert labelled == [
        ["right_ankle", "right_hip", "left_hip", "pelvis", "head"],
        ["left_wrist"],
        ["neck", "head"],
    ]
    hidden = [[MPII16.joints[j] for j in np.flatnonzero(row)] for row in people.occluded]
    assert hidden == [["right_ankle", "right_hip"], [], []]
    assert people.joints[0, MPII16.index("head")].tolist() == [30, 10]
    assert people.joints[1, MPII16.index("left_wrist")].tolist() == [6, 7]
    assert [(r.reason, r.count) for r in rejections] == [("no joints annotated", 2)]
    # a box of 3 by 4 pixels has a diagonal of 5
    np.testing.assert_allclose(people.known.head_size, 0.6 * 5)


def test_the_original_struct_of_a_single_image(tmp_path: Path) -> None:
    person = _structs({"annopoints": _structs({"point": _structs(_point(9, 3, 4, is_visible="1"))})})
    release = {
        "annolist": _structs({"image": _structs({"name": "a.jpg"}), "annorect": person}),
        "img_train": 1,
    }
    scipy.io.savemat(tmp_path / "mpii.mat", {"RELEASE": _structs(release)})
    people, rejections = read_mpii(tmp_path)
    assert (people.images, people.joints[0, 9].tolist(), rejections) == (["a.jpg"], [2, 3], [])
    assert np.isnan(people.known.head_size).all()  # it has no box


def test_img_train_must_fit(tmp_path: Path) -> None:
    annolist = _structs({"image": _structs({"name": "a.jpg"}), "annorect": EMPTY})
    scipy.io.savemat(
        tmp_path / "mpii.mat", {"RELEASE": _structs({"annolist": annolist, "img_train": [1, 0]})}
    )
    with pytest.raises(InputError, match="img_train has 2 entries, annolist 1"):
        read_mpii(tmp_path)
    (tmp_path / "mpii.mat").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"mpii\.mat cannot be read as MPII annotations"):
        read_mpii(tmp_path)


JOINTS = np.tile([11.0, 21.0], (16, 1))
JOINTS[3], JOINTS[4] = (-1, -1), (0, 0)
VISIBLE = [1] * 16
VISIBLE[3] = VISIBLE[4] = VISIBLE[9] = 0


def _check(root: Path, *, hidden: list[int]) -> None:
    people, _ = read_mpii(root)
    assert list(people.images) == ["a.jpg", "a.jpg", "b.jpg"]
    assert people.person.tolist() == [0, 1, 0]
    assert people.joints[0, 0].tolist() == [10, 20]
    assert np.flatnonzero(~people.labelled[2]).tolist() == [3, 4]
    assert np.flatnonzero(people.occluded[2]).tolist() == hidden


def test_json(tmp_path: Path) -> None:
    people = [
        {"image": name, "joints": JOINTS.tolist(), "joints_vis": VISIBLE, "center": [1, 2], "scale": 1.5}
        for name in ("a.jpg", "a.jpg", "b.jpg")
    ]
    (tmp_path / "train.json").write_text(json.dumps([*people, {"image": "test.jpg"}]))
    _check(tmp_path, hidden=[9])


@pytest.mark.parametrize("kind", ["bytes", "codes", "listed"])
def test_h5(tmp_path: Path, kind: str) -> None:
    names = ["a.jpg", "a.jpg", "b.jpg"]
    with h5py.File(tmp_path / "train.h5", "w") as file:
        file["part"] = np.tile(JOINTS, (3, 1, 1))
        file["visible"] = np.tile(np.array(VISIBLE, float), (3, 1))
        if kind == "bytes":
            file["imgname"] = np.array(names, dtype="S13")
            file["person"] = np.array([0.0, 1.0, 0.0])
        elif kind == "codes":
            file["imgname"] = np.array([[ord(c) for c in name] + [0] for name in names], float)
    if kind == "listed":
        (tmp_path / "train_images.txt").write_text("\n".join(names) + "\n")
    _check(tmp_path, hidden=[9])


def test_csv(tmp_path: Path) -> None:
    numbers = ",".join(map(str, JOINTS.ravel()))
    (tmp_path / "train_joints.csv").write_text(f"a.jpg,{numbers}\na.jpg,{numbers}\nb.jpg,{numbers}\n")
    _check(tmp_path, hidden=[])
    (tmp_path / "train_joints.csv").write_text(f"a.jpg,{numbers}\nb.jpg,1,2\n")
    with pytest.raises(InputError, match=r"train_joints\.csv line 2: 3 values, expected a name and 32"):
        read_mpii(tmp_path)


def test_which_file_is_read(tmp_path: Path) -> None:
    order = [
        "valid.h5",
        "valid.json",
        "train_joints.csv",
        "train.h5",
        "annot/train.json",
        "mpii_human_pose_v1_u12_1.mat",
    ]
    assert annotation_member(tmp_path) is None
    for name in order:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
        assert annotation_member(tmp_path) == name


def test_images_and_joints_of_the_real_sample(data_root: Path, tmp_path: Path) -> None:
    root = data_root / "mpii_sample"
    if not root.is_dir():
        pytest.skip(f"{root} is not here")
    images, rejections = annotated_images(read_mpii(root)[0], root)
    assert len(images.images) == len(images.image_of) == 5
    assert [r.reason for r in rejections] == []
    first = images.images[images.image_of[0]]
    assert first == "005808361.jpg"
    assert images.joints[0, H36M17.index("right_ankle")].tolist() == [803, 710]
    write_image(tmp_path / "005808361.jpg", 900, 720)
    smaller, rejections = annotated_images(read_mpii(root)[0], tmp_path)
    assert len(smaller.image_of) == 1
    assert {r.reason for r in rejections} == {"missing image", "joint outside the image"}


def test_real_derived_formats_agree(data_root: Path) -> None:
    """The h5 (whole pixels) and the JSON hold the same people in the same pixels."""
    if not (data_root / "mpii_annot").is_dir():
        pytest.skip(f"{data_root / 'mpii_annot'} is not here")
    from synth.sources.mpii import _read_csv, _read_h5, _read_json

    table = _read_csv(data_root / "mpii_annot", "train_joints.csv")
    whole = _read_h5(data_root / "mpii_annot", "valid.h5")
    exact = _read_json(data_root / "mpii_sample", "test_mpii.json")
    assert (len(table.images), len(whole.images)) == (17928, 2958)
    for k, name in enumerate(exact.images):
        same = [p for p, other in enumerate(whole.images) if other == name]
        apart = [np.abs(whole.joints[p] - exact.joints[k])[exact.labelled[k]].max() for p in same]
        assert min(apart) < 1
