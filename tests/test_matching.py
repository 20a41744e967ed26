"""Matching against Eq. 1-4 in plain numpy: the same poses, the same costs."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mosaic_samples import pool_poses, seen_people

from synth.cameras import mirror_joints2d
from synth.matching import (
    alignment_transforms,
    build_index,
    farthest_neighbours,
    load_index,
    match,
    save_index,
)
from synth.skeletons import BODY13

EVERYTHING = np.ones((1, 13), bool)


def assert_as_oracle(index, queries, searched, found, k=1):
    """Same ids, and costs to 1e-9 px, for every searched joint; -1 and inf for others. Counts the jobs."""
    jobs = np.argwhere(searched)
    similarity = index.alignment == "similarity"
    for n, j in jobs.tolist():
        ids, costs = oracles.best_matches(queries[n], index.joints, index.labelled, j, k, similarity)
        assert found.entries[n, j].tolist() == ids.tolist(), (n, j)
        np.testing.assert_allclose(found.costs[n, j], costs, rtol=1e-9, atol=1e-9)
    assert (found.entries[~searched] == -1).all()
    assert np.isinf(found.costs[~searched]).all()
    return len(jobs)


@pytest.mark.parametrize(("size", "count", "unlabelled"), [(5000, 30, 0.1), (1500, 40, 0.0), (1500, 40, 0.3)])
@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_same_ids_as_the_oracle(size, count, unlabelled, alignment):
    index = build_index(*pool_poses(1, size, unlabelled), alignment)
    queries, hidden = seen_people(2, count)
    found = match(index, queries, ~hidden)
    assert hidden.any()
    assert assert_as_oracle(index, queries, ~hidden, found) > 8 * count


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_same_ids_as_the_oracle_on_real_people(lspet_pool, mocap_queries, alignment):
    index = build_index(lspet_pool.joints, lspet_pool.labelled, alignment)
    assert not index.labelled.all()
    queries, searched = mocap_queries
    jobs = assert_as_oracle(index, queries, searched, match(index, queries, searched))
    print(f"{jobs} jobs of {len(queries)} recorded poses over {len(index)} people")
    assert jobs > 1000


@pytest.mark.parametrize("size", [1, 15, 16, 17, 255, 257])
def test_pools_of_any_size(size):
    index = build_index(*pool_poses(3, size, unlabelled=0.2))
    queries, hidden = seen_people(4, 10)
    assert_as_oracle(index, queries, ~hidden, match(index, queries, ~hidden))


def test_empty_pool_has_no_match():
    index = build_index(np.zeros((0, 13, 2), np.float32), np.zeros((0, 13), bool))
    found = match(index, seen_people(0, 2)[0], np.ones((2, 13), bool), k=2)
    assert found.entries.shape == (2, 13, 2)
    assert (found.entries == -1).all()
    assert np.isinf(found.costs).all()


def test_ties_go_to_the_lowest_id():
    joints, labelled = pool_poses(5, 40)
    shuffled = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 9))
    index = build_index(joints[shuffled], labelled[shuffled])
    queries = seen_people(6, 8)[0]
    found = match(index, queries, np.ones((8, 13), bool), k=3)
    assert_as_oracle(index, queries, np.ones((8, 13), bool), found, k=3)
    first = np.array([np.flatnonzero(shuffled == pose)[:3] for pose in range(40)])
    assert np.array_equal(found.entries, first[shuffled[found.entries[..., 0]]])


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_best_k_in_order(alignment):
    index = build_index(*pool_poses(7, 600, unlabelled=0.1), alignment)
    queries, hidden = seen_people(8, 8)
    found = match(index, queries, ~hidden, k=20)
    assert_as_oracle(index, queries, ~hidden, found, k=20)


def test_fewer_poses_than_wanted():
    joints, labelled = pool_poses(9, 5)
    labelled[2] = False
    index = build_index(joints, labelled)
    queries = seen_people(10, 3)[0]
    found = match(index, queries, np.ones((3, 13), bool), k=7)
    assert_as_oracle(index, queries, np.ones((3, 13), bool), found, k=7)
    assert (found.entries[..., 4:] == -1).all()
    assert not (found.entries == 2).any()


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
@pytest.mark.parametrize("k", [1, 5])
def test_eps_bounds_the_cost(alignment, k):
    index = build_index(*pool_poses(11, 3000, unlabelled=0.05), alignment)
    queries, hidden = seen_people(12, 30)
    exact = match(index, queries, ~hidden, k=k).costs[~hidden]
    for eps in (0.1, 0.5, 3.0):
        near = match(index, queries, ~hidden, k=k, eps=eps).costs[~hidden]
        assert (near >= exact).all()
        assert (near <= (1 + eps) * exact + 1e-9).all()
    assert (near > exact).any()


@pytest.mark.parametrize("eps", [0.0, 0.5])
def test_a_query_does_not_depend_on_the_others(eps):
    index = build_index(*pool_poses(13, 2000, unlabelled=0.05))
    queries, hidden = seen_people(14, 20)
    together = match(index, queries, ~hidden, k=2, eps=eps)
    order = np.random.default_rng(0).permutation(20)
    for some in (order[:7], order[7:8], order):
        found = match(index, queries[some], ~hidden[some], k=2, eps=eps)
        for name in ("entries", "costs", "neighbours"):
            assert np.array_equal(getattr(found, name), getattr(together, name)[some])


def test_eps_zero_does_not_prune_the_best_of_near_equals():
    joints, labelled = pool_poses(15, 1)
    near = np.repeat(joints, 2000, axis=0) + np.random.default_rng(0).normal(scale=2e-3, size=(2000, 13, 2))
    index = build_index(near.astype(np.float32), np.repeat(labelled, 2000, axis=0))
    queries = seen_people(16, 6)[0]
    assert_as_oracle(index, queries, np.ones((6, 13), bool), match(index, queries, np.ones((6, 13), bool)))


def test_limb_of_zero_length_is_never_aligned():
    """Pose 0 has its right elbow on its right wrist: that limb gives no direction, others do."""
    joints, labelled = pool_poses(17, 60)
    wrist, elbow = BODY13.index("right_wrist"), BODY13.index("right_elbow")
    joints[0, wrist] = joints[0, elbow]
    index = build_index(joints, labelled)
    queries = seen_people(18, 6)[0]
    found = match(index, queries, np.ones((6, 13), bool), k=60)
    assert_as_oracle(index, queries, np.ones((6, 13), bool), found, k=60)
    assert not (found.entries[:, wrist] == 0).any()
    assert (found.entries[:, BODY13.index("head")] == 0).any(axis=1).all()


def test_query_whose_limbs_have_no_length_finds_nothing_there():
    index = build_index(*pool_poses(19, 20))
    queries = seen_people(20, 2)[0]
    leg = BODY13.indices(["right_knee", "right_ankle"])
    queries[0, leg] = queries[0, leg[0]]
    found = match(index, queries, np.ones((2, 13), bool))
    ankle = BODY13.index("right_ankle")
    assert found.entries[0, ankle] == -1
    assert (np.delete(found.entries[0], ankle) >= 0).all()
    assert_as_oracle(index, queries, np.ones((2, 13), bool), found)


def test_all_joints_in_one_place():
    joints, labelled = pool_poses(21, 20)
    joints[3] = 100
    index = build_index(joints, labelled)
    queries = seen_people(22, 2)[0]
    queries[1] = 50
    found = match(index, queries, np.ones((2, 13), bool), k=20)
    assert_as_oracle(index, queries, np.ones((2, 13), bool), found, k=20)
    assert not (found.entries == 3).any()
    assert (found.entries[1] == -1).all()


def test_joints_nearer_than_a_pixel_count_as_one_pixel_away():
    joints, labelled = pool_poses(23, 50)
    hip, knee = BODY13.indices(["left_hip", "left_knee"])
    joints[:, knee] = joints[:, hip] + np.random.default_rng(0).uniform(-0.5, 0.5, (50, 2)).astype(np.float32)
    index = build_index(joints, labelled)
    queries = seen_people(24, 5)[0]
    queries[:, knee] = queries[:, hip] + 0.25
    assert_as_oracle(index, queries, np.ones((5, 13), bool), match(index, queries, np.ones((5, 13), bool)))


def test_pose_itself_is_found_at_no_cost():
    joints, labelled = pool_poses(25, 300)
    index = build_index(joints, labelled)
    turned = joints[:40].astype(np.float64) @ [[0.6, -0.8], [0.8, 0.6]] + [3, -20]
    found = match(index, turned, np.ones((40, 13), bool))
    assert np.array_equal(found.entries[..., 0], np.broadcast_to(np.arange(40)[:, None], (40, 13)))
    assert found.costs.max() < 1e-6


def test_similarity_forgets_size_and_rigid_does_not():
    joints, labelled = pool_poses(26, 100)
    half = joints[:10].astype(np.float64) / 2
    similar, rigid = (
        match(build_index(joints, labelled, way), half, np.ones((10, 13), bool))
        for way in ("similarity", "rigid")
    )
    assert np.array_equal(similar.entries[..., 0], np.broadcast_to(np.arange(10)[:, None], (10, 13)))
    assert similar.costs.max() < 1e-6
    assert rigid.costs.min() > 0.1


def test_mirrored_query_finds_the_mirrored_pose():
    joints, labelled = pool_poses(27, 400, unlabelled=0.1)
    flags = labelled[:, BODY13.mirror]
    turned = np.where(flags[..., None], mirror_joints2d(joints, 360), np.float32(0))
    index = build_index(np.concatenate([joints, turned]), np.concatenate([labelled, flags]))
    queries, hidden = seen_people(28, 30)
    plain = match(index, queries, ~hidden)
    other = match(index, mirror_joints2d(queries), ~hidden[:, BODY13.mirror])
    partner = np.where(plain.entries >= 0, (plain.entries + 400) % 800, -1)
    assert np.array_equal(other.entries[:, BODY13.mirror], partner)
    np.testing.assert_allclose(other.costs[:, BODY13.mirror], plain.costs, rtol=1e-9)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 70), st.sampled_from(["rigid", "similarity"]), st.integers(1, 4))
def test_any_small_pool_on_a_coarse_grid(seed, size, alignment, k):
    """Joints on a grid of 16 px coincide often, and many poses tie up to rounding: costs must agree."""
    rng = np.random.default_rng(seed)
    joints = (rng.integers(0, 4, (size, 13, 2)) * 16).astype(np.float32)
    labelled = rng.random((size, 13)) < 0.8
    index = build_index(joints, labelled, alignment)
    queries = (rng.integers(0, 4, (3, 13, 2)) * 16).astype(np.float64) + rng.normal(size=(3, 13, 2))
    found = match(index, queries, np.ones((3, 13), bool), k=k)
    for n, j in np.ndindex(3, 13):
        ids, costs = oracles.best_matches(queries[n], joints, labelled, j, k, alignment == "similarity")
        np.testing.assert_allclose(found.costs[n, j], costs, rtol=1e-9, atol=1e-9)
        assert (found.entries[n, j] >= 0).tolist() == (ids >= 0).tolist()
        assert len(set(found.entries[n, j].tolist())) >= (ids >= 0).sum()


def test_farthest_neighbour_is_a_connected_joint():
    queries = seen_people(29, 50)[0]
    expected = [[oracles.farthest_neighbour(p, j) for j in range(13)] for p in queries]
    assert farthest_neighbours(queries).tolist() == expected


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_transform_brings_the_limb_to_the_querys(alignment):
    queries, poses = seen_people(30, 20)[0], seen_people(31, 20)[0]
    j = np.arange(20) % 13
    i = farthest_neighbours(queries)[np.arange(20), j]
    transforms = alignment_transforms(queries, poses, j, i, alignment)
    aligned = np.einsum("nab,nkb->nka", transforms[:, :, :2], poses) + transforms[:, None, :, 2]
    rows = np.arange(20)
    np.testing.assert_allclose(aligned[rows, j], queries[rows, j], atol=1e-9)
    ours, theirs = queries[rows, i] - queries[rows, j], aligned[rows, i] - queries[rows, j]
    np.testing.assert_allclose(ours[:, 0] * theirs[:, 1], ours[:, 1] * theirs[:, 0], atol=1e-6)
    assert ((ours * theirs).sum(axis=1) > 0).all()
    scale = np.sqrt(np.linalg.det(transforms[:, :, :2]))
    if alignment == "similarity":
        np.testing.assert_allclose(aligned[rows, i], queries[rows, i], atol=1e-9)
    else:
        np.testing.assert_allclose(scale, 1, atol=1e-12)


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_saved_index_finds_the_same(tmp_path, alignment):
    index = build_index(*pool_poses(32, 200, unlabelled=0.1), alignment)
    save_index(index, tmp_path)
    loaded = load_index(tmp_path)
    queries = seen_people(33, 10)[0]
    before, after = (match(each, queries, np.ones((10, 13), bool), k=2) for each in (index, loaded))
    assert loaded.alignment == alignment
    assert np.array_equal(before.entries, after.entries)
    assert np.array_equal(before.costs, after.costs)


@pytest.mark.parametrize(("k", "eps"), [(0, 0.0), (1, -0.1)])
def test_impossible_options_are_refused(k, eps):
    index = build_index(*pool_poses(34, 3))
    with pytest.raises(ValueError, match=f"eps={eps}, k={k}"):
        match(index, seen_people(35, 1)[0], EVERYTHING, k=k, eps=eps)
