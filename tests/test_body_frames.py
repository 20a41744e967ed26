"""Rotations and bone maps: properties on random input, and cases seen by eye."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synth.body.frames import (
    about,
    angle_about,
    apply,
    between,
    bone_map,
    frame,
    mapped,
    rigid_map,
    rotation_vector,
    smoothstep,
    swing,
    turn_between,
)
from synth.geometry import axis_angle_to_matrix

X, Y, Z = np.eye(3)
vectors = arrays(np.float64, 3, elements=st.floats(-5, 5)).filter(lambda v: np.linalg.norm(v) > 0.1)
turns = vectors.map(axis_angle_to_matrix)


def assert_rotation(matrix):
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)


@settings(deadline=None)
@given(vectors, vectors)
def test_swing_is_the_shortest_rotation(start, end):
    turn = swing(start, end)
    assert_rotation(turn)
    np.testing.assert_allclose(turn @ start / np.linalg.norm(start), end / np.linalg.norm(end), atol=1e-7)
    angle = np.arctan2(np.linalg.norm(np.cross(start, end)), start @ end)
    assert np.trace(turn) == pytest.approx(1 + 2 * np.cos(angle), abs=1e-6)


@pytest.mark.parametrize("axis", np.eye(3))
def test_swing_to_the_opposite_direction(axis):
    turn = swing(axis, -axis)
    assert_rotation(turn)
    np.testing.assert_allclose(turn @ axis, -axis, atol=1e-12)


@settings(deadline=None)
@given(vectors)
def test_rotation_vector_undoes_axis_angle(vector):
    matrix = axis_angle_to_matrix(vector)
    found = rotation_vector(matrix)
    assert np.linalg.norm(found) <= np.pi + 1e-9
    np.testing.assert_allclose(axis_angle_to_matrix(found), matrix, atol=1e-6)


@pytest.mark.parametrize("axis", [X, Y, Z, (X + Y) / np.sqrt(2), -Z])
def test_rotation_vector_of_half_a_turn(axis):
    found = rotation_vector(axis_angle_to_matrix(np.pi * axis))
    np.testing.assert_allclose(np.abs(found), np.pi * np.abs(axis), atol=1e-7)


def test_rotation_vector_of_no_turn():
    np.testing.assert_array_equal(rotation_vector(np.eye(3)), 0)


def test_between_goes_the_short_way():
    half = between(np.eye(3), axis_angle_to_matrix(np.radians(90) * Z), 0.5)
    np.testing.assert_allclose(half, axis_angle_to_matrix(np.radians(45) * Z), atol=1e-12)
    back = between(np.eye(3), axis_angle_to_matrix(np.radians(300) * Z), 0.5)
    np.testing.assert_allclose(back, axis_angle_to_matrix(np.radians(-30) * Z), atol=1e-12)


def test_frame_has_the_first_direction_exactly():
    axes = frame(2 * X, X + Y)
    np.testing.assert_allclose(axes, np.eye(3), atol=1e-15)


@settings(deadline=None)
@given(turns)
def test_turn_between_finds_a_rotation_again(turn):
    np.testing.assert_allclose(turn_between(X, Y, turn @ X, turn @ Y), turn, atol=1e-9)


def test_angle_about_is_right_handed():
    assert angle_about(Z, X, Y)[0] == pytest.approx(np.pi / 2)
    np.testing.assert_allclose(about(Z, np.array([np.pi / 2])) @ X, Y, atol=1e-15)


@settings(deadline=None)
@given(vectors, turns, st.floats(0.5, 2), st.floats(0.2, 3))
def test_bone_map_takes_both_ends_and_keeps_the_width(start, turn, scale, stretch):
    rest = start, start + Y
    along = stretch * (axis_angle_to_matrix(0.3 * Z) @ turn @ Y)
    posed = 2 * start, 2 * start + along
    found = bone_map(rest, posed, turn, np.array([scale]))
    for before, after in zip(rest, posed, strict=True):
        np.testing.assert_allclose(mapped(found, before), after, atol=1e-9)
    assert np.linalg.norm(found[:, :3] @ X) == pytest.approx(scale)
    assert found[:, :3] @ X @ along == pytest.approx(0, abs=1e-9)


def test_rigid_map():
    found = rigid_map(X, Z, axis_angle_to_matrix(np.pi / 2 * Z), np.array([2.0]))
    np.testing.assert_allclose(mapped(found, X), Z, atol=1e-15)
    np.testing.assert_allclose(mapped(found, 2 * X), Z + 2 * Y, atol=1e-15)
    np.testing.assert_allclose(apply(found[:, :3], X), 2 * Y, atol=1e-15)


def test_smoothstep():
    values = smoothstep(np.array([-1.0, 0.0, 0.5, 1.0, 2.0]), 0.0, 1.0)
    np.testing.assert_allclose(values, [0, 0, 0.5, 1, 1])
