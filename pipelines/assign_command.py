"""``synth label assign``: classes of another store's label pass, for the samples of a store or for poses in a file."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.classes import assign_store
from pipelines.command import CommandParser
from pipelines.label_options import add_running_options, running
from synth.cache import atomic_write
from synth.errors import InputError
from synth.labels.classes import (
    Assigned,
    PoseClasses,
    assign_2d,
    assign_3d,
    body_joints,
    load_classes,
    orientated_poses,
)
from synth.npz import read_npz

_EXAMPLES = """\
examples:
  synth label assign other.zarr --classes m.zarr/labels/classes-5000
  synth label assign people.npz --classes m.zarr/labels/classes-5000 --by 2d --out people-classes.npz

a file of poses holds one or more of these arrays (13 joints of body13 or 17 of h36m17):
  joints3d        (N, 13 or 17, 3)  metres in the camera frame, for --by 3d
  joints3d_torso  (N, 13 or 17, 3)  metres, already orientated (used if there is no joints3d)
  joints2d        (N, 13 or 17, 2)  pixels of the 220-pixel box, for --by 2d
  labelled        (N, 13 or 17)     which joints of joints2d are known (all, if it isn't there)
the result holds pose_class (N,), -1 for none, and error (N,), in metres or pixels.

"""


def main(argv: Sequence[str], prog: str = "synth label assign") -> int:
    """Assign poses to classes; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    if arguments.store.suffix == ".npz":
        print(_assign_file(arguments))
        return 0
    if arguments.out is not None:
        raise InputError("--out is for a file of poses; the classes of a store are stored in it, see --name")
    with running(arguments, [*prog.split(), *argv]) as (workers, progress, log):
        lines = assign_store(
            arguments.store, arguments.classes, arguments.name, arguments.by, workers, progress, log
        )
    print("\n".join(lines))
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog, "Give every pose the class whose mean pose is nearest, in 3D or in the picture.", _EXAMPLES
    )
    made.add_argument("store", type=Path, metavar="STORE|FILE.npz", help="a sealed store, or a file of poses")
    made.add_argument(
        "--classes",
        type=Path,
        required=True,
        metavar="PASS",
        help="label pass that holds the classes, such as m.zarr/labels/classes-5000",
    )
    made.add_argument(
        "--by", choices=("3d", "2d"), default="3d", help="what is compared (default: %(default)s)"
    )
    made.add_argument(
        "--name",
        default="assigned-classes",
        help="name of the label pass that is made in STORE (default: %(default)s)",
    )
    made.add_argument("--out", type=Path, metavar="FILE.npz", help="where the classes of a file's poses go")
    add_running_options(made)
    return made


def _assign_file(arguments: argparse.Namespace) -> str:
    if arguments.out is None:
        raise InputError(f"give --out, the file that the classes of {arguments.store} are written to")
    classes = load_classes(arguments.classes)
    found = assign_arrays(classes, read_npz(arguments.store), arguments.by, arguments.store)
    with atomic_write(arguments.out) as file:
        np.savez(file, pose_class=found.ids, error=found.error)
    unit = "m" if arguments.by == "3d" else "px"
    used = found.ids >= 0
    error = f", mean error {found.error[used].mean():.4g} {unit}" if used.any() else ""
    return f"wrote {arguments.out}: classes of {int(used.sum()):,} of {len(used):,} poses{error}"


def assign_arrays(classes: PoseClasses, arrays: Mapping[str, NDArray[Any]], by: str, path: Path) -> Assigned:
    """Classes of the poses of a file; its arrays are told by the command's help.

    Raises
    ------
    InputError
        The array that is wanted isn't there, or has another shape.
    """
    names = ("joints3d", "joints3d_torso") if by == "3d" else ("joints2d",)
    name = next((name for name in names if name in arrays), None)
    if name is None:
        raise InputError(
            f"{path} has no array {' or '.join(names)}; it has {', '.join(arrays) or 'none'} (--by {by})"
        )
    joints, axes = arrays[name], 3 if by == "3d" else 2
    if joints.ndim != 3 or joints.shape[2] != axes:
        raise InputError(f"{path}: {name} has shape {joints.shape}, expected (N, 13 or 17, {axes})")
    if by == "3d":
        return assign_3d(classes, orientated_poses(joints, classes.turn if name == "joints3d" else "none"))
    labelled = arrays.get("labelled", np.ones(joints.shape[:2], np.bool_))
    if labelled.shape != joints.shape[:2]:
        raise InputError(f"{path}: labelled has shape {labelled.shape}, expected {joints.shape[:2]}")
    known = body_joints(labelled[..., None])[..., 0] > 0
    return assign_2d(classes, body_joints(joints).astype(np.float32), known)
