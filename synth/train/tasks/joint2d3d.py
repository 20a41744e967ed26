"""Park, Hwang & Kwak: joints on a grid in 2D and offsets from several roots in 3D, by one network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from pydantic import Field, field_validator
from torch import Tensor

from synth.cameras import BOX
from synth.errors import InputError
from synth.labels.targets.multi_root import ROOTS, mean_torso_lengths, multi_root_targets
from synth.labels.targets.soft_grid import GRID, joints_of_soft_grid, soft_grid_labels
from synth.metrics.estimates import Estimates
from synth.nets.inputs import picture_batch, to_box, to_input
from synth.nets.joint2d3d import (
    FLAT_WEIGHT,
    SIDE,
    SOLID_WEIGHT,
    Joint2d3d,
    cell_probabilities,
    estimate_poses,
    joint_loss,
)
from synth.skeletons import H36M17
from synth.store.batches import Batch, SampleSource
from synth.train.augment import Augmentation
from synth.train.task import Constants
from synth.train.tasks.pictures import (
    PictureOptions,
    PictureTask,
    floats,
    numbers,
    training_rows,
)


class Joint2d3dOptions(PictureOptions):
    """Options of the network."""

    roots: tuple[str, ...] = Field(
        ROOTS, min_length=1, description="joints that the others are regressed from"
    )
    grid: int = Field(GRID, ge=2, description="cells along each side of the picture")
    dropout: float = Field(0.3, ge=0, lt=1, description="share of hidden neurons dropped in training")
    side: int = Field(
        SIDE,
        ge=1,
        description="pixels of the side of the part that is seen, 9/10 of that to which the box is resized: any "
        "part in training, the middle in tests",
    )
    flat_weight: float = Field(FLAT_WEIGHT, ge=0, description="of the 2D loss")
    late_flat_weight: float = Field(0.01, ge=0, description="of the 2D loss from late_epoch on")
    late_epoch: float = Field(16.0, ge=0, description="epoch, counted from 0, with which it begins")
    solid_weight: float = Field(SOLID_WEIGHT, ge=0, description="of the 3D loss")
    augmentation: Augmentation = Field(
        Augmentation(colour_jitter=0.1),
        description="how pictures are changed in training; its shift comes on top of the choice of the part",
    )

    @field_validator("roots")
    @classmethod
    def _known(cls, roots: tuple[str, ...]) -> tuple[str, ...]:
        H36M17.indices(roots)
        return roots


class Joint2d3dTask(PictureTask):
    """Joints of people in pictures, of whom some are known in 2D alone.

    Parameters
    ----------
    options : Joint2d3dOptions
    constants : mapping of str to array
        Of `measure`: `torso_lengths`, (6,) metres, and those of the pictures.

    Raises
    ------
    InputError
        If the side is too small.
    """

    network: Joint2d3d

    def __init__(self, options: Joint2d3dOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.options = options
        self.flat_weight = options.flat_weight
        self.network = Joint2d3d(options.roots, options.grid, options.width, options.dropout, options.side)
        takes = self.network.takes
        crop = takes.margin * BOX / takes.frame
        self.augmentation = options.augmentation.model_copy(
            update={"shift": options.augmentation.shift + crop}
        )

    @classmethod
    def measure(cls, options: Any, sources: Sequence[SampleSource]) -> Constants:
        """Measure the mean lengths of the torso's bones of all training poses.

        Raises
        ------
        InputError
            If no pose is known in 3D.
        """
        total, count = np.zeros(6), 0
        for source in sources:
            for joints in training_rows(source, "joints3d"):
                whole = joints[np.isfinite(joints).all(axis=(1, 2))]
                if len(whole):
                    total += mean_torso_lengths(whole) * len(whole)
                    count += len(whole)
        if not count:
            raise InputError("joint2d3d needs 3D joints, and no training sample of the stores has all 17")
        return {**super().measure(options, sources), "torso_lengths": total / count}

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Pictures of the box, `cells` (N, 17, G, G) and `offsets` (N, R, 17, 3), NaN without all 3D joints."""
        people = self.people(batch, augment_seed)
        takes = self.network.takes
        cells = soft_grid_labels(to_input(people.joints2d, takes), takes.side, grid=self.options.grid)
        offsets = np.full((len(cells), len(self.options.roots), len(H36M17), 3), np.nan, np.float32)
        whole = np.isfinite(people.joints3d).all(axis=(1, 2))
        if whole.any():
            offsets[whole] = multi_root_targets(people.joints3d[whole], self.options.roots).offsets
        return {
            "images": torch.from_numpy(people.images),
            "cells": floats(cells),
            "offsets": floats(offsets),
        }

    def at_epoch(self, epoch: float) -> None:
        """Give the 2D loss its late weight when its time has come."""
        late = epoch >= self.options.late_epoch
        self.flat_weight = self.options.late_flat_weight if late else self.options.flat_weight

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Cross entropy over cells and squared distance of offsets."""
        output = self.network(picture_batch(tensors["images"], self.network.takes))
        weights = (self.flat_weight, self.options.solid_weight)
        return {"loss": joint_loss(output, tensors["cells"], tensors["offsets"], *weights)}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Poses of all roots, averaged, at the scale of the training poses' torso; joints of the best cells."""
        takes = self.network.takes
        output = self.network(picture_batch(tensors["images"], takes))
        joints2d = joints_of_soft_grid(numbers(cell_probabilities(output)), takes.side)
        return Estimates(
            H36M17,
            joints3d=estimate_poses(output, self.constants["torso_lengths"]),
            joints2d=to_box(joints2d, takes),
        )
