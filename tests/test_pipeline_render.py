"""Whole runs of ``synth render`` beside a small store of mosaics of real data, and on real motion alone."""

from __future__ import annotations

import json
import os
import re
import signal

import numpy as np
import pytest
from store_runs import assert_refused, assert_same, begin_in_another_process, everything, files
from tiny_data import mosaic_words, tiny_root

from pipelines.mosaic_command import main as mosaic_main
from pipelines.render_command import main as render_main
from pipelines.rotations import PoseList, PreparedRotations, prepare_rotations
from synth.cli import main as synth_main
from synth.errors import InputError
from synth.rendering.shots import PASSED_ON
from synth.skeletons import H36M17
from synth.sources import catalog
from synth.store.metadata import open_meta
from synth.store.reader import open_store
from synth.store.samples import sample_schema

N = 12
SEED = 5


def main(words):
    """The command as a user gives it."""
    return synth_main(["render", *words])


@pytest.fixture(scope="module")
def root(data_root, tmp_path_factory):
    return tiny_root(data_root, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SYNTH_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def mosaics(root, tmp_path_factory):
    out = tmp_path_factory.mktemp("mosaics") / "m.zarr"
    assert mosaic_main(mosaic_words(root, out, "--n", str(N), "--workers", "1")) == 0
    return out


def words_for(mosaics, root, out, *more):
    """Arguments that render a store of mosaics with few people in shards of five."""
    words = [
        str(mosaics),
        "--out",
        str(out),
        "--data-root",
        str(root),
        "--people",
        "4",
        "--background",
        "plain",
    ]
    return [*words, "--shard-size", "5", "--progress", "none", *more]


@pytest.fixture(scope="module")
def base(mosaics, root, tmp_path_factory):
    """Store made by two workers in shards of five, with all maps."""
    out = tmp_path_factory.mktemp("renders") / "r.zarr"
    words = words_for(mosaics, root, out, "--arrays", "depth,parts,mask", "--workers", "2", "--preview", "6")
    assert main(words) == 0
    return out


def test_sample_for_sample_beside_the_mosaics(base, mosaics):
    rendered, made = everything(base), everything(mosaics)
    assert {spec.name for spec in sample_schema().arrays} <= rendered.keys()
    for name in PASSED_ON:
        np.testing.assert_array_equal(rendered[name], made[name], err_msg=name)
    for name in ("motion_files", "subjects"):
        assert open_store(base).table(name) == open_store(mosaics).table(name)
    apart = np.linalg.norm(rendered["joints2d"] - made["joints2d"], axis=-1)
    assert np.median(apart) <= 2.0
    assert np.quantile(apart, 0.95) <= 20.0  # pelvis and head are the body's own
    limbs, girdles = (
        H36M17.indices([f"{side}_{name}" for side in ("left", "right") for name in names])
        for names in (("knee", "ankle", "elbow", "wrist"), ("hip", "shoulder"))
    )
    # limbs are scaled until their ends are where they were recorded; what they hang on is the person's own
    assert apart[:, limbs].max() <= 0.05
    assert (np.median(apart[:, girdles], axis=0) <= 2.0).all()
    assert open_store(base).attributes["left_out"] == {}  # every clip's rotations were found
    assert (rendered["images"] != made["images"]).any(axis=(1, 2, 3)).all()


def test_store_is_whole_and_says_that_there_are_no_photographs(base, capsys):
    assert synth_main(["verify", str(base)]) == 0
    values, store = everything(base), open_store(base)
    assert values["valid"].all()
    assert (values["source_photograph"] == -1).all()
    assert (values["source_entry"] == -1).all()
    assert np.isnan(values["matching_cost"]).all()
    assert np.isnan(values["source_transform"]).all()
    assert (values["distinct_sources"] == 0).all()
    assert (values["coverage"] == 1).all()
    assert (values["seed"] == 0).all()
    assert store.table("photographs") == []
    licences = {source["name"]: source["licence"] for source in store.attributes["sources"]}
    assert licences["makehuman"] == "CC0 1.0"
    assert "hdm05" in licences
    assert "lspet" not in licences
    text = (base / "zarr.json").read_text()
    assert os.uname().nodename not in text
    assert str(base.parent.parent) not in text
    assert (base.parent / "r-preview.png").stat().st_size > 10_000


def test_labels_agree_with_each_other(base):
    values = everything(base)
    joints3d = values["joints3d"].astype(np.float64)
    pixels = np.einsum("nij,nkj->nki", values["K"], joints3d)
    np.testing.assert_allclose(values["joints2d"], pixels[..., :2] / pixels[..., 2:], atol=1e-3)
    centre = joints3d[:, [11, 14, 4, 1]].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(values["joints3d_torso"], joints3d - centre, atol=1e-5)
    inside = ((values["joints2d"] >= -0.5) & (values["joints2d"] <= 219.5)).all(axis=-1)
    np.testing.assert_array_equal(values["visible"], inside & ~values["self_occluded"])
    assert 0.4 < values["visible"].mean() < 1


def test_maps_show_the_person_where_the_joints_are(base):
    values = everything(base)
    person = values["parts"] > 0
    np.testing.assert_array_equal(np.isinf(values["depth"]) & person, False)
    assert (values["mask"][person] > 0).all()
    assert (values["parts"][values["mask"] == 255] > 0).all()
    names = open_store(base).table("parts")
    assert names[0] == "background"
    x, y = np.moveaxis(np.rint(values["joints2d"]).astype(int), -1, 0)
    sample, joint = np.nonzero(values["visible"])
    row, column = (a[sample, joint] for a in (y, x))
    assert (values["mask"][sample, row, column] > 0).mean() > 0.97
    nearer = values["joints3d"][sample, joint, 2] - values["depth"][sample, row, column]
    assert np.median(nearer) == pytest.approx(0.06, abs=0.05)  # flesh and clothes before the joint


def test_one_worker_and_another_shard_size_give_the_same_samples(base, mosaics, root, tmp_path):
    out = tmp_path / "one.zarr"
    words = words_for(mosaics, root, out, "--arrays", "depth,parts,mask", "--workers", "1")
    assert main([*words, "--shard-size", "8"]) == 0
    assert_same(base, out)


def test_killed_and_resumed_gives_the_same_files(base, mosaics, root, tmp_path):
    out = tmp_path / "r.zarr"
    words = words_for(mosaics, root, out, "--arrays", "depth,parts,mask", "--workers", "1")
    process = begin_in_another_process("synth.cli render", words, tmp_path / "output.txt")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert open_meta(out).seal is None
    assert main([*words, "--resume", "require"]) == 0
    assert files(out) == files(base)


def test_fewer_samples_come_first_and_the_rest_is_added(base, mosaics, root, tmp_path, capsys):
    out = tmp_path / "r.zarr"
    words = words_for(mosaics, root, out, "--arrays", "depth,parts,mask", "--workers", "1")
    assert main([*words, "--n", "5"]) == 0
    assert main(words) == 0
    assert_same(base, out)
    capsys.readouterr()
    assert main(words) == 0
    assert "is finished and sealed: 12 samples (train 12)" in capsys.readouterr().out
    refused = (
        (("--background", "scenes"), r"rendering\.background is plain there, scenes now"),
        (("--seed", "1"), r"output\.seed is 0 there, 1 now"),
        (("--rotations", "never"), r"rendering\.rotations is auto there, never now"),
        (("--n", "3"), r"holds n = 12 samples"),
    )
    for more, pattern in refused:
        assert_refused(main, [*words, *more], 5, pattern, capsys)


def test_drawn_poses_are_those_of_the_mosaics(root, mosaics, tmp_path):
    out = tmp_path / "r.zarr"
    words = ["--mocap", "cmu+hdm05", "--n", "3", "--seed", str(SEED), "--out", str(out)]
    words += ["--data-root", str(root), "--people", "4", "--background", "plain"]
    assert main([*words, "--workers", "1", "--progress", "none"]) == 0
    rendered, made = everything(out), everything(mosaics)
    first = np.flatnonzero(made["view_attempt"][:3] == 0)
    assert len(first)
    for name in PASSED_ON:
        np.testing.assert_array_equal(rendered[name][first], made[name][:3][first], err_msg=name)
    apart = np.linalg.norm(rendered["joints2d"] - made["joints2d"][:3], axis=-1)[first]
    assert np.median(apart) <= 2.0


def test_without_motion_files_joints_alone_are_fitted(mosaics, tmp_path, capsys):
    out = tmp_path / "r.zarr"
    words = [str(mosaics), "--out", str(out), "--n", "2", "--people", "4", "--background", "mosaic"]
    assert main([*words, "--workers", "1", "--progress", "plain"]) == 0
    assert "follow from the joints alone: no data root" in capsys.readouterr().err
    attributes = open_store(out).attributes
    assert attributes["inputs"]["rotations"] == "none"
    assert "lspet" in {source["name"] for source in attributes["sources"]}
    log = (tmp_path / "r-log.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in log][-2:] == ["sealed", "ended"]


def test_plan_only_writes_nothing(mosaics, root, tmp_path, capsys):
    out = tmp_path / "r.zarr"
    words = words_for(mosaics, root, out, "--plan-only", "--arrays", "mask", "--workers", "2")
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "samples: 12, to be made: 12" in text
    assert "poses of cmu+hdm05, fitted to joints and recorded rotations" in text
    assert "size with zstd:1: " in text
    assert "with 2 worker(s)" in text
    assert not out.exists()


def test_required_rotations_must_be_there_for_every_pose(mosaics, root, tmp_path, capsys, monkeypatch):
    files = open_store(mosaics).label("motion_file")
    lost = open_store(mosaics).table("motion_files")[files[0]]
    assert len(set(files.tolist())) > 1
    listed = catalog.motion_items
    monkeypatch.setattr(
        catalog, "motion_items", lambda *where: [i for i in listed(*where) if f"{i.source}:{i.name}" != lost]
    )
    monkeypatch.setenv("SYNTH_CACHE", str(tmp_path / "cache"))
    words = words_for(mosaics, root, tmp_path / "r.zarr", "--plan-only", "--workers", "1")
    assert main(words) == 0
    text = capsys.readouterr().out
    found = re.search(r"(\d+) poses of cmu\+hdm05, fitted to joints and, (\d+) of them, recorded rot", text)
    assert 0 < int(found[2]) < int(found[1])
    missing = int(found[1]) - int(found[2])
    pattern = rf"{missing} of {found[1]} poses have no recorded rotations \(.*clip is not there\)"
    assert_refused(main, [*words, "--rotations", "require"], 2, pattern, capsys)


def test_lifted_poses_have_no_rotations_to_require():
    lifted = PoseList("key", ["pseudo:lspet:im1.png"], *np.zeros((3, 1), np.int64), np.zeros((1, 17, 3)))
    assert prepare_rotations(lifted, None, "auto", None) == PreparedRotations()
    with pytest.raises(InputError, match="1 of 1 poses have no recorded rotations; leave --rotations"):
        prepare_rotations(lifted, None, "require", None)


def test_wrong_input_is_told_in_one_line(mosaics, root, tmp_path, capsys):
    out = ("--out", str(tmp_path / "r.zarr"))
    store = (str(mosaics), *out)
    cases = (
        ((*store, "--arrays", "deph"), 2, "--arrays = 'deph': there is no array 'deph'"),
        ((*store, "--arrays", "mask,mask"), 2, "each once"),
        ((*store, "--background", "beach"), 2, "--background = 'beach'"),
        ((*store, "--mocap", "cmu"), 2, "brings its own poses, .* leave out --mocap, or the store"),
        ((*store, "--pseudo-atoms", "9"), 2, "leave out --pseudo-atoms, or the store"),
        ((*store, "--pseudo-roll", "0", "9"), 2, "leave out --pseudo-roll, or the store"),
        ((*store, "--view-elevation", "0", "9"), 2, "leave out --view-elevation, or the store"),
        ((*store, "--splits", "1:0:0", "--pose-threshold", "1"), 2, "leave out --pose-threshold, --splits"),
        ((*store, "--n", "13"), 2, "has 12 samples"),
        ((*store, "--rotations", "require"), 2, "no data root"),
        ((str(mosaics), "--out", str(mosaics)), 2, "choose another --out"),
        ((str(tmp_path / "none.zarr"), *out), 5, "no store at"),
        (("--background", "mosaic", *out), 2, "--background mosaic needs a store"),
        (("--mocap", "cmu", *out), 2, "no data root"),
        (("--mocap", "cnu", "--data-root", str(root), *out), 2, "did you mean 'cmu'"),
        ((*store, "--peple", "3"), 2, "did you mean --people"),
    )
    for words, code, pattern in cases:
        assert_refused(main, list(words), code, pattern, capsys)
    assert list(tmp_path.iterdir()) == []


def test_the_command_is_its_own_main(mosaics, capsys):
    with pytest.raises(SystemExit) as ended:
        render_main(["--help"])
    assert ended.value.code == 0
    assert "synth render m.zarr --out r.zarr" in capsys.readouterr().out
