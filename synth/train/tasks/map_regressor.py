"""DeepSkeleton's second network: the 3D pose of a foreground and a background skeleton map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor

from synth.errors import InputError
from synth.labels.skeleton_maps import DEEPSKELETON16_OF_H36M17
from synth.labels.targets import poses_of_root_relative, root_relative
from synth.metrics.estimates import Estimates
from synth.nets.deepskeleton import OFFSETS, map_regressor, pose_loss
from synth.nets.inputs import join_maps, map_colours
from synth.nets.resnet import ResNet50
from synth.skeletons import DEEPSKELETON16
from synth.store.batches import Batch
from synth.train.checkpoint import load_task
from synth.train.task import Constants
from synth.train.tasks.deepskeleton import MapOptions, MapTask
from synth.train.tasks.pictures import floats, numbers, start_from
from synth.train.tasks.skeleton_maps import SkeletonMapsTask


class MapRegressorOptions(MapOptions):
    """Options of the second network."""

    maps_from: Path | None = Field(
        None,
        description="run of task skeleton-maps, of the same crop and stick width, whose maps are taken; "
        "by default the true ones are, which the joints give",
    )
    background_from: Path | None = Field(
        None, description="such a run for the background alone, if maps_from is one for the foreground alone"
    )

    @model_validator(mode="after")
    def _both(self) -> MapRegressorOptions:
        if self.background_from is not None and self.maps_from is None:
            raise ValueError("background_from needs maps_from, a run for the foreground")
        return self

    @property
    def first_runs(self) -> dict[str, Path]:
        """Runs of first networks, by what each has to give."""
        if self.maps_from is None:
            return {}
        if self.background_from is None:
            return {"both": self.maps_from}
        return {"foreground": self.maps_from, "background": self.background_from}


class MapRegressor(MapTask):
    """Regression of joints relative to the thorax.

    Parameters
    ----------
    options : MapRegressorOptions
    constants : mapping of str to array
        Of `measure`.

    Raises
    ------
    InputError
        If a run of `maps_from` is of another network than it should be.
    """

    network: ResNet50

    def __init__(self, options: MapRegressorOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.options = options
        self.network = map_regressor(options.width, options.side)
        self.first = [_first_network(options, run, maps) for maps, run in options.first_runs.items()]

    def initialise(self) -> None:
        """Start from weights of a ResNet-50, if they were given: but for its first and last layer."""
        if self.options.weights is not None:
            start_from(self.network, self.options.weights, skip=("conv1.", "fc."))

    @property
    def arrays(self) -> tuple[str, ...]:
        """What maps are drawn from, or what they are estimated from as well."""
        return ("images", *super().arrays) if self.first else super().arrays

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Bone numbers `maps` (N, 2, S, S) uint8, or pictures of the box; and `offsets` (N, 45), metres."""
        people = self.people(batch, augment_seed)
        joints = people.joints3d[:, DEEPSKELETON16_OF_H36M17]
        maps, known = self.draw(people)
        offsets = root_relative(joints).reshape(len(joints), -1)
        tensors = {"offsets": floats(np.where(known[:, None], offsets, np.nan))}
        if self.first:
            return tensors | {"images": torch.from_numpy(people.images)}
        return tensors | {"maps": torch.from_numpy(maps)}

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Euclidean loss."""
        return {"loss": pose_loss(self.network(self._inputs(tensors)), tensors["offsets"])}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Joints relative to the thorax."""
        offsets = numbers(self.network(self._inputs(tensors))).reshape(-1, OFFSETS, 3)
        return Estimates(DEEPSKELETON16, joints3d=poses_of_root_relative(offsets))

    def coloured_maps(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Foreground and background maps, (N, 2, 3, S, S), of people of `tensors`: true or estimated ones."""
        if not self.first:
            return map_colours(tensors["maps"])
        with torch.no_grad():
            return torch.cat([_estimated(task, tensors["images"]) for task in self.first], dim=1)

    def _inputs(self, tensors: Mapping[str, Tensor]) -> Tensor:
        return join_maps(self.coloured_maps(tensors), self.options.side)


def _estimated(first: SkeletonMapsTask, images: Tensor) -> Tensor:
    first.network.to(images.device)
    return first.estimated_maps(images)


def _first_network(options: MapRegressorOptions, path: Path, maps: str) -> SkeletonMapsTask:
    """Open a trained first network, which stays as it is."""
    task = load_task(path)
    if not isinstance(task, SkeletonMapsTask) or task.options.maps != maps:
        raise InputError(f"{path}: expected a run of task skeleton-maps with maps = {maps!r}")
    if task.kind != options.hypothesis:
        raise InputError(
            f"{path} gives maps {task.kind.name}, but this network is for {options.hypothesis.name}: "
            "give the same crop and stick_width"
        )
    task.network.requires_grad_(False)
    return task
