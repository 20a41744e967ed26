from __future__ import annotations

import math

import pytest

from synth.errors import InputError, StoreError
from synth.store.codecs import Codec, parse_codec
from synth.store.schema import (
    VALID,
    ArraySpec,
    StoreSchema,
    array_document,
    bytes_per_sample,
    chunk_name,
    image_spec,
    spec_from_document,
)


def spec(**changes):
    return ArraySpec(
        **{"name": "a", "dtype": "int16", "inner_shape": (2,), "dims": ("x",), "description": ""} | changes
    )


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("zstd", Codec("zstd", 1)),
        ("zstd:19", Codec("zstd", 19)),
        ("jpeg:90", Codec("jpeg", 90)),
        ("jpeg", Codec("jpeg", 95)),
        ("none", Codec("none", 0)),
    ],
)
def test_codec_names(text, codec):
    assert parse_codec(text) == codec
    assert parse_codec(str(codec)) == codec


@pytest.mark.parametrize("text", ["lz4", "zstd:0", "zstd:23", "jpeg:101", "jpeg:-1", "none:3", "zstd:x", ""])
def test_bad_codec_names(text):
    with pytest.raises(InputError, match="codec"):
        parse_codec(text)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"name": "Images"}, "name"),
        ({"name": "labels"}, "name"),
        ({"name": "../x"}, "name"),
        ({"dtype": "complex64"}, "dtype"),
        ({"dims": ()}, "dims"),
        ({"inner_shape": (0,)}, "length 1"),
        ({"fill": 0.5}, "fill"),
        ({"fill": 40000}, "fill"),
        ({"fill": math.nan}, "fill"),
        ({"codec": "jpeg:95"}, "codec"),
    ],
)
def test_specs_that_cannot_be_stored(changes, word):
    with pytest.raises(InputError, match=word):
        spec(**changes)


@pytest.mark.parametrize(
    "example",
    [
        image_spec("jpeg:90"),
        image_spec("none"),
        VALID,
        spec(fill=-3),
        spec(dtype="float64", fill=math.inf),
        spec(dtype="float32", fill=-math.inf, codec="none"),
        spec(dtype="float16", fill=0.5, sharded=True),
        spec(dtype="bool", fill=True),
    ],
)
def test_metadata_round_trip(example):
    assert spec_from_document(example.name, array_document(example, 7, 3)) == example


def test_nan_fill_round_trip():
    document = array_document(spec(dtype="float32", fill=math.nan), 7, 3)
    assert document["fill_value"] == "NaN"
    assert math.isnan(spec_from_document("a", document).fill)


def test_foreign_metadata_are_refused():
    document = array_document(spec(), 7, 3)
    document["codecs"][1]["name"] = "blosc"
    with pytest.raises(StoreError, match="blosc"):
        spec_from_document("a", document)
    del document["codecs"]
    with pytest.raises(StoreError, match="codecs"):
        spec_from_document("a", document)


def test_schema_adds_valid_and_wants_distinct_names():
    assert [a.name for a in StoreSchema((spec(),), 3).arrays] == ["a", "valid"]
    assert StoreSchema(StoreSchema((spec(),), 3).arrays, 3) == StoreSchema((spec(),), 3)
    with pytest.raises(InputError, match="differ"):
        StoreSchema((spec(), spec()), 3)
    with pytest.raises(InputError, match="shard size 0"):
        StoreSchema((spec(),), 0)
    with pytest.raises(InputError, match=r"no array 'b'; .*a, valid"):
        StoreSchema((spec(),), 3).array("b")


def test_chunk_names():
    assert chunk_name(image_spec(), 12) == "images/c.12.0.0.0"
    assert chunk_name(VALID, 0) == "valid/c.0"


def test_bytes_per_sample():
    schema = StoreSchema((image_spec("none"), spec()), 10)
    assert bytes_per_sample(schema) == 145200 + 16 + 4 + 1
    assert bytes_per_sample(schema, {"images": 100.0}) == 100 + 16 + 4 + 1
    assert bytes_per_sample(StoreSchema((image_spec("jpeg:95"),), 10)) < 0.3 * 145200
