"""Random pictures of a store, 256 at a time, against plain zarr and tensorstore, each on all cores.

Everything lies in the page cache. All get a batch's ids at once; plain zarr, which is slow at that, is also
asked for one picture after the other. For the uncompressed store the same bytes are also copied by numpy
from one array in memory into another. The line that a machine reads is for zstd, the codec of stores by
default, against zarr's reading of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import argument_parser, report, seconds
from benchmarks.reading import CODECS, PICTURES, cores, reading_stores, tensorstore_images, warm, zarr_images
from synth.store.batches import open_source, read_batch

BATCH = 256
BATCHES = 8

Reader = Callable[[NDArray[np.int64]], NDArray[np.uint8]]


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    stores = reading_stores(options.data_root)
    ratios, speeds = {}, {}
    for codec in CODECS:
        warm(stores[codec])
        readers = all_readers(stores[codec], codec)
        check(readers)
        rates = measure(readers, options.repeats)
        told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
        print(f"{codec}: {told} images/s on {cores()} cores")
        ratios[codec], speeds[codec] = rates["ours"] / rates["zarr, a batch"], rates["ours"]
        beside = [f"x{rates['ours'] / rate:.2f} of {name}" for name, rate in rates.items() if name != "ours"]
        print(f"{codec}: {', '.join(beside)}")
    report("read_random", ratios["zstd:1"], "zarr", speeds["zstd:1"], "images/s")


def all_readers(path: Path, codec: str) -> dict[str, Reader]:
    plain, source = zarr_images(path), open_source(path, ["images"], split=None)
    out = {"images": np.empty((BATCH, *plain.shape[1:]), np.uint8)}
    of_one = np.zeros(BATCH, np.int32)
    readers: dict[str, Reader] = {
        "ours": lambda ids: read_batch([source], ["images"], of_one, ids, out, threads=cores())["images"],
        "zarr, one by one": lambda ids: np.stack([plain[i] for i in ids.tolist()]),
        "zarr, a batch": lambda ids: plain.oindex[ids],
    }
    if not codec.startswith("jpeg"):
        other = tensorstore_images(path)
        readers["tensorstore"] = lambda ids: other[ids].read().result()
    if codec == "none":
        everything = source.store.read_images(np.arange(PICTURES))
        copied: Any = np.empty_like(out["images"])
        readers["numpy's copy in memory"] = lambda ids: np.take(everything, ids, 0, copied, "clip")
    return readers


def check(readers: dict[str, Reader]) -> None:
    """Everyone reads the same pictures."""
    ids = np.random.default_rng(0).permutation(PICTURES)[:BATCH]
    expected = readers["ours"](ids).copy()
    for name, read in readers.items():
        if not np.array_equal(read(ids), expected):
            raise SystemExit(f"{name} reads other pictures")


def measure(readers: dict[str, Reader], repeats: int) -> dict[str, float]:
    """Best images/s of each, in turns; the slow ones read fewer."""
    rates = dict.fromkeys(readers, 0.0)
    for repeat in range(repeats):
        for name, read in readers.items():
            count = 1 if name.startswith("zarr") else BATCHES
            order = np.random.default_rng([1, repeat]).permutation(PICTURES)
            batches = [order[k * BATCH : (k + 1) * BATCH] for k in range(count)]
            elapsed, _ = seconds(lambda read=read, batches=batches: [read(ids) is None for ids in batches])  # type: ignore[misc]
            rates[name] = max(rates[name], count * BATCH / elapsed)
    return rates


if __name__ == "__main__":
    main()
