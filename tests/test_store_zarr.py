"""Other programs read the same arrays: zarr-python and tensorstore."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import store_samples as samples
import tensorstore
import zarr

from synth.store.codecs import decode_jpeg, encode_jpeg
from synth.store.reader import open_store
from synth.store.zarr_jpeg import JpegCodec, register


def read_with_tensorstore(path, name):
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": str(path / name)}}
    return tensorstore.open(spec, read=True).result().read().result()


@pytest.mark.parametrize("codec", ["zstd:1", "none"])
@pytest.mark.parametrize("n", [6, 7])
def test_zarr_and_tensorstore_read_what_our_reader_reads(tmp_path, codec, n):
    samples.finish(tmp_path, n, codec=codec)
    own = open_store(tmp_path)
    group = zarr.open_group(str(tmp_path), mode="r")
    expected = {"images": samples.images(n), **samples.labels(0, n), "valid": np.ones(n, bool)}
    for name, values in expected.items():
        mine = own.read(name, range(n)) if name == "images" else own.label(name)
        for read in (mine, group[name][:], read_with_tensorstore(tmp_path, name)):
            assert read.dtype == values.dtype
            np.testing.assert_array_equal(read, values)


def test_the_root_lists_arrays_and_groups_without_a_warning(tmp_path):
    samples.finish(tmp_path, 7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        group = zarr.open_group(str(tmp_path), mode="r")
        members = dict(group.members(max_depth=None))
    assert set(members) == {
        "images",
        "joints2d",
        "source",
        "valid",
        "commits",
        "tables",
        "tables/files",
        "tables/files/utf8",
        "tables/files/ends",
    }
    assert group.attrs["skeleton"] == ["hip", "head"]
    assert len(group.attrs["seal"]["hash"]) == 64
    joints = group["joints2d"]
    assert joints.metadata.dimension_names == ("sample", "joint", "xy")
    assert joints.attrs.asdict() == {"description": "Joints in the box.", "units": "px"}
    assert np.isnan(joints.fill_value)
    assert group["source"].fill_value == -1


def test_tables_read_by_others(tmp_path):
    samples.finish(tmp_path, 7)
    table = zarr.open_group(str(tmp_path), mode="r")["tables/files"]
    utf8, ends = table["utf8"][:].tobytes(), table["ends"][:].tolist()
    names = [utf8[a:b].decode() for a, b in zip([0, *ends], ends, strict=False)]
    assert names == samples.TABLES["files"]
    assert read_with_tensorstore(tmp_path, "tables/files/ends").tolist() == ends


def smooth_image():
    y, x = np.mgrid[0:32, 0:32]
    return np.stack([4 * x + 60, 4 * y + 60, 200 - 3 * x], axis=-1).astype(np.uint8)


def test_jpeg_is_444_and_near():
    image = smooth_image()
    data = encode_jpeg(image, 95)
    frame = data.index(b"\xff\xc0")
    components = data[frame + 9]
    assert data[:2] == b"\xff\xd8"
    assert components == 3
    assert [data[frame + 11 + 3 * k] for k in range(3)] == [0x11] * 3  # no chroma subsampling
    assert np.abs(decode_jpeg(data).astype(int) - image).max() <= 6
    assert data == encode_jpeg(image, 95)


def test_zarr_opens_jpeg_once_the_codec_is_registered(tmp_path):
    samples.finish(tmp_path, 7, codec="jpeg:95")
    with pytest.raises(ValueError, match=r"synth\.jpeg"):
        read_with_tensorstore(tmp_path, "images")
    register()
    images = zarr.open_group(str(tmp_path), mode="r")["images"]
    assert "tensorstore" in images.attrs["codec_note"]
    own = open_store(tmp_path).read_images(range(7))
    np.testing.assert_array_equal(images[:], own)
    for sample in range(7):
        np.testing.assert_array_equal(own[sample], decode_jpeg(encode_jpeg(samples.image(sample), 95)))


def test_zarr_writes_jpeg_that_decodes_alike(tmp_path):
    register()
    image = smooth_image()
    array = zarr.create_array(
        str(tmp_path / "a.zarr"),
        shape=(2, 32, 32, 3),
        chunks=(1, 32, 32, 3),
        dtype="uint8",
        serializer=JpegCodec(quality=90),
        compressors=None,
    )
    array[:] = np.stack([image, image])
    again = zarr.open_array(str(tmp_path / "a.zarr"), mode="r")
    assert again.metadata.codecs[0] == JpegCodec(quality=90)
    np.testing.assert_array_equal(again[1], decode_jpeg(encode_jpeg(image, 90)))
