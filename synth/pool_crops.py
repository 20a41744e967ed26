"""Making a pool's crops: the unit of work that one process does, and what it hands back."""

from __future__ import annotations

import dataclasses
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from synth.crops import valid_rectangle, warp_crop
from synth.pool_plan import PoolOptions, PoolPlan, person_name, take_rows
from synth.sources.images import load_image
from synth.sources.records import AnnotatedImages, DamagedItemError, Rejection
from synth.triangulation import MAX_TRIANGLES, triangulate

_NOTHING: NDArray[np.float32] = np.array([0, 0, -1, -1], dtype=np.float32)
_NOTHING.setflags(write=False)


@dataclass(frozen=True)
class CropTask:
    """Some rows of a pool's crops, with only what making them needs: small enough to send to a worker.

    Parameters
    ----------
    path : Path
        The pool's crops, an `.npy` file of its final size.
    first_row : int
        Row of the task's first crop in that file.
    images : tuple of AnnotatedImages
        The photographs of these rows, without people.
    plan : PoolPlan
        The rows; `source` and `image` are positions in `images`.
    options : PoolOptions
        Options of the pool.
    """

    path: Path
    first_row: int
    images: tuple[AnnotatedImages, ...]
    plan: PoolPlan
    options: PoolOptions


@dataclass(frozen=True)
class CropRows:
    """What became of a task's rows beside their pixels.

    Parameters
    ----------
    usable : (n,) bool
        Whether the row has a crop: its photograph could be read.
    valid : (n, 4) float32
        x0, y0, x1, y1 of the part of the crop that shows the photograph.
    triangles : (n, 28, 3) int8
        Delaunay triangles, padded with -1.
    checksum : (n,) uint32
        CRC-32 of the crop's bytes.
    rejections : tuple of Rejection
        People whose photograph could not be read.
    """

    usable: NDArray[np.bool_]
    valid: NDArray[np.float32]
    triangles: NDArray[np.int8]
    checksum: NDArray[np.uint32]
    rejections: tuple[Rejection, ...]


def crop_tasks(
    images: Sequence[AnnotatedImages], plan: PoolPlan, options: PoolOptions, path: Path, rows: int = 256
) -> list[CropTask]:
    """Divide a pool into tasks of `rows` crops."""
    return [_crop_task(images, plan, options, path, first, rows) for first in range(0, len(plan), rows)]


def _crop_task(
    images: Sequence[AnnotatedImages],
    plan: PoolPlan,
    options: PoolOptions,
    path: Path,
    first: int,
    rows: int,
) -> CropTask:
    part = take_rows(plan, slice(first, first + rows))
    used, source = np.unique(part.source, return_inverse=True)
    image = part.image.copy()
    photographs = []
    for position, number in enumerate(used):
        chosen, image[source == position] = np.unique(part.image[source == position], return_inverse=True)
        photographs.append(images[number].photographs(chosen))
    part = dataclasses.replace(part, source=source.astype(np.int16), image=image)
    return CropTask(path, first, tuple(photographs), part, options)


def create_crops(path: Path, rows: int, size: int) -> None:
    """Make the `.npy` file of all crops, (rows, size, size, 3) uint8, zeros that take no space yet."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rows, size, size, 3)}
    with open(path, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + rows * size * size * 3)


def write_crops(task: CropTask) -> CropRows:
    """Make one task's crops and write them to their place in the pool's file.

    Tasks of one pool may run at the same time, in any order, on several hosts, and again: each writes its own
    rows only, by ordinary writes (pages of a memory map would be shared with the neighbours' rows), and gives
    the same bytes every time. A photograph is read once for all its people. Where it cannot be read, its rows
    stay black and are not usable.

    Parameters
    ----------
    task : CropTask
        The rows to make.

    Returns
    -------
    CropRows
        What becomes of the rows; their pixels are on the disk.
    """
    plan, size = task.plan, task.options.size
    usable = np.zeros(len(plan), dtype=bool)
    valid = np.tile(_NOTHING, (len(plan), 1))
    checksum = np.zeros(len(plan), dtype=np.uint32)
    rejections: list[Rejection] = []
    with open(task.path, "r+b") as file:
        data = _data_offset(file)
        for (source, image), rows in _photographs(plan):
            try:
                photograph = load_image(task.images[source], image)
            except DamagedItemError as error:
                rejections += [_unreadable(task, row, error) for row in rows]
                continue
            height, width = photograph.shape[:2]
            for row in rows:
                crop = warp_crop(photograph, plan.transform[row], size)
                file.seek(data + (task.first_row + row) * crop.nbytes)
                file.write(crop.data)
                checksum[row] = zlib.crc32(crop.data)
                valid[row] = valid_rectangle(plan.transform[row], width, height, size)
            usable[rows] = True
        file.flush()
        os.fsync(file.fileno())
    return CropRows(usable, valid, _triangles(plan, usable, size), checksum, tuple(rejections))


def join_rows(parts: Sequence[CropRows]) -> CropRows:
    """Put the rows of all tasks, in the order of the tasks, after one another."""
    names = [item.name for item in dataclasses.fields(CropRows) if item.name != "rejections"]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return CropRows(**arrays, rejections=tuple(item for part in parts for item in part.rejections))


def _photographs(plan: PoolPlan) -> Iterator[tuple[tuple[int, int], list[int]]]:
    """Yield (source, image) and the rows of each photograph."""
    for key, rows in groupby(range(len(plan)), lambda row: (int(plan.source[row]), int(plan.image[row]))):
        yield key, list(rows)


def _data_offset(file: BinaryIO) -> int:
    """Where the first crop begins."""
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    return file.tell()


def _unreadable(task: CropTask, row: int, error: DamagedItemError) -> Rejection:
    images = task.images[task.plan.source[row]]
    name = person_name(images.images[task.plan.image[row]], task.plan.person[row])
    return Rejection(images.source, name, error.reason, error.detail)


def _triangles(plan: PoolPlan, usable: NDArray[np.bool_], size: int) -> NDArray[np.int8]:
    triangles = np.full((len(plan), MAX_TRIANGLES, 3), -1, dtype=np.int8)
    for row in np.flatnonzero(usable):
        triangles[row] = triangulate(plan.joints[row], plan.labelled[row], size)
    return triangles
