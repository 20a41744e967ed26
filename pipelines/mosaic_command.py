"""``synth mosaic`` and ``python -m synth.mosaic``: parse, call, print.

Exit codes are in `pipelines.command`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.command import INTERRUPTED, CommandParser, guarded, interruptible
from pipelines.mosaic import make_mosaics, plan_only
from pipelines.options import add_recipe_options, recipe_from
from pipelines.progress import Progress
from pipelines.runlog import RunLog
from synth.store.commits import committed_shards
from synth.store.metadata import has_store, open_meta

_EXAMPLES = """\
examples:
  synth mosaic --mocap cmu+hdm05 --images lspet --n 20000 --data-root DATA --out m.zarr
  synth mosaic --recipe paper-cmu-mpii-lsp --data-root DATA --out paper.zarr --plan-only

"""


def main(argv: Sequence[str] | None = None, prog: str = "synth mosaic") -> int:
    """Make a data set of mosaics.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.
    prog : str
        How the command was called.

    Returns
    -------
    int
        Exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(parser(prog).parse_args(words), [*prog.split(), *words]))


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Make a Zarr store of mosaics: photographs of people, put together after motion capture.",
        _EXAMPLES,
    )
    made.add_argument(
        "--out", type=Path, required=True, metavar="STORE", help="the store to make, such as m.zarr"
    )
    made.add_argument(
        "--plan-only",
        action="store_true",
        help="print counts, bytes, free disk and an estimate of the time; write no store",
    )
    add_recipe_options(made)
    return made


def _run(arguments: argparse.Namespace, command: list[str]) -> int:
    recipe = recipe_from(arguments)
    progress = Progress(recipe.run.progress)
    with interruptible():
        try:
            if arguments.plan_only:
                lines = plan_only(recipe, arguments.out, progress)
            else:
                log = RunLog(arguments.out, shlex.join(command))
                lines = make_mosaics(recipe, arguments.out, progress, log)
        except KeyboardInterrupt:
            print("\n".join(_how_to_go_on(arguments.out, command)), file=sys.stderr)
            return INTERRUPTED
    print("\n".join(lines))
    return 0


def _how_to_go_on(out: Path, command: list[str]) -> list[str]:
    if not has_store(out):
        return ["interrupted before the store was begun. To begin again:", f"  {shlex.join(command)}"]
    meta, done = open_meta(out), len(committed_shards(out))
    words = _without_resume(command)
    return [f"interrupted: {done:,} of {meta.shards:,} shards are done. To go on:", f"  {shlex.join(words)}"]


def _without_resume(command: list[str]) -> list[str]:
    """Arguments without ``--resume``, whose default goes on with a store and whose ``never`` would not."""
    words: list[str] = []
    skip = False
    for word in command:
        if not (skip or word == "--resume" or word.startswith("--resume=")):
            words.append(word)
        skip = word == "--resume"
    return words
