"""The arrays of a store as a trainer reads them: rows of any sample ids, written into a batch.

`LabelColumn` keeps decoded what is small, `ChunkColumn` decodes where a sample lies, and `FilledColumn`
stands in for an array that a store lacks.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.store.reader import Store, read_label_chunk

CACHE_BYTES = 2**28
"""Most bytes that a column of labels keeps decoded."""


@dataclass(frozen=True)
class Layout:
    """Shape and dtype of one sample of an array as it stands in batches."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Column(Protocol):
    """One array of a store."""

    @property
    def layout(self) -> Layout:
        """Shape and dtype of one sample."""

    @property
    def decodes(self) -> bool:
        """Whether reading it takes so long that it is worth sharing among threads."""

    def read_into(self, ids: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.intp]) -> None:
        """Write the samples `ids` (K,) to the rows `places` (K,) of `out` (N, *shape)."""


class LabelColumn:
    """An unsharded array, each shard decoded when first needed, the last used ones kept.

    Parameters
    ----------
    store : Store
    name : str
    cache_bytes : int
        Most bytes kept; at least one shard is.
    """

    decodes = False

    def __init__(self, store: Store, name: str, cache_bytes: int = CACHE_BYTES) -> None:
        self._meta, self._spec = store.meta, store.meta.schema.array(name)
        size = self._meta.schema.shard_size
        chunk_bytes = max(size * self._spec.sample_bytes, 1)
        slots = max(1, min(self._meta.shards, cache_bytes // chunk_bytes))
        self._slots = np.empty((slots, size, *self._spec.inner_shape), self._spec.numpy_dtype)
        self._slot_of: dict[int, int] = {}  # by shard, the one longest unused first
        self._lock = threading.Lock()

    @property
    def layout(self) -> Layout:
        """Shape and dtype of one sample."""
        return Layout(self._spec.inner_shape, self._spec.numpy_dtype)

    def read_into(self, ids: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.intp]) -> None:
        """Write the samples `ids` (K,) to the rows `places` (K,) of `out` (N, *shape)."""
        shards, rows = np.divmod(ids, self._slots.shape[1])
        needed, shard_of = np.unique(shards, return_inverse=True)
        for first in range(0, len(needed), len(self._slots)):  # once, unless more shards than are kept
            group = needed[first : first + len(self._slots)].tolist()
            part = (shard_of >= first) & (shard_of < first + len(group))
            with self._lock:
                slots = np.array([self._slot(shard) for shard in group])
                out[places[part]] = self._slots[slots[shard_of[part] - first], rows[part]]

    def _slot(self, shard: int) -> int:
        slot = self._slot_of.pop(shard, None)
        if slot is None:
            full = len(self._slot_of) == len(self._slots)
            slot = self._slot_of.pop(next(iter(self._slot_of))) if full else len(self._slot_of)
            self._slots[slot] = read_label_chunk(self._meta, self._spec, shard)
        self._slot_of[shard] = slot
        return slot


@dataclass(frozen=True)
class ChunkColumn:
    """A sharded array: pictures or maps, one chunk a sample."""

    store: Store
    name: str
    decodes = True

    @property
    def layout(self) -> Layout:
        """Shape and dtype of one sample."""
        spec = self.store.meta.schema.array(self.name)
        return Layout(spec.inner_shape, spec.numpy_dtype)

    def read_into(self, ids: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.intp]) -> None:
        """Write the samples `ids` (K,) to the rows `places` (K,) of `out` (N, *shape)."""
        if out.dtype == self.layout.dtype:
            self.store.read_into(self.name, ids, out, places)
        else:
            out[places] = self.store.read(self.name, ids)


@dataclass(frozen=True)
class FilledColumn:
    """An array that a store lacks: NaN, -1 or False, by the kind of its dtype."""

    layout: Layout
    decodes = False

    def read_into(self, ids: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.intp]) -> None:
        """Fill the rows `places` (K,) of `out` (N, *shape)."""
        out[places] = {"f": np.nan, "b": False}.get(out.dtype.kind, -1)


def filled_layout(layout: Layout) -> Layout:
    """Layout that can say "not there": unsigned integers become int64, for -1."""
    return Layout(layout.shape, np.dtype(np.int64)) if layout.dtype.kind == "u" else layout
