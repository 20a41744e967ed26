"""Pseudo-3D: pose dictionaries and lifted people, found in the cache or made there.

``pseudo:NAME`` among the motion sources stands for the people of image source NAME, lifted to 3D.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.pose_recipe import hash_of
from pipelines.prepare import Tools, file_stamps, make_embedded
from synth.cache import atomic_folder, atomic_write_bytes
from synth.errors import InputError
from synth.lifting.dictionary import (
    DICTIONARY_VERSION,
    DictionaryOptions,
    PoseDictionary,
    learn_dictionary,
    load_dictionary,
    save_dictionary,
)
from synth.lifting.lifted import (
    LIFT_VERSION,
    LiftedPeople,
    join_people,
    load_people,
    save_people,
)
from synth.lifting.people import LiftOptions, lift_people
from synth.poses import sampled_frames
from synth.sources import catalog
from synth.sources.records import AnnotatedImages, MotionClip, Rejection

DICTIONARY_FILE, PEOPLE_FILE, REJECTIONS_FILE = "dictionary.npz", "people.npz", "rejections.json"

DEFAULT_MOCAP = "cmu+hdm05"
"""Motion that dictionaries are learnt from."""

RATE_HZ = 4.0
"""Poses taken from each second of that motion."""

_CHUNK = 250


@dataclass(frozen=True)
class LiftPlan:
    """What is lifted, and by what.

    Parameters
    ----------
    images : str
        One image source, such as ``"lspet"``.
    mocap : str
        Motion sources of the dictionary, joined with ``+``.
    data_root : Path, optional
        Folder of all data; `$SYNTH_DATA` if not given.
    dictionary, lift : DictionaryOptions, LiftOptions
        How.
    """

    images: str
    mocap: str = DEFAULT_MOCAP
    data_root: Path | None = None
    dictionary: DictionaryOptions = field(default_factory=DictionaryOptions)
    lift: LiftOptions = field(default_factory=LiftOptions)


@dataclass(frozen=True)
class PreparedPeople:
    """Lifted people, their file, and who was left out."""

    path: Path
    people: LiftedPeople
    rejections: tuple[Rejection, ...]


@dataclass(frozen=True)
class LiftTask:
    """Some people to be lifted; plain values that travel between processes."""

    people: AnnotatedImages
    dictionary: Path
    options: LiftOptions


def prepare_dictionary(plan: LiftPlan, tools: Tools) -> Path:
    """Find or learn the dictionary of a plan.

    Returns
    -------
    Path
        File for `load_dictionary`.

    Raises
    ------
    InputError
        If a motion source is unknown or missing, or gives too few poses.
    """
    sources = [catalog.locate(source, plan.data_root) for source in catalog.motion_sources(plan.mocap)]
    key = [DICTIONARY_VERSION, RATE_HZ, asdict(plan.dictionary), file_stamps(sources)]
    folder = tools.cache / "dictionaries" / hash_of(key)
    if not folder.is_dir():
        poses = _recorded_poses(plan, tools)
        tools.progress.say(
            f"pose dictionary: learning {plan.dictionary.atoms} atoms from {len(poses):,} poses ..."
        )
        learnt = learn_dictionary(poses, plan.dictionary)
        with atomic_folder(folder) as temporary:
            save_dictionary(learnt, temporary / DICTIONARY_FILE)
    found = load_dictionary(folder / DICTIONARY_FILE)
    tools.progress.say(_described(found))
    return folder / DICTIONARY_FILE


def prepare_people(plan: LiftPlan, tools: Tools) -> PreparedPeople:
    """Find or lift the people of a plan, in parallel.

    Raises
    ------
    InputError
        If a source is unknown or missing, more than one image source is named, or nobody can be lifted.
    """
    make_embedded(catalog.image_sources(plan.images), tools)
    source = _one_image_source(plan)
    dictionary = prepare_dictionary(plan, tools)
    atoms_hash = load_dictionary(dictionary).content_hash
    key = [LIFT_VERSION, asdict(plan.lift), atoms_hash, file_stamps([source])]
    folder = tools.cache / "pseudo3d" / hash_of(key)
    if not folder.is_dir():
        people, rejections = _lift(plan, dictionary, tools)
        with atomic_folder(folder) as temporary:
            save_people(people, temporary / PEOPLE_FILE)
            notes = json.dumps([asdict(item) for item in rejections])
            atomic_write_bytes(temporary / REJECTIONS_FILE, notes.encode())
    left_out = json.loads((folder / REJECTIONS_FILE).read_text())
    found = load_people(folder / PEOPLE_FILE)
    tools.progress.say(
        f"pseudo-3D: {len(found.images):,} people of {plan.images} lifted, {len(left_out):,} left out"
    )
    return PreparedPeople(folder / PEOPLE_FILE, found, tuple(Rejection(**item) for item in left_out))


def lift_chunk(task: LiftTask) -> tuple[LiftedPeople, list[Rejection]]:
    """Lift the people of one task."""
    dictionary = load_dictionary(task.dictionary)
    rows = np.arange(len(task.people.joints))
    return lift_people(task.people, rows, dictionary.atoms, dictionary.content_hash, task.options)


def _one_image_source(plan: LiftPlan) -> catalog.Location:
    sources = catalog.image_sources(plan.images)
    if len(sources) != 1:
        names = ", ".join(source.name for source in sources)
        raise InputError(f"{plan.images} stands for {names}; lift one image source at a time")
    return catalog.locate(sources[0], plan.data_root)


def _lift(plan: LiftPlan, dictionary: Path, tools: Tools) -> tuple[LiftedPeople, list[Rejection]]:
    (people,), rejections = catalog.read_images(plan.images, plan.data_root)
    count = len(people.joints)
    tasks = [
        LiftTask(_some(people, np.arange(first, min(first + _CHUNK, count))), dictionary, plan.lift)
        for first in range(0, count, _CHUNK)
    ]
    parts = []
    results = map(lift_chunk, tasks) if len(tasks) < 2 else tools.workers.map(lift_chunk, tasks)
    for part, left_out in tools.progress.over(results, f"lifting {plan.images}", len(tasks), "parts"):
        parts.append(part)
        rejections += left_out
    if not any(part.images for part in parts):
        raise InputError(f"nobody of {plan.images} could be lifted ({len(rejections)} left out)")
    return join_people(parts), rejections


def _some(people: AnnotatedImages, rows: NDArray[np.intp]) -> AnnotatedImages:
    """Pick some people, with only the images they need."""
    used, image_of = np.unique(people.image_of[rows], return_inverse=True)
    return replace(
        people,
        images=tuple(people.images[n] for n in used),
        image_of=image_of.astype(np.int32),
        person=people.person[rows],
        joints=people.joints[rows],
        labelled=people.labelled[rows],
        occluded=people.occluded[rows],
    )


def _recorded_poses(plan: LiftPlan, tools: Tools) -> NDArray[np.float32]:
    items = catalog.motion_items(plan.mocap, plan.data_root)
    results = tools.workers.map(catalog.read_item, items)
    found = [
        clip.joints[sampled_frames(len(clip.joints), clip.fps, RATE_HZ)]
        for clip in tools.progress.over(results, "reading motion", len(items), "clips")
        if isinstance(clip, MotionClip)
    ]
    if not found:
        raise InputError(f"no pose was found in {plan.mocap}, from which the dictionary is to be learnt")
    return np.concatenate(found)


def _described(dictionary: PoseDictionary) -> str:
    return (
        f"pose dictionary: {len(dictionary.atoms)} atoms from {dictionary.poses:,} distinct poses, relative error "
        f"{dictionary.relative_error:.3f}, {dictionary.active:.1f} atoms a pose"
    )
