"""Files that appear whole or not at all: written beside their place, flushed to disk, renamed.

A temporary file is named ``.FINAL_NAME.HOST-PID-RANDOM.tmp``: two processes that make the same shard
never share one, readers pass them by, and `clean_leftovers` removes those of dead processes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from synth.errors import StoreError

_TEMPORARY = re.compile(r"\..+\.(?P<host>\w+)-(?P<pid>\d+)-[0-9a-f]{8}\.tmp")


def _host() -> str:
    return re.sub(r"\W", "_", socket.gethostname())


def temporary_path(path: Path) -> Path:
    """Make up a name beside `path` that no other process uses."""
    return path.with_name(f".{path.name}.{_host()}-{os.getpid()}-{secrets.token_hex(4)}.tmp")


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries (new names, renames) to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and its missing parents, each flushed to disk."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def write_flushed(path: Path, data: bytes | memoryview) -> None:
    """Write a new file and flush its content to disk (its name is not: rename, then `sync_folder`)."""
    with open(path, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` so that a reader, or a crash at any moment, finds the old or the new content."""
    temporary = temporary_path(path)
    try:
        write_flushed(temporary, data)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def rename_all(moves: Iterable[tuple[Path, Path]]) -> None:
    """Rename each (temporary, final) pair, then flush every folder concerned once."""
    folders: dict[Path, None] = {}
    for temporary, final in moves:
        os.replace(temporary, final)
        folders[final.parent] = None
    for folder in folders:
        sync_folder(folder)


def remove_file(path: Path) -> None:
    """Remove a file if it is there, and flush the removal to disk."""
    if path.exists():
        path.unlink()
        sync_folder(path.parent)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Tell whether a process is dead but not yet collected by its parent (known on Linux only)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return state.rpartition(")")[2].split()[0] == "Z"


def _leftovers(path: Path) -> Iterator[Path]:
    for folder, subfolders, names in os.walk(path):
        if Path(folder) == path and "labels" in subfolders:
            subfolders.remove("labels")  # label passes are stores of their own, with writers of their own
        for name in names:
            match = _TEMPORARY.fullmatch(name)
            if match and not (match["host"] == _host() and _alive(int(match["pid"]))):
                yield Path(folder, name)


def clean_leftovers(path: Path) -> int:
    """Remove the temporary files that dead processes left in a store; return how many.

    Files of processes that live on this host stay. Call it when no other host writes to the store: a
    writer that loses its file fails (and can be run again), nothing gets damaged.
    """
    removed = list(_leftovers(path))
    for leftover in removed:
        leftover.unlink(missing_ok=True)
    return len(removed)


def dump_json(document: dict[str, Any]) -> bytes:
    """JSON in the one form that this package writes: UTF-8, indented, in the order of insertion.

    Raises
    ------
    StoreError
        A value is not JSON (also NaN and infinities).
    """
    try:
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(f"attributes must be plain JSON values (no NaN, no arrays): {error}") from error
    return text.encode() + b"\n"


def parse_json(data: bytes, path: Path) -> dict[str, Any]:
    """Read a JSON object; `path` is named in the error.

    Raises
    ------
    StoreError
        The bytes are not a JSON object.
    """
    try:
        document = json.loads(data)
    except ValueError as error:
        raise StoreError(f"{path} is damaged: not JSON ({error})") from error
    if not isinstance(document, dict):
        raise StoreError(f"{path} is damaged: expected a JSON object, found {type(document).__name__}")
    return document
