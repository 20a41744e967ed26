"""What the commands that make labels share: options of running, workers, the log, interruption."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import get_args

from pipelines.cluster import Workers
from pipelines.command import INTERRUPTED, interruptible, positive
from pipelines.progress import Mode, Progress
from pipelines.runlog import RunLog
from synth.environment import library_versions


def add_running_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--workers``, ``--scheduler`` and ``--progress``."""
    group = parser.add_argument_group("running")
    group.add_argument(
        "--workers",
        type=positive,
        metavar="COUNT",
        help="local processes (default: one for each usable core)",
    )
    group.add_argument(
        "--scheduler", metavar="ADDRESS", help="address of a running Dask scheduler, used instead"
    )
    group.add_argument(
        "--progress", choices=get_args(Mode), default="auto", help="how progress is told (default: auto)"
    )


@contextmanager
def running(
    arguments: argparse.Namespace, command: Sequence[str]
) -> Iterator[tuple[Workers, Progress, RunLog]]:
    """Workers, progress and log of a run that makes labels of ``arguments.store``.

    An interruption prints the command that goes on, which is the same one again, and ends the process with
    the exit code 130.
    """
    log = RunLog(arguments.store, shlex.join(command))
    with interruptible():
        try:
            with (
                Workers(arguments.workers, arguments.scheduler) as workers,
                log.run(libraries=library_versions()),
            ):
                yield workers, Progress(arguments.progress), log
        except KeyboardInterrupt:
            print(f"interrupted. To go on:\n  {shlex.join(command)}", file=sys.stderr)
            raise SystemExit(INTERRUPTED) from None
