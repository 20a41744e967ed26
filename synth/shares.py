"""Shares of the samples among sources of motion, by weights.

Which source an ordinal falls to follows from the weights, a key and the ordinal alone, so a store can be
extended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError

DEAL = 1000
"""Consecutive ordinals among which every share gets exactly its quota."""


@dataclass(frozen=True)
class SourceShare:
    """Some sources of motion that together get a share of the samples.

    Parameters
    ----------
    sources : tuple of str
        Names as in `MotionClip.source`.
    weight : float
        More than 0; only ratios count.

    Raises
    ------
    InputError
        If the weight is not a positive number.
    """

    sources: tuple[str, ...]
    weight: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.weight) and self.weight > 0.0):
            raise InputError(
                f"the weight of {'+'.join(self.sources)} is {self.weight}; give a number above 0"
            )


def quotas(weights: ArrayLike) -> NDArray[np.int64]:
    """Ordinals of each share among every `DEAL`.

    Parameters
    ----------
    weights : (G,) float
        More than 0, each at least a thousandth of their sum.

    Returns
    -------
    (G,) int64
        1 or more, `DEAL` together.

    Raises
    ------
    InputError
        If a weight is less than a thousandth of the sum.
    """
    values = np.asarray(weights, dtype=np.float64)
    # rounding the cumulated weights keeps the sum
    edges = np.floor(np.cumsum(values) / values.sum() * DEAL + 0.5).astype(np.int64)
    counts = np.diff(edges, prepend=0)
    if counts.min() < 1:
        raise InputError(
            f"the weights {', '.join(f'{value:g}' for value in values)} leave a source less than a thousandth "
            "of the samples; give it more or leave it out"
        )
    return counts


def deal(
    weights: ArrayLike, key: Sequence[int], ordinals: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Share out ordinals: each `DEAL` consecutive ones hold every share's quota in a random order.

    Parameters
    ----------
    weights : (G,) float
        See `quotas`.
    key : sequence of int
        Key of the random generators; the number of the deal is added to it.
    ordinals : (N,) int64
        0 or more, in any order.

    Returns
    -------
    share : (N,) int64
        Share that each ordinal falls to.
    turn : (N,) int64
        How many smaller ordinals fall to the same share.
    """
    counts = quotas(weights)
    cards = np.repeat(np.arange(len(counts)), counts)
    number, place = np.divmod(ordinals, DEAL)
    share, turn = np.empty(len(ordinals), np.int64), np.empty(len(ordinals), np.int64)
    for deal_number in np.unique(number).tolist():
        dealt = np.random.default_rng([*key, deal_number]).permutation(cards)
        earlier = np.empty(DEAL, np.int64)
        earlier[np.argsort(dealt, kind="stable")] = np.concatenate([np.arange(count) for count in counts])
        here = number == deal_number
        share[here] = dealt[place[here]]
        turn[here] = earlier[place[here]] + deal_number * counts[share[here]]
    return share, turn
