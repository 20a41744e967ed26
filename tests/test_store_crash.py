"""A run is killed before each of its renames and removals in turn; going on must mend all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import store_samples as samples

from synth.errors import StoreError
from synth.store.commits import pending_shards
from synth.store.create import extend_store
from synth.store.files import clean_leftovers
from synth.store.metadata import has_store, open_meta
from synth.store.reader import open_store

# Forks from a young process: forking pytest's own, which may run tensorstore's threads, could hang.
_KILLER = """
import os, shutil, sys
sys.path.insert(0, sys.argv[1])
import store_samples as samples
from pathlib import Path

base, folder, n, most = Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
os.fsync = lambda descriptor: None  # a killed process loses nothing that it has written: no need to wait

def run_and_die(path, steps):
    left = [steps]
    def dying(function):
        def call(*args, **options):
            if left[0] == 0:
                os._exit(9)
            left[0] -= 1
            return function(*args, **options)
        return call
    for name in ("replace", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
    samples.finish(path, n)
    os._exit(0)

steps, status = 0, 9
while status == 9 and steps < most:
    path = folder / f"{steps:03d}"
    if base.exists():
        shutil.copytree(base, path)
    child = os.fork()
    if child == 0:
        run_and_die(path, steps)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    steps += 1
assert status == (0 if steps < most else 9), status
"""


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


def killed_runs(base: Path, folder: Path, n: int, most: int = 1000) -> list[Path]:
    """Stores left by runs killed before step 0, 1, 2 ...; the last one (below `most`) went through."""
    folder.mkdir()
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", _KILLER, here, str(base), str(folder), str(n), str(most)]
    subprocess.run(command, check=True, cwd=Path(here).parent)
    return sorted(folder.iterdir())


def check_mended(path: Path, n: int, expected: dict[str, bytes]) -> None:
    if has_store(path) and open_meta(path).n == n:
        if open_meta(path).seal is None:
            with pytest.raises(StoreError, match="not sealed"):
                open_store(path)
            store = open_store(path, allow_unsealed=True)
            for rows in store.rows(("images", "joints2d")):
                assert rows.arrays["images"].tobytes() == samples.images(n)[rows.ids].tobytes()
        else:
            assert pending_shards(path) == []
    clean_leftovers(path)
    samples.finish(path, n)
    assert samples.content(path) == expected


def test_a_new_store_killed_at_every_step(tmp_path):
    samples.finish(tmp_path / "whole", 4)
    expected = samples.content(tmp_path / "whole")
    runs = killed_runs(tmp_path / "none", tmp_path / "runs", 4)
    assert len(runs) > 20
    assert samples.content(runs[-1]) == expected
    for run in runs:
        check_mended(run, 4, expected)


def test_an_extension_killed_at_every_step(tmp_path):
    """The last shard is partial before, and made again: its old files must never pass for new ones."""
    samples.finish(tmp_path / "small", 5)
    samples.finish(tmp_path / "whole", 8)
    expected = samples.content(tmp_path / "whole")
    runs = killed_runs(tmp_path / "small", tmp_path / "runs", 8)
    assert len(runs) > 10
    assert samples.content(runs[-1]) == expected
    for run in runs:
        check_mended(run, 8, expected)


def test_an_extension_cut_short_can_be_given_up(tmp_path):
    samples.finish(tmp_path / "small", 5)
    for run in killed_runs(tmp_path / "small", tmp_path / "runs", 8, most=6):
        if open_meta(run).n == 5:
            extend_store(run, 5)
            clean_leftovers(run)
            samples.finish(run, 5)
            assert samples.content(run) == samples.content(tmp_path / "small")
