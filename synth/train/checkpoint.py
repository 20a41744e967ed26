"""Checkpoints: all that a run needs to go on as if it had never stopped, and a network to be used.

``RUN/checkpoints/000001000.pt`` is the state after 1,000 steps, ``best.pt`` a copy of the one with the least
validation loss. A file is there whole or not at all, and is loaded without running any code of it.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from torch import Tensor

from synth.errors import InputError
from synth.store.files import make_folder, write_whole
from synth.train.recipe import TrainRecipe, recipe_model
from synth.train.task import Constants, Task
from synth.train.tasks import task_classes

FORMAT_VERSION = 1
"""Raised when older programs could not read a checkpoint."""

FOLDER, BEST = "checkpoints", "best.pt"


@dataclass(frozen=True)
class Checkpoint:
    """State of a run after some steps.

    Parameters
    ----------
    task : str
        Name of the task.
    recipe : dict
        The run's recipe, JSON values.
    sources : list of dict
        Path, seal and weight of each store.
    constants : mapping of str to Tensor
        Of `Task.measure`.
    network : mapping of str to Tensor
        Weights and running statistics.
    optimisers : mapping of str to dict
        State of the optimiser of each update.
    scaler, schedule : mapping
        State of the gradient scaler and of the learning rate.
    step, epoch, batch : int
        Steps done, and the next batch.
    history : list of dict
        What was noted of losses and measures.
    """

    task: str
    recipe: dict[str, Any]
    sources: list[dict[str, Any]]
    constants: Mapping[str, Tensor]
    network: Mapping[str, Tensor]
    optimisers: Mapping[str, Any]
    scaler: Mapping[str, Any]
    schedule: Mapping[str, float]
    step: int
    epoch: int
    batch: int
    history: list[dict[str, Any]]


@dataclass(frozen=True)
class OpenedTask:
    """A trained network, ready for use.

    Parameters
    ----------
    name : str
        Of the task.
    task : Task
        Its network is in evaluation mode.
    recipe : TrainRecipe
    checkpoint : Checkpoint
    """

    name: str
    task: Task
    recipe: TrainRecipe
    checkpoint: Checkpoint


def write_checkpoint(run: Path, checkpoint: Checkpoint, keep: int, best: bool) -> Path:
    """Write a checkpoint of a run, and remove all but the newest.

    Parameters
    ----------
    run : Path
        The run's folder.
    checkpoint : Checkpoint
    keep : int
        How many stay.
    best : bool
        Whether it is the best one so far.
    """
    folder = run / FOLDER
    make_folder(folder)
    file = io.BytesIO()
    content = {field.name: getattr(checkpoint, field.name) for field in fields(Checkpoint)}
    torch.save({"format_version": FORMAT_VERSION, **content}, file)
    path = folder / f"{checkpoint.step:09d}.pt"
    write_whole(path, file.getvalue())
    if best:
        write_whole(folder / BEST, file.getvalue())
    for old in _numbered(run)[:-keep]:
        old.unlink()
    return path


def latest_checkpoint(run: Path) -> Path | None:
    """Newest checkpoint of a run; None if it has none."""
    return next(iter(_numbered(run)[::-1]), None)


def best_checkpoint(run: Path) -> Path | None:
    """Checkpoint with the least validation loss; None without validation."""
    path = run / FOLDER / BEST
    return path if path.is_file() else None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint into memory.

    Raises
    ------
    InputError
        If it is no whole checkpoint, or of a newer version of this program.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        version = content.pop("format_version")
    except (OSError, RuntimeError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError) as error:
        raise InputError(f"{path} cannot be read as a checkpoint: {str(error).splitlines()[0]}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no checkpoint of this program") from error
    if version > FORMAT_VERSION:
        raise InputError(f"{path} was written by a newer version of this program: format {version}")
    return Checkpoint(**content)


def open_task(run: Path, device: str | torch.device = "cpu", best: bool = False) -> OpenedTask:
    """Open a trained network.

    Parameters
    ----------
    run : Path
        A run's folder, or one of its checkpoint files.
    device : str or torch.device
    best : bool
        Of a folder: the checkpoint with the least validation loss, instead of the newest.

    Raises
    ------
    InputError
        If there is no such checkpoint, or this version of the program can't build its network.
    """
    path = run if run.is_file() else (best_checkpoint(run) if best else latest_checkpoint(run))
    if path is None:
        what = "checkpoint with a validation loss" if best else "checkpoint"
        raise InputError(
            f"{run} has no {what}; give the folder of a run (synth train … --out) or one of its files"
        )
    checkpoint = read_checkpoint(path)
    try:
        recipe = recipe_model(checkpoint.task).model_validate(checkpoint.recipe)
        task = task_classes(checkpoint.task)[0](recipe.task, arrays_of(checkpoint.constants))
        task.network.load_state_dict(checkpoint.network)
    except (ValidationError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is of another version of task {checkpoint.task}: {reason}") from error
    task.network.to(device).eval()
    return OpenedTask(checkpoint.task, task, recipe, checkpoint)


def load_task(run: Path, device: str | torch.device = "cpu") -> Task:
    """Task of a run's newest checkpoint, or of a checkpoint file; errors as of `open_task`."""
    return open_task(run, device).task


def tensors_of(constants: Constants) -> dict[str, Tensor]:
    """Constants as a checkpoint keeps them."""
    return {name: torch.from_numpy(np.array(value)) for name, value in constants.items()}


def arrays_of(constants: Mapping[str, Tensor]) -> Constants:
    """Inverse of `tensors_of`."""
    return {name: value.numpy() for name, value in constants.items()}


def _numbered(run: Path) -> list[Path]:
    """Checkpoints of a run but the best, the newest last."""
    folder = run / FOLDER
    found = sorted(folder.glob("*.pt")) if folder.is_dir() else []
    return [path for path in found if path.stem.isdecimal() and os.path.getsize(path)]
