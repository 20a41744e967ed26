"""Trained networks and the stores that they are tried on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from synth.errors import InputError
from synth.labels.classes import load_classes
from synth.store.batches import SampleSource, open_source
from synth.store.labels import label_path
from synth.store.metadata import has_store
from synth.train.checkpoint import OpenedTask, arrays_of, open_task
from synth.train.evaluation import CLASS_ARRAY
from synth.train.task import Task


def open_trained(
    run: Path, device: str | torch.device = "cpu", best: bool = False, **changes: Any
) -> OpenedTask:
    """Open a trained network, with other options of its test-time procedure.

    Parameters
    ----------
    run : Path
        A run's folder, or one of its checkpoint files.
    device : str or torch.device
    best : bool
        Of a folder: the checkpoint with the least validation loss, instead of the newest.
    **changes
        Options of the task by name, such as SSP-Net's `cut`; None for those that stay. Those that the task
        doesn't have mean nothing: `lacks_option` tells which.

    Raises
    ------
    InputError
        There is no checkpoint, or a value is none of its option's.
    """
    opened = open_task(run, device, best)
    wanted = {
        name: value for name, value in changes.items() if value is not None and not lacks_option(opened, name)
    }
    if not wanted:
        return opened
    options = opened.recipe.task
    try:
        changed = type(options).model_validate({**options.model_dump(), **wanted})
    except ValueError as error:
        told = ", ".join(f"{name} = {value}" for name, value in wanted.items())
        raise InputError(
            f"{run}, task {opened.name}: {told}: {str(error).splitlines()[-1].strip()}"
        ) from error
    task = type(opened.task)(changed, arrays_of(opened.checkpoint.constants))
    task.network.load_state_dict(opened.task.network.state_dict())
    task.network.to(device).eval()
    return OpenedTask(opened.name, task, opened.recipe, opened.checkpoint)


def lacks_option(opened: OpenedTask, name: str) -> bool:
    """Whether the task of a trained network has no option of a name."""
    return name not in type(opened.recipe.task).model_fields


def open_people(opened: OpenedTask, store: Path, split: str | None) -> SampleSource:
    """Open a split of a store for a trained network.

    Parameters
    ----------
    opened : OpenedTask
    store : Path
        Sealed. It may lack the label pass of a classifier's classes: nobody's true class is known then.
    split : str or None
        None for all samples.

    Raises
    ------
    InputError
        The store lacks an array or the split, or has other classes under the name of those trained on.
    StoreError
        The store isn't there, not sealed or damaged.
    """
    task = opened.task
    absent = [name for name in task.arrays if name.endswith(CLASS_ARRAY) and not _has_pass(store, name)]
    source = open_source(store, [name for name in task.arrays if name not in absent], task.optional, split)
    for name in task.arrays:
        if name.endswith(CLASS_ARRAY) and name not in absent:
            _check_classes(opened, store, name)
    return source


def lacks_classes(task: Task, store: Path) -> bool:
    """Whether a network tells classes of which the store says nothing."""
    return any(name.endswith(CLASS_ARRAY) and not _has_pass(store, name) for name in task.arrays)


def _has_pass(store: Path, array: str) -> bool:
    return has_store(label_path(store, array.removesuffix(CLASS_ARRAY)))


def _check_classes(opened: OpenedTask, store: Path, array: str) -> None:
    """Refuse classes that only share their name with those that the network was trained on."""
    trained = opened.checkpoint.constants.get("means3d")
    path = label_path(store, array.removesuffix(CLASS_ARRAY))
    if trained is not None and not np.array_equal(trained.numpy(), load_classes(path).means3d):
        raise InputError(
            f"{path} has other classes than the network was trained on: give {store} those, with `synth label "
            "assign --classes` and the label pass of the training store"
        )
