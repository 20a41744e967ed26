"""Losses and estimates of the pose classifier and the holistic regressor."""

from __future__ import annotations

import numpy as np
import pytest
from nets_samples import torch

from synth.errors import InputError
from synth.labels.classes import PoseClasses
from synth.nets.holistic import best_classes, classification_loss, regression_loss, reranked


def four_classes():
    """Class k has all joints at k; class 2 has no pose."""
    means3d = np.repeat(np.arange(4, dtype=np.float32), 39).reshape(4, 13, 3)
    means2d = np.repeat(10 * np.arange(4, dtype=np.float32), 26).reshape(4, 13, 2)
    means2d[2] = np.nan
    return PoseClasses(means3d, means2d, np.array([5, 1, 0, 9]), "ray")


def test_classification_loss_is_the_mean_cross_entropy_of_who_has_a_class():
    scores = torch.tensor([[0.0, np.log(3.0)], [5.0, -5.0], [np.log(4.0), 0.0]])
    loss = classification_loss(scores, torch.tensor([1, -1, 1]))
    assert loss.item() == pytest.approx((-np.log(3 / 4) - np.log(1 / 5)) / 2)
    empty = scores.requires_grad_()
    nobody = classification_loss(empty, torch.tensor([-1, -1, -1]))
    nobody.backward()
    assert nobody.item() == 0
    assert not empty.grad.any()


def test_regression_loss_counts_known_numbers_alone():
    estimate = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    target = torch.tensor([[0.0, 0.0, 9.0], [2.0, 0.0, 0.0]])
    known = torch.tensor([[True, True, False], [True, False, False]])
    assert regression_loss(estimate, target, known).item() == pytest.approx((1 + 4 + 4) / 3)


def test_best_classes_give_their_mean_poses():
    scores = torch.log(torch.tensor([[0.1, 0.3, 0.5, 0.1], [0.6, 0.1, 0.1, 0.2]]))
    found = best_classes(scores, four_classes(), k=2)
    # class 2 has no pose to answer with: the rest shares its probability
    assert found.ids[:, 0].tolist() == [1, 0]
    assert found.ids[1].tolist() == [0, 3]
    np.testing.assert_allclose(found.probabilities[0], [0.6, 0.2], rtol=1e-5)
    assert (found.joints3d[1, 1] == 3).all()
    assert (found.joints2d[1, 1] == 30).all()
    assert found.joints2d.shape == (2, 2, 13, 2)
    assert np.isfinite(found.joints2d).all()


def test_more_hypotheses_than_classes_are_refused():
    scores = torch.zeros(1, 4)
    with pytest.raises(InputError, match="4 hypotheses of 3 classes"):
        best_classes(scores, four_classes(), k=4)
    with pytest.raises(InputError, match="3 scores for 4 classes"):
        best_classes(scores[:, :3], four_classes())


def test_reranking_orders_hypotheses_by_their_costs():
    scores = torch.tensor([[0.3, 0.2, -9.0, 0.1], [0.1, 0.2, -9.0, 0.3]])
    found = reranked(best_classes(scores, four_classes(), k=3), [[2.0, 1.0, np.nan], [1.0, 1.0, 0.0]])
    assert found.ids.tolist() == [[1, 0, 3], [0, 3, 1]]
    assert found.joints3d[..., 0, 0].tolist() == [[1, 0, 3], [0, 3, 1]]
    assert found.joints2d[..., 0, 0].tolist() == [[10, 0, 30], [0, 30, 10]]
    assert found.probabilities[1, 0] < found.probabilities[1, 1]
    with pytest.raises(InputError, match="costs"):
        reranked(found, [[1.0, 2.0]])
