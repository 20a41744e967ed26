"""The main job: mosaics of photographs guided by motion capture, from real data into a sealed store."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.cluster import Workers
from pipelines.describe import store_attributes, store_tables
from pipelines.estimate import Estimate, warm_up
from pipelines.mosaic_report import plan_lines, sealed_line, write_preview
from pipelines.mosaic_worker import EngineSpec, MosaicTask, make_mosaic_shard, open_engine
from pipelines.prepare import (
    PreparedPool,
    PreparedPoses,
    Tools,
    check_sources,
    photographs_hash,
    prepare_indices,
    prepare_pool,
    prepare_poses,
)
from pipelines.progress import Progress, duration
from pipelines.recipe import Recipe, recipe_hash
from pipelines.runlog import RunLog, count_rejections, rejection_lines, write_rejections
from pipelines.shards import ShardOutcome
from pipelines.stores import (
    StorePlan,
    begin,
    check_layout,
    check_place,
    check_same_recipe,
    committed_samples,
    finish,
    free_space,
    make_shards,
    pending,
    require_space,
    samples_in,
)
from synth.cache import cache_dir
from synth.environment import library_versions
from synth.mosaic.samples import MosaicEngine
from synth.sources.records import Rejection
from synth.store.metadata import StoreMeta, open_meta
from synth.store.samples import sample_schema

_BYTE_DECIDING = ("views", "matching", "blending", "output")
"""Tables of a recipe that decide bytes by themselves; the others do by what they find in the sources."""


@dataclass(frozen=True)
class Prepared:
    """All parts of one run, found or made."""

    poses: PreparedPoses
    pool: PreparedPool
    spec: EngineSpec
    engine: MosaicEngine
    estimate: Estimate
    plan: StorePlan

    @property
    def rejections(self) -> list[Rejection]:
        """All that was left out of the sources."""
        return [*self.poses.rejections, *self.pool.rejections]


def make_mosaics(recipe: Recipe, out: Path, progress: Progress, log: RunLog) -> list[str]:
    """Make, or go on with, a store of mosaics and seal it.

    Parameters
    ----------
    recipe : Recipe
        What to make, and how to run.
    out : Path
        Where.
    progress : Progress
        What is told.
    log : RunLog
        Where times, hosts and shards are written.

    Returns
    -------
    list of str
        What to tell the user at the end.

    Raises
    ------
    InputError
        Or one of its kinds, as the exit codes tell.
    """
    there = _look(recipe, out)
    if there is not None and there.seal is not None and there.n == recipe.output.n:
        preview = write_preview(out, recipe.run.preview)
        return [f"{out} is finished and sealed: {sealed_line(there)}", *preview]
    check_sources(recipe)
    with log.run(recipe=recipe.model_dump(mode="json"), cache=cache_dir(), libraries=library_versions()):
        with Workers(recipe.run.workers, recipe.run.scheduler) as workers:
            prepared = prepare(recipe, out, workers, progress)
            missing = recipe.output.n - committed_samples(there)
            require_space(out, missing * prepared.estimate.size[recipe.output.codec])
            meta = begin(prepared.plan)
            log.write("prepared", parts=asdict(prepared.spec), recipe_hash=meta.recipe_hash)
            listed = write_rejections(out, prepared.rejections)
            made, seconds = _make_pending(recipe, prepared, meta, workers, progress, log)
        failed = finish(out, recipe.run.max_fail_rate)
        log.write("sealed", samples=meta.n, failed=failed, made=made, seconds=round(seconds, 3))
    rate = f" in {duration(seconds)}, {made / seconds:,.0f} images/s" if made else ""
    return [
        f"sealed {out}: {sealed_line(open_meta(out))}",
        f"  made {made:,} samples{rate}",
        *rejection_lines(count_rejections(prepared.rejections)),
        f"  left-out items are listed in {listed}; the run's log is {log.path}",
        *write_preview(out, recipe.run.preview),
    ]


def plan_only(recipe: Recipe, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written.

    Raises
    ------
    DiskSpaceError
        If the run would not fit on the disk; the message gives the bytes.
    """
    there = _look(recipe, out)
    check_sources(recipe)
    with Workers(recipe.run.workers, recipe.run.scheduler) as workers:
        prepared = prepare(recipe, out, workers, progress, timed=True)
        count = workers.count
    missing = recipe.output.n - committed_samples(there)
    require_space(out, missing * prepared.estimate.size[recipe.output.codec])
    queries = prepared.engine.parts.plan
    return [
        *plan_lines(recipe, prepared.pool, queries, prepared.estimate, missing, count),
        *rejection_lines(count_rejections(prepared.rejections)),
        f"free disk: {free_space(out) / 1e9:,.1f} GB in {out.resolve().parent}; it fits, nothing was written",
    ]


def prepare(recipe: Recipe, out: Path, workers: Workers, progress: Progress, timed: bool = False) -> Prepared:
    """Find or make all parts, and measure some samples.

    Parameters
    ----------
    recipe : Recipe
    out : Path
        The store.
    workers : Workers
        Where parts that are missing are made.
    progress : Progress
    timed : bool
        Also measure the time that samples take.
    """
    tools = Tools(cache_dir().resolve(), workers, progress)
    poses = prepare_poses(recipe, tools)
    pool = prepare_pool(recipe, tools)
    cycle = recipe.output.cycle
    spec = EngineSpec(
        library=poses.path,
        pool=pool.pool.path,
        indices=prepare_indices(pool.pool, cycle, recipe.matching.alignment, tools),
        cycle=cycle,
        seed=recipe.output.seed,
        views=recipe.views.ranges(),
        blending=recipe.blending.options(),
        choice=recipe.matching.choice(),
        eps=recipe.matching.eps,
    )
    progress.say("warming up ...")
    engine = open_engine(spec)
    estimate = warm_up(engine, recipe.output.n, recipe.output.codec, timed)
    plan = _store_plan(recipe, out, poses, pool, engine)
    return Prepared(poses, pool, spec, engine, estimate, plan)


def _store_plan(
    recipe: Recipe, out: Path, poses: PreparedPoses, pool: PreparedPool, engine: MosaicEngine
) -> StorePlan:
    inputs = {
        "pose_library": poses.library.content_hash,
        "image_pool": pool.pool.digest,
        "photographs": photographs_hash(pool.pool),
    }
    return StorePlan(
        path=out,
        schema=sample_schema(recipe.output.codec, recipe.output.shard_size),
        n=recipe.output.n,
        recipe_hash=recipe_hash(recipe, inputs),
        attributes=store_attributes(recipe, inputs, poses, pool, engine.parts.plan),
        tables=store_tables(poses, pool),
    )


def _look(recipe: Recipe, out: Path) -> StoreMeta | None:
    """Find the store that is there and refuse what can be seen to differ before anything is prepared."""
    there = check_place(out, recipe.run.resume)
    if there is not None:
        final = there.seal is not None and there.n == recipe.output.n
        described = recipe.described()
        check_same_recipe(there, described, tuple(described) if final else _BYTE_DECIDING)
        check_layout(there, recipe.output.n, recipe.output.shard_size, recipe.output.codec)
    return there


def _make_pending(
    recipe: Recipe,
    prepared: Prepared,
    meta: StoreMeta,
    workers: Workers,
    progress: Progress,
    log: RunLog,
) -> tuple[int, float]:
    """Make all pending shards; samples made and seconds taken."""
    shards = pending(meta)
    total = samples_in(meta, shards)
    if total < meta.n:
        progress.say(f"going on with {meta.path}: {meta.n - total:,} of {meta.n:,} samples are there")
    _note_versions(meta, progress)
    workers.require_paths([meta.path.resolve(), prepared.spec.library, prepared.spec.pool])
    stop = recipe.run.on_error == "stop"
    tasks = [MosaicTask(prepared.spec, meta.path.resolve(), shard, stop) for shard in shards]
    started = time.monotonic()
    with progress.stage("mosaics", total, "images") as stage:

        def done(outcome: ShardOutcome) -> None:
            stage.advance(outcome.samples)
            log.write("shard", **vars(outcome))

        make_shards(meta, workers.unordered(make_mosaic_shard, tasks), done, recipe.run.max_fail_rate)
    return total, time.monotonic() - started


def _note_versions(meta: StoreMeta, progress: Progress) -> None:
    was, now = meta.attributes.get("libraries", {}), library_versions()
    changed = [f"{name} {was[name]} -> {now.get(name)}" for name in was if was[name] != now.get(name)]
    if changed:
        progress.say(
            f"note: the store was begun with other versions ({', '.join(changed)}); bytes may differ"
        )
