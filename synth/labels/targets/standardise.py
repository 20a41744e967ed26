"""Standardised inputs and outputs of lifting networks (Martinez et al.; Seth)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError

ROOT = 0
"""Position of the root in `H36M17`: the pelvis."""


@dataclass(frozen=True)
class Moments:
    """Number, mean and spread of every coordinate of a training set.

    Parameters
    ----------
    count : (...) float64
        Values seen.
    mean : (...) float64
        Their mean; 0 where none was seen.
    squares : (...) float64
        Sum of their squared deviations from the mean.
    """

    count: NDArray[np.float64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Standard deviation (...) of the whole set; 1 where all values are (nearly) equal or none was seen."""
        spread = np.sqrt(self.squares / np.maximum(self.count, 1.0))
        # equal values leave a spread of rounding errors alone, which must not be blown up
        return np.where(spread > 1e-9 * np.maximum(np.abs(self.mean), 1e-300), spread, 1.0)


def moments(values: ArrayLike) -> Moments:
    """Moments of every coordinate of N samples.

    Parameters
    ----------
    values : (N, ...) float
        NaN where not known.
    """
    given = np.asarray(values, dtype=np.float64)
    known = np.isfinite(given)
    count = known.sum(axis=0).astype(np.float64)
    mean = np.where(known, given, 0.0).sum(axis=0) / np.maximum(count, 1.0)
    return Moments(count, mean, (np.where(known, given - mean, 0.0) ** 2).sum(axis=0))


def combine_moments(a: Moments, b: Moments) -> Moments:
    """Moments of two sets together (Chan, Golub & LeVeque): a data set is gone through shard by shard."""
    count = a.count + b.count
    share = b.count / np.maximum(count, 1.0)
    difference = b.mean - a.mean
    squares = a.squares + b.squares + difference**2 * a.count * share
    return Moments(count, a.mean + difference * share, squares)


def standardise(values: ArrayLike, of: Moments) -> NDArray[np.float32]:
    """Subtract the training set's mean and divide by its standard deviation, coordinate by coordinate.

    Parameters
    ----------
    values : (N, ...) float
        NaN where not known.
    of : Moments
        Of the training set, (...).

    Returns
    -------
    (N, ...) float32
        0, the mean, where not known.

    Raises
    ------
    InputError
        If the values have another shape than the moments.
    """
    given = np.asarray(values, dtype=np.float64)
    if given.shape[1:] != of.mean.shape:
        raise InputError(
            f"samples of shape {given.shape[1:]} cannot be standardised by {of.mean.shape} means"
        )
    scaled = (given - of.mean) / of.deviation
    return np.where(np.isfinite(scaled), scaled, 0.0).astype(np.float32)


def destandardise(values: ArrayLike, of: Moments) -> NDArray[np.float64]:
    """Inverse of `standardise`: (N, ...) in the unit of the training set."""
    return np.asarray(values, dtype=np.float64) * of.deviation + of.mean


def root_relative(joints: ArrayLike, root: int = ROOT) -> NDArray[np.float64]:
    """Joints relative to the root, without the root, whose zeros teach nothing.

    Parameters
    ----------
    joints : (N, J, D) float
        2D or 3D joints.
    root : int
        Position of the root joint.

    Returns
    -------
    (N, J - 1, D) float64
    """
    given = np.asarray(joints, dtype=np.float64)
    return np.delete(given - given[:, root, None], root, axis=1)


def poses_of_root_relative(joints: ArrayLike, root: int = ROOT) -> NDArray[np.float64]:
    """Put the root back, at 0: (N, J, D) from `root_relative`'s (N, J - 1, D)."""
    return np.insert(np.asarray(joints, dtype=np.float64), root, 0.0, axis=1)
