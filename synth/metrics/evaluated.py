"""Estimates of the people of a store beside what is true of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.metrics.estimates import Estimates
from synth.metrics.scores import Scores, score_people
from synth.metrics.tables import Table, measures, summarise
from synth.metrics.truth import Truth


@dataclass(frozen=True)
class Evaluated:
    """What a network says of N people of a store.

    Parameters
    ----------
    ids : (N,) int64
        Their samples, rising.
    estimates : Estimates
        Those of a network come without hypotheses, of which `scores` tell.
    scores : Scores
    truth : Truth
    losses : dict of str to float
        Means, by update and loss, of a network whose estimates hold no joints.
    origin : dict
        Where the estimates come from, JSON values.
    """

    ids: NDArray[np.int64]
    estimates: Estimates
    scores: Scores
    truth: Truth
    losses: dict[str, float] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)

    @property
    def measures(self) -> dict[str, float | None]:
        """Averages over all people, see `metrics.tables.measures`."""
        return measures(self.scores)

    def table(self) -> Table:
        """All tables, see `metrics.tables.summarise`."""
        return {**summarise(self.scores, self.truth), "losses": self.losses, "origin": self.origin}


def compare(
    ids: NDArray[np.int64], estimates: Estimates, truth: Truth, origin: dict[str, Any] | None = None
) -> Evaluated:
    """Score estimates of the samples `ids` (N,) that are all in memory."""
    return Evaluated(ids, estimates, score_people(estimates, truth), truth, origin=origin or {})


def spread_rows(count: int, limit: int | None) -> NDArray[np.intp] | slice:
    """Rows of at most `limit` of `count` people, evenly spread; raises `InputError` below 1."""
    if limit is None or limit >= count:
        return slice(None)
    if limit < 1:
        raise InputError(f"{limit} people: expected 1 or more")
    return (np.arange(limit) * count) // limit
