"""Closing a store: only when every shard is committed and every file is there.

The seal is an attribute of the root's ``zarr.json``, put there by one rename: at any moment the store
either has it, and is whole, or has not. Being an attribute, it is seen by every Zarr reader.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from synth.errors import StoreError
from synth.store.checksum import crc32c
from synth.store.commits import (
    CommitRecord,
    pending_shards,
    read_record,
    record_bytes,
)
from synth.store.files import dump_json, parse_json, write_whole
from synth.store.metadata import ROOT, StoreMeta, open_meta, read_root, seal_hash
from synth.store.shard import map_file


def static_checksums(meta: StoreMeta) -> dict[str, dict[str, Any]]:
    """Size and CRC-32C (hexadecimal) of each file written at creation, by path relative to the store.

    Raises
    ------
    StoreError
        One is missing.
    """
    sums = {}
    for name in meta.static_files():
        data = map_file(meta.path / name)
        sums[name] = {"size": len(data), "crc32c": f"{crc32c(data):08x}"}
    return sums


def check_shapes(meta: StoreMeta) -> list[tuple[str, str]]:
    """Arrays whose own metadata disagree with the root about the number of samples: (file, what)."""
    found = []
    for spec in meta.schema.arrays:
        file = meta.path / spec.name / "zarr.json"
        length = parse_json(file.read_bytes(), file)["shape"][0]
        if length != meta.n:
            found.append((f"{spec.name}/zarr.json", f"says {length} samples, the root says {meta.n}"))
    return found


def check_parent(meta: StoreMeta) -> str | None:
    """For a label pass, what is wrong with the store it builds on; None if nothing is."""
    if meta.parent_seal is None:
        return None
    parent = meta.path.resolve().parent.parent
    found = read_root(parent)["attributes"].get("seal", {}).get("hash")
    if found == meta.parent_seal:
        return None
    return f"builds on seal {meta.parent_seal}, but {parent} has {found or 'none'}: make the pass again"


def records_hash(records: list[CommitRecord]) -> str:
    """SHA-256 over all commit records, in order of shard."""
    total = hashlib.sha256()
    for record in records:
        total.update(record_bytes(record))
    return total.hexdigest()


def _whole_records(meta: StoreMeta) -> list[CommitRecord]:
    pending = pending_shards(meta.path, retry_failed=False)
    if pending:
        shown = ", ".join(map(str, pending[:10])) + (" ..." if len(pending) > 10 else "")
        raise StoreError(
            f"{meta.path} cannot be sealed: {len(pending)} of {meta.shards} shards are not whole "
            f"({shown}); resume the run"
        )
    return [record for shard in range(meta.shards) if (record := read_record(meta, shard)) is not None]


def _check_sums(meta: StoreMeta, records: list[CommitRecord]) -> None:
    for record in records:
        for name, stored in record.files.items():
            if crc32c(map_file(meta.path / name)) != stored.crc32c:
                raise StoreError(
                    f"{meta.path} cannot be sealed: {name} of shard {record.shard} has changed since it was "
                    f"committed; remove commits/{record.shard:06d}.json and resume"
                )


def seal(path: Path, *, checksums: bool = False) -> str:
    """Check that a store is whole, and write its seal. A sealed store is left as it is.

    Parameters
    ----------
    path : Path
    checksums : bool
        Also read every file and compare its checksum (else files are only looked up, with their sizes).

    Returns
    -------
    str
        The seal's hash (SHA-256): it covers the root's metadata, all commit records and with them every file.

    Raises
    ------
    StoreError
        Shards are pending or damaged, metadata disagree, or a label pass's parent has another seal.
    """
    meta = open_meta(path)
    if meta.seal is not None:
        return str(meta.seal["hash"])
    problem = check_parent(meta)
    if problem:
        raise StoreError(f"{path} cannot be sealed: it {problem}")
    shapes = check_shapes(meta)
    if shapes:
        raise StoreError(f"{path} cannot be sealed: {shapes[0][0]} {shapes[0][1]}; resume")
    records = _whole_records(meta)
    if checksums:
        _check_sums(meta, records)
    root = read_root(path)
    root["attributes"]["seal"] = _seal_document(meta, records)
    root["attributes"]["seal"]["hash"] = seal_hash(root)
    write_whole(path / ROOT, dump_json(root))
    return str(root["attributes"]["seal"]["hash"])


def _seal_document(meta: StoreMeta, records: list[CommitRecord]) -> dict[str, Any]:
    reasons = Counter(reason for record in records for reason in record.failures.values())
    return {
        "shards": len(records),
        "samples": meta.n,
        "failed": reasons.total(),
        "failures": dict(sorted(reasons.items())),
        "bytes": sum(stored.size for record in records for stored in record.files.values()),
        "files": static_checksums(meta),
        "records_sha256": records_hash(records),
    }
