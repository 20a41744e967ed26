"""Whose poses a data set shows, in which order and seen from where: all that decides its queries.

The pose of a sample depends on the plan and its id alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from synth.cameras import ViewRange
from synth.errors import InputError
from synth.lifting.lifted import PSEUDO
from synth.occlusion import OCCLUSION_MARGIN
from synth.poses import PoseLibrary
from synth.shares import SourceShare, deal
from synth.splits import SPLITS, SplitCycle, assign_subjects, hashed_splits

POSE_STAGE = 2
"""Key of the poses' order in the random generator [seed, stage, split, round], or, where sources have shares,
[seed, stage, split, share, round]."""

DEAL_STAGE = 3
"""Key of the order of shares in the random generator [seed, stage, split, deal]."""

LIFTED_VIEWS = ViewRange(azimuth=(-60.0, 60.0), elevation=(-30.0, 30.0), roll=(-20.0, 20.0))
"""Views of people who were lifted to 3D, about the camera that took their photograph (our choice).

A single picture leaves depths uncertain: from its side such a pose shows more of the dictionary than of the person.
On LSP-extended, 40 % of such views had a mean matching cost above 24 px (recorded poses from theirs: 43 %), 50 % with
an azimuth to 90 degrees; the roll costs nothing, because pieces of photographs are turned in any case.
"""


@dataclass(frozen=True)
class QueryPlan:
    """All that decides the queries.

    Parameters
    ----------
    library : PoseLibrary
        M poses of S subjects.
    split_of_subject : (S,) uint8
        Split of each subject; `plan_queries` assigns it.
    cycle : SplitCycle
        How ids run through the splits.
    seed : int
        Seed of the run, 0 or more.
    ranges : ViewRange
        Where views of recorded poses are drawn from.
    occlusion_margin : float
        Metres; see `occlusion.self_occluded`.
    lifted_ranges : ViewRange
        Where views of people lifted to 3D are drawn from; at azimuth 0, elevation 0 and roll 0 the camera
        stands where their photograph was taken.
    shares : tuple of SourceShare
        Shares of the samples among the sources; empty: every pose is used equally often.
    """

    library: PoseLibrary
    split_of_subject: NDArray[np.uint8]
    cycle: SplitCycle
    seed: int
    ranges: ViewRange = field(default_factory=ViewRange)
    occlusion_margin: float = OCCLUSION_MARGIN
    lifted_ranges: ViewRange = LIFTED_VIEWS
    shares: tuple[SourceShare, ...] = ()

    def pool(self, split: int) -> NDArray[np.int64]:
        """Poses of one split, ascending."""
        return np.flatnonzero(self.split_of_subject[self.library.subject_of] == split)

    def shared_pools(self, split: int) -> list[NDArray[np.int64]]:
        """Poses of one split by share, each ascending and empty where a share has none there."""
        pool = self.pool(split)
        sources = self.library.source_of_subject[self.library.subject_of[pool]]
        return [pool[np.isin(sources, share.sources)] for share in self.shares]


def plan_queries(
    library: PoseLibrary,
    cycle: SplitCycle,
    seed: int,
    ranges: ViewRange | None = None,
    *,
    lifted_ranges: ViewRange = LIFTED_VIEWS,
    shares: tuple[SourceShare, ...] = (),
    photographs: Mapping[str, int] | None = None,
) -> QueryPlan:
    """Plan with the library's subjects shared among the splits.

    Recorded subjects are shared by `splits.assign_subjects`; those of the same name in different sources count
    as one person (CMU's subject 02 and its conversion to another format), so that nobody is in two splits. Who
    was lifted to 3D belongs to the split of the photograph.

    Parameters
    ----------
    library, cycle, seed, ranges, lifted_ranges, shares
        See `QueryPlan`.
    photographs : mapping of str to int, optional
        Split of photographs by ``"source/image"``, as `Pool.photograph_splits` gives it; that of others, and of
        all if not given, is `splits.hashed_splits`.

    Raises
    ------
    InputError
        If there are recorded people, but fewer than splits with a positive share.
    """
    lifted = library.lifted_subjects
    split = np.zeros(len(library.subjects), np.uint8)
    names = [name.removeprefix(PSEUDO) for name in library.subjects]
    if lifted.any():
        keys = [names[row] for row in np.flatnonzero(lifted).tolist()]
        given, hashed = photographs or {}, hashed_splits(keys, cycle).tolist()
        split[lifted] = [given.get(key, of) for key, of in zip(keys, hashed, strict=True)]
    if not lifted.all():
        rows = np.flatnonzero(~lifted)
        people = [names[row].partition("/")[2] for row in rows.tolist()]
        split[rows] = _splits_of_people(people, library.poses_per_subject()[rows], cycle)
    return QueryPlan(
        library, split, cycle, seed, ranges or ViewRange(), lifted_ranges=lifted_ranges, shares=shares
    )


def _splits_of_people(names: list[str], poses: NDArray[np.intp], cycle: SplitCycle) -> NDArray[np.uint8]:
    """Split of each recorded subject, (S,): one for all subjects of a name."""
    people, person_of = np.unique(names, return_inverse=True)
    count = np.bincount(person_of, weights=poses).astype(np.int64)
    return assign_subjects(people.tolist(), count.tolist(), cycle)[person_of]


def choose_poses(plan: QueryPlan, ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pose of each sample id.

    The ids of a split go through its poses in a random order, and once through all of them in a new order
    in each following round, so that every pose is used equally often.

    Parameters
    ----------
    plan : QueryPlan
        What to draw from.
    ids : (N,) int64
        Sample ids, 0 or more.

    Returns
    -------
    (N,) int64
        Positions in the library.
    """
    split, ordinal = plan.cycle.split_of(ids), plan.cycle.ordinal(ids)
    pose = np.empty(len(ids), dtype=np.int64)
    for s in np.unique(split).tolist():
        of_split = split == s
        choose = _by_share if plan.shares else _by_turns
        pose[of_split] = choose(plan, s, ordinal[of_split])
    return pose


def _by_turns(plan: QueryPlan, split: int, ordinals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pose of each of a split's ordinals where every pose is used equally often."""
    pool = plan.pool(split)
    _require_poses(len(pool), split)
    return _in_rounds(pool, [plan.seed, POSE_STAGE, split], ordinals)


def _by_share(plan: QueryPlan, split: int, ordinals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pose of each of a split's ordinals; the share of sources without a pose there goes to the others."""
    pools = plan.shared_pools(split)
    present = [number for number, pool in enumerate(pools) if len(pool)]
    _require_poses(len(present), split)
    weights = [plan.shares[number].weight for number in present]
    share, turn = deal(weights, [plan.seed, DEAL_STAGE, split], ordinals)
    pose = np.empty(len(ordinals), dtype=np.int64)
    for position, number in enumerate(present):
        of_share = share == position
        key = [plan.seed, POSE_STAGE, split, number]
        pose[of_share] = _in_rounds(pools[number], key, turn[of_share])
    return pose


def _in_rounds(pool: NDArray[np.int64], key: list[int], turns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Poses at the given turns when all are gone through in a random order, and again in a new one."""
    rounds, place = np.divmod(turns, len(pool))
    pose = np.empty(len(turns), dtype=np.int64)
    for number in np.unique(rounds).tolist():
        order = np.random.default_rng([*key, number]).permutation(pool)
        chosen = rounds == number
        pose[chosen] = order[place[chosen]]
    return pose


def _require_poses(count: int, split: int) -> None:
    if count == 0:
        raise InputError(f"no subject of the motion sources is in the split {SPLITS[split]}; change --splits")
