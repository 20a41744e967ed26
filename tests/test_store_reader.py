from __future__ import annotations

import dataclasses
import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import store_samples as samples

from synth.errors import InputError, StoreError
from synth.store.create import create_store
from synth.store.reader import open_store
from synth.store.schema import VALID, ArraySpec, StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.writer import ShardWriter


def test_random_access(tmp_path):
    samples.finish(tmp_path, 7)
    store = open_store(tmp_path)
    assert len(store) == 7
    assert store.names == ("images", "joints2d", "source", "valid")
    ids = [6, 0, 5, 5, 1]
    np.testing.assert_array_equal(store.read_images(ids), samples.images(7)[ids])
    assert store.read_images([]).shape == (0, 6, 6, 3)
    np.testing.assert_array_equal(store.read_label("source", 2, 7), [2, 3, 0, 1, 2])
    assert store.read_label("joints2d", 4, 4).shape == (0, 2, 2)
    assert store.table("files") == samples.TABLES["files"]


def test_wrong_requests(tmp_path):
    samples.finish(tmp_path, 7)
    store = open_store(tmp_path)
    for call, word in [
        (lambda: store.read_images([0, 7]), "0 to 6"),
        (lambda: store.read_images([-1]), "0 to 6"),
        (lambda: store.read("source", [0]), "read_label"),
        (lambda: store.read("depth", [0]), "no array 'depth'; the store has images"),
        (lambda: store.read_label("images", 0, 1), "read it with read"),
        (lambda: store.read_label("source", 0, 8), "rows 0 to 7"),
        (lambda: store.table("poses"), "no table 'poses'; the store has files"),
    ]:
        with pytest.raises(InputError, match=word):
            call()


def test_rows_leave_out_failed_samples(tmp_path):
    samples.create(tmp_path, 7)
    for shard, failures in enumerate([{0: "x", 1: "x", 2: "x"}, {4: "x"}, {}]):
        samples.write_shard(tmp_path, shard, failures)
    store = open_store(tmp_path, allow_unsealed=True)
    pieces = list(store.rows(("images", "source"), size=1))
    assert [piece.ids.tolist() for piece in pieces] == [[3], [5], [6]]
    assert [piece.arrays["source"].tolist() for piece in pieces] == [[3], [1], [2]]
    np.testing.assert_array_equal(pieces[1].arrays["images"][0], samples.image(5))
    assert [piece.ids.tolist() for piece in store.rows(("source",))] == [[3, 5], [6]]


def test_an_unsealed_store_is_refused_unless_told(tmp_path):
    samples.create(tmp_path, 7)
    samples.write_shard(tmp_path, 1)
    with pytest.raises(StoreError, match="not sealed"):
        open_store(tmp_path)
    store = open_store(tmp_path, allow_unsealed=True)
    assert store.valid_ids().tolist() == [3, 4, 5]
    np.testing.assert_array_equal(store.read_images([4])[0], samples.image(4))
    for call in (lambda: store.read_images([4, 0]), lambda: store.label("source")):
        with pytest.raises(StoreError, match=r"shard 0 .* is not committed"):
            call()


def test_a_newer_schema_version_is_refused(tmp_path):
    samples.finish(tmp_path, 7)
    root = json.loads((tmp_path / "zarr.json").read_text())
    root["attributes"]["schema_version"] = 2
    (tmp_path / "zarr.json").write_text(json.dumps(root))
    with pytest.raises(StoreError, match="schema_version 2, this program reads up to 1"):
        open_store(tmp_path)


def test_what_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="no store at"):
        open_store(tmp_path)
    (tmp_path / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    with pytest.raises(StoreError, match="not a store of this package"):
        open_store(tmp_path)


def test_files_lost_or_damaged_after_the_seal_are_errors(tmp_path):
    samples.finish(tmp_path, 7)
    shard = tmp_path / "images" / "c.1.0.0.0"
    data = shard.read_bytes()
    store = open_store(tmp_path)
    (tmp_path / "source" / "c.0").unlink()
    with pytest.raises(StoreError, match=r"source/c\.0 is missing"):
        store.label("source")
    for content, word in [(None, "is missing"), (b"", "is empty"), (data[:40], "is cut off")]:
        shard.unlink(missing_ok=True)
        if content is not None:
            shard.write_bytes(content)
        with pytest.raises(StoreError, match=rf"c\.1\.0\.0\.0 {word}"):
            store.read_images([3])
    shard.write_bytes(bytes(8) + data[8:])
    with pytest.raises(StoreError, match="row 0 cannot be decompressed"):
        store.read_images([3])


def test_few_maps_and_pickling(tmp_path):
    samples.finish(tmp_path, 7)
    store = open_store(tmp_path, max_maps=1)
    again = pickle.loads(pickle.dumps(store))
    assert again.max_maps == 1
    order = [0, 6, 3, 0, 6]
    np.testing.assert_array_equal(again.read_images(order), store.read_images(order))


def make_uncompressed(path):
    label = ArraySpec("k", "int16", (), (), "", codec="none")
    schema = StoreSchema((image_spec("none", 6), label, dataclasses.replace(VALID, codec="none")), 4)
    create_store(path, schema, 7, recipe_hash="r", attributes={})
    for shard in (0, 1):
        with ShardWriter(path, shard) as writer:
            for i in range(writer.start, writer.stop):
                writer.add(images=samples.image(i))
            writer.commit({"k": np.arange(writer.start, writer.stop).astype(np.int16)})
    seal(path)


def test_uncompressed_stores_need_numpy_alone(tmp_path):
    make_uncompressed(tmp_path)
    script = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("zarr", "numcodecs", "cv2", "google_crc32c", "numba", "scipy"):
            raise ImportError(name)
sys.meta_path.insert(0, Refuse())
from synth.store.batches import BatchLoader, batch_order, open_source
from synth.store.reader import open_store
store = open_store({str(tmp_path)!r})
source = open_source({str(tmp_path)!r}, ["images", "k"], split=None)
order = batch_order([source], 7, shuffle=False)
(batch,) = BatchLoader([source], ["images", "k"], order, epochs=1)
assert (batch.arrays["images"] == store.read_images(range(7))).all()
print(store.read_images([6])[0].sum(), store.label("k").tolist())
"""
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True)
    assert done.stdout.split(maxsplit=1) == [str(samples.image(6).sum()), "[0, 1, 2, 3, 4, 5, 6]\n"], (
        done.stderr
    )
