"""``synth train``: parse, call, print. Exit codes are in `pipelines.command`.

What needs torch is imported when the command runs, so that its help and its complaints don't wait for it.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tomllib
from collections.abc import Sequence
from functools import reduce
from importlib.util import find_spec
from operator import getitem
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.command import INTERRUPTED, CommandParser, interruptible, stop_requests
from pipelines.options import choices
from pipelines.progress import Progress
from pipelines.recipe_files import checked, find_recipe, read_toml, recipe_fields, with_overrides
from pipelines.store_command import without_resume
from synth.errors import InputError

if TYPE_CHECKING:
    from synth.train.distributed import Place
    from synth.train.recipe import TrainRecipe
    from synth.train.setup import StorePart

_EXAMPLES = """\
examples:
  synth train --recipe train-lift-baseline --data poses.zarr --out run
  synth train --recipe train-classify-alexnet --data mosaics.zarr --data renders.zarr:0.5 --out run
  synth train --recipe mine.toml --data m.zarr --out run --set task.width=0.25 --set optimiser.rate=1e-4
  torchrun --nproc-per-node 4 -m synth.cli train --recipe train-sspnet --data m.zarr --out run

"""

_SHORT = {"steps": "steps", "device": "device", "seed": "seed", "threads": "threads"}
"""Options that stand for keys of table ``[run]``."""


def main(argv: Sequence[str], prog: str = "synth train") -> int:
    """Train a network; arguments and result as of `command.Main`."""
    arguments = parser(prog).parse_args(argv)
    require_training()
    return _run(arguments, [*prog.split(), *argv])


def parser(prog: str) -> CommandParser:
    """Make the command's argument parser."""
    made = CommandParser(
        prog,
        "Train a network on stores, or go on with a run; a recipe says which network and how.",
        _EXAMPLES,
    )
    made.add_argument(
        "--recipe", required=True, metavar="NAME|PATH", help="packaged recipe (synth recipes) or TOML file"
    )
    made.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="STORE[:WEIGHT]",
        help="a sealed store to train on; may be repeated, with a weight each for other shares than equal ones",
    )
    made.add_argument(
        "--val",
        action="append",
        default=[],
        type=Path,
        metavar="STORE",
        help="store whose split val is validated on (default: those of --data that have one)",
    )
    made.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    made.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="TABLE.KEY=VALUE",
        help="another value of a recipe's key; may be repeated",
    )
    made.add_argument(
        "--keys", action=_ShowKeys, metavar="TASK", help="list the keys of a task's recipes, such as lift's"
    )
    made.add_argument("--steps", metavar="N", help="steps in all, instead of the recipe's steps or epochs")
    made.add_argument("--device", metavar="auto|cpu|cuda", help="where to train (default auto)")
    made.add_argument("--seed", metavar="SEED", help="seed of every random draw")
    made.add_argument(
        "--threads",
        metavar="N",
        help="threads that read, decode and augment (those that compute: $OMP_NUM_THREADS)",
    )
    made.add_argument(
        "--resume",
        choices=("auto", "never", "require"),
        default="auto",
        help="go on with a run that is there: if there is one, never, or only then (default auto)",
    )
    made.add_argument(
        "--progress",
        choices=("auto", "bar", "plain", "json", "none"),
        default="auto",
        help="auto: a bar on a terminal, else plain lines",
    )
    return made


class _ShowKeys(argparse.Action):
    """Lists the keys of a task's recipes and ends the program, as ``--help`` does."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        require_training()
        print("\n".join(key_lines(str(values))))
        parser.exit()


def key_lines(task: str) -> list[str]:
    """Every key of a task's recipes, its default and what it means; `InputError` for an unknown task."""
    from synth.train.recipe import recipe_model

    model = recipe_model(task)
    defaults, lines = model.model_validate({}).model_dump(), []
    fields = [(keys, field) for keys, field in recipe_fields(model) if field.description]
    width = max(len(".".join(keys)) for keys, _ in fields)
    for keys, field in fields:
        default = reduce(getitem, keys, defaults)
        words = "|".join(choices(field.annotation))
        text = f"{words}: {field.description}" if words else field.description
        lines.append(
            f"{'.'.join(keys):<{width}}  {text}" + ("" if default is None else f" (default {default})")
        )
    return lines


def require_training() -> None:
    """Make sure that what training needs is installed; `InputError` names the extra."""
    missing = [name for name in ("torch", "tensorboard", "matplotlib") if find_spec(name) is None]
    if missing:
        raise InputError(
            f"training needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed: "
            "in the program's folder, pip install '.[train]'"
        )


def train_recipe(name: str, settings: Sequence[str], run: dict[str, str]) -> TrainRecipe:
    """Recipe of training by its name or path, with some values replaced.

    Parameters
    ----------
    name : str
        As of ``--recipe``.
    settings : sequence of str
        Each ``TABLE.KEY=VALUE``.
    run : dict of str to str
        Values of keys of table ``[run]``.

    Raises
    ------
    InputError
        There is no such recipe, key or value; one line names it.
    """
    from synth.train.recipe import recipe_model

    path = find_recipe(name)
    document = read_toml(path)
    task = document.get("task", {})
    if not isinstance(task, dict) or not isinstance(task.get("name"), str):
        raise InputError(
            f'{path}: a recipe of training needs a table [task] with a name, such as name = "lift"'
        )
    recipe = checked(document, recipe_model(task["name"]), path)
    overrides: dict[tuple[str, ...], Any] = dict(_parse_setting(text) for text in settings)
    overrides |= {("run", key): value for key, value in run.items()}
    # whichever of the two is given takes the place of the other
    for key, other in (("steps", "epochs"), ("epochs", "steps")):
        if ("run", key) in overrides:
            overrides.setdefault(("run", other), None)
    return with_overrides(recipe, overrides)


def _parse_setting(text: str) -> tuple[tuple[str, ...], Any]:
    key, equals, value = text.partition("=")
    keys = tuple(part.strip() for part in key.split("."))
    if not equals or len(keys) < 2 or not all(keys):
        raise InputError(f"--set {text!r}: expected TABLE.KEY=VALUE, such as optimiser.rate=1e-4")
    try:
        return keys, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return keys, value.strip()  # text without quotes


def parse_store(text: str) -> StorePart:
    """Store and weight of ``STORE`` or ``STORE:WEIGHT``; `InputError` if the weight isn't positive."""
    from synth.train.setup import StorePart

    path, colon, weight = text.rpartition(":")
    if not colon or "/" in weight or Path(text).exists():
        return StorePart(Path(text))
    try:
        return StorePart(Path(path), float(weight))
    except ValueError:
        raise InputError(f"--data {text}: {weight!r} is no weight; expected STORE or STORE:0.5") from None


def _run(arguments: argparse.Namespace, command: list[str]) -> int:
    from synth.train.distributed import joined

    given = {key: getattr(arguments, option) for option, key in _SHORT.items()}
    recipe = train_recipe(
        arguments.recipe, arguments.set, {key: value for key, value in given.items() if value is not None}
    )
    with joined(recipe.run.device) as place:
        progress = Progress(arguments.progress if place.first else "none")
        lines: list[str] = []
        with interruptible():
            try:
                lines = _train(arguments, recipe, place, progress)
            except KeyboardInterrupt:
                progress.say("interrupted")
        if not place.first:
            return 0 if lines else INTERRUPTED
    if lines:
        print("\n".join(lines))
        return 0
    print("\n".join(_how_to_go_on(arguments.out, command)), file=sys.stderr)
    return INTERRUPTED


def _train(arguments: argparse.Namespace, recipe: TrainRecipe, place: Place, progress: Progress) -> list[str]:
    """Train; what to tell at the end, nothing if somebody asked to stop."""
    from synth.train.loop import Listener, Trainer
    from synth.train.setup import set_up

    training = [parse_store(text) for text in arguments.data]
    setting = set_up(recipe, training, arguments.val, arguments.out, arguments.resume)
    trainer = Trainer(setting, place)
    for line in trainer.described():
        progress.say(line)
    todo = trainer.total - trainer.step
    with stop_requests() as asked, progress.stage("training", todo, "steps") as stage:
        finished = trainer.run(Listener(progress.say, stage.advance, asked))
    return trainer.told() if finished else []


def _how_to_go_on(out: Path, command: list[str]) -> list[str]:
    from synth.train.checkpoint import latest_checkpoint

    path = latest_checkpoint(out)
    if path is None:
        return ["interrupted before the first checkpoint. To begin again:", f"  {shlex.join(command)}"]
    words = without_resume(command)
    return [f"interrupted after {int(path.stem):,} steps. To go on:", f"  {shlex.join(words)}"]
