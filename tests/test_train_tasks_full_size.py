"""Every network of pictures in the paper's own size, as its recipe makes it: a step, and a checkpoint's bytes."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest
from nets_samples import torch, unreached
from people_samples import batch_of, class_means, people

from synth.labels.targets import mean_torso_lengths
from synth.train.recipe import recipe_model
from synth.train.tasks import task_classes

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
PARAMETERS = {
    "classify-alexnet": 61_100_840 - 997 * 4097,
    "classify-vgg16": 138_357_544 - 997 * 4097,
    "regress-holistic": 61_100_840 - 935 * 4097,
    "skeleton-maps": None,
    "map-regressor": 25_557_032 + 3 * 64 * 49 - 955 * 2049,
    "sspnet": None,
    "joint2d3d": None,
}
"""torchvision's counts, with another last layer; None where a paper states no count."""


def made(name):
    document = tomllib.loads((RECIPES / f"train-{name}.toml").read_text(encoding="utf-8"))
    task = document["task"]["name"]
    recipe = recipe_model(task).model_validate_json(json.dumps(document), strict=True)
    means3d, means2d, counts = class_means()
    arrays = people(2)
    constants = {
        "means3d": means3d,
        "means2d": means2d,
        "counts": counts,
        "turned": counts[0] > 0,
        "torso_lengths": mean_torso_lengths(arrays["joints3d"]),
    }
    batch = batch_of({**arrays, "classes-5000/pose_class": counts[:2] % 2})
    torch.manual_seed(0)
    return task_classes(task)[0](recipe.task, constants), batch


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_step_of_the_recipe_s_network_reaches_all_parameters(name):
    task, batch = made(name)
    count = sum(parameter.numel() for parameter in task.network.parameters())
    assert PARAMETERS[name] in (count, None)
    loss = task.losses(task.tensors(batch, 0), task.updates[0].name)["loss"]
    assert loss.isfinite()
    assert unreached(task.network, loss) == []
    for parameter in task.network.parameters():
        parameter.grad = None
    file = io.BytesIO()
    state = task.network.state_dict()
    torch.save(state, file)
    file.seek(0)
    again = torch.load(file, weights_only=True)
    assert all(torch.equal(value, again[key]) for key, value in state.items())
