"""``synth crops``: parse, call, print. Exit codes are in `pipelines.command`."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.command import CommandParser
from pipelines.crops import crop_store, plan_only
from pipelines.crops_recipe import CropRecipe
from pipelines.options import add_recipe_options, recipe_from
from pipelines.store_command import add_store_options, run_store_command

_EXAMPLES = """\
examples:
  synth crops --images lspet --out lspet.zarr --data-root DATA --preview 40
  synth crops --images lsp-test --out lsp-test.zarr --data-root DATA
  synth crops --images h36m --protocol h36m-64 --stride 5 --out h36m.zarr --data-root DATA
  synth crops --images mpi-inf-3dhp+mpi-inf-3dhp-test --stride 10 --out 3dhp.zarr --data-root DATA

"""


def main(argv: Sequence[str], prog: str = "synth crops") -> int:
    """Make a store of photographed people; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    recipe, out = recipe_from(arguments, CropRecipe), arguments.out
    return run_store_command(
        arguments,
        [*prog.split(), *argv],
        recipe.run.progress,
        lambda progress: plan_only(recipe, out, progress),
        lambda progress, log: crop_store(recipe, out, progress, log),
    )


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Cut annotated people out of photographs and films, scaled as mosaics are, into a Zarr store with all "
        "that is known of them: to train and to evaluate on.",
        _EXAMPLES,
    )
    add_store_options(made)
    add_recipe_options(made, CropRecipe)
    return made
