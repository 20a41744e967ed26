"""A small store of people whose actions, subjects, labelled joints and head sizes are known, without pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from bodies import random_poses
from numpy.typing import NDArray

from synth.metrics.truth import Truth, truth_of_joints
from synth.store.create import create_store
from synth.store.schema import ArraySpec, StoreSchema
from synth.store.seal import seal
from synth.store.writer import ShardWriter

PEOPLE = 24
FAILED = 5
TABLES = {"actions": ["sitting", "walking"], "subjects": ["S1", "S9", "S11"]}
K = np.array([[600.0, 0, 109.5], [0, 600, 109.5], [0, 0, 1]])

_ARRAYS = (
    ArraySpec("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    ArraySpec("joints2d", "float32", (17, 2), ("joint", "xy"), "joints", "px"),
    ArraySpec("joints3d", "float32", (17, 3), ("joint", "xyz"), "joints", "m"),
    ArraySpec("labelled", "bool", (17,), ("joint",), "labelled"),
    ArraySpec("K", "float64", (3, 3), ("row", "column"), "intrinsics", "px"),
    ArraySpec("head_size", "float32", (), (), "head size", "px"),
    ArraySpec("action", "int32", (), (), "row of tables/actions"),
    ArraySpec("subject", "int32", (), (), "row of tables/subjects"),
)


def people(ids: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    """Poses six metres away; every fourth is a test sample, every other one without an action."""
    joints3d = np.stack([random_poses(100 + i, 1)[0] for i in ids.tolist()]) + [0.4, -0.2, 6.0]
    joints2d = joints3d @ K.T
    labelled = np.ones((len(ids), 17), bool)
    labelled[ids % 8 == 3, 0] = False
    return {
        "split": np.where(ids % 4 == 3, 2, 0).astype(np.uint8),
        "joints2d": (joints2d[..., :2] / joints2d[..., 2:]).astype(np.float32),
        "joints3d": joints3d.astype(np.float32),
        "labelled": labelled,
        "K": np.broadcast_to(K, (len(ids), 3, 3)),
        "head_size": np.where(ids % 4 == 3, 20.0, np.nan).astype(np.float32),
        "action": np.where(ids % 8 == 7, 1, -1).astype(np.int32),
        "subject": (ids % 3).astype(np.int32),
    }


def make_store(path: Path, attributes: dict[str, Any] | None = None, only_test: bool = False) -> Path:
    """Sealed store of `PEOPLE` people, of whom `FAILED` failed."""
    schema = StoreSchema(_ARRAYS, 8)
    create_store(path, schema, PEOPLE, recipe_hash="people", attributes=attributes or {}, tables=TABLES)
    for shard in range(PEOPLE // 8):
        with ShardWriter(path, shard) as writer:
            arrays = people(np.arange(writer.start, writer.stop))
            if only_test:
                arrays["split"] = np.full(8, 2, np.uint8)
            writer.commit(arrays, {FAILED: "no match"} if shard == 0 else {})
    seal(path)
    return path


def random_truth(seed: int, count: int) -> Truth:
    """People anywhere before the camera."""
    rng = np.random.default_rng(seed)
    places = np.concatenate([rng.uniform(-2, 2, (count, 1, 2)), rng.uniform(3, 8, (count, 1, 1))], axis=-1)
    joints3d = random_poses(seed, count) + places
    projected = joints3d @ K.T
    return truth_of_joints(joints3d, projected[..., :2] / projected[..., 2:])
