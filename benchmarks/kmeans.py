"""k-means of orientated poses against scikit-learn and faiss, on one core unless told otherwise.

The poses are those of CMU and HDM05 at 30 Hz, thinned by the 5 cm rule, each seen from random views. On
--compare poses: scikit-learn's `KMeans` from the same first centres for as many iterations, where the
inertias must agree to 1e-4 (the ratio is that of the times); its own k-means++ and iterations to the end,
which ours must reach within 0.5 %; `MiniBatchKMeans` and faiss for their times and inertias. Then, with
--poses, ours alone on that many poses to the end, with its greatest anonymous memory.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import DEFAULT_DATA, best_of, report, seconds
from synth.cameras import Views, camera_for, to_camera
from synth.labels.classes import orientated_poses
from synth.labels.kmeans import fit
from synth.labels.nearest import index_centres, nearest
from synth.labels.seeding import SAMPLE_PER_CLASS, initial_centres, seed_centres
from synth.poses import PoseLibrary, build_library
from synth.sources.catalog import iter_motion

SEED = 0
RATE_HZ = 30.0
ITERATIONS = 10
AGREE = 1e-4
AS_GOOD = 1.005
BATCH = 50_000


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    data = Path(os.environ.get("SYNTH_DATA") or DEFAULT_DATA)
    parser.add_argument("--data-root", type=Path, default=data, help="folder of the motion sources")
    parser.add_argument("--compare", type=int, default=100_000, help="poses of the comparisons")
    parser.add_argument("--poses", type=int, default=0, help="poses of the long run; 0: none")
    parser.add_argument("--classes", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the best counts")
    options = parser.parse_args(argv)
    others = import_others()
    library, _ = build_library(iter_motion("cmu+hdm05", options.data_root), rate_hz=RATE_HZ)
    poses = seen_from_anywhere(library, max(options.compare, options.poses))
    warm_up(poses)
    few = poses[: options.compare]
    with others["threadpoolctl"].threadpool_limits(1):
        ratio, speed = same_iterations(others, few, options.classes, options.repeats)
        compare_to_the_end(others, few, options.classes)
    if options.poses:
        long_run(poses[: options.poses], options.classes)
    report("kmeans", ratio, "sklearn", speed, "poses/s")


def import_others() -> dict[str, Any]:
    try:
        import faiss
        import sklearn.cluster
        import threadpoolctl
    except ImportError as error:
        raise SystemExit(
            f"{error.name} is missing: install the extra with pip install -e '.[bench]'"
        ) from None
    faiss.omp_set_num_threads(1)
    return {"sklearn": sklearn.cluster, "faiss": faiss, "threadpoolctl": threadpoolctl}


def seen_from_anywhere(library: PoseLibrary, count: int) -> NDArray[np.float32]:
    """Orientated poses (count, 39) of random poses of the library in random views."""
    rng = np.random.default_rng(SEED)
    made = np.empty((count, 39), dtype=np.float32)
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        joints = library.joints[rng.integers(len(library), size=size)]
        low, high = np.deg2rad([0.0, -45.0]), np.deg2rad([360.0, 45.0])
        azimuth, elevation = rng.uniform(low, high, (size, 2)).T
        views = Views(azimuth, elevation, rng.uniform(4.0, 8.0, size), np.zeros(size))
        made[start : start + size] = orientated_poses(to_camera(camera_for(joints, views), joints))
    print(f"{count:,} views of {len(library):,} poses")
    return made


def warm_up(poses: NDArray[np.float32]) -> None:
    """Compile, or find what was compiled."""
    fit(poses[:500], initial_centres(poses[:500], 100, np.random.default_rng(SEED)))


def inertia_of(poses: NDArray[np.float32], centres: NDArray[Any]) -> float:
    return float(nearest(index_centres(centres), poses)[1].sum())


def same_iterations(
    others: dict[str, Any], poses: NDArray[np.float32], classes: int, repeats: int
) -> tuple[float, float]:
    """Ratio of the times of `ITERATIONS` iterations from the same centres, and our poses/s an iteration."""
    start = poses[np.random.default_rng(SEED).choice(len(poses), classes, replace=False)]
    theirs, model = best_of(
        repeats,
        lambda: (
            others["sklearn"]
            .KMeans(classes, init=start, n_init=1, max_iter=ITERATIONS, tol=0.0, algorithm="lloyd")
            .fit(poses)
        ),
    )
    ours, found = best_of(repeats, lambda: fit(poses, start, tolerance=0.0, max_iterations=ITERATIONS))
    difference = found.inertias[-1] / model.inertia_ - 1.0
    print(
        f"{ITERATIONS} iterations, {len(poses):,} poses, {classes:,} classes, same first centres: "
        f"KMeans {theirs:.1f} s, ours {ours:.1f} s; inertia {model.inertia_:.6g}, ours {difference:+.1e}"
    )
    if abs(difference) > AGREE:
        raise SystemExit("the inertias differ")
    return theirs / ours, len(poses) * ITERATIONS / ours


def compare_to_the_end(others: dict[str, Any], poses: NDArray[np.float32], classes: int) -> None:
    """Everyone with their own first centres, to their own end."""
    rng = np.random.default_rng(SEED)
    inertias = {"KMeans": 0.0}

    def told(name: str, work: Callable[[], NDArray[Any]]) -> None:
        elapsed, centres = seconds(work)
        inertias[name] = inertia_of(poses, centres)
        print(f"{name:<16} {elapsed:7.1f} s, inertia {inertias[name]:.6g}")

    cluster, faiss = others["sklearn"], others["faiss"]
    told("ours", lambda: fit(poses, seed_centres(poses, classes, rng)).centres)
    told("KMeans", lambda: cluster.KMeans(classes, n_init=1, random_state=SEED).fit(poses).cluster_centers_)
    told(
        "MiniBatchKMeans",
        lambda: (
            cluster.MiniBatchKMeans(classes, batch_size=4 * classes, n_init=1, random_state=SEED)
            .fit(poses)
            .cluster_centers_
        ),
    )
    told("faiss", lambda: faiss_centres(faiss, poses, classes))
    if inertias["ours"] > AS_GOOD * inertias["KMeans"]:
        raise SystemExit("our inertia is more than 0.5 % above that of KMeans")


def faiss_centres(faiss: Any, poses: NDArray[np.float32], classes: int) -> NDArray[np.float32]:
    model = faiss.Kmeans(poses.shape[1], classes, niter=25, seed=SEED, max_points_per_centroid=len(poses))
    model.train(poses)
    centres: NDArray[np.float32] = model.centroids
    return centres


def long_run(poses: NDArray[np.float32], classes: int) -> None:
    """Ours alone, from a sample's centres to a relative change of 1e-4, in one process."""
    rng = np.random.default_rng(SEED)
    sample = poses[
        np.sort(rng.choice(len(poses), min(SAMPLE_PER_CLASS * classes, len(poses)), replace=False))
    ]
    before, centres = seconds(lambda: initial_centres(sample, classes, rng))
    elapsed, found = seconds(lambda: fit(poses, centres))
    print(
        f"{len(poses):,} poses, {classes:,} classes, one core: first centres {before:.0f} s, "
        f"{len(found.inertias)} iterations {elapsed:.0f} s, inertia {found.inertias[-1]:.6g}; "
        f"memory {peak_memory():.2f} GB, poses included"
    )


def peak_memory() -> float:
    """Greatest resident memory of this process so far, GB; NaN where it isn't known."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 / 1e9 if found else float("nan")


if __name__ == "__main__":
    main()
