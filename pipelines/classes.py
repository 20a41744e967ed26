"""Pose classes of a store: k-means, mean poses, the error of quantisation, and the label pass.

The work folder of the k-means lies under the cache folder, named by what decides the result, and is removed
when the pass is sealed.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.classes_fit import (
    STAGE,
    VERSION,
    ClassOptions,
    Job,
    State,
    add_all,
    described,
    draw_sample,
    fetch_all,
    ids_of_split,
    iterate,
    open_job,
    write_centres,
)
from pipelines.classes_worker import AssignTask, Samples, add_pictures, assign_shard
from pipelines.cluster import Workers
from pipelines.label_pass import LabelPlan, run_label_pass, sealed_store
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from synth.labels.classes import JOINTS, PoseClasses, load_classes, make_classes, quantisation
from synth.labels.kmeans import fit, sums_of
from synth.labels.nearest import index_centres, nearest
from synth.labels.seeding import initial_centres
from synth.splits import SPLITS
from synth.store.labels import check_label_pass
from synth.store.metadata import StoreMeta, has_store, open_meta
from synth.store.schema import ArraySpec
from synth.store.tables import Numbers

_ASSIGNED = "Classes of another store's poses, see its tables; classes_seal names the pass they come from"


def class_schema(by: str) -> tuple[ArraySpec, ...]:
    """Arrays of a label pass of classes that were compared in ``"3d"`` or ``"2d"``."""
    nearest_by = {"3d": "in 3D", "2d": "in the picture"}[by]
    ids = ArraySpec(
        "pose_class", "int32", (), (), f"class whose mean pose is nearest {nearest_by}; -1 if none", fill=-1
    )
    picture = ArraySpec(
        "error2d", "float32", (), (), "mean distance of the joints to the class's mean2d", "px", fill=math.nan
    )
    space = ArraySpec(
        "error3d", "float32", (), (), "mean distance of the joints to the class's mean3d", "m", fill=math.nan
    )
    return (ids, space, picture) if by == "3d" else (ids, picture)


def make_pose_classes(
    path: Path, name: str, options: ClassOptions, workers: Workers, progress: Progress, log: RunLog
) -> list[str]:
    """Make the pose classes of a store and its label pass; go on with what is there of it.

    Parameters
    ----------
    path : Path
        A sealed store with the arrays split, joints2d and joints3d.
    name : str
        Name of the label pass.
    options : ClassOptions
    workers : Workers
    progress : Progress
    log : RunLog

    Returns
    -------
    list of str
        What to tell the user.

    Raises
    ------
    InputError
        The store lacks an array, or has fewer training samples than classes.
    StoreError
        The store isn't sealed, or a pass of this name was made otherwise.
    """
    store = sealed_store(path.resolve())
    plan = LabelPlan(store.meta.path, name, class_schema("3d"), VERSION, described(options))
    there = _pass_there(plan)
    if there is not None and there.seal is not None:
        return [f"{plan.path} is finished and sealed", *curve_lines(there.attributes["quantisation"])]
    job = open_job(store, options, workers, progress)
    workers.require_paths([job.folder, store.meta.path])
    state = iterate(job, log)
    classes = _name_means(job, state)
    curve = _curve(job, classes)
    plan = LabelPlan(
        plan.store, name, plan.arrays, VERSION, plan.recipe, _attributes(state, curve), _tables(classes)
    )
    lines = run_label_pass(
        plan,
        lambda shard: AssignTask(store.meta.path, plan.path, plan.path, shard, "3d"),
        assign_shard,
        workers,
        progress,
        log,
    )
    shutil.rmtree(job.folder)
    return [*lines, *curve_lines(curve)]


def _pass_there(plan: LabelPlan) -> StoreMeta | None:
    """Find the pass if it was begun, and refuse one of other options before anything is computed."""
    if not has_store(plan.path):
        return None
    meta = open_meta(plan.path)
    check_label_pass(meta, plan.recipe_hash, plan.recipe)
    return meta


def _name_means(job: Job, state: State) -> PoseClasses:
    """Classes of the final centres, as float32 that are stored, with their means in the picture."""
    rounded = State(state.centres.astype(np.float32).astype(np.float64), (*state.inertias, 0.0))
    pictures = add_all(job, add_pictures, write_centres(job, rounded), "means in 2D")
    return make_classes(rounded.centres, pictures, job.options.turn)


def _curve(job: Job, classes: PoseClasses) -> list[dict[str, Any]]:
    """Quantisation error on held-out poses for fewer classes and for those made."""
    held_out = {SPLITS[split]: poses for split in (1, 2) if (poses := _held_out(job, split)) is not None}
    if not held_out:
        return []
    sizes = sorted({size for size in job.options.curve if size < len(classes)})
    sample = draw_sample(job) if sizes else None
    rows = []
    for size in (*sizes, len(classes)):
        job.progress.say(f"quantisation error of {size:,} classes ...")
        used = classes if sample is None or size == len(classes) else _fewer(job, sample, size)
        for split, poses in held_out.items():
            error = quantisation(used, poses.poses, poses.pictures)
            rows.append({"classes": size, "split": split, "poses": len(poses.ids), **error._asdict()})
    return rows


def _held_out(job: Job, split: int) -> Samples | None:
    ids = ids_of_split(job.store, split)
    if not len(ids):
        return None
    rng = np.random.default_rng([job.options.seed, STAGE, 2, split])
    count = min(job.options.curve_poses, len(ids))
    return fetch_all(job, np.sort(rng.choice(ids, count, replace=False)))


def _fewer(job: Job, sample: Samples, size: int) -> PoseClasses:
    """Make a smaller number of classes from the sample alone."""
    rng = np.random.default_rng([job.options.seed, STAGE, 3, size])
    seeds = initial_centres(sample.poses, size, rng)
    found = fit(sample.poses, seeds, job.options.tolerance, job.options.max_iterations)
    ids, _ = nearest(index_centres(found.centres), sample.poses, found.ids)
    return make_classes(found.centres, sums_of(sample.pictures, ids, size), job.options.turn)


def _attributes(state: State, curve: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "title": "Classes of similar poses seen from similar views, with their mean poses",
        "method": "k-means of orientated, torso-centred 3D poses; Rogez and Schmid, Image-based Synthesis for "
        "Deep 3D Human Pose Estimation, IJCV 2018, section 3",
        "inertias": list(state.inertias),
        "quantisation": list(curve),
        "quantisation_units": {"error3d": "m", "error2d": "px", "bound2d": "px"},
    }


def _tables(classes: PoseClasses) -> dict[str, Numbers]:
    space = "mean pose of each class: joints relative to the torso centre, in the camera's orientation"
    columns = (
        (ArraySpec("means3d", "float32", (JOINTS, 3), ("joint", "xyz"), space, "m"), classes.means3d),
        (
            ArraySpec("means2d", "float32", (JOINTS, 2), ("joint", "xy"), "mean joints in the picture", "px"),
            classes.means2d,
        ),
        (ArraySpec("counts", "int64", (), (), "training samples of each class"), classes.counts),
    )
    return {spec.name: Numbers(spec, "class", values) for spec, values in columns}


def assign_store(
    path: Path, classes: Path, name: str, by: str, workers: Workers, progress: Progress, log: RunLog
) -> list[str]:
    """Make the label pass ``PATH/labels/NAME`` of classes that were made from another store.

    Parameters
    ----------
    path : Path
        A sealed store with the array joints3d, or joints2d if they are compared in the picture.
    classes : Path
        Label pass that holds the classes.
    name : str
    by : {"3d", "2d"}
        Whether means are compared in 3D or in the picture.
    workers : Workers
    progress : Progress
    log : RunLog

    Raises
    ------
    InputError
        There are no classes, or the store lacks an array.
    StoreError
        The store isn't sealed, or a pass of this name was made otherwise.
    """
    store = sealed_store(path.resolve())
    for array in ("joints2d", *(("joints3d",) if by == "3d" else ())):
        store.meta.schema.array(array)
    used = load_classes(classes)
    seal = open_meta(classes).seal or {}
    recipe = {"kind": "assigned classes", "by": by, "classes_seal": seal.get("hash"), "turn": used.turn}
    plan = LabelPlan(
        store.meta.path, name, class_schema(by), VERSION, recipe, {"title": _ASSIGNED}, _tables(used)
    )
    source = classes.resolve()
    workers.require_paths([store.meta.path, source])
    return run_label_pass(
        plan,
        lambda shard: AssignTask(store.meta.path, plan.path, source, shard, by),
        assign_shard,
        workers,
        progress,
        log,
    )


def curve_lines(curve: Sequence[dict[str, Any]]) -> list[str]:
    """Say the quantisation error in a table."""
    if not curve:
        return ["  no quantisation error is told: the store has no validation or test samples"]
    head = "  classes  split  poses    3D error    2D error  2D bound"
    return [head] + [
        f"  {row['classes']:>7,}  {row['split']:<5}  {row['poses']:>6,}  {1000 * row['error3d']:>6.1f} mm  "
        f"{row['error2d']:>7.2f} px  {row['bound2d']:>5.2f} px"
        for row in curve
    ]
