"""Exact matching in a pool of 80,000 poses, on one core, against Eq. 3 in vectorised numpy.

Both find the same poses for the same queries, which is checked; the two take turns and the best run of
each counts. On a machine with other work to do, both are slower and the ratio scatters by some tens of
per cent. The ratio is that to the equations as they are written; that to numpy with complex numbers, the
fastest we know, is printed too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.baseline import ComplexMatcher, NumpyMatcher
from benchmarks.common import (
    argument_parser,
    benchmark_index,
    benchmark_plan,
    benchmark_pool,
    body_queries,
    report,
    seconds,
)
from synth.matching import Matches, match

BATCH = 1000
NUMPY_QUERIES = 6
EPS = 0.5


def main(argv: Sequence[str] | None = None) -> None:
    options = argument_parser(__doc__).parse_args(argv)
    pool = benchmark_pool(options.data_root)
    index = benchmark_index(pool)
    queries, searched = body_queries(benchmark_plan(options.data_root), range(BATCH))
    plain, fast = NumpyMatcher(index.joints, index.labelled), ComplexMatcher(index.joints, index.labelled)
    match(index, queries[:8], searched[:8])
    few, sought = queries[:NUMPY_QUERIES], searched[:NUMPY_QUERIES]
    best = dict.fromkeys(("exact", "eps", "plain", "complex"), np.inf)
    for _ in range(options.repeats):
        exact_time, exact = seconds(lambda: match(index, queries, searched))
        eps_time, near = seconds(lambda: match(index, queries, searched, eps=EPS))
        plain_time, found = seconds(lambda: plain.match(few, sought))
        complex_time, _ = seconds(lambda: fast.match(few, sought))
        times = (exact_time / BATCH, eps_time / BATCH, plain_time / len(few), complex_time / len(few))
        best = {name: min(least, time) for (name, least), time in zip(best.items(), times, strict=True)}
    check(exact, found)
    cost = near.costs[searched].sum() / exact.costs[searched].sum()
    same = (near.entries == exact.entries)[searched].mean()
    print(f"{searched.sum() / BATCH:.1f} joints are searched in a query; queries/s on one core:")
    print(f"engine, exact, batches of {BATCH}: {1 / best['exact']:.0f}")
    print(f"engine, eps = {EPS}: {1 / best['eps']:.0f}, same pose {same:.4f}, mean cost x{cost:.6f}")
    print(f"numpy, plain: {1 / best['plain']:.2f} (the engine is x{best['plain'] / best['exact']:.0f})")
    print(f"numpy, complex: {1 / best['complex']:.2f} (the engine is x{best['complex'] / best['exact']:.0f})")
    report("matching", best["plain"] / best["exact"], "numpy", 1 / best["exact"], "queries/s")


def check(exact: Matches, found: tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.intp]]) -> None:
    """Stop unless numpy found the same poses, or others that cost the same to float32's precision."""
    entries, costs, _ = found
    ours, our_costs = exact.entries[: len(entries), :, 0], exact.costs[: len(entries), :, 0]
    differ = entries != ours
    if not (np.abs(costs[differ] - our_costs[differ]) < 1e-3).all():
        raise SystemExit("the engine's matches are not numpy's")


if __name__ == "__main__":
    main()
