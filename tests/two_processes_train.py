"""Script of a test: train a tiny network alone or with others, and save its weights.

The network has no batch normalisation and no dropout, so that the weights don't hang on how a batch is shared out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import patch

from pydantic import create_model
from train_samples import recipe, torch

from synth.metrics.estimates import Estimates
from synth.skeletons import H36M17
from synth.store.batches import Batch
from synth.train import setup
from synth.train.distributed import joined
from synth.train.loop import Listener, Trainer
from synth.train.setup import StorePart, set_up
from synth.train.task import Task, Update


class TwoLayers(Task):
    """Estimates 3D joints by two layers, each updated by itself."""

    updates = (Update("first", "0."), Update("second", "2."))

    def __init__(self, options, constants):
        self.network = torch.nn.Sequential(torch.nn.Linear(34, 8), torch.nn.Tanh(), torch.nn.Linear(8, 51))

    @classmethod
    def measure(cls, options, sources):
        return {}

    @property
    def arrays(self):
        return ("joints2d", "joints3d")

    def tensors(self, batch: Batch, augment_seed):
        flat = torch.from_numpy(batch.arrays["joints2d"]).flatten(1) / 220.0
        return {"flat": flat, "solid": torch.from_numpy(batch.arrays["joints3d"]).flatten(1)}

    def losses(self, tensors, update):
        return {"loss": torch.nn.functional.mse_loss(self.network(tensors["flat"]), tensors["solid"])}

    def estimate(self, tensors):
        return Estimates(H36M17, joints3d=self.network(tensors["flat"]).reshape(-1, 17, 3).numpy())


def main(store: str, out: str) -> None:
    made = recipe(optimiser__name="sgd", optimiser__rate=0.05, run__steps=12)
    options = create_model("Options", __base__=type(made.task))
    rank = os.environ.get("RANK", "0")
    with (
        patch.object(setup, "task_classes", lambda name: (TwoLayers, options)),
        joined("cpu") as place,
    ):
        folder = Path(out).with_name(f"run-{rank}-{Path(out).stem}")
        setting = set_up(made, [StorePart(Path(store))], [], folder, "auto")
        trainer = Trainer(setting, place)
        assert trainer.run(Listener())
        if place.first:
            torch.save(setting.task.network.state_dict(), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
