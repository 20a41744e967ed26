"""Skeleton maps of a store: a label pass, one task for each shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.cluster import Workers
from pipelines.label_pass import NO_SAMPLE, LabelPlan, run_label_pass
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from pipelines.shards import ShardOutcome, write_shard
from synth.cameras import BOX
from synth.errors import InputError
from synth.labels.hypotheses import (
    MAPS_VERSION,
    Hypothesis,
    draw_hypotheses,
    map_arrays,
    map_tables,
)
from synth.labels.skeleton_maps import MAP_SIZE, NEAR
from synth.skeletons import DEEPSKELETON16
from synth.store.reader import Store, open_store
from synth.store.schema import VALID

NO_POSE = "its 3D joints or its camera are not known"
"""Reason by which photographs that nobody has measured are left out."""

_PIECE = 50
"""Samples drawn at a time: their maps of all hypotheses fit in a core's cache."""


@dataclass(frozen=True)
class MapsTask:
    """One shard of maps to be made.

    Parameters
    ----------
    store, path : Path
        The store and the pass.
    shard : int
    kinds : tuple of Hypothesis
    size : int
        Side of the maps, pixels.
    """

    store: Path
    path: Path
    shard: int
    kinds: tuple[Hypothesis, ...]
    size: int


@dataclass(frozen=True)
class MapsBlock:
    """Maps of consecutive samples, as `shards.write_shard` wants them."""

    store: Store
    ids: NDArray[np.int64]
    kinds: tuple[Hypothesis, ...]
    size: int

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """Draw each sample in turn; samples that the store, or their 3D joints or camera, lack have no maps."""
        picture = _picture_side(self.store)
        for first in range(0, len(self.ids), _PIECE):
            ids = self.ids[first : first + _PIECE]
            start, stop = int(ids[0]), int(ids[-1]) + 1
            joints3d, K, valid = (
                self.store.read_label(name, start, stop) for name in ("joints3d", "K", VALID.name)
            )
            known = np.isfinite(joints3d).all(axis=(1, 2)) & np.isfinite(K).all(axis=(1, 2))
            if known.any():
                drawn = draw_hypotheses(joints3d[known], K[known], self.kinds, picture, self.size)
            for n, place in enumerate((np.cumsum(known) - 1).tolist()):
                if valid[n] and known[n]:
                    yield {name: maps[place] for name, maps in drawn.items()}
                else:
                    yield InputError(NO_POSE if valid[n] else NO_SAMPLE)

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """No array of the pass is unsharded."""
        return {}


def make_skeleton_maps(
    store: Store,
    name: str,
    kinds: tuple[Hypothesis, ...],
    workers: Workers,
    progress: Progress,
    log: RunLog,
    size: int = MAP_SIZE,
) -> list[str]:
    """Make, or go on with, the pass of skeleton maps of a sealed store.

    Parameters
    ----------
    store : Store
        A sealed store with `joints3d` (camera frame) and `K`; with or without pictures.
    name : str
        Name of the pass.
    kinds : tuple of Hypothesis
        Which maps.
    workers : Workers
    progress : Progress
    log : RunLog
    size : int
        Side of the maps, pixels.

    Returns
    -------
    list of str
        What to tell the user.

    Raises
    ------
    InputError
        The store lacks an array, or the pass there is of another recipe.
    """
    plan = maps_plan(store, name, kinds, size)

    def task(shard: int) -> MapsTask:
        return MapsTask(plan.store.resolve(), plan.path.resolve(), shard, kinds, size)

    return run_label_pass(plan, task, make_maps_shard, workers, progress, log)


def maps_plan(store: Store, name: str, kinds: tuple[Hypothesis, ...], size: int) -> LabelPlan:
    """Plan the pass; raises `InputError` if the store lacks an array that it needs."""
    for array in ("joints3d", "K"):
        store.meta.schema.array(array)
    recipe = {
        "hypotheses": [asdict(kind) for kind in kinds],
        "size": size,
        "near": NEAR,
        "skeleton": DEEPSKELETON16.name,
    }
    attributes = {
        "title": "Skeleton maps: bones as sticks, nearest (foreground) and farthest (background)",
        "method": "Wan, Zhang and Xue, DeepSkeleton: Skeleton Map for 3D Human Pose Regression",
        "joints": list(DEEPSKELETON16.joints),
        "bones": [list(bone) for bone in DEEPSKELETON16.bones],
        "crops": "squares about the picture's middle; factor 1 is the whole picture",
    }
    return LabelPlan(
        store.meta.path, name, map_arrays(kinds, size), MAPS_VERSION, recipe, attributes, map_tables()
    )


def _picture_side(store: Store) -> int:
    """Pixels of the side of a store's pictures; of the box that cameras look at where it has none."""
    pictures = [spec for spec in store.meta.schema.arrays if spec.name == "images"]
    return pictures[0].inner_shape[0] if pictures else BOX


def make_maps_shard(task: MapsTask) -> ShardOutcome:
    """Make and commit one shard."""
    store = open_store(task.store)
    return write_shard(
        task.path, task.shard, lambda ids: MapsBlock(store, ids, task.kinds, task.size), stop_on_error=False
    )
