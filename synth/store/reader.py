"""Reading a store with numpy alone: files are mapped into memory, chunks decoded where they lie.

numcodecs or OpenCV are imported when a compressed chunk is first decoded. Nothing is ever filled in: a
sample that failed, or a shard that is not committed, is an error and not a black image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError, StoreError
from synth.store.codecs import Codec, decode_chunk
from synth.store.commits import committed_shards
from synth.store.metadata import StoreMeta, open_meta
from synth.store.schema import VALID, ArraySpec, chunk_name
from synth.store.seal import check_parent
from synth.store.shard import chunk_bytes, map_file, read_index
from synth.store.tables import read_numbers, read_table


@dataclass(frozen=True)
class OpenShard:
    """One shard file of a sharded array, mapped into memory, with its index.

    Parameters
    ----------
    path : Path
    codec : Codec
    data : memoryview
        The file.
    entries : (S, 2) uint64
        Offset and number of bytes of each chunk.
    plain : (S, *inner_shape) array, optional
        The samples themselves, where all are there, uncompressed and in order.
    """

    path: Path
    codec: Codec
    data: memoryview
    entries: NDArray[np.uint64]
    plain: NDArray[Any] | None = None

    def has(self, row: int) -> bool:
        """Tell whether the shard holds the chunk of this row."""
        return chunk_bytes(self.data, self.entries, row) is not None

    def read(self, row: int, out: NDArray[Any]) -> None:
        """Decode the chunk of one row into `out`, (1, *inner_shape); raises `StoreError` if it cannot be."""
        if self.plain is not None:
            out[0] = self.plain[row]
            return
        data = chunk_bytes(self.data, self.entries, row)
        if data is None:
            raise StoreError(f"{self.path}: row {row} is not there; its sample failed (see the array valid)")
        try:
            decode_chunk(self.codec, data, out)
        except StoreError as error:
            raise StoreError(f"{self.path}: the chunk of row {row} {error}") from error


def open_shard(meta: StoreMeta, name: str, shard: int) -> OpenShard:
    """Map one shard of a sharded array and read its index.

    Raises
    ------
    StoreError
        The file is missing or its index damaged.
    """
    spec = meta.schema.array(name)
    path = meta.path / chunk_name(spec, shard)
    data = map_file(path)
    try:
        entries = read_index(data, meta.schema.shard_size)
    except StoreError as error:
        raise StoreError(f"{path} {error}") from error
    return OpenShard(path, spec.parsed_codec, data, entries, _plain(spec, data, entries))


def _plain(spec: ArraySpec, data: memoryview, entries: NDArray[np.uint64]) -> NDArray[Any] | None:
    """View the samples of an uncompressed shard that lacks none, or None: reading them is copying them."""
    size = spec.sample_bytes
    expected = np.arange(len(entries), dtype=np.uint64) * np.uint64(size) + entries[0, 0]
    if spec.parsed_codec.kind != "none" or (entries[:, 1] != size).any() or (entries[:, 0] != expected).any():
        return None
    flat = np.frombuffer(
        data, spec.numpy_dtype, len(entries) * size // spec.numpy_dtype.itemsize, int(entries[0, 0])
    )
    return flat.reshape(len(entries), *spec.inner_shape)


def read_label_chunk(meta: StoreMeta, spec: ArraySpec, shard: int) -> NDArray[Any]:
    """One chunk of an unsharded array, (shard_size, *inner_shape); rows past the store's end hold the fill.

    Raises
    ------
    StoreError
        The file is missing or cannot be decoded.
    """
    path = meta.path / chunk_name(spec, shard)
    out = np.empty((meta.schema.shard_size, *spec.inner_shape), dtype=spec.numpy_dtype)
    try:
        decode_chunk(spec.parsed_codec, memoryview(path.read_bytes()), out)
    except FileNotFoundError as error:
        raise StoreError(f"{path} is missing") from error
    except StoreError as error:
        raise StoreError(f"{path} {error}") from error
    return out


@dataclass(frozen=True)
class Rows:
    """Some samples of a store.

    Parameters
    ----------
    ids : (K,) int64
        Sample ids, rising.
    arrays : dict of str to (K, ...) array
        Their values, by array.
    """

    ids: NDArray[np.int64]
    arrays: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Store:
    """An open store; made by `open_store`. Can be pickled: the other process opens it again.

    Parameters
    ----------
    meta : StoreMeta
    shards : tuple of int
        The shards that can be read: all of a sealed store, the committed ones of an unsealed.
    max_maps : int
        Shard files kept mapped at a time (each holds a file descriptor).
    """

    meta: StoreMeta
    shards: tuple[int, ...]
    max_maps: int
    _open_shard: Callable[[str, int], OpenShard] = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Store], tuple[Any, ...]]:
        return open_store, (self.meta.path, self.meta.seal is None, self.max_maps)

    def __len__(self) -> int:
        return self.meta.n

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the root: skeleton, units, camera, recipe, licences ..."""
        return self.meta.attributes

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the arrays."""
        return tuple(spec.name for spec in self.meta.schema.arrays)

    def read(self, name: str, ids: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[Any]:
        """Read samples of a sharded array, in the order asked for.

        Parameters
        ----------
        name : str
        ids : (K,) int
            Sample ids, in any order, repeated if need be.

        Returns
        -------
        (K, *inner_shape) array

        Raises
        ------
        InputError
            No such array or id; or the array isn't sharded (`read_label` reads it).
        StoreError
            A sample failed, its shard isn't committed, or its bytes are damaged.
        """
        spec = self.meta.schema.array(name)
        wanted = np.asarray(ids, dtype=np.int64).reshape(-1)
        out = np.empty((len(wanted), *spec.inner_shape), dtype=spec.numpy_dtype)
        self.read_into(name, wanted, out, np.arange(len(wanted)))
        return out

    def read_into(
        self, name: str, ids: NDArray[np.int64], out: NDArray[Any], places: NDArray[np.intp]
    ) -> None:
        """Decode samples of a sharded array straight into the rows of a batch.

        Parameters
        ----------
        name : str
        ids : (K,) int64
            Sample ids, in any order.
        out : (N, *inner_shape) array, C-contiguous, of the array's dtype
            Written to.
        places : (K,) int
            Row of `out` for each sample.

        Raises
        ------
        InputError, StoreError
            As of `read`.
        """
        if not self.meta.schema.array(name).sharded:
            raise InputError(f"array {name} is not sharded: read it with read_label")
        self._check_ids(ids)
        shards, rows = np.divmod(ids, self.meta.schema.shard_size)
        for shard, row, place in zip(shards.tolist(), rows.tolist(), places.tolist(), strict=True):
            self._open_shard(name, shard).read(row, out[place : place + 1])

    def read_images(self, ids: Sequence[int] | NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
        """Images (K, 220, 220, 3) uint8 RGB of some samples, see `read`."""
        return self.read("images", ids)

    def read_label(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows start ... stop - 1 of an unsharded array, (stop - start, *inner_shape).

        Rows of samples that failed hold what the writer was given: look at the array `valid`.

        Raises
        ------
        InputError
            No such array or rows; or the array is sharded (`read` reads it).
        StoreError
            A shard isn't committed or a file is damaged.
        """
        spec = self.meta.schema.array(name)
        if spec.sharded:
            raise InputError(f"array {name} is sharded: read it with read")
        if not 0 <= start <= stop <= self.meta.n:
            raise InputError(f"rows {start} to {stop} of {name}: the store has rows 0 to {self.meta.n}")
        out = np.empty((stop - start, *spec.inner_shape), dtype=spec.numpy_dtype)
        size = self.meta.schema.shard_size
        for shard in range(start // size, -(-stop // size)):
            self._check_shard(shard)
            low, high = max(start, shard * size), min(stop, (shard + 1) * size)
            chunk = read_label_chunk(self.meta, spec, shard)
            out[low - start : high - start] = chunk[low - shard * size : high - shard * size]
        return out

    def label(self, name: str) -> NDArray[Any]:
        """All rows of an unsharded array, (N, *inner_shape), one chunk in memory beside it."""
        return self.read_label(name, 0, self.meta.n)

    def valid_ids(self) -> NDArray[np.int64]:
        """Ids of the samples that can be read: those of readable shards that didn't fail, rising."""
        parts = []
        for shard in self.shards:
            start, stop = self.meta.bounds(shard)
            parts.append(start + np.flatnonzero(self.read_label(VALID.name, start, stop)))
        return np.concatenate(parts, dtype=np.int64) if parts else np.empty(0, dtype=np.int64)

    def table(self, name: str) -> list[str]:
        """Read a list of strings, e.g. the sources' file names that id arrays point into.

        Raises
        ------
        InputError
            No such table.
        StoreError
            A file of it is missing or damaged.
        """
        return read_table(self.meta.path, name, self._table_size(name, "count"))

    def numbers(self, name: str) -> NDArray[Any]:
        """Read a table of numbers, (R, ...), e.g. the mean poses of classes; errors as of `table`."""
        return read_numbers(self.meta.path, name, self._table_size(name, "rows"))

    def _table_size(self, name: str, kind: str) -> dict[str, int]:
        found = {other: size for other, size in self.meta.tables.items() if kind in size}
        if name not in found:
            what = "table of numbers" if kind == "rows" else "table"
            raise InputError(f"no {what} {name!r}; the store has {', '.join(found) or 'none'}")
        return found[name]

    def rows(self, names: Sequence[str], size: int = 256) -> Iterator[Rows]:
        """Go through the valid samples in order of id, up to `size` at a time, shard by shard.

        Parameters
        ----------
        names : sequence of str
            Arrays wanted, sharded or not.
        size : int
            Most samples a piece; a piece never spans two shards.

        Yields
        ------
        Rows
        """
        for shard in self.shards:
            start, stop = self.meta.bounds(shard)
            labels = {
                name: self.read_label(name, start, stop)
                for name in (*names, VALID.name)
                if not self.meta.schema.array(name).sharded
            }
            rows = np.flatnonzero(labels[VALID.name])
            for piece in np.split(rows, range(size, len(rows), size)):
                arrays = {
                    name: labels[name][piece] if name in labels else self.read(name, start + piece)
                    for name in names
                }
                if len(piece):
                    yield Rows(start + piece, arrays)

    def _check_ids(self, ids: NDArray[np.int64]) -> None:
        if len(ids) and not 0 <= ids.min() <= ids.max() < self.meta.n:
            raise InputError(f"sample ids {ids.min()} to {ids.max()}: the store has 0 to {self.meta.n - 1}")
        if len(self.shards) < self.meta.shards:
            for shard in np.unique(ids // self.meta.schema.shard_size).tolist():
                self._check_shard(shard)

    def _check_shard(self, shard: int) -> None:
        if len(self.shards) < self.meta.shards and shard not in self.shards:
            raise StoreError(f"shard {shard} of {self.meta.path} is not committed yet: resume the run")


def open_store(path: Path | str, allow_unsealed: bool = False, max_maps: int = 256) -> Store:
    """Open a store for reading.

    Parameters
    ----------
    path : Path or str
        A store, or a label pass of one (``STORE/labels/NAME``).
    allow_unsealed : bool
        Also open a store that is still being made; only its committed shards can be read.
    max_maps : int
        Shard files kept mapped at a time; each holds a file descriptor.

    Raises
    ------
    StoreError
        No store there, not sealed, a newer `schema_version`, damaged metadata, or a label pass whose
        parent has another seal.
    """
    meta = open_meta(Path(path))
    if meta.seal is None and not allow_unsealed:
        raise StoreError(
            f"{path} is not sealed: it is incomplete or still being made; resume the run that makes it, or "
            "allow unsealed stores"
        )
    problem = check_parent(meta)
    if problem and not allow_unsealed:
        raise StoreError(f"{path} {problem}")
    shards = tuple(range(meta.shards)) if meta.seal is not None else tuple(committed_shards(meta.path))
    return Store(meta, shards, max_maps, lru_cache(max_maps)(partial(open_shard, meta)))
