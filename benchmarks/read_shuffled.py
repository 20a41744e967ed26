"""Epochs of a store in shuffled batches of 256, against WebDataset, tensorstore and plain zarr, on all cores.

WebDataset reads the same JPEG files from tar files of as many samples as a shard has, shuffles tar files and
1,000 samples, decodes with the same OpenCV and stacks batches: as its own stream, which is one process, and
in a torch DataLoader with a worker for each core. tensorstore reads the batches of our order, two ahead;
plain zarr one picture after the other, a batch of them. The line that a machine reads is for JPEG, all cores
against WebDataset's own stream; what ours does with one thread is printed beside.
"""

from __future__ import annotations

import io
import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import webdataset as wds
from numpy.typing import NDArray

from benchmarks.common import argument_parser, report, seconds
from benchmarks.reading import cores, reading_stores, tensorstore_images, warm, zarr_images
from synth.cache import atomic_folder
from synth.store.batches import BatchLoader, batch_order, open_source
from synth.store.reader import open_shard
from synth.store.shard import chunk_bytes

BATCH = 256
SHUFFLED = 1000
EPOCHS = {"jpeg:95": 2, "none": 12, "zstd:1": 4}
"""Long enough that beginning takes little of the time; JPEG first: its workers are forked, which tensorstore's
threads would not survive."""

Batches = Iterator[Any]


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    stores = reading_stores(options.data_root)
    for codec, epochs in EPOCHS.items():
        warm(stores[codec])
        rates = measure(all_streams(stores[codec], codec, epochs), options.repeats)
        told = ", ".join(f"{name} {rate:,.0f}" for name, rate in rates.items())
        print(f"{codec}: {told} images/s on {cores()} cores")
        ratios = ", ".join(
            f"x{rates['ours'] / rate:.1f} of {name}" for name, rate in rates.items() if name != "ours"
        )
        print(f"{codec}: {ratios}")
        if codec.startswith("jpeg"):
            jpeg, peer = rates["ours"], rates["webdataset"]
    report("read_shuffled", jpeg / peer, "webdataset", jpeg, "images/s")


def all_streams(path: Path, codec: str, epochs: int) -> dict[str, Callable[[int], Batches]]:
    """Makers of each program's stream, by the number of its repeat, which is its seed."""
    streams: dict[str, Callable[[int], Batches]] = {
        "ours": partial(ours, path, epochs, cores()),
        "ours, one thread": partial(ours, path, epochs, 1),
    }
    if codec.startswith("jpeg"):
        tars = tar_files(path)
        streams["webdataset"] = lambda seed: iter(webdataset(tars, epochs, seed))
        streams["webdataset in workers"] = lambda seed: iter(
            torch.utils.data.DataLoader(webdataset(tars, epochs, seed), batch_size=None, num_workers=cores())
        )
    else:
        streams["tensorstore"] = partial(tensorstore_stream, path, epochs)
    streams["zarr"] = partial(zarr_stream, path)
    return streams


def measure(streams: dict[str, Callable[[int], Batches]], repeats: int) -> dict[str, float]:
    """Best images/s of each, in turns, from the request for the first batch to the last."""
    rates = dict.fromkeys(streams, 0.0)
    for seed in range(repeats):
        for name, make in streams.items():
            elapsed, count = seconds(lambda make=make, seed=seed: sum(map(len, make(seed))))  # type: ignore[misc]
            rates[name] = max(rates[name], count / elapsed)
    return rates


def ours(path: Path, epochs: int, threads: int, seed: int) -> Batches:
    source = open_source(path, ["images"], split=None)
    order = batch_order([source], BATCH, seed=seed, drop_last=False, window=2)
    with BatchLoader([source], ["images"], order, epochs=epochs, threads=threads) as loader:
        for batch in loader:
            yield batch.arrays["images"]


def shuffled_ids(path: Path, epochs: int, seed: int) -> Iterator[NDArray[np.int64]]:
    order = batch_order(
        [open_source(path, ["images"], split=None)], BATCH, seed=seed, drop_last=False, window=2
    )
    return (order.picks(epoch, number)[1] for epoch in range(epochs) for number in range(order.batches()))


def tensorstore_stream(path: Path, epochs: int, seed: int) -> Batches:
    images, waiting = tensorstore_images(path), deque[Any]()
    for ids in shuffled_ids(path, epochs, seed):
        waiting.append(images[ids].read())
        if len(waiting) > 2:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def zarr_stream(path: Path, seed: int) -> Batches:
    images = zarr_images(path)
    for ids in islice(shuffled_ids(path, 1, seed), 1):
        yield np.stack([images[i] for i in ids.tolist()])


def webdataset(tars: list[str], epochs: int, seed: int) -> Any:
    """WebDataset's pipeline, as its documentation puts one together."""
    files = wds.WebDataset(tars, shardshuffle=len(tars), seed=seed, workersplitter=wds.split_by_worker)
    stream = files.shuffle(SHUFFLED).map(decode).batched(BATCH, collation_fn=np.stack)
    return stream.repeat(epochs)


def decode(sample: dict[str, Any]) -> NDArray[np.uint8]:
    data = np.frombuffer(sample["jpg"], np.uint8)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION))


def tar_files(path: Path) -> list[str]:
    """Tar files of a JPEG store's pictures, made once beside it."""
    folder, store = path.with_suffix(".tars"), open_source(path, ["images"], split=None).store
    if not folder.is_dir():
        with atomic_folder(folder) as made:
            for shard in store.shards:
                opened = open_shard(store.meta, "images", shard)
                with tarfile.open(made / f"{shard:06d}.tar", "w") as tar:
                    for row in range(len(opened.entries)):
                        data = bytes(chunk_bytes(opened.data, opened.entries, row) or b"")
                        member = tarfile.TarInfo(f"{shard:06d}{row:04d}.jpg")
                        member.size = len(data)
                        tar.addfile(member, io.BytesIO(data))
    return sorted(map(str, folder.glob("*.tar")))


if __name__ == "__main__":
    main()
