"""Command-line options made from a recipe's fields, and what was given there put back into a recipe."""

from __future__ import annotations

import argparse
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from pipelines.pose_recipe import Table
from pipelines.recipe_files import find_recipe, read_recipe, recipe_fields, with_overrides

R = TypeVar("R", bound=Table)

_PREFIXES = {
    "poses": "pose-",
    "views": "view-",
    "pool": "pool-",
    "limits": "pool-limit-",
    "pseudo": "pseudo-",
}
"""What options of a table begin with; those of the other tables have their plain names."""

_TITLES = {
    "sources": "sources",
    "poses": "pose library",
    "views": "virtual views",
    "pseudo": "people lifted to 3D (pseudo:NAME)",
    "people": "people",
    "pictures": "pictures",
    "pool": "image pool",
    "matching": "matching (Eq. 1-4)",
    "blending": "blending (Eq. 5-8)",
    "rendering": "rendering",
    "output": "output",
    "run": "running",
}


def add_recipe_options(parser: argparse.ArgumentParser, model: type[Table]) -> None:
    """Add ``--recipe`` and an option for every field of a recipe, table by table."""
    parser.add_argument(
        "--recipe", metavar="NAME|PATH", help="packaged recipe or TOML file; the options below override it"
    )
    tables = model.model_fields
    groups = {table: parser.add_argument_group(title) for table, title in _TITLES.items() if table in tables}
    for keys, field in recipe_fields(model):
        _add_option(groups[keys[0]], keys, field)


def recipe_from(arguments: argparse.Namespace, model: type[R]) -> R:
    """Recipe of the file named by ``--recipe`` (else the defaults) and the options given.

    Raises
    ------
    InputError
        As `read_recipe` and `with_overrides`.
    """
    recipe = read_recipe(find_recipe(arguments.recipe), model) if arguments.recipe else model()
    given = {keys: getattr(arguments, _dest(keys)) for keys, _ in recipe_fields(model)}
    return with_overrides(
        recipe, {keys: value for keys, value in given.items() if value is not None}, option_name
    )


def option_name(keys: tuple[str, ...]) -> str:
    """Option of a field: ``("poses", "rate_hz")`` gives ``--pose-rate-hz``."""
    prefix = _PREFIXES.get(keys[-2], "")
    return "--" + prefix + keys[-1].replace("_", "-")


def _dest(keys: tuple[str, ...]) -> str:
    return "__".join(keys)


def _add_option(group: Any, keys: tuple[str, ...], field: FieldInfo) -> None:
    default = field.get_default()
    shown = " ".join(f"{x:g}" for x in default) if isinstance(default, tuple) else f"{default}"
    text = (field.description or "").replace("%", "%%")
    text += f" (default {shown})" if default is not None else ""
    kind = field.annotation
    more: dict[str, Any] = {"metavar": keys[-1].rpartition("_")[2].upper()}
    if kind is bool:
        more = {"action": argparse.BooleanOptionalAction}
    elif isinstance(default, tuple):
        more = {"nargs": len(default), "metavar": ("MIN", "MAX")}
    elif words := choices(kind):
        more = {"metavar": "|".join(words)}
    group.add_argument(option_name(keys), dest=_dest(keys), default=None, help=text, **more)


def choices(kind: Any) -> tuple[str, ...]:
    """Words that a field may be; empty if it isn't a choice."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return next((words for part in get_args(kind) if (words := choices(part))), ())
    return ()
