"""Photographs of people as the demo pool takes them, against a plain numpy renderer, on one core.

`photograph_all` runs with the settings that fill the pool, at 220 x 220 pixels and at the pool's own size, with people
dressed and poses chosen before. The ratio is that of `synth.body.render.render` to a z-buffer and shader of
vectorised numpy, which draws the same figures over the same backgrounds without shadows or mip levels.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.common import best_of, report
from synth.body.archive import Body, load_body
from synth.body.backgrounds import Background, background
from synth.body.person import Person, make_studio
from synth.body.render import Picture, Workspace, render
from synth.body.textures import DECODE, MaterialSet, linear_to_srgb
from synth.cameras import BOX
from synth.sources.demo_images.photographs import Camera, Figure, photograph_all, pose
from synth.sources.demo_images.sittings import SIDE, Sittings, arrange, draw_person, groups_of

PHOTOGRAPHS, COMPARED, SUPERSAMPLING = 60, 6, 2
COUNT = 2000
LIKENESS = 6.0
"""Greatest mean difference of the two renderers on the person, in grey levels."""


@dataclass(frozen=True)
class Sitter:
    """One photograph to be rendered: a figure, its camera and what is behind it."""

    figure: Figure
    camera: Camera
    scene: Background


def main(argv: Sequence[str] | None = None) -> None:
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    cv2.setNumThreads(1)
    body, group = load_body(), groups_of(0, COUNT)[0]
    people = {number: draw_person(body, group.seed, number) for number in group.people}
    rates = {side: photographs_a_second(body, people, side) for side in (SIDE, BOX)}
    print(f"{rates[SIDE]:.1f} images/s/core at {SIDE} x {SIDE}, {rates[BOX]:.1f} at {BOX} x {BOX}")
    sitters = compared_sitters(arrange(body, group, people, BOX), people)
    studio = make_studio(BOX, SUPERSAMPLING)
    fast, _ = best_of(5, lambda: [numba_picture(studio, sitter) for sitter in sitters])
    slow, _ = best_of(3, lambda: [numpy_picture(sitter) for sitter in sitters])
    for sitter in sitters:
        check_alike(studio, sitter)
    print(f"rendering alone: numpy {slow / COMPARED * 1e3:.0f} ms, numba {fast / COMPARED * 1e3:.1f} ms")
    report("render", slow / fast, "numpy", rates[BOX], "images/s/core")


def photographs_a_second(body: Body, people: dict[int, Person], side: int) -> float:
    group = groups_of(0, COUNT)[0]
    studio = make_studio(side, SUPERSAMPLING)
    sittings = arrange(body, group, people, side)
    # a few first, which compiles the kernels and paints skies and tiles
    for _ in photograph_all(body, sittings, people, studio, 0):
        pass
    some = replace(
        sittings,
        images=sittings.images[:PHOTOGRAPHS],
        person=sittings.person[:PHOTOGRAPHS],
    )
    return PHOTOGRAPHS / best_of(3, lambda: list(photograph_all(body, some, people, studio, 0)))[0]


def compared_sitters(sittings: Sittings, people: dict[int, Person]) -> list[Sitter]:
    sitters = []
    for row in np.linspace(0, len(sittings.images) - 1, COMPARED).astype(int):
        cameras = sittings.cameras
        camera = Camera(cameras.K[row], cameras.R[row], cameras.t[row])
        figure = pose(people[int(sittings.person[row])], sittings.transforms[row], camera)
        rng = np.random.default_rng([0, row])
        foot = camera.R.T @ (figure.vertices.mean(axis=0) - camera.t) * [1.0, 0.0, 1.0]
        sitters.append(Sitter(figure, camera, background(rng, camera.K, camera.R, camera.t, foot, BOX)))
    return sitters


def check_alike(studio: Workspace, sitter: Sitter) -> None:
    """Compare the renderers without a key light: only one of them knows shadows and highlights."""
    dull = replace(
        sitter, scene=replace(sitter.scene, light=replace(sitter.scene.light, key=(0.0, 0.0, 0.0)))
    )
    picture, (expected, covered) = numba_picture(studio, dull), numpy_picture(dull)
    difference = np.abs(picture.image.astype(float) - expected)[covered & (picture.coverage > 250)].mean()
    if not difference < LIKENESS:
        raise SystemExit(f"the renderers differ by {difference:.1f} grey levels in the mean")


def numba_picture(studio: Workspace, sitter: Sitter) -> Picture:
    figure, worn = sitter.figure, sitter.figure.person.appearance
    return render(
        studio, worn.mesh, figure.vertices, figure.normals, worn.materials, sitter.camera.K, sitter.scene.light,
        sitter.scene.image,
    )  # fmt: skip


def numpy_picture(sitter: Sitter) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Picture in grey levels and where all samples of a pixel are covered."""
    seen, weights = numpy_z_buffer(sitter)
    colour = np.zeros((*seen.shape, 3))
    colour[seen >= 0] = numpy_shade(sitter, seen[seen >= 0], weights[seen >= 0])
    s, covered = SUPERSAMPLING, seen >= 0
    blocks = np.where(covered[..., None], colour, 0.0).reshape(BOX, s, BOX, s, 3).mean(axis=(1, 3))
    share = covered.reshape(BOX, s, BOX, s).mean(axis=(1, 3))[..., None]
    behind = DECODE[sitter.scene.image]
    return 255.0 * linear_to_srgb(blocks + (1.0 - share) * behind), share[..., 0] == 1.0


def numpy_z_buffer(sitter: Sitter) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Nearest triangle and barycentric weights of every sample; all candidates at once, then the nearest."""
    side = BOX * SUPERSAMPLING
    mesh, points = sitter.figure.person.appearance.mesh, sitter.figure.vertices.astype(np.float64)
    pixels = points @ sitter.camera.K.T
    screen = (pixels[:, :2] / pixels[:, 2:] + 0.5) * SUPERSAMPLING - 0.5
    corners, inverse = screen[mesh.triangles], 1.0 / points[mesh.triangles][..., 2]
    low = np.clip(np.ceil(corners.min(axis=1)), 0, side - 1).astype(int)
    high = np.clip(np.floor(corners.max(axis=1)), -1, side - 1).astype(int)
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = cross2(b - a, c - a)
    wide = np.where((area < 0) | ((area != 0) & mesh.two_sided), 1, 0)[:, None] * np.maximum(
        high - low + 1, 0
    )
    count = wide.prod(axis=1)
    triangle = np.repeat(np.arange(len(count)), count)
    place = np.arange(count.sum()) - np.repeat(count.cumsum() - count, count)
    x = low[triangle, 0] + place % wide[triangle, 0]
    y = low[triangle, 1] + place // wide[triangle, 0]
    at = np.stack([x, y], axis=1)
    wb = cross2(at - a[triangle], (c - a)[triangle]) / area[triangle]
    wc = cross2((b - a)[triangle], at - a[triangle]) / area[triangle]
    inside = (wb >= 0) & (wc >= 0) & (wb + wc <= 1)
    triangle, x, y, wb, wc = (array[inside] for array in (triangle, x, y, wb, wc))
    shares = np.stack([1 - wb - wc, wb, wc], axis=1) * inverse[triangle]
    shares_of_one = shares / shares.sum(axis=1, keepdims=True)
    solid = np.flatnonzero(numpy_solid(sitter, triangle, shares_of_one))
    order = solid[np.argsort(shares.sum(axis=1)[solid])]
    seen, weights = np.full((side, side), -1), np.zeros((side, side, 3))
    seen[y[order], x[order]] = triangle[order]
    weights[y[order], x[order]] = shares_of_one[order]
    return seen, weights


def cross2(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def numpy_shade(
    sitter: Sitter, triangle: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear colours (N, 3): texture, key light on a matt surface, light from above and below."""
    worn, mesh = sitter.figure.person.appearance, sitter.figure.person.appearance.mesh
    normals = (sitter.figure.normals[mesh.triangles[triangle]] * weights[..., None]).sum(axis=1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points = (sitter.figure.vertices[mesh.triangles[triangle]] * weights[..., None]).sum(axis=1)
    normals *= np.where((normals * points).sum(axis=1) > 0, -1.0, 1.0)[:, None]
    direction, up, key, sky, ground = sitter.scene.light.as_array().astype(np.float64)
    lit, above = np.maximum(normals @ direction, 0.0)[:, None], (0.5 + 0.5 * normals @ up)[:, None]
    albedo = numpy_texture(
        worn.materials, mesh.material[triangle], (mesh.uv[triangle] * weights[..., None]).sum(axis=1)
    )
    return np.minimum(albedo * (key * lit + sky * above + ground * (1.0 - above)), 1.0)


def numpy_solid(
    sitter: Sitter, triangle: NDArray[np.intp], weights: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Where textures have no hole."""
    mesh, materials = sitter.figure.person.appearance.mesh, sitter.figure.person.appearance.materials
    solid = np.ones(len(triangle), bool)
    holed = np.flatnonzero(materials.cut_out[mesh.material[triangle]])
    places = (mesh.uv[triangle[holed]] * weights[holed, :, None]).sum(axis=1)
    solid[holed] = numpy_texels(materials, mesh.material[triangle[holed]], places) >> 24 >= 128
    return solid


def numpy_texture(
    materials: MaterialSet, number: NDArray[np.int32], uv: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Linear colours (N, 3), times the tint."""
    texel = numpy_texels(materials, number, uv)
    colours = np.stack([DECODE[(texel >> shift) & 255] for shift in (0, 8, 16)], axis=1)
    return colours * materials.parameters[number, 5:8]


def numpy_texels(
    materials: MaterialSet, number: NDArray[np.int32], uv: NDArray[np.float64]
) -> NDArray[np.uint32]:
    """Nearest texels (N,) of the largest level, packed."""
    first, width, height = (materials.levels[number, 0, k] for k in range(3))
    column = np.floor(uv[:, 0] * width).astype(int) % width
    row = np.floor(uv[:, 1] * height).astype(int) % height
    return materials.texels[first + row * width + column]


if __name__ == "__main__":
    main()
