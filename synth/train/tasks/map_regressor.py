"""DeepSkeleton's second network: the 3D pose of a foreground and a background skeleton map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from pydantic import Field
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
        If `maps_from` is another network than it should be.
    """

    network: ResNet50

    def __init__(self, options: MapRegressorOptions, constants: Constants) -> None:
        super().__init__(options, constants)
        self.options = options
        self.network = map_regressor(options.width, options.side)
        self.first = None if options.maps_from is None else _first_network(options, options.maps_from)

    def initialise(self) -> None:
        """Start from weights of a ResNet-50, if they were given: but for its first and last layer."""
        if self.options.weights is not None:
            start_from(self.network, self.options.weights, skip=("conv1.", "fc."))

    @property
    def arrays(self) -> tuple[str, ...]:
        """What maps are drawn from, or what they are estimated from as well."""
        return super().arrays if self.first is None else ("images", *super().arrays)

    def tensors(self, batch: Batch, augment_seed: int | None) -> dict[str, Tensor]:
        """Bone numbers `maps` (N, 2, S, S) uint8, or pictures of the box; and `offsets` (N, 45), metres."""
        people = self.people(batch, augment_seed)
        joints = people.joints3d[:, DEEPSKELETON16_OF_H36M17]
        maps, known = self.draw(people)
        offsets = root_relative(joints).reshape(len(joints), -1)
        tensors = {"offsets": floats(np.where(known[:, None], offsets, np.nan))}
        if self.first is None:
            return tensors | {"maps": torch.from_numpy(maps)}
        return tensors | {"images": torch.from_numpy(people.images)}

    def losses(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Euclidean loss."""
        return {"loss": pose_loss(self.network(self._inputs(tensors)), tensors["offsets"])}

    def estimate(self, tensors: Mapping[str, Tensor]) -> Estimates:
        """Joints relative to the thorax."""
        offsets = numbers(self.network(self._inputs(tensors))).reshape(-1, OFFSETS, 3)
        return Estimates(DEEPSKELETON16, joints3d=poses_of_root_relative(offsets))

    def coloured_maps(self, tensors: Mapping[str, Tensor]) -> Tensor:
        """Foreground and background maps, (N, 2, 3, S, S), of people of `tensors`: true or estimated ones."""
        if self.first is None:
            return map_colours(tensors["maps"])
        with torch.no_grad():
            self.first.network.to(tensors["images"].device)
            return self.first.estimated_maps(tensors["images"])

    def _inputs(self, tensors: Mapping[str, Tensor]) -> Tensor:
        return join_maps(self.coloured_maps(tensors), self.options.side)


def _first_network(options: MapRegressorOptions, path: Path) -> SkeletonMapsTask:
    """Open the trained first network, which stays as it is."""
    task = load_task(path)
    if not isinstance(task, SkeletonMapsTask) or task.options.maps != "both":
        raise InputError(f"maps_from = {path}: expected a run of task skeleton-maps that gives both maps")
    if task.kind != options.hypothesis:
        raise InputError(
            f"maps_from = {path} gives maps {task.kind.name}, but this network is for {options.hypothesis.name}: "
            "give the same crop and stick_width"
        )
    task.network.requires_grad_(False)
    return task
