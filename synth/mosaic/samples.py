"""Whole samples: queries, matches, pictures and every label of a mosaic data set, for any sample ids.

A sample is a function of the engine's parts and its id alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth.cameras import BODY13_OF_H36M17, CROP
from synth.errors import InputError
from synth.geometry import torso_centre
from synth.matching import MatchIndex, match
from synth.mosaic.compose import BlendOptions, Composer, Layers, align_sources
from synth.pool import Pool
from synth.queries import Queries, QueryPlan, make_queries


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
    blending : BlendOptions
        The numbers of Eq. 5-8.
    eps : float
        See `matching.match`.
    """

    plan: QueryPlan
    pool: Pool
    indices: dict[int, SplitIndex]
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
    """

    queries: Queries
    layers: Layers
    costs: NDArray[np.float64]


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
        body = queries.joints2d[:, BODY13_OF_H36M17]
        searched = ~queries.self_occluded[:, BODY13_OF_H36M17]
        entries = np.full(searched.shape, -1, np.int32)
        costs = np.full(searched.shape, np.nan)
        neighbours = np.zeros(searched.shape, np.intp)
        for split in np.unique(queries.split).tolist():
            part = parts.indices[split]
            of_split = np.flatnonzero(queries.split == split)
            matches = match(part.index, body[of_split], searched[of_split], eps=parts.eps)
            row = matches.entries[..., 0]
            entries[of_split] = np.where(row >= 0, part.entries[row], -1)
            costs[of_split] = np.where(row >= 0, matches.costs[..., 0], np.nan)
            neighbours[of_split] = matches.neighbours
        layers = align_sources(
            parts.pool, body, entries, neighbours, self._alignment, parts.blending.sigma
        )
        return Batch(queries, layers, costs)

    @property
    def _alignment(self):  # type: ignore[no-untyped-def]
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
        library = plan.library
        row = np.where(layers.used, layers.entries % pool.rows, -1)
        joints3d = queries.joints3d
        return {
            "split": queries.split,
            "pose": queries.pose,
            "motion_file": library.file_of[queries.pose].astype(np.int32),
            "motion_frame": library.frame[queries.pose].astype(np.int32),
            "subject": library.subject_of[queries.pose].astype(np.int32),
            "view": np.stack(
                [queries.views.azimuth, queries.views.elevation, queries.views.distance, queries.views.roll], axis=-1
            ).astype(np.float32),
            "K": queries.cameras.K,
            "R": queries.cameras.R,
            "t": queries.cameras.t,
            "joints2d": queries.joints2d,
            "joints3d": joints3d,
            "joints3d_torso": (joints3d - torso_centre(joints3d)[:, None]).astype(np.float32),
            "self_occluded": queries.self_occluded,
            "visible": queries.inside & ~queries.self_occluded,
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
        """From pixels of each source's photograph to box pixels, (N, 13, 2, 3); NaN where there is no source."""
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
