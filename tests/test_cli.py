from __future__ import annotations

import re

import pytest
import store_samples

from pipelines import command, mosaic_command, verify_command
from pipelines.command import guarded, interruptible
from synth.cli import main
from synth.errors import DiskSpaceError, InputError, StoreError, TooManyFailuresError
from synth.store.metadata import open_meta
from synth.store.verify import verify


def complains(capsys, words, code, *parts):
    """The command prints one line that holds all parts, and nothing else."""
    assert main(words) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.fullmatch(r"synth: error: [^\n]+\n", captured.err)
    assert all(part in captured.err for part in parts), captured.err


def test_help_lists_commands_and_exit_codes(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(
        f"\n  {name} " in text for name in ("mosaic", "render", "sources", "recipes", "verify", "seal")
    )
    assert all(f"\n  {code:<4} " in text for code in (0, 1, 2, 3, 4, 5, 130))
    assert main([]) == 2
    assert main(["--version"]) == 0


@pytest.mark.parametrize(
    "name",
    [
        "mosaic",
        "render",
        "label",
        "label classes",
        "label assign",
        "project",
        "crops",
        "train",
        "evaluate",
        "export",
        "sources",
        "recipes",
        "verify",
        "seal",
    ],
)
def test_every_command_documents_its_options_and_exit_codes(name, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*name.split(), "--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: synth {name}" in text
    assert "130  interrupted" in text


def test_help_of_mosaic_gives_defaults(capsys):
    with pytest.raises(SystemExit):
        main(["mosaic", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for option in ("--sigma SIGMA width of a joint's probability, pixels (default 15.0)", "(default 8:1:1)"):
        assert option in text


def test_mistakes_are_one_line_and_exit_with_2(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SYNTH_DATA", raising=False)
    out = str(tmp_path / "m.zarr")
    real = ["--mocap", "cmu", "--images", "lspet", "--out", out]
    complains(capsys, ["mosiac"], 2, "did you mean mosaic?")
    complains(capsys, ["mosaic"], 2, "--out", "see synth mosaic --help")
    complains(capsys, ["mosaic", *real], 2, "no data root", "SYNTH_DATA")
    complains(capsys, ["mosaic", *real, "--sigmaa", "3"], 2, "unknown option --sigmaa; did you mean --sigma?")
    complains(capsys, ["mosaic", *real, "--codec", "gif"], 2, "--codec = 'gif'", "jpeg:QUALITY")
    complains(capsys, ["mosaic", *real, "--n", "0"], 2, "--n = '0'", "greater than or equal to 1")
    complains(capsys, ["mosaic", *real, "--recipe", "smal"], 2, "did you mean small?")
    complains(capsys, ["mosaic", *real, "--data-root", str(tmp_path / "no")], 2, "is not a folder")
    complains(capsys, ["mosaic", *real, "--data-root", str(tmp_path)], 2, "cmu", "allasfamc.zip", "publisher")
    complains(capsys, ["mosaic", *real, "--resume", "require"], 2, "no store at")
    complains(capsys, ["sources", "--data-root", str(tmp_path / "no")], 2, "is not a folder")
    assert list(tmp_path.iterdir()) == []


def test_a_recipe_with_an_unknown_key_names_file_key_and_nearest(tmp_path, capsys):
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[blending]\nalfa = 6\n")
    words = ["mosaic", "--recipe", str(recipe), "--out", str(tmp_path / "m.zarr")]
    complains(capsys, words, 2, "mine.toml", "blending.alfa", "did you mean blending.alpha?")


def test_something_else_in_the_place_of_the_store(tmp_path, capsys):
    (tmp_path / "m.zarr").mkdir()
    (tmp_path / "m.zarr" / "thesis.tex").write_text("x")
    complains(capsys, ["mosaic", "--out", str(tmp_path / "m.zarr")], 2, "exists and is no store")


def test_recipes_lists_names_and_titles(capsys):
    assert main(["recipes"]) == 0
    assert re.search(r"^paper-cmu-mpii-lsp +The paper's data set", capsys.readouterr().out, re.MULTILINE)


def test_sources_lists_all_known(tmp_path, capsys):
    assert main(["sources", "--data-root", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert all(re.search(rf"^{name} +no ", text, re.MULTILINE) for name in ("cmu", "hdm05", "lspet", "coco"))


def test_verify_and_seal(tmp_path, capsys):
    path = tmp_path / "s.zarr"
    store_samples.create(path, 7)
    for shard in range(2):
        store_samples.write_shard(path, shard)
    complains(capsys, ["seal", str(path)], 5, "1 of 3 shards are not whole (2)")
    assert main(["verify", str(path)]) == 5
    assert "shard 2: commits/000002.json: is missing" in capsys.readouterr().out
    store_samples.write_shard(path, 2)
    assert main(["seal", str(path)]) == 0
    assert open_meta(path).seal is not None
    assert main(["verify", str(path)]) == 0
    assert "3 shards, no problem" in capsys.readouterr().out


def test_verify_shares_the_shards_of_a_large_store_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(verify_command, "ALONE", 1)
    path = tmp_path / "s.zarr"
    store_samples.finish(path, 7)
    words = ["verify", str(path), "--workers", "1", "--progress", "none"]
    assert main(words) == 0
    assert capsys.readouterr().out == f"{path}: 3 shards, no problem\n"
    file = path / "images" / "c.1.0.0.0"
    file.write_bytes(file.read_bytes()[:-1])
    assert main(words) == 5
    assert capsys.readouterr().out == f"{verify(path)}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("a"), 2),
        (TooManyFailuresError("a"), 3),
        (DiskSpaceError("a"), 4),
        (OSError(28, "No space left on device"), 4),
        (PermissionError(13, "Permission denied", "out"), 2),
        (NotADirectoryError(20, "Not a directory", "out"), 2),
        (StoreError("a"), 5),
    ],
)
def test_exit_codes(error, code, capsys):
    def fails():
        raise error

    assert guarded(fails) == code
    assert capsys.readouterr().err.startswith("synth: error: ")


def test_defects_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        guarded(lambda: 1 // 0)


def test_an_interruption_prints_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*given):
        command.signal.raise_signal(command.signal.SIGTERM)

    monkeypatch.setattr(mosaic_command, "make_mosaics", interrupted)
    path = tmp_path / "s.zarr"
    assert main(["mosaic", "--out", str(path)]) == 130
    assert "before the store was begun" in capsys.readouterr().err
    store_samples.create(path, 7)
    store_samples.write_shard(path, 1)
    assert main(["mosaic", "--resume=never", "--out", str(path), "--resume", "never", "--n", "7"]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "interrupted: 1 of 3 shards are done. To go on:",
        f"  synth mosaic --out {path} --n 7",
    ]


def test_a_second_signal_does_not_cut_the_cleaning_short():
    steps = []

    def run():
        with interruptible():
            try:
                command.signal.raise_signal(command.signal.SIGINT)
            finally:
                steps.append("first")
                command.signal.raise_signal(command.signal.SIGINT)
                steps.append("cleaned")

    with pytest.raises(KeyboardInterrupt):
        run()
    assert steps == ["first", "cleaned"]
