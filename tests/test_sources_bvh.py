from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from source_samples import TINY_BVH, tiny_bvh

from synth.skeletons import H36M17
from synth.sources import catalog
from synth.sources.bvh import forward_kinematics, read_clip, rest_positions
from synth.sources.bvh_text import parse_bvh
from synth.sources.records import DamagedItemError, MotionClip

ARM = """HIERARCHY
ROOT a
{{
  OFFSET 1 0 0
  CHANNELS {root}
  JOINT b
  {{
    OFFSET 0 2 0
    CHANNELS {joint}
    End Site
    {{
      OFFSET 0 1 0
    }}
  }}
}}
MOTION
Frames: 1
Frame Time: .0083333
{values}
"""


def _points(root: str, joint: str, values: str) -> np.ndarray:
    skeleton, motion, _ = parse_bvh(ARM.format(root=root, joint=joint, values=values))
    return forward_kinematics(skeleton, motion)[0]


@pytest.mark.parametrize("order", ["ZYX", "XYZ", "ZXY", "YXZ"])
def test_rotations_multiply_in_the_files_order(order: str) -> None:
    channels = "3 " + " ".join(f"{letter}rotation" for letter in order)
    points = _points(channels, channels, "10 20 30 40 50 60")
    first = Rotation.from_euler(order, [10, 20, 30], degrees=True)  # upper case: intrinsic
    second = first * Rotation.from_euler(order, [40, 50, 60], degrees=True)
    np.testing.assert_allclose(points[1], np.add(first.apply([0, 2, 0]), [1, 0, 0]), atol=1e-12)
    np.testing.assert_allclose(points[2] - points[1], second.apply([0, 1, 0]), atol=1e-12)


def test_position_channels_of_a_joint_are_absolute_or_added() -> None:
    root, joint = (
        "6 Xposition Yposition Zposition Zrotation Yrotation Xrotation",
        "3 Zposition Yposition Xposition",
    )
    absolute = _points(root, joint, "0 0 5 0 0 0 0 2.1 0")
    np.testing.assert_allclose(absolute, [[1, 0, 5], [1, 2.1, 5], [1, 3.1, 5]])
    added = _points(root, joint, "0 0 5 0 0 0 0.1 0 0")
    np.testing.assert_allclose(added, [[1, 0, 5], [1, 2, 5.1], [1, 3, 5.1]])


def test_joints_of_the_tiny_person_in_metres() -> None:
    joints, fps = read_clip(tiny_bvh(turn=90), "tiny.bvh")
    assert fps == 30
    assert joints.shape == (2, 17, 3)
    expected = {
        "pelvis": (0, 0.9, 0),
        "left_knee": (0.1, 0.5, 0),
        "right_ankle": (-0.1, 0.1, 0),
        "spine": (0, 1.15, 0),
        "thorax": (0, 1.4, 0),
        "neck": (0, 1.5, 0),
        "head": (0, 1.65, 0),
        "left_shoulder": (0.15, 1.35, 0),
        "left_elbow": (0.43, 1.35, 0),
        "right_wrist": (-0.68, 1.35, 0),
    }
    for joint, position in expected.items():
        np.testing.assert_allclose(joints[0, H36M17.index(joint)], position, atol=1e-12, err_msg=joint)
    np.testing.assert_allclose(joints[1, H36M17.index("left_wrist")], (0.43, 1.6, 0), atol=1e-12)


def test_joints_of_another_naming_and_unit() -> None:
    names = {
        "UpLeg": "Hip",
        "Leg": "Knee",
        "Foot": "Ankle",
        "Shoulder": "Collar",
        "ForeArm": "Elbow",
        "Hand": "Wrist",
    }
    text = tiny_bvh()
    for side in ("Left", "Right"):
        for old, new in names.items():
            text = text.replace(f"JOINT {side}{old}\n", f"JOINT Person:{side.upper()}_{new}\n")
        text = text.replace(f"JOINT {side}Arm\n", f"JOINT Person:{side.upper()}_Shoulder\n")
    assert "LeftLeg" not in text
    joints, _ = read_clip(text, "named.bvh")
    np.testing.assert_array_equal(joints, read_clip(tiny_bvh(), "tiny.bvh")[0])
    inches = "\n".join(
        f"OFFSET {' '.join(str(float(word) / 2.54) for word in line.split()[1:4])}"
        if "OFFSET" in line and "{" not in line
        else line
        for line in tiny_bvh().replace("0 90 0", f"0 {90 / 2.54} 0").splitlines()
    )
    np.testing.assert_allclose(read_clip(inches, "inches.bvh")[0][0, :8], joints[0, :8], atol=1e-9)


def test_a_skeleton_that_stands_along_z_is_turned_upright() -> None:
    def turned(line: str) -> str:
        if "OFFSET" not in line:
            return line
        head, tail = line.split("OFFSET")
        x, y, z, *rest = tail.split()
        return f"{head}OFFSET {x} {-float(z)} {y} {' '.join(rest)}"

    text = "\n".join(map(turned, tiny_bvh().splitlines())).replace("\n0 90 0", "\n0 0 90")
    np.testing.assert_allclose(read_clip(text, "z.bvh")[0], read_clip(tiny_bvh(), "y.bvh")[0], atol=1e-12)


def test_no_neck_bone_gives_the_middle_of_the_shoulders() -> None:
    joints, _ = read_clip(tiny_bvh().replace("JOINT Neck", "JOINT Upper"), "x.bvh")
    np.testing.assert_allclose(joints[0, H36M17.index("thorax")], (0, 1.35, 0), atol=1e-12)
    np.testing.assert_allclose(joints[0, H36M17.index("neck")], (0, 1.5, 0), atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ("JOINT LeftLeg", "JOINT LeftThing", "skeleton lacks a joint", "no left knee"),
        ("JOINT Head", "JOINT Top", "skeleton lacks a joint", "no head"),
        ("Zrotation Yrotation Xrotation", "Zrotation Yrotation Yrotation", "bad axis order", "line 5"),
        ("OFFSET 10 0 0", "OFFSET 10 o 0", "malformed BVH", "line 8: 'o'"),
        ("Frames: 2", "Frames: 3", "truncated file", "3 frames of"),
        ("Frames: 2", "Frames: 1", "wrong number of values", "1 frames of"),
        ("0 90 0", "0 ninety 0", "not a number", "'ninety'"),
        ("0 90 0", "0 inf 0", "not a finite number", "'inf'"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "malformed BVH", "frame time '0'"),
        ("MOTION", "MOTIONS", "truncated file", "no MOTION"),
    ],
)
def test_damaged_files(old: str, new: str, reason: str, detail: str) -> None:
    with pytest.raises(DamagedItemError, match=detail) as caught:
        read_clip(tiny_bvh().replace(old, new, 1), "x.bvh")
    assert caught.value.reason == reason


def test_the_message_names_the_line_of_a_bad_number() -> None:
    text = tiny_bvh()
    line = len(TINY_BVH.splitlines()) + 2
    cut = text.rstrip().rsplit(" ", 1)[0] + " x\n"
    with pytest.raises(DamagedItemError, match=f"x.bvh line {line}: 'x'"):
        read_clip(cut, "x.bvh")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_off_anywhere_is_refused(share: float) -> None:
    text = tiny_bvh().rstrip()
    with pytest.raises(DamagedItemError) as caught:
        read_clip(text[: int(len(text) * share) - 1], "x.bvh")
    assert caught.value.reason in ("truncated file", "malformed BVH", "skeleton lacks a joint")


def test_rest_positions_are_sums_of_offsets() -> None:
    skeleton, _, _ = parse_bvh(tiny_bvh())
    rest = rest_positions(skeleton)
    assert rest[skeleton.names.index("LeftHand.end")].tolist() == [76, 45, 0]


def test_cmus_conversion_agrees_with_its_original(data_root: Path) -> None:
    """Legs are equal; all above the back is shifted by the thorax bone that the conversion lacks."""

    def clip(source: str) -> MotionClip:
        [item] = [i for i in catalog.motion_items(source, data_root) if "/02_02." in i.name]
        result = catalog.read_item(item)
        assert isinstance(result, MotionClip)
        return result

    original, converted = clip("cmu"), clip("bvh")
    assert (original.subject, original.fps) == (converted.subject, converted.fps) == ("02", 120)
    apart = np.linalg.norm(original.joints - converted.joints, axis=-1)
    lower = H36M17.indices(
        ["pelvis", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle"]
    )
    upper = H36M17.indices(["thorax", "neck", "head", "left_shoulder", "right_elbow", "left_wrist"])
    assert apart[:, lower].max() < 1e-4
    assert np.ptp(apart[:, upper]) < 1e-3
    assert apart[:, upper].mean() == pytest.approx(0.117, abs=0.002)
