"""What a mosaic run will take, from a warm-up of real samples: bytes by codec, and time."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from pipelines.mosaic_worker import MosaicBlock
from pipelines.shards import BLOCK
from synth.errors import InputError
from synth.mosaic.samples import MosaicEngine
from synth.store.codecs import encode_chunk, parse_codec
from synth.store.samples import sample_schema
from synth.store.schema import bytes_per_sample

CODECS = ("zstd:1", "jpeg:95", "none")
_WARM_UP = 50


@dataclass(frozen=True)
class Estimate:
    """Figures of one sample.

    Parameters
    ----------
    size : dict of str to float
        Bytes by codec, labels included.
    seconds : float
        Of one process; NaN if not measured.
    """

    size: dict[str, float]
    seconds: float


def warm_up(engine: MosaicEngine, n: int, codec: str, timed: bool = False) -> Estimate:
    """Make and encode some of the samples 0 ... n - 1, spread evenly; nothing is kept.

    Parameters
    ----------
    engine : MosaicEngine
    n : int
        Samples of the store.
    codec : str
        The store's; it is measured beside `CODECS`.
    timed : bool
        Also measure the time, on as large a batch as a task takes.
    """
    block = MosaicBlock(engine, _spread(n, _WARM_UP))
    images = [made["images"] for made in block.samples() if not isinstance(made, InputError)]
    if not images:
        raise InputError("none of the first samples could be made; the sources don't fit the queries")
    labels = {
        spec.name: len(encode_chunk(spec.parsed_codec, np.ascontiguousarray(values))) / len(block.ids)
        for spec in sample_schema().unsharded
        if (values := block.labels().get(spec.name)) is not None
    }
    sizes = {}
    for name in dict.fromkeys((codec, *CODECS)):
        encoded = np.mean([len(encode_chunk(parse_codec(name), image)) for image in images])
        sizes[name] = bytes_per_sample(sample_schema(name), {**labels, "images": float(encoded)})
    return Estimate(sizes, _seconds(engine, n, codec) if timed else float("nan"))


def _seconds(engine: MosaicEngine, n: int, codec: str) -> float:
    """Time of a sample when all is compiled: matching in a full batch, then the picture."""
    started = time.monotonic()
    batch = engine.prepare(_spread(n, BLOCK))
    matching = (time.monotonic() - started) / len(batch.queries)
    block = MosaicBlock(engine, _spread(n, 2 * _WARM_UP))
    started = time.monotonic()
    for made in block.samples():
        if not isinstance(made, InputError):
            encode_chunk(parse_codec(codec), made["images"])
    return matching + (time.monotonic() - started) / len(block.ids)


def _spread(n: int, count: int) -> np.ndarray:
    return np.unique(np.linspace(0, n - 1, min(count, n)).astype(np.int64))
