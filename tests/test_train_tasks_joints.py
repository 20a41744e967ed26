"""Tasks of SSP-Net and of Park et al.: people known in 2D alone and in 3D, cuts, schedules, scales."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import overfit, torch, unreached
from people_samples import batch_of, make_people_store, people
from pydantic import ValidationError

from synth.errors import InputError
from synth.labels.targets import mean_torso_lengths
from synth.skeletons import H36M17
from synth.store.batches import open_source
from synth.train.augment import Augmentation, colour_axes_of
from synth.train.tasks.joint2d3d import Joint2d3dOptions, Joint2d3dTask
from synth.train.tasks.sspnet import SspOptions, SspTask

COUNT = 4
STILL = Augmentation()


def ssp(**options):
    torch.manual_seed(0)
    narrow = {"width": 1 / 8, "pyramids": 2, "levels": 2, "side": 64, "augmentation": STILL}
    return SspTask(SspOptions(**{**narrow, **options}), {})


def park(**options):
    torch.manual_seed(0)
    narrow = {"width": 1 / 8, "side": 63, "dropout": 0.0, "augmentation": STILL}
    lengths = mean_torso_lengths(people(COUNT)["joints3d"])
    return Joint2d3dTask(Joint2d3dOptions(**{**narrow, **options}), {"torso_lengths": lengths})


def relative(joints3d):
    return joints3d - joints3d[:, :1]


# --- SSP-Net ---


def test_sspnet_learns_people_of_whom_one_is_known_in_2d_alone():
    arrays = people(COUNT)
    truth = arrays["joints3d"].copy()
    arrays["joints3d"][1] = np.nan
    arrays["K"][1] = np.nan
    task = ssp()
    tensors = task.tensors(batch_of(arrays), None)
    losses = task.losses(tensors, "network")
    assert losses["loss"].item() == pytest.approx(losses["pose"].item() + losses["root_depth"].item())
    assert unreached(task.network, losses["loss"]) == []
    overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 60, 1e-2)
    task.network.train()
    with torch.no_grad():
        found = task.estimate(tensors)
    assert (found.skeleton, found.axes) == (H36M17, "camera")
    assert np.isnan(found.joints3d[1]).all()
    known = np.arange(COUNT) != 1
    assert np.linalg.norm(found.joints2d - arrays["joints2d"], axis=-1).mean() < 6.0  # pixels
    away = np.linalg.norm(found.joints3d - relative(truth), axis=-1)
    assert away[known].mean() < 0.12  # metres
    far = np.abs(found.absolute3d[:, 0, 2] - truth[:, 0, 2])
    assert far[known].mean() < 0.5
    assert not found.joints3d[known][:, 0].any()


def test_without_its_own_the_true_root_depth_gives_metres():
    arrays = people(COUNT)
    task = ssp(root_depth=False)
    tensors = task.tensors(batch_of(arrays), None)
    assert set(task.losses(tensors, "network")) == {"loss"}
    task.network.eval()
    with torch.no_grad():
        found = task.estimate(tensors)
        exact = found.joints2d
    assert found.absolute3d is None
    # joints are on the rays of their pixels, at the root's distance and their own depth
    depth = arrays["joints3d"][:, :1, 2]
    rays = (exact - arrays["K"][:, None, :2, 2]) / arrays["K"][:, :1, 0, None]
    root = np.concatenate([rays[:, :1] * depth[..., None], depth[..., None]], axis=-1)
    place = found.joints3d + root
    np.testing.assert_allclose(place[..., :2] / place[..., 2:], rays, atol=0.05)
    assert not found.joints3d[:, 0].any()


def test_sspnet_is_cut_at_test_time_alone():
    batch = batch_of(people(COUNT))
    outputs = []
    for cut in (1, 2, None):
        task = ssp(cut=cut)
        tensors = task.tensors(batch, None)
        task.network.eval()
        with torch.no_grad():
            outputs.append(task.estimate(tensors).joints2d)
            whole = task.network.pose.forward
            assert len(whole(torch.zeros(1, 3, 64, 64)).predictions) == 2
    np.testing.assert_array_equal(outputs[1], outputs[2])
    assert not np.array_equal(outputs[0], outputs[1])


def test_people_of_any_size_keep_their_distance():
    batch = batch_of(people(COUNT))
    task = ssp(augmentation=Augmentation(rotation=40.0, scale=(0.7, 1.3)))
    still, moved = task.tensors(batch, None), task.tensors(batch, 1)
    assert torch.equal(still["root_depth"], moved["root_depth"])
    assert not torch.equal(still["K"], moved["K"])
    # a turn about the optical axis changes no depth
    both = still["known"][..., 2] & moved["known"][..., 2]
    assert both.sum() > COUNT * 10
    assert torch.allclose(still["coordinates"][..., 2][both], moved["coordinates"][..., 2][both], atol=1e-6)


# --- Park, Hwang & Kwak ---


def test_joint2d3d_learns_people_of_whom_one_is_known_in_2d_alone():
    arrays = people(COUNT)
    truth = arrays["joints3d"].copy()
    arrays["joints3d"][1, 4] = np.nan
    task = park()
    tensors = task.tensors(batch_of(arrays), None)
    assert tensors["offsets"].isfinite().all(dim=(1, 2, 3)).tolist() == [True, False, True, True]
    loss = task.losses(tensors, "network")["loss"]
    assert unreached(task.network, loss) == []
    overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 60, 1e-2)
    task.network.train()
    with torch.no_grad():
        found = task.estimate(tensors)
    assert (found.skeleton, found.axes) == (H36M17, "camera")
    known = np.arange(COUNT) != 1
    # the torso's mean length is all that is known of a person's size
    own = np.array([mean_torso_lengths(pose[None]).sum() for pose in truth])
    size = own / task.constants["torso_lengths"].sum()
    away = np.linalg.norm(relative(found.joints3d) * size[:, None, None] - relative(truth), axis=-1)
    assert away[known].mean() < 0.12  # metres
    joints2d = arrays["joints2d"]
    seen = (joints2d > 20).all(axis=-1) & (joints2d < 199).all(axis=-1)
    assert np.linalg.norm(found.joints2d - joints2d, axis=-1)[seen].mean() < 8.0  # pixels


def test_the_weight_of_the_2d_loss_falls_after_its_epoch():
    task = park()
    weights = []
    for epoch in (0.0, 15.99, 16.0, 27.0):
        task.at_epoch(epoch)
        weights.append(task.flat_weight)
    assert weights == [0.1, 0.1, 0.01, 0.01]
    tensors = task.tensors(batch_of(people(COUNT)), None)
    task.network.eval()
    losses = []
    for epoch in (0, 16):
        task.at_epoch(epoch)
        losses.append(task.losses(tensors, "network")["loss"].item())
    assert losses[1] < losses[0] / 2


def test_any_part_of_the_frame_is_seen_in_training():
    batch = batch_of(people(COUNT))
    task = park()
    takes = task.network.takes
    reach = takes.margin * 220 / takes.frame
    shifts = np.concatenate([task.changes(batch_of(people(1), epoch), 0).shift for epoch in range(200)])
    assert reach - 0.2 < np.abs(shifts).max() <= reach
    assert not task.changes(batch, None).shift.any()


def test_torso_lengths_and_colours_are_measured_on_the_training_samples(tmp_path):
    path = make_people_store(tmp_path / "s")
    source = open_source(path, ("images", "joints2d"), ("joints3d", "K"))
    options = Joint2d3dOptions()
    measured = Joint2d3dTask.measure(options, [source])
    arrays = people(8)
    expected = mean_torso_lengths(np.delete(arrays["joints3d"], 2, axis=0))
    np.testing.assert_allclose(measured["torso_lengths"], expected, rtol=1e-5)
    np.testing.assert_allclose(measured["colour_axes"], colour_axes_of(arrays["images"]))
    task = Joint2d3dTask(options.model_copy(update={"width": 1 / 8, "side": 63}), measured)
    coloured = task.tensors(batch_of(arrays), 0)["images"]
    assert not torch.equal(coloured, task.tensors(batch_of(arrays), None)["images"])


def test_a_store_without_3d_poses_is_refused(tmp_path):
    source = open_source(make_people_store(tmp_path / "s", count=3), ("images",))
    only = type(source)(source.store, np.array([2]), 1.0, {}, ())
    with pytest.raises(InputError, match="needs 3D joints"):
        Joint2d3dTask.measure(Joint2d3dOptions(), [only])


def test_unknown_roots_are_refused():
    with pytest.raises(ValidationError, match="has no joint 'nose'"):
        Joint2d3dOptions(roots=("nose",))
