"""One rotation for all atoms: the relaxation's solution brought to a pose of the model itself.

The relaxation turns every atom by a rotation of its own and shrinks the coefficients. From its solution this goes
down, in turns over c and R, on the problem that it relaxes (Zhou et al.),

    1/2 sum_p w_p ||W_p - (R_12 sum_i c_i B_i)_p - T||^2 + lambda sum_i c_i    with c_i >= 0,

R_12 the first two rows of one rotation R. T is eliminated by centring with the weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.lifting.coding import descend_code
from synth.lifting.relaxation import Relaxed

_SWEEPS, _CODE_CHANGE = 20, 1e-7
_TURNS = 5
_DROP, _MAX_ROUNDS = 1e-4, 50


@dataclass(frozen=True)
class Refined:
    """Poses of the model, ``shapes = rotations @ sum_i coefficients_i atoms_i``.

    Parameters
    ----------
    shapes : (N, 3, P) float64
        x right, y down, z into the picture; the weighted mean of x and y is that of W.
    coefficients : (N, K) float64
        c, not negative.
    rotations : (N, 3, 3) float64
        R.
    objectives : (N,) float64
        Value of what is minimised.
    """

    shapes: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    rotations: NDArray[np.float64]
    objectives: NDArray[np.float64]


def refine(
    points: NDArray[np.float64],
    atoms: NDArray[np.float64],
    weights: NDArray[np.float64],
    begin: Relaxed,
    sparsity: float,
) -> Refined:
    """Go down from the relaxation's solution with one rotation a pose.

    Parameters
    ----------
    points, atoms, weights
        As `relax` took them, weights included.
    begin : Relaxed
        Its solution.
    sparsity : float
        lambda.

    Returns
    -------
    Refined
    """
    centred = np.ascontiguousarray(atoms - atoms.mean(axis=2, keepdims=True))
    start = _synchronised(begin)
    w = np.where(weights[:, None, :] > 0.0, points, 0.0)
    codes = begin.coefficients.copy()
    objectives = _refine_batch(w, weights, centred, sparsity, start, codes)
    bodies = (codes @ centred.reshape(len(centred), -1)).reshape(len(codes), *centred.shape[1:])
    shapes = start @ bodies
    share = weights / weights.sum(axis=1, keepdims=True)
    shapes[:, :2] += ((w - shapes[:, :2]) * share[:, None, :]).sum(axis=2, keepdims=True)
    return Refined(shapes, codes, start, objectives)


def _synchronised(begin: Relaxed) -> NDArray[np.float64]:
    """Rotation (N, 3, 3) nearest to the sum of the c_i R_i of each pose."""
    rows = begin.motions
    third = np.cross(rows[:, :, 0], rows[:, :, 1])
    norm = begin.coefficients[..., None]
    third = np.divide(third, norm, out=np.zeros_like(third), where=norm > 0.0)
    total = np.concatenate([rows, third[:, :, None]], axis=2).sum(axis=1)
    return nearest_rotations(total)


def nearest_rotations(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Proper rotations R (N, 3, 3) that maximise trace(R' A) for matrices A (N, 3, 3)."""
    u, _, vt = np.linalg.svd(matrices)
    sign = np.ones((len(u), 3))
    sign[:, 2] = np.where(np.linalg.det(u @ vt) < 0.0, -1.0, 1.0)
    return np.ascontiguousarray((u * sign[:, None, :]) @ vt)


@njit(cache=True, error_model="numpy")
def _nearest_rotation(matrix: NDArray) -> NDArray:  # pragma: no cover
    """Do for one 3x3 matrix what `nearest_rotations` does for many."""
    u, _, vt = np.linalg.svd(matrix)
    if np.linalg.det(u) * np.linalg.det(vt) < 0.0:
        u[:, 2] = -u[:, 2]
    return u @ vt


@njit(cache=True, error_model="numpy")
def _seen_atoms(atoms: NDArray, rotation: NDArray, weight: NDArray, out: NDArray) -> None:  # pragma: no cover
    """Project atoms (K, 3, P), centre by the weights and multiply by their roots: out (K, 2P)."""
    p = len(weight)
    whole = weight.sum()
    for k in range(len(atoms)):
        for row in range(2):
            mean = 0.0
            for j in range(p):
                value = 0.0
                for axis in range(3):
                    value += rotation[row, axis] * atoms[k, axis, j]
                out[k, row * p + j] = value
                mean += weight[j] * value
            mean /= whole
            for j in range(p):
                out[k, row * p + j] = (out[k, row * p + j] - mean) * np.sqrt(weight[j])


@njit(cache=True, error_model="numpy")
def _turn(w: NDArray, weight: NDArray, body: NDArray, rotation: NDArray) -> NDArray:  # pragma: no cover
    """Find a better rotation for a body (3, P).

    The depths, and the points without weight, are filled in from the present one, and the body is turned to the
    whole: a step of majorisation, so that the objective cannot rise.
    """
    for _ in range(_TURNS):
        turned = rotation @ body
        filled = turned.copy()
        for row in range(2):
            shift = 0.0
            for p in range(len(weight)):
                shift += weight[p] * (w[row, p] - turned[row, p])
            shift /= weight.sum()
            for p in range(len(weight)):
                share = weight[p] / weight.max()
                filled[row, p] += share * (w[row, p] - shift - turned[row, p])
        rotation = _nearest_rotation(filled @ body.T)
    return rotation


@njit(cache=True, error_model="numpy")
def _refine_batch(
    w: NDArray, weights: NDArray, atoms: NDArray, sparsity: float, rotations: NDArray, codes: NDArray
) -> NDArray:  # pragma: no cover
    """Improve rotations (N, 3, 3) and codes (N, K) in place; return the objectives (N,)."""
    k, _, p = atoms.shape
    flat = atoms.reshape(k, 3 * p)
    seen, target = np.empty((k, 2 * p)), np.empty(2 * p)
    objectives = np.empty(len(w))
    for n in range(len(w)):
        root = np.sqrt(weights[n])
        for row in range(2):
            mean = (weights[n] * w[n, row]).sum() / weights[n].sum()
            target[row * p : (row + 1) * p] = (w[n, row] - mean) * root
        last = np.inf
        for _ in range(_MAX_ROUNDS):
            _seen_atoms(atoms, rotations[n], weights[n], seen)
            descend_code(seen @ seen.T, seen @ target, sparsity, _SWEEPS, _CODE_CHANGE, codes[n])
            rest = target - codes[n] @ seen
            value = 0.5 * (rest * rest).sum() + sparsity * codes[n].sum()
            if last - value < _DROP * last:
                last = value
                break
            last = value
            body = (codes[n] @ flat).reshape(3, p)
            rotations[n] = _turn(w[n], weights[n], body, rotations[n])
        objectives[n] = last
    return objectives
