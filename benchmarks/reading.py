"""Stores of photographs for the benchmarks of reading, and how other programs open them.

4,000 people of LSP-extended, cut to the box, with their 2D joints; made once in each codec, under the cache
folder.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts
import zarr

from synth.cache import atomic_folder, cache_dir
from synth.cameras import BOX, CROP
from synth.pool import Pool
from synth.pool_build import build_pool
from synth.pool_plan import PoolOptions
from synth.sources.catalog import read_images
from synth.store.create import create_store
from synth.store.schema import ArraySpec, StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.writer import ShardWriter
from synth.store.zarr_jpeg import register

PICTURES = 4000
SHARD = 500
CODECS = ("zstd:1", "jpeg:95", "none")
VERSION = 1
"""Raised whenever the stores are made differently, so that older ones are not found."""

_JOINTS = ArraySpec("joints2d", "float32", (13, 2), ("joint", "xy"), "joints", "px")
_MARGIN = (CROP - BOX) // 2


def reading_stores(data_root: Path) -> dict[str, Path]:
    """Find or make a store of each codec."""
    people = functools.cache(
        lambda: build_pool(read_images("lspet", data_root)[0], PoolOptions(), cache_dir())
    )
    paths = {
        codec: cache_dir() / "bench" / f"reading-{codec.replace(':', '')}-v{VERSION}.zarr" for codec in CODECS
    }
    for codec, path in paths.items():
        if not path.is_dir():
            with atomic_folder(path) as folder:
                _make_store(folder, codec, people())
    return paths


def _make_store(path: Path, codec: str, people: Pool) -> None:
    rows = np.flatnonzero(people.usable[: people.rows])[:PICTURES]
    if len(rows) < PICTURES:
        raise SystemExit(f"{len(rows)} usable photographs: this benchmark takes {PICTURES}")
    create_store(
        path, StoreSchema((image_spec(codec), _JOINTS), SHARD), PICTURES, recipe_hash="b", attributes={}
    )
    box = slice(_MARGIN, _MARGIN + BOX)
    for shard in range(PICTURES // SHARD):
        with ShardWriter(path, shard) as writer:
            mine = rows[writer.start : writer.stop]
            for row in mine.tolist():
                writer.add(images=np.ascontiguousarray(people.crops[row, box, box]))
            writer.commit({"joints2d": people.joints[mine].astype(np.float32) - np.float32(_MARGIN)})
    seal(path)


def zarr_images(path: Path) -> Any:
    """The pictures as plain zarr opens them."""
    register()
    return zarr.open_group(str(path), mode="r")["images"]


def tensorstore_images(path: Path) -> Any:
    """The pictures as tensorstore opens them; it knows no JPEG of ours."""
    return ts.open({"driver": "zarr3", "kvstore": {"driver": "file", "path": f"{path / 'images'}/"}}).result()


def cores() -> int:
    """Processor cores that this process may use: as many threads or workers does everyone get."""
    return len(os.sched_getaffinity(0))


def warm(path: Path) -> None:
    """Bring a store's files into the page cache."""
    for file in sorted(path.rglob("*")):
        if file.is_file():
            file.read_bytes()
