"""Tasks of DeepSkeleton: maps of pictures, poses of maps, and the choice among hypotheses."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import overfit, torch, unreached
from people_samples import batch_of, people
from pydantic import ValidationError

from synth.errors import InputError
from synth.labels.hypotheses import Hypothesis, draw_hypotheses
from synth.labels.palette import PALETTE, bones_of_colours
from synth.labels.skeleton_maps import DEEPSKELETON16_OF_H36M17, mirror_maps
from synth.skeletons import DEEPSKELETON16
from synth.train.augment import Augmentation
from synth.train.tasks import map_regressor as map_regressor_module
from synth.train.tasks.deepskeleton_hypotheses import estimate_hypotheses, hypothesis_arrays
from synth.train.tasks.map_regressor import MapRegressor, MapRegressorOptions
from synth.train.tasks.skeleton_maps import SkeletonMapsOptions, SkeletonMapsTask, told_bones

COUNT = 4
WIDTH = 1 / 8


def maps_task(**options):
    torch.manual_seed(0)
    return SkeletonMapsTask(SkeletonMapsOptions(**{"width": WIDTH, "side": 64, **options}), {})


def regressor(**options):
    torch.manual_seed(0)
    return MapRegressor(MapRegressorOptions(**{"width": WIDTH, "side": 64, **options}), {})


def true_poses(arrays):
    joints = arrays["joints3d"][:, DEEPSKELETON16_OF_H36M17]
    return joints - joints[:, :1]


@pytest.mark.parametrize(("maps", "layers"), [("both", [0, 1]), ("foreground", [0]), ("background", [1])])
def test_maps_are_those_of_the_label_pass(maps, layers):
    arrays = people(COUNT)
    kind = Hypothesis(1.25, 2)
    tensors = maps_task(maps=maps, crop=1.25, stick_width=2).tensors(batch_of(arrays), None)
    expected = draw_hypotheses(arrays["joints3d"], arrays["K"], (kind,), 220, 16)[kind.name]
    assert tensors["maps"].shape == (COUNT, len(layers), 16, 16)
    assert (tensors["maps"].numpy() == expected[:, layers]).mean() > 0.999  # but for rounding
    assert tensors["known"].all()
    # beyond the box, which is 4/5 of what is seen, there is nothing
    images = tensors["images"].numpy()
    assert (images[:, :21] == 128).all()
    assert (images[:, 23:-23, 23:-23] != 128).any(axis=-1).mean() > 0.9


def test_mirrored_people_have_mirrored_maps():
    batch = batch_of(people(COUNT))
    task = maps_task(augmentation=Augmentation(mirror=1.0))
    mirrored = mirror_maps(task.tensors(batch, None)["maps"].numpy())
    assert (task.tensors(batch, 0)["maps"].numpy() == mirrored).mean() > 0.99


def test_the_first_network_learns_maps_and_tells_its_share_of_right_bones():
    arrays = people(2)
    task = maps_task(stick_width=4, width=1 / 4)
    tensors = task.tensors(batch_of(arrays), None)
    assert unreached(task.network, task.losses(tensors, "network")["loss"]) == []
    losses = overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 40, 1e-2)
    assert losses[-1] < losses[0] / 4
    task.network.train()
    with torch.no_grad():
        assert task.losses(tensors, "network")["bones_right"] > 0.5
    estimates = task.network.eval() and task.estimate(tensors)
    assert estimates.skeleton == DEEPSKELETON16
    assert estimates.joints3d is None
    with torch.no_grad():
        pictures = task.pictures(tensors)
    assert pictures.shape == (2, 440, 660, 3)
    np.testing.assert_array_equal(pictures[:, :220, :220], arrays["images"])
    truth = PALETTE[tensors["maps"][:, 0].numpy()]
    np.testing.assert_array_equal(pictures[:, 6:220:14, 226:440:14], truth)


def test_people_without_3d_joints_do_not_count():
    arrays = people(COUNT)
    task = maps_task()
    task.network.eval()
    alone = task.losses(task.tensors(batch_of({k: v[:2] for k, v in arrays.items()}), None), "network")
    arrays["joints3d"][2] = np.nan
    arrays["K"][3] = np.nan
    tensors = task.tensors(batch_of(arrays), None)
    assert tensors["known"].tolist() == [True, True, False, False]
    losses = task.losses(tensors, "network")
    assert losses["loss"].item() == pytest.approx(alone["loss"].item(), rel=1e-5)
    assert losses["bones_right"].item() == pytest.approx(alone["bones_right"].item(), abs=1e-6)
    nobody = regressor().tensors(batch_of(arrays), None)["offsets"].isfinite().all(dim=1)
    assert nobody.tolist() == [True, True, False, False]


def test_bones_are_told_as_numpy_tells_them():
    colours = torch.rand(2, 3, 5, 5)
    expected = bones_of_colours(255.0 * colours.movedim(1, -1).numpy())
    np.testing.assert_array_equal(told_bones(colours).numpy(), expected)


def test_the_second_network_learns_poses_of_true_maps():
    arrays = people(COUNT)
    del arrays["images"], arrays["joints2d"]
    task = regressor(stick_width=2)
    assert task.arrays == ("joints3d", "K")
    tensors = task.tensors(batch_of(arrays), None)
    assert unreached(task.network, task.losses(tensors, "network")["loss"]) == []
    overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 60, 1e-2)
    with torch.no_grad():
        found = task.network.train() and task.estimate(tensors)
    assert found.skeleton == DEEPSKELETON16
    error = np.linalg.norm(found.joints3d - true_poses(arrays), axis=-1).mean()
    assert error < 0.1  # metres


def test_maps_can_come_from_the_first_network(monkeypatch, tmp_path):
    first = maps_task()
    first.network.eval()
    monkeypatch.setattr(map_regressor_module, "load_task", lambda path: first)
    task = regressor(maps_from=tmp_path)
    assert task.arrays == ("images", "joints3d", "K")
    tensors = task.tensors(batch_of(people(COUNT)), None)
    with torch.no_grad():
        expected = first.estimated_maps(tensors["images"])
    assert torch.equal(task.coloured_maps(tensors), expected)
    # the first network is not trained any more
    assert unreached(task.network, task.losses(tensors, "network")["loss"]) == []
    assert all(parameter.grad is None for parameter in first.network.parameters())
    with pytest.raises(InputError, match="gives maps crop100_width3, but this network is for crop100_width2"):
        regressor(maps_from=tmp_path, stick_width=2)
    monkeypatch.setattr(map_regressor_module, "load_task", lambda path: regressor())
    with pytest.raises(InputError, match="expected a run of task skeleton-maps with maps = 'both'"):
        regressor(maps_from=tmp_path)


def test_maps_can_come_from_a_network_each(monkeypatch, tmp_path):
    runs = {tmp_path / maps: maps_task(maps=maps) for maps in ("foreground", "background")}
    for run in runs.values():
        run.network.eval()
    monkeypatch.setattr(map_regressor_module, "load_task", runs.__getitem__)
    foreground, background = runs
    task = regressor(maps_from=foreground, background_from=background)
    tensors = task.tensors(batch_of(people(2)), None)
    with torch.no_grad():
        expected = [run.estimated_maps(tensors["images"])[:, 0] for run in runs.values()]
    assert torch.equal(task.coloured_maps(tensors), torch.stack(expected, dim=1))
    with pytest.raises(InputError, match="with maps = 'foreground'"):
        regressor(maps_from=background, background_from=foreground)
    with pytest.raises(ValidationError, match="background_from needs maps_from"):
        regressor(background_from=background)


def test_hypotheses_are_chosen_by_reprojection_and_by_the_truth(monkeypatch):
    tasks = [regressor(stick_width=width) for width in (1, 2, 3)]
    arrays = people(COUNT)
    truth = true_poses(arrays)
    # what three trained networks would say: each right about some people
    says = np.stack([truth + 0.3 * np.random.default_rng(k).normal(size=truth.shape) for k in range(3)])
    best = np.array([2, 0, 1, 1])
    says[best, np.arange(COUNT)] = truth
    module = "synth.train.tasks.deepskeleton_hypotheses.regress_hypotheses"
    monkeypatch.setattr(module, lambda networks, maps: says)
    arrays["K"][3] = np.nan
    matched, oracle = estimate_hypotheses(tasks, batch_of(arrays))
    np.testing.assert_allclose(matched.joints3d[:3], truth[:3], atol=1e-9)
    np.testing.assert_allclose(matched.joints3d[3], says[0, 3])  # nobody knows: the first
    np.testing.assert_allclose(oracle.joints3d, truth, atol=1e-9)
    assert oracle.hypotheses3d.shape == (COUNT, 3, 16, 3)
    np.testing.assert_allclose(oracle.hypotheses3d[:, 0], truth, atol=1e-9)
    assert hypothesis_arrays(tasks) == ("joints3d", "K", "joints2d")


def test_hypotheses_are_regressed_by_each_run_from_its_maps():
    tasks = [regressor(stick_width=width, side=32) for width in (1, 3)]
    batch = batch_of(people(2))
    matched, _ = estimate_hypotheses(tasks, batch)
    with torch.no_grad():
        alone = [task.estimate(task.tensors(batch, None)).joints3d for task in tasks]
    assert matched.skeleton == DEEPSKELETON16
    for person in range(2):
        same = [np.allclose(matched.joints3d[person], pose[person], atol=1e-5) for pose in alone]
        assert any(same)
    with pytest.raises(InputError, match="different crops and stick widths"):
        estimate_hypotheses([tasks[0], tasks[0]], batch)
    with pytest.raises(InputError, match="no regressor"):
        estimate_hypotheses([], batch)
