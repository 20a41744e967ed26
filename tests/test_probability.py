"""The index map against Eq. 5 in plain numpy."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
from mosaic_samples import BOX_IN_CROP, make_mosaics, memory_pool, noise_pool, seen_people

from synth.cameras import CROP
from synth.mosaic.compose import BlendOptions
from synth.mosaic.probability import vertex_probabilities

EQUAL = 1e-5
"""Probabilities that differ by less may be told apart either way."""
EDGE = 1e-3
"""Pixels by which a pixel centre may be off a triangle's edge and still belong to it."""
EXCUSED_SHARE = 1e-3


def differing(pool, made, n, sigma, similarity):
    """Number of pixels where the engine's index differs from the oracle's: indifferent, excused, wrong ones.

    Indifferent: no source is probable (below 1e-5), or both show the same photograph in the same place.
    Excused: the engine's source is as probable to 1e-5, or the centre lies on an edge of one of the two.
    """
    sources = oracles.aligned_sources(pool, made.queries[n], made.layers.entries[n], sigma, similarity)
    expected, covered, maps = oracles.index_map(sources, made.queries[n])
    assert made.mosaics[n].coverage == pytest.approx(covered.mean(), abs=EXCUSED_SHARE)
    place = np.full(13, -1)
    place[[source.joint for source in sources]] = np.arange(len(sources))
    alike = np.array([[same_picture(a, b) for a in sources] for b in sources])
    points = np.argwhere(made.mosaics[n].index != expected)
    y, x = points.T
    ours, theirs = place[made.mosaics[n].index[y, x]], place[expected[y, x]]
    tie = maps[theirs, y, x] - maps[ours, y, x] < EQUAL
    indifferent = tie & ((maps[theirs, y, x] < EQUAL) | alike[ours, theirs])
    excused = tie.copy()
    for row, source in enumerate(sources):
        either = (ours == row) | (theirs == row)
        excused[either] |= oracles.near_border(source, points[either, ::-1].astype(float), EDGE)
    return np.array([indifferent.sum(), (excused & ~indifferent).sum(), (~excused & ~indifferent).sum()])


def same_picture(a, b):
    """Whether two sources are one entry under one transform."""
    return (
        np.shares_memory(a.crop, b.crop)
        and np.allclose(a.scale * a.rotation, b.scale * b.rotation, atol=1e-6)
        and np.allclose(a.shift, b.shift, atol=1e-3)
    )


def assert_as_oracle(pool, made, sigma=15.0, similarity=False):
    """No pixel differs without an excuse, and hardly any with one; the numbers are printed."""
    counts = [differing(pool, made, n, sigma, similarity) for n in range(len(made.mosaics))]
    indifferent, excused, wrong = np.sum(counts, axis=0).tolist()
    pixels = len(counts) * oracles.SIDE**2
    print(f"of {pixels} pixels {indifferent} differ indifferently, {excused} with an excuse, {wrong} without")
    assert wrong == 0
    assert excused < EXCUSED_SHARE * pixels
    if not similarity:
        # under similarity two joints often have the very same source: each is the other's neighbour
        assert indifferent + excused < EXCUSED_SHARE * pixels


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
@pytest.mark.parametrize("sigma", [5.0, 15.0, 50.0])
def test_index_map_is_the_oracles(alignment, sigma):
    pool = noise_pool(1, 40, unlabelled=0.1)
    queries, hidden = seen_people(2, 4)
    made = make_mosaics(pool, queries, ~hidden, alignment, BlendOptions(sigma=sigma))
    assert_as_oracle(pool, made, sigma, alignment == "similarity")


def test_index_map_is_the_oracles_where_photographs_end():
    """Narrow photographs: some pixels have few sources, some none."""
    rng = np.random.default_rng(0)
    low, high = rng.uniform(90, 150, (30, 2)), rng.uniform(200, 270, (30, 2))
    pool = noise_pool(3, 30, valid=np.concatenate([low, high], axis=1))
    queries, hidden = seen_people(4, 8)
    made = make_mosaics(pool, queries, ~hidden)
    assert min(mosaic.coverage for mosaic in made.mosaics) < 0.9
    assert_as_oracle(pool, made)


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_index_map_is_the_oracles_on_real_people(lspet_pool, mocap_queries, alignment):
    queries, searched = (part[:12] for part in mocap_queries)
    made = make_mosaics(lspet_pool, queries, searched, alignment)
    assert_as_oracle(lspet_pool, made, similarity=alignment == "similarity")


def test_uncovered_pixels_take_the_nearest_searched_joint_and_count_against_coverage():
    pool = noise_pool(5, 3, valid=[[150, 130, 210, 240]] * 3)
    queries, hidden = seen_people(6, 3)
    made = make_mosaics(pool, queries, ~hidden)
    for n, mosaic in enumerate(made.mosaics):
        joints = np.flatnonzero(made.layers.used[n])
        sources = oracles.aligned_sources(pool, queries[n], made.layers.entries[n], 15.0)
        bare = np.isnan([oracles.probability_map(source) for source in sources]).all(axis=0)
        assert 0.3 < bare.mean() < 1
        assert mosaic.coverage == pytest.approx(1 - bare.mean(), abs=1e-3)
        distance = np.linalg.norm(oracles.PIXELS[bare][:, None] - queries[n, joints], axis=-1)
        assert (mosaic.index[bare] == joints[distance.argmin(axis=1)]).mean() > 0.999


def test_photograph_that_reaches_no_pixel_covers_nothing():
    pool = noise_pool(7, 1, valid=[[0, 0, -1, -1]])
    queries = seen_people(8, 1)[0]
    (mosaic,) = make_mosaics(pool, queries, np.ones((1, 13), bool)).mosaics
    assert mosaic.coverage == 0
    distance = np.linalg.norm(oracles.PIXELS[..., None, :] - queries[0], axis=-1)
    assert np.array_equal(mosaic.index, distance.argmin(axis=-1))


def test_only_searched_joints_are_labels():
    pool = noise_pool(9, 10)
    queries = seen_people(10, 1)[0]
    searched = np.zeros((1, 13), bool)
    searched[0, [3, 8, 12]] = True
    (mosaic,) = make_mosaics(pool, queries, searched).mosaics
    assert set(np.unique(mosaic.index).tolist()) <= {3, 8, 12}


def test_a_single_source_takes_every_pixel_that_it_covers():
    pool = noise_pool(11, 1)
    queries = pool.joints[:1].astype(np.float64) - BOX_IN_CROP
    searched = np.arange(13)[None] == 6
    (mosaic,) = make_mosaics(pool, queries, searched).mosaics
    assert (mosaic.index == 6).all()
    assert mosaic.coverage == 1


def test_vertex_probabilities():
    p = np.zeros((13, 2))
    q = np.zeros((13, 2))
    q[1], q[2] = [3, 4], [0, 10]
    values = vertex_probabilities(p, q, 5.0)
    assert values[[0, 1, 2]] == pytest.approx([1, np.exp(-1), np.exp(-4)])


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_unlabelled_joints_are_no_vertices(alignment):
    """A pose without arms: inside the hull of what is left, nothing is known of the arms' places."""
    pool = noise_pool(13, 6)
    labelled = pool.labelled[:6].copy()
    labelled[:, [6, 7, 10, 11]] = False
    joints = np.where(labelled[..., None], pool.joints[:6], np.float32(0))
    armless = memory_pool(pool.crops, joints, labelled)
    queries, hidden = seen_people(14, 3)
    made = make_mosaics(armless, queries, ~hidden, alignment)
    assert not made.layers.used[:, [6, 11]].any()
    assert_as_oracle(armless, made, similarity=alignment == "similarity")


def test_sources_that_are_alike_give_the_pixel_to_the_first_joint():
    """A pose matched by itself at every joint: all sources coincide."""
    pool = noise_pool(15, 5)
    queries = pool.joints[:5].astype(np.float64) - (CROP - oracles.SIDE) / 2
    for mosaic in make_mosaics(pool, queries, np.ones((5, 13), bool)).mosaics:
        assert (mosaic.index == 0).mean() > 0.999
