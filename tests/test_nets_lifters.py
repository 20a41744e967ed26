"""Lifters: layers, clipped weights, losses, the game of the GAN, and learning."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from nets_samples import draws, overfit, parameter_count, saved_and_loaded, settle, torch, unreached

from synth.labels.targets import destandardise, moments, root_relative, standardise
from synth.nets.lifters import (
    ClippedLinear,
    Discriminator,
    Lifted,
    baseline,
    deepbase1,
    deepbase2,
    discriminator_loss,
    generator_loss,
    lifting_loss,
)


def linear_layers(network):
    return [m for m in network.modules() if isinstance(m, torch.nn.Linear)]


@pytest.mark.parametrize(
    ("make", "layers", "count"),
    [(baseline, 6, 4_291_632), (deepbase1, 10, 8_498_224), (deepbase2, 11, 8_547_424)],
)
def test_layers_and_parameters_are_the_papers(make, layers, count):
    # 32 -> 1024, blocks of two 1024 -> 1024, 1024 -> 48; batch normalisation has two numbers a neuron
    hidden = layers - 2 - (make is deepbase2)
    by_hand = 32 * 1024 + 1024 + hidden * (1024**2 + 1024) + (hidden + 1) * 2 * 1024
    by_hand += (1 + (make is deepbase2)) * (1024 * 48 + 48)
    assert parameter_count(make) == by_hand == count
    with torch.device("meta"):
        assert len(linear_layers(make())) == layers


def test_weights_act_with_a_norm_of_one_at_most():
    layer = ClippedLinear(3, 2)
    weight = torch.tensor([[3.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
    x = draws(5, 3)
    for scale, norm in ((1.0, 5.0), (0.1, 1.0)):
        with torch.no_grad():
            layer.weight.copy_(scale * weight)
        expected = x.numpy() @ (scale * weight.numpy().T) / norm + layer.bias.detach().numpy()
        np.testing.assert_allclose(layer(x).detach(), expected, atol=1e-6)


@pytest.mark.parametrize("make", [baseline, deepbase1, deepbase2])
def test_gradients_reach_every_parameter_and_checkpoints_hold_them(make):
    torch.manual_seed(0)
    network = make(width=1 / 16)
    assert network.takes.shape == (32,)
    joints, poses = draws(16, 32), draws(16, 48, seed=1)
    lifted = network(joints)
    assert lifted.pose.shape == (16, 48)
    assert (lifted.early is not None) == (make is deepbase2)
    assert unreached(network, lifting_loss(lifted, poses)) == []
    again = saved_and_loaded(network, make(width=1 / 16))
    assert torch.equal(again(joints).pose, network.eval()(joints).pose)


def test_the_early_pose_sees_half_of_the_blocks():
    network = deepbase2(width=1 / 32, dropout=0.0)
    network.zero_grad()
    network(draws(4, 32)).early.sum().backward()
    reached = [block[0][0].weight.grad is not None for block in network.blocks]
    assert reached == [True, True, False, False]
    assert network.last.weight.grad is None


def test_losses_by_hand():
    poses = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    pose, early = torch.tensor([[1.0, 0.0], [1.0, 3.0]]), torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    assert lifting_loss(Lifted(pose, None), poses).item() == pytest.approx(5 / 4)
    assert lifting_loss(Lifted(pose, early), poses, early_weight=0.5).item() == pytest.approx(5 / 4 + 0.5)
    logits = torch.tensor([0.0, np.log(3.0)])
    fooled = (np.log(2) + np.log(4 / 3)) / 2
    assert generator_loss(Lifted(pose, None), poses, logits).item() == pytest.approx(5 / 4 + 0.01 * fooled)
    told = (np.log(2) + np.log(4 / 3) + np.log(2) + np.log(4)) / 4
    assert discriminator_loss(logits, logits).item() == pytest.approx(told)


@pytest.mark.parametrize("make", [baseline, deepbase2])
def test_narrow_lifters_learn_poses_by_heart(make):
    torch.manual_seed(0)
    poses = random_poses(0, 12)
    flat, solid = root_relative(poses[..., :2]), root_relative(poses)
    of_flat, of_solid = moments(flat), moments(solid)
    joints = torch.from_numpy(standardise(flat, of_flat)).flatten(1)
    truth = torch.from_numpy(standardise(solid, of_solid)).flatten(1)
    network = make(width=1 / 16, dropout=0.0)
    overfit(network, lambda: lifting_loss(network(joints), truth), 100, 1e-2)
    settle(network, lambda: network(joints), passes=5)
    with torch.no_grad():
        estimate = destandardise(network(joints).pose.unflatten(1, (16, 3)).numpy(), of_solid)
    error = np.linalg.norm(estimate - solid, axis=-1).mean()
    assert error < 0.06  # metres; from their mean the poses are 0.28 away


def test_generator_and_discriminator_learn_against_each_other():
    torch.manual_seed(0)
    joints, poses = draws(32, 32), draws(32, 48, seed=1) * 0.5 + 1.0
    generator, critic = deepbase1(width=1 / 16, dropout=0.0), Discriminator(width=1 / 16, dropout=0.0)
    told = overfit(
        critic, lambda: discriminator_loss(critic(poses), critic(generator(joints).pose.detach())), 30
    )
    assert told[-1] < 0.5 * told[0]
    critic.train()
    lifted = generator(joints)
    before = generator_loss(lifted, poses, critic(lifted.pose))
    assert unreached(generator, before) == []

    def step():
        made = generator(joints)
        return generator_loss(made, poses, critic(made.pose), weight=1.0)

    losses = overfit(generator, step, 40, 1e-2)
    assert losses[-1] < 0.5 * losses[0]
    assert unreached(critic, discriminator_loss(critic(poses), critic(generator(joints).pose.detach()))) == []
