"""Non-negative sparse coding: optimality of codes, descent of the objective, the reference learner's result."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.lifting.coding import factorise, sparse_codes


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0.01, 2.0))
def test_codes_satisfy_the_optimality_conditions(seed, sparsity):
    draw = np.random.default_rng(seed)
    atoms, samples = draw.normal(size=(6, 9)), draw.normal(size=(5, 9))
    codes, costs = sparse_codes(samples, atoms, sparsity)
    slope = (codes @ atoms - samples) @ atoms.T + sparsity
    assert (codes >= 0).all()
    assert (slope > -1e-6).all()
    assert np.abs(slope[codes > 0]).max(initial=0.0) < 1e-6
    expected = 0.5 * ((samples - codes @ atoms) ** 2).sum(axis=1) + sparsity * codes.sum(axis=1)
    np.testing.assert_allclose(costs, expected)


def test_a_sample_is_coded_by_its_own_atom():
    atoms = np.array([[2.0, 0, 0], [0, 2.0, 0]])
    codes, costs = sparse_codes(np.array([[2.0, 0, 0], [-2.0, 0, 0]]), atoms, 0.4)
    # 1/2 (2 - 2c)^2 + 0.4 c is least at c = 0.9; what points away from all atoms has the code 0
    np.testing.assert_allclose(codes, [[0.9, 0], [0, 0]])
    np.testing.assert_allclose(costs, [0.5 * 0.2**2 + 0.36, 2.0])


def test_objective_never_rises_and_norms_keep_the_cap():
    draw = np.random.default_rng(0)
    samples = np.abs(draw.normal(size=(80, 10)))
    found = factorise(samples, samples[:12] * 3.0, 0.2, 1.5, 1e-6, 200)
    assert len(found.objectives) > 5
    assert (np.diff(found.objectives) <= 1e-9).all()
    assert np.linalg.norm(found.atoms, axis=1).max() <= 1.5 + 1e-9
    rest = samples - found.codes @ found.atoms
    assert found.objectives[-1] == pytest.approx(0.5 * (rest**2).sum() + 0.2 * found.codes.sum())


def test_unused_atoms_are_replaced():
    samples = np.repeat(np.eye(4), 5, axis=0)
    start = np.vstack([np.eye(4)[:2], -np.ones((2, 4))])
    found = factorise(samples, start, 0.01, 1.0, 0.0, 20)
    assert (found.codes.max(axis=0) > 0.9).all()
    assert found.objectives[-1] < 0.25


@pytest.mark.parametrize("sparsity", [1, 2])
def test_reaches_the_reference_learner(reference_root, sparsity):
    known = np.load(reference_root / "dictionary_learning_K64.npz")
    cap = np.linalg.norm(known[f"B_lam{sparsity}"][0])
    found = factorise(known["Y"].T.copy(), known["D0"].T.copy(), float(sparsity), float(cap), 1e-6, 40)
    assert found.objectives[-1] <= known[f"obj_curve_lam{sparsity}"][-1]
