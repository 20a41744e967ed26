"""What the commands that make a store share: their common options, running, interruption."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

from pipelines.command import INTERRUPTED, CommandParser, interruptible
from pipelines.progress import Mode, Progress
from pipelines.runlog import RunLog
from synth.store.commits import committed_shards
from synth.store.metadata import has_store, open_meta


def add_store_options(parser: CommandParser) -> None:
    """Add ``--out`` and ``--plan-only``."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="STORE", help="the store to make, such as m.zarr"
    )
    parser.add_argument(
        "--plan-only",
        action="store_true",
        help="print counts, bytes, free disk and an estimate of the time; write no store",
    )


def run_store_command(
    arguments: argparse.Namespace,
    command: list[str],
    mode: Mode,
    plan: Callable[[Progress], list[str]],
    make: Callable[[Progress, RunLog], list[str]],
) -> int:
    """Plan or make a store, and print what is to be told.

    Parameters
    ----------
    arguments : argparse.Namespace
        With what `add_store_options` adds.
    command : list of str
        How the command was called.
    mode : str
        How progress is told.
    plan, make : callable
        The two things that the command can do.

    Returns
    -------
    int
        Exit code; that of an interruption has the command printed that goes on.
    """
    progress = Progress(mode)
    with interruptible():
        try:
            if arguments.plan_only:
                lines = plan(progress)
            else:
                lines = make(progress, RunLog(arguments.out, shlex.join(command)))
        except KeyboardInterrupt:
            print("\n".join(_how_to_go_on(arguments.out, command)), file=sys.stderr)
            return INTERRUPTED
    print("\n".join(lines))
    return 0


def _how_to_go_on(out: Path, command: list[str]) -> list[str]:
    if not has_store(out):
        return ["interrupted before the store was begun. To begin again:", f"  {shlex.join(command)}"]
    meta, done = open_meta(out), len(committed_shards(out))
    words = without_resume(command)
    return [f"interrupted: {done:,} of {meta.shards:,} shards are done. To go on:", f"  {shlex.join(words)}"]


def without_resume(command: list[str]) -> list[str]:
    """Arguments without ``--resume``, whose default goes on with a store and whose ``never`` would not."""
    words: list[str] = []
    skip = False
    for word in command:
        if not (skip or word == "--resume" or word.startswith("--resume=")):
            words.append(word)
        skip = word == "--resume"
    return words
