"""Optimisers, learning rates and number formats: how one step changes the weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synth.errors import InputError
from synth.train.recipe import OptimiserTable, RunTable, ScheduleTable
from synth.train.task import Update

_STEP_STAGE = 60
"""Key of the random numbers of a step (dropout) in the generator [seed, stage, step, rank]."""

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass
class Schedule:
    """Learning rate of each step.

    Parameters
    ----------
    table : ScheduleTable
    rate : float
        At the start.
    reduced : float
        What a plateau has multiplied the rate by so far.
    best : float
        Least validation loss so far.
    waited : int
        Validations since.
    """

    table: ScheduleTable
    rate: float
    reduced: float = 1.0
    best: float = float("inf")
    waited: int = 0

    def at(self, step: int, epoch: float) -> float:
        """Rate of step `step`, from 0, in `epoch`, from 0 and with fractions."""
        factor, every = self.table.factor, self.table.every or 1.0
        match self.table.name:
            case "exponential":
                return self.rate * factor ** (step / every)
            case "steps":
                return self.rate * factor ** int(epoch / every + 1e-9)
            case _:
                return self.rate * self.reduced

    def validated(self, loss: float) -> None:
        """Take note of a validation loss."""
        if loss < self.best:
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.table.name == "plateau" and self.waited >= self.table.patience:
            self.reduced, self.waited = self.reduced * self.table.factor, 0

    def state(self) -> dict[str, float]:
        """Give what a checkpoint keeps."""
        return {"reduced": self.reduced, "best": self.best, "waited": self.waited}

    def restore(self, state: Mapping[str, float]) -> None:
        """Put back what `state` gave."""
        self.reduced, self.best, self.waited = state["reduced"], state["best"], int(state["waited"])


@dataclass(frozen=True)
class Optimiser:
    """The optimiser of one update.

    Parameters
    ----------
    update : Update
    parameters : list of Parameter
        What it changes.
    method : torch.optim.Optimizer
    clip : float or None
        Greatest norm of the gradient.
    """

    update: Update
    parameters: list[nn.Parameter]
    method: torch.optim.Optimizer
    clip: float | None

    def step(self, loss: Tensor, rate: float, scaler: torch.amp.GradScaler) -> None:
        """Follow the gradient of a loss, at a learning rate."""
        for group in self.method.param_groups:
            group["lr"] = rate
        scaler.scale(loss).backward()
        if self.clip is not None:
            scaler.unscale_(self.method)
            nn.utils.clip_grad_norm_(self.parameters, self.clip)
        scaler.step(self.method)


def make_optimisers(network: nn.Module, updates: Sequence[Update], table: OptimiserTable) -> list[Optimiser]:
    """Make the optimiser of each update of a step.

    Raises
    ------
    InputError
        If an update changes nothing.
    """
    made = []
    for update in updates:
        named = network.named_parameters()
        own = [p for name, p in named if name.startswith(update.prefix) and p.requires_grad]
        if not own:
            raise InputError(
                f"update {update.name!r} has no parameter whose name starts with {update.prefix!r}"
            )
        made.append(Optimiser(update, own, _method(own, table), table.clip))
    return made


def _method(parameters: list[nn.Parameter], table: OptimiserTable) -> torch.optim.Optimizer:
    common: dict[str, Any] = {"lr": table.rate, "weight_decay": table.weight_decay}
    match table.name:
        case "sgd":
            return torch.optim.SGD(parameters, momentum=table.momentum, **common)
        case "rmsprop":
            return torch.optim.RMSprop(parameters, momentum=table.momentum, **common)
        case "adam":
            return torch.optim.Adam(parameters, **common)
        case "adamw":
            return torch.optim.AdamW(parameters, **common)


@dataclass(frozen=True)
class Precision:
    """Number format of the network's arithmetic.

    Parameters
    ----------
    name : str
        ``"fp32"``, ``"bf16"`` or ``"fp16"``.
    device : torch.device
    scaler : GradScaler
        Scales the loss, so that small gradients don't vanish in fp16; does nothing otherwise.
    """

    name: str
    device: torch.device
    scaler: torch.amp.GradScaler = field(repr=False)

    def autocast(self) -> AbstractContextManager[Any]:
        """Context in which losses are computed."""
        if self.name == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=_DTYPES[self.name])


def precision_of(table: RunTable, device: torch.device) -> Precision:
    """Choose the number format of a run on a device."""
    scaler = torch.amp.GradScaler(device.type, enabled=table.precision == "fp16")
    return Precision(table.precision, device, scaler)


def seed_step(seed: int, step: int, rank: int) -> None:
    """Seed the random numbers of one step on all devices: they depend on these three numbers alone."""
    words = np.random.SeedSequence([seed, _STEP_STAGE, step, rank]).generate_state(2)
    torch.manual_seed(int(words[0]) << 31 ^ int(words[1]))


@contextmanager
def deterministic(enabled: bool) -> Iterator[None]:
    """Allow only operations that give the same bits in every run, for the while."""
    before = torch.are_deterministic_algorithms_enabled()
    if enabled:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when the GPU first multiplies
    torch.use_deterministic_algorithms(enabled or before)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
