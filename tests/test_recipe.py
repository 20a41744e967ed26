from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from pipelines import classes_command, skeleton_maps_command
from pipelines.label_recipe import read_passes
from pipelines.options import add_recipe_options, option_name, recipe_from
from pipelines.recipe import Recipe, recipe_hash
from pipelines.recipe_files import (
    find_recipe,
    packaged_recipes,
    read_recipe,
    recipe_fields,
    with_overrides,
)
from pipelines.render_recipe import RenderRecipe
from synth.cameras import ViewRange
from synth.errors import InputError
from synth.mosaic.compose import BlendOptions
from synth.pool_plan import PoolOptions
from synth.query_plan import LIFTED_VIEWS

INPUTS = {"pose_library": "a", "image_pool": "b"}


def parsed(*words):
    parser = argparse.ArgumentParser()
    add_recipe_options(parser, Recipe)
    return recipe_from(parser.parse_args(words), Recipe)


def written(tmp_path, text):
    path = tmp_path / "r.toml"
    path.write_text(text)
    return path


def test_defaults_are_those_of_the_parts():
    recipe = Recipe()
    assert recipe.views.ranges() == ViewRange()
    assert recipe.pool.options() == PoolOptions()
    assert recipe.blending.options() == BlendOptions()
    assert recipe.threshold == 0.05
    assert recipe.output.cycle.sizes == (800, 100, 100)


def test_a_file_is_read_and_options_override_it(tmp_path):
    path = written(
        tmp_path, "[blending]\nsigma = 20\nbeta = 0.5\n[views]\nroll = [-10, 10]\n[output]\nn = 7\n"
    )
    assert read_recipe(path, Recipe).blending.sigma == 20.0
    recipe = parsed(
        "--recipe", str(path), "--sigma", "25", "--view-elevation", "-10", "10", "--no-pool-mirror"
    )
    assert (recipe.blending.sigma, recipe.blending.beta, recipe.output.n) == (25.0, 0.5, 7)
    assert recipe.views.ranges() == ViewRange(elevation=(-10.0, 10.0), roll=(-10.0, 10.0))
    assert not recipe.pool.mirror
    assert recipe.pool.options() == PoolOptions(mirror=False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[blending]\nsigmaa = 3", ("r.toml", "unknown key blending.sigmaa", "did you mean blending.sigma?")),
        ("[output]\nsigma = 3", ("unknown key output.sigma", "did you mean blending.sigma?")),
        ("n = 3", ("unknown key n;", "did you mean output.n?")),
        ("[blendin]\nsigma = 3", ("unknown key blendin;", "did you mean blending?")),
        ("[pool.limits]\nheat = 1", ("did you mean pool.limits.head?",)),
        ("[output]\nn = '12'", ("r.toml", "output.n = '12'", "valid integer")),
        ("[output]\nn = 0", ("output.n = 0", "greater than or equal to 1")),
        ("[output]\nn = true", ("output.n = True",)),
        ("[output]\ncodec = 'gif'", ("output.codec = 'gif'", "jpeg:QUALITY")),
        ("[output]\nsplits = '8:1'", ("output.splits = '8:1'", "TRAIN:VAL:TEST")),
        ("[matching]\nalignment = 'affine'", ("matching.alignment = 'affine'", "'rigid' or 'similarity'")),
        ("[matching]\neps = nan", ("matching.eps = nan", "finite")),
        ("[views]\nelevation = [-95, 45]", ("elevation", "-90 and 90")),
        ("[views.pseudo]\nroll = [5, -5]", ("roll", "least first")),
        ("[views.pseudo]\nrol = [5, 6]", ("unknown key views.pseudo.rol", "did you mean views.pseudo.roll?")),
        ("[sources]\nmocap = 'cmu:x'", ("sources.mocap = 'cmu:x'", "'x' is no weight for cmu")),
        ("[pseudo]\nleast_confidence = 2", ("pseudo.least_confidence = 2", "less than or equal to 1")),
        ("[output", ("r.toml", "TOML")),
    ],
)
def test_mistakes_give_one_line_that_names_them(tmp_path, text, parts):
    with pytest.raises(InputError) as caught:
        read_recipe(written(tmp_path, text), Recipe)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


def test_lifted_people_have_their_own_views():
    recipe = parsed("--mocap", "cmu+pseudo:lspet", "--pseudo-azimuth", "-20", "30", "--view-roll", "-5", "5")
    assert recipe.views.ranges() == ViewRange(roll=(-5.0, 5.0))
    assert recipe.views.pseudo.ranges() == replace(LIFTED_VIEWS, azimuth=(-20.0, 30.0))
    assert Recipe().views.pseudo.ranges() == LIFTED_VIEWS


def test_options_of_lifted_people_count_only_where_there_are_any():
    idle = ("--pseudo-azimuth", "0", "9", "--pseudo-least-confidence", "0.5")
    assert recipe_hash(parsed(*idle), INPUTS) == recipe_hash(Recipe(), INPUTS)
    described = parsed(*idle).described()
    assert "pseudo" not in described
    assert "pseudo" not in described["views"]
    named = ("--mocap", "cmu+pseudo:lspet")
    assert recipe_hash(parsed(*named), INPUTS) != recipe_hash(Recipe(), INPUTS)
    assert recipe_hash(parsed(*named, *idle), INPUTS) != recipe_hash(parsed(*named), INPUTS)
    described = parsed(*named, *idle, "--pseudo-corrections", "here.toml").described()
    assert described["views"]["pseudo"]["azimuth"] == [0.0, 9.0]
    assert described["pseudo"] == {"dictionary": None, "atoms": 128, "least_confidence": 0.5}


def test_shares_count_in_whatever_order_they_are_given():
    hashes = [
        recipe_hash(parsed("--mocap", spec), INPUTS)
        for spec in ("cmu+hdm05", "cmu:1+hdm05:2", "hdm05:2+cmu:1", "cmu:1+hdm05:3")
    ]
    assert hashes[0] == recipe_hash(Recipe(), INPUTS)
    assert hashes[1] == hashes[2]
    assert len(set(hashes)) == 3


def test_mistakes_on_the_command_line_name_the_option():
    with pytest.raises(InputError, match=r"^--pose-rate-hz = '-1': input should be greater than 0$"):
        parsed("--pose-rate-hz", "-1")
    with pytest.raises(InputError, match=r"^--n = 'many': input should be a valid integer"):
        parsed("--n", "many")


def test_every_field_has_an_option_a_description_and_a_name_of_its_own():
    names = [option_name(keys) for keys, _ in recipe_fields(Recipe)]
    assert len(set(names)) == len(names)
    wanted = "--mocap --images --data-root --n --seed --splits --shard-size --codec --workers --scheduler"
    wanted += (
        " --resume --on-error --max-fail-rate --preview --progress --alpha --beta --sigma --window --eps"
    )
    assert set(wanted.split()) <= set(names)
    assert all(field.description for _, field in recipe_fields(Recipe))


def test_packaged_recipes_are_valid_and_found_by_name():
    recipes = {
        name: read_recipe(path, RenderRecipe if name.startswith("render-") else Recipe)
        for name, path in packaged_recipes().items()
        if not name.startswith(("labels-", "train-"))
    }
    assert {"paper-cmu-mpii-lsp", "cmu-hdm05-lspet", "small"} <= set(recipes)
    paper = recipes["paper-cmu-mpii-lsp"]
    assert (paper.sources.mocap, paper.sources.images, paper.output.n) == ("cmu", "mpii-lsp", 2_160_000)
    assert (paper.blending.alpha, paper.blending.beta) == (6.0, 0.25)
    assert find_recipe("small") == packaged_recipes()["small"]
    with pytest.raises(InputError, match="did you mean small"):
        find_recipe("smal")


def test_packaged_recipes_of_labels_give_options_that_their_commands_know():
    parsers = {"classes": classes_command.parser, "skeleton-maps": skeleton_maps_command.parser}
    found = {
        name: [
            parsers[kind](kind).parse_args(["m.zarr", *words])
            for kind, words in read_passes(path, list(parsers))
        ]
        for name, path in packaged_recipes().items()
        if name.startswith("labels-")
    }
    classes, maps = found["labels-paper"]
    assert (classes.k, classes.curve, maps.widths) == (5000, (100, 200, 500, 1000, 2000), (1, 2, 3, 4, 5, 6))
    assert len(found["labels-small"]) == 2


@pytest.mark.parametrize(
    "words",
    [
        ("--n", "5"),
        ("--shard-size", "10"),
        ("--codec", "jpeg:90"),
        ("--workers", "3"),
        ("--preview", "4"),
        ("--data-root", "elsewhere"),
        ("--splits", "80:10:10"),
    ],
)
def test_hash_ignores_what_changes_no_byte(words):
    assert recipe_hash(parsed(*words), INPUTS) == recipe_hash(Recipe(), INPUTS)


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "1"),
        ("--splits", "1:0:0"),
        ("--sigma", "16"),
        ("--eps", "0.5"),
        ("--alignment", "similarity"),
        ("--view-roll", "0", "1"),
        ("--window", "half"),
    ],
)
def test_hash_covers_what_changes_bytes(words):
    assert recipe_hash(parsed(*words), INPUTS) != recipe_hash(Recipe(), INPUTS)


def test_hash_covers_the_inputs():
    assert recipe_hash(Recipe(), {**INPUTS, "image_pool": "c"}) != recipe_hash(Recipe(), INPUTS)


def test_description_for_a_store_holds_no_path_and_nothing_the_store_says_itself():
    described = with_overrides(
        Recipe(), {("sources", "data_root"): "/somewhere", ("run", "workers"): 3, ("poses", "rule"): "mean"}
    ).described()
    assert "/somewhere" not in str(described)
    assert "run" not in described
    assert described["output"] == {"seed": 0, "splits": "800:100:100"}
    assert described["poses"]["threshold"] == 0.015


def test_the_program_s_own_sources_are_the_defaults():
    sources = Recipe().sources
    assert (sources.mocap, sources.images) == ("demo", "demo")
