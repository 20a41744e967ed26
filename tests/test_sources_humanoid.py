from __future__ import annotations

import numpy as np
import pytest
from source_samples import CMU_UNIT, tiny_asf

from synth.skeletons import H36M17
from synth.sources.acclaim import landmarks
from synth.sources.asf import parse_asf
from synth.sources.humanoid import check_plausible, find_part, h36m17_weights, plain_name
from synth.sources.records import DamagedItemError


def _standing() -> np.ndarray:
    tree, named = landmarks(parse_asf(tiny_asf()), "x.asf")
    return h36m17_weights(tree, named) @ tree.rest


def test_every_joint_of_cmus_skeleton() -> None:
    expected = {
        "pelvis": (0, 0, 0),
        "right_hip": (-2, 0, 0),
        "right_knee": (-2, -7, 0),
        "right_ankle": (-2, -14, 0),
        "left_hip": (2, 0, 0),
        "left_knee": (2, -7, 0),
        "left_ankle": (2, -14, 0),
        "spine": (0, 4, 0),
        "thorax": (0, 7, 0),
        "neck": (0, 9, 0),
        "head": (0, 11, 0),
        "left_shoulder": (3, 6, 0),
        "left_elbow": (8, 6, 0),
        "left_wrist": (12, 6, 0),
        "right_shoulder": (-3, 6, 0),
        "right_elbow": (-8, 6, 0),
        "right_wrist": (-12, 6, 0),
    }
    assert list(expected) == list(H36M17.joints)
    np.testing.assert_allclose(_standing() / CMU_UNIT, list(expected.values()), atol=1e-12)


def test_the_spine_is_half_way_where_the_back_has_no_joint_there() -> None:
    asf = tiny_asf().replace(
        "length 2\n axis 0 0 0 XYZ\nend\nbegin\n id 8", "length 0\n axis 0 0 0 XYZ\nend\nbegin\n id 8"
    )
    asf = asf.replace(
        "name upperback\n direction 0 1 0\n length 2", "name upperback\n direction 0 1 0\n length 0.5"
    )
    asf = asf.replace(
        "name thorax\n direction 0 1 0\n length 2", "name thorax\n direction 0 1 0\n length 4.5"
    )
    tree, named = landmarks(parse_asf(asf), "x.asf")
    joints = h36m17_weights(tree, named) @ tree.rest / CMU_UNIT
    np.testing.assert_allclose(
        joints[H36M17.indices(["spine", "thorax"])], [[0, 3, 0], [0, 6, 0]], atol=1e-12
    )


@pytest.mark.parametrize(
    ("bone", "joint"),
    [("rfemur", "right knee"), ("ltibia", "left ankle"), ("lradius", "left wrist"), ("head", "head")],
)
def test_a_missing_bone_is_named(bone: str, joint: str) -> None:
    asf = tiny_asf().replace(f"name {bone}", "name spare").replace(f" {bone}\n", " spare\n")
    asf = asf.replace(f" {bone} ", " spare ")
    with pytest.raises(DamagedItemError, match=f"skeleton lacks a joint: x.asf: no {joint}"):
        landmarks(parse_asf(asf), "x.asf")


def test_names() -> None:
    assert plain_name("mixamorig:Left_Arm") == "leftarm"
    assert plain_name("Bip01 L Thigh") == "lthigh"
    names = {"lthigh": 3, "leftleg": 4, "forearmr": 5}
    assert find_part(names, "left", ("upleg", "thigh")) == 3
    assert find_part(names, "right", ("forearm",)) == 5
    assert find_part(names, "right", ("leg",)) is None


@pytest.mark.parametrize("scale", [0.2, 4.0])
def test_what_cannot_be_a_human_is_refused(scale: float) -> None:
    joints = _standing()[None]
    check_plausible(joints, "x")
    with pytest.raises(DamagedItemError, match=r"implausible scale: x: .* measures"):
        check_plausible(joints * scale, "x")


def test_kilometres_and_what_is_not_finite_are_refused() -> None:
    joints = np.repeat(_standing()[None], 3, axis=0)
    joints[2] += [1500, 0, 0]
    with pytest.raises(DamagedItemError, match="implausible scale: x: a joint lies 1501 m from the origin"):
        check_plausible(joints, "x")
    joints[1, 4, 1] = np.nan
    with pytest.raises(DamagedItemError, match="not a finite number"):
        check_plausible(joints, "x")
