"""The cache folder, and files that appear whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from synth.cache import atomic_folder, atomic_write, atomic_write_bytes, cache_dir, code_digest


def test_cache_dir_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("SYNTH_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"
    monkeypatch.delenv("SYNTH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_dir() == tmp_path / "xdg" / "synth"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == Path.home() / ".cache" / "synth"


def test_a_file_appears_only_when_its_block_ends(tmp_path):
    path = tmp_path / "new" / "file"
    with atomic_write(path) as file:
        file.write(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert path.stat().st_mode & 0o777 == 0o666 & ~_mask()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    atomic_write_bytes(path, b"old")
    with pytest.raises(RuntimeError, match="stop"):
        _write_half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def _write_half(path: Path) -> None:
    with atomic_write(path) as file:
        file.write(b"new")
        raise RuntimeError("stop")


def _mask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_a_folder_appears_only_when_its_block_ends(tmp_path):
    path = tmp_path / "new" / "folder"
    with atomic_folder(path) as folder:
        (folder / "file").write_bytes(b"x")
        assert not path.exists()
    assert [item.name for item in path.iterdir()] == ["file"]
    assert path.stat().st_mode & 0o777 == 0o777 & ~_mask()


def test_a_folder_that_another_process_finished_first_stays(tmp_path):
    path = tmp_path / "folder"
    with atomic_folder(path) as folder:
        (folder / "file").write_bytes(b"second")
        atomic_write_bytes(path / "file", b"first")
    assert (path / "file").read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_folder_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="stop"):
        _fill_half(tmp_path / "folder")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_after_a_day(tmp_path):
    for name, age in ((".folder.old.part", 25), (".folder.new.part", 1), (".other.old.part", 25)):
        left = tmp_path / name
        atomic_write_bytes(left / "file", b"x")
        then = time.time() - age * 3600
        os.utime(left / "file", (then, then))
        os.utime(left, (then, then))
    with atomic_folder(tmp_path / "folder"):
        pass
    assert {item.name for item in tmp_path.iterdir()} == {"folder", ".folder.new.part", ".other.old.part"}


def _fill_half(path: Path) -> None:
    with atomic_folder(path) as folder:
        (folder / "file").write_bytes(b"x")
        raise RuntimeError("stop")


def test_a_digest_of_code_tells_files_and_folders_apart():
    digests = {code_digest(places) for places in (("geometry.py",), ("skeletons.py",), ("body",), ())}
    assert len(digests) == 4
    assert code_digest(("geometry.py",)) == code_digest(("geometry.py",))


def test_a_digest_names_what_is_not_there():
    with pytest.raises(FileNotFoundError, match=r"geometri\.py"):
        code_digest(("geometri.py",))
