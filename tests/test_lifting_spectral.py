"""Shrinking of spectral norms against numpy's SVD and against the definition of the proximal map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.lifting.spectral import spectral_prox


def by_svd(q, threshold):
    """Zhou et al.'s three cases, on singular values from LAPACK."""
    u, (s1, s2), vt = np.linalg.svd(q, full_matrices=False)
    if s1 + s2 <= threshold:
        s = (0.0, 0.0)
    elif s1 - s2 <= threshold:
        s = ((s1 + s2 - threshold) / 2,) * 2
    else:
        s = (s1 - threshold, s2)
    return u @ np.diag(s) @ vt, s[0]


@pytest.mark.parametrize(
    ("q", "threshold", "expected"),
    [
        ([[3, 0, 0], [0, 1, 0]], 1.0, [[2, 0, 0], [0, 1, 0]]),
        ([[3, 0, 0], [0, 1, 0]], 4.0, [[0, 0, 0], [0, 0, 0]]),
        ([[3, 0, 0], [0, 1, 0]], 3.0, [[0.5, 0, 0], [0, 0.5, 0]]),
        ([[0, 2, 0], [0, 0, 0]], 0.5, [[0, 1.5, 0], [0, 0, 0]]),
        ([[0, 0, 0], [0, 0, 0]], 0.5, [[0, 0, 0], [0, 0, 0]]),
    ],
)
def test_known_matrices(q, threshold, expected):
    shrunk, norms = spectral_prox([q], threshold)
    np.testing.assert_allclose(shrunk[0], expected, atol=1e-12)
    assert norms[0] == pytest.approx(np.linalg.norm(expected, 2), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    arrays(np.float64, (7, 2, 3), elements=st.floats(-10, 10).map(lambda x: round(x, 3))),
    st.floats(0.01, 5),
)
def test_equals_the_svd(q, threshold):
    shrunk, norms = spectral_prox(q, threshold)
    for matrix, found, norm in zip(q, shrunk, norms, strict=True):
        expected, expected_norm = by_svd(matrix, threshold)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert norm == pytest.approx(expected_norm, abs=1e-6)


def test_nothing_near_is_better():
    draw = np.random.default_rng(3)
    q = draw.normal(size=(50, 2, 3))
    shrunk, _ = spectral_prox(q, 0.7)

    def cost(m):
        return 0.7 * np.linalg.norm(m, 2, axis=(1, 2)) + 0.5 * ((m - q) ** 2).sum(axis=(1, 2))

    for _ in range(20):
        assert (cost(shrunk) <= cost(shrunk + draw.normal(scale=0.05, size=q.shape)) + 1e-12).all()
