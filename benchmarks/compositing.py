"""One picture from its matches, on one core, against numpy and OpenCV.

Both align the same matches of the same queries and make their pictures, which are compared. The two take
turns in runs that are about as long, and the best run of each counts. The stages are timed one after the
other on the same pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.baseline import NumpyComposer
from benchmarks.common import (
    argument_parser,
    benchmark_index,
    benchmark_plan,
    benchmark_pool,
    best_of,
    body_queries,
    report,
    seconds,
)
from synth.cameras import BOX, CROP
from synth.matching import Matches, match
from synth.mosaic.blending import blend, empty_table, fixed_point
from synth.mosaic.compose import BlendOptions, Composer, Layers, align_sources
from synth.mosaic.distance import half_sizes, rasterise_skeleton, squared_distances
from synth.mosaic.probability import index_map
from synth.pool import Pool
from synth.skeletons import BODY13

PICTURES = 250
NUMPY_PICTURES = 12
ROUNDS = 4
"""Runs of either for each repeat asked for."""


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    cv2.setNumThreads(1)
    pool, blending = benchmark_pool(options.data_root), BlendOptions()
    index = benchmark_index(pool)
    queries, searched = body_queries(benchmark_plan(options.data_root), range(PICTURES))
    found = match(index, queries, searched)
    composer, plain = Composer(pool, blending), NumpyComposer(pool, blending)
    make_pictures(pool, composer, queries[:2], found)
    engine_time = numpy_time = np.inf
    for _ in range(ROUNDS * options.repeats):
        elapsed, made = seconds(lambda: make_pictures(pool, composer, queries, found))
        engine_time = min(engine_time, elapsed / PICTURES)
        elapsed, expected = seconds(
            lambda: [
                plain.compose(queries[n], found.entries[n, :, 0], found.neighbours[n])
                for n in range(NUMPY_PICTURES)
            ]
        )
        numpy_time = min(numpy_time, elapsed / NUMPY_PICTURES)
    check(np.stack(made[:NUMPY_PICTURES]), np.stack(expected))
    print_stages(pool, blending, queries, found)
    print(f"engine: {1e3 * engine_time:.2f} ms a picture; numpy and OpenCV: {1e3 * numpy_time:.1f} ms")
    report("compositing", numpy_time / engine_time, "numpy", 1 / engine_time, "pictures/s")


def make_pictures(
    pool: Pool, composer: Composer, queries: NDArray[np.float64], found: Matches
) -> list[NDArray[np.uint8]]:
    """Align all sources and make all pictures."""
    layers = align(pool, queries, found)
    return [composer.compose(query, layers, n).image for n, query in enumerate(queries)]


def align(pool: Pool, queries: NDArray[np.float64], found: Matches) -> Layers:
    """Align the sources of the first queries."""
    some = slice(len(queries))
    return align_sources(
        pool, queries, found.entries[some, :, 0], found.neighbours[some], "rigid", BlendOptions.sigma
    )


def check(made: NDArray[np.uint8], expected: NDArray[np.uint8]) -> None:
    """Stop unless the pictures agree to a few grey levels, but for a thousandth of the values."""
    difference = np.abs(made.astype(int) - expected)
    mean, high = difference.mean(), np.quantile(difference, 0.999)
    print(f"the two differ by {mean:.2f} grey levels in the mean, by {high:.0f} at the 99.9th percentile")
    if mean > 0.5 or np.quantile(difference, 0.99) > 4:
        raise SystemExit("the engine's pictures are not numpy's")


def print_stages(pool: Pool, blending: BlendOptions, queries: NDArray[np.float64], found: Matches) -> None:
    """Time every stage of the engine over all pictures."""
    layers = align(pool, queries, found)
    stages = Stages(pool, blending, layers, queries)
    times = {"align": best_of(3, lambda: align(pool, queries, found))[0]}
    for name, stage in stages.in_order().items():
        stages.run(stage)
        times[name] = best_of(3, partial(stages.run, stage))[0]
    parts = ", ".join(f"{name} {1e3 * time / len(queries):.3f}" for name, time in times.items())
    print(f"stages of the engine, ms a picture: {parts}")


class Stages:
    """The engine's stages, each over all pictures, with the results of the one before kept for the next."""

    def __init__(
        self, pool: Pool, blending: BlendOptions, layers: Layers, queries: NDArray[np.float64]
    ) -> None:
        self.queries, self.pixels = queries, pool.crops.reshape(-1)
        self.half = half_sizes(blending.alpha, blending.beta, blending.window)
        self.bones = BODY13.bone_indices.astype(np.int64)
        self.ramp = np.arange(BOX, dtype=np.float32)
        self.best, self.columns = np.empty(BOX * BOX, np.int32), np.empty((BOX, BOX), np.int32)
        self.sources = []
        for n in range(len(queries)):
            joints = np.flatnonzero(layers.used[n])
            entries = layers.entries[n, joints]
            rows = entries % pool.rows
            self.sources.append(
                (
                    layers.vertices[n, joints],
                    layers.probabilities[n, joints],
                    pool.triangles[entries],
                    layers.to_crop[n, joints],
                    pool.valid[rows],
                    rows.astype(np.uint64) * np.uint64(CROP * CROP * 3),
                )
            )
        count = len(queries)
        self.labels = np.empty((count, BOX, BOX), np.uint8)
        self.masks = np.empty((count, BOX, BOX), np.bool_)
        self.squared = np.empty((count, BOX, BOX), np.int32)
        self.table = empty_table()
        self.image = np.empty((BOX, BOX, 3), np.uint8)

    def in_order(self) -> dict[str, Callable[[int], None]]:
        """Name the stages."""
        return {
            "index map": self.index_map,
            "skeleton": lambda n: rasterise_skeleton(self.queries[n], self.bones, self.masks[n]),
            "distance": lambda n: squared_distances(self.masks[n], self.columns, self.squared[n]),
            "histograms and blend": self.blend,
        }

    def run(self, stage: Callable[[int], None]) -> None:
        """One stage for all pictures."""
        for n in range(len(self.queries)):
            stage(n)

    def known(self, n: int) -> NDArray[np.uint8]:
        """Labels without those of pixels that no source covers."""
        return np.minimum(self.labels[n], len(self.sources[n][0]) - 1).astype(np.uint8)

    def index_map(self, n: int) -> None:
        """Eq. 5."""
        index_map(*self.sources[n][:5], self.ramp, self.best, self.labels[n])

    def blend(self, n: int) -> None:
        """Eq. 8 and 9."""
        *_, to_crop, _, bases = self.sources[n]
        label = self.known(n)
        squared = self.squared[n]
        blend(label, self.table, self.half, squared, self.pixels, bases, fixed_point(to_crop), self.image)


if __name__ == "__main__":
    main()
