from __future__ import annotations

import re

import numpy as np
import pytest
import store_samples as samples

from synth.store.checksum import crc32c
from synth.store.commits import CommitRecord, StoredFile, read_record, record_bytes
from synth.store.create import create_store
from synth.store.metadata import open_meta
from synth.store.verify import verify, verify_root, verify_shard
from synth.store.writer import ShardWriter


@pytest.mark.parametrize("codec", ["zstd:1", "none", "jpeg:95"])
def test_a_good_store_has_no_problem(tmp_path, codec):
    samples.finish(tmp_path, 7, codec=codec)
    report = verify(tmp_path)
    assert report.problems == ()
    assert str(report) == f"{tmp_path}: 3 shards, no problem"


@pytest.mark.parametrize("decode", [True, False])
def test_one_flipped_byte_anywhere_is_found(tmp_path, decode):
    samples.finish(tmp_path, 7)
    rng = np.random.default_rng(3)
    for name, data in samples.content(tmp_path).items():
        for position in [0, len(data) - 1, *rng.integers(0, len(data), 3)]:
            bad = bytearray(data)
            bad[position] ^= int(rng.integers(1, 256))
            (tmp_path / name).write_bytes(bad)
            report = verify(tmp_path, decode=decode)
            assert name in str(report), (name, position, str(report))
            shard = re.fullmatch(r"(?:\w+/c\.|commits/0+)(\d)[.0]*(?:json)?", name)
            if shard and not name.startswith("tables"):
                assert {problem.shard for problem in report.problems} == {int(shard[1])}
                assert {problem.file for problem in report.problems} == {name}
        (tmp_path / name).write_bytes(data)
    assert verify(tmp_path).ok


def test_lost_cut_and_foreign_files(tmp_path):
    samples.finish(tmp_path, 7)
    for name, data in samples.content(tmp_path).items():
        for content in (None, data[:-1], data + b"\0"):
            (tmp_path / name).unlink(missing_ok=True)
            if content is not None:
                (tmp_path / name).write_bytes(content)
            assert name in str(verify(tmp_path)), name
        (tmp_path / name).write_bytes(data)
    (tmp_path / "images" / ".c.0.0.0.0.somehost-1-00000000.tmp").write_bytes(b"left over")
    assert verify(tmp_path).ok


def test_shards_swapped_with_their_records(tmp_path):
    """Each file is whole, and so is each record, yet the seal is of another store."""
    samples.finish(tmp_path / "a", 7)
    create_store(tmp_path / "b", samples.schema(), 7, recipe_hash=samples.RECIPE, attributes={})
    with ShardWriter(tmp_path / "b", 0) as writer:
        for sample in range(3):
            writer.add(images=255 - samples.image(sample))
        writer.commit(samples.labels(0, 3))
    for name in ("images/c.0.0.0.0", "commits/000000.json"):
        (tmp_path / "a" / name).write_bytes((tmp_path / "b" / name).read_bytes())
    assert verify_shard(tmp_path / "a", 0) == []
    assert "records have changed since the store was sealed" in str(verify(tmp_path / "a"))


def test_wrong_content_under_right_checksums(tmp_path):
    """What a defective writer could leave: decoding finds it, checksums alone don't."""
    samples.create(tmp_path, 3)
    samples.write_shard(tmp_path, 0, {1: "x"})
    meta = open_meta(tmp_path)
    record = read_record(meta, 0)
    assert record is not None

    def commit(name, data, failures):
        (tmp_path / name).write_bytes(data)
        files = {**record.files, name: StoredFile(len(data), crc32c(data))}
        changed = CommitRecord(0, 0, 3, samples.RECIPE, failures, files)
        (tmp_path / "commits" / "000000.json").write_bytes(record_bytes(changed))
        return "\n".join(map(str, verify_shard(tmp_path, 0)))

    images = (tmp_path / "images" / "c.0.0.0.0").read_bytes()
    assert commit("images/c.0.0.0.0", images, record.failures) == ""
    missing = commit("images/c.0.0.0.0", images, {})
    assert "shard 0: images/c.0.0.0.0: row 1 is missing" in missing
    assert "shard 0: valid/c.0: marks samples [1] as failed, the record []" in missing
    assert "row 2 is there, but its sample failed" in commit("images/c.0.0.0.0", images, {1: "x", 2: "x"})
    short = commit("source/c.0", b"\0" * 8, record.failures)
    assert "shard 0: source/c.0: " in short
    assert "decodes to 8 bytes, expected 12" in short


def test_unsealed_stores(tmp_path):
    samples.create(tmp_path, 7)
    samples.write_shard(tmp_path, 1)
    assert [str(p) for p in verify(tmp_path).problems] == [
        "zarr.json: is not sealed",
        "shard 0: commits/000000.json: is missing: the shard was never committed",
        "shard 2: commits/000002.json: is missing: the shard was never committed",
    ]
    assert [p.shard for p in verify_root(tmp_path)] == [None]


def test_no_store(tmp_path):
    assert "no store at" in str(verify(tmp_path / "nowhere"))
