"""Bake the body model of `synth.body` from MakeHuman's CC0 mesh, rig and shape targets.

Needs the extra ``bake`` (torch and anny 0.6.2, which loads MakeHuman's files and computes rest states and
poses); run once as ``python -m tools.bake_body``, which takes some minutes and 1 GB of anny's cache folder.
It writes the archive and, for the tests, poses computed by anny itself. Only files of anny's `mpfb2` folder
(MakeHuman, CC0) end in the archive; anny's code (Apache-2.0) chooses which triangles are hidden.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anny
import numpy as np
import torch
from anny.face_segmentation import get_face_segmentation_mask
from numpy.typing import NDArray

from synth.body.archive import ARCHIVE, Body, LinearPoints, PhenotypeGrid, load_body, save_body
from synth.geometry import axis_angle_to_matrix
from tools.bake_mesh import Rest, read_rest, skinned_mesh, thinned
from tools.bake_rig import (
    bone_tree,
    joint_weights,
    landmark_points,
    merged,
    our_bones,
    y_up,
    z_up_rotations,
)

REFERENCE = Path(__file__).parents[1] / "tests" / "data" / "body_reference.npz"
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")
FACES = ("african", "asian", "caucasian")
ANCHORS = {"age": (0.0, 1 / 3, 2 / 3, 1.0), "muscle": (0.0, 0.5, 1.0), "weight": (0.0, 0.5, 1.0)}
HIDDEN = ("eye_cavity.L", "eye_cavity.R", "mouth_cavity", "tongue", "eye_back.L", "eye_back.R")
COMPONENTS = 60
PEOPLE = 1500
HEAD_WEIGHT = 12.0
"""How many times a bone head counts as much as a vertex where the components are chosen."""


def main(argv: Sequence[str] | None = None) -> None:
    """Bake, write, read back and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ARCHIVE, help="archive to write")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="poses for the tests to write")
    options = parser.parse_args(argv)
    model = anny.Anny(topology="anny-full", phenotypes="all", phenotype_blendshapes="original")
    body, source = bake(model)
    save_body(body, options.out)
    baked = load_body(options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB")
    for name, mesh in baked.meshes.items():
        print(f"  {name}: {len(mesh.vertices)} vertices, {len(mesh.triangles)} triangles")
    np.savez_compressed(options.reference, **reference(model, baked, source))
    print(f"{options.reference}: {options.reference.stat().st_size / 1e3:.0f} kB")


def phenotype_vectors(
    values: NDArray[np.float64], faces: NDArray[np.float64], model: anny.Anny
) -> torch.Tensor:
    """Anny's parameters (N, 11) from phenotypes (N, 6) and face weights (N, 3)."""
    parameters = np.full((len(values), len(model.phenotype_labels)), 0.5)
    for names, columns in ((PHENOTYPES, values), (FACES, faces)):
        parameters[:, [model.phenotype_labels.index(name) for name in names]] = columns
    return torch.tensor(parameters, dtype=model.dtype)


def blend(model: anny.Anny, parameters: torch.Tensor) -> NDArray[np.float64]:
    """Coefficients (N, S) of MakeHuman's shape targets."""
    none = torch.zeros(1, 0, dtype=model.dtype)
    coefficients = model._get_phenotype_blendshape_coefficients(parameters, none, none)
    return coefficients.numpy()


def people(rng: np.random.Generator, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Phenotypes and faces among which the shape components are chosen: everybody, evenly."""
    values = rng.beta(1.3, 1.3, (count, 6))
    values[:, 0] = np.clip(rng.uniform(-0.3, 1.3, count), 0, 1)
    values[:, 1] = rng.uniform(0.08, 1, count)
    values[:, 4] = np.clip(rng.normal(0.45, 0.13, count), 0, 1)
    return values, rng.dirichlet([0.4] * 3, count)


def corner_phenotypes() -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.float64]]:
    """Grid positions along the axes, and all corners (A_0 ... A_5, 6)."""
    anchors = tuple(np.array(ANCHORS.get(name, (0.0, 1.0))) for name in PHENOTYPES)
    return anchors, np.stack(np.meshgrid(*anchors, indexing="ij"), axis=-1)


def bake(model: anny.Anny) -> tuple[Body, NDArray[np.int64]]:
    """Make the body model; also returns the vertex of anny's mesh that each vertex of `skin` is."""
    hidden = get_face_segmentation_mask(model, list(HIDDEN)).numpy()
    rest = read_rest(model, hidden)
    basis = Basis.of(model, rest)
    anchors, corners = corner_phenotypes()
    coefficients = []
    for face in np.eye(3):
        parameters = phenotype_vectors(
            corners.reshape(-1, 6), np.tile(face, (corners[..., 0].size, 1)), model
        )
        coefficients.append(basis.project(blend(model, parameters)).reshape(*corners.shape[:-1], -1))
    names, parents = bone_tree(model)
    landmarks, landmark_bones, landmark_at = landmark_points(
        basis.vertices, rest.eyes, rest.weights, rest.sources("skin")
    )
    rest = thinned(rest, basis.vertices.mean, names)
    body = Body(
        grid=PhenotypeGrid(PHENOTYPES, anchors, FACES, np.stack(coefficients).astype(np.float32)),
        bones=names,
        parents=parents,
        heads=basis.heads,
        landmarks=landmarks,
        landmark_bones=landmark_bones,
        landmark_points=landmark_at,
        joint_weights=joint_weights(names, landmarks),
        meshes={name: skinned_mesh(rest, name, basis.vertices, names) for name in rest.faces},
    )
    return body, rest.sources("skin")


@dataclass(frozen=True)
class Basis:
    """Principal components of the shape: all vertices and bone heads as functions of K coefficients."""

    vertices: LinearPoints
    heads: LinearPoints
    centre: NDArray[np.float64]
    projection: NDArray[np.float64]

    def project(self, blend_coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        """Shape coefficients (N, K) of coefficients of MakeHuman's targets (N, S)."""
        return (blend_coefficients - self.centre) @ self.projection

    @classmethod
    def of(cls, model: anny.Anny, rest: Rest) -> Basis:
        """Choose the components among many people, bone heads counting more than vertices."""
        values, faces = people(np.random.default_rng(0), PEOPLE)
        coefficients = blend(model, phenotype_vectors(values, faces, model))
        centre = coefficients.mean(axis=0)
        heads = merged(model.template_bone_heads.numpy(), model)
        moved_heads = merged(model.bone_heads_blendshapes.numpy(), model)
        in_skin = np.isin(np.arange(len(rest.template)), rest.sources("skin")).repeat(3)
        weight = np.concatenate([in_skin, np.full(heads.size, HEAD_WEIGHT)])
        targets = np.concatenate([a.reshape(len(a), -1) for a in (rest.targets, moved_heads)], axis=1)
        spread = ((coefficients - centre) @ targets * weight).astype(np.float32)
        gram = spread.astype(np.float64) @ spread.T.astype(np.float64)
        eigenvalues, vectors = (a[..., ::-1][..., :COMPONENTS] for a in np.linalg.eigh(gram))
        deviation = np.sqrt(eigenvalues / PEOPLE)
        directions = vectors.T @ spread / np.sqrt(eigenvalues)[:, None]
        projection = (targets * weight) @ directions.T / deviation
        # the components of everything, also of what has no weight, by least squares over the people
        scores = (coefficients - centre) @ projection
        components = np.linalg.lstsq(scores, (coefficients - centre) @ targets, rcond=None)[0]
        mean = np.concatenate([rest.template.ravel(), heads.ravel()]) + centre @ targets
        split = rest.template.size
        return cls(
            _points(mean[:split], components[:, :split]),
            _points(mean[split:], components[:, split:]),
            centre,
            projection,
        )


def _points(mean: NDArray[np.float64], components: NDArray[np.float64]) -> LinearPoints:
    shape = (-1, 3)
    return LinearPoints(
        mean.reshape(shape).astype(np.float32), components.reshape(COMPONENTS, *shape).astype(np.float32)
    )


def reference(model: anny.Anny, body: Body, source: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    """Random people in random poses, computed by anny: what the tests compare with."""
    rng = np.random.default_rng(1)
    values, faces = people(rng, 6)
    parameters = phenotype_vectors(values, faces, model)
    names, parents = bone_tree(model)
    local = axis_angle_to_matrix(rng.normal(scale=0.35, size=(len(values), len(names), 3)))
    # anny has many toe bones where we have one: they stay at rest
    local[:, [names.index("left_toes"), names.index("right_toes")]] = np.eye(3)
    turns = local.copy()
    for bone, parent in enumerate(parents[1:], start=1):
        turns[:, bone] = turns[:, parent] @ local[:, bone]
    with torch.no_grad():
        rest_poses = model(None, parameters)["rest_bone_poses"].numpy()
        pose = rest_poses.copy()
        pose[:, :, :3, :3] = z_up_rotations(turns)[:, our_bones(model)] @ rest_poses[:, :, :3, :3]
        pose_tensor = torch.tensor(pose, dtype=model.dtype)
        posed = model(pose_tensor, parameters, pose_parameterization="world-orient")
    some = np.arange(0, len(source), 53)
    return {
        "phenotypes": values,
        "faces": faces,
        "rotations": turns.astype(np.float32),
        "heads": merged(posed["bone_poses"].numpy()[..., :3, 3], model).astype(np.float32),
        "rest_heads": merged(posed["rest_bone_poses"].numpy()[..., :3, 3], model).astype(np.float32),
        "vertex_numbers": some,
        "vertices": y_up(posed["vertices"].numpy()[:, source[some]]).astype(np.float32),
        "rest_vertices": y_up(posed["rest_vertices"].numpy()[:, source[some]]).astype(np.float32),
    }


if __name__ == "__main__":
    main()
