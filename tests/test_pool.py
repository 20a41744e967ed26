import dataclasses
import json
import os
import pickle
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from test_pool_plan import annotated, standing

from synth.cameras import BODY13_OF_H36M17
from synth.errors import DiskSpaceError, InputError, StoreError
from synth.pool import open_pool
from synth.pool_build import build_pool, content_hash
from synth.pool_crops import create_crops, crop_tasks, join_rows, write_crops
from synth.pool_plan import PoolOptions, plan_pool
from synth.skeletons import BODY13
from synth.sources.catalog import read_images
from synth.splits import SplitCycle
from synth.triangulation import triangulate

SMALL = PoolOptions(size=240)


def write_photographs(folder, sizes):
    folder.mkdir()
    for k, (width, height) in enumerate(sizes):
        pixels = np.random.default_rng(k).integers(0, 256, (height, width, 3), dtype=np.uint8)
        assert cv2.imwrite(str(folder / f"im{k}.png"), cv2.GaussianBlur(pixels, (0, 0), 2))


@pytest.fixture
def people(tmp_path):
    """Five people in three photographs; two of them together in the middle one."""
    write_photographs(tmp_path / "photos", [(300, 320), (640, 400), (200, 400)])
    poses = [
        standing(150, 160, 100.0),
        standing(200, 210, 110.0),
        standing(420, 190, 140.0),
        standing(90, 200, 180.0),
        standing(100, 150, 90.0),
    ]
    # a pose as regular as this has several Delaunay triangulations: the first person alone keeps it
    for k in range(1, 5):
        poses[k] += np.random.default_rng(k).normal(scale=2, size=(13, 2))
    poses[3][BODY13.index("left_wrist")] = np.nan
    return annotated(poses, [0, 1, 1, 2, 0], [0, 0, 1, 0, 1], root=tmp_path / "photos")


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_crop_at_its_own_scale_is_the_photograph(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    photograph = cv2.imread(str(people.root / "im0.png"))[..., ::-1].astype(float)
    assert pool.image_names[0][pool.image[0]] == "im0.png"
    assert np.allclose(pool.transform[0, :, :2], np.eye(2), atol=1e-6)
    x, y = pool.transform[0, :, 2]
    left, top = int(np.floor(x)), int(np.floor(y))
    a, b = x - left, y - top
    for u, v in [(60, 40), (120, 119), (180, 201)]:
        near = photograph[v - top - 1 : v - top + 1, u - left - 1 : u - left + 1]
        sample = b * (a * near[0, 0] + (1 - a) * near[0, 1]) + (1 - b) * (
            a * near[1, 0] + (1 - a) * near[1, 1]
        )
        assert np.abs(pool.crops[0, v, u] - sample).max() < 8


def test_joints_follow_the_transform(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    pose = people.joints[1, BODY13_OF_H36M17].astype(float)
    row = int(np.flatnonzero((pool.image == 1) & (pool.person == 0))[0])
    expected = pose @ pool.transform[row, :, :2].T + pool.transform[row, :, 2]
    assert np.abs(pool.joints[row] - expected).max() < 1e-3
    assert pool.photograph_key(row) == "made/im1.png"
    assert pool.photograph[pool.image == 1].tolist() == [1, 1]


def test_mirrored_entries_mirror_everything(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    assert len(pool) == 2 * pool.rows == 10
    right, left = BODY13.index("right_wrist"), BODY13.index("left_wrist")
    for row in range(pool.rows):
        entry = row + pool.rows
        assert np.array_equal(pool.crop(entry), pool.crop(row)[:, ::-1])
        assert pool.labelled[entry, right] == pool.labelled[row, left]
        if pool.labelled[row, left]:
            assert pool.joints[entry, right].tolist() == [
                239 - pool.joints[row, left, 0],
                pool.joints[row, left, 1],
            ]
        x0, y0, x1, y1 = pool.valid[row].tolist()
        assert pool.valid[entry].tolist() == [239 - x1, y0, 239 - x0, y1]
        assert pool.photograph_key(entry) == pool.photograph_key(row)
    unlabelled = int(np.flatnonzero(~pool.labelled[: pool.rows].all(axis=1))[0])
    assert pool.joints[unlabelled, left].tolist() == [0, 0]
    assert pool.joints[unlabelled + pool.rows, right].tolist() == [0, 0]


def test_triangles_of_a_mirrored_entry_are_delaunay_too(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    for entry in (1, 2, 3, 4, 6, 7, 8, 9):
        own = triangulate(pool.joints[entry], pool.labelled[entry], 240)
        assert set(map(frozenset, own.tolist())) == set(map(frozenset, pool.triangles[entry].tolist()))


def test_without_mirroring_entries_are_rows(people, tmp_path):
    pool = build_pool([people], PoolOptions(size=240, mirror=False), tmp_path)
    assert len(pool) == pool.rows == 5


def test_valid_rectangle_of_a_narrow_photograph(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    row = int(np.flatnonzero(pool.image == 2)[0])
    scale, x = pool.transform[row, 0, 0], pool.transform[row, 0, 2]
    assert pool.valid[row, [0, 2]] == pytest.approx([x, x + 199 * scale], abs=1e-3)


def test_same_bytes_whatever_the_tasks_and_their_order(people, tmp_path):
    def backwards(function, tasks):
        return [function(task) for task in tasks[::-1]][::-1]

    one = build_pool([people], SMALL, tmp_path / "a")
    two = build_pool([people], SMALL, tmp_path / "b", map=backwards, rows_per_task=2)
    assert files_of(one.path) == files_of(two.path)
    assert one.hash == one.path.name == two.hash


def test_finished_pool_is_found_again(people, tmp_path):
    first = build_pool([people], SMALL, tmp_path)

    def never(function, tasks):
        raise AssertionError("the pool was made again")

    again = build_pool([people], SMALL, tmp_path, map=never)
    assert again.digest == first.digest


def test_hash_depends_on_pixels_annotations_and_options(people, tmp_path):
    def named(source, options=SMALL):
        return content_hash([source], plan_pool([source], options), options)

    before = named(people)
    assert named(people) == before
    assert named(people, PoolOptions(size=240, mirror=False)) != before
    people.joints[0, 0, 0] += 1
    moved = named(people)
    assert moved != before
    write_bytes = bytearray((people.root / "im1.png").read_bytes())
    write_bytes[-20] ^= 1
    (people.root / "im1.png").write_bytes(write_bytes)
    assert named(people) != moved


def test_unreadable_photograph_is_listed_and_not_usable(people, tmp_path):
    (people.root / "im1.png").write_bytes(b"no picture")
    pool = build_pool([people], SMALL, tmp_path)
    lost = np.tile(pool.image == 1, 2)
    assert np.array_equal(pool.usable, ~lost)
    assert not pool.crops[pool.image == 1].any()
    assert (pool.triangles[lost] == -1).all()
    assert [(item.item, item.reason) for item in pool.rejections()] == [
        ("im1.png person 0", "undecodable image"),
        ("im1.png person 1", "undecodable image"),
    ]
    assert json.loads((pool.path / "manifest.json").read_text())["rejected"] == {"undecodable image": 2}


def test_pool_without_people_is_refused(people, tmp_path):
    with pytest.raises(InputError, match="person too small"):
        build_pool([people], PoolOptions(min_pixels_per_metre=1000.0), tmp_path)
    for photograph in people.root.iterdir():
        photograph.write_bytes(b"")
    with pytest.raises(InputError, match="undecodable image"):
        build_pool([people], SMALL, tmp_path)
    assert list((tmp_path / "pools").iterdir()) == []


def test_pool_that_would_not_fit_the_disk_is_refused(people, tmp_path, monkeypatch):
    free = 5 * 240 * 240 * 3 - 1
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(DiskSpaceError, match="SYNTH_CACHE"):
        build_pool([people], SMALL, tmp_path)
    assert list((tmp_path / "pools").iterdir()) == []


def test_sources_follow_one_another(people, tmp_path):
    other = dataclasses.replace(people, source="other")
    both = build_pool([people, other], SMALL, tmp_path, rows_per_task=3)
    alone = build_pool([people], SMALL, tmp_path)
    assert np.array_equal(both.crops, np.concatenate([alone.crops, alone.crops]))
    assert [both.photograph_key(entry) for entry in (4, 5, 14)] == [
        "made/im2.png",
        "other/im0.png",
        "made/im2.png",
    ]
    assert both.photograph[: both.rows].tolist() == [0, 0, 1, 1, 2, 3, 3, 4, 4, 5]


def test_stopped_build_leaves_no_pool(people, tmp_path):
    def stop(function, tasks):
        function(tasks[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_pool([people], SMALL, tmp_path, map=stop)
    assert list((tmp_path / "pools").iterdir()) == []
    assert build_pool([people], SMALL, tmp_path).usable.all()


def test_second_builder_takes_the_first_ones_pool(people, tmp_path):
    def slower(function, tasks):
        made = list(map(function, tasks))
        build_pool([people], SMALL, tmp_path)
        return made

    pool = build_pool([people], SMALL, tmp_path, map=slower)
    assert [path.name for path in (tmp_path / "pools").iterdir()] == [pool.hash]


def test_incomplete_folder_is_not_opened(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    os.truncate(pool.path / "crops.npy", 100_000)
    with pytest.raises(StoreError, match="not a complete image pool"):
        open_pool(pool.path)
    (pool.path / "manifest.json").unlink()
    with pytest.raises(StoreError, match="not a complete image pool"):
        open_pool(pool.path)


def test_splits_keep_photographs_and_mirror_images_together(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    splits = pool.splits(SplitCycle(400, 300, 300))
    assert sorted(set(splits.tolist())) == [0, 1, 2]
    assert np.array_equal(splits[:5], splits[5:])
    for number in range(3):
        assert len(set(splits[:5][pool.photograph == number].tolist())) == 1


def test_pickled_pool_is_a_path(people, tmp_path):
    pool = build_pool([people], SMALL, tmp_path)
    sent = pickle.dumps(pool)
    assert len(sent) < 1000
    assert np.array_equal(pickle.loads(sent).crops, pool.crops)


def test_real_people_are_cut_out_where_their_joints_are(data_root, tmp_path):
    (source,), _ = read_images("lspet", data_root)
    some = slice(0, 50)
    people = ("image_of", "person", "joints", "labelled", "occluded")
    few = dataclasses.replace(source, **{name: getattr(source, name)[some] for name in people})
    plan, path = plan_pool([few], PoolOptions()), Path(tmp_path / "crops.npy")
    create_crops(path, len(plan), 360)
    rows = join_rows([write_crops(task) for task in crop_tasks([few], plan, PoolOptions(), path, rows=20)])
    assert 40 <= len(plan) <= 50
    assert rows.usable.all()
    crops = np.load(path, mmap_mode="r")
    for row in range(0, len(plan), 7):
        photograph = cv2.imread(str(few.root / few.images[plan.image[row]]))[..., ::-1]
        scale, (x, y) = plan.transform[row, 0, 0], plan.transform[row, :, 2]
        for joint in np.flatnonzero(plan.labelled[row]):
            u, v = (plan.joints[row, joint] - [x, y]) / scale
            # colours around the joint, averaged over a tenth of a metre on both sides
            i, j = np.rint(plan.joints[row, joint]).astype(int)
            h = 5
            k = max(round(h / scale), 1)
            a, b = round(float(u)), round(float(v))
            if not (k <= a < photograph.shape[1] - k and k <= b < photograph.shape[0] - k):
                continue
            near = crops[row, j - h : j + h + 1, i - h : i + h + 1].mean(axis=(0, 1))
            there = photograph[b - k : b + k + 1, a - k : a + k + 1].mean(axis=(0, 1))
            assert np.abs(near - there).max() < 25
