from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import store_samples as samples

from synth.errors import InputError, StoreError
from synth.store.commits import pending_shards
from synth.store.create import (
    create_label_pass,
    create_store,
    extend_store,
    label_passes,
    resume_store,
    unseal,
)
from synth.store.metadata import open_meta
from synth.store.reader import open_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.verify import verify
from synth.store.writer import ShardWriter


def resume(path, n=7, schema=None, recipe=samples.RECIPE, tables=samples.TABLES):
    return resume_store(path, schema or samples.schema(), n, recipe_hash=recipe, tables=tables)


def test_attributes_are_kept(tmp_path):
    meta = samples.create(tmp_path / "deep" / "s.zarr", 7)
    assert meta.attributes == {
        "schema_version": 1,
        "n": 7,
        "shard_size": 3,
        "recipe_hash": "recipe-1",
        "arrays": ["images", "joints2d", "source", "valid"],
        "tables": {"files": {"count": 4, "bytes": 8 + 11 + 0 + 10}},
        "skeleton": ["hip", "head"],
    }
    assert meta.shards == 3
    assert [meta.bounds(shard) for shard in range(3)] == [(0, 3), (3, 6), (6, 7)]


@pytest.mark.parametrize(
    ("changes", "error", "word"),
    [
        ({"n": 0}, InputError, "n = 0"),
        ({"attributes": {"seal": 1}}, InputError, "attributes seal"),
        ({"attributes": {"x": float("nan")}}, StoreError, "plain JSON"),
        ({"tables": {"A/..": []}}, InputError, "table name"),
    ],
)
def test_what_cannot_be_created(tmp_path, changes, error, word):
    options = {"n": 7, "recipe_hash": "r", "attributes": {}} | changes
    with pytest.raises(error, match=word):
        create_store(tmp_path / "s", samples.schema(), **options)
    assert not (tmp_path / "s").exists()


def test_existing_folders_are_not_overwritten(tmp_path):
    samples.create(tmp_path / "s", 7)
    with pytest.raises(StoreError, match="already holds"):
        samples.create(tmp_path / "s", 7)
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "thesis.tex").write_text("x")
    with pytest.raises(StoreError, match=r"thesis\.tex"):
        samples.create(tmp_path / "t", 7)
    with pytest.raises(StoreError, match="is no store"):
        samples.create(tmp_path / "t" / "thesis.tex", 7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": "recipe-2"}, "its recipe hash is 'recipe-1', this run's is 'recipe-2'"),
        ({"schema": samples.schema(4)}, "its shard size is 3, this run's is 4"),
        (
            {"schema": samples.schema(codec="jpeg:95")},
            "its codec of array images is 'zstd:1', this run's is 'jpeg:95'",
        ),
        ({"n": 6}, "holds n = 7 samples, this run asks for 6"),
        ({"tables": {}}, "its list of tables"),
        ({"tables": {"files": ["A/01.amc", "b/grün.jpg", "", "日本.jpg"]}}, "tables/files/utf8"),
        (
            {
                "schema": StoreSchema(
                    (*samples.schema().arrays[:-1], dataclasses.replace(samples.SOURCE, name="b")), 3
                )
            },
            "its dtype of array b is None, this run's is 'int32'",
        ),
    ],
)
def test_a_resume_with_other_options_is_refused(tmp_path, changes, message):
    samples.create(tmp_path, 7)
    before = samples.content(tmp_path)
    with pytest.raises(StoreError) as caught:
        resume(tmp_path, **changes)
    assert message in str(caught.value)
    assert samples.content(tmp_path) == before


def test_a_resume_of_nothing(tmp_path):
    with pytest.raises(StoreError, match="no store at"):
        resume(tmp_path / "nowhere")


def test_resuming_a_sealed_store_changes_nothing(tmp_path):
    samples.finish(tmp_path, 7)
    before = samples.content(tmp_path)
    resume(tmp_path)
    assert samples.content(tmp_path) == before
    assert pending_shards(tmp_path) == []


def test_an_extended_store_has_the_bytes_of_one_made_at_once(tmp_path):
    samples.finish(tmp_path / "a", 4)
    extend_store(tmp_path / "a", 8)
    with pytest.raises(StoreError, match="not sealed"):
        open_store(tmp_path / "a")
    assert pending_shards(tmp_path / "a") == [1, 2]  # shard 0 was full, shard 1 held one sample
    samples.finish(tmp_path / "a", 8)
    samples.finish(tmp_path / "b", 8)
    assert samples.content(tmp_path / "a") == samples.content(tmp_path / "b")
    with pytest.raises(StoreError, match="cannot shrink to 5"):
        extend_store(tmp_path / "a", 5)


def make_maps(path, n=7):
    """A label pass with two sharded arrays of small maps and no images."""
    schema = StoreSchema(
        (
            ArraySpec("maps", "uint8", (2, 4, 4), ("side", "y", "x"), "Bones.", codec="zstd:5", sharded=True),
            ArraySpec("depth", "uint16", (4, 4), ("y", "x"), "Depth.", "mm", sharded=True),
        ),
        4,
    )
    create_label_pass(path, "maps", schema, recipe_hash="maps-1", attributes={"width": 3})
    for shard in pending_shards(path / "labels" / "maps"):
        with ShardWriter(path / "labels" / "maps", shard) as writer:
            for i in range(writer.start, writer.stop):
                writer.add(maps=np.full((2, 4, 4), i, np.uint8), depth=np.full((4, 4), 1000 + i, np.uint16))
            writer.commit({})
    return path / "labels" / "maps"


def test_a_label_pass_is_a_store_that_names_its_parent(tmp_path):
    with pytest.raises(StoreError, match="no store"):
        make_maps(tmp_path)
    parent_hash = samples.finish(tmp_path, 7)
    before = samples.content(tmp_path)
    maps = make_maps(tmp_path)
    seal(maps)
    assert {k: v for k, v in samples.content(tmp_path).items() if not k.startswith("labels/")} == before
    assert label_passes(tmp_path) == [maps]
    store = open_store(maps)
    assert store.meta.parent_seal == parent_hash
    assert store.read("depth", [6, 0])[:, 0, 0].tolist() == [1006, 1000]
    assert store.read("maps", [5])[0, 1, 3, 3] == 5
    assert verify(maps).ok
    assert verify(tmp_path).ok


def test_a_store_with_label_passes_cannot_be_unsealed(tmp_path):
    samples.finish(tmp_path, 7)
    make_maps(tmp_path)
    for change in (lambda: unseal(tmp_path), lambda: extend_store(tmp_path, 9)):
        with pytest.raises(StoreError, match="labels/maps build on its seal"):
            change()
    assert open_meta(tmp_path).seal is not None


def test_label_passes_need_a_sealed_parent(tmp_path):
    samples.create(tmp_path, 7)
    with pytest.raises(StoreError, match="not sealed"):
        make_maps(tmp_path)


def test_a_label_pass_of_another_seal_is_refused(tmp_path):
    samples.finish(tmp_path / "a", 7)
    maps = make_maps(tmp_path / "a")
    seal(maps)
    samples.finish(tmp_path / "b", 8)
    (tmp_path / "a" / "labels").rename(tmp_path / "b" / "labels")
    with pytest.raises(StoreError, match="builds on seal"):
        open_store(tmp_path / "b" / "labels" / "maps")
    assert "builds on seal" in str(verify(tmp_path / "b" / "labels" / "maps"))


def test_label_only_pass_with_failures(tmp_path):
    samples.finish(tmp_path, 7)
    schema = StoreSchema((ArraySpec("k", "int32", (), (), "Class.", fill=-1),), 4)
    path = create_label_pass(tmp_path, "k", schema, recipe_hash="k", attributes={}).path
    for shard in (0, 1):
        with ShardWriter(path, shard) as writer:
            with pytest.raises(InputError, match="failures are told"):
                writer.commit({"k": np.zeros(writer.rows, np.int32)}, {9: "out of range"})
            writer.commit({"k": np.zeros(writer.rows, np.int32)}, {5: "x"} if shard else {})
    seal(path)
    assert open_store(path).valid_ids().tolist() == [0, 1, 2, 3, 4, 6]
