"""What a data set of projected poses is made of: every option's name, type, range, default and meaning."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pipelines.pose_recipe import PoseRecipe, hash_of
from pipelines.recipe import Run, SampleOutput

PROJECT_VERSION = 1
"""Raised whenever the same inputs and options would give other samples."""


class PoseOutput(SampleOutput):
    """What is written."""

    shard_size: int = Field(
        10_000, ge=1, le=1_000_000, description="samples a shard: a file of each array, a task, a commit"
    )


class ProjectRecipe(PoseRecipe):
    """All options of a data set of poses seen by virtual cameras."""

    output: PoseOutput = Field(default_factory=PoseOutput)
    run: Run = Field(default_factory=Run)

    def described(self) -> dict[str, Any]:
        """Recipe as a store's attributes keep it: without paths, and without what the store says itself."""
        document = self.tidied(self.model_dump(mode="json", exclude={"run"}))
        document["output"] = self.output.described()
        return document


def project_hash(recipe: ProjectRecipe, inputs: dict[str, str]) -> str:
    """Hash over everything that decides the samples' values; `inputs` are the sources' content hashes."""
    output = recipe.described()["output"]
    return hash_of({"projection": PROJECT_VERSION, "inputs": inputs, **recipe.deciding(), **output})
