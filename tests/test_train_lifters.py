"""Task ``lift``: its moments, inputs, losses and estimates, and that each network learns."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import overfit, settle, torch, unreached
from pose_samples import make_store, poses
from store_samples import create, write_shard

from synth.errors import InputError
from synth.nets.lifters import discriminator_loss, generator_loss, lifting_loss
from synth.skeletons import H36M17
from synth.store.batches import Batch, open_source
from synth.store.seal import seal
from synth.train.tasks.lifters import LiftOptions, LiftTask

NETWORKS = ("baseline", "deepbase1", "deepbase2", "gan")


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    paths = [make_store(folder / "a.zarr", 60, 25), make_store(folder / "b.zarr", 30, 10)]
    return [open_source(path, ()) for path in paths]


@pytest.fixture(scope="module")
def constants(sources):
    return LiftTask.measure(LiftOptions(), sources)


def batch_of(ids, **changed):
    arrays = poses(np.asarray(ids))
    arrays = {name: np.array(arrays[name]) for name in ("joints2d", "joints3d")}
    return Batch(0, 0, np.zeros(len(ids), np.int32), np.asarray(ids), {**arrays, **changed})


def task_of(constants, **options):
    torch.manual_seed(0)
    return LiftTask(LiftOptions(**{"width": 1 / 16, "dropout": 0.0, **options}), constants)


def test_moments_are_those_of_all_training_samples_of_all_stores(sources, constants):
    ids = np.concatenate([source.ids for source in sources])
    assert 7 not in ids  # it failed
    assert len(ids) < 90  # val and test are left out
    for name, dims in (("joints2d", 2), ("joints3d", 3)):
        joints = poses(ids)[name].astype(np.float64)
        relative = (joints - joints[:, :1])[:, 1:]
        assert constants[f"{name}_mean"].shape == (16, dims)
        np.testing.assert_allclose(constants[f"{name}_mean"], relative.mean(axis=0), atol=1e-12)
        spread = np.sqrt(constants[f"{name}_squares"] / constants[f"{name}_count"])
        np.testing.assert_allclose(spread, relative.std(axis=0), rtol=1e-12)


def test_inputs_are_standardised_and_unknown_joints_excluded(constants):
    joints3d = np.array(poses(np.arange(4))["joints3d"])
    joints3d[2, 5] = np.nan
    tensors = task_of(constants).tensors(batch_of(range(4), joints3d=joints3d), None)
    assert (tensors["joints"].shape, tensors["poses"].shape) == ((4, 32), (4, 48))
    assert tensors["known"].tolist() == [True, True, False, True]
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())
    by_hand = (joints3d[0, 3] - joints3d[0, 0] - constants["joints3d_mean"][2]) / np.sqrt(
        constants["joints3d_squares"][2] / constants["joints3d_count"][2]
    )
    np.testing.assert_allclose(tensors["poses"][0, 6:9], by_hand, atol=1e-5)
    found = task_of(constants)
    found.network.eval()
    with torch.no_grad():
        estimates = found.estimate(tensors)
    assert np.isnan(estimates.joints3d).all(axis=(1, 2)).tolist() == [False, False, True, False]
    assert (estimates.joints3d[0, 0] == 0).all()
    assert estimates.skeleton == H36M17


def test_noise_is_each_samples_own_and_only_in_training(constants):
    task = task_of(constants, noise=3.0)
    plain, one, two = (task.tensors(batch_of(range(50)), seed)["joints"] for seed in (None, 1, 2))
    again = task.tensors(batch_of(range(49, -1, -1)), 1)["joints"].flip(0)
    assert torch.equal(one, again)
    assert not torch.equal(one, two)
    spread = np.sqrt(constants["joints2d_squares"] / constants["joints2d_count"]).ravel()
    pixels = (one - plain).numpy() * spread
    # joints relative to the root carry the root's noise too: 3 px times the root of two
    assert pixels.std() == pytest.approx(3 * np.sqrt(2), rel=0.05)


def test_losses_are_the_networks_own(constants):
    batch = batch_of(range(12))
    task = task_of(constants, network="deepbase2", early_weight=0.25)
    tensors = task.tensors(batch, None)
    expected = lifting_loss(task.network(tensors["joints"]), tensors["poses"], 0.25)
    torch.testing.assert_close(task.losses(tensors, "network")["loss"], expected)
    gan = task_of(constants, network="gan", adversarial_weight=0.5)
    generator, critic = gan.network["generator"], gan.network["discriminator"]
    lifted = generator(tensors["joints"])
    losses = gan.losses(tensors, "generator")
    torch.testing.assert_close(
        losses["loss"], generator_loss(lifted, tensors["poses"], critic(lifted.pose), 0.5)
    )
    torch.testing.assert_close(losses["error"], lifting_loss(lifted, tensors["poses"]))
    torch.testing.assert_close(
        gan.losses(tensors, "discriminator")["loss"],
        discriminator_loss(critic(tensors["poses"]), critic(lifted.pose.detach())),
    )


def test_gradients_of_each_update_reach_its_part(constants):
    gan = task_of(constants, network="gan")
    tensors = gan.tensors(batch_of(range(12)), None)
    assert [(update.name, update.prefix) for update in gan.updates] == [
        ("generator", "generator."),
        ("discriminator", "discriminator."),
    ]
    assert unreached(gan.network, gan.losses(tensors, "generator")["loss"]) == []
    missed = unreached(gan.network, gan.losses(tensors, "discriminator")["loss"])
    assert set(missed) == {
        name for name, _ in gan.network.named_parameters() if name.startswith("generator.")
    }


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_learns_twelve_poses_by_heart(constants, network):
    task = task_of(constants, network=network)
    batch = batch_of(range(12))
    tensors = task.tensors(batch, None)
    first = task.updates[0].name
    overfit(task.network, lambda: task.losses(tensors, first)["loss"], 80, 1e-2)
    settle(task.network, lambda: task.losses(tensors, first), passes=5)
    with torch.no_grad():
        found = task.estimate(tensors).joints3d
    truth = batch.arrays["joints3d"] - batch.arrays["joints3d"][:, :1]
    mean = np.linalg.norm(truth - truth.mean(axis=0), axis=-1).mean()
    assert mean > 0.4
    assert np.linalg.norm(found - truth, axis=-1).mean() < 0.25 * mean


def test_stores_that_a_lifter_cannot_learn_from_are_refused(tmp_path, sources):
    path = tmp_path / "s.zarr"
    create(path, 6)
    for shard in range(2):
        write_shard(path, shard)
    seal(path)
    with pytest.raises(InputError, match="joints3d"):
        LiftTask.measure(LiftOptions(), [open_source(path, (), split=None)])
