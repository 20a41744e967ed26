"""Choosing a person's height and proportions so that the bones have the lengths of a recorded skeleton."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.archive import Body
from synth.body.shapes import HEIGHT, PROPORTIONS, People, mean_stature, shape_coefficients, stature
from synth.errors import InputError
from synth.skeletons import H36M17

_LENGTHS = {
    ("hip", "knee"): 1.0,
    ("knee", "ankle"): 1.0,
    ("shoulder", "elbow"): 1.0,
    ("elbow", "wrist"): 0.2,
}
"""Limb segments and how much each counts; recorded wrists often lie well above the anatomical ones."""

_TRUNK_WEIGHT, _SHOULDERS_WEIGHT = 2.0, 0.7
_SIZE_WEIGHT = 3.0
_STATURE_RANGE = 0.1
"""Largest deviation from the mean stature of age and sex, as a share."""

_HEIGHTS, _PROPORTIONS = np.linspace(0, 1, 21), np.linspace(0, 1, 6)


def resized(body: Body, people: People, joints: ArrayLike) -> People:
    """Give people the height and proportions of a recorded skeleton, as far as their age allows.

    All else about them stays. A child stays a child: `fit_pose` scales whoever is still too small.

    Parameters
    ----------
    body : Body
        The body model.
    people : People
        N people.
    joints : (17, 3) or (F, 17, 3) float
        Joints of `H36M17` of one skeleton, metres.

    Returns
    -------
    People

    Raises
    ------
    InputError
        If the joints have another shape, or a limb of the skeleton has no length.
    """
    frames = np.asarray(joints, dtype=np.float64)
    if frames.shape[-2:] != (len(H36M17), 3):
        raise InputError(f"joints of shape {frames.shape}: expected (17, 3) or (F, 17, 3) of h36m17")
    wanted = np.median(_lengths(frames.reshape(-1, len(H36M17), 3)), axis=0)
    if not (wanted > 0).all():
        raise InputError("a skeleton with limbs of no length: no person can be given its size")
    chosen = np.stack([_best(body, people, i, wanted) for i in range(len(people))])
    phenotypes = people.phenotypes.copy()
    phenotypes[:, [HEIGHT, PROPORTIONS]] = chosen
    coefficients = shape_coefficients(body.grid, phenotypes, people.faces)
    tall = stature(body, coefficients)
    return replace(people, phenotypes=phenotypes, coefficients=coefficients, stature=tall)


def _best(body: Body, people: People, person: int, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Height and proportions (2,) of one person that fit lengths (L,) best."""
    choices = np.stack(np.meshgrid(_HEIGHTS, _PROPORTIONS, indexing="ij"), axis=-1).reshape(-1, 2)
    phenotypes = np.repeat(people.phenotypes[person][None], len(choices), axis=0)
    phenotypes[:, [HEIGHT, PROPORTIONS]] = choices
    faces = np.repeat(people.faces[person][None], len(choices), axis=0)
    coefficients = shape_coefficients(body.grid, phenotypes, faces)
    points = np.concatenate([body.heads.at(coefficients), body.landmark_points.at(coefficients)], axis=1)
    ratio = np.log(wanted / _lengths(body.joint_weights @ points))
    weights = _weights()
    size = (ratio * weights).sum(axis=1) / weights.sum()
    cost = (weights * (ratio - size[:, None]) ** 2).sum(axis=1) + _SIZE_WEIGHT * size**2
    mean = mean_stature(people.years[person : person + 1], people.female[person : person + 1])
    # outside the range of age and sex only the way back into it counts
    excess = np.abs(stature(body, coefficients) / mean - 1) - _STATURE_RANGE
    best: NDArray[np.float64] = choices[(cost + 1e3 * np.maximum(excess, 0)).argmin()]
    return best


def _lengths(joints: NDArray[np.floating]) -> NDArray[np.float64]:
    """Lengths (N, L) that are compared: limb segments as means of both sides, trunk, shoulders."""
    at = dict(zip(H36M17.joints, np.moveaxis(joints, -2, 0).astype(np.float64), strict=True))
    limbs = [
        sum(np.linalg.norm(at[f"{side}_{a}"] - at[f"{side}_{b}"], axis=-1) for side in ("left", "right")) / 2
        for a, b in _LENGTHS
    ]
    trunk = np.linalg.norm(_middle(at, "shoulder") - _middle(at, "hip"), axis=-1)
    shoulders = np.linalg.norm(at["left_shoulder"] - at["right_shoulder"], axis=-1)
    return np.stack([*limbs, trunk, shoulders], axis=-1)


def _weights() -> NDArray[np.float64]:
    return np.array([*_LENGTHS.values(), _TRUNK_WEIGHT, _SHOULDERS_WEIGHT])


def _middle(joints: Mapping[str, NDArray[np.float64]], joint: str) -> NDArray[np.float64]:
    return (joints[f"left_{joint}"] + joints[f"right_{joint}"]) / 2
