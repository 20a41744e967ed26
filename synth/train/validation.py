"""Losses and measures of a network on held-out samples while it is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synth.metrics.estimates import Estimates
from synth.metrics.truth import Truth
from synth.store.batches import Batch, SampleSource
from synth.train.evaluation import Evaluated, Reading, gather, read_people, some_people
from synth.train.history import loss_names
from synth.train.task import Task

SHOWN = 8
"""People of whom pictures are drawn."""


@dataclass(frozen=True)
class Validated:
    """What a network does on held-out samples.

    Parameters
    ----------
    losses : dict of str to float
        Means over all samples.
    measures : dict of str to float
        Those of `metrics.tables.measures` that are known; of several stores the mean over samples.
    estimates : Estimates
        Of some samples of the first store.
    truth : Truth
        Of the same.
    images : (N, 220, 220, 3) uint8 or None
        Their pictures.
    drawn : (M, H, W, 3) uint8 or None
        What the task itself draws of its first samples.
    """

    losses: dict[str, float]
    measures: dict[str, float]
    estimates: Estimates
    truth: Truth
    images: NDArray[np.uint8] | None
    drawn: NDArray[np.uint8] | None

    @property
    def loss(self) -> float:
        """The one that counts: of the first update."""
        return next(iter(self.losses.values()))


def validate(task: Task, sources: Sequence[SampleSource], limit: int, reading: Reading) -> Validated:
    """Run a task on held-out samples.

    Parameters
    ----------
    task : Task
        Its network is put into evaluation mode for the while.
    sources : sequence of SampleSource
        At least one.
    limit : int
        Samples at most, evenly spread, shared out among the sources.
    reading : Reading
    """
    share = max(1, limit // len(sources))
    task.network.eval()
    with torch.inference_mode():
        parts = [_validate_source(task, some_people(source, share), reading) for source in sources]
    task.network.train()
    weights = [len(evaluated.ids) for evaluated, _, _ in parts]
    first, _, drawn = parts[0]
    rows = np.arange(0, len(first.ids), -(-len(first.ids) // SHOWN))
    return Validated(
        _mean([losses for _, losses, _ in parts], weights),
        _mean([_known(evaluated.measures) for evaluated, _, _ in parts], weights),
        _rows_of(first.estimates, rows),
        first.truth.take(rows),
        _images(sources[0], first.ids[rows]),
        drawn,
    )


def _validate_source(
    task: Task, source: SampleSource, reading: Reading
) -> tuple[Evaluated, dict[str, float], NDArray[np.uint8] | None]:
    totals: dict[str, float] = {}
    drawn: list[NDArray[np.uint8] | None] = []

    def estimate(batch: Batch, prepared: Mapping[str, Tensor]) -> dict[str, Estimates]:
        tensors = {name: tensor.to(reading.device) for name, tensor in prepared.items()}
        for update in task.updates:
            losses = loss_names(update.name, task.losses(tensors, update.name), len(task.updates) > 1)
            for name, loss in losses.items():
                totals[name] = totals.get(name, 0.0) + len(batch.ids) * float(loss)
        if not drawn:
            drawn.append(task.pictures({name: tensor[:SHOWN] for name, tensor in tensors.items()}))
        return {"": task.estimate(tensors)}

    batches = read_people(
        source, (*task.arrays, *task.optional), reading, lambda batch: task.tensors(batch, None)
    )
    evaluated = gather(source, batches, estimate, reading.told)[""]
    return evaluated, {name: total / len(source) for name, total in totals.items()}, drawn[0]


def _known(measures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in measures.items() if value is not None}


def _mean(parts: Sequence[Mapping[str, float]], weights: Sequence[int]) -> dict[str, float]:
    """Weighted means of the values that several parts have, each over those that have it."""
    names = dict.fromkeys(name for part in parts for name in part)
    means = {}
    for name in names:
        own = [(part[name], weight) for part, weight in zip(parts, weights, strict=True) if name in part]
        means[name] = sum(value * weight for value, weight in own) / sum(weight for _, weight in own)
    return means


def _rows_of(estimates: Estimates, rows: NDArray[np.intp]) -> Estimates:
    solid, flat = (
        None if joints is None else joints[rows] for joints in (estimates.joints3d, estimates.joints2d)
    )
    return Estimates(estimates.skeleton, solid, flat)


def _images(source: SampleSource, ids: NDArray[np.int64]) -> NDArray[np.uint8] | None:
    return source.store.read_images(ids) if "images" in source.store.names else None
