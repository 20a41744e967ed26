"""Splits of samples, subjects and photographs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.splits import SPLITS, SplitCycle, assign_photographs, assign_subjects, parse_splits

CYCLES = st.tuples(*[st.integers(0, 7)] * 3).filter(any).map(lambda sizes: SplitCycle(*sizes))


def test_ids_run_train_val_test_and_again():
    cycle = SplitCycle(3, 1, 2)
    assert cycle.split_of(np.arange(9)).tolist() == [0, 0, 0, 1, 2, 2, 0, 0, 0]
    assert cycle.ordinal(np.arange(9)).tolist() == [0, 1, 2, 0, 0, 1, 3, 4, 5]
    assert cycle.counts(8) == (5, 1, 2)


def test_the_default_cycle():
    assert SPLITS == ("train", "val", "test")
    cycle = SplitCycle()
    assert cycle.split_of([0, 799, 800, 899, 900, 999, 1000]).tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert cycle.counts(2_000_000) == (1_600_000, 200_000, 200_000)


def test_a_split_may_be_left_out():
    cycle = SplitCycle(2, 0, 1)
    assert cycle.used == (0, 2)
    assert cycle.split_of(np.arange(6)).tolist() == [0, 0, 2, 0, 0, 2]


@settings(deadline=None)
@given(CYCLES, st.integers(1, 60))
def test_ordinals_count_earlier_ids_of_the_same_split(cycle, n):
    splits = cycle.split_of(np.arange(n))
    expected = [int((splits[:i] == splits[i]).sum()) for i in range(n)]
    assert cycle.ordinal(np.arange(n)).tolist() == expected
    assert list(cycle.counts(n)) == np.bincount(splits, minlength=3).tolist()


@pytest.mark.parametrize("sizes", [(-1, 1, 1), (0, 0, 0)])
def test_impossible_cycles_are_refused(sizes):
    with pytest.raises(InputError, match="splits"):
        SplitCycle(*sizes)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("8:1:1", (800, 100, 100)),
        ("1:0:0", (1000, 0, 0)),
        ("80:10:10", (800, 100, 100)),
        ("1:1:1", (333, 333, 334)),
        ("998:1:1", (998, 1, 1)),
    ],
)
def test_shares_are_parsed(text, sizes):
    assert parse_splits(text).sizes == sizes


@pytest.mark.parametrize("text", ["8:1", "8:1:x", "0:0:0", "0.8:0.1:0.1", "-1:1:1", "9000:1:1"])
def test_malformed_shares_are_refused(text):
    with pytest.raises(InputError, match=text):
        parse_splits(text)


@settings(deadline=None)
@given(st.tuples(*[st.integers(0, 20)] * 3).filter(any))
def test_parsed_shares_lose_no_split(shares):
    cycle = parse_splits(":".join(map(str, shares)))
    assert cycle.length == 1000
    assert [size > 0 for size in cycle.sizes] == [share > 0 for share in shares]
    np.testing.assert_allclose(np.array(cycle.sizes) / 1000, np.array(shares) / sum(shares), atol=1e-3)


def test_subjects_follow_the_shares():
    names, poses = ["a", "b", "c", "d", "e"], [50, 30, 10, 6, 4]
    splits = assign_subjects(names, poses, SplitCycle(8, 1, 1))
    # 80, 10, 10 wanted: 50 + 30, then 10, then 6 + 4
    assert splits.tolist() == [0, 0, 1, 2, 2]


@settings(deadline=None)
@given(st.lists(st.integers(0, 1000), min_size=3, max_size=12), CYCLES, st.randoms(use_true_random=False))
def test_every_used_split_has_a_subject_and_order_does_not_matter(poses, cycle, random):
    names = [f"s{i:02d}" for i in range(len(poses))]
    splits = dict(zip(names, assign_subjects(names, poses, cycle).tolist(), strict=True))
    assert set(splits.values()) == set(cycle.used)
    shuffled = random.sample(range(len(poses)), len(poses))
    again = assign_subjects([names[i] for i in shuffled], [poses[i] for i in shuffled], cycle)
    assert dict(zip([names[i] for i in shuffled], again.tolist(), strict=True)) == splits


def test_too_few_subjects_say_what_to_do():
    with pytest.raises(InputError, match="--splits 1:0:0"):
        assign_subjects(["a", "b"], [1, 1], SplitCycle())


def test_photographs_keep_their_split_when_the_pool_grows():
    keys = [f"lspet/im{i:05d}.jpg" for i in range(5000)]
    splits = assign_photographs(keys, SplitCycle())
    np.testing.assert_array_equal(assign_photographs(keys[::-1][:3000], SplitCycle()), splits[::-1][:3000])
    share = np.bincount(splits) / len(keys)
    np.testing.assert_allclose(share, [0.8, 0.1, 0.1], atol=0.02)


def test_people_of_one_photograph_stay_together():
    keys = ["mpii/a.jpg", "mpii/b.jpg", "mpii/a.jpg", "mpii/c.jpg", "mpii/a.jpg"]
    splits = assign_photographs(keys, SplitCycle())
    assert splits[0] == splits[2] == splits[4]
    assert set(splits.tolist()) == {0, 1, 2}


@settings(deadline=None)
@given(st.integers(3, 30), CYCLES)
def test_no_used_split_is_without_photographs(count, cycle):
    splits = assign_photographs([f"x/{i}" for i in range(count)], cycle)
    assert set(splits.tolist()) == set(cycle.used)


def test_too_few_photographs_are_refused():
    with pytest.raises(InputError, match="1 photograph"):
        assign_photographs(["x/1", "x/1"], SplitCycle())
