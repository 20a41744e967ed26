"""Making an image pool in the cache, or finding it there.

Pool folders are named by a hash of all they are made from, and appear whole or not at all.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_folder, atomic_write, atomic_write_bytes
from synth.errors import DiskSpaceError, InputError
from synth.pool import (
    CROPS_FILE,
    FORMAT_VERSION,
    IMAGES_FILE,
    MANIFEST_FILE,
    REJECTIONS_FILE,
    Pool,
    open_pool,
)
from synth.pool_crops import CropRows, CropTask, create_crops, crop_tasks, join_rows, write_crops
from synth.pool_plan import PoolOptions, PoolPlan, plan_pool
from synth.skeletons import BODY13
from synth.sources.files import fingerprint
from synth.sources.records import AnnotatedImages, Rejection
from synth.triangulation import mirror_triangles

ALGORITHM_VERSION = 3
"""Grows whenever the same photographs and options would give other bytes."""

RunTasks = Callable[[Callable[[CropTask], CropRows], Sequence[CropTask]], Iterable[CropRows]]
"""How tasks are run: the built-in `map`, or a driver's own over many processes."""


def build_pool(
    images: Sequence[AnnotatedImages],
    options: PoolOptions,
    cache: Path,
    map: RunTasks = map,
    rows_per_task: int = 256,
) -> Pool:
    """Find the pool of these photographs and options in the cache, or make it.

    Parameters
    ----------
    images : sequence of AnnotatedImages
        Sources, in the pool's order.
    options : PoolOptions
        Scale, size and filters.
    cache : Path
        Cache folder; the pool is ``pools/HASH`` in it. Workers on other hosts must see it under this path.
    map : callable
        Runs a function over tasks and returns the results in the tasks' order, as the built-in `map` does; a
        driver of many processes passes its own.
    rows_per_task : int
        Crops made by one task; it changes no byte.

    Returns
    -------
    Pool

    Raises
    ------
    InputError
        If no person passes the filters or no photograph can be read.
    DiskSpaceError
        If the crops would not fit on the cache's disk.
    """
    plan = plan_pool(images, options)
    if not len(plan):
        raise InputError(
            f"the image pool is empty: {_counted(plan.rejections)}; add sources or relax the filters"
        )
    name = content_hash(images, plan, options)
    path = cache / "pools" / name
    if not path.is_dir():
        with atomic_folder(path) as folder:
            crops = folder / CROPS_FILE
            _require_space(folder, len(plan) * options.size**2 * 3)
            create_crops(crops, len(plan), options.size)
            rows = join_rows(list(map(write_crops, crop_tasks(images, plan, options, crops, rows_per_task))))
            if not rows.usable.any():
                raise InputError(f"the image pool is empty: {_counted(rows.rejections)}")
            _finish(folder, name, images, plan, rows, options)
    return open_pool(path)


def content_hash(images: Sequence[AnnotatedImages], plan: PoolPlan, options: PoolOptions) -> str:
    """Name of a pool: a hash of the photographs' content, the annotations, the options and the algorithm.

    Parameters
    ----------
    images : sequence of AnnotatedImages
        Sources, in the pool's order. The photographs that the plan uses are read once from end to end.
    plan : PoolPlan
        Tells which photographs those are.
    options : PoolOptions
        All of them count.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    made_with = {
        "algorithm": ALGORITHM_VERSION,
        "format": FORMAT_VERSION,
        "opencv": cv2.__version__,
        "options": dataclasses.asdict(options),
    }
    digest = hashlib.blake2b(json.dumps(made_with, sort_keys=True).encode(), digest_size=16)
    for number, source in enumerate(images):
        used = np.unique(plan.image[plan.source == number])
        content = fingerprint(source.root, [source.images[image] for image in used])
        digest.update(json.dumps([source.source, source.images, content]).encode())
        for array in (source.image_of, source.person, source.joints, source.labelled):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskSpaceError(
            f"the image pool needs {needed / 1e9:.1f} GB and {folder.parent} has {free / 1e9:.1f} GB free; "
            "make room or set $SYNTH_CACHE to a larger disk"
        )


def _finish(
    folder: Path,
    name: str,
    images: Sequence[AnnotatedImages],
    plan: PoolPlan,
    rows: CropRows,
    options: PoolOptions,
) -> None:
    """Write all but the crops; the manifest comes last."""
    arrays = _entry_arrays(plan, rows, options) | _row_arrays(plan)
    digest = hashlib.blake2b(rows.checksum.tobytes(), digest_size=16)
    for key, array in arrays.items():
        digest.update(key.encode() + np.ascontiguousarray(array).tobytes())
        with atomic_write(folder / f"{key}.npy") as file:
            np.save(file, array)
    rejections = (*plan.rejections, *rows.rejections)
    manifest = {
        "format_version": FORMAT_VERSION,
        "hash": name,
        "digest": digest.hexdigest(),
        "sources": [source.source for source in images],
        "rows": len(plan),
        "entries": len(arrays["usable"]),
        "usable": int(arrays["usable"].sum()),
        "rejected": _counted(rejections),
        "options": dataclasses.asdict(options),
        "algorithm_version": ALGORITHM_VERSION,
    }
    _write_json(folder / IMAGES_FILE, [source.images for source in images])
    _write_json(folder / REJECTIONS_FILE, [dataclasses.asdict(item) for item in rejections])
    _write_json(folder / MANIFEST_FILE, manifest)


def _row_arrays(plan: PoolPlan) -> dict[str, NDArray[Any]]:
    starts = np.ones(len(plan), dtype=bool)
    starts[1:] = (np.diff(plan.source) != 0) | (np.diff(plan.image) != 0)
    return {
        "source": plan.source,
        "image": plan.image,
        "person": plan.person,
        "photograph": (np.cumsum(starts) - 1).astype(np.int32),
        "transform": plan.transform,
    }


def _entry_arrays(plan: PoolPlan, rows: CropRows, options: PoolOptions) -> dict[str, NDArray[Any]]:
    arrays = {
        "joints": plan.joints,
        "labelled": plan.labelled,
        "valid": rows.valid,
        "triangles": rows.triangles,
        "usable": rows.usable,
    }
    if not options.mirror:
        return arrays
    mirrored = _mirrored(arrays, options.size)
    return {name: np.concatenate([array, mirrored[name]]) for name, array in arrays.items()}


def _mirrored(entries: dict[str, NDArray[Any]], size: int) -> dict[str, NDArray[Any]]:
    """Entry arrays of the mirror images: x -> size - 1 - x, the sides' joints exchanged."""
    last = np.float32(size - 1)
    labelled = entries["labelled"][:, BODY13.mirror]
    joints = entries["joints"][:, BODY13.mirror]
    joints[..., 0] = np.where(labelled, last - joints[..., 0], np.float32(0))
    x0, y0, x1, y1 = entries["valid"].T
    return {
        "joints": joints,
        "labelled": labelled,
        "valid": np.stack([last - x1, y0, last - x0, y1], axis=1),
        "triangles": mirror_triangles(entries["triangles"]),
        "usable": entries["usable"],
    }


def _counted(rejections: Sequence[Rejection]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for item in rejections:
        counts[item.reason] += item.count
    return dict(sorted(counts.items()))


def _write_json(path: Path, content: object) -> None:
    atomic_write_bytes(path, json.dumps(content, indent=1).encode())
