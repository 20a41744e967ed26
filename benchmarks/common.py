"""What the benchmarks share: a pool of 80,000 poses, real queries, timing, and the line that each ends with.

The pool: LSP-extended's people as `build_pool` makes them, with their mirror images, repeated up to
80,000 entries with every joint moved at random (Gaussian, 3 px). An entry's pixels are those of the
person it was made from. The mirror images' pixels are written out as well, so that more than 10,000 crops
(4 GB) lie behind the entries and memory behaves as with 80,000 different people: a pool of half that many
photographs, mirrored, shares pixels in the same way. It is made once, under the cache folder, and found
again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synth import matching
from synth.cache import atomic_folder, cache_dir
from synth.cameras import BODY13_OF_H36M17, CROP
from synth.crops import on_grid
from synth.errors import InputError
from synth.matching import Alignment, MatchIndex, build_index, load_index, save_index
from synth.mosaic.samples import MosaicEngine, MosaicParts, SplitIndex, ViewChoice
from synth.pool import (
    CROPS_FILE,
    FORMAT_VERSION,
    IMAGES_FILE,
    MANIFEST_FILE,
    REJECTIONS_FILE,
    Pool,
    open_pool,
)
from synth.pool_build import build_pool
from synth.pool_crops import create_crops
from synth.pool_plan import PoolOptions
from synth.poses import build_library
from synth.queries import make_queries
from synth.query_plan import QueryPlan, plan_queries
from synth.sources.catalog import iter_motion, read_images
from synth.splits import SplitCycle
from synth.store.create import create_store
from synth.store.samples import sample_schema
from synth.store.writer import ShardWriter
from synth.triangulation import triangulate

ENTRIES = 80_000
JITTER = 3.0
LEAST_CROPS = 7000
SEED = 0
VERSION = 1
"""Raised whenever the benchmark's pool is made differently, so that an older one is not found."""

DEFAULT_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"

T = TypeVar("T")


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Options of every benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data-root",
        type=Path,
        default=Path(os.environ.get("SYNTH_DATA") or DEFAULT_DATA),
        help="folder of the sources (default: $SYNTH_DATA, else ../shared/data)",
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the best counts")
    return parser


def benchmark_parts(data_root: Path, attempts: int = 1) -> MosaicParts:
    """Everything that samples are made of; all of them are training samples.

    With one attempt every query is matched once, as the plain version does it.
    """
    pool = benchmark_pool(data_root)
    index = benchmark_index(pool)
    whole = SplitIndex(index, np.arange(len(pool), dtype=np.int32))
    return MosaicParts(benchmark_plan(data_root), pool, {0: whole}, views=ViewChoice(attempts=attempts))


def benchmark_pool(data_root: Path) -> Pool:
    """Open the pool of 80,000 entries; the first time it takes some minutes and 6 GB of the cache folder."""
    sources, _ = read_images("lspet", data_root)
    people = build_pool(sources, PoolOptions(), cache_dir())
    path = cache_dir() / "bench" / f"{people.hash}-{ENTRIES}-v{VERSION}"
    if not path.is_dir():
        with atomic_folder(path) as folder:
            _fill_pool(folder, path.name, people)
    pool = open_pool(path)
    print(
        f"pool: {len(pool)} poses over {pool.rows} real crops ({people.rows} people of LSP-extended and "
        f"their mirror images, {pool.crops.nbytes / 1e9:.1f} GB); poses beyond these jittered by {JITTER:g} px"
    )
    if len(pool) < ENTRIES or pool.rows < LEAST_CROPS:
        raise SystemExit(f"the pool has {len(pool)} poses over {pool.rows} crops: too few for this benchmark")
    return pool


def _fill_pool(folder: Path, name: str, people: Pool) -> None:
    """Write the enlarged pool as `build_pool` lays one out.

    Rows 0 to 2M-1 are the crops and the written-out mirror images; entry e >= 2M shows row e mod 2M mirrored.
    """
    usable = np.flatnonzero(people.usable[: people.rows])
    rows = 2 * len(usable)
    _write_crops(folder / CROPS_FILE, people, usable)
    joints, labelled = _enlarge(people, usable, rows)
    valid, triangles = _entry_geometry(people, usable, joints, labelled)
    transform = np.tile(people.transform[usable], (2, 1, 1))
    transform[len(usable) :, 0] *= -1
    transform[len(usable) :, 0, 2] += CROP - 1
    arrays = {
        "joints": joints,
        "labelled": labelled,
        "valid": valid,
        "triangles": triangles,
        "usable": np.ones(ENTRIES, bool),
        "transform": transform,
    } | {key: np.tile(getattr(people, key)[usable], 2) for key in ("source", "image", "person", "photograph")}
    for key, array in arrays.items():
        np.save(folder / f"{key}.npy", array)
    manifest = {"format_version": FORMAT_VERSION, "hash": name, "digest": name, "sources": people.sources}
    (folder / IMAGES_FILE).write_text(json.dumps(people.image_names))
    (folder / REJECTIONS_FILE).write_text("[]")
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))


def _write_crops(path: Path, people: Pool, usable: NDArray[np.intp]) -> None:
    create_crops(path, 2 * len(usable), CROP)
    crops = np.load(path, mmap_mode="r+")
    for place, row in enumerate(usable.tolist()):
        crops[place] = people.crops[row]
        crops[len(usable) + place] = people.crops[row, :, ::-1]
    crops.flush()


def _enlarge(
    people: Pool, usable: NDArray[np.intp], rows: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Joints and labels of all entries: the real ones, then mirrored and jittered copies of them in turn."""
    real = np.concatenate([usable, usable + people.rows])
    partner = np.concatenate([usable + people.rows, usable])
    row = np.arange(ENTRIES) % rows
    entry = np.where(np.arange(ENTRIES) < rows, real[row], partner[row])
    labelled = people.labelled[entry]
    moved = people.joints[entry].astype(np.float64)
    moved[rows:] += np.random.default_rng(SEED).normal(scale=JITTER, size=moved[rows:].shape)
    joints = np.where(labelled[..., None], on_grid(np.clip(moved, 0, CROP - 1)), np.float32(0))
    return joints, labelled


def _entry_geometry(
    people: Pool, usable: NDArray[np.intp], joints: NDArray[np.float32], labelled: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Make the valid rectangles and triangles of all entries."""
    rows = 2 * len(usable)
    of_rows = np.concatenate([people.valid[usable], people.valid[usable + people.rows]])
    x0, y0, x1, y1 = of_rows.T
    mirrored = np.stack([CROP - 1 - x1, y0, CROP - 1 - x0, y1], axis=1)
    row = np.arange(ENTRIES) % rows
    valid = np.where((np.arange(ENTRIES) < rows)[:, None], of_rows[row], mirrored[row]).astype(np.float32)
    made = [
        triangulate(pose, known, CROP) for pose, known in zip(joints[rows:], labelled[rows:], strict=True)
    ]
    of_people = [people.triangles[usable], people.triangles[usable + people.rows]]
    return valid, np.concatenate([*of_people, np.stack(made)])


def benchmark_index(pool: Pool, alignment: Alignment = "rigid") -> MatchIndex:
    """Build the match index of a pool, or find it in the cache, keyed by the code that builds it."""
    path = cache_dir() / "bench" / f"{pool.hash}-{alignment}-{_index_code()}"
    if not path.is_dir():
        start = time.perf_counter()
        index = build_index(pool.joints, pool.labelled, alignment)
        print(f"index: built in {time.perf_counter() - start:.1f} s")
        with atomic_folder(path) as folder:
            save_index(index, folder)
    return load_index(path)


def _index_code() -> str:
    """Hash of the sources that decide the index's bytes, so that a change of the tree is measured."""
    folder = Path(matching.__file__).parent
    names = ("index.py", "limbs.py", "tree.py")
    return hashlib.blake2b(
        b"".join((folder / name).read_bytes() for name in names), digest_size=6
    ).hexdigest()


def benchmark_plan(data_root: Path) -> QueryPlan:
    """Plan queries from all clips of CMU and HDM05; every sample id is a training sample."""
    library, _ = build_library(iter_motion("cmu+hdm05", data_root))
    print(f"queries: {len(library)} poses of {len(library.subjects)} subjects of CMU and HDM05")
    return plan_queries(library, SplitCycle(1, 0, 0), SEED)


def body_queries(plan: QueryPlan, ids: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """2D joints (N, 13, 2) and which to search, (N, 13), of some sample ids."""
    made = make_queries(plan, ids)
    joints = made.joints2d[:, BODY13_OF_H36M17].astype(np.float64)
    return joints, ~made.self_occluded[:, BODY13_OF_H36M17]


def seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Wall time of a call, and what it returned."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def best_of(repeats: int, work: Callable[[], T]) -> tuple[float, T]:
    """Shortest wall time of several calls, and what the last one returned."""
    times = []
    for _ in range(repeats):
        elapsed, result = seconds(work)
        times.append(elapsed)
    return min(times), result


def report(name: str, ratio: float, vs: str, value: float, unit: str) -> None:
    """Print the line that a machine reads."""
    print(f"bench {name} ratio={ratio:.1f} vs={vs} value={value:.1f} unit={unit}")


def new_store(path: Path, samples: int, shard_size: int) -> Path:
    """Create an empty store of mosaics, encoded as by default (zstd)."""
    create_store(path, sample_schema(shard_size=shard_size), samples, recipe_hash="benchmark", attributes={})
    return path


def write_shard(engine: MosaicEngine, store: Path, shard: int) -> int:
    """Make, encode and commit one shard; returns its number of samples."""
    with ShardWriter(store, shard) as writer:
        batch = engine.prepare(np.arange(writer.start, writer.stop))
        coverage, failures = [], {}
        for sample, made in enumerate(engine.pictures(batch), start=writer.start):
            if isinstance(made, InputError):
                writer.skip()
                failures[sample] = str(made)
                coverage.append(0.0)
            else:
                writer.add(images=made[0])
                coverage.append(made[1])
        writer.commit(engine.labels(batch, coverage), failures)
        return writer.rows
