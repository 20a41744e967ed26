"""The machine operations do what their names say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from synth.native import (
    BLOCK,
    LANES,
    float_bits,
    prefetch,
    squared_distance,
    squared_distances,
    trailing_zeros,
)


@njit
def call_squared_distances(point, first, tiles, tile, dims, out):
    squared_distances(point, first, tiles, tile, dims, out)


@njit
def call_squared_distance(points, first, second, blocks):
    return squared_distance(points, first, second, blocks)


@njit
def call_float_bits(value):
    return float_bits(np.float32(value))


@njit
def call_trailing_zeros(value):
    return trailing_zeros(value)


@njit
def call_prefetch(array, index):
    prefetch(array, index)
    return array[0]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(0, 2, width=32), min_size=2, max_size=20))
def test_bits_of_floats_are_in_their_order(values):
    values = sorted(abs(value) for value in values)
    bits = [call_float_bits(value) for value in values]
    assert bits == np.array(values, np.float32).view(np.int32).tolist()
    assert bits == sorted(bits)
    assert call_float_bits(-1.0) < 0


def test_trailing_zeros():
    for place in range(64):
        assert call_trailing_zeros(np.uint64(1 << place)) == place
        assert call_trailing_zeros(np.uint64((1 << place) | (1 << 63))) == place


def test_prefetch_never_faults():
    array = np.array([7, 8], np.uint8)
    assert [call_prefetch(array, index) for index in (0, 1, 10**6, -(10**6), 2**46)] == [7] * 5


def test_squared_distances_to_a_tile():
    """The second of two tiles, of three coordinates, from a point that begins at element 2."""
    rng = np.random.default_rng(0)
    point = rng.normal(size=5).astype(np.float32)
    tiles = rng.normal(size=2 * 3 * LANES)
    out = np.zeros(LANES)
    call_squared_distances(point, 2, tiles, 3 * LANES, 3, out)
    away = tiles[3 * LANES :].reshape(3, LANES) - point[2:, None].astype(np.float64)
    np.testing.assert_allclose(out, (away**2).sum(axis=0), rtol=1e-14)
    tiles[:] = np.inf
    call_squared_distances(point, 0, tiles, 0, 3, out)
    assert np.isposinf(out).all()


def test_squared_distance_of_two_points():
    points = np.random.default_rng(1).normal(size=(4, 2 * BLOCK)).astype(np.float32)
    found = call_squared_distance(points.ravel(), 2 * BLOCK, 6 * BLOCK, 2)
    away = points[1].astype(np.float64) - points[3]
    assert abs(found - (away**2).sum()) < 1e-5
    whole = np.arange(2 * BLOCK, dtype=np.float32)
    assert call_squared_distance(np.concatenate([whole, whole + 2]), 0, 2 * BLOCK, 2) == 8 * BLOCK
