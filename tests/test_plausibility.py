import numpy as np
import pytest

from synth.plausibility import PlausibilityLimits, implausible
from synth.skeletons import BODY13

# a standing person seen from the front, standard metres, y down: their right is on the picture's left
STANDING = {
    "head": (0.0, 0.0),
    "right_shoulder": (-0.19, 0.30),
    "left_shoulder": (0.19, 0.30),
    "right_elbow": (-0.22, 0.61),
    "left_elbow": (0.22, 0.61),
    "right_wrist": (-0.24, 0.86),
    "left_wrist": (0.24, 0.86),
    "right_hip": (-0.13, 0.80),
    "left_hip": (0.13, 0.80),
    "right_knee": (-0.14, 1.23),
    "left_knee": (0.14, 1.23),
    "right_ankle": (-0.15, 1.66),
    "left_ankle": (0.15, 1.66),
}


def faults(unlabelled=(), **moved):
    joints = np.array([[moved.get(joint, STANDING[joint]) for joint in BODY13.joints]])
    labelled = np.array([[joint not in unlabelled for joint in BODY13.joints]])
    found = implausible(joints, labelled, PlausibilityLimits())
    return [reason for reason, poses in found.items() if poses[0]]


def test_standing_person_is_plausible():
    assert faults() == []


def test_person_seen_from_behind_or_upside_down_is_plausible():
    behind = {joint: (-x, y) for joint, (x, y) in STANDING.items()}
    assert faults(**behind) == []
    assert faults(**{joint: (x, -y) for joint, (x, y) in STANDING.items()}) == []


@pytest.mark.parametrize(
    ("moved", "reason"),
    [
        ({"left_wrist": (0.7, 0.61)}, "limb too long"),
        ({"head": (0.0, -0.25)}, "head too far from the shoulders"),
        ({"left_shoulder": (0.43, 0.30)}, "shoulders too far apart"),
        ({"left_hip": (0.45, 0.75)}, "hips too far apart"),
        ({"left_hip": (0.13, 0.45)}, "torso sides too unequal"),
        ({"left_hip": (-0.13, 0.80), "right_hip": (0.13, 0.80)}, "left and right exchanged in the torso"),
    ],
)
def test_one_wrong_joint_is_found(moved, reason):
    assert reason in faults(**moved)


def test_knee_and_ankle_in_the_wrong_order_are_found():
    assert faults(left_knee=STANDING["left_ankle"], left_ankle=STANDING["left_knee"]) == ["limb too long"]


def test_collapsed_torso_is_found():
    middle = {f"{side}_{part}": (0.0, 0.5) for side in ("left", "right") for part in ("shoulder", "hip")}
    assert "torso collapsed" in faults(**middle)


def test_unlabelled_joints_break_no_limit():
    assert faults(left_wrist=(9.0, 9.0), unlabelled=["left_wrist"]) == []
    assert faults(left_shoulder=(9.0, 9.0), unlabelled=["left_shoulder"]) == []


def test_narrow_profile_with_crossed_sides_is_plausible():
    assert faults(right_hip=(0.03, 0.80), left_hip=(-0.03, 0.80)) == []
