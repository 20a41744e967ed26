"""Every packaged recipe of training, narrow, on a sealed store: train, go on, evaluate."""

from __future__ import annotations

import json

import pytest
from people_samples import make_people_store
from train_samples import torch

from pipelines.recipe_files import packaged_recipes
from synth.cli import main as synth_main
from synth.train.checkpoint import latest_checkpoint, read_checkpoint

PICTURES = ("task.width=0.0625", "task.side=64")
NARROW = {
    "train-lift": ("task.width=0.015625",),
    "train-classify": (*PICTURES, "task.classes=classes-3"),
    "train-regress": PICTURES,
    "train-skeleton": PICTURES,
    "train-map": PICTURES,
    "train-sspnet": (*PICTURES, "task.pyramids=2", "task.levels=2"),
    "train-joint2d3d": (*PICTURES, "task.side=63"),
}
RECIPES = [name for name in packaged_recipes() if name.startswith("train-")]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_people_store(tmp_path_factory.mktemp("people") / "people.zarr", count=10, held_out=2)


@pytest.mark.parametrize("name", RECIPES)
def test_training_resuming_and_evaluating(name, store, tmp_path, capsys):
    run = tmp_path / "run"
    (narrow,) = (settings for kind, settings in NARROW.items() if name.startswith(kind))
    settings = [
        word
        for setting in (*narrow, "data.batch_size=4", "run.validate_every=10")
        for word in ("--set", setting)
    ]
    words = ["train", "--recipe", name, "--data", str(store), "--out", str(run), *settings]
    words += ["--device", "cpu", "--threads", "1", "--progress", "none"]
    assert synth_main([*words, "--steps", "12"]) == 0
    first = read_checkpoint(latest_checkpoint(run))
    assert synth_main([*words, "--steps", "20", "--resume", "require"]) == 0
    last = read_checkpoint(latest_checkpoint(run))
    assert (first.step, last.step) == (12, 20)
    moved = [key for key, value in last.network.items() if not torch.equal(value, first.network[key])]
    assert len(moved) > len(last.network) / 2
    assert (run / "metrics.json").is_file()
    out = tmp_path / "evaluation"
    evaluate = ["evaluate", str(run), "--data", str(store), "--split", "val", "--out", str(out)]
    assert synth_main([*evaluate, "--progress", "none"]) == 0, capsys.readouterr().err
    assert json.loads((out / "evaluation.json").read_text())
