"""Rows of trained networks in an evaluation. Needs torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pipelines.evaluation_plan import EvaluationPlan, row_names
from pipelines.progress import Progress
from synth.errors import InputError
from synth.metrics.evaluated import Evaluated
from synth.splits import SPLITS
from synth.store.batches import open_source
from synth.train.checkpoint import OpenedTask
from synth.train.distributed import choose_device
from synth.train.evaluation import Reading, evaluate_task, gather, read_people, some_people
from synth.train.tasks.deepskeleton_hypotheses import estimate_hypotheses, hypothesis_arrays
from synth.train.tasks.map_regressor import MapRegressor
from synth.train.trained import lacks_classes, lacks_option, open_people, open_trained


def run_rows(plan: EvaluationPlan, store: Path, progress: Progress) -> tuple[dict[str, Evaluated], list[str]]:
    """Estimates of all runs of a plan on one store, by name, and what must be known of them."""
    rows: dict[str, Evaluated] = {}
    notes: list[str] = []
    device = choose_device(plan.device)
    changes = {"cut": plan.cut, "hypotheses": plan.top}
    unused = {name for name, value in changes.items() if value is not None}
    for name, run in zip(row_names(plan.runs), plan.runs, strict=True):
        opened = open_trained(run, device, plan.best, **changes)
        unused = {option for option in unused if lacks_option(opened, option)}
        if unused and run == plan.runs[-1]:
            raise InputError(f"{run} is of task {opened.name}, which has no option {min(unused)!r}")
        people = some_people(open_people(opened, store, _split(plan)), plan.people)
        with progress.stage(name, len(people), "people") as stage:
            reading = Reading(device, plan.batch_size, plan.threads, stage.advance)
            rows[name] = replace(evaluate_task(opened.task, people, reading), origin=_origin(run, opened))
        if lacks_classes(opened.task, store):
            notes.append(
                f"{name}: {store} has no label pass of its classes, so no classification rate is told; "
                "`synth label assign` makes one."
            )
    return rows | _hypothesis_rows(plan, store, progress), notes


def _hypothesis_rows(plan: EvaluationPlan, store: Path, progress: Progress) -> dict[str, Evaluated]:
    """Poses chosen among those of several networks, by their reprojection and by an oracle."""
    if not plan.hypotheses:
        return {}
    tasks = _map_regressors(plan)
    names = hypothesis_arrays(tasks)
    people = some_people(open_source(store, names, tasks[0].optional, _split(plan)), plan.people)
    with progress.stage("hypotheses", len(people), "people") as stage:
        reading = Reading(plan.device, plan.batch_size, plan.threads, stage.advance)
        batches = read_people(people, (*names, *tasks[0].optional), reading, lambda batch: None)
        found = gather(
            people, batches, lambda batch, _: estimate_hypotheses(tasks, batch)._asdict(), stage.advance
        )
    runs = {"runs": [str(run) for run in plan.hypotheses]}
    return {name: replace(row, origin=runs) for name, row in found.items()}


def _map_regressors(plan: EvaluationPlan) -> list[MapRegressor]:
    tasks = []
    for run in plan.hypotheses:
        opened = open_trained(run, choose_device(plan.device), plan.best)
        if not isinstance(opened.task, MapRegressor):
            raise InputError(f"--hypotheses {run} is a run of task {opened.name}, expected map-regressor")
        tasks.append(opened.task)
    return tasks


def _origin(run: Path, opened: OpenedTask) -> dict[str, Any]:
    checkpoint = opened.checkpoint
    return {
        "run": str(run),
        "task": checkpoint.recipe["task"],
        "step": checkpoint.step,
        "trained_on": checkpoint.sources,
    }


def _split(plan: EvaluationPlan) -> str | None:
    return plan.split if plan.split in SPLITS else None
