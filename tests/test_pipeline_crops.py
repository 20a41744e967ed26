"""Whole runs of ``synth crops`` on tiny data sets in the publishers' layouts."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
from film_samples import h36m_root, mpi_inf_3dhp_root
from source_samples import write_image
from store_runs import assert_refused, assert_same, everything

from pipelines.crops import find_people
from pipelines.crops_recipe import CropRecipe
from pipelines.progress import Progress
from synth.cameras import project_camera_points
from synth.cli import main as synth_main
from synth.pool_build import build_pool
from synth.pool_plan import PoolOptions
from synth.sources import catalog
from synth.splits import parse_splits
from synth.store.metadata import open_meta
from synth.store.photographs import photograph_schema
from synth.store.reader import open_store
from synth.store.verify import verify

FRAMES = (
    *(f"S1/Directions 1.54138969/{number:06d}.jpg" for number in (1, 2, 3)),
    *(f"S9/WalkDog 1.55011271/{number:06d}.jpg" for number in (1, 2, 65)),
    *(f"S11/Directions.60457274/{number:06d}.jpg" for number in (1, 64, 65, 129)),
)


def main(words):
    """The command as a user gives it."""
    return synth_main(["crops", *map(str, words)])


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SYNTH_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return h36m_root(tmp_path_factory.mktemp("data"), FRAMES)


def words_for(root, out, *more, images="h36m"):
    """Arguments that cut people out in shards of three, in this process."""
    words = ["--images", images, "--out", out, "--data-root", root, "--workers", "1"]
    return [*words, "--shard-size", "3", "--progress", "none", *more]


@pytest.fixture(scope="module")
def base(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("crops") / "h36m.zarr"
    assert main(words_for(root, out, "--protocol", "h36m-p2", "--preview", "4")) == 0
    return out


def test_a_store_of_films(base, root):
    store = open_store(base)
    assert verify(base).ok
    assert store.names == tuple(spec.name for spec in photograph_schema().arrays)
    values = everything(base)
    assert len(store) == len(FRAMES)
    subjects = np.array(store.table("subjects"))[values["subject"]]
    assert dict(zip(subjects.tolist(), values["split"].tolist(), strict=True)) == {
        "h36m:S1": 0,
        "h36m:S9": 2,
        "h36m:S11": 2,
    }
    actions = np.array(store.table("actions"))[values["action"]]
    assert set(actions[subjects == "h36m:S9"]) == {"WalkDog"}
    photographs = [store.table("photographs")[row] for row in values["photograph"]]
    assert sorted(photographs) == sorted(f"h36m/{name}" for name in FRAMES)
    projected = project_camera_points(values["K"], values["joints3d"])
    np.testing.assert_allclose(projected, values["joints2d"], atol=2e-3)
    assert values["labelled"].all()
    assert np.isnan(values["head_size"]).all()
    assert (base.parent / "h36m-preview.png").is_file()


def test_pictures_are_the_photographs(base):
    # the sample's photographs are grey but for their top left quarter, which is red
    values = everything(base)
    for picture, transform in zip(values["images"], values["source_transform"], strict=True):
        for x, y, red in ((30, 50, True), (170, 50, False), (30, 150, False), (120, 120, False)):
            column, row = np.rint(transform[:, :2] @ [x, y] + transform[:, 2]).astype(int)
            if 0 <= column < 220 and 0 <= row < 220:
                assert (picture[row, column, 0] > 200) == red


def test_attributes_tell_what_a_reader_needs(base):
    attributes = open_meta(base).attributes
    assert attributes["protocol"] == "h36m-p2"
    assert attributes["skeleton"]["name"] == "h36m17"
    assert attributes["splits"] == ["train", "val", "test"]
    assert "split_cycle" not in attributes
    assert [source["name"] for source in attributes["sources"]] == ["h36m"]
    assert attributes["counts"] == {"actions": 2, "photographs": 10, "subjects": 3}


def test_a_store_grows_into_the_one_made_at_once_in_other_shards(base, root, tmp_path, capsys):
    out = tmp_path / "grown.zarr"
    words = words_for(root, out, "--protocol", "h36m-p2", "--codec", "none")
    words[words.index("--shard-size") + 1] = "4"
    assert main([*words, "--n", "5"]) == 0
    assert "5 samples (train" in capsys.readouterr().out
    assert main(words) == 0
    assert_same(out, base)
    assert main(words) == 0
    assert "finished and sealed: 10 samples (train 3, test 7)" in capsys.readouterr().out


def people_of(root, images, **options):
    """Everybody whom a run would cut out, without making it."""
    recipe = CropRecipe.model_validate({"sources": {"images": images, "data_root": root}, **options})
    return find_people(recipe, Progress("none"))


def test_sixty_fourth_frames(root):
    labels = people_of(root, "h36m", people={"protocol": "h36m-p1"}).labels
    assert sorted(labels["frame"][labels["split"] == 2].tolist()) == [0, 64, 128]
    assert (labels["split"] == 0).sum() == 6


def test_training_and_test_of_mpi_inf_3dhp_together(tmp_path):
    root = mpi_inf_3dhp_root(tmp_path / "data")
    people = people_of(root, "mpi-inf-3dhp+mpi-inf-3dhp-test", people={"stride": 2})
    frame, split = people.labels["frame"], people.labels["split"]
    assert sorted(frame[split == 0].tolist()) == [0, 2]
    assert sorted(frame[split == 2].tolist()) == [0, 2, 3]
    assert people.tables["subjects"] == ["mpi-inf-3dhp:S1", "mpi-inf-3dhp:TS1"]


def _leeds(folder, source, count):
    """Leeds data of standing people; LSP's photographs from 1001 on are its test half."""
    folder.mkdir(parents=True)
    x = np.array([90, 90, 90, 110, 110, 110, 80, 80, 85, 115, 120, 120, 100, 100.0])
    y = np.array([180, 140, 100, 100, 140, 180, 110, 85, 55, 55, 85, 110, 50, 30.0])
    joints = np.stack([np.tile(x, (count, 1)), np.tile(y, (count, 1)), np.ones((count, 14))])
    if source == "lsp":
        joints[2] = 0
        scipy.io.savemat(folder / "joints.mat", {"joints": joints.transpose(0, 2, 1)})
    else:
        scipy.io.savemat(folder / "joints.mat", {"joints": joints.transpose(2, 0, 1)})


def test_photographs_keep_the_splits_of_the_image_pool(tmp_path):
    _leeds(tmp_path / "lspet", "lspet", 12)
    for number in range(1, 13):
        write_image(tmp_path / "lspet" / "images" / f"im{number:05d}.jpg", 200, 200)
    people = people_of(tmp_path, "lspet", output={"splits": "1:1:1"})
    names = [people.tables["photographs"][row] for row in people.labels["photograph"]]
    images, _ = catalog.read_images("lspet", tmp_path)
    pool = build_pool(images, PoolOptions(), tmp_path / "cache")
    of_pool = pool.photograph_splits(parse_splits("1:1:1"))
    assert people.labels["split"].tolist() == [of_pool[name] for name in names]
    # and they stand in the middle of the pool's crop as in that of the box
    moved = pool.transform[[int(name[-6:-4]) - 1 for name in names]] - people.labels["source_transform"]
    np.testing.assert_allclose(moved, np.broadcast_to([[0, 0, 70], [0, 0, 70]], moved.shape), atol=1e-9)


def test_the_test_half_of_lsp(tmp_path):
    _leeds(tmp_path / "lsp", "lsp", 2000)
    for number in (1, 1001, 2000):
        write_image(tmp_path / "lsp" / "images" / f"im{number:04d}.jpg", 200, 200)
    people = people_of(tmp_path, "lsp-test")
    assert people.tables["photographs"] == ["lsp-test/images/im1001.jpg", "lsp-test/images/im2000.jpg"]
    assert people.labels["split"].tolist() == [2, 2]
    assert len(catalog.read_images("lsp", tmp_path)[0][0]) == 1


def test_a_damaged_photograph_fails_alone(tmp_path):
    root = h36m_root(tmp_path / "data", FRAMES)
    damaged = root / "h36m" / FRAMES[1]
    damaged.write_bytes(damaged.read_bytes()[:400])
    out = tmp_path / "h.zarr"
    assert main(words_for(root, out, "--max-fail-rate", "0.5")) == 0
    store = open_store(out)
    (failed,) = np.flatnonzero(~store.label("valid"))
    assert store.table("photographs")[store.label("photograph")[failed]] == f"h36m/{FRAMES[1]}"


def test_what_cannot_be_done_is_told(root, base, tmp_path, capsys):
    words = words_for(root, tmp_path / "x.zarr")
    assert_refused(main, [*words, "--n", "11"], 2, r"--n 11: h36m gives 10 people", capsys)
    assert_refused(main, [*words, "--protocol", "h36m-p9"], 2, "--protocol", capsys)
    wrong = words_for(root, tmp_path / "x.zarr", images="lspet")
    assert_refused(main, wrong, 2, "source lspet .* is not under", capsys)
    other = words_for(root, base, "--protocol", "h36m-p1")
    assert_refused(main, other, 5, "begun with another recipe: people.protocol is h36m-p2 there", capsys)
    mosaic = ["--images", "lsp-test", "--data-root", root, "--out", tmp_path / "y.zarr", "--progress", "none"]
    assert_refused(
        lambda words: synth_main(["mosaic", *map(str, words)]),
        mosaic,
        2,
        "lsp-test .* is for testing",
        capsys,
    )
    mosaic[1] = "h36m"
    assert_refused(
        lambda words: synth_main(["mosaic", *map(str, words)]), mosaic, 2, "make a single split", capsys
    )
    assert not (tmp_path / "x.zarr").exists()


def test_a_plan_writes_nothing(root, tmp_path, capsys):
    out = tmp_path / "x.zarr"
    assert main(words_for(root, out, "--plan-only")) == 0
    said = capsys.readouterr().out
    assert "samples: 10, to be made: 10" in said
    assert "train 3, test 7; 10 with 3D joints" in said
    assert not out.exists()
