"""Shares of the samples among sources."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.shares import DEAL, SourceShare, deal, quotas

WEIGHTS = st.lists(st.integers(1, 50), min_size=1, max_size=5)


def test_quotas_are_the_weights_of_a_thousand():
    assert quotas([0.7, 0.3]).tolist() == [700, 300]
    assert quotas([3, 3, 3]).tolist() == [333, 334, 333]
    assert quotas([999, 1]).tolist() == [999, 1]


def test_a_share_too_small_to_ever_be_drawn_is_refused():
    with pytest.raises(InputError, match=r"1, 0\.0001 leave a source less than a thousandth"):
        quotas([1.0, 0.0001])


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_weights_are_positive_numbers(weight):
    with pytest.raises(InputError, match="the weight of cmu is"):
        SourceShare(("cmu",), weight)


@settings(deadline=None)
@given(WEIGHTS, st.integers(0, 9))
def test_every_deal_holds_the_quotas(weights, number):
    share, _ = deal(weights, [7], np.arange(number * DEAL, (number + 1) * DEAL))
    assert np.bincount(share).tolist() == quotas(weights).tolist()


@settings(deadline=None)
@given(WEIGHTS, st.lists(st.integers(0, 2500), min_size=1, max_size=30))
def test_a_turn_counts_earlier_ordinals_of_the_same_share(weights, ordinals):
    every, _ = deal(weights, [3, 1], np.arange(2501))
    share, turn = deal(weights, [3, 1], np.array(ordinals))
    assert share.tolist() == every[ordinals].tolist()
    assert turn.tolist() == [int((every[:k] == every[k]).sum()) for k in ordinals]


def test_deals_and_keys_differ():
    share, _ = deal([1, 1], [0], np.arange(2 * DEAL))
    other, _ = deal([1, 1], [1], np.arange(DEAL))
    assert share[:DEAL].tolist() != share[DEAL:].tolist()
    assert share[:DEAL].tolist() != other.tolist()
    # neither in blocks nor in turns
    assert 300 < (np.diff(share[:DEAL]) != 0).sum() < 700
