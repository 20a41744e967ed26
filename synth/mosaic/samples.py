"""Whole samples: queries, matches, pictures and every label of a mosaic data set, for any sample ids.

A sample is a function of the engine's parts and its id alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cameras import BODY13_OF_H36M17, CROP
from synth.errors import InputError
from synth.matching import Alignment, MatchIndex, match
from synth.mosaic.compose import BlendOptions, Composer, Layers, align_sources
from synth.pool import Pool
from synth.queries import Queries, joint_labels, make_queries, query_labels, replace_rows, take_rows
from synth.query_plan import QueryPlan


@dataclass(frozen=True)
class SplitIndex:
    """The part of the pool that one split is matched against.

    Parameters
    ----------
    index : MatchIndex
        Its poses.
    entries : (E',) int32
        Pool entry of each row of the index, ascending.
    """

    index: MatchIndex
    entries: NDArray[np.int32]


@dataclass(frozen=True)
class ViewChoice:
    """When a view is drawn anew because the photographs show nobody in a similar pose.

    A query is dear if the mean of its matching costs D_j (Eq. 3) is above `max_cost`. Its pose is then seen
    from another random view, and after `attempts` views in all the cheapest of them is kept. No pose is ever
    left out.

    Parameters
    ----------
    attempts : int
        Views at most, 1 or more; 1 takes every first view, as the paper does.
    max_cost : float
        Pixels.

    Raises
    ------
    InputError
        If a number is out of range.
    """

    attempts: int = 4
    max_cost: float = 24.0

    def __post_init__(self) -> None:
        if not 1 <= self.attempts <= 255:
            raise InputError(f"view attempts must be 1 to 255, got {self.attempts}")
        if not self.max_cost > 0:
            raise InputError(f"max_cost must be more than 0 pixels, got {self.max_cost}")


@dataclass(frozen=True)
class MosaicParts:
    """All that decides a mosaic data set's bytes.

    Parameters
    ----------
    plan : QueryPlan
        Poses, splits, views, seed.
    pool : Pool
        Photographs.
    indices : dict of int to SplitIndex
        By split.
    views : ViewChoice
        When a view is drawn anew.
    blending : BlendOptions
        The numbers of Eq. 5-8.
    eps : float
        See `matching.match`.
    """

    plan: QueryPlan
    pool: Pool
    indices: dict[int, SplitIndex]
    views: ViewChoice = field(default_factory=ViewChoice)
    blending: BlendOptions = field(default_factory=BlendOptions)
    eps: float = 0.0


@dataclass(frozen=True)
class Batch:
    """Queries with their aligned sources, before any picture is made.

    Parameters
    ----------
    queries : Queries
        N queries.
    layers : Layers
        Their sources.
    costs : (N, 13) float64
        D_j of each chosen source, pixels; NaN where there is none.
    attempts : (N,) uint8
        Which of its views each query has, from 0.
    """

    queries: Queries
    layers: Layers
    costs: NDArray[np.float64]
    attempts: NDArray[np.uint8]


class _Found(NamedTuple):
    """Chosen pool entries (N, 13), their costs (N, 13), aligning neighbours (N, 13) and mean cost (N,)."""

    entries: NDArray[np.int32]
    costs: NDArray[np.float64]
    neighbours: NDArray[np.intp]
    mean_cost: NDArray[np.float64]


class MosaicEngine:
    """Makes samples; one for each process.

    Parameters
    ----------
    parts : MosaicParts
        What to make them of.
    """

    def __init__(self, parts: MosaicParts) -> None:
        self.parts = parts
        self._composer = Composer(parts.pool, parts.blending)

    def prepare(self, ids: ArrayLike) -> Batch:
        """Draw the queries of the given ids and match them; the larger the batch, the faster a query."""
        parts = self.parts
        queries = make_queries(parts.plan, ids)
        found = self._match(queries)
        attempts = np.zeros(len(queries), np.uint8)
        for attempt in range(1, parts.views.attempts):
            dear = np.flatnonzero(found.mean_cost > parts.views.max_cost)
            if not len(dear):
                break
            others = make_queries(parts.plan, queries.ids[dear], attempt)
            again = self._match(others)
            better = np.flatnonzero(again.mean_cost < found.mean_cost[dear])
            rows = dear[better]
            queries = replace_rows(queries, rows, take_rows(others, better))
            for name in _Found._fields:
                getattr(found, name)[rows] = getattr(again, name)[better]
            attempts[rows] = attempt
        layers = align_sources(
            parts.pool,
            queries.joints2d[:, BODY13_OF_H36M17],
            found.entries,
            found.neighbours,
            self._alignment,
            parts.blending.sigma,
        )
        return Batch(queries, layers, found.costs, attempts)

    def _match(self, queries: Queries) -> _Found:
        """Match every query against the photographs of its own split."""
        body = queries.joints2d[:, BODY13_OF_H36M17]
        searched = ~queries.self_occluded[:, BODY13_OF_H36M17]
        found = _Found(
            np.full(searched.shape, -1, np.int32),
            np.full(searched.shape, np.nan),
            np.zeros(searched.shape, np.intp),
            np.full(len(queries), np.inf),
        )
        for split in np.unique(queries.split).tolist():
            part = self.parts.indices[split]
            of_split = np.flatnonzero(queries.split == split)
            matches = match(part.index, body[of_split], searched[of_split], eps=self.parts.eps)
            row, cost = matches.entries[..., 0], matches.costs[..., 0]
            matched = row >= 0
            entries = np.full(row.shape, -1, np.int32)
            entries[matched] = part.entries[row[matched]]
            found.entries[of_split] = entries
            found.costs[of_split] = np.where(matched, cost, np.nan)
            found.neighbours[of_split] = matches.neighbours
            total, count = np.where(matched, cost, 0).sum(axis=1), matched.sum(axis=1)
            found.mean_cost[of_split] = np.where(count > 0, total / np.maximum(count, 1), np.inf)
        return found

    @property
    def _alignment(self) -> Alignment:
        """The one that all indices were made for."""
        return next(iter(self.parts.indices.values())).index.alignment

    def pictures(self, batch: Batch) -> Iterator[tuple[NDArray[np.uint8], float] | InputError]:
        """Picture (220, 220, 3) uint8 and coverage of each query, or the reason why there is none."""
        body = batch.queries.joints2d[:, BODY13_OF_H36M17]
        for n in range(len(batch.queries)):
            try:
                mosaic = self._composer.compose(body[n], batch.layers, n)
            except InputError as error:
                yield error
            else:
                yield mosaic.image, mosaic.coverage

    def labels(self, batch: Batch, coverage: ArrayLike) -> dict[str, NDArray[np.generic]]:
        """All label arrays of a batch, by the names of `store.samples.sample_schema`.

        Parameters
        ----------
        batch : Batch
            From `prepare`.
        coverage : (N,) float
            From `pictures`.
        """
        queries, layers, plan, pool = batch.queries, batch.layers, self.parts.plan, self.parts.pool
        row = np.where(layers.used, layers.entries % pool.rows, -1)
        return {
            **query_labels(plan.library, queries, batch.attempts),
            **joint_labels(queries),
            "source_photograph": np.where(layers.used, pool.photograph[row], -1).astype(np.int32),
            "source_person": np.where(layers.used, pool.person[row], -1).astype(np.int32),
            "source_entry": layers.entries,
            "source_mirrored": layers.used & (layers.entries >= pool.rows),
            "source_transform": self._photograph_transforms(layers),
            "matching_cost": batch.costs.astype(np.float32),
            "distinct_sources": np.array([len(set(r[r >= 0].tolist())) for r in row], np.uint8),
            "coverage": np.asarray(coverage, np.float32),
            "seed": np.full(len(queries), plan.seed, np.int64),
        }

    def _photograph_transforms(self, layers: Layers) -> NDArray[np.float64]:
        """Map photograph to box pixels, (N, 13, 2, 3); NaN where there is no source."""
        pool = self.parts.pool
        whole = np.full((*layers.used.shape, 2, 3), np.nan)
        entries = layers.entries[layers.used]
        inner = pool.transform[entries % pool.rows].astype(np.float64)
        flipped = entries >= pool.rows
        inner[flipped, 0] *= -1
        inner[flipped, 0, 2] += CROP - 1
        outer = layers.transforms[layers.used]
        linear = outer[:, :, :2] @ inner
        linear[:, :, 2] += outer[:, :, 2]
        whole[layers.used] = linear
        return whole
