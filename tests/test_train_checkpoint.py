"""Checkpoints: whole or not there, read without running code, opened as a network."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from train_samples import make_store, recipe, torch, train

from synth.errors import InputError
from synth.store import files
from synth.store.batches import open_source, read_batch
from synth.train import checkpoint
from synth.train.checkpoint import (
    best_checkpoint,
    latest_checkpoint,
    load_task,
    open_task,
    read_checkpoint,
    write_checkpoint,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    train(make_store(folder), folder / "run", recipe())
    return folder / "run"


def test_the_newest_and_the_best_stay(run):
    names = sorted(path.name for path in (run / "checkpoints").iterdir())
    assert names == ["000000016.pt", "000000020.pt", "best.pt"]
    assert latest_checkpoint(run).name == "000000020.pt"
    validations = [row for row in read_checkpoint(latest_checkpoint(run)).history if "validation" in row]
    assert [row["step"] for row in validations] == [10, 20]
    best = min(validations, key=lambda row: row["validation"]["losses"]["loss"])
    assert read_checkpoint(best_checkpoint(run)).step == best["step"]


def test_a_run_opens_as_a_network_that_says_what_its_checkpoint_says(run):
    opened = open_task(run)
    assert (opened.name, opened.recipe.task.width, opened.checkpoint.step) == ("lift", 1 / 64, 20)
    assert not opened.task.network.training
    store = run.parent / "poses.zarr"
    source = open_source(store, opened.task.arrays, split="test")
    arrays = read_batch([source], opened.task.arrays, np.zeros(len(source), np.int32), source.ids)
    solid = arrays["joints3d"] - arrays["joints3d"][:, :1]
    moments = opened.checkpoint.constants
    train_split = open_source(store, opened.task.arrays, split="train")
    of_train = read_batch(
        [train_split], opened.task.arrays, np.zeros(len(train_split), np.int32), train_split.ids
    )["joints3d"]
    mean = (of_train - of_train[:, :1]).mean(axis=0)[1:]
    np.testing.assert_allclose(moments["joints3d_mean"].numpy(), mean, atol=1e-6)
    assert solid.shape[1:] == (17, 3)
    same = load_task(latest_checkpoint(run)).network.state_dict()
    assert all(torch.equal(value, same[name]) for name, value in opened.task.network.state_dict().items())


def test_a_crash_while_writing_leaves_the_one_before(run, tmp_path, monkeypatch):
    state = read_checkpoint(latest_checkpoint(run))
    write_checkpoint(tmp_path, state, keep=2, best=True)

    def crash(*_):
        raise KeyboardInterrupt

    newer = checkpoint.Checkpoint(**{**vars(state), "step": 30})
    monkeypatch.setattr(files.os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        write_checkpoint(tmp_path, newer, keep=1, best=False)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()].count("000000020.pt") == 1
    assert read_checkpoint(latest_checkpoint(tmp_path)).step == 20
    write_checkpoint(tmp_path, newer, keep=1, best=False)
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("*.pt")) == [
        "000000030.pt",
        "best.pt",
    ]


def test_what_is_no_checkpoint_is_refused_in_one_line(run, tmp_path):
    whole = latest_checkpoint(run).read_bytes()
    cases = {
        "cut.pt": whole[: len(whole) // 2],
        "text.pt": b"weights",
        "code.pt": pickle.dumps(print),
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(InputError, match=f"{name} cannot be read as a checkpoint") as caught:
            read_checkpoint(tmp_path / name)
        assert "\n" not in str(caught.value)
    torch.save({"weights": 3}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="is no checkpoint of this program"):
        read_checkpoint(tmp_path / "other.pt")
    content = torch.load(latest_checkpoint(run), weights_only=True)
    torch.save({**content, "format_version": 99}, tmp_path / "newer.pt")
    with pytest.raises(InputError, match="newer version of this program"):
        read_checkpoint(tmp_path / "newer.pt")
    with pytest.raises(InputError, match="has no checkpoint; give the folder of a run"):
        open_task(tmp_path / "nothing")
    narrower = {**content["recipe"], "task": {**content["recipe"]["task"], "width": 1 / 32}}
    torch.save({**content, "recipe": narrower}, tmp_path / "wide.pt")
    with pytest.raises(InputError, match="of another version of task lift"):
        open_task(tmp_path / "wide.pt")
