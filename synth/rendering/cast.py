"""Who is rendered: dressed people, drawn anew for every cycle of sample ids and for each split.

Dressing somebody takes as long as several pictures, so everyone is seen in some of a cycle's samples: the
ids of a split go through its people in turn, and nobody is in two splits or cycles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth.body.archive import Body
from synth.body.person import Person, make_person
from synth.body.shapes import Shape, sample_people
from synth.body.wardrobe import dress
from synth.splits import SplitCycle

CAST_STAGE = 31
"""Key of a person in the random generator [seed, stage, cycle, split, number]."""

PEOPLE = 50
"""People for a thousand samples."""

LEAST = 10
"""People of a split, however few its samples are, where there are as many at all."""

_YEARS = (14.0, 80.0)
"""Ages of people who may be put into the proportions of those who are recorded, adults all of them."""


@dataclass(frozen=True)
class Role:
    """Someone of the cast: cycle of ids, split, number within both."""

    cycle: int
    split: int
    number: int


def roles(ids: NDArray[np.int64], cycle: SplitCycle, people: int = PEOPLE) -> list[Role]:
    """Who is seen in each sample.

    Parameters
    ----------
    ids : (N,) int64
        Sample ids.
    cycle : SplitCycle
        How ids run through the splits.
    people : int
        People for a thousand samples, shared among the splits; each has at least `LEAST`, or all if they are
        fewer.
    """
    splits = cycle.split_of(ids).astype(np.int64)
    sizes = np.array(cycle.sizes)[splits]
    rounds, place = np.divmod(cycle.ordinal(ids), sizes)
    members = np.maximum(np.rint(people * sizes / 1000), min(people, LEAST)).astype(np.int64)
    columns = np.stack([rounds, splits, place % members], axis=1).tolist()
    return [Role(*column) for column in columns]


def draw_person(body: Body, seed: int, role: Role) -> Person:
    """Draw body, age and clothes of someone."""
    rng = np.random.default_rng([seed, CAST_STAGE, role.cycle, role.split, role.number])
    people = sample_people(body, rng, 1, _YEARS)
    appearance = dress(rng, bool(people.female[0]), float(people.years[0]))
    return make_person(body, people, 0, appearance)


class Cast:
    """Draws people and remembers the last ones.

    Parameters
    ----------
    body : Body
        The body model.
    seed : int
        Seed of the run.
    remembered : int
        How many people are kept, some 6 MB each.
    """

    def __init__(self, body: Body, seed: int, remembered: int) -> None:
        self._drawn = lru_cache(remembered)(lambda role: draw_person(body, seed, role))

    def people(self, wanted: Sequence[Role]) -> list[Person]:
        """List who plays each of some roles."""
        once = {role: self._drawn(role) for role in dict.fromkeys(wanted)}
        return [once[role] for role in wanted]


def shapes_of(people: Sequence[Person]) -> Shape:
    """Skeletons at rest of several people as one value, for `fit_pose`.

    Each is the person's own, bit by bit: computed for all at once they would depend a little on the company.
    """
    each = [person.shape for person in people]
    return Shape(
        np.stack([shape.coefficients for shape in each]),
        np.stack([shape.heads for shape in each]),
        np.stack([shape.landmarks for shape in each]),
    )
