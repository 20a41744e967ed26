"""Runs that make a store, of whatever kind: look, prepare, begin or go on, make all shards, seal, tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.cluster import Workers
from pipelines.estimate import NO_PICTURES, Estimate
from pipelines.progress import Progress, duration
from pipelines.recipe import Run, SampleOutput
from pipelines.report import plan_lines, sealed_line, write_preview
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
from synth.sources.records import Rejection
from synth.store.metadata import StoreMeta, open_meta


@dataclass(frozen=True)
class Request:
    """What is asked for, as far as it is known before anything is prepared.

    Parameters
    ----------
    out : Path
        The store.
    n : int
        Samples.
    output : SampleOutput
        Shards and codec.
    run : Run
        How to go about it.
    described : mapping
        The recipe as the store's attributes keep it.
    deciding : tuple of str
        Tables of it that decide bytes by themselves; the others do by what they find in the sources.
    check : callable
        Makes sure that the sources are there; called if there is something to make.
    """

    out: Path
    n: int
    output: SampleOutput
    run: Run
    described: Mapping[str, Any]
    deciding: tuple[str, ...]
    check: Callable[[], object]


@dataclass(frozen=True)
class Work:
    """All parts of a run, found or made.

    Parameters
    ----------
    plan : StorePlan
        The store.
    estimate : Estimate
        What a sample takes.
    counts : sequence of str
        Lines about what samples are made of.
    rejections : sequence of Rejection
        All that was left out of the sources.
    parts : mapping
        What the log says of the parts.
    paths : sequence of Path
        What workers must see.
    stage : str
        What is made, in a word.
    task : callable
        Makes the task of a shard, given its number and whether its first failure ends it.
    make : callable
        Does a task on a worker: a function of a module.
    unit : str
        What samples are called in counts.
    """

    plan: StorePlan
    estimate: Estimate
    counts: Sequence[str]
    rejections: Sequence[Rejection]
    parts: Mapping[str, Any]
    paths: Sequence[Path]
    stage: str
    task: Callable[[int, bool], Any]
    make: Callable[[Any], ShardOutcome]
    unit: str = "images"


def make_store(
    request: Request, prepare: Callable[[Workers], Work], progress: Progress, log: RunLog
) -> list[str]:
    """Make, or go on with, a store and seal it.

    Parameters
    ----------
    request : Request
        What to make, and how to run.
    prepare : callable
        Finds or makes the parts.
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
    there, out = _look(request), request.out
    if there is not None and there.seal is not None and there.n == request.n:
        preview = write_preview(out, request.run.preview)
        return [f"{out} is finished and sealed: {sealed_line(there)}", *preview]
    request.check()
    recipe = {**request.described, "run": request.run.model_dump(mode="json")}
    with log.run(recipe=recipe, cache=cache_dir(), libraries=library_versions()):
        with Workers(request.run.workers, request.run.scheduler) as workers:
            work = prepare(workers)
            _require_space(request, work, there)
            meta = begin(work.plan)
            log.write("prepared", parts=work.parts, recipe_hash=meta.recipe_hash)
            listed = write_rejections(out, work.rejections)
            made, seconds = _make_pending(request, work, meta, workers, progress, log)
        failed = finish(out, request.run.max_fail_rate)
        log.write("sealed", samples=meta.n, failed=failed, made=made, seconds=round(seconds, 3))
    rate = f" in {duration(seconds)}, {made / seconds:,.0f} {work.unit}/s" if made else ""
    return [
        f"sealed {out}: {sealed_line(open_meta(out))}",
        f"  made {made:,} samples{rate}",
        *rejection_lines(count_rejections(work.rejections)),
        f"  left-out items are listed in {listed}; the run's log is {log.path}",
        *write_preview(out, request.run.preview),
    ]


def plan_store(request: Request, prepare: Callable[[Workers], Work]) -> list[str]:
    """Say what a run would make and take; no store is written.

    Parameters
    ----------
    request : Request
        What would be made.
    prepare : callable
        Finds or makes the parts, and measures the time that samples take.

    Raises
    ------
    DiskSpaceError
        If the run would not fit on the disk; the message gives the bytes.
    """
    there = _look(request)
    request.check()
    with Workers(request.run.workers, request.run.scheduler) as workers:
        work = prepare(workers)
        count = workers.count
    missing = _require_space(request, work, there)
    free = free_space(request.out) / 1e9
    return [
        *plan_lines(request.n, missing, work.counts, work.estimate, _codec(request), count, work.unit),
        *rejection_lines(count_rejections(work.rejections)),
        f"free disk: {free:,.1f} GB in {request.out.resolve().parent}; it fits, nothing was written",
    ]


def _look(request: Request) -> StoreMeta | None:
    """Find the store that is there and refuse what can be seen to differ before anything is prepared."""
    there = check_place(request.out, request.run.resume)
    if there is not None:
        final = there.seal is not None and there.n == request.n
        check_same_recipe(there, request.described, tuple(request.described) if final else request.deciding)
        check_layout(there, request.n, request.output.shard_size, request.output.picture_codec)
    return there


def _codec(request: Request) -> str:
    """Name the codec of the pictures as estimates do."""
    return request.output.picture_codec or NO_PICTURES


def _require_space(request: Request, work: Work, there: StoreMeta | None) -> int:
    """Count the samples to be made, having checked that they fit the disk."""
    missing = request.n - committed_samples(there)
    require_space(request.out, missing * work.estimate.size[_codec(request)])
    return missing


def _make_pending(
    request: Request, work: Work, meta: StoreMeta, workers: Workers, progress: Progress, log: RunLog
) -> tuple[int, float]:
    """Make all pending shards; samples made and seconds taken."""
    shards = pending(meta)
    total = samples_in(meta, shards)
    if total < meta.n:
        progress.say(f"going on with {meta.path}: {meta.n - total:,} of {meta.n:,} samples are there")
    _note_versions(meta, progress)
    workers.require_paths([meta.path.resolve(), *work.paths])
    tasks = [work.task(shard, request.run.on_error == "stop") for shard in shards]
    started = time.monotonic()
    with progress.stage(work.stage, total, work.unit) as stage:

        def done(outcome: ShardOutcome) -> None:
            stage.advance(outcome.samples)
            log.write("shard", **vars(outcome))

        make_shards(meta, workers.unordered(work.make, tasks), done, request.run.max_fail_rate)
    return total, time.monotonic() - started


def _note_versions(meta: StoreMeta, progress: Progress) -> None:
    was, now = meta.attributes.get("libraries", {}), library_versions()
    changed = [f"{name} {was[name]} -> {now.get(name)}" for name in was if was[name] != now.get(name)]
    if changed:
        progress.say(
            f"note: the store was begun with other versions ({', '.join(changed)}); bytes may differ"
        )
