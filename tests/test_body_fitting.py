"""Bodies put into poses: which joints coincide, and that nothing depends on frame, side or batch."""

from __future__ import annotations

import numpy as np
import pytest

from synth.body.archive import load_body
from synth.body.fit_problem import ROTATED_PARTS, body_scale
from synth.body.fitting import fit_pose, posed_joints
from synth.body.shapes import make_shape, sample_people
from synth.errors import InputError
from synth.geometry import axis_angle_to_matrix
from synth.skeletons import H36M17
from synth.sources import acclaim, amc, asf
from synth.sources.files import read_file, text_of
from synth.sources.humanoid import h36m17_weights
from synth.sources.part_rotations import part_rotations

BODY = load_body()
PEOPLE = sample_people(BODY, np.random.default_rng(0), 3, years=(20, 50))
SHAPE = make_shape(BODY, PEOPLE.coefficients[0])
EXACT = H36M17.indices(
    f"{side}_{joint}" for side in ("left", "right") for joint in ("knee", "ankle", "elbow", "wrist")
)
MIRROR = np.diag([-1.0, 1.0, 1.0])


def own_joints():
    return BODY.joint_weights.astype(np.float64) @ np.concatenate([SHAPE.heads, SHAPE.landmarks])


def crouch():
    """Own joints with the left knee and both elbows bent and the body leaning."""
    joints = own_joints()
    at = {name: joints[n].copy() for n, name in enumerate(H36M17.joints)}
    lean = axis_angle_to_matrix((0.3, 0.2, 0.1))
    for name in ("spine", "thorax", "neck", "head"):
        at[name] = at["pelvis"] + lean @ (at[name] - at["pelvis"])
    for side in ("left", "right"):
        shoulder = at["pelvis"] + lean @ (at[f"{side}_shoulder"] - at["pelvis"])
        at[f"{side}_shoulder"] = shoulder
        at[f"{side}_elbow"] = shoulder + np.array([0.1, -0.05, 0.25]) @ (
            MIRROR if side == "right" else np.eye(3)
        )
        at[f"{side}_wrist"] = at[f"{side}_elbow"] + np.array([0.0, 0.22, 0.08])
    at["left_knee"] = at["left_hip"] + np.array([0.05, -0.2, 0.35])
    at["left_ankle"] = at["left_knee"] + np.array([0.0, -0.4, -0.05])
    return np.stack([at[name] for name in H36M17.joints])


def bone_rotation(transforms, bone):
    linear = transforms[BODY.bone(bone), :, :3].astype(np.float64)
    u, _, vt = np.linalg.svd(linear)
    return u @ vt


def test_the_rest_pose_fits_itself():
    transforms = fit_pose(BODY, SHAPE, own_joints(), curl=0)
    assert body_scale(BODY, SHAPE, own_joints()[None]) == pytest.approx(1)
    np.testing.assert_allclose(posed_joints(BODY, SHAPE, transforms), own_joints(), atol=1e-5)
    rest = BODY.skin.vertices.at(SHAPE.coefficients)
    for matrix in transforms:
        moved = rest[::50] @ matrix[:, :3].T + matrix[:, 3]
        np.testing.assert_allclose(moved, rest[::50], atol=2e-4)


def test_limbs_end_on_the_given_joints():
    found = posed_joints(BODY, SHAPE, fit_pose(BODY, SHAPE, crouch()))
    np.testing.assert_allclose(found[EXACT], crouch()[EXACT], atol=1e-5)


def test_bones_meet_at_their_joints():
    transforms = fit_pose(BODY, SHAPE, crouch()).astype(np.float64)
    points = np.concatenate([SHAPE.heads, np.ones((len(SHAPE.heads), 1))], axis=1)
    for bone, parent in enumerate(BODY.parents):
        name = BODY.bones[bone]
        # the bones of one limb segment turn about its axis, beside which their heads lie
        if parent < 0 or name.endswith(("_2", "_shoulder", "_clavicle", "neck_3", "thigh_1", "upper_arm_1")):
            continue
        gap = np.linalg.norm(transforms[bone] @ points[bone] - transforms[parent] @ points[bone])
        assert gap < 0.03, name


def test_elbows_and_knees_bend_about_their_hinges():
    joints = crouch()
    transforms = fit_pose(BODY, SHAPE, joints)
    at = dict(zip(H36M17.joints, joints, strict=True))
    shin, thigh = (bone_rotation(transforms, f"left_{bone}") for bone in ("shin_1", "thigh_2"))
    hinge = np.cross(at["left_knee"] - at["left_hip"], at["left_ankle"] - at["left_knee"])
    relative = shin @ thigh.T
    axis = np.array([relative[2, 1], relative[0, 2], relative[1, 0]]) - np.array(
        [relative[1, 2], relative[2, 0], relative[0, 1]]
    )
    cosine = axis @ hinge / np.linalg.norm(axis) / np.linalg.norm(hinge)
    # the hip lies half-way to the body's own, so that the hinge differs by a little
    assert cosine > 0.97
    # the knee cap looks forward, where the leg is bent from
    assert (thigh @ (0, 0, 1))[2] > 0.3


def test_a_turned_pose_gives_turned_matrices():
    turn, shift = axis_angle_to_matrix((1.0, -2.0, 0.5)), np.array([1.0, 2.0, 3.0])
    before = fit_pose(BODY, SHAPE, crouch(), up=(0, 1, 0)).astype(np.float64)
    after = fit_pose(BODY, SHAPE, crouch() @ turn.T + shift, up=turn @ (0, 1, 0)).astype(np.float64)
    expected = turn @ before
    expected[..., 3] += shift
    np.testing.assert_allclose(after, expected, atol=2e-5)


def test_a_mirrored_pose_gives_mirrored_matrices():
    before = fit_pose(BODY, SHAPE, crouch(), up=(0, 1, 0)).astype(np.float64)
    after = fit_pose(BODY, SHAPE, (crouch() @ MIRROR)[H36M17.mirror], up=(0, 1, 0)).astype(np.float64)
    expected = before[BODY.mirror]
    expected = MIRROR @ np.concatenate([expected[..., :3] @ MIRROR, expected[..., 3:]], axis=-1)
    np.testing.assert_allclose(after, expected, atol=2e-3)


def test_a_pose_twice_as_large_is_a_body_twice_as_large():
    small, large = (fit_pose(BODY, SHAPE, crouch() * size) for size in (1.0, 2.0))
    np.testing.assert_allclose(large, 2 * small, atol=1e-4)


def test_frames_are_fitted_alike_alone_and_together():
    frames = np.stack([own_joints(), own_joints() @ axis_angle_to_matrix((0, 1, 0)).T])
    together = fit_pose(BODY, SHAPE, frames, up=(0, 1, 0))
    for frame, transforms in zip(frames, together, strict=True):
        np.testing.assert_allclose(fit_pose(BODY, SHAPE, frame, up=(0, 1, 0)), transforms, atol=1e-5)


def test_people_are_fitted_alike_alone_and_together():
    people = make_shape(BODY, PEOPLE.coefficients)
    frames = np.stack([own_joints(), crouch(), 1.1 * own_joints()])
    together = fit_pose(BODY, people, frames)
    joints = posed_joints(BODY, people, together)
    for number, (frame, transforms) in enumerate(zip(frames, together, strict=True)):
        alone = make_shape(BODY, PEOPLE.coefficients[number])
        np.testing.assert_allclose(fit_pose(BODY, alone, frame), transforms, atol=1e-5)
        np.testing.assert_allclose(posed_joints(BODY, alone, transforms), joints[number], atol=1e-6)
    with pytest.raises(InputError, match="3 people and 2 poses"):
        fit_pose(BODY, people, frames[:2])


def test_feet_are_level_where_the_ankle_allows():
    sole = {name: SHAPE.landmarks[BODY.landmarks.index(f"left_{name}")] for name in ("heel", "toe_tip")}
    rest = np.subtract(sole["toe_tip"], sole["heel"])
    joints = own_joints()
    tilt = axis_angle_to_matrix((0.25, 0, 0))
    for up, expected in ((None, (tilt @ rest)[1]), ((0, 1, 0), rest[1])):
        transforms = fit_pose(BODY, SHAPE, joints @ tilt.T, up=up)
        foot = transforms[BODY.bone("left_foot"), :, :3] @ rest
        assert foot[1] == pytest.approx(expected, abs=0.012)


def test_a_fist_is_closed():
    flat, closed = (fit_pose(BODY, SHAPE, own_joints(), curl=curl) for curl in (0.0, 1.0))
    number = BODY.landmarks.index("left_middle_tip")
    tip, wrist = SHAPE.landmarks[number], SHAPE.heads[BODY.bone("left_hand")]
    distance = [
        np.linalg.norm(t[BODY.bone("left_middle_3")] @ (*tip, 1) - t[BODY.bone("left_hand")] @ (*wrist, 1))
        for t in (flat, closed)
    ]
    assert distance[1] < 0.65 * distance[0]


def test_recorded_rotations_decide_where_face_and_palms_look():
    turn = axis_angle_to_matrix((0, 0.8, 0))
    transforms = fit_pose(BODY, SHAPE, own_joints(), {"head": turn, "left_hand": turn})
    np.testing.assert_allclose(bone_rotation(transforms, "head"), turn, atol=1e-5)
    upright = fit_pose(BODY, SHAPE, own_joints(), {"left_hand": np.eye(3)}, curl=0)
    hand = [SHAPE.heads[BODY.bone(f"left_{bone}")] for bone in ("hand", "middle_1")]
    along = bone_rotation(upright, "left_hand") @ (hand[1] - hand[0])
    np.testing.assert_allclose(along / np.linalg.norm(along), (1, 0, 0), atol=1e-5)


def test_senseless_input_is_refused():
    with pytest.raises(InputError, match="expected finite"):
        fit_pose(BODY, SHAPE, np.zeros((16, 3)))
    with pytest.raises(InputError, match="expected finite"):
        fit_pose(BODY, SHAPE, np.full((17, 3), np.nan))
    with pytest.raises(InputError, match="coincide"):
        fit_pose(BODY, SHAPE, np.zeros((17, 3)))
    with pytest.raises(InputError, match="no body part tail"):
        fit_pose(BODY, SHAPE, own_joints(), {"tail": np.eye(3)})


@pytest.fixture(scope="module")
def recorded(data_root):
    """Joints and part rotations of some frames of clips of several subjects."""
    archive = data_root / "cmu" / "allasfamc.zip"
    found = []
    for subject, clip in (("01", "01_02"), ("02", "02_01"), ("09", "09_06"), ("131", None)):
        if clip is None or not archive.is_file():
            continue
        folder = f"all_asfamc/subjects/{subject}"
        skeleton = asf.parse_asf(text_of(read_file(archive, f"{folder}/{subject}.asf")))
        motion = amc.parse_amc(text_of(read_file(archive, f"{folder}/{clip}.amc")), skeleton)[::60]
        tree, landmarks = acclaim.landmarks(skeleton, clip)
        points = acclaim.forward_kinematics(skeleton, motion)
        found.append((h36m17_weights(tree, landmarks) @ points, part_rotations(skeleton, motion)))
    if not found:
        pytest.skip(f"{archive} is not there")
    return found


@pytest.mark.parametrize("with_rotations", [False, True])
def test_recorded_poses(recorded, with_rotations):
    for joints, rotations in recorded:
        shape = make_shape(BODY, PEOPLE.coefficients[1])
        transforms = fit_pose(BODY, shape, joints, rotations if with_rotations else None, up=(0, 1, 0))
        wrong = np.linalg.norm(posed_joints(BODY, shape, transforms) - joints, axis=-1)
        assert wrong[:, EXACT].max() < 1e-4
        assert np.median(wrong) < 0.015
        girdle = H36M17.indices(["left_hip", "right_hip", "left_shoulder", "right_shoulder"])
        assert wrong[:, girdle].mean() < 0.03
        assert np.isfinite(transforms).all()
        # no bone is stretched or squeezed beyond what bodies differ by
        stretch = np.linalg.norm(transforms[..., :3].astype(np.float64), ord=2, axis=(-2, -1))
        assert 0.85 < stretch.min() < stretch.max() < 1.5


def test_parts_have_the_names_of_the_fit(recorded):
    for _, rotations in recorded:
        assert set(rotations) == set(ROTATED_PARTS)
