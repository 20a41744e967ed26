from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from source_samples import ASF_HEAD, CMU_UNIT, tiny_amc, tiny_asf, tiny_bvh

from synth.skeletons import H36M17
from synth.sources.motion import acclaim_items, bvh_items, read_item
from synth.sources.records import MotionClip, Rejection


def _write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode("latin-1"))
    return root


def _zipped(root: Path) -> Path:
    path = root.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(root))
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_clips_and_rejections_of_a_folder_or_archive(tmp_path: Path, packed: bool) -> None:
    amc = tiny_amc()
    root = _write(
        tmp_path / "cmu",
        {
            "subjects/01/01.asf": tiny_asf(),
            "subjects/01/01_01.amc": amc.replace("tiny", "X:\\f\xfcr Bonn"),
            "subjects/01/01_02.AMC": amc.replace("\n", "\r\n").upper(),
            "subjects/01/01_03.amc": amc[: len(amc) // 2],
            "subjects/02/02_01.amc": amc,
            "subjects/03/03.asf": tiny_asf(ASF_HEAD.replace("length 0.45", "length 0.0045")),
            "subjects/03/03_01.amc": amc,
            "subjects/04/04.asf": tiny_asf(without="rtibia"),
            "subjects/04/04_01.amc": tiny_amc(without="rtibia"),
        },
    )
    items = acclaim_items("cmu", [_zipped(root) if packed else root])
    results = [read_item(item) for item in pickle.loads(pickle.dumps(items))]
    clips = [r for r in results if isinstance(r, MotionClip)]
    assert [(c.name, c.subject, c.fps) for c in clips] == [
        ("subjects/01/01_01.amc", "01", 120.0),
        ("subjects/01/01_02.AMC", "01", 120.0),
    ]
    assert clips[0].joints.shape == (3, 17, 3)
    assert clips[0].joints.dtype == np.float32
    np.testing.assert_allclose(clips[0].joints[2, 0] / CMU_UNIT, [2, 16, 0], rtol=1e-6)
    np.testing.assert_array_equal(clips[0].joints, clips[1].joints)
    assert [(r.item[-9:], r.reason) for r in results if isinstance(r, Rejection)] == [
        ("01_03.amc", "truncated file"),
        ("02_01.amc", "no ASF for this AMC"),
        ("03_01.amc", "implausible scale"),
        ("04_01.amc", "skeleton lacks a joint"),
    ]


def test_skeletons_are_found_by_the_beginning_of_the_name(tmp_path: Path) -> None:
    names = [
        "a/HDM_bd_jump_001_120.amc",
        "a/HDM_bk_jump_001_60.amc",
        "HDM_bdx_jump_002_120.amc",
        "b/walk.amc",
        "b/run.AMC",
    ]
    skeletons = ["z/HDM_bd.asf", "HDM_bk.ASF", "b/biped.asf"]
    root = _write(tmp_path / "hdm05", dict.fromkeys(names + skeletons, ""))
    found = {item.name: (item.skeleton, item.subject) for item in acclaim_items("hdm05", [root])}
    assert found == {
        "a/HDM_bd_jump_001_120.amc": ("z/HDM_bd.asf", "bd"),
        "a/HDM_bk_jump_001_60.amc": ("HDM_bk.ASF", "bk"),
        "HDM_bdx_jump_002_120.amc": ("", "bdx"),
        "b/walk.amc": ("b/biped.asf", "biped"),
        "b/run.AMC": ("b/biped.asf", "biped"),
    }


def test_a_lone_numbered_skeleton_is_not_lent_to_another_number(tmp_path: Path) -> None:
    root = _write(tmp_path / "cmu", {"01.asf": tiny_asf(), "02_01.amc": tiny_amc()})
    [item] = acclaim_items("cmu", [root])
    assert item.skeleton == ""


def test_rate_in_the_file_name(tmp_path: Path) -> None:
    root = _write(tmp_path / "h", {"HDM_bk.asf": tiny_asf(), "HDM_bk_jump_001_60.amc": tiny_amc()})
    [clip] = map(read_item, acclaim_items("hdm05", [root]))
    assert isinstance(clip, MotionClip)
    assert clip.fps == 60


def test_bvh_clips_and_subjects(tmp_path: Path) -> None:
    files = {
        "2_01.bvh": tiny_bvh(),
        "113_25.BVH": tiny_bvh(),
        "dance/solo.bvh": tiny_bvh(),
        "cut.bvh": tiny_bvh()[:-200],
    }
    root = _write(tmp_path / "mine", files)
    results = [read_item(item) for item in bvh_items("bvh", [root])]
    subjects = {r.name: r.subject for r in results if isinstance(r, MotionClip)}
    assert subjects == {"2_01.bvh": "02", "113_25.BVH": "113", "dance/solo.bvh": "bvh:dance"}
    [rejection] = [r for r in results if isinstance(r, Rejection)]
    assert (rejection.item, rejection.reason) == ("cut.bvh", "truncated file")


def test_odd_but_legal_files(data_root: Path) -> None:
    folder = data_root / "asfamc_edge"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here")
    results = {item.name: read_item(item) for item in acclaim_items("cmu", [folder])}
    skeleton = results.pop("biovision_skel.amc")
    assert isinstance(skeleton, Rejection)
    assert skeleton.reason == "skeleton lacks a joint"
    for name, clip in results.items():
        assert isinstance(clip, MotionClip), name
        height = clip.joints[:, H36M17.index("head"), 1] - clip.joints[:, H36M17.index("left_ankle"), 1]
        assert 1.2 < np.median(height) < 1.8, name


@pytest.mark.parametrize(
    ("source", "archive", "clips", "frames"),
    [("cmu", "cmu/allasfamc.zip", 32, 80_095), ("hdm05", "hdm05/hdm05_asfamc.zip", 232, 56_733)],
)
def test_all_clips_of_the_real_archives(
    data_root: Path, source: str, archive: str, clips: int, frames: int
) -> None:
    results = [read_item(item) for item in acclaim_items(source, [data_root / archive])]
    assert [r for r in results if isinstance(r, Rejection)] == []
    joints = [r.joints for r in results if isinstance(r, MotionClip)]
    assert (len(joints), sum(map(len, joints))) == (clips, frames)


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_is_rejected_or_read_but_never_raises(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng([2, seed])
    files = {"01.asf": tiny_asf(), "01_01.amc": tiny_amc(), "x.bvh": tiny_bvh()}
    for name, text in files.items():
        place = int(rng.integers(len(text)))
        lines = text.splitlines()
        line = int(rng.integers(len(lines)))
        files[name] = [
            text[:place],
            text[:place] + chr(int(rng.integers(1, 255))) + text[place + 1 :],
            "\n".join(lines[:line] + lines[line + 1 :]),
            "\n".join([*lines[:line], lines[0], *lines[line:]]),
        ][seed % 4]
    root = _write(tmp_path / "cmu", files)
    for item in [*acclaim_items("cmu", [root]), *bvh_items("bvh", [root])]:
        result = read_item(item)
        assert isinstance(result, MotionClip | Rejection)
        if isinstance(result, Rejection):
            assert result.reason
            assert result.detail
        else:
            assert np.isfinite(result.joints).all()
