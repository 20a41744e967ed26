"""The codec ``synth.jpeg`` for zarr-python, so that plain zarr opens stores made with ``--codec jpeg:Q``.

>>> from synth.store.zarr_jpeg import register
>>> register()  # then zarr.open_group(path)["images"][0] decodes

It turns one (..., H, W, 3) uint8 RGB chunk, all other axes of length 1, into a standard JFIF image (YCbCr,
4:4:4). It is lossy. tensorstore, and zarr without this registration, refuse such an array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from zarr.abc.codec import ArrayBytesCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer
from zarr.core.common import JSON
from zarr.registry import register_codec

from synth.store.codecs import JPEG_NAME, Codec, decode_chunk, encode_jpeg


@dataclass(frozen=True)
class JpegCodec(ArrayBytesCodec):
    """JPEG as an array's serializer; `quality` is 1 to 100."""

    is_fixed_size = False
    quality: int = 95

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        """Make the codec from Zarr's metadata."""
        configuration = data.get("configuration")
        quality = configuration["quality"] if isinstance(configuration, dict) else 95
        return cls(quality=int(str(quality)))

    def to_dict(self) -> dict[str, JSON]:
        """Zarr's metadata of the codec."""
        return {"name": JPEG_NAME, "configuration": {"quality": self.quality}}

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        """Not known beforehand."""
        raise NotImplementedError("the size of a JPEG image depends on its content")

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        image: NDArray[np.uint8] = np.empty(chunk_spec.shape, dtype=np.uint8)
        decode_chunk(Codec("jpeg", self.quality), memoryview(chunk_bytes.to_bytes()), image)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(image)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        image = chunk_array.as_numpy_array()
        data = encode_jpeg(np.ascontiguousarray(image).reshape(image.shape[-3:]), self.quality)
        return chunk_spec.prototype.buffer.from_bytes(data)


def register() -> None:
    """Make zarr know the codec in this process."""
    register_codec(JPEG_NAME, JpegCodec)
