"""The pose library of a recipe, found in the cache or made there, of recorded motion and of people lifted to 3D."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from pipelines.lifted_sources import LiftedSource, check_lifted, prepare_lifted
from pipelines.pose_recipe import PoseRecipe, hash_of
from pipelines.prepare import SOURCES_VERSION, Tools, file_stamps, make_embedded, remembered, told_map
from synth.cache import atomic_folder, atomic_write_bytes
from synth.poses import PoseLibrary, build_library, load_library, save_library
from synth.sources import catalog
from synth.sources.records import MotionClip, Rejection

LIBRARY_FILE, NOTES_FILE = "library.npz", "notes.json"


@dataclass(frozen=True)
class PreparedPoses:
    """A pose library.

    Parameters
    ----------
    path : Path
        Its file.
    library : PoseLibrary
        Its content.
    frames : int
        Frames that were read for it.
    rejections : tuple of Rejection
        What was left out when it was made.
    lifted : tuple of LiftedSource
        People of photographs among its sources.
    """

    path: Path
    library: PoseLibrary
    frames: int
    rejections: tuple[Rejection, ...]
    lifted: tuple[LiftedSource, ...] = ()

    def inputs(self) -> dict[str, str]:
        """Content hashes that count for samples made after these poses."""
        of_lifted = {item.name: item.digest for item in self.lifted}
        return {"pose_library": self.library.content_hash, **of_lifted}


def check_motion(recipe: PoseRecipe) -> None:
    """Make sure that all motion sources are there, before anything is begun.

    Raises
    ------
    InputError
        If one is unknown or missing, or shares are given to sources named twice.
    """
    for source in recipe.motion.motion_sources():
        if not source.embedded:
            catalog.locate(source, recipe.sources.data_root)
    check_lifted(recipe)
    recipe.motion.shares()


def prepare_poses(recipe: PoseRecipe, tools: Tools) -> PreparedPoses:
    """Find or make the pose library of a recipe.

    Raises
    ------
    InputError
        If a source is unknown or missing, or gives no pose.
    """
    lifted = prepare_lifted(recipe, tools)
    rule = [SOURCES_VERSION, recipe.poses.rule, recipe.threshold, recipe.poses.rate_hz]
    options = [*rule, *(item.digest for item in lifted)]
    make_embedded(recipe.motion.motion_sources(), tools)
    sources = [catalog.locate(s, recipe.sources.data_root) for s in recipe.motion.motion_sources()]

    def name_by_content() -> dict[str, Any]:
        return {"name": hash_of([options, catalog.source_fingerprint(sources)])}

    known = remembered(tools.cache / "poses", [options, file_stamps(sources)], name_by_content)
    folder = tools.cache / "poses" / known["name"]
    if not folder.is_dir():
        _make_library(recipe, lifted, folder, tools)
    notes = json.loads((folder / NOTES_FILE).read_text())
    library = load_library(folder / LIBRARY_FILE)
    tools.progress.say(
        f"pose library: {len(library):,} poses of {subjects_text(library)} (from {notes['frames']:,} frames)"
    )
    rejections = tuple(Rejection(**item) for item in notes["rejections"])
    return PreparedPoses(folder / LIBRARY_FILE, library, notes["frames"], rejections, lifted)


def subjects_text(library: PoseLibrary) -> str:
    """Say of how many recorded subjects, and of how many photographs, a library is."""
    photographs = int(library.lifted_subjects.sum())
    recorded = len(library.subjects) - photographs
    counts = ((recorded, "subjects"), (photographs, "photographs"))
    return " and ".join(f"{count:,} {what}" for count, what in counts if count)


def _make_library(recipe: PoseRecipe, lifted: tuple[LiftedSource, ...], folder: Path, tools: Tools) -> None:
    recorded, frames = recipe.motion.recorded, 0
    items = catalog.motion_items(recorded, recipe.sources.data_root) if recorded else []

    def counted(results: Iterable[MotionClip | Rejection]) -> Iterable[MotionClip | Rejection]:
        nonlocal frames
        for result in results:
            frames += len(result.joints) if isinstance(result, MotionClip) else 0
            yield result

    tools.progress.say(f"reading motion: {len(items):,} clips ...")
    read = told_map(tools, "reading motion", "clips")(catalog.read_item, items)
    clips = counted(chain(read, *(item.clips() for item in lifted)))
    library, rejections = build_library(clips, recipe.poses.rule, recipe.threshold, recipe.poses.rate_hz)
    with atomic_folder(folder) as temporary:
        save_library(library, temporary / LIBRARY_FILE)
        notes = {"frames": frames, "rejections": [asdict(item) for item in rejections]}
        atomic_write_bytes(temporary / NOTES_FILE, json.dumps(notes).encode())
