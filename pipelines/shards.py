"""One task makes one shard of a store: the part of the work that all pipelines share."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError
from synth.store.writer import ShardWriter

BLOCK = 1000
"""Samples prepared at a time: enough for batches to pay, few enough for the memory of a worker."""


class Block(Protocol):
    """Some consecutive samples about to be made."""

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """One value for each sharded array of each sample in turn, or why the sample cannot be made."""
        ...

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """All unsharded arrays but `valid`, once `samples` is through."""
        ...


@dataclass(frozen=True)
class ShardOutcome:
    """What became of one shard.

    Parameters
    ----------
    shard, samples : int
        Its number and size.
    seconds : float
        Wall time of the task.
    worker : str
        Host and process.
    failures : dict of int to str
        Reason by sample id.
    committed : bool
        False if the first failure stopped it.
    """

    shard: int
    samples: int
    seconds: float
    worker: str
    failures: dict[int, str] = field(default_factory=dict)
    committed: bool = True


def write_shard(
    store: Path, shard: int, begin: Callable[[NDArray[np.int64]], Block], stop_on_error: bool = False
) -> ShardOutcome:
    """Make one shard of every array and commit it.

    Parameters
    ----------
    store : Path
        A store with all its metadata, not sealed.
    shard : int
        Number of the shard.
    begin : callable
        Begins the block of some sample ids, (B,) int64.
    stop_on_error : bool
        Whether a sample that cannot be made ends the shard without a commit.

    Returns
    -------
    ShardOutcome
    """
    started = time.monotonic()
    failures: dict[int, str] = {}
    labels: list[Mapping[str, NDArray[Any]]] = []
    with ShardWriter(store, shard) as writer:
        for first in range(writer.start, writer.stop, BLOCK):
            ids = np.arange(first, min(first + BLOCK, writer.stop))
            block = begin(ids)
            for sample, made in zip(ids.tolist(), block.samples(), strict=True):
                if isinstance(made, InputError):
                    failures[sample] = str(made)
                    writer.skip()
                else:
                    writer.add(**made)
                if failures and stop_on_error:
                    return _outcome(writer, started, failures, committed=False)
            labels.append(block.labels())
        writer.commit({name: np.concatenate([part[name] for part in labels]) for name in labels[0]}, failures)
    return _outcome(writer, started, failures, committed=True)


def _outcome(writer: ShardWriter, started: float, failures: dict[int, str], committed: bool) -> ShardOutcome:
    worker = f"{socket.gethostname()}:{os.getpid()}"
    return ShardOutcome(writer.shard, writer.rows, time.monotonic() - started, worker, failures, committed)
