"""Tables of a store: lists of strings (the names of the sources' files), and numbers that belong to no sample.

Numbers, such as the mean poses of classes, are one plain Zarr array each, ``tables/NAME``.

Zarr's own variable-length strings are not read by tensorstore, and 40,000 names would burden the root's
attributes. A list of strings is therefore a group of two plain arrays that every Zarr v3 reader opens:
``tables/NAME/utf8`` (B,) uint8, all strings in UTF-8 one after another, and ``tables/NAME/ends`` (K,) int64,
where each ends. String k is ``bytes(utf8[ends[k-1]:ends[k]]).decode()`` (from 0 for k = 0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError, StoreError
from synth.store.codecs import decode_chunk, encode_chunk, parse_codec
from synth.store.files import dump_json, parse_json
from synth.store.schema import ArraySpec, array_document, spec_from_document

_UTF8 = ArraySpec("utf8", "uint8", (), (), "All strings in UTF-8, one after another.", "bytes")
_ENDS = ArraySpec("ends", "int64", (), (), "Where each string ends in utf8.", "bytes")


@dataclass(frozen=True)
class Numbers:
    """A table of numbers.

    Parameters
    ----------
    spec : ArraySpec
        Name, dtype, shape and meaning of one row; not sharded.
    row : str
        Name of the first axis, e.g. ``"class"``.
    values : (R, *inner_shape) array of the specification's dtype

    Raises
    ------
    InputError
        The values have another shape or dtype than the specification says.
    """

    spec: ArraySpec
    row: str
    values: NDArray[Any]

    def __post_init__(self) -> None:
        if self.values.shape[1:] != self.spec.inner_shape or self.values.dtype != self.spec.numpy_dtype:
            raise InputError(
                f"table {self.spec.name}: expected rows of shape {self.spec.inner_shape} {self.spec.dtype}, "
                f"found {self.values.shape[1:]} {self.values.dtype}"
            )


Table = Sequence[str] | Numbers
Tables = Mapping[str, Table]
"""Tables by name; a `Numbers` stands under the name of its specification."""


def group_document(attributes: dict[str, Any]) -> dict[str, Any]:
    """Zarr v3 metadata (``zarr.json``) of a group."""
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def _array_files(folder: str, spec: ArraySpec, row: str, values: NDArray[Any]) -> dict[str, bytes]:
    document = array_document(spec, len(values), max(len(values), 1))
    document["dimension_names"][0] = row
    files = {f"{folder}/zarr.json": dump_json(document)}
    if len(values):
        data = encode_chunk(spec.parsed_codec, np.ascontiguousarray(values))
        files[f"{folder}/{_chunk(values.ndim)}"] = data
    return files


def _chunk(axes: int) -> str:
    return "c" + ".0" * axes


def table_files(name: str, table: Table) -> dict[str, bytes]:
    """Every file of one table: path relative to the store, content."""
    folder = f"tables/{name}"
    if isinstance(table, Numbers):
        return _array_files(folder, table.spec, table.row, table.values)
    encoded = [string.encode() for string in table]
    ends = np.cumsum([len(string) for string in encoded], dtype="<i8")
    group = group_document({"description": "A list of strings, see its two arrays.", "count": len(encoded)})
    return {
        f"{folder}/zarr.json": dump_json(group),
        **_array_files(f"{folder}/utf8", _UTF8, "byte", np.frombuffer(b"".join(encoded), dtype=np.uint8)),
        **_array_files(f"{folder}/ends", _ENDS, "string", ends),
    }


def table_size(table: Table) -> dict[str, int]:
    """Say what the root's attributes hold of a table: strings and their bytes, or rows and axes of numbers."""
    if isinstance(table, Numbers):
        return {"rows": len(table.values), "axes": table.values.ndim}
    return {"count": len(table), "bytes": sum(len(string.encode()) for string in table)}


def table_paths(name: str, size: Mapping[str, int]) -> list[str]:
    """List the files of a table of the size that `table_size` gave, in the order of `table_files`."""
    folder = f"tables/{name}"
    files = [f"{folder}/zarr.json"]
    if "rows" in size:
        return files + ([f"{folder}/{_chunk(size['axes'])}"] if size["rows"] else [])
    for array, values in (("utf8", size["bytes"]), ("ends", size["count"])):
        files.append(f"{folder}/{array}/zarr.json")
        files += [f"{folder}/{array}/c.0"] if values else []
    return files


def _read_values(folder: Path, spec: ArraySpec, count: int) -> NDArray[Any]:
    values = np.empty((count, *spec.inner_shape), dtype=spec.numpy_dtype)
    if count:
        path = folder / _chunk(values.ndim)
        try:
            decode_chunk(parse_codec(spec.codec), memoryview(path.read_bytes()), values)
        except (OSError, StoreError) as error:
            raise StoreError(f"{path} cannot be read: {error}") from error
    return values


def read_table(store: Path, name: str, size: Mapping[str, int]) -> list[str]:
    """Read one list of strings.

    Parameters
    ----------
    store : Path
    name : str
    size : mapping
        As `table_size` gives it.

    Raises
    ------
    StoreError
        A file is missing or damaged.
    """
    folder = store / "tables" / name
    ends = _read_values(folder / "ends", _ENDS, size["count"]).tolist()
    utf8 = _read_values(folder / "utf8", _UTF8, size["bytes"]).tobytes()
    try:
        return [utf8[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]
    except UnicodeDecodeError as error:
        raise StoreError(f"{folder} is damaged: {error}") from error


def read_numbers(store: Path, name: str, size: Mapping[str, int]) -> NDArray[Any]:
    """Read one table of numbers, (R, ...); parameters and errors as of `read_table`."""
    folder = store / "tables" / name
    try:
        document = parse_json((folder / "zarr.json").read_bytes(), folder / "zarr.json")
    except OSError as error:
        raise StoreError(f"{folder / 'zarr.json'} cannot be read: {error}") from error
    return _read_values(folder, spec_from_document(name, document), size["rows"])
