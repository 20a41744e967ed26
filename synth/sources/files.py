"""Folders and archives seen alike: list the members, read one, fingerprint a set of them.

A publisher's data may lie unpacked in a folder or still in its `.zip`, `.tar` or `.tar.gz`. Everything
here is named by `(root, member)`, two plain values that travel between processes; archives are opened
where they are first read and kept open, once in each process.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

from synth.errors import InputError
from synth.sources.records import DamagedItemError

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")

_READ_ERRORS = (OSError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, tarfile.TarError, zlib.error)


class _Members(Protocol):
    """What folders and the kinds of archive have in common."""

    @property
    def names(self) -> tuple[str, ...]: ...

    def open(self, name: str) -> IO[bytes]: ...

    def fingerprint(self, names: Sequence[str]) -> bytes: ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def names(self) -> tuple[str, ...]:
        """Looked up anew each time: a folder may change while it is used."""
        found: list[str] = []
        for folder, _, files in os.walk(self.root, followlinks=True):
            inside = Path(folder).relative_to(self.root).as_posix()
            found += files if inside == "." else [f"{inside}/{file}" for file in files]
        return tuple(sorted(found))

    def open(self, name: str) -> IO[bytes]:
        return open(self.root / name, "rb")

    def fingerprint(self, names: Sequence[str]) -> bytes:
        """Digest of the contents."""
        digest = hashlib.blake2b(digest_size=16)
        for name in names:
            with self.open(name) as stream:
                content = hashlib.blake2b(stream.read()).hexdigest()
            digest.update(f"{name}\0{content}\n".encode())
        return digest.digest()


class _Zip:
    def __init__(self, root: Path) -> None:
        self.archive = zipfile.ZipFile(root)
        self._names = tuple(sorted(i.filename for i in self.archive.infolist() if not i.is_dir()))

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    def open(self, name: str) -> IO[bytes]:
        return self.archive.open(name)

    def fingerprint(self, names: Sequence[str]) -> bytes:
        """Digest of the sizes and CRCs in the central directory: nothing is unpacked."""
        digest = hashlib.blake2b(digest_size=16)
        for name in names:
            info = self.archive.getinfo(name)
            digest.update(f"{name}\0{info.file_size}\0{info.CRC}\n".encode())
        return digest.digest()


class _Tar:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive = tarfile.open(root)  # noqa: SIM115 - kept open for as long as the process reads it
        self.members = {_plain(m.name): m for m in self.archive.getmembers() if m.isfile()}

    @property
    def names(self) -> tuple[str, ...]:
        """In archive order: a compressed tar is quick only when read forwards."""
        return tuple(self.members)

    def open(self, name: str) -> IO[bytes]:
        stream = self.archive.extractfile(self.members[name])
        if stream is None:
            raise KeyError(name)
        return stream

    def fingerprint(self, names: Sequence[str]) -> bytes:
        """Digest of the archive's own bytes and the names asked for."""
        with open(self.root, "rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16))
        digest.update("\0".join(names).encode())
        return digest.digest()


def is_archive(path: Path) -> bool:
    """Whether a path names a file of a known archive format."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES) and path.is_file()


def has_suffix(name: str, *suffixes: str) -> bool:
    """Whether a member's name ends with one of the suffixes, upper or lower case."""
    return name.lower().endswith(suffixes)


def list_files(root: Path, *suffixes: str) -> tuple[str, ...]:
    """Members of a folder or archive, as POSIX paths relative to it, hidden files left out.

    Parameters
    ----------
    root : Path
        Folder or archive.
    *suffixes : str
        Lower-case endings to keep, e.g. ``".amc"``; all members where none is given.

    Returns
    -------
    tuple of str
        Sorted by name; members of a tar in archive order.

    Raises
    ------
    InputError
        If `root` is neither a folder nor a readable archive.
    """
    return tuple(
        n for n in _opened(root).names if not _hidden(n) and (not suffixes or has_suffix(n, *suffixes))
    )


def read_file(root: Path, name: str) -> bytes:
    """Content of one member.

    Raises
    ------
    DamagedItemError
        If the member is missing or cannot be unpacked.
    """
    with open_file(root, name) as stream:
        try:
            return stream.read()
        except _READ_ERRORS as error:
            raise _unreadable(root, name, error) from error


def open_file(root: Path, name: str) -> IO[bytes]:
    """One member as a binary stream, for those who need its first bytes only.

    Raises
    ------
    DamagedItemError
        If the member is missing.
    """
    try:
        return _opened(root).open(name)
    except _READ_ERRORS as error:
        raise _unreadable(root, name, error) from error


def read_head(root: Path, name: str, size: int) -> bytes:
    """First `size` bytes of one member; `DamagedItemError` as in `read_file`."""
    with open_file(root, name) as stream:
        try:
            return stream.read(size)
        except _READ_ERRORS as error:
            raise _unreadable(root, name, error) from error


def seekable(root: Path, name: str) -> IO[bytes]:
    """One member as a stream that can seek, for the readers of `.mat` and `.h5` files."""
    path = root / name
    return open(path, "rb") if root.is_dir() else io.BytesIO(read_file(root, name))


def fingerprint(root: Path, names: Iterable[str]) -> str:
    """Hexadecimal content hash of some members of a folder or archive.

    A folder is hashed by its files' contents, a zip by names, sizes and CRCs, a tar by its own bytes: the
    same data gives different values unpacked and packed.
    """
    return _opened(root).fingerprint(sorted(names)).hex()


def text_of(data: bytes) -> str:
    """Text of a motion capture file: Latin-1, which never fails (names of Windows paths occur)."""
    return data.decode("latin-1")


def stem(name: str) -> str:
    """File name without folders and without its last suffix."""
    return PurePosixPath(name).stem


def _opened(root: Path) -> _Members:
    if root.is_dir():
        return _Folder(root)
    try:
        return _open(root, root.stat().st_mtime_ns, os.getpid())
    except _READ_ERRORS as error:
        raise InputError(f"{root} can be read neither as a folder nor as an archive: {error}") from error


@lru_cache(maxsize=16)
def _open(root: Path, modified: int, process: int) -> _Zip | _Tar:
    # The process is part of the key: after a fork, two processes must not share one file position.
    del modified, process
    if root.name.lower().endswith(".zip"):
        return _Zip(root)
    return _Tar(root)


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _unreadable(root: Path, name: str, error: Exception) -> DamagedItemError:
    return DamagedItemError("unreadable file", f"{root / name}: {error}")
