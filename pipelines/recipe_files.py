"""Recipe files: finding the packaged ones, reading TOML, and saying in one line what is wrong."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from synth.errors import InputError

R = TypeVar("R", bound=BaseModel)


def packaged_recipes() -> dict[str, Path]:
    """Recipes that come with the package, by name: installed beside this module, or the checkout's."""
    here = Path(__file__).resolve().parent
    for folder in (here / "recipes", here.parent / "recipes"):
        if found := sorted(folder.glob("*.toml")):
            return {file.stem: file for file in found}
    return {}


def recipe_list() -> list[str]:
    """List the packaged recipes with their titles, by the command that takes them."""
    titles: dict[str, list[str]] = {}
    found = packaged_recipes()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        title = path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("#").strip()
        titles.setdefault(_command_of(name), []).append(f"{name:<{width}}  {title}")
    lines: list[str] = []
    for command, of_command in titles.items():
        lines += ["", f"synth {command} --recipe NAME", *of_command]
    return lines[1:]


def _command_of(name: str) -> str:
    """Command that takes a packaged recipe, by the start of its name."""
    kinds = {"labels": "label all STORE", "render": "render", "train": "train"}
    return kinds.get(name.partition("-")[0], "mosaic")


def find_recipe(name: str) -> Path:
    """Resolve a path of a recipe file, or the name of a packaged recipe.

    Raises
    ------
    InputError
        If there is neither; the nearest packaged name is given.
    """
    path, packaged = Path(name), packaged_recipes()
    if path.is_file():
        return path
    if name.removesuffix(".toml") in packaged:
        return packaged[name.removesuffix(".toml")]
    near = difflib.get_close_matches(name, packaged, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(f"no recipe {name!r}: neither a file nor one of {', '.join(packaged)}{hint}")


def read_recipe(path: Path, model: type[R]) -> R:
    """Read a recipe file.

    Parameters
    ----------
    path : Path
        The file.
    model : type
        Kind of recipe that is expected.

    Raises
    ------
    InputError
        If it is not TOML, has an unknown key or a value of another type or out of range; the message
        names file, key and value.
    """
    return checked(read_toml(path), model, path)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file; `InputError` if it is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: cannot be read as TOML: {error}") from error


def checked(document: dict[str, Any], model: type[R], path: Path) -> R:
    """Recipe of a document that was read from `path`; errors as of `read_recipe`."""
    try:
        # read as JSON, so that types count (no number in quotes) and lists stand for tuples
        return model.model_validate_json(json.dumps(document, default=str), strict=True)
    except ValidationError as error:
        raise InputError(f"{path}: {first_problem(error, model)}") from error


def with_overrides(
    recipe: R,
    overrides: Mapping[tuple[str, ...], Any],
    name_of: Callable[[tuple[str, ...]], str] = ".".join,
) -> R:
    """Recipe with some fields replaced.

    Parameters
    ----------
    recipe : BaseModel
        Of any kind; left as it is.
    overrides : mapping of key path to value
        Such as ``("blending", "sigma")`` to ``"20"``; text is converted to the field's type.
    name_of : callable
        What a key path is called in messages.

    Raises
    ------
    InputError
        If a value is of another type or out of range.
    """
    document = recipe.model_dump()
    for keys, value in overrides.items():
        table = document
        for key in keys[:-1]:
            table = table.setdefault(key, {})
        table[keys[-1]] = value
    try:
        return type(recipe).model_validate(document)
    except ValidationError as error:
        raise InputError(first_problem(error, type(recipe), name_of)) from error


def recipe_fields(
    model: type[BaseModel], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Yield key path and definition of every option, tables resolved."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from recipe_fields(kind, (*above, name))
        else:
            yield (*above, name), field


def first_problem(
    error: ValidationError,
    model: type[BaseModel],
    name_of: Callable[[tuple[str, ...]], str] = ".".join,
) -> str:
    """One line about the first thing that is wrong: unknown keys before wrong values."""
    problem = min(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    keys = tuple(str(part) for part in problem["loc"] if not isinstance(part, int))
    if problem["type"] == "extra_forbidden":
        return f"unknown key {'.'.join(keys)}; did you mean {_nearest(keys, model)}?"
    value = problem["input"]
    reason = str(problem.get("ctx", {}).get("error") or problem["msg"])
    reason = reason[0].lower() + reason[1:]
    # what is wrong with a whole table names its key itself
    return reason if isinstance(value, dict) else f"{name_of(keys)} = {value!r}: {reason}"


def _nearest(keys: tuple[str, ...], model: type[BaseModel]) -> str:
    paths = [path for path, _ in recipe_fields(model)]
    known = {".".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
    beside = sorted(name for name in known if name.rpartition(".")[0] == ".".join(keys[:-1]))
    elsewhere = [name for name in sorted(known) if name.rpartition(".")[2] == keys[-1]]
    leaf = difflib.get_close_matches(keys[-1], [name.rpartition(".")[2] for name in beside], n=1, cutoff=0.5)
    if leaf and not elsewhere:
        return ".".join((*keys[:-1], leaf[0]))
    return (elsewhere or difflib.get_close_matches(".".join(keys), sorted(known), n=1, cutoff=0.0))[0]
