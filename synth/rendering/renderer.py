"""Whole rendered samples: people, poses, pictures, maps and every label, for any sample ids.

A sample is a function of its shot, the options and its id alone. Its joints are those of the rendered body,
exact for the picture: knees, elbows, ankles and wrists are where they were recorded, hips, shoulders, neck
and head where this person has them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import load_body
from synth.body.person import Person, make_studio, photograph_person
from synth.cameras import project_camera_points
from synth.errors import InputError
from synth.geometry import torso_centre
from synth.occlusion import self_occluded
from synth.rendering.backdrops import Kind, surroundings
from synth.rendering.cast import LEAST, PEOPLE, Cast, roles, shapes_of
from synth.rendering.maps import rendered_maps
from synth.rendering.retargeting import fit_people, seen_from
from synth.rendering.shots import Shots
from synth.skeletons import H36M17
from synth.splits import SPLITS, SplitCycle
from synth.store.samples import no_sources

PICTURE_STAGE = 32
"""Key of a picture's background, light and noise in the random generator [seed, stage, id]."""

MOST_REMEMBERED = 150
"""People that a renderer keeps dressed, some 6 MB each; any more are dressed anew when they come again."""

NO_SAMPLE = "there is no such sample in the store that is rendered"


@dataclass(frozen=True)
class RenderOptions:
    """What decides rendered samples beside poses and cameras.

    Parameters
    ----------
    seed : int
        Seed of people, backgrounds, light and noise.
    cycle : SplitCycle
        How ids run through the splits.
    background : {"scenes", "photographs", "plain", "mosaic"}
        See `backdrops.surroundings`.
    people : int
        People for a thousand samples.
    arrays : tuple of str
        Maps stored beside the pictures, of `maps.MAPS`.
    """

    seed: int
    cycle: SplitCycle
    background: Kind = "scenes"
    people: int = PEOPLE
    arrays: tuple[str, ...] = ()


@dataclass(frozen=True)
class Batch:
    """Samples ready to be rendered.

    Parameters
    ----------
    shots : Shots
        N of them.
    people : dict of int to Person
        Who is in each row that can be rendered.
    transforms : (N, B, 3, 4) float32
        Bone matrices in the camera frames; 0 where nothing can be rendered.
    """

    shots: Shots
    people: dict[int, Person]
    transforms: NDArray[np.float32]


@dataclass(frozen=True)
class Seen:
    """What a picture tells of its person.

    Parameters
    ----------
    joints3d : (17, 3) float64
        The body's own joints of `H36M17`, camera frame, metres.
    visible : (17,) bool
        Whether each is within the picture and hidden by no other part of the body.
    """

    joints3d: NDArray[np.float64]
    visible: NDArray[np.bool_]


@dataclass(frozen=True)
class Rendered:
    """One sample: its picture (220, 220, 3) uint8, what it tells, and its maps by name."""

    image: NDArray[np.uint8]
    seen: Seen
    maps: dict[str, NDArray[Any]]


class Renderer:
    """Makes samples; one for each process.

    Parameters
    ----------
    options : RenderOptions
        What decides them.
    """

    def __init__(self, options: RenderOptions) -> None:
        self.options = options
        self._body = load_body()
        self._studio = make_studio()
        remembered = min(options.people + len(SPLITS) * LEAST, MOST_REMEMBERED)
        self._cast = Cast(self._body, options.seed, remembered)

    def prepare(self, shots: Shots) -> Batch:
        """Choose people and put them into the poses; the larger the batch, the faster a pose."""
        rows = np.flatnonzero(shots.there())
        transforms = np.zeros((len(shots), len(self._body.bones), 3, 4), np.float32)
        people: list[Person] = []
        if len(rows):
            people = self._cast.people(roles(shots.ids[rows], self.options.cycle, self.options.people))
            turns = None if shots.rotations is None else shots.rotations[rows]
            world = fit_people(self._body, shapes_of(people), shots.joints[rows], turns)
            transforms[rows] = seen_from(world, shots.labels["R"][rows], shots.labels["t"][rows])
        return Batch(shots, dict(zip(rows.tolist(), people, strict=True)), transforms)

    def pictures(self, batch: Batch) -> Iterator[Rendered | InputError]:
        """Each sample in turn, or the reason why there is none."""
        for row in range(len(batch.shots)):
            yield self._rendered(batch, row) if row in batch.people else InputError(NO_SAMPLE)

    def _rendered(self, batch: Batch, row: int) -> Rendered:
        shots, options, person = batch.shots, self.options, batch.people[row]
        sample = int(shots.ids[row])
        beside = None
        if options.background == "mosaic" and shots.picture is not None:
            beside = shots.picture(sample)
        photo = photograph_person(
            np.random.default_rng([options.seed, PICTURE_STAGE, sample]),
            self._body,
            person,
            batch.transforms[row],
            tuple(shots.labels[name][row] for name in ("K", "R", "t")),
            self._studio,
            surroundings(options.background, beside, shots.joints2d[row]),
        )
        maps = rendered_maps(options.arrays, self._studio.samples, person.appearance.mesh, photo.coverage)
        return Rendered(photo.image, Seen(photo.joints3d, photo.visible), maps)

    def labels(self, batch: Batch, seen: dict[int, Seen]) -> dict[str, NDArray[Any]]:
        """All label arrays of a batch, by the names of `store.samples.sample_schema`.

        Parameters
        ----------
        batch : Batch
            From `prepare`.
        seen : dict of int to Seen
            From `pictures`, by row; labels of other rows mean nothing.
        """
        count = len(batch.shots)
        joints3d = np.zeros((count, len(H36M17), 3), np.float32)
        joints3d[..., 2] = 1.0  # somewhere before the camera where nothing was rendered
        visible = np.zeros((count, len(H36M17)), bool)
        for row, of in seen.items():
            joints3d[row], visible[row] = of.joints3d, of.visible
        # pixels come from the stored, rounded coordinates, so that both labels agree to the last bit
        K = batch.shots.labels["K"]
        joints2d = project_camera_points(K, joints3d).astype(np.float32)
        size = len(self._studio.ground.reach)
        inside = ((joints2d >= -0.5) & (joints2d <= size - 0.5)).all(axis=-1)
        return {
            **batch.shots.labels,
            "joints2d": joints2d,
            "joints3d": joints3d,
            "joints3d_torso": (joints3d - torso_centre(joints3d)[:, None]).astype(np.float32),
            # the z-buffer ends at the picture's border; beyond it the body's capsules tell
            "self_occluded": np.where(inside, ~visible, self_occluded(joints3d)),
            "visible": inside & visible,
            **no_sources(count),
            "coverage": np.ones(count, np.float32),
            "seed": np.full(count, self.options.seed, np.int64),
        }
