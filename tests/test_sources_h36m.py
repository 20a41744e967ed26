from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from film_samples import (
    CAMERAS,
    DRIFT,
    FOCAL,
    H36M_FRAMES,
    drifting,
    h36m_root,
    metadata_xml,
    of_32,
    pixels,
    seen,
)
from scipy.spatial.transform import Rotation
from source_samples import write_image

from synth.errors import InputError, SourceMissingError
from synth.skeletons import H36M17
from synth.sources import catalog, h36m
from synth.sources.h36m_cameras import Camera, read_metadata
from synth.sources.h36m_images import view_of
from synth.sources.records import MotionClip, Rejection

FIRST = "S1/Directions 1.54138969/000001.jpg"
FRAMES = (
    FIRST,
    "S1/Directions 1.54138969/000002.jpg",
    "S1/Directions 1.54138969/000131.jpg",
    "S1/images/S1_WalkDog_1.55011271/S1_WalkDog_1.55011271_000065.jpg",
    "s_09_act_02_subact_01_ca_02/s_09_act_02_subact_01_ca_02_000001.jpg",
    "S11/Directions-2/imageSequence/60457274/img_000066.jpg",
    "S1/Eating.54138969/000001.jpg",
)


def test_the_17_joints_are_taken_out_of_32(tmp_path: Path) -> None:
    numbered = np.repeat(np.arange(32, dtype=np.float32)[:, None], 3, axis=1)[None]
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d={"S5": {"TakingPhoto 1": numbered}})
    (recording,) = h36m.recordings(tmp_path)
    assert (recording.clip, recording.action) == ("S5/Photo 1", "Photo")
    joints = h36m.read_recording(tmp_path, recording)
    assert joints.shape == (1, 17, 3)
    named = dict(zip(H36M17.joints, joints[0, :, 0].astype(int).tolist(), strict=True))
    # the publisher's order: the hips first, the right leg before the left, the left arm before the right
    assert named["pelvis"] == 0
    assert [named[f"right_{part}"] for part in ("hip", "knee", "ankle")] == [1, 2, 3]
    assert [named[f"left_{part}"] for part in ("hip", "knee", "ankle")] == [6, 7, 8]
    assert [named[name] for name in ("spine", "thorax", "neck", "head")] == [12, 13, 14, 15]
    assert [named[f"left_{part}"] for part in ("shoulder", "elbow", "wrist")] == [17, 18, 19]
    assert [named[f"right_{part}"] for part in ("shoulder", "elbow", "wrist")] == [25, 26, 27]


def test_motion_has_y_up_and_names_of_its_own(tmp_path: Path) -> None:
    h36m_root(tmp_path, ())
    clips, rejections = catalog.read_motion("h36m", tmp_path)
    assert rejections == []
    assert [(clip.subject, clip.name) for clip in clips[:3]] == [
        ("h36m:S1", "S1/Directions"),
        ("h36m:S1", "S1/Directions 1"),
        ("h36m:S1", "S1/WalkDog 1"),
    ]
    assert [clip.subject for clip in clips[::3]] == ["h36m:S1", "h36m:S9", "h36m:S11"]
    assert (clips[0].source, clips[0].fps, len(clips[0].joints)) == ("h36m", 50.0, H36M_FRAMES)
    head, left_hip = (clips[0].joints[5, H36M17.index(name)] for name in ("head", "left_hip"))
    np.testing.assert_allclose(head, [5 * DRIFT, 1.75, 0], atol=1e-6)
    np.testing.assert_allclose(left_hip, [0.13 + 5 * DRIFT, 0.95, -0.02], atol=1e-6)
    training, _ = catalog.read_motion("h36m-train", tmp_path)
    assert {(clip.source, clip.subject) for clip in training} == {("h36m-train", "h36m:S1")}


def test_a_damaged_recording_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "h36m").mkdir()
    poses = {
        "Walking": of_32(drifting(2)),
        "Eating": np.zeros((2, 30, 3), np.float32),
        "Waiting": np.zeros(0),
    }
    np.savez(tmp_path / "h36m" / "data_3d_h36m.npz", positions_3d={"S1": poses})
    results = list(catalog.iter_motion("h36m", tmp_path))
    assert [type(result) for result in results] == [Rejection, Rejection, MotionClip]
    assert isinstance(results[0], Rejection)
    assert results[0].reason == "poses of another shape"
    assert "(2, 30, 3), expected 32 joints" in results[0].detail


def test_cdf_files_say_the_same_as_the_npz(tmp_path: Path) -> None:
    cdflib = pytest.importorskip("cdflib", reason="the extra h36m is not installed")
    folder = tmp_path / "h36m" / "S9" / "MyPoseFeatures" / "D3_Positions"
    folder.mkdir(parents=True)
    written = cdflib.cdfwrite.CDF(folder / "WalkingDog 1.cdf", cdf_spec={"Majority": "row_major"})
    millimetres = 1000 * of_32(drifting(3)).reshape(1, 3, 96)
    spec = {"Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": [3, 96]}
    written.write_var(spec, var_data=millimetres)
    written.close()
    (folder / "Eating.cdf").write_bytes(b"nothing of the kind")
    clip, broken = sorted(
        catalog.iter_motion("h36m", tmp_path), key=lambda found: isinstance(found, Rejection)
    )
    assert isinstance(clip, MotionClip)
    assert (clip.subject, clip.name) == ("h36m:S9", "S9/WalkDog 1")
    np.testing.assert_allclose(clip.joints, h36m.y_up(drifting(3)), atol=1e-6)
    assert isinstance(broken, Rejection)
    assert (broken.item, broken.reason) == ("S9/Eating", "undecodable CDF")


def test_without_cdflib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "S9" / "MyPoseFeatures" / "D3_Positions"
    folder.mkdir(parents=True)
    (folder / "Eating.cdf").write_bytes(b"")
    monkeypatch.setitem(sys.modules, "cdflib", None)
    with pytest.raises(InputError, match="extra h36m"):
        h36m.read_recording(tmp_path, h36m.recordings(tmp_path)[0])


def test_cameras_of_the_metadata(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=300)
    text = metadata_xml()
    start, end = text.index("<w0>[") + 5, text.index("]</w0>")
    (tmp_path / "metadata.xml").write_text(text[:start] + " ".join(map(str, numbers)) + text[end:])
    metadata = read_metadata(tmp_path)
    assert len(metadata.cameras) == 44
    assert metadata.recordings["S7", 15, 1] == "WalkDog 1"
    camera = metadata.cameras["S5", CAMERAS[2]]
    # 6 numbers of each camera for each of 11 subjects, then 9 of each camera
    outer = numbers[6 * (2 * 11 + 4) :][:6]
    np.testing.assert_allclose(camera.R, Rotation.from_euler("XYZ", outer[:3]).as_matrix(), atol=1e-12)
    np.testing.assert_allclose(camera.centre, outer[3:] / 1000)
    inner = numbers[264 + 2 * 9 :][:9]
    np.testing.assert_array_equal(camera.K, [[inner[0], 0, inner[2]], [0, inner[1], inner[3]], [0, 0, 1]])
    np.testing.assert_array_equal(camera.radial, inner[4:7])


def test_the_lens_bends_as_opencv_says_but_for_half_of_one_term() -> None:
    radial, tangential = np.array([-0.2, 0.25, -0.003]), np.array([-0.0014, -0.001])
    focal, principal = np.array([1145.0, 1143.8]), np.array([512.5, 515.5])
    points = np.random.default_rng(1).normal(size=(20, 3)) * 0.5 + [0, 0, 4.0]
    plain = Camera(np.eye(3), np.zeros(3), focal, principal, radial, np.zeros(2))
    coefficients = np.array([*radial[:2], 0, 0, radial[2]])
    expected = cv2.projectPoints(points, np.zeros(3), np.zeros(3), plain.K, coefficients)[0][:, 0]
    np.testing.assert_allclose(plain.pixels(points), expected, atol=1e-9)
    bent = Camera(np.eye(3), np.zeros(3), focal, principal, np.zeros(3), tangential)
    x, y = points[0, :2] / points[0, 2]
    p0, p1 = tangential
    u = x * (1 + p0 * y + p1 * x) + p1 * (x * x + y * y)
    v = y * (1 + p0 * y + p1 * x) + p0 * (x * x + y * y)
    np.testing.assert_allclose(bent.pixels(points)[0], focal * [u, v] + principal)
    assert np.isnan(plain.pixels(np.array([0.0, 0.0, -1.0]))).all()


def test_frames_of_all_layouts_have_their_poses(tmp_path: Path) -> None:
    h36m_root(tmp_path, FRAMES)
    (images,), rejections = catalog.read_images("h36m", tmp_path)
    known = images.known
    assert known.joints3d is not None
    assert known.K is not None
    assert known.frame is not None
    assert known.subject is not None
    assert known.action is not None
    found = {
        images.images[image]: (subject, action, frame)
        for image, subject, action, frame in zip(
            images.image_of, known.subject, known.action, known.frame, strict=True
        )
    }
    assert found == {
        FRAMES[0]: ("h36m:S1", "Directions", 0),
        FRAMES[1]: ("h36m:S1", "Directions", 1),
        FRAMES[3]: ("h36m:S1", "WalkDog", 64),
        FRAMES[4]: ("h36m:S9", "Directions", 0),
        FRAMES[5]: ("h36m:S11", "Directions", 65),
    }
    points = seen(drifting(H36M_FRAMES))[known.frame]
    np.testing.assert_allclose(known.joints3d, points, atol=1e-5)
    np.testing.assert_allclose(images.joints, pixels(points), atol=1e-3)
    assert images.labelled.all()
    assert known.K[0].tolist() == [[FOCAL, 0, 99.5], [0, FOCAL, 99.5], [0, 0, 1]]
    assert {(item.item, item.reason) for item in rejections} == {
        ("1 frames of S1/Directions 1", "frame without a pose"),
        ("S1/Eating", "no poses of this recording"),
    }
    assert len(catalog.read_images("h36m-train", tmp_path)[0][0]) == 3


@pytest.mark.parametrize(
    ("name", "view"),
    [
        (FIRST, ("S1", "Directions 1", CAMERAS[0])),
        ("deep/down/S11/Directions.58860488/img_000001.png", ("S11", "Directions", CAMERAS[2])),
        ("S1_Act_2_SubAct_2_Ca_04/S1_Act_2_SubAct_2_Ca_04_000001.jpg", ("S1", "Directions", CAMERAS[3])),
        ("S5/WalkingDog-1/imageSequence/55011271/img_000001.jpg", ("S5", "WalkDog 1", CAMERAS[1])),
        ("s_01_act_99_subact_01_ca_01/x_000001.jpg", None),
        ("s_01_act_02_subact_01_ca_05/x_000001.jpg", None),
        ("masks/000001.png", None),
    ],
)
def test_what_a_path_tells(tmp_path: Path, name: str, view: tuple[str, str, str] | None) -> None:
    (tmp_path / "metadata.xml").write_text(metadata_xml())
    assert view_of(name, read_metadata(tmp_path)) == view


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match=r"data_3d_h36m\.npz"):
        catalog.read_motion("h36m", tmp_path)
    h36m_root(tmp_path, ())
    with pytest.raises(SourceMissingError, match="extracted frames"):
        catalog.read_images("h36m", tmp_path)
    write_image(tmp_path / "h36m" / "photographs" / "1.jpg", 20, 20)
    with pytest.raises(InputError, match="holds no extracted frames"):
        catalog.read_images("h36m", tmp_path)
    (tmp_path / "h36m" / "metadata.xml").write_text("<metadata><w0>[1 2]</w0></metadata>")
    with pytest.raises(InputError, match="w0 holds 2 camera parameters, expected 300"):
        catalog.read_images("h36m", tmp_path)
    (tmp_path / "h36m" / "metadata.xml").unlink()
    with pytest.raises(InputError, match=r"holds no metadata\.xml"):
        catalog.read_images("h36m", tmp_path)
