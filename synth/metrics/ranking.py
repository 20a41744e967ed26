"""Measures of ranked hypotheses: classification rate, and the best of the first k."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError


def top_k_rates(ranked: ArrayLike, classes: ArrayLike, ks: Sequence[int]) -> NDArray[np.float64]:
    """Share of people whose class is among the first k: with k = 1 the classification rate.

    Parameters
    ----------
    ranked : (N, M) int
        Classes, the best first.
    classes : (N,) int
        True classes; people with -1 don't count.
    ks : sequence of int
        1 to M.

    Returns
    -------
    (len(ks),) float64
        NaN without people.
    """
    truth = np.asarray(classes)
    hits = np.asarray(ranked)[truth >= 0] == truth[truth >= 0, None]
    return _by_depth(np.where(hits, 1.0, 0.0), ks, np.maximum)


def best_of_top_k(errors: ArrayLike, ks: Sequence[int]) -> NDArray[np.float64]:
    """Mean error when a perfect judge chooses among the first k hypotheses (Rogez & Schmid, Fig. 10).

    Parameters
    ----------
    errors : (N, M) float
        Of the hypotheses, the best ranked first; people with NaN don't count.
    ks : sequence of int
        1 to M.

    Returns
    -------
    (len(ks),) float64
        NaN without people.
    """
    values = np.asarray(errors, dtype=np.float64)
    return _by_depth(values[~np.isnan(values).any(axis=1)], ks, np.minimum)


def _by_depth(values: NDArray[np.float64], ks: Sequence[int], best: np.ufunc) -> NDArray[np.float64]:
    """Mean over rows of the best of the first k columns."""
    wanted = np.asarray(ks, dtype=np.intp)
    if not len(wanted) or wanted.min() < 1 or wanted.max() > values.shape[1]:
        raise InputError(
            f"the best of the first {list(ks)} of {values.shape[1]}: give numbers from 1 to that many"
        )
    if not len(values):
        return np.full(len(wanted), np.nan)
    return best.accumulate(values, axis=1).mean(axis=0)[wanted - 1]
