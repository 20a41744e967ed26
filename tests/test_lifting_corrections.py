"""A person's corrections: the file, its mistakes, and what they change."""

from __future__ import annotations

import numpy as np
import pytest
from bodies import random_poses
from hypothesis import given, settings
from hypothesis import strategies as st

from synth.errors import InputError
from synth.lifting.corrections import (
    FLIPS,
    Correction,
    Corrections,
    apply_corrections,
    format_corrections,
    read_corrections,
)
from synth.lifting.limbs import LIMB_NAMES, limb_depths

HEAD = 'format_version = 1\nsource = "lspet"\n'
ENTRY = '[[correction]]\nimage = "a.jpg"\nlimb = "left_thigh"\nflip = "away"\n'
PEOPLE = [("a.jpg", 0), ("a.jpg", 1), ("b.jpg", 0)]


def read_text(tmp_path, text):
    path = tmp_path / "c.toml"
    path.write_text(text, encoding="utf-8")
    return read_corrections(path)


def test_reads_what_a_person_writes(tmp_path):
    found = read_text(
        tmp_path, HEAD + ENTRY + ENTRY.replace("away", "toward").replace("limb", "person = 2\nlimb")
    )
    assert found == Corrections(
        "lspet",
        (Correction("a.jpg", 0, "left_thigh", "away"), Correction("a.jpg", 2, "left_thigh", "toward")),
    )
    assert read_text(tmp_path, HEAD) == Corrections("lspet")


names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=20)


@settings(deadline=None, max_examples=50)
@given(
    names,
    st.dictionaries(
        st.tuples(names, st.integers(0, 9), st.sampled_from(LIMB_NAMES)), st.sampled_from(FLIPS), max_size=5
    ),
)
def test_round_trip(tmp_path_factory, source, said):
    corrections = Corrections(source, tuple(Correction(*key, flip) for key, flip in said.items()))
    assert read_text(tmp_path_factory.mktemp("c"), format_corrections(corrections)) == corrections


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format_version = 2", "format_version is 2, expected 1"),
        ("format_version = 1", "no source"),
        ("format_version = ", "cannot read corrections"),
        (HEAD + "colour = 1", "unknown key 'colour'; did you mean 'source'"),
        (HEAD + "correction = 3", r"given as \[\[correction\]\] tables"),
        (
            HEAD + ENTRY.replace("left_thigh", "left_leg"),
            "correction 1: limb is 'left_leg', expected one of right_thigh",
        ),
        (
            HEAD + ENTRY + ENTRY.replace('"away"', "true"),
            "correction 2: flip is True, expected one of toward, away",
        ),
        (HEAD + ENTRY + "person = -1", "person is -1"),
        (HEAD + ENTRY.replace('"a.jpg"', "7"), "image is 7"),
        (HEAD + ENTRY + "persom = 1", "unknown key 'persom'; did you mean 'person'"),
        (HEAD + ENTRY + ENTRY.replace("away", "toward"), "both toward and away"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        read_text(tmp_path, text)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read corrections"):
        read_corrections(tmp_path / "none.toml")


def test_limbs_lie_as_said_and_the_rest_as_before():
    poses = random_poses(4, 3)
    items = tuple(Correction("a.jpg", 1, limb, "toward") for limb in ("left_shank", "torso", "left_thigh"))
    corrected, confirmed = apply_corrections(poses, PEOPLE, Corrections("x", items))
    touched = [LIMB_NAMES.index(item.limb) for item in items]
    depths, before = limb_depths(corrected), limb_depths(poses)
    expected = before.copy()
    expected[1, touched] = -np.abs(before[1, touched])
    np.testing.assert_allclose(depths, expected, atol=1e-12)
    assert np.flatnonzero(confirmed.any(axis=1)).tolist() == [1]
    assert np.flatnonzero(confirmed[1]).tolist() == sorted(touched)
    again, _ = apply_corrections(corrected, PEOPLE, Corrections("x", items))
    np.testing.assert_array_equal(again, corrected)
    other, _ = apply_corrections(poses, PEOPLE, Corrections("x", items[::-1]))
    np.testing.assert_allclose(other, corrected, atol=1e-12)


def test_nobody_to_correct():
    items = (Correction("c.jpg", 0, "head", "away"),)
    with pytest.raises(InputError, match=r"person 0 of c\.jpg, who is not among the 3 lifted people of x"):
        apply_corrections(random_poses(4, 3), PEOPLE, Corrections("x", items))
