"""What a mosaic store's attributes and tables say: all that someone needs who has the store alone."""

from __future__ import annotations

from typing import Any

import numpy as np

import synth
from pipelines.pose_library import PreparedPoses
from pipelines.pose_recipe import PoseRecipe
from pipelines.prepare import PreparedPool, photograph_names
from pipelines.recipe import ALGORITHM_VERSION, Recipe
from pipelines.runlog import count_rejections
from synth.cameras import BOX
from synth.environment import library_versions
from synth.query_plan import QueryPlan
from synth.skeletons import BODY13, H36M17, Skeleton
from synth.sources import catalog
from synth.sources.records import Rejection
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
        "sources": [*motion_licences(recipe, poses), *image_licences(recipe.sources.images)],
        **lifted_attributes(poses),
        "counts": {
            "frames": poses.frames,
            "poses": len(poses.library),
            "subjects": len(poses.library.subjects),
            "pool_entries": int(pool.pool.usable.sum()),
            "photographs": len(np.unique(pool.pool.photograph)),
            "splits": split_counts(recipe, pool, plan),
        },
        "left_out": count_rejections(all_rejections(poses, pool)),
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
            **_people_counts(plan, split),
            "pool_entries": int(entries.sum()),
            "photographs": len(np.unique(pool.pool.photograph[entries[:rows]])),
        }
    return counts


def _people_counts(plan: QueryPlan, split: int) -> dict[str, Any]:
    """Name the recorded subjects of a split, and count what else its poses are of, where there is anything."""
    library = plan.library
    lifted, here = library.lifted_subjects, plan.split_of_subject == split
    counts: dict[str, Any] = {"subjects": [library.subjects[row] for row in np.flatnonzero(here & ~lifted)]}
    if lifted.any():
        counts["lifted_photographs"] = int((here & lifted).sum())
    if plan.shares:
        pools = zip(plan.shares, plan.shared_pools(split), strict=True)
        counts["poses_by_share"] = {"+".join(share.sources): len(pool) for share, pool in pools}
    return counts


def all_rejections(poses: PreparedPoses, pool: PreparedPool) -> list[Rejection]:
    """List all that was left out of the sources; photographs whose people are also lifted, once."""
    known = {(item.source, item.item, item.reason) for item in poses.rejections}
    others = (item for item in pool.rejections if (item.source, item.item, item.reason) not in known)
    return [*poses.rejections, *others]


def _skeleton(skeleton: Skeleton) -> dict[str, Any]:
    return {
        "name": skeleton.name,
        "joints": list(skeleton.joints),
        "bones": [list(bone) for bone in skeleton.bones],
        "mirror_pairs": [list(pair) for pair in skeleton.mirror_pairs],
    }


def motion_licences(recipe: PoseRecipe, poses: PreparedPoses) -> list[dict[str, str]]:
    """Say of a recipe's motion sources what a store keeps: title, licence, publisher."""
    recorded = recipe.motion.motion_sources()
    licences = [_licence("motion", source) for source in recorded]
    for source, item in zip(recipe.motion.image_sources(), poses.lifted, strict=True):
        title = f"{source.title}, people lifted to 3D"
        licences.append({**_licence("motion", source), "name": item.name, "title": title})
    learnt = [source for item in poses.lifted for source in catalog.motion_sources(item.plan.mocap)]
    others = [source for source in dict.fromkeys(learnt) if source not in recorded]
    return licences + [_licence("dictionary", source) for source in others]


def lifted_attributes(poses: PreparedPoses) -> dict[str, Any]:
    """Tell where lifted people came from; nothing if there are none."""
    return {"lifted": [item.described() for item in poses.lifted]} if poses.lifted else {}


def image_licences(spec: str) -> list[dict[str, str]]:
    """Say of image sources what a store keeps: title, licence, publisher."""
    return [_licence("images", source) for source in catalog.image_sources(spec, testing=True)]


def _licence(kind: str, source: catalog.Source) -> dict[str, str]:
    return {
        "kind": kind,
        "name": source.name,
        "title": source.title,
        "licence": source.licence,
        "publisher": source.publisher,
    }
