"""What every data set made after recorded motion has in its recipe: sources, pose library and views."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pipelines.motion_spec import MotionSpec, parse_motion
from synth.cameras import ViewRange
from synth.lifting.dictionary import DictionaryOptions
from synth.lifting.lifted import LEAST_CONFIDENCE
from synth.poses import DEFAULT_RATE_HZ, DEFAULT_THRESHOLD
from synth.query_plan import LIFTED_VIEWS
from synth.thinning import Rule

Interval = tuple[float, float]

_VIEWS, _LIFTED = ViewRange(), LIFTED_VIEWS


class Table(BaseModel):
    """Base of all tables: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MotionTable(Table):
    """What recorded motion is used; `demo` is made by this program, others are looked for in the data root."""

    mocap: str = Field(
        "demo",
        description="motion sources joined with +, such as cmu+hdm05; pseudo:NAME for the people of image source "
        "NAME lifted to 3D; with weights, as in cmu:0.7+pseudo:lspet:0.3, for shares of the samples",
    )
    data_root: Path | None = Field(
        None, description="folder that holds the sources; $SYNTH_DATA if not given"
    )

    @field_validator("mocap")
    @classmethod
    def _sound(cls, text: str) -> str:
        parse_motion(text)
        return text


class Poses(Table):
    """The pose library."""

    rule: Rule = Field(
        "max", description="poses are alike by the max or the mean of their joints' distances, torsos aligned"
    )
    threshold: float | None = Field(
        None,
        gt=0,
        description="metres below which poses are alike; if not given "
        + ", ".join(f"{metres} for {rule}" for rule, metres in DEFAULT_THRESHOLD.items()),
    )
    rate_hz: float = Field(DEFAULT_RATE_HZ, gt=0, description="poses a second taken before thinning")


class ViewIntervals(Table):
    """Intervals from which virtual views are drawn."""

    azimuth: Interval = Field(_VIEWS.azimuth, description="degrees about the vertical, least and greatest")
    elevation: Interval = Field(_VIEWS.elevation, description="degrees above the horizon")
    distance: Interval = Field(_VIEWS.distance, description="metres from the camera to the torso")
    roll: Interval = Field(_VIEWS.roll, description="degrees about the optical axis")

    @model_validator(mode="after")
    def _check(self) -> ViewIntervals:
        self.ranges()
        return self

    def ranges(self) -> ViewRange:
        """As the cameras take it; `InputError` for an impossible interval."""
        return ViewRange(**self.model_dump(include=set(ViewIntervals.model_fields)))


class LiftedViews(ViewIntervals):
    """Intervals of views of people lifted to 3D, about the camera that took their photograph."""

    azimuth: Interval = Field(_LIFTED.azimuth, description="degrees to the right of the photograph's camera")
    elevation: Interval = Field(_LIFTED.elevation, description="degrees above the photograph's camera")
    distance: Interval = Field(_LIFTED.distance, description="metres from the camera to the torso")
    roll: Interval = Field(_LIFTED.roll, description="degrees by which the photograph's upright is turned")


class ViewTable(ViewIntervals):
    """Virtual views: those of recorded poses, and those of people lifted to 3D."""

    pseudo: LiftedViews = Field(default_factory=LiftedViews)


class Pseudo(Table):
    """People of photographs lifted to 3D, where the motion sources name any."""

    dictionary: str | None = Field(
        None,
        description="motion sources that the pose dictionary is learnt from, joined with +; if not given, those of "
        "--mocap, else cmu and hdm05 as far as they are there, else demo",
    )
    atoms: int = Field(DictionaryOptions().atoms, ge=2, le=1000, description="size of that dictionary")
    corrections: Path | None = Field(
        None,
        description="TOML file of a person's corrections, or folder with a NAME.toml for each pseudo:NAME",
    )
    least_confidence: float = Field(
        LEAST_CONFIDENCE, ge=0, le=1, description="people whose pose deserves less are left out"
    )


class PoseRecipe(Table):
    """What every data set made after recorded motion has: sources, pose library, views."""

    sources: MotionTable = Field(default_factory=MotionTable)
    poses: Poses = Field(default_factory=Poses)
    views: ViewTable = Field(default_factory=ViewTable)
    pseudo: Pseudo = Field(default_factory=Pseudo)

    @property
    def motion(self) -> MotionSpec:
        """The motion sources, read."""
        return parse_motion(self.sources.mocap)

    @property
    def has_lifted(self) -> bool:
        """Whether people lifted to 3D are among the motion sources."""
        return any(part.lifted for part in self.motion.parts)

    @property
    def threshold(self) -> float:
        """Metres below which poses count as the same."""
        return DEFAULT_THRESHOLD[self.poses.rule] if self.poses.threshold is None else self.poses.threshold

    def tidied(self, document: dict[str, Any]) -> dict[str, Any]:
        """Change a dump of this recipe into what a store's attributes keep: no paths, no idle options."""
        document["poses"]["threshold"] = self.threshold
        document["sources"].pop("data_root")
        if self.has_lifted:
            document["pseudo"].pop("corrections")
        else:
            document.pop("pseudo")
            document["views"].pop("pseudo")
        return document

    def deciding(self) -> dict[str, Any]:
        """All of these tables that decides samples by itself; the rest does by the pose library that came of it."""
        decides: dict[str, Any] = {"views": asdict(self.views.ranges())}
        if self.has_lifted:
            decides["pseudo_views"] = asdict(self.views.pseudo.ranges())
        if shares := self.motion.shares():
            decides["shares"] = [asdict(share) for share in shares]
        return decides


def hash_of(document: object) -> str:
    """Hash of JSON values, 32 hexadecimal digits."""
    text = json.dumps(document, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
