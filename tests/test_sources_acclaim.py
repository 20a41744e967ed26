from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from source_samples import ASF_HEAD, CMU_UNIT, tiny_amc, tiny_asf

from synth.sources.acclaim import forward_kinematics, rest_positions
from synth.sources.amc import parse_amc
from synth.sources.asf import parse_asf
from synth.sources.files import list_files, read_file, stem, text_of
from synth.sources.records import DamagedItemError


def _chain(root: str = "", bone: str = "", units: str = "length 0.0254") -> str:
    """Two bones of length 1 along y, the second with the lines of `bone`; metres unless said otherwise."""
    return f"""
:hierarchy
  begin
  root a
  a b
  end
:bonedata
  begin
    dof {"" if "dof" in bone else "rz"}
    name a
    direction 0 1 0
    length 1
    axis 0 0 0
  end
  begin
    name b
    direction 0 1 0
    length 1
    {bone}
  end
:root
  axis XYZ
  order TX TY TZ RX RY RZ
  position 0 0 0
  orientation 0 0 0
  {root}
:units
  {units}
"""


def _end(asf: str, amc: str) -> list[float]:
    skeleton = parse_asf(asf)
    return forward_kinematics(skeleton, parse_amc(amc, skeleton))[-1, 2].round(9).tolist()


def test_agrees_with_another_program(data_root: Path, reference_root: Path) -> None:
    reference = np.load(reference_root / "fk_dev.npz")
    archives = [data_root / "cmu" / "allasfamc.zip", data_root / "hdm05" / "hdm05_asfamc.zip"]
    members = {stem(name): (root, name) for root in archives for name in list_files(root, ".asf", ".amc")}
    for clip in map(str, reference["clips"]):
        asf = clip[:6] if clip.startswith("HDM") else clip.split("_")[0]
        skeleton = parse_asf(text_of(read_file(*members[asf])))
        motion = parse_amc(text_of(read_file(*members[clip])), skeleton)
        positions = forward_kinematics(skeleton, motion)
        bones = [skeleton.names.index(name) for name in reference[f"{clip}__bone_names"]]
        expected = reference[f"{clip}__positions_m"]
        found = positions[reference[f"{clip}__frames"]][:, bones]
        assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()
        some = forward_kinematics(skeleton, motion, {bones[9], bones[19]})
        np.testing.assert_array_equal(some[:, [bones[9], bones[19]]], positions[:, [bones[9], bones[19]]])


def test_rest_pose_of_the_tiny_skeleton() -> None:
    skeleton = parse_asf(tiny_asf())
    rest = dict(zip(skeleton.names, rest_positions(skeleton) / CMU_UNIT, strict=True))
    np.testing.assert_allclose(rest["ltibia"], [2, -14, 0], atol=1e-12)
    np.testing.assert_allclose(rest["rradius"], [-12, 6, 0], atol=1e-12)


def test_sections_in_any_order_crlf_and_upper_case() -> None:
    asf, amc = _chain(), ":DEGREES\n1\nroot 1 2 3 0 0 0\na 90\n"
    assert _end(asf, amc) == [-1, 2, 3]
    shouted = asf.upper().replace("\n", "\r\n"), amc.upper().replace("\n", "\r\n")
    assert _end(*shouted) == [-1, 2, 3]


@pytest.mark.parametrize(
    ("units", "metres"),
    [("length 0.45", CMU_UNIT), ("mass 1\n angle deg", 0.0254), ("angle deg\n length 1.0\n mass 1", 0.0254)],
)
def test_units(units: str, metres: float) -> None:
    assert _end(_chain(units=units), "1\nroot 0 0 0 0 0 0\na 0\n") == [0, round(2 * metres, 9), 0]


def test_angles_in_radians_and_the_amcs_own_unit() -> None:
    radians = _chain(units="length 0.0254\n angle rad")
    frame = "1\nroot 0 0 0 0 0 0\na {}\n"
    assert _end(radians, frame.format(np.pi / 2)) == [-2, 0, 0]
    assert _end(radians, ":DEGREES\n" + frame.format(90)) == [-2, 0, 0]
    assert _end(_chain(), ":RADIANS\n" + frame.format(np.pi / 2)) == [-2, 0, 0]


def test_order_of_the_roots_channels_is_not_the_order_of_rotation() -> None:
    asf = _chain("order RZ RY RX TZ TY TX")
    expected = np.add(Rotation.from_euler("xyz", [30, 20, 10], degrees=True).apply([0, 2, 0]), [3, 2, 1])
    np.testing.assert_allclose(_end(asf, "1\nroot 10 20 30 1 2 3\na 0\n"), expected, atol=1e-8)
    expected = np.add(Rotation.from_euler("zyx", [10, 20, 30], degrees=True).apply([0, 2, 0]), [3, 2, 1])
    asf = _chain("order RZ RY RX TZ TY TX\n axis ZYX")
    np.testing.assert_allclose(_end(asf, "1\nroot 10 20 30 1 2 3\na 0\n"), expected, atol=1e-8)


def test_axis_and_channel_order_of_a_bone() -> None:
    asf = _chain(bone="axis 10 20 30 YZX\n dof rz rx ry")
    axis = Rotation.from_euler("yzx", [20, 30, 10], degrees=True)
    turn = Rotation.from_euler("yzx", [6, 4, 5], degrees=True)
    expected = np.add((axis * turn * axis.inv()).apply([0, 1, 0]), [0, 1, 0])
    np.testing.assert_allclose(_end(asf, "1\nroot 0 0 0 0 0 0\nb 4 5 6\n"), expected, atol=1e-8)


def test_root_position_and_orientation() -> None:
    asf = _chain("position 5 0 0\n orientation 0 0 90")
    assert _end(asf, "1\nroot 0 0 1 0 0 0\na 0\n") == [3, 0, 1]


def test_length_and_translation_channels() -> None:
    frame = "1\nroot 0 0 0 0 0 0\nb {}\n"
    assert _end(_chain(bone="dof rz l"), frame.format("90 0.5")) == [-1.5, 1, 0]
    assert _end(_chain(bone="axis 0 0 90\n dof tx ty"), frame.format("2 0")) == [0, 4, 0]


def test_direction_that_is_not_of_unit_length() -> None:
    asf = _chain().replace("direction 0 1 0\n    length 1\n    \n", "direction 0 3 4\n    length 5\n")
    assert _end(asf, "1\nroot 0 0 0 0 0 0\na 0\n") == [0, 4, 4]


def test_frames_in_unusual_but_legal_order() -> None:
    asf = _chain()
    root = "root 0 0 0 0 0 0\n"
    amc = f"# comment\n:FULLY-SPECIFIED\n:DEGREES\n\n7\n{root}a 0\n3\na 90 # turned\n\n{root}"
    skeleton = parse_asf(asf)
    np.testing.assert_allclose(parse_amc(amc, skeleton)[:, 6], [0, np.pi / 2])
    regular = "1\nroot 1 2 3 4 5 6\na 7\n2\nroot 1e1 2 3 4 5 6\na -.7\n"
    commented = regular.replace("a 7", "# between\na 7")
    np.testing.assert_array_equal(parse_amc(regular, skeleton), parse_amc(commented, skeleton))


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ("axis XYZ", "axis XXZ", "bad axis order", "X.ASF line 12: axis 'XXZ' is not a permutation"),
        ("axis 0 0 0 XYZ", "axis 0 0 0 YX", "bad axis order", "line 21"),
        ("order TX TY TZ RX RY RZ", "order TX TY TZ RX RY RY", "bad axis order", "line 11"),
        ("dof rx ry rz", "dof rx ry rw", "bad axis order", "line 29"),
        ("length 0.45", "length zero", "malformed ASF", "'zero' is not a positive number|length zero"),
        ("direction 0 -1 0", "direction 0 nan 0", "malformed ASF", "line 26"),
        (" root lhipjoint", " root hipjoint", "unknown bone", "hipjoint"),
        (" root rhipjoint", " rtibia rhipjoint", "malformed ASF", "hangs on itself"),
        (" name rfemur", " name lfemur", "malformed ASF", "used twice"),
        (":hierarchy", ":documentation", "truncated file", "no :hierarchy"),
    ],
)
def test_damaged_skeletons(old: str, new: str, reason: str, detail: str) -> None:
    text = tiny_asf().replace(old, new, 1)
    assert text != tiny_asf()
    with pytest.raises(DamagedItemError, match=detail) as caught:
        parse_asf(text, "X.ASF")
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ("\nrfemur 0 0 0", "", "bone missing in a frame", "X.AMC line 4: frame 1 lacks rfemur"),
        (
            "\nrfemur 0 0 0",
            "\nrfemur 0 0",
            "wrong number of values",
            "line 8: bone rfemur.*rx ry rz.*found 2",
        ),
        ("\nrfemur 0 0 0", "\nrfemurs 0 0 0", "unknown bone", "line 8: 'rfemurs'"),
        ("\nrfemur 0 0 0", "\nrfemur 0 zero 0", "not a number", "line 8: '0 zero 0'"),
        ("\nrfemur 0 0 0", "\nrfemur 0 nan 0", "not a finite number", "line 8"),
        (
            "\nrfemur 0 0 0",
            "\nrfemur 0 0 0\nrfemur 0 0 0",
            "malformed AMC",
            "line 9: bone rfemur occurs twice",
        ),
        ("\n1\nroot", "\nroot", "malformed AMC", "line 4: 'root' before the first frame"),
    ],
)
def test_damaged_motions(old: str, new: str, reason: str, detail: str) -> None:
    with pytest.raises(DamagedItemError, match=detail) as caught:
        parse_amc(tiny_amc().replace(old, new, 1), parse_asf(tiny_asf()), "X.AMC")
    assert caught.value.reason == reason


def test_a_motion_cut_off_anywhere_in_its_last_frame_is_refused() -> None:
    skeleton, text = parse_asf(tiny_asf()), tiny_amc(frames=2)
    last_frame = text.rindex("\n2\n") + 1
    whole = len(text.rstrip())
    for end in range(last_frame + 1, whole):
        with pytest.raises(DamagedItemError) as caught:
            parse_amc(text[:end], skeleton)
        assert caught.value.reason == "truncated file", text[:end][-30:]
    assert len(parse_amc(text[:whole], skeleton)) == 2


def test_an_empty_motion_is_refused() -> None:
    with pytest.raises(DamagedItemError, match="no frames"):
        parse_amc(":FULLY-SPECIFIED\n:DEGREES\n", parse_asf(tiny_asf()))


def test_unknown_words_in_a_skeleton_are_named() -> None:
    with pytest.raises(DamagedItemError, match="X line 2: the root has no 'oder'"):
        parse_asf(":root\n oder TX\n", "X")
    with pytest.raises(DamagedItemError, match="belongs to no known section"):
        parse_asf("nonsense\n" + ASF_HEAD, "X")
