"""The convex relaxation against a plain port of the published iterations, and against their authors' results."""

from __future__ import annotations

import numpy as np
import pytest
from lifting_samples import as_published, small_problem

from synth.errors import InputError
from synth.geometry import similarity_alignment
from synth.lifting.relaxation import RelaxationOptions, relax

KINDS = ("clean", "noisy")


def aligned_error(shapes, truth):
    """Mean joint distance (N,) after similarity alignment; both (N, 3, P)."""
    a, b = np.swapaxes(shapes, 1, 2), np.swapaxes(truth, 1, 2)
    return np.linalg.norm(similarity_alignment(a, b).apply(a) - b, axis=2).mean(axis=1)


def full_objective(w, atoms, weights, found, sparsity, beta=0.0):
    b = atoms - atoms.mean(axis=2, keepdims=True)
    seen = np.einsum("nkij,kjp->nip", found.motions, b) + found.translations[:, :, None]
    rest = ((w - seen - found.outliers) ** 2 * weights[:, None]).sum(axis=(1, 2))
    norms = np.linalg.norm(found.motions, 2, axis=(2, 3)).sum(axis=1)
    return 0.5 * rest + sparsity * norms + beta * (np.abs(found.outliers) * weights[:, None]).sum(axis=(1, 2))


@pytest.mark.parametrize("beta", [None, 0.05])
def test_same_iterations_as_published(beta):
    w, atoms = small_problem(5)
    found = relax(w, atoms, options=RelaxationOptions(outliers=beta))
    for n in range(len(w)):
        expected = as_published(w[n], atoms, beta=np.inf if beta is None else beta)
        assert found.iterations[n] == expected.iterations
        np.testing.assert_allclose(found.motions[n], expected.motions, atol=1e-9)
        np.testing.assert_allclose(found.shapes[n], expected.shape, atol=1e-9)
        np.testing.assert_allclose(found.outliers[n], expected.outliers, atol=1e-9)
        np.testing.assert_allclose(found.translations[n], expected.translation, atol=1e-9)


def test_objective_is_that_of_the_solution():
    w, atoms = small_problem(4)
    weights = np.random.default_rng(1).uniform(0.2, 2.0, (4, w.shape[2]))
    found = relax(w, atoms, weights, RelaxationOptions(sparsity=0.5, outliers=0.1))
    np.testing.assert_allclose(
        found.objectives, full_objective(w, atoms, weights, found, 0.5, 0.1), rtol=1e-9
    )


def test_weight_zero_is_the_same_as_no_such_joint():
    w, atoms = small_problem(3)
    weights = np.ones((3, w.shape[2]))
    weights[:, [2, 5]] = 0.0
    spoilt = w.copy()
    spoilt[:, :, [2, 5]] = np.nan
    options = RelaxationOptions(tolerance=1e-7, max_iterations=20000)
    found = relax(spoilt, atoms, weights, options)
    kept = np.delete(np.arange(w.shape[2]), [2, 5])
    # the same atoms without the joints; `relax` would centre them on the joints left: their translation differs
    centred = atoms - atoms.mean(axis=2, keepdims=True)
    alone = relax(w[:, :, kept], centred[:, :, kept], None, options)
    np.testing.assert_allclose(found.objectives, alone.objectives, rtol=1e-6)
    np.testing.assert_allclose(found.motions, alone.motions, atol=1e-4)
    assert np.isfinite(found.shapes).all()


def test_a_weight_of_two_counts_as_a_joint_given_twice():
    w, atoms = small_problem(3)
    weights = np.ones((3, w.shape[2]))
    weights[:, 1] = 2.0
    options = RelaxationOptions(tolerance=1e-7, max_iterations=20000)
    twice = np.r_[np.arange(w.shape[2]), 1]
    centred = atoms - atoms.mean(axis=2, keepdims=True)
    found, expected = (
        relax(w, atoms, weights, options),
        relax(w[:, :, twice], centred[:, :, twice], None, options),
    )
    np.testing.assert_allclose(found.objectives, expected.objectives, rtol=1e-6)


def test_outliers_are_found():
    w, atoms = small_problem(1, atoms=2, joints=14)
    spoilt = w.copy()
    spoilt[0, 0, 4] += 5.0
    found = relax(spoilt, atoms, options=RelaxationOptions(sparsity=0.05, outliers=0.1))
    assert np.abs(found.outliers[0]).max() == found.outliers[0, 0, 4] > 2.0


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_authors_program(reference_root, kind):
    dev = np.load(reference_root / "pseudo3d_dev.npz")
    atoms = np.load(reference_root / "dict_K128.npz")["B"]
    found = relax(dev[f"W_{kind}"], atoms)
    np.testing.assert_array_equal(found.iterations, dev[f"iterations_{kind}"])
    np.testing.assert_allclose(found.objectives, dev[f"objective_{kind}"], rtol=1e-9)
    np.testing.assert_allclose(found.shapes, dev[f"S_octave_{kind}"], atol=1e-7)
    error = aligned_error(found.shapes, dev["S_true_mm"])
    np.testing.assert_allclose(error, dev[f"err_mm_{kind}"], rtol=1e-6)


def test_equals_the_authors_program_with_64_atoms(reference_root):
    dev = np.load(reference_root / "pseudo3d_dev.npz")
    atoms = np.load(reference_root / "dictionary_learning_K64.npz")["B_lam2"]
    found = relax(dev["W_clean"], atoms)
    np.testing.assert_allclose(found.objectives, dev["objective_dl64_clean"], rtol=1e-9)
    np.testing.assert_allclose(found.shapes, dev["S_octave_dl64_clean"], atol=1e-7)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: w[:, :1], "one P"),
        (lambda w: np.where(np.arange(w.shape[2]) < 2, w, np.nan), "pose 0 cannot be lifted"),
        (lambda w: np.ones_like(w), "not all in one place"),
    ],
)
def test_bad_poses_are_refused(spoil, message):
    w, atoms = small_problem(2)
    with pytest.raises(InputError, match=message):
        relax(spoil(w), atoms)


def test_bad_weights_and_options_are_refused():
    w, atoms = small_problem(2)
    with pytest.raises(InputError, match="weights must be"):
        relax(w, atoms, -np.ones((2, w.shape[2])))
    with pytest.raises(InputError, match="sparsity is 0"):
        RelaxationOptions(sparsity=0.0)
