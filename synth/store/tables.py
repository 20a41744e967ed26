"""Lists of strings in a store: the names of the sources' files and the like, each kept once.

Zarr's own variable-length strings are not read by tensorstore, and 40,000 names would burden the root's
attributes. A table is therefore a group of two plain arrays that every Zarr v3 reader opens:
``tables/NAME/utf8`` (B,) uint8, all strings in UTF-8 one after another, and ``tables/NAME/ends`` (K,) int64,
where each ends. String k is ``bytes(utf8[ends[k-1]:ends[k]]).decode()`` (from 0 for k = 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import StoreError
from synth.store.codecs import decode_chunk, encode_chunk, parse_codec
from synth.store.files import dump_json
from synth.store.schema import ArraySpec, array_document

_UTF8 = ArraySpec("utf8", "uint8", (), (), "All strings in UTF-8, one after another.", "bytes")
_ENDS = ArraySpec("ends", "int64", (), (), "Where each string ends in utf8.", "bytes")


def group_document(attributes: dict[str, Any]) -> dict[str, Any]:
    """Zarr v3 metadata (``zarr.json``) of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def _array_files(folder: str, spec: ArraySpec, values: NDArray[Any]) -> dict[str, bytes]:
    document = array_document(spec, len(values), max(len(values), 1))
    document["dimension_names"] = ["byte" if spec.name == "utf8" else "string"]
    files = {f"{folder}/{spec.name}/zarr.json": dump_json(document)}
    if len(values):
        files[f"{folder}/{spec.name}/c.0"] = encode_chunk(spec.parsed_codec, values)
    return files


def table_files(name: str, strings: Sequence[str]) -> dict[str, bytes]:
    """Every file of one table: path relative to the store, content."""
    encoded = [string.encode() for string in strings]
    ends = np.cumsum([len(string) for string in encoded], dtype="<i8")
    folder = f"tables/{name}"
    group = group_document({"description": "A list of strings, see its two arrays.", "count": len(encoded)})
    return {
        f"{folder}/zarr.json": dump_json(group),
        **_array_files(folder, _UTF8, np.frombuffer(b"".join(encoded), dtype=np.uint8)),
        **_array_files(folder, _ENDS, ends),
    }


def _read_values(folder: Path, spec: ArraySpec, count: int) -> NDArray[Any]:
    values = np.empty(count, dtype=spec.numpy_dtype)
    if count:
        path = folder / spec.name / "c.0"
        try:
            decode_chunk(parse_codec(spec.codec), memoryview(path.read_bytes()), values)
        except (OSError, StoreError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
    return values


def table_size(strings: Sequence[str]) -> dict[str, int]:
    """Say what the root's attributes hold of a table: its strings and their bytes."""
    return {"count": len(strings), "bytes": sum(len(string.encode()) for string in strings)}


def read_table(store: Path, name: str, size: dict[str, int]) -> list[str]:
    """Read one table.

    Parameters
    ----------
    store : Path
    name : str
    size : dict
        As `table_size` gives it.

    Raises
    ------
    StoreError
        A file is missing or damaged.
    """
    folder = store / "tables" / name
    ends = _read_values(folder, _ENDS, size["count"]).tolist()
    utf8 = _read_values(folder, _UTF8, size["bytes"]).tobytes()
    try:
        return [utf8[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    except UnicodeDecodeError as error:
        raise StoreError(f"{folder} is damaged: {error}") from error
