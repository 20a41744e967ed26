"""Estimates of trained networks on a split of a store, with what is true of the same people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synth.metrics.estimates import Estimates, join_estimates
from synth.metrics.evaluated import Evaluated, spread_rows
from synth.metrics.scores import Scores, join_scores, score_people
from synth.metrics.truth import read_truth
from synth.store.batches import Batch, BatchLoader, SampleSource, batch_order
from synth.train.task import Task

CLASS_ARRAY = "/pose_class"
"""End of the names of arrays of true classes, without which a classifier can be evaluated all the same."""


@dataclass(frozen=True)
class Reading:
    """How people are read and run.

    Parameters
    ----------
    device : str or torch.device
        That the network is on.
    batch_size, threads : int
        People a batch; threads that read.
    told : callable
        Told the number of people of each batch that is done.
    """

    device: str | torch.device = "cpu"
    batch_size: int = 64
    threads: int = 2
    told: Callable[[int], object] = lambda people: None


def some_people(source: SampleSource, limit: int | None) -> SampleSource:
    """Source of at most `limit` of its people, evenly spread; raises `InputError` below 1."""
    return replace(source, ids=source.ids[spread_rows(len(source), limit)])


def evaluate_task(task: Task, source: SampleSource, reading: Reading | None = None) -> Evaluated:
    """Run the test-time procedure of a task on the people of a source, in the order of their ids.

    Parameters
    ----------
    task : Task
        Its network is put into evaluation mode for the while.
    source : SampleSource
        Opened with the task's arrays; those of true classes may be missing.
    reading : Reading, optional

    Raises
    ------
    InputError
        The store lacks an array, or says nothing of joints.
    """
    how = reading or Reading()

    def estimate(batch: Batch, tensors: Mapping[str, Tensor]) -> dict[str, Estimates]:
        return {"": task.estimate(tensors)}

    with _evaluating(task.network):
        found = gather(source, _tensors(task, source, how), estimate, how.told)[""]
        return found if len(found.estimates) else replace(found, losses=_mean_losses(task, source, how))


def gather(
    source: SampleSource,
    batches: Iterable[tuple[Batch, Any]],
    estimate: Callable[[Batch, Any], Mapping[str, Estimates]],
    told: Callable[[int], object],
) -> dict[str, Evaluated]:
    """Score batch after batch, so that no more than one batch's hypotheses are in memory.

    Parameters
    ----------
    source : SampleSource
    batches : iterable
        The people of the source, in the order of their ids, and what has been made of them.
    estimate : callable
        Gives estimates of a batch by name, under the same names for all.
    told : callable
        Told the number of people of each batch that is done.
    """
    truth = read_truth(source.store, source.ids)
    parts: dict[str, list[tuple[Estimates, Scores]]] = {}
    start = 0
    for batch, prepared in batches:
        own = truth.take(slice(start, start + len(batch.ids)))
        for name, estimates in estimate(batch, prepared).items():
            kept = replace(estimates, hypotheses3d=None, hypotheses2d=None)
            parts.setdefault(name, []).append((kept, score_people(estimates, own)))
        start += len(batch.ids)
        told(len(batch.ids))
    return {
        name: Evaluated(
            source.ids,
            join_estimates([estimates for estimates, _ in each]),
            join_scores([scores for _, scores in each]),
            truth,
        )
        for name, each in parts.items()
    }


def read_people(
    source: SampleSource, names: Iterable[str], reading: Reading, prepare: Callable[[Batch], Any]
) -> Iterator[tuple[Batch, Any]]:
    """Batches of all people of a source, in the order of their ids, with what `prepare` makes of each."""
    there = [name for name in names if name in source.columns]
    order = batch_order([source], reading.batch_size, shuffle=False, drop_last=False)
    with BatchLoader(
        [source],
        there,
        order,
        epochs=1,
        threads=reading.threads,
        transform=lambda batch: (batch, prepare(batch)),
    ) as loader:
        yield from loader


def _tensors(task: Task, source: SampleSource, reading: Reading) -> Iterator[tuple[Batch, dict[str, Tensor]]]:
    """Batches with the task's tensors, on the device."""

    def prepare(batch: Batch) -> dict[str, Tensor]:
        absent = [name for name in task.arrays if name not in batch.arrays and name.endswith(CLASS_ARRAY)]
        unknown = {name: np.full(len(batch.ids), -1, np.int32) for name in absent}
        return task.tensors(replace(batch, arrays={**batch.arrays, **unknown}), None)

    for batch, tensors in read_people(source, (*task.arrays, *task.optional), reading, prepare):
        yield batch, {name: tensor.to(reading.device) for name, tensor in tensors.items()}


def _mean_losses(task: Task, source: SampleSource, reading: Reading) -> dict[str, float]:
    """Mean of each loss over the people, by ``UPDATE/LOSS``."""
    totals: dict[str, float] = {}
    for batch, tensors in _tensors(task, source, reading):
        for update in task.updates:
            for name, loss in task.losses(tensors, update.name).items():
                key = f"{update.name}/{name}"
                totals[key] = totals.get(key, 0.0) + len(batch.ids) * float(loss)
    return {key: total / len(source) for key, total in totals.items()}


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Put a network into evaluation mode, without gradients, and back."""
    training = network.training
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(training)
