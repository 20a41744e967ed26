"""k-means over the training samples of a store, streamed part by part, shared out and restartable.

Between two steps all that counts is a small file in the work folder (the centres and the inertias so far):
a run that was killed goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipelines.classes_worker import Part, Samples, Step, Wanted, add_up, fetch, offer_strays, read_part
from pipelines.cluster import Workers
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from pipelines.stores import require_space
from synth.cache import atomic_write, cache_dir
from synth.errors import InputError
from synth.labels.classes import JOINTS, Turn
from synth.labels.kmeans import (
    MAX_ITERATIONS,
    TOLERANCE,
    Sums,
    empty_classes,
    fill_empty,
    finished,
    inertia,
    new_centres,
    strays_wanted,
)
from synth.labels.seeding import SAMPLE_PER_CLASS, initial_centres
from synth.store.reader import Store
from synth.store.schema import VALID

VERSION = 1
"""Raised whenever the same options give other classes."""

STAGE = 7
"""Key of the draws for classes in random generators [seed, stage, what]: 0 the sample, 1 the first centres
of all classes, 2 the held-out poses of a split, 3 the first centres of a smaller number of classes."""

POSE_BYTES = 3 * JOINTS * 4 + 4
"""Most bytes of a sample in the work folder: its pose in float32 and its class."""

_PART = 65_536
"""Samples of a part, rounded down to whole shards; a function of the store alone, so results are too."""


@dataclass(frozen=True)
class ClassOptions:
    """What decides the classes.

    Parameters
    ----------
    classes : int
        K.
    seed : int
    turn : {"ray", "none"}
        See `orientated_poses`.
    tolerance : float
        Relative decrease of the inertia at which, or below, the iterations end.
    max_iterations : int
    sample_per_class : int
        Poses for every class in the sample on which the first centres are chosen.
    curve : tuple of int
        Smaller numbers of classes whose quantisation error is told as well, made from the sample.
    curve_poses : int
        Most held-out poses of a split that the error is measured on.

    Raises
    ------
    InputError
        A value is out of range.
    """

    classes: int = 5000
    seed: int = 0
    turn: Turn = "ray"
    tolerance: float = TOLERANCE
    max_iterations: int = MAX_ITERATIONS
    sample_per_class: int = SAMPLE_PER_CLASS
    curve: tuple[int, ...] = (100, 200, 500, 1000, 2000)
    curve_poses: int = 20_000

    def __post_init__(self) -> None:
        checks = (
            (self.classes >= 1, f"{self.classes} classes: give 1 or more"),
            (self.seed >= 0, f"seed {self.seed}: give 0 or more"),
            (self.tolerance >= 0.0, f"tolerance {self.tolerance:g}: give 0 or more"),
            (self.max_iterations >= 1, f"{self.max_iterations} iterations: give 1 or more"),
            (
                self.sample_per_class >= 1,
                f"a sample of {self.sample_per_class} poses a class: give 1 or more",
            ),
            (min(self.curve, default=1) >= 1, f"curve of {self.curve} classes: give numbers of 1 or more"),
            (self.curve_poses >= 1, f"{self.curve_poses} held-out poses: give 1 or more"),
        )
        for fine, message in checks:
            if not fine:
                raise InputError(message)


@dataclass(frozen=True)
class Job:
    """What one run works with: the store, the work folder and the parts."""

    store: Store
    options: ClassOptions
    folder: Path
    parts: tuple[Part, ...]
    workers: Workers
    progress: Progress


class State(NamedTuple):
    """How far the iterations are: centres (K, 39) float64, and the inertia before every update so far."""

    centres: NDArray[np.float64]
    inertias: tuple[float, ...]


def described(options: ClassOptions) -> dict[str, Any]:
    """Options as the JSON values that a label pass stores as its recipe."""
    return {"kind": "pose classes", **asdict(options), "curve": list(options.curve)}


def open_job(store: Store, options: ClassOptions, workers: Workers, progress: Progress) -> Job:
    """Share a store out in parts and make the work folder.

    Raises
    ------
    InputError
        The store lacks an array.
    DiskSpaceError
        The cache folder's disk cannot hold the poses.
    """
    for name in ("split", "joints2d", "joints3d"):
        store.meta.schema.array(name)
    document = {"version": VERSION, "seal": store.meta.seal, **described(options)}
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    folder = cache_dir().resolve() / "classes" / digest[:24]
    if not folder.exists():
        require_space(folder, store.meta.n * POSE_BYTES, "make room, or set $SYNTH_CACHE to another disk")
    folder.mkdir(parents=True, exist_ok=True)
    size = max(_PART // store.meta.schema.shard_size, 1) * store.meta.schema.shard_size
    parts = tuple(
        Part(store.meta.path, folder, number, start, min(start + size, store.meta.n), options.turn)
        for number, start in enumerate(range(0, store.meta.n, size))
    )
    return Job(store, options, folder, parts, workers, progress)


def iterate(job: Job, log: RunLog) -> State:
    """Read the parts and run Lloyd's algorithm from the last state there is, to the end."""
    told = job.progress.over(job.workers.map(read_part, job.parts), "poses", len(job.parts), "parts")
    squares = math.fsum(told)
    state = _load_state(job.folder) or _begin(job)
    options = job.options
    while True:
        centres = write_centres(job, state)
        sums = add_all(job, add_up, centres, f"iteration {len(state.inertias) + 1}")
        inertias = (*state.inertias, inertia(sums, state.centres, squares))
        mean = inertias[-1] / max(int(sums.counts.sum()), 1)
        log.write("k-means", iteration=len(inertias), inertia=inertias[-1], empty=empty_classes(sums))
        job.progress.say(f"iteration {len(inertias)}: mean squared distance {mean:.6g} m²")
        if finished(inertias, options.tolerance, options.max_iterations):
            return State(state.centres, inertias)
        if empty_classes(sums):
            steps = [Step(part, centres, strays_wanted(sums)) for part in job.parts]
            sums = fill_empty(sums, job.workers.map(offer_strays, steps))
        state = State(new_centres(sums, state.centres), inertias)
        _save_state(job.folder, state)


def add_all(job: Job, work: Callable[[Step], Sums], centres: Path, title: str) -> Sums:
    """Add up the sums of all parts, by workers."""
    steps = [Step(part, centres) for part in job.parts]
    found = job.workers.map(work, steps)
    return reduce(add, job.progress.over(found, title, len(steps), "parts"))


def _begin(job: Job) -> State:
    """Choose the first centres on a sample."""
    sample = draw_sample(job)
    job.progress.say(f"choosing first centres on {len(sample.poses):,} poses ...")
    rng = np.random.default_rng([job.options.seed, STAGE, 1])
    state = State(initial_centres(sample.poses, job.options.classes, rng), ())
    _save_state(job.folder, state)
    return state


def draw_sample(job: Job) -> Samples:
    """Training samples drawn without repetition, in order of id."""
    ids = ids_of_split(job.store, 0)
    wanted = min(job.options.sample_per_class * job.options.classes, len(ids))
    if len(ids) < job.options.classes:
        raise InputError(
            f"{job.store.meta.path} has {len(ids)} training samples, too few for {job.options.classes} classes"
        )
    rng = np.random.default_rng([job.options.seed, STAGE, 0])
    return fetch_all(job, np.sort(rng.choice(ids, wanted, replace=False)))


def ids_of_split(store: Store, split: int) -> NDArray[np.int64]:
    """Ids of the samples of a split that didn't fail, rising."""
    return np.flatnonzero((store.label("split") == split) & store.label(VALID.name))


def fetch_all(job: Job, ids: NDArray[np.int64]) -> Samples:
    """Read some samples, by workers; `ids` (n,) rise."""
    edges = np.searchsorted(ids, [part.start for part in job.parts][1:])
    wanted = [
        Wanted(part, own) for part, own in zip(job.parts, np.split(ids, edges), strict=True) if len(own)
    ]
    found = list(job.workers.map(fetch, wanted))
    return Samples(*(np.concatenate(columns) for columns in zip(*found, strict=True)))


def write_centres(job: Job, state: State) -> Path:
    """Put the centres where the workers find them; those of earlier steps go."""
    path = job.folder / f"centres-{len(state.inertias):05d}.npy"
    with atomic_write(path) as file:
        np.save(file, state.centres)
    for old in job.folder.glob("centres-*.npy"):
        if old != path:
            old.unlink()
    return path


def _save_state(folder: Path, state: State) -> None:
    with atomic_write(folder / "state.npz") as file:
        np.savez(file, centres=state.centres, inertias=np.array(state.inertias))


def _load_state(folder: Path) -> State | None:
    path = folder / "state.npz"
    if not path.exists():
        return None
    with np.load(path) as stored:
        return State(stored["centres"], tuple(stored["inertias"].tolist()))
