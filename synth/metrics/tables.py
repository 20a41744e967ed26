"""Tables of measures: overall, by action, subject, joint and group of joints, and by number of hypotheses.

A table is a dictionary ready for JSON: lengths in millimetres or pixels, rates from 0 to 1, as the ends of the keys
say; None where nothing is known. People without an estimate count as wrong in every rate, not at all in a mean
distance, and are counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.metrics.errors import mean_error, mean_over_joints
from synth.metrics.estimates import Estimates
from synth.metrics.rates import PCKH_GROUPS, auc3d, joint_groups, pck3d, pckh, pixel_errors_by_group
from synth.metrics.scores import Scores, score_people
from synth.metrics.truth import Truth
from synth.skeletons import Skeleton

Table = dict[str, Any]

MOST_GROUPS = 200
"""Actions or subjects more than which get no table: people lifted from photographs are a subject each."""

_MILLIMETRES = 1000.0


def summarise(scores: Scores, truth: Truth) -> Table:
    """All tables of one network's estimates.

    Parameters
    ----------
    scores : Scores
    truth : Truth
        Of the same people.

    Returns
    -------
    dict
        ``skeleton`` and ``joints``: what was compared; ``people``; ``measures``, see `measures`; ``by_action``,
        ``by_subject``: the same of each; ``by_joint``; ``pixels_by_group``, ``pckh_by_group``, ``pck3d_by_group``;
        ``hypotheses``: rates and errors by number ``k`` of first hypotheses.
    """
    return {
        "skeleton": scores.skeleton.name,
        "joints": list(scores.skeleton.joints),
        "people": len(truth),
        "measures": measures(scores),
        "by_action": _by_group(scores, truth.actions),
        "by_subject": _by_group(scores, truth.subjects),
        "by_joint": _by_joint(scores),
        "pixels_by_group": _pixels_by_group(scores),
        "pckh_by_group": _pckh_by_group(scores),
        "pck3d_by_group": _pck3d_by_group(scores),
        "hypotheses": _hypotheses(scores),
    }


def measure(estimates: Estimates, truth: Truth) -> dict[str, float | None]:
    """Measure estimates that fit into memory: `measures` of `score_people`."""
    return measures(score_people(estimates, truth))


def measures(scores: Scores) -> dict[str, float | None]:
    """Average over all joints and people.

    Returns
    -------
    dict of str to float or None
        ``mpjpe_mm``: poses laid on the pelvis, all joints; ``centred_mm``: poses laid on the torso centre, the
        joints of `BODY13` (Rogez & Schmid's absolute error); ``rigid_mm``: the same joints after rigid alignment
        (theirs after alignment); ``pa_mpjpe_mm``: all joints after alignment with scale; ``absolute_mm``: where the
        people stand; ``pck3d``, ``auc``: within 150 mm, see `pck3d_errors`; ``pixels_px``: mean over the joints of
        Table 5; ``pckh``; ``class_rate``; ``without_estimate``: people.
    """
    arrays = scores.arrays
    pixels, heads = _pixels_by_group(scores), _pckh_by_group(scores)
    near = pck3d_errors(scores)
    return {
        "mpjpe_mm": _mean(arrays.get("rooted"), _MILLIMETRES),
        "centred_mm": _mean(arrays.get("body"), _MILLIMETRES),
        "rigid_mm": _mean(arrays.get("rigid"), _MILLIMETRES),
        "pa_mpjpe_mm": _mean(arrays.get("similar"), _MILLIMETRES),
        "absolute_mm": _mean(arrays.get("absolute"), _MILLIMETRES),
        "pck3d": None if near is None else _known(pck3d(near)),
        "auc": None if near is None else _known(auc3d(near)),
        "pixels_px": pixels.get("All"),
        "pckh": heads.get("Mean"),
        "class_rate": _mean(arrays["hits"][:, 0]) if "hits" in arrays else None,
        "without_estimate": _without_estimate(scores),
    }


def pck3d_errors(scores: Scores) -> NDArray[np.float64] | None:
    """Errors that 3DPCK and AUC are over: the joints of `PCKH_GROUPS`, as MPI-INF-3DHP's (not pelvis and spine).

    Poses are laid on the pelvis, or on the torso centre where the estimates have no pelvis; None without 3D.
    """
    errors, skeleton = _located(scores)
    if errors is None:
        return None
    return errors[:, np.concatenate(list(joint_groups(PCKH_GROUPS, skeleton).values()))]


def _located(scores: Scores) -> tuple[NDArray[np.float64] | None, Skeleton]:
    if "rooted" in scores.arrays:
        return scores.arrays["rooted"], scores.skeleton
    return scores.arrays.get("body"), scores.body


def _mean(errors: NDArray[np.float64] | None, factor: float = 1.0) -> float | None:
    """Mean over people of the means over their joints, those without an estimate left out."""
    if errors is None:
        return None
    each = errors if errors.ndim == 1 else mean_over_joints(errors)
    return _known(factor * mean_error(_finite(each)))


def _finite(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isinf(errors), np.nan, errors)


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _known_all(values: ArrayLike) -> list[float | None]:
    return [_known(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def _without_estimate(scores: Scores) -> int:
    lost = np.zeros(len(scores), dtype=np.bool_)
    for name in ("rooted", "body", "absolute", "pixels"):
        if name in scores.arrays:
            lost |= np.isinf(scores.arrays[name]).any(axis=1)
    return int(lost.sum())


def _by_group(scores: Scores, names: NDArray[np.str_]) -> dict[str, Table]:
    """Measures of the people of each name, in alphabetical order; nobody is of ``""``."""
    groups = [name for name in np.unique(names).tolist() if name]
    if not 0 < len(groups) <= MOST_GROUPS:
        return {}
    members = {name: np.flatnonzero(names == name) for name in groups}
    return {name: {"people": len(rows), **measures(scores.take(rows))} for name, rows in members.items()}


def _by_joint(scores: Scores) -> dict[str, Table]:
    table: dict[str, Table] = {joint: {} for joint in scores.skeleton.joints}
    for key, name, skeleton, factor in (
        ("rooted_mm", "rooted", scores.skeleton, _MILLIMETRES),
        ("centred_mm", "body", scores.body, _MILLIMETRES),
        ("pixels_px", "pixels", scores.skeleton, 1.0),
    ):
        if name in scores.arrays:
            means = factor * mean_over_joints(_finite(scores.arrays[name]).T)
            for joint, mean in zip(skeleton.joints, _known_all(means), strict=True):
                table[joint][key] = mean
    return table


def _pixels_by_group(scores: Scores) -> dict[str, float | None]:
    if "pixels" not in scores.arrays:
        return {}
    found = pixel_errors_by_group(_finite(scores.arrays["pixels"]), scores.skeleton)
    return {name: _known(value) for name, value in found.items()}


def _pckh_by_group(scores: Scores) -> dict[str, float | None]:
    if "pixels" not in scores.arrays or not np.isfinite(scores.arrays["head_size"]).any():
        return {}
    found = pckh(scores.arrays["pixels"], scores.arrays["head_size"], skeleton=scores.skeleton)
    return {name: _known(value) for name, value in found.items()}


def _pck3d_by_group(scores: Scores) -> dict[str, float | None]:
    errors, skeleton = _located(scores)
    if errors is None:
        return {}
    groups = joint_groups(PCKH_GROUPS, skeleton)
    return {name: _known(pck3d(errors[:, own])) for name, own in groups.items()}


def _hypotheses(scores: Scores) -> Table:
    """Curves of Fig. 10 of Rogez & Schmid, of estimates that rank several hypotheses."""
    if len(scores.ks) < 2:
        return {}
    table: Table = {"k": list(scores.ks)}
    for key, name, factor in (
        ("rate", "hits", 1.0),
        ("centred_mm", "best3d", _MILLIMETRES),
        ("pixels_px", "best2d", 1.0),
    ):
        if name in scores.arrays:
            table[key] = _known_all(factor * mean_over_joints(_finite(scores.arrays[name]).T))
    return table
