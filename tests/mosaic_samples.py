"""Small image pools and queries for the tests of matching and mosaics: made up, in memory, and real ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from bodies import random_poses

from synth.cameras import (
    BODY13_OF_H36M17,
    CROP,
    ViewRange,
    camera_for,
    mirror_joints2d,
    project,
    sample_views,
    to_camera,
)
from synth.crops import on_grid
from synth.matching import build_index, match
from synth.mosaic.compose import BlendOptions, Composer, align_sources
from synth.occlusion import self_occluded
from synth.pool import Pool
from synth.pool_build import build_pool
from synth.pool_plan import PoolOptions
from synth.poses import build_library
from synth.queries import make_queries
from synth.query_plan import plan_queries
from synth.skeletons import BODY13
from synth.sources.catalog import motion_items, read_images, read_item
from synth.splits import SplitCycle
from synth.triangulation import mirror_triangles, triangulate

BOX_IN_CROP = 70
"""Place of the box's first pixel in a crop."""


def seen_people(seed, count):
    """Made-up bodies from random views: 2D joints (N, 13, 2) in box pixels and what hides itself, (N, 13)."""
    bodies = random_poses(seed, count, spread=0.12)
    cameras = camera_for(bodies, sample_views(seed, np.arange(count), ViewRange()))
    hidden = self_occluded(to_camera(cameras, bodies))
    return project(cameras, bodies)[:, BODY13_OF_H36M17], hidden[:, BODY13_OF_H36M17]


def pool_poses(seed, count, unlabelled=0.0):
    """Poses of a pool (N, 13, 2) in crop pixels, and labels of which a share is missing."""
    joints = on_grid(np.clip(seen_people(seed, count)[0] + BOX_IN_CROP, 0, CROP - 1))
    labelled = np.random.default_rng([seed, 1]).random((count, 13)) >= unlabelled
    return np.where(labelled[..., None], joints, np.float32(0)), labelled


def memory_pool(crops, joints, labelled, valid=None, mirror=True):
    """Build a pool of M crops (M, 360, 360, 3) and poses in crop pixels, with their mirror images."""
    rows = len(crops)
    whole = np.tile(np.float32([0, 0, CROP - 1, CROP - 1]), (rows, 1))
    valid = whole if valid is None else np.asarray(valid, np.float32)
    triangles = np.stack([triangulate(*pose, CROP) for pose in zip(joints, labelled, strict=True)])
    if mirror:
        flags = labelled[:, BODY13.mirror]
        turned = np.where(flags[..., None], mirror_joints2d(joints, CROP), np.float32(0))
        x0, y0, x1, y1 = valid.T
        valid = np.concatenate([valid, np.stack([CROP - 1 - x1, y0, CROP - 1 - x0, y1], axis=1)])
        joints, labelled = np.concatenate([joints, turned]), np.concatenate([labelled, flags])
        triangles = np.concatenate([triangles, mirror_triangles(triangles)])
    numbers = np.arange(rows, dtype=np.int32)
    return Pool(
        path=Path("memory"),
        hash="made-up",
        digest="made-up",
        crops=crops,
        joints=joints,
        labelled=labelled,
        valid=valid,
        triangles=triangles,
        usable=np.ones(len(joints), bool),
        source=np.zeros(rows, np.int16),
        image=numbers,
        person=np.zeros(rows, np.int32),
        photograph=numbers,
        transform=np.tile(np.eye(2, 3), (rows, 1, 1)),
        sources=("made-up",),
        image_names=(tuple(f"{n}.png" for n in numbers),),
    )


def noise_pool(seed, count, unlabelled=0.0, valid=None):
    """Pool of pure noise: no two pixels are alike, so a wrong place shows."""
    crops = np.random.default_rng([seed, 2]).integers(0, 256, (count, CROP, CROP, 3), np.uint8)
    return memory_pool(crops, *pool_poses(seed, count, unlabelled), valid)


def real_pool(data_root, cache, photographs=200):
    """Pool of the first people of LSP-extended."""
    (source,), _ = read_images("lspet", data_root)
    names = ("image_of", "person", "joints", "labelled", "occluded")
    first = source.image_of < photographs
    few = dataclasses.replace(source, **{name: getattr(source, name)[first] for name in names})
    return build_pool([few], PoolOptions(), cache)


def real_queries(data_root, count):
    """2D joints (N, 13, 2) and searched joints (N, 13) of poses of CMU and HDM05 from random views."""
    clips = map(read_item, motion_items("cmu+hdm05", data_root)[::12])
    plan = plan_queries(build_library(clips)[0], SplitCycle(1, 0, 0), seed=0)
    made = make_queries(plan, np.arange(count))
    return made.joints2d[:, BODY13_OF_H36M17].astype(np.float64), ~made.self_occluded[:, BODY13_OF_H36M17]


@dataclasses.dataclass(frozen=True)
class Made:
    """Mosaics of N queries by the engine, and all that went into them."""

    queries: np.ndarray
    layers: object
    mosaics: list


def make_mosaics(pool, queries, searched, alignment="rigid", options=None):
    """Match, align and compose."""
    options = options or BlendOptions()
    found = match(build_index(pool.joints, pool.labelled, alignment), queries, searched)
    layers = align_sources(pool, queries, found.entries[..., 0], found.neighbours, alignment, options.sigma)
    composer = Composer(pool, options)
    return Made(queries, layers, [composer.compose(query, layers, n) for n, query in enumerate(queries)])
