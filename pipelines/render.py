"""Rendered people in the poses and cameras of a store, or of a pose library, into a sealed store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.cluster import Workers
from pipelines.describe import motion_licences, picture_attributes
from pipelines.estimate import Estimate, measure_seconds, measure_size
from pipelines.prepare import Tools, prepare_poses
from pipelines.progress import Progress
from pipelines.render_recipe import RENDER_VERSION, RenderRecipe, render_hash
from pipelines.render_worker import RenderBlock, RenderSpec, RenderTask, make_render_shard, open_engine
from pipelines.rotations import PoseList, PreparedRotations, prepare_rotations
from pipelines.runlog import RunLog, count_rejections
from pipelines.runs import Request, Work, make_store, plan_store
from pipelines.shards import BLOCK
from pipelines.stores import StorePlan
from synth.cache import cache_dir
from synth.errors import InputError
from synth.rendering.maps import MAPS, map_tables
from synth.rendering.shots import PASSED_ON, world_joints
from synth.skeletons import H36M17
from synth.sources import catalog
from synth.sources.records import Rejection
from synth.splits import SPLITS, SplitCycle
from synth.store.reader import Store, open_store
from synth.store.samples import sample_schema
from synth.store.schema import StoreSchema

_BYTE_DECIDING = ("views", "rendering", "output")
_DEFAULT_N = 1000
_PELVIS = H36M17.index("pelvis")
_BODY_LICENCES = (
    {
        "kind": "body",
        "name": "makehuman",
        "title": "MakeHuman base mesh, rig and shapes",
        "licence": "CC0 1.0",
    },
    {
        "kind": "backgrounds",
        "name": "backgrounds",
        "title": "Photographs and panoramas that come with this program (NOTICE names them)",
        "licence": "CC0, public domain, CC BY 2.0",
    },
)


@dataclass(frozen=True)
class Posed:
    """Poses and cameras that are to be rendered.

    Parameters
    ----------
    store, library : Path or None
        Where they come from: one of the two.
    cycle : SplitCycle
        How ids run through the splits.
    poses : PoseList
        Where they were recorded.
    tables : dict of str to list of str
        What the labels about motion point into.
    inputs : dict of str to str
        Content hashes.
    attributes : dict
        Licences, and what the poses are.
    rejections : tuple of Rejection
        What was left out of the motion sources.
    """

    store: Path | None
    library: Path | None
    cycle: SplitCycle
    poses: PoseList
    tables: dict[str, list[str]]
    inputs: dict[str, str]
    attributes: dict[str, Any]
    rejections: tuple[Rejection, ...]


def render_store(
    recipe: RenderRecipe, source: Path | None, out: Path, progress: Progress, log: RunLog
) -> list[str]:
    """Make, or go on with, a store of rendered people and seal it.

    Parameters
    ----------
    recipe : RenderRecipe
        What to make, and how to run.
    source : Path or None
        The sealed store whose samples are rendered; poses of the recipe's motion sources if not given.
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
    request = _request(recipe, source, out)
    return make_store(
        request, lambda workers: _work(request, recipe, source, workers, progress), progress, log
    )


def plan_only(recipe: RenderRecipe, source: Path | None, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written. Errors as of `render_store`."""
    request = _request(recipe, source, out)
    return plan_store(request, lambda workers: _work(request, recipe, source, workers, progress, timed=True))


def _request(recipe: RenderRecipe, source: Path | None, out: Path) -> Request:
    n, mocap = recipe.output.n, recipe.sources.mocap
    if source is None:
        if recipe.rendering.background == "mosaic":
            raise InputError("--background mosaic needs a store whose pictures are taken: synth render STORE")
        check: Callable[[], object] = partial(_check_motion, recipe)
    else:
        if mocap != type(recipe.sources)().mocap:
            raise InputError(f"{source} brings its own poses: give either a store or --mocap {mocap}")
        if out.resolve() == source.resolve():
            raise InputError(f"{out} is the store that is to be rendered; choose another --out")
        parent = _open_source(source)
        if n is not None and n > len(parent):
            raise InputError(f"--n {n}: {source} has {len(parent)} samples; ask for as many or fewer")
        n, check = n or len(parent), partial(_open_source, source)
    described = recipe.described(of_store=source is not None)
    return Request(out, n or _DEFAULT_N, recipe.output, recipe.run, described, _BYTE_DECIDING, check)


def _check_motion(recipe: RenderRecipe) -> None:
    for source in catalog.motion_sources(recipe.sources.mocap):
        if not source.embedded:
            catalog.locate(source, recipe.sources.data_root)


def _open_source(path: Path) -> Store:
    """Open the store that is rendered; `InputError` if it lacks an array."""
    store = open_store(path)
    for name in ("images", "joints3d", "joints2d", *PASSED_ON):
        store.meta.schema.array(name)
    return store


def _work(
    request: Request,
    recipe: RenderRecipe,
    source: Path | None,
    workers: Workers,
    progress: Progress,
    timed: bool = False,
) -> Work:
    tools = Tools(cache_dir().resolve(), workers, progress)
    posed = drawn_poses(recipe, tools) if source is None else stored_poses(source, request.n)
    turned = prepare_rotations(posed.poses, recipe.sources.data_root, recipe.rendering.rotations, tools)
    spec = RenderSpec(
        recipe.options(posed.cycle), posed.store, posed.library, recipe.views.ranges(), turned.path
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


def drawn_poses(recipe: RenderRecipe, tools: Tools) -> Posed:
    """Poses of the recipe's motion sources, which samples are drawn from as those of mosaics are."""
    prepared = prepare_poses(recipe, tools)
    library = prepared.library
    poses = PoseList(
        library.content_hash,
        list(library.files),
        np.arange(len(library)),
        library.file_of.astype(np.int64),
        library.frame.astype(np.int64),
        library.joints.astype(np.float64),
    )
    return Posed(
        None,
        prepared.path,
        recipe.output.cycle,
        poses,
        {"motion_files": list(library.files), "subjects": list(library.subjects)},
        {"pose_library": library.content_hash},
        {
            "sources": [*motion_licences(recipe.sources.mocap), *_BODY_LICENCES],
            "counts": {"frames": prepared.frames, "poses": len(library), "subjects": len(library.subjects)},
        },
        prepared.rejections,
    )


def stored_poses(path: Path, n: int) -> Posed:
    """Poses and cameras of the first `n` samples of a store."""
    store = _open_source(path)
    there = store.attributes
    tables = {name: store.table(name) for name in ("motion_files", "subjects")}
    return Posed(
        path.resolve(),
        None,
        SplitCycle(*there["split_cycle"]),
        _recorded(store, n, tables["motion_files"]),
        tables,
        {"store": store.meta.recipe_hash},
        {
            "sources": [*there["sources"], *_BODY_LICENCES],
            "counts": there.get("counts", {}),
            "rendered_after": {"title": there.get("title", ""), "recipe": there.get("recipe", {})},
        },
        (),
    )


def _recorded(store: Store, n: int, files: list[str]) -> PoseList:
    """List the poses among the first n samples; each as its first sample has it."""
    valid = store.read_label("valid", 0, n)
    pose = np.where(valid, store.read_label("pose", 0, n), -1).astype(np.int64)
    numbers, first = np.unique(pose, return_index=True)
    first = np.sort(first[numbers >= 0])
    parts = []
    for low in range(0, n, BLOCK):
        rows = first[(first >= low) & (first < low + BLOCK)]
        if len(rows):
            high = min(low + BLOCK, n)
            label = {name: store.read_label(name, low, high)[rows - low] for name in ("joints3d", "R", "t")}
            parts.append(world_joints(label["joints3d"], label["R"], label["t"]))
    joints = np.concatenate(parts) if parts else np.empty((0, len(H36M17), 3))
    joints -= joints[:, _PELVIS, None] * [1.0, 0.0, 1.0]
    file, frame = (
        store.read_label(name, 0, n)[first].astype(np.int64) for name in ("motion_file", "motion_frame")
    )
    return PoseList(f"{store.meta.recipe_hash} {n}", files, pose[first], file, frame, joints)


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
    """Make some samples of few people, which also compiles what isn't yet.

    Samples as far apart as there are people show one of them: as many pictures for a person as in the run.
    """
    begin = partial(RenderBlock, open_engine(spec))
    codec, people = recipe.output.codec, recipe.rendering.people
    size = measure_size(begin, plan.schema, np.arange(min(plan.n, 4)))
    seconds = float("nan")
    if timed:
        apart = np.arange(0, min(plan.n, BLOCK), people)
        seconds = measure_seconds(begin, codec, apart, apart)
    return Estimate(size, seconds)


def _counts(n: int, posed: Posed, turned: PreparedRotations) -> list[str]:
    samples = zip(SPLITS, posed.cycle.counts(n), strict=True)
    named = ", ".join(f"{name} {count:,}" for name, count in samples if count)
    how = "joints alone" if turned.path is None else "joints and recorded rotations"
    return [f"  {named}; {len(posed.poses.pose):,} poses of {posed.poses.sources}, fitted to {how}"]
