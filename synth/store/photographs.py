"""The arrays of a store of photographs of annotated people, one person a sample."""

from __future__ import annotations

import math

from synth.store.samples import JOINTS
from synth.store.schema import ArraySpec, StoreSchema, image_spec


def photograph_schema(codec: str = "zstd:1", shard_size: int = 1000) -> StoreSchema:
    """Describe the arrays of a store of photographs; those that mosaics have, too, have their names.

    Parameters
    ----------
    codec : str
        Of the pictures: ``"zstd:1"``, ``"jpeg:95"``, ``"none"`` …
    shard_size : int
        Samples in a shard.
    """
    return StoreSchema((image_spec(codec), *_LABELS), shard_size)


def _label(
    name: str, dtype: str, shape: tuple[int, ...], dims: tuple[str, ...], description: str, units: str = ""
) -> ArraySpec:
    fill = math.nan if dtype.startswith("float") else -1 if dtype == "int32" else 0
    return ArraySpec(name, dtype, shape, dims, description, units, fill)


_LABELS = (
    _label("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    _label("photograph", "int32", (), (), "row of tables/photographs"),
    _label("person", "int32", (), (), "number of the person in the publisher's annotation of the photograph"),
    _label(
        "frame", "int32", (), (), "frame of the recording, from 0; -1 for photographs that belong to none"
    ),
    _label("subject", "int32", (), (), "row of tables/subjects: who was recorded; -1 where not known"),
    _label("action", "int32", (), (), "row of tables/actions: what they do; -1 where not known"),
    _label(
        "joints2d",
        "float32",
        (JOINTS, 2),
        ("joint", "xy"),
        "x, y of the joints in the picture; NaN where not labelled",
        "px",
    ),
    _label("labelled", "bool", (JOINTS,), ("joint",), "whether the publisher gives the joint"),
    _label("occluded", "bool", (JOINTS,), ("joint",), "labelled, and marked as hidden by the publisher"),
    _label("visible", "bool", (JOINTS,), ("joint",), "labelled, inside the picture and not marked as hidden"),
    _label(
        "joints3d",
        "float32",
        (JOINTS, 3),
        ("joint", "xyz"),
        "joints in the frame of the photograph's camera, which K projects to joints2d but for the lens's "
        "distortion; NaN where not known",
        "m",
    ),
    _label(
        "joints3d_torso",
        "float32",
        (JOINTS, 3),
        ("joint", "xyz"),
        "joints relative to the torso centre (mean of shoulders and hips), turned by torso_rotation: as a "
        "camera sees them that looks at the torso, like those of mosaics; NaN where not known",
        "m",
    ),
    _label(
        "torso_rotation",
        "float64",
        (3, 3),
        ("row", "column"),
        "least rotation that brings the camera's ray through the torso centre to +z; it turns the pose alone, "
        "the picture is as photographed; NaN where not known",
    ),
    _label(
        "K",
        "float64",
        (3, 3),
        ("row", "column"),
        "intrinsics of the picture: pixel = K X / z, without the lens's distortion; NaN where not known",
        "px",
    ),
    _label(
        "source_transform",
        "float64",
        (2, 3),
        ("row", "column"),
        "affine map from pixels of the photograph to pixels of the picture",
    ),
    _label("scale", "float32", (), (), "pixels of the photograph per standard metre of the person", "px/m"),
    _label(
        "head_size",
        "float32",
        (),
        (),
        "MPII's head size, 0.6 of the diagonal of the head's box, in the picture; NaN where not known",
        "px",
    ),
)
