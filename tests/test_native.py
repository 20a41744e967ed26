"""The machine operations do what their names say."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from synth.native import float_bits, prefetch, trailing_zeros


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
