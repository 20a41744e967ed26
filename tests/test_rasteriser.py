"""The z-buffer against rays traced in plain numpy; visibility; meshes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rendering import SHAPE, K, octahedron, sample_rays, sphere, trace

from synth.body.mesh import join_meshes, make_mesh
from synth.body.rasteriser import make_samples, rasterise
from synth.body.visibility import visible_points


def drawn(vertices, triangles, supersampling=1, two_sided=False, near=0.05, k=K):
    mesh = make_mesh(vertices, triangles, two_sided=two_sided)
    samples = make_samples(len(vertices), *SHAPE, supersampling)
    rasterise(samples, mesh, vertices, k, near)
    return samples


def soup(rng, count, low, high):
    """Random triangles whose corners lie within a depth range and about the field of view."""
    corners = rng.uniform((-1.0, -1.0, low), (1.0, 1.0, high), size=(count, 3, 3))
    return corners.reshape(-1, 3).astype(np.float32).astype(np.float64), np.arange(3 * count).reshape(-1, 3)


def assert_like_traced(samples, vertices, triangles, near=0.05, two_sided=False):
    """Same triangle wherever the rays' answer is clear, and depth and weights of the triangle seen.

    Vertices are rounded to 1/256 of a sample: an edge may move by half of that, which moves a barycentric
    weight of a triangle of a few samples by a per cent.
    """
    rays = sample_rays(K, SHAPE, samples.supersampling)
    seen, depth, weights, clear = trace(rays, vertices, triangles, near, two_sided)
    sure = clear > 0.01
    assert np.array_equal(samples.triangle[sure], seen[sure])
    hit = sure & (seen >= 0)
    assert np.allclose(samples.depth[hit], depth[hit], rtol=0.01)
    assert np.allclose(samples.barycentric[hit], weights[hit], atol=0.02)
    assert np.isinf(samples.depth[samples.triangle < 0]).all()
    return sure.mean()


def test_one_triangle_whose_samples_are_counted_by_hand():
    # corners at pixels (0, 0), (4, 0), (0, 4) at depth 2, counter-clockwise as seen: down, then right
    corners = (np.array([[0, 0, 1], [0, 4, 1], [4, 0, 1]]) @ np.linalg.inv(K).T) * 2.0
    samples = drawn(corners, [[0, 1, 2]])
    expected = np.full(SHAPE, -1)
    for y in range(5):
        expected[y, : 5 - y] = 0
    assert np.array_equal(samples.triangle, expected)
    assert np.allclose(samples.depth[expected == 0], 2.0)
    assert samples.bounds.tolist() == [0, 0, 4, 4]
    assert np.allclose(samples.barycentric[1, 2], [0.25, 0.5], atol=1e-6)
    behind = drawn(corners, [[0, 2, 1]])
    assert (behind.triangle == -1).all()
    assert behind.bounds[2] < behind.bounds[0]
    assert np.array_equal(drawn(corners, [[0, 2, 1]], two_sided=True).triangle, expected)


def test_weights_are_those_in_space_not_in_the_picture():
    # an edge from depth 1 to depth 3: the picture's middle between its ends is a quarter along
    corners = np.array([[-0.2, -0.1, 1.0], [-0.2, 0.1, 1.0], [0.6, 0.0, 3.0]])
    samples = drawn(corners, [[0, 1, 2]])
    left, right = 60 * -0.2 + 15.5, 60 * 0.2 + 15.5
    share = 2 / 3
    column = round(left + share * (right - left))
    at = (column - left) / (right - left)
    expected = at / 3 / ((1 - at) + at / 3)
    assert samples.barycentric[11, column, 1] == pytest.approx(expected, abs=0.01)
    assert abs(expected - at) > 0.1


@pytest.mark.parametrize("supersampling", [1, 2, 3])
def test_sphere_like_traced(supersampling):
    vertices, triangles = sphere((0.05, -0.02, 2.0), 0.3, 2)
    samples = drawn(vertices, triangles, supersampling)
    assert assert_like_traced(samples, vertices, triangles) > 0.6


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(1, 2), st.booleans())
def test_any_triangles_in_front_like_traced(seed, supersampling, two_sided):
    vertices, triangles = soup(np.random.default_rng(seed), 12, 1.0, 4.0)
    samples = drawn(vertices, triangles, supersampling, two_sided)
    assume(assert_like_traced(samples, vertices, triangles, two_sided=two_sided) > 0.3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.booleans())
def test_any_triangles_across_the_near_plane_like_traced(seed, two_sided):
    vertices, triangles = soup(np.random.default_rng(seed), 10, -1.0, 2.0)
    samples = drawn(vertices, triangles, 1, two_sided, near=0.2)
    assume(assert_like_traced(samples, vertices, triangles, 0.2, two_sided) > 0.3)


def test_a_wall_round_the_camera_and_far_beyond_the_picture_covers_every_sample():
    vertices, triangles = octahedron((0.01, 0.02, 0.0), 50.0)
    samples = drawn(vertices, triangles[:, ::-1])
    assert assert_like_traced(samples, vertices, triangles[:, ::-1]) > 0.8
    assert (samples.triangle >= 0).all()


def test_a_closed_surface_has_no_cracks():
    """Every sample well inside the outline is covered, whatever the triangles between."""
    for splits in (1, 3, 4):
        vertices, triangles = sphere((0.013, 0.007, 2.0), 0.35, splits)
        samples = drawn(vertices, triangles, 4)
        coarse = drawn(*sphere((0.013, 0.007, 2.0), 0.35 * 0.8, 1), 4)
        assert (samples.triangle[coarse.triangle >= 0] >= 0).all()


def test_equally_near_triangles_show_the_lowest_number():
    vertices, triangles = octahedron((0.0, 0.0, 2.0), 0.3)
    single = drawn(vertices, triangles)
    twice = drawn(vertices, np.concatenate([triangles, triangles]))
    assert np.array_equal(single.triangle, twice.triangle)
    across = np.array([[-0.1, -0.1, 0.01], [-0.1, 0.1, 1.0], [0.1, 0.0, 1.0]])
    cut = drawn(across, [[0, 1, 2], [0, 1, 2]], two_sided=True)
    assert set(np.unique(cut.triangle)) == {-1, 0}


def test_samples_are_filled_anew_each_time():
    vertices, triangles = sphere((0.0, 0.0, 2.0), 0.3, 2)
    mesh = make_mesh(vertices, triangles)
    samples = make_samples(len(vertices) + 5, *SHAPE, 2)
    rasterise(samples, mesh, vertices + [0.1, 0, 0], K)
    rasterise(samples, mesh, vertices, K)
    fresh = drawn(vertices, triangles, 2)
    assert np.array_equal(samples.triangle, fresh.triangle)
    assert np.array_equal(samples.inverse_depth, fresh.inverse_depth)
    assert samples.bounds.tolist() == fresh.bounds.tolist()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_vertices_that_are_no_points_are_left_out(bad):
    vertices, triangles = octahedron((0.0, 0.0, 2.0), 0.3)
    mesh, samples = make_mesh(vertices, triangles), make_samples(6, *SHAPE)
    vertices[5, 2] = bad
    rasterise(samples, mesh, vertices, K)
    touching = (triangles == 5).any(axis=1)
    assert not touching[samples.triangle[samples.triangle >= 0]].any()


def test_an_empty_mesh_shows_nothing():
    samples = drawn(np.zeros((0, 3)), np.zeros((0, 3), int))
    assert (samples.triangle == -1).all()


def test_wrong_arguments_are_named():
    vertices, triangles = octahedron((0.0, 0.0, 2.0), 0.3)
    mesh = make_mesh(vertices, triangles)
    with pytest.raises(ValueError, match="6 vertices, but the samples were made for 5"):
        rasterise(make_samples(5, *SHAPE), mesh, vertices, K)
    with pytest.raises(ValueError, match=r"points have shape \(5, 3\)"):
        rasterise(make_samples(6, *SHAPE), mesh, vertices[:5], K)
    with pytest.raises(ValueError, match="K must be"):
        rasterise(make_samples(6, *SHAPE), mesh, vertices, np.zeros((3, 3)))
    with pytest.raises(ValueError, match="triangles name vertices 0 to 6 of 6"):
        make_mesh(vertices, [[0, 1, 6]])
    with pytest.raises(ValueError, match="parts are 0 to 0"):
        make_mesh(vertices, triangles, part=0)
    with pytest.raises(ValueError, match="uv has shape"):
        make_mesh(vertices, triangles, uv=np.zeros((6, 2)))
    with pytest.raises(ValueError, match="cannot sample"):
        make_samples(6, supersampling=5)


def test_joined_meshes_keep_their_own_triangles():
    ball, more = sphere((0, 0, 2), 0.3, 0), sphere((1, 0, 2), 0.3, 1)
    joined = join_meshes([make_mesh(*ball, part=3), make_mesh(*more, part=7, material=2)])
    assert joined.vertices == 6 + 96
    assert np.array_equal(joined.triangles[8:], more[1] + 6)
    assert joined.part.tolist() == [3] * 8 + [7] * 32
    assert joined.corners[8].tolist() == [6, 7, 8, 2]


def test_density_is_texture_length_per_metre():
    square = np.array([[0, 0, 2], [0, 0.5, 2], [0.5, 0, 2]])
    mesh = make_mesh(square, [[0, 1, 2]], uv=[[[0, 0], [0, 0.25], [0.25, 0]]])
    assert mesh.density == pytest.approx(0.5)


def test_visible_points_like_traced():
    """A point is seen if no surface nearer than its tolerance allows lies on its ray."""
    rng = np.random.default_rng(5)
    vertices, triangles = soup(rng, 12, 1.5, 3.0)
    samples = drawn(vertices, triangles, 2)
    points = rng.uniform((-0.5, -0.35, 1.2), (0.5, 0.35, 3.2), size=(400, 3))
    tolerance = rng.uniform(0.0, 0.5, size=400)
    found = visible_points(samples, points, K, tolerance)
    rays = (points / points[:, 2:])[:, None]
    _, depth, _, clear = trace(rays, vertices, triangles)
    inside = np.abs(rays[:, 0] @ K.T - [15.5, 11.5, 1]) @ np.diag([1, 1, 0]) < [15.9, 11.9, 1]
    expected = inside.all(axis=1) & (depth[:, 0] >= points[:, 2] - tolerance)
    # surfaces slope within a sample, and their edges may cross it
    sure = (clear[:, 0] > 0.05) & (np.abs(depth[:, 0] - points[:, 2] + tolerance) > 0.1)
    assert sure.sum() > 150
    assert 40 < expected[sure].sum() < sure.sum() - 40
    assert np.array_equal(found[sure], expected[sure])


@pytest.mark.parametrize("seed", range(3))
def test_visible_points_with_owners_like_traced(seed):
    """Nearer than a point, and yet within its tolerance, only triangles of its own parts leave it seen."""
    rng = np.random.default_rng([6, seed])
    vertices, triangles = soup(rng, 12, 1.5, 3.0)
    part = rng.integers(1, 256, size=12)
    mesh = make_mesh(vertices, triangles, part=part, two_sided=True)
    samples = make_samples(len(vertices), *SHAPE, 2)
    rasterise(samples, mesh, vertices, K)
    points = rng.uniform((-0.5, -0.35, 1.2), (0.5, 0.35, 3.6), size=(3000, 3))
    # within the picture, so that nothing but surfaces hides
    points[:, :2] *= np.minimum(1.0, 0.17 * points[:, 2] / np.abs(points[:, :2]).max(axis=1))[:, None]
    tolerance = rng.uniform(0.3, 1.2, size=3000)
    owners = rng.random((3000, 256)) < 0.5
    found = visible_points(samples, points, K, tolerance, mesh, owners)
    rays = (points / points[:, 2:])[:, None]
    seen, depth, _, clear = (a[:, 0] for a in trace(rays, vertices, triangles, two_sided=True))
    z = points[:, 2]
    owned = (seen >= 0) & owners[np.arange(3000), part[seen]]
    expected = (depth >= z) | (owned & (depth >= z - tolerance))
    # surfaces slope within a sample, and their edges may cross it
    apart = np.minimum(np.abs(depth - z), np.abs(depth - z + tolerance))
    sure = (clear > 0.05) & (apart > 0.1)
    within = sure & (depth < z) & (depth >= z - tolerance)
    assert min((within & owned).sum(), (within & ~owned).sum()) >= 20
    assert np.array_equal(found[sure], expected[sure])


def test_a_part_of_another_hides_a_point_however_near_it_is():
    ball = sphere((0.0, 0.0, 2.0), 0.2, 3)
    hand = sphere((0.0, 0.0, 1.75), 0.04, 2)
    mesh = join_meshes([make_mesh(*ball, part=3), make_mesh(*hand, part=9)])
    vertices = np.concatenate([ball[0], hand[0]])
    samples = make_samples(len(vertices), *SHAPE, 2)
    rasterise(samples, mesh, vertices, K)
    points = [
        [0.0, 0.0, 1.9],
        [0.12, 0.0, 2.0],
        [0.0, 0.0, 2.5],
        [0.0, 0.0, 1.6],
        [3.0, 0.0, 2.0],
        [0, 0, -1],
    ]
    owners = np.zeros((6, 256), bool)
    owners[:, 3] = True
    assert visible_points(samples, points, K, 0.25).tolist() == [True, True, False, True, False, False]
    owned = visible_points(samples, points, K, 0.25, mesh, owners)
    assert owned.tolist() == [False, True, False, True, False, False]
    with pytest.raises(ValueError, match="need the mesh"):
        visible_points(samples, points, K, 0.25, owners=owners)
