"""One picture of one person: shape, clothes, pose, surroundings and light brought together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.body.archive import PARTS, Body
from synth.body.backgrounds import Background, background, develop, sample_grade
from synth.body.fitting import posed_joints
from synth.body.render import Workspace, make_workspace, render
from synth.body.shapes import People, Shape, make_shape
from synth.body.skinning import skin_with_normals
from synth.body.visibility import visible_points
from synth.body.wardrobe import Appearance, rest_vertices
from synth.cameras import BOX, project_camera_points
from synth.skeletons import H36M17

MAX_VERTICES = 48_000
"""More than the vertices of the most heavily dressed person."""

Surroundings = Callable[[np.random.Generator, ArrayLike, ArrayLike, ArrayLike, ArrayLike, int], Background]
"""Draws a background for (rng, K, R, t, foot, size), as `backgrounds.background` does."""

_MEAN_STATURE = 1.68

_OWNERS = {
    "pelvis": ("torso", "thigh"),
    "hip": ("torso", "thigh"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
    "spine": ("torso",),
    "thorax": ("torso", "neck"),
    "neck": ("neck", "torso", "head"),
    "head": ("head",),
    "shoulder": ("torso", "upper_arm", "neck"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
}
"""Body parts whose surface doesn't hide a joint. Limbs of the other side do."""

_RADII = {
    **{"pelvis": 0.21, "hip": 0.19, "knee": 0.13, "ankle": 0.1, "spine": 0.23, "thorax": 0.2},
    **{"neck": 0.13, "head": 0.13, "shoulder": 0.14, "elbow": 0.11, "wrist": 0.08},
}
"""How deep joints lie below skin and clothes, metres on a body of mean stature."""


@dataclass(frozen=True)
class Person:
    """A dressed person, ready to be posed.

    Parameters
    ----------
    shape : Shape
        Skeleton at rest.
    appearance : Appearance
        Skin, hair and clothes.
    rest : (V, 3) float32
        All surfaces at rest, metres.
    size : float
        Stature relative to a mean adult's.
    """

    shape: Shape
    appearance: Appearance
    rest: NDArray[np.float32]
    size: float


@dataclass(frozen=True)
class Photo:
    """A picture of a person and what is known about it.

    Parameters
    ----------
    image : (S, S, 3) uint8
        sRGB.
    coverage : (S, S) uint8
        Share of each pixel that the person covers, in 255ths.
    joints3d : (17, 3) float64
        The body's own joints of `H36M17`, camera frame, metres.
    joints2d : (17, 2) float64
        Their pixels.
    visible : (17,) bool
        Whether the joint is seen: inside the picture and hidden by no other part of the body.
    """

    image: NDArray[np.uint8]
    coverage: NDArray[np.uint8]
    joints3d: NDArray[np.float64]
    joints2d: NDArray[np.float64]
    visible: NDArray[np.bool_]


def make_person(body: Body, people: People, number: int, appearance: Appearance) -> Person:
    """Put clothes on one of several people."""
    size = float(people.stature[number]) / _MEAN_STATURE
    coefficients = people.coefficients[number]
    return Person(
        make_shape(body, coefficients), appearance, rest_vertices(appearance, coefficients, size), size
    )


def make_studio(size: int = BOX, supersampling: int = 2) -> Workspace:
    """Buffers that fit every person; make them once."""
    return make_workspace(MAX_VERTICES, size, supersampling)


def photograph_person(
    rng: np.random.Generator,
    body: Body,
    person: Person,
    transforms: NDArray[np.float32],
    camera: tuple[ArrayLike, ArrayLike, ArrayLike],
    studio: Workspace,
    surroundings: Background | Surroundings = background,
    ground: float | None = None,
) -> Photo:
    """Render a person in surroundings, with their light, a shadow on the ground, and a camera's flaws.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of surroundings, grade and noise.
    body : Body
        The body model.
    person : Person
        Who is shown.
    transforms : (B, 3, 4) float32
        Bone matrices in the camera frame.
    camera : (K, R, t)
        Pinhole camera; the world has y up.
    studio : Workspace
        From `make_studio`. Afterwards it holds what is seen, for `depth_map` and `part_map`.
    surroundings : Background or callable, optional
        Instead of random ones; called, as `background` is, with the person's place on the ground.
    ground : float, optional
        Height of the ground in the world; by default the person's lowest point.

    Returns
    -------
    Photo
    """
    K, R, t = (np.asarray(a, dtype=np.float64) for a in camera)
    appearance = person.appearance
    vertices, normals = skin_with_normals(
        person.rest, appearance.bones, appearance.weights, appearance.triangles, transforms
    )
    up = R[:, 1]
    heights = vertices @ up.astype(np.float32)
    level = float(heights.min()) if ground is None else ground + float(up @ t)
    if not isinstance(surroundings, Background):
        side = studio.samples.triangle.shape[0] // studio.samples.supersampling
        foot = R.T @ (vertices.mean(axis=0) - t)
        foot[1] = level - up @ t
        surroundings = surroundings(rng, K, R, t, foot, side)
    picture = render(
        studio, appearance.mesh, vertices, normals, appearance.materials, K, surroundings.light,
        surroundings.image, level if surroundings.ground_seen else None,
    )  # fmt: skip
    joints = posed_joints(body, person.shape, transforms)
    seen = visible_joints(person, transforms, joints, K, studio)
    image = develop(rng, picture.image, sample_grade(rng))
    return Photo(image, picture.coverage, joints, project_camera_points(K, joints[None])[0], seen)


def visible_joints(
    person: Person,
    transforms: NDArray[np.float32],
    joints: NDArray[np.float64],
    K: ArrayLike,
    studio: Workspace,
) -> NDArray[np.bool_]:
    """Whether joints (17, 3) of a person, camera frame, are seen in what was rendered last, (17,) bool.

    A joint lies inside the body: the surface of its own part of the body, up to as far above it as that part
    is thick, doesn't hide it.
    """
    scale = float(np.linalg.norm(transforms[0, :, 1])) * person.size
    return visible_points(studio.samples, joints, K, _radii() * scale, person.appearance.mesh, _owners())


@lru_cache(maxsize=1)
def _radii() -> NDArray[np.float64]:
    return np.array([_RADII[_kind(joint)] for joint in H36M17.joints])


def _kind(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


@lru_cache(maxsize=1)
def _owners() -> NDArray[np.bool_]:
    """Whether a part (of 256 numbers) belongs to each joint: parts in the middle and those of its own side."""
    owned = np.zeros((len(H36M17), 256), bool)
    for row, joint in enumerate(H36M17.joints):
        side = joint.partition("_")[0] if joint != _kind(joint) else ""
        for part, name in enumerate(PARTS):
            owned[row, part] = _kind(name) in _OWNERS[_kind(joint)] and (not side or _on_side(name, side))
    return owned


def _on_side(part: str, side: str) -> bool:
    return part.startswith(side) or part == _kind(part)
