"""Checks every byte of a store, and names the shard and the file of each problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synth.errors import StoreError
from synth.store.checksum import crc32c
from synth.store.commits import CommitRecord, StoredFile, flaws, read_record, record_path
from synth.store.files import dump_json
from synth.store.metadata import ROOT, StoreMeta, open_meta, read_root, seal_hash
from synth.store.reader import open_shard, read_label_chunk
from synth.store.schema import VALID, ArraySpec, chunk_name
from synth.store.seal import check_parent, check_shapes, records_hash
from synth.store.shard import map_file

OverShards = Callable[[Callable[[int], "list[Problem]"], Sequence[int]], Iterable["list[Problem]"]]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a store.

    Parameters
    ----------
    file : str
        Relative to the store.
    what : str
    shard : int or None
        None where a file belongs to no shard.
    """

    file: str
    what: str
    shard: int | None = None

    def __str__(self) -> str:
        return ("" if self.shard is None else f"shard {self.shard}: ") + f"{self.file}: {self.what}"


@dataclass(frozen=True)
class Report:
    """Result of `verify`: the store, its number of shards and what is wrong with it."""

    path: Path
    shards: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.problems

    def __str__(self) -> str:
        found = f"{len(self.problems)} problems" if self.problems else "no problem"
        return "\n".join([f"{self.path}: {self.shards} shards, {found}", *map(str, self.problems)])


def _check_sum(path: Path, stored: StoredFile) -> str | None:
    try:
        data = map_file(path)
    except StoreError as error:
        return str(error)
    if len(data) != stored.size:
        return f"has {len(data)} bytes, expected {stored.size}"
    found = crc32c(data)
    return None if found == stored.crc32c else f"checksum is {found:08x}, expected {stored.crc32c:08x}"


def _decode_sharded(meta: StoreMeta, spec: ArraySpec, record: CommitRecord) -> None:
    shard = open_shard(meta, spec.name, record.shard)
    out = np.empty((1, *spec.inner_shape), dtype=spec.numpy_dtype)
    for row in range(meta.schema.shard_size):
        sample = record.start + row
        expected = sample < record.stop and sample not in record.failures
        if shard.has(row) != expected:
            raise StoreError(f"row {row} is {'missing' if expected else 'there, but its sample failed'}")
        if expected:
            shard.read(row, out)


def _decode_label(meta: StoreMeta, spec: ArraySpec, record: CommitRecord) -> None:
    chunk = read_label_chunk(meta, spec, record.shard)
    rows = record.stop - record.start
    padding = np.full_like(chunk[rows:], spec.fill)
    if chunk[rows:].tobytes() != padding.tobytes():
        raise StoreError("rows past the end of the store do not hold the fill value")
    failed = np.flatnonzero(~chunk[:rows]) + record.start if spec.name == VALID.name else None
    if failed is not None and failed.tolist() != list(record.failures):
        raise StoreError(f"marks samples {failed.tolist()} as failed, the record {list(record.failures)}")


def _check_file(meta: StoreMeta, spec: ArraySpec, record: CommitRecord, decode: bool) -> Problem | None:
    name = chunk_name(spec, record.shard)
    what = _check_sum(meta.path / name, record.files[name])
    if what is None and decode:
        try:
            (_decode_sharded if spec.sharded else _decode_label)(meta, spec, record)
        except StoreError as error:
            what = str(error)
    return None if what is None else Problem(name, what, record.shard)


def verify_shard(path: Path, shard: int, *, decode: bool = True) -> list[Problem]:
    """Check one shard: its record, and every file's size, checksum, index and content.

    Parameters
    ----------
    path : Path
    shard : int
    decode : bool
        Also decode every image and label (else checksums alone are compared).

    Returns
    -------
    list of Problem
        In the order of the store's arrays; empty if all is well.

    Raises
    ------
    StoreError
        The store's metadata cannot be read at all.
    """
    meta = open_meta(path)
    own = record_path(path, shard).relative_to(path).as_posix()
    try:
        record = read_record(meta, shard)
    except StoreError as error:
        return [Problem(own, str(error), shard)]
    if record is None:
        return [Problem(own, "is missing: the shard was never committed", shard)]
    there = _sizes(meta, record)
    found = [Problem(file, what, shard) for file, what in flaws(meta, record, there)]
    known = {problem.file for problem in found}
    for spec in meta.schema.arrays:
        name = chunk_name(spec, shard)
        if name in record.files and name not in known:
            problem = _check_file(meta, spec, record, decode)
            found += [problem] if problem else []
    return found


def _sizes(meta: StoreMeta, record: CommitRecord) -> Mapping[str, int]:
    return {name: (meta.path / name).stat().st_size for name in record.files if (meta.path / name).is_file()}


def verify_root(path: Path) -> list[Problem]:
    """Check what belongs to no shard: the seal, the metadata of the arrays, the tables, the parent's seal.

    Raises
    ------
    StoreError
        The store's metadata cannot be read at all.
    """
    meta = open_meta(path)
    found = [Problem(file, what) for file, what in check_shapes(meta)]
    parent = check_parent(meta)
    found += [Problem(ROOT, parent)] if parent else []
    if meta.seal is None:
        return [*found, Problem(ROOT, "is not sealed")]
    try:
        return found + _seal_problems(meta, meta.seal)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        return [*found, Problem(ROOT, f"has a damaged seal ({error!r})")]


def _seal_problems(meta: StoreMeta, seal: dict[str, Any]) -> list[Problem]:
    root = read_root(meta.path)
    found = []
    if dump_json(root) != (meta.path / ROOT).read_bytes() or seal_hash(root) != seal["hash"]:
        found.append(Problem(ROOT, "has changed since it was sealed: the hash is another"))
    expected = {
        name: StoredFile(entry["size"], int(entry["crc32c"], 16)) for name, entry in seal["files"].items()
    }
    for name, stored in expected.items():
        what = _check_sum(meta.path / name, stored)
        found += [Problem(name, what)] if what else []
    if list(expected) != meta.static_files():
        found.append(Problem(ROOT, "the seal names other files than the store's arrays and tables have"))
    return found + _record_problems(meta, seal)


def _record_problems(meta: StoreMeta, seal: dict[str, Any]) -> list[Problem]:
    try:
        records = [read_record(meta, shard) for shard in range(meta.shards)]
    except StoreError:
        return []  # `verify_shard` names the damaged record
    whole = [record for record in records if record is not None]
    if len(whole) < meta.shards or records_hash(whole) == seal["records_sha256"]:
        return []
    return [Problem("commits", "records have changed since the store was sealed: their hash is another")]


def _verify_shard(path: Path, decode: bool, shard: int) -> list[Problem]:
    return verify_shard(path, shard, decode=decode)


def verify(path: Path, *, decode: bool = True, over_shards: OverShards = map) -> Report:
    """Check a whole store: metadata, seal, and every shard (see `verify_shard`).

    Label passes are stores of their own: verify each of `label_passes`.

    Parameters
    ----------
    path : Path
    decode : bool
        As of `verify_shard`.
    over_shards : callable
        Calls a function for each shard and yields the results in order; another one than `map` shares the work out.

    Returns
    -------
    Report
        A store whose metadata cannot be read gives a report with that one problem.
    """
    try:
        meta = open_meta(path)
        found = verify_root(path)
        for problems in over_shards(partial(_verify_shard, path, decode), range(meta.shards)):
            found += problems
    except StoreError as error:
        return Report(path, 0, (Problem(ROOT, str(error)),))
    return Report(path, meta.shards, tuple(found))
