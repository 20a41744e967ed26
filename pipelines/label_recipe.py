"""``synth label all``: all label passes that a recipe names, one after the other.

A recipe of labels is a TOML file with a table for each pass, named like the pass's command, whose keys are that
command's options; two passes of one kind are an array of tables. What a command refuses, a recipe can't say either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.command import CommandParser
from pipelines.label_options import add_running_options
from pipelines.recipe_files import find_recipe, packaged_recipes, read_toml
from synth.errors import InputError

Command = Callable[[Sequence[str], str], int]

_EXAMPLES = """\
examples:
  synth label all m.zarr --recipe labels-paper
  synth label all m.zarr --recipe my-labels.toml --workers 8

a recipe:
  [classes]
  k = 1000

  [skeleton-maps]
  crops = [1.0, 1.5]
  widths = [3]

"""


def main(argv: Sequence[str], commands: Mapping[str, Command], prog: str = "synth label all") -> int:
    """Run the passes of a recipe on a store.

    Parameters
    ----------
    argv : sequence of str
        Arguments.
    commands : mapping of str to callable
        The commands that a recipe may name, each called with its arguments and how it is called.
    prog : str
        How the command was called.

    Returns
    -------
    int
        Exit code: that of the first pass that isn't 0.

    Raises
    ------
    InputError
        If the recipe is no TOML file or names another command; or what the commands raise.
    """
    arguments = parser(prog).parse_args(argv)
    running = [f"--progress={arguments.progress}"]
    running += [f"--workers={arguments.workers}"] if arguments.workers else []
    running += [f"--scheduler={arguments.scheduler}"] if arguments.scheduler else []
    path = find_recipe(arguments.recipe)
    for name, options in read_passes(path, tuple(commands)):
        words = [str(arguments.store), *options, *running]
        print(f"{name}:", flush=True)
        try:
            code = commands[name](words, f"synth label {name}")
        except InputError as error:
            if type(error) is not InputError:  # of the store or the disk: not what the recipe says
                raise
            raise InputError(f"{path}: [{name}]: {error}") from error
        if code:
            return code
    return 0


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog, "Add all labels that a recipe names to a store, one pass after the other.", _EXAMPLES
    )
    known = ", ".join(name for name in packaged_recipes() if name.startswith("labels-"))
    made.add_argument("store", type=Path, metavar="STORE", help="a sealed store")
    made.add_argument(
        "--recipe", required=True, metavar="NAME|PATH", help=f"packaged recipe ({known}) or TOML file"
    )
    add_running_options(made)
    return made


def read_passes(path: Path, known: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Names and command-line options of the passes of a recipe, in its order.

    Parameters
    ----------
    path : Path
        TOML file.
    known : sequence of str
        Names that passes may have.

    Raises
    ------
    InputError
        If it isn't TOML, names no pass, or something that isn't one.
    """
    passes = []
    for name, value in read_toml(path).items():
        tables = value if isinstance(value, list) else [value]
        if name not in known or not all(isinstance(table, dict) for table in tables):
            raise InputError(f"{path}: {name} is no label pass; expected tables named {', '.join(known)}")
        passes += [(name, list(_options(table))) for table in tables]
    if not passes:
        raise InputError(f"{path}: names no label pass; expected tables named {', '.join(known)}")
    return passes


def _options(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"--{key.replace('_', '-')}={text}"
