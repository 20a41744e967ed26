"""Two processes that write shards of one store, against one.

The processes share nothing but the mapped pool and index. The two settings take turns and the best run of
each counts. On a machine with two cores that have other work to do the ratio says more about that work.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2

from benchmarks.common import argument_parser, benchmark_parts, new_store, report, seconds, write_shard
from synth.mosaic.samples import MosaicEngine

SHARD = 500
SHARDS = 4


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    benchmark_parts(options.data_root)
    times: dict[int, list[float]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as scratch:
        runs = {count: Run(count, options.data_root, Path(scratch)) for count in times}
        for number in range(options.repeats):
            for count, run in runs.items():
                times[count].append(run.measure(number))
        for run in runs.values():
            run.close()
    one, two = (SHARDS * SHARD / min(times[count]) for count in (1, 2))
    print(f"{os.cpu_count()} cores; images/s: one process {one:.0f}, two processes {two:.0f}")
    report("two_processes", two / one, "one_process", two, "images/s")


class Run:
    """Some processes, ready to write shards."""

    def __init__(self, processes: int, data_root: Path, scratch: Path) -> None:
        self.data_root, self.processes, self.scratch = data_root, processes, scratch
        self.executor = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"))
        store = new_store(scratch / f"warm-{processes}", 20 * processes, 20)
        list(self.executor.map(make_shard, [data_root] * processes, [store] * processes, range(processes)))

    def measure(self, number: int) -> float:
        """Wall time of all shards of a new store."""
        store = new_store(self.scratch / f"{self.processes}-{number}", SHARDS * SHARD, SHARD)
        jobs = ([self.data_root] * SHARDS, [store] * SHARDS, range(SHARDS))
        return seconds(lambda: list(self.executor.map(make_shard, *jobs)))[0]

    def close(self) -> None:
        """End the processes."""
        self.executor.shutdown()


def make_shard(data_root: Path, store: Path, shard: int) -> None:
    """One job of a process."""
    engine = engine_for(data_root)
    if store.name.startswith("warm"):
        # long enough for every process to take a job, so that all are warm
        time.sleep(1)
    write_shard(engine, store, shard)


@functools.cache
def engine_for(data_root: Path) -> MosaicEngine:
    """Open the engine once in each process."""
    cv2.setNumThreads(1)
    return MosaicEngine(benchmark_parts(data_root))


if __name__ == "__main__":
    main()
