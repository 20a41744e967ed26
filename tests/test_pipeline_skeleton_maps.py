"""The label pass of skeleton maps on a small store of made-up people."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import store_samples
from bodies import random_poses

from pipelines import skeleton_maps as pipeline
from pipelines.label_command import main
from pipelines.label_pass import NO_SAMPLE, sealed_store
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from synth.cameras import ViewRange, camera_for, sample_views, to_camera
from synth.errors import InputError, StoreError
from synth.labels.hypotheses import (
    Hypothesis,
    draw_hypotheses,
    hypotheses,
    read_coloured_maps,
)
from synth.labels.palette import PALETTE, colour_maps
from synth.labels.skeleton_maps import (
    DEEPSKELETON16_OF_H36M17,
    draw_maps,
    picture_crops,
    project_bones,
)
from synth.store.create import create_store
from synth.store.reader import open_store
from synth.store.samples import sample_schema
from synth.store.schema import StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.verify import verify
from synth.store.writer import ShardWriter

N, SHARD, FAILED, UNKNOWN = 7, 3, 4, 2
PICTURE = 20
KINDS = (Hypothesis(1.0, 3), Hypothesis(1.5, 1))


class HereWorkers:
    """Does all tasks in this process."""

    def require_paths(self, paths):
        assert all(path.is_absolute() for path in paths)

    def unordered(self, work, tasks):
        return map(work, tasks)


class Killed(Exception):
    pass


def people():
    """Camera joints (N, 17, 3) and intrinsics in pixels of small pictures."""
    bodies = random_poses(0, N)
    cameras = camera_for(bodies, sample_views(0, np.arange(N), ViewRange()))
    K = cameras.K.copy()
    K[:, :2] *= PICTURE / 220
    return to_camera(cameras, bodies).astype(np.float32), K


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """A store of black pictures and people, one of which failed, and another whose pose nobody knows."""
    path = tmp_path_factory.mktemp("maps") / "s.zarr"
    arrays = (image_spec("none", PICTURE), *(sample_schema().array(name) for name in ("joints3d", "K")))
    create_store(path, StoreSchema(arrays, SHARD), N, recipe_hash="r", attributes={})
    joints3d, K = people()
    joints3d[UNKNOWN] = np.nan
    for shard in range(3):
        with ShardWriter(path, shard) as writer:
            rows = slice(writer.start, writer.stop)
            failures = {}
            for sample in range(writer.start, writer.stop):
                if sample == FAILED:
                    writer.skip()
                    failures[sample] = "no match"
                else:
                    writer.add(images=np.zeros((PICTURE, PICTURE, 3), np.uint8))
            writer.commit({"joints3d": joints3d[rows], "K": K[rows]}, failures)
    seal(path)
    return path


@pytest.fixture
def store(sealed, tmp_path):
    return shutil.copytree(sealed, tmp_path / "s.zarr")


def run(store, kinds=KINDS, size=28, name="skeleton-maps"):
    log = RunLog(store, "test")
    opened = sealed_store(store)
    return pipeline.make_skeleton_maps(opened, name, kinds, HereWorkers(), Progress("none"), log, size)


def test_a_pass_holds_the_maps_of_every_sample(store):
    lines = run(store)
    assert lines[0].startswith("sealed")
    made = open_store(store / "labels" / "skeleton-maps")
    assert verify(made.meta.path).ok
    assert made.valid_ids().tolist() == [0, 1, 3, 5, 6]
    assert (made.meta.seal or {})["failures"] == {NO_SAMPLE: 1, pipeline.NO_POSE: 1}
    joints3d, K = people()
    for kind in KINDS:
        bones = project_bones(
            joints3d[:, DEEPSKELETON16_OF_H36M17], K, picture_crops(N, kind.crop, PICTURE), 28
        )
        expected = draw_maps(bones, 28, kind.width)
        for sample in made.valid_ids().tolist():
            found = made.read(kind.name, [sample])[0]
            np.testing.assert_array_equal(found, [expected.foreground[sample], expected.background[sample]])
            assert found.any()
        coloured = read_coloured_maps(made, kind, [5, 0])
        np.testing.assert_array_equal(coloured[1, 0], colour_maps(expected.foreground[0]))
    with pytest.raises(StoreError, match="failed"):
        made.read(KINDS[0].name, [FAILED])


def test_a_store_without_pictures_has_maps_of_the_box(tmp_path):
    path = tmp_path / "poses.zarr"
    arrays = tuple(sample_schema().array(name) for name in ("joints3d", "K"))
    create_store(path, StoreSchema(arrays, SHARD), N, recipe_hash="r", attributes={})
    joints3d, K = people()
    K[:, :2] *= 220 / PICTURE
    for shard in range(3):
        with ShardWriter(path, shard) as writer:
            rows = slice(writer.start, writer.stop)
            for _ in range(writer.start, writer.stop):
                writer.add()
            writer.commit({"joints3d": joints3d[rows], "K": K[rows]}, {})
    seal(path)
    run(path)
    made = open_store(path / "labels" / "skeleton-maps")
    expected = draw_hypotheses(joints3d, K, KINDS[:1], 220, 28)[KINDS[0].name]
    np.testing.assert_array_equal(made.read(KINDS[0].name, list(range(N))), expected)


def test_a_pass_says_what_its_numbers_mean(store):
    run(store)
    made = open_store(store / "labels" / "skeleton-maps")
    assert made.table("bones")[:3] == ["none", "thorax - neck", "neck - head"]
    assert len(made.table("bones")) == 16
    np.testing.assert_array_equal(made.numbers("palette"), PALETTE)
    assert made.attributes["recipe"]["hypotheses"] == [{"crop": 1.0, "width": 3}, {"crop": 1.5, "width": 1}]


def test_a_pass_cut_short_is_gone_on_with_to_the_same_bytes(store, tmp_path, monkeypatch):
    other = shutil.copytree(store, tmp_path / "other.zarr")
    run(other)
    whole = pipeline.make_maps_shard

    def dying(task):
        if task.shard == 1:
            raise Killed
        return whole(task)

    monkeypatch.setattr(pipeline, "make_maps_shard", dying)
    with pytest.raises(Killed):
        run(store)
    monkeypatch.undo()
    run(store)
    assert store_samples.content(store / "labels") == store_samples.content(other / "labels")
    assert "finished" in run(store)[0]


def test_another_recipe_needs_another_name(store):
    run(store)
    with pytest.raises(StoreError, match="size is 28 there, 14 now"):
        run(store, size=14)
    run(store, size=14, name="small")
    assert open_store(store / "labels" / "small").read("crop100_width3", [0]).shape == (1, 2, 14, 14)


def test_a_store_without_cameras_is_refused(tmp_path):
    store_samples.finish(tmp_path / "s", 4)
    with pytest.raises(InputError, match="no array 'joints3d'"):
        run(tmp_path / "s")


def test_the_eighteen_hypotheses():
    names = [kind.name for kind in hypotheses()]
    assert len(set(names)) == 18
    assert names[0] == "crop100_width1"
    assert names[-1] == "crop150_width6"
    for crop, width in ((0.0, 3), (1.234, 3), (np.nan, 3), (1.0, 0)):
        with pytest.raises(InputError, match="expected"):
            Hypothesis(crop, width)


def test_the_command(store, capsys):
    words = ["skeleton-maps", str(store), "--crops", "1,1.25", "--widths", "2", "--size", "16"]
    assert main([*words, "--workers", "1", "--progress", "none"]) == 0
    assert "labels of 7 samples" in capsys.readouterr().out
    made = open_store(store / "labels" / "skeleton-maps")
    assert made.names == ("crop100_width2", "crop125_width2", "valid")
    joints3d, K = people()
    kinds = hypotheses((1.0, 1.25), (2,))
    expected = draw_hypotheses(joints3d, K, kinds, PICTURE, 16)
    for kind in kinds:
        np.testing.assert_array_equal(made.read(kind.name, [6, 0]), expected[kind.name][[6, 0]])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--crops", "1,x"], "'1,x': give different numbers joined by commas"),
        (["--widths", "1,1"], "'1,1': give different whole numbers"),
        (["--widths", "2.5"], "'2.5': give different whole numbers"),
        (["--size", "0"], "'0' is no whole number"),
        (["--crop", "1"], "did you mean --crops?"),
        (["--name", "No name"], "label pass name 'No name'"),
    ],
)
def test_wrong_options(sealed, capsys, words, complaint):
    assert main(["skeleton-maps", str(sealed), "--progress", "none", *words]) == 2
    assert complaint in capsys.readouterr().err


def test_a_store_that_is_not_there(tmp_path, capsys):
    assert main(["skeleton-maps", str(tmp_path / "none.zarr")]) == 5
    assert "none.zarr" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
