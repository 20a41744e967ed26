"""What workers do for pose classes: read a part of the store once, then sums for each step of k-means.

A part is a run of whole shards. Its training poses lie in the work folder as a plain array that is mapped
into memory, beside the classes that its poses had in the last step, which only speed the next one up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.label_pass import NO_SAMPLE
from pipelines.shards import ShardOutcome, write_shard
from synth.cache import atomic_write
from synth.errors import InputError
from synth.labels.classes import (
    JOINTS,
    PoseClasses,
    Turn,
    assign_2d,
    assign_3d,
    joint_error,
    load_classes,
    orientated_poses,
    picture_poses,
)
from synth.labels.kmeans import Strays, Sums, find_strays, square_sum, sums_of
from synth.labels.nearest import CentreIndex, index_centres, nearest
from synth.splits import SPLITS
from synth.store.reader import Store, open_store
from synth.store.schema import VALID

TRAIN = SPLITS.index("train")


@dataclass(frozen=True)
class Part:
    """Consecutive samples of a store that one task works on.

    Parameters
    ----------
    store : Path
    folder : Path
        Work folder, seen by all workers.
    number : int
    start, stop : int
        Sample ids.
    turn : {"ray", "none"}
        See `orientated_poses`.
    """

    store: Path
    folder: Path
    number: int
    start: int
    stop: int
    turn: Turn

    @property
    def poses(self) -> Path:
        """File of the training poses, (n, 39) float32."""
        return self.folder / f"poses-{self.number:05d}.npy"

    @property
    def guesses(self) -> Path:
        """File of their classes in the last step, (n,) int32."""
        return self.folder / f"guesses-{self.number:05d}.npy"


class Step(NamedTuple):
    """One step on one part: the file of the centres, and how many strays are wanted."""

    part: Part
    centres: Path
    strays: int = 0


class Samples(NamedTuple):
    """Some samples of a part: ids (n,), orientated poses (n, 39) and joints in the picture (n, 26)."""

    ids: NDArray[np.int64]
    poses: NDArray[np.float32]
    pictures: NDArray[np.float32]


@lru_cache(maxsize=2)
def _store(path: Path) -> Store:
    return open_store(path)


@lru_cache(maxsize=1)
def _index(centres: Path) -> CentreIndex:
    return index_centres(np.load(centres))


def training_rows(store: Store, start: int, stop: int) -> NDArray[np.intp]:
    """Rows of a range of samples that are training samples and didn't fail."""
    return np.flatnonzero(
        (store.read_label("split", start, stop) == TRAIN) & store.read_label(VALID.name, start, stop)
    )


def read_part(part: Part) -> float:
    """Write the training poses of a part into the work folder, unless they are there; their `square_sum`."""
    if not part.poses.exists():
        store = _store(part.store)
        rows = training_rows(store, part.start, part.stop)
        poses = _poses(store, part.start, part.stop, rows, part.turn)
        with atomic_write(part.poses) as file:
            np.save(file, poses)
    return square_sum(np.load(part.poses, mmap_mode="r"))


def _poses(store: Store, start: int, stop: int, rows: NDArray[np.intp], turn: Turn) -> NDArray[np.float32]:
    """Poses of some rows of a range, shard by shard, so that no more than a shard is held as read."""
    made = np.empty((len(rows), 3 * JOINTS), dtype=np.float32)
    size = store.meta.schema.shard_size
    for low in range(start, stop, size):
        first, last = np.searchsorted(rows, [low - start, low + size - start])
        joints = store.read_label("joints3d", low, min(low + size, stop))
        made[first:last] = orientated_poses(joints[rows[first:last] - (low - start)], turn)
    return made


def add_up(step: Step) -> Sums:
    """Add up the poses that are nearest to each centre."""
    part = step.part
    poses, index = np.load(part.poses, mmap_mode="r"), _index(step.centres)
    guess = np.load(part.guesses) if part.guesses.exists() else None
    ids, _ = nearest(index, poses, guess)
    with atomic_write(part.guesses) as file:
        np.save(file, ids)
    return sums_of(poses, ids, len(index.centres))


def offer_strays(step: Step) -> Strays:
    """Pick the poses of a part that are farthest from their centres."""
    part = step.part
    poses = np.load(part.poses, mmap_mode="r")
    ids, squared = nearest(_index(step.centres), poses, np.load(part.guesses))
    # samples outside the training split have no row; the order of the rows is that of the samples
    return find_strays(poses, ids, squared, part.start + np.arange(len(poses)), step.strays)


def add_pictures(step: Step) -> Sums:
    """Add up the joints in the picture of the training samples of each class."""
    part, store = step.part, _store(step.part.store)
    rows = training_rows(store, part.start, part.stop)
    poses, index = np.load(part.poses, mmap_mode="r"), _index(step.centres)
    guess = np.load(part.guesses) if part.guesses.exists() else None
    ids, _ = nearest(index, poses, guess)
    joints = store.read_label("joints2d", part.start, part.stop)[rows]
    return sums_of(picture_poses(joints), ids, len(index.centres))


class Wanted(NamedTuple):
    """Samples to be fetched from one part: rising ids (n,)."""

    part: Part
    ids: NDArray[np.int64]


def fetch(wanted: Wanted) -> Samples:
    """Read some samples of a part."""
    part, store = wanted.part, _store(wanted.part.store)
    rows = wanted.ids - part.start
    joints = store.read_label("joints2d", part.start, part.stop)[rows]
    poses = _poses(store, part.start, part.stop, rows, part.turn)
    return Samples(wanted.ids, poses, picture_poses(joints))


@dataclass(frozen=True)
class AssignTask:
    """One shard of a label pass of classes: the store, the pass, where the classes are, and how to compare.

    `by` is ``"3d"`` or ``"2d"``.
    """

    store: Path
    path: Path
    classes: Path
    shard: int
    by: str


@lru_cache(maxsize=1)
def _classes(path: Path) -> PoseClasses:
    return load_classes(path, allow_unsealed=True)


class AssignBlock:
    """Consecutive samples of a store that get their class."""

    def __init__(self, store: Store, classes: PoseClasses, by: str, ids: NDArray[np.int64]) -> None:
        self.store, self.classes, self.by = store, classes, by
        self.start, self.stop = int(ids[0]), int(ids[-1]) + 1
        self.valid = store.read_label(VALID.name, self.start, self.stop)

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """No array is written sample by sample; samples that the store lacks fail here too."""
        for valid in self.valid:
            yield {} if valid else InputError(NO_SAMPLE)

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """Class and errors of all samples, -1 and NaN where there is no sample or its pose isn't known."""
        rows = self._comparable()
        joints2d = self.store.read_label("joints2d", self.start, self.stop)[rows]
        pictures = picture_poses(joints2d).reshape(-1, JOINTS, 2)
        if self.by == "2d":
            labelled: NDArray[np.bool_] = np.all(np.isfinite(pictures), axis=-1)
            found = assign_2d(self.classes, pictures, labelled)
            labels = {"pose_class": found.ids, "error2d": found.error}
        else:
            poses = _poses(self.store, self.start, self.stop, rows, self.classes.turn)
            found = assign_3d(self.classes, poses)
            error2d = joint_error(pictures, self.classes.means2d[found.ids])
            labels = {"pose_class": found.ids, "error3d": found.error, "error2d": error2d}
        return {name: _spread(values, rows, len(self.valid)) for name, values in labels.items()}

    def _comparable(self) -> NDArray[np.intp]:
        """Rows of samples whose pose can be compared: in 3D as a whole, in 2D by the joints that are labelled."""
        if self.by == "2d":
            return np.flatnonzero(self.valid)
        known = np.isfinite(self.store.read_label("joints3d", self.start, self.stop)).all(axis=(1, 2))
        return np.flatnonzero(self.valid & known)


def _spread(values: NDArray[Any], rows: NDArray[np.intp], count: int) -> NDArray[Any]:
    spread = np.full(count, -1 if values.dtype.kind == "i" else np.nan, dtype=values.dtype)
    spread[rows] = values
    return spread


def assign_shard(task: AssignTask) -> ShardOutcome:
    """Make one shard of a label pass of classes."""
    store, classes = _store(task.store), _classes(task.classes)
    return write_shard(task.path, task.shard, lambda ids: AssignBlock(store, classes, task.by, ids))
