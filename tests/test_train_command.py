"""``synth train`` as a user calls it: whole runs, killed and interrupted ones, several processes, mistakes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
import two_processes_train
from store_runs import assert_refused
from train_samples import assert_same_state, make_store, torch

from pipelines import train_command
from synth.cli import main as synth_main
from synth.train.checkpoint import latest_checkpoint, read_checkpoint

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("data"))


@pytest.fixture
def tiny(tmp_path):
    """A recipe file of a tiny lifter."""
    path = tmp_path / "tiny.toml"
    path.write_text(
        "# A lifter for tests\n"
        '[task]\nname = "lift"\nwidth = 0.015625\n[data]\nbatch_size = 16\n'
        "[run]\nsteps = 20\ncheckpoint_every = 8\nthreads = 1\nvalidate_every = 1000\ndeterministic = true\n"
    )
    return path


def words(tiny, store, out, *more):
    return ["train", "--recipe", str(tiny), "--data", str(store), "--out", str(out), "--device", "cpu", *more]


def begin(arguments, *launcher):
    """The command in a process of its own, with one thread as in these tests."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", *(launcher or ("synth.cli",)), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def wait_for_checkpoint(process, out):
    deadline = time.monotonic() + 240
    while latest_checkpoint(out) is None:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(out):
    return read_checkpoint(latest_checkpoint(out))


def test_a_run_that_was_killed_goes_on_to_the_same_weights(tiny, store, tmp_path, capsys):
    long = ["--steps", "2000", "--set", "run.checkpoint_every=7", "--progress", "none"]
    process = begin(words(tiny, store, tmp_path / "killed", *long))
    wait_for_checkpoint(process, tmp_path / "killed")
    time.sleep(random.random() / 5)  # any moment will do: nothing hangs on which
    process.send_signal(signal.SIGKILL)
    process.communicate()
    reached = state_of(tmp_path / "killed").step
    assert reached < 2000
    total = ["--steps", str(reached + 10), "--progress", "none"]
    assert synth_main(words(tiny, store, tmp_path / "killed", "--resume", "require", *total)) == 0
    assert synth_main(words(tiny, store, tmp_path / "whole", *total)) == 0
    assert_same_state(state_of(tmp_path / "killed"), state_of(tmp_path / "whole"))
    assert f"trained {reached + 10:,} steps" in capsys.readouterr().out


def test_an_interrupted_run_writes_a_checkpoint_and_says_how_to_go_on(tiny, store, tmp_path, capsys):
    out = tmp_path / "run"

    def interrupt():
        while latest_checkpoint(out) is None:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    Thread(target=interrupt, daemon=True).start()
    more = ["--steps", "100000", "--resume", "never", "--progress", "plain"]
    assert synth_main(words(tiny, store, out, *more)) == 130
    printed, told = capsys.readouterr()
    assert printed == ""
    assert "lift: 2,592 parameters on cpu, 79 samples, 10 to validate on; 100,000 steps of 16" in told
    assert f"interrupted after {state_of(out).step:,} steps. To go on:\n  synth train --recipe" in told
    assert "--resume" not in told.rpartition("To go on:")[2]


def test_two_processes_train_as_one(store, tmp_path):
    one, two = tmp_path / "one.pt", tmp_path / "two.pt"
    launcher = ("torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d")
    endpoint = ("--rdzv-endpoint", "localhost:0")
    process = begin([two_processes_train.__file__, str(store), str(two)], *launcher, *endpoint)
    two_processes_train.main(str(store), str(one))
    told = process.communicate(timeout=240)[1]
    assert process.returncode == 0, told
    alone, together = (torch.load(path, weights_only=True) for path in (one, two))
    assert alone.keys() == together.keys()
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], rtol=1e-4, atol=1e-6)
    assert (tmp_path / "run-0-two" / "metrics.json").is_file()
    assert not (tmp_path / "run-1-two").exists()  # the second process has written nothing


def test_mistakes_are_one_line(tiny, store, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    bad = tmp_path / "bad.toml"
    bad.write_text('[task]\nname = "lift"\nwidht = 2\n')
    refused = [
        (words("train-lift-bseline", store, out), 2, "did you mean train-lift-baseline"),
        (words(bad, store, out), 2, "bad.toml: unknown key task.widht; did you mean task.width"),
        (words(tiny, store, out, "--set", "optimiser.rte=1"), 2, "unknown key optimiser.rte"),
        (words(tiny, store, out, "--steps", "0"), 2, "run.steps = '0'"),
        (words(tiny, f"{store}:-1", out), 2, "weight -1.0 of .*: expected a positive number"),
        (words(tiny, tmp_path / "no.zarr", out), 5, "no.zarr"),
        (words(tiny, store, out, "--val", str(tmp_path / "no.zarr")), 5, "no.zarr"),
        (words(tiny, store, out, "--resume", "require"), 2, "no run in"),
        (words(tiny, store, tiny), 2, "tiny.toml is a file; choose another --out"),
        (words(tiny, store, out, "--set", 'task.network="sspnet"'), 2, "task.network = 'sspnet'"),
        (words(tiny, store, out, "--stps", "3"), 2, "unknown option --stps; did you mean --steps"),
    ]
    for arguments, code, pattern in refused:
        assert_refused(synth_main, arguments, code, pattern, capsys)
    if not torch.cuda.is_available():
        assert_refused(
            synth_main, [*words(tiny, store, out), "--device", "cuda"], 2, "has 0 CUDA devices", capsys
        )
    monkeypatch.setattr(train_command, "find_spec", lambda name: None if name == "torch" else object())
    pattern = (
        r"training needs torch, which is not installed: in the program's folder, pip install '\.\[train\]'"
    )
    assert_refused(synth_main, words(tiny, store, out), 2, pattern, capsys)
    assert not out.exists()


def test_keys_of_a_task_are_listed_with_defaults(capsys):
    with pytest.raises(SystemExit) as caught:
        synth_main(["train", "--keys", "lift"])
    assert caught.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("task.width ") and line.endswith("(default 1.0)") for line in lines)
    assert any(line.startswith("optimiser.rate ") and "learning rate" in line for line in lines)
    assert any("fp32|bf16|fp16: " in line for line in lines if line.startswith("run.precision "))
    assert_refused(synth_main, ["train", "--keys", "lft"], 2, "did you mean lift", capsys)


def test_recipes_of_training_are_listed(capsys):
    assert synth_main(["recipes"]) == 0
    assert "\ntrain-lift-gan " in capsys.readouterr().out
