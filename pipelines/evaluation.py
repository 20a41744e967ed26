"""Trained networks, and estimates from files, compared on stores."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipelines.evaluation_plan import EvaluationPlan, row_names
from pipelines.progress import Progress
from synth.errors import InputError
from synth.metrics.evaluated import Evaluated, compare, spread_rows
from synth.metrics.files import load_estimates
from synth.metrics.mean_pose import mean_pose, same_for_all
from synth.metrics.truth import read_truth, split_ids
from synth.store.reader import Store, open_store

MEAN_POSE = "mean pose"
"""Name of the first row: the mean of the store's training samples as everybody's pose."""


@dataclass(frozen=True)
class Section:
    """What was found on one store.

    Parameters
    ----------
    store : Store
    split : str
    rows : dict of str to Evaluated
        By name, in the order of the tables.
    notes : tuple of str
        What a reader of the tables must know.
    """

    store: Store
    split: str
    rows: dict[str, Evaluated]
    notes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Tables and where they come from, ready for JSON."""
        path, protocol = self.store.meta.path, self.store.attributes.get("protocol")
        protocol = None if protocol == "auto" else protocol  # the source's own split
        people = max(len(row.ids) for row in self.rows.values())
        title = f"{path.name}, {self.split} split, {people:,} people"
        return {
            "title": f"{title}, protocol {protocol}" if protocol else title,
            "store": str(path),
            "seal": (self.store.meta.seal or {}).get("hash"),
            "split": self.split,
            "protocol": protocol,
            "notes": list(self.notes),
            "rows": [{"name": name, **row.table()} for name, row in self.rows.items()],
        }


def evaluate(plan: EvaluationPlan, progress: Progress) -> list[Section]:
    """Compare everything on every store.

    Raises
    ------
    InputError
        Nothing to compare, a run without a checkpoint, or a store that lacks what a network needs.
    StoreError
        A store isn't there, not sealed or damaged.
    """
    if not (plan.runs or plan.hypotheses or plan.estimates):
        raise InputError("nothing to evaluate: give runs of synth train, or --estimates FILE.npz")
    return [_section(plan, path, progress) for path in plan.stores]


def _section(plan: EvaluationPlan, path: Path, progress: Progress) -> Section:
    store = open_store(path)
    whole = split_ids(store, plan.split)
    ids = whole[spread_rows(len(whole), plan.people)]
    truth = read_truth(store, ids)
    rows: dict[str, Evaluated] = {}
    notes: list[str] = []
    try:
        everybody = same_for_all(*mean_pose(store), len(ids))
        rows[MEAN_POSE] = compare(ids, everybody, truth, {"mean_of": "train"})
    except InputError:
        notes.append(f"{path} has no training samples, hence no mean pose to compare with.")
    if plan.runs or plan.hypotheses:
        _require_torch()
        from pipelines.evaluation_runs import run_rows

        found, told = run_rows(plan, path, progress)
        rows |= found
        notes += told
    for name, file in zip(row_names(plan.estimates), plan.estimates, strict=True):
        rows[name] = compare(ids, load_estimates(file, ids), truth, {"file": str(file)})
    return Section(store, plan.split, rows, tuple(notes))


def _require_torch() -> None:
    """Say what to install; estimates from files need no torch."""
    if find_spec("torch") is None:
        raise InputError(
            "trained networks need torch, which is not installed: in the program's folder, pip install '.[train]'"
        )
