from __future__ import annotations

import pickle
import threading
import time

import numpy as np
import pytest
import store_samples as samples
import tensorstore as ts
import zarr

from synth.errors import InputError, StoreError
from synth.store.batches import BatchLoader, batch_order, open_source, read_batch
from synth.store.columns import LabelColumn
from synth.store.create import create_store, unseal
from synth.store.labels import begin_label_pass
from synth.store.reader import open_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.writer import ShardWriter

NAMES = ("images", "joints2d")
SPLIT = ArraySpec("split", "uint8", (), (), "0 train, 1 val, 2 test")
KIND = ArraySpec("kind", "uint8", (), (), "class")
MAPS = ArraySpec("maps", "uint8", (2, 2), ("y", "x"), "map", sharded=True)


@pytest.fixture
def store(tmp_path):
    samples.finish(tmp_path / "s", 10)
    return tmp_path / "s"


def add_pass(store, name="kinds", failed=()):
    """Label pass with a class, the id modulo 3, and a map that holds the id."""
    schema = StoreSchema((KIND, MAPS), 4)
    meta = begin_label_pass(store, name, schema, recipe_hash="k", attributes={})
    for shard in range(meta.shards):
        with ShardWriter(meta, shard) as writer:
            ids = np.arange(writer.start, writer.stop)
            for i in ids:
                if i in failed:
                    writer.skip()
                else:
                    writer.add(maps=np.full((2, 2), i, np.uint8))
            writer.commit({"kind": (ids % 3).astype(np.uint8)}, {i: "x" for i in ids.tolist() if i in failed})
    seal(meta.path)


def split_store(path, n=10):
    """Labels alone: samples 8 and 9 are val, sample 2 failed."""
    create_store(path, StoreSchema((SPLIT,), 5), n, recipe_hash="s", attributes={})
    for shard in range(n // 5):
        with ShardWriter(path, shard) as writer:
            ids = np.arange(writer.start, writer.stop)
            writer.commit({"split": (ids >= 8).astype(np.uint8)}, {2: "x"} if shard == 0 else {})
    seal(path)
    return path


def of_one(count):
    return np.zeros(count, np.int32)


@pytest.mark.parametrize("codec", ["zstd:1", "none"])
@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_bytes_as_plain_zarr_and_tensorstore(tmp_path, codec, threads):
    samples.finish(tmp_path, 10, codec=codec)
    source = open_source(tmp_path, NAMES, split=None)
    ids = np.array([7, 0, 3, 3, 9])
    batch = read_batch([source], NAMES, of_one(5), ids, threads=threads)
    group = zarr.open_group(str(tmp_path), mode="r")
    for name in NAMES:
        kvstore = {"driver": "file", "path": f"{tmp_path / name}/"}
        array = ts.open({"driver": "zarr3", "kvstore": kvstore}).result()
        np.testing.assert_array_equal(batch[name], np.stack([group[name][i] for i in ids.tolist()]))
        np.testing.assert_array_equal(batch[name], array[ids].read().result())
    np.testing.assert_array_equal(batch["images"], samples.images(10)[ids])


def test_arrays_given_are_written_to(store):
    source = open_source(store, NAMES, split=None)
    out = {"joints2d": np.full((2, 2, 2), 9, np.float32)}
    batch = read_batch([source], ["joints2d"], of_one(2), np.array([4, 1]), out)
    assert batch["joints2d"] is out["joints2d"]
    np.testing.assert_array_equal(out["joints2d"], samples.labels(0, 10)["joints2d"][[4, 1]])
    for wrong in (out["joints2d"][:1], out["joints2d"].astype(float), out["joints2d"].swapaxes(1, 2)):
        with pytest.raises(
            InputError, match=r"'joints2d' to read into: expected \(2, 2, 2\) float32, contig"
        ):
            read_batch([source], ["joints2d"], of_one(2), np.array([4, 1]), {"joints2d": wrong})


def test_label_passes_and_samples_that_failed_in_them(store):
    add_pass(store, failed=(1, 6))
    names = ("source", "kinds/kind", "kinds/maps")
    source = open_source(store, names, split=None)
    assert source.ids.tolist() == [0, 2, 3, 4, 5, 7, 8, 9]
    batch = read_batch([source], names, of_one(3), np.array([9, 2, 4]))
    assert batch["kinds/kind"].tolist() == [0, 2, 1]
    assert batch["kinds/maps"][:, 1, 0].tolist() == [9, 2, 4]
    assert batch["source"].tolist() == [1, 2, 0]
    assert open_source(store, ["source"], split=None).ids.tolist() == list(range(10))
    add_pass(store, "none", failed=range(10))
    with pytest.raises(InputError, match=r"every sample of .* failed"):
        open_source(store, ["none/kind"], split=None)


def test_splits(tmp_path, store):
    path = split_store(tmp_path / "split")
    for split, expected in [("train", [0, 1, 3, 4, 5, 6, 7]), ("val", [8, 9]), (None, [0, 1, *range(3, 10)])]:
        assert open_source(path, ["split"], split=split).ids.tolist() == expected
    with pytest.raises(InputError, match=r"no samples of split 'test'; it has 7 train, 2 val, 0 test"):
        open_source(path, ["split"], split="test")
    with pytest.raises(InputError, match="has splits train, val, test"):
        open_source(path, ["split"], split="all")
    with pytest.raises(InputError, match="has no splits"):
        open_source(store, NAMES)


def test_what_is_missing_is_told(store):
    add_pass(store)
    for name, word in [
        ("depth", r"no array 'depth'; it has images, .*; label passes there: kinds"),
        ("kinds/depth", r"labels/kinds has no array 'depth'; it has kind, maps, valid"),
        ("classes-50/class_id", r"no label pass 'classes-50'.*: synth label classes .* --k 50$"),
        ("skeleton-maps/x", r"needed for 'skeleton-maps/x'.*: synth label skeleton-maps \S*$"),
    ]:
        with pytest.raises(InputError, match=word):
            open_source(store, [name], split=None)
    with pytest.raises(InputError, match="weight 0"):
        open_source(store, NAMES, split=None, weight=0)


def test_unsealed_passes_are_refused(store):
    add_pass(store)
    unseal(store / "labels" / "kinds")
    for request in ({"arrays": ["kinds/kind"]}, {"arrays": [], "optional": ["kinds/kind"]}):
        with pytest.raises(StoreError, match="labels/kinds is not sealed"):
            open_source(store, split=None, **request)


def test_an_unsealed_store_is_refused(store):
    unseal(store)
    with pytest.raises(StoreError, match="is not sealed"):
        open_source(store, NAMES, split=None)


def test_optional_arrays_are_filled_in(tmp_path, store):
    add_pass(store)
    samples.finish(tmp_path / "bare", 10)
    optional = ("kinds/kind", "joints3d", "visible")
    sources = [open_source(path, ["source"], optional, split=None) for path in (store, tmp_path / "bare")]
    batch = read_batch(sources, optional, np.array([0, 1, 0], np.int32), np.array([5, 5, 7]))
    assert batch["kinds/kind"].dtype == np.int64
    assert batch["kinds/kind"].tolist() == [2, -1, 1]
    assert batch["joints3d"].shape == (3, 17, 3)
    assert np.isnan(batch["joints3d"]).all()
    assert batch["visible"].dtype == bool
    assert not batch["visible"].any()
    alone = read_batch(sources[:1], ["kinds/kind"], of_one(2), np.array([5, 7]))["kinds/kind"]
    assert (alone.dtype, alone.tolist()) == (np.uint8, [2, 1])


def test_sources_that_do_not_fit_together(tmp_path, store):
    sources = [open_source(store, NAMES, ["depth"], split=None)]
    with pytest.raises(InputError, match="no store given has the array 'depth'"):
        read_batch(sources, ["depth"], of_one(1), np.array([0]))
    with pytest.raises(InputError, match="was opened without 'source'"):
        read_batch(sources, ["source"], of_one(1), np.array([0]))
    other = tmp_path / "other"
    schema = StoreSchema((ArraySpec("joints2d", "float32", (3, 2), ("joint", "xy"), "joints", "px"),), 5)
    create_store(other, schema, 1, recipe_hash="o", attributes={})
    with ShardWriter(other, 0) as writer:
        writer.commit({"joints2d": np.zeros((1, 3, 2), np.float32)})
    seal(other)
    sources.append(open_source(other, ["joints2d"], split=None))
    with pytest.raises(InputError, match=r"'joints2d' .* different shapes .*\(2, 2\) and \(3, 2\)"):
        read_batch(sources, ["joints2d"], of_one(1), np.array([0]))


@pytest.mark.parametrize("shards_kept", [1, 2, 4])
def test_labels_come_from_few_decoded_shards(store, shards_kept):
    column = LabelColumn(open_store(store), "source", cache_bytes=3 * 4 * shards_kept)
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = rng.integers(0, 10, 6)
        out = np.full(8, -1, np.int32)
        column.read_into(ids, out, np.array([7, 1, 2, 5, 0, 4]))
        assert out.tolist() == [ids[4] % 4, *(ids[[1, 2]] % 4), -1, ids[5] % 4, ids[3] % 4, -1, ids[0] % 4]


def test_a_loader_gives_the_batches_of_its_order_from_any_place(store):
    source = open_source(store, NAMES, split=None)
    order = batch_order([source], batch_size=4, drop_last=False, seed=2)
    with BatchLoader([source], NAMES, order, epochs=2) as loader:
        batches = list(loader)
    assert [(b.epoch, b.number) for b in batches] == [(e, n) for e in range(2) for n in range(3)]
    for batch in batches:
        np.testing.assert_array_equal(batch.ids, order.picks(batch.epoch, batch.number)[1])
        np.testing.assert_array_equal(batch.arrays["images"], samples.images(10)[batch.ids])
        np.testing.assert_array_equal(batch.arrays["joints2d"], samples.labels(0, 10)["joints2d"][batch.ids])
    with BatchLoader([source], NAMES, order, epoch=1, number=1, epochs=1, threads=1) as resumed:
        assert [b.ids.tolist() for b in resumed] == [b.ids.tolist() for b in batches[4:]]
    with BatchLoader([source], NAMES, order, number=1, step=2, epochs=2, ahead=0) as every_other:
        assert [(b.epoch, b.number) for b in every_other] == [(0, 1), (1, 1)]


def test_batches_that_are_kept_stay_as_they_are(store):
    source = open_source(store, NAMES, split=None)
    order = batch_order([source], batch_size=2)
    with BatchLoader([source], NAMES, order, epochs=4, threads=2, ahead=1) as loader:
        kept = [(batch.ids, batch.arrays["images"][1:]) for batch in loader]
    for ids, images in kept:
        np.testing.assert_array_equal(images, samples.images(10)[ids[1:]])


def test_memory_of_batches_given_away_is_used_again(store):
    source = open_source(store, NAMES, split=None)
    order = batch_order([source], batch_size=2)
    with BatchLoader([source], NAMES, order, epochs=20, threads=1, ahead=1) as loader:
        places = {batch.arrays["images"].__array_interface__["data"][0] for batch in loader}
    assert len(places) <= 5


def test_transforms_run_in_the_threads_and_errors_come_out(store):
    source = open_source(store, NAMES, split=None)
    order = batch_order([source], batch_size=2)

    def name_or_fail(batch):
        if batch.number == 3:
            raise InputError("batch 3 is not liked")
        return batch.number, threading.current_thread().name

    loader = BatchLoader([source], NAMES, order, transform=name_or_fail)
    for number in range(3):
        found, thread = next(loader)
        assert (found, thread.startswith("batches")) == (number, True)
    with pytest.raises(InputError, match="batch 3 is not liked"):
        next(loader)
    with pytest.raises(StopIteration):
        next(loader)


def test_damage_comes_out_and_threads_end(store):
    source = open_source(store, NAMES, split=None)
    (store / "joints2d" / "c.1.0.0").write_bytes(b"damaged")
    order = batch_order([source], batch_size=10)
    before = threading.active_count()
    with (
        BatchLoader([source], NAMES, order) as loader,
        pytest.raises(StoreError, match=r"joints2d/c\.1\.0\.0 cannot be decompressed"),
    ):
        next(loader)
    deadline = time.monotonic() + 10
    while threading.active_count() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_source_is_opened_again_in_another_process(store):
    source = pickle.loads(pickle.dumps(open_source(store, NAMES, split=None, weight=0.5)))
    assert (len(source), source.weight) == (10, 0.5)
    np.testing.assert_array_equal(
        read_batch([source], ["images"], of_one(1), np.array([8]))["images"][0], samples.image(8)
    )
