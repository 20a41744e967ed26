"""A shard file of Zarr v3's codec ``sharding_indexed``: encoded chunks, then their index with a checksum.

The index at the end of the file holds, for every chunk of the shard, its offset and its number of bytes as
little-endian uint64 (both 2^64 - 1 for a chunk that is not there), then the CRC-32C of those bytes.
"""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.errors import StoreError
from synth.store.checksum import crc32c

MISSING = 2**64 - 1
_ENTRY = np.dtype("<u8")


def pack_index(entries: NDArray[np.uint64]) -> bytes:
    """Bytes of the index of a shard.

    Parameters
    ----------
    entries : (S, 2) uint64
        Offset and number of bytes of every chunk; `MISSING` twice for chunks not there.
    """
    data = entries.astype(_ENTRY).tobytes()
    return data + crc32c(data).to_bytes(4, "little")


def read_index(data: memoryview, chunks: int) -> NDArray[np.uint64]:
    """Read and check the index at the end of a shard.

    Parameters
    ----------
    data : memoryview
        The whole shard file.
    chunks : int
        Number of chunks S of a full shard.

    Returns
    -------
    (S, 2) uint64
        Offset and number of bytes of each chunk; `MISSING` twice where there is none.

    Raises
    ------
    StoreError
        The file is too short, the checksum is wrong, or an entry points outside the file.
    """
    start = len(data) - (chunks * 16 + 4)
    if start < 0:
        raise StoreError(f"is cut off: {len(data)} bytes cannot hold an index of {chunks} chunks")
    index = bytes(data[start:-4])
    if crc32c(index) != int.from_bytes(data[-4:], "little"):
        raise StoreError("has a damaged index (its checksum is wrong)")
    entries = np.frombuffer(index, dtype=_ENTRY).reshape(chunks, 2).astype(np.uint64)
    present = entries[entries[:, 0] != MISSING]
    if np.any(present > start) or np.any(present.sum(axis=1) > start):
        raise StoreError("has a damaged index (an entry points outside the file)")
    return entries


def chunk_bytes(data: memoryview, entries: NDArray[np.uint64], row: int) -> memoryview | None:
    """Find the encoded chunk of one row, without a copy; None if it is not there."""
    offset, size = int(entries[row, 0]), int(entries[row, 1])
    return None if offset == MISSING else data[offset : offset + size]


def map_file(path: Path) -> memoryview:
    """Map a file into memory, read only.

    Raises
    ------
    StoreError
        The file is missing or empty.
    """
    try:
        with open(path, "rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise StoreError(f"{path} is missing") from error
    except ValueError as error:
        raise StoreError(f"{path} is empty") from error
