"""Losses and estimates of Rogez & Schmid's classifier and holistic regressor (section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn import functional as F

from synth.errors import InputError
from synth.labels.classes import PoseClasses
from synth.nets.layers import known_mean


@dataclass(frozen=True)
class ClassEstimates:
    """The k classes of highest score of N people, the best first: hypotheses of their poses.

    Parameters
    ----------
    ids : (N, k) int64
        Classes.
    probabilities : (N, k) float32
        Softmax of the scores over all classes.
    joints2d : (N, k, 13, 2) float32
        Mean joints of `BODY13`, pixels of the 220-pixel box.
    joints3d : (N, k, 13, 3) float32
        Mean joints relative to the torso centre, metres, in the axes of `PoseClasses.turn`.
    """

    ids: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    joints2d: NDArray[np.float32]
    joints3d: NDArray[np.float32]


def classification_loss(scores: Tensor, classes: Tensor) -> Tensor:
    """Cross entropy, averaged over the people that have a class.

    Parameters
    ----------
    scores : (N, K) float
    classes : (N,) int64
        -1 for people without a class, who don't count.

    Returns
    -------
    () float
        0 where nobody has a class.
    """
    each = F.cross_entropy(scores.float(), classes, ignore_index=-1, reduction="none")
    return known_mean(each, classes >= 0)


def regression_loss(estimate: Tensor, vector: Tensor, known: Tensor) -> Tensor:
    """Mean squared difference of the numbers that are known.

    Parameters
    ----------
    estimate : (N, 5 J) float
        The regressor's output.
    vector : (N, 5 J) float
        From `labels.targets.holistic_targets`.
    known : (N, 5 J) bool
        From the same.
    """
    return known_mean((estimate.float() - vector) ** 2, known)


def best_classes(scores: Tensor, classes: PoseClasses, k: int = 1) -> ClassEstimates:
    """Poses of the best classes: with k = 1 the paper's estimate, the mean 2D and 3D pose of the top class.

    Parameters
    ----------
    scores : (N, K) float
        The classifier's output, not yet normalised.
    classes : PoseClasses
        The K classes it was trained on.
    k : int
        Hypotheses of each person.

    Raises
    ------
    InputError
        If there are other classes than scores, or fewer (with a pose) than k.
    """
    filled = torch.from_numpy(classes.counts > 0).to(scores.device)
    if scores.shape[1] != len(classes):
        raise InputError(
            f"{scores.shape[1]} scores for {len(classes)} classes: give the classes of its training"
        )
    if not 1 <= k <= int(filled.sum()):
        raise InputError(f"{k} hypotheses of {int(filled.sum())} classes with poses: ask for 1 to that many")
    # a class without a pose has no mean to answer with
    probabilities = scores.detach().float().masked_fill(~filled, -torch.inf).softmax(dim=1)
    best = probabilities.topk(k, dim=1)
    ids = cast(NDArray[np.int64], best.indices.cpu().numpy())
    return ClassEstimates(ids, best.values.cpu().numpy(), classes.means2d[ids], classes.means3d[ids])


def reranked(estimates: ClassEstimates, costs: ArrayLike) -> ClassEstimates:
    """Put hypotheses into another order, as by how well they meet a 2D detection or the frames before.

    Parameters
    ----------
    estimates : ClassEstimates
        k hypotheses of N people.
    costs : (N, k) float
        The least becomes the first; equal ones keep their order, NaN is last.

    Raises
    ------
    InputError
        If there isn't one cost for each hypothesis.
    """
    values = np.asarray(costs, dtype=np.float64)
    if values.shape != estimates.ids.shape:
        raise InputError(f"costs of shape {values.shape} for hypotheses of shape {estimates.ids.shape}")
    order = np.argsort(values, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    return ClassEstimates(
        estimates.ids[rows, order],
        estimates.probabilities[rows, order],
        estimates.joints2d[rows, order],
        estimates.joints3d[rows, order],
    )
