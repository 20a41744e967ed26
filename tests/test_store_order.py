from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synth.errors import InputError
from synth.store.order import BatchOrder, interleave, shuffle_by_shards


def order(*counts, batch_size=4, shard_size=5, weights=None, **options):
    """Order of sources whose ids are 0, 1, 2 …"""
    ids = tuple(np.arange(count) for count in counts)
    return BatchOrder(ids, (shard_size,) * len(ids), weights or (1.0,) * len(ids), batch_size, **options)


def epoch(made, number=0):
    """Source and id of every sample of an epoch."""
    picks = [made.picks(number, batch) for batch in range(made.batches())]
    return [(s, i) for sources, ids in picks for s, i in zip(sources.tolist(), ids.tolist(), strict=True)]


@given(
    ids=st.sets(st.integers(0, 99), min_size=1),
    shard_size=st.integers(1, 12),
    window=st.integers(1, 4),
    seed=st.integers(0, 9),
)
def test_samples_are_shuffled_within_windows_of_shards(ids, shard_size, window, seed):
    ids = np.array(sorted(ids))
    shuffled = shuffle_by_shards(ids, shard_size, window, np.random.default_rng(seed))
    assert sorted(shuffled.tolist()) == ids.tolist()
    counts = dict(zip(*np.unique(ids // shard_size, return_counts=True), strict=True))
    rest = (shuffled // shard_size).tolist()
    while rest:
        length, shards = 0, list(dict.fromkeys(rest))
        # the next `window` shards that begin are those that the stretch of their samples consists of
        for some in range(1, len(shards) + 1):
            length = sum(counts[shard] for shard in shards[:some])
            if set(rest[:length]) == set(shards[:some]):
                break
        assert some <= window
        rest = rest[length:]


def test_every_sample_comes_once_an_epoch_and_epochs_differ():
    made = order(23, batch_size=5, drop_last=False, seed=3)
    assert made.batches() == 5
    assert [len(made.picks(0, number)[1]) for number in range(5)] == [5, 5, 5, 5, 3]
    first, second = epoch(made, 0), epoch(made, 1)
    assert sorted(first) == sorted(second) == [(0, i) for i in range(23)]
    assert first != second
    assert first == epoch(order(23, batch_size=5, drop_last=False, seed=3), 0)
    assert first != epoch(order(23, batch_size=5, drop_last=False, seed=4), 0)


def test_the_last_batch_is_dropped_or_kept_and_order_kept_for_evaluation():
    made = order(23, batch_size=5)
    assert made.batches() == 4
    assert len(set(epoch(made))) == 20
    plain = order(7, batch_size=3, shuffle=False, drop_last=False)
    assert [i for _, i in epoch(plain)] == list(range(7))


@pytest.mark.parametrize("sources", [(40,), (40, 13)])
@pytest.mark.parametrize("world", [2, 3])
def test_ranks_share_the_batches_that_one_would_take(sources, world):
    whole = order(*sources, batch_size=6, seed=1)
    ranks = [order(*sources, batch_size=6, seed=1, rank=rank, world=world) for rank in range(world)]
    for number in range(whole.batches()):
        expected = np.stack(whole.picks(2, number))
        found = np.empty_like(expected)
        for rank, made in enumerate(ranks):
            found[:, rank::world] = np.stack(made.picks(2, number))
        np.testing.assert_array_equal(found, expected)


def test_a_mixture_holds_its_shares_in_every_batch():
    made = order(100, 30, batch_size=8, weights=(3.0, 1.0), epoch_batches=10)
    for number in range(10):
        assert np.bincount(made.picks(0, number)[0], minlength=2).tolist() == [6, 2]
    drawn = [i for e in range(3) for s, i in epoch(made, e) if s == 1]
    assert len(drawn) == 60  # of 30 samples: its permutations go on from one epoch into the next
    assert sorted(drawn[:30]) == sorted(drawn[30:]) == list(range(30))
    assert drawn[:30] != drawn[30:]


def test_rows_of_a_mixture_are_permuted():
    made = order(50, 50, batch_size=4)
    assert len({tuple(made.picks(0, number)[0].tolist()) for number in range(made.batches())}) > 1


def test_alternating_batches_are_of_one_source_each():
    made = order(50, 50, batch_size=4, weights=(2.0, 1.0), mode="alternating", epoch_batches=9)
    kinds = [set(made.picks(0, number)[0].tolist()) for number in range(9)]
    assert all(len(kind) == 1 for kind in kinds)
    assert [kind.pop() for kind in kinds] == [0, 1, 0, 0, 1, 0, 0, 1, 0]


@given(
    weights=st.lists(st.floats(0.01, 10.0), min_size=1, max_size=5),
    length=st.integers(0, 200),
)
def test_interleaved_sources_keep_their_shares_from_the_start(weights, length):
    places = interleave(weights, length)
    assert len(places) == length
    shares = np.array(weights) / sum(weights)
    counts = np.cumsum(places[:, None] == np.arange(len(weights)), axis=0)
    expected = np.arange(1, length + 1)[:, None] * shares
    assert np.all(np.abs(counts - expected) <= len(weights))


def test_one_source_with_a_stated_number_of_batches_goes_round():
    made = order(6, batch_size=4, epoch_batches=3)
    drawn = [i for e in range(2) for _, i in epoch(made, e)]
    assert [sorted(drawn[k : k + 6]) for k in range(0, 24, 6)] == [list(range(6))] * 4


def test_an_order_is_the_same_in_another_process():
    made = order(40, 13, batch_size=6, seed=1, mode="alternating")
    assert epoch(pickle.loads(pickle.dumps(made))) == epoch(made)


def test_orders_that_make_no_sense_are_refused():
    for make, word in [
        (lambda: order(3, batch_size=4), "3 samples do not fill a batch of 4"),
        (lambda: order(0), "at least one sample"),
        (lambda: order(9, weights=(0.0,)), "positive weight"),
        (lambda: order(9, mode="random"), "mode 'random'"),
        (lambda: order(9, epoch_batches=0), "0 batches an epoch"),
        (lambda: order(9, rank=2, world=2), "rank 2 of 2"),
        (lambda: order(9, batch_size=2, world=3), "batch size 2"),
        (lambda: order(9).picks(0, 2), "batches 0 to 1"),
        (lambda: BatchOrder((), (), (), 4), "needs ids"),
    ]:
        with pytest.raises(InputError, match=word):
            make()
