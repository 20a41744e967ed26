"""What an export consists of: which samples, which arrays, and a picture's bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cache import atomic_write
from synth.errors import InputError
from synth.store.batches import SampleSource, open_source, read_batch
from synth.store.codecs import encode_jpeg
from synth.store.labels import require_label_pass
from synth.store.reader import open_shard, open_store
from synth.store.schema import VALID
from synth.store.shard import chunk_bytes

IMAGES = "images"
REQUEST = "export.json"
"""File that says what the folder's export is of; an export of something else doesn't go on there."""


@dataclass(frozen=True)
class ExportOptions:
    """What to export of a store.

    Parameters
    ----------
    split : str or None
        None for all samples.
    n : int or None
        The first so many of them, by id.
    passes : tuple of str
        Label passes whose arrays come along.
    pictures : str
        ``"stored"`` (a JPEG store's own files, PNG of others), ``"png"`` or ``"jpg:QUALITY"``.
    """

    split: str | None = None
    n: int | None = None
    passes: tuple[str, ...] = ()
    pictures: str = "stored"


@dataclass(frozen=True)
class Piece:
    """The samples of an export that lie in one shard of the store."""

    shard: int
    ids: NDArray[np.int64]


@dataclass(frozen=True)
class ExportSource:
    """A store opened for an export; made by `open_export`.

    Parameters
    ----------
    source : SampleSource
    names : tuple of str
        Every array but the pictures and `valid`, those of label passes as ``PASS/ARRAY``.
    options : ExportOptions
    """

    source: SampleSource
    names: tuple[str, ...]
    options: ExportOptions

    @property
    def ids(self) -> NDArray[np.int64]:
        """Samples to export, rising."""
        return self.source.ids[: self.options.n]

    def pieces(self) -> list[Piece]:
        """Group the samples by shard, in order."""
        shards = self.ids // self.source.store.meta.schema.shard_size
        bounds = np.flatnonzero(np.diff(shards)) + 1
        return [
            Piece(int(ids[0]) // self.source.store.meta.schema.shard_size, ids)
            for ids in np.split(self.ids, bounds)
        ]

    def labels(self, piece: Piece, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """Arrays of all samples of a piece."""
        return read_batch([self.source], names, np.zeros(len(piece.ids), np.int32), piece.ids)

    def is_map(self, name: str) -> bool:
        """Tell whether an array holds a picture or map a sample: too much for JSON."""
        column = self.source.columns[name]
        return column is not None and column.decodes

    def picture_suffix(self) -> str:
        """``".jpg"`` or ``".png"``."""
        return ".jpg" if self.options.pictures.startswith("jpg") or self._verbatim() else ".png"

    def pictures(self, piece: Piece) -> list[bytes]:
        """Files of all pictures of a piece."""
        store = self.source.store
        if self._verbatim():
            opened = open_shard(store.meta, IMAGES, piece.shard)
            rows = (piece.ids % store.meta.schema.shard_size).tolist()
            return [bytes(chunk_bytes(opened.data, opened.entries, row) or b"") for row in rows]
        return [encode_picture(store.read_images([i])[0], self.options.pictures) for i in piece.ids.tolist()]

    def _verbatim(self) -> bool:
        kind = self.source.store.meta.schema.array(IMAGES).parsed_codec.kind
        return self.options.pictures == "stored" and kind == "jpeg"

    def request(self, kind: str) -> dict[str, Any]:
        """Say what decides the export's bytes, as JSON values."""
        store = self.source.store
        seals = {
            name: open_store(require_label_pass(store.meta.path, name)).meta for name in self.options.passes
        }
        return {
            "format": kind,
            "seal": (store.meta.seal or {}).get("hash"),
            "label_seals": {name: (meta.seal or {}).get("hash") for name, meta in seals.items()},
            **asdict(self.options),
            "passes": list(self.options.passes),
        }


def open_export(path: Path, options: ExportOptions) -> ExportSource:
    """Open a sealed store, and label passes of it, for an export.

    Raises
    ------
    InputError
        The store has no pictures, or no sample is left; a split, label pass or way to encode pictures that
        there isn't.
    StoreError
        The store is not there, not sealed or damaged.
    """
    quality(options.pictures)
    store = open_store(path)
    names = [name for name in store.names if name not in (IMAGES, VALID.name)]
    for label_pass in options.passes:
        arrays = open_store(require_label_pass(path, label_pass)).names
        names += [f"{label_pass}/{array}" for array in arrays if array != VALID.name]
    return ExportSource(open_source(path, [IMAGES, *names], split=options.split), tuple(names), options)


def quality(pictures: str) -> int | None:
    """Read the quality of ``jpg:QUALITY``; None for the other ways to encode pictures.

    Raises
    ------
    InputError
        None of ``stored``, ``png`` and ``jpg:1`` to ``jpg:100``.
    """
    if pictures in ("stored", "png"):
        return None
    kind, _, number = pictures.partition(":")
    if kind != "jpg" or not number.isdecimal() or not 1 <= int(number) <= 100:
        raise InputError(
            f"pictures {pictures!r}: expected stored, png or jpg:QUALITY with a quality of 1 to 100"
        )
    return int(number)


def encode_picture(image: NDArray[np.uint8], pictures: str) -> bytes:
    """Encode a picture as JPEG (4:4:4) of a quality, or as PNG.

    Parameters
    ----------
    image : (H, W, 3) uint8 RGB
    pictures : str
        As of `ExportOptions`.
    """
    chosen = quality(pictures)
    if chosen is not None:
        return encode_jpeg(image, chosen)
    import cv2

    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def sample_name(sample: int) -> str:
    """Name of a sample's files, without suffix."""
    return f"{sample:09d}"


def json_value(value: NDArray[Any] | np.generic) -> Any:
    """Value of a sample as JSON: lists of numbers, null for NaN; float32 in as few digits as tell it."""
    array = np.asarray(value)
    if array.dtype.kind != "f":
        return array.tolist()
    numbers = [float(str(number)) if np.isfinite(number) else None for number in array.reshape(-1)]
    flat = np.empty(len(numbers), object)
    flat[:] = numbers
    return flat.reshape(array.shape).tolist()


def dump(document: Any) -> bytes:
    """Bytes of a JSON document: strict, no blanks."""
    return json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def begin_folder(out: Path, request: Mapping[str, Any]) -> None:
    """Make the folder of an export, or find it begun by the same request.

    Raises
    ------
    InputError
        The folder holds something else; the message names what differs.
    """
    path = out / REQUEST
    if path.exists():
        was = json.loads(path.read_bytes())
        differ = [key for key in {**was, **request} if was.get(key) != request.get(key)]
        if differ:
            told = "; ".join(f"{key} is {was.get(key)} there, {request.get(key)} now" for key in differ)
            raise InputError(
                f"{out} holds another export ({told}): remove it first, or choose another folder"
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty and holds no export: choose another folder")
    with atomic_write(path) as file:
        file.write(dump(request))


def describe(export: ExportSource) -> dict[str, Any]:
    """Attributes of the store that a reader of the export needs: skeleton, units, axes, licences, seed."""
    attributes = export.source.store.attributes
    kept = (
        "title",
        "method",
        "skeleton",
        "matched_joints",
        "units",
        "axes",
        "camera_model",
        "splits",
        "seed",
    )
    found = {key: attributes[key] for key in (*kept, "sources", "code", "recipe_hash") if key in attributes}
    return {**found, "left_out": int(np.count_nonzero(~export.source.store.label(VALID.name)))}
