"""``synth label classes``: parse, call, print."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines.classes import make_pose_classes
from pipelines.classes_fit import ClassOptions
from pipelines.command import CommandParser, positive
from pipelines.label_options import add_running_options, running
from synth.labels.classes import TURNS

_EXAMPLES = """\
examples:
  synth label classes m.zarr
  synth label classes m.zarr --k 1000 --name classes-1000 --curve 100,300

"""


def main(argv: Sequence[str], prog: str = "synth label classes") -> int:
    """Make the pose classes of a store; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    options = ClassOptions(
        classes=arguments.k,
        seed=arguments.seed,
        turn=arguments.turn,
        tolerance=arguments.tolerance,
        max_iterations=arguments.max_iterations,
        sample_per_class=arguments.sample_per_class,
        curve=arguments.curve,
        curve_poses=arguments.curve_poses,
    )
    name = arguments.name or f"classes-{options.classes}"
    with running(arguments, [*prog.split(), *argv]) as (workers, progress, log):
        lines = make_pose_classes(arguments.store, name, options, workers, progress, log)
    print("\n".join(lines))
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    default = ClassOptions()
    made = CommandParser(
        prog,
        "Group the orientated, torso-centred 3D poses of a store's training samples into K classes by k-means, "
        "and give every sample its class; stored as STORE/labels/NAME with the classes' mean poses in 3D and 2D.",
        _EXAMPLES,
    )
    made.add_argument("store", type=Path, metavar="STORE", help="a sealed store with 3D joints")
    made.add_argument("--name", help="name of the label pass (default: classes-K)")
    shown = "(default: %(default)s)"
    made.add_argument("--k", type=positive, default=default.classes, metavar="K", help=f"classes {shown}")
    made.add_argument("--seed", type=int, default=default.seed, help=f"of all random choices {shown}")
    made.add_argument(
        "--turn",
        choices=TURNS,
        default=default.turn,
        help=f"ray: turn poses so that the ray through the torso is the optical axis {shown}",
    )
    made.add_argument(
        "--tolerance",
        type=float,
        default=default.tolerance,
        metavar="SHARE",
        help=f"end when the inertia decreases by no more than this share {shown}",
    )
    made.add_argument(
        "--max-iterations", type=positive, default=default.max_iterations, metavar="COUNT", help=shown
    )
    made.add_argument(
        "--sample-per-class",
        type=positive,
        default=default.sample_per_class,
        metavar="POSES",
        help=f"poses a class in the sample on which the first centres are chosen {shown}",
    )
    made.add_argument(
        "--curve",
        type=_sizes,
        default=default.curve,
        metavar="K,K,...",
        help="smaller numbers of classes whose error on held-out poses is told as well; 'none' for no others "
        f"(default: {','.join(map(str, default.curve))})",
    )
    made.add_argument(
        "--curve-poses",
        type=positive,
        default=default.curve_poses,
        metavar="COUNT",
        help=f"most held-out poses of a split that the error is measured on {shown}",
    )
    add_running_options(made)
    return made


def _sizes(text: str) -> tuple[int, ...]:
    if text == "none":
        return ()
    try:
        return tuple(positive(part) for part in text.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: {error}, or 'none'") from error
