"""Blending against Eq. 6-9 in plain numpy: distance to the skeleton, windows, histograms, weighted sum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mosaic_samples import make_mosaics, noise_pool, seen_people
from scipy.ndimage import distance_transform_edt

from synth.cameras import BOX, CROP, mirror_joints2d
from synth.errors import InputError
from synth.mosaic.compose import BlendOptions
from synth.mosaic.distance import half_sizes, rasterise_skeleton, squared_distances
from synth.skeletons import BODY13

BONES = BODY13.bone_indices.astype(np.int64)
OPTIONS = [BlendOptions(), BlendOptions(window="half"), BlendOptions(alpha=0, beta=0), BlendOptions(20, 1.5)]


def rasterised(joints):
    mask = np.ones((BOX, BOX), bool)
    rasterise_skeleton(np.asarray(joints, np.float64), BONES, mask)
    return mask


def transformed(mask):
    squared = np.full((BOX, BOX), -1, np.int32)
    squared_distances(mask, np.empty((BOX, BOX), np.int32), squared)
    return squared


def assert_blended_as_oracle(pool, made, options, similarity=False):
    """Within 1 grey level everywhere, given the engine's index map and squared distances."""
    for n, mosaic in enumerate(made.mosaics):
        sources = oracles.aligned_sources(
            pool, made.queries[n], made.layers.entries[n], options.sigma, similarity
        )
        half = oracles.half_size(mosaic.squared_distance, options.alpha, options.beta, options.window)
        expected = oracles.blended(sources, mosaic.index, half)
        assert np.abs(mosaic.image - expected).max() <= 1


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
@pytest.mark.parametrize("options", OPTIONS)
def test_blend_is_the_oracles(alignment, options):
    """Noise, mirrored entries among the sources, and pixels that lie outside the crops."""
    pool = noise_pool(1, 30, unlabelled=0.1)
    queries, hidden = seen_people(2, 3)
    queries[2] += 60
    made = make_mosaics(pool, queries, ~hidden, alignment, options)
    assert (made.layers.entries >= pool.rows).any()
    assert_blended_as_oracle(pool, made, options, alignment == "similarity")


def test_blend_reflects_the_crop_as_often_as_needed():
    """Queries a fifth as large, under similarity: the box shows far more than the crop."""
    pool = noise_pool(3, 4)
    queries = seen_people(4, 2)[0]
    queries = np.concatenate([queries * 0.2, queries * 0.2 + 180])
    made = make_mosaics(pool, queries, np.ones((4, 13), bool), "similarity")
    places = [
        source.crop_places(oracles.PIXELS)
        for n in range(4)
        for source in oracles.aligned_sources(pool, queries[n], made.layers.entries[n], 15.0, True)
    ]
    assert np.min(places) < -2 * CROP
    assert np.max(places) > 3 * CROP
    assert_blended_as_oracle(pool, made, BlendOptions(), similarity=True)


def test_blend_is_the_oracles_on_real_people(lspet_pool, mocap_queries):
    queries, searched = (part[:10] for part in mocap_queries)
    made = make_mosaics(lspet_pool, queries, searched)
    assert_blended_as_oracle(lspet_pool, made, BlendOptions())


@pytest.mark.parametrize("options", OPTIONS)
def test_weights_sum_to_one_everywhere(options):
    """Crops of one colour give exactly that colour, borders included."""
    pool = noise_pool(5, 30, unlabelled=0.1)
    queries, hidden = seen_people(6, 2)
    for colour in ([255, 0, 1], [127, 128, 254]):
        plain = replace(pool, crops=np.broadcast_to(np.uint8(colour), pool.crops.shape).copy())
        for mosaic in make_mosaics(plain, queries, ~hidden, options=options).mosaics:
            assert len(np.unique(mosaic.index)) > 3
            assert (mosaic.image == colour).all()


@pytest.mark.parametrize("options", OPTIONS)
def test_histogram_counts_the_labels_of_the_window(options):
    """One source is white and the others black, so that the picture is its weight; counted pixel by pixel."""
    pool = noise_pool(7, 20)
    queries, hidden = seen_people(8, 2)
    found = make_mosaics(pool, queries, ~hidden, options=options)
    for n, mosaic in enumerate(found.mosaics):
        rows = found.layers.entries[n] % pool.rows
        common = np.bincount(rows[mosaic.index].ravel(), minlength=pool.rows).argmax()
        crops = np.zeros_like(pool.crops)
        crops[common] = 255
        image = make_mosaics(replace(pool, crops=crops), queries, ~hidden, options=options).mosaics[n].image
        half = oracles.half_size(mosaic.squared_distance, options.alpha, options.beta, options.window)
        white = rows[mosaic.index] == common
        assert 0 < white.mean() < 1
        rng = np.random.default_rng(n)
        places = [*rng.integers(0, BOX, (400, 2)).tolist(), [0, 0], [0, 219], [219, 0], [219, 219], [0, 100]]
        for y, x in places:
            h = half[y, x]
            window = white[max(y - h, 0) : y + h + 1, max(x - h, 0) : x + h + 1]
            assert abs(float(image[y, x, 0]) - 255 * window.mean()) <= 0.5 + 1e-3


def test_squared_distance_is_that_of_the_rasterised_skeleton():
    pool = noise_pool(9, 3)
    queries = np.concatenate([seen_people(10, 6)[0], seen_people(11, 2)[0] + [90, -60]])
    for query, mosaic in zip(
        queries, make_mosaics(pool, queries, np.ones((8, 13), bool)).mosaics, strict=True
    ):
        mask = rasterised(query)
        assert np.array_equal(mosaic.squared_distance == 0, mask)
        expected = np.rint(distance_transform_edt(~mask) ** 2)
        assert np.array_equal(mosaic.squared_distance, expected)


def test_skeleton_outside_the_box_is_far_from_everything():
    mask = rasterised(np.full((13, 2), 500.0) + np.arange(26).reshape(13, 2))
    assert not mask.any()
    assert (transformed(mask) == 2 * BOX**2).all()


coordinates = st.floats(-60, 280).map(lambda v: np.round(v * 64) / 64)
joints = st.lists(st.tuples(coordinates, coordinates), min_size=13, max_size=13)


@settings(deadline=None, derandomize=True, max_examples=20)
@given(joints)
def test_raster_is_what_lies_within_half_a_pixel(points):
    distance = oracles.skeleton_distance(points)
    clear = np.abs(distance - 0.5) > 1e-9
    assert np.array_equal(rasterised(points)[clear], (distance <= 0.5)[clear])


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.lists(st.tuples(st.floats(-60, 280), st.floats(-60, 280)), min_size=13, max_size=13))
def test_raster_and_distance_are_symmetric(points):
    points = np.array(points)
    mask, mirrored = rasterised(points), rasterised(mirror_joints2d(points))
    assert np.array_equal(mirrored, mask[:, ::-1])
    assert np.array_equal(transformed(mirrored), transformed(mask)[:, ::-1])


def test_raster_keeps_centres_at_exactly_half_a_pixel():
    points = np.full((13, 2), [10, 20.5])
    points[BODY13.index("right_ankle")] = [14, 20.5]
    mask = rasterised(points)[:30, :30]
    assert np.argwhere(mask).tolist() == [[y, x] for y in (20, 21) for x in range(10, 15)]


def test_raster_of_a_point():
    points = np.full((13, 2), 100.0)
    assert np.argwhere(rasterised(points)).tolist() == [[100, 100]]
    assert np.argwhere(rasterised(points + 0.5)).tolist() == []
    assert np.argwhere(rasterised(points + np.array([0.5, 0]))).tolist() == [[100, 100], [100, 101]]


@settings(deadline=None, derandomize=True, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 5, 100, 20_000]))
def test_distance_transform_is_exact(seed, count):
    rng = np.random.default_rng(seed)
    mask = np.zeros(BOX * BOX, bool)
    mask[rng.integers(0, BOX * BOX, count)] = True
    mask = mask.reshape(BOX, BOX)
    assert np.array_equal(transformed(mask), np.rint(distance_transform_edt(~mask) ** 2))


@pytest.mark.parametrize("window", ["side", "half"])
@pytest.mark.parametrize(("alpha", "beta"), [(6.0, 0.25), (0.0, 0.0), (3.0, 2.0)])
def test_half_sizes(window, alpha, beta):
    sizes = half_sizes(alpha, beta, window)
    assert len(sizes) == 2 * BOX**2 + 1
    expected = oracles.half_size(np.arange(len(sizes)), alpha, beta, window)
    assert np.array_equal(sizes, np.minimum(expected, BOX))


def test_default_window_is_7_pixels_on_the_skeleton_and_9_at_8_pixels():
    sizes = half_sizes(6.0, 0.25, "side")
    assert [sizes[d * d] for d in (0, 7, 8, 15, 16, 200)] == [3, 3, 4, 4, 5, 28]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"alpha": -1.0}, "alpha"),
        ({"beta": -0.1}, "beta"),
        ({"sigma": 0.0}, "sigma"),
        ({"sigma": float("nan")}, "sigma"),
        ({"alpha": float("nan")}, "alpha"),
        ({"window": "box"}, "'box'"),
    ],
)
def test_options_out_of_range_are_refused(wrong, named):
    with pytest.raises(InputError, match=named):
        BlendOptions(**wrong)
