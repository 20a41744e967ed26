"""Distances of estimated joints and poses from the true ones, with and without alignment, and their means."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.geometry import Similarity, rigid_alignment, similarity_alignment


def joint_errors(
    estimates: ArrayLike, truth: ArrayLike, labelled: ArrayLike | None = None, root: int | None = None
) -> NDArray[np.float64]:
    """Distance of each joint from where it should be.

    Parameters
    ----------
    estimates, truth : (..., J, D) float
        Joints in any unit, 2D or 3D.
    labelled : (..., J) bool, optional
        Which joints are known; by default those whose truth is finite.
    root : int, optional
        Joint on which both poses are laid first.

    Returns
    -------
    (..., J) float64
        NaN where not known; infinite where it is known, and the estimate isn't finite.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    found, wanted = _pair(estimates, truth)
    if root is not None:
        found, wanted = (joints - joints[..., root, None, :] for joints in (found, wanted))
    known = np.isfinite(wanted).all(axis=-1)
    if labelled is not None:
        known &= np.asarray(labelled, dtype=bool)
    errors = np.linalg.norm(found - wanted, axis=-1)
    return np.where(known, np.where(np.isfinite(errors), errors, np.inf), np.nan)


def mpjpe(estimates: ArrayLike, truth: ArrayLike, root: int | None = None) -> NDArray[np.float64]:
    """Mean distance of the joints of each pose: with a root Human3.6M's MPJPE, without one the absolute error.

    Parameters
    ----------
    estimates, truth : (..., J, 3) float
        Joints in any unit; those of which the truth isn't finite don't count.
    root : int, optional
        Joint on which both poses are laid first. It counts, with its error of 0.

    Returns
    -------
    (...) float64
        NaN for a pose without a known joint.
    """
    return mean_over_joints(joint_errors(estimates, truth, root=root))


def rigid_mpjpe(estimates: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Mean distance after the best rotation and translation: Rogez & Schmid's aligned error.

    Parameters
    ----------
    estimates, truth : (..., J, 3) float
        Joints in any unit.

    Returns
    -------
    (...) float64
        NaN for a pose whose truth isn't finite, infinite where only the estimate isn't.
    """
    return _aligned(estimates, truth, rigid_alignment)


def pa_mpjpe(estimates: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """Mean distance after the best rotation, translation and scale (Procrustes), never a reflection.

    Parameters and result are those of `rigid_mpjpe`.
    """
    return _aligned(estimates, truth, similarity_alignment)


def _aligned(
    estimates: ArrayLike, truth: ArrayLike, align: Callable[[ArrayLike, ArrayLike], Similarity]
) -> NDArray[np.float64]:
    found, wanted = _pair(estimates, truth)
    usable = np.isfinite(found).all(axis=(-2, -1)) & np.isfinite(wanted).all(axis=(-2, -1))
    source, target = found[usable], wanted[usable]
    errors = np.where(np.isfinite(wanted).all(axis=(-2, -1)), np.inf, np.nan)
    errors[usable] = mpjpe(align(source, target).apply(source), target)
    return errors


def mean_error(errors: ArrayLike) -> float:
    """Mean of all errors that aren't NaN; NaN where there is none."""
    return float(mean_over_joints(np.asarray(errors, dtype=np.float64).ravel()))


def mean_by_group(errors: ArrayLike, groups: Sequence[Hashable]) -> dict[Hashable, float]:
    """Mean error of each group, such as an action, in the order in which the groups first come.

    Parameters
    ----------
    errors : (N, ...) float
        NaN where not known.
    groups : sequence of N names

    Raises
    ------
    InputError
        If there isn't one name for each.
    """
    values = np.asarray(errors, dtype=np.float64)
    if len(groups) != len(values):
        raise InputError(f"{len(values)} errors in {len(groups)} groups: give the group of each")
    rows: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    return {group: mean_error(values[own]) for group, own in rows.items()}


def _pair(estimates: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found, wanted = np.asarray(estimates, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if found.shape != wanted.shape:
        raise InputError(
            f"estimates of shape {found.shape} cannot be compared with {wanted.shape} of the truth"
        )
    return found, wanted


def mean_over_joints(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the last axis of what isn't NaN; NaN where nothing is left."""
    known = ~np.isnan(errors)
    count = known.sum(axis=-1)
    total = np.where(known, errors, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0)
