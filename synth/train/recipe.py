"""What a training run is made of: every option's name, type, range, default and meaning, once.

A recipe is a TOML file with the tables below. Table ``[task]`` holds, beside the task's name, the options of
that task: `recipe_model` makes the whole model. All models are frozen and refuse what they don't know.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator

from synth.train.task import TaskOptions
from synth.train.tasks import task_classes


class Table(BaseModel):
    """Base of all tables: frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataTable(Table):
    """How samples come."""

    batch_size: int = Field(64, ge=1, description="samples of a step, of all processes together")
    mode: Literal["mixed", "alternating"] = Field(
        "mixed", description="batches of all stores in their proportions, or of one store each, in turn"
    )
    augment: bool = Field(True, description="change samples at random, as the task's paper does")
    window: int = Field(8, ge=1, description="shards whose samples are shuffled together")
    split: Literal["train", "val", "test"] = Field("train", description="samples to train on")


class OptimiserTable(Table):
    """How the weights follow the gradients; the same for each update of a step."""

    name: Literal["sgd", "adam", "rmsprop", "adamw"] = Field("adam", description="method")
    rate: float = Field(1e-3, gt=0, description="learning rate at the start")
    momentum: float = Field(0.0, ge=0, lt=1, description="of sgd and rmsprop")
    weight_decay: float = Field(0.0, ge=0, description="pull of the weights towards 0")
    clip: float | None = Field(None, gt=0, description="greatest norm of the gradient, if any")

    @model_validator(mode="after")
    def _check(self) -> OptimiserTable:
        if self.momentum and self.name in ("adam", "adamw"):
            raise ValueError(
                f"optimiser.momentum is of sgd and rmsprop; {self.name} has its own: leave it out"
            )
        return self


class ScheduleTable(Table):
    """How the learning rate falls."""

    name: Literal["constant", "exponential", "steps", "plateau"] = Field(
        "constant",
        description="constant; exponential: smoothly by the factor in `every` steps; steps: by the factor "
        "after every `every` epochs; plateau: by the factor when the validation loss has stopped falling",
    )
    factor: float = Field(0.5, gt=0, le=1, description="what the rate is multiplied by")
    every: float | None = Field(None, gt=0, description="steps of exponential, epochs of steps")
    patience: int = Field(5, ge=1, description="validations without a lower loss that plateau bears")

    @model_validator(mode="after")
    def _check(self) -> ScheduleTable:
        if (self.every is not None) != (self.name in ("exponential", "steps")):
            need = "needs" if self.every is None else "takes no"
            raise ValueError(f"schedule {self.name} {need} schedule.every")
        return self


class RunTable(Table):
    """How a run goes about it; of these, seed and precision alone change the weights."""

    epochs: float | None = Field(None, gt=0, description="passes through the samples; or else steps")
    steps: int | None = Field(None, ge=1, description="steps in all")
    validate_every: int | None = Field(
        None, ge=1, description="steps between validations; an epoch if not given"
    )
    validate_samples: int = Field(10_000, ge=1, description="samples of a validation at most")
    checkpoint_every: int | None = Field(
        None, ge=1, description="steps between checkpoints; an epoch if not given"
    )
    log_every: int = Field(50, ge=1, description="steps whose mean losses are noted")
    keep: int = Field(2, ge=1, description="newest checkpoints that stay; the best one stays too")
    precision: Literal["fp32", "bf16", "fp16"] = Field("fp32", description="of the network's arithmetic")
    compile: bool = Field(False, description="compile the network and its losses (torch.compile)")
    deterministic: bool = Field(False, description="only operations that give the same bits in every run")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of every random draw")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU if there is one")
    threads: int = Field(2, ge=1, description="threads that read, decode and augment")

    @model_validator(mode="after")
    def _check(self) -> RunTable:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either run.epochs or run.steps")
        return self

    def total_steps(self, per_epoch: int) -> int:
        """Count the steps of the whole run, given those of an epoch."""
        return self.steps if self.steps is not None else max(1, round((self.epochs or 0.0) * per_epoch))


class TrainRecipe(Table):
    """All options of a training run."""

    task: TaskOptions
    data: DataTable = Field(default_factory=DataTable)
    optimiser: OptimiserTable = Field(default_factory=OptimiserTable)
    schedule: ScheduleTable = Field(default_factory=ScheduleTable)
    run: RunTable = Field(default_factory=lambda: RunTable(epochs=1))

    @property
    def task_name(self) -> str:
        """Name of the task."""
        return str(self.task.model_dump()["name"])

    def deciding(self) -> dict[str, Any]:
        """All that decides the weights after a given step, as JSON values."""
        return deciding_part(self.model_dump(mode="json"))


def deciding_part(document: dict[str, Any]) -> dict[str, Any]:
    """Part of a dumped recipe that decides the weights after a given step: not how long and where it runs."""
    run = {key: value for key, value in document["run"].items() if key in ("seed", "precision")}
    return {**document, "run": run}


def recipe_model(task: str) -> type[TrainRecipe]:
    """Model of the recipes of a task, whose table ``[task]`` has the task's own options.

    Raises
    ------
    InputError
        If there is no task of that name.
    """
    options = task_classes(task)[1]
    table = create_model("TaskTable", __base__=options, name=(Literal[task], task))  # type: ignore[arg-type]
    return create_model("TaskRecipe", __base__=TrainRecipe, task=(table, Field(default_factory=table)))
