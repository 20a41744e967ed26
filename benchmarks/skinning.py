"""Posing the body, vertices and normals, against the same in vectorised numpy, on one core.

Both get one person's rest vertices and the bone matrices of many poses; bodies/s are those of `skin_with_normals`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import best_of, report
from synth.body.archive import SkinnedMesh, load_body
from synth.body.shapes import make_shape, sample_people
from synth.body.skinning import bone_transforms, skin_with_normals
from synth.geometry import axis_angle_to_matrix

BODIES, NUMPY_BODIES = 400, 20
TOLERANCE = 1e-5


def main(argv: Sequence[str] | None = None) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    body = load_body()
    rng = np.random.default_rng(0)
    shape = make_shape(body, sample_people(body, rng, 1).coefficients[0])
    rotations = axis_angle_to_matrix(rng.normal(scale=0.3, size=(BODIES, len(body.bones), 3)))
    poses = bone_transforms(shape.heads, body.parents, rotations)
    rest, mesh = body.skin.vertices.at(shape.coefficients), body.skin
    arguments = mesh.bones, mesh.weights, mesh.triangles
    fast, found = best_of(3, lambda: [skin_with_normals(rest, *arguments, pose) for pose in poses])
    slow, expected = best_of(3, lambda: [numpy_skin(rest, mesh, pose) for pose in poses[:NUMPY_BODIES]])
    for ours, theirs in zip(found, expected, strict=False):
        if np.abs(ours[0] - theirs[0]).max() > TOLERANCE:
            raise SystemExit("skinning differs from numpy")
    print(f"{len(rest)} vertices, {len(mesh.triangles)} triangles; numpy {slow / NUMPY_BODIES * 1e3:.1f} ms")
    bodies = BODIES / fast
    report("skinning", bodies * slow / NUMPY_BODIES, "numpy", bodies, "bodies/s/core")


def numpy_skin(
    rest: NDArray[np.float32], mesh: SkinnedMesh, transforms: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Posed vertices and unit normals: matrices blended by one product, normals summed by bincount."""
    blended = np.einsum("vk,vkij->vij", mesh.weights, transforms[mesh.bones])
    posed = np.einsum("vij,vj->vi", blended[:, :, :3], rest) + blended[:, :, 3]
    a, b, c = (posed[mesh.triangles[:, k]] for k in range(3))
    normals = np.repeat(np.cross(b - a, c - a), 3, axis=0)
    corners = mesh.triangles.ravel()
    sums = np.stack([np.bincount(corners, normals[:, k], len(rest)) for k in range(3)], axis=1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return posed, np.divide(sums, length, out=sums, where=length > 0).astype(np.float32)


if __name__ == "__main__":
    main()
