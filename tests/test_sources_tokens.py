from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.sources.tokens import scan, word_hashes


def test_numbers_and_words() -> None:
    values, hashes = scan("root 1 -2.5\t+.5\r\n1e3 1.25234e-014 7. nan inf 1.2.3 - e5 1e 0x1 \n")
    expected = [math.nan, 1, -2.5, 0.5, 1000, 1.25234e-14, 7, *[math.nan] * 7]
    np.testing.assert_array_equal(values, expected)
    assert hashes[0] == word_hashes(["ROOT"])[0]
    assert len(set(hashes.tolist())) == len(hashes)


def test_empty_text() -> None:
    assert scan(" \n\t ")[0].size == 0


@settings(deadline=None)
@given(st.lists(st.integers(-(10**15) + 1, 10**15 - 1), max_size=20), st.integers(-22, 7))
def test_agrees_with_python_on_numbers_of_fifteen_digits(mantissas: list[int], power: int) -> None:
    words = [f"{mantissa}e{power}" for mantissa in mantissas]
    assert scan(" ".join(words))[0].tolist() == [float(word) for word in words]


@settings(deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=20))
def test_any_float_is_read_to_a_few_last_places(numbers: list[float]) -> None:
    np.testing.assert_allclose(scan(" ".join(map(repr, numbers)))[0], numbers, rtol=1e-14, atol=1e-300)
