"""``synth label``: the passes that add labels to a store, and what belongs to them.

What a pass needs is imported when it runs.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Sequence

from pipelines.command import EXIT_CODES, guarded
from synth.errors import InputError

PROG = "synth label"


def main(argv: Sequence[str]) -> int:
    """Run one subcommand; ``synth label --help`` lists them.

    Parameters
    ----------
    argv : sequence of str
        Arguments after ``synth label``.

    Returns
    -------
    int
        Exit code.
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(_help(), file=sys.stdout if argv else sys.stderr)
        if argv:
            raise SystemExit(0)
        return 2
    return guarded(lambda: _command(argv[0])(argv[1:], f"{PROG} {argv[0]}"))


def _commands() -> dict[str, tuple[Callable[[Sequence[str], str], int], str]]:
    return {
        "classes": (_classes, "group a store's poses into classes (k-means)"),
        "assign": (_assign, "give poses the classes of another store"),
        "skeleton-maps": (_skeleton_maps, "draw foreground and background skeleton maps"),
        "all": (_all, "make all labels that a recipe names"),
        "pseudo3d": (_pseudo3d, "lift the annotated people of an image source to 3D"),
    }


def _command(name: str) -> Callable[[Sequence[str], str], int]:
    if name not in _commands():
        near = difflib.get_close_matches(name, _commands(), n=1, cutoff=0.0)[0]
        raise InputError(f"unknown label command {name!r}; did you mean {near}?")
    return _commands()[name][0]


def _help() -> str:
    lines = [
        f"usage: {PROG} COMMAND [OPTIONS]",
        "",
        "Labels are stored as STORE/labels/NAME.",
        "",
        "commands:",
    ]
    lines += [f"  {name:<14} {text}" for name, (_, text) in _commands().items()]
    return "\n".join(
        [*lines, "", f"{PROG} COMMAND --help tells the options of a command.", "", EXIT_CODES.rstrip()]
    )


def _classes(argv: Sequence[str], prog: str) -> int:
    from pipelines import classes_command

    return classes_command.main(argv, prog)


def _assign(argv: Sequence[str], prog: str) -> int:
    from pipelines import assign_command

    return assign_command.main(argv, prog)


def _skeleton_maps(argv: Sequence[str], prog: str) -> int:
    from pipelines import skeleton_maps_command

    return skeleton_maps_command.main(argv, prog)


def _all(argv: Sequence[str], prog: str) -> int:
    from pipelines import label_recipe

    of_stores = {"classes": _classes, "assign": _assign, "skeleton-maps": _skeleton_maps}
    return label_recipe.main(argv, of_stores, prog)


def _pseudo3d(argv: Sequence[str], prog: str) -> int:
    from pipelines import pseudo3d_command

    return pseudo3d_command.main(argv, prog)
