"""What every label pass does: begin it or go on with it, make its pending shards, seal it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import synth
from pipelines.cluster import Workers
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from pipelines.shards import ShardOutcome
from pipelines.stores import make_shards, pending, samples_in
from synth.environment import library_versions
from synth.errors import StoreError
from synth.store.files import clean_leftovers
from synth.store.labels import begin_label_pass, label_path
from synth.store.metadata import StoreMeta, open_meta
from synth.store.reader import Store, open_store
from synth.store.schema import VALID, ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.tables import Table

Task = TypeVar("Task")

NO_SAMPLE = "the sample itself failed"
"""Reason by which a pass leaves out samples that the store has not."""


@dataclass(frozen=True)
class LabelPlan:
    """A label pass to be made.

    Parameters
    ----------
    store : Path
        The sealed store.
    name : str
        Name of the pass.
    arrays : tuple of ArraySpec
        What it holds for each sample.
    version : int
        Of the algorithm; raised whenever the same recipe gives other labels.
    recipe : mapping
        All options that decide the labels, as JSON values. With `version` they make the pass's recipe hash.
    attributes : mapping
        Further attributes: meaning, palette, licences; no name that `label_attributes` uses.
    tables : mapping of str to Table
    """

    store: Path
    name: str
    arrays: tuple[ArraySpec, ...]
    version: int
    recipe: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the pass is."""
        return label_path(self.store, self.name)

    @property
    def recipe_hash(self) -> str:
        """SHA-256 over the algorithm's version and the recipe."""
        document = {"version": self.version, "recipe": dict(self.recipe)}
        return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def sealed_store(path: Path) -> Store:
    """Open the store that labels are to be made for.

    Raises
    ------
    StoreError
        It is not there, not sealed, or a label pass itself.
    """
    store = open_store(path)
    if store.meta.parent_seal is not None:
        raise StoreError(f"{path} is a label pass; give the store that it belongs to")
    return store


def begin(plan: LabelPlan) -> StoreMeta:
    """Make the pass, or get one that is there ready to go on; errors as of `begin_label_pass`."""
    parent = open_meta(plan.store)
    return begin_label_pass(
        plan.store,
        plan.name,
        StoreSchema(plan.arrays, parent.schema.shard_size),
        recipe_hash=plan.recipe_hash,
        attributes=label_attributes(plan),
        tables=plan.tables,
    )


def label_attributes(plan: LabelPlan) -> dict[str, Any]:
    """Compile the attributes of a pass; none depends on when, where or how fast it is made."""
    return {
        **plan.attributes,
        "recipe": dict(plan.recipe),
        "algorithm_version": plan.version,
        "code": {"name": "synth", "version": synth.__version__},
        "libraries": library_versions(),
    }


def run_label_pass(
    plan: LabelPlan,
    task: Callable[[int], Task],
    work: Callable[[Task], ShardOutcome],
    workers: Workers,
    progress: Progress,
    log: RunLog,
) -> list[str]:
    """Make what is pending of a pass, and seal it; a pass that is sealed is left as it is.

    Parameters
    ----------
    plan : LabelPlan
    task : callable
        Makes the task of a shard number; it travels to a worker.
    work : callable
        Does a task there: a function of a module, usually around `pipelines.shards.write_shard`. Samples
        that fail are counted and told.
    workers : Workers
    progress : Progress
    log : RunLog

    Returns
    -------
    list of str
        What to tell the user.
    """
    meta = begin(plan)
    if meta.seal is not None:
        return [f"{plan.path} is finished and sealed"]
    shards = pending(meta)
    total = samples_in(meta, shards)
    if total < meta.n:
        progress.say(f"going on with {plan.path}: {meta.n - total:,} of {meta.n:,} samples are there")
    workers.require_paths([plan.path.resolve()])
    started = time.monotonic()
    with progress.stage(plan.name, total, "samples") as stage:

        def done(outcome: ShardOutcome) -> None:
            stage.advance(outcome.samples)
            log.write("label shard", label=plan.name, **{**vars(outcome), "failures": len(outcome.failures)})

        outcomes = workers.unordered(work, [task(shard) for shard in shards])
        make_shards(meta, outcomes, done, max_fail_rate=1.0)
    return _finish(plan, total, time.monotonic() - started)


def _finish(plan: LabelPlan, made: int, seconds: float) -> list[str]:
    clean_leftovers(plan.path)
    seal(plan.path)
    meta = open_meta(plan.path)
    reasons: dict[str, int] = (meta.seal or {})["failures"]
    rate = f" in {seconds:.1f} s, {made / seconds:,.0f} samples/s" if made else ""
    return [
        f"sealed {plan.path}: labels of {meta.n:,} samples",
        f"  made {made:,} samples{rate}",
        *(f"  left out: {count:,} x {reason}" for reason, count in reasons.items()),
    ]


def invalid_samples(store: Store, start: int, stop: int) -> dict[int, str]:
    """Give the samples of a range that the store itself lacks, as failures of a label pass."""
    valid: NDArray[np.bool_] = store.read_label(VALID.name, start, stop)
    return dict.fromkeys((start + np.flatnonzero(~valid)).tolist(), NO_SAMPLE)
