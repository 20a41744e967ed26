"""Whole runs of the commands' defaults: on what the program makes itself, without data and without a network."""

from __future__ import annotations

import os
import socket

import numpy as np
import pytest

from pipelines.mosaic_command import main as mosaic_main
from synth.cli import main as synth_main
from synth.sources.demo.archive import demo_archive
from synth.sources.demo_images.album import demo_album
from synth.store.reader import open_store

GUARD = """
import os, socket
from pathlib import Path

def guarded(connect):
    def local_only(self, address):
        # a datagram's address is asked for, and nothing sent, to learn this machine's own
        if self.type == socket.SOCK_STREAM and self.family != socket.AF_UNIX and address[0] not in HERE:
            raise AssertionError(f"{address}: no network here")
        return connect(self, address)
    return local_only

HERE = {"127.0.0.1", "::1", *socket.gethostbyname_ex("localhost")[2]}
socket.socket.connect = guarded(socket.socket.connect)
socket.socket.connect_ex = guarded(socket.socket.connect_ex)
(Path(os.environ["SYNTH_TEST_GUARDED"]) / str(os.getpid())).touch()
"""
"""What every process runs before all else, as a module of the name that Python looks for at its start."""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """Processes that are begun here, and this one, talk to themselves alone; a folder of their ids."""
    code, ids = tmp_path_factory.mktemp("code"), tmp_path_factory.mktemp("ids")
    (code / "sitecustomize.py").write_text(GUARD)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_TEST_GUARDED", str(ids))
        patch.setenv(
            "PYTHONPATH", os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        )
        patch.setattr(socket.socket, "connect", socket.socket.connect)
        patch.setattr(socket.socket, "connect_ex", socket.socket.connect_ex)
        exec(compile(GUARD, "sitecustomize.py", "exec"), {})
        yield ids


@pytest.fixture(scope="module")
def mosaics(guarded, tmp_path_factory):
    """A store made by two workers as `python -m synth.mosaic` makes one, of smaller sources."""
    out = tmp_path_factory.mktemp("mosaics") / "m.zarr"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("SYNTH_DATA", raising=False)
        patch.setattr(demo_archive, "__defaults__", (map, 0, 10))  # subjects
        patch.setattr(demo_album, "__defaults__", (map, 0, 100))  # photographs
        words = ["--out", str(out), "--n", "30", "--shard-size", "10", "--workers", "2", "--progress", "none"]
        assert mosaic_main(words) == 0
        yield out


def test_the_defaults_make_a_sealed_store_of_embedded_sources(mosaics):
    store = open_store(mosaics)
    assert store.meta.seal is not None
    assert store.valid_ids().tolist() == list(range(30))
    sources = {(source["kind"], source["name"]): source for source in store.attributes["sources"]}
    assert sources.keys() == {("motion", "demo"), ("images", "demo")}
    assert "CC BY 2.0" in sources["images", "demo"]["licence"]
    assert store.attributes["recipe"]["sources"] == {"mocap": "demo", "images": "demo"}
    assert all(name.startswith("demo/images/") for name in store.table("photographs"))
    # the program's own labels are exact: none is taken for a slip
    assert "implausible annotation (demo)" not in store.attributes["left_out"]
    assert np.ptp(store.read("images", [0]).astype(int)) > 100


def test_rendered_beside_them_with_their_own_rotations(mosaics, tmp_path, capsys):
    out = tmp_path / "r.zarr"
    words = ["render", str(mosaics), "--out", str(out), "--n", "4", "--people", "3", "--workers", "1"]
    assert synth_main([*words, "--rotations", "require", "--progress", "none"]) == 0
    store = open_store(out)
    assert store.meta.seal is not None
    assert store.valid_ids().tolist() == [0, 1, 2, 3]
    assert store.attributes["left_out"] == {}


def test_all_processes_were_without_a_network(mosaics, guarded):
    others = {file.name for file in guarded.iterdir()} - {str(os.getpid())}
    assert len(others) >= 2
    with socket.socket() as stream, pytest.raises(AssertionError, match="no network here"):
        stream.connect(("192.0.2.1", 80))
