"""Photographed people on a worker: the plan is opened once in a process, then cut out shard after shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.shards import ShardOutcome, write_shard
from synth.errors import InputError
from synth.people_files import Border, People, open_people


@dataclass(frozen=True)
class CropTask:
    """One shard to be made, of the people of a folder."""

    people: Path
    border: Border
    store: Path
    shard: int
    stop_on_error: bool


@dataclass(frozen=True)
class CropBlock:
    """Consecutive samples, which are rows of the plan, as `shards.write_shard` wants them."""

    people: People
    border: Border
    ids: NDArray[np.int64]

    def samples(self) -> Iterator[dict[str, NDArray[Any]] | InputError]:
        """Pictures one by one, or why there is none."""
        for made in self.people.pictures(self.ids, self.border):
            yield made if isinstance(made, InputError) else {"images": made}

    def labels(self) -> Mapping[str, NDArray[Any]]:
        """All labels; those of pictures that failed hold all the same."""
        return {name: np.asarray(array[self.ids]) for name, array in self.people.labels.items()}


@lru_cache(maxsize=1)
def opened(folder: Path) -> People:
    """Open a plan; kept for as long as this process cuts out its people."""
    return open_people(folder)


def make_crop_shard(task: CropTask) -> ShardOutcome:
    """Make and commit one shard."""
    people = opened(task.people)
    return write_shard(
        task.store,
        task.shard,
        lambda ids: CropBlock(people, task.border, ids),
        stop_on_error=task.stop_on_error,
    )
