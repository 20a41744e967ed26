"""Who is photographed in the demo pool, in which pose, from where: all draws but those of the pictures.

People come in groups that share a procedural subject's motion. The photographs of one person are far apart in
the pool: image n shows person n modulo the number of people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import Body
from synth.body.fitting import fit_pose, posed_joints
from synth.body.person import Person, make_person
from synth.body.shapes import Shape, make_shape, sample_people
from synth.body.wardrobe import dress
from synth.cameras import BOX_CENTRE, PIXELS_PER_METRE, Cameras, Views, camera_for
from synth.geometry import torso_centre
from synth.sources import acclaim
from synth.sources.demo.capsules import lowest
from synth.sources.demo.clips import DemoSubject, demo_subject
from synth.sources.humanoid import h36m17_weights
from synth.sources.part_rotations import part_rotations

Array = NDArray[np.float64]

SHOTS = 10
"""Photographs of each person."""

GROUP = 10
"""People of one procedural subject's motion."""

SIDE = 400
"""Pixels along a side of a photograph: a crop of 360 pixels at the pool's scale lies within it."""

SCALE = (96.0, 112.0)
"""Pixels a standard metre."""

MOTION_SEED = 1_000_000
"""Added to the seed for motion: nobody poses as those do whose clips are `--mocap demo`."""

_PERSON_STAGE, _POSE_STAGE, _VIEW_STAGE = 21, 22, 23
_CLIPS = 12
_STRATA = 9
"""Clips of each subject, and moments that are taken from each of them."""
_AIRBORNE = 0.03
"""Metres above the ground from which the lowest point counts as in the air."""
_EYE_LEVEL = 0.7
"""Share of photographs taken by someone who stands, from about as high as the subject's chest."""
_LENS_HEIGHT = 0.3
"""Least height of the camera above the ground, metres."""


@dataclass(frozen=True)
class Group:
    """Some people of the pool; plain numbers that travel between processes.

    Parameters
    ----------
    seed : int
        Seed of all draws.
    count : int
        Photographs of the whole pool.
    number : int
        Which group, from 0.
    """

    seed: int
    count: int
    number: int

    @property
    def people(self) -> range:
        """Numbers of the group's people."""
        first = self.number * GROUP
        return range(first, min(first + GROUP, people_of(self.count)))

    @property
    def images(self) -> NDArray[np.int64]:
        """Photographs (N,) of the group's people, person by person."""
        everyone = people_of(self.count)
        return np.concatenate([np.arange(person, self.count, everyone) for person in self.people])


@dataclass(frozen=True)
class Poses:
    """Poses of a group as its procedural subject holds them, one for each photograph.

    Parameters
    ----------
    joints : (N, 17, 3) float64
        Joints of `H36M17`, metres, y up, ground at 0.
    rotations : mapping of str to (N, 3, 3) float64
        Of the parts that the clips tell, as `fit_pose` takes them.
    lift : (N,) float64
        Metres between the ground and the lowest point: above 0 in a jump.
    """

    joints: Array
    rotations: Mapping[str, Array]
    lift: Array


@dataclass(frozen=True)
class Sittings:
    """All that is known before pictures of a group are made; N photographs.

    Parameters
    ----------
    images : (N,) int64
        Numbers in the pool.
    person : (N,) int64
        Number in the pool of whom each shows.
    transforms : (N, B, 3, 4) float32
        Bone matrices in the world, the people in their own size.
    lift : (N,) float64
        As in `Poses`.
    cameras : Cameras
        N cameras, pixels of the photograph.
    """

    images: NDArray[np.int64]
    person: NDArray[np.int64]
    transforms: NDArray[np.float32]
    lift: Array
    cameras: Cameras


def people_of(count: int) -> int:
    """Count the people in a pool of so many photographs."""
    return -(-count // SHOTS)


def groups_of(seed: int, count: int) -> list[Group]:
    """List the groups of a pool."""
    return [Group(seed, count, number) for number in range(-(-people_of(count) // GROUP))]


def draw_person(body: Body, seed: int, number: int) -> Person:
    """Draw body and clothes of one person of the pool (some 50 ms)."""
    rng = np.random.default_rng([seed, _PERSON_STAGE, number])
    people = sample_people(body, rng, 1)
    appearance = dress(rng, bool(people.female[0]), float(people.years[0]))
    return make_person(body, people, 0, appearance)


def arrange(body: Body, group: Group, people: Mapping[int, Person], side: int = SIDE) -> Sittings:
    """Put the people of a group into poses and cameras before them.

    Parameters
    ----------
    body : Body
        The body model.
    group : Group
        Whose photographs.
    people : mapping of int to Person
        The group's people by number.
    side : int
        Pixels along a side of the photographs; the people's size in them goes with it.
    """
    images = group.images
    person = images % people_of(group.count)
    poses = draw_poses(group, len(images))
    shape = _shapes(body, [people[number] for number in person.tolist()])
    transforms = fit_pose(
        body, shape, poses.joints, poses.rotations, up=(0.0, 1.0, 0.0), curl=_curls(group, len(images))
    )
    # everybody in their own size: the subject's skeleton is an adult's
    size = np.linalg.norm(transforms[:, 0, :, 1], axis=-1)
    natural = transforms / size[:, None, None, None]
    joints = posed_joints(body, shape, natural)
    cameras = draw_cameras(group.seed, images, joints, side)
    return Sittings(images, person, natural, poses.lift / size, cameras)


def draw_poses(group: Group, count: int) -> Poses:
    """Draw `count` moments of a procedural subject's clips, far from each other."""
    subject = demo_subject(group.seed + MOTION_SEED, group.number, _CLIPS)
    rng = np.random.default_rng([group.seed, _POSE_STAGE, group.number])
    places = np.resize(rng.permutation(len(subject.clips) * _STRATA), count)
    moments = [_moment(subject, *divmod(place, _STRATA), rng.random()) for place in places.tolist()]
    motion, positions, grounded = (np.stack(parts) for parts in zip(*moments, strict=True))
    skeleton = subject.body.skeleton
    above = np.where(grounded, lowest(subject.body, positions), 0.0)
    return Poses(
        h36m17_weights(*acclaim.landmarks(skeleton, subject.name)) @ positions,
        part_rotations(skeleton, motion),
        np.where(above > _AIRBORNE, above, 0.0),
    )


def draw_cameras(seed: int, images: NDArray[np.int64], joints: Array, side: int = SIDE) -> Cameras:
    """Cameras as people hold them: most at eye level, from 3.5 to 9 metres, hardly ever askew.

    Parameters
    ----------
    seed : int
        Seed of all draws.
    images : (N,) int64
        Numbers of the photographs.
    joints : (N, 17, 3) float64
        Joints of `H36M17` in the world, y up, ground at 0.
    side : int
        Pixels along a side of the photographs; it doesn't change the people's size in them.

    Returns
    -------
    Cameras
        The people stand about the middle of the photographs.
    """
    views, scale, shift = _framing(seed, images, torso_centre(joints)[:, 1])
    cameras = camera_for(joints, views)
    from_box = np.broadcast_to(np.eye(3), cameras.K.shape).copy()
    from_box[:, 0, 0] = from_box[:, 1, 1] = scale / PIXELS_PER_METRE
    from_box[:, :2, 2] = (side - 1) / 2 + shift - from_box[:, :1, 0] * BOX_CENTRE
    return Cameras(from_box @ cameras.K, cameras.R, cameras.t)


def _framing(seed: int, images: NDArray[np.int64], height: Array) -> tuple[Views, Array, Array]:
    """Draw views, pixels a standard metre (N,), and how far people are off the middle, (N, 2) pixels."""
    views, scale, shift = [], [], []
    for image, chest in zip(images.tolist(), height.tolist(), strict=True):
        rng = np.random.default_rng([seed, _VIEW_STAGE, image])
        azimuth, distance = rng.uniform(0, 2 * np.pi), 3.5 * np.exp(rng.uniform(0, np.log(9 / 3.5)))
        level, tilted = rng.normal(5.0, 6.0), rng.uniform(-10.0, 45.0)
        elevation = np.radians(np.clip(level if rng.random() < _EYE_LEVEL else tilted, -10.0, 45.0))
        lowest_view = np.arcsin(np.clip((_LENS_HEIGHT - chest) / distance, -1.0, 1.0))
        roll = np.radians(np.clip(rng.normal(0.0, 2.0), -6.0, 6.0))
        views.append((azimuth, max(elevation, lowest_view), distance, roll))
        scale.append(rng.uniform(*SCALE))
        shift.append(rng.normal(0.0, 5.0, 2).clip(-12.0, 12.0))
    return Views(*np.array(views).T), np.array(scale), np.array(shift)


def _moment(subject: DemoSubject, number: int, stratum: int, within: float) -> tuple[Array, Array, bool]:
    """Channels (C,), positions (B, 3) and whether on the ground: a frame in one of a clip's parts."""
    clip = subject.clips[number]
    frame = int((stratum + within) / _STRATA * len(clip.motion))
    return clip.motion[frame], clip.positions[frame], clip.grounded


def _shapes(body: Body, people: Sequence[Person]) -> Shape:
    """Skeletons of several people, one after the other."""
    return make_shape(body, np.stack([person.shape.coefficients for person in people]))


def _curls(group: Group, count: int) -> Array:
    """How far hands are closed (N, 2): mostly relaxed."""
    rng = np.random.default_rng([group.seed, _POSE_STAGE, group.number, 1])
    return np.clip(rng.normal(0.35, 0.2, (count, 2)), 0.05, 0.95)
