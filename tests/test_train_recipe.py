"""Recipes of training: tables, overrides, and one line for every mistake."""

from __future__ import annotations

import re

import pytest
from nets_samples import torch  # noqa: F401

from pipelines.recipe_files import packaged_recipes
from pipelines.train_command import parse_store, train_recipe
from synth.errors import InputError
from synth.train.recipe import RunTable, recipe_model
from synth.train.tasks import task_classes

LIFT = '[task]\nname = "lift"\n'


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    return str(path)


def read(tmp_path, text, *settings, **run):
    return train_recipe(written(tmp_path, text), settings, run)


def test_packaged_recipes_of_training_are_valid():
    found = {name: train_recipe(name, [], {}) for name in packaged_recipes() if name.startswith("train-")}
    assert {f"train-lift-{network}" for network in ("baseline", "deepbase1", "deepbase2", "gan")} <= set(
        found
    )
    for name in found:
        assert packaged_recipes()[name].read_text().startswith("# "), name
    baseline, gan = found["train-lift-baseline"], found["train-lift-gan"]
    assert baseline.task_name == "lift"
    # Seth: Adam 1e-3, x0.96 every 1e5 steps, batches of 64 for 200 epochs; the GAN's of 512 for 300
    assert (baseline.optimiser.name, baseline.optimiser.rate) == ("adam", 1e-3)
    assert (baseline.schedule.name, baseline.schedule.factor, baseline.schedule.every) == (
        "exponential",
        0.96,
        1e5,
    )
    assert (baseline.data.batch_size, baseline.run.epochs) == (64, 200)
    assert (gan.data.batch_size, gan.run.epochs, gan.task.adversarial_weight) == (512, 300, 0.01)


def test_settings_replace_values_of_any_table(tmp_path):
    made = read(
        tmp_path,
        LIFT + '[schedule]\nname = "steps"\nevery = 2\n[run]\nepochs = 3\n',
        "task.width=0.25",
        "task.network=gan",
        'optimiser.name="sgd"',
        "optimiser.momentum=0.9",
        "data.augment=false",
        steps="20",
        seed="7",
    )
    assert (made.task.width, made.task.network, made.data.augment) == (0.25, "gan", False)
    assert (made.optimiser.name, made.optimiser.momentum) == ("sgd", 0.9)
    assert (made.run.steps, made.run.epochs, made.run.seed) == (20, None, 7)
    assert read(tmp_path, LIFT + "[run]\nsteps = 9\n", "run.epochs=1.5").run.steps is None


@pytest.mark.parametrize(
    ("text", "settings", "parts"),
    [
        ("[data]\nbatch_size = 4\n", (), ("mine.toml", "[task]", "name")),
        ('[task]\nname = "lifd"\n', (), ("no task 'lifd'", "did you mean lift?")),
        (LIFT + "widht = 1.0\n", (), ("mine.toml", "task.widht", "did you mean task.width?")),
        (LIFT + "width = -1.0\n", (), ("mine.toml", "task.width = -1.0")),
        (LIFT + '[optimiser]\nrate = "fast"\n', (), ("optimiser.rate = 'fast'", "number")),
        (LIFT + '[optimiser]\nname = "lion"\n', (), ("optimiser.name = 'lion'", "'adamw'")),
        (LIFT + "[optimiser]\nmomentum = 0.9\n", (), ("optimiser.momentum", "sgd and rmsprop")),
        (LIFT + '[schedule]\nname = "steps"\n', (), ("needs schedule.every",)),
        (LIFT + "[schedule]\nevery = 3\n", (), ("takes no schedule.every",)),
        (LIFT + "[run]\nseed = 1\n", (), ("either run.epochs or run.steps",)),
        (LIFT, ("task.width",), ("--set 'task.width'", "TABLE.KEY=VALUE")),
        (LIFT, ("width=1",), ("TABLE.KEY=VALUE",)),
        (LIFT, ("task.width=wide",), ("task.width = 'wide'",)),
        (LIFT, ("optimizer.rate=1",), ("unknown key optimizer", "optimiser")),
        (LIFT, ("task.name=classify",), ("task.name = 'classify'", "'lift'")),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(tmp_path, text, settings, parts):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, *settings)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_stores_have_weights(tmp_path):
    assert (str(parse_store("a.zarr").path), parse_store("a.zarr").weight) == ("a.zarr", 1.0)
    assert (str(parse_store("x/a.zarr:0.5").path), parse_store("x/a.zarr:0.5").weight) == ("x/a.zarr", 0.5)
    (tmp_path / "odd:1").mkdir()
    assert parse_store(str(tmp_path / "odd:1")).weight == 1.0
    with pytest.raises(InputError, match=re.escape("--data a.zarr:half: 'half' is no weight")):
        parse_store("a.zarr:half")


def test_recipes_are_frozen_and_know_what_decides_weights():
    made = recipe_model("lift").model_validate({"run": {"steps": 3}})
    with pytest.raises(ValueError, match="frozen"):
        made.run.steps = 4
    longer = made.model_copy(update={"run": RunTable(steps=8, keep=5, device="cpu")})
    assert made.deciding() == longer.deciding()
    seeded = made.model_copy(update={"run": RunTable(steps=3, seed=1)})
    assert made.deciding() != seeded.deciding()


def test_steps_of_epochs():
    assert RunTable(epochs=1.5).total_steps(7) == 10
    assert RunTable(epochs=0.01).total_steps(7) == 1
    assert RunTable(steps=5).total_steps(7) == 5


def test_every_task_is_found_by_its_name():
    task, options = task_classes("lift")
    assert (task.__name__, options.__name__) == ("LiftTask", "LiftOptions")
    with pytest.raises(InputError, match="did you mean sspnet"):
        task_classes("sspnt")
