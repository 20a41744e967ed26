from __future__ import annotations

import io
import json
import tarfile

import cv2
import numpy as np
import pytest

from pipelines import export_command
from pipelines.export import make_export
from pipelines.progress import Progress
from synth.errors import InputError, StoreError
from synth.export import coco
from synth.export.samples import ExportOptions, encode_picture, json_value, open_export
from synth.store.create import create_store
from synth.store.labels import begin_label_pass
from synth.store.reader import open_shard, open_store
from synth.store.schema import ArraySpec, StoreSchema, image_spec
from synth.store.seal import seal
from synth.store.shard import chunk_bytes
from synth.store.writer import ShardWriter

SIDE = 8
FAILED = 4
SKELETON = {"joints": ["hip", "neck", "head"], "bones": [["hip", "neck"], ["neck", "head"]]}
SOURCES = [{"name": "cmu", "title": "CMU", "licence": "free", "publisher": "mocap.cs.cmu.edu"}]
ARRAYS = (
    ArraySpec("split", "uint8", (), (), "0 train, 1 val, 2 test"),
    ArraySpec("joints2d", "float32", (3, 2), ("joint", "xy"), "joints", "px"),
    ArraySpec("visible", "bool", (3,), ("joint",), "seen"),
    ArraySpec("K", "float64", (3, 3), ("row", "column"), "intrinsics", "px"),
    ArraySpec("motion_file", "int32", (), (), "row of tables/motion_files"),
)


def image(sample):
    smooth = np.linspace(0, 200, SIDE)[:, None, None] + np.array([0, 20, 40]) + np.zeros((SIDE, SIDE, 3))
    return (smooth + sample).astype(np.uint8)


def rows(ids):
    """Joint 0 lies in the picture, joint 1 is unknown, joint 2 lies outside but for even samples."""
    joints = np.zeros((len(ids), 3, 2), np.float32)
    joints[:, 0] = [1.25, 2]
    joints[:, 1] = np.nan
    joints[:, 2] = np.where(ids % 2 == 0, 6, 20)[:, None]
    return {
        "split": (ids >= 6).astype(np.uint8),
        "joints2d": joints,
        "visible": np.stack([np.full(len(ids), True), np.full(len(ids), True), ids % 4 == 0], 1),
        "K": np.eye(3) + 0.1 * ids[:, None, None],
        "motion_file": (ids % 2).astype(np.int32),
    }


def make_store(path, codec="zstd:1"):
    """Store of 8 samples in shards of 3; 6 and 7 are val, sample 4 failed."""
    create_store(
        path,
        StoreSchema((image_spec(codec, SIDE), *ARRAYS), 3),
        8,
        recipe_hash="r",
        attributes={"title": "Tiny", "skeleton": SKELETON, "sources": SOURCES},
        tables={"motion_files": ["a.amc", "grün.amc"]},
    )
    for shard in range(3):
        with ShardWriter(path, shard) as writer:
            ids = np.arange(writer.start, writer.stop)
            for sample in ids.tolist():
                writer.skip() if sample == FAILED else writer.add(images=image(sample))
            writer.commit(rows(ids), {FAILED: "no match"} if FAILED in ids else {})
    seal(path)
    return path


@pytest.fixture
def store(tmp_path):
    return make_store(tmp_path / "s.zarr")


def run(store, kind, out, **options):
    return make_export(open_export(store, ExportOptions(**options)), kind, out, 2, Progress("none"))


def tar_content(path):
    with tarfile.open(path) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_webdataset_holds_pictures_and_all_labels(tmp_path, store):
    told = run(store, "webdataset", tmp_path / "w")
    assert told == [f"7 samples in {tmp_path / 'w'}; tables.json, index.json"]
    content = tar_content(tmp_path / "w" / "000001.tar")
    assert list(content) == ["000000003.png", "000000003.json", "000000005.png", "000000005.json"]
    np.testing.assert_array_equal(decoded(content["000000005.png"]), image(5))
    labels = json.loads(content["000000005.json"])
    assert list(labels) == ["id", "split", "joints2d", "visible", "K", "motion_file"]
    assert labels["joints2d"] == [[1.25, 2], [None, None], [20, 20]]
    assert labels["visible"] == [True, True, False]
    assert labels["K"][1] == [0.5, 1.5, 0.5]
    assert (labels["id"], labels["split"], labels["motion_file"]) == (5, 0, 1)
    index = json.loads((tmp_path / "w" / "index.json").read_bytes())
    assert [(shard["url"], shard["nsamples"]) for shard in index["shardlist"]] == [
        ("000000.tar", 3),
        ("000001.tar", 2),
        ("000002.tar", 2),
    ]
    assert index["shardlist"][0]["filesize"] == (tmp_path / "w" / "000000.tar").stat().st_size
    assert (index["samples"], index["store"]["left_out"]) == (7, 1)
    assert index["store"]["sources"] == SOURCES
    assert json.loads((tmp_path / "w" / "tables.json").read_bytes()) == {
        "motion_files": ["a.amc", "grün.amc"]
    }


def test_a_stopped_export_goes_on_and_gives_the_same_bytes(tmp_path, store):
    run(store, "webdataset", tmp_path / "whole")
    run(store, "webdataset", tmp_path / "w")
    before = (tmp_path / "w" / "000000.tar").stat()
    for name in ("000001.tar", "index.json"):
        (tmp_path / "w" / name).unlink()
    told = run(store, "webdataset", tmp_path / "w")
    assert told[0].startswith("7 samples (5 were there already)")
    assert (tmp_path / "w" / "000000.tar").stat() == before
    for file in sorted((tmp_path / "whole").iterdir()):
        assert (tmp_path / "w" / file.name).read_bytes() == file.read_bytes()


def test_splits_and_counts(tmp_path, store):
    run(store, "webdataset", tmp_path / "w", split="val", n=1)
    assert list(tar_content(tmp_path / "w" / "000002.tar")) == ["000000006.png", "000000006.json"]
    assert sorted(path.name for path in (tmp_path / "w").glob("*.tar")) == ["000002.tar"]


def test_pictures_of_a_jpeg_store_are_its_own_files(tmp_path):
    store = make_store(tmp_path / "j.zarr", "jpeg:95")
    run(store, "webdataset", tmp_path / "w")
    opened = open_shard(open_store(store).meta, "images", 0)
    for row in range(3):
        data = tar_content(tmp_path / "w" / "000000.tar")[f"00000000{row}.jpg"]
        assert data == bytes(chunk_bytes(opened.data, opened.entries, row))


def test_pictures_are_encoded_as_asked(tmp_path, store):
    assert np.abs(decoded(encode_picture(image(9), "jpg:95")).astype(int) - image(9)).max() <= 6
    run(store, "coco", tmp_path / "c", pictures="jpg:60", n=2)
    assert sorted(path.name for path in (tmp_path / "c" / "images").iterdir()) == [
        "000000000.jpg",
        "000000001.jpg",
    ]
    for wrong in ("jpg", "jpg:0", "jpg:101", "webp:80"):
        with pytest.raises(InputError, match=f"pictures '{wrong}'"):
            open_export(store, ExportOptions(pictures=wrong))


def test_label_passes_come_along_and_maps_as_npy(tmp_path, store):
    arrays = (
        ArraySpec("kind", "int32", (), (), "class"),
        ArraySpec("map", "uint8", (2, 2), ("y", "x"), "m", sharded=True),
    )
    meta = begin_label_pass(store, "extra", StoreSchema(arrays, 3), recipe_hash="e", attributes={})
    for shard in range(3):
        with ShardWriter(meta, shard) as writer:
            ids = np.arange(writer.start, writer.stop)
            for sample in ids:
                writer.add(map=np.full((2, 2), sample, np.uint8))
            writer.commit({"kind": ids.astype(np.int32) * 10})
    seal(meta.path)
    run(store, "webdataset", tmp_path / "w", passes=("extra",))
    content = tar_content(tmp_path / "w" / "000001.tar")
    assert json.loads(content["000000003.json"])["extra/kind"] == 30
    np.testing.assert_array_equal(np.load(io.BytesIO(content["000000003.extra.map.npy"])), np.full((2, 2), 3))
    with pytest.raises(InputError, match="hold no label passes"):
        run(store, "coco", tmp_path / "c", passes=("extra",))
    with pytest.raises(InputError, match="no label pass 'other'; it has extra"):
        open_export(store, ExportOptions(passes=("other",)))


def test_coco_annotations(tmp_path, store):
    told = run(store, "coco", tmp_path / "c", split="train")
    assert told == [f"5 samples in {tmp_path / 'c'}; annotations/person_keypoints_train.json"]
    document = json.loads((tmp_path / "c" / "annotations" / "person_keypoints_train.json").read_bytes())
    assert document["info"]["description"] == "Tiny"
    assert document["info"]["licences"] == [
        {"id": 1, "name": "free", "source": "CMU", "url": "mocap.cs.cmu.edu"}
    ]
    (person,) = document["categories"]
    assert (person["keypoints"], person["skeleton"]) == (["hip", "neck", "head"], [[1, 2], [2, 3]])
    assert [entry["id"] for entry in document["images"]] == [0, 1, 2, 3, 5]
    first = document["images"][1]
    assert first == {"id": 1, "file_name": "000000001.png", "height": SIDE, "width": SIDE}
    data = (tmp_path / "c" / "images" / first["file_name"]).read_bytes()
    np.testing.assert_array_equal(decoded(data), image(1))
    by_sample = {entry["image_id"]: entry for entry in document["annotations"]}
    assert by_sample[0]["keypoints"] == [1.75, 2.5, 2, 0, 0, 0, 6.5, 6.5, 2]
    assert by_sample[1]["keypoints"] == [1.75, 2.5, 2, 0, 0, 0, 0, 0, 0]
    assert by_sample[2]["keypoints"] == [1.75, 2.5, 2, 0, 0, 0, 6.5, 6.5, 1]
    assert (by_sample[0]["bbox"], by_sample[0]["area"]) == ([1.75, 2.5, 4.75, 4], 19)
    assert by_sample[1]["num_keypoints"] == 1
    assert by_sample[3]["joints2d"] == [[1.25, 2], [None, None], [20, 20]]
    assert by_sample[2]["K"][0] == [1.2, 0.2, 0.2]


def test_a_stopped_coco_export_goes_on(tmp_path, store):
    run(store, "coco", tmp_path / "whole")
    export = open_export(store, ExportOptions())
    pieces = coco.begin(export, tmp_path / "c")
    coco.write_piece(export, tmp_path / "c", pieces[1])
    assert [piece.shard for piece in coco.begin(export, tmp_path / "c")] == [0, 2]
    run(store, "coco", tmp_path / "c")
    whole = sorted(file for file in (tmp_path / "whole").rglob("*") if file.is_file())
    assert len(whole) == 9
    for file in whole:
        assert (tmp_path / "c" / file.relative_to(tmp_path / "whole")).read_bytes() == file.read_bytes()
    assert coco.begin(export, tmp_path / "c") == []


def test_nobody_visible_gives_an_empty_box():
    values = {"joints2d": np.full((2, 2), np.nan, np.float32)}
    made = coco.annotation(3, values, (8, 8))
    assert (made["bbox"], made["keypoints"], made["num_keypoints"]) == ([0, 0, 0, 0], [0] * 6, 0)


def test_labelled_tells_what_is_known():
    values = {"joints2d": np.ones((2, 2), np.float32), "labelled": np.array([True, False])}
    assert coco.annotation(0, values, (8, 8))["keypoints"] == [1.5, 1.5, 2, 0, 0, 0]


def test_float32_is_told_in_few_digits_and_comes_back():
    values = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    told = json_value(values)
    assert max(len(str(number)) for row in told for number in row) <= 14
    np.testing.assert_array_equal(np.array(told, np.float32), values)
    assert json_value(np.array([np.inf, np.nan, 1.0])) == [None, None, 1.0]


def test_folders_of_something_else_are_refused(tmp_path, store):
    run(store, "webdataset", tmp_path / "w", n=1)
    with pytest.raises(InputError, match=r"holds another export \(n is 1 there, 2 now\)"):
        run(store, "webdataset", tmp_path / "w", n=2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(InputError, match="mine is not empty"):
        run(store, "coco", tmp_path / "mine")
    with pytest.raises(StoreError, match="no store at"):
        open_export(tmp_path / "mine", ExportOptions())


def test_the_command(tmp_path, store, capsys):
    words = [
        str(store),
        "--to",
        "webdataset",
        "--out",
        str(tmp_path / "w"),
        "--split",
        "train",
        "--progress",
        "none",
    ]
    assert export_command.main(words) == 0
    assert capsys.readouterr().out == f"5 samples in {tmp_path / 'w'}; tables.json, index.json\n"
    with pytest.raises(InputError, match="invalid choice: 'lmdb'"):
        export_command.main([str(store), "--to", "lmdb", "--out", str(tmp_path / "l")])
