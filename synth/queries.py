"""Queries: a pose, a view, a camera, 2D and 3D joints and what the body hides, for every sample id.

A query depends on the plan and its id alone, neither on the number of samples nor on which others are
made with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cameras import (
    BOX,
    Cameras,
    ViewRange,
    Views,
    camera_for,
    project_camera_points,
    sample_views,
    to_camera,
)
from synth.errors import InputError
from synth.occlusion import OCCLUSION_MARGIN, self_occluded
from synth.poses import PoseLibrary
from synth.splits import SPLITS, SplitCycle, assign_subjects

POSE_STAGE = 2
"""Key of the poses' order in the random generator [seed, stage, split, round]."""


@dataclass(frozen=True)
class QueryPlan:
    """All that decides the queries.

    Parameters
    ----------
    library : PoseLibrary
        M poses of S subjects.
    split_of_subject : (S,) uint8
        Split of each subject; `plan_queries` assigns it.
    cycle : SplitCycle
        How ids run through the splits.
    seed : int
        Seed of the run, 0 or more.
    ranges : ViewRange
        Where views are drawn from.
    occlusion_margin : float
        Metres; see `occlusion.self_occluded`.
    """

    library: PoseLibrary
    split_of_subject: NDArray[np.uint8]
    cycle: SplitCycle
    seed: int
    ranges: ViewRange = field(default_factory=ViewRange)
    occlusion_margin: float = OCCLUSION_MARGIN

    def pool(self, split: int) -> NDArray[np.int64]:
        """Poses of one split, ascending."""
        return np.flatnonzero(self.split_of_subject[self.library.subject_of] == split)


@dataclass(frozen=True)
class Queries:
    """N queries.

    Parameters
    ----------
    ids : (N,) int64
        Sample ids.
    split : (N,) uint8
        Position in `splits.SPLITS`.
    pose : (N,) int32
        Pose of the library.
    views : Views
        Views (N,).
    cameras : Cameras
        Cameras (N,); world is the library's frame.
    joints3d : (N, 17, 3) float32
        Joints of `H36M17` in the camera frame, metres.
    joints2d : (N, 17, 2) float32
        Their pixels in the box.
    self_occluded : (N, 17) bool
        Hidden by the person's own body.
    inside : (N, 17) bool
        Within the box, whose outermost pixels end at -0.5 and 219.5.
    """

    ids: NDArray[np.int64]
    split: NDArray[np.uint8]
    pose: NDArray[np.int32]
    views: Views
    cameras: Cameras
    joints3d: NDArray[np.float32]
    joints2d: NDArray[np.float32]
    self_occluded: NDArray[np.bool_]
    inside: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def plan_queries(
    library: PoseLibrary, cycle: SplitCycle, seed: int, ranges: ViewRange | None = None
) -> QueryPlan:
    """Plan with the library's subjects shared among the splits by `splits.assign_subjects`.

    Subjects of the same name in different sources count as one person (CMU's subject 02 and its conversion
    to another format), so that nobody is in two splits.

    Raises
    ------
    InputError
        If there are fewer people than splits with a positive share.
    """
    names = [subject.partition("/")[2] for subject in library.subjects]
    people, person_of = np.unique(names, return_inverse=True)
    poses = np.bincount(person_of, weights=library.poses_per_subject()).astype(np.int64)
    split_of_person = assign_subjects(people.tolist(), poses.tolist(), cycle)
    return QueryPlan(library, split_of_person[person_of], cycle, seed, ranges or ViewRange())


def make_queries(plan: QueryPlan, ids: ArrayLike, attempt: int = 0) -> Queries:
    """Make the queries of the given sample ids.

    Parameters
    ----------
    plan : QueryPlan
        What to draw from.
    ids : (N,) int
        Sample ids, 0 or more, in any order.
    attempt : int
        Which of a sample's views to take, from 0; the pose stays the same.

    Returns
    -------
    Queries

    Raises
    ------
    InputError
        If an id is negative, or its split has no pose.
    """
    sample_ids = np.asarray(ids, dtype=np.int64).reshape(-1)
    views = sample_views(plan.seed, sample_ids, plan.ranges, attempt)
    pose = choose_poses(plan, sample_ids)
    world = plan.library.joints[pose]
    cameras = camera_for(world, views)
    # pixels come from the stored, rounded coordinates, so that both labels agree to the last bit
    joints3d = to_camera(cameras, world).astype(np.float32)
    joints2d = project_camera_points(cameras.K, joints3d).astype(np.float32)
    within: NDArray[np.bool_] = np.logical_and(joints2d >= -0.5, joints2d <= BOX - 0.5)
    return Queries(
        ids=sample_ids,
        split=plan.cycle.split_of(sample_ids),
        pose=pose.astype(np.int32),
        views=views,
        cameras=cameras,
        joints3d=joints3d,
        joints2d=joints2d,
        self_occluded=self_occluded(joints3d, plan.occlusion_margin),
        inside=np.all(within, axis=-1),
    )


def choose_poses(plan: QueryPlan, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pose of each sample id.

    The ids of a split go through its poses in a random order, and once through all of them in a new order
    in each following round, so that every pose is used equally often.

    Parameters
    ----------
    plan : QueryPlan
        What to draw from.
    ids : (N,) int64
        Sample ids, 0 or more.

    Returns
    -------
    (N,) int64
        Positions in the library.
    """
    split, ordinal = plan.cycle.split_of(ids), plan.cycle.ordinal(ids)
    pose = np.empty(len(ids), dtype=np.int64)
    for s in np.unique(split).tolist():
        pool = plan.pool(s)
        if len(pool) == 0:
            raise InputError(f"no subject of the motion sources is in the split {SPLITS[s]}; change --splits")
        of_split = np.flatnonzero(split == s)
        rounds, place = np.divmod(ordinal[of_split], len(pool))
        for number in np.unique(rounds).tolist():
            order = np.random.default_rng([plan.seed, POSE_STAGE, s, number]).permutation(pool)
            chosen = rounds == number
            pose[of_split[chosen]] = order[place[chosen]]
    return pose


def take_rows(queries: Queries, rows: NDArray[np.intp]) -> Queries:
    """Select the queries of the given rows, in that order."""
    return cast(Queries, _map_arrays(lambda array: array[rows], queries))


def replace_rows(queries: Queries, rows: NDArray[np.intp], others: Queries) -> Queries:
    """Put the queries `others` (R) in place of the given rows (R,)."""

    def replaced(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        whole = old.copy()
        whole[rows] = new
        return whole

    return cast(Queries, _map_arrays(replaced, queries, others))


def _map_arrays(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Apply a function to all arrays of (nested) dataclasses of one kind, place by place."""
    if not is_dataclass(first) or isinstance(first, type):
        return function(first, *others)
    values = {
        part.name: _map_arrays(function, *(getattr(each, part.name) for each in (first, *others)))
        for part in fields(first)
    }
    return replace(first, **values)
