"""Rogez & Schmid's holistic regressor: the 2D and 3D pose of a person as one vector."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor

from synth.cameras import BOX
from synth.labels.classes import JOINTS, body_joints
from synth.labels.targets.holistic import REACH, holistic_targets, joints_of_holistic
from synth.metrics.estimates import Estimates
from synth.nets.holistic import regression_loss
from synth.nets.inputs import picture_batch
from synth.skeletons import BODY13
from synth.store.batches import Batch
from synth.train.task import Constants
from synth.train.tasks.classic import ClassicOptions, ClassicTask, turned_poses
from synth.train.tasks.pictures import floats, numbers


class RegressorOptions(ClassicOptions):
    """Options of the regressor."""

    reach: float = Field(REACH, gt=0, description="metres from the torso centre that 1 stands for")


class Regressor(ClassicTask):
    """Regression of 13 joints in 2D and 3D, all in [-1, 1].

    Parameters
    ----------
    options : RegressorOptions
    constants : mapping of str to array
        Of `measure`.
    """

    def __init__(self, options: RegressorOptions, constants: Constants) -> None:
        super().__init__(options, constants, outputs=5 * JOINTS)
        self.options = options

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Pictures of the box, and `vector` and `known` (N, 65) of `labels.targets.holistic_targets`."""
        people = self.people(batch, augment_seed)
        targets = holistic_targets(
            body_joints(people.joints2d), turned_poses(people.joints3d), BOX, reach=self.options.reach
        )
        return {
            "images": torch.from_numpy(people.images),
            "vector": floats(targets.vector),
            "known": torch.from_numpy(targets.known),
        }

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Mean squared difference of the known numbers."""
        vector = self.network(picture_batch(tensors["images"], self.network.takes))
        return {"loss": regression_loss(vector, tensors["vector"], tensors["known"])}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Joints of the vector."""
        vector = self.network(picture_batch(tensors["images"], self.network.takes))
        joints2d, joints3d = joints_of_holistic(numbers(vector), BOX, self.options.reach)
        return Estimates(BODY13, joints3d=joints3d, joints2d=joints2d, axes="ray")
