"""Photographed people in the mosaics' box, with all that is known of them, into a sealed store."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.cluster import Workers
from pipelines.crops_recipe import CROPS_VERSION, CropRecipe, crops_hash
from pipelines.crops_worker import CropBlock, CropTask, make_crop_shard
from pipelines.describe import image_licences, picture_attributes
from pipelines.estimate import Estimate, measure_seconds, measure_size, spread
from pipelines.prepare import SOURCES_VERSION, Tools, file_stamps, make_embedded, remembered
from pipelines.progress import Progress
from pipelines.runlog import RunLog, count_rejections
from pipelines.runs import Request, Work, make_store, plan_store
from pipelines.stores import StorePlan
from synth.cache import atomic_folder, cache_dir
from synth.environment import library_versions
from synth.errors import InputError
from synth.people_files import People, open_people, people_hash, save_people
from synth.people_plan import plan_people
from synth.sources import catalog
from synth.splits import SPLITS
from synth.store.photographs import photograph_schema

_WARM_UP = 20


def crop_store(recipe: CropRecipe, out: Path, progress: Progress, log: RunLog) -> list[str]:
    """Make, or go on with, a store of photographed people and seal it; what to tell the user at the end.

    Parameters
    ----------
    recipe : CropRecipe
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
        A source is unknown, missing or gives nobody, or gives fewer people than are asked for; further kinds as
        `runs.make_store` tells.
    """
    people = find_people(recipe, progress)
    request = _request(recipe, people, out)
    return make_store(request, lambda workers: _work(request, recipe, people), progress, log)


def plan_only(recipe: CropRecipe, out: Path, progress: Progress) -> list[str]:
    """Say what a run would make and take; no store is written. Errors as of `crop_store`."""
    people = find_people(recipe, progress)
    request = _request(recipe, people, out)
    return plan_store(request, lambda workers: _work(request, recipe, people, timed=True))


def find_people(recipe: CropRecipe, progress: Progress) -> People:
    """Find the plan of a recipe's people in the cache, or make it.

    Raises
    ------
    InputError
        As of `crop_store`.
    """
    named = catalog.image_sources(recipe.sources.images, testing=True)
    cache = cache_dir().resolve()
    with Workers(recipe.run.workers, recipe.run.scheduler) as workers:
        make_embedded(named, Tools(cache, workers, progress))
    sources = [catalog.locate(source, recipe.sources.data_root) for source in named]
    folder = cache / "people"

    def make() -> dict[str, Any]:
        progress.say(f"reading annotated images: {recipe.sources.images} ...")
        images, rejections = catalog.read_images(
            recipe.sources.images, recipe.sources.data_root, testing=True
        )
        plan = plan_people(images, [source.for_testing for source in named], recipe.options())
        name = people_hash(plan, images)
        if not (folder / name).is_dir():
            with atomic_folder(folder / name) as temporary:
                save_people(plan, images, rejections, temporary)
        return {"name": name}

    versions = [SOURCES_VERSION, CROPS_VERSION, library_versions()["opencv"]]
    key = [versions, asdict(recipe.options()), file_stamps(sources)]
    known = remembered(folder, key, make, lambda found: (folder / found["name"]).is_dir())
    people = open_people(folder / known["name"])
    progress.say(f"people: {len(people):,} in {len(people.tables['photographs']):,} photographs")
    return people


def _request(recipe: CropRecipe, people: People, out: Path) -> Request:
    n = recipe.output.n or len(people)
    if n > len(people):
        raise InputError(
            f"--n {n}: {recipe.sources.images} gives {len(people)} people; ask for as many or fewer"
        )
    described = recipe.described()
    return Request(out, n, recipe.output, recipe.run, described, tuple(described), lambda: None)


def _work(request: Request, recipe: CropRecipe, people: People, timed: bool = False) -> Work:
    plan, out = _store_plan(request, recipe, people), request.out.resolve()
    return Work(
        plan=plan,
        estimate=_warm_up(people, plan, recipe, timed),
        counts=_counts(people, request.n),
        rejections=people.rejections,
        parts={"people": people.path},
        paths=[people.path, *(images.root for images in people.sources)],
        stage="crops",
        task=lambda shard, stop: CropTask(people.path, recipe.pictures.border, out, shard, stop),
        make=make_crop_shard,
    )


def _store_plan(request: Request, recipe: CropRecipe, people: People) -> StorePlan:
    inputs = {"people": people.path.name}
    about = picture_attributes(recipe.described(), inputs, recipe.output.cycle, CROPS_VERSION)
    about.pop("split_cycle")  # a sample's split is its photograph's or its subject's, not its id's
    return StorePlan(
        path=request.out,
        schema=photograph_schema(recipe.output.codec, recipe.output.shard_size),
        n=request.n,
        recipe_hash=crops_hash(recipe, inputs),
        attributes={
            "title": "Photographs of annotated people, cut out and scaled as mosaics are",
            **about,
            "camera_model": "pinhole, the lens's distortion left out: pixel = K X / z, X in the frame of the "
            "photograph's camera",
            "protocol": recipe.people.protocol,
            "seed": recipe.output.seed,
            "sources": image_licences(recipe.sources.images),
            "counts": {name: len(table) for name, table in people.tables.items()},
            "left_out": count_rejections(people.rejections),
        },
        tables=people.tables,
    )


def _warm_up(people: People, plan: StorePlan, recipe: CropRecipe, timed: bool) -> Estimate:
    begin, ids = partial(CropBlock, people, recipe.pictures.border), spread(plan.n, _WARM_UP)
    size = measure_size(begin, plan.schema, ids)
    return Estimate(size, measure_seconds(begin, recipe.output.codec, ids, ids) if timed else float("nan"))


def _counts(people: People, n: int) -> list[str]:
    counts = np.bincount(people.labels["split"][:n], minlength=len(SPLITS)).tolist()
    named = ", ".join(f"{name} {count:,}" for name, count in zip(SPLITS, counts, strict=True) if count)
    with_3d = int(np.isfinite(people.labels["joints3d"][:n]).all(axis=(1, 2)).sum())
    return [f"  {named}; {with_3d:,} with 3D joints"]
