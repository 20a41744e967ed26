"""Lists of motion sources: recorded, lifted, weighted."""

from __future__ import annotations

import pytest

from pipelines.motion_spec import parse_motion
from synth.errors import InputError
from synth.shares import SourceShare


def names(sources):
    return [source.name for source in sources]


def test_recorded_and_lifted_sources_are_parted():
    spec = parse_motion("cmu+pseudo:lspet+hdm05+pseudo:mpii")
    assert spec.recorded == "cmu+hdm05"
    assert names(spec.motion_sources()) == ["cmu", "hdm05"]
    assert names(spec.image_sources()) == ["lspet", "mpii"]
    assert spec.shares() == ()


def test_lifted_people_alone_and_under_a_name_for_several():
    spec = parse_motion("pseudo:mpii-lsp")
    assert spec.recorded == ""
    assert spec.motion_sources() == ()
    assert names(spec.image_sources()) == ["mpii", "lspet", "lsp"]


def test_weights_are_shares_whatever_their_order():
    shares = (SourceShare(("cmu",), 0.7), SourceShare(("pseudo:lspet",), 0.3))
    assert parse_motion("cmu:0.7+pseudo:lspet:0.3").shares() == shares
    assert parse_motion("pseudo:lspet:0.3 + cmu:.7").shares() == shares
    assert parse_motion("cmu_bvh:1").shares() == (SourceShare(("bvh",), 1.0),)
    assert parse_motion("pseudo:mpii-lsp:2").shares() == (
        SourceShare(("pseudo:mpii", "pseudo:lspet", "pseudo:lsp"), 2.0),
    )


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("cmu:0.7+hdm05", "hdm05 has no weight, others have; give all of them one, as in cmu:0.7"),
        ("cmu:some", "'some' is no weight for cmu; give a number above 0"),
        ("cmu:1+pseudo:lspet:-2", "'-2' is no weight for lspet"),
        ("cmu:nan", "'nan' is no weight for cmu"),
        ("cmu:", "'' is no weight for cmu"),
        ("cmu:1+hdm05:0.0001", "less than a thousandth"),
    ],
)
def test_mistaken_weights_are_named(spec, message):
    with pytest.raises(InputError, match=message):
        parse_motion(spec)


def test_unknown_and_repeated_names():
    with pytest.raises(InputError, match="unknown source 'lspett'; did you mean 'lspet'"):
        parse_motion("pseudo:lspett").image_sources()
    with pytest.raises(InputError, match="unknown source 'cmuu'; did you mean 'cmu'"):
        parse_motion("cmuu:1").shares()
    with pytest.raises(InputError, match="pseudo:lspet is named 2 times with a weight"):
        parse_motion("pseudo:lspet:1+pseudo:mpii-lsp:2").shares()
