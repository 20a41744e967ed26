"""Rendered samples on a worker: the renderer is opened once in a process, then makes shard after shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.shards import ShardOutcome, write_shard
from synth.cameras import ViewRange
from synth.errors import InputError
from synth.poses import load_library
from synth.query_plan import QueryPlan, plan_queries
from synth.rendering.renderer import Renderer, RenderOptions, Seen
from synth.rendering.shots import PASSED_ON, Shots, drawn_shots, stored_shots
from synth.shares import SourceShare
from synth.store.reader import Store, open_store
from synth.store.schema import VALID

_STORED = (*PASSED_ON, "joints3d", "joints2d", VALID.name)


@dataclass(frozen=True)
class RenderSpec:
    """All that decides the samples, by path and by value; small enough to travel with every task.

    Parameters
    ----------
    options : RenderOptions
        Everything but poses and cameras.
    store : Path or None
        The store that is rendered.
    library : Path or None
        Otherwise the pose library file that poses are drawn from, ...
    views, lifted_views : ViewRange
        ... and where views are, of recorded poses and of people lifted to 3D, ...
    shares : tuple of SourceShare
        ... and how the motion sources share the samples.
    rotations : Path or None
        Recorded rotations of the poses, (M, P, 3, 3) float32 by number of the pose.
    """

    options: RenderOptions
    store: Path | None
    library: Path | None
    views: ViewRange
    lifted_views: ViewRange
    shares: tuple[SourceShare, ...]
    rotations: Path | None


@dataclass(frozen=True)
class RenderTask:
    """One shard to be made."""

    spec: RenderSpec
    store: Path
    shard: int
    stop_on_error: bool


@dataclass(frozen=True)
class RenderEngine:
    """What a process makes samples with.

    Parameters
    ----------
    renderer : Renderer
        It renders.
    poses : Store or QueryPlan
        Where poses and cameras come from.
    rotations : (M, P, 3, 3) float32, optional
        Of the poses.
    """

    renderer: Renderer
    poses: Store | QueryPlan
    rotations: NDArray[np.float32] | None

    def shots(self, ids: NDArray[np.int64]) -> Shots:
        """Poses and cameras of some sample ids, (N,) rising."""
        if isinstance(self.poses, QueryPlan):
            return drawn_shots(self.poses, ids, self.rotations)
        store, first = self.poses, int(ids[0])
        rows = ids - first
        labels = {name: store.read_label(name, first, int(ids[-1]) + 1)[rows] for name in _STORED}
        return stored_shots(ids, labels, self.rotations, lambda sample: store.read_images([sample])[0])


@lru_cache(maxsize=1)
def open_engine(spec: RenderSpec) -> RenderEngine:
    """Open the parts; kept for as long as this process makes samples of the same kind."""
    rotations = None if spec.rotations is None else np.load(spec.rotations, mmap_mode="r")
    poses: Store | QueryPlan
    if spec.library is not None:
        library = load_library(spec.library)
        poses = plan_queries(
            library,
            spec.options.cycle,
            spec.options.seed,
            spec.views,
            lifted_ranges=spec.lifted_views,
            shares=spec.shares,
        )
    elif spec.store is not None:
        poses = open_store(spec.store)
    else:
        raise ValueError("a renderer needs a store or a pose library")
    return RenderEngine(Renderer(spec.options), poses, rotations)


@dataclass
class RenderBlock:
    """Samples of one engine, as `shards.write_shard` wants them."""

    engine: RenderEngine
    ids: NDArray[np.int64]
    seen: dict[int, Seen] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = self.engine.renderer.prepare(self.engine.shots(self.ids))

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """Pictures and maps one by one, or why there are none."""
        for row, made in enumerate(self.engine.renderer.pictures(self.batch)):
            if isinstance(made, InputError):
                yield made
            else:
                self.seen[row] = made.seen
                yield {"images": made.image, **made.maps}

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """All labels; those of samples that failed mean nothing."""
        return self.engine.renderer.labels(self.batch, self.seen)


def make_render_shard(task: RenderTask) -> ShardOutcome:
    """Make and commit one shard."""
    engine = open_engine(task.spec)
    return write_shard(
        task.store, task.shard, lambda ids: RenderBlock(engine, ids), stop_on_error=task.stop_on_error
    )
