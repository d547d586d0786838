"""Recipes are read strictly: a message names the file, the key and the type."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.errors import BenchError, RecipeError, UnknownNameError
from bench.knobs import knobs_of
from bench.search import MCTS
from rstar_train.recipes.recipe import RECIPES, load_recipe, sections_digest
from rstar_train.recipes.settings import Source

PPM = {"annotation": "ppm"}
PUBLISHED = {
    "pool": "11a5b311b8f0b020",
    "search": "a6f663ae3e572cd0",
    "policy": "48c46c0a71beed8b",
}
"""Digests of the sections of round 4's stages, as the lineage of `smollm2-r4` holds them."""
SHIPPED = sorted(path.stem for path in RECIPES.glob("*.yaml"))


def values() -> dict[str, Any]:
    return dict(yaml.safe_load((RECIPES / "smollm2-cpu.yaml").read_text()))


def saved(folder: Path, content: object) -> str:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_loads_and_is_called_as_its_file(name: str) -> None:
    assert load_recipe(name).name == name


def test_a_recipe_of_ones_own_is_read_by_its_path(tmp_path: Path) -> None:
    data = values()
    data["search"]["c"] = 3  # an integer will do for a number
    data["pool"]["sources"] = [
        {"name": "embedded-grade-school", "problems": 9, "families": ["gcd"]}
    ]
    data["pool"]["held_out"] = 2
    recipe = load_recipe(saved(tmp_path, data))
    assert recipe.defaults.search.c == 3.0
    assert recipe.pool.sources == (Source("embedded-grade-school", 9, ("gcd",)),)
    assert isinstance(recipe.defaults.search.c, float)
    assert recipe.defaults.sft == load_recipe("smollm2-cpu").defaults.sft


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("", "seeds", 1, r"unknown key 'seeds'; did you mean 'seed'"),
        ("search", "rolouts", 1, r"unknown key of search 'rolouts'; did you mean 'rollouts'"),
        ("", 7, 1, r"unknown key '7'.*Known: .*seed"),
        ("", "seed", "one", r"seed must be a whole number, not 'one'"),
        ("", "seed", True, r"seed must be a whole number, not True"),
        ("", "seed", None, r"seed must be a whole number, not None"),
        ("", "base", 2, r"base must be a name, not 2"),
        ("search", "rollouts", 16.0, r"search.rollouts must be a whole number, not 16.0"),
        ("search", "c", "2", r"search.c must be a finite number, not '2'"),
        ("search", "c", float("nan"), r"search.c must be a finite number, not nan"),
        ("lora", "dropout", False, r"lora.dropout must be a finite number, not False"),
        ("pool", "sources", "gcd", r"pool.sources must be a list of mappings, not 'gcd'"),
        ("pool", "sources", ["gcd"], r"pool.sources must be a list of mappings, not \['gcd'\]"),
        ("pool", "sources", [{"nam": 1}], r"unknown key of pool.sources\[0\] 'nam'; did you mean"),
        (
            "search",
            "unsolved_rollouts",
            [1, "2"],
            r"search.unsolved_rollouts must be a list of whole numbers",
        ),
        ("search", "annotation", "pmp", r"unknown value of search.annotation 'pmp'; did you mean"),
        ("search", "annotation", 3, r"search.annotation must be one of terminal, ppm, not 3"),
        ("ppm", "centering", "x", r"ppm.centering must be a finite number, or null, not 'x'"),
        ("ppm", "centering", True, r"ppm.centering must be a finite number, or null, not True"),
        ("ppm", "centering", 0, r"ppm.centering must be above 0, or null, not 0"),
        ("rows", "carry_over", 1, r"rows.carry_over must be true or false, not 1"),
        ("", "pool", 3, r"pool must be a mapping, not 3"),
        ("", "pool", ["tier"], r"pool must be a mapping, not \['tier'\]"),
        ("", "rounds", 4, r"the key rounds must be a list of mappings.* not 4"),
        ("", "rounds", [], r"the key rounds must be a list of mappings.* not \[\]"),
        ("", "rounds", [3], r"rounds\[1\] must be a mapping, not 3"),
        ("", "rounds", [{"pool": {}}], r"unknown section of rounds\[1\] 'pool'.*Known: .*search"),
        (
            "",
            "rounds",
            [{}, {"search": {"rolouts": 3}}],
            r"unknown key of rounds\[2\].search 'rolouts'; did you mean 'rollouts'",
        ),
        (
            "",
            "rounds",
            [{"search": {"c": "x"}}],
            r"rounds\[1\].search.c must be a finite number, not 'x'",
        ),
    ],
)
def test_a_wrong_key_or_value_is_named(
    tmp_path: Path, where: str, key: str | int, value: object, message: str
) -> None:
    data = values()
    (data[where] if where else data)[key] = value
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, data))


@pytest.mark.parametrize(
    ("rounds", "message"),
    [
        ([{}], r"rounds\[1\]: before round 1 there is no policy"),
        ([{"search": {"policy": "base", "annotation": "ppm"}}], r"rounds\[1\]: before round 1"),
        (
            [{"search": {"policy": "base"}}, {"search": {"rollouts": 0}}],
            r"rounds\[2\].search.rollouts must be at least 1, not 0",
        ),
        (
            [{"search": {"policy": "base", "rollouts": 16, "unsolved_rollouts": [8]}}],
            r"rounds\[1\]: search.unsolved_rollouts must be ascending, and above search.rollouts",
        ),
        (
            [
                {
                    "search": {"policy": "base"},
                    "rows": {"rules": "official"},
                    "ppm": {"learn": "both"},
                }
            ],
            r"rounds\[1\]: ppm.learn must be pairs where rows.rules is official",
        ),
        (
            [{"search": {"policy": "base"}}, {"rows": {"rules": "official"}, "search": PPM}],
            r"rounds\[2\]: rows.rules must be paper where search.rules is paper",
        ),
    ],
)
def test_a_round_that_makes_no_sense_is_named(
    tmp_path: Path, rounds: list[Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, {**values(), "rounds": rounds}))


def test_a_round_differs_from_the_recipe_in_its_overrides_only() -> None:
    recipe = load_recipe("smollm2-cpu")
    last = recipe.at(4)
    assert last.search.unsolved_rollouts
    assert last.search.rollouts == recipe.defaults.search.rollouts
    assert (last.lora, last.sft) == (recipe.defaults.lora, recipe.defaults.sft)
    with pytest.raises(BenchError, match="has 4 rounds; there is no round 5"):
        recipe.at(5)


@pytest.mark.parametrize("name", [name for name in SHIPPED if load_recipe(name).system == "rstar"])
def test_the_rounds_of_a_shipped_recipe_are_those_of_the_paper(name: str) -> None:
    searches = [each.search for each in load_recipe(name).rounds]
    assert [each.annotation for each in searches] == ["terminal", "terminal", "ppm", "ppm"]
    assert [each.policy for each in searches[1:]] == ["previous"] * 3


def test_the_figures_of_the_paper_are_in_its_recipe() -> None:
    recipe = load_recipe("paper-qwen2.5-math-7b")
    searches = [each.search for each in recipe.rounds]
    assert [(each.rollouts, each.candidates) for each in searches] == [
        (8, 5),
        (16, 8),
        (16, 8),
        (16, 16),
    ]
    assert (searches[3].unsolved_rollouts, searches[3].trees) == ((64, 128), 2)
    assert {(each.c, each.max_depth) for each in searches} == {(2.0, 16)}
    sft, ppm = recipe.at(4).sft, recipe.at(4).ppm
    assert (sft.epochs, sft.batch_size, sft.learning_rate, sft.max_length) == (2, 128, 7e-6, 4096)
    assert (ppm.epochs, ppm.batch_size, ppm.learning_rate) == (1, 512, 7e-6)


def test_the_figures_of_the_released_code_are_in_its_recipe() -> None:
    last = load_recipe("official").at(3)
    assert (last.search.rules, last.rows.rules, last.rows.pair_filter) == ("official",) * 3
    assert (last.search.rollouts, last.search.candidates) == (48, 12)
    assert (last.ppm.epochs, last.ppm.max_length) == (2, 2048)


def test_unknown_keys_of_mixed_types_are_named_too(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^mine.yaml: unknown key '1'"):
        load_recipe(saved(tmp_path, {**values(), 1: 1, "extra": 2}))


@pytest.mark.parametrize(
    ("where", "key", "message"),
    [
        ("", "seed", r"the key seed \(a whole number\) is missing"),
        ("", "lora", r"the key lora \(a mapping\) is missing"),
        ("pool", "sources", r"the key pool.sources \(a list of mappings\) is missing"),
        ("", "rounds", r"the key rounds must be a list of mappings.* missing"),
        ("ppm", "learning_rate", r"the key ppm.learning_rate \(a finite number\) is missing"),
        ("evaluation", "benchmark", r"the key evaluation.benchmark \(a name\) is missing"),
    ],
)
def test_a_missing_key_is_named_with_its_type(
    tmp_path: Path, where: str, key: str, message: str
) -> None:
    data = values()
    del (data[where] if where else data)[key]
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, data))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"the file must be a mapping, not None"),
        (b"- a\n- b\n", r"the file must be a mapping, not \['a', 'b'\]"),
        (b"name: [1, 2\n", r"is not YAML: .*line 2"),
        (b"name: \xff\xfe\n", r"is not YAML: .*utf-8"),
    ],
)
def test_a_file_that_is_no_recipe_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=rf"(?s)^mine.yaml:? {message}"):
        load_recipe(str(path))


@pytest.mark.parametrize("name", ["nowhere/mine.yaml", "mine.yml", "nowhere/mine"])
def test_a_missing_file_is_named_with_the_shipped_recipes(name: str) -> None:
    with pytest.raises(RecipeError, match=f"no recipe file '{name}'.*smollm2-cpu"):
        load_recipe(name)


def test_an_unknown_recipe_has_close_matches() -> None:
    with pytest.raises(UnknownNameError, match="unknown recipe 'smolm2-cpu'; did you mean 'smoll"):
        load_recipe("smolm2-cpu")


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"search": "mtcs", "problems": 3}, r"unknown search of evaluation.runs 'mtcs'; did you"),
        ({"search": "greedy", "problems": 0}, r"evaluation.runs\[0\].problems must be at least 1"),
        (
            {"search": "mcts", "problems": 3, "rolouts": 2},
            r"unknown key of evaluation.runs\[0\] 'rolouts'; did you mean 'rollouts'",
        ),
        (
            {"search": "greedy", "problems": 3, "rollouts": 2},
            r"unknown key of evaluation.runs\[0\] 'rollouts'",
        ),
        (
            {"search": "mcts", "problems": 3, "rollouts": 0},
            r"evaluation.runs\[0\].rollouts must be at least 1",
        ),
        ({"search": "mcts", "problems": 3}, r"evaluation.runs must be at least one run, the first"),
        ({"problems": 3}, r"the key evaluation.runs\[0\].search \(a name\) is missing"),
    ],
)
def test_a_run_of_the_evaluation_has_the_knobs_of_its_search(
    tmp_path: Path, run: dict[str, Any], message: str
) -> None:
    data = values()
    data["evaluation"]["runs"] = [run]
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, data))


def test_the_search_of_a_recipe_has_the_knobs_and_defaults_of_mcts(tmp_path: Path) -> None:
    data = values()
    data["search"] = {"policy": "base", "annotation": "terminal"}
    data["rounds"] = [{}]
    search = load_recipe(saved(tmp_path, data)).at(1).search
    plain = MCTS()
    knobs = {name: getattr(search, name) for name in knobs_of(MCTS)}
    assert knobs == dataclasses.asdict(plain)
    assert load_recipe("smollm2-cpu").at(4).evaluation.runs[2].config == MCTS(max_depth=8)


def test_a_digest_changes_with_its_own_sections_and_the_seed_only() -> None:
    recipe = load_recipe("smollm2-cpu")
    sections = {"lora": recipe.defaults.lora, "sft": recipe.defaults.sft}
    digest = sections_digest(recipe.seed, sections)
    assert digest == sections_digest(recipe.seed, dict(reversed(sections.items())))
    assert digest != sections_digest(recipe.seed + 1, sections)
    for name, section in sections.items():
        field = next(f for f in dataclasses.fields(section) if f.name in ("rank", "batch_size"))
        other = dataclasses.replace(section, **{field.name: getattr(section, field.name) + 1})
        assert digest != sections_digest(recipe.seed, {**sections, name: other})


def test_the_digests_of_shipped_recipes_are_those_that_stages_were_made_under() -> None:
    recipe = load_recipe("smollm2-cpu")
    settings = recipe.at(4)
    made = {
        "pool": sections_digest(recipe.seed, {"pool": recipe.pool}),
        "search": sections_digest(recipe.seed, {"search": settings.search}),
        "policy": sections_digest(recipe.seed, {"lora": settings.lora, "sft": settings.sft}),
    }
    assert made == PUBLISHED


def test_an_option_that_is_null_is_not_in_the_digest_and_one_that_is_set_is() -> None:
    recipe = load_recipe("paper-qwen2.5-math-7b")
    ppm = recipe.defaults.ppm
    before = dataclasses.asdict(ppm)
    unset = ("centering", "learn", "bias", "head_only", "schedule")
    assert [before.pop(name) for name in unset] == [None] * 5
    text = json.dumps({"ppm": before, "seed": recipe.seed}, sort_keys=True)
    digest = sections_digest(recipe.seed, {"ppm": ppm})
    assert digest == hashlib.sha256(text.encode()).hexdigest()[:16]
    centered = dataclasses.replace(ppm, centering=0.05)
    assert sections_digest(recipe.seed, {"ppm": centered}) != digest
