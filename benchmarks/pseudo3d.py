"""Pseudo-3D: the batched relaxation against a plain numpy port of the published iterations, on one core.

The port takes one pose at a time, solves the 3K x 3K system anew in every iteration and takes one SVD an
atom, as the authors wrote it. Both lift the same poses with a dictionary of 128 atoms and make the same
iterations. With the reference files of `--reference`, their 100 poses and dictionary are taken, the objectives
and aligned errors compared with the authors' program's, and the dictionary learner with theirs. With
`--held-out` four dictionaries, each without one HDM05 actor and CMU 01, 02 and 07, lift that actor's poses
(minutes). Without reference files, recorded poses and a dictionary learnt from them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import argument_parser, best_of, report, seconds
from synth.geometry import axis_rotation, similarity_alignment
from synth.lifting.coding import factorise
from synth.lifting.dictionary import DictionaryOptions, facing_camera, learn_dictionary
from synth.lifting.people import lift_people
from synth.lifting.relaxation import relax
from synth.poses import sampled_frames
from synth.skeletons import H36M17
from synth.sources.catalog import iter_motion, read_images
from synth.sources.records import MotionClip

NUMPY_POSES = 3
PEOPLE = 500
ACTORS = ("bd", "bk", "dg", "mm")
HELD_OUT = ("cmu/01", "cmu/02", "cmu/07")
RATE_HZ = 12.0
DEFAULT_REFERENCE = Path(__file__).resolve().parents[1].parent / "shared" / "reference"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argument_parser(__doc__)
    parser.add_argument(
        "--reference", type=Path, default=DEFAULT_REFERENCE, help="folder of reference outputs"
    )
    parser.add_argument("--held-out", action="store_true", help="also learn and score four dictionaries")
    options = parser.parse_args(argv)
    known = options.reference.is_dir()
    points, atoms = reference_problem(options.reference) if known else recorded_problem(options.data_root)
    ratio, speed = compare(points, atoms, options.repeats)
    people(options.data_root, options.repeats)
    if known:
        agreement(options.reference)
        learner(options.reference)
        if options.held_out:
            held_out(options.reference, options.data_root)
    report("pseudo3d", ratio, "numpy", speed, "poses/s")


def compare(points: NDArray[np.float64], atoms: NDArray[np.float64], repeats: int) -> tuple[float, float]:
    """Ratio of the times a pose on the first poses, and poses/s on all."""
    relax(points[:1], atoms)
    few = points[:NUMPY_POSES]
    slow, expected = seconds(lambda: [published(w, atoms) for w in few])
    fast_few, found = best_of(repeats, lambda: relax(few, atoms))
    if found.iterations.tolist() != [iterations for _, iterations in expected]:
        raise SystemExit("the iterations differ from the port's")
    worst = max(np.abs(found.motions[n] - motions).max() for n, (motions, _) in enumerate(expected))
    if worst > 1e-6:
        raise SystemExit(f"the motions differ from the port's by {worst}")
    fast, _ = best_of(repeats, lambda: relax(points, atoms))
    print(
        f"{len(atoms)} atoms, {points.shape[2]} joints: numpy {len(few) / slow:.3f} poses/s, relax "
        f"{len(few) / fast_few:.0f} on the same {len(few)} poses, {len(points) / fast:.0f} on all {len(points)}; "
        f"same iterations, largest difference {worst:.1e}"
    )
    return slow / fast_few, len(points) / fast


def people(data_root: Path, repeats: int) -> None:
    """Time the whole lift of annotated people: relaxation, refinement, cost of turning each limb."""
    (source,), _ = read_images("lspet", data_root)
    dictionary = learn_dictionary(recorded(data_root)[0], DictionaryOptions(max_rounds=50))
    rows = np.arange(min(PEOPLE, len(source.joints)))
    lift_people(source, rows[:1], dictionary.atoms, dictionary.content_hash)
    elapsed, _ = best_of(
        repeats, lambda: lift_people(source, rows, dictionary.atoms, dictionary.content_hash)
    )
    print(
        f"whole lift with refinement and limb ambiguities: {len(rows) / elapsed:.0f} people/s of LSP-extended, all "
        f"{len(source.joints)} in {len(source.joints) * elapsed / len(rows):.0f} s on one core"
    )


def published(
    w: NDArray[np.float64], atoms: NDArray[np.float64], tolerance: float = 1e-3
) -> tuple[NDArray[np.float64], int]:
    """Motions (K, 2, 3) and iterations of one pose w (2, P), step by step."""
    k = len(atoms)
    b = (atoms - atoms.mean(axis=2, keepdims=True)).reshape(3 * k, -1)
    square, eye = b @ b.T, np.eye(3 * k)
    m = np.zeros((2, 3 * k))
    z, y, t = m.copy(), m.copy(), w.mean(axis=1, keepdims=True)
    mu, iteration = 1.0 / np.abs(w).mean(), 0
    while iteration < 1000:
        iteration += 1
        before = z
        z = np.linalg.solve(square + mu * eye, ((w - t) @ b.T + mu * m + y).T).T
        q = z - y / mu
        for i in range(k):
            m[:, 3 * i : 3 * i + 3] = published_prox(q[:, 3 * i : 3 * i + 3], 1.0 / mu)
        t = (w - z @ b).mean(axis=1, keepdims=True)
        y = y + mu * (m - z)
        size = max(float(np.linalg.norm(before)), 1e-300)
        primal = np.linalg.norm(m - z) / size
        dual = mu * np.linalg.norm(z - before) / size
        if primal < tolerance and dual < tolerance:
            break
        if iteration > 1 and primal > 10 * dual:
            mu *= 2
        elif iteration > 1 and dual > 10 * primal:
            mu /= 2
    return m.reshape(2, k, 3).transpose(1, 0, 2), iteration


def published_prox(q: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    u, (s1, s2), vt = np.linalg.svd(q, full_matrices=False)
    if s1 + s2 <= threshold:
        return np.zeros_like(q)
    if s1 - s2 <= threshold:
        s1 = s2 = (s1 + s2 - threshold) / 2
    else:
        s1 = s1 - threshold
    return (u * np.array([s1, s2])) @ vt


def reference_problem(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return np.load(folder / "pseudo3d_dev.npz")["W_clean"], np.load(folder / "dict_K128.npz")["B"]


def recorded_problem(data_root: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """100 recorded poses seen from all sides (100, 2, 17), and a dictionary of the same motion."""
    poses, _ = recorded(data_root)
    atoms = learn_dictionary(poses, DictionaryOptions(max_rounds=20)).atoms
    some = facing_camera(poses[:: len(poses) // 100][:100])
    seen = (axis_rotation("y", np.linspace(0, 2 * np.pi, 100, endpoint=False)) @ some)[:, :2]
    return seen / seen.std(axis=2).mean(axis=1)[:, None, None], atoms


def recorded(data_root: Path) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Poses (N, 17, 3) of CMU and HDM05 and their subjects, ``"source/subject"``."""
    clips = [item for item in iter_motion("cmu+hdm05", data_root) if isinstance(item, MotionClip)]
    poses = [clip.joints[sampled_frames(len(clip.joints), clip.fps, RATE_HZ)] for clip in clips]
    names = [f"{clip.source}/{clip.subject}" for clip in clips]
    return np.concatenate(poses), np.repeat(names, [len(part) for part in poses])


def agreement(folder: Path) -> None:
    """Objectives and aligned errors against the authors' program's."""
    dev, atoms = np.load(folder / "pseudo3d_dev.npz"), np.load(folder / "dict_K128.npz")["B"]
    for kind in ("clean", "noisy"):
        found = relax(dev[f"W_{kind}"], atoms)
        above = (found.objectives / dev[f"objective_{kind}"] - 1).max()
        ours, theirs = aligned_errors(found.shapes, dev["S_true_mm"]).mean(), dev[f"err_mm_{kind}"].mean()
        print(
            f"{kind}: objective at most {above:.1e} above the authors', error {ours:.3f} mm against {theirs:.3f}, "
            f"shapes within {np.abs(found.shapes - dev[f'S_octave_{kind}']).max():.1e}"
        )


def aligned_errors(shapes: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean joint distance (N,) after similarity alignment; both (N, 3, P)."""
    a, b = np.swapaxes(shapes, 1, 2), np.swapaxes(truth, 1, 2)
    mean: NDArray[np.float64] = np.linalg.norm(similarity_alignment(a, b).apply(a) - b, axis=2).mean(axis=1)
    return mean


def learner(folder: Path) -> None:
    """Time to the final objective of the reference learner, from the same start."""
    known = np.load(folder / "dictionary_learning_K64.npz")
    samples, start = known["Y"].T.copy(), known["D0"].T.copy()
    factorise(samples[:8], start[:4], 1.0, 1.0, 1e-6, 2)
    for sparsity in (1, 2):
        cap, goal = float(np.linalg.norm(known[f"B_lam{sparsity}"][0])), known[f"obj_curve_lam{sparsity}"][-1]
        whole, found = seconds(lambda s=sparsity, c=cap: factorise(samples, start, float(s), c, 1e-6, 2000))
        reached = int(np.argmax(found.objectives <= goal)) + 1
        print(
            f"dictionary of 64 atoms, lambda {sparsity}: {found.objectives[-1]:.1f} against {goal:.1f}; that after "
            f"{reached} of {len(found.objectives)} rounds, {whole * reached / len(found.objectives):.2f} of "
            f"{whole:.1f} s (theirs {known[f'seconds_lam{sparsity}']:.0f} s)"
        )


def held_out(folder: Path, data_root: Path) -> None:
    """Errors on the reference's HDM05 poses, with dictionaries that have not seen their actor."""
    dev = np.load(folder / "pseudo3d_dev.npz")
    poses, subject = recorded(data_root)
    joints = H36M17.indices(full_names(dev["joint_names"]))
    actor = np.array([name[4:6] if name.startswith("HDM") else "" for name in dev["source"]])
    errors: dict[str, list[NDArray[np.float64]]] = {"clean": [], "noisy": []}
    for left_out in ACTORS:
        seen = ~np.isin(subject, [f"hdm05/{left_out}", *HELD_OUT])
        atoms = learn_dictionary(poses[seen]).atoms[:, :, joints]
        rows = np.flatnonzero(actor == left_out)
        for kind, parts in errors.items():
            found = relax(dev[f"W_{kind}"][rows], atoms)
            parts.append(aligned_errors(found.shapes, dev["S_true_mm"][rows]))
    for kind, parts in errors.items():
        pooled, theirs = np.concatenate(parts), dev[f"err_mm_{kind}"][actor != ""]
        each = ", ".join(f"{name} {part.mean():.1f}" for name, part in zip(ACTORS, parts, strict=True))
        print(
            f"{kind}: {pooled.mean():.1f} mm on {len(pooled)} HDM05 poses ({each}) against {theirs.mean():.1f} with "
            "the reference's dictionary"
        )


def full_names(names: Sequence[str]) -> Iterator[str]:
    """Names of `H36M17` for the reference's: ``"lknee"`` is ``"left_knee"``."""
    for name in names:
        if name in ("root", "thorax", "head"):
            yield "pelvis" if name == "root" else str(name)
        else:
            yield ("left_" if name[0] == "l" else "right_") + str(name[1:])


if __name__ == "__main__":
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        # the plain version must not get two cores, and the library reads this once, when it is loaded
        one = os.environ | {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.pseudo3d", *sys.argv[1:]], one)
    main()
