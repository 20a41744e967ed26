"""What a mosaic store's attributes and tables say: all that someone needs who has the store alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import synth
from pipelines.prepare import PreparedPool, PreparedPoses, photograph_names
from pipelines.recipe import ALGORITHM_VERSION, Recipe
from pipelines.runlog import count_rejections
from synth.cameras import BOX
from synth.environment import library_versions
from synth.query_plan import QueryPlan
from synth.skeletons import BODY13, H36M17, Skeleton
from synth.sources import catalog
from synth.splits import SPLITS, SplitCycle


def store_tables(poses: PreparedPoses, pool: PreparedPool) -> dict[str, list[str]]:
    """Collect the names that the label arrays point into."""
    return {
        "photographs": photograph_names(pool.pool),
        "motion_files": list(poses.library.files),
        "subjects": list(poses.library.subjects),
    }


def store_attributes(
    recipe: Recipe, inputs: dict[str, str], poses: PreparedPoses, pool: PreparedPool, plan: QueryPlan
) -> dict[str, Any]:
    """Compile the attributes of a mosaic store; none depends on when, where or how fast it is made."""
    return {
        "title": "Mosaics of photographs guided by motion capture, with 2D and 3D poses",
        "method": "Rogez and Schmid, Image-based Synthesis for Deep 3D Human Pose Estimation, IJCV 2018",
        **picture_attributes(recipe.described(), inputs, recipe.output.cycle, ALGORITHM_VERSION),
        "seed": recipe.output.seed,
        "sources": [*motion_licences(recipe.sources.mocap), *_image_licences(recipe.sources.images)],
        "counts": {
            "frames": poses.frames,
            "poses": len(poses.library),
            "subjects": len(poses.library.subjects),
            "pool_entries": int(pool.pool.usable.sum()),
            "photographs": len(np.unique(pool.pool.photograph)),
            "splits": split_counts(recipe, pool, plan),
        },
        "left_out": count_rejections([*poses.rejections, *pool.rejections]),
    }


def picture_attributes(
    described: dict[str, Any], inputs: dict[str, str], cycle: SplitCycle, version: int
) -> dict[str, Any]:
    """Compile what the attributes of every store of pictures of people with 3D poses say.

    Parameters
    ----------
    described : dict
        The recipe as a store's attributes keep it.
    inputs : dict of str to str
        Content hashes of what the samples are made from.
    cycle : SplitCycle
        How ids run through the splits.
    version : int
        Of the algorithm.
    """
    return {
        "skeleton": _skeleton(H36M17),
        "matched_joints": list(BODY13.joints),
        "matched_skeleton": _skeleton(BODY13),
        "image_size": [BOX, BOX],
        "units": {"lengths": "m", "pixels": "px", "angles": "rad", "images": "sRGB, 0-255"},
        "axes": "camera frame: x right, y down, z forward; world frame: y up; "
        "picture: x right, y down, pixel centres at integers, 0 to 219",
        "camera_model": "pinhole without distortion: X_camera = R X_world + t; pixel = K X_camera / z",
        "splits": list(SPLITS),
        "split_cycle": list(cycle.sizes),
        "recipe": described,
        "inputs": inputs,
        "algorithm_version": version,
        "code": {"name": "synth", "version": synth.__version__},
        "libraries": library_versions(),
    }


def split_counts(recipe: Recipe, pool: PreparedPool, plan: QueryPlan) -> dict[str, Any]:
    """Count poses, subjects, pool entries and photographs of each split."""
    of_entry = pool.pool.splits(recipe.output.cycle)
    rows = pool.pool.rows
    counts: dict[str, Any] = {}
    for split in recipe.output.cycle.used:
        entries = pool.pool.usable & (of_entry == split)
        counts[SPLITS[split]] = {
            "poses": len(plan.pool(split)),
            "subjects": [
                name
                for name, of in zip(plan.library.subjects, plan.split_of_subject, strict=True)
                if of == split
            ],
            "pool_entries": int(entries.sum()),
            "photographs": len(np.unique(pool.pool.photograph[entries[:rows]])),
        }
    return counts


def _skeleton(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "name": skeleton.name,
        "joints": list(skeleton.joints),
        "bones": [list(bone) for bone in skeleton.bones],
        "mirror_pairs": [list(pair) for pair in skeleton.mirror_pairs],
    }


def motion_licences(spec: str) -> list[dict[str, str]]:
    """Say of motion sources, joined with +, what a store keeps: title, licence, publisher."""
    return [_licence("motion", source) for source in catalog.motion_sources(spec)]


def _image_licences(spec: str) -> list[dict[str, str]]:
    return [_licence("images", source) for source in catalog.image_sources(spec)]


def _licence(kind: str, source: catalog.Source) -> dict[str, str]:
    return {
        "kind": kind,
        "name": source.name,
        "title": source.title,
        "licence": source.licence,
        "publisher": source.publisher,
    }
