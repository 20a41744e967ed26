"""``synth render``: parse, call, print. Exit codes are in `pipelines.command`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipelines.command import CommandParser
from pipelines.options import add_recipe_options, recipe_from
from pipelines.render import plan_only, render_store
from pipelines.render_recipe import RenderRecipe
from pipelines.store_command import add_store_options, run_store_command

_EXAMPLES = """\
examples:
  synth render m.zarr --out r.zarr --data-root DATA
  synth render m.zarr --out r.zarr --background mosaic --arrays depth,parts,mask
  synth render --mocap cmu+hdm05 --n 20000 --data-root DATA --out r.zarr --preview 40

"""


def main(argv: Sequence[str], prog: str = "synth render") -> int:
    """Make a data set of rendered people; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    return _run(arguments, [*prog.split(), *argv])


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Render people in the poses and cameras of a store, sample for sample beside it, or of recorded motion, "
        "into a Zarr store of the same layout.",
        _EXAMPLES,
    )
    made.add_argument(
        "store",
        type=Path,
        nargs="?",
        metavar="STORE",
        help="a sealed store of pictures with 3D poses; without it poses are drawn from --mocap",
    )
    add_store_options(made)
    add_recipe_options(made, RenderRecipe)
    return made


def _run(arguments: argparse.Namespace, command: list[str]) -> int:
    recipe, source, out = recipe_from(arguments, RenderRecipe), arguments.store, arguments.out
    return run_store_command(
        arguments,
        command,
        recipe.run.progress,
        lambda progress: plan_only(recipe, source, out, progress),
        lambda progress, log: render_store(recipe, source, out, progress, log),
    )
