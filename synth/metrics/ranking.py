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
    known = np.asarray(classes) >= 0
    return _mean_of(hits_so_far(np.asarray(ranked)[known], np.asarray(classes)[known], ks))


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
    return _mean_of(best_so_far(values[~np.isnan(values).any(axis=1)], ks))


def best_so_far(errors: ArrayLike, ks: Sequence[int]) -> NDArray[np.float64]:
    """Least error of each person's first k hypotheses; parameters as of `best_of_top_k`.

    Returns
    -------
    (N, len(ks)) float64
        NaN for people with NaN among them.
    """
    return _by_depth(np.asarray(errors, dtype=np.float64), ks, np.minimum)


def hits_so_far(ranked: ArrayLike, classes: ArrayLike, ks: Sequence[int]) -> NDArray[np.float64]:
    """Whether each person's class is among the first k; parameters as of `top_k_rates`.

    Returns
    -------
    (N, len(ks)) float64
        1 or 0; NaN for people with -1.
    """
    truth = np.asarray(classes)[:, None]
    hits = np.where(np.asarray(ranked) == truth, 1.0, 0.0)
    return np.where(truth >= 0, _by_depth(hits, ks, np.maximum), np.nan)


def _mean_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values.mean(axis=0) if len(values) else np.full(values.shape[1], np.nan)


def _by_depth(values: NDArray[np.float64], ks: Sequence[int], best: np.ufunc) -> NDArray[np.float64]:
    """Best of the first k columns, (N, len(ks))."""
    wanted = np.asarray(ks, dtype=np.intp)
    if not len(wanted) or wanted.min() < 1 or wanted.max() > values.shape[1]:
        raise InputError(
            f"the best of the first {list(ks)} of {values.shape[1]}: give numbers from 1 to that many"
        )
    found: NDArray[np.float64] = best.accumulate(values, axis=1)[:, wanted - 1]
    return found
