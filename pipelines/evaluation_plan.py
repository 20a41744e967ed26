"""What an evaluation compares, and on whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class EvaluationPlan:
    """What is compared, and on whom.

    Parameters
    ----------
    stores : tuple of Path
        A section of tables each.
    runs : tuple of Path
        Trained networks: folders of runs, or checkpoint files. A row each.
    hypotheses : tuple of Path
        Runs of task map-regressor for several crops and stick widths, among whose poses is chosen
        (DeepSkeleton): a row for the choice by reprojection, one for the oracle.
    estimates : tuple of Path
        Files of estimates. A row each.
    split : str
        train, val, test or all.
    people : int or None
        At most so many of each store, evenly spread.
    best : bool
        Of each run the checkpoint with the least validation loss, not the newest.
    cut, top : int or None
        Block after which SSP-Net is cut; number of a classifier's hypotheses.
    device : str
        auto, cpu or cuda.
    batch_size, threads : int
        People run at once; threads that read.
    """

    stores: tuple[Path, ...]
    runs: tuple[Path, ...] = ()
    hypotheses: tuple[Path, ...] = ()
    estimates: tuple[Path, ...] = ()
    split: str = "test"
    people: int | None = None
    best: bool = False
    cut: int | None = None
    top: int | None = None
    device: str = "auto"
    batch_size: int = 64
    threads: int = 2


def row_names(paths: Sequence[Path]) -> list[str]:
    """Last part of each path, or the whole path where several end alike."""
    last = [path.name for path in paths]
    return [name if last.count(name) == 1 else str(path) for name, path in zip(last, paths, strict=True)]
