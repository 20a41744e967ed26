"""What mosaics are made from, found in the cache or made there: image pool and match indices.

Each lies in a folder named by a hash of its content or of all it was made from, written beside its place
and renamed. What the sources gave is remembered by the paths, sizes and times of their files, so that a
second run opens none of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.cluster import Workers
from pipelines.pose_recipe import hash_of
from pipelines.progress import Progress
from pipelines.recipe import Recipe
from synth import pool_build
from synth.cache import atomic_folder, atomic_write_bytes
from synth.environment import library_versions
from synth.errors import InputError
from synth.matching import Alignment, build_index, load_index, save_index
from synth.matching.index import INDEX_VERSION
from synth.mosaic.samples import SplitIndex
from synth.pool import FORMAT_VERSION, Pool, open_pool
from synth.sources import catalog
from synth.sources.files import list_files
from synth.sources.records import Rejection
from synth.splits import SPLITS, SplitCycle

SOURCES_VERSION = 2
"""Raised whenever readers, thinning or the pool's plan would give something else from the same files."""

ENTRIES_FILE = "entries.npy"

_FEW_TASKS = 8

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Tools:
    """What every preparation needs.

    Parameters
    ----------
    cache : Path
        Cache folder.
    workers : Workers
        Where tasks run.
    progress : Progress
        What is told.
    """

    cache: Path
    workers: Workers
    progress: Progress


@dataclass(frozen=True)
class PreparedPool:
    """An image pool, and what was left out of it and of its sources."""

    pool: Pool
    rejections: tuple[Rejection, ...]


def prepare_pool(recipe: Recipe, tools: Tools) -> PreparedPool:
    """Find or make the image pool of a recipe.

    Raises
    ------
    InputError
        If a source is unknown or missing, or nobody can be used.
    """
    spec, root = recipe.sources.images, recipe.sources.data_root
    options = recipe.pool.options()
    versions = [SOURCES_VERSION, pool_build.ALGORITHM_VERSION, FORMAT_VERSION, library_versions()["opencv"]]
    make_embedded(catalog.image_sources(spec), tools)
    sources = [catalog.locate(source, root) for source in catalog.image_sources(spec)]
    pools = tools.cache / "pools"

    def build() -> dict[str, Any]:
        tools.progress.say(f"reading annotated images: {spec} ...")
        images, rejections = catalog.read_images(spec, root)
        pool = pool_build.build_pool(
            images, options, tools.cache, map=told_map(tools, "making crops", "parts")
        )
        return {"name": pool.path.name, "rejections": [asdict(item) for item in rejections]}

    key = [versions, asdict(options), file_stamps(sources)]
    known = remembered(pools, key, build, lambda found: (pools / found["name"]).is_dir())
    pool = open_pool(pools / known["name"])
    people, photographs = int(pool.usable[: pool.rows].sum()), len(np.unique(pool.photograph))
    mirrored = f", {len(pool):,} entries with mirror images" if len(pool) > pool.rows else ""
    tools.progress.say(f"image pool: {people:,} people in {photographs:,} photographs{mirrored}")
    return PreparedPool(pool, (*(Rejection(**item) for item in known["rejections"]), *pool.rejections()))


def prepare_indices(
    pool: Pool, cycle: SplitCycle, alignment: Alignment, tools: Tools
) -> tuple[tuple[int, Path], ...]:
    """Find or build the match index of every split in use.

    Returns
    -------
    tuple of (int, Path)
        Split and folder; `open_split_index` opens it.
    """
    tasks = [_index_task(pool, cycle, split, alignment, tools.cache) for split in cycle.used]
    missing = [task for task in tasks if not task.folder.is_dir()]
    if missing:
        entries = ", ".join(
            f"{SPLITS[task.split]} {len(split_entries(pool, cycle, task.split)):,}" for task in missing
        )
        tools.progress.say(f"match index: building for {entries} entries ...")
        for _ in tools.workers.map(build_split_index, missing):
            pass
    tools.progress.say(f"match index: ready ({alignment} alignment)")
    return tuple((task.split, task.folder) for task in tasks)


@dataclass(frozen=True)
class IndexTask:
    """One split's index to be built; plain values that travel between processes."""

    folder: Path
    pool: Path
    cycle: SplitCycle
    split: int
    alignment: Alignment


def build_split_index(task: IndexTask) -> None:
    """Build one split's index into its folder."""
    pool = open_pool(task.pool)
    entries = split_entries(pool, task.cycle, task.split)
    index = build_index(pool.joints[entries], pool.labelled[entries], task.alignment)
    with atomic_folder(task.folder) as folder:
        save_index(index, folder)
        np.save(folder / ENTRIES_FILE, entries)
        for file in folder.iterdir():
            with open(file, "rb") as stream:
                os.fsync(stream.fileno())


def open_split_index(folder: Path) -> SplitIndex:
    """Open what `build_split_index` made; its arrays stay on the disk."""
    return SplitIndex(load_index(folder), np.load(folder / ENTRIES_FILE))


def split_entries(pool: Pool, cycle: SplitCycle, split: int) -> NDArray[np.int32]:
    """Pool entries that the queries of one split are matched against, ascending, (E',) int32."""
    return np.flatnonzero(pool.usable & (pool.splits(cycle) == split)).astype(np.int32)


def file_stamps(sources: Sequence[catalog.Location]) -> list[Any]:
    """Path, size and time of change of every file of some sources: equal stamps, equal content."""
    stamps: list[Any] = []
    for location in sources:
        for root in dict.fromkeys(location.roots):
            names = list_files(root, *location.source.suffixes) if root.is_dir() else ("",)
            states = [(name, (root / name if name else root).stat()) for name in names]
            stamps.append([str(root.resolve()), [[name, s.st_size, s.st_mtime_ns] for name, s in states]])
    return stamps


def told_map(tools: Tools, name: str, unit: str) -> Callable[[Callable[[T], R], Sequence[T]], Iterable[R]]:
    """Make a `map` that tells how far it is; a few tasks aren't worth starting workers for."""

    def run(function: Callable[[T], R], tasks: Sequence[T]) -> Iterable[R]:
        few = len(tasks) < _FEW_TASKS
        results = map(function, tasks) if few else tools.workers.map(function, tasks)
        return tools.progress.over(results, name, len(tasks), unit)

    return run


def _index_task(pool: Pool, cycle: SplitCycle, split: int, alignment: Alignment, cache: Path) -> IndexTask:
    name = hash_of([INDEX_VERSION, pool.digest, photographs_hash(pool), cycle.sizes, split, alignment])
    return IndexTask(cache / "indices" / name, pool.path, cycle, split, alignment)


def photograph_names(pool: Pool) -> list[str]:
    """``"source/image"`` of every photograph of a pool, by its number."""
    first = np.unique(pool.photograph, return_index=True)[1]
    return [pool.photograph_key(int(row)) for row in first]


def photographs_hash(pool: Pool) -> str:
    """Hash of the photographs' names: they decide the splits."""
    return hash_of([photograph_names(pool)])


def remembered(
    folder: Path,
    key: object,
    make: Callable[[], dict[str, Any]],
    holds: Callable[[dict[str, Any]], bool] = bool,
) -> dict[str, Any]:
    """Find what was made for this key before, if that still holds; else make it and remember."""
    path = folder / "by-source" / f"{hash_of([key])}.json"
    if path.is_file():
        known: dict[str, Any] = json.loads(path.read_text())
        if holds(known):
            return known
    known = make()
    atomic_write_bytes(path, json.dumps(known).encode())
    return known


def check_images(recipe: Recipe) -> None:
    """Make sure that the image sources are there, before anything is begun.

    Raises
    ------
    InputError
        If one is unknown or missing, or frames of one film would be shared among splits.
    """
    for source in catalog.image_sources(recipe.sources.images):
        if source.filmed and len(recipe.output.cycle.used) > 1:
            raise InputError(
                f"photographs are shared among splits one by one, and the frames of {source.name} are too much "
                "alike for that; make a single split with --splits 1:0:0"
            )
        if not source.embedded:
            catalog.locate(source, recipe.sources.data_root)


def make_embedded(sources: Iterable[catalog.Source], tools: Tools) -> None:
    """Make the sources that this program makes itself, unless they were made before."""
    for source in sources:
        if source.make is not None:
            source.make(told_map(tools, source.making, source.tasks))
