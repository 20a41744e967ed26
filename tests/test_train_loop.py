"""The loop: learning, resuming to the same bits, stopping, going astray, number formats, what a run leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from pose_samples import make_store as make_poses
from train_samples import assert_same_state, board_of, make_store, recipe, torch, train, trainer_of

from synth.errors import InputError
from synth.store.files import temporary_path
from synth.train.distributed import Place
from synth.train.loop import Listener
from synth.train.setup import StorePart, set_up


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def whole(store, tmp_path_factory):
    """A run of the GAN that nothing interrupted, and its folder."""
    out = tmp_path_factory.mktemp("whole")
    return train(store, out, recipe(task__network="gan", task__noise=2.0)), out


def stop_after(steps):
    """Listener that asks to stop after some steps."""
    done = []
    return Listener(advance=done.append, stop=lambda: len(done) >= steps)


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(store, whole, tmp_path):
    made = recipe(task__network="gan", task__noise=2.0)
    stopped = train(store, tmp_path, made, stop_after(7))
    assert stopped.step == 7
    again = train(store, tmp_path, made, stop_after(6))  # in another epoch: one has four batches
    assert (again.step, again.epoch, again.batch) == (13, 3, 1)
    assert_same_state(train(store, tmp_path, made), whole[0])


def test_a_longer_run_goes_on_from_a_finished_one(store, whole, tmp_path):
    train(store, tmp_path, recipe(task__network="gan", task__noise=2.0, run__steps=9))
    made = recipe(task__network="gan", task__noise=2.0)
    assert_same_state(train(store, tmp_path, made), whole[0])
    assert trainer_of(store, tmp_path, made).run(Listener())  # nothing is left to do
    other = train(store, tmp_path / "other", recipe(task__network="gan", task__noise=2.0, run__seed=1))
    assert not torch.equal(other.network["generator.last.weight"], whole[0].network["generator.last.weight"])


def test_updates_change_only_their_part(store, tmp_path):
    trainer = trainer_of(store, tmp_path, recipe(task__network="gan"))
    assert [each.update.name for each in trainer.optimisers] == ["generator", "discriminator"]
    names = dict(trainer.task.network.named_parameters())
    own = {id(p) for p in trainer.optimisers[1].parameters}
    assert own == {id(p) for name, p in names.items() if name.startswith("discriminator.")}


def test_a_run_leaves_measures_curves_and_scalars(whole):
    state, out = whole
    document = json.loads((out / "metrics.json").read_text())
    assert (document["task"], document["steps"]) == ("lift", 20)
    assert set(document["losses"]) == {"generator loss", "generator error", "discriminator loss"}
    assert document["validation"]["measures"]["mpjpe_mm"] > 0
    assert document["best"]["step"] in (10, 20)
    assert document["stores"][0]["seals"][""]
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [row["step"] for row in state.history if "losses" in row] == [5, 8, 10, 15, 16, 20]
    board = board_of(out)
    assert [event.step for event in board.Scalars("train/generator_loss")] == [5, 8, 10, 15, 16, 20]
    assert [event.step for event in board.Scalars("validation/mpjpe_mm")] == [10, 20]
    assert [event.step for event in board.Images("validation/poses")] == [10, 20]


def test_losses_fall(store, tmp_path):
    state = train(store, tmp_path, recipe(run__steps=60, task__width=1 / 16, optimiser__rate=5e-3))
    losses = [row["losses"]["loss"] for row in state.history if "losses" in row]
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_reduced_precision_runs_on_a_cpu(store, tmp_path, precision):
    state = train(store, tmp_path, recipe(run__precision=precision, run__steps=6, task__network="deepbase2"))
    assert state.step == 6
    assert all(value.dtype != torch.bfloat16 for value in state.network.values())
    assert (state.scaler != {}) == (precision == "fp16")


def test_a_loss_that_is_no_number_ends_a_run_in_one_line(store, tmp_path):
    with pytest.raises(InputError, match=r"went astray: loss is nan in one of the steps 1 to 5") as caught:
        train(store, tmp_path, recipe(optimiser__name="sgd", optimiser__rate=1e30))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("checkpoints/*.pt"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task__dropout": 0.3}, r"another recipe: task.dropout is 0.2 there, 0.3 now"),
        ({"run__seed": 4, "data__batch_size": 8}, r"data.batch_size is 16 there, 8 now; run.seed is 0 there"),
    ],
)
def test_another_recipe_is_refused(store, tmp_path, change, message):
    train(store, tmp_path, recipe(run__steps=2))
    with pytest.raises(InputError, match=message):
        trainer_of(store, tmp_path, recipe(**change))


def test_other_stores_are_refused_and_moved_ones_are_not(store, tmp_path):
    out, made = tmp_path / "run", recipe(run__steps=2)
    train(store, out, made)
    moved = tmp_path / "moved.zarr"
    moved.symlink_to(store)
    assert set_up(made, [StorePart(moved)], [], out, "require").start.step == 2
    other = make_poses(tmp_path / "other.zarr", 60, 20)
    for parts, message in (
        ([StorePart(other)], "another store than .*other.zarr .*the seals differ"),
        ([StorePart(store, 0.5)], "begun with weight 1 of .*, not 0.5"),
        ([StorePart(store), StorePart(other)], "begun with 1 stores, not 2"),
    ):
        with pytest.raises(InputError, match=message):
            set_up(made, parts, [], out, "auto")


def test_what_a_killed_process_left_is_removed(store, tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / "checkpoints").mkdir()
    left = temporary_path(tmp_path / "checkpoints" / "000000008.pt")
    left = left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{gone.pid}-"))
    left.write_bytes(b"half")
    train(store, tmp_path, recipe(run__steps=2))
    assert sorted(path.name for path in left.parent.iterdir()) == ["000000002.pt", "best.pt"]


def test_what_resume_asks_for(store, tmp_path):
    made = recipe(run__steps=2)
    with pytest.raises(InputError, match=r"no run in .* to resume"):
        set_up(made, [StorePart(store)], [], tmp_path / "run", "require")
    train(store, tmp_path / "run", made)
    with pytest.raises(InputError, match="holds a run; choose another --out"):
        set_up(made, [StorePart(store)], [], tmp_path / "run", "never")


def test_batches_that_cannot_be_made_are_refused(store, tmp_path):
    with pytest.raises(InputError, match="do not fill a batch of 1000"):
        trainer_of(store, tmp_path, recipe(data__batch_size=1000))
    with pytest.raises(InputError, match="cannot be shared evenly by 3 processes"):
        trainer_of(store, tmp_path, recipe(), place=Place(torch.device("cpu"), 0, 3))


def test_stores_without_held_out_samples_are_trained_on_without_validation(tmp_path):
    few = make_poses(tmp_path / "few.zarr", 8, 8)  # ids 0 to 7 are all of the train split
    state = train(few, tmp_path / "run", recipe(data__batch_size=7, run__steps=3))
    assert not any("validation" in row for row in state.history)
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["best"] == {}
    with pytest.raises(InputError, match="plateau goes by the validation loss, and no store has a val split"):
        trainer_of(few, tmp_path / "other", recipe(data__batch_size=7, schedule__name="plateau"))


def test_scalars_are_on_disk_with_the_checkpoint_that_is_gone_on_from(store, tmp_path):
    train(store, tmp_path, recipe(), stop_after(11))
    train(store, tmp_path, recipe())
    board = board_of(tmp_path)
    assert [event.step for event in board.Scalars("train/loss")] == [5, 8, 10, 11, 15, 16, 20]
