"""Imports run one way: a module imports only from layers before its own, or from its own without a circle."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    ("synth.errors", "synth.skeletons", "synth.cache", "synth.native", "synth.environment", "synth.npz"),
    ("synth.differences",),
    ("synth.geometry", "synth.thinning"),
    ("synth.cameras",),
    ("synth.plausibility",),
    ("synth.body",),
    ("synth.sources",),
    ("synth.lifting",),
    (
        *("synth.poses", "synth.splits", "synth.shares", "synth.crops"),
        *("synth.triangulation", "synth.pool", "synth.pool_plan", "synth.pool_crops", "synth.pool_build"),
        *("synth.protocols", "synth.people_plan", "synth.people_files"),
    ),
    ("synth.occlusion",),
    ("synth.query_plan", "synth.queries"),
    ("synth.matching",),
    ("synth.mosaic",),
    ("synth.store",),
    ("synth.export",),
    ("synth.rendering",),
    ("synth.preview", "synth.lifted_sheet"),
    ("synth.labels",),
    ("synth.metrics",),
    ("synth.nets",),
    ("synth.train",),
    ("pipelines",),
)
"""Modules and packages in the order in which data flow. A new module is entered where it belongs."""

ENTRY_POINTS = ("synth.cli",)
"""They, and every `__main__`, may import everything, and nothing imports them."""

ONLY_IN = {
    "torch": ("synth.nets", "synth.train"),
    "zarr": ("synth.store",),
    "tensorstore": ("synth.store",),
    "dask": ("pipelines",),
    "distributed": ("pipelines",),
}
"""Libraries that only some packages, and entry points, may import."""

NOT_IN_PIPELINES = ("cv2", "numba", "zarr", "tensorstore")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def all_modules() -> dict[str, Path]:
    return {module_name(p): p for top in ("synth", "pipelines") for p in sorted((ROOT / top).rglob("*.py"))}


MODULES = all_modules()


def is_part(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def is_entry_point(module: str) -> bool:
    return module in ENTRY_POINTS or module.rpartition(".")[2] == "__main__"


def imports(source: str, module: str, is_package: bool, modules: dict[str, Path]) -> set[str]:
    """Names of all modules that a source text imports, anywhere in it; submodules by their own name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".") if is_package else module.split(".")[:-1]
                base = ".".join([*parents[: len(parents) - node.level + 1], *([base] if base else [])])
            full = {alias: f"{base}.{alias}" for alias in (name.name for name in node.names)}
            found |= {name if name in modules else base for name in full.values()}
    return found


def layer(module: str) -> int:
    places = [n for n, names in enumerate(LAYERS) if any(is_part(module, name) for name in names)]
    assert places, f"{module} is in no layer: enter it in LAYERS where it belongs"
    return places[0]


IMPORTS = {
    module: imports(path.read_text(), module, path.name == "__init__.py", MODULES)
    for module, path in MODULES.items()
}
ORDERED = [module for module in MODULES if module != "synth" and not is_entry_point(module)]


@pytest.mark.parametrize("module", ORDERED)
def test_imports_come_from_earlier_layers(module):
    own = {name for name in IMPORTS[module] if name in MODULES and name != "synth"}
    assert not [name for name in own if is_entry_point(name)]
    later = sorted(name for name in own if layer(name) > layer(module))
    assert not later, f"{module} may not import {', '.join(later)}: they come after it"


def test_no_circles():
    graph = {module: {n for n in IMPORTS[module] if n in MODULES and n != module} for module in MODULES}
    # a package's `__init__` gathers its submodules and they may not import it back
    assert tuple(graphlib.TopologicalSorter(graph).static_order())


def test_the_package_itself_imports_nothing():
    assert not IMPORTS["synth"]


@pytest.mark.parametrize(("library", "packages"), ONLY_IN.items())
def test_library_is_imported_only_where_it_may_be(library, packages):
    users = [module for module, names in IMPORTS.items() if any(is_part(name, library) for name in names)]
    strangers = [m for m in users if not is_entry_point(m) and not any(is_part(m, p) for p in packages)]
    assert not strangers


def test_synth_knows_nothing_of_pipelines():
    users = [m for m, names in IMPORTS.items() if any(is_part(name, "pipelines") for name in names)]
    assert not [m for m in users if is_part(m, "synth") and not is_entry_point(m)]


@pytest.mark.parametrize("library", NOT_IN_PIPELINES)
def test_pipelines_know_nothing_of_pixels(library):
    users = [m for m, names in IMPORTS.items() if any(is_part(name, library) for name in names)]
    assert not [m for m in users if is_part(m, "pipelines") and not is_entry_point(m)]


def test_every_kind_of_import_is_seen():
    source = """
import os.path, zarr.core as z
from synth.pool import Pool
from synth import cameras
from . import limbs
from .tree import build_tree
from .. import mosaic
def later():
    import torch
"""
    found = imports(source, "synth.matching.index", False, MODULES)
    assert found == {
        "os.path",
        "zarr.core",
        "synth.pool",
        "synth.cameras",
        "synth.matching.limbs",
        "synth.matching.tree",
        "synth.mosaic",
        "torch",
    }
    assert imports("from . import limbs", "synth.matching", True, MODULES) == {"synth.matching.limbs"}
