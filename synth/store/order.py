"""Which samples make up which batch: shuffled by shards, mixed from several sources, shared out among ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError

Mode = Literal["mixed", "alternating"]

_SHUFFLE_STAGE = 40
_MIX_STAGE = 41


@dataclass(frozen=True)
class BatchOrder:
    """The batches of every epoch, a function of these fields alone.

    One source without `epoch_batches`: an epoch takes every sample once (with `drop_last`, but for those that
    fill no batch). Otherwise an epoch is a number of batches; each source runs through its own
    permutations, one after the other, across epochs.

    Parameters
    ----------
    ids : tuple of (M,) int64
        Usable sample ids of each source, rising.
    shard_sizes : tuple of int
        Samples a shard of each source's store.
    weights : tuple of float
        Shares of the sources in a mixture, relative to each other.
    batch_size : int
        Samples of a batch over all ranks.
    seed : int
    mode : str
        ``"mixed"``: every batch holds all sources in these shares. ``"alternating"``: a batch is of one
        source, and the batches have these shares.
    rank, world : int
        This order gives the rows ``rank::world`` of every batch; the whole batch doesn't depend on them.
    window : int
        Shards whose samples are shuffled together.
    drop_last : bool
        Leave out the last batch of an epoch if it isn't full.
    shuffle : bool
        False: by rising id, for evaluation.
    epoch_batches : int, optional
        Batches of an epoch; by default as many as all sources have samples for.

    Raises
    ------
    InputError
        Fields that contradict each other or are out of range.
    """

    ids: tuple[NDArray[np.int64], ...]
    shard_sizes: tuple[int, ...]
    weights: tuple[float, ...]
    batch_size: int
    seed: int = 0
    mode: Mode = "mixed"
    rank: int = 0
    world: int = 1
    window: int = 8
    drop_last: bool = True
    shuffle: bool = True
    epoch_batches: int | None = None
    _epoch: Callable[[int], tuple[NDArray[np.int32], NDArray[np.int64]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        self._check()
        object.__setattr__(self, "_epoch", lru_cache(2)(self._whole_epoch))

    def __reduce__(self) -> tuple[type[BatchOrder], tuple[Any, ...]]:
        return BatchOrder, tuple(getattr(self, given.name) for given in fields(self) if given.init)

    def _check(self) -> None:
        if not self.ids or not len(self.ids) == len(self.shard_sizes) == len(self.weights):
            raise InputError("a batch order needs ids, a shard size and a weight for each of its sources")
        if any(len(ids) == 0 for ids in self.ids) or min(self.weights) <= 0:
            raise InputError("every source needs at least one sample and a positive weight")
        if self.mode not in ("mixed", "alternating"):
            raise InputError(f"mode {self.mode!r}: expected 'mixed' or 'alternating'")
        if self.batch_size < self.world or not 0 <= self.rank < self.world or self.window < 1:
            raise InputError(
                f"batch size {self.batch_size}, rank {self.rank} of {self.world}, window {self.window}: "
                "expected a rank below the number of ranks, a sample for each in a batch, and a window from 1 up"
            )
        if self.epoch_batches is not None and self.epoch_batches < 1:
            raise InputError(f"{self.epoch_batches} batches an epoch: expected 1 or more")
        if self.batches() < 1:
            total = sum(map(len, self.ids))
            raise InputError(
                f"{total} samples do not fill a batch of {self.batch_size}: take smaller batches or keep the last"
            )

    def batches(self) -> int:
        """Batches of an epoch."""
        if self.epoch_batches is not None:
            return self.epoch_batches
        total = sum(map(len, self.ids))
        return total // self.batch_size if self.drop_last else -(-total // self.batch_size)

    def picks(self, epoch: int, number: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Give the samples of one batch, as far as they are this rank's.

        Parameters
        ----------
        epoch, number : int
            Batch `number` of `epoch`, both from 0.

        Returns
        -------
        sources : (N,) int32
            Source of each sample.
        ids : (N,) int64
            Its id within that source's store.

        Raises
        ------
        InputError
            No such batch.
        """
        if epoch < 0 or not 0 <= number < self.batches():
            raise InputError(f"epoch {epoch}, batch {number}: an epoch has batches 0 to {self.batches() - 1}")
        sources, ids = self._epoch(epoch)
        rows = slice(number * self.batch_size + self.rank, (number + 1) * self.batch_size, self.world)
        return sources[rows], ids[rows]

    def _whole_epoch(self, epoch: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Source and id of every sample of an epoch, batch after batch."""
        if len(self.ids) == 1 and self.epoch_batches is None:
            ids = self._permutation(0, epoch)[: self.batches() * self.batch_size]
            return np.zeros(len(ids), np.int32), ids
        sources = self._source_slots(epoch)
        ids = np.empty(len(sources), np.int64)
        for source in range(len(self.ids)):
            mine = np.flatnonzero(sources == source)
            ids[mine] = self._stretch(source, epoch * len(mine), (epoch + 1) * len(mine))
        return sources, ids

    def _source_slots(self, epoch: int) -> NDArray[np.int32]:
        """Source of every sample of an epoch; which ones is the same in every epoch, only rows change."""
        if self.mode == "alternating":
            return np.repeat(interleave(self.weights, self.batches()), self.batch_size)
        slots = interleave(self.weights, self.batches() * self.batch_size).reshape(-1, self.batch_size)
        # without this, two ranks and two equal sources would give each rank a source of its own
        rng = np.random.default_rng([self.seed, _MIX_STAGE, epoch])
        return rng.permuted(slots, axis=1).reshape(-1)

    def _stretch(self, source: int, start: int, stop: int) -> NDArray[np.int64]:
        """Ids at the places start ... stop - 1 of a source's permutations, laid end to end."""
        length = len(self.ids[source])
        cycles = range(start // length, -(-stop // length))
        ids = [self._permutation(source, cycle) for cycle in cycles]
        first = cycles.start * length
        return np.concatenate(ids)[start - first : stop - first] if ids else np.empty(0, np.int64)

    def _permutation(self, source: int, cycle: int) -> NDArray[np.int64]:
        ids = self.ids[source]
        if not self.shuffle:
            return ids
        rng = np.random.default_rng([self.seed, _SHUFFLE_STAGE, source, cycle])
        return shuffle_by_shards(ids, self.shard_sizes[source], self.window, rng)


def shuffle_by_shards(
    ids: NDArray[np.int64], shard_size: int, window: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Permute sample ids so that only few shards are read from at a time.

    The shards are permuted, and the samples of every `window` shards that then follow one another are
    shuffled together.

    Parameters
    ----------
    ids : (M,) int64
        Rising.
    shard_size, window : int
    rng : numpy.random.Generator

    Returns
    -------
    (M,) int64
    """
    starts = np.flatnonzero(np.diff(ids // shard_size, prepend=-1))
    shards = np.split(ids, starts[1:])
    order = rng.permutation(len(shards)).tolist()
    windows = [order[first : first + window] for first in range(0, len(order), window)]
    return np.concatenate([rng.permutation(np.concatenate([shards[k] for k in some])) for some in windows])


def interleave(weights: Sequence[float], length: int) -> NDArray[np.int32]:
    """Spread sources evenly over a sequence: every stretch of it holds them about in their shares.

    Source s comes for the (k+1)-th time when (k + 1/2) / share of s has passed, so that of the first n
    places its number is n times its share, give or take the number of sources.

    Parameters
    ----------
    weights : sequence of float
        Shares, relative to each other, positive.
    length : int

    Returns
    -------
    (length,) int32
        Source at each place.
    """
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    counts = [int(np.ceil(length * share)) + len(shares) for share in shares]
    times = np.concatenate([(np.arange(n) + 0.5) / share for n, share in zip(counts, shares, strict=True)])
    sources = np.repeat(np.arange(len(shares), dtype=np.int32), counts)
    return sources[np.argsort(times, kind="stable")[:length]]
