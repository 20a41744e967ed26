"""The console script ``synth`` and its subcommands. Exit codes are in `pipelines.command`.

What a subcommand needs is imported when it runs: ``synth verify`` shouldn't wait for compilers and clusters.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import synth
from pipelines.command import EXIT_CODES, CommandParser, guarded
from synth.errors import InputError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one subcommand; ``synth --help`` lists them.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process if not given.

    Returns
    -------
    int
        Exit code.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(_help(), file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    if words[0] == "--version":
        print(f"synth {synth.__version__}")
        return 0
    return guarded(lambda: _command(words[0])(words[1:]))


def _commands() -> dict[str, tuple[Callable[[Sequence[str]], int], str]]:
    return {
        "mosaic": (_mosaic, "make a store of mosaics of photographs, guided by motion capture"),
        "render": (_render, "render people in the poses and cameras of a store, or of motion capture"),
        "project": (_project, "project motion capture into virtual cameras, without pictures"),
        "crops": (_crops, "cut annotated people out of photographs, to train and to evaluate on"),
        "label": (_label, "add labels to a store: pose classes, skeleton maps"),
        "train": (_train, "train a network on stores"),
        "evaluate": (_evaluate, "compare trained networks, or estimates from files, on stores"),
        "export": (_export, "write a store's samples for WebDataset, or as COCO-style annotations"),
        "sources": (_sources, "list the known sources of real data and what is there of them"),
        "recipes": (_recipes, "list the recipes that come with the package"),
        "verify": (_verify, "check every byte of a store"),
        "seal": (_seal, "check a complete store that is not sealed, and seal it"),
    }


def _command(name: str) -> Callable[[Sequence[str]], int]:
    if name not in _commands():
        near = difflib.get_close_matches(name, _commands(), n=1, cutoff=0.0)[0]
        raise InputError(f"unknown command {name!r}; did you mean {near}?")
    return _commands()[name][0]


def _help() -> str:
    lines = ["usage: synth COMMAND [OPTIONS]", "", "commands:"]
    lines += [f"  {name:<9} {text}" for name, (_, text) in _commands().items()]
    return "\n".join(
        [*lines, "", "synth COMMAND --help tells the options of a command.", "", EXIT_CODES.rstrip()]
    )


def _mosaic(argv: Sequence[str]) -> int:
    from pipelines import mosaic_command

    return mosaic_command.main(argv)


def _render(argv: Sequence[str]) -> int:
    from pipelines import render_command

    return render_command.main(argv)


def _project(argv: Sequence[str]) -> int:
    from pipelines import project_command

    return project_command.main(argv)


def _crops(argv: Sequence[str]) -> int:
    from pipelines import crops_command

    return crops_command.main(argv)


def _label(argv: Sequence[str]) -> int:
    from pipelines import label_command

    return label_command.main(argv)


def _train(argv: Sequence[str]) -> int:
    from pipelines import train_command

    return train_command.main(argv)


def _evaluate(argv: Sequence[str]) -> int:
    from pipelines import evaluate_command

    return evaluate_command.main(argv)


def _export(argv: Sequence[str]) -> int:
    from pipelines import export_command

    return export_command.main(argv)


def _sources(argv: Sequence[str]) -> int:
    from synth.sources.summary import format_summary, summary

    parser = CommandParser(
        "synth sources", "List every known source: found or not, what is in it, its licence."
    )
    parser.add_argument("--data-root", type=Path, metavar="FOLDER", help="default: $SYNTH_DATA")
    print(format_summary(summary(parser.parse_args(argv).data_root)))
    return 0


def _recipes(argv: Sequence[str]) -> int:
    from pipelines.recipe_files import recipe_list

    CommandParser("synth recipes", "List the recipes that come with the package.").parse_args(argv)
    print("\n".join(recipe_list()))
    return 0


def _verify(argv: Sequence[str]) -> int:
    from pipelines import verify_command

    return verify_command.main(argv)


def _seal(argv: Sequence[str]) -> int:
    from synth.store.seal import seal

    parser = CommandParser(
        "synth seal", "Check all files of a complete store that is not sealed, and seal it."
    )
    parser.add_argument("store", type=Path)
    store = parser.parse_args(argv).store
    print(f"sealed {store}: {seal(store, checksums=True)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
