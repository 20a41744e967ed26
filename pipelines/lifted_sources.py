"""People of photographs as a source of motion: what a recipe asks for, lifted, corrected and sifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from pipelines.pose_recipe import PoseRecipe, hash_of
from pipelines.prepare import Tools
from pipelines.pseudo3d import DEFAULT_MOCAP, LiftPlan, PreparedPeople, prepare_people
from synth.errors import InputError
from synth.lifting.corrections import Corrections, read_corrections
from synth.lifting.dictionary import DictionaryOptions
from synth.lifting.lifted import PSEUDO, motion_clips
from synth.plausibility import PlausibilityLimits
from synth.sources import catalog
from synth.sources.records import MotionClip, Rejection

_LIMITS = PlausibilityLimits()


@dataclass(frozen=True)
class LiftedSource:
    """People of one image source, in 3D.

    Parameters
    ----------
    plan : LiftPlan
        What was lifted, and by what.
    prepared : PreparedPeople
        What came of it.
    corrections : Corrections or None
        A person's corrections of it.
    least_confidence : float
        People who deserve less are left out.
    """

    plan: LiftPlan
    prepared: PreparedPeople
    corrections: Corrections | None
    least_confidence: float

    @property
    def name(self) -> str:
        """Name of the source of motion, such as ``"pseudo:lspet"``."""
        return f"{PSEUDO}{self.prepared.people.source}"

    @property
    def digest(self) -> str:
        """Hash of all that decides the clips."""
        said = None if self.corrections is None else asdict(self.corrections)
        judged = [self.least_confidence, asdict(_LIMITS)]
        return hash_of([self.prepared.people.content_hash, said, *judged])

    def clips(self) -> Iterator[MotionClip | Rejection]:
        """Everyone as a clip of one frame, and who is left out; see `synth.lifting.lifted.motion_clips`."""
        yield from self.prepared.rejections
        yield from motion_clips(self.prepared.people, self.corrections, self.least_confidence, _LIMITS)

    def described(self) -> dict[str, Any]:
        """Describe it for a store's attributes."""
        people = self.prepared.people
        return {
            "name": self.name,
            "people": len(people.images),
            "people_hash": people.content_hash,
            "dictionary_of": self.plan.mocap,
            "dictionary_hash": people.dictionary,
            "corrections": 0 if self.corrections is None else len(self.corrections.items),
            "least_confidence": self.least_confidence,
        }


def check_lifted(recipe: PoseRecipe) -> None:
    """Make sure that all sources and corrections of people to be lifted are there.

    Raises
    ------
    InputError
        If one is unknown, missing, or cannot be read.
    """
    for source in recipe.motion.image_sources():
        for needed in (source, *catalog.motion_sources(_dictionary_sources(recipe))):
            if not needed.embedded:
                catalog.locate(needed, recipe.sources.data_root)
    _corrections(recipe)


def prepare_lifted(recipe: PoseRecipe, tools: Tools) -> tuple[LiftedSource, ...]:
    """Find or lift the people that a recipe's motion sources name, source by source.

    Raises
    ------
    InputError
        As `check_lifted`, or if nobody can be lifted.
    """
    corrections = _corrections(recipe)
    lifted = []
    for source in recipe.motion.image_sources():
        learning = replace(DictionaryOptions(), atoms=recipe.pseudo.atoms)
        plan = LiftPlan(source.name, _dictionary_sources(recipe), recipe.sources.data_root, learning)
        people = prepare_people(plan, tools)
        said = corrections.get(source.name)
        lifted.append(LiftedSource(plan, people, said, recipe.pseudo.least_confidence))
    return tuple(lifted)


def _dictionary_sources(recipe: PoseRecipe) -> str:
    """Motion that the dictionary is learnt from: what is asked for, else recorded, else found."""
    asked = recipe.pseudo.dictionary or recipe.motion.recorded
    if asked:
        return asked
    root = catalog.data_root_if_any(recipe.sources.data_root)
    known = catalog.motion_sources(DEFAULT_MOCAP) if root else ()
    return "+".join(source.name for source in known if catalog.find_source(source, root)) or "demo"


def _corrections(recipe: PoseRecipe) -> dict[str, Corrections]:
    """Corrections by image source; empty if none are given."""
    path, names = recipe.pseudo.corrections, [source.name for source in recipe.motion.image_sources()]
    if path is None:
        return {}
    if not names:
        raise InputError(f"corrections {path} are given, but --mocap names no {PSEUDO}SOURCE")
    files = [path] if not path.is_dir() else [path / f"{name}.toml" for name in names]
    found = [read_corrections(file) for file in files if file == path or file.is_file()]
    if not found:
        raise InputError(f"{path} holds no {' or '.join(file.name for file in files)}")
    for said in found:
        if said.source not in names:
            raise InputError(
                f"{path}: the corrections are for {said.source}, --mocap names {PSEUDO}{', '.join(names)}"
            )
    return {said.source: said for said in found}
