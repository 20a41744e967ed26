"""Recorded poses seen by virtual cameras, without pictures, into a sealed store: for lifters and pose classes."""

from __future__ import annotations

import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pipelines.cluster import Workers
from pipelines.describe import lifted_attributes, motion_licences, picture_attributes
from pipelines.estimate import Estimate, measure_size, spread
from pipelines.pose_library import PreparedPoses, check_motion, prepare_poses
from pipelines.prepare import Tools
from pipelines.progress import Progress
from pipelines.project_recipe import PROJECT_VERSION, ProjectRecipe, project_hash
from pipelines.project_worker import ProjectBlock, ProjectSpec, ProjectTask, make_project_shard, open_plan
from pipelines.runlog import RunLog, count_rejections
from pipelines.runs import Request, Work, make_store, plan_store
from pipelines.shards import BLOCK
from pipelines.stores import StorePlan
from synth.cache import cache_dir
from synth.query_plan import QueryPlan
from synth.splits import SPLITS
from synth.store.samples import pose_schema

_BYTE_DECIDING = ("views", "output")
_WARM_UP = 50


def project_poses(recipe: ProjectRecipe, out: Path, progress: Progress, log: RunLog) -> list[str]:
    """Make, or go on with, a store of projected poses and seal it; what to tell the user at the end.

    Parameters
    ----------
    recipe : ProjectRecipe
        Options.
    out : Path
        The store to make.
    progress : Progress
        Told how far it is.
    log : RunLog
        The store's.

    Raises
    ------
    InputError
        Or one of its kinds, as `runs.make_store` tells.
    """
    request = _request(recipe, out)
    return make_store(request, lambda workers: _work(request, recipe, workers, progress), progress, log)


def plan_only(recipe: ProjectRecipe, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written. Errors as of `project_poses`."""
    request = _request(recipe, out)
    return plan_store(request, lambda workers: _work(request, recipe, workers, progress))


def _request(recipe: ProjectRecipe, out: Path) -> Request:
    check = partial(check_motion, recipe)
    output = recipe.output
    return Request(out, output.n, output, recipe.run, recipe.described(), _BYTE_DECIDING, check)


def _work(request: Request, recipe: ProjectRecipe, workers: Workers, progress: Progress) -> Work:
    poses = prepare_poses(recipe, Tools(cache_dir().resolve(), workers, progress))
    spec = ProjectSpec(
        poses.path,
        recipe.output.cycle,
        recipe.output.seed,
        recipe.views.ranges(),
        recipe.views.pseudo.ranges(),
        recipe.motion.shares(),
    )
    progress.say("warming up ...")
    queries, store_plan, out = open_plan(spec), _store_plan(request, recipe, poses), request.out.resolve()
    return Work(
        plan=store_plan,
        estimate=_warm_up(queries, store_plan),
        counts=_counts(queries, request.n),
        rejections=poses.rejections,
        parts=asdict(spec),
        paths=[spec.library],
        stage="poses",
        task=lambda shard, stop: ProjectTask(spec, out, shard, stop),
        make=make_project_shard,
        unit="poses",
    )


def _store_plan(request: Request, recipe: ProjectRecipe, poses: PreparedPoses) -> StorePlan:
    inputs, library = poses.inputs(), poses.library
    return StorePlan(
        path=request.out,
        schema=pose_schema(recipe.output.shard_size),
        n=request.n,
        recipe_hash=project_hash(recipe, inputs),
        attributes={
            "title": "Recorded poses seen by virtual cameras, in 2D and 3D, without pictures",
            **picture_attributes(recipe.described(), inputs, recipe.output.cycle, PROJECT_VERSION),
            "seed": recipe.output.seed,
            "sources": motion_licences(recipe, poses),
            **lifted_attributes(poses),
            "counts": {"frames": poses.frames, "poses": len(library), "subjects": len(library.subjects)},
            "left_out": count_rejections(poses.rejections),
        },
        tables={"motion_files": list(library.files), "subjects": list(library.subjects)},
    )


def _warm_up(queries: QueryPlan, plan: StorePlan) -> Estimate:
    """Make some samples, which also compiles what isn't yet; the time is of a block whose labels are made."""
    size = measure_size(partial(ProjectBlock, queries), plan.schema, spread(plan.n, _WARM_UP))
    ids = spread(plan.n, BLOCK)
    started = time.monotonic()
    ProjectBlock(queries, ids).labels()
    return Estimate(size, (time.monotonic() - started) / len(ids))


def _counts(queries: QueryPlan, n: int) -> list[str]:
    """Say what the samples of each split are made of."""
    samples = dict(enumerate(queries.cycle.counts(n)))
    return [
        f"  {SPLITS[split]}: {samples[split]:,} samples of {len(queries.pool(split)):,} poses of "
        f"{int((queries.split_of_subject == split).sum()):,} subjects"
        for split in queries.cycle.used
    ]
