"""What a worker does for a mosaic data set: open the parts by their paths once, make one shard a task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.prepare import open_split_index
from pipelines.shards import ShardOutcome, write_shard
from synth.cameras import ViewRange
from synth.errors import InputError
from synth.mosaic.compose import BlendOptions
from synth.mosaic.samples import MosaicEngine, MosaicParts, ViewChoice
from synth.pool import open_pool
from synth.poses import load_library
from synth.query_plan import plan_queries
from synth.shares import SourceShare
from synth.splits import SplitCycle


@dataclass(frozen=True)
class EngineSpec:
    """All that decides the samples, by path and by value; small enough to travel with every task.

    Parameters
    ----------
    library, pool : Path
        Pose library file and image pool folder.
    indices : tuple of (int, Path)
        Split and folder of its match index.
    cycle : SplitCycle
    seed : int
    views, lifted_views : ViewRange
    shares : tuple of SourceShare
    choice : ViewChoice
    blending : BlendOptions
    eps : float
        As in `MosaicParts` and its query plan.
    """

    library: Path
    pool: Path
    indices: tuple[tuple[int, Path], ...]
    cycle: SplitCycle
    seed: int
    views: ViewRange
    lifted_views: ViewRange
    shares: tuple[SourceShare, ...]
    choice: ViewChoice
    blending: BlendOptions
    eps: float


@dataclass(frozen=True)
class MosaicTask:
    """One shard to be made."""

    engine: EngineSpec
    store: Path
    shard: int
    stop_on_error: bool


@lru_cache(maxsize=1)
def open_engine(spec: EngineSpec) -> MosaicEngine:
    """Open the parts; kept for as long as this process makes samples of the same kind."""
    library, pool = load_library(spec.library), open_pool(spec.pool)
    parts = MosaicParts(
        plan=plan_queries(
            library,
            spec.cycle,
            spec.seed,
            spec.views,
            lifted_ranges=spec.lifted_views,
            shares=spec.shares,
            photographs=pool.photograph_splits(spec.cycle) if library.lifted_subjects.any() else None,
        ),
        pool=pool,
        indices={split: open_split_index(folder) for split, folder in spec.indices},
        views=spec.choice,
        blending=spec.blending,
        eps=spec.eps,
    )
    return MosaicEngine(parts)


@dataclass
class MosaicBlock:
    """Consecutive mosaics of one engine, as `shards.write_shard` wants them."""

    engine: MosaicEngine
    ids: NDArray[np.int64]
    coverage: NDArray[np.float32] = field(init=False)

    def __post_init__(self) -> None:
        self.batch = self.engine.prepare(self.ids)
        self.coverage = np.zeros(len(self.ids), np.float32)

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """Pictures one by one, or why there is none."""
        for n, made in enumerate(self.engine.pictures(self.batch)):
            if isinstance(made, InputError):
                yield made
            else:
                self.coverage[n] = made[1]
                yield {"images": made[0]}

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """All labels; those of pictures that failed mean nothing."""
        return self.engine.labels(self.batch, self.coverage)


def make_mosaic_shard(task: MosaicTask) -> ShardOutcome:
    """Make and commit one shard."""
    engine = open_engine(task.engine)
    return write_shard(
        task.store, task.shard, lambda ids: MosaicBlock(engine, ids), stop_on_error=task.stop_on_error
    )
