"""What Rogez & Schmid's classifier and regressor share: the networks, and poses turned to the torso's ray."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from synth.cameras import BOX
from synth.geometry import torso_centre
from synth.labels.classes import JOINTS, orientated_poses
from synth.nets.alexnet import AlexNet
from synth.nets.vgg import VGG16
from synth.train.task import Constants
from synth.train.tasks.pictures import PictureTask, StartingOptions, start_from

_LEAST_SIDE = {"alexnet": 63, "vgg16": 32}


class ClassicOptions(StartingOptions):
    """Options of AlexNet and VGG-16."""

    network: Literal["alexnet", "vgg16"] = Field("alexnet", description="which of the paper's two networks")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of hidden neurons dropped in training")
    side: int = Field(BOX, ge=1, description="pixels of the side to which pictures are resized")

    @model_validator(mode="after")
    def _large_enough(self) -> ClassicOptions:
        least = _LEAST_SIDE[self.network]
        if self.side < least:
            raise ValueError(f"side = {self.side}: {self.network} takes pictures of {least} px or more")
        return self


class ClassicTask(PictureTask):
    """A task of AlexNet or VGG-16 with some outputs."""

    network: AlexNet | VGG16

    def __init__(self, options: ClassicOptions, constants: Constants, outputs: int) -> None:
        super().__init__(options, constants)
        self.weights = options.weights
        make = AlexNet if options.network == "alexnet" else VGG16
        self.network = make(outputs, options.width, options.dropout, options.side)

    def initialise(self) -> None:
        """Start from weights trained on other pictures, if they were given, but for the last layer."""
        if self.weights is not None:
            start_from(self.network, self.weights, skip=("classifier.6.",))


def turned_poses(joints3d: NDArray[Any]) -> NDArray[np.float64]:
    """Poses as `labels.classes.orientated_poses` makes them, for people of whom some aren't known in 3D.

    Parameters
    ----------
    joints3d : (N, 17, 3) float
        Joints of `H36M17` in the camera frame, metres; NaN where not known.

    Returns
    -------
    (N, 13, 3) float64
        Joints of `BODY13` relative to the torso centre, turned so that the torso's ray is +z; NaN where not
        known, and where the torso isn't known or not in front of the camera.
    """
    usable = torso_centre(joints3d)[:, 2] > 0.0
    poses = np.full((len(joints3d), JOINTS, 3), np.nan)
    poses[usable] = orientated_poses(joints3d[usable], "ray").reshape(-1, JOINTS, 3)
    return poses
