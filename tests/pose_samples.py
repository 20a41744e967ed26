"""A small store of poses in a few groups, without pictures, for the tests of pose classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.skeletons import H36M17
from synth.store.create import create_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.writer import ShardWriter

FAILED = 7
"""Sample that every store here lacks."""

_ARRAYS = (
    ArraySpec("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    ArraySpec("joints2d", "float32", (17, 2), ("joint", "xy"), "joints", "px"),
    ArraySpec("joints3d", "float32", (17, 3), ("joint", "xyz"), "joints", "m"),
)


def poses(ids: NDArray[np.int64]) -> dict[str, NDArray[np.generic]]:
    """Noisy copies of twelve random poses, six metres in front of the camera; each id has its own noise."""
    kinds = np.random.default_rng(3).normal(scale=0.4, size=(12, len(H36M17), 3))
    noise = np.stack([np.random.default_rng([4, i]).normal(scale=0.05, size=(len(H36M17), 3)) for i in ids])
    joints3d = (kinds[ids % 12] + noise + [0.2, 0.1, 6.0]).astype(np.float32)
    joints2d = 109.5 + 600.0 * joints3d[..., :2] / joints3d[..., 2:]
    split = np.where(ids % 10 == 8, 1, np.where(ids % 10 == 9, 2, 0))
    return {
        "split": split.astype(np.uint8),
        "joints2d": joints2d.astype(np.float32),
        "joints3d": joints3d,
    }


def make_store(
    path: Path, n: int = 500, shard_size: int = 50, sealed: bool = True, flat: tuple[int, ...] = ()
) -> Path:
    """Store of `n` poses of which `FAILED` failed; of those in `flat` neither 3D nor the left wrist is known."""
    create_store(path, StoreSchema(_ARRAYS, shard_size), n, recipe_hash="poses", attributes={})
    for shard in range(-(-n // shard_size)):
        with ShardWriter(path, shard) as writer:
            failures = {FAILED: "no match"} if writer.start <= FAILED < writer.stop else {}
            ids = np.arange(writer.start, writer.stop)
            arrays = poses(ids)
            arrays["joints3d"][np.isin(ids, flat)] = np.nan
            arrays["joints2d"][np.isin(ids, flat), H36M17.index("left_wrist")] = np.nan
            writer.commit(arrays, failures)
    if sealed:
        seal(path)
    return path
