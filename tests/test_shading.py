"""Light, textures, shadows and averaging, each against the formula written out in plain numpy."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rendering import sample_rays, sphere, trace

from synth.body.mesh import join_meshes, make_mesh
from synth.body.rasteriser import make_samples, rasterise
from synth.body.render import make_workspace, render
from synth.body.resolve import depth_map, filter_taps, part_map
from synth.body.shading import Light
from synth.body.textures import DECODE, Material, linear_to_srgb, pack_materials, sample_bilinear

SIZE = 32
K = np.array([[60.0, 0.0, 15.5], [0.0, 60.0, 15.5], [0.0, 0.0, 1.0]])
UP = (0.0, -1.0, 0.0)
GREY = np.full((SIZE, SIZE, 3), 120, np.uint8)


def plain(colour=(255, 255, 255), **kwargs):
    return Material(np.full((1, 1, 3), colour, np.uint8), **kwargs)


def ball(radius=0.4, splits=5, centre=(0.0, 0.0, 2.0), **kwargs):
    """Mesh, vertices and normals of a sphere."""
    vertices, triangles = sphere(centre, radius, splits)
    return make_mesh(vertices, triangles, **kwargs), vertices, (vertices - centre) / radius


def picture(mesh, vertices, normals, material, light, background=GREY, supersampling=1, size=SIZE, **kwargs):
    workspace = make_workspace(len(vertices), size, supersampling)
    made = render(
        workspace, mesh, vertices, normals, pack_materials([material]), K, light, background, **kwargs
    )
    return made, workspace


def shouldered(linear):
    return np.where(linear > 0.7, 0.7 + 0.3 * (linear - 0.7) / (linear - 0.4), linear)


def encoded(linear):
    return np.rint(255 * linear_to_srgb(np.clip(linear, 0, 1)))


def formula(normals, points, albedo, material, light, occlusion=1.0):
    """Linear light of surface points, as the module's text says."""
    towards, up = (np.asarray(v) / np.linalg.norm(v) for v in (light.direction, light.up))
    lit = (normals @ towards)[..., None]
    wrap = np.asarray(material.wrap)
    half = towards - points / np.linalg.norm(points, axis=-1, keepdims=True)
    half /= np.linalg.norm(half, axis=-1, keepdims=True)
    shine = (
        material.specular
        * np.maximum(lit, 0)
        * np.maximum((normals * half).sum(-1, keepdims=True), 0) ** (2.0**material.gloss)
    )
    above = (0.5 + 0.5 * normals @ up)[..., None]
    ambient = occlusion * (above * np.asarray(light.sky) + (1 - above) * np.asarray(light.ground))
    key = np.asarray(light.key)
    matt = albedo * np.asarray(material.tint) * (key * np.maximum((lit + wrap) / (1 + wrap), 0) + ambient)
    return shouldered(matt + key * shine)


@pytest.mark.parametrize(
    "material",
    [
        plain((200, 120, 60), specular=0.0),
        plain((90, 90, 90), specular=0.4, gloss=3),
        plain((220, 170, 150), specular=0.05, gloss=5, wrap=(0.4, 0.2, 0.1), tint=(0.5, 0.8, 1.2)),
    ],
)
def test_a_sphere_is_lit_by_the_formula(material):
    light = Light((-0.5, -0.7, -0.9), UP, key=(1.0, 1.0, 0.9), sky=(0.5, 0.5, 0.5))
    mesh, vertices, normals = ball()
    made, workspace = picture(mesh, vertices, normals, material, light)
    rays = sample_rays(K, (SIZE, SIZE), 1)
    points = rays * workspace.samples.depth[..., None]
    inside = (points - [0, 0, 2]) / 0.4
    covered = np.isfinite(workspace.samples.depth)
    with np.errstate(invalid="ignore"):
        inside /= np.linalg.norm(inside, axis=-1, keepdims=True)
        albedo = DECODE[material.texture[0, 0]]
        expected = encoded(formula(inside, points, albedo, material, light))
    # grazing samples lie off the sphere that the triangles stand for
    central = covered & (inside[..., 2] < -0.4)
    assert central.sum() > 300
    assert np.abs(made.image.astype(float) - expected)[central].max() <= 2.0
    assert np.array_equal(made.image[~covered], GREY[~covered])


def test_occlusion_dims_the_ambient_light_only():
    dark = Light((0.0, 0.0, -1.0), UP, key=(0, 0, 0), sky=(0.4, 0.4, 0.4), ground=(0.4, 0.4, 0.4))
    bright = Light((0.0, 0.0, -1.0), UP, key=(0.4, 0.4, 0.4), sky=(0, 0, 0), ground=(0, 0, 0))
    mesh, vertices, normals = ball()
    half = np.full(len(vertices), 0.5)
    material = plain(specular=0.0)
    for light, level in ((dark, 0.2), (bright, 0.4)):
        made, _ = picture(mesh, vertices, normals, material, light, occlusion=half)
        assert made.image[15, 15] == pytest.approx(encoded(level), abs=1)


def test_the_back_of_a_two_sided_sheet_is_lit_as_a_front():
    corners = np.array([[-1.0, -1, 2], [-1, 1, 2], [1, 1, 2], [1, -1, 2]])
    light = Light((0.0, 0.0, -1.0), UP, key=(0.5, 0.5, 0.5), sky=(0, 0, 0), ground=(0, 0, 0))
    away = np.tile([0.0, 0.0, 1.0], (4, 1))
    backs = make_mesh(corners, [[0, 2, 1], [0, 3, 2]], two_sided=True)
    made, _ = picture(backs, corners, away, plain(specular=0.0), light)
    assert (np.abs(made.image.astype(int) - encoded(0.5)) <= 1).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([(1, 1), (4, 8), (16, 2), (32, 32)]))
def test_textures_are_interpolated_as_opencv_does(seed, shape):
    rng = np.random.default_rng(seed)
    texture = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
    packed = pack_materials([Material(texture)])
    # whole multiples of 1/32 texel, the finest that OpenCV tells apart
    x, y = (rng.integers(-64 * n, 128 * n, 50) / 32.0 for n in (shape[1], shape[0]))
    tiled = np.tile(texture, (8, 8, 1)).astype(np.float32)
    at = [(x + 3 * shape[1]).astype(np.float32)[None], (y + 3 * shape[0]).astype(np.float32)[None]]
    expected = cv2.remap(tiled, *at, cv2.INTER_LINEAR)[0]
    start, width, height = packed.levels[0, 0]
    found = [
        sample_bilinear(packed.texels, start, width, height, np.float32(u), np.float32(v))
        for u, v in zip((x + 0.5) / shape[1], (y + 0.5) / shape[0], strict=True)
    ]
    # a place may fall into the next 1/256 of a texel by rounding
    assert np.abs(np.array(found) / 65536 - expected).max() <= 2.1


def test_mip_levels_average_light_not_bytes():
    texture = np.zeros((2, 4, 3), np.uint8)
    texture[:, 0] = 255
    texture[:, 2:] = (10, 20, 30)
    packed = pack_materials([plain(), Material(texture)])
    assert packed.levels[1, :, 1:].tolist() == [[4, 2], [2, 1], [1, 1], [1, 1], [1, 1], [1, 1]]
    start = packed.levels[1, 1, 0]
    left, right = packed.texels[start : start + 2].tolist()
    assert left == 188 | 188 << 8 | 188 << 16 | 255 << 24
    assert right == 10 | 20 << 8 | 30 << 16 | 255 << 24


def test_a_fine_chequerboard_seen_from_afar_is_even():
    chequers = (255 * (np.indices((64, 64)).sum(0) % 2)).astype(np.uint8)[..., None].repeat(3, -1)
    corners = np.array([[-1.0, -1, 2], [-1, 1, 2], [1, 1, 2], [1, -1, 2]])
    uv = np.array([[[0, 0], [0, 2], [2, 2]], [[0, 0], [2, 2], [2, 0]]], float)
    mesh = make_mesh(corners, [[0, 1, 2], [0, 2, 3]], uv)
    light = Light((0, 0, -1), UP, key=(0, 0, 0), sky=(0.6, 0.6, 0.6), ground=(0.6, 0.6, 0.6))
    made, _ = picture(mesh, corners, np.tile([0.0, 0, -1], (4, 1)), Material(chequers), light)
    assert (np.abs(made.image.astype(int) - encoded(0.3)) <= 2).all()


@pytest.mark.parametrize("nearest", [2.0, -0.5])
def test_one_sees_through_holes(nearest):
    """A sheet whose left half is cut out, whole or reaching behind the camera; another sheet behind it."""
    texture = np.full((8, 8, 4), 255, np.uint8)
    texture[:, :4, 3] = 127
    front = np.array([[-1.0, -1, 2], [-1, nearest + 1, nearest], [1, nearest + 1, nearest], [1, -1, 2]])
    back = np.array([[-3.0, -3, 3], [-3, 3, 3], [3, 3, 3], [3, -3, 3]])
    uv = np.array([[[0, 0], [0, 1], [1, 1]], [[0, 0], [1, 1], [1, 0]]], float)
    faces = [[0, 1, 2], [0, 2, 3]]
    sheets = [make_mesh(front, faces, uv, part=2), make_mesh(back, faces, material=1, part=3)]
    mesh, vertices = join_meshes(sheets), np.concatenate([front, back])
    samples = make_samples(8, SIZE, SIZE)
    rasterise(samples, mesh, vertices, K, materials=pack_materials([Material(texture), plain()]))
    parts = part_map(samples, mesh)
    assert np.array_equal(parts, np.where(np.arange(SIZE) < 16, 3, 2) * np.ones((SIZE, 1), int))
    solid = pack_materials([plain(), plain()])
    rasterise(samples, mesh, vertices, K, materials=solid)
    assert (part_map(samples, mesh) == 2).all()


def test_tinting_shares_textures():
    packed = pack_materials([plain(), plain((9, 9, 9))])
    other = packed.tinted(1, (0.5, 0.25, 1.0))
    assert other.texels is packed.texels
    assert other.parameters[1, 5:].tolist() == [0.5, 0.25, 1.0]
    assert packed.parameters[1, 5:].tolist() == [1.0, 1.0, 1.0]


def test_a_texture_that_cannot_be_packed_is_described():
    with pytest.raises(ValueError, match=r"texture is uint8 of shape \(3, 4, 3\)"):
        pack_materials([Material(np.zeros((3, 4, 3), np.uint8))])
    with pytest.raises(ValueError, match="gloss is 9"):
        pack_materials([plain(gloss=9)])
    with pytest.raises(ValueError, match="needs one at least"):
        pack_materials([])


@pytest.mark.parametrize("supersampling", [1, 2, 3, 4])
def test_pixels_are_averages_of_samples_over_the_background(supersampling):
    """Every sample has the same colour here, so that a pixel follows from how much of it is covered."""
    rng = np.random.default_rng(0)
    background = rng.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    even = Light((0, 0, -1), UP, key=(0, 0, 0), sky=(0.5, 0.4, 0.3), ground=(0.5, 0.4, 0.3))
    mesh, vertices, normals = ball(splits=3)
    made, workspace = picture(mesh, vertices, normals, plain(), even, background, supersampling=supersampling)
    s = supersampling
    offsets = np.arange(-2 * s, 3 * s) + (0.5 - s / 2)
    weights = np.maximum(1 - np.abs(offsets) / s, 0)
    weights /= weights.sum()
    padded = np.pad(workspace.samples.triangle >= 0, 2 * s).astype(float)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5 * s, 5 * s))[::s, ::s]
    share = windows @ weights @ weights
    assert np.abs(made.coverage - 255 * share).max() <= 0.51
    blended = share[..., None] * [0.5, 0.4, 0.3] + (1 - share[..., None]) * DECODE[background]
    assert np.abs(made.image - encoded(blended)).max() <= 1
    assert np.array_equal(made.image[share == 0], background[share == 0])
    assert filter_taps(s).sum() == pytest.approx(1.0)


def test_wrong_arguments_are_told():
    mesh, vertices, normals = ball(splits=1)
    with pytest.raises(ValueError, match=r"background is uint8 \(5, 5, 3\)"):
        picture(mesh, vertices, normals, plain(), Light((0, 0, -1), UP), background=GREY[:5, :5])
    with pytest.raises(ValueError, match="material 1 of 1"):
        picture(*ball(splits=1, material=1), plain(), Light((0, 0, -1), UP))
    with pytest.raises(ValueError, match="directions that are not zero"):
        picture(mesh, vertices, normals, plain(), Light((0, 0, 0), UP))


def test_numbers_that_are_not_finite_are_refused():
    mesh, vertices, normals = ball(splits=1)
    bad = normals.copy()
    bad[7, 1] = np.nan
    with pytest.raises(ValueError, match="normal and occlusion of vertex 7"):
        picture(mesh, vertices, bad, plain(), Light((0, 0, -1), UP))
    far = vertices.copy()
    far[7, 1] = np.inf
    with pytest.raises(ValueError, match="vertices must be finite"):
        picture(mesh, far, normals, plain(), Light((0, 0, -1), UP))
    with pytest.raises(ValueError, match="must be finite"):
        pack_materials([plain(specular=np.nan)])
    with pytest.raises(ValueError, match="must be finite"):
        make_mesh(vertices, mesh.triangles, uv=np.full((len(mesh), 3, 2), np.inf))


def test_one_body_part_shades_another():
    """A small ball between the light and a wall: its shadow on the wall is where rays to the light meet it."""
    wall = np.array([[-1.0, -1, 2.5], [-1, 1, 2.5], [1, 1, 2.5], [1, -1, 2.5]])
    direction = np.array([-0.6, -0.5, -1.0])
    small, centre = sphere((-0.15, -0.1, 2.2), 0.12, 4), np.array([-0.15, -0.1, 2.2])
    mesh = join_meshes([make_mesh(wall, [[0, 1, 2], [0, 2, 3]]), make_mesh(*small)])
    vertices = np.concatenate([wall, small[0]])
    normals = np.concatenate([np.tile([0.0, 0, -1], (4, 1)), (small[0] - centre) / 0.12])
    light = Light(tuple(direction), UP, key=(0.6, 0.6, 0.6), sky=(0, 0, 0), ground=(0, 0, 0), softness=0.0)
    made, workspace = picture(mesh, vertices, normals, plain(specular=0.0), light, supersampling=2)
    samples = np.isin(workspace.samples.triangle, [0, 1]).astype(np.uint8)
    # all samples that a pixel is averaged of
    whole = cv2.erode(samples, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    on_wall = whole.reshape(SIZE, 2, SIZE, 2).all(axis=(1, 3))
    points = sample_rays(K, (SIZE, SIZE), 1) * 2.5
    towards = direction / np.linalg.norm(direction)
    offset = points - centre
    missed_by = np.linalg.norm(offset - (offset @ towards)[..., None] * towards, axis=-1)
    value = made.image[..., 0].astype(int)
    assert (on_wall & (missed_by < 0.05)).sum() > 5
    assert (value[on_wall & (missed_by < 0.05)] == 0).all()
    full = encoded(0.6 * -towards[2])
    assert (np.abs(value[on_wall & (missed_by > 0.18)] - full) <= 1).all()


GROUND = 0.5
"""Metres from the camera down to the ground in the tests below."""


def shadow_on_ground(height, softness, size=96, radius=0.1, direction=(-0.4, -1.0, 0.3)):
    """Red channel on the ground, ground points and the ball's centre; the ball's lowest point is at `height`."""
    centre = np.array([0.0, GROUND - height - radius, 2.0])
    vertices, triangles = sphere(centre, radius, 4)
    mesh = make_mesh(vertices, triangles)
    light = Light(direction, UP, key=(1.0, 1.0, 1.0), sky=(0.5, 0.5, 0.5), softness=softness)
    k = np.array([[90.0, 0, (size - 1) / 2], [0, 90.0, 20.0], [0, 0, 1]])
    background = np.full((size, size, 3), 200, np.uint8)
    workspace = make_workspace(len(vertices), size, 2)
    materials = pack_materials([plain()])
    made = render(
        workspace,
        mesh,
        vertices,
        (vertices - centre) / radius,
        materials,
        k,
        light,
        background,
        ground=-GROUND,
    )
    rays = sample_rays(k, (size, size), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        points = rays * (GROUND / rays[..., 1:2])
    free = (made.coverage == 0) & (rays[..., 1] > 0)
    return made.image[..., 0], points, centre, free, np.asarray(direction) / np.linalg.norm(direction)


def test_the_shadow_on_the_ground_is_where_rays_to_a_small_light_meet_the_body():
    value, points, centre, free, towards = shadow_on_ground(height=0.3, softness=0.0)
    offset = points - centre
    with np.errstate(invalid="ignore"):
        missed_by = np.linalg.norm(offset - (offset @ towards)[..., None] * towards, axis=-1)
    dark, bright = free & (missed_by < 0.085), free & (missed_by > 0.115)
    slant = -towards[1]
    expected = encoded(DECODE[200] * 0.5 / (0.5 + slant))
    assert dark.sum() > 15
    assert np.abs(value[dark] - expected).max() <= 3
    assert (value[bright] == 200).all()
    above = points[..., 1] < 0
    assert (value[above & free] == 200).all()


def test_half_shadows_widen_with_the_distance_and_keep_their_amount():
    lost = []
    widths = []
    for height in (0.3, 0.9):
        value, points, _, free, towards = shadow_on_ground(height, softness=0.06, direction=(0.0, -1.0, 0.35))
        loss = 1 - DECODE[value] / DECODE[200]
        amount = loss / (-towards[1] / (0.5 - towards[1]))
        half = free & (amount > 0.1) & (amount < 0.9)
        widths.append(half.sum() / (free & (amount > 0.5)).sum())
        ground = free & (points[..., 2] > 0) & (points[..., 2] < 50)
        # the ground's area behind a pixel grows as the cube of its depth
        lost.append((amount[ground] * points[ground][:, 2] ** 3).sum())
    assert widths[1] > 1.5 * widths[0]
    assert lost[1] == pytest.approx(lost[0], rel=0.15)


def test_a_body_darkens_the_ground_that_it_touches():
    direction = (0.0, 0.2, -1.0)  # from below the horizon: no shadow of the key light
    touching, points, centre, free, _ = shadow_on_ground(0.0, 0.05, direction=direction)
    away = np.hypot(points[..., 0] - centre[0], points[..., 2] - centre[2])
    near, far = free & (away < 0.13), free & (away > 0.5)
    assert near.sum() > 3
    assert touching[near].max() < 190
    assert (touching[far] == 200).all()
    aloft, _, _, free, _ = shadow_on_ground(0.5, 0.05, direction=direction)
    assert (aloft[free] == 200).all()


def test_no_ground_no_shadow_and_the_same_bytes_again():
    mesh, vertices, normals = ball(splits=3, radius=0.2)
    workspace = make_workspace(len(vertices), SIZE, 2)
    materials, light = pack_materials([plain((180, 130, 110))]), Light((-0.4, -1.0, 0.3), UP)

    def made(ground):
        return render(workspace, mesh, vertices, normals, materials, K, light, GREY, ground=ground)

    bare, shadowed = made(None), made(-0.25)
    outside = bare.coverage == 0
    assert (bare.image[outside] == 120).all()
    assert (shadowed.image[outside] < 120).any()
    assert np.array_equal(made(None).image, bare.image)
    assert np.array_equal(made(-0.25).image, shadowed.image)


def test_depth_map_takes_the_nearest_and_part_map_the_most_frequent():
    corners = np.zeros((3, 3))
    mesh = make_mesh(corners, [[0, 1, 2]] * 3, part=[5, 6, 7])
    samples = make_samples(3, 1, 4, 2)
    #                        majority     tie: nearest     tie with nothing    nothing
    samples.triangle[:] = [[0, 1, 0, 2, -1, 1, -1, -1], [1, 1, 0, 2, -1, 1, -1, -1]]
    depth = np.array([[2, 3, 2, 4, np.inf, 3, np.inf, np.inf], [3, 3, 8, 1, np.inf, 3, np.inf, np.inf]])
    samples.inverse_depth[:] = 1 / depth
    assert depth_map(samples).tolist() == [[2.0, 1.0, 3.0, np.inf]]
    assert part_map(samples, mesh).tolist() == [[6, 7, 6, 0]]


def test_maps_of_a_picture_agree_with_traced_rays():
    near, far = ball(0.15, 3, (0.1, 0.05, 1.5), part=4), ball(0.4, 3, part=9)
    mesh = join_meshes([near[0], far[0]])
    vertices = np.concatenate([near[1], far[1]])
    _, workspace = picture(mesh, vertices, np.concatenate([near[2], far[2]]), plain(), Light((0, 0, -1), UP))
    seen, depth, _, clear = trace(sample_rays(K, (SIZE, SIZE), 1), vertices, mesh.triangles)
    sure = clear > 0.02
    assert np.allclose(depth_map(workspace.samples)[sure], depth[sure], rtol=0.01)
    expected = np.where(seen >= 0, mesh.part[seen], 0)
    parts = part_map(workspace.samples, mesh)
    assert np.mean(parts == expected) > 0.99
    assert set(np.unique(parts)) == {0, 4, 9}
