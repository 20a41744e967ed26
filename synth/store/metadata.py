"""The root of a store: its metadata on disk and as a value."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth.errors import InputError, StoreError
from synth.store.files import dump_json, parse_json
from synth.store.schema import SCHEMA_VERSION, ArraySpec, StoreSchema, spec_from_document
from synth.store.tables import table_paths

ROOT = "zarr.json"

RESERVED_ATTRIBUTES = (
    "schema_version",
    "n",
    "shard_size",
    "recipe_hash",
    "arrays",
    "tables",
    "parent_seal",
    "seal",
)
"""Attributes of the root that this package writes itself."""


@dataclass(frozen=True)
class StoreMeta:
    """What the root's metadata say of a store.

    Parameters
    ----------
    path : Path
    schema : StoreSchema
    n : int
        Number of samples; ids are 0 ... n - 1.
    recipe_hash : str
        Hash over everything that decides the samples' values.
    attributes : dict
        All attributes of the root, the package's own among them.
    """

    path: Path
    schema: StoreSchema
    n: int
    recipe_hash: str
    attributes: dict[str, Any]

    @property
    def shards(self) -> int:
        """Number of shards; the last may be partial."""
        return -(-self.n // self.schema.shard_size)

    def bounds(self, shard: int) -> tuple[int, int]:
        """First sample id of a shard, and the one after its last; raises `InputError` out of range."""
        if not 0 <= shard < self.shards:
            raise InputError(f"shard {shard} is out of range: {self.path} has shards 0 to {self.shards - 1}")
        start = shard * self.schema.shard_size
        return start, min(start + self.schema.shard_size, self.n)

    @property
    def tables(self) -> dict[str, dict[str, int]]:
        """Name and size of each table."""
        return self.attributes["tables"]

    @property
    def parent_seal(self) -> str | None:
        """Hash of the seal that this label pass builds on; None for a store of its own."""
        return self.attributes.get("parent_seal")

    @property
    def seal(self) -> dict[str, Any] | None:
        """The seal, None while the store is not sealed."""
        return self.attributes.get("seal")

    def static_files(self) -> list[str]:
        """List every file written at creation but the root, relative to the store."""
        files = [f"{spec.name}/zarr.json" for spec in self.schema.arrays] + ["commits/zarr.json"]
        files += ["tables/zarr.json"] if self.tables else []
        for name, size in self.tables.items():
            files += table_paths(name, size)
        return files


def has_store(path: Path) -> bool:
    """Tell whether a store was made at `path` (finished or not)."""
    return (path / ROOT).exists()


def read_root(path: Path) -> dict[str, Any]:
    """Read the root's ``zarr.json``.

    Raises
    ------
    StoreError
        There is no store at `path`, or it is not one of this package.
    """
    try:
        document = parse_json((path / ROOT).read_bytes(), path / ROOT)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise StoreError(f"no store at {path}: {path / ROOT} is missing") from error
    attributes = document.get("attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("schema_version"), int):
        raise StoreError(f"{path} is not a store of this package: its root has no attribute schema_version")
    if attributes["schema_version"] > SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema_version {attributes['schema_version']}, this program reads up to "
            f"{SCHEMA_VERSION}: update the program"
        )
    return document


def _read_spec(path: Path, name: str) -> ArraySpec:
    file = path / name / "zarr.json"
    try:
        return spec_from_document(name, parse_json(file.read_bytes(), file))
    except FileNotFoundError as error:
        raise StoreError(f"{file} is missing: the store is damaged") from error


def open_meta(path: Path) -> StoreMeta:
    """Read the metadata of a store, sealed or not.

    Raises
    ------
    StoreError
        No store there, a newer `schema_version`, or damaged metadata.
    """
    attributes = read_root(path)["attributes"]
    try:
        specs = tuple(_read_spec(path, name) for name in attributes["arrays"])
        schema = StoreSchema(specs, int(attributes["shard_size"]))
        meta = StoreMeta(path, schema, int(attributes["n"]), str(attributes["recipe_hash"]), attributes)
        meta.static_files()
    except StoreError:
        raise
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StoreError(f"{path / ROOT} is damaged: bad or missing attribute ({error!r})") from error
    return meta


def seal_hash(root: dict[str, Any]) -> str:
    """SHA-256 over the root's metadata without the hash itself; `root` is left as it is."""
    attributes = root["attributes"]
    seal = {key: value for key, value in attributes["seal"].items() if key != "hash"}
    document = {**root, "attributes": {**attributes, "seal": seal}}
    return hashlib.sha256(dump_json(document)).hexdigest()
