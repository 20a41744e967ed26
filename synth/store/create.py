"""Make a store's metadata, before any worker writes to it; resume or extend a store that is there.

Only the driver calls these, one process at a time. The root's ``zarr.json`` is written last: a store that
has one has all its metadata.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth.errors import InputError, StoreError
from synth.store.files import dump_json, make_folder, parse_json, write_whole
from synth.store.metadata import RESERVED_ATTRIBUTES, ROOT, StoreMeta, has_store, open_meta, read_root
from synth.store.schema import NAME, SCHEMA_VERSION, ArraySpec, StoreSchema, array_document
from synth.store.tables import Numbers, Tables, group_document, table_files, table_size

_COMMITS = ArraySpec(
    name="records",
    dtype="uint8",
    inner_shape=(),
    dims=(),
    description="Holds the store's commit records, one JSON file a shard. As an array it is empty, so that "
    "Zarr readers which list the store pass the records by.",
    codec="none",
)


def _root_document(
    schema: StoreSchema,
    n: int,
    recipe_hash: str,
    attributes: Mapping[str, Any],
    tables: Tables,
    parent: str | None,
) -> dict[str, Any]:
    own: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "n": n,
        "shard_size": schema.shard_size,
        "recipe_hash": recipe_hash,
        "arrays": [spec.name for spec in schema.arrays],
        "tables": {name: table_size(table) for name, table in tables.items()},
    }
    if parent is not None:
        own["parent_seal"] = parent
    return group_document({**own, **attributes})


def _static_files(schema: StoreSchema, n: int, tables: Tables) -> dict[str, bytes]:
    files = {"commits/zarr.json": dump_json(array_document(_COMMITS, 0, 1))}
    for spec in schema.arrays:
        files[f"{spec.name}/zarr.json"] = dump_json(array_document(spec, n, schema.shard_size))
    if tables:
        files["tables/zarr.json"] = dump_json(group_document({"description": "Lists of strings."}))
    for name, table in tables.items():
        files.update(table_files(name, table))
    return files


def _check_new(
    path: Path, schema: StoreSchema, n: int, attributes: Mapping[str, Any], tables: Tables
) -> None:
    if n < 1:
        raise InputError(f"a store of n = {n} samples: expected 1 or more")
    for name, table in tables.items():
        if not NAME.fullmatch(name):
            raise InputError(f"table name {name!r}: expected lower case letters, digits and underscores")
        if isinstance(table, Numbers) and table.spec.name != name:
            raise InputError(f"table {name!r} holds numbers that are called {table.spec.name!r}")
    taken = [key for key in attributes if key in RESERVED_ATTRIBUTES]
    if taken:
        raise InputError(f"attributes {', '.join(taken)} are written by the store itself: choose other names")
    if has_store(path):
        raise StoreError(f"{path} already holds a Zarr hierarchy: resume it, or choose another path")
    allowed = {spec.name for spec in schema.arrays} | {"commits", "tables"}
    foreign = [entry for entry in (os.listdir(path) if path.is_dir() else []) if entry not in allowed]
    foreign = [entry for entry in foreign if not entry.endswith(".tmp")]
    if path.exists() and (not path.is_dir() or foreign):
        raise StoreError(
            f"{path} exists and is no store (it holds {foreign or 'a file'}): choose another path"
        )


def create_store(
    path: Path,
    schema: StoreSchema,
    n: int,
    *,
    recipe_hash: str,
    attributes: Mapping[str, Any],
    tables: Tables | None = None,
    parent_seal: str | None = None,
) -> StoreMeta:
    """Make a new, empty store: every ``zarr.json`` and the tables, flushed to disk.

    Parameters
    ----------
    path : Path
        New or empty folder; parents are made. What a creation cut short left there is overwritten.
    schema : StoreSchema
    n : int
        Number of samples.
    recipe_hash : str
        Hash over everything that decides the samples' values.
    attributes : mapping
        JSON values that tell a trainer all it needs (skeleton, units, camera, licences ...).
    tables : mapping of str to sequence of str or Numbers, optional
        Lists of strings and arrays of numbers by name, see `synth.store.tables`.
    parent_seal : str, optional
        For a label pass: hash of the seal it builds on, see `create_label_pass`.

    Raises
    ------
    InputError
        n below 1, or an attribute that is not JSON or has a name the store uses itself.
    StoreError
        There already is a store, or something else, at `path`.
    """
    tables = tables or {}
    _check_new(path, schema, n, attributes, tables)
    root = _root_document(schema, n, recipe_hash, attributes, tables, parent_seal)
    content = dump_json(root)
    for name, data in _static_files(schema, n, tables).items():
        make_folder((path / name).parent)
        write_whole(path / name, data)
    write_whole(path / ROOT, content)
    return open_meta(path)


def create_label_pass(
    store: Path,
    name: str,
    schema: StoreSchema,
    *,
    recipe_hash: str,
    attributes: Mapping[str, Any],
    tables: Tables | None = None,
) -> StoreMeta:
    """Make the group ``labels/NAME`` of a sealed store: a store of its own with as many samples.

    Raises
    ------
    StoreError
        The parent is not sealed, or the pass is there already.
    """
    parent = open_meta(store)
    if parent.seal is None:
        raise StoreError(
            f"{store} is not sealed: labels build on sealed stores only; finish and seal it first"
        )
    group = store / "labels"
    if not has_store(group):
        make_folder(group)
        write_whole(group / ROOT, dump_json(group_document({"description": "Label passes, by name."})))
    return create_store(
        group / name,
        schema,
        parent.n,
        recipe_hash=recipe_hash,
        attributes=attributes,
        tables=tables,
        parent_seal=parent.seal["hash"],
    )


def label_passes(store: Path) -> list[Path]:
    """List the label passes of a store that have been begun, in order of name."""
    return sorted(file.parent for file in (store / "labels").glob(f"*/{ROOT}"))


def _layout(schema: StoreSchema) -> dict[str, Any]:
    layout: dict[str, Any] = {"shard size": schema.shard_size}
    for spec in schema.arrays:
        for field in ("dtype", "inner_shape", "dims", "fill_document", "codec", "sharded"):
            name = "fill value" if field == "fill_document" else field.replace("_", " ")
            layout[f"{name} of array {spec.name}"] = getattr(spec, field)
    return layout


def _check_same(meta: StoreMeta, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    for key in [*wanted, *(key for key in found if key not in wanted)]:
        if wanted.get(key) != found.get(key):
            raise StoreError(
                f"{meta.path} cannot be resumed: its {key} is {found.get(key)!r}, this run's is "
                f"{wanted.get(key)!r}; run with what the store was begun with, or choose another path"
            )


def resume_store(
    path: Path, schema: StoreSchema, n: int, *, recipe_hash: str, tables: Tables | None = None
) -> StoreMeta:
    """Check that a store can be gone on with under this schema and recipe, and extend it if n has grown.

    Raises
    ------
    StoreError
        No store there; or shard size, an array, recipe hash or table differ (the message names the first
        difference and both values); or the store holds more than `n` samples.
    """
    meta = open_meta(path)
    _check_same(meta, {"recipe hash": recipe_hash}, {"recipe hash": meta.recipe_hash})
    _check_same(meta, _layout(schema), _layout(meta.schema))
    tables = tables or {}
    sizes = {name: table_size(table) for name, table in tables.items()}
    _check_same(meta, {"list of tables": sizes}, {"list of tables": meta.tables})
    for name, data in _static_files(schema, n, tables).items():
        if name.startswith("tables/") and (path / name).read_bytes() != data:
            raise StoreError(f"{path} cannot be resumed: {name} differs from this run's: choose another path")
    if n < meta.n:
        raise StoreError(
            f"{path} holds n = {meta.n} samples, this run asks for {n}: ask for {meta.n} or more"
        )
    return extend_store(path, n)


def extend_store(path: Path, n: int) -> StoreMeta:
    """Let a store hold `n` samples: what is committed stays, but for a last shard that was partial.

    A store that already has `n` samples is left as it is. A sealed one becomes unsealed. Cut short at any
    moment, the store still has its old n, and a second call finishes the work.

    Raises
    ------
    StoreError
        `n` is less than the store holds, or label passes build on its seal.
    """
    meta = open_meta(path)
    if n < meta.n:
        raise StoreError(f"{path} holds n = {meta.n} samples and cannot shrink to {n}")
    if n > meta.n:
        unseal(path)
    for spec in meta.schema.arrays:
        file = path / spec.name / "zarr.json"
        document = parse_json(file.read_bytes(), file)
        if document["shape"][0] != n:
            document["shape"][0] = n
            write_whole(file, dump_json(document))
    root = read_root(path)
    if root["attributes"]["n"] != n:
        root["attributes"]["n"] = n
        write_whole(path / ROOT, dump_json(root))
    return open_meta(path)


def unseal(path: Path) -> None:
    """Take the seal off a store, so that shards can be written again.

    Raises
    ------
    StoreError
        Label passes name this seal.
    """
    root = read_root(path)
    if "seal" not in root["attributes"]:
        return
    passes = label_passes(path)
    if passes:
        raise StoreError(
            f"{path} cannot be changed: {', '.join(f'labels/{p.name}' for p in passes)} build on its seal; "
            "remove them first, or make a new store"
        )
    del root["attributes"]["seal"]
    write_whole(path / ROOT, dump_json(root))
