"""Tasks of Rogez & Schmid: the classifier and the holistic regressor learn, and say what they have learnt."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import overfit, torch, unreached
from people_samples import batch_of, class_means, make_people_store, people
from pydantic import ValidationError

from synth.cameras import BODY13_OF_H36M17
from synth.errors import InputError
from synth.geometry import torso_centre
from synth.labels.classes import assign_3d, make_classes, orientated_poses
from synth.labels.kmeans import Sums
from synth.skeletons import BODY13
from synth.store.batches import Batch, open_source, read_batch
from synth.train.augment import Augmentation
from synth.train.tasks.classic import turned_poses
from synth.train.tasks.classifier import Classifier, ClassifierOptions, nearest_classes
from synth.train.tasks.regressor import Regressor, RegressorOptions

NARROW = {"width": 1 / 8, "side": 64, "dropout": 0.0}
TINY = {"network": "vgg16", "width": 1 / 16, "side": 32, "dropout": 0.0}
COUNT = 8


def constants_of(shift=0.0):
    means3d, means2d, counts = class_means(shift)
    return {"means3d": means3d, "means2d": means2d, "counts": counts, "turned": np.array(True)}


def labelled_batch(**changed):
    classes = np.array([0, 0, 1, 1, 0, 0, 1, -1], np.int32)
    return batch_of({**people(COUNT), "classes-3/pose_class": classes, **changed})


def classifier(**options):
    torch.manual_seed(0)
    return Classifier(ClassifierOptions(classes="classes-3", **{**NARROW, **options}), constants_of())


def test_the_classifier_learns_eight_people_by_heart():
    task, batch = classifier(**TINY), labelled_batch()
    tensors = task.tensors(batch, None)
    assert unreached(task.network, task.losses(tensors, "network")["loss"]) == []
    losses = overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 30)
    assert losses[0] > 0.9
    assert losses[-1] < 0.1
    with torch.no_grad():
        found = task.estimate(tensors)
    assert found.ranked.shape == (COUNT, 2)  # the third class has no pose
    np.testing.assert_array_equal(found.classes, batch.arrays["classes-3/pose_class"])
    np.testing.assert_array_equal(found.ranked[:7, 0], found.classes[:7])
    assert (found.skeleton, found.axes) == (BODY13, "ray")
    for row, k in enumerate(found.classes[:7]):
        assert (found.joints3d[row] == k).all()
        assert (found.joints2d[row] == 10 * k).all()
        assert (found.hypotheses3d[row, 1] == 1 - k).all()
        assert (found.hypotheses2d[row, 1] == 10 - 10 * k).all()


def test_classes_come_from_the_label_pass_and_are_the_same_in_all_stores(tmp_path):
    stores = [make_people_store(tmp_path / name, shift=shift) for name, shift in (("a", 0.0), ("b", 0.5))]
    options = ClassifierOptions(classes="classes-3", **NARROW)
    sources = [open_source(path, ("images", "classes-3/pose_class")) for path in stores]
    measured = Classifier.measure(options, sources[:1])
    for name, value in constants_of().items():
        np.testing.assert_array_equal(measured[name], value)
    with pytest.raises(InputError, match=r"b/labels/classes-3 has other classes than .*a/labels/classes-3"):
        Classifier.measure(options, sources)
    task = Classifier(options, measured)
    picks = sources[0].ids[:4]
    arrays = read_batch(sources, task.arrays, np.zeros(4, np.int32), picks)
    tensors = task.tensors(Batch(0, 0, np.zeros(4, np.int32), picks, arrays), 3)
    assert tensors["classes"].tolist() == [0, 0, 1, 1]


def test_a_mirrored_person_is_of_the_class_of_the_mirrored_pose():
    batch = labelled_batch(
        joints3d=np.where(np.arange(COUNT)[:, None, None] == 6, np.nan, people(COUNT)["joints3d"])
    )
    poses = orientated_poses(people(COUNT)["joints3d"]).astype(float)
    mirrored = poses.reshape(-1, 13, 3)[:, BODY13.mirror] * (-1, 1, 1)
    means = np.concatenate([poses, mirrored.reshape(-1, 39)])
    classes = make_classes(means, Sums(np.ones(16, np.int64), np.zeros((16, 26))), "ray")
    constants = {**vars(classes), "turned": np.array(True)}
    options = ClassifierOptions(classes="classes-3", augmentation=Augmentation(mirror=1.0), **NARROW)
    tensors = Classifier(options, constants).tensors(batch, 0)
    # whose class isn't known stays so, and whose pose isn't known isn't mirrored
    assert tensors["classes"].tolist() == [8, 9, 10, 11, 12, 13, 1, -1]
    images = batch.arrays["images"]
    np.testing.assert_array_equal(tensors["images"][0], images[0, :, ::-1])
    np.testing.assert_array_equal(tensors["images"][6], images[6])


def test_nearest_classes_are_those_of_the_label_pass():
    rng = np.random.default_rng(0)
    joints3d = people(COUNT)["joints3d"]
    poses = orientated_poses(joints3d)
    means = poses[rng.integers(0, COUNT, 20)] + rng.normal(scale=0.1, size=(20, 39))
    classes = make_classes(means, Sums(np.ones(20, np.int64), np.zeros((20, 26))), "ray")
    np.testing.assert_array_equal(nearest_classes(classes, joints3d), assign_3d(classes, poses).ids)


def test_the_regressor_learns_eight_people_of_whom_some_are_known_in_2d_alone():
    torch.manual_seed(0)
    arrays = people(COUNT)
    wanted = turned_poses(arrays["joints3d"])
    arrays["joints3d"][3] = np.nan
    arrays["joints2d"][5, BODY13_OF_H36M17[0]] = np.nan
    task = Regressor(RegressorOptions(**TINY), {})
    tensors = task.tensors(batch_of(arrays), None)
    assert unreached(task.network, task.losses(tensors, "network")["loss"]) == []
    losses = overfit(task.network, lambda: task.losses(tensors, "network")["loss"], 80)
    assert losses[-1] < losses[0] / 20
    with torch.no_grad():
        found = task.estimate(tensors)
    assert (found.skeleton, found.axes) == (BODY13, "ray")
    away = np.linalg.norm(found.joints3d - wanted, axis=-1)
    assert away[np.arange(COUNT) != 3].mean() < 0.1  # metres
    flat = np.linalg.norm(found.joints2d - people(COUNT)["joints2d"][:, BODY13_OF_H36M17], axis=-1)
    flat[5, 0] = 0.0
    assert flat.mean() < 8.0  # pixels


def test_turned_poses_are_relative_to_the_torso_and_nan_where_it_is_not_known():
    joints3d = people(3)["joints3d"]
    joints3d[1, 11] = np.nan  # left shoulder
    joints3d[2] *= -1.0  # behind the camera
    poses = turned_poses(joints3d)
    assert np.isnan(poses[1:]).all()
    distance = np.linalg.norm(joints3d[0] - torso_centre(joints3d)[0], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(poses[0], axis=-1), distance[BODY13_OF_H36M17], atol=1e-6)


@pytest.mark.parametrize("network", ["alexnet", "vgg16"])
def test_weights_are_taken_but_for_the_last_layer(tmp_path, network):
    options = {"network": network, "width": 1 / 16, "side": 64}
    source = Regressor(RegressorOptions(**options), {})
    torch.save(source.network.state_dict(), tmp_path / "w.pth")
    torch.manual_seed(1)
    task = classifier(**options, weights=tmp_path / "w.pth")
    last = task.network.classifier[6].weight.clone()
    task.initialise()
    assert torch.equal(task.network.features[0].weight, source.network.features[0].weight)
    assert torch.equal(task.network.classifier[6].weight, last)


def test_files_that_hold_no_weights_are_refused_in_a_line(tmp_path):
    (tmp_path / "text.pth").write_text("no weights")
    torch.save([1, 2], tmp_path / "list.pth")
    torch.save({"conv": torch.zeros(1)}, tmp_path / "other.pth")
    for name, message in (
        ("none", "no such file"),
        ("text", "cannot be read"),
        ("list", "expected a state dict"),
        ("other", "another network"),
    ):
        with pytest.raises(InputError, match=rf"{name}.pth.*{message}"):
            classifier(weights=tmp_path / f"{name}.pth").initialise()


def test_pictures_that_are_too_small_are_refused():
    with pytest.raises(ValidationError, match="alexnet takes pictures of 63 px or more"):
        ClassifierOptions(side=62)
    assert ClassifierOptions(side=62, network="vgg16").side == 62
