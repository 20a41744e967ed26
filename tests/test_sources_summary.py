from __future__ import annotations

from pathlib import Path

import pytest
from source_samples import tiny_amc, tiny_asf

from synth.sources.records import Rejection
from synth.sources.summary import count_reasons, format_summary, summary


def test_summary_of_a_small_data_root(tmp_path: Path) -> None:
    folder = tmp_path / "cmu" / "01"
    folder.mkdir(parents=True)
    (folder / "01.asf").write_text(tiny_asf())
    (folder / "01_01.amc").write_text(tiny_amc(frames=1200))
    (folder / "01_02.amc").write_text(tiny_amc()[:200])
    (tmp_path / "lsp").mkdir()
    (tmp_path / "lsp" / "joints.mat").write_bytes(b"nothing")
    found = summary(tmp_path)
    filmed = ["h36m", "h36m-train", "mpi-inf-3dhp"]
    motion, images = ["cmu", "hdm05", "bvh", *filmed], ["lsp", "lsp-test", "lspet", "mpii", "coco", *filmed]
    assert [row.name for row in found] == [*motion, "demo", *images, "mpi-inf-3dhp-test", "demo"]
    rows = {row.name: row for row in found}
    cmu = rows["cmu"]
    assert (cmu.clips, cmu.frames, cmu.subjects, cmu.rejections) == (1, 1200, 1, {"truncated file": 1})
    assert rows["hdm05"].roots == ()
    assert "is no MATLAB file" in rows["lsp"].problem
    lines = format_summary(found).splitlines()
    assert all(len(line) < 120 for line in lines if " in " not in line and "cannot" not in line)
    assert lines[1].split()[:5] == ["cmu", "yes", "1", "1,200", "1"]
    assert lines[3].strip() == "left out: 1 x truncated file"
    assert lines[4].split()[:2] == ["hdm05", "no"]
    assert lines[5].strip() == "offered at resources.mpi-inf.mpg.de/HDM05"


def test_without_a_data_root_only_embedded_sources_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNTH_DATA", raising=False)
    rows = summary(None)
    assert "motion" in {row.kind for row in rows if row.embedded}
    assert {row.name for row in rows if row.embedded} == {"demo"}
    lines = format_summary(rows).splitlines()
    for place, line in enumerate(lines[1:], 1):
        if line.startswith("demo"):
            assert line.split()[1] == "embedded"
            assert "needs no data root" in lines[place + 1]
        elif line[0] != " ":
            assert line.split()[1] == "no"


def test_reasons_are_counted_with_their_weights() -> None:
    rejections = [
        Rejection("x", "a", "few"),
        Rejection("x", "b", "many", count=40),
        Rejection("x", "c", "few"),
    ]
    assert count_reasons(rejections) == {"many": 40, "few": 2}
