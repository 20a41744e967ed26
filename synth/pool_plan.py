"""Which annotated people enter the image pool, in which order, and where their joints lie in their crops."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth.cameras import BODY13_OF_H36M17, CROP, PIXELS_PER_METRE, pixels_per_standard_metre
from synth.crops import centred_transforms, to_crop
from synth.errors import InputError
from synth.plausibility import NO_LIMITS, PlausibilityLimits, implausible
from synth.skeletons import BODY13
from synth.sources.records import AnnotatedImages, Rejection


@dataclass(frozen=True)
class PoolOptions:
    """How annotated people become pool images (recipe options).

    Parameters
    ----------
    size : int
        Side of a crop, pixels.
    pixels_per_metre : float
        Scale of every crop, pixels per standard metre.
    min_labelled : int
        People with fewer labelled joints (of 13) are left out.
    min_pixels_per_metre : float
        People smaller than this in their photograph, pixels per standard metre, are left out: enlarged more
        than twice they are blurred.
    limits : PlausibilityLimits
        Annotations beyond these are taken for wrong, unless the source knows its joints exactly.
    mirror : bool
        Whether every crop also serves as its mirror image.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    size: int = CROP
    pixels_per_metre: float = PIXELS_PER_METRE
    min_labelled: int = 8
    min_pixels_per_metre: float = 50.0
    limits: PlausibilityLimits = field(default_factory=PlausibilityLimits)
    mirror: bool = True

    def __post_init__(self) -> None:
        if not 2 <= self.size <= 4096:
            raise InputError(f"pool size is {self.size}; give a crop side of 2 to 4096 pixels")
        if not self.pixels_per_metre > 0:
            raise InputError(f"pool pixels_per_metre is {self.pixels_per_metre}; it must be above 0")
        if not self.min_pixels_per_metre >= 0:
            raise InputError(
                f"pool min_pixels_per_metre is {self.min_pixels_per_metre}; it must be 0 or more"
            )
        if not 2 <= self.min_labelled <= len(BODY13):
            raise InputError(f"pool min_labelled is {self.min_labelled}; give 2 to {len(BODY13)} joints")


@dataclass(frozen=True)
class PoolPlan:
    """The people of a pool, one a row, those of one photograph next to each other.

    Parameters
    ----------
    source : (M,) int16
        Position of the row's source among the pool's sources.
    image : (M,) int32
        Position of its photograph in that source's `images`.
    person : (M,) int32
        Number of the person within the publisher's annotation of that photograph.
    joints : (M, 13, 2) float32
        Joints of `BODY13` in crop pixels; 0 where not labelled.
    labelled : (M, 13) bool
        Whether the joint is annotated and inside the crop.
    transform : (M, 2, 3) float64
        Photograph pixels to crop pixels.
    rejections : tuple of Rejection
        People and joints left out.
    """

    source: NDArray[np.int16]
    image: NDArray[np.int32]
    person: NDArray[np.int32]
    joints: NDArray[np.float32]
    labelled: NDArray[np.bool_]
    transform: NDArray[np.float64]
    rejections: tuple[Rejection, ...] = ()

    def __len__(self) -> int:
        return len(self.source)


def plan_pool(images: Sequence[AnnotatedImages], options: PoolOptions) -> PoolPlan:
    """Choose and place the people of a pool; no pixel is read.

    The scale of a person is `pixels_per_standard_metre` of the annotation; the middle of the labelled joints'
    bounding box comes to the crop's middle.

    Parameters
    ----------
    images : sequence of AnnotatedImages
        Sources, in the pool's order.
    options : PoolOptions
        Scale, size and filters.

    Returns
    -------
    PoolPlan
        Rows in the order of sources, photographs and people.
    """
    return join_plans([_plan_source(number, source, options) for number, source in enumerate(images)])


def join_plans(plans: Sequence[PoolPlan]) -> PoolPlan:
    """Rows of several plans, one after the other."""
    if not plans:
        raise InputError("an image pool needs at least one source of annotated images; none was given")
    names = [item.name for item in dataclasses.fields(PoolPlan) if item.name != "rejections"]
    arrays = {name: np.concatenate([getattr(plan, name) for plan in plans]) for name in names}
    return PoolPlan(**arrays, rejections=tuple(item for plan in plans for item in plan.rejections))


def take_rows(plan: PoolPlan, rows: slice | NDArray[np.intp] | NDArray[np.bool_]) -> PoolPlan:
    """Take some rows of a plan, without its rejections."""
    names = [item.name for item in dataclasses.fields(PoolPlan) if item.name != "rejections"]
    return PoolPlan(**{name: getattr(plan, name)[rows] for name in names})


def person_name(image: str, person: int) -> str:
    """Name under which a person of a photograph is listed."""
    return f"{image} person {person}"


def _plan_source(number: int, images: AnnotatedImages, options: PoolOptions) -> PoolPlan:
    order = np.lexsort((images.person, images.image_of))
    joints = images.joints[order][:, BODY13_OF_H36M17].astype(np.float64)
    labelled = images.labelled[order][:, BODY13_OF_H36M17]
    scale = pixels_per_standard_metre(joints, labelled)
    names = [
        person_name(images.images[image], person)
        for image, person in zip(images.image_of[order], images.person[order], strict=True)
    ]
    filters = filters_for(images, options)
    kept, rejections = judge_people(images.source, names, joints, labelled, scale, filters)
    order, joints, labelled, scale = order[kept], joints[kept], labelled[kept], scale[kept]
    transform = centred_transforms(joints, labelled, options.pixels_per_metre / scale, options.size)
    in_crop = to_crop(transform, joints)
    inside = ((in_crop >= 0) & (in_crop <= options.size - 1)).all(axis=2)
    plan = PoolPlan(
        source=np.full(len(order), number, dtype=np.int16),
        image=images.image_of[order].astype(np.int32),
        person=images.person[order].astype(np.int32),
        joints=np.where((labelled & inside)[..., None], in_crop, np.float32(0)),
        labelled=labelled & inside,
        transform=transform,
    )
    enough, dropped = _outside(images, plan, labelled & ~inside, options)
    return dataclasses.replace(take_rows(plan, enough), rejections=(*rejections, *dropped))


def _outside(
    images: AnnotatedImages, plan: PoolPlan, outside: NDArray[np.bool_], options: PoolOptions
) -> tuple[NDArray[np.bool_], list[Rejection]]:
    """List joints outside their crop (M, 13), and split people by whether enough joints remain (M,)."""
    rejections = []
    enough = plan.labelled.sum(axis=1) >= options.min_labelled
    for row in np.flatnonzero(outside.any(axis=1)).tolist():
        name = person_name(images.images[plan.image[row]], plan.person[row])
        joints = [BODY13.joints[joint] for joint in np.flatnonzero(outside[row])]
        reason = "joint outside the crop"
        rejections += [Rejection(images.source, f"{name} joint {joint}", reason) for joint in joints]
        if not enough[row]:
            rejections.append(_too_few(images.source, name, plan.labelled[row], options))
    return enough, rejections


def _too_few(source: str, name: str, labelled: NDArray[np.bool_], options: PoolOptions) -> Rejection:
    detail = f"{labelled.sum()} of 13, at least {options.min_labelled} wanted"
    return Rejection(source, name, "too few joints labelled", detail)


def filters_for(images: AnnotatedImages, options: PoolOptions) -> PoolOptions:
    """Choose the filters for a source's people: no annotation is implausible where nobody annotated.

    Parameters
    ----------
    images : AnnotatedImages
        The source.
    options : PoolOptions
        Filters for annotations made by eye.
    """
    return dataclasses.replace(options, limits=NO_LIMITS) if images.exact else options


def judge_people(
    source: str,
    names: Sequence[str],
    joints: NDArray[np.float64],
    labelled: NDArray[np.bool_],
    scale: NDArray[np.float64],
    options: PoolOptions,
) -> tuple[NDArray[np.bool_], list[Rejection]]:
    """Split people into those whom the filters keep and the others.

    Parameters
    ----------
    source, names : str, sequence of N str
        For the rejections.
    joints, labelled : (N, 13, 2) float64, (N, 13) bool
        Joints of `BODY13` in photograph pixels.
    scale : (N,) float64
        Photograph pixels per standard metre.
    options : PoolOptions
        Filters.

    Returns
    -------
    kept : (N,) bool
    rejections : list of Rejection
        Each of the others with the first filter that refuses it.
    """
    rejections = []
    few = labelled.sum(axis=1) < options.min_labelled
    unmeasured = ~few & ~(scale > 0)
    small = ~few & (scale > 0) & (scale < options.min_pixels_per_metre)
    metres = joints / np.where(scale > 0, scale, np.nan)[:, None, None]
    wrong = implausible(metres, labelled, options.limits)
    bad = np.any(list(wrong.values()), axis=0) & ~few & ~unmeasured & ~small
    for row in np.flatnonzero(few | unmeasured | small | bad).tolist():
        if few[row]:
            rejections.append(_too_few(source, names[row], labelled[row], options))
        elif unmeasured[row]:
            rejections.append(Rejection(source, names[row], "scale not measurable", "under 3 limbs labelled"))
        elif small[row]:
            detail = f"{scale[row]:.1f} pixels per metre, at least {options.min_pixels_per_metre:g} wanted"
            rejections.append(Rejection(source, names[row], "person too small", detail))
        else:
            broken = ", ".join(reason for reason, poses in wrong.items() if poses[row])
            rejections.append(Rejection(source, names[row], "implausible annotation", broken))
    return ~(few | unmeasured | small | bad), rejections
