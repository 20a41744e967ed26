"""Poses and cameras that are rendered: those of a store, or drawn from a pose library."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.describe import lifted_attributes, motion_licences
from pipelines.pose_library import prepare_poses
from pipelines.prepare import Tools
from pipelines.render_recipe import RenderRecipe
from pipelines.rotations import PoseList
from pipelines.shards import BLOCK
from synth.rendering.shots import PASSED_ON, world_joints
from synth.skeletons import H36M17
from synth.sources.records import Rejection
from synth.splits import SplitCycle
from synth.store.reader import Store, open_store

_PELVIS = H36M17.index("pelvis")
_BODY_LICENCES = (
    {
        "kind": "body",
        "name": "makehuman",
        "title": "MakeHuman base mesh, rig and shapes",
        "licence": "CC0 1.0",
    },
    {
        "kind": "backgrounds",
        "name": "backgrounds",
        "title": "Photographs and panoramas that come with this program (NOTICE names them)",
        "licence": "CC0, public domain, CC BY 2.0",
    },
)


@dataclass(frozen=True)
class Posed:
    """Poses and cameras that are to be rendered.

    Parameters
    ----------
    store, library : Path or None
        Where they come from: one of the two.
    cycle : SplitCycle
        How ids run through the splits.
    poses : PoseList
        Where they were recorded.
    tables : dict of str to list of str
        What the labels about motion point into.
    inputs : dict of str to str
        Content hashes.
    attributes : dict
        Licences, and what the poses are.
    rejections : tuple of Rejection
        What was left out of the motion sources.
    """

    store: Path | None
    library: Path | None
    cycle: SplitCycle
    poses: PoseList
    tables: dict[str, list[str]]
    inputs: dict[str, str]
    attributes: dict[str, Any]
    rejections: tuple[Rejection, ...]


def open_source(path: Path) -> Store:
    """Open the store that is rendered; `InputError` if it lacks an array."""
    store = open_store(path)
    for name in ("images", "joints3d", "joints2d", *PASSED_ON):
        store.meta.schema.array(name)
    return store


def drawn_poses(recipe: RenderRecipe, tools: Tools) -> Posed:
    """Poses of the recipe's motion sources, which samples are drawn from as those of mosaics are."""
    prepared = prepare_poses(recipe, tools)
    library = prepared.library
    poses = PoseList(
        library.content_hash,
        list(library.files),
        np.arange(len(library)),
        library.file_of.astype(np.int64),
        library.frame.astype(np.int64),
        library.joints.astype(np.float64),
    )
    return Posed(
        None,
        prepared.path,
        recipe.output.cycle,
        poses,
        {"motion_files": list(library.files), "subjects": list(library.subjects)},
        prepared.inputs(),
        {
            "sources": [*motion_licences(recipe, prepared), *_BODY_LICENCES],
            **lifted_attributes(prepared),
            "counts": {"frames": prepared.frames, "poses": len(library), "subjects": len(library.subjects)},
        },
        prepared.rejections,
    )


def stored_poses(path: Path, n: int, pictures: bool) -> Posed:
    """Poses and cameras of the first `n` samples of a store, whose pictures may be used too."""
    store = open_source(path)
    there = store.attributes
    used = [source for source in there["sources"] if pictures or source["kind"] != "images"]
    tables = {name: store.table(name) for name in ("motion_files", "subjects")}
    return Posed(
        path.resolve(),
        None,
        SplitCycle(*there["split_cycle"]),
        _recorded(store, n, tables["motion_files"]),
        tables,
        {"store": store.meta.recipe_hash},
        {
            "sources": [*used, *_BODY_LICENCES],
            "counts": {name: len(table) for name, table in tables.items()},
            "rendered_after": {"title": there.get("title", ""), "recipe": there.get("recipe", {})},
        },
        (),
    )


def _recorded(store: Store, n: int, files: list[str]) -> PoseList:
    """List the poses among the first n samples; each as its first sample has it."""
    valid = store.read_label("valid", 0, n)
    pose = np.where(valid, store.read_label("pose", 0, n), -1).astype(np.int64)
    numbers, first = np.unique(pose, return_index=True)
    first = np.sort(first[numbers >= 0])
    parts = []
    for low in range(0, n, BLOCK):
        rows = first[(first >= low) & (first < low + BLOCK)]
        if len(rows):
            high = min(low + BLOCK, n)
            label = {name: store.read_label(name, low, high)[rows - low] for name in ("joints3d", "R", "t")}
            parts.append(world_joints(label["joints3d"], label["R"], label["t"]))
    joints = np.concatenate(parts) if parts else np.empty((0, len(H36M17), 3))
    joints -= joints[:, _PELVIS, None] * [1.0, 0.0, 1.0]
    file, frame = (
        store.read_label(name, 0, n)[first].astype(np.int64) for name in ("motion_file", "motion_frame")
    )
    return PoseList(f"{store.meta.recipe_hash} {n}", files, pose[first], file, frame, joints)
