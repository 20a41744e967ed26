"""``synth mosaic`` and ``python -m synth.mosaic``: parse, call, print.

Exit codes are in `pipelines.command`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pipelines.command import CommandParser, guarded
from pipelines.mosaic import make_mosaics, plan_only
from pipelines.options import add_recipe_options, recipe_from
from pipelines.recipe import Recipe
from pipelines.store_command import add_store_options, run_store_command

_EXAMPLES = """\
examples:
  synth mosaic --mocap cmu+hdm05 --images lspet --n 20000 --data-root DATA --out m.zarr
  synth mosaic --recipe paper-cmu-mpii-lsp --data-root DATA --out paper.zarr --plan-only

"""


def main(argv: Sequence[str] | None = None, prog: str = "synth mosaic") -> int:
    """Make a data set of mosaics; arguments and result as of `command.Main`."""
    words = list(sys.argv[1:] if argv is None else argv)
    return guarded(lambda: _run(parser(prog).parse_args(words), [*prog.split(), *words]))


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Make a Zarr store of mosaics: photographs of people, put together after motion capture.",
        _EXAMPLES,
    )
    add_store_options(made)
    add_recipe_options(made, Recipe)
    return made


def _run(arguments: argparse.Namespace, command: list[str]) -> int:
    recipe, out = recipe_from(arguments, Recipe), arguments.out
    return run_store_command(
        arguments,
        command,
        recipe.run.progress,
        lambda progress: plan_only(recipe, out, progress),
        lambda progress, log: make_mosaics(recipe, out, progress, log),
    )
