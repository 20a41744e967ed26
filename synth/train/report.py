"""What a run shows: TensorBoard scalars and pictures while it goes, ``metrics.json`` and ``curves.png`` at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch.utils.tensorboard import SummaryWriter

from synth.preview import contact_sheet, draw_skeleton, picture_sheet
from synth.skeletons import H36M17, Skeleton
from synth.store.files import dump_json, write_whole
from synth.store.schema import BOX
from synth.train.history import Row, training_rows, validation_rows
from synth.train.setup import Setting
from synth.train.validation import Validated

METRICS, CURVES, TENSORBOARD = "metrics.json", "curves.png", "tensorboard"
PIXELS_PER_METRE = 100.0
_PAPER = 255


class Report:
    """Tells of a run in its folder.

    Parameters
    ----------
    out : Path
        The run's folder.
    step : int
        Steps done; what an earlier process showed of later ones is taken back.
    """

    def __init__(self, out: Path, step: int) -> None:
        self.out = out
        self.board = SummaryWriter(str(out / TENSORBOARD), purge_step=step + 1)

    def row(self, row: Row) -> None:
        """Show a row of the history."""
        if "losses" in row:
            self._scalars("train", {"rate": row["rate"], **row["losses"]}, row["step"])
        else:
            parts = row["validation"]
            self._scalars("validation", {**parts["losses"], **parts["measures"]}, row["step"])

    def _scalars(self, group: str, values: dict[str, float], step: int) -> None:
        for name, value in values.items():
            self.board.add_scalar(f"{group}/{name}".replace(" ", "_"), value, step)

    def pictures(self, step: int, found: Validated) -> None:
        """Show estimates over pictures, and poses from the front and from the side, true ones beneath them."""
        for name, sheet in validation_sheets(found).items():
            self.board.add_image(f"validation/{name}", sheet, step, dataformats="HWC")

    def flush(self) -> None:
        """Write all that was shown so far."""
        self.board.flush()

    def finish(self, setting: Setting, step: int, history: Sequence[Row]) -> None:
        """Write what is left of a finished run."""
        self.board.close()
        write_whole(self.out / METRICS, dump_json(metrics_document(setting, step, history)))
        draw_curves(self.out / CURVES, history)


def validation_sheets(found: Validated) -> dict[str, NDArray[np.uint8]]:
    """Pictures of some held-out people, (H, W, 3) RGB, by what they show."""
    sheets: dict[str, NDArray[np.uint8]] = {}
    estimates, truth = found.estimates, found.truth
    count = len(truth)
    if estimates.joints2d is not None:
        blank = np.full((count, BOX, BOX, 3), _PAPER, np.uint8)
        images = blank if found.images is None else found.images
        everyone = np.ones(count, bool)
        sheets["joints2d"] = contact_sheet(images, estimates.joints2d, everyone, estimates.skeleton)
    if estimates.joints3d is not None and truth.joints3d is not None:
        estimated = two_views(estimates.joints3d, estimates.skeleton)
        true = two_views(truth.joints3d, H36M17)
        sheets["poses"] = picture_sheet([*estimated, *true], [str(k) for k in range(count)])
    if found.drawn is not None:
        sheets["drawn"] = np.concatenate(list(found.drawn))
    return sheets


def two_views(
    joints3d: NDArray[np.floating[Any]], skeleton: Skeleton
) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Draw poses (N, J, 3), metres, as the camera sees them and from their right, each (220, 220, 3) RGB."""
    centred = joints3d - np.nanmean(joints3d, axis=1, keepdims=True)
    views = (centred[..., [0, 1]], centred[..., [2, 1]])
    blank = np.full((BOX, BOX, 3), _PAPER, np.uint8)
    front, side = (
        [draw_skeleton(blank, pose, skeleton) for pose in PIXELS_PER_METRE * view + (BOX - 1) / 2]
        for view in views
    )
    return front, side


def metrics_document(setting: Setting, step: int, history: Sequence[Row]) -> dict[str, Any]:
    """Compile the losses and measures of a finished run, its recipe and stores; JSON values."""
    trained, validated = training_rows(history), validation_rows(history)
    least = min(validated, key=lambda row: next(iter(row["validation"]["losses"].values())), default=None)
    return {
        "task": setting.recipe.task_name,
        "steps": step,
        "losses": trained[-1]["losses"] if trained else {},
        "validation": validated[-1]["validation"] if validated else {},
        "best": {"step": least["step"], **least["validation"]} if least else {},
        "parameters": sum(parameter.numel() for parameter in setting.task.network.parameters()),
        "stores": setting.stores,
        "recipe": setting.recipe.model_dump(mode="json"),
    }


def draw_curves(path: Path, history: Sequence[Row]) -> None:
    """Plot losses and the error of held-out poses against steps, as PNG."""
    trained, validated = training_rows(history), validation_rows(history)
    errors = [row for row in validated if "mpjpe_mm" in row["validation"]["measures"]]
    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, 2 if errors else 1, squeeze=False)[0]
    for rows, style, label, key in (
        (trained, "-", "training", lambda row: row["losses"]),
        (validated, "o--", "validation", lambda row: row["validation"]["losses"]),
    ):
        for name in key(rows[0]) if rows else ():
            steps, values = [row["step"] for row in rows], [key(row)[name] for row in rows]
            axes[0].plot(steps, values, style, label=f"{label}: {name}", markersize=3)
    axes[0].set(xlabel="steps", ylabel="loss", yscale="log")
    axes[0].legend()
    if errors:
        values = [row["validation"]["measures"]["mpjpe_mm"] for row in errors]
        axes[1].plot([row["step"] for row in errors], values, "o-", markersize=3)
        axes[1].set(xlabel="steps", ylabel="MPJPE of held-out people, mm")
    figure.savefig(path, dpi=100)
