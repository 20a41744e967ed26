"""``synth verify``: check a store and its label passes, shard by shard on all workers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from pipelines.cluster import Workers
from pipelines.command import INTERRUPTED, CommandParser, interruptible
from pipelines.label_options import add_running_options
from pipelines.progress import Progress
from synth.errors import StoreError
from synth.store.create import label_passes
from synth.store.metadata import ROOT, open_meta
from synth.store.verify import Problem, Report, verify, verify_root, verify_shard

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
    decode = not arguments.no_decode
    try:
        shards = open_meta(path).shards
        if shards <= ALONE and arguments.scheduler is None:
            return verify(path, decode=decode)
        return verify_together(path.resolve(), decode, workers, Progress(arguments.progress))
    except StoreError as error:
        return Report(path, 0, (Problem(ROOT, str(error)),))


def verify_together(path: Path, decode: bool, workers: Workers, progress: Progress) -> Report:
    """Do what `verify` does, the shards shared out; errors and result as of `verify_root` and `verify`."""
    shards = open_meta(path).shards
    workers.require_paths([path])
    found = verify_root(path)
    work = workers.map(partial(_shard, path, decode), range(shards))
    for problems in progress.over(work, f"checking {path.name}", shards, "shards"):
        found += problems
    return Report(path, shards, tuple(found))


def _shard(path: Path, decode: bool, shard: int) -> list[Problem]:
    return verify_shard(path, shard, decode=decode)
