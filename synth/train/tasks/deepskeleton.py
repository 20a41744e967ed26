"""What both tasks of DeepSkeleton share: which maps there are of a person in a picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from synth.cameras import BOX
from synth.labels.hypotheses import Hypothesis, draw_hypotheses
from synth.labels.skeleton_maps import DEEPSKELETON16_OF_H36M17
from synth.nets.resnet import SIDE
from synth.store.batches import Batch
from synth.train.augment import Changes, People
from synth.train.task import Constants
from synth.train.tasks.pictures import PictureTask, StartingOptions


class MapOptions(StartingOptions):
    """Options of both networks of DeepSkeleton."""

    crop: float = Field(1.0, gt=0, description="crop factor: how much larger what is seen is than the box")
    stick_width: int = Field(3, ge=1, description="pixels of the map that its sticks are wide")
    side: int = Field(
        SIDE,
        ge=32,
        multiple_of=32,
        description="pixels of the side to which pictures and maps are resized; maps are drawn with a quarter",
    )

    @field_validator("crop")
    @classmethod
    def _named(cls, crop: float) -> float:
        Hypothesis(crop)
        return crop

    @property
    def hypothesis(self) -> Hypothesis:
        """Kind of the maps."""
        return Hypothesis(self.crop, self.stick_width)


class MapTask(PictureTask):
    """A task of skeleton maps, which are drawn from 3D joints: of changed people as easily as of others.

    Parameters
    ----------
    options : MapOptions
    constants : mapping of str to array
        Of `measure`.
    """

    def __init__(self, options: MapOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.kind, self.map_size = options.hypothesis, options.side // 4

    @property
    def arrays(self) -> tuple[str, ...]:
        """What maps are drawn from; NaN where not known."""
        return ("joints3d", "K")

    @property
    def optional(self) -> tuple[str, ...]:
        """Nothing: there is nothing to learn of people without 3D joints."""
        return ()

    def changes(self, batch: Batch, augment_seed: int | None) -> Changes:
        """Draw the changes of a batch's pictures, seen in the task's crop: a larger crop makes people smaller."""
        drawn = super().changes(batch, augment_seed)
        return replace(drawn, scale=drawn.scale / self.kind.crop, shift=drawn.shift / self.kind.crop)

    def draw(self, people: People) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Draw maps of people who were changed.

        Returns
        -------
        maps : (N, 2, S, S) uint8
            Foreground and background bone numbers.
        known : (N,) bool
            People of whom all joints, and the camera, are known: the others' maps lack bones.
        """
        whole = Hypothesis(1.0, self.kind.width)
        maps = draw_hypotheses(people.joints3d, people.K, (whole,), BOX, self.map_size)[whole.name]
        return maps, _all_finite(people.joints3d[:, DEEPSKELETON16_OF_H36M17]) & _all_finite(people.K)


def _all_finite(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(values).all(axis=(1, 2)))
