"""The loop: steps, notes, validations, checkpoints, until all is done or somebody asks to stop.

Random numbers of a step are keyed by (seed, step, process) and batches by (seed, epoch, number), so that the state of
a checkpoint is all there is: a run that was killed goes on to the same weights as one that wasn't. Of several processes
the first one notes its own losses, validates and writes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synth.errors import InputError
from synth.store.batches import Batch, BatchLoader, BatchOrder, batch_order
from synth.store.files import clean_leftovers
from synth.train.checkpoint import FOLDER, Checkpoint, tensors_of, write_checkpoint
from synth.train.distributed import Place
from synth.train.evaluation import Reading
from synth.train.history import (
    Row,
    RunningMeans,
    loss_names,
    not_finite,
    told_validation,
    validation_rows,
)
from synth.train.optimise import Schedule, deterministic, make_optimisers, precision_of, seed_step
from synth.train.report import CURVES, METRICS, Report
from synth.train.setup import Setting
from synth.train.task import Task
from synth.train.validation import validate


@dataclass(frozen=True)
class Listener:
    """Who is told, and may ask to stop.

    Parameters
    ----------
    say : callable
        Told messages.
    advance : callable
        Told the number of steps done.
    stop : callable
        Whether to stop after this step.
    """

    say: Callable[[str], None] = lambda text: None
    advance: Callable[[int], None] = lambda steps: None
    stop: Callable[[], bool] = lambda: False


class Losses(nn.Module):
    """The losses of a task as a module, whose parameters are the network's.

    Parameters
    ----------
    task : Task
    """

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task, self.network = task, task.network

    def forward(self, tensors: Mapping[str, Tensor], update: str) -> dict[str, Tensor]:
        """Losses of one update, as of `Task.losses`."""
        return self.task.losses(tensors, update)


class Trainer:
    """A run: where it is, and how it goes on.

    Parameters
    ----------
    setting : Setting
    place : Place

    Raises
    ------
    InputError
        If the samples fill no batch, a batch can't be shared out evenly, or a plateau can't be seen.
    """

    def __init__(self, setting: Setting, place: Place) -> None:
        self.setting, self.place = setting, place
        recipe, self.task = setting.recipe, setting.task
        self.order = training_order(setting, place)
        self.total = recipe.run.total_steps(self.order.batches())
        self.task.network.to(place.device)
        losses = Losses(self.task)
        if recipe.run.compile:
            losses.compile()
        self.losses = place.spread(losses, len(self.task.updates) > 1)
        self.optimisers = make_optimisers(self.task.network, self.task.updates, recipe.optimiser)
        if recipe.schedule.name == "plateau" and not setting.validation:
            raise InputError(
                "schedule plateau goes by the validation loss, and no store has a val split; give --val STORE"
            )
        self.schedule = Schedule(recipe.schedule, recipe.optimiser.rate)
        self.precision = precision_of(recipe.run, place.device)
        self.step, self.history, self.means = 0, list[Row](), RunningMeans()
        if setting.start is not None:
            self._restore(setting.start)
        if place.first:
            clean_leftovers(setting.out)
        self.report = Report(setting.out, self.step) if place.first else None

    def run(self, listener: Listener) -> bool:
        """Go on until all steps are done; False if asked to stop before.

        Raises
        ------
        InputError
            A loss is no number any more, or what reading raises.
        """
        self.task.network.train()
        with deterministic(self.setting.recipe.run.deterministic), self._loader() as loader:
            while self.step < self.total:
                self._step(next(loader))
                listener.advance(1)
                if self._after_step(listener):
                    return False
        if self.report is not None:
            self.report.finish(self.setting, self.step, self.history)
        return True

    def described(self) -> list[str]:
        """Say what is trained on what."""
        recipe, sources = self.setting.recipe, self.setting.training
        parameters = sum(parameter.numel() for parameter in self.task.network.parameters())
        samples = " + ".join(f"{len(source):,}" for source in sources)
        held_out = sum(map(len, self.setting.validation))
        lines = [
            f"{recipe.task_name}: {parameters:,} parameters on {self.place.device}, {samples} samples, "
            f"{held_out:,} to validate on; {self.total:,} steps of {recipe.data.batch_size}"
        ]
        return [*lines, f"going on after {self.step:,} steps"] if self.step else lines

    def told(self) -> list[str]:
        """Say what came of it."""
        lines = [f"trained {self.step:,} steps: {self.setting.out / METRICS}, {CURVES}, {FOLDER}/"]
        rows = validation_rows(self.history)
        return [*lines, told_validation(rows[-1])] if rows else lines

    def _loader(self) -> BatchLoader:
        recipe = self.setting.recipe
        seed = recipe.run.seed if recipe.data.augment else None

        def tensors(batch: Batch) -> dict[str, Tensor]:
            return self.task.tensors(batch, seed)

        epoch, number = divmod(self.step, self.order.batches())
        return BatchLoader(
            self.setting.training,
            (*self.task.arrays, *self.task.optional),
            self.order,
            epoch=epoch,
            number=number,
            threads=recipe.run.threads,
            transform=tensors,
        )

    def _step(self, tensors: Mapping[str, Tensor]) -> None:
        moved = to_device(tensors, self.place.device)
        epoch = self.step / self.order.batches()
        self.task.at_epoch(epoch)
        seed_step(self.setting.recipe.run.seed, self.step, self.place.rank)
        rate, noted = self.schedule.at(self.step, epoch), {}
        for optimiser in self.optimisers:
            self.task.network.zero_grad(set_to_none=True)
            name = optimiser.update.name
            with self.precision.autocast():
                losses = self.losses(moved, name)
            optimiser.step(losses["loss"], rate, self.precision.scaler)
            noted.update(loss_names(name, losses, len(self.optimisers) > 1))
        self.precision.scaler.update()
        self.means.add(noted)
        self.step += 1

    def _after_step(self, listener: Listener) -> bool:
        """Note, validate and write what is due; True if somebody asks to stop."""
        table, last = self.setting.recipe.run, self.step == self.total
        stop = self.place.any(listener.stop()) and not last
        validating = last or self._due(table.validate_every)
        saving = last or stop or self._due(table.checkpoint_every)
        if validating or saving or self.step % table.log_every == 0:
            self._note()
        improved = validating and bool(self.setting.validation) and self._validate(listener.say)
        if saving or improved:
            self._save(improved)
        return stop

    def _due(self, every: int | None) -> bool:
        return self.step % (every or self.order.batches()) == 0

    def _note(self) -> None:
        """Note the mean losses since the last note."""
        first, losses = self.step - self.means.steps + 1, self.means.take()
        wrong = not_finite(losses)
        if self.place.any(bool(wrong)):
            told = f"{wrong[0]} is {losses[wrong[0]]}" if wrong else "a loss is no number in another process"
            raise InputError(
                f"training went astray: {told} in one of the steps {first} to {self.step}; try a lower "
                "optimiser.rate or optimiser.clip (the checkpoints before are sound)"
            )
        rate = self.schedule.at(self.step - 1, (self.step - 1) / self.order.batches())
        self._tell({"step": self.step, "rate": rate, "losses": losses})

    def _validate(self, say: Callable[[str], None]) -> bool:
        """Validate, in the first process; whether the loss is the least so far, in all of them."""
        loss = math.nan
        if self.place.first:
            table, data = self.setting.recipe.run, self.setting.recipe.data
            reading = Reading(self.place.device, data.batch_size, table.threads)
            found = validate(self.task, self.setting.validation, table.validate_samples, reading)
            loss = found.loss
            row = {"step": self.step, "validation": {"losses": found.losses, "measures": found.measures}}
            self._tell(row)
            if self.report is not None:
                self.report.pictures(self.step, found)
            say(told_validation(row))
        loss = self.place.from_first(loss)
        improved = loss < self.schedule.best
        # one more validation at the end of a run mustn't change how a longer one goes on
        if self._due(self.setting.recipe.run.validate_every):
            self.schedule.validated(loss)
        return improved

    def _tell(self, row: Row) -> None:
        self.history.append(row)
        if self.report is not None:
            self.report.row(row)

    def _save(self, best: bool) -> None:
        if self.report is not None:
            self.report.flush()  # what is shown must not lag behind what is gone on from
            write_checkpoint(self.setting.out, self._checkpoint(), self.setting.recipe.run.keep, best)
        self.place.wait()

    def _checkpoint(self) -> Checkpoint:
        setting = self.setting
        epoch, batch = divmod(self.step, self.order.batches())
        return Checkpoint(
            task=setting.recipe.task_name,
            recipe=setting.recipe.model_dump(mode="json"),
            sources=setting.stores,
            constants=tensors_of(setting.constants),
            network=self.task.network.state_dict(),
            optimisers={each.update.name: each.method.state_dict() for each in self.optimisers},
            scaler=self.precision.scaler.state_dict(),
            schedule=self.schedule.state(),
            step=self.step,
            epoch=epoch,
            batch=batch,
            history=self.history,
        )

    def _restore(self, start: Checkpoint) -> None:
        """Go on from a checkpoint, whose weights the network already has."""
        for optimiser in self.optimisers:
            optimiser.method.load_state_dict(start.optimisers[optimiser.update.name])
        self.precision.scaler.load_state_dict(dict(start.scaler))
        self.schedule.restore(start.schedule)
        self.step, self.history = start.step, list(start.history)


def training_order(setting: Setting, place: Place) -> BatchOrder:
    """Order of a run's batches, as far as they are this process's.

    Raises
    ------
    InputError
        If the samples fill no batch, or a batch can't be shared out evenly.
    """
    data = setting.recipe.data
    if data.batch_size % place.world:
        raise InputError(
            f"data.batch_size {data.batch_size} cannot be shared evenly by {place.world} processes"
        )
    return batch_order(
        setting.training,
        data.batch_size,
        seed=setting.recipe.run.seed,
        mode=data.mode,
        window=data.window,
        rank=place.rank,
        world=place.world,
    )


def to_device(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Tensors on a device; copies to a GPU don't hold up this process."""
    if device.type == "cpu":
        return dict(tensors)
    return {name: tensor.pin_memory().to(device, non_blocking=True) for name, tensor in tensors.items()}
