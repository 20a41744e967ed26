"""Small lifting problems, and the published iterations in plain numpy, one pose at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.geometry import axis_angle_to_matrix


@dataclass(frozen=True)
class Published:
    shape: NDArray[np.float64]
    motions: NDArray[np.float64]
    translation: NDArray[np.float64]
    outliers: NDArray[np.float64]
    iterations: int


def small_problem(count: int, atoms: int = 9, joints: int = 8):
    """2D poses (N, 2, P) that two turned atoms each make, with a little noise, and the atoms (K, 3, P)."""
    draw = np.random.default_rng(7)
    basis = draw.normal(size=(atoms, 3, joints))
    codes = np.zeros((count, atoms))
    for row in codes:
        row[draw.choice(atoms, 2, replace=False)] = draw.uniform(0.4, 0.8, 2)
    turned = axis_angle_to_matrix(draw.normal(size=(count, 3))) @ np.einsum("nk,kip->nip", codes, basis)
    return turned[:, :2] + draw.normal(scale=0.02, size=(count, 2, joints)), basis


def as_published(
    w: NDArray[np.float64],
    atoms: NDArray[np.float64],
    sparsity: float = 1.0,
    beta: float = np.inf,
    tolerance: float = 1e-3,
    max_iterations: int = 1000,
) -> Published:
    """Zhou et al.'s algorithm step by step: the 3K x 3K system solved anew, one SVD an atom."""
    k = len(atoms)
    b = (atoms - atoms.mean(axis=2, keepdims=True)).reshape(3 * k, -1)
    m, e, t = np.zeros((2, 3 * k)), np.zeros_like(w), w.mean(axis=1, keepdims=True)
    z, y, mu = m.copy(), m.copy(), 1.0 / np.abs(w).mean()
    iteration = 0
    while iteration < max_iterations:
        iteration += 1
        z_before = z
        right = (w - e - t) @ b.T + mu * m + y
        z = np.linalg.solve(b @ b.T + mu * np.eye(3 * k), right.T).T
        q = z - y / mu
        m = np.concatenate([_prox(q[:, 3 * i : 3 * i + 3], sparsity / mu) for i in range(k)], axis=1)
        e = w - z @ b - t
        e = np.sign(e) * np.maximum(np.abs(e) - beta, 0.0)
        t = (w - z @ b - e).mean(axis=1, keepdims=True)
        y = y + mu * (m - z)
        with np.errstate(divide="ignore", invalid="ignore"):
            primal, dual = (
                np.linalg.norm(m - z) / np.linalg.norm(z_before),
                mu * np.linalg.norm(z - z_before) / np.linalg.norm(z_before),
            )
        if primal < tolerance and dual < tolerance:
            break
        if primal > 10 * dual:
            mu *= 2
        elif dual > 10 * primal:
            mu /= 2
    motions = m.reshape(2, k, 3).transpose(1, 0, 2)
    return Published(_shape(motions, b.reshape(k, 3, -1)), motions, t[:, 0], e, iteration)


def _prox(q, threshold):
    u, (s1, s2), vt = np.linalg.svd(q, full_matrices=False)
    if s1 + s2 <= threshold:
        return np.zeros_like(q)
    if s1 - s2 <= threshold:
        return (s1 + s2 - threshold) / 2 * (u @ vt)
    return u @ np.diag([s1 - threshold, s2]) @ vt


def _shape(motions, b):
    shape = np.zeros(b.shape[1:])
    for motion, atom in zip(motions, b, strict=True):
        c = np.linalg.norm(motion, 2)
        if c > 1e-6:
            rows = motion / c
            shape += c * np.vstack([rows, np.cross(rows[0], rows[1])]) @ atom
    return shape
