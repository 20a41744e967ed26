from __future__ import annotations

import os
import subprocess
import sys

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import StoreError
from synth.store.checksum import crc32c, crc32c_plain
from synth.store.files import (
    clean_leftovers,
    dump_json,
    parse_json,
    temporary_path,
    write_flushed,
    write_whole,
)
from synth.store.shard import MISSING, chunk_bytes, pack_index, read_index


def test_crc32c_check_value():
    assert crc32c(b"123456789") == crc32c_plain(b"123456789") == 0xE3069283


@given(st.binary(max_size=300), st.integers(0, 300))
def test_crc32c_in_pieces(data, cut):
    whole = google_crc32c.value(data)
    assert crc32c_plain(data[cut:], crc32c_plain(data[:cut])) == whole
    assert crc32c(memoryview(bytearray(data))[cut:], crc32c(data[:cut])) == whole
    assert crc32c(np.frombuffer(data, np.uint8)) == whole


def test_index_round_trip_and_damage():
    entries = np.array([[0, 5], [MISSING, MISSING], [5, 2]], np.uint64)
    shard = b"helloab" + pack_index(entries)
    assert len(shard) == 7 + 3 * 16 + 4
    read = read_index(memoryview(shard), 3)
    assert read.tolist() == entries.tolist()
    assert [chunk_bytes(memoryview(shard), read, row) for row in range(3)] == [b"hello", None, b"ab"]
    for bad, word in [(shard[:20], "cut off"), (shard[:-1] + b"?", "checksum"), (shard[1:], "outside")]:
        with pytest.raises(StoreError, match=word):
            read_index(memoryview(bad), 3)


@pytest.mark.parametrize("entry", [[2**64 - 2, 5], [3, 2**63], [2, 4]])
def test_index_entries_outside_the_file(entry):
    shard = b"hello" + pack_index(np.array([entry], np.uint64))
    with pytest.raises(StoreError, match="outside"):
        read_index(memoryview(shard), 1)


def test_write_whole_leaves_old_content_when_it_fails(tmp_path, monkeypatch):
    file = tmp_path / "a.json"
    write_whole(file, b"old")

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_whole(file, b"new")
    assert [(f.name, f.read_bytes()) for f in tmp_path.iterdir()] == [("a.json", b"old")]


def test_leftovers_of_dead_processes_are_removed(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    own = temporary_path(tmp_path / "images" / "c.0")
    old = own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-"))
    elsewhere = own.with_name(".c.0.another_host-1-0123abcd.tmp")
    label = tmp_path / "labels" / old.name
    kept = tmp_path / "images" / "c.0"
    for file in (own, old, elsewhere, label, kept):
        write_flushed(file, b"x")
    assert clean_leftovers(tmp_path) == 2
    assert sorted(f for f in tmp_path.rglob("*") if f.is_file()) == sorted([own, label, kept])


def test_a_dead_process_that_nobody_has_collected_counts_as_dead(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
    own = temporary_path(tmp_path / "c.0")
    write_flushed(own.with_name(own.name.replace(f"-{os.getpid()}-", f"-{dead.pid}-")), b"x")
    assert clean_leftovers(tmp_path) == 1
    dead.wait()


def test_json(tmp_path):
    document = {"b": [1, 2.5, "ü"], "a": None}
    assert parse_json(dump_json(document), tmp_path) == document
    assert list(parse_json(dump_json(document), tmp_path)) == ["b", "a"]
    for bad in (float("nan"), np.float32(1), {1, 2}):
        with pytest.raises(StoreError, match="plain JSON"):
            dump_json({"a": bad})
    for bytes_ in (b"[1]", b"{", b"\xff"):
        with pytest.raises(StoreError, match=r"x\.json is damaged"):
            parse_json(bytes_, tmp_path / "x.json")
