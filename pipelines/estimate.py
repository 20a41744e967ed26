"""What a run will take, from a warm-up of real samples: bytes by codec, and time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.shards import Block
from synth.errors import InputError
from synth.store.codecs import encode_chunk, parse_codec
from synth.store.schema import StoreSchema, bytes_per_sample

CODECS = ("zstd:1", "jpeg:95", "none")

NO_PICTURES = "labels alone"
"""Stands for the codec of the pictures where there are none."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """Figures of one sample.

    Parameters
    ----------
    size : dict of str to float
        Bytes by codec of the pictures, or `NO_PICTURES`; labels included.
    seconds : float
        Of one process; NaN if not measured.
    """

    size: dict[str, float]
    seconds: float


def measure_size(begin: Callable[[Ids], Block], schema: StoreSchema, ids: Ids) -> dict[str, float]:
    """Bytes of a sample by codec of the pictures: the store's, and `CODECS`; `NO_PICTURES` without any.

    Parameters
    ----------
    begin : callable
        Begins the block of some sample ids.
    schema : StoreSchema
        The store's.
    ids : (B,) int64
        Samples to be made and encoded; nothing is kept.

    Raises
    ------
    InputError
        None of them can be made.
    """
    block = begin(ids)
    made = [values for values in block.samples() if not isinstance(values, InputError)]
    if not made:
        raise InputError("none of the first samples could be made; the sources don't fit the queries")
    labels = block.labels()
    measured = {
        spec.name: len(encode_chunk(spec.parsed_codec, np.ascontiguousarray(labels[spec.name]))) / len(ids)
        for spec in schema.unsharded
        if spec.name in labels
    }
    for spec in schema.sharded:
        measured[spec.name] = _encoded(made, spec.name, spec.codec)
    if "images" not in measured:
        return {NO_PICTURES: bytes_per_sample(schema, measured)}
    codec = schema.array("images").codec
    pictures = {name: _encoded(made, "images", name) for name in dict.fromkeys((codec, *CODECS))}
    return {name: bytes_per_sample(schema, {**measured, "images": size}) for name, size in pictures.items()}


def measure_seconds(begin: Callable[[Ids], Block], codec: str, batch: Ids, ids: Ids) -> float:
    """Time of a sample when all is compiled.

    Parameters
    ----------
    begin : callable
        Begins the block of some sample ids.
    codec : str
        Of the pictures.
    batch : (N,) int64
        As many samples as a task takes: how long their block takes to begin is measured.
    ids : (B,) int64
        Samples to be made and encoded.
    """
    started = time.monotonic()
    begin(batch)
    beginning = (time.monotonic() - started) / len(batch)
    block = begin(ids)
    started = time.monotonic()
    for made in block.samples():
        if not isinstance(made, InputError):
            encode_chunk(parse_codec(codec), made["images"])
    return beginning + (time.monotonic() - started) / len(ids)


def spread(n: int, count: int) -> Ids:
    """At most `count` of the ids 0 ... n - 1, spread evenly."""
    return np.unique(np.linspace(0, n - 1, min(count, n)).astype(np.int64))


def _encoded(made: list[dict[str, NDArray]], name: str, codec: str) -> float:
    """Mean bytes of an array's samples."""
    parsed = parse_codec(codec)
    return float(np.mean([len(encode_chunk(parsed, np.ascontiguousarray(values[name]))) for values in made]))
