"""The words of a large text file and their values as numbers, without making a Python object of each."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_POWERS = 10.0 ** np.arange(23)
"""Powers of ten that float64 holds exactly."""

_LARGEST_POWER = 22
_LARGEST_MANTISSA = 10**17


def scan(text: str) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Split a text at white space and read every word as a decimal number.

    Parameters
    ----------
    text : str
        Latin-1 characters.

    Returns
    -------
    values : (T,) float64
        Value of each word, NaN where it is no decimal number. Up to 15 digits and powers of ten up to 22 it
        is the nearest float64; beyond that it may be off by a few units in the last place.
    hashes : (T,) uint64
        Hash of each word in lower case (ASCII): equal words have equal hashes.
    """
    data = np.frombuffer(text.encode("latin-1"), dtype=np.uint8)
    count = _count(data)
    values = np.empty(count, dtype=np.float64)
    hashes = np.empty(count, dtype=np.uint64)
    _scan(data, _POWERS, values, hashes)
    return values, hashes


def word_hashes(words: list[str]) -> NDArray[np.uint64]:
    """Hashes that `scan` gives some words."""
    return scan(" ".join(words))[1]


@njit(cache=True)
def _count(data: NDArray[np.uint8]) -> int:
    count = 0
    inside = False
    for byte in data:
        if byte <= 32:
            inside = False
        elif not inside:
            inside = True
            count += 1
    return count


@njit(cache=True)
def _scan(
    data: NDArray[np.uint8],
    powers: NDArray[np.float64],
    values: NDArray[np.float64],
    hashes: NDArray[np.uint64],
) -> None:
    token = 0
    place = 0
    while place < data.size:
        if data[place] <= 32:
            place += 1
            continue
        end = place
        code = np.uint64(14695981039346656037)  # FNV-1a
        while end < data.size and data[end] > 32:
            byte = data[end]
            lower = byte + 32 if 65 <= byte <= 90 else byte
            code = (code ^ np.uint64(lower)) * np.uint64(1099511628211)
            end += 1
        hashes[token] = code
        values[token] = _number(data, place, end, powers)
        token += 1
        place = end


@njit(cache=True)
def _number(data: NDArray[np.uint8], start: int, end: int, powers: NDArray[np.float64]) -> float:
    """Value of the decimal number in `data[start:end]`, NaN if it is none. float64."""
    place = start
    negative = data[place] == 45
    if negative or data[place] == 43:
        place += 1
    mantissa = np.int64(0)
    exponent = 0
    digits = 0
    point = False
    while place < end:
        byte = data[place]
        if 48 <= byte <= 57:
            digits += 1
            if mantissa < _LARGEST_MANTISSA:
                mantissa = mantissa * 10 + np.int64(byte - 48)
                exponent -= 1 if point else 0
            else:
                exponent += 0 if point else 1
        elif byte == 46 and not point:
            point = True
        else:
            break
        place += 1
    if digits == 0:
        return np.nan
    if place < end:
        written = _exponent(data, place, end)
        if written == -(2**31):
            return np.nan
        exponent += written
    return _scaled(-float(mantissa) if negative else float(mantissa), exponent, powers)


@njit(cache=True)
def _exponent(data: NDArray[np.uint8], place: int, end: int) -> int:
    """Read the number behind an `e`; -2**31 if it is none."""
    if data[place] != 101 and data[place] != 69:
        return -(2**31)
    place += 1
    negative = place < end and data[place] == 45
    if place < end and (negative or data[place] == 43):
        place += 1
    if place == end:
        return -(2**31)
    value = 0
    while place < end:
        if data[place] < 48 or data[place] > 57:
            return -(2**31)
        value = min(value * 10 + (data[place] - 48), 100000)
        place += 1
    return -value if negative else value


@njit(cache=True)
def _scaled(value: float, exponent: int, powers: NDArray[np.float64]) -> float:
    exponent = min(max(exponent, -800), 800)
    while exponent < 0:
        step = min(-exponent, _LARGEST_POWER)
        value /= powers[step]
        exponent += step
    while exponent > 0:
        step = min(exponent, _LARGEST_POWER)
        value *= powers[step]
        exponent -= step
    return value
