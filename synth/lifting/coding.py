"""Non-negative sparse coding: codes by coordinate descent, atoms by block coordinate descent.

Learns atoms D and codes X that minimise

    1/2 ||Y - D X||_F^2 + lambda sum(X)    with X >= 0 and every atom's norm at most a cap

in turns, each of which has a unique minimum that warm-started descent nears (Hoyer 2002; the descent on the
atoms is that of Mairal et al. 2010, Algorithm 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

_FASTMATH = {"reassoc", "contract"}
_CODE_SWEEPS, _ATOM_SWEEPS = 5, 3
_EXACT_SWEEPS = 1000


@dataclass(frozen=True)
class Factors:
    """What `factorise` found.

    Parameters
    ----------
    atoms : (K, F) float64
        D transposed.
    codes : (N, K) float64
        X transposed, not negative.
    objectives : (I,) float64
        Value of the objective after each round.
    """

    atoms: NDArray[np.float64]
    codes: NDArray[np.float64]
    objectives: NDArray[np.float64]


def factorise(
    samples: NDArray[np.float64],
    start: NDArray[np.float64],
    sparsity: float,
    norm_cap: float,
    tolerance: float,
    max_rounds: int,
) -> Factors:
    """Learn atoms and codes, beginning with given atoms.

    Parameters
    ----------
    samples : (N, F) float64
        Y transposed.
    start : (K, F) float64
        First atoms; those beyond the cap are brought to it.
    sparsity : float
        lambda.
    norm_cap : float
        Largest Euclidean norm of an atom.
    tolerance : float
        Ends when a round lowers the objective by less than this share of it.
    max_rounds : int
        Ends after as many rounds in any case.

    Returns
    -------
    Factors
        The objective never rises from round to round. An atom that no sample uses is replaced by the sample
        that is represented worst.
    """
    norms = np.linalg.norm(start, axis=1, keepdims=True)
    atoms = np.ascontiguousarray(start * np.minimum(1.0, norm_cap / np.maximum(norms, 1e-300)))
    codes = np.zeros((len(samples), len(atoms)))
    objectives: list[float] = []
    for _ in range(max_rounds):
        _descend_codes(atoms @ atoms.T, samples @ atoms.T, sparsity, _CODE_SWEEPS, 0.0, codes)
        _descend_atoms(codes.T @ codes, codes.T @ samples, norm_cap, _ATOM_SWEEPS, atoms)
        rest = samples - codes @ atoms
        objectives.append(0.5 * float((rest**2).sum()) + sparsity * float(codes.sum()))
        if len(objectives) > 1 and objectives[-2] - objectives[-1] < tolerance * objectives[-2]:
            break
        _replace_unused(atoms, codes, samples, rest, norm_cap)
    return Factors(atoms, codes, np.array(objectives))


def sparse_codes(
    samples: NDArray[np.float64],
    atoms: NDArray[np.float64],
    sparsity: float,
    start: NDArray[np.float64] | None = None,
    change: float = 1e-9,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Best codes of samples in given atoms.

    Parameters
    ----------
    samples : (N, F) float64
        Y transposed.
    atoms : (K, F) float64
        D transposed.
    sparsity : float
        lambda.
    start : (N, K) float64, optional
        Codes to begin from; 0 if not given.
    change : float
        Ends for a sample when a sweep moves none of its codes by more.

    Returns
    -------
    codes : (N, K) float64
        X transposed.
    costs : (N,) float64
        Each sample's part of the objective.
    """
    codes = np.zeros((len(samples), len(atoms))) if start is None else start.copy()
    _descend_codes(atoms @ atoms.T, samples @ atoms.T, sparsity, _EXACT_SWEEPS, change, codes)
    rest = samples - codes @ atoms
    return codes, 0.5 * (rest**2).sum(axis=1) + sparsity * codes.sum(axis=1)


def _replace_unused(
    atoms: NDArray[np.float64],
    codes: NDArray[np.float64],
    samples: NDArray[np.float64],
    rest: NDArray[np.float64],
    norm_cap: float,
) -> None:
    unused = np.flatnonzero(codes.max(axis=0) <= 0.0)
    worst = np.argsort(-(rest**2).sum(axis=1), kind="stable")[: len(unused)]
    for atom, sample in zip(unused, worst, strict=False):
        norm = float(np.linalg.norm(samples[sample]))
        atoms[atom] = samples[sample] * min(1.0, norm_cap / max(norm, 1e-300))


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def descend_code(
    gram: NDArray, fit: NDArray, sparsity: float, sweeps: int, change: float, code: NDArray
) -> None:  # pragma: no cover
    """Improve the code (K,) of one sample y in place; stop when no part of it moved by more than `change`.

    `gram` (K, K) is D'D and `fit` (K,) is D'y.
    """
    k = len(gram)
    slope = np.empty(k)
    for a in range(k):
        slope[a] = sparsity - fit[a]
    for a in range(k):
        if code[a] != 0.0:
            for b in range(k):
                slope[b] += code[a] * gram[a, b]
    for _ in range(sweeps):
        largest = 0.0
        for a in range(k):
            if gram[a, a] <= 0.0:
                continue
            step = max(-slope[a] / gram[a, a], -code[a])
            if step != 0.0:
                code[a] += step
                largest = max(largest, abs(step))
                for b in range(k):
                    slope[b] += step * gram[a, b]
        if largest <= change:
            break


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _descend_codes(
    gram: NDArray, fits: NDArray, sparsity: float, sweeps: int, change: float, codes: NDArray
) -> None:  # pragma: no cover
    """Apply `descend_code` to N samples: `fits` is Y'D (N, K), `codes` (N, K)."""
    for n in range(len(codes)):
        descend_code(gram, fits[n], sparsity, sweeps, change, codes[n])


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _descend_atoms(
    moments: NDArray, fits: NDArray, norm_cap: float, sweeps: int, atoms: NDArray
) -> None:  # pragma: no cover
    """Improve atoms (K, F) in place; `moments` (K, K) is X X' and `fits` (K, F) is X Y'."""
    k, f = atoms.shape
    moved = np.empty(f)
    for _ in range(sweeps):
        for a in range(k):
            if moments[a, a] <= 0.0:
                continue
            for c in range(f):
                moved[c] = fits[a, c]
            for b in range(k):
                if moments[a, b] != 0.0:
                    for c in range(f):
                        moved[c] -= moments[a, b] * atoms[b, c]
            squares = 0.0
            for c in range(f):
                moved[c] = atoms[a, c] + moved[c] / moments[a, a]
                squares += moved[c] * moved[c]
            shrink = min(1.0, norm_cap / np.sqrt(squares)) if squares > 0.0 else 1.0
            for c in range(f):
                atoms[a, c] = moved[c] * shrink
