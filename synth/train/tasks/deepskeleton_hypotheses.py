"""DeepSkeleton's test-time procedure: one pose of each kind of map, and the choice among them (section 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from synth.errors import InputError
from synth.labels.skeleton_maps import DEEPSKELETON16_OF_H36M17
from synth.metrics.estimates import Estimates
from synth.nets.deepskeleton import regress_hypotheses
from synth.nets.reprojection import Chosen, match_by_reprojection, match_by_truth
from synth.skeletons import DEEPSKELETON16
from synth.store.batches import Batch
from synth.train.tasks.map_regressor import MapRegressor
from synth.train.tasks.pictures import people_of


class HypothesisEstimates(NamedTuple):
    """Poses chosen among H hypotheses by their reprojection, and by an oracle that knows the truth.

    Both hold all hypotheses as well, `hypotheses3d` (N, H, 16, 3), the best by the same choice first.
    """

    matched: Estimates
    oracle: Estimates


def hypothesis_arrays(tasks: Sequence[MapRegressor]) -> tuple[str, ...]:
    """Arrays that `estimate_hypotheses` reads of a store."""
    return tuple(dict.fromkeys((*(name for task in tasks for name in task.arrays), "joints2d")))


def estimate_hypotheses(tasks: Sequence[MapRegressor], batch: Batch) -> HypothesisEstimates:
    """Estimate poses by several trained networks, one for each (crop, stick width), and choose.

    Parameters
    ----------
    tasks : sequence of MapRegressor
        Trained networks, on any devices.
    batch : Batch
        With `hypothesis_arrays`. `joints2d` are the 2D detections that the reprojections are compared with.

    Raises
    ------
    InputError
        If there is no network, or two are of the same kind.
    """
    names = [task.kind.name for task in tasks]
    if len(set(names)) < len(names):
        raise InputError(f"hypotheses {', '.join(names)}: give runs of different crops and stick widths")
    maps = {task.kind.name: _maps(task, batch) for task in tasks}
    poses = regress_hypotheses({task.kind.name: task.network for task in tasks}, maps)
    people = people_of(batch)
    joints = DEEPSKELETON16_OF_H36M17
    truth = people.joints3d[:, joints] - people.joints3d[:, joints[:1]]
    # nobody is matched through an unknown camera
    seen = np.isfinite(people.K).all(axis=(1, 2), keepdims=True)
    detected = np.where(seen, people.joints2d[:, joints], np.nan)
    matched = match_by_reprojection(poses, detected, K=np.where(seen, people.K, np.eye(3)))
    return HypothesisEstimates(_estimates(poses, matched), _estimates(poses, match_by_truth(poses, truth)))


def _maps(task: MapRegressor, batch: Batch) -> Tensor:
    device = next(task.network.parameters()).device
    return task.coloured_maps({name: value.to(device) for name, value in task.tensors(batch, None).items()})


def _estimates(poses: NDArray[np.float64], chosen: Chosen) -> Estimates:
    order = np.argsort(chosen.errors, axis=0, kind="stable")
    ranked = np.take_along_axis(poses, order[..., None, None], axis=0)
    return Estimates(DEEPSKELETON16, joints3d=chosen.poses, hypotheses3d=np.swapaxes(ranked, 0, 1))
