"""Whole runs of the main job on a few real clips and photographs."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorstore
import zarr
from distributed import LocalCluster
from store_runs import assert_refused, assert_same, begin_in_another_process, files
from tiny_data import mosaic_words, tiny_root

from pipelines.cluster import Workers
from pipelines.mosaic import prepare
from pipelines.mosaic_command import main, parser
from pipelines.options import recipe_from
from pipelines.progress import Progress
from pipelines.recipe import Recipe
from synth.cli import main as synth_main
from synth.store.metadata import open_meta
from synth.store.reader import open_store

N = 60


@pytest.fixture(scope="module")
def root(data_root, tmp_path_factory):
    return tiny_root(data_root, tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def base(root, tmp_path_factory):
    """Store made by two workers in shards of 20."""
    out = tmp_path_factory.mktemp("base") / "m.zarr"
    words = mosaic_words(root, out, "--n", str(N), "--shard-size", "20", "--workers", "2", "--preview", "9")
    assert main(words) == 0
    return out


def test_store_is_sealed_whole_and_opens_everywhere(base, capsys):
    assert synth_main(["verify", str(base)]) == 0
    assert "3 shards, no problem" in capsys.readouterr().out
    store = open_store(base)
    assert len(store.valid_ids()) == N
    images = store.read_images(range(N))
    np.testing.assert_array_equal(zarr.open_group(base, mode="r")["images"][:], images)
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(base / "images")}}
    np.testing.assert_array_equal(tensorstore.open(spec).result()[:].read().result(), images)
    assert (images.reshape(N, -1).std(axis=1) > 10).all()


def test_labels_agree_with_each_other(base):
    store = open_store(base)
    joints3d = store.label("joints3d").astype(np.float64)
    pixels = np.einsum("nij,nkj->nki", store.label("K"), joints3d)
    np.testing.assert_allclose(store.label("joints2d"), pixels[..., :2] / pixels[..., 2:], atol=1e-3)
    centre = joints3d[:, [11, 14, 4, 1]].mean(axis=1, keepdims=True)
    np.testing.assert_allclose(store.label("joints3d_torso"), joints3d - centre, atol=1e-5)
    assert (store.label("coverage") > 0.5).all()
    assert (store.label("distinct_sources") >= 1).all()
    assert (store.label("seed") == 5).all()


def test_splits_share_neither_people_nor_photographs(base, root):
    # ids of all splits come late in a store: asked of the engine, whose samples follow from their ids
    recipe = recipe_from(parser("synth mosaic").parse_args(mosaic_words(root, base)), Recipe)
    with Workers(1) as workers:
        engine = prepare(recipe, base, workers, Progress("none")).engine
    batch = engine.prepare(np.concatenate([np.arange(k, k + 30) for k in (0, 800, 900)]))
    labels = engine.labels(batch, np.zeros(90))
    assert labels["split"].tolist() == [0] * 30 + [1] * 30 + [2] * 30
    for name in ("subject", "source_photograph"):
        of_split = [set(labels[name][k : k + 30].ravel().tolist()) - {-1} for k in (0, 30, 60)]
        assert all(of_split)
        assert sum(map(len, of_split)) == len(set.union(*of_split)), name
    store = open_store(base)
    counts = store.attributes["counts"]
    subjects = [name for of in counts["splits"].values() for name in of["subjects"]]
    assert sorted(subjects) == store.table("subjects")
    assert sum(of["photographs"] for of in counts["splits"].values()) == len(store.table("photographs"))


def test_sources_point_to_real_photographs_and_frames(base, root):
    store = open_store(base)
    photographs = store.label("source_photograph")
    used = photographs >= 0
    names = store.table("photographs")
    assert used.any(axis=1).all()
    assert {names[row].partition("/")[0] for row in photographs[used]} == {"lspet"}
    assert all((root / "lspet" / "images" / Path(names[row]).name).is_file() for row in photographs[used])
    assert np.isfinite(store.label("matching_cost")[used]).all()
    assert store.table("motion_files")[0].startswith("cmu:all_asfamc/subjects/02/")
    assert (store.label("motion_frame") >= 0).all()


def test_attributes_tell_what_a_trainer_needs_and_no_path_time_or_host(base, root):
    attributes = open_store(base).attributes
    assert attributes["skeleton"]["joints"][:2] == ["pelvis", "right_hip"]
    assert ["left_knee", "right_knee"] in attributes["skeleton"]["mirror_pairs"]
    assert len(attributes["matched_joints"]) == 13
    assert attributes["splits"] == ["train", "val", "test"]
    assert {source["name"]: source["licence"] for source in attributes["sources"]}["hdm05"] == "CC BY-SA 3.0"
    assert attributes["recipe"]["blending"] == {"alpha": 6.0, "beta": 0.25, "sigma": 15.0, "window": "side"}
    assert attributes["seed"] == 5
    text = (base / "zarr.json").read_text()
    assert str(root) not in text
    assert os.uname().nodename not in json.dumps(attributes)


def test_log_rejections_and_preview_lie_beside_the_store(base):
    events = [json.loads(line) for line in (base.parent / "m-log.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events][:2] == ["begun", "prepared"]
    assert sorted(event["shard"] for event in events if event["event"] == "shard") == [0, 1, 2]
    assert shlex.split(events[0]["command"])[:3] == ["synth", "mosaic", "--mocap"]
    for line in (base.parent / "m-rejections.jsonl").read_text().splitlines():
        assert {"source", "item", "reason"} <= json.loads(line).keys()
    sheet = cv2.imread(str(base.parent / "m-preview.png"))
    assert sheet.shape == (2 * (14 + 440 + 8), 8 * 224, 3)


def test_one_worker_and_another_shard_size_give_the_same_samples(base, root, tmp_path):
    out = tmp_path / "one.zarr"
    words = ("--n", str(N), "--shard-size", "35", "--workers", "1")
    assert main(mosaic_words(root, out, *words)) == 0
    assert_same(base, out)


def test_killed_and_resumed_gives_the_same_files(base, root, tmp_path):
    out = tmp_path / "m.zarr"
    words = mosaic_words(root, out, "--n", str(N), "--shard-size", "20", "--workers", "1")
    process = begin_in_another_process("synth.mosaic", words, tmp_path / "output.txt")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert open_meta(out).seal is None
    assert main([*words, "--resume", "require"]) == 0
    assert files(out) == files(base)


def test_interrupted_prints_the_command_that_goes_on(root, tmp_path):
    out = tmp_path / "m.zarr"
    words = mosaic_words(root, out, "--n", "4000", "--shard-size", "5", "--workers", "1", "--resume", "never")
    log = tmp_path / "output.txt"
    process = begin_in_another_process("synth.mosaic", words, log)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    assert process.wait(timeout=60) == 130
    output = log.read_text()
    assert re.search(r"interrupted: [\d,]+ of 800 shards are done", output)
    assert shlex.split(output.splitlines()[-1]) == ["python", "-m", "synth.mosaic", *words[:-2]]
    assert "Traceback" not in output
    assert not list(out.rglob("*.tmp"))


def test_a_store_is_extended_on_a_running_cluster_and_refuses_others(base, root, tmp_path, capsys):
    out = tmp_path / "m.zarr"
    few = mosaic_words(root, out, "--n", "30", "--shard-size", "20")
    all_of_them = mosaic_words(root, out, "--n", str(N), "--shard-size", "20")
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert main([*few, "--scheduler", address]) == 0
        assert main([*all_of_them, "--scheduler", address]) == 0
    assert_same(base, out)
    assert_refused(main, [*all_of_them, "--n", "30"], 5, r"holds n = 60 .*ask for 60 or more", capsys)
    assert_refused(
        main, [*all_of_them, "--sigma", "20"], 5, r"blending\.sigma is 15\.0 there, 20\.0 now", capsys
    )
    assert_refused(
        main, [*all_of_them, "--pose-threshold", "0.2"], 5, r"poses\.threshold is 0\.05 there", capsys
    )
    assert_refused(main, [*all_of_them, "--codec", "none"], 5, r"begun with --codec zstd:1", capsys)
    assert_refused(main, [*all_of_them, "--resume", "never"], 2, r"m\.zarr exists", capsys)


def test_a_finished_store_is_done_at_once(base, root, capsys):
    words = mosaic_words(root, base, "--n", str(N), "--shard-size", "20")
    before = files(base)
    assert main(words) == 0
    assert "is finished and sealed: 60 samples (train 60)" in capsys.readouterr().out
    assert files(base) == before


def test_plan_only_counts_and_writes_nothing(root, tmp_path, capsys):
    out = tmp_path / "none" / "m.zarr"
    assert main(mosaic_words(root, out, "--n", "1000", "--plan-only", "--workers", "3")) == 0
    text = capsys.readouterr().out
    for pattern in (
        r"samples: 1,000, to be made: 1,000",
        r"train: 800 samples, \d+ poses of 2 subjects, \d+ pool entries",
        r"size with zstd:1: 0\.\d\d GB, 1\d\d kB a sample \(chosen\)",
        r"size with jpeg:95: ",
        r"time: about \d+ (s|min) with 3 worker\(s\)",
        r"free disk: .* GB",
    ):
        assert re.search(pattern, text), (pattern, text)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_the_disk_is_refused(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("pipelines.stores.free_space", lambda path: 1_000_000)
    out = tmp_path / "m.zarr"
    for more in ((), ("--plan-only",)):
        assert_refused(main, mosaic_words(root, out, "--n", "1000", *more), 4, r".*needs about 0\.1", capsys)
    assert not out.exists()


def test_a_flipped_byte_is_named(base, tmp_path, capsys):
    copy = tmp_path / "m.zarr"
    for name, content in files(base).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
    victim = copy / "images" / "c.1.0.0.0"
    content = bytearray(victim.read_bytes())
    content[1000] ^= 1
    victim.write_bytes(content)
    assert synth_main(["verify", str(copy)]) == 5
    assert re.search(r"shard 1: images/c\.1\.0\.0\.0: checksum", capsys.readouterr().out)
