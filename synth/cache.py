"""The folder of what is computed once and found again, and files that appear whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

_ABANDONED_SECONDS = 24 * 3600.0


def cache_dir() -> Path:
    """Folder for pools, indexes and pose libraries.

    Returns
    -------
    Path
        `$SYNTH_CACHE`, else ``synth`` in the user's cache folder (`$XDG_CACHE_HOME`, else ``~/.cache``).
        It is not created here.
    """
    chosen = os.environ.get("SYNTH_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synth"


@lru_cache(maxsize=8)
def code_digest(places: tuple[str, ...]) -> str:
    """Hash of code and data of this package: what another version of them made is never taken for this one's.

    Parameters
    ----------
    places : tuple of str
        Files and folders under the package `synth`, such as ``"sources/demo"``.
    """
    base = Path(__file__).resolve().parent
    digest = hashlib.blake2b(digest_size=16)
    for place in places:
        inside = sorted((base / place).rglob("*"))
        found = [file for file in inside if file.is_file() and "__pycache__" not in file.parts]
        for file in found or [base / place]:
            digest.update(f"{file.relative_to(base).as_posix()}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing that takes its name only when it is complete and on the disk.

    The bytes go to a temporary file in the same folder, which is made if missing; it is synced and renamed
    when the block ends, and removed if the block raises.

    Parameters
    ----------
    path : Path
        Final place. A file that is there is replaced.

    Yields
    ------
    BinaryIO
        The file, open for writing bytes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file by `atomic_write`."""
    with atomic_write(path) as file:
        file.write(content)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that takes its name only when it is complete and on the disk.

    The files go to a temporary folder beside it, so that a folder of that name is always complete. Several
    processes or hosts may fill the same one: the first to finish names it, the others' work is removed. So
    are temporary folders of the same name that a killed process left a day ago or earlier.

    Parameters
    ----------
    path : Path
        Final place. If it is there when the block ends, it stays as it is.

    Yields
    ------
    Path
        The folder to fill. Files written into it are synced by whoever writes them, as `atomic_write` does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    try:
        os.chmod(folder, 0o777 & ~_umask())
        yield folder
        _sync_folder(folder)
        try:
            os.rename(folder, path)
        except OSError:
            if not path.is_dir():
                raise
            shutil.rmtree(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _sync_folder(path.parent)


def _remove_abandoned(path: Path) -> None:
    for folder in path.parent.glob(f".{path.name}.*.part"):
        if folder.is_dir() and time.time() - _last_change(folder) > _ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _last_change(folder: Path) -> float:
    # a file may vanish between listing and asking; the folder is then in use or being removed
    times = [folder.stat().st_mtime]
    for item in folder.iterdir():
        with suppress(FileNotFoundError):
            times.append(item.stat().st_mtime)
    return max(times)


def _umask() -> int:
    # mkstemp makes files private, and a shared cache must be readable by the cluster's other users;
    # the mask can only be read by setting it
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
