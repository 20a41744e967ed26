"""The main job: mosaics of photographs guided by motion capture, from real data into a sealed store."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipelines.cluster import Workers
from pipelines.describe import all_rejections, split_counts, store_attributes, store_tables
from pipelines.estimate import Estimate, measure_seconds, measure_size, spread
from pipelines.mosaic_worker import EngineSpec, MosaicBlock, MosaicTask, make_mosaic_shard, open_engine
from pipelines.pose_library import PreparedPoses, check_motion, prepare_poses
from pipelines.prepare import (
    PreparedPool,
    Tools,
    check_images,
    photographs_hash,
    prepare_indices,
    prepare_pool,
)
from pipelines.progress import Progress
from pipelines.recipe import Recipe, recipe_hash
from pipelines.runlog import RunLog
from pipelines.runs import Request, Work, make_store, plan_store
from pipelines.shards import BLOCK
from pipelines.stores import StorePlan
from synth.cache import cache_dir
from synth.mosaic.samples import MosaicEngine
from synth.query_plan import QueryPlan
from synth.splits import SPLITS
from synth.store.samples import sample_schema

_BYTE_DECIDING = ("views", "matching", "blending", "output")
_WARM_UP = 50


@dataclass(frozen=True)
class Prepared:
    """All parts of one run, found or made."""

    poses: PreparedPoses
    pool: PreparedPool
    spec: EngineSpec
    engine: MosaicEngine
    estimate: Estimate
    plan: StorePlan


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
    return make_store(
        _request(recipe, out), lambda workers: _work(recipe, out, workers, progress), progress, log
    )


def plan_only(recipe: Recipe, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written.

    Raises
    ------
    DiskSpaceError
        If the run would not fit on the disk; the message gives the bytes.
    """
    return plan_store(
        _request(recipe, out), lambda workers: _work(recipe, out, workers, progress, timed=True)
    )


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
        lifted_views=recipe.views.pseudo.ranges(),
        shares=recipe.motion.shares(),
        blending=recipe.blending.options(),
        choice=recipe.matching.choice(),
        eps=recipe.matching.eps,
    )
    progress.say("warming up ...")
    engine = open_engine(spec)
    _note_lacking(engine.parts.plan, progress)
    plan = _store_plan(recipe, out, poses, pool, engine)
    estimate = _warm_up(engine, plan, recipe.output.codec, timed)
    return Prepared(poses, pool, spec, engine, estimate, plan)


def _store_plan(
    recipe: Recipe, out: Path, poses: PreparedPoses, pool: PreparedPool, engine: MosaicEngine
) -> StorePlan:
    inputs = {
        **poses.inputs(),
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


def _request(recipe: Recipe, out: Path) -> Request:
    return Request(
        out,
        recipe.output.n,
        recipe.output,
        recipe.run,
        recipe.described(),
        _BYTE_DECIDING,
        partial(_check_sources, recipe),
    )


def _check_sources(recipe: Recipe) -> None:
    check_motion(recipe)
    check_images(recipe)


def _work(recipe: Recipe, out: Path, workers: Workers, progress: Progress, timed: bool = False) -> Work:
    prepared = prepare(recipe, out, workers, progress, timed)
    spec = prepared.spec
    return Work(
        plan=prepared.plan,
        estimate=prepared.estimate,
        counts=_counts(recipe, prepared),
        rejections=all_rejections(prepared.poses, prepared.pool),
        parts=asdict(spec),
        paths=(spec.library, spec.pool),
        stage="mosaics",
        task=lambda shard, stop: MosaicTask(spec, out.resolve(), shard, stop),
        make=make_mosaic_shard,
    )


def _counts(recipe: Recipe, prepared: Prepared) -> list[str]:
    """Say what the samples of each split are made of."""
    samples = dict(zip(SPLITS, recipe.output.cycle.counts(recipe.output.n), strict=True))
    return [
        f"  {name}: {samples[name]:,} samples, {of['poses']:,} poses of {_people_text(of)}, "
        f"{of['pool_entries']:,} pool entries from {of['photographs']:,} photographs"
        for name, of in split_counts(recipe, prepared.pool, prepared.engine.parts.plan).items()
    ]


def _people_text(counts: dict[str, Any]) -> str:
    """Say whose poses a split has."""
    lifted = counts.get("lifted_photographs", 0)
    return f"{len(counts['subjects'])} subjects" + (f" and {lifted:,} photographs" if lifted else "")


def _note_lacking(plan: QueryPlan, progress: Progress) -> None:
    """Tell of sources that have a share and no pose in some split."""
    for split in plan.cycle.used:
        for share, pool in zip(plan.shares, plan.shared_pools(split), strict=True):
            if not len(pool):
                name = "+".join(share.sources)
                progress.say(
                    f"note: {SPLITS[split]} has no pose of {name}; its share there goes to the others"
                )


def _warm_up(engine: MosaicEngine, plan: StorePlan, codec: str, timed: bool) -> Estimate:
    """Make some samples, spread evenly, which also compiles what isn't yet."""
    begin = partial(MosaicBlock, engine)
    size = measure_size(begin, plan.schema, spread(plan.n, _WARM_UP))
    seconds = float("nan")
    if timed:
        seconds = measure_seconds(begin, codec, spread(plan.n, BLOCK), spread(plan.n, 2 * _WARM_UP))
    return Estimate(size, seconds)
