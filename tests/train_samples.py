"""What the tests of training share: a recipe of a tiny lifter, a store of poses, and runs on them. Needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pose_samples
import pytest
from nets_samples import torch

pytest.importorskip("tensorboard", reason="tensorboard is not installed (extra `train`)")
pytest.importorskip("matplotlib", reason="matplotlib is not installed (extra `train`)")

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from synth.train.checkpoint import Checkpoint, latest_checkpoint, read_checkpoint
from synth.train.distributed import Place
from synth.train.loop import Listener, Trainer
from synth.train.recipe import TrainRecipe, recipe_model
from synth.train.setup import StorePart, set_up

RECIPE: dict[str, dict[str, Any]] = {
    "task": {"name": "lift", "network": "baseline", "width": 1 / 64, "dropout": 0.2},
    "data": {"batch_size": 16},
    "optimiser": {"name": "adam", "rate": 1e-3},
    "run": {"steps": 20, "checkpoint_every": 8, "validate_every": 10, "log_every": 5, "threads": 1},
}


def recipe(**changes: Any) -> TrainRecipe:
    """The tiny recipe with other values: ``recipe(run__steps=5)``."""
    document: dict[str, dict[str, Any]] = {table: dict(values) for table, values in RECIPE.items()}
    for name, value in changes.items():
        table, _, key = name.partition("__")
        document.setdefault(table, {})[key] = value
    return recipe_model(document["task"]["name"]).model_validate(document)


def make_store(folder: Path, n: int = 100) -> Path:
    """Store of `n` poses in shards of 25, all splits."""
    return pose_samples.make_store(folder / "poses.zarr", n, shard_size=25)


def trainer_of(
    store: Path, out: Path, of: TrainRecipe, resume: Any = "auto", place: Place | None = None
) -> Trainer:
    """A run on the store, not begun."""
    setting = set_up(of, [StorePart(store)], [], out, resume)
    return Trainer(setting, place or Place(torch.device("cpu")))


def train(store: Path, out: Path, of: TrainRecipe, listener: Listener | None = None) -> Checkpoint:
    """Train, and the newest checkpoint of the run."""
    trainer_of(store, out, of).run(listener or Listener())
    path = latest_checkpoint(out)
    assert path is not None
    return read_checkpoint(path)


def board_of(out: Path) -> EventAccumulator:
    """All that TensorBoard shows of a run."""
    return EventAccumulator(str(out / "tensorboard"), size_guidance={"images": 0, "scalars": 0}).Reload()


def assert_same_state(first: Checkpoint, second: Checkpoint) -> None:
    """Two checkpoints hold the same steps, weights and state of the optimisers, bit by bit."""
    assert first.step == second.step
    assert first.network.keys() == second.network.keys()
    for name in first.network:
        assert torch.equal(first.network[name], second.network[name]), name
    for update in first.optimisers:
        states = [each.optimisers[update]["state"] for each in (first, second)]
        for number, values in states[0].items():
            for key, value in values.items():
                assert torch.equal(value, states[1][number][key]), (update, number, key)
    assert first.schedule == second.schedule
