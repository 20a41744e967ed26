"""Whole samples, from ids to committed shards, in one process, against numpy, OpenCV and zarr-python.

The engine draws queries, matches them exactly, makes the pictures and all labels, encodes them (zstd) and
commits the shards, fsync included. The plain version draws the same queries, matches and composes them as
in `baseline` and writes pictures and joints with zarr-python, sharded and compressed alike, without
fsync. Both take every first view. The best run of each counts; on a machine with other work to do the
ratio scatters. The product's default, which sees a dear pose from other views, is printed too.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from benchmarks.baseline import NumpyComposer, NumpyMatcher
from benchmarks.common import argument_parser, benchmark_parts, new_store, report, seconds, write_shard
from synth.cameras import BODY13_OF_H36M17, BOX
from synth.mosaic.samples import MosaicEngine, MosaicParts, ViewChoice
from synth.queries import make_queries

SAMPLES = 2000
SHARD = 1000
NUMPY_SAMPLES = 8
ALLOWED_BYTES = 1.2e9


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    cv2.setNumThreads(1)
    parts = benchmark_parts(options.data_root)
    engine = MosaicEngine(parts)
    by_default = MosaicEngine(replace(parts, views=ViewChoice()))
    with tempfile.TemporaryDirectory() as scratch, peak_anonymous() as peak:
        folder = Path(scratch)
        make_store(engine, folder / "warm", 40, 20)
        times = [make_store(engine, folder / f"{run}", SAMPLES, SHARD) for run in range(options.repeats)]
        default_time = make_store(by_default, folder / "default", SAMPLES, SHARD) / SAMPLES
    engine_time = min(times) / SAMPLES
    plain = min(numpy_store(parts, options.repeats)) / NUMPY_SAMPLES
    print(f"engine: {1 / engine_time:.0f} images/s/core; with views drawn anew: {1 / default_time:.0f}")
    print(f"numpy, OpenCV, zarr-python: {1 / plain:.2f} images/s")
    print(f"peak anonymous memory: {peak[0] / 1e6:.0f} MB")
    if peak[0] > ALLOWED_BYTES:
        raise SystemExit(f"more than {ALLOWED_BYTES / 1e9:g} GB of anonymous memory")
    report("mosaic", plain / engine_time, "numpy", 1 / engine_time, "images/s/core")


def make_store(engine: MosaicEngine, path: Path, samples: int, shard: int) -> float:
    """Make all shards of a new store; wall time in seconds."""
    store = new_store(path, samples, shard)
    return seconds(lambda: [write_shard(engine, store, n) for n in range(samples // shard)])[0]


def numpy_store(parts: MosaicParts, repeats: int) -> list[float]:
    """Wall times of a few samples by the plain version."""
    index = parts.indices[0].index
    matcher, composer = NumpyMatcher(index.joints, index.labelled), NumpyComposer(parts.pool, parts.blending)
    with tempfile.TemporaryDirectory() as scratch:
        return [
            seconds(partial(numpy_samples, parts, matcher, composer, Path(scratch) / f"{run}.zarr"))[0]
            for run in range(repeats)
        ]


def numpy_samples(parts: MosaicParts, matcher: NumpyMatcher, composer: NumpyComposer, path: Path) -> None:
    """Make one shard of samples and write it with zarr-python."""
    queries = make_queries(parts.plan, np.arange(NUMPY_SAMPLES))
    body = queries.joints2d[:, BODY13_OF_H36M17].astype(np.float64)
    found = matcher.match(body, ~queries.self_occluded[:, BODY13_OF_H36M17])
    entries, _, neighbours = found
    images = np.stack([composer.compose(body[n], entries[n], neighbours[n]) for n in range(len(body))])
    group = zarr.create_group(str(path))
    stored = group.create_array(
        "images",
        shape=images.shape,
        dtype="uint8",
        chunks=(1, BOX, BOX, 3),
        shards=images.shape,
        compressors=ZstdCodec(level=1),
    )
    stored[:] = images
    group.create_array("joints2d", data=queries.joints2d)
    group.create_array("joints3d", data=queries.joints3d)


@contextmanager
def peak_anonymous() -> Iterator[list[int]]:
    """Watch this process; the only element of what it yields is the most anonymous memory seen, bytes."""
    peak, stop = [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peak[0] = max(peak[0], anonymous_bytes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def anonymous_bytes() -> int:
    """Anonymous memory of this process (RssAnon): heap and stacks, not the pages of mapped files."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise SystemExit("the kernel tells no RssAnon")


if __name__ == "__main__":
    main()
