"""People: phenotypes and statures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from synth.body.archive import load_body
from synth.body.shapes import HEIGHT, sample_people, shape_coefficients, stature
from synth.errors import InputError

BODY = load_body()


def test_coefficients_are_those_of_the_corners_there():
    grid = BODY.grid
    for face, place in ((0, (0, 0, 0, 0, 0, 0)), (2, (1, 3, 2, 1, 1, 0))):
        values = [anchors[n] for anchors, n in zip(grid.anchors, place, strict=True)]
        found = shape_coefficients(grid, values, np.eye(3)[face])
        np.testing.assert_allclose(found, grid.corners[(face, *place)], atol=1e-6)


def test_coefficients_between_corners_are_the_product_of_shares():
    grid = BODY.grid
    values = np.array([0.3, 0.4, 0.9, 0.2, 0.6, 0.7])
    faces = np.array([2.0, 1.0, 1.0])
    sides = []
    for value, anchors in zip(values, grid.anchors, strict=True):
        high = int(np.searchsorted(anchors, value))
        share = (value - anchors[high - 1]) / (anchors[high] - anchors[high - 1])
        sides.append(((high - 1, 1 - share), (high, share)))
    expected = np.zeros(grid.corners.shape[-1])
    for face, weight in enumerate(faces / faces.sum()):
        for corner in itertools.product(*sides):
            shares = np.prod([share for _, share in corner])
            expected += weight * shares * grid.corners[(face, *(n for n, _ in corner))]
    np.testing.assert_allclose(shape_coefficients(grid, values, faces), expected, atol=1e-5)


def test_values_outside_the_grid_are_moved_to_its_border():
    inside, outside = np.full(6, 1.0), np.full(6, 1.5)
    face = (1, 0, 0)
    np.testing.assert_array_equal(
        shape_coefficients(BODY.grid, outside, face), shape_coefficients(BODY.grid, inside, face)
    )


@pytest.mark.parametrize(("phenotypes", "faces"), [(np.full(6, np.nan), (1, 0, 0)), (np.zeros(6), (0, 0, 0))])
def test_senseless_phenotypes_are_refused(phenotypes, faces):
    with pytest.raises(InputError, match="finite"):
        shape_coefficients(BODY.grid, phenotypes, faces)


def test_people_are_as_tall_as_people():
    people = sample_people(BODY, np.random.default_rng(0), 1500)
    grown = (people.years > 20) & (people.years < 60)
    women, men = people.stature[grown & people.female], people.stature[grown & ~people.female]
    assert np.mean(women) == pytest.approx(1.63, abs=0.015)
    assert np.mean(men) == pytest.approx(1.76, abs=0.015)
    assert 1.4 < women.min() < women.max() < 1.85
    assert 1.5 < men.min() < men.max() < 2.0
    small = people.stature[people.years < 6]
    assert 0.8 < small.min() < small.max() < 1.3
    assert people.years.min() >= 3
    assert 0.1 < np.mean(people.years < 18) < 0.25
    # the model's height has room on both sides: nobody was cut off
    assert 0.05 < people.phenotypes[:, HEIGHT].min() < people.phenotypes[:, HEIGHT].max() < 0.95


def test_limbs_are_in_proportion():
    people = sample_people(BODY, np.random.default_rng(1), 200, years=(20, 60))
    for coefficients, tall in zip(people.coefficients, people.stature, strict=True):
        points = dict(zip(BODY.bones, BODY.heads.at(coefficients), strict=True))
        thigh, shin, upper_arm, forearm = (
            np.linalg.norm(points[f"left_{a}"] - points[f"left_{b}"]) / tall
            for a, b in (
                ("thigh_1", "shin_1"),
                ("shin_1", "foot"),
                ("upper_arm_1", "forearm_1"),
                ("forearm_1", "hand"),
            )
        )
        assert 0.17 < thigh < 0.29
        assert 0.2 < shin < 0.29
        assert 0.13 < upper_arm < 0.19
        assert 0.11 < forearm < 0.17


def test_the_same_seed_gives_the_same_people():
    one, two = (sample_people(BODY, np.random.default_rng([4, 2]), 5) for _ in range(2))
    np.testing.assert_array_equal(one.coefficients, two.coefficients)
    np.testing.assert_array_equal(one.years, two.years)


def test_stature_is_from_sole_to_crown():
    coefficients = sample_people(BODY, np.random.default_rng(2), 3).coefficients
    for c, tall in zip(coefficients, stature(BODY, coefficients), strict=True):
        assert np.ptp(BODY.skin.vertices.at(c)[:, 1]) == pytest.approx(tall, abs=0.01)
