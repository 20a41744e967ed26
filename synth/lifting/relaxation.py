"""A 3D pose from one 2D pose: the convex relaxation of Zhou et al., solved by ADMM.

Zhou, Zhu, Leonardos, Daniilidis, *Sparse Representation for 3D Shape Estimation: A Convex Relaxation
Approach* (TPAMI 2017). A pose S = sum_i c_i R_i B_i of dictionary atoms B_i, each turned by a rotation of its
own, is seen as W = sum_i M_i B_i + T 1' with M_i the first two rows of c_i R_i. The relaxation minimises over
M, T and, with the robust option, E

    1/2 sum_p w_p ||W_p - sum_i M_i B_ip - T - E_p||^2 + lambda sum_i ||M_i||_2 + beta sum_p w_p ||E_p||_1

where ||M_i||_2 is the spectral norm and w_p the weight of joint p: 0 leaves a joint out (it comes from the
atoms alone), 1 for all is the published problem.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.errors import InputError
from synth.lifting.admm import solve_batch

LEAST_JOINTS = 3
"""Fewer points than this fix neither scale nor direction."""


@dataclass(frozen=True)
class RelaxationOptions:
    """Constants of the relaxation; the defaults are the authors'.

    Parameters
    ----------
    sparsity : float
        lambda, the weight of the spectral norms. It belongs to 2D poses of about unit spread.
    outliers : float, optional
        beta, the least residual that E takes for an outlier; None leaves E out.
    tolerance : float
        Both relative residuals under which the iteration ends.
    max_iterations : int
        Iterations after which it ends in any case.

    Raises
    ------
    InputError
        If one is not positive.
    """

    sparsity: float = 1.0
    outliers: float | None = None
    tolerance: float = 1e-3
    max_iterations: int = 1000

    def __post_init__(self) -> None:
        for name in ("sparsity", "outliers", "tolerance", "max_iterations"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"relaxation option {name} is {value}; give a positive number")


@dataclass(frozen=True)
class Relaxed:
    """Solutions for N poses.

    Parameters
    ----------
    shapes : (N, 3, P) float64
        S = sum_i c_i R_i B_i: x right, y down (as W), z into the picture; about the weak camera's axis.
    motions : (N, K, 2, 3) float64
        M.
    coefficients : (N, K) float64
        c_i, the spectral norms of M_i.
    translations : (N, 2) float64
        T.
    outliers : (N, 2, P) float64
        E; 0 without the robust option.
    objectives : (N,) float64
        Value of what is minimised.
    iterations : (N,) int64
        Iterations done.
    converged : (N,) bool
        Whether both residuals were under the tolerance.
    """

    shapes: NDArray[np.float64]
    motions: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    translations: NDArray[np.float64]
    outliers: NDArray[np.float64]
    objectives: NDArray[np.float64]
    iterations: NDArray[np.int64]
    converged: NDArray[np.bool_]


def relax(
    points: ArrayLike,
    atoms: ArrayLike,
    weights: ArrayLike | None = None,
    options: RelaxationOptions | None = None,
) -> Relaxed:
    """Solve the relaxation for a batch of 2D poses.

    Parameters
    ----------
    points : (N, 2, P) float
        W, normalised to about unit spread (`normalise_2d`), x right, y down.
    atoms : (K, 3, P) float
        The dictionary; every row is centred here. y down, z into the picture.
    weights : (N, P) float, optional
        w, not negative; 1 if not given. Points of weight 0 are not read.
    options : RelaxationOptions, optional
        Constants.

    Returns
    -------
    Relaxed

    Raises
    ------
    InputError
        If shapes disagree, a weighted point is not finite, or a pose has fewer than three weighted points
        or all of them at one place.
    """
    chosen = options or RelaxationOptions()
    w, b, weight = _checked(points, atoms, weights)
    k, p = len(b), b.shape[2]
    centred = b - b.mean(axis=2, keepdims=True)
    columns = np.ascontiguousarray(centred.transpose(2, 1, 0)).reshape(p, 3 * k)
    gram = columns @ columns.T
    patterns, pattern_of = np.unique(weight, axis=0, return_inverse=True)
    root = np.sqrt(patterns)
    spectrum, vectors = np.linalg.eigh(root[:, :, None] * gram * root[:, None, :])
    solution = solve_batch(
        w,
        weight,
        columns,
        gram,
        np.maximum(spectrum, 0.0),
        root[:, :, None] * vectors,
        pattern_of.reshape(-1),
        chosen.sparsity,
        np.inf if chosen.outliers is None else chosen.outliers,
        chosen.tolerance,
        chosen.max_iterations,
    )
    motions, *others = solution
    return _assemble(motions, others, columns, k)


def _checked(
    points: ArrayLike, atoms: ArrayLike, weights: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Points with 0 where unweighted, atoms and weights as float64, after the checks that `relax` promises."""
    w, b = np.array(points, dtype=np.float64), np.asarray(atoms, dtype=np.float64)
    if w.ndim != 3 or b.ndim != 3 or w.shape[1] != 2 or b.shape[1] != 3 or w.shape[2] != b.shape[2]:
        raise InputError(f"points {w.shape} and atoms {b.shape} must be (N, 2, P) and (K, 3, P) with one P")
    n, _, p = w.shape
    weight = np.ones((n, p)) if weights is None else np.asarray(weights, dtype=np.float64)
    if weight.shape != (n, p) or not (weight >= 0.0).all() or not np.isfinite(weight).all():
        raise InputError(f"weights must be ({n}, {p}) finite numbers, none negative; got {weight.shape}")
    used = weight > 0.0
    w = np.where(used[:, None, :], w, 0.0)
    bad = (used.sum(axis=1) < LEAST_JOINTS) | ~np.isfinite(w).all(axis=(1, 2))
    low = np.where(used[:, None, :], w, np.inf).min(axis=2)
    high = np.where(used[:, None, :], w, -np.inf).max(axis=2)
    bad |= ~((high - low).max(axis=1) > 0.0)
    if bad.any():
        raise InputError(
            f"2D pose {int(np.flatnonzero(bad)[0])} cannot be lifted: it needs at least {LEAST_JOINTS} weighted "
            "joints with finite coordinates that are not all in one place"
        )
    return w, b, weight


def _assemble(
    motions: NDArray[np.float64], others: list[NDArray], columns: NDArray[np.float64], k: int
) -> Relaxed:
    """Give motions their shape (N, K, 2, 3) and turn the atoms by them."""
    coefficients = others[0]
    rows = motions.reshape(-1, 2, 3, k)
    # the third row of c_i R_i, for M_i = c_i times the first two
    third = np.cross(rows[:, 0], rows[:, 1], axis=1)
    third = np.divide(
        third, coefficients[:, None], out=np.zeros_like(third), where=coefficients[:, None] > 1e-6
    )
    turned = np.concatenate([motions, third.reshape(-1, 1, 3 * k)], axis=1)
    return Relaxed(turned @ columns.T, np.ascontiguousarray(rows.transpose(0, 3, 1, 2)), *others)
