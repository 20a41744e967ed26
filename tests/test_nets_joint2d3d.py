"""Park et al.'s network: its sizes, its loss joint by joint, averaging and scale, learning."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from nets_samples import draws, overfit, saved_and_loaded, settle, torch, unreached

from synth.errors import InputError
from synth.labels.targets import (
    joints_of_soft_grid,
    mean_torso_lengths,
    multi_root_targets,
    soft_grid_labels,
)
from synth.nets.joint2d3d import Joint2d3d, JointOutput, cell_probabilities, estimate_poses, joint_loss
from synth.skeletons import H36M17


def small_network(**options):
    return Joint2d3d(grid=4, width=1 / 8, side=63, **options)


def test_sizes_of_a_225_pixel_picture():
    with torch.device("meta"):
        network = Joint2d3d(width=1 / 16)
        sides = []
        for layer in network.convolutions:
            layer.register_forward_hook(lambda _m, _i, output: sides.append(output.shape[-1]))
        output = network(torch.empty(2, 3, 225, 225))
    # those of ZF-net
    assert sides == [110, 55, 26, 13, 13, 13, 13, 6]
    assert output.logits.shape == (2, 17, 16, 16)
    assert output.offsets.shape == (2, 6, 17, 3)
    assert network.takes.frame == 250
    with pytest.raises(InputError, match="too small"):
        Joint2d3d(side=54)


def test_a_root_is_at_its_own_place():
    network = small_network().eval()
    offsets = network(draws(2, 3, 63, 63)).offsets
    roots = H36M17.indices(("pelvis", "thorax", "right_knee", "left_knee", "right_elbow", "left_elbow"))
    for number, root in enumerate(roots):
        own = offsets[:, number]
        assert not own[:, root].any()
        assert own[:, np.arange(17) != root].abs().min() > 0


def test_the_3d_stream_sees_the_2d_probabilities():
    network = small_network().eval()
    pictures = draws(1, 3, 63, 63)
    before = network(pictures).offsets
    with torch.no_grad():
        network.flat[1].bias += draws(len(network.flat[1].bias)) * 3
    assert not torch.allclose(network(pictures).offsets, before)


def test_the_loss_is_that_of_equations_3_to_6():
    generator = np.random.default_rng(0)
    logits, offsets, truth = (
        generator.standard_normal(s) for s in ((2, 17, 4, 4), (2, 6, 17, 3), (2, 6, 17, 3))
    )
    cells = soft_grid_labels(generator.uniform(0, 40, (2, 17, 2)), 40, grid=4).astype(float)
    cells[1, 4] = 0  # not labelled
    total = 0.0
    for n in range(2):
        for j in range(17):
            p = np.exp(logits[n, j]) / np.exp(logits[n, j]).sum()
            total += 0.1 * -(cells[n, j] * np.log(p)).sum()
            for r in range(6):
                total += 0.5 * np.linalg.norm(offsets[n, r, j] - truth[n, r, j]) ** 2
    output = JointOutput(torch.from_numpy(logits), torch.from_numpy(offsets))
    rest = torch.from_numpy(cells).float(), torch.from_numpy(truth).float()
    assert joint_loss(output, *rest).item() == pytest.approx(total / 2, rel=1e-5)
    # a person without 3D joints
    truth[0] = np.nan
    alone = joint_loss(output, rest[0], torch.from_numpy(truth).float(), flat_weight=0.0).item()
    assert alone == pytest.approx(0.5 * ((offsets[1] - truth[1]) ** 2).sum() / 2, rel=1e-5)


def test_poses_are_centred_averaged_and_brought_to_the_torso_s_length():
    poses = random_poses(0, 1)
    lengths = mean_torso_lengths(poses)
    offsets = multi_root_targets(poses).offsets
    output = JointOutput(torch.zeros(1, 17, 4, 4), torch.from_numpy(offsets * 3))
    expected = poses - poses.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(estimate_poses(output, lengths), expected, atol=1e-6)


def targets_of(poses, generator):
    cells = torch.from_numpy(soft_grid_labels(generator.uniform(4, 59, (len(poses), 17, 2)), 63, grid=4))
    return cells, torch.from_numpy(multi_root_targets(poses).offsets)


def test_gradients_reach_every_parameter_and_checkpoints_hold_them():
    torch.manual_seed(0)
    network = small_network()
    pictures = draws(4, 3, 63, 63)
    cells, offsets = targets_of(random_poses(0, 4), np.random.default_rng(0))
    assert unreached(network, joint_loss(network(pictures), cells, offsets)) == []
    again = saved_and_loaded(network, small_network())
    assert torch.equal(again(pictures).offsets, network.eval()(pictures).offsets)


def test_a_narrow_network_learns_eight_people_by_heart():
    torch.manual_seed(0)
    network = small_network(dropout=0.0)
    poses, pictures = random_poses(0, 8), draws(8, 3, 63, 63)
    cells, offsets = targets_of(poses, np.random.default_rng(0))
    overfit(network, lambda: joint_loss(network(pictures), cells, offsets), 80, 1e-2)
    settle(network, lambda: network(pictures), passes=5)
    with torch.no_grad():
        output = network(pictures)
    lengths = np.array([mean_torso_lengths(pose[None]) for pose in poses])
    found = np.concatenate(
        [
            estimate_poses(JointOutput(output.logits[n : n + 1], output.offsets[n : n + 1]), lengths[n])
            for n in range(8)
        ]
    )
    wanted = poses - poses.mean(axis=1, keepdims=True)
    assert (
        np.linalg.norm(found - wanted, axis=-1).mean() < 0.12
    )  # metres; from their mean the poses are 0.29 away
    places = joints_of_soft_grid(cell_probabilities(output).numpy(), 63)
    best = joints_of_soft_grid(cells.numpy(), 63)
    assert np.linalg.norm(places - best, axis=-1).mean() < 1.5  # pixels of 63
