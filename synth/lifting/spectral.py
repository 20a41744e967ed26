"""Shrinking the spectral norm of 2x3 matrices, with their singular values in closed form."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

_TINY = 1e-300
_FASTMATH = {"reassoc", "contract"}
"""Sums may be taken in the machine's order: no index is decided by them."""


def spectral_prox(matrices: ArrayLike, threshold: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrices M that minimise ``threshold * ||M||_2 + 1/2 ||M - Q||_F^2``, one for each 2x3 matrix Q.

    With the singular values s1 >= s2 of Q and the threshold t: both become 0 where ``s1 + s2 <= t``, both
    ``(s1 + s2 - t) / 2`` where ``s1 - s2 <= t``, else they become s1 - t and s2.

    Parameters
    ----------
    matrices : (N, 2, 3) float
        Q.
    threshold : float
        Not negative.

    Returns
    -------
    shrunk : (N, 2, 3) float64
    norms : (N,) float64
        Spectral norm of each shrunk matrix.
    """
    q = np.asarray(matrices, dtype=np.float64)
    rows = np.ascontiguousarray(q.transpose(1, 2, 0)).reshape(2, -1)
    shrunk, norms = np.empty_like(rows), np.empty(len(q))
    shrink(rows, threshold, shrunk, norms)
    return np.ascontiguousarray(shrunk.reshape(2, 3, -1).transpose(2, 0, 1)), norms


@njit(cache=True, error_model="numpy", fastmath=_FASTMATH)
def shrink(q: NDArray, threshold: float, shrunk: NDArray, norms: NDArray) -> None:  # pragma: no cover
    """Do the work of `spectral_prox` on N matrices at once.

    `q` and `shrunk` are (2, 3N): all first columns, then all second, then all third ones, so that
    neighbours in memory are different matrices and the loop runs on vectors.
    """
    n = len(norms)
    for k in range(n):
        a0, a1, a2 = q[0, k], q[0, n + k], q[0, 2 * n + k]
        b0, b1, b2 = q[1, k], q[1, n + k], q[1, 2 * n + k]
        aa, bb = a0 * a0 + a1 * a1 + a2 * a2, b0 * b0 + b1 * b1 + b2 * b2
        ab = a0 * b0 + a1 * b1 + a2 * b2
        c0, c1, c2 = a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0
        # s1 s2 is the area of the rows' parallelogram and s1^2 - s2^2 the gap of their Gram matrix's
        # eigenvalues: neither loses digits where s1 and s2 are nearly equal
        area = np.sqrt(c0 * c0 + c1 * c1 + c2 * c2) + _TINY
        total = np.sqrt(aa + bb + 2.0 * area)
        gap = np.sqrt((aa - bb) * (aa - bb) + 4.0 * ab * ab) / total
        s1 = 0.5 * (total + gap)
        s2 = area / s1
        # the shrunk matrix is (alpha I + beta Q Q') Q: alpha + beta s^2 takes each singular value s of Q
        # to its shrunk one's share of s
        half = 0.5 * (total - threshold)
        beta_equal = -half / (area * total)
        beta_apart = -threshold / (s1 * total * gap + _TINY)
        apart = gap > threshold
        beta = beta_apart if apart else beta_equal
        alpha = 1.0 - beta * s2 * s2 if apart else half / s1 - beta * s1 * s1
        norm = s1 - threshold if apart else half
        keep = total > threshold
        norms[k] = norm if keep else 0.0
        p = alpha + beta * aa if keep else 0.0
        r = beta * ab if keep else 0.0
        s = alpha + beta * bb if keep else 0.0
        shrunk[0, k], shrunk[1, k] = p * a0 + r * b0, r * a0 + s * b0
        shrunk[0, n + k], shrunk[1, n + k] = p * a1 + r * b1, r * a1 + s * b1
        shrunk[0, 2 * n + k], shrunk[1, 2 * n + k] = p * a2 + r * b2, r * a2 + s * b2
