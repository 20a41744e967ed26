"""``synth verify``: check a store and its label passes, shard by shard on all workers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.cluster import Workers
from pipelines.command import INTERRUPTED, CommandParser, interruptible
from pipelines.label_options import add_running_options
from pipelines.progress import Progress
from synth.errors import StoreError
from synth.store.create import label_passes
from synth.store.verify import Problem, Report, verify

ALONE = 8
"""Shards up to which starting processes takes longer than they save."""


def main(argv: Sequence[str], prog: str = "synth verify") -> int:
    """Check a store; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    stores = [arguments.store, *label_passes(arguments.store)]
    with interruptible():
        try:
            with Workers(arguments.workers, arguments.scheduler) as workers:
                reports = [_verify(path, arguments, workers) for path in stores]
        except KeyboardInterrupt:
            return INTERRUPTED
    print("\n".join(map(str, reports)))
    return 0 if all(report.ok for report in reports) else StoreError.exit_code


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog, "Check a store and its label passes: records, sizes, checksums, and that everything decodes."
    )
    made.add_argument("store", type=Path, metavar="STORE")
    made.add_argument("--no-decode", action="store_true", help="compare checksums alone")
    add_running_options(made)
    return made


def _verify(path: Path, arguments: argparse.Namespace, workers: Workers) -> Report:
    def shared_out(check: Callable[[int], list[Problem]], shards: Sequence[int]) -> Iterable[list[Problem]]:
        if len(shards) <= ALONE and arguments.scheduler is None:
            return map(check, shards)
        workers.require_paths([path.resolve()])
        results = workers.map(check, shards)
        return Progress(arguments.progress).over(results, f"checking {path.name}", len(shards), "shards")

    report = verify(path.resolve(), decode=not arguments.no_decode, over_shards=shared_out)
    return replace(report, path=path)
