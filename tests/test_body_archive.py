"""The body archive: what is in it, that it is sound, and that writing and reading agree."""

from __future__ import annotations

import numpy as np
import pytest

from synth.body.archive import ARCHIVE, PARTS, LinearPoints, load_body, save_body
from synth.errors import InputError
from synth.skeletons import H36M17

BODY = load_body()
MESHES = ("skin", "suit", "skirt", "hair")


def test_the_archive_is_small():
    assert ARCHIVE.stat().st_size < 2_000_000


def test_meshes():
    assert tuple(BODY.meshes) == MESHES
    assert 5_000 < len(BODY.skin.vertices) < 14_000


@pytest.mark.parametrize("name", MESHES)
def test_triangles_name_vertices_that_are_there(name):
    mesh = BODY.meshes[name]
    assert mesh.triangles.min() == mesh.uv_triangles.min() == 0
    assert mesh.triangles.max() == len(mesh.vertices) - 1
    assert mesh.uv_triangles.max() == len(mesh.uv) - 1
    assert (mesh.triangles[:, 0] != mesh.triangles[:, 1]).all()
    assert mesh.triangles.shape == mesh.uv_triangles.shape == (len(mesh.parts), 3)
    assert 0 <= mesh.uv.min() < mesh.uv.max() <= 1
    assert 1 <= mesh.parts.min() <= mesh.parts.max() < len(PARTS)


@pytest.mark.parametrize("name", MESHES)
def test_weights_fall_and_sum_to_one(name):
    mesh = BODY.meshes[name]
    np.testing.assert_allclose(mesh.weights.sum(axis=1), 1, atol=1e-6)
    assert (np.diff(mesh.weights, axis=1) <= 0).all()
    assert mesh.weights.min() >= 0
    assert mesh.bones.max() < len(BODY.bones)


def test_the_skin_is_one_closed_surface_but_for_mouth_and_eyes():
    edges = np.sort(BODY.skin.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    _, counts = np.unique(edges, axis=0, return_counts=True)
    assert counts.max() == 2
    assert (counts == 1).mean() < 0.02


def test_every_part_of_the_body_is_there_and_where_it_belongs():
    mesh = BODY.skin
    centres = mesh.vertices.mean[mesh.triangles].mean(axis=1)
    middle = {
        part: centres[mesh.parts == number].mean(axis=0) for number, part in enumerate(PARTS) if number > 0
    }
    assert middle["head"][1] > middle["neck"][1] > middle["torso"][1] > middle["left_thigh"][1]
    assert middle["left_thigh"][1] > middle["left_shin"][1] > middle["left_foot"][1]
    assert middle["left_upper_arm"][0] < middle["left_forearm"][0] < middle["left_hand"][0]
    for part, centre in middle.items():
        if part.startswith("left_"):
            mirrored = middle["right_" + part.removeprefix("left_")]
            np.testing.assert_allclose(centre * (-1, 1, 1), mirrored, atol=0.01)


def test_bones_are_a_tree_with_parents_first():
    assert BODY.parents[0] == -1
    assert (BODY.parents[1:] < np.arange(1, len(BODY.bones))).all()
    assert BODY.bones[BODY.parents[BODY.bone("left_shin_1")]] == "left_thigh_2"
    assert BODY.bones[BODY.parents[BODY.bone("right_index_1")]] == "right_hand"


def test_bones_are_symmetric():
    np.testing.assert_array_equal(BODY.mirror[BODY.mirror], np.arange(len(BODY.bones)))
    np.testing.assert_allclose(BODY.heads.mean[BODY.mirror] * (-1, 1, 1), BODY.heads.mean, atol=5e-4)


def test_joints_of_the_mean_person():
    np.testing.assert_allclose(BODY.joint_weights.sum(axis=1), 1, atol=1e-6)
    points = np.concatenate([BODY.heads.mean, BODY.landmark_points.mean])
    joints = dict(zip(H36M17.joints, BODY.joint_weights @ points, strict=True))
    heights = [joints[name][1] for name in ("head", "neck", "thorax", "spine", "pelvis")]
    assert (np.diff(heights) < -0.05).all()
    assert joints["left_hip"][0] > 0 > joints["right_hip"][0]
    np.testing.assert_allclose(joints["pelvis"], (joints["left_hip"] + joints["right_hip"]) / 2, atol=1e-6)
    assert joints["head"][1] == pytest.approx(BODY.skin.vertices.mean[:, 1].max(), abs=0.005)


def test_faces_look_forward():
    at = dict(zip(BODY.landmarks, BODY.landmark_points.mean, strict=True))
    assert at["nose"][2] > at["left_eye"][2] > at["left_ear"][2]
    assert at["left_toe_tip"][2] > at["left_heel"][2] + 0.15
    assert at["left_eye"][0] > 0


def test_points_move_linearly():
    points = LinearPoints(
        np.array([[0, 0, 1]], dtype=np.float32), np.array([[[1, 0, 0]], [[0, 2, 0]]], dtype=np.float32)
    )
    np.testing.assert_array_equal(points.at((3, 4)), [[3, 8, 1]])
    assert points.at(np.zeros((5, 6, 2))).shape == (5, 6, 1, 3)


def test_written_and_read_again(tmp_path):
    save_body(BODY, tmp_path / "body.npz")
    again = load_body(tmp_path / "body.npz")
    assert again.bones == BODY.bones
    assert again.landmarks == BODY.landmarks
    np.testing.assert_array_equal(again.grid.corners, BODY.grid.corners)
    for name in MESHES:
        one, two = BODY.meshes[name], again.meshes[name]
        np.testing.assert_array_equal(one.triangles, two.triangles)
        np.testing.assert_array_equal(one.bones, two.bones)
        np.testing.assert_allclose(one.weights, two.weights, atol=1e-7)
        np.testing.assert_allclose(one.uv, two.uv, atol=1e-6)
        np.testing.assert_allclose(one.vertices.components, two.vertices.components, atol=1e-7)


def test_arrays_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        BODY.skin.weights[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        BODY.heads.mean[0, 0] = 1


def test_a_damaged_archive_is_refused(tmp_path):
    path = tmp_path / "body.npz"
    path.write_bytes(ARCHIVE.read_bytes()[:5000])
    with pytest.raises(InputError, match="not a body archive"):
        load_body(path)
    with pytest.raises(InputError, match="not a body archive"):
        load_body(tmp_path / "missing.npz")


def test_another_format_is_refused(tmp_path):
    np.savez(tmp_path / "body.npz", format_version=np.int32(9))
    with pytest.raises(InputError, match="format 9"):
        load_body(tmp_path / "body.npz")
