"""What a mosaic data set is made of: every option's name, type, range, default and meaning, once.

A recipe is a TOML file with the tables below; the command line's options are made from the same fields (see
`options`). All models are frozen and refuse what they don't know.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from pipelines.pose_recipe import MotionTable, PoseRecipe, Table, hash_of
from synth.matching import Alignment
from synth.mosaic.compose import BlendOptions
from synth.mosaic.samples import ViewChoice
from synth.plausibility import PlausibilityLimits
from synth.pool_plan import PoolOptions
from synth.splits import SplitCycle, parse_splits
from synth.store.codecs import parse_codec

ALGORITHM_VERSION = 2
"""Raised whenever the same inputs and options would give other samples."""

_POOL, _LIMITS = PoolOptions(), PlausibilityLimits()
_CHOICE, _BLENDING = ViewChoice(), BlendOptions()


class Sources(MotionTable):
    """What data is used."""

    images: str = Field("demo", description="image sources joined with +, such as mpii-lsp")


class Limits(Table):
    """Annotations beyond these are taken for wrong and left out of the pool."""

    limb_ratio: float = Field(_LIMITS.limb_ratio, gt=0, description="limb over its standard length")
    head: float = Field(_LIMITS.head, gt=0, description="metres from the head's top to mid-shoulders")
    shoulders: float = Field(_LIMITS.shoulders, gt=0, description="metres between the shoulders")
    hips: float = Field(_LIMITS.hips, gt=0, description="metres between the hips")
    side_ratio: float = Field(_LIMITS.side_ratio, ge=1, description="longer over shorter side of the torso")
    side_difference: float = Field(
        _LIMITS.side_difference, ge=0, description="metres the sides must differ for the ratio to count"
    )
    opposed_width: float = Field(
        _LIMITS.opposed_width, ge=0, description="metres beyond which opposed shoulders and hips are an error"
    )
    torso_spread: float = Field(_LIMITS.torso_spread, ge=0, description="metres that a torso must extend")


class PoolTable(Table):
    """The image pool."""

    pixels_per_metre: float = Field(_POOL.pixels_per_metre, gt=0, description="scale of the crops")
    min_labelled: int = Field(_POOL.min_labelled, ge=2, le=13, description="least number of labelled joints")
    min_pixels_per_metre: float = Field(
        _POOL.min_pixels_per_metre,
        ge=0,
        description="people smaller than this in their photograph are left out",
    )
    mirror: bool = Field(_POOL.mirror, description="use every crop's mirror image too")
    limits: Limits = Field(default_factory=Limits, description="limits of plausible annotations")

    def options(self) -> PoolOptions:
        """As the pool takes it."""
        fields = self.model_dump(exclude={"limits"})
        return PoolOptions(**fields, limits=PlausibilityLimits(**self.limits.model_dump()))


class Matching(Table):
    """Eq. 1-4."""

    alignment: Alignment = Field("rigid", description="how pool poses are aligned with the query (Eq. 2)")
    eps: float = Field(
        0.0, ge=0, description="0: exact; else each cost is within a factor 1 + eps of the least"
    )
    max_cost: float = Field(
        _CHOICE.max_cost,
        gt=0,
        description="pixels; a pose whose mean matching cost (Eq. 3) is above is seen from another view",
    )
    attempts: int = Field(
        _CHOICE.attempts,
        ge=1,
        le=255,
        description="views at most, the cheapest is kept; 1: every first view, as in the paper",
    )

    def choice(self) -> ViewChoice:
        """As the engine takes it."""
        return ViewChoice(self.attempts, self.max_cost)


class Blending(Table):
    """Eq. 5-8."""

    alpha: float = Field(_BLENDING.alpha, ge=0, description="pixels, in R = alpha + beta d (Eq. 7)")
    beta: float = Field(_BLENDING.beta, ge=0, description="in R = alpha + beta d (Eq. 7)")
    sigma: float = Field(_BLENDING.sigma, gt=0, description="width of a joint's probability, pixels")
    window: Literal["side", "half"] = Field(
        _BLENDING.window, description="R is the square's side, or half of it"
    )

    def options(self) -> BlendOptions:
        """As the composer takes it."""
        return BlendOptions(**self.model_dump())


class SampleOutput(Table):
    """What is written of samples, whether they have pictures or not."""

    n: int = Field(1000, ge=1, description="number of samples; a store can be extended later")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of every random draw")
    splits: str = Field("8:1:1", description="shares of train, val and test")
    shard_size: int = Field(1000, ge=1, le=1_000_000, description="samples a shard: a file, a task, a commit")

    @field_validator("splits")
    @classmethod
    def _parsable(cls, text: str) -> str:
        parse_splits(text)
        return text

    @property
    def cycle(self) -> SplitCycle:
        """How ids run through the splits."""
        return parse_splits(self.splits)

    @property
    def picture_codec(self) -> str | None:
        """Codec of the pictures; None for samples without."""
        return None

    def described(self) -> dict[str, Any]:
        """Keep what decides samples, as a store's attributes do."""
        return {"seed": self.seed, "splits": ":".join(map(str, self.cycle.sizes))}


class Output(SampleOutput):
    """What is written."""

    codec: str = Field("zstd:1", description="of the pictures: zstd, zstd:LEVEL, jpeg:QUALITY or none")

    @field_validator("codec")
    @classmethod
    def _full_name(cls, text: str) -> str:
        return str(parse_codec(text))

    @property
    def picture_codec(self) -> str | None:
        """Codec of the pictures."""
        return self.codec


class Run(Table):
    """How a run goes about it; none of this changes a byte of a sample."""

    workers: int | None = Field(
        None, ge=1, description="local processes; one for each usable core if not given"
    )
    scheduler: str | None = Field(
        None, description="address of a running Dask scheduler, instead of processes"
    )
    resume: Literal["auto", "never", "require"] = Field(
        "auto", description="go on with a store that is there: if there is one, never, or only then"
    )
    on_error: Literal["skip", "stop"] = Field("skip", description="what to do when a sample cannot be made")
    max_fail_rate: float = Field(
        0.01, ge=0, le=1, description="share of failed samples above which nothing is sealed"
    )
    preview: int = Field(0, ge=0, le=1000, description="samples on the contact sheet beside the store")
    progress: Literal["auto", "bar", "plain", "json", "none"] = Field(
        "auto", description="auto: a bar on a terminal, else plain lines"
    )


class Recipe(PoseRecipe):
    """All options of a mosaic data set."""

    sources: Sources = Field(default_factory=Sources)
    pool: PoolTable = Field(default_factory=PoolTable)
    matching: Matching = Field(default_factory=Matching)
    blending: Blending = Field(default_factory=Blending)
    output: Output = Field(default_factory=Output)
    run: Run = Field(default_factory=Run)

    def described(self) -> dict[str, Any]:
        """Recipe as a store's attributes keep it: without paths, and without what the store says itself."""
        document = self.tidied(self.model_dump(mode="json", exclude={"run"}))
        document["output"] = self.output.described()
        return document


def recipe_hash(recipe: Recipe, inputs: dict[str, str]) -> str:
    """Hash over everything that decides the samples' values.

    Parameters
    ----------
    recipe : Recipe
        Its views, shares, matching, blending, seed and splits count. Options of the pose library and the image
        pool count by what came of them.
    inputs : dict of str to str
        Content hashes of what the samples are made from.

    Returns
    -------
    str
        32 hexadecimal digits.
    """
    decides = {
        "algorithm": ALGORITHM_VERSION,
        "inputs": inputs,
        **recipe.deciding(),
        "matching": recipe.matching.model_dump(),
        "blending": recipe.blending.model_dump(),
        "seed": recipe.output.seed,
        "splits": recipe.output.cycle.sizes,
    }
    return hash_of(decides)
