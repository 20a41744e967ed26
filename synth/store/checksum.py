"""CRC-32C (Castagnoli), the checksum of Zarr's shard index and of every file of a store.

It costs a fiftieth of compressing the same bytes (`google_crc32c` uses the processor's own instruction),
finds every error burst of up to 32 bits, and lets one random change in four thousand million pass; each
file's size is recorded beside it. It guards against accidents, not against forgery.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

try:
    from google_crc32c import extend as _extend
except ImportError:  # the reader asks for numpy alone; then only the short shard indexes are summed
    _extend = None

_POLYNOMIAL = 0x82F63B78


@cache
def _table() -> tuple[int, ...]:
    entries = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
        entries.append(value)
    return tuple(entries)


def crc32c_plain(data: bytes, crc: int = 0) -> int:
    """CRC-32C of `data` byte by byte, continuing from `crc`; for short data (10 MB/s)."""
    table = _table()
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def crc32c(data: bytes | memoryview | NDArray[np.generic], crc: int = 0) -> int:
    """CRC-32C of the bytes of `data`, continuing from `crc`.

    Parameters
    ----------
    data : bytes, memoryview or C-contiguous array
        What to sum.
    crc : int
        Result for the bytes before `data`; 0 at the beginning.
    """
    if _extend is None:
        return crc32c_plain(bytes(data), crc)
    if isinstance(data, memoryview):
        data = np.frombuffer(data, dtype=np.uint8)  # the C code takes arrays, not writable memory views
    return int(_extend(crc, data))
