"""What tests of whole runs share: all that a store says, its files, and the command in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from synth.store.reader import open_store


def everything(path):
    """All values of all arrays, failed samples left out of the sharded ones."""
    store = open_store(path)
    valid = store.valid_ids()
    return {
        spec.name: store.read(spec.name, valid) if spec.sharded else store.label(spec.name)
        for spec in store.meta.schema.arrays
    }


def assert_same(first, second):
    """Two stores hold the same samples and the same lists of strings."""
    one, two = everything(first), everything(second)
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name], err_msg=name)
    assert open_store(first).meta.tables.keys() == open_store(second).meta.tables.keys()
    for name in open_store(first).meta.tables:
        assert open_store(first).table(name) == open_store(second).table(name)


def files(path):
    """Content of every file of a store, by its path there."""
    return {
        str(file.relative_to(path)): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()
    }


def begin_in_another_process(module, words, log):
    """A command as its own process group, returned once its first shard is committed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with open(log, "wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", *module.split(), *words],
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    commits = Path(words[words.index("--out") + 1]) / "commits"
    deadline = time.monotonic() + 240
    while not list(commits.glob("0*.json")):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return process


def assert_refused(main, words, code, pattern, capsys):
    """A command ends with a code, and with one line on standard error that matches a pattern."""
    capsys.readouterr()
    assert main(words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1, captured.err
    assert re.match(r"synth: error: .*" + pattern, captured.err), captured.err
