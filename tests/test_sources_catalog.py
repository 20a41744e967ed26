from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from source_samples import tiny_amc, tiny_asf, tiny_bvh, write_image

from synth.errors import InputError, SourceMissingError
from synth.sources import catalog
from synth.sources.files import is_archive
from synth.sources.records import MotionClip


def _cmu(folder: Path, *, broken: bool = False) -> None:
    (folder / "01").mkdir(parents=True)
    (folder / "01" / "01.asf").write_text(tiny_asf())
    (folder / "01" / "01_01.amc").write_text(tiny_amc())
    (folder / "01" / "01_02.amc").write_text(tiny_amc()[: 200 if broken else None])


def _lspet(folder: Path, people: int = 2) -> None:
    joints = np.full((14, 3, people), 5.0)
    joints[:, 2] = 1
    folder.mkdir(parents=True)
    scipy.io.savemat(folder / "joints.mat", {"joints": joints})
    for k in range(people):
        write_image(folder / "images" / f"im{k + 1:05d}.jpg", 20, 10)


def _pack(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w") as packed:
        for file in folder.rglob("*"):
            packed.write(file, file.relative_to(folder.parent))
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "layout", ["subjects", "all_asfamc/subjects", "cmu", "cmu/all_asfamc/subjects", "CMU"]
)
def test_folders_of_cmu(tmp_path: Path, layout: str) -> None:
    _cmu(tmp_path / layout)
    clips, rejections = catalog.read_motion("cmu", tmp_path)
    assert [(clip.source, clip.subject, len(clip.joints)) for clip in clips] == [("cmu", "01", 3)] * 2
    assert rejections == []


@pytest.mark.parametrize("place", [".", "cmu"])
def test_archive_of_cmu_is_read_once_even_if_unpacked_beside(tmp_path: Path, place: str) -> None:
    _cmu(tmp_path / "all_asfamc" / "subjects")
    (tmp_path / place).mkdir(exist_ok=True)
    _pack(tmp_path / "all_asfamc", tmp_path / place / "allasfamc.zip")
    assert len(catalog.motion_items("cmu", tmp_path)) == 2
    _cmu(tmp_path / place / "all_asfamc" / "subjects")
    assert len(catalog.motion_items("cmu", tmp_path)) == 2


def test_several_sources_in_the_order_named(tmp_path: Path) -> None:
    _cmu(tmp_path / "cmu", broken=True)
    (tmp_path / "cmu_bvh").mkdir()
    (tmp_path / "cmu_bvh" / "02_07.bvh").write_text(tiny_bvh())
    (tmp_path / "HDM05_cut_amc" / "jump").mkdir(parents=True)
    (tmp_path / "HDM05_cut_amc" / "HDM_mm.asf").write_text(tiny_asf())
    (tmp_path / "HDM05_cut_amc" / "jump" / "HDM_mm_jump_001_120.amc").write_text(tiny_amc())
    results = list(catalog.iter_motion("bvh + hdm05+cmu", tmp_path))
    found = [(r.source, r.subject if isinstance(r, MotionClip) else r.reason) for r in results]
    assert found == [("bvh", "02"), ("hdm05", "mm"), ("cmu", "01"), ("cmu", "truncated file")]
    assert catalog.motion_items("cmu_bvh", tmp_path) == catalog.motion_items("bvh", tmp_path)


def test_a_source_that_is_not_there_tells_where_it_should_be(tmp_path: Path) -> None:
    assert catalog.find_source(*catalog.image_sources("lsp"), tmp_path) is None
    with pytest.raises(SourceMissingError, match=r"source lsp .*lsp_dataset\.zip.*sam\.johnson\.io/research"):
        catalog.read_images("lsp", tmp_path)
    for source in (*catalog.MOTION_SOURCES, *catalog.IMAGE_SOURCES):
        if source.embedded:
            continue
        with pytest.raises(SourceMissingError, match=source.publisher):
            catalog.locate(source, tmp_path)


def test_unknown_names_get_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown source 'hdm5'; did you mean 'hdm05'"):
        catalog.motion_items("cmu+hdm5", tmp_path)
    with pytest.raises(InputError, match="did you mean 'mpii-lsp'"):
        catalog.read_images("mpi-lsp", tmp_path)
    with pytest.raises(InputError, match="unknown source 'cmu'"):
        catalog.read_images("cmu", tmp_path)


def test_data_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNTH_DATA", raising=False)
    with pytest.raises(InputError, match=r"give --data-root or set \$SYNTH_DATA"):
        catalog.find_source(*catalog.motion_sources("cmu"), None)
    with pytest.raises(InputError, match="is not a folder"):
        catalog.find_source(*catalog.motion_sources("cmu"), tmp_path / "nowhere")
    _cmu(tmp_path / "cmu")
    monkeypatch.setenv("SYNTH_DATA", str(tmp_path))
    assert len(catalog.motion_items("cmu", None)) == 2


@pytest.mark.parametrize("layout", ["lspet", "lspet_dataset", "hr-lspet", "lspet/lspet_dataset"])
@pytest.mark.parametrize("packed", [False, True])
def test_layouts_of_lspet(tmp_path: Path, layout: str, packed: bool) -> None:
    _lspet(tmp_path / layout)
    if packed:
        name = "hr-lspet.zip" if "hr" in layout else "lspet_dataset.zip"
        _pack(tmp_path / layout, (tmp_path / layout).parent / name)
    [images], rejections = catalog.read_images("lspet", tmp_path)
    assert len(images.image_of) == 2
    assert rejections == []
    assert is_archive(images.root) == packed
    assert catalog.load_image(images, 1).shape == (10, 20, 3)


def test_mpii_lsp_is_three_sources_and_names_count_once(tmp_path: Path) -> None:
    names = [source.name for source in catalog.image_sources("mpii-lsp")]
    assert names == ["mpii", "lspet", "lsp"]
    assert [source.name for source in catalog.image_sources("lsp+mpii-lsp+coco")] == [
        "lsp",
        "mpii",
        "lspet",
        "coco",
    ]


def test_annotations_in_one_place_and_images_in_another(tmp_path: Path) -> None:
    numbers = ",".join(["5"] * 32)
    (tmp_path / "mpii" / "annot").mkdir(parents=True)
    (tmp_path / "mpii" / "annot" / "train_joints.csv").write_text(f"a.jpg,{numbers}\n")
    write_image(tmp_path / "mpii" / "images" / "a.jpg", 20, 10)
    assert catalog.read_images("mpii", tmp_path)[0][0].images == ("images/a.jpg",)
    _pack(tmp_path / "mpii" / "images", tmp_path / "mpii" / "mpii_human_pose_v1.zip")
    [images], _ = catalog.read_images("mpii", tmp_path)
    assert images.images == ("images/a.jpg",)
    assert images.root.name == "mpii_human_pose_v1.zip"
    (tmp_path / "mpii" / "mpii_human_pose_v1.zip").unlink()
    with pytest.raises(InputError, match=r"nobody in mpii .* can be used: missing image"):
        catalog.read_images("mpii", tmp_path)


def _fingerprint(root: Path) -> str:
    sources = (*catalog.motion_sources("cmu"), *catalog.image_sources("lspet"))
    return catalog.source_fingerprint([catalog.locate(source, root) for source in sources])


def test_motion_and_images_may_share_a_name() -> None:
    assert catalog.motion_sources("demo") != catalog.image_sources("demo")


def test_fingerprint_follows_clips_annotations_and_images(tmp_path: Path) -> None:
    _cmu(tmp_path / "cmu")
    _lspet(tmp_path / "lspet")
    first = _fingerprint(tmp_path)
    assert _fingerprint(tmp_path) == first
    (tmp_path / "lspet" / "README.txt").write_text("no data")
    assert _fingerprint(tmp_path) == first
    seen = {first}
    for file in ("lspet/images/im00002.jpg", "lspet/joints.mat", "cmu/01/01.asf", "cmu/01/01_01.amc"):
        with open(tmp_path / file, "ab") as stream:
            stream.write(b" ")
        seen.add(_fingerprint(tmp_path))
    assert len(seen) == 5
