"""Who people are: phenotypes over the whole range of age, build and height, and the body each one has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.archive import Body, PhenotypeGrid
from synth.errors import InputError

GENDER, AGE, MUSCLE, WEIGHT, HEIGHT, PROPORTIONS = range(6)
"""Columns of phenotypes."""

_YEARS = (1.0, 11.0, 18.0, 25.0, 55.0, 90.0)
_AGE_OF_YEARS = (0.0, 1 / 3, 0.6, 2 / 3, 0.82, 1.0)
"""Age in years and the model's age: its anchors are a baby, a child of 11, an adult of 25 and one of 90."""

_STATURE_YEARS = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 50.0, 90.0)
_STATURE_MALE = (0.87, 1.03, 1.16, 1.28, 1.38, 1.49, 1.635, 1.725, 1.76, 1.76, 1.70)
_STATURE_FEMALE = (0.86, 1.02, 1.15, 1.27, 1.385, 1.515, 1.60, 1.625, 1.63, 1.63, 1.57)
"""Mean stature in metres: growth charts up to 18 years, then the slow loss of old age."""

_STATURE_SPREAD = 0.04
"""Standard deviation of the stature as a share of its mean."""

_SOLE_DEPTH = ("left_sole", "right_sole", "left_heel", "right_heel")


class _Ages(NamedTuple):
    """Share of people, youngest and oldest, years."""

    share: float
    youngest: float
    oldest: float


_AGES = (_Ages(0.18, 3.0, 17.0), _Ages(0.62, 18.0, 60.0), _Ages(0.20, 60.0, 88.0))


@dataclass(frozen=True)
class People:
    """Sampled people.

    Parameters
    ----------
    years : (N,) float64
        Age.
    female : (N,) bool
        Sex.
    stature : (N,) float64
        Standing height in metres, barefoot.
    phenotypes : (N, 6) float64
        Gender, age, muscle, weight, height, proportions as the model takes them, 0 to 1.
    faces : (N, 3) float64
        Weights of the model's types of face, summing to 1.
    coefficients : (N, K) float32
        Shape coefficients.
    """

    years: NDArray[np.float64]
    female: NDArray[np.bool_]
    stature: NDArray[np.float64]
    phenotypes: NDArray[np.float64]
    faces: NDArray[np.float64]
    coefficients: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.years)


@dataclass(frozen=True)
class Shape:
    """The skeleton of a person at rest, or of several: `...` is nothing or their number.

    Parameters
    ----------
    coefficients : (..., K) float32
        Shape coefficients; `mesh.vertices.at(shape.coefficients)` are a mesh's vertices at rest.
    heads : (..., B, 3) float64
        Where each bone starts, metres.
    landmarks : (..., L, 3) float64
        The body's landmarks, metres.
    """

    coefficients: NDArray[np.float32]
    heads: NDArray[np.float64]
    landmarks: NDArray[np.float64]


def make_shape(body: Body, coefficients: ArrayLike) -> Shape:
    """Make the skeleton of a person from shape coefficients (K,), or of N from (N, K)."""
    c = np.asarray(coefficients, dtype=np.float32)
    heads, landmarks = body.heads.at(c), body.landmark_points.at(c)
    return Shape(c, heads.astype(np.float64), landmarks.astype(np.float64))


def shape_coefficients(grid: PhenotypeGrid, phenotypes: ArrayLike, faces: ArrayLike) -> NDArray[np.float32]:
    """Shape coefficients of phenotypes, multilinear between the corners of the grid.

    Parameters
    ----------
    grid : PhenotypeGrid
        The model's grid.
    phenotypes : (..., 6) float
        Gender, age, muscle, weight, height, proportions; values outside the grid are moved to its border.
    faces : (..., 3) float
        Weights of the types of face; they are divided by their sum.

    Returns
    -------
    (..., K) float32

    Raises
    ------
    InputError
        If a value is not finite, or no face has weight.
    """
    values, mix = np.asarray(phenotypes, dtype=np.float64), np.asarray(faces, dtype=np.float64)
    total = mix.sum(axis=-1, keepdims=True)
    if not (np.isfinite(values).all() and np.isfinite(mix).all() and (total > 0).all()):
        raise InputError("phenotypes and face weights must be finite, and face weights have a positive sum")
    flat, weights = values.reshape(-1, len(grid.names)), (mix / total).reshape(-1, len(grid.faces))
    blended = np.einsum("nf,f...->n...", weights, grid.corners)
    for axis, anchors in enumerate(grid.anchors):
        blended = np.einsum("na,na...->n...", _hat_weights(flat[:, axis], anchors), blended)
    result: NDArray[np.float32] = blended.astype(np.float32)
    return result.reshape(*values.shape[:-1], -1)


def stature(body: Body, coefficients: ArrayLike) -> NDArray[np.float64]:
    """Standing height of shapes (..., K) in metres, (...,): from the soles to the top of the head."""
    y = body.landmark_points.at(coefficients)[..., 1].astype(np.float64)
    soles = y[..., [body.landmarks.index(name) for name in _SOLE_DEPTH]].min(axis=-1)
    height: NDArray[np.float64] = y[..., body.landmarks.index("head_top")] - soles
    return height


def sample_people(
    body: Body, rng: np.random.Generator, count: int, years: tuple[float, float] | None = None
) -> People:
    """Draw people of both sexes, of all builds, and of natural height for their age.

    Parameters
    ----------
    body : Body
        The body model.
    rng : Generator
        Source of every draw.
    count : int
        How many.
    years : (float, float), optional
        Youngest and oldest age; by default 3 to 88, mostly adults.

    Returns
    -------
    People
    """
    female = rng.random(count) < 0.5
    age = _sample_ages(rng, count) if years is None else rng.uniform(*years, count)
    grown = np.clip((age - 8) / 10, 0, 1)
    phenotypes = np.empty((count, 6))
    phenotypes[:, GENDER] = np.clip(female + np.where(female, -1, 1) * rng.exponential(0.08, count), 0, 1)
    phenotypes[:, AGE] = np.interp(age, _YEARS, _AGE_OF_YEARS)
    muscle = np.where(female, 0.42, 0.55) - 0.12 * np.clip((age - 50) / 40, 0, 1)
    phenotypes[:, MUSCLE] = np.clip(rng.normal(0.5 + grown * (muscle - 0.5), 0.06 + 0.12 * grown), 0, 1)
    phenotypes[:, WEIGHT] = rng.beta(2.3, 2.1, count) * (0.6 + 0.4 * grown) + 0.2 * (1 - grown)
    phenotypes[:, PROPORTIONS] = rng.beta(2.0, 3.0, count)
    faces = rng.dirichlet([0.35] * len(body.grid.faces), count)
    mean = mean_stature(age, female)
    wanted = mean * (1 + _STATURE_SPREAD * np.clip(rng.standard_normal(count), -2.5, 2.5))
    return _people_of_stature(body, age, female, phenotypes, faces, wanted)


def mean_stature(years: NDArray[np.float64], female: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean standing height (N,) in metres of people by age in years and sex."""
    women = np.interp(years, _STATURE_YEARS, _STATURE_FEMALE)
    return np.where(female, women, np.interp(years, _STATURE_YEARS, _STATURE_MALE))


def _people_of_stature(
    body: Body,
    years: NDArray[np.float64],
    female: NDArray[np.bool_],
    phenotypes: NDArray[np.float64],
    faces: NDArray[np.float64],
    wanted: NDArray[np.float64],
) -> People:
    """Set the model's height so that people are as tall as wanted: stature is linear in it."""
    ends = [np.where(np.arange(6) == HEIGHT, end, phenotypes) for end in (0.0, 1.0)]
    low, high = (stature(body, shape_coefficients(body.grid, end, faces)) for end in ends)
    phenotypes = phenotypes.copy()
    phenotypes[:, HEIGHT] = np.clip((wanted - low) / (high - low), 0, 1)
    coefficients = shape_coefficients(body.grid, phenotypes, faces)
    return People(years, female, stature(body, coefficients), phenotypes, faces, coefficients)


def _sample_ages(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    group = rng.choice(len(_AGES), count, p=[ages.share for ages in _AGES])
    low, high = np.array([[ages.youngest, ages.oldest] for ages in _AGES])[group].T
    return rng.uniform(low, high)


def _hat_weights(values: NDArray[np.float64], anchors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (N, A) of linear interpolation between increasing anchors."""
    unit = np.eye(len(anchors))
    return np.stack([np.interp(values, anchors, row) for row in unit], axis=1)
