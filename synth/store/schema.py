"""Which arrays a store holds, and how each is laid out on disk."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synth.errors import InputError, StoreError
from synth.store.codecs import (
    Codec,
    codec_documents,
    codec_from_documents,
    little_endian,
    parse_codec,
)

SCHEMA_VERSION = 1
"""Version of the layout. Readers accept it and older, refuse newer; adding arrays doesn't raise it."""

BOX = 220
"""Side of the images in pixels."""

NAME = re.compile(r"[a-z][a-z0-9_]*|[A-Z]")
"""What arrays and tables may be called: words, or a matrix's usual letter (K, R)."""

_RESERVED = ("labels", "tables", "commits")
_DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
_DTYPES += ("float16", "float32", "float64")
_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

# Share of the raw bytes that an encoded image takes, measured on 2,000 photographs of people cut to the box.
_IMAGE_SHARE = {"none": 1.0, "zstd": 0.886, "jpeg": 0.22}


@dataclass(frozen=True)
class ArraySpec:
    """One array of a store: N samples of a fixed shape.

    Parameters
    ----------
    name : str
        Lower case letters, digits and underscores, or one capital letter.
    dtype : str
        Zarr data type, e.g. ``"float32"``, ``"bool"``.
    inner_shape : tuple of int
        Shape of one sample; ``()`` for a number.
    dims : tuple of str
        Names of the axes of one sample, e.g. ``("joint", "xy")``; the first axis is always ``"sample"``.
    description, units : str
        Stored in the array's attributes; units ``""`` for pure numbers and names.
    fill : bool, int or float
        Value of elements that were never written. Never a sign of anything: commit records are.
    codec : str
        ``none``, ``zstd:LEVEL`` or, for (H, W, 3) uint8 images, ``jpeg:QUALITY``.
    sharded : bool
        True: a chunk is one sample, a file holds the chunks of one shard and their index (images, maps).
        False: a chunk, and file, is all rows of one shard (labels).

    Raises
    ------
    InputError
        A field has a value that cannot be stored; the message names array and field.
    """

    name: str
    dtype: str
    inner_shape: tuple[int, ...]
    dims: tuple[str, ...]
    description: str
    units: str = ""
    fill: float = 0
    codec: str = "zstd:3"
    sharded: bool = False

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or self.name in _RESERVED:
            raise InputError(
                f"array name {self.name!r}: expected lower case letters, digits and underscores "
                f"(or one capital letter), and none of {', '.join(_RESERVED)}"
            )
        if self.dtype not in _DTYPES:
            raise InputError(f"array {self.name}: dtype {self.dtype!r} is none of {', '.join(_DTYPES)}")
        if len(self.dims) != len(self.inner_shape) or min(self.inner_shape, default=1) < 1:
            raise InputError(
                f"array {self.name}: dims {self.dims} must name each axis of inner_shape {self.inner_shape}, "
                "all axes of length 1 or more"
            )
        with np.errstate(invalid="ignore"):
            representable = self.fill == np.array(self.fill).astype(self.dtype)
        if self.numpy_dtype.kind != "f" and not representable:
            raise InputError(f"array {self.name}: fill value {self.fill!r} is no {self.dtype}")
        self._check_codec()

    def _check_codec(self) -> None:
        kind = self.parsed_codec.kind
        image = self.dtype == "uint8" and len(self.inner_shape) == 3 and self.inner_shape[2] == 3
        if kind == "jpeg" and not (image and self.sharded):
            raise InputError(
                f"array {self.name}: codec {self.codec} needs sharded (H, W, 3) uint8 samples, "
                f"found {self.inner_shape} {self.dtype}, sharded={self.sharded}"
            )

    @property
    def numpy_dtype(self) -> np.dtype[Any]:
        """Stored dtype, little endian."""
        return little_endian(self.dtype)

    @property
    def parsed_codec(self) -> Codec:
        """The codec as a value."""
        return parse_codec(self.codec)

    @property
    def sample_bytes(self) -> int:
        """Raw bytes of one sample."""
        return math.prod(self.inner_shape) * self.numpy_dtype.itemsize

    @property
    def fill_document(self) -> bool | int | float | str:
        """The fill value as Zarr's metadata writes it."""
        if self.dtype == "bool":
            return bool(self.fill)
        if self.numpy_dtype.kind != "f":
            return int(self.fill)
        value = float(self.fill)
        special = [name for name, number in _SPECIAL.items() if str(number) == str(value)]
        return special[0] if special else value


VALID = ArraySpec(
    name="valid",
    dtype="bool",
    inner_shape=(),
    dims=(),
    description="False: making this sample failed, its other values mean nothing.",
    fill=False,
)
"""Array that every store has; the writer fills it in from the failures it is told."""


def image_spec(codec: str = "zstd:1", side: int = BOX) -> ArraySpec:
    """Specification of the array `images`: (N, side, side, 3) uint8 RGB, one image a chunk."""
    return ArraySpec(
        name="images",
        dtype="uint8",
        inner_shape=(side, side, 3),
        dims=("y", "x", "rgb"),
        description="Pictures, sRGB; pixel centres are at integers, x to the right, y down.",
        units="grey levels 0-255",
        codec=str(parse_codec(codec)),
        sharded=True,
    )


@dataclass(frozen=True)
class StoreSchema:
    """The arrays of a store and the number of samples that share a file.

    Parameters
    ----------
    arrays : tuple of ArraySpec
        In the order in which they are listed; `VALID` is added if it is not among them.
    shard_size : int
        Samples a shard.

    Raises
    ------
    InputError
        Two arrays of one name, or a shard size below 1.
    """

    arrays: tuple[ArraySpec, ...]
    shard_size: int = 1000

    def __post_init__(self) -> None:
        names = [spec.name for spec in self.arrays]
        if len(set(names)) != len(names):
            raise InputError(f"array names must differ, found {', '.join(names)}")
        if self.shard_size < 1:
            raise InputError(f"shard size {self.shard_size}: expected 1 or more")
        if VALID.name not in names:
            object.__setattr__(self, "arrays", (*self.arrays, VALID))

    @property
    def sharded(self) -> tuple[ArraySpec, ...]:
        """Arrays written sample by sample."""
        return tuple(spec for spec in self.arrays if spec.sharded)

    @property
    def unsharded(self) -> tuple[ArraySpec, ...]:
        """Arrays written once a shard, `VALID` among them."""
        return tuple(spec for spec in self.arrays if not spec.sharded)

    def array(self, name: str) -> ArraySpec:
        """Give the specification of one array; raises `InputError` that lists the arrays there are."""
        for spec in self.arrays:
            if spec.name == name:
                return spec
        raise InputError(f"no array {name!r}; the store has {', '.join(spec.name for spec in self.arrays)}")


def bytes_per_sample(schema: StoreSchema, measured: Mapping[str, float] | None = None) -> float:
    """Estimate of the bytes on disk that one sample takes.

    Parameters
    ----------
    schema : StoreSchema
    measured : mapping of str to float, optional
        Encoded bytes a sample of some arrays, from a warm-up. Of the others, sharded uint8 (H, W, 3) arrays
        count by the codec's usual share on photographs, everything else in full.
    """
    total = 0.0
    for spec in schema.arrays:
        photograph = spec.sharded and spec.dtype == "uint8" and spec.inner_shape[-1:] == (3,)
        assumed = spec.sample_bytes * (_IMAGE_SHARE[spec.parsed_codec.kind] if photograph else 1.0)
        total += (measured or {}).get(spec.name, assumed) + (16 if spec.sharded else 0)
    return total


def array_document(spec: ArraySpec, n: int, shard_size: int) -> dict[str, Any]:
    """Zarr v3 metadata (``zarr.json``) of an array of `n` samples."""
    codecs = codec_documents(spec.parsed_codec, spec.numpy_dtype.itemsize)
    attributes: dict[str, Any] = {"description": spec.description, "units": spec.units}
    if spec.parsed_codec.kind == "jpeg":
        attributes["codec_note"] = (
            "Chunks are standard JFIF images (RGB as YCbCr 4:4:4) under the codec name synth.jpeg: "
            "zarr-python opens them after synth.store.zarr_jpeg.register(); tensorstore and other readers "
            "refuse them."
        )
    if spec.sharded:
        codecs = [_sharding_document(codecs, spec.inner_shape)]
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [n, *spec.inner_shape],
        "data_type": spec.dtype,
        "chunk_grid": {
            "name": "regular",
            "configuration": {"chunk_shape": [shard_size, *spec.inner_shape]},
        },
        # "." keeps the files of an array in one folder: one flush for its renames
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
        "fill_value": spec.fill_document,
        "codecs": codecs,
        "attributes": attributes,
        "dimension_names": ["sample", *spec.dims],
        "storage_transformers": [],
    }


def _sharding_document(codecs: list[dict[str, Any]], inner_shape: tuple[int, ...]) -> dict[str, Any]:
    return {
        "name": "sharding_indexed",
        "configuration": {
            "chunk_shape": [1, *inner_shape],
            "codecs": codecs,
            "index_codecs": [
                {"name": "bytes", "configuration": {"endian": "little"}},
                {"name": "crc32c"},
            ],
            "index_location": "end",
        },
    }


def spec_from_document(name: str, document: dict[str, Any]) -> ArraySpec:
    """Inverse of `array_document`.

    Raises
    ------
    StoreError
        The metadata lack a field or hold what this package doesn't write.
    """
    try:
        codecs = document["codecs"]
        sharded = codecs[0]["name"] == "sharding_indexed"
        fill = document["fill_value"]
        return ArraySpec(
            name=name,
            dtype=document["data_type"],
            inner_shape=tuple(document["shape"][1:]),
            dims=tuple(document["dimension_names"][1:]),
            description=document["attributes"]["description"],
            units=document["attributes"]["units"],
            fill=_SPECIAL[fill] if isinstance(fill, str) else fill,
            codec=str(codec_from_documents(codecs[0]["configuration"]["codecs"] if sharded else codecs)),
            sharded=sharded,
        )
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StoreError(f"{name}/zarr.json cannot be understood ({error!r})") from error


def chunk_name(spec: ArraySpec, shard: int) -> str:
    """Path, relative to the store, of the file that holds one shard of an array: ``images/c.12.0.0.0``."""
    return f"{spec.name}/c.{shard}" + ".0" * len(spec.inner_shape)
