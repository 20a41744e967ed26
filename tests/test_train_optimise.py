"""Learning rates by hand, optimisers of parts of a network, seeds of steps."""

from __future__ import annotations

import pytest
from nets_samples import torch

from synth.errors import InputError
from synth.train.optimise import Schedule, deterministic, make_optimisers, precision_of, seed_step
from synth.train.recipe import OptimiserTable, RunTable, ScheduleTable
from synth.train.task import Update

CPU = torch.device("cpu")


def schedule(**table):
    return Schedule(ScheduleTable(**table), 0.8)


def test_exponential_falls_smoothly_and_steps_in_stairs():
    smooth = schedule(name="exponential", factor=0.25, every=100)
    assert [smooth.at(step, 0.0) for step in (0, 50, 100)] == pytest.approx([0.8, 0.4, 0.2])
    stairs = schedule(name="steps", factor=0.5, every=4)
    assert [stairs.at(0, epoch) for epoch in (0, 3.99, 4.0, 8.5)] == pytest.approx([0.8, 0.8, 0.4, 0.2])
    assert schedule().at(10**6, 100) == 0.8


def test_a_plateau_waits_and_is_restored():
    falling = schedule(name="plateau", factor=0.1, patience=2)
    for loss in (5.0, 4.0, 4.0, 4.5):
        assert falling.at(0, 0) == pytest.approx(0.8)
        falling.validated(loss)
    assert falling.at(0, 0) == pytest.approx(0.08)
    falling.validated(6.0)
    again = schedule(name="plateau", factor=0.1, patience=2)
    again.restore(falling.state())
    again.validated(4.1)
    assert again.at(0, 0) == pytest.approx(0.008)


def test_an_optimiser_changes_only_its_part():
    network = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 1), "b": torch.nn.Linear(2, 1)})
    before = {name: value.clone() for name, value in network.state_dict().items()}
    table = OptimiserTable(name="sgd", rate=123.0)
    first, second = make_optimisers(network, (Update("a", "a."), Update("b", "b.")), table)
    scaler = precision_of(RunTable(steps=1), CPU).scaler
    x = torch.ones(1, 2)
    first.step((network["a"](x) + network["b"](x)).sum(), 0.5, scaler)
    after = network.state_dict()
    # d/dw of a(x) is x = 1, times the rate of 0.5 that was asked for
    torch.testing.assert_close(after["a.weight"], before["a.weight"] - 0.5)
    assert torch.equal(after["b.weight"], before["b.weight"])
    assert [len(each.parameters) for each in (first, second)] == [2, 2]
    with pytest.raises(InputError, match="'c' has no parameter whose name starts with 'c\\.'"):
        make_optimisers(network, (Update("c", "c."),), table)


def test_gradients_are_clipped():
    layer = torch.nn.Linear(4, 1, bias=False)
    before = layer.weight.clone()
    (only,) = make_optimisers(layer, (Update(),), OptimiserTable(name="sgd", clip=1.0))
    only.step(layer(100 * torch.ones(1, 4)).sum(), 1.0, precision_of(RunTable(steps=1), CPU).scaler)
    # a gradient of (100, 100, 100, 100) has a norm of 200
    torch.testing.assert_close(layer.weight, before - 0.5, atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adamw"])
def test_every_method_takes_a_step_downhill(name):
    layer = torch.nn.Linear(1, 1, bias=False)
    (only,) = make_optimisers(layer, (Update(),), OptimiserTable(name=name))
    before = layer.weight.item()
    only.step(layer(torch.ones(1, 1)).sum(), 0.01, precision_of(RunTable(steps=1), CPU).scaler)
    assert layer.weight.item() < before


def test_random_numbers_of_a_step_hang_on_seed_step_and_rank():
    def drawn(*key):
        seed_step(*key)
        return torch.rand(4).tolist()

    assert drawn(1, 2, 0) == drawn(1, 2, 0)
    assert len({tuple(drawn(*key)) for key in ((1, 2, 0), (2, 2, 0), (1, 3, 0), (1, 2, 1))}) == 4


def test_losses_are_computed_in_the_precision_asked_for():
    x = torch.ones(2, 2)
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        with precision_of(RunTable(steps=1, precision=name), CPU).autocast():
            assert (x @ x).dtype == dtype
    assert precision_of(RunTable(steps=1, precision="fp16"), CPU).scaler.is_enabled()


def test_deterministic_mode_is_left_as_it_was():
    with deterministic(True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()
