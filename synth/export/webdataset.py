"""Tar files for WebDataset: a sample is ``000000012.jpg``, ``000000012.json`` and a ``.npy`` for each map.

The JSON holds every label by the name of its array. ``index.json`` lists the tar files in the layout of
WebDataset's own indexes, with what the store says of itself, and ``tables.json`` the lists of strings that labels
point into.
"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np

from synth.cache import atomic_write
from synth.export.samples import ExportSource, Piece, begin_folder, describe, dump, json_value, sample_name

FORMAT = "webdataset"


def begin(export: ExportSource, out: Path) -> list[Piece]:
    """Make the folder, or find it begun; gives the pieces that are still to be written.

    Raises
    ------
    InputError
        As of `begin_folder`.
    """
    begin_folder(out, export.request(FORMAT))
    return [piece for piece in export.pieces() if not tar_path(out, piece).exists()]


def tar_path(out: Path, piece: Piece) -> Path:
    """Where the tar file of a piece is."""
    return out / f"{piece.shard:06d}.tar"


def write_piece(export: ExportSource, out: Path, piece: Piece) -> None:
    """Write one tar file, whole or not at all; the same store gives the same bytes."""
    values = export.labels(piece, export.names)
    suffix = export.picture_suffix()
    with (
        atomic_write(tar_path(out, piece)) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for row, (sample, picture) in enumerate(zip(piece.ids.tolist(), export.pictures(piece), strict=True)):
            name = sample_name(sample)
            labels = {"id": sample}
            _add(tar, name + suffix, picture)
            for array, of_all in values.items():
                if export.is_map(array):
                    _add(tar, f"{name}.{array.replace('/', '.')}.npy", _npy(of_all[row]))
                else:
                    labels[array] = json_value(of_all[row])
            _add(tar, f"{name}.json", dump(labels))


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def finish(export: ExportSource, out: Path) -> list[Path]:
    """Write ``tables.json`` and ``index.json``, once all pieces are there; gives both."""
    store = export.source.store
    lists = {name: store.table(name) for name, size in store.meta.tables.items() if "count" in size}
    paths = [tar_path(out, piece) for piece in export.pieces()]
    shards = [
        {"url": path.name, "nsamples": len(piece.ids), "filesize": path.stat().st_size}
        for path, piece in zip(paths, export.pieces(), strict=True)
    ]
    index = {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": store.attributes.get("title", store.meta.path.name),
        "shardlist": shards,
        "samples": len(export.ids),
        "export": export.request(FORMAT),
        "store": describe(export),
    }
    documents = {out / "tables.json": lists, out / "index.json": index}
    for path, document in documents.items():
        with atomic_write(path) as file:
            file.write(dump(document))
    return list(documents)
