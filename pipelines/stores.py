"""From a plan of a store to a sealed store: begin or go on, make the pending shards, count failures, seal."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.shards import ShardOutcome
from synth.differences import differences
from synth.errors import DiskSpaceError, InputError, StoreError, TooManyFailuresError
from synth.store.commits import committed_shards, pending_shards
from synth.store.create import create_store, resume_store
from synth.store.files import clean_leftovers
from synth.store.metadata import StoreMeta, has_store, open_meta
from synth.store.schema import StoreSchema
from synth.store.seal import seal

Resume = Literal["auto", "never", "require"]

_SPARE = 1.05
"""Free space wanted, as a multiple of what the store is estimated to take."""

FEWER_BYTES = "make room, ask for fewer samples, or choose --codec jpeg:95"
"""What to do when a store of pictures doesn't fit."""


@dataclass(frozen=True)
class StorePlan:
    """A store to be made: arguments of `create_store`.

    Parameters
    ----------
    path : Path
    schema : StoreSchema
    n : int
        Number of samples.
    recipe_hash : str
    attributes : mapping
        JSON values; ``recipe`` and ``inputs`` in them name what differs when another recipe is refused.
    tables : mapping of str to sequence of str
    """

    path: Path
    schema: StoreSchema
    n: int
    recipe_hash: str
    attributes: Mapping[str, Any]
    tables: Mapping[str, Sequence[str]]


def check_place(path: Path, resume: Resume) -> StoreMeta | None:
    """Look at where a store shall be, before anything is prepared.

    Returns
    -------
    StoreMeta or None
        The store to go on with, None for a new one.

    Raises
    ------
    InputError
        A store is there and shall not be, or the reverse; or something else is there.
    """
    if has_store(path):
        if resume == "never":
            raise InputError(f"{path} exists; choose another --out, or go on with it by --resume auto")
        return open_meta(path)
    if resume == "require":
        raise InputError(
            f"there is no store at {path} to resume; give its path, or --resume auto to begin one"
        )
    if path.is_file() or (path.is_dir() and any(path.glob("*")) and not (path / "commits").is_dir()):
        raise InputError(f"{path} exists and is no store; choose another --out")
    return None


def check_same_recipe(meta: StoreMeta, recipe: Mapping[str, Any], tables: Sequence[str]) -> None:
    """Compare some tables of a recipe with the one that a store was begun with.

    Raises
    ------
    StoreError
        They differ; every difference is named.
    """
    both = (meta.attributes.get("recipe", {}), recipe)
    there, here = ({key: value for key, value in each.items() if key in tables} for each in both)
    if named := differences(there, here):
        raise StoreError(f"{meta.path} was begun with another recipe: {named}; choose another --out")


def check_layout(meta: StoreMeta, n: int, shard_size: int, codec: str | None) -> None:
    """Compare the size and layout asked for with those of a store that is there; no codec: without pictures.

    Raises
    ------
    StoreError
        They differ, or the store holds more than `n` samples.
    """
    if n < meta.n:
        raise StoreError(
            f"{meta.path} holds n = {meta.n} samples, this run asks for {n}; ask for {meta.n} or more"
        )
    options: list[tuple[str, object, object]] = [("--shard-size", meta.schema.shard_size, shard_size)]
    if codec is not None:
        options.append(("--codec", meta.schema.array("images").codec, codec))
    for option, was, now in options:
        if was != now:
            raise StoreError(
                f"{meta.path} was begun with {option} {was}, not {now}; give {option} {was} to go on"
            )


def begin(plan: StorePlan) -> StoreMeta:
    """Make the store, or get one that is there ready to go on.

    Raises
    ------
    StoreError
        The store there was made by another recipe, from other inputs, or holds more samples.
    """
    if not has_store(plan.path):
        return create_store(
            plan.path,
            plan.schema,
            plan.n,
            recipe_hash=plan.recipe_hash,
            attributes=plan.attributes,
            tables=plan.tables,
        )
    meta = open_meta(plan.path)
    if meta.recipe_hash != plan.recipe_hash:
        check_same_recipe(meta, plan.attributes["recipe"], tuple(plan.attributes["recipe"]))
        was, now = meta.attributes.get("inputs", {}), plan.attributes["inputs"]
        changed = [name.replace("_", " ") for name in now if was.get(name) != now[name]]
        what = " and ".join(changed) or "the program's algorithm"
        raise StoreError(
            f"{plan.path} cannot be resumed: {what} changed since it was begun; choose another --out"
        )
    return resume_store(plan.path, plan.schema, plan.n, recipe_hash=plan.recipe_hash, tables=plan.tables)


def samples_in(meta: StoreMeta, shards: Sequence[int]) -> int:
    """Count the samples of some shards."""
    return sum(stop - start for start, stop in map(meta.bounds, shards))


def committed_samples(meta: StoreMeta | None) -> int:
    """Count the samples of a store that are committed; 0 where there is no store."""
    return 0 if meta is None else samples_in(meta, list(committed_shards(meta.path)))


def require_space(path: Path, needed: float, remedy: str = FEWER_BYTES) -> None:
    """Make sure that a disk holds what is to be written, with a little to spare.

    Parameters
    ----------
    path : Path
        Where it is to be.
    needed : float
        Bytes.
    remedy : str
        What the user can do.

    Raises
    ------
    DiskSpaceError
        It does not.
    """
    free = free_space(path)
    if needed * _SPARE > free:
        raise DiskSpaceError(
            f"{path} needs about {needed / 1e9:.2f} GB and its disk has {free / 1e9:.2f} GB free; {remedy}"
        )


def free_space(path: Path) -> int:
    """Free bytes on the disk where a path is or will be."""
    place = path.resolve()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def make_shards(
    meta: StoreMeta,
    outcomes: Iterator[ShardOutcome],
    done: Callable[[ShardOutcome], None],
    max_fail_rate: float,
) -> None:
    """Go through the outcomes of all pending shards.

    Parameters
    ----------
    meta : StoreMeta
        The store.
    outcomes : iterator of ShardOutcome
        In the order in which they come.
    done : callable
        Told each one.
    max_fail_rate : float
        Share of the store's samples that may fail.

    Raises
    ------
    TooManyFailuresError
        A shard was stopped by a failure, or already more samples failed than the whole store may have.
    """
    failed = 0
    for outcome in outcomes:
        done(outcome)
        sample, reason = next(iter(outcome.failures.items()), (-1, ""))
        if not outcome.committed:
            raise TooManyFailuresError(f"sample {sample} failed: {reason}; the store stays unsealed")
        failed += len(outcome.failures)
        if failed > max_fail_rate * meta.n:
            raise TooManyFailuresError(_too_many(meta, failed, max_fail_rate, sample, reason))


def finish(path: Path, max_fail_rate: float) -> int:
    """Seal a store whose shards are all committed; how many samples failed.

    Raises
    ------
    TooManyFailuresError
        More than `max_fail_rate` of its samples failed.
    StoreError
        It is not whole.
    """
    meta = open_meta(path)
    failures = {
        sample: reason
        for record in committed_shards(path).values()
        for sample, reason in record.failures.items()
    }
    if len(failures) > max_fail_rate * meta.n:
        sample, reason = next(iter(failures.items()))
        raise TooManyFailuresError(_too_many(meta, len(failures), max_fail_rate, sample, reason))
    clean_leftovers(path)  # of workers that died on the way and whose shards others made
    seal(path)
    return len(failures)


def pending(meta: StoreMeta) -> list[int]:
    """Shards that are to be made, failed samples tried again; what dead processes left is removed."""
    clean_leftovers(meta.path)
    return pending_shards(meta.path)


def _too_many(meta: StoreMeta, failed: int, rate: float, sample: int, reason: str) -> str:
    return (
        f"{failed:,} of {meta.n:,} samples failed, more than --max-fail-rate {rate:g} allows "
        f"(sample {sample}: {reason}); {meta.path} stays unsealed"
    )
