"""Whole mosaics: from a query to its picture, and the labels that go with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bodies import clip, random_poses
from mosaic_samples import BOX_IN_CROP, make_mosaics, memory_pool, noise_pool, pool_poses, seen_people

from synth.cameras import BODY13_OF_H36M17, BOX, CROP, mirror_joints2d
from synth.errors import InputError
from synth.matching import build_index, match
from synth.mosaic.compose import BlendOptions, Composer, align_sources
from synth.mosaic.samples import MosaicEngine, MosaicParts, SplitIndex, ViewChoice
from synth.poses import build_library
from synth.query_plan import plan_queries
from synth.skeletons import BODY13
from synth.splits import SplitCycle
from synth.store.samples import sample_schema
from synth.store.schema import VALID

ALL = np.ones((1, 13), bool)


def box_of(crop):
    """The middle of a crop that the box shows."""
    return crop[BOX_IN_CROP : BOX_IN_CROP + BOX, BOX_IN_CROP : BOX_IN_CROP + BOX].astype(int)


def alone(pool):
    """Wholly labelled entries that no other pose resembles to within 0.01 px."""
    entries = [
        entry
        for entry in np.flatnonzero(pool.labelled.all(axis=1)).tolist()
        if (np.abs(pool.joints - pool.joints[entry]).max(axis=(1, 2)) < 0.01).sum() == 1
    ]
    return np.array(entries)


def assert_gives_itself_back(pool, entries, alignment):
    queries = pool.joints[entries].astype(np.float64) - BOX_IN_CROP
    made = make_mosaics(pool, queries, np.ones((len(entries), 13), bool), alignment)
    for n, entry in enumerate(entries.tolist()):
        assert (made.layers.entries[n] == entry).all()
        assert np.abs(made.mosaics[n].image.astype(int) - box_of(pool.crop(entry))).max() <= 1


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_pool_pose_gives_its_own_picture_back(alignment):
    pool = noise_pool(1, 20, unlabelled=0.02)
    entries = alone(pool)
    assert len(entries) > 20
    assert (entries >= pool.rows).any()
    assert_gives_itself_back(pool, entries, alignment)


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_real_person_gives_its_own_picture_back(lspet_pool, alignment):
    entries = alone(lspet_pool)[::10]
    # a limb of no length has no direction: such a pose cannot be aligned at every joint
    offset = lspet_pool.joints[entries][:, BODY13.bone_indices]
    entries = entries[(np.abs(offset[:, :, 0] - offset[:, :, 1]).max(axis=-1) > 1).all(axis=1)]
    assert len(entries) > 10
    assert_gives_itself_back(lspet_pool, entries, alignment)


def assert_mirrors(pool, queries, searched, alignment):
    plain = make_mosaics(pool, queries, searched, alignment)
    turned = make_mosaics(pool, mirror_joints2d(queries), searched[:, BODY13.mirror], alignment)
    partner = np.where(plain.layers.used, (plain.layers.entries + pool.rows) % (2 * pool.rows), -1)
    assert np.array_equal(turned.layers.entries[:, BODY13.mirror], partner)
    for one, other in zip(plain.mosaics, turned.mosaics, strict=True):
        assert np.array_equal(other.squared_distance, one.squared_distance[:, ::-1])
        assert other.coverage == pytest.approx(one.coverage, abs=1e-4)
        difference = np.abs(other.image.astype(int) - one.image[:, ::-1])
        assert (difference <= 1).mean() >= 0.999


@pytest.mark.parametrize("alignment", ["rigid", "similarity"])
def test_mirrored_query_gives_the_mirrored_picture(alignment):
    rng = np.random.default_rng(0)
    low, high = rng.uniform(0, 90, (40, 2)), rng.uniform(290, 359, (40, 2))
    pool = noise_pool(2, 40, unlabelled=0.1, valid=np.concatenate([low, high], axis=1))
    queries, hidden = seen_people(3, 5)
    assert_mirrors(pool, queries, ~hidden, alignment)


def test_mirrored_query_gives_the_mirrored_picture_of_real_people(lspet_pool, mocap_queries):
    queries, searched = (part[:15] for part in mocap_queries)
    assert_mirrors(lspet_pool, queries, searched, "rigid")


def test_turned_and_moved_query_turns_and_moves_its_picture():
    """A quarter turn takes pixels to pixels: the picture is the pool's, turned."""
    pool = noise_pool(4, 3)
    joints = pool.joints[:1].astype(np.float64) - BOX_IN_CROP
    turned = np.stack([BOX - 1 - joints[..., 1], joints[..., 0]], axis=-1)
    (mosaic,) = make_mosaics(pool, turned, ALL).mosaics
    assert np.abs(mosaic.image.astype(int) - np.rot90(box_of(pool.crop(0)), -1)).max() <= 1


def test_pictures_do_not_depend_on_what_was_made_before():
    pool = noise_pool(5, 20, unlabelled=0.1)
    queries, hidden = seen_people(6, 4)
    found = match(build_index(pool.joints, pool.labelled), queries, ~hidden)
    layers = align_sources(pool, queries, found.entries[..., 0], found.neighbours, "rigid", 15.0)
    composer = Composer(pool, BlendOptions())
    forward = [composer.compose(queries[n], layers, n) for n in range(4)]
    backward = [composer.compose(queries[n], layers, n) for n in (3, 2, 1, 0)][::-1]
    for n in range(4):
        fresh = Composer(pool, BlendOptions()).compose(queries[n], layers, n)
        for other in (backward[n], fresh):
            assert np.array_equal(forward[n].image, other.image)
            assert np.array_equal(forward[n].index, other.index)
            assert np.array_equal(forward[n].squared_distance, other.squared_distance)


def test_layers_hold_both_directions_of_the_alignment():
    pool = noise_pool(7, 20, unlabelled=0.1)
    queries, hidden = seen_people(8, 5)
    layers = make_mosaics(pool, queries, ~hidden, "similarity").layers
    for n, j in np.argwhere(layers.used).tolist():
        entry = layers.entries[n, j]
        pose = pool.joints[entry, j].astype(np.float64)
        aligned = layers.transforms[n, j, :, :2] @ pose + layers.transforms[n, j, :, 2]
        np.testing.assert_allclose(aligned, queries[n, j], atol=1e-9)
        stored = layers.to_crop[n, j, :, :2] @ queries[n, j] + layers.to_crop[n, j, :, 2]
        expected = [CROP - 1 - pose[0], pose[1]] if entry >= pool.rows else pose
        np.testing.assert_allclose(stored, expected, atol=1e-9)
    assert (layers.entries[~layers.used] == -1).all()


def test_query_without_any_source_is_refused():
    pool = noise_pool(9, 2)
    queries = seen_people(10, 1)[0]
    with pytest.raises(InputError, match="no joint of the query has a match"):
        make_mosaics(pool, queries, ~ALL)


def test_crops_of_another_size_are_refused():
    pool = noise_pool(11, 1)
    small = replace(pool, crops=pool.crops[:, :240, :240])
    with pytest.raises(InputError, match="240, 240, 3"):
        Composer(small, BlendOptions())


@pytest.fixture(scope="module")
def parts():
    """Two subjects, two splits, photographs of their own for each."""
    pool = noise_pool(12, 30, unlabelled=0.05)
    clips = [clip(random_poses(i, 30), f"0{i}", f"0{i}.amc", fps=4.0) for i in (1, 2)]
    plan = plan_queries(build_library(clips)[0], SplitCycle(3, 0, 1), seed=5)
    split = np.tile(np.arange(30) % 3 == 0, 2).astype(int) * 2
    rows = {number: np.flatnonzero(split == number).astype(np.int32) for number in (0, 2)}
    indices = {
        number: SplitIndex(build_index(pool.joints[entries], pool.labelled[entries]), entries)
        for number, entries in rows.items()
    }
    return MosaicParts(plan, pool, indices)


@pytest.fixture(scope="module")
def samples(parts):
    """Ids, pictures, coverage and labels of twelve samples."""
    engine = MosaicEngine(parts)
    ids = np.arange(12)
    batch = engine.prepare(ids)
    images, coverage = zip(*engine.pictures(batch), strict=True)
    return ids, images, coverage, engine.labels(batch, coverage)


def test_labels_are_those_of_the_schema(samples):
    ids, images, _, labels = samples
    schema = sample_schema()
    assert labels.keys() == {spec.name for spec in schema.unsharded} - {VALID.name}
    for spec in schema.unsharded:
        if spec.name != VALID.name:
            assert labels[spec.name].shape == (len(ids), *spec.inner_shape), spec.name
            assert labels[spec.name].dtype == spec.numpy_dtype, spec.name
    assert all(image.shape == (BOX, BOX, 3) and image.dtype == np.uint8 for image in images)


def test_sources_are_of_the_samples_split_and_are_the_nearest(parts, samples):
    ids, _, _, labels = samples
    assert set(labels["split"].tolist()) == {0, 2}
    body = labels["joints2d"][:, BODY13_OF_H36M17]
    searched = ~labels["self_occluded"][:, BODY13_OF_H36M17]
    for n in ids.tolist():
        part = parts.indices[int(labels["split"][n])]
        found = match(part.index, body[n : n + 1], searched[n : n + 1])
        row = found.entries[0, :, 0]
        expected = np.where(row >= 0, part.entries[row], -1)
        assert labels["source_entry"][n].tolist() == expected.tolist()
        np.testing.assert_allclose(
            labels["matching_cost"][n][row >= 0], found.costs[0, row >= 0, 0], rtol=1e-6
        )
        assert np.isnan(labels["matching_cost"][n][row < 0]).all()
    assert (labels["source_entry"][~searched] == -1).all()


def test_source_labels_agree_with_the_pool(parts, samples):
    _, _, coverage, labels = samples
    pool, entry = parts.pool, labels["source_entry"]
    used = entry >= 0
    assert (labels["source_mirrored"] == (entry >= pool.rows)).all()
    assert np.array_equal(labels["source_photograph"][used], pool.photograph[entry[used] % pool.rows])
    assert (labels["source_photograph"][~used] == -1).all()
    assert (labels["source_person"][used] == 0).all()
    distinct = [len({int(e) % pool.rows for e in row if e >= 0}) for row in entry]
    assert labels["distinct_sources"].tolist() == distinct
    np.testing.assert_allclose(labels["coverage"], coverage)
    assert (labels["seed"] == 5).all()


def test_source_transform_takes_the_photograph_to_the_picture(lspet_pool, mocap_queries):
    queries, searched = (part[:8] for part in mocap_queries)
    layers = make_mosaics(lspet_pool, queries, searched).layers
    parts = MosaicParts(None, lspet_pool, {})
    whole = MosaicEngine(parts)._photograph_transforms(layers)
    assert np.isnan(whole[~layers.used]).all()
    for n, j in np.argwhere(layers.used).tolist():
        entry = int(layers.entries[n, j])
        row, flipped = entry % lspet_pool.rows, entry >= lspet_pool.rows
        joint = BODY13.mirror[j] if flipped else j
        to_crop = lspet_pool.transform[row]
        place = np.linalg.solve(to_crop[:, :2], lspet_pool.joints[row, joint] - to_crop[:, 2])
        np.testing.assert_allclose(whole[n, j, :, :2] @ place + whole[n, j, :, 2], queries[n, j], atol=1e-6)
        assert np.sign(np.linalg.det(whole[n, j, :, :2])) == (-1 if flipped else 1)


def test_a_sample_does_not_depend_on_the_others(parts, samples):
    ids, images, _, labels = samples
    engine = MosaicEngine(parts)
    for some in ([7], [11, 2, 5]):
        batch = engine.prepare(some)
        made = list(engine.pictures(batch))
        again = engine.labels(batch, [coverage for _, coverage in made])
        for name, values in again.items():
            np.testing.assert_array_equal(values, labels[name][some], err_msg=name)
        for n, (image, _) in zip(some, made, strict=True):
            assert np.array_equal(image, images[n])
    assert len(ids) == 12


def test_sample_without_a_source_is_told_and_the_others_are_made(parts):
    """In a pool where only one thigh is known, a person whose thigh is foreshortened has no source."""
    joints, labelled = pool_poses(13, 6)
    labelled[:] = np.isin(np.arange(13), BODY13.indices(["right_hip", "right_knee"]))
    joints = np.where(labelled[..., None], joints, np.float32(0))
    pool = memory_pool(parts.pool.crops[:6], joints, labelled, mirror=False)
    part = SplitIndex(build_index(pool.joints, pool.labelled), np.arange(6, dtype=np.int32))
    engine = MosaicEngine(replace(parts, pool=pool, indices={0: part, 2: part}, views=ViewChoice(attempts=1)))
    batch = engine.prepare(np.arange(60))
    searched = ~batch.queries.self_occluded[:, BODY13_OF_H36M17]
    has_source = batch.layers.used.any(axis=1)
    assert not (batch.layers.used & ~searched).any()
    assert 0 < has_source.sum() < 60
    for made, expected in zip(engine.pictures(batch), has_source, strict=True):
        assert isinstance(made, InputError) != expected
