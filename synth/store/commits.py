"""Commit records: the only proof that a shard is done.

``commits/000012.json`` says which files shard 12 consists of, their sizes and checksums, which samples
failed and why, and by which recipe. It is renamed into place after all the files it names. It holds no
times and no host names: the same samples give the same bytes.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synth.errors import StoreError
from synth.store.files import dump_json, parse_json, remove_file
from synth.store.metadata import StoreMeta, open_meta
from synth.store.schema import chunk_name


@dataclass(frozen=True)
class StoredFile:
    """A file as it was written: its bytes and their CRC-32C."""

    size: int
    crc32c: int


@dataclass(frozen=True)
class CommitRecord:
    """What is known of one finished shard.

    Parameters
    ----------
    shard : int
    start, stop : int
        Its sample ids: start ... stop - 1.
    recipe_hash : str
        Recipe by which it was made.
    failures : mapping of int to str
        Reason by sample id, in order of id. These samples have no chunks in the sharded arrays.
    files : mapping of str to StoredFile
        By path relative to the store, in the order of the schema's arrays.
    """

    shard: int
    start: int
    stop: int
    recipe_hash: str
    failures: Mapping[int, str] = field(default_factory=dict)
    files: Mapping[str, StoredFile] = field(default_factory=dict)


def record_path(store: Path, shard: int) -> Path:
    """Where the commit record of a shard is."""
    return store / "commits" / f"{shard:06d}.json"


def record_bytes(record: CommitRecord) -> bytes:
    """Give the record as it is stored: JSON that ends with a hash over itself."""
    document: dict[str, Any] = {
        "shard": record.shard,
        "start": record.start,
        "stop": record.stop,
        "samples": record.stop - record.start,
        "failed": len(record.failures),
        "recipe_hash": record.recipe_hash,
        "failures": {str(sample): reason for sample, reason in record.failures.items()},
        "files": {
            name: {"size": file.size, "crc32c": f"{file.crc32c:08x}"} for name, file in record.files.items()
        },
    }
    document["record_sha256"] = hashlib.sha256(dump_json(document)).hexdigest()
    return dump_json(document)


def parse_record(data: bytes, path: Path) -> CommitRecord:
    """Read a commit record; `path` is named in the error.

    Raises
    ------
    StoreError
        The bytes are not exactly what `record_bytes` writes (a changed blank counts as damage).
    """
    document = parse_json(data, path)
    try:
        record = CommitRecord(
            shard=int(document["shard"]),
            start=int(document["start"]),
            stop=int(document["stop"]),
            recipe_hash=str(document["recipe_hash"]),
            failures={int(sample): str(reason) for sample, reason in document["failures"].items()},
            files={
                name: StoredFile(int(entry["size"]), int(entry["crc32c"], 16))
                for name, entry in document["files"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"{path} is damaged: bad or missing field {error}") from error
    if record_bytes(record) != data:
        raise StoreError(f"{path} is damaged: its content does not match its hash")
    return record


def _load_record(meta: StoreMeta, shard: int) -> CommitRecord | None:
    path = record_path(meta.path, shard)
    try:
        return parse_record(path.read_bytes(), path)
    except FileNotFoundError:
        return None


def _check_owner(meta: StoreMeta, record: CommitRecord, shard: int) -> None:
    path = record_path(meta.path, shard)
    if record.recipe_hash != meta.recipe_hash:
        raise StoreError(
            f"{path} was made by recipe {record.recipe_hash}, the store by {meta.recipe_hash}: the "
            "store mixes two data sets; remove this record and resume"
        )
    if record.shard != shard or record.start != shard * meta.schema.shard_size:
        raise StoreError(f"{path} is the record of shard {record.shard}: remove it and resume")


def read_record(meta: StoreMeta, shard: int) -> CommitRecord | None:
    """Read the commit record of a shard, None if it has none.

    Raises
    ------
    StoreError
        The record is damaged, belongs to another shard, or was made by another recipe (both hashes named).
    """
    record = _load_record(meta, shard)
    if record is not None:
        _check_owner(meta, record, shard)
    return record


def expected_files(meta: StoreMeta, shard: int) -> list[str]:
    """List every file of a shard, relative to the store, in the order of the schema's arrays."""
    return [chunk_name(spec, shard) for spec in meta.schema.arrays]


def file_sizes(meta: StoreMeta) -> dict[str, int]:
    """Look up the size of every file in the arrays' folders, by path relative to the store."""
    sizes = {}
    for spec in meta.schema.arrays:
        with os.scandir(meta.path / spec.name) as entries:
            sizes.update({f"{spec.name}/{entry.name}": entry.stat().st_size for entry in entries})
    return sizes


def flaws(meta: StoreMeta, record: CommitRecord, sizes: Mapping[str, int]) -> list[tuple[str, str]]:
    """Say why a committed shard is not whole as the store stands: (file, what is wrong) of each flaw.

    Parameters
    ----------
    meta : StoreMeta
    record : CommitRecord
    sizes : mapping of str to int
        Sizes of the files there are, see `file_sizes`.
    """
    name = record_path(meta.path, record.shard).relative_to(meta.path).as_posix()
    found = []
    if record.stop != meta.bounds(record.shard)[1]:
        found.append((name, f"covers samples up to {record.stop}, expected {meta.bounds(record.shard)[1]}"))
    if list(record.files) != expected_files(meta, record.shard):
        found.append((name, "names other files than the store's arrays have"))
    for file, stored in record.files.items():
        if file not in sizes:
            found.append((file, "is missing"))
        elif sizes[file] != stored.size:
            found.append((file, f"has {sizes[file]} bytes, committed were {stored.size}"))
    return found


def committed_shards(path: Path, recipe_hash: str | None = None) -> dict[int, CommitRecord]:
    """Read the commit record of every shard that has one, by shard.

    Parameters
    ----------
    path : Path
    recipe_hash : str, optional
        The recipe that the store is expected to be of.

    Raises
    ------
    StoreError
        The store or a record is of another recipe, or a record is damaged.
    """
    meta = open_meta(path)
    if recipe_hash not in (None, meta.recipe_hash):
        raise StoreError(f"{path} was made by recipe {meta.recipe_hash}, expected {recipe_hash}")
    records = {shard: read_record(meta, shard) for shard in range(meta.shards)}
    return {shard: record for shard, record in records.items() if record is not None}


def pending_shards(path: Path, *, retry_failed: bool = True) -> list[int]:
    """Shards that are still to be made, in order.

    A shard is pending if it has no record, a damaged one, one for fewer samples than the store now holds, if
    a file that the record names is missing or of another size, and if samples failed (unless `retry_failed`
    is False). To extend a store, call `extend_store` first.

    Raises
    ------
    StoreError
        No store there, or a record of another recipe.
    """
    meta = open_meta(path)
    sizes = file_sizes(meta)
    return [shard for shard in range(meta.shards) if _is_pending(meta, shard, sizes, retry_failed)]


def _is_pending(meta: StoreMeta, shard: int, sizes: Mapping[str, int], retry_failed: bool) -> bool:
    try:
        record = _load_record(meta, shard)
    except StoreError:
        return True  # a damaged record is no proof: the shard is made again
    if record is None:
        return True
    _check_owner(meta, record, shard)
    return bool(flaws(meta, record, sizes)) or (retry_failed and bool(record.failures))


def drop_commit(path: Path, shard: int) -> None:
    """Remove the commit record of a shard, so that a resume makes it again.

    Raises
    ------
    StoreError
        The store is sealed (`unseal` it first).
    """
    meta = open_meta(path)
    if meta.seal is not None:
        raise StoreError(f"{path} is sealed: unseal it before shard {shard} is made again")
    remove_file(record_path(path, shard))
