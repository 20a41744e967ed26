"""What the tasks of pictures share: reading people, changing them, measuring colours, starting from weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor, nn

from synth.errors import InputError
from synth.nets.weights import load_weights
from synth.skeletons import H36M17
from synth.store.batches import Batch, SampleSource
from synth.train.augment import (
    Augmentation,
    Changes,
    People,
    change_people,
    colour_axes_of,
    draw_changes,
    no_changes,
)
from synth.train.task import Constants, Task, TaskOptions

COLOUR_PICTURES = 256
"""Training pictures, evenly spread over all stores, of which the principal axes of colours are taken."""


class PictureOptions(TaskOptions):
    """Options of every task of pictures."""

    width: float = Field(1.0, gt=0, le=8, description="factor of the hidden layers' channels")
    augmentation: Augmentation = Field(Augmentation(), description="how pictures are changed in training")


class StartingOptions(PictureOptions):
    """Options of networks that may start from weights trained on other pictures."""

    weights: Path | None = Field(
        None,
        description="file of weights by torchvision's names, which training begins with; not the last layer",
    )


class PictureTask(Task):
    """A task whose samples are people in pictures.

    Parameters
    ----------
    options : PictureOptions
    constants : mapping of str to array
        `colour_axes`, (3, 3), if colours are jittered.
    """

    def __init__(self, options: PictureOptions, constants: Constants) -> None:
        self.augmentation = options.augmentation
        self.constants = constants

    @classmethod
    def measure(cls, options: Any, sources: Sequence[SampleSource]) -> Constants:
        """Measure the principal axes of the training pictures' colours, if they are needed."""
        if not options.augmentation.colour_jitter:
            return {}
        wanted = -(-COLOUR_PICTURES // len(sources))
        pictures = [source.store.read_images(spread(source.ids, wanted)) for source in sources]
        return {"colour_axes": colour_axes_of(np.concatenate(pictures))}

    @property
    def arrays(self) -> tuple[str, ...]:
        """Pictures and 2D joints, which are NaN where they aren't labelled."""
        return ("images", "joints2d")

    @property
    def optional(self) -> tuple[str, ...]:
        """3D joints: people without them are trained on in 2D."""
        return ("joints3d",)

    def changes(self, batch: Batch, augment_seed: int | None) -> Changes:
        """Draw the changes of a batch's pictures; none without a seed."""
        if augment_seed is None:
            return no_changes(len(batch.ids))
        return draw_changes(self.augmentation, augment_seed, batch)

    def people(self, batch: Batch, augment_seed: int | None) -> People:
        """People of a batch, changed."""
        changes = self.changes(batch, augment_seed)
        return change_people(people_of(batch), changes, self.constants.get("colour_axes"))


def people_of(batch: Batch) -> People:
    """People of a batch as a store has them; what wasn't asked for is NaN (pictures: None)."""
    count = len(batch.ids)

    def known(name: str, *shape: int) -> NDArray[np.float64]:
        given = batch.arrays.get(name)
        return np.full((count, *shape), np.nan) if given is None else given.astype(np.float64)

    joints = len(H36M17)
    return People(
        batch.arrays.get("images"),
        known("joints2d", joints, 2),
        known("joints3d", joints, 3),
        known("K", 3, 3),
    )


def spread(ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """At most `count` ids, evenly spread over those given."""
    return ids[np.unique(np.linspace(0, len(ids) - 1, count).round().astype(int))]


def training_rows(source: SampleSource, name: str) -> Iterator[NDArray[Any]]:
    """Rows of a label array of a source's samples, a shard at a time; nothing where the store lacks it."""
    store = source.store
    if name not in store.names:
        return
    shards = source.ids // store.meta.schema.shard_size
    for shard in np.unique(shards).tolist():
        start, stop = store.meta.bounds(shard)
        yield store.read_label(name, start, stop)[source.ids[shards == shard] - start]


def floats(values: NDArray[Any]) -> Tensor:
    """Tensor of float32 with a memory of its own or the array's."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def numbers(values: Tensor) -> NDArray[np.float64]:
    """Array of a tensor on any device, of any precision."""
    return np.asarray(values.detach().float().cpu().numpy(), dtype=np.float64)


def start_from(network: nn.Module, path: Path, skip: Sequence[str]) -> None:
    """Load torchvision-named weights of a file into a network, but for some layers.

    Raises
    ------
    InputError
        If the file cannot be read, holds something else, or is of another architecture.
    """
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"weights {path}: no such file; give torchvision's state dict") from error
    except Exception as error:  # torch raises what the damaged pickle happens to lead to
        raise InputError(f"weights {path} cannot be read as a torch state dict: {error}") from error
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise InputError(f"weights {path}: expected a state dict, tensors by the names of parameters")
    try:
        load_weights(network, weights, skip)
    except InputError as error:
        raise InputError(f"weights {path}: {error}") from error
