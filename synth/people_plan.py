"""Which annotated people become pictures of a store, in which order, and all their labels; no pixel is read.

A person stands in the 220-pixel box as the people of mosaics do: the box shows `PIXELS_PER_METRE` pixels per
standard metre (`pixels_per_standard_metre` of the 13 matched joints), and the middle of these joints' bounding box
is the box's middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth.cameras import BODY13_OF_H36M17, BOX, PIXELS_PER_METRE, pixels_per_standard_metre
from synth.crops import centred_transforms, to_crop
from synth.errors import InputError
from synth.geometry import to_optical_axis, torso_centre
from synth.plausibility import NO_LIMITS, PlausibilityLimits
from synth.pool_plan import PoolOptions, filters_for, judge_people, person_name
from synth.protocols import Choice, Protocol, check_protocol, choose_people
from synth.sources.records import AnnotatedImages, Rejection
from synth.splits import SplitCycle

ORDER_STAGE = 41
"""Key of the order's draw in the random generator [seed, stage]."""

_ANYTHING = PoolOptions(
    size=BOX,
    min_labelled=2,
    min_pixels_per_metre=0.0,
    limits=NO_LIMITS,
)
"""Filters for people that a publisher tests on: whoever can be placed in a box counts."""


@dataclass(frozen=True)
class PeopleOptions:
    """How annotated people are chosen and ordered (recipe options).

    Parameters
    ----------
    protocol, stride, cycle
        As in `choose_people`.
    seed : int
        Of the order.
    min_labelled, min_pixels_per_metre, limits
        As in `PoolOptions`; people that a publisher tests on are kept whatever they say.
    """

    protocol: Protocol = "auto"
    stride: int = 1
    cycle: SplitCycle = field(default_factory=SplitCycle)
    seed: int = 0
    min_labelled: int = PoolOptions().min_labelled
    min_pixels_per_metre: float = PoolOptions().min_pixels_per_metre
    limits: PlausibilityLimits = field(default_factory=PlausibilityLimits)

    def filters(self) -> PoolOptions:
        """Give the filters of people to train on."""
        return PoolOptions(BOX, PIXELS_PER_METRE, self.min_labelled, self.min_pixels_per_metre, self.limits)


@dataclass(frozen=True)
class PeoplePlan:
    """People of a store, one a row; those of one photograph next to each other, photographs in random order.

    Parameters
    ----------
    source, image : (M,) int16, int32
        Position in the sources, and in that source's images.
    labels : dict of str to (M, ...) array
        All labels of `synth.store.photographs.photograph_schema`, by name.
    tables : dict of str to list of str
        What the labels point into: photographs, subjects, actions.
    rejections : tuple of Rejection
        People who were left out.
    """

    source: NDArray[np.int16]
    image: NDArray[np.int32]
    labels: dict[str, NDArray[Any]]
    tables: dict[str, list[str]]
    rejections: tuple[Rejection, ...] = ()

    def __len__(self) -> int:
        return len(self.source)


def plan_people(
    sources: Sequence[AnnotatedImages], for_testing: Sequence[bool], options: PeopleOptions
) -> PeoplePlan:
    """Choose, place and order people.

    Parameters
    ----------
    sources : sequence of AnnotatedImages
        S sources.
    for_testing : sequence of S bool
        Whether a source is there to be tested on.
    options : PeopleOptions

    Raises
    ------
    InputError
        If nobody remains, or a protocol doesn't fit a source.
    """
    check_protocol(sources, options.protocol)
    parts, rejections = [], []
    for images, testing in zip(sources, for_testing, strict=True):
        choice = choose_people(images, options.protocol, options.stride, options.cycle, testing)
        chosen, split, left_out = _fit_people(images, choice, options)
        parts.append((images.take(chosen), split))
        rejections += left_out
    numbers = np.repeat(np.arange(len(parts)), [len(split) for _, split in parts])
    if not len(numbers):
        reasons = ", ".join(sorted({rejection.reason for rejection in rejections})) or "there is none"
        raise InputError(f"nobody can be cut out: {reasons}")
    image = np.concatenate([people.image_of for people, _ in parts])
    labels = _joined([_labels(people, split) for people, split in parts])
    named, tables = _named(parts)
    photograph, tables["photographs"] = _photographs(sources, numbers, image)
    order = _order(photograph, options.seed)
    labels = {name: array[order] for name, array in {**labels, **named, "photograph": photograph}.items()}
    return PeoplePlan(
        numbers[order].astype(np.int16), image[order].astype(np.int32), labels, tables, tuple(rejections)
    )


def _fit_people(
    images: AnnotatedImages, choice: Choice, options: PeopleOptions
) -> tuple[NDArray[np.intp], NDArray[np.uint8], list[Rejection]]:
    """Leave out whom the filters of their split refuse."""
    joints = images.joints[choice.people][:, BODY13_OF_H36M17].astype(np.float64)
    labelled = images.labelled[choice.people][:, BODY13_OF_H36M17]
    scale = pixels_per_standard_metre(joints, labelled)
    kept = np.zeros(len(choice.people), bool)
    rejections: list[Rejection] = []
    for rows, filters in (
        (np.flatnonzero(~choice.fixed), filters_for(images, options.filters())),
        (np.flatnonzero(choice.fixed), _ANYTHING),
    ):
        names = [
            person_name(images.images[images.image_of[person]], images.person[person])
            for person in choice.people[rows]
        ]
        good, left_out = judge_people(
            images.source, names, joints[rows], labelled[rows], scale[rows], filters
        )
        kept[rows] = good
        rejections += left_out
    return choice.people[kept], choice.split[kept], rejections


def _labels(people: AnnotatedImages, split: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Labels of people of one source but the names, in any order."""
    body, known = people.joints[:, BODY13_OF_H36M17].astype(np.float64), people.labelled[:, BODY13_OF_H36M17]
    scale = pixels_per_standard_metre(body, known)
    transform = centred_transforms(body, known, PIXELS_PER_METRE / scale, BOX)
    pixels = to_crop(transform, people.joints.astype(np.float64))
    inside = ((pixels >= -0.5) & (pixels <= BOX - 0.5)).all(axis=-1)
    return {
        "split": split,
        "person": people.person.astype(np.int32),
        "joints2d": np.where(people.labelled[..., None], pixels, np.float32(np.nan)),
        "labelled": people.labelled,
        "occluded": people.occluded,
        "visible": people.labelled & inside & ~people.occluded,
        "source_transform": transform,
        "scale": scale.astype(np.float32),
        **_known_labels(people, transform),
    }


def _known_labels(people: AnnotatedImages, transform: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Labels of what only some sources know; NaN and -1 where they don't."""
    known, count = people.known, len(people)

    def or_nan(values: NDArray[Any] | None, *shape: int) -> NDArray[Any]:
        return np.full((count, *shape), np.nan) if values is None else values

    joints3d = or_nan(known.joints3d, 17, 3).astype(np.float64)
    centre = torso_centre(joints3d)
    turn = to_optical_axis(centre)
    affine = np.zeros((count, 3, 3))
    affine[:, :2], affine[:, 2, 2] = transform, 1.0
    away = (joints3d - centre[:, None]) @ np.swapaxes(turn, -1, -2)
    return {
        "joints3d": joints3d.astype(np.float32),
        "joints3d_torso": away.astype(np.float32),
        "torso_rotation": turn,
        "K": affine @ or_nan(known.K, 3, 3),
        "frame": np.full(count, -1, np.int32) if known.frame is None else known.frame,
        "head_size": (or_nan(known.head_size) * transform[:, 0, 0]).astype(np.float32),
    }


def _named(
    parts: Sequence[tuple[AnnotatedImages, NDArray[np.uint8]]],
) -> tuple[dict[str, NDArray[np.int32]], dict[str, list[str]]]:
    """Subjects and actions: rows of their tables, -1 where not known, and the tables."""
    labels: dict[str, NDArray[np.int32]] = {}
    tables: dict[str, list[str]] = {}
    for name in ("subject", "action"):
        given = [getattr(people.known, name) for people, _ in parts]
        names = np.concatenate(
            [
                np.full(len(people), "") if told is None else told
                for told, (people, _) in zip(given, parts, strict=True)
            ]
        )
        table, rows = np.unique(names, return_inverse=True)
        without = int(len(table) > 0 and table[0] == "")
        labels[name] = (rows - without).astype(np.int32)
        tables[f"{name}s"] = table[without:].tolist()
    return labels, tables


def _photographs(
    sources: Sequence[AnnotatedImages], source: NDArray[np.intp], image: NDArray[np.int32]
) -> tuple[NDArray[np.int32], list[str]]:
    """Give photographs that show somebody numbers, in the order of sources and images, and names."""
    pairs, rows = np.unique(np.stack([source, image], axis=1), axis=0, return_inverse=True)
    names = [f"{sources[s].source}/{sources[s].images[i]}" for s, i in pairs.tolist()]
    return rows.reshape(-1).astype(np.int32), names


def _order(photograph: NDArray[np.int32], seed: int) -> NDArray[np.intp]:
    """Photographs in random order, so that any first samples are a fair share; their people as they were."""
    places = np.random.default_rng([seed, ORDER_STAGE]).permutation(int(photograph.max()) + 1)
    return np.argsort(places[photograph], kind="stable")


def _joined(parts: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
