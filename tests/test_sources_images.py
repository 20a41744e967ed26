from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from source_samples import write_image

from synth.errors import InputError
from synth.skeletons import H36M17, LSP14
from synth.sources.images import Annotations, annotated_images, image_size, load_image, numbered_people
from synth.sources.records import AnnotatedImages, DamagedItemError, Known


def _annotations(images: list[str], joints: np.ndarray, labelled: np.ndarray | None = None) -> Annotations:
    labelled = np.ones(joints.shape[:2], bool) if labelled is None else labelled
    occluded = np.zeros_like(labelled)
    occluded[:, 0] = True
    return Annotations("x", LSP14, images, numbered_people(images), joints, labelled, occluded)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp"])
def test_size_from_the_first_bytes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write_image(path, 31, 17)
    with open(path, "rb") as stream:
        assert image_size(stream) == (31, 17)


def test_size_of_a_progressive_jpeg_behind_a_large_comment() -> None:
    data = cv2.imencode(".jpg", np.zeros((17, 31, 3), np.uint8), [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[
        1
    ].tobytes()
    assert b"\xff\xc2" in data
    comment = b"\xff\xfe\xff\xff" + b"\xff\xc0" * 32766 + b"x"
    assert image_size(io.BytesIO(data[:2] + comment + data[2:])) == (31, 17)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"not an image at all"])
def test_what_is_no_image_has_no_size(data: bytes) -> None:
    with pytest.raises(DamagedItemError, match="undecodable image"):
        image_size(io.BytesIO(data))


def test_people_and_joints_that_cannot_be_used_are_listed(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "A.jpg", 20, 10)
    write_image(tmp_path / "images" / "b.png", 20, 10)
    (tmp_path / "images" / "broken.jpg").write_bytes(b"nothing")
    images = ["a.jpg", "a.jpg", "missing.jpg", "b.jpg", "broken.jpg"]
    joints = np.full((5, 14, 2), 5.0)
    joints[0, 0] = (19.4, 9.4)  # the last pixel's far side is at 19.5, 9.5
    joints[0, 1] = (19.6, 5)
    joints[0, 2] = (5, -0.6)
    joints[0, 3] = (np.nan, 5)
    labelled = np.ones((5, 14), bool)
    labelled[0, 4] = False
    labelled[3] = False
    result, rejections = annotated_images(_annotations(images, joints, labelled), tmp_path)
    assert result.images == ("images/A.jpg",)
    assert result.image_of.tolist() == [0, 0]
    assert result.person.tolist() == [0, 1]
    lost = {"right_knee", "right_hip", "left_hip", "left_knee"}
    absent = {"pelvis", "spine", "thorax"}
    for k, joint in enumerate(H36M17.joints):
        assert result.labelled[0, k] == (joint not in lost | absent), joint
        assert result.labelled[1, k] == (joint not in absent), joint
    np.testing.assert_allclose(result.joints[0, H36M17.index("right_ankle")], (19.4, 9.4), rtol=1e-6)
    assert (result.joints[~result.labelled] == 0).all()
    assert result.occluded.sum(axis=0).nonzero()[0].tolist() == [H36M17.index("right_ankle")]
    assert sorted((r.item, r.reason) for r in rejections) == [
        ("a.jpg person 0 joint left_hip", "not a finite number"),
        ("a.jpg person 0 joint right_hip", "joint outside the image"),
        ("a.jpg person 0 joint right_knee", "joint outside the image"),
        ("b.jpg person 0", "no joint labelled"),
        ("images/broken.jpg", "undecodable image"),
        ("missing.jpg person 0", "missing image"),
    ]
    assert "20 x 10 pixels" in next(r.detail for r in rejections if "outside" in r.reason)


def _one(root: Path, name: str) -> AnnotatedImages:
    return AnnotatedImages(
        "x",
        root,
        (name,),
        np.zeros(1, np.int32),
        np.zeros(1, np.int32),
        np.zeros((1, 17, 2), np.float32),
        np.ones((1, 17), bool),
        np.zeros((1, 17), bool),
    )


def test_pixels_are_rgb_from_folder_and_archive(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 8, 6)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a.png", "deep/a.png")
    pixels = load_image(_one(tmp_path, "a.png"), 0)
    assert pixels.shape == (6, 8, 3)
    assert pixels.dtype == np.uint8
    assert pixels[0, 0].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(load_image(_one(tmp_path / "a.zip", "deep/a.png"), 0), pixels)


def test_an_exif_rotation_is_ignored(tmp_path: Path) -> None:
    data = cv2.imencode(".jpg", np.zeros((6, 8, 3), np.uint8))[1].tobytes()
    tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    segment = b"Exif\0\0" + tiff
    exif = b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment
    (tmp_path / "turned.jpg").write_bytes(data[:2] + exif + data[2:])
    turned = cv2.imread(str(tmp_path / "turned.jpg"))
    assert turned.shape[:2] == (8, 6)  # the decoder would turn it
    assert load_image(_one(tmp_path, "turned.jpg"), 0).shape[:2] == (6, 8)


@pytest.mark.parametrize("damage", ["cut", "empty", "noise"])
def test_an_undecodable_image_is_an_input_error(tmp_path: Path, damage: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    data = cv2.imencode(".jpg", noise)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(
        {"cut": data[: len(data) // 2], "empty": b"", "noise": b"\1" * 99}[damage]
    )
    with pytest.raises(InputError, match=r"undecodable image: .*a\.jpg"):
        load_image(_one(tmp_path, "a.jpg"), 0)


def test_people_are_numbered_within_their_image() -> None:
    assert numbered_people(["a", "b", "a", "a", "b"]).tolist() == [0, 0, 1, 2, 1]


def test_what_else_is_known_follows_its_people(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        write_image(tmp_path / folder / "000001.jpg", 20, 10)
    joints = np.full((3, 14, 2), 5.0)
    joints3d = np.arange(3 * 14 * 3, dtype=np.float32).reshape(3, 14, 3)
    images = ["two/000001.jpg", "three/000001.jpg", "one/000001.jpg"]
    known = Known(joints3d=joints3d, frame=np.array([7, 8, 9], np.int32), subject=np.array(["a", "b", "c"]))
    annotations = replace(_annotations(images, joints), known=known, members=True)
    result, rejections = annotated_images(annotations, tmp_path)
    assert [rejection.item for rejection in rejections] == ["three/000001.jpg person 0"]
    assert [result.images[image] for image in result.image_of] == ["two/000001.jpg", "one/000001.jpg"]
    found = result.known
    assert found.joints3d is not None
    assert found.frame is not None
    assert found.frame.tolist() == [7, 9]
    assert found.action is None
    np.testing.assert_array_equal(found.joints3d[1, H36M17.index("neck")], joints3d[2, LSP14.index("neck")])
    assert np.isnan(found.joints3d[:, H36M17.index("pelvis")]).all()
    pixels_only = result.photographs(np.array([1]))
    assert pixels_only.images == (result.images[1],)
    assert len(pixels_only) == 0
    assert pixels_only.known.subject is not None
    assert len(pixels_only.known.subject) == 0


def test_frames_of_one_folder_are_of_one_size(tmp_path: Path) -> None:
    for folder, width in (("one", 20), ("two", 30)):
        write_image(tmp_path / folder / "1.png", width, 10)
    (tmp_path / "one" / "2.png").write_bytes(b"never opened")
    joints = np.full((3, 14, 2), 5.0)
    joints[:, 0, 0] = 25
    images = ["one/1.png", "one/2.png", "two/1.png"]
    result, rejections = annotated_images(replace(_annotations(images, joints), members=True), tmp_path)
    ankle = H36M17.index("right_ankle")
    assert result.labelled[:, ankle].tolist() == [False, False, True]
    assert {rejection.reason for rejection in rejections} == {"joint outside the image"}
