"""A small data set whose samples follow from their ids, for the tests of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.store.commits import pending_shards
from synth.store.create import create_store, resume_store
from synth.store.metadata import StoreMeta, has_store
from synth.store.schema import ArraySpec, StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.writer import ShardWriter

SIDE = 6
RECIPE = "recipe-1"
TABLES = {"files": ["a/01.amc", "b/grün.jpg", "", "日本.jpg"]}
JOINTS = ArraySpec(
    "joints2d", "float32", (2, 2), ("joint", "xy"), "Joints in the box.", "px", fill=float("nan")
)
SOURCE = ArraySpec("source", "int32", (), (), "Index into the table files.", fill=-1, codec="none")


def schema(shard_size: int = 3, codec: str = "zstd:1") -> StoreSchema:
    return StoreSchema((image_spec(codec, SIDE), JOINTS, SOURCE), shard_size)


def image(sample: int) -> NDArray[np.uint8]:
    """Sample 1 is all black, the others are noise."""
    if sample == 1:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    return np.random.default_rng([7, sample]).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def images(n: int) -> NDArray[np.uint8]:
    return np.stack([image(i) for i in range(n)])


def labels(start: int, stop: int) -> dict[str, NDArray[Any]]:
    ids = np.arange(start, stop)
    joints = ids[:, None, None] + np.array([[0, 0.25], [0.5, 0.75]])
    return {"joints2d": joints.astype(np.float32), "source": (ids % 4).astype(np.int32)}


def create(path: Path, n: int, **options: Any) -> StoreMeta:
    return create_store(
        path,
        schema(**options),
        n,
        recipe_hash=RECIPE,
        attributes={"skeleton": ["hip", "head"]},
        tables=TABLES,
    )


def write_shard(path: Path, shard: int, failures: dict[int, str] | None = None) -> None:
    failures = failures or {}
    with ShardWriter(path, shard) as writer:
        for sample in range(writer.start, writer.stop):
            if sample in failures:
                writer.skip()
            else:
                writer.add(images=image(sample))
        writer.commit(labels(writer.start, writer.stop), failures)


def finish(path: Path, n: int, **options: Any) -> str:
    """Make, or go on with, the store of `n` samples, and seal it: what a run does."""
    if has_store(path):
        resume_store(path, schema(**options), n, recipe_hash=RECIPE, tables=TABLES)
    else:
        create(path, n, **options)
    for shard in pending_shards(path):
        write_shard(path, shard)
    return seal(path)


def content(path: Path) -> dict[str, bytes]:
    """Every file of a store, by relative path."""
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }
