from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
import store_samples as samples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from synth.errors import InputError, StoreError
from synth.store.commits import (
    CommitRecord,
    StoredFile,
    committed_shards,
    drop_commit,
    parse_record,
    pending_shards,
    record_bytes,
)
from synth.store.create import create_store
from synth.store.reader import open_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.shard import MISSING
from synth.store.verify import verify
from synth.store.writer import ShardWriter

DTYPES = ["bool", "int8", "uint16", "int64", "float16", "float32", "float64"]


@st.composite
def stores(draw):
    n, size = draw(st.integers(1, 7)), draw(st.integers(1, 4))
    arrays = []
    for name, sharded in (("maps", True), ("label", False)):
        dtype = draw(st.sampled_from(DTYPES))
        shape = tuple(draw(st.lists(st.integers(1, 3), max_size=3)))
        codec = draw(st.sampled_from(["none", "zstd:1", "zstd:5"]))
        fill = draw(st.sampled_from([0, 1]))
        spec = ArraySpec(name, dtype, shape, tuple("xyz"[: len(shape)]), "", "", fill, codec, sharded)
        arrays.append((spec, draw(hnp.arrays(dtype, (n, *shape)))))
    return n, size, arrays


@settings(deadline=None, max_examples=30)
@given(stores())
def test_round_trip(example):
    n, size, arrays = example
    values = {spec.name: value for spec, value in arrays}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "s.zarr")
        create_store(path, StoreSchema(tuple(s for s, _ in arrays), size), n, recipe_hash="r", attributes={})
        for shard in pending_shards(path):
            with ShardWriter(path, shard) as writer:
                for i in range(writer.start, writer.stop):
                    writer.add(maps=values["maps"][i])
                writer.commit({"label": values["label"][writer.start : writer.stop]})
        seal(path, checksums=True)
        store = open_store(path)
        read = {"maps": store.read("maps", range(n)), "label": store.label("label")}
        for name, value in values.items():
            assert read[name].dtype == value.dtype
            assert read[name].tobytes() == value.tobytes()  # also every kind of NaN
        assert verify(path).problems == ()


def test_same_input_same_bytes_in_any_order(tmp_path):
    samples.finish(tmp_path / "a", 7)
    samples.create(tmp_path / "b", 7)
    for shard in (2, 0, 1):
        samples.write_shard(tmp_path / "b", shard)
    seal(tmp_path / "b")
    assert samples.content(tmp_path / "a") == samples.content(tmp_path / "b")


def test_samples_do_not_depend_on_shard_size(tmp_path):
    for size in (2, 3, 10):
        samples.finish(tmp_path / str(size), 7, shard_size=size)
        store = open_store(tmp_path / str(size))
        np.testing.assert_array_equal(store.read_images(range(7)), samples.images(7))
        np.testing.assert_array_equal(store.label("joints2d"), samples.labels(0, 7)["joints2d"])


def test_partial_last_shard_is_as_zarr_demands(tmp_path):
    samples.finish(tmp_path, 7, codec="none")
    shard = (tmp_path / "images" / "c.2.0.0.0").read_bytes()
    index = np.frombuffer(shard[-52:-4], "<u8").reshape(3, 2)
    assert index.tolist() == [[0, 108], [MISSING, MISSING], [MISSING, MISSING]]
    assert shard[:108] == samples.image(6).tobytes()
    assert (tmp_path / "source" / "c.2").read_bytes() == np.array([2, -1, -1], "<i4").tobytes()


def test_a_black_image_is_written(tmp_path):
    samples.finish(tmp_path, 3)
    store = open_store(tmp_path)
    assert store.valid_ids().tolist() == [0, 1, 2]
    assert not store.read_images([1]).any()
    index = (tmp_path / "images" / "c.0.0.0.0").read_bytes()[-52:-4]
    assert MISSING not in np.frombuffer(index, "<u8")


def test_failed_samples_keep_their_ids(tmp_path):
    samples.create(tmp_path, 7)
    for shard, failures in enumerate([{}, {4: "no match"}, {6: "other"}]):
        samples.write_shard(tmp_path, shard, failures)
    assert pending_shards(tmp_path) == [1, 2]
    assert pending_shards(tmp_path, retry_failed=False) == []
    seal(tmp_path)
    store = open_store(tmp_path)
    assert store.valid_ids().tolist() == [0, 1, 2, 3, 5]
    assert store.label("valid").tolist() == [True, True, True, True, False, True, False]
    assert store.attributes["seal"]["failures"] == {"no match": 1, "other": 1}
    with pytest.raises(StoreError, match="failed"):
        store.read_images([3, 4])
    assert verify(tmp_path).ok


def test_a_retry_gives_the_undisturbed_bytes(tmp_path):
    samples.create(tmp_path / "a", 7)
    samples.write_shard(tmp_path / "a", 1, {3: "disk hiccup"})
    samples.finish(tmp_path / "a", 7)
    samples.finish(tmp_path / "b", 7)
    assert samples.content(tmp_path / "a") == samples.content(tmp_path / "b")


def test_two_writers_of_one_shard(tmp_path):
    samples.create(tmp_path / "a", 3)
    with ShardWriter(tmp_path / "a", 0) as one, ShardWriter(tmp_path / "a", 0) as two:
        for sample in range(3):
            one.add(images=samples.image(sample))
            two.add(images=samples.image(sample))
        one.commit(samples.labels(0, 3))
        two.commit(samples.labels(0, 3))
    samples.finish(tmp_path / "a", 3)
    samples.finish(tmp_path / "b", 3)
    assert samples.content(tmp_path / "a") == samples.content(tmp_path / "b")


def test_an_exception_leaves_nothing(tmp_path):
    samples.create(tmp_path, 3)
    before = samples.content(tmp_path)
    with contextlib.suppress(KeyError), ShardWriter(tmp_path, 0) as writer:
        writer.add(images=samples.image(0))
        assert samples.content(tmp_path) != before
        raise KeyError
    assert samples.content(tmp_path) == before


def test_a_full_disk_at_any_rename_leaves_the_shard_pending(tmp_path, monkeypatch):
    samples.create(tmp_path, 3)
    replace = os.replace
    for allowed in range(5):  # four arrays, then the record
        calls = iter(range(5))

        def limited(source, target, allowed=allowed, calls=calls):
            if next(calls) == allowed:
                raise OSError("no space")
            replace(source, target)

        monkeypatch.setattr(os, "replace", limited)
        with pytest.raises(OSError, match="no space"):
            samples.write_shard(tmp_path, 0)
        assert pending_shards(tmp_path) == [0]
        assert not [name for name in samples.content(tmp_path) if name.endswith(".tmp")]


def test_wrong_input_is_refused(tmp_path):
    samples.create(tmp_path, 3)
    good = samples.image(0)
    with ShardWriter(tmp_path, 0) as writer:
        for bad in (good[:5], good.astype(np.int16), good.astype(np.float32)):
            with pytest.raises(InputError, match="array images: expected shape"):
                writer.add(images=bad)
        with pytest.raises(InputError, match="needs images; found image"):
            writer.add(image=good)
        with pytest.raises(InputError, match="3 samples, 0 were given"):
            writer.commit(samples.labels(0, 3))
        writer.add(images=good)
        writer.skip()
        writer.add(images=good)
        with pytest.raises(InputError, match="full"):
            writer.add(images=good)
        for failures in ({}, {0: "x"}, {0: "x", 1: "y"}):
            with pytest.raises(InputError, match=r"skipped were \[1\]"):
                writer.commit(samples.labels(0, 3), failures)
        with pytest.raises(InputError, match="needs labels joints2d, source; found joints2d"):
            writer.commit({"joints2d": samples.labels(0, 3)["joints2d"]}, {1: "x"})
        with pytest.raises(InputError, match="array joints2d: expected shape"):
            writer.commit(samples.labels(0, 2), {1: "x"})
    with pytest.raises(InputError, match="shard 1 is out of range"):
        ShardWriter(tmp_path, 1)


def test_a_sealed_store_is_not_written_to(tmp_path):
    samples.create(tmp_path, 3)
    late = ShardWriter(tmp_path, 0)
    samples.finish(tmp_path, 3)
    before = {k: v for k, v in samples.content(tmp_path).items() if not k.endswith(".tmp")}
    with late:
        for sample in range(3):
            late.add(images=255 - samples.image(sample))
        with pytest.raises(StoreError, match="sealed"):
            late.commit(samples.labels(0, 3))
    with pytest.raises(StoreError, match="sealed"):
        ShardWriter(tmp_path, 0)
    with pytest.raises(StoreError, match="sealed"):
        drop_commit(tmp_path, 0)
    assert samples.content(tmp_path) == before


def test_records(tmp_path):
    record = CommitRecord(2, 6, 9, "r", {7: "grün"}, {"a/c.2": StoredFile(10, 0xABC)})
    data = record_bytes(record)
    assert parse_record(data, tmp_path) == record
    for position in range(0, len(data), 7):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises(StoreError, match="damaged"):
            parse_record(bytes(bad), tmp_path)


def test_records_that_do_not_count(tmp_path):
    samples.create(tmp_path, 9)
    for shard in range(3):
        samples.write_shard(tmp_path, shard)
    assert list(committed_shards(tmp_path, samples.RECIPE)) == [0, 1, 2]
    assert pending_shards(tmp_path) == []
    drop_commit(tmp_path, 0)
    (tmp_path / "source" / "c.1").write_bytes(b"short")
    record = tmp_path / "commits" / "000002.json"
    record.write_bytes(record.read_bytes()[:-20])
    assert pending_shards(tmp_path) == [0, 1, 2]
    with pytest.raises(StoreError, match="3 of 3 shards are not whole"):
        seal(tmp_path)


def test_records_of_another_recipe_or_shard(tmp_path):
    samples.create(tmp_path, 6)
    samples.write_shard(tmp_path, 0)
    with pytest.raises(StoreError, match=r"recipe-1, expected other"):
        committed_shards(tmp_path, "other")
    record = tmp_path / "commits" / "000000.json"
    (tmp_path / "commits" / "000001.json").write_bytes(record.read_bytes())
    with pytest.raises(StoreError, match="record of shard 0"):
        pending_shards(tmp_path)
    (tmp_path / "commits" / "000001.json").unlink()
    record.write_bytes(record_bytes(CommitRecord(0, 0, 3, "recipe-2")))
    with pytest.raises(StoreError, match=r"recipe recipe-2, the store by recipe-1"):
        pending_shards(tmp_path)


def test_seal_compares_checksums_on_request(tmp_path):
    samples.create(tmp_path, 3)
    samples.write_shard(tmp_path, 0)
    file = tmp_path / "images" / "c.0.0.0.0"
    data = bytearray(file.read_bytes())
    data[5] ^= 16
    file.write_bytes(data)
    with pytest.raises(StoreError, match=r"images/c\.0\.0\.0\.0 of shard 0 has changed"):
        seal(tmp_path, checksums=True)


def test_a_retry_cut_short_leaves_no_record(tmp_path, monkeypatch):
    """Else the old record would vouch for new files wherever their sizes happen to agree."""
    samples.create(tmp_path, 3)
    samples.write_shard(tmp_path, 0, {1: "x"})
    assert pending_shards(tmp_path, retry_failed=False) == []

    def refuse(*_):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space"):
        samples.write_shard(tmp_path, 0)
    assert committed_shards(tmp_path) == {}
    assert pending_shards(tmp_path, retry_failed=False) == [0]
