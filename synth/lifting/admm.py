"""The iterations of the convex relaxation: alternating directions, one pose after the other, in native code.

With the multipliers Y and the penalty mu > 0, a round goes down on Z, M, E and T in turn:

    Z = ((W - E - T 1') D B' + mu M + Y) (B D B' + mu I)^-1        B: 3K x P, D: the joints' weights
    M_i = prox(Z_i - Y_i / mu, lambda / mu)                         the spectral norm's (`spectral`)
    E = soft(W - Z B - T 1', beta),  T = mean of W - Z B - E by the weights
    Y = Y + mu (M - Z)

until ||M - Z|| and mu ||Z - Z_before||, both over ||Z_before||, are under the tolerance. mu begins at 1 / mean |W|;
it is doubled where the first exceeds ten times the second, and halved in reverse.

B D B' has the rank of the joints, so that only a P x P system is solved, diagonalised once for all mu. M, Z and
Y are kept as (2, 3K), all x of the atoms first, so that loops over atoms run on vectors.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from synth.lifting.spectral import shrink

_FASTMATH = {"reassoc", "contract"}
"""Sums may be taken in the machine's order: no index is decided by them."""

_BALANCE = 10.0


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _project(rows: NDArray, columns: NDArray, out: NDArray) -> None:  # pragma: no cover
    """Set out (2, P) to rows (2, C) @ columns.T, columns being (P, C)."""
    for p in range(columns.shape[0]):
        first, second = 0.0, 0.0
        for c in range(columns.shape[1]):
            first += rows[0, c] * columns[p, c]
            second += rows[1, c] * columns[p, c]
        out[0, p], out[1, p] = first, second


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _spread(small: NDArray, columns: NDArray, rows: NDArray) -> None:  # pragma: no cover
    """Add small (2, P) @ columns (P, C) to rows (2, C)."""
    for p in range(columns.shape[0]):
        first, second = small[0, p], small[1, p]
        for c in range(columns.shape[1]):
            rows[0, c] += first * columns[p, c]
            rows[1, c] += second * columns[p, c]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _add_product(small: NDArray, gram: NDArray, out: NDArray) -> None:  # pragma: no cover
    """Add small (2, P) @ gram (P, P) to out (2, P)."""
    for row in range(2):
        for a in range(len(gram)):
            for b in range(len(gram)):
                out[row, b] += small[row, a] * gram[a, b]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _solve_shared(
    rhs: NDArray, product: NDArray, gram: NDArray, spectrum: NDArray, vectors: NDArray, mu: float
) -> NDArray:  # pragma: no cover
    """Joints' part H (2, P) of the motion update: Z = (Q + H B') / mu for Q = mu M + Y.

    Z (B D B' + mu I) = R B' + Q, R = rhs and D the weights, is solved by Woodbury's identity with the joints'
    own system: B D B' has the rank of the joints, and D^1/2 B' B D^1/2 = U diag(spectrum) U' once for all mu;
    `vectors` is D^1/2 U, `product` is Q B.
    """
    p = len(spectrum)
    out, load = rhs.copy(), product.copy()
    _add_product(rhs, gram, load)
    for row in range(2):
        for n in range(p):
            total = 0.0
            for a in range(p):
                total += load[row, a] * vectors[a, n]
            total /= spectrum[n] + mu
            for a in range(p):
                out[row, a] -= total * vectors[a, n]
    return out


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _fit_errors(
    residual: NDArray, weight: NDArray, limit: float, outliers: NDArray, translation: NDArray
) -> None:  # pragma: no cover
    """Update E, given the residual W - Z B (2, P) and T, by soft thresholding, and then T as the mean."""
    whole = weight.sum()
    for row in range(2):
        mean = 0.0
        for p in range(len(weight)):
            error = residual[row, p] - translation[row]
            error = np.sign(error) * max(abs(error) - limit, 0.0)
            outliers[row, p] = error
            mean += weight[p] * (residual[row, p] - error)
        translation[row] = mean / whole


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _move_z(z: NDArray, y: NDArray, q: NDArray, mu: float) -> tuple[float, float]:  # pragma: no cover
    """Set Z to q / mu and q to Z - Y / mu; return the squared norms of the Z before and of its change."""
    before, moved = 0.0, 0.0
    for row in range(2):
        for c in range(z.shape[1]):
            new, old = q[row, c] / mu, z[row, c]
            before += old * old
            moved += (new - old) * (new - old)
            z[row, c] = new
            q[row, c] = new - y[row, c] / mu
    return before, moved


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _move_y(y: NDArray, m: NDArray, z: NDArray, mu: float) -> float:  # pragma: no cover
    """Add mu (M - Z) to Y; return the squared norm of M - Z."""
    apart = 0.0
    for row in range(2):
        for c in range(z.shape[1]):
            difference = m[row, c] - z[row, c]
            y[row, c] += mu * difference
            apart += difference * difference
    return apart


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _penalised(m: NDArray, y: NDArray, mu: float, q: NDArray) -> None:  # pragma: no cover
    """Set q to mu M + Y."""
    for row in range(2):
        for c in range(q.shape[1]):
            q[row, c] = mu * m[row, c] + y[row, c]


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _start(w: NDArray, weight: NDArray, translation: NDArray) -> float:  # pragma: no cover
    """Set T to the mean of W by the weights; return the first mu, 1 / mean |W|."""
    whole, size = weight.sum(), 0.0
    for row in range(2):
        for p in range(len(weight)):
            size += weight[p] * abs(w[row, p])
            translation[row] += weight[p] * w[row, p] / whole
    return 2.0 * whole / size


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _solve(
    w: NDArray,
    weight: NDArray,
    columns: NDArray,
    gram: NDArray,
    spectrum: NDArray,
    vectors: NDArray,
    constants: tuple[float, float, float, int],
    m: NDArray,
    norms: NDArray,
    translation: NDArray,
    outliers: NDArray,
) -> tuple[int, bool]:  # pragma: no cover
    """Iterate for one pose; `m` (2, 3K), `norms`, `translation` and `outliers` begin at 0 and take the result."""
    sparsity, limit, tolerance, max_iterations = constants
    z, y, q = np.zeros_like(m), np.zeros_like(m), np.empty_like(m)
    product = np.empty_like(w)
    mu = _start(w, weight, translation)
    for iteration in range(1, max_iterations + 1):
        _penalised(m, y, mu, q)
        _project(q, columns, product)
        fitted = weight * (w - outliers - translation.reshape(2, 1))
        shared = _solve_shared(fitted, product, gram, spectrum, vectors, mu)
        _spread(shared, columns, q)
        before, moved = _move_z(z, y, q, mu)
        shrink(q, sparsity / mu, m, norms)
        # Z B without another product over the atoms
        _add_product(shared, gram, product)
        _fit_errors(w - product / mu, weight, limit, outliers, translation)
        apart = _move_y(y, m, z, mu)
        primal, dual = np.sqrt(apart / before), mu * np.sqrt(moved / before)
        if primal < tolerance and dual < tolerance:
            return iteration, True
        if primal > _BALANCE * dual:
            mu *= 2.0
        elif dual > _BALANCE * primal:
            mu /= 2.0
    return max_iterations, False


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def _objective(
    w: NDArray,
    weight: NDArray,
    seen: NDArray,
    norms: NDArray,
    sparsity: float,
    limit: float,
    outliers: NDArray,
) -> float:  # pragma: no cover
    """Value of the relaxation's objective; `seen` (2, P) is M B + T."""
    total = sparsity * norms.sum()
    for row in range(2):
        for p in range(len(weight)):
            rest = w[row, p] - seen[row, p] - outliers[row, p]
            total += 0.5 * weight[p] * rest * rest
            if outliers[row, p] != 0.0:
                total += limit * weight[p] * abs(outliers[row, p])
    return total


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def solve_batch(
    w: NDArray,
    weight: NDArray,
    columns: NDArray,
    gram: NDArray,
    spectrum: NDArray,
    vectors: NDArray,
    pattern_of: NDArray,
    sparsity: float,
    limit: float,
    tolerance: float,
    max_iterations: int,
) -> tuple[NDArray, ...]:  # pragma: no cover
    """Solve pose after pose; `spectrum` and `vectors` are those of pattern `pattern_of` of weights."""
    n, p, c = len(w), len(gram), columns.shape[1]
    m, norms = np.zeros((n, 2, c)), np.zeros((n, c // 3))
    translation, outliers = np.zeros((n, 2)), np.zeros((n, 2, p))
    objective, iterations, converged = np.empty(n), np.empty(n, np.int64), np.empty(n, np.bool_)
    seen = np.empty((2, p))
    constants = (sparsity, limit, tolerance, max_iterations)
    for i in range(n):
        j = pattern_of[i]
        iterations[i], converged[i] = _solve(
            w[i],
            weight[i],
            columns,
            gram,
            spectrum[j],
            vectors[j],
            constants,
            m[i],
            norms[i],
            translation[i],
            outliers[i],
        )
        _project(m[i], columns, seen)
        for row in range(2):
            seen[row] += translation[i, row]
        objective[i] = _objective(w[i], weight[i], seen, norms[i], sparsity, limit, outliers[i])
    return m, norms, translation, outliers, objective, iterations, converged
