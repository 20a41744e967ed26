from __future__ import annotations

import json

import numpy as np
import pytest
import store_samples as samples
import zarr

from synth.errors import InputError, StoreError
from synth.store.commits import pending_shards
from synth.store.create import create_store, unseal
from synth.store.labels import begin_label_pass, label_path, require_label_pass
from synth.store.reader import open_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.tables import Numbers
from synth.store.verify import verify
from synth.store.writer import ShardWriter

SCHEMA = StoreSchema((ArraySpec("own", "int32", (), (), "class", fill=-1),), 3)
MEANS = Numbers(
    ArraySpec("means", "float32", (2, 3), ("joint", "xyz"), "mean poses", "m"),
    "class",
    np.arange(24, dtype=np.float32).reshape(4, 2, 3),
)
NOTHING = Numbers(ArraySpec("nothing", "int64", (), (), "none"), "class", np.zeros(0, np.int64))
TABLES = {"means": MEANS, "nothing": NOTHING, "names": ["a", "b"]}


@pytest.fixture
def store(tmp_path):
    samples.finish(tmp_path / "s", 7)
    return tmp_path / "s"


def begin(store, name="classes-4", recipe_hash="r", seed=0, **options):
    recipe = {"recipe": {"k": 4, "seed": seed}}
    return begin_label_pass(store, name, SCHEMA, recipe_hash=recipe_hash, attributes=recipe, **options)


def fill(meta, shards):
    for shard in shards:
        with ShardWriter(meta, shard) as writer:
            writer.commit({"own": np.arange(writer.start, writer.stop, dtype=np.int32)})


def test_a_pass_is_begun_gone_on_with_and_sealed(store):
    meta = begin(store, tables=TABLES)
    assert meta.path == store / "labels" / "classes-4" == require_label_pass(store, "classes-4")
    assert (meta.n, meta.parent_seal) == (7, open_store(store).meta.seal["hash"])
    fill(meta, [1])
    again = begin(store, tables=TABLES)
    assert pending_shards(again.path) == [0, 2]
    fill(again, [0, 2])
    seal(meta.path)
    labels = open_store(meta.path)
    assert labels.label("own").tolist() == list(range(7))
    np.testing.assert_array_equal(labels.numbers("means"), MEANS.values)
    assert labels.numbers("nothing").shape == (0,)
    assert labels.table("names") == ["a", "b"]
    assert begin(store, tables=TABLES).seal is not None
    assert verify(meta.path).ok


def test_numbers_are_read_by_zarr(store):
    path = begin(store, tables=TABLES).path
    table = zarr.open_array(str(path / "tables" / "means"), mode="r")
    np.testing.assert_array_equal(table[:], MEANS.values)
    assert table.metadata.dimension_names == ("class", "joint", "xyz")
    assert dict(table.attrs) == {"description": "mean poses", "units": "m"}


def test_a_changed_byte_of_numbers_is_found(store):
    meta = begin(store, tables=TABLES)
    fill(meta, range(3))
    seal(meta.path)
    chunk = meta.path / "tables" / "means" / "c.0.0.0"
    data = bytearray(chunk.read_bytes())
    data[-1] ^= 1
    chunk.write_bytes(data)
    assert [problem.file for problem in verify(meta.path).problems] == ["tables/means/c.0.0.0"]
    chunk.unlink()
    with pytest.raises(StoreError, match=r"means/c\.0\.0\.0 cannot be read"):
        open_store(meta.path).numbers("means")


def test_tables_of_the_other_kind(store):
    labels = open_store(begin(store, tables=TABLES).path, allow_unsealed=True)
    with pytest.raises(InputError, match="no table 'means'; the store has names"):
        labels.table("means")
    with pytest.raises(InputError, match="no table of numbers 'names'; the store has means, nothing"):
        labels.numbers("names")


def test_numbers_of_another_shape_or_name(tmp_path):
    with pytest.raises(InputError, match=r"table means: expected rows of shape \(2, 3\) float32"):
        Numbers(MEANS.spec, "class", np.zeros((4, 2, 2), np.float32))
    with pytest.raises(InputError, match="table 'other' holds numbers that are called 'means'"):
        create_store(tmp_path / "t", SCHEMA, 3, recipe_hash="r", attributes={}, tables={"other": MEANS})


def test_other_recipes_and_tables_are_refused(store):
    begin(store, tables=TABLES)
    with pytest.raises(StoreError, match=r"begun otherwise \(seed is 0 there, 1 now\): remove it first"):
        begin(store, recipe_hash="q", seed=1, tables=TABLES)
    with pytest.raises(StoreError, match="by another version of the program"):
        begin(store, recipe_hash="q", tables=TABLES)
    moved = Numbers(MEANS.spec, "class", MEANS.values + np.float32(1))
    with pytest.raises(StoreError, match=r"tables/means/c\.0\.0\.0 differs"):
        begin(store, tables={**TABLES, "means": moved})


def test_a_pass_of_another_seal_is_refused(store):
    path = begin(store).path
    root = store / "zarr.json"
    document = json.loads(root.read_text())
    document["attributes"]["seal"]["hash"] = "0" * 64
    root.write_text(json.dumps(document))
    with pytest.raises(StoreError, match=r"builds on seal .* make the pass again; remove it first"):
        begin(store)
    assert path.is_dir()


def test_unsealed_stores_and_bad_names(tmp_path, store):
    with pytest.raises(InputError, match="label pass name 'a/b'"):
        label_path(store, "a/b")
    with pytest.raises(InputError, match=r"has no label pass 'maps'; it has none"):
        require_label_pass(store, "maps")
    unseal(store)
    with pytest.raises(StoreError, match="is not sealed"):
        begin(store)
