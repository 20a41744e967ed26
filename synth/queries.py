"""Queries: a pose, a view, a camera, 2D and 3D joints and what the body hides, for every sample id.

A query depends on the plan and its id alone, neither on the number of samples nor on which others are
made with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cameras import (
    BOX,
    Cameras,
    Views,
    camera_for,
    project_camera_points,
    sample_views,
    to_camera,
)
from synth.geometry import torso_centre
from synth.occlusion import self_occluded
from synth.poses import PoseLibrary
from synth.query_plan import QueryPlan, choose_poses


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
    pose = choose_poses(plan, sample_ids)
    views = _draw_views(plan, sample_ids, pose, attempt)
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


def _draw_views(plan: QueryPlan, ids: NDArray[np.int64], pose: NDArray[np.int64], attempt: int) -> Views:
    """Draw views of recorded poses from one range, of lifted ones from another."""
    lifted = plan.library.lifted_subjects[plan.library.subject_of[pose]]
    views = sample_views(plan.seed, ids, plan.ranges, attempt)
    if not lifted.any():
        return views
    others = sample_views(plan.seed, ids[lifted], plan.lifted_ranges, attempt)
    return cast(Views, _with_rows(views, np.flatnonzero(lifted), others))


def query_labels(
    library: PoseLibrary, queries: Queries, attempts: NDArray[np.uint8]
) -> dict[str, NDArray[np.generic]]:
    """Collect what queries say of their samples, by the names of `store.samples.sample_schema`.

    Parameters
    ----------
    library : PoseLibrary
        Where the poses are from.
    queries : Queries
        N queries.
    attempts : (N,) uint8
        Which of its views each query has.
    """
    views = queries.views
    return {
        "split": queries.split,
        "pose": queries.pose,
        "motion_file": library.file_of[queries.pose].astype(np.int32),
        "motion_frame": library.frame[queries.pose].astype(np.int32),
        "subject": library.subject_of[queries.pose].astype(np.int32),
        "view": np.stack([views.azimuth, views.elevation, views.distance, views.roll], axis=-1).astype(
            np.float32
        ),
        "view_attempt": attempts,
        "K": queries.cameras.K,
        "R": queries.cameras.R,
        "t": queries.cameras.t,
    }


def joint_labels(queries: Queries) -> dict[str, NDArray[np.generic]]:
    """Collect the labels of joints whose samples show the queries' own body, by the names of `sample_schema`."""
    joints3d = queries.joints3d
    return {
        "joints2d": queries.joints2d,
        "joints3d": joints3d,
        "joints3d_torso": (joints3d - torso_centre(joints3d)[:, None]).astype(np.float32),
        "self_occluded": queries.self_occluded,
        "visible": queries.inside & ~queries.self_occluded,
    }


def take_rows(queries: Queries, rows: NDArray[np.intp]) -> Queries:
    """Select the queries of the given rows, in that order."""
    return cast(Queries, _map_arrays(lambda array: array[rows], queries))


def replace_rows(queries: Queries, rows: NDArray[np.intp], others: Queries) -> Queries:
    """Put the queries `others` (R) in place of the given rows (R,)."""
    return cast(Queries, _with_rows(queries, rows, others))


def _with_rows(first: Any, rows: NDArray[np.intp], others: Any) -> Any:
    """Put the rows of the arrays of a (nested) dataclass in place of the given rows of another's."""

    def replaced(old: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        whole = old.copy()
        whole[rows] = new
        return whole

    return _map_arrays(replaced, first, others)


def _map_arrays(function: Callable[..., Any], first: Any, *others: Any) -> Any:
    """Apply a function to all arrays of (nested) dataclasses of one kind, place by place."""
    if not is_dataclass(first) or isinstance(first, type):
        return function(first, *others)
    values = {
        part.name: _map_arrays(function, *(getattr(each, part.name) for each in (first, *others)))
        for part in fields(first)
    }
    return replace(first, **values)
