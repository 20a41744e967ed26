"""Projected poses on a worker: the query plan is opened once in a process, then makes shard after shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.shards import ShardOutcome, write_shard
from synth.cameras import ViewRange
from synth.poses import load_library
from synth.queries import joint_labels, make_queries, query_labels
from synth.query_plan import QueryPlan, plan_queries
from synth.shares import SourceShare
from synth.splits import SplitCycle


@dataclass(frozen=True)
class ProjectSpec:
    """All that decides the samples, by path and by value; small enough to travel with every task.

    Parameters
    ----------
    library : Path
        Pose library file.
    cycle : SplitCycle
    seed : int
    views, lifted_views : ViewRange
    shares : tuple of SourceShare
        As in `QueryPlan`.
    """

    library: Path
    cycle: SplitCycle
    seed: int
    views: ViewRange
    lifted_views: ViewRange
    shares: tuple[SourceShare, ...]


@dataclass(frozen=True)
class ProjectTask:
    """One shard to be made."""

    spec: ProjectSpec
    store: Path
    shard: int
    stop_on_error: bool


@lru_cache(maxsize=1)
def open_plan(spec: ProjectSpec) -> QueryPlan:
    """Open the poses; kept for as long as this process makes samples of the same kind."""
    library, ranges = load_library(spec.library), spec.lifted_views
    return plan_queries(library, spec.cycle, spec.seed, spec.views, lifted_ranges=ranges, shares=spec.shares)


@dataclass
class ProjectBlock:
    """Poses of one plan, as `shards.write_shard` wants them."""

    plan: QueryPlan
    ids: NDArray[np.int64]

    def samples(self) -> Iterator[dict[str, NDArray[Any]]]:
        """No pictures: nothing of each sample is sharded."""
        return iter([{}] * len(self.ids))

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """All labels."""
        count = len(self.ids)
        queries = make_queries(self.plan, self.ids)
        return {
            **query_labels(self.plan.library, queries, np.zeros(count, np.uint8)),
            **joint_labels(queries),
            "seed": np.full(count, self.plan.seed, np.int64),
        }


def make_project_shard(task: ProjectTask) -> ShardOutcome:
    """Make and commit one shard."""
    plan = open_plan(task.spec)
    return write_shard(
        task.store, task.shard, lambda ids: ProjectBlock(plan, ids), stop_on_error=task.stop_on_error
    )
