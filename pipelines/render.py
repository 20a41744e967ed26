"""Rendered people in the poses and cameras of a store, or of a pose library, into a sealed store."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np

from pipelines.cluster import Workers
from pipelines.describe import picture_attributes
from pipelines.estimate import Estimate, measure_seconds, measure_size
from pipelines.options import option_name
from pipelines.pose_library import check_motion
from pipelines.prepare import Tools
from pipelines.progress import Progress
from pipelines.render_poses import Posed, drawn_poses, open_source, stored_poses
from pipelines.render_recipe import RENDER_VERSION, RenderRecipe, render_hash
from pipelines.render_worker import RenderBlock, RenderSpec, RenderTask, make_render_shard, open_engine
from pipelines.rotations import PreparedRotations, locate_motion, motion_names, prepare_rotations
from pipelines.runlog import RunLog, count_rejections
from pipelines.runs import Request, Work, make_store, plan_store
from pipelines.shards import BLOCK
from pipelines.stores import StorePlan
from synth.cache import cache_dir
from synth.errors import InputError
from synth.rendering.cast import roles
from synth.rendering.maps import MAPS, map_tables
from synth.splits import SPLITS
from synth.store.samples import sample_schema
from synth.store.schema import StoreSchema

_BYTE_DECIDING = ("views", "rendering", "output")
_DEFAULT_N = 1000
_WARM_UP = 4


def render_store(
    recipe: RenderRecipe, source: Path | None, out: Path, progress: Progress, log: RunLog
) -> list[str]:
    """Make, or go on with, a store of rendered people and seal it; what to tell the user at the end.

    Parameters
    ----------
    recipe : RenderRecipe
        Options.
    source : Path or None
        The sealed store whose samples are rendered; poses of the recipe's motion sources if not given.
    out : Path
        The store to make.
    progress : Progress
        Told how far it is.
    log : RunLog
        The store's.

    Raises
    ------
    InputError
        Options, source or store don't fit each other; further kinds as `runs.make_store` tells.
    """
    request = _request(recipe, source, out)
    return make_store(
        request, lambda workers: _work(request, recipe, source, workers, progress), progress, log
    )


def plan_only(recipe: RenderRecipe, source: Path | None, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written. Errors as of `render_store`."""
    request = _request(recipe, source, out)
    return plan_store(request, lambda workers: _work(request, recipe, source, workers, progress, timed=True))


def _request(recipe: RenderRecipe, source: Path | None, out: Path) -> Request:
    n = recipe.output.n
    if source is None:
        if recipe.rendering.background == "mosaic":
            raise InputError("--background mosaic needs a store whose pictures are taken: synth render STORE")
        check = partial(check_motion, recipe)
    else:
        n = _samples_of(recipe, source, out)
        check = partial(_check_store, recipe, source)
    described = recipe.described(of_store=source is not None)
    return Request(out, n or _DEFAULT_N, recipe.output, recipe.run, described, _BYTE_DECIDING, check)


def _samples_of(recipe: RenderRecipe, source: Path, out: Path) -> int:
    """Count the samples of a store that are to be rendered, having checked that they can be."""
    n = recipe.output.n
    if idle := recipe.idle_beside_a_store():
        named = ", ".join(option_name(tuple(key.split("."))) for key in idle)
        raise InputError(f"{source} brings its own poses, views and splits; leave out {named}, or the store")
    if out.resolve() == source.resolve():
        raise InputError(f"{out} is the store that is to be rendered; choose another --out")
    there = len(open_source(source))
    if n is not None and n > there:
        raise InputError(f"--n {n}: {source} has {there} samples; ask for as many or fewer")
    return n or there


def _check_store(recipe: RenderRecipe, source: Path) -> None:
    """Make sure that motion files are there where rotations are required of them."""
    if recipe.rendering.rotations == "require":
        names = motion_names(open_source(source).table("motion_files"))
        if names:
            locate_motion(names, recipe.sources.data_root)


def _work(
    request: Request,
    recipe: RenderRecipe,
    source: Path | None,
    workers: Workers,
    progress: Progress,
    timed: bool = False,
) -> Work:
    tools = Tools(cache_dir().resolve(), workers, progress)
    if source is None:
        posed = drawn_poses(recipe, tools)
    else:
        posed = stored_poses(source, request.n, pictures=recipe.rendering.background == "mosaic")
    turned = prepare_rotations(posed.poses, recipe.sources.data_root, recipe.rendering.rotations, tools)
    spec = RenderSpec(
        recipe.options(posed.cycle),
        posed.store,
        posed.library,
        recipe.views.ranges(),
        recipe.views.pseudo.ranges(),
        recipe.motion.shares(),
        turned.path,
    )
    plan = _store_plan(request, recipe, posed, turned)
    progress.say("warming up ...")
    out = request.out.resolve()
    return Work(
        plan=plan,
        estimate=_warm_up(spec, plan, recipe, timed),
        counts=_counts(request.n, posed, turned),
        rejections=(*posed.rejections, *turned.rejections),
        parts=asdict(spec),
        paths=[path for path in (spec.store, spec.library, spec.rotations) if path is not None],
        stage="renders",
        task=lambda shard, stop: RenderTask(spec, out, shard, stop),
        make=make_render_shard,
    )


def _store_plan(request: Request, recipe: RenderRecipe, posed: Posed, turned: PreparedRotations) -> StorePlan:
    of_store = posed.store is not None
    inputs = {**posed.inputs, "rotations": turned.content}
    described = recipe.described(of_store)
    return StorePlan(
        path=request.out,
        schema=render_schema(recipe),
        n=request.n,
        recipe_hash=render_hash(recipe, of_store, inputs),
        attributes={
            "title": "Rendered people in recorded poses, with 2D and 3D poses",
            "labels": "joints and visibility are those of the rendered body; source_*, matching_cost and "
            "distinct_sources say that there are no source photographs; coverage is 1",
            **picture_attributes(described, inputs, posed.cycle, RENDER_VERSION),
            "seed": recipe.output.seed,
            **posed.attributes,
            "left_out": count_rejections([*posed.rejections, *turned.rejections]),
        },
        tables={"photographs": [], **posed.tables, **map_tables(recipe.rendering.maps)},
    )


def render_schema(recipe: RenderRecipe) -> StoreSchema:
    """Arrays of a store of rendered people: those of mosaics, and the maps that are asked for."""
    schema = sample_schema(recipe.output.codec, recipe.output.shard_size)
    maps = tuple(MAPS[name] for name in recipe.rendering.maps)
    return replace(schema, arrays=(*schema.arrays, *maps))


def _warm_up(spec: RenderSpec, plan: StorePlan, recipe: RenderRecipe, timed: bool) -> Estimate:
    """Make some samples, which also compiles what isn't yet; the time is that of one person's, dressing included."""
    begin = partial(RenderBlock, open_engine(spec))
    first = np.arange(min(plan.n, _WARM_UP))
    size = measure_size(begin, plan.schema, first)
    seconds = float("nan")
    if timed:
        ids = np.arange(min(plan.n, BLOCK))
        cast = roles(ids, spec.options.cycle, recipe.rendering.people)
        newcomer = cast[min(_WARM_UP, plan.n - 1)]
        theirs = ids[[role == newcomer for role in cast]]
        seconds = measure_seconds(begin, recipe.output.codec, theirs, theirs)
    return Estimate(size, seconds)


def _counts(n: int, posed: Posed, turned: PreparedRotations) -> list[str]:
    samples = zip(SPLITS, posed.cycle.counts(n), strict=True)
    named = ", ".join(f"{name} {count:,}" for name, count in samples if count)
    if turned.poses == 0:
        how = "joints alone"
    elif turned.poses == len(posed.poses.pose):
        how = "joints and recorded rotations"
    else:
        how = f"joints and, {turned.poses:,} of them, recorded rotations"
    return [f"  {named}; {len(posed.poses.pose):,} poses of {posed.poses.sources}, fitted to {how}"]
