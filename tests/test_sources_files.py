from __future__ import annotations

import pickle
import tarfile
import zipfile
from multiprocessing import get_context
from pathlib import Path

import pytest

from synth.errors import InputError
from synth.sources import files
from synth.sources.records import DamagedItemError

CONTENT = {"a/One.TXT": b"first", "a/two.txt": b"second", "b/three.dat": b"third"}


def _folder(path: Path) -> Path:
    for name, data in CONTENT.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    (path / "a" / ".hidden.txt").write_bytes(b"x")
    return path


def _packed(folder: Path, suffix: str) -> Path:
    path = folder.with_name("packed" + suffix)
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in CONTENT:
                archive.write(folder / name, name)
    else:
        with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as archive:
            for name in CONTENT:
                archive.add(folder / name, f"./{name}")
    return path


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar", ".tar.gz"])
def test_folder_and_archives_look_alike(tmp_path: Path, suffix: str) -> None:
    root = _folder(tmp_path / "plain")
    root = _packed(root, suffix) if suffix else root
    assert files.list_files(root, ".txt") == ("a/One.TXT", "a/two.txt")
    assert files.list_files(root) == tuple(CONTENT)
    assert {name: files.read_file(root, name) for name in CONTENT} == CONTENT
    with files.seekable(root, "b/three.dat") as stream:
        stream.seek(2)
        assert stream.read() == b"ird"
    with pytest.raises(DamagedItemError, match=r"unreadable file.*nothing"):
        files.read_file(root, "nothing")


@pytest.mark.parametrize("suffix", ["", ".zip", ".tar"])
def test_fingerprint_follows_the_content(tmp_path: Path, suffix: str) -> None:
    digests = []
    for data in (b"third", b"third", b"Third"):
        folder = _folder(tmp_path / f"{len(digests)}" / "plain")
        (folder / "b/three.dat").write_bytes(data)
        root = _packed(folder, suffix) if suffix else folder
        if suffix == ".tar":
            root = folder.with_name("fixed.tar")
            with tarfile.open(root, "w") as archive:
                for name in CONTENT:
                    info = tarfile.TarInfo(name)
                    info.size = (folder / name).stat().st_size
                    with open(folder / name, "rb") as stream:
                        archive.addfile(info, stream)
        digests.append(files.fingerprint(root, CONTENT))
    assert digests[0] == digests[1] != digests[2]


def test_damaged_member_and_damaged_archive(tmp_path: Path) -> None:
    root = _packed(_folder(tmp_path / "plain"), ".zip")
    with zipfile.ZipFile(root) as archive:
        start = archive.getinfo("a/two.txt").header_offset + 30 + len("a/two.txt")
    data = bytearray(root.read_bytes())
    data[start + 2] ^= 0xFF
    broken = tmp_path / "broken.zip"
    broken.write_bytes(data)
    with pytest.raises(DamagedItemError, match="unreadable file"):
        files.read_file(broken, "a/two.txt")
    cut = tmp_path / "cut.zip"
    cut.write_bytes(root.read_bytes()[:60])
    with pytest.raises(InputError, match=r"cut\.zip can be read neither"):
        files.list_files(cut)


def _read_in_child(root: Path, queue) -> None:  # type: ignore[no-untyped-def]
    queue.put([files.read_file(root, name) for name in CONTENT for _ in range(50)])


def test_an_archive_opened_before_a_fork_is_read_safely_by_both(tmp_path: Path) -> None:
    root = _packed(_folder(tmp_path / "plain"), ".zip")
    files.read_file(root, "a/two.txt")
    context = get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_read_in_child, args=(root, queue))
    child.start()
    mine = [files.read_file(root, name) for name in CONTENT for _ in range(50)]
    assert queue.get(timeout=30) == mine == [data for data in CONTENT.values() for _ in range(50)]
    child.join(30)


def test_damage_travels_between_processes() -> None:
    error = pickle.loads(pickle.dumps(DamagedItemError("reason", "detail")))
    assert (error.reason, error.detail, str(error)) == ("reason", "detail", "reason: detail")
