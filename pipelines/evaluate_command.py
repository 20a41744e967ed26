"""``synth evaluate``: parse, call, print."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import synth
from pipelines.command import INTERRUPTED, CommandParser, interruptible, positive
from pipelines.evaluation import evaluate
from pipelines.evaluation_files import write_evaluation
from pipelines.evaluation_plan import EvaluationPlan
from pipelines.progress import Mode, Progress
from synth.metrics.markdown import document_lines
from synth.splits import SPLITS

_EXAMPLES = """\
examples:
  synth evaluate runs/baseline runs/gan --data poses.zarr
  synth evaluate runs/alexnet --data mosaics.zarr --data lsp.zarr --top 1000 --out tables
  synth evaluate --hypotheses runs/width1 --hypotheses runs/width3 --data mosaics.zarr
  synth evaluate --estimates mine.npz --data mosaics.zarr

a file of estimates holds ids (N,), skeleton (h36m17, body13, mpii16, lsp14, coco17 or deepskeleton16), and any of
  joints3d      (N, J, 3)     metres in the camera's axes, relative to any origin
  joints2d      (N, J, 2)     pixels of the 220-pixel box
  absolute3d    (N, J, 3)     metres in the camera frame
  hypotheses3d  (N, k, J, 3)  as joints3d, the best first; hypotheses2d likewise
  ranked        (N, k)        pose classes, the best first; with the true ones, classes (N,)

"""


def main(argv: Sequence[str], prog: str = "synth evaluate") -> int:
    """Compare trained networks, or estimates from files, on stores; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    plan = EvaluationPlan(
        stores=tuple(arguments.data),
        runs=tuple(arguments.runs),
        hypotheses=tuple(arguments.hypotheses),
        estimates=tuple(arguments.estimates),
        split=arguments.split,
        people=arguments.n,
        best=arguments.best,
        cut=arguments.cut,
        top=arguments.top,
        device=arguments.device,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
    )
    with interruptible():
        try:
            sections = evaluate(plan, Progress(arguments.progress))
        except KeyboardInterrupt:
            command = shlex.join([*prog.split(), *argv])
            print(f"interrupted; nothing is kept. To begin again:\n  {command}", file=sys.stderr)
            return INTERRUPTED
    document = {
        "code": {"name": "synth", "version": synth.__version__},
        "data": [section.document() for section in sections],
    }
    lines = document_lines(document, brief=True)
    if arguments.out is not None:
        told = write_evaluation(
            arguments.out, sections, document, not arguments.no_pictures, arguments.keep_estimates
        )
        lines = [*lines, "", *told]
    print("\n".join(lines))
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Compare the estimates of trained networks, and of files, with what is true of the people of a store's split: "
        "one table, a row for each, under the mean pose of the training split.",
        _EXAMPLES,
    )
    made.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folder of a run, or a checkpoint")
    made.add_argument(
        "--data",
        type=Path,
        action="append",
        required=True,
        metavar="STORE",
        help="a sealed store; may be repeated",
    )
    shown = "(default: %(default)s)"
    made.add_argument("--split", choices=(*SPLITS, "all"), default="test", help=shown)
    made.add_argument(
        "--n", type=positive, metavar="PEOPLE", help="at most so many, evenly spread (default: all)"
    )
    made.add_argument(
        "--hypotheses",
        type=Path,
        action="append",
        default=[],
        metavar="RUN",
        help="a run of task map-regressor, one for each crop and stick width: poses are chosen among theirs, by "
        "reprojection and by an oracle",
    )
    made.add_argument(
        "--estimates",
        type=Path,
        action="append",
        default=[],
        metavar="FILE.npz",
        help="estimates of any program",
    )
    made.add_argument("--cut", type=positive, metavar="BLOCK", help="cut SSP-Net after this prediction block")
    made.add_argument(
        "--top", type=positive, metavar="K", help="hypotheses of a classifier (default: its recipe's)"
    )
    made.add_argument(
        "--best", action="store_true", help="the checkpoint of least validation loss, not the newest"
    )
    _add_running(made)
    made.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write all tables (those by subject and by joint too) as evaluation.md and evaluation.json, and pictures",
    )
    made.add_argument("--no-pictures", action="store_true", help="draw no people")
    made.add_argument("--keep-estimates", action="store_true", help="write each row's estimates as .npz")
    return made


def _add_running(made: CommandParser) -> None:
    group = made.add_argument_group("running")
    shown = "(default: %(default)s)"
    group.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help=shown)
    group.add_argument(
        "--batch-size", type=positive, default=64, metavar="PEOPLE", help=f"run at once {shown}"
    )
    group.add_argument("--threads", type=positive, default=2, metavar="COUNT", help=f"that read {shown}")
    group.add_argument("--progress", choices=get_args(Mode), default="auto", help=shown)
