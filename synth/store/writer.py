"""Writes one shard of every array of a store, and then, last of all, its commit record.

The writer makes the bytes of Zarr's format itself: samples are encoded one by one as they come and
appended to a temporary file, so that a shard never lies in memory and the same samples give the same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from synth.errors import InputError, StoreError
from synth.store.checksum import crc32c
from synth.store.codecs import encode_chunk
from synth.store.commits import CommitRecord, StoredFile, record_bytes, record_path
from synth.store.files import remove_file, rename_all, temporary_path, write_flushed, write_whole
from synth.store.metadata import StoreMeta, open_meta, read_root
from synth.store.schema import VALID, ArraySpec, chunk_name
from synth.store.shard import MISSING, pack_index


class _ShardFile:
    """One shard of one sharded array while it is being written."""

    def __init__(self, spec: ArraySpec, path: Path, shard_size: int) -> None:
        self.spec = spec
        self.codec = spec.parsed_codec
        self.entries = np.full((shard_size, 2), MISSING, dtype=np.uint64)
        self.size = 0
        self.crc = 0
        self.file = open(path, "xb")  # noqa: SIM115 - closed by `finish` or `close`

    def _write(self, data: bytes) -> None:
        self.file.write(data)
        self.size += len(data)
        self.crc = crc32c(data, self.crc)

    def put(self, row: int, sample: NDArray[Any]) -> None:
        data = encode_chunk(self.codec, np.ascontiguousarray(sample, dtype=self.spec.numpy_dtype))
        self.entries[row] = self.size, len(data)
        self._write(data)

    def finish(self) -> StoredFile:
        self._write(pack_index(self.entries))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        return StoredFile(self.size, self.crc)

    def close(self) -> None:
        self.file.close()


def _check_array(spec: ArraySpec, values: NDArray[Any], shape: tuple[int, ...]) -> None:
    if values.shape != shape or values.dtype != spec.numpy_dtype:
        raise InputError(
            f"array {spec.name}: expected shape {shape} {spec.dtype}, found {values.shape} {values.dtype}"
        )


class ShardWriter:
    """Makes one shard of a store: `add` or `skip` for each sample in order of id, then `commit`.

    Used as a context manager: unless `commit` has finished, leaving it removes every temporary file, and the
    shard stays pending. Several processes may write the same shard; their files never mix, and as they hold
    the same bytes it doesn't matter whose are renamed last.

    Parameters
    ----------
    store : Path or StoreMeta
        A store made by `create_store`, not sealed.
    shard : int
        Number of the shard.

    Raises
    ------
    StoreError
        The store is sealed.
    InputError
        No such shard.

    Examples
    --------
    >>> with ShardWriter(path, 12) as writer:  # doctest: +SKIP
    ...     for image in images:
    ...         writer.add(images=image)
    ...     writer.commit({"joints2d": joints2d})
    """

    def __init__(self, store: Path | StoreMeta, shard: int) -> None:
        self.meta = store if isinstance(store, StoreMeta) else open_meta(store)
        self.shard = shard
        self.start, self.stop = self.meta.bounds(shard)
        self._check_unsealed()
        self._row = 0
        self._skipped: list[int] = []
        self._moves: list[tuple[Path, Path]] = []
        self._files: dict[str, _ShardFile] = {}
        for spec in self.meta.schema.sharded:
            path = self.meta.path / chunk_name(spec, shard)
            self._moves.append((temporary_path(path), path))
            self._files[spec.name] = _ShardFile(spec, self._moves[-1][0], self.meta.schema.shard_size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    @property
    def rows(self) -> int:
        """Samples of this shard."""
        return self.stop - self.start

    def add(self, **samples: NDArray[Any]) -> None:
        """Encode and write the next sample, one value for each sharded array.

        Parameters
        ----------
        **samples : arrays of the arrays' `inner_shape` and dtype
            E.g. ``add(images=image)`` with image (220, 220, 3) uint8.

        Raises
        ------
        InputError
            An array is missing, unknown, or of another shape or dtype; or the shard is full.
        """
        if samples.keys() != self._files.keys():
            raise InputError(f"a sample needs {', '.join(self._files)}; found {', '.join(samples)}")
        for name, sample in samples.items():
            _check_array(self._files[name].spec, sample, self._files[name].spec.inner_shape)
        row = self._next_row()
        for name, sample in samples.items():
            self._files[name].put(row, sample)

    def skip(self) -> None:
        """Leave out the next sample, which failed: its chunks will be missing, `commit` must be told why."""
        self._skipped.append(self.start + self._next_row())

    def _next_row(self) -> int:
        if self._row >= self.rows:
            raise InputError(f"shard {self.shard} is full: it has {self.rows} samples")
        self._row += 1
        return self._row - 1

    def commit(
        self, labels: Mapping[str, NDArray[Any]], failures: Mapping[int, str] | None = None
    ) -> CommitRecord:
        """Write the labels, flush all to disk, rename, and rename the commit record last.

        Parameters
        ----------
        labels : mapping of str to (rows, ...) array
            Every unsharded array but `valid`, which the writer makes; the rows of failed samples may hold
            anything.
        failures : mapping of int to str, optional
            Reason by sample id of every sample that failed.

        Returns
        -------
        CommitRecord

        Raises
        ------
        InputError
            Samples or labels are missing, unknown or of another shape or dtype, or `failures` doesn't name
            exactly the skipped samples.
        StoreError
            The store has been sealed in the meantime.
        """
        failures = dict(sorted((failures or {}).items()))
        self._check_complete(labels, failures)
        written = {name: file.finish() for name, file in self._files.items()}
        valid = ~np.isin(np.arange(self.start, self.stop), list(failures))
        for spec in self.meta.schema.unsharded:
            values = valid if spec.name == VALID.name else labels[spec.name]
            written[spec.name] = self._write_label(spec, values)
        files = {chunk_name(spec, self.shard): written[spec.name] for spec in self.meta.schema.arrays}
        record = CommitRecord(self.shard, self.start, self.stop, self.meta.recipe_hash, failures, files)
        self._publish(record)
        return record

    def _check_complete(self, labels: Mapping[str, NDArray[Any]], failures: Mapping[int, str]) -> None:
        if self._files and self._row != self.rows:
            raise InputError(f"shard {self.shard} has {self.rows} samples, {self._row} were given")
        skipped = self._skipped if self._files else [i for i in failures if self.start <= i < self.stop]
        if list(failures) != skipped:
            raise InputError(
                f"shard {self.shard}: failures are told for samples {list(failures)}, skipped were {skipped}"
            )
        wanted = [spec for spec in self.meta.schema.unsharded if spec.name != VALID.name]
        if labels.keys() != {spec.name for spec in wanted}:
            raise InputError(
                f"shard {self.shard} needs labels {', '.join(spec.name for spec in wanted)}; "
                f"found {', '.join(labels)}"
            )
        for spec in wanted:
            _check_array(spec, labels[spec.name], (self.rows, *spec.inner_shape))

    def _write_label(self, spec: ArraySpec, values: NDArray[Any]) -> StoredFile:
        chunk = np.full((self.meta.schema.shard_size, *spec.inner_shape), spec.fill, dtype=spec.numpy_dtype)
        chunk[: self.rows] = values
        data = encode_chunk(spec.parsed_codec, chunk)
        path = self.meta.path / chunk_name(spec, self.shard)
        temporary = temporary_path(path)
        self._moves.append((temporary, path))
        write_flushed(temporary, data)
        return StoredFile(len(data), crc32c(data))

    def _publish(self, record: CommitRecord) -> None:
        self._check_unsealed()
        path = record_path(self.meta.path, self.shard)
        remove_file(path)  # from here until the new record is there, the shard counts as pending
        rename_all(self._moves)
        write_whole(path, record_bytes(record))

    def _check_unsealed(self) -> None:
        if "seal" in read_root(self.meta.path)["attributes"]:
            raise StoreError(
                f"{self.meta.path} is sealed: shard {self.shard} cannot be written; unseal it first"
            )

    def discard(self) -> None:
        """Remove every temporary file of this writer; after a commit there are none."""
        for file in self._files.values():
            file.close()
        for temporary, _ in self._moves:
            temporary.unlink(missing_ok=True)
