"""Thinning of poses against the greedy pass in vectorised numpy, on one core.

With --data-root the poses are all frames of the sources named by --mocap at their full rate; without, a
random walk of 140,000 poses. Then the same poses with every joint moved at random, so that nearly none is
dropped.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth.poses import DEFAULT_THRESHOLD, torso_align
from synth.sources.catalog import iter_motion
from synth.sources.records import MotionClip
from synth.thinning import RULES, Rule, thin_poses

NUMPY_POSES = 6000
RULE_MEASURES = {"max": np.max, "mean": np.mean}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, help="folder of the motion sources")
    parser.add_argument("--mocap", default="cmu+hdm05", help="motion sources, joined with +")
    options = parser.parse_args(argv)
    poses = walk(140_000) if options.data_root is None else recorded(options.mocap, options.data_root)
    jittered = poses + np.random.default_rng(0).normal(scale=0.03, size=poses.shape)
    thin_poses(poses[:100], "max", 0.05)
    ratio, speed = np.inf, np.inf
    for rule in RULES:
        for name, batch in (("real" if options.data_root else "walk", poses), ("jittered", jittered)):
            found_ratio, found_speed = compare(rule, name, batch)
            ratio, speed = min(ratio, found_ratio), min(speed, found_speed)
    print(f"bench thinning ratio={ratio:.1f} vs=numpy value={speed:.0f} unit=poses/s")


def compare(rule: Rule, name: str, poses: NDArray[np.float64]) -> tuple[float, float]:
    """Ratio of the times on the first poses, where the kept ones must be equal, and poses/s on all."""
    threshold = DEFAULT_THRESHOLD[rule]
    few = poses[:NUMPY_POSES]
    slow, expected = timed(lambda: numpy_greedy(few, rule, threshold))
    fast, found = timed(lambda: thin_poses(few, rule, threshold))
    if not np.array_equal(expected, found):
        raise SystemExit(f"{rule} {name}: thinning differs from numpy")
    seconds, kept = timed(lambda: thin_poses(poses, rule, threshold))
    print(
        f"{rule:4} {name:8} {len(few)} poses: numpy {slow:.2f} s, thin_poses {fast:.3f} s; "
        f"{len(poses)} poses: {seconds:.2f} s, {len(kept)} kept"
    )
    return slow / fast, len(poses) / seconds


def numpy_greedy(poses: NDArray[np.float64], rule: Rule, threshold: float) -> NDArray[np.intp]:
    """Each pose against all kept ones in one expression."""
    measure = RULE_MEASURES[rule]
    kept, count = np.empty_like(poses), 0
    positions = []
    for i, pose in enumerate(poses):
        distance = measure(np.linalg.norm(kept[:count] - pose, axis=-1), axis=-1)
        if not (distance < threshold).any():
            kept[count] = pose
            count += 1
            positions.append(i)
    return np.array(positions, dtype=np.intp)


def timed(work: Callable[[], NDArray[np.intp]]) -> tuple[float, NDArray[np.intp]]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def recorded(sources: str, data_root: Path) -> NDArray[np.float64]:
    """All frames of all clips, torso-aligned."""
    clips = (item for item in iter_motion(sources, data_root) if isinstance(item, MotionClip))
    return np.concatenate([torso_align(clip.joints) for clip in clips])


def walk(count: int) -> NDArray[np.float64]:
    """Poses that drift about as fast as people do at 120 Hz."""
    steps = np.random.default_rng(0).normal(scale=0.002, size=(count, 13, 3))
    return np.cumsum(steps, axis=0)


if __name__ == "__main__":
    main()
