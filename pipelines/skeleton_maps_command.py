"""``synth label skeleton-maps``: parse, call, print."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from pipelines.command import CommandParser, positive
from pipelines.label_options import add_running_options, running
from pipelines.label_pass import sealed_store
from pipelines.skeleton_maps import make_skeleton_maps
from synth.labels.hypotheses import hypotheses
from synth.labels.skeleton_maps import CROPS, MAP_SIZE, WIDTHS

NAME = "skeleton-maps"

_EXAMPLES = """\
examples:
  synth label skeleton-maps m.zarr
  synth label skeleton-maps m.zarr --crops 1 --widths 3 --name maps-single

"""

Number = TypeVar("Number", int, float)


def main(argv: Sequence[str], prog: str = "synth label skeleton-maps") -> int:
    """Make the skeleton maps of a store; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    kinds = hypotheses(arguments.crops, arguments.widths)
    store = sealed_store(arguments.store)
    with running(arguments, [*prog.split(), *argv]) as (workers, progress, log):
        lines = make_skeleton_maps(store, arguments.name, kinds, workers, progress, log, arguments.size)
    print("\n".join(lines))
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Draw foreground and background skeleton maps of all samples, as bone numbers, for every pair of a crop "
        "factor and a stick width; they are stored as STORE/labels/NAME.",
        _EXAMPLES,
    )
    made.add_argument("store", type=Path, metavar="STORE", help="a sealed store of pictures with 3D joints")
    made.add_argument("--name", default=NAME, help="name of the label pass (default: %(default)s)")
    made.add_argument(
        "--crops",
        type=_numbers(float),
        default=CROPS,
        metavar="F,F,...",
        help="crop factors, 1 is the whole picture (default: 1,1.25,1.5)",
    )
    made.add_argument(
        "--widths",
        type=_numbers(int),
        default=WIDTHS,
        metavar="W,W,...",
        help="stick widths in pixels of the map (default: 1,2,3,4,5,6)",
    )
    made.add_argument(
        "--size",
        type=positive,
        default=MAP_SIZE,
        metavar="PIXELS",
        help="side of the maps (default: %(default)s)",
    )
    add_running_options(made)
    return made


def _numbers(kind: type[Number]) -> Callable[[str], tuple[Number, ...]]:
    """Reader of different numbers joined by commas."""

    def read(text: str) -> tuple[Number, ...]:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if not values or len(set(values)) < len(values):
            what = "whole numbers" if kind is int else "numbers"
            raise argparse.ArgumentTypeError(
                f"{text!r}: give different {what} joined by commas, such as 1,2,3"
            )
        return values

    return read
