"""Label passes: begin one, or go on with one that was begun.

A pass is the store ``STORE/labels/NAME``, with as many samples and the same ids as the store it belongs to.
It is written by `ShardWriter`, sealed by `seal` and read by `open_store` like any other; its root names the
seal it builds on, so that labels are never read beside samples they were not made from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth.errors import InputError, StoreError
from synth.store.create import create_label_pass, label_passes, resume_store
from synth.store.metadata import StoreMeta, has_store, open_meta
from synth.store.schema import StoreSchema
from synth.store.seal import check_parent
from synth.store.tables import Tables

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


def label_path(store: Path, name: str) -> Path:
    """Where the label pass of a name is.

    Raises
    ------
    InputError
        The name cannot be one.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"label pass name {name!r}: expected lower case letters, digits, '_', '-' and '.', "
            "a letter or digit first"
        )
    return store / "labels" / name


def require_label_pass(store: Path, name: str) -> Path:
    """Find a label pass of a store that was begun.

    Raises
    ------
    InputError
        There is none of that name; the message lists those there are.
    """
    path = label_path(store, name)
    if not has_store(path):
        there = ", ".join(other.name for other in label_passes(store)) or "none"
        raise InputError(f"{store} has no label pass {name!r}; it has {there}")
    return path


def begin_label_pass(
    store: Path,
    name: str,
    schema: StoreSchema,
    *,
    recipe_hash: str,
    attributes: Mapping[str, Any],
    tables: Tables | None = None,
) -> StoreMeta:
    """Make a label pass, or get the one of that name ready to go on.

    Parameters
    ----------
    store : Path
        A sealed store.
    name : str
        Name of the pass: lower case letters, digits, ``_``, ``-`` and ``.``.
    schema : StoreSchema
        Its arrays; usually of the store's shard size, so that one task reads and writes one shard.
    recipe_hash : str
        Hash over everything that decides the labels, apart from the store's own content.
    attributes : mapping
        JSON values, as of `create_store`. The value of ``recipe``, a mapping, names what differs when a pass
        of another recipe is refused.
    tables : mapping of str to sequence of str or Numbers, optional

    Raises
    ------
    InputError
        The name cannot be one.
    StoreError
        The store isn't sealed, or the pass there was made by another recipe or from another seal.
    """
    path = label_path(store, name)
    if not has_store(path):
        return create_label_pass(
            store, name, schema, recipe_hash=recipe_hash, attributes=attributes, tables=tables
        )
    meta = open_meta(path)
    check_label_pass(meta, recipe_hash, attributes.get("recipe", {}))
    return resume_store(path, schema, meta.n, recipe_hash=recipe_hash, tables=tables)


def check_label_pass(meta: StoreMeta, recipe_hash: str, recipe: Mapping[str, Any]) -> None:
    """Make sure that a label pass builds on its store's seal and was begun by this recipe.

    Raises
    ------
    StoreError
        It doesn't or wasn't; the message names the options that differ.
    """
    problem = check_parent(meta)
    if problem:
        raise StoreError(f"{meta.path} {problem}; remove it first, or give the pass another name")
    if meta.recipe_hash != recipe_hash:
        was = meta.attributes.get("recipe", {})
        differ = [key for key in {**was, **recipe} if was.get(key) != recipe.get(key)]
        named = "; ".join(f"{key} is {was.get(key)} there, {recipe.get(key)} now" for key in differ)
        raise StoreError(
            f"{meta.path} was begun otherwise ({named or 'by another version of the program'}): remove it "
            "first, or give the pass another name"
        )
