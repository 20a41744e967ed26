"""Stores as a torch dataset, for training loops of one's own.

>>> dataset = StoreDataset(["m.zarr"], ["images", "joints3d_torso"], batch_size=64)  # doctest: +SKIP
>>> loader = DataLoader(dataset, batch_size=None, num_workers=2)  # doctest: +SKIP
>>> for epoch in range(10):  # doctest: +SKIP
...     dataset.set_epoch(epoch)
...     for batch in loader:
...         batch["images"]  # (64, 220, 220, 3) uint8
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from synth.errors import InputError
from synth.store.batches import Batch, BatchLoader, batch_order, open_source

EPOCH = "epoch"
NUMBER = "number"


class StoreDataset(IterableDataset[dict[str, Any]]):
    """Batches of one or several stores, as dicts of tensors; give it to a `DataLoader` with ``batch_size=None``.

    One pass over it is one epoch. The workers of a `DataLoader` take turns and the ranks of a process group
    share every batch, so that what is trained on doesn't depend on the number of workers, and the whole
    batch not on the number of ranks.

    Beside the arrays asked for, a batch holds ``sources`` (N,) int32 and ``ids`` (N,) int64, which store and
    sample each row is of, and its ``epoch`` and ``number``.

    Parameters
    ----------
    stores : sequence of Path or str, or mapping of these to float
        Sealed stores; with numbers, their shares in a mixture.
    arrays, optional : sequence of str
        As of `open_source`.
    batch_size : int
        Samples of a batch over all ranks.
    split : str or None
        ``"train"``, ``"val"``, ``"test"``, None for all samples.
    rank, world : int, optional
        Default: those of torch's process group if it is initialised when the dataset is made, else 0 and 1.
    threads : int
        Threads that decode, in each process that iterates.
    **order
        Other fields of `BatchOrder`: `seed`, `mode`, `window`, `shuffle`, `drop_last`, `epoch_batches`.

    Raises
    ------
    InputError, StoreError
        As of `open_source` and `BatchOrder`.
    """

    def __init__(
        self,
        stores: Sequence[Path | str] | Mapping[Path | str, float],
        arrays: Sequence[str],
        *,
        batch_size: int,
        optional: Sequence[str] = (),
        split: str | None = "train",
        rank: int | None = None,
        world: int | None = None,
        threads: int = 2,
        **order: Any,
    ) -> None:
        shares = stores if isinstance(stores, Mapping) else dict.fromkeys(stores, 1.0)
        self._names = tuple(dict.fromkeys((*arrays, *optional)))
        self._sources = [open_source(path, arrays, optional, split, share) for path, share in shares.items()]
        rank, world = _place_in_group(rank, world)
        self._order = batch_order(self._sources, batch_size, rank=rank, world=world, **order)
        self._threads = threads
        self._epoch, self._number = 0, 0

    def __len__(self) -> int:
        """Batches of an epoch that are still to come."""
        return self._order.batches() - self._number

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next pass, which decides the order; call it before every pass.

        It begins with the first batch, but for the epoch that `load_state_dict` set or that was broken off.
        (Persistent workers of a `DataLoader` don't hear of it: make them anew for each epoch.)
        """
        if epoch != self._epoch:
            self._epoch, self._number = epoch, 0

    def state_dict(self, after: Mapping[str, Any] | None = None) -> dict[str, int]:
        """Say where to go on: for `load_state_dict`, now or in another run.

        Parameters
        ----------
        after : mapping, optional
            The last batch that was used. Needed when a `DataLoader` with workers iterates: what they have
            read ahead is unknown here. Default: the last batch that this object gave.
        """
        if after is None:
            return {EPOCH: self._epoch, NUMBER: self._number}
        return dict(zip((EPOCH, NUMBER), self._next(int(after[EPOCH]), int(after[NUMBER])), strict=True))

    def load_state_dict(self, state: Mapping[str, int]) -> None:
        """Go on, at the next pass, where `state_dict` was taken."""
        epoch, number = int(state[EPOCH]), int(state[NUMBER])
        if epoch < 0 or not 0 <= number < self._order.batches():
            raise InputError(
                f"state {dict(state)}: an epoch of this data has {self._order.batches()} batches"
            )
        self._epoch, self._number = epoch, number

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        loader = BatchLoader(
            self._sources,
            self._names,
            self._order,
            epoch=self._epoch,
            number=self._number + first,
            step=step,
            epochs=1,
            threads=self._threads,
            transform=as_tensors,
        )
        with loader:
            for batch in loader:
                self._epoch, self._number = self._next(batch[EPOCH], batch[NUMBER])
                yield batch

    def _next(self, epoch: int, number: int) -> tuple[int, int]:
        """Epoch and number of the batch after this one."""
        last = number + 1 == self._order.batches()
        return (epoch + 1, 0) if last else (epoch, number + 1)


def as_tensors(batch: Batch) -> dict[str, Any]:
    """Tensors of a batch by name, without a copy; see `StoreDataset`."""
    tensors: dict[str, Tensor] = {name: torch.from_numpy(array) for name, array in batch.arrays.items()}
    places = {"sources": torch.from_numpy(batch.sources), "ids": torch.from_numpy(batch.ids)}
    return {**tensors, **places, EPOCH: batch.epoch, NUMBER: batch.number}


def _place_in_group(rank: int | None, world: int | None) -> tuple[int, int]:
    if (rank is None) != (world is None):
        raise InputError("give both rank and world, or neither")
    if rank is not None and world is not None:
        return rank, world
    group = torch.distributed
    if group.is_available() and group.is_initialized():
        return group.get_rank(), group.get_world_size()
    return 0, 1
