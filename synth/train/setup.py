"""From a recipe and stores to all that a run starts with: opened sources, the task, what is gone on with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from synth.differences import differences
from synth.errors import InputError
from synth.splits import SPLITS
from synth.store.batches import SampleSource, open_source
from synth.store.labels import label_path
from synth.store.metadata import open_meta
from synth.store.sources import SPLIT
from synth.train.checkpoint import Checkpoint, arrays_of, latest_checkpoint, read_checkpoint
from synth.train.recipe import TrainRecipe, deciding_part
from synth.train.task import Constants, Task
from synth.train.tasks import task_classes

Resume = Literal["auto", "never", "require"]

HELD_OUT = "val"
"""Split that is validated on."""


@dataclass(frozen=True)
class StorePart:
    """A store that is trained on.

    Parameters
    ----------
    path : Path
    weight : float
        Its share, relative to the others'.
    """

    path: Path
    weight: float = 1.0


@dataclass(frozen=True)
class Setting:
    """What a run starts with.

    Parameters
    ----------
    recipe : TrainRecipe
    out : Path
        Its folder.
    task : Task
        With the weights it starts from.
    constants : mapping of str to array
        Of the task.
    training, validation : tuple of SampleSource
        The latter may be empty.
    stores : list of dict
        Path, seals and weight of each training store.
    start : Checkpoint or None
        What is gone on with.
    """

    recipe: TrainRecipe
    out: Path
    task: Task
    constants: Constants
    training: tuple[SampleSource, ...]
    validation: tuple[SampleSource, ...]
    stores: list[dict[str, Any]]
    start: Checkpoint | None


def set_up(
    recipe: TrainRecipe,
    training: Sequence[StorePart],
    validation: Sequence[Path],
    out: Path,
    resume: Resume,
) -> Setting:
    """Open the stores and build the task.

    Parameters
    ----------
    recipe : TrainRecipe
    training : sequence of StorePart
    validation : sequence of Path
        Stores whose split val is validated on; those trained on, as far as they have one, if empty.
    out : Path
        Folder of the run.
    resume : {"auto", "never", "require"}
        Go on with a run that is there: if there is one, never, or only then.

    Raises
    ------
    InputError
        A store lacks what the task needs; or the run there is of another recipe or other stores.
    """
    start = _start(out, resume)
    if start is not None:
        _check_recipe(out, start, recipe)
    make, _ = task_classes(recipe.task_name)
    bare = [open_source(part.path, (), (), recipe.data.split, part.weight) for part in training]
    constants = make.measure(recipe.task, bare) if start is None else arrays_of(start.constants)
    torch.manual_seed(recipe.run.seed)
    task = make(recipe.task, constants)
    sources = tuple(_open(task, part.path, recipe.data.split, part.weight) for part in training)
    stores = [_described(task, source, part) for source, part in zip(sources, training, strict=True)]
    if start is None:
        task.initialise()
    else:
        _check_stores(out, start, stores)
        task.network.load_state_dict(start.network)
    held_out = _validation(task, training, sources, validation)
    return Setting(recipe, out, task, constants, sources, held_out, stores, start)


def _open(task: Task, path: Path, split: str, weight: float = 1.0) -> SampleSource:
    return open_source(path, task.arrays, task.optional, split, weight)


def _start(out: Path, resume: Resume) -> Checkpoint | None:
    path = latest_checkpoint(out)
    if path is None:
        if resume == "require":
            raise InputError(
                f"there is no run in {out} to resume; give its folder, or --resume auto to begin one"
            )
        if out.is_file():
            raise InputError(f"{out} is a file; choose another --out")
        return None
    if resume == "never":
        raise InputError(f"{out} holds a run; choose another --out, or go on with it by --resume auto")
    return read_checkpoint(path)


def _check_recipe(out: Path, start: Checkpoint, recipe: TrainRecipe) -> None:
    """Make sure that a run goes on as it was begun; its length and how it is told of may change."""
    if start.task != recipe.task_name:
        raise InputError(
            f"{out} was begun with task {start.task}, not {recipe.task_name}; choose another --out"
        )
    if named := differences(deciding_part(start.recipe), recipe.deciding()):
        raise InputError(f"{out} was begun with another recipe: {named}; choose another --out")


def _check_stores(out: Path, start: Checkpoint, stores: list[dict[str, Any]]) -> None:
    """Make sure that a run goes on with the samples it was begun with, wherever they are now."""
    if len(start.sources) != len(stores):
        raise InputError(
            f"{out} was begun with {len(start.sources)} stores, not {len(stores)}; choose another --out"
        )
    for was, now in zip(start.sources, stores, strict=True):
        if was["seals"] != now["seals"]:
            raise InputError(
                f"{out} was begun with another store than {now['path']} (then {was['path']}; the seals differ); "
                "choose another --out"
            )
        if was["weight"] != now["weight"]:
            raise InputError(
                f"{out} was begun with weight {was['weight']:g} of {now['path']}, not {now['weight']:g}; choose "
                "another --out"
            )


def _described(task: Task, source: SampleSource, part: StorePart) -> dict[str, Any]:
    """Describe a store by what its samples hang on: its seal, and those of the label passes that are used."""
    used = [name for name in source.columns if source.columns[name] is not None]
    passes = sorted({name.rpartition("/")[0] for name in used if "/" in name})
    metas = {"": source.store.meta, **{name: open_meta(label_path(part.path, name)) for name in passes}}
    seals = {name: str((meta.seal or {}).get("hash")) for name, meta in metas.items()}
    return {"path": str(part.path), "weight": part.weight, "seals": seals}


def _validation(
    task: Task, training: Sequence[StorePart], sources: Sequence[SampleSource], validation: Sequence[Path]
) -> tuple[SampleSource, ...]:
    if validation:
        return tuple(_open(task, path, HELD_OUT) for path in validation)
    held_out = [part.path for part, source in zip(training, sources, strict=True) if _has_held_out(source)]
    return tuple(_open(task, path, HELD_OUT) for path in held_out)


def _has_held_out(source: SampleSource) -> bool:
    """Whether a store has samples to validate on."""
    if SPLIT not in source.store.names:
        return False
    number = SPLITS.index(HELD_OUT)
    return bool((source.store.label(SPLIT) == number).any())
