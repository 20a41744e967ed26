"""DeepSkeleton's two networks, their losses, and the choice among hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st
from nets_samples import draws, overfit, parameter_count, saved_and_loaded, torch, unreached
from torch.nn import functional as F

from synth.cameras import ViewRange, camera_for, project_camera_points, sample_views, to_camera
from synth.errors import InputError
from synth.labels.palette import PALETTE, bones_of_colours
from synth.labels.targets import poses_of_root_relative
from synth.nets.deepskeleton import (
    MapNetwork,
    MapOutput,
    bilinear_upsampling,
    map_loss,
    map_regressor,
    pose_loss,
    regress_hypotheses,
)
from synth.nets.inputs import join_maps, map_colours
from synth.nets.reprojection import match_by_reprojection, match_by_truth
from synth.nets.resnet import ResNet50

QUIET = settings(deadline=None, max_examples=25)


def bone_numbers(*shape, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 16, shape, dtype=np.uint8))


# --- first network ---


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_upsampling_starts_as_bilinear_interpolation(factor):
    x = draws(2, 3, 6, 6)
    found = bilinear_upsampling(3, factor)(x)
    expected = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    assert found.shape == expected.shape
    inner = slice(factor, -factor)
    torch.testing.assert_close(found[..., inner, inner], expected[..., inner, inner])


def test_maps_of_224_pixels_have_56_and_are_supervised_at_four_sizes():
    with torch.device("meta"):
        network = MapNetwork(width=1 / 16)
        output = network(torch.empty(2, 3, 224, 224))
        assert output.final.shape == (2, 1, 3, 56, 56)
        # at each size the two blobs that are summed: upsampled features and the trunk's
        assert [e.shape[-1] for e in output.early] == [7, 7, 14, 14, 28, 28, 56, 56]
        assert network.eval()(torch.empty(2, 3, 224, 224)).early == ()
        assert MapNetwork(maps=2, width=1 / 16)(torch.empty(2, 3, 224, 224)).final.shape == (2, 2, 3, 56, 56)
    with pytest.raises(InputError, match="multiple of 32"):
        MapNetwork(side=220)


def test_the_map_loss_is_the_cross_entropy_of_means_over_pixels():
    maps = np.random.default_rng(1).random((2, 1, 3, 4, 4))
    final, early = draws(2, 1, 3, 4, 4), draws(2, 1, 3, 2, 2, seed=1)
    coarse = maps.reshape(2, 1, 3, 2, 2, 2, 2).mean(axis=(4, 6))

    def entropy(logits, target):
        p = 1 / (1 + np.exp(-logits.numpy().astype(float)))
        return -(target * np.log(p) + (1 - target) * np.log(1 - p)).sum() / 2

    expected = entropy(final, maps) + entropy(early, coarse)
    loss = map_loss(MapOutput(final, (early,)), torch.from_numpy(maps).float())
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    alone = map_loss(MapOutput(final[:1], (early[:1],)), torch.from_numpy(maps[:1]).float())
    known = map_loss(MapOutput(final, (early,)), torch.from_numpy(maps).float(), torch.tensor([True, False]))
    assert known.item() == pytest.approx(alone.item(), rel=1e-6)


def test_gradients_reach_every_parameter_of_the_first_network_and_checkpoints_hold_them():
    torch.manual_seed(0)
    network = MapNetwork(maps=2, width=1 / 16, side=64)
    pictures, maps = draws(3, 3, 64, 64), map_colours(bone_numbers(3, 2, 16, 16))
    assert unreached(network, map_loss(network(pictures), maps)) == []
    again = saved_and_loaded(network, MapNetwork(maps=2, width=1 / 16, side=64))
    assert torch.equal(again(pictures).final, network.eval()(pictures).final)


def test_a_narrow_network_learns_the_bones_of_two_pictures_by_heart():
    torch.manual_seed(0)
    # bones of 4 x 4 pixels
    numbers = bone_numbers(2, 1, 4, 4).repeat_interleave(4, dim=-1).repeat_interleave(4, dim=-2)
    pictures, maps = draws(2, 3, 64, 64), map_colours(numbers)
    network = MapNetwork(width=1 / 8, side=64)
    overfit(network, lambda: map_loss(network(pictures), maps), 60, 1e-2)
    network.train()
    with torch.no_grad():
        colours = network(pictures).final.sigmoid().movedim(-3, -1) * 255
    assert (bones_of_colours(colours.numpy()) == numbers.numpy()).mean() > 0.98


# --- second network ---


def test_the_second_network_is_a_resnet_of_six_channels_and_45_numbers():
    extra = 3 * 64 * 49 - (1000 - 45) * 2049
    assert parameter_count(map_regressor) == parameter_count(ResNet50) + extra
    with torch.device("meta"):
        network = map_regressor(width=1 / 16)
        assert network(torch.empty(2, 6, 224, 224)).shape == (2, 45)
    assert network.takes.kind == "maps"
    assert network.takes.shape == (6, 224, 224)


def test_maps_of_a_store_become_six_channels_from_0_to_1():
    numbers = bone_numbers(2, 2, 8, 8)
    same = join_maps(map_colours(numbers), 8)
    for layer in range(2):
        expected = PALETTE[numbers[:, layer].numpy()].astype(np.float32) / 255
        np.testing.assert_allclose(same[:, 3 * layer : 3 * layer + 3].movedim(1, -1), expected, rtol=1e-6)
    assert join_maps(map_colours(numbers), 32).shape == (2, 6, 32, 32)


def test_a_narrow_regressor_learns_three_poses_by_heart():
    torch.manual_seed(0)
    poses = random_poses(0, 3)[:, :16]
    offsets = torch.from_numpy(poses[:, 1:] - poses[:, :1]).flatten(1).float()
    maps = join_maps(map_colours(bone_numbers(3, 2, 8, 8)), 64)
    network = map_regressor(width=1 / 16, side=64)
    assert unreached(network, pose_loss(network(maps), offsets)) == []
    overfit(network, lambda: pose_loss(network(maps), offsets), 40, 1e-2)
    network.train()
    found = poses_of_root_relative(network(maps).detach().reshape(3, 15, 3).numpy())
    assert np.linalg.norm(found - (poses - poses[:, :1]), axis=-1).mean() < 0.1  # metres


def test_each_hypothesis_is_regressed_from_its_own_maps():
    torch.manual_seed(0)
    regressors = {name: map_regressor(width=1 / 16, side=32) for name in ("crop100_width3", "crop125_width1")}
    maps = {
        name: map_colours(bone_numbers(2, 2, 8, 8, seed=seed))
        for seed, name in enumerate(reversed(regressors))
    }
    poses = regress_hypotheses(regressors, maps)
    assert poses.shape == (2, 2, 16, 3)
    assert not poses[:, :, 0].any()
    for pose, name in zip(poses, regressors, strict=True):
        alone = regressors[name].eval()(join_maps(maps[name], 32)).detach().reshape(2, 15, 3)
        np.testing.assert_allclose(pose[:, 1:], alone, rtol=1e-5, atol=1e-6)
    maps.pop("crop125_width1")
    with pytest.raises(InputError, match="crop125_width1"):
        regress_hypotheses(regressors, maps)


def test_the_pose_loss_is_half_the_squared_distance():
    estimate, truth = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    assert pose_loss(estimate, truth) == 9 / 4
    # neither numbers nor people that aren't known count
    unknown = torch.tensor([[0.0, float("nan")], [float("nan"), float("nan")]])
    assert pose_loss(estimate, unknown) == 1 / 2
    assert pose_loss(estimate[1:], unknown[1:]) == 0


# --- choice among hypotheses ---


def seen_people(seed, count=4):
    """Camera joints, pixels and intrinsics."""
    bodies = random_poses(seed, count)
    cameras = camera_for(bodies, sample_views(seed, np.arange(count), ViewRange()))
    joints = to_camera(cameras, bodies)
    return joints, project_camera_points(cameras.K, joints), cameras.K


@QUIET
@given(seed=st.integers(0, 10**6), true=st.integers(0, 2))
def test_the_true_pose_reprojects_without_error_and_is_chosen(seed, true):
    joints, pixels, K = seen_people(seed)
    relative = joints - joints[:, :1]
    hypotheses = np.stack([random_poses(seed + 1 + h, 4) for h in range(3)])
    hypotheses -= hypotheses[:, :, :1]
    hypotheses[true] = relative
    chosen = match_by_reprojection(hypotheses, pixels, K=K)
    assert (chosen.ids == true).all()
    np.testing.assert_allclose(chosen.errors[true], 0, atol=1e-6)
    np.testing.assert_array_equal(chosen.poses, relative)
    # without intrinsics perspective remains as an error, smaller than that of other poses
    assert (match_by_reprojection(hypotheses, pixels).ids == true).all()


@QUIET
@given(seed=st.integers(0, 10**6), scale=st.floats(0.1, 300), x=st.floats(-500, 500))
def test_weak_perspective_finds_scale_and_place(seed, scale, x):
    poses = random_poses(seed, 2)
    chosen = match_by_reprojection(poses[None], scale * poses[..., :2] + [x, 7.0])
    np.testing.assert_allclose(chosen.errors, 0, atol=1e-9 * max(scale, abs(x), 1.0) * 100)


def test_joints_that_were_not_detected_do_not_count():
    poses = random_poses(0, 2)
    pixels = 100 * poses[..., :2]
    labelled = np.ones((2, 17), bool)
    labelled[0, 3] = False
    pixels[0, 3] += 1000
    pixels[1, 5] = np.nan
    for K in (None, np.tile(np.diag([100.0, 100.0, 1.0]), (2, 1, 1))):
        hidden = poses.copy()
        hidden[0, 3] += 9
        hidden[1, 5] += 9
        chosen = match_by_reprojection(np.stack([hidden, poses]), pixels, labelled, K)
        np.testing.assert_allclose(chosen.errors[0], chosen.errors[1], atol=1e-9)
        assert chosen.ids.tolist() == [0, 0]
    np.testing.assert_allclose(match_by_reprojection(hidden[None], pixels, labelled).errors, 0, atol=1e-9)


def test_a_mirrored_or_upside_down_pose_is_not_taken_for_the_true_one():
    pose = random_poses(0, 1)
    turned = pose * [-1, -1, 1]
    chosen = match_by_reprojection(np.stack([turned, pose]), 100 * pose[..., :2])
    assert chosen.ids.tolist() == [1]
    assert chosen.errors[0, 0] > 10


def test_a_person_without_any_joint_has_the_first_hypothesis_and_no_error():
    poses = np.stack([random_poses(h, 1) for h in range(2)])
    chosen = match_by_reprojection(poses, np.full((1, 17, 2), np.nan), K=np.eye(3)[None])
    assert chosen.ids.tolist() == [0]
    assert np.isnan(chosen.errors).all()


def test_the_oracle_takes_the_nearest_in_3d():
    truth = random_poses(0, 3)
    hypotheses = np.stack([truth + [0.3, 0, 0.4], truth + [0, 0.1, 0], truth + 1])
    hypotheses[1, 2] += 5
    chosen = match_by_truth(hypotheses, truth)
    assert chosen.ids.tolist() == [1, 1, 0]
    np.testing.assert_allclose(chosen.errors[:2, 0], [0.5, 0.1])
    np.testing.assert_array_equal(chosen.poses[2], hypotheses[0, 2])
