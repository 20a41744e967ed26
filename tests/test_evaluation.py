"""Running a task over a split, with a task whose estimates are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import evaluation_samples as samples
import numpy as np
import pytest
from nets_samples import torch

from synth.errors import InputError
from synth.metrics.estimates import Estimates
from synth.metrics.scores import score_people
from synth.metrics.truth import read_truth, split_ids
from synth.skeletons import H36M17
from synth.store.batches import Batch, open_source
from synth.store.reader import open_store
from synth.train.evaluation import Reading, evaluate_task, some_people
from synth.train.task import Task


class Shifted(Task):
    """Says that everybody's head is farther right by as many millimetres as their id; knows true classes."""

    def __init__(self, silent: bool = False) -> None:
        self.network = torch.nn.Sequential(torch.nn.BatchNorm1d(1))
        self.silent = silent
        self.modes: list[bool] = []

    @classmethod
    def measure(cls, options: Any, sources: Any) -> dict[str, Any]:
        return {}

    @property
    def arrays(self) -> tuple[str, ...]:
        return ("joints3d", "classes-7/pose_class")

    @property
    def optional(self) -> tuple[str, ...]:
        return ("joints2d",)

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, torch.Tensor]:
        assert augment_seed is None
        assert set(batch.arrays) == {*self.arrays, *self.optional}
        tensors = {name: torch.from_numpy(array.copy()) for name, array in batch.arrays.items()}
        return tensors | {"ids": torch.from_numpy(batch.ids)}

    def losses(self, tensors: Mapping[str, torch.Tensor], update: str) -> dict[str, torch.Tensor]:
        return {"loss": tensors["ids"].double().mean()}

    def estimate(self, tensors: Mapping[str, torch.Tensor]) -> Estimates:
        self.modes.append(self.network.training or torch.is_grad_enabled())
        if self.silent:
            return Estimates(H36M17)
        joints = tensors["joints3d"].double()
        joints[:, H36M17.index("head"), 0] += 0.001 * tensors["ids"]
        solid = joints.numpy()
        return Estimates(
            H36M17,
            joints3d=solid,
            ranked=np.zeros((len(solid), 4), np.int64),
            classes=tensors["classes-7/pose_class"].numpy().astype(np.int64),
            hypotheses3d=np.stack([solid] * 4, axis=1),
        )


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    path = samples.make_store(tmp_path_factory.mktemp("evaluation") / "people.zarr")
    return open_source(path, ["joints3d"], ["joints2d"], split="test")


@pytest.mark.parametrize("batch_size", [4, 64])
def test_people_come_in_the_order_of_their_ids_whatever_the_batch(people, batch_size):
    task, told = Shifted(), []
    found = evaluate_task(task, people, Reading(batch_size=batch_size, threads=2, told=told.append))
    assert found.ids.tolist() == [3, 7, 11, 15, 19, 23]
    assert sum(told) == 6
    store = open_store(people.store.meta.path)
    truth = read_truth(store, split_ids(store, "test"))
    joints = truth.joints3d.copy()
    joints[:, H36M17.index("head"), 0] += 0.001 * found.ids
    expected = score_people(Estimates(H36M17, joints3d=joints), truth)
    np.testing.assert_allclose(found.scores.arrays["rooted"], expected.arrays["rooted"], atol=1e-6)
    assert found.measures["mpjpe_mm"] == pytest.approx(found.ids.mean() / 17, rel=1e-4)
    # the hypotheses are not kept, but scored; nobody's class is known
    assert found.estimates.hypotheses3d is None
    assert found.scores.arrays["best3d"].shape == (6, 4)
    assert found.measures["class_rate"] is None


def test_the_network_is_in_evaluation_mode_only_for_the_while(people):
    task = Shifted()
    task.network.train()
    evaluate_task(task, people)
    assert task.modes == [False]
    assert task.network.training
    assert torch.is_grad_enabled()


def test_a_network_without_joints_has_its_losses_told(people):
    found = evaluate_task(Shifted(silent=True), people, Reading(batch_size=4))
    assert found.losses == {"network/loss": pytest.approx(13.0)}
    assert len(found.estimates) == 0


def test_some_of_the_people(people):
    assert some_people(people, 3).ids.tolist() == [3, 11, 19]
    assert evaluate_task(Shifted(), some_people(people, 3)).ids.tolist() == [3, 11, 19]
    with pytest.raises(InputError, match="0 people"):
        some_people(people, 0)


def test_errors_of_a_task_surface(people):
    broken = replace(people, ids=np.array([samples.FAILED, 10**6]))
    with pytest.raises(InputError):
        evaluate_task(Shifted(), broken)
