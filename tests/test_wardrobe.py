"""Clothes, skin and hair: charts, cuts and coverage, what people wear, and a picture of one of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.body.archive import PARTS, load_body
from synth.body.charts import CHARTS, Axis, axes, chart_of, corner_coordinates, texels
from synth.body.complexion import SIDE, Complexion, face_map, skin_texture, texel_places
from synth.body.fabrics import FABRICS, Sheet, creases, drapes
from synth.body.fitting import fit_pose
from synth.body.garments import Shoes, Skirt, Trousers, make_shoes, make_skirt, make_top, make_trousers
from synth.body.hair import Hairdo, hairline, scalp_layer, scalp_texture
from synth.body.layers import coordinates, garment_layer, reach_at_corners, sampled, visible_skin
from synth.body.outfits import sample_outfit
from synth.body.palettes import HAIR_COLOURS, NEUTRALS, SKIN_TONES, hair_colour, pick, skin_tone
from synth.body.person import make_person, make_studio, photograph_person
from synth.body.resolve import part_map
from synth.body.shapes import make_shape, sample_people
from synth.body.skinning import vertex_normals
from synth.body.trimmings import Cloth, Top
from synth.body.wardrobe import dress, rest_vertices
from synth.cameras import Views, camera_for, project
from synth.rendering.retargeting import seen_from
from synth.skeletons import H36M17

RED, WHITE = np.array([0.7, 0.1, 0.1]), np.array([0.9, 0.9, 0.9])
COTTON = Cloth("plain", (RED, WHITE, WHITE), WHITE)
TEE = Top("t-shirt", "crew", 0.48, -0.03, 0.01)


def rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def test_a_straight_axis_unrolls_a_cylinder():
    axis = Axis(np.array([[0.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), np.array([0.0, 0.0, 1.0]), 1.0)
    points = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 1.0], [1.0, 0.5, 0.0], [-1.0, 0.0, 0.0]])
    located = axis.locate(points)
    assert located[:, 1].tolist() == [0.0, 0.5, 0.75, 1.0]
    assert located[:2, 0].tolist() == [0.5, 0.5]
    assert sorted(located[2:, 0].tolist()) == [0.25, 0.75]
    assert axis.height(np.array([0.25])).tolist() == [1.5]


def test_a_bent_axis_goes_on_round_its_bend():
    points = np.array([[0.0, 2.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]])
    axis = Axis(points, np.array([1.0, 0.0, 0.0]), 1.0)
    np.testing.assert_allclose(axis.locate(points)[:, 1], [0, 0.5, 1], atol=1e-12)
    np.testing.assert_allclose(axis.locate(np.array([[0.3, 1.0, 0.5]])), [[0.5, 0.75]], atol=1e-12)


def test_left_and_right_share_a_chart():
    mesh = load_body().meshes["suit"]
    points = mesh.vertices.mean.astype(float)
    charts = chart_of(mesh)
    mirrored = corner_coordinates(points * [-1, 1, 1], mesh.triangles, charts)
    limbs = np.isin(charts, [CHARTS.index(name) for name in ("arm", "leg", "foot")])
    np.testing.assert_allclose(
        mirrored[limbs], corner_coordinates(points, mesh.triangles, charts)[limbs], atol=1e-5
    )


def test_charts_of_the_body_lie_where_garments_expect_them():
    body = load_body()
    at = dict(zip(body.bones, body.heads.mean.astype(float), strict=True))
    arm, leg, torso = axes()["arm"], axes()["leg"], axes()["torso"]
    v = [arm.locate(at[f"left_{name}"][None])[0, 1] for name in ("upper_arm_1", "forearm_1", "hand")]
    np.testing.assert_allclose(v, [0.17, 0.55, 0.87], atol=0.05)
    v = [leg.locate(at[f"left_{name}"][None])[0, 1] for name in ("thigh_1", "shin_1", "foot")]
    np.testing.assert_allclose(v, [0.185, 0.54, 0.926], atol=0.02)
    assert torso.locate(np.array([[0.0, 0.2, 0.3]]))[0, 0] == pytest.approx(0.5)


def test_triangles_stay_on_one_side_of_the_wrap():
    where = coordinates("suit")
    flat = where.charts != CHARTS.index("foot")
    # only about the axis itself a triangle may go half round
    assert (np.ptp(where.uv[flat][..., 0], axis=1) < 0.3).mean() > 0.995


@pytest.mark.parametrize("fabric", list(FABRICS))
def test_every_fabric_is_a_picture(fabric):
    u, v = texels(64, 64)
    cloth = FABRICS[fabric](Sheet(u, v, u, v, rng(1)), (RED, WHITE, RED))
    assert cloth.shape == (64, 64, 3)
    assert -0.1 < cloth.min() < cloth.max() < 1.3
    assert 0.001 < cloth.std(axis=(0, 1)).mean() < 0.5


def test_folds_leave_the_mean_brightness():
    u, v = texels(256, 256)
    sheet = Sheet(u, v, u, v, rng(2))
    for shade in (creases(sheet, 1.0), drapes(sheet, 1.0, 9)):
        assert shade.mean() == pytest.approx(1, abs=0.02)
        assert 0.03 < shade.std() < 0.2


def test_cloth_ends_where_the_cut_ends():
    tee = make_top(rng(3), TEE, COTTON)
    torso = axes()["torso"]
    u, v = texels(256, 256)
    cloth = tee.textures["torso"][..., 3] >= 128
    in_front = np.abs(u - 0.5) < 0.002
    heights = torso.height(v[in_front & cloth])
    assert heights.min() == pytest.approx(-0.03, abs=0.004)
    assert heights.max() == pytest.approx(torso.height(np.array(0.175)), abs=0.005)
    _, v = texels(256, 128)
    assert v[tee.textures["arm"][..., 3] >= 128].max() == pytest.approx(0.48, abs=0.004)


def test_the_cut_out_is_where_the_reach_is_positive():
    garments = [
        make_top(rng(4), TEE, COTTON),
        make_trousers(rng(4), Trousers("shorts", 0.09, 0.5, 0.01, 0.01), COTTON),
        make_skirt(rng(4), Skirt("skirt", -0.3, 0.01, 0.03), COTTON),
        make_shoes(rng(4), Shoes("boots", 0.8, 1.0, 0.02), COTTON, RED, WHITE),
    ]
    for garment in garments:
        for chart, texture in garment.textures.items():
            clear = np.abs(garment.reach[chart]) > 1e-3
            assert ((texture[..., 3] >= 128) == (garment.reach[chart] > 0))[clear].all(), (
                garment.name,
                chart,
            )


def test_skin_below_clothes_is_left_out():
    skin = load_body().skin
    trousers = make_trousers(rng(5), Trousers("trousers", 0.09, 0.92, 0.01, 0.0), COTTON)
    seen = visible_skin([trousers])
    height = skin.vertices.mean[skin.triangles][..., 1]
    parts = np.array(PARTS)[skin.parts]
    thigh = np.char.endswith(parts, "thigh")
    assert not seen[thigh & (height < -0.2).all(axis=1)].any()
    assert seen[np.isin(parts, ["head", "left_hand", "right_foot"])].all()
    assert visible_skin([]).all()


def test_sleeves_leave_hands_and_short_ones_the_forearm():
    skin = load_body().skin
    forearm = skin.parts == PARTS.index("left_forearm")
    assert visible_skin([make_top(rng(6), TEE, COTTON)])[forearm].mean() > 0.95
    long = Top("shirt", "crew", 0.86, -0.03, 0.01)
    assert visible_skin([make_top(rng(6), long, COTTON)])[forearm].mean() < 0.45


def test_a_layer_lies_off_the_hull_by_its_ease():
    trousers = make_trousers(rng(7), Trousers("trousers", 0.09, 0.92, 0.012, 0.0), COTTON)
    layer = garment_layer(trousers, {"torso": 1, "leg": 2}, 0.003)
    hull = load_body().meshes["suit"]
    y = hull.vertices.mean[layer.index, 1]
    np.testing.assert_allclose(layer.offset[y < -0.3], 0.015, atol=1e-6)
    assert set(layer.material.tolist()) == {1, 2}
    assert y.max() < 0.17
    assert layer.triangles.max() + 1 == len(layer.index)


def test_reach_is_looked_up_chart_by_chart():
    where = coordinates("suit")
    inside = reach_at_corners({"leg": np.full((4, 4), 0.5, np.float32)}, where)
    leg = where.charts == CHARTS.index("leg")
    assert (inside[leg] == 0.5).all()
    assert (inside[~leg] == -1).all()
    field = np.arange(8).reshape(2, 4)
    uv = np.array([[0.1, 0.1], [1.1, 0.1], [-0.1, 0.9], [0.6, 7.0]], np.float32)
    assert sampled(field, uv).tolist() == [0, 0, 7, 6]


def test_sixty_people_in_a_row_wear_forty_outfits_and_each_what_suits_them():
    names = []
    for number in range(60):
        female, years = number % 2 == 0, (8.0, 35.0, 70.0)[number % 3]
        outfit = sample_outfit(rng(8, number), female, years)
        names.append(outfit.name)
        worn = {garment.name for garment in outfit.garments}
        if not female:
            assert not any("skirt" in name or "dress" in name for name in worn), outfit.name
        if years < 14:
            assert not any("suit" in name for name in worn), outfit.name
        assert any(garment.source == "skirt" or "leg" in garment.reach for garment in outfit.garments)
    assert len(set(names)) >= 40


def test_skin_tones_run_from_light_to_dark():
    assert (np.diff([tone.mean() for tone in SKIN_TONES]) < 0).all()
    tones = np.array([skin_tone(rng(9, n)) for n in range(200)])
    assert (tones[:, 0] > tones[:, 1]).all()
    assert (tones[:, 1] > tones[:, 2]).all()
    spread = np.quantile(tones.mean(axis=1), [0.1, 0.9])
    assert spread[0] < 0.35
    assert spread[1] > 0.65


def test_hair_greys_with_age_only():
    def saturation(years: float) -> float:
        colours = np.array([hair_colour(rng(10, n), 0.3, years) for n in range(200)])
        return float((np.ptp(colours, axis=1) / colours.max(axis=1)).mean())

    assert saturation(20) > 0.35
    assert saturation(85) < 0.5 * saturation(20)
    assert HAIR_COLOURS["white"].mean() > HAIR_COLOURS["black"].mean()


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10_000))
def test_picked_colours_stay_near_their_palette(seed):
    found = pick(rng(seed), NEUTRALS)
    assert min(np.abs(found - colour).max() for colour in NEUTRALS) < 0.25
    assert 0.05 <= found.min() <= found.max() <= 0.95


def test_texels_know_their_place_on_the_body():
    mesh = load_body().skin
    places, parts = texel_places()
    some = np.arange(0, len(mesh.triangles), 97)
    middle = mesh.uv[mesh.uv_triangles[some]].mean(axis=1)
    column = np.clip((middle[:, 0] * SIDE).astype(int), 0, SIDE - 1)
    row = np.clip(((1 - middle[:, 1]) * SIDE).astype(int), 0, SIDE - 1)
    expected = mesh.vertices.mean[mesh.triangles[some]].mean(axis=1)
    distance = np.linalg.norm(places[row, column] - expected, axis=1)
    assert np.median(distance) < 0.002
    assert np.mean(distance < 0.01) > 0.95
    assert (parts > 0).all()
    assert np.mean(parts[row, column] == mesh.parts[some]) > 0.95


def test_features_are_painted_where_they_belong():
    places, _ = texel_places()
    maps, body = face_map(), load_body()
    at = dict(zip(body.landmarks, body.landmark_points.mean, strict=True))
    lips, brows = places[maps.lips > 0.5], places[maps.brows > 0.5]
    assert (at["chin"][1] < lips[:, 1]).all()
    assert (lips[:, 1] < at["nose"][1]).all()
    assert (brows[:, 1] > at["left_eye"][1]).all()
    assert (np.abs(brows[:, 0]) > 0.005).all()
    bearded = places[maps.beard > 0.5]
    assert bearded[:, 1].max() < at["nose"][1]
    assert maps.eyes.sum() > 20


def test_skin_has_its_tone_and_eyes_are_lighter_than_dark_skin():
    look = Complexion(SKIN_TONES[-2], HAIR_COLOURS["black"], np.array([0.2, 0.1, 0.1]), 1.0, 1.0, 1.0, 0.5)
    texture = skin_texture(rng(11), look) / 255
    np.testing.assert_allclose(np.median(texture, axis=(0, 1)), SKIN_TONES[-2], atol=0.03)
    maps = face_map()
    assert texture[maps.eyes & (maps.iris < 0.1)].mean() > 0.7
    assert texture[maps.beard > 0.9].mean() < texture[maps.flush < 0.01].mean()


def test_hairline_is_symmetrical_and_recedes():
    u = np.linspace(0, 1, 101)
    np.testing.assert_allclose(hairline(u, 0.0), hairline(1 - u, 0.0))
    assert hairline(np.array(0.5), 1.0) < hairline(np.array(0.5), 0.0) - 0.1
    assert hairline(np.array(0.0), 1.0) == pytest.approx(hairline(np.array(0.0), 0.0), abs=0.01)


def test_hair_stays_off_the_face():
    style = Hairdo("short", HAIR_COLOURS["brown"], "none", RED)
    texture = scalp_texture(rng(12), style)
    body = load_body()
    at = dict(zip(body.landmarks, body.landmark_points.mean.astype(float), strict=True))
    for name in ("nose", "chin", "left_eye", "right_eye"):
        u, v = axes()["head"].locate(at[name])
        assert texture[min(int(v * 128), 127), int(u * 256), 3] < 128, name
    top = axes()["head"].locate(at["head_top"] + [0, -0.01, -0.05])
    assert texture[int(top[1] * 128), int(top[0] * 256) % 256, 3] >= 128
    layer = scalp_layer(rng(12), style, 3)
    assert 0.001 < layer.offset.min() < layer.offset.max() < 0.04


def test_dressing_depends_on_the_generator_alone():
    first, second = (dress(rng(13), True, 30.0) for _ in range(2))
    assert first.outfit == second.outfit
    assert (first.materials.texels == second.materials.texels).all()
    for one, other in zip(first.layers, second.layers, strict=True):
        assert (one.offset == other.offset).all()
    assert first.outfit != dress(rng(14), True, 30.0).outfit


def test_clothes_follow_the_shape():
    body = load_body()
    people = sample_people(body, rng(15), 2)
    worn = dress(rng(15), False, 30.0)
    rest = rest_vertices(worn, people.coefficients[0], 1.0)
    assert rest.shape == (worn.mesh.vertices, 3)
    assert len(worn.bones) == len(worn.weights) == len(rest)
    start = 0
    for layer in worn.layers:
        source = body.meshes[layer.source].vertices.at(people.coefficients[0])
        normals = vertex_normals(source, body.meshes[layer.source].triangles)
        moved = rest[start : start + len(layer.index)] - source[layer.index] - layer.shift
        along = np.einsum("vk,vk->v", moved, normals[layer.index])
        np.testing.assert_allclose(along, layer.offset, atol=1e-5)
        start += len(layer.index)
    assert start == len(rest)


def posed(body, person, joints, cameras):
    """Bone matrices in the camera's frame of a person whose joints are given in the world."""
    world = fit_pose(body, person.shape, joints, up=(0.0, 1.0, 0.0))
    return seen_from(world[None], cameras.R, cameras.t)[0]


@pytest.fixture(scope="module")
def scene():
    """A person standing as at rest, seen from the front."""
    body = load_body()
    people = sample_people(body, rng(16), 1, years=(30, 40))
    person = make_person(body, people, 0, dress(rng(16), bool(people.female[0]), 35.0))
    shape = make_shape(body, people.coefficients[0])
    joints = body.joint_weights @ np.concatenate([shape.heads, shape.landmarks])
    views = Views(*(np.array([value]) for value in (0.1, 0.1, 5.0, 0.0)))
    cameras = camera_for(joints[None], views)
    transforms = posed(body, person, joints, cameras)
    return body, person, transforms, cameras


def photograph(scene, key: int, studio):
    body, person, transforms, cameras = scene
    camera = (cameras.K[0], cameras.R[0], cameras.t[0])
    return photograph_person(rng(key), body, person, transforms, camera, studio)


def test_a_photograph_and_what_is_known_about_it(scene):
    _, person, _, cameras = scene
    studio = make_studio()
    photo = photograph(scene, 17, studio)
    assert photo.image.shape == (220, 220, 3)
    assert 0.05 < (photo.coverage > 127).mean() < 0.4
    world = (photo.joints3d - cameras.t[0]) @ cameras.R[0]
    np.testing.assert_allclose(photo.joints2d, project(cameras, world[None])[0], atol=1e-6)
    # upright and seen from the front: no joint hides behind another part
    assert photo.visible.all(), [
        joint for joint, seen in zip(H36M17.joints, photo.visible, strict=True) if not seen
    ]
    parts = part_map(studio.samples, person.appearance.mesh)
    column, row = np.rint(photo.joints2d[H36M17.index("left_knee")]).astype(int)
    assert PARTS[parts[row, column]] in ("left_thigh", "left_shin")


def test_photographs_depend_on_the_generator_alone(scene):
    studio = make_studio()
    first, other, again = (photograph(scene, key, studio) for key in (18, 19, 18))
    assert (first.image == again.image).all()
    assert (first.image != other.image).any()


def test_joints_behind_the_body_are_hidden(scene):
    body, person, _, _ = scene
    shape = person.shape
    joints = body.joint_weights @ np.concatenate([shape.heads, shape.landmarks])
    side = Views(*(np.array([value]) for value in (np.pi / 2, 0.0, 5.0, 0.0)))
    cameras = camera_for(joints[None], side)
    transforms = posed(body, person, joints, cameras)
    photo = photograph((body, person, transforms, cameras), 20, make_studio())
    seen = dict(zip(H36M17.joints, photo.visible.tolist(), strict=True))
    assert seen["left_shoulder"]
    assert seen["left_hip"]
    assert not seen["right_shoulder"]
    assert not seen["right_hip"]
