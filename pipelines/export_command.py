"""``synth export``: parse, call, print."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from pipelines.command import INTERRUPTED, CommandParser, interruptible, positive
from pipelines.export import Format, make_export
from pipelines.progress import Mode, Progress
from synth.export.samples import ExportOptions, open_export

_EXAMPLES = """\
examples:
  synth export m.zarr --to webdataset --out m-tars --split train
  synth export m.zarr --to coco --out m-coco --n 1000 --pictures jpg:95

"""


def main(argv: Sequence[str], prog: str = "synth export") -> int:
    """Write samples of a store in another program's format; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    split = None if arguments.split == "all" else arguments.split
    options = ExportOptions(split, arguments.n, tuple(arguments.labels), arguments.pictures)
    export = open_export(arguments.store, options)
    with interruptible():
        try:
            progress = Progress(arguments.progress)
            print("\n".join(make_export(export, arguments.to, arguments.out, arguments.threads, progress)))
        except KeyboardInterrupt:
            print(f"interrupted. To go on:\n  {shlex.join([*prog.split(), *argv])}", file=sys.stderr)
            return INTERRUPTED
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Write samples of a sealed store as tar files for WebDataset, or as images with COCO-style annotations. "
        "The same command again goes on where it stopped.",
        _EXAMPLES,
    )
    made.add_argument("store", type=Path, metavar="STORE", help="a sealed store of pictures")
    made.add_argument("--to", choices=get_args(Format), required=True, help="format")
    made.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to make")
    made.add_argument("--split", default="all", help="train, val, test or all (default: %(default)s)")
    made.add_argument("--n", type=positive, metavar="COUNT", help="only the first so many samples, by id")
    made.add_argument(
        "--labels",
        nargs="+",
        default=[],
        metavar="PASS",
        help="label passes whose arrays come along (webdataset), such as classes-5000",
    )
    made.add_argument(
        "--pictures",
        default="stored",
        metavar="HOW",
        help="stored (a JPEG store's own files, else PNG), png or jpg:QUALITY (default: %(default)s)",
    )
    made.add_argument("--threads", type=positive, metavar="COUNT", help="default: one for each usable core")
    made.add_argument(
        "--progress", choices=get_args(Mode), default="auto", help="how progress is told (default: auto)"
    )
    return made
