"""Pictures of one or two posed people in surroundings, with exact joints and what hides them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import Body
from synth.body.backgrounds import Background, background, develop, sample_grade
from synth.body.fitting import posed_joints
from synth.body.person import Person, visible_joints
from synth.body.render import Workspace, render
from synth.body.skinning import skin_with_normals
from synth.cameras import project_camera_points
from synth.sources.demo_images.sittings import Sittings

_SHOT_STAGE, _COMPANY_STAGE = 24, 25
_COMPANY = 0.06
"""Share of photographs that show a second person."""

_GAP = 0.05
"""Metres of ground left free between two people who would stand in each other."""

_HIDDEN = 128


@dataclass(frozen=True)
class Camera:
    """A pinhole camera.

    Parameters
    ----------
    K, R, t : (3, 3), (3, 3), (3,) float64
        `pixel = K (R X + t) / z`, metres; the world has y up.
    """

    K: NDArray[np.float64]
    R: NDArray[np.float64]
    t: NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A posed person before a camera.

    Parameters
    ----------
    person : Person
        Who.
    transforms : (B, 3, 4) float32
        Bone matrices in the camera frame.
    vertices, normals : (V, 3) float32
        All surfaces, camera frame, metres.
    """

    person: Person
    transforms: NDArray[np.float32]
    vertices: NDArray[np.float32]
    normals: NDArray[np.float32]


@dataclass(frozen=True)
class Photograph:
    """A picture and the people in it.

    Parameters
    ----------
    image : (S, S, 3) uint8
        sRGB.
    joints : (P, 17, 2) float64
        Pixels of the joints of `H36M17` of each person, who is nearest last.
    visible : (P, 17) bool
        Whether nothing hides the joint.
    """

    image: NDArray[np.uint8]
    joints: NDArray[np.float64]
    visible: NDArray[np.bool_]


def photograph_all(
    body: Body, sittings: Sittings, people: Mapping[int, Person], studio: Workspace, seed: int
) -> Iterator[Photograph]:
    """Take the photographs of some sittings, one after the other.

    Parameters
    ----------
    body : Body
        The body model.
    sittings : Sittings
        N photographs to take.
    people : mapping of int to Person
        By number.
    studio : Workspace
        From `make_studio`, of the photographs' size.
    seed : int
        Each photograph's draws are keyed by it and the photograph's number.
    """
    for row, number in enumerate(sittings.images.tolist()):
        rows = [row, *_company(sittings, row, seed)]
        camera = Camera(sittings.cameras.K[row], sittings.cameras.R[row], sittings.cameras.t[row])
        figures = [pose(people[int(sittings.person[k])], sittings.transforms[k], camera) for k in rows]
        rng = np.random.default_rng([seed, _SHOT_STAGE, number])
        for other in figures[1:]:
            beside = _beside(rng, figures[0], other, camera)
            figures = [figures[0], beside] if _within(beside, camera.K, _side(studio)) else figures[:1]
        yield photograph(rng, body, figures, camera, studio, float(sittings.lift[row]))


def pose(person: Person, transforms: NDArray[np.float32], camera: Camera) -> Figure:
    """Pose a person before a camera.

    Parameters
    ----------
    person : Person
        Who.
    transforms : (B, 3, 4) float32
        Bone matrices in the world.
    camera : Camera
        Seen by which.
    """
    turned = camera.R @ transforms.astype(np.float64)
    turned[..., 3] += camera.t
    worn, matrices = person.appearance, turned.astype(np.float32)
    vertices, normals = skin_with_normals(person.rest, worn.bones, worn.weights, worn.triangles, matrices)
    return Figure(person, matrices, vertices, normals)


def photograph(
    rng: np.random.Generator,
    body: Body,
    figures: Sequence[Figure],
    camera: Camera,
    studio: Workspace,
    lift: float = 0.0,
) -> Photograph:
    """Photograph people in surroundings drawn at random.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of surroundings, exposure and noise.
    body : Body
        The body model.
    figures : sequence of Figure
        Whom; the first stands on the ground, or `lift` metres above it. Who stands behind somebody doesn't
        throw a shadow on them.
    camera : Camera
        With which the figures were posed.
    studio : Workspace
        From `make_studio`, of the photograph's size.
    lift : float
        Metres.
    """
    up = camera.R[:, 1]
    level = _lowest(figures[0], up) - lift
    foot = camera.R.T @ (figures[0].vertices.mean(axis=0) - camera.t)
    foot[1] = level - up @ camera.t
    scene = background(rng, camera.K, camera.R, camera.t, foot, _side(studio))
    order = sorted(figures, key=_distance, reverse=True) if len(figures) > 1 else figures
    image, joints, visible = _expose(body, order, camera.K, studio, scene, level)
    return Photograph(develop(rng, image, sample_grade(rng)), joints, visible)


def _expose(
    body: Body,
    figures: Sequence[Figure],
    K: NDArray[np.float64],
    studio: Workspace,
    scene: Background,
    level: float,
) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.bool_]]:
    """Render people one over the other, who is farthest first."""
    image = scene.image
    joints: list[NDArray[np.float64]] = []
    visible: list[NDArray[np.bool_]] = []
    for figure in figures:
        worn = figure.person.appearance
        ground = level if scene.ground_seen else None
        picture = render(
            studio, worn.mesh, figure.vertices, figure.normals, worn.materials, K, scene.light, image, ground
        )
        visible = [seen & ~_covered(picture.coverage, at) for seen, at in zip(visible, joints, strict=True)]
        points = posed_joints(body, figure.person.shape, figure.transforms)
        joints.append(project_camera_points(K, points[None])[0])
        visible.append(visible_joints(figure.person, figure.transforms, points, K, studio))
        image = picture.image
    return image, np.stack(joints), np.stack(visible)


def _distance(figure: Figure) -> float:
    return float(figure.vertices[:, 2].mean())


def _side(studio: Workspace) -> int:
    return studio.samples.triangle.shape[0] // studio.samples.supersampling


def _covered(coverage: NDArray[np.uint8], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether somebody nearer covers the pixels of points (J, 2)."""
    column, row = np.clip(np.rint(points), 0, np.array(coverage.shape[::-1]) - 1).astype(np.intp).T
    hidden: NDArray[np.bool_] = coverage[row, column] >= _HIDDEN
    return hidden


def _company(sittings: Sittings, row: int, seed: int) -> list[int]:
    """Row of a second person for one photograph in many; mostly there is none."""
    rng = np.random.default_rng([seed, _COMPANY_STAGE, int(sittings.images[row])])
    if rng.random() >= _COMPANY:
        return []
    others = np.flatnonzero(sittings.person != sittings.person[row])
    return [int(rng.choice(others))] if len(others) else []


def _beside(rng: np.random.Generator, first: Figure, second: Figure, camera: Camera) -> Figure:
    """Move the second person to the first one's left or right and rather behind, on the same ground."""
    up = camera.R[:, 1]
    sideways = np.array([1.0, 0.0, 0.0]) - up[0] * up
    sideways /= np.linalg.norm(sideways)
    away = np.cross(up, sideways)
    # seen from above, away from the camera is up in the picture
    away *= 1.0 if away[2] > 0 else -1.0
    middle = first.vertices.mean(axis=0)
    apart = rng.uniform(0.9, 1.2)
    sideways *= rng.choice([-1.0, 1.0])
    goal = middle + sideways * apart
    move = goal + away * rng.uniform(0.0, 0.3) * middle[2] - second.vertices.mean(axis=0)
    move += up * (_lowest(first, up) - _lowest(second, up) - up @ move)
    ground = np.stack([sideways, away], axis=1)
    move += sideways * _overlap(first.vertices @ ground, (second.vertices + move) @ ground)
    return moved(second, move)


def _overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """How far points (N, 2) must go along the first axis until their box is beyond that of others (M, 2)."""
    beyond, before = second.min(axis=0) - first.max(axis=0), first.min(axis=0) - second.max(axis=0)
    if (np.maximum(beyond, before) >= 0).any():
        return 0.0
    return float(_GAP - beyond[0])


def moved(figure: Figure, by: NDArray[np.float64]) -> Figure:
    """Shift a figure by (3,) metres in the camera frame."""
    shift = by.astype(np.float32)
    transforms = figure.transforms.copy()
    transforms[..., 3] += shift
    return replace(figure, transforms=transforms, vertices=figure.vertices + shift)


def _within(figure: Figure, K: NDArray[np.float64], side: int) -> bool:
    """Whether a person is in the picture as a whole."""
    pixels = project_camera_points(K, figure.vertices[None])[0]
    return bool((figure.vertices[:, 2] > 1.0).all() and (pixels >= 0).all() and (pixels <= side - 1).all())


def _lowest(figure: Figure, up: NDArray[np.float64]) -> float:
    """Height of a person's lowest point in the camera frame, metres."""
    return float((figure.vertices @ up.astype(np.float32)).min())
