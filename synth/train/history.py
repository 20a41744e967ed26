"""What is noted of a run while it goes: losses, learning rate, measures on held-out samples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

Row = dict[str, Any]
"""``step`` and either ``rate`` and ``losses`` (means since the row before), or ``validation``: ``losses`` and
``measures``."""


@dataclass
class RunningMeans:
    """Means of the losses of some steps, summed on the device so that no step waits for it."""

    totals: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Count one step."""
        self.steps += 1
        for name, loss in losses.items():
            value = loss.detach().float()
            self.totals[name] = self.totals[name] + value if name in self.totals else value

    def take(self) -> dict[str, float]:
        """Means since the last call; none if there was no step."""
        means = {name: float(total) / self.steps for name, total in self.totals.items()}
        self.totals, self.steps = {}, 0
        return means


def loss_names(update: str, losses: Mapping[str, Tensor], several: bool) -> dict[str, Tensor]:
    """Losses by the names that are noted: with that of their update if a step has several."""
    return {f"{update} {name}" if several else name: loss for name, loss in losses.items()}


def not_finite(losses: Mapping[str, float]) -> list[str]:
    """Names of the losses that aren't numbers."""
    return [name for name, loss in losses.items() if not math.isfinite(loss)]


def training_rows(history: Sequence[Row]) -> list[Row]:
    """Rows of training losses."""
    return [row for row in history if "losses" in row]


def validation_rows(history: Sequence[Row]) -> list[Row]:
    """Rows of validations."""
    return [row for row in history if "validation" in row]


def told_validation(row: Row) -> str:
    """Say what a validation found, in a line."""
    found = row["validation"]
    measures = {name: value for name, value in found["measures"].items() if name != "without_estimate"}
    values = [f"{name} {value:.4g}" for name, value in {**found["losses"], **measures}.items()]
    return f"step {row['step']:,}: validation {', '.join(values)}"
