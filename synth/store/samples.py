"""The arrays of a store of people with 3D poses: mosaics, whatever is laid beside them, and poses alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.store.schema import ArraySpec, StoreSchema, image_spec

JOINTS = 17
MATCHED = 13


def sample_schema(codec: str = "zstd:1", shard_size: int = 1000) -> StoreSchema:
    """Describe the arrays of a mosaic store.

    Parameters
    ----------
    codec : str
        Of the pictures: ``"zstd:1"``, ``"jpeg:95"``, ``"none"`` …
    shard_size : int
        Samples in a shard.
    """
    return StoreSchema((image_spec(codec), *_LABELS), shard_size)


def pose_schema(shard_size: int = 10_000) -> StoreSchema:
    """Describe the arrays of a store of projected poses: those of mosaics without pictures and their sources."""
    of_pictures = {*no_sources(0), "coverage"}
    return StoreSchema(tuple(spec for spec in _LABELS if spec.name not in of_pictures), shard_size)


def no_sources(count: int) -> dict[str, NDArray[Any]]:
    """Labels of samples that are made from no photographs: -1, False, NaN and 0.

    Parameters
    ----------
    count : int
        Number of samples, N.

    Returns
    -------
    dict of str to (N, ...) array
        All arrays about source photographs but `coverage`, by name.
    """
    nowhere = np.full((count, MATCHED), -1, np.int32)
    return {
        "source_photograph": nowhere,
        "source_person": nowhere,
        "source_entry": nowhere,
        "source_mirrored": np.zeros((count, MATCHED), bool),
        "source_transform": np.full((count, MATCHED, 2, 3), np.nan),
        "matching_cost": np.full((count, MATCHED), np.nan, np.float32),
        "distinct_sources": np.zeros(count, np.uint8),
    }


def _label(
    name: str, dtype: str, shape: tuple[int, ...], dims: tuple[str, ...], description: str, units: str = ""
) -> ArraySpec:
    return ArraySpec(name, dtype, shape, dims, description, units)


_LABELS = (
    _label("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    _label("pose", "int32", (), (), "pose of the pose library"),
    _label("motion_file", "int32", (), (), "row of tables/motion_files: the motion capture file of the pose"),
    _label("motion_frame", "int32", (), (), "frame of that file, from 0"),
    _label("subject", "int32", (), (), "row of tables/subjects: who was recorded"),
    _label(
        "view",
        "float32",
        (4,),
        ("view",),
        "azimuth, elevation, distance to the torso centre, roll of the camera",
        "rad, rad, m, rad",
    ),
    _label("view_attempt", "uint8", (), (), "number of views drawn before this one"),
    _label("K", "float64", (3, 3), ("row", "column"), "intrinsics: pixel = K X / z", "px"),
    _label("R", "float64", (3, 3), ("row", "column"), "rotation, world to camera: X = R X_world + t"),
    _label("t", "float64", (3,), ("axis",), "translation, world to camera", "m"),
    _label("joints2d", "float32", (JOINTS, 2), ("joint", "xy"), "x, y of the joints in the picture", "px"),
    _label("joints3d", "float32", (JOINTS, 3), ("joint", "xyz"), "joints in the camera frame", "m"),
    _label(
        "joints3d_torso",
        "float32",
        (JOINTS, 3),
        ("joint", "xyz"),
        "joints in the camera's orientation, relative to the torso centre (mean of shoulders and hips)",
        "m",
    ),
    _label("self_occluded", "bool", (JOINTS,), ("joint",), "hidden by the person's own body"),
    _label(
        "visible", "bool", (JOINTS,), ("joint",), "inside the picture and not hidden by the person's own body"
    ),
    _label(
        "source_photograph",
        "int32",
        (MATCHED,),
        ("matched_joint",),
        "row of tables/photographs: where each matched joint's pixels come from; -1 where not matched",
    ),
    _label(
        "source_person",
        "int32",
        (MATCHED,),
        ("matched_joint",),
        "number of the person in that photograph, or -1",
    ),
    _label("source_entry", "int32", (MATCHED,), ("matched_joint",), "entry of the image pool, or -1"),
    _label(
        "source_mirrored", "bool", (MATCHED,), ("matched_joint",), "whether the photograph is used mirrored"
    ),
    _label(
        "source_transform",
        "float64",
        (MATCHED, 2, 3),
        ("matched_joint", "row", "column"),
        "affine map from pixels of the photograph to pixels of the picture; NaN where not matched",
    ),
    _label(
        "matching_cost",
        "float32",
        (MATCHED,),
        ("matched_joint",),
        "D_j of Eq. 3; NaN where not matched",
        "px",
    ),
    _label("distinct_sources", "uint8", (), (), "number of different people in the picture's sources"),
    _label("coverage", "float32", (), (), "share of the pixels that a source photograph reaches"),
    _label("seed", "int64", (), (), "seed of the run"),
)
