"""What a network is to the loop and to the evaluation: what it reads, its losses, its estimates.

A task of each paper is in `synth.train.tasks`. The loop knows nothing of pictures and poses, a task nothing of
optimisers, devices and files.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from synth.metrics.estimates import Estimates
from synth.store.batches import Batch, SampleSource

Constants = Mapping[str, NDArray[np.generic]]
"""What is measured on the training samples before the first step and kept in every checkpoint: moments of
coordinates, means of classes, lengths of bones."""


class TaskOptions(BaseModel):
    """Table ``[task]`` of a recipe: frozen, and refuses what it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Update:
    """One of the updates that a step consists of.

    Parameters
    ----------
    name : str
        Given to `Task.losses`.
    prefix : str
        Start of the names of the network's parameters that this update's optimiser changes; ``""``: all.
    """

    name: str = "network"
    prefix: str = ""


class Task(ABC):
    """A network with its inputs, targets, losses and estimates.

    Parameters
    ----------
    options : TaskOptions
        Of the task's own kind.
    constants : mapping of str to array
        Of `measure`.
    """

    updates: tuple[Update, ...] = (Update(),)
    """Made in this order in every step, each with an optimiser of its own."""

    network: nn.Module
    """All parameters there are to train and to keep."""

    @abstractmethod
    def __init__(self, options: Any, constants: Constants) -> None: ...

    @classmethod
    @abstractmethod
    def measure(cls, options: Any, sources: Sequence[SampleSource]) -> Constants:
        """Measure what the task needs to know of the training samples.

        Parameters
        ----------
        options : TaskOptions
        sources : sequence of SampleSource
            Opened without arrays: what is measured is read from their stores.

        Raises
        ------
        InputError
            If a store lacks what the task needs.
        """

    @property
    @abstractmethod
    def arrays(self) -> tuple[str, ...]:
        """Arrays that every store must have, as `store.batches.open_source` names them."""

    @property
    def optional(self) -> tuple[str, ...]:
        """Arrays that are used where a store has them, and are NaN, -1 or False where it hasn't."""
        return ()

    @abstractmethod
    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Make inputs and targets of a batch, on the CPU; called in reading threads.

        Parameters
        ----------
        batch : Batch
        augment_seed : int or None
            Seed of the paper's augmentation, whose draws are keyed by (seed, epoch, source, sample id); None for
            none, as in evaluation.

        Returns
        -------
        dict of str to Tensor
            All of N rows.
        """

    @abstractmethod
    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Losses of a batch on the device of the network.

        Parameters
        ----------
        tensors : mapping of str to Tensor
            From `tensors`.
        update : str
            Name of one of `updates`.

        Returns
        -------
        dict of str to () Tensor
            ``"loss"``, which is minimised, and any others to be shown.
        """

    @abstractmethod
    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Run the test-time procedure of the paper on a batch; the network is in evaluation mode."""

    def initialise(self) -> None:
        """Load the weights that training begins with, if any were given.

        Called before the first step of a new run, and neither when a run is resumed nor in evaluation.
        Nothing by default.
        """
        return

    def pictures(self, tensors: Mapping[str, Tensor]) -> NDArray[np.uint8] | None:
        """Draw what the network says of a batch, (N, H, W, 3) RGB, if there is more to see than joints."""
        return None

    def at_epoch(self, epoch: float) -> None:
        """Follow a schedule of loss weights; `epoch` counts from 0, with fractions. Nothing by default."""
        return
