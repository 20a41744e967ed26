"""A few people in pictures with all their labels, for the tests of tasks: as arrays, a batch, a sealed store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from bodies import random_poses
from numpy.typing import NDArray

from synth.cameras import BOX, ViewRange, camera_for, project_camera_points, sample_views, to_camera
from synth.preview import draw_skeleton
from synth.skeletons import H36M17
from synth.store.batches import Batch
from synth.store.create import create_store
from synth.store.labels import begin_label_pass
from synth.store.schema import ArraySpec, StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.tables import Numbers
from synth.store.writer import ShardWriter

CLASSES = 3
"""Classes of `make_people_store`, of which the last has no pose."""

_ARRAYS = (
    image_spec("none"),
    ArraySpec("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    ArraySpec("joints2d", "float32", (17, 2), ("joint", "xy"), "joints", "px", fill=float("nan")),
    ArraySpec("joints3d", "float32", (17, 3), ("joint", "xyz"), "joints", "m", fill=float("nan")),
    ArraySpec("K", "float64", (3, 3), ("row", "column"), "intrinsics", "px"),
)


def people(count: int, seed: int = 0) -> dict[str, NDArray]:
    """Skeletons drawn on coloured squares, their joints and cameras."""
    bodies = random_poses(seed, count)
    cameras = camera_for(bodies, sample_views(seed, np.arange(count), ViewRange()))
    joints3d = to_camera(cameras, bodies)
    joints2d = project_camera_points(cameras.K, joints3d)
    colours = np.random.default_rng(seed).integers(0, 256, (count, BOX // 20, BOX // 20, 3), np.uint8)
    images = colours.repeat(20, axis=1).repeat(20, axis=2)
    drawn = [draw_skeleton(image, joints, H36M17) for image, joints in zip(images, joints2d, strict=True)]
    return {"images": np.stack(drawn), "joints2d": joints2d, "joints3d": joints3d, "K": cameras.K}


def batch_of(arrays: dict[str, NDArray], epoch: int = 0) -> Batch:
    """All samples of some arrays, ids from 0."""
    count = len(next(iter(arrays.values())))
    return Batch(epoch, 0, np.zeros(count, np.int32), np.arange(count), dict(arrays))


def make_people_store(
    path: Path, count: int = 8, seed: int = 0, shift: float = 0.0, held_out: int = 0
) -> Path:
    """Store of training samples in shards of three, the last `held_out` of them for validation.

    In its label pass ``classes-3`` samples 0 and 1, 2 and 3 … are of the classes 0 and 1; sample 2 has no 3D joints.
    `shift` moves the classes' means.
    """
    arrays = people(count, seed)
    arrays["joints3d"][2] = np.nan
    arrays |= {name: arrays[name].astype(np.float32) for name in ("joints2d", "joints3d")}
    create_store(path, StoreSchema(_ARRAYS, 3), count, recipe_hash="people", attributes={})
    for shard in range(-(-count // 3)):
        with ShardWriter(path, shard) as writer:
            rows = slice(writer.start, writer.stop)
            for image in arrays["images"][rows]:
                writer.add(images=image)
            labels = {name: arrays[name][rows] for name in ("joints2d", "joints3d", "K")}
            split = np.arange(writer.start, writer.stop) >= count - held_out
            writer.commit({**labels, "split": split.astype(np.uint8)}, {})
    seal(path)
    _add_classes(path, count, shift)
    return path


def class_means(shift: float = 0.0) -> tuple[NDArray, NDArray, NDArray]:
    """Means in 3D and 2D and counts: class k has all joints at k metres and at 10 k pixels."""
    numbers = np.arange(CLASSES, dtype=np.float32)[:, None, None]
    means2d = np.broadcast_to(10 * numbers, (CLASSES, 13, 2)).copy()
    means2d[-1] = np.nan
    return np.broadcast_to(numbers + shift, (CLASSES, 13, 3)).astype(np.float32), means2d, np.array([4, 4, 0])


def _add_classes(store: Path, count: int, shift: float) -> None:
    means3d, means2d, counts = class_means(shift)
    tables = {
        spec.name: Numbers(spec, "class", values)
        for spec, values in (
            (ArraySpec("means3d", "float32", (13, 3), ("joint", "xyz"), "means", "m"), means3d),
            (ArraySpec("means2d", "float32", (13, 2), ("joint", "xy"), "means", "px"), means2d),
            (ArraySpec("counts", "int64", (), (), "samples"), counts),
        )
    }
    schema = StoreSchema((ArraySpec("pose_class", "int32", (), (), "class", fill=-1),), 3)
    attributes = {"recipe": {"turn": "ray"}}
    meta = begin_label_pass(store, "classes-3", schema, recipe_hash="c", attributes=attributes, tables=tables)
    for shard in range(-(-count // 3)):
        with ShardWriter(meta.path, shard) as writer:
            writer.commit({"pose_class": np.arange(writer.start, writer.stop, dtype=np.int32) // 2 % 2}, {})
    seal(meta.path)
