"""Batches of samples of one or several stores, decoded by threads ahead of whoever takes them.

>>> sources = [open_source("m.zarr", ["images", "joints3d_torso"])]  # doctest: +SKIP
>>> order = batch_order(sources, batch_size=64, seed=0)  # doctest: +SKIP
>>> with BatchLoader(sources, ["images", "joints3d_torso"], order, epochs=1) as loader:  # doctest: +SKIP
...     for batch in loader:
...         batch.arrays["images"]  # (64, 220, 220, 3) uint8
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.store.columns import Column, Layout
from synth.store.order import BatchOrder
from synth.store.sources import SampleSource, batch_layout, open_source, source_columns

__all__ = ["Batch", "BatchLoader", "BatchOrder", "SampleSource", "batch_order", "open_source", "read_batch"]

_UNUSED = 3
"""Reference count of a buffer that only `_Buffers` knows, as that counts it."""


@dataclass(frozen=True)
class Batch:
    """Samples that are used together.

    Parameters
    ----------
    epoch, number : int
        Batch `number` of `epoch`, both from 0.
    sources : (N,) int32
        Which of the opened sources each sample is of.
    ids : (N,) int64
        Sample ids within their stores.
    arrays : dict of str to (N, ...) array
        By the names asked for.
    """

    epoch: int
    number: int
    sources: NDArray[np.int32]
    ids: NDArray[np.int64]
    arrays: dict[str, NDArray[Any]]


def batch_order(sources: Sequence[SampleSource], batch_size: int, **options: Any) -> BatchOrder:
    """Order of the batches of some sources; the options are the other fields of `BatchOrder`."""
    return BatchOrder(
        ids=tuple(source.ids for source in sources),
        shard_sizes=tuple(source.store.meta.schema.shard_size for source in sources),
        weights=tuple(source.weight for source in sources),
        batch_size=batch_size,
        **options,
    )


def read_batch(
    sources: Sequence[SampleSource],
    names: Sequence[str],
    picks_sources: NDArray[np.int32],
    picks_ids: NDArray[np.int64],
    out: Mapping[str, NDArray[Any]] | None = None,
    threads: int = 1,
) -> dict[str, NDArray[Any]]:
    """Read some samples of some sources.

    Parameters
    ----------
    sources : sequence of SampleSource
    names : sequence of str
        Arrays, with which all sources were opened.
    picks_sources : (N,) int32
    picks_ids : (N,) int64
    out : mapping of str to (N, ...) array, optional
        C-contiguous, as `batch_layout` says; written to and returned. New arrays if not given.
    threads : int
        Threads that decode.

    Returns
    -------
    dict of str to (N, ...) array

    Raises
    ------
    InputError, StoreError
        As of `batch_layout` and `Store.read`; or an array of `out` has another shape or dtype.
    """
    layout = batch_layout(sources, names)
    columns = source_columns(sources, layout)
    rows = np.arange(len(picks_ids))
    if out is None:
        out = {name: np.empty((len(rows), *of.shape), of.dtype) for name, of in layout.items()}
    arrays = {name: out[name] for name in names}
    _check_out(arrays, layout, len(rows))
    if threads == 1:
        _read_rows(columns, picks_sources, picks_ids, arrays, rows)
        return arrays
    with ThreadPoolExecutor(threads) as pool:
        parts = np.array_split(rows, threads)
        jobs = [pool.submit(_read_rows, columns, picks_sources, picks_ids, arrays, part) for part in parts]
        for job in jobs:
            job.result()
    return arrays


def _check_out(arrays: Mapping[str, NDArray[Any]], layout: Mapping[str, Layout], rows: int) -> None:
    for name, array in arrays.items():
        shape, dtype = (rows, *layout[name].shape), layout[name].dtype
        if array.shape != shape or array.dtype != dtype or not array.flags.c_contiguous:
            raise InputError(
                f"array {name!r} to read into: expected {shape} {dtype}, contiguous, found {array.shape} {array.dtype}"
            )


def _read_rows(
    columns: Mapping[str, Sequence[Column]],
    sources: NDArray[np.int32],
    ids: NDArray[np.int64],
    arrays: Mapping[str, NDArray[Any]],
    rows: NDArray[np.intp],
) -> None:
    for source in np.unique(sources[rows]).tolist():
        places = rows[sources[rows] == source]
        for name, of_sources in columns.items():
            of_sources[source].read_into(ids[places], arrays[name], places)


class BatchLoader:
    """Reads batches ahead of whoever takes them, a batch a thread.

    An iterator; also a context manager that stops its threads. What a thread raises is raised where the batch
    would have been taken. The arrays of a batch may be kept as long as one likes; memory is used again only
    when nothing looks into it any more.

    Parameters
    ----------
    sources : sequence of SampleSource
    names : sequence of str
        Arrays, with which all sources were opened.
    order : BatchOrder
        Of these sources, see `batch_order`.
    epoch, number : int
        Where to begin; this is how training is resumed.
    step : int
        Every `step`-th batch only, for loaders that share an epoch.
    epochs : int, optional
        Epochs to go through, the one begun with included; for ever if not given.
    threads : int
        Threads that decode and transform.
    ahead : int
        Batches kept ready beside those being made.
    transform : callable, optional
        Called with each `Batch` in the thread that read it; the loader then gives what it returns.

    Raises
    ------
    InputError
        As of `batch_layout`.
    """

    def __init__(
        self,
        sources: Sequence[SampleSource],
        names: Sequence[str],
        order: BatchOrder,
        *,
        epoch: int = 0,
        number: int = 0,
        step: int = 1,
        epochs: int | None = None,
        threads: int = 2,
        ahead: int = 2,
        transform: Callable[[Batch], Any] | None = None,
    ) -> None:
        self._order, self._transform = order, transform
        layout = batch_layout(sources, names)
        self._columns = source_columns(sources, layout)
        rows = -(-order.batch_size // order.world)
        self._buffers = _Buffers(layout, rows, most=threads + ahead + 2)
        self._places = _places(order, epoch, number, step, epochs)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="batches")
        self._waiting: deque[Future[Any]] = deque()
        self._in_flight = threads + ahead

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            self._submit()
            if self._waiting:
                return self._waiting.popleft().result()
        except BaseException:
            self.close()
            raise
        self.close()
        raise StopIteration

    def _submit(self) -> None:
        while len(self._waiting) < self._in_flight:
            place = next(self._places, None)
            if place is None:
                return
            self._waiting.append(self._pool.submit(self._read, *place, self._buffers.take()))

    def _read(self, epoch: int, number: int, buffers: dict[str, NDArray[Any]]) -> Any:
        sources, ids = self._order.picks(epoch, number)
        arrays = {name: buffer[: len(ids)] for name, buffer in buffers.items()}
        _read_rows(self._columns, sources, ids, arrays, np.arange(len(ids)))
        batch = Batch(epoch, number, sources, ids, arrays)
        return batch if self._transform is None else self._transform(batch)

    def close(self) -> None:
        """Stop the threads, after the batches that they are at; the loader then gives no more."""
        self._places = iter(())
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _places(
    order: BatchOrder, epoch: int, number: int, step: int, epochs: int | None
) -> Iterator[tuple[int, int]]:
    """Epoch and number of each batch to be read."""
    for current in count(epoch) if epochs is None else range(epoch, epoch + epochs):
        first = number if current == epoch else number % step
        yield from ((current, place) for place in range(first, order.batches(), step))


class _Buffers:
    """Memory for batches, used again when no array looks into it any more."""

    def __init__(self, layout: Mapping[str, Layout], rows: int, most: int) -> None:
        self._layout, self._rows, self._most = layout, rows, most
        self._made: dict[str, list[NDArray[Any]]] = {name: [] for name in layout}

    def take(self) -> dict[str, NDArray[Any]]:
        """One array for each name, of as many rows as a batch has."""
        return {name: self._free(name)[:] for name in self._layout}

    def _free(self, name: str) -> NDArray[Any]:
        made = self._made[name]
        for place, array in enumerate(made):
            # the list, this loop and the call below refer to it; each view of it would be one more
            if sys.getrefcount(array) == _UNUSED:
                made.append(made.pop(place))
                return array
        array = np.empty((self._rows, *self._layout[name].shape), self._layout[name].dtype)
        made.append(array)
        del made[: -self._most]
        return array
