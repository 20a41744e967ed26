"""Tiny files in the publishers' formats, shared by the tests of the readers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

ASF_HEAD = """\
# a comment
:version 1.10
:name TINY
:units
  mass 1.0
  length 0.45
  angle deg
:documentation
  begin with nothing
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
"""

_BONES = (
    # name, parent, direction, length, dof
    ("lhipjoint", "root", "1 0 0", 2, ""),
    ("lfemur", "lhipjoint", "0 -1 0", 7, "rx ry rz"),
    ("ltibia", "lfemur", "0 -1 0", 7, "rx"),
    ("rhipjoint", "root", "-1 0 0", 2, ""),
    ("rfemur", "rhipjoint", "0 -1 0", 7, "rx ry rz"),
    ("rtibia", "rfemur", "0 -1 0", 7, "rx"),
    ("lowerback", "root", "0 1 0", 2, ""),
    ("upperback", "lowerback", "0 1 0", 2, ""),
    ("thorax", "upperback", "0 1 0", 2, ""),
    ("lowerneck", "thorax", "0 1 0", 1, ""),
    ("upperneck", "lowerneck", "0 1 0", 2, ""),
    ("head", "upperneck", "0 1 0", 2, "rx"),
    ("lclavicle", "thorax", "1 0 0", 3, ""),
    ("lhumerus", "lclavicle", "1 0 0", 5, "rx ry rz"),
    ("lradius", "lhumerus", "1 0 0", 4, "rx"),
    ("rclavicle", "thorax", "-1 0 0", 3, ""),
    ("rhumerus", "rclavicle", "-1 0 0", 5, "rx ry rz"),
    ("rradius", "rhumerus", "-1 0 0", 4, "rx"),
)

CMU_UNIT = 0.0254 / 0.45


def tiny_asf(head: str = ASF_HEAD, without: str = "") -> str:
    """A skeleton with the bones of CMU's that H36M-17 needs, in a T-pose."""
    bones = [bone for bone in _BONES if bone[0] != without]
    text = head
    for number, (name, _, direction, length, dof) in enumerate(bones, 1):
        text += (
            f"begin\n id {number}\n name {name}\n direction {direction}\n length {length}\n axis 0 0 0 XYZ\n"
        )
        text += (f" dof {dof}\n limits (-160 20)\n" if dof else "") + "end\n"
    text += ":hierarchy\nbegin\n"
    for name, parent, *_ in bones:
        text += f" {parent} {name}\n"
    return text + "end\n"


def tiny_amc(frames: int = 3, without: str = "") -> str:
    """A motion of that skeleton: frame k stands at height 16 and has moved k units along x."""
    lines = ["#!OML:ASF tiny", ":FULLY-SPECIFIED", ":DEGREES"]
    for k in range(frames):
        lines += [str(k + 1), f"root {k} 16 0 0 0 0"]
        for name, _, _, _, dof in _BONES:
            if dof and name != without:
                lines.append(" ".join([name, *["0"] * len(dof.split())]))
    return "\n".join(lines) + "\n"


TINY_BVH = """\
HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Yrotation Xrotation
  JOINT LeftUpLeg
  {
    OFFSET 10 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT LeftLeg
    {
      OFFSET 0 -40 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT LeftFoot
      {
        OFFSET 0 -40 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        End Site
        { OFFSET 0 0 10 }
      }
    }
  }
  JOINT RightUpLeg
  {
    OFFSET -10 0 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT RightLeg
    {
      OFFSET 0 -40 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT RightFoot
      {
        OFFSET 0 -40 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        End Site
        { OFFSET 0 0 10 }
      }
    }
  }
  JOINT Spine
  {
    OFFSET 0 25 0
    CHANNELS 3 Zrotation Yrotation Xrotation
    JOINT Neck
    {
      OFFSET 0 25 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT Head
      {
        OFFSET 0 10 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        End Site
        { OFFSET 0 15 0 }
      }
    }
    JOINT LeftShoulder
    {
      OFFSET 3 20 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT LeftArm
      {
        OFFSET 12 0 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        JOINT LeftForeArm
        {
          OFFSET 28 0 0
          CHANNELS 3 Zrotation Yrotation Xrotation
          JOINT LeftHand
          {
            OFFSET 25 0 0
            CHANNELS 3 Zrotation Yrotation Xrotation
            End Site
            { OFFSET 8 0 0 }
          }
        }
      }
    }
    JOINT RightShoulder
    {
      OFFSET -3 20 0
      CHANNELS 3 Zrotation Yrotation Xrotation
      JOINT RightArm
      {
        OFFSET -12 0 0
        CHANNELS 3 Zrotation Yrotation Xrotation
        JOINT RightForeArm
        {
          OFFSET -28 0 0
          CHANNELS 3 Zrotation Yrotation Xrotation
          JOINT RightHand
          {
            OFFSET -25 0 0
            CHANNELS 3 Zrotation Yrotation Xrotation
            End Site
            { OFFSET -8 0 0 }
          }
        }
      }
    }
  }
}
MOTION
Frames: 2
Frame Time: 0.0333333
"""

BVH_CHANNELS = TINY_BVH.count("CHANNELS") * 3 + 3
"""Channels of that skeleton: six of the root, three of every other joint."""


def tiny_bvh(*, turn: float = 0.0) -> str:
    """Two frames of a person in centimetres; in the second the left elbow is turned about z (degrees)."""
    still = ["0", "90", "0", *["0"] * (BVH_CHANNELS - 3)]
    joints = [line.split()[1] for line in TINY_BVH.splitlines() if line.split()[:1] in (["ROOT"], ["JOINT"])]
    moved = list(still)
    moved[3 + 3 * joints.index("LeftForeArm")] = str(turn)
    return TINY_BVH + " ".join(still) + "\n" + " ".join(moved) + "\n"


def write_image(path: Path, width: int, height: int) -> None:
    """A grey photograph, red in its top left corner."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[: height // 2, : width // 2] = (0, 0, 255)  # OpenCV writes BGR
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)
