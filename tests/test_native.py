"""The machine operations do what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from synth.native import add_bilinear, float_bits, prefetch, trailing_zeros


@njit
def call_add_bilinear(total, place, pixels, above, below, fx, fy, weight):
    add_bilinear(
        total,
        np.int64(place),
        pixels,
        np.uint64(above),
        np.uint64(below),
        np.int32(fx),
        np.int32(fy),
        np.int32(weight),
    )


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


@pytest.mark.parametrize(("fx", "fy"), [(0, 0), (8191, 8191), (4096, 0), (0, 4096), (1234, 7000)])
@pytest.mark.parametrize("weight", [1, 225])
def test_bilinear_sample_is_added(fx, fy, weight):
    """The four pixels lie at the very end of their rows: nothing outside the array counts."""
    rows = np.random.default_rng(fx).integers(0, 256, (2, 4, 3), np.uint8)
    before = np.random.default_rng(1).integers(0, 1000, 9).astype(np.int32)
    total = before.copy()
    call_add_bilinear(total, 4, rows.ravel(), 6, 18, fx, fy, weight)
    a, b = fx / 8192, fy / 8192
    near = rows[:, 2:].astype(float)
    sample = (1 - b) * ((1 - a) * near[0, 0] + a * near[0, 1]) + b * ((1 - a) * near[1, 0] + a * near[1, 1])
    assert np.abs((total - before)[4:7] - weight * 64 * sample).max() <= weight * 1.02
    assert (total[:4] == before[:4]).all()
    assert total[8] == before[8]


@pytest.mark.parametrize("value", [0, 1, 127, 255])
def test_bilinear_sample_of_one_colour_is_exact(value):
    pixels = np.full(24, value, np.uint8)
    for f in range(0, 8192, 371):
        total = np.zeros(4, np.int32)
        call_add_bilinear(total, 0, pixels, 6, 18, f, 8191 - f, 7)
        assert total[:3].tolist() == [7 * 64 * value] * 3


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
