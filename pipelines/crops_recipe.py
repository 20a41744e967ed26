"""What a store of photographed people is made of: every option's name, type, range, default and meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field

from pipelines.pose_recipe import Table, hash_of
from pipelines.recipe import Limits, Output, Run
from synth.people_files import Border
from synth.people_plan import PeopleOptions
from synth.plausibility import PlausibilityLimits
from synth.protocols import Protocol

CROPS_VERSION = 1
"""Raised whenever the same inputs and options would give other samples."""

_PEOPLE = PeopleOptions()


class CropSources(Table):
    """What photographs are used."""

    images: str = Field(
        "demo",
        description="image sources joined with +, such as mpii+lsp-test; sources for testing are allowed",
    )
    data_root: Path | None = Field(
        None, description="folder that holds the sources; $SYNTH_DATA if not given"
    )


class PeopleTable(Table):
    """Which of the people."""

    protocol: Protocol = Field(
        _PEOPLE.protocol,
        description="who trains and who tests on Human3.6M; auto is h36m-p2, and for other sources their own halves "
        "or, by a hash of the photograph as in mosaics, --splits",
    )
    stride: int = Field(_PEOPLE.stride, ge=1, description="use every so many frames of recordings")
    min_labelled: int = Field(
        _PEOPLE.min_labelled,
        ge=2,
        le=13,
        description="least number of labelled joints; not of published test sets",
    )
    min_pixels_per_metre: float = Field(
        _PEOPLE.min_pixels_per_metre,
        ge=0,
        description="people smaller than this in their photograph are left out; not of published test sets",
    )
    limits: Limits = Field(default_factory=Limits, description="limits of plausible annotations")


class Pictures(Table):
    """What they show."""

    border: Border = Field(
        "grey",
        description="what is shown beyond the photograph's edges: grey, or its reflection as in mosaics",
    )


class CropOutput(Output):
    """What is written."""

    n: int | None = Field(  # type: ignore[assignment]
        None, ge=1, description="number of people; all, if not given"
    )


class CropRecipe(Table):
    """All options of a store of photographed people."""

    sources: CropSources = Field(default_factory=CropSources)
    people: PeopleTable = Field(default_factory=PeopleTable)
    pictures: Pictures = Field(default_factory=Pictures)
    output: CropOutput = Field(default_factory=CropOutput)
    run: Run = Field(default_factory=Run)

    def options(self) -> PeopleOptions:
        """As the plan takes it."""
        table = self.people.model_dump(exclude={"limits"})
        limits = PlausibilityLimits(**self.people.limits.model_dump())
        return PeopleOptions(**table, limits=limits, cycle=self.output.cycle, seed=self.output.seed)

    def described(self) -> dict[str, Any]:
        """Recipe as a store's attributes keep it: without paths, and without what the store says itself."""
        document = self.model_dump(mode="json", exclude={"run"})
        document["sources"].pop("data_root")
        document["output"] = self.output.described()
        return document


def crops_hash(recipe: CropRecipe, inputs: dict[str, str]) -> str:
    """Hash over everything that decides the samples; options of the people count by what came of them."""
    return hash_of({"crops": CROPS_VERSION, "inputs": inputs, "pictures": recipe.pictures.model_dump()})
