"""What a data set of rendered people is made of: every option's name, type, range, default and meaning."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pipelines.pose_recipe import PoseRecipe, Table, hash_of
from pipelines.recipe import Output, Run
from synth.differences import differing
from synth.rendering.backdrops import Kind
from synth.rendering.cast import PEOPLE
from synth.rendering.maps import MAPS, check_maps
from synth.rendering.renderer import RenderOptions
from synth.splits import SplitCycle

RENDER_VERSION = 2
"""Raised whenever the same inputs and options would give other samples."""


class Rendering(Table):
    """Who and what is seen."""

    background: Kind = Field(
        "scenes",
        description="rooms and landscapes, photographs, a plain studio, or the store's own pictures with "
        "their people removed",
    )
    people: int = Field(PEOPLE, ge=1, le=1000, description="people drawn and dressed for a thousand samples")
    rotations: Literal["auto", "never", "require"] = Field(
        "auto",
        description="take the twist of limbs, hands, feet and head from the motion files: where they are "
        "found, never, or else refuse",
    )
    arrays: str = Field(
        "", description=f"maps stored beside the pictures, of {', '.join(MAPS)}; joined with ,"
    )

    @field_validator("arrays")
    @classmethod
    def _known(cls, text: str) -> str:
        names = _split(text)
        check_maps(names)
        return ",".join(names)

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the optional arrays."""
        return _split(self.arrays)


class RenderOutput(Output):
    """What is written."""

    n: int | None = Field(  # type: ignore[assignment]
        None, ge=1, description="number of samples; all of a store's, or 1000, if not given"
    )


class RenderRecipe(PoseRecipe):
    """All options of a data set of rendered people; a store that is rendered brings its own poses."""

    rendering: Rendering = Field(default_factory=Rendering)
    output: RenderOutput = Field(default_factory=RenderOutput)
    run: Run = Field(default_factory=Run)

    def described(self, of_store: bool) -> dict[str, Any]:
        """Recipe as a store's attributes keep it: without paths, and without what the store says itself.

        Parameters
        ----------
        of_store : bool
            Whether a store is rendered, so that nothing about poses and views counts.
        """
        document = self.tidied(self.model_dump(mode="json", exclude={"run"}))
        document["output"] = self.output.described()
        if of_store:
            document["output"].pop("splits")
            document = {key: value for key, value in document.items() if key not in PoseRecipe.model_fields}
        return document

    def idle_beside_a_store(self) -> list[str]:
        """Name the options, ``"table.key"``, that were changed and mean nothing where a store is rendered."""
        usual, chosen = (
            {
                **made.model_dump(include=set(PoseRecipe.model_fields)),
                "output": {"splits": made.output.splits},
            }
            for made in (type(self)(), self)
        )
        return [name for name in differing(usual, chosen) if name != "sources.data_root"]

    def options(self, cycle: SplitCycle) -> RenderOptions:
        """As the renderer takes it."""
        table = self.rendering
        return RenderOptions(self.output.seed, cycle, table.background, table.people, table.maps)


def render_hash(recipe: RenderRecipe, of_store: bool, inputs: dict[str, str]) -> str:
    """Hash over everything that decides the samples' values.

    Parameters
    ----------
    recipe : RenderRecipe
        Options of the pose library count by what came of them.
    of_store : bool
        As in `RenderRecipe.described`.
    inputs : dict of str to str
        Content hashes of what the samples are made from.
    """
    decides = {
        **({} if of_store else recipe.deciding()),
        **{k: value for k, value in recipe.described(of_store).items() if k not in PoseRecipe.model_fields},
    }
    decides["rendering"] = {key: value for key, value in decides["rendering"].items() if key != "rotations"}
    return hash_of({"renderer": RENDER_VERSION, "inputs": inputs, **decides})


def _split(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
