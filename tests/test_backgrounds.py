"""Surroundings: ray caster against plain geometry, scenes without repetition, light in the camera frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import synth.body
from synth.body.backgrounds import Grade, _coarser, background, develop, sample_grade
from synth.body.materials import LEVELS, MATERIALS, atlas, material_index
from synth.body.noise import fractal, smoothstep
from synth.body.panoramas import PHOTOGRAPHED, painted, photographed
from synth.body.raycast import CUTOUT, ROOM, SOLID, Scene, cast
from synth.body.scenes import sample_scene
from synth.body.textures import pack_texels
from synth.body.tiles import TILE, hedge, tree

DATA = Path(synth.body.__file__).parent / "data" / "backgrounds"
BLACK = np.zeros(3, np.float32)
PLAIN = Grade(np.ones(3, np.float32), 1.0, 1.0, 0.0, 0.0, 0.0)


def scene(boxes=(), kinds=(), tile="plaster", ground=-1, repeat=0.0, **rest) -> Scene:
    count = len(boxes)
    parts = {
        "boxes": np.array(boxes, np.float32).reshape(-1, 6),
        "kinds": np.array(kinds, np.int32),
        "tiles": np.full((count, 3), material_index(tile, 0), np.int32),
        "repeats": np.full(count, repeat, np.float32),
        "tints": np.ones((count, 3), np.float32),
        "ground_tile": ground,
        "ground_repeat": 1.0,
        "ground_mixed": False,
        "ground_tint": np.ones(3, np.float32),
        "haze": 1e6,
        "panorama": pack_texels(np.full((8, 16, 3), 255, np.uint8)),
        "panorama_height": 1.5,
        "panorama_radius": 1000.0,
        "sun": np.array([0, 1, 0], np.float32),
        "sun_colour": BLACK,
        "lamp": np.array([0, 2, 0], np.float32),
        "lamp_colour": BLACK,
        "sky": np.ones(3, np.float32),
        "bounce": np.ones(3, np.float32),
    }
    return Scene(**(parts | rest))


def unit(directions) -> np.ndarray:
    d = np.atleast_2d(np.asarray(directions, np.float32))
    return np.ascontiguousarray(d / np.linalg.norm(d, axis=1, keepdims=True))


def look(origin, directions, of: Scene):
    return cast(of, np.array(origin, np.float32), unit(directions), 0.002, 64)


def slab_oracle(box, origin, direction, inside):
    """Entry or exit distance of a ray and a box, face by face: a face is hit where the other two fit."""
    hits = []
    for axis in range(3):
        for plane in (box[axis], box[axis + 3]):
            if direction[axis] == 0:
                continue
            t = (plane - origin[axis]) / direction[axis]
            p = origin + t * direction
            others = [k for k in range(3) if k != axis]
            if t > 0 and all(box[k] - 1e-9 <= p[k] <= box[k + 3] + 1e-9 for k in others):
                hits.append(t)
    if not hits:
        return np.inf
    outside = any(origin[k] < box[k] or origin[k] > box[k + 3] for k in range(3))
    if inside:
        return max(hits)
    return min(hits) if outside else np.inf


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), inside=st.booleans())
def test_boxes_are_hit_where_their_faces_are(seed, inside):
    rng = np.random.default_rng(seed)
    low = rng.uniform(-3, 2, 3)
    box = np.concatenate([low, low + rng.uniform(0.3, 4, 3)]).astype(np.float32)
    # below the ground, so that the panorama's is not seen
    origin = rng.uniform((-6, -6, -6), (6, 0, 6)).astype(np.float32)
    directions = unit(rng.standard_normal((40, 3)))
    _, found = look(origin, directions, scene([box], [ROOM if inside else SOLID]))
    expected = [
        slab_oracle(box.astype(float), origin.astype(float), d.astype(float), inside) for d in directions
    ]
    hit = np.isfinite(expected)
    # a ray through an edge may go either way
    grazing = [found[n] > 900 or abs(found[n] - expected[n]) < 1e-2 for n in np.flatnonzero(hit)]
    assert np.mean(np.abs(found[hit] - np.array(expected)[hit]) < 1e-2) >= 0.97 if hit.any() else True
    assert all(grazing)
    assert (found[~hit] > 900).mean() >= 0.97 if (~hit).any() else True


def test_ground_lies_at_the_camera_height_below():
    directions = np.array([[0, -1, 0], [0, -0.6, 0.8], [0, 0.6, 0.8]])
    # upwards there is the panorama's wall, 1000 m off and seen at a slant of 0.8
    _, distances = look([0, 3, 0], directions, scene(ground=material_index("asphalt", 0)))
    np.testing.assert_allclose(distances, [3.0, 5.0, 1250.0], rtol=1e-5)


def test_ground_is_not_seen_from_below():
    _, distances = look(
        [0, -1, 0], [[0, 0.6, 0.8], [0, -0.6, 0.8]], scene(ground=material_index("asphalt", 0))
    )
    assert (distances > 900).all()


def test_nearer_box_hides_the_farther_one():
    boxes = [[-1, -1, 4, 1, 1, 5], [-1, -1, 2, 1, 1, 3]]
    _, distances = look([0, 0, 0], [[0, 0, 1]], scene(boxes, [SOLID, SOLID]))
    assert distances[0] == pytest.approx(2.0)


def test_one_sees_through_the_holes_of_what_is_cut_out():
    picture = tree(np.random.default_rng([list(MATERIALS).index("tree"), 0]))
    sheet = [[-1.0, 0.0, 5.0, 1.0, 2.0, 5.02]]
    y, x = np.mgrid[4:256:12, 4:256:12]
    directions = np.stack([(x + 0.5) / 128 - 1, 2 - (y + 0.5) / 128, np.full(x.shape, 5.0)], -1).reshape(
        -1, 3
    )
    _, distances = look([0, 0, 0], directions, scene(sheet, [CUTOUT], tile="tree"))
    solid = picture[y, x, 3].ravel() > 127
    assert 0.2 < solid.mean() < 0.9
    assert ((distances < 900) == solid).mean() > 0.93


def test_sun_lights_faces_that_look_at_it_and_boxes_cast_shadows():
    ground = material_index("plaster", 0)
    lit = {"sun_colour": np.ones(3, np.float32), "sky": BLACK, "bounce": BLACK}
    down = [[0, -1, 0]]
    bright, _ = look([0, 1, 0], down, scene(ground=ground, **lit))
    roof, _ = look([0, 1, 0], down, scene([[-2, 4, -2, 2, 5, 2]], [SOLID], ground=ground, **lit))
    assert bright.min() > 0.5
    assert roof.max() == 0


def test_colour_of_a_lit_wall_is_its_tile_times_the_light():
    box = [[-1, -1, 2, 1, 1, 3]]
    colour, _ = look([0, 0, 0], [[0, 0, 1]], scene(box, [SOLID], sky=np.full(3, 0.5, np.float32)))
    texel = atlas()[material_index("plaster", 0)][:, :3].mean(axis=0) / 255
    np.testing.assert_allclose(colour[0], texel**2.2 * 0.75, rtol=0.08)


def test_panorama_is_seen_in_its_own_directions():
    columns = np.zeros((256, 512, 3), np.uint8)
    columns[:, 384:, 0] = 255  # the quarter from +x round to -z
    colours, _ = look(
        [0, 1, 0], [[1, 0.1, -1], [1, 0.1, 1], [-1, 0.1, 1]], scene(panorama=pack_texels(columns))
    )
    assert colours[:, 0].round(2).tolist() == [1.0, 0.0, 0.0]


def test_every_tile_is_whole_and_only_cut_outs_have_holes():
    tiles = atlas()
    assert tiles.shape == (2 * len(MATERIALS), sum((TILE >> k) ** 2 for k in range(LEVELS)), 4)
    for name in MATERIALS:
        for variant in (0, 1):
            largest = tiles[material_index(name, variant), : TILE * TILE]
            smallest = tiles[material_index(name, variant), -64:]
            assert largest[:, :3].std() > 0.5, name
            if name in ("tree", "bush", "fence"):
                assert 0.02 < (largest[:, 3] == 0).mean() < 0.8, name
            else:
                assert largest[:, 3].min() == 255, name
                assert np.abs(largest.mean(axis=0) - smallest.mean(axis=0)).max() < 2, name


def test_tiles_close_without_a_seam():
    tile = hedge(np.random.default_rng(0))[..., :3].astype(float)
    inner = np.abs(np.diff(tile, axis=1)).mean()
    assert np.abs(tile[:, 0] - tile[:, -1]).mean() < 1.2 * inner


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), decay=st.floats(0, 2), stretch=st.floats(0.5, 8))
def test_noise_is_standardised_and_periodic(seed, decay, stretch):
    field = fractal(np.random.default_rng(seed), 64, decay, stretch)
    assert abs(field.mean()) < 1e-4
    assert field.std() == pytest.approx(1, abs=1e-4)
    inner = np.abs(np.diff(field, axis=0)).mean()
    assert np.abs(field[0] - field[-1]).mean() < 2.5 * inner


def test_smoothstep_goes_either_way():
    x = np.array([0.0, 1.0, 2.0, 3.0])
    assert smoothstep(0, 2, x).tolist() == [0.0, 0.5, 1.0, 1.0]
    assert smoothstep(2, 0, x).tolist() == [1.0, 0.5, 0.0, 0.0]


def camera(number: int, size: int):
    """A camera six metres away at chest height or above, looking at the person at the origin."""
    rng = np.random.default_rng([5, number])
    azimuth, elevation = rng.uniform(-np.pi, np.pi), rng.uniform(-0.1, 0.5)
    away = np.array(
        [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
    )
    right = np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    R = np.stack([right, np.cross(-away, right), -away])
    K = np.array([[2.7 * size, 0, (size - 1) / 2], [0, 2.7 * size, (size - 1) / 2], [0, 0, 1]])
    return K, R, -R @ (np.array([0, 1, 0]) + 6 * away)


def test_a_hundred_backgrounds_in_a_row_are_all_different():
    pictures = []
    for number in range(100):
        found = background(np.random.default_rng([1, number]), *camera(number, 40), (0, 0, 0), 40)
        assert found.image.shape == (40, 40, 3)
        assert found.image.dtype == np.uint8
        pictures.append(found.image.astype(float).ravel())
    pictures = np.array(pictures)
    apart = np.abs(pictures[:, None] - pictures[None]).mean(axis=-1) + 255 * np.eye(100)
    assert apart.min() > 1.5
    textured = pictures.reshape(100, -1, 3).std(axis=1).mean(axis=1)
    assert (textured < 1).sum() <= 3


def test_background_depends_on_its_generator_alone():
    first, second = (background(np.random.default_rng(3), *camera(0, 60), (0, 0, 0), 60) for _ in range(2))
    assert (first.image == second.image).all()
    assert first.light == second.light


def test_light_comes_from_above_in_the_camera_frame():
    for number in range(20):
        K, R, t = camera(number, 20)
        light = background(np.random.default_rng([2, number]), K, R, t, (0, 0, 0), 20).light
        np.testing.assert_allclose(light.up, R @ [0, 1, 0], atol=1e-9)
        assert np.dot(light.direction, light.up) > 0.05
        assert 0.2 < np.mean(light.key) + np.mean(light.sky) < 3.5


@pytest.mark.parametrize("factor", [1.0, 1.5, 2.0])
def test_coarser_pixels_show_the_same_picture(factor):
    K = np.array([[300.0, 0, 57.0], [0, 300.0, 63.0], [0, 0, 1]])
    scaled, side = _coarser(K, 120, factor)
    assert side == round(120 / factor)
    # the corners of the pictures are the same rays, half a pixel outside the outermost centres
    for corner, coarse in ((-0.5, -0.5), (119.5, side - 0.5)):
        ray = np.linalg.inv(K) @ [corner, corner, 1]
        np.testing.assert_allclose(scaled @ ray, [coarse, coarse, 1], atol=1e-9)


def test_ground_is_said_to_be_seen_from_above_only():
    K, R, t = camera(1, 20)
    assert background(np.random.default_rng(0), K, R, t, (0, 0, 0), 20).ground_seen
    assert not background(np.random.default_rng(0), K, R, t, (0, 30, 0), 20).ground_seen


def test_nothing_stands_between_camera_and_person():
    for number in range(60):
        found = sample_scene(np.random.default_rng([4, number]), np.array([0.6, 0.0, 0.8]))
        for box, kind in zip(found.boxes, found.kinds, strict=True):
            if kind == ROOM or box[4] < 0.05:
                continue
            corners = np.array([[x, z] for x in (box[0], box[3]) for z in (box[2], box[5])])
            assert (corners @ [0.6, 0.8]).min() > -0.21


def test_a_plain_grade_changes_nothing_but_the_highlights():
    picture = np.arange(0, 220, dtype=np.uint8).repeat(3).reshape(1, 220, 3).repeat(4, axis=0)
    developed = develop(np.random.default_rng(0), picture, PLAIN)
    assert np.abs(developed.astype(int) - picture)[:, 8:].max() <= 1


def test_grades_do_what_they_say():
    picture = np.full((41, 41, 3), (120, 100, 80), np.uint8)

    def mean(grade):
        return develop(np.random.default_rng(0), picture, grade).reshape(-1, 3).mean(axis=0)

    assert (mean(replace(PLAIN, gain=np.full(3, 1.3, np.float32))) > mean(PLAIN) + 5).all()
    assert np.ptp(mean(replace(PLAIN, saturation=0.5))) < 0.6 * np.ptp(mean(PLAIN))
    dark = develop(np.random.default_rng(0), picture, replace(PLAIN, vignette=0.3)).astype(int)
    assert dark[20, 20, 0] == pytest.approx(120, abs=1)
    assert dark[0, 0, 0] < 110
    noisy = develop(np.random.default_rng(0), picture, replace(PLAIN, noise=5.0)).astype(float)
    assert noisy.std(axis=(0, 1)) == pytest.approx([5, 5, 5], abs=0.6)


def test_sampled_grades_stay_moderate():
    means = [
        develop(
            np.random.default_rng(n),
            np.full((8, 8, 3), 128, np.uint8),
            sample_grade(np.random.default_rng(n)),
        ).mean()
        for n in range(100)
    ]
    assert 110 < np.median(means) < 150
    assert min(means) > 70
    assert max(means) < 210


def test_bundled_pictures_are_small_and_their_lights_sensible():
    assert sum(path.stat().st_size for path in DATA.iterdir()) < 1.5e6
    for name in PHOTOGRAPHED:
        found = photographed(name)
        assert found.picture.shape == (512, 1024, 3)
        assert np.linalg.norm(found.direction) == pytest.approx(1, abs=1e-3)
        total = (found.key + 0.5 * (found.sky + found.ground)).mean()
        assert total == pytest.approx(0.9, abs=0.01), name
        assert min(found.key.min(), found.sky.min(), found.ground.min()) >= 0


def test_painted_skies_are_bright_where_the_sun_is():
    found = painted(1)
    x, y, z = found.direction
    column = int((np.arctan2(x, z) / (2 * np.pi) + 0.5) * 1024) % 1024
    row = int((0.5 - np.arcsin(y) / np.pi) * 512)
    sky = found.picture[:240].astype(float).mean(axis=-1)
    assert sky[row, column] > np.quantile(sky, 0.8)
