"""How one chunk becomes bytes: as it is, by Zstandard, or (for images) by JPEG.

A codec is named ``none``, ``zstd:LEVEL`` or ``jpeg:QUALITY``. Every Zarr v3 reader opens ``none`` and
``zstd``; ``jpeg`` is this package's own codec `synth.jpeg` (standard JFIF, 4:4:4): plain zarr opens it after
`synth.store.zarr_jpeg.register`, tensorstore refuses it.

Compressors are imported when first used, so that a store without them needs numpy alone.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError, StoreError

JPEG_NAME = "synth.jpeg"
_DEFAULT_LEVEL = {"none": 0, "zstd": 1, "jpeg": 95}
_LEVELS = {"none": (0, 0), "zstd": (1, 22), "jpeg": (1, 100)}


@dataclass(frozen=True)
class Codec:
    """One codec: `kind` is ``none``, ``zstd`` or ``jpeg``, `level` its level or quality (0 for none)."""

    kind: str
    level: int

    def __str__(self) -> str:
        return self.kind if self.kind == "none" else f"{self.kind}:{self.level}"


def parse_codec(text: str) -> Codec:
    """Read ``none``, ``zstd``, ``zstd:LEVEL``, ``jpeg`` or ``jpeg:QUALITY``.

    Without a number, zstd means level 1 and jpeg quality 95.

    Raises
    ------
    InputError
        Unknown name, or a number out of range.
    """
    kind, _, number = text.partition(":")
    if kind not in _DEFAULT_LEVEL or (number and not number.isdecimal()):
        raise InputError(f"unknown codec {text!r}: expected none, zstd, zstd:LEVEL or jpeg:QUALITY")
    level = int(number) if number else _DEFAULT_LEVEL[kind]
    low, high = _LEVELS[kind]
    if not low <= level <= high:
        raise InputError(f"codec {text!r}: {level} is out of range {low} to {high}")
    return Codec(kind, level)


def codec_documents(codec: Codec, itemsize: int) -> list[dict[str, Any]]:
    """Zarr v3 metadata of a codec for elements of `itemsize` bytes."""
    if codec.kind == "jpeg":
        return [{"name": JPEG_NAME, "configuration": {"quality": codec.level}}]
    stored: dict[str, Any] = {"name": "bytes"}
    if itemsize > 1:
        stored["configuration"] = {"endian": "little"}
    if codec.kind == "none":
        return [stored]
    return [stored, {"name": "zstd", "configuration": {"level": codec.level, "checksum": False}}]


def codec_from_documents(documents: list[dict[str, Any]]) -> Codec:
    """Inverse of `codec_documents`; raises `StoreError` for codecs this package doesn't write."""
    names = [document["name"] for document in documents]
    if names == [JPEG_NAME]:
        return Codec("jpeg", int(documents[0]["configuration"]["quality"]))
    if names == ["bytes"]:
        return Codec("none", 0)
    if names == ["bytes", "zstd"]:
        return Codec("zstd", int(documents[1]["configuration"]["level"]))
    raise StoreError(f"unknown chain of codecs {names}: expected bytes, bytes + zstd, or {JPEG_NAME}")


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Encode an (H, W, 3) uint8 RGB image as JFIF, YCbCr 4:4:4."""
    import cv2

    options = [
        cv2.IMWRITE_JPEG_QUALITY,
        quality,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    ]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    if not done:
        raise StoreError(f"OpenCV could not encode an image of shape {image.shape} as JPEG")
    return data.tobytes()


def decode_jpeg(data: bytes | memoryview) -> NDArray[np.uint8]:
    """Decode a JPEG to an (H, W, 3) uint8 RGB image; raises `StoreError` if it cannot be decoded."""
    import cv2

    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), flags) if len(data) else None
    if image is None:
        raise StoreError(f"{len(data)} bytes are not a JPEG image")
    return image


def encode_chunk(codec: Codec, chunk: NDArray[Any]) -> bytes:
    """Bytes of one C-contiguous chunk; the same input gives the same bytes.

    Parameters
    ----------
    codec : Codec
        For ``jpeg``, the chunk is (1, H, W, 3) or (H, W, 3) uint8 RGB.
    chunk : array, C-contiguous
        Values in the stored byte order (little endian).
    """
    if codec.kind == "none":
        return chunk.tobytes()
    if codec.kind == "zstd":
        from numcodecs.zstd import compress

        return compress(chunk, codec.level)
    return encode_jpeg(chunk.reshape(chunk.shape[-3:]), codec.level)


def _decode_bytes(codec: Codec, data: memoryview) -> bytes | memoryview:
    if codec.kind == "none":
        return data
    from numcodecs.zstd import decompress

    try:
        return decompress(data)
    except (RuntimeError, ValueError, MemoryError) as error:
        raise StoreError(f"cannot be decompressed ({error})") from error


def decode_chunk(codec: Codec, data: memoryview, out: NDArray[Any]) -> None:
    """Decode `data` into `out`, a C-contiguous array of the chunk's shape in little-endian order.

    Raises
    ------
    StoreError
        The bytes cannot be decoded, or give another number of bytes or another image size than `out` holds.
    """
    if codec.kind == "jpeg":
        image = decode_jpeg(data)
        if image.shape != out.shape[-3:]:
            raise StoreError(f"holds an image of shape {image.shape}, expected {out.shape[-3:]}")
        out.reshape(image.shape)[...] = image
        return
    decoded = _decode_bytes(codec, data)
    if len(decoded) != out.nbytes:
        raise StoreError(f"decodes to {len(decoded)} bytes, expected {out.nbytes}")
    out.reshape(-1).view(np.uint8)[:] = np.frombuffer(decoded, dtype=np.uint8)


def little_endian(dtype: str) -> np.dtype[Any]:
    """Give the numpy dtype of a Zarr data type as it is stored."""
    return np.dtype(dtype).newbyteorder("<" if sys.byteorder == "big" else "=")
