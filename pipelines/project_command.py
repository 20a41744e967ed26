"""``synth project``: parse, call, print. Exit codes are in `pipelines.command`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from pipelines.command import CommandParser
from pipelines.options import add_recipe_options, recipe_from
from pipelines.project import plan_only, project_poses
from pipelines.project_recipe import ProjectRecipe
from pipelines.store_command import add_store_options, run_store_command

_EXAMPLES = """\
examples:
  synth project --mocap cmu+hdm05 --n 200000 --data-root DATA --out poses.zarr

"""


def main(argv: Sequence[str], prog: str = "synth project") -> int:
    """Make a data set of projected poses; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    return _run(arguments, [*prog.split(), *argv])


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Make a Zarr store of recorded poses seen by virtual cameras, in 2D and 3D, without pictures.",
        _EXAMPLES,
    )
    add_store_options(made)
    add_recipe_options(made, ProjectRecipe)
    return made


def _run(arguments: argparse.Namespace, command: list[str]) -> int:
    recipe, out = recipe_from(arguments, ProjectRecipe), arguments.out
    return run_store_command(
        arguments,
        command,
        recipe.run.progress,
        lambda progress: plan_only(recipe, out, progress),
        lambda progress, log: project_poses(recipe, out, progress, log),
    )
