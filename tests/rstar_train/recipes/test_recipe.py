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
from rstar_train.recipes.recipe import OVERRIDABLE, RECIPES, Recipe, load_recipe
from rstar_train.recipes.settings import Source

PPM = {"annotation": "ppm"}
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
    assert recipe.search.c == 3.0
    assert recipe.pool.sources == (Source("embedded-grade-school", 9, ("gcd",)),)
    assert isinstance(recipe.search.c, float)
    assert recipe.sft == load_recipe("smollm2-cpu").sft


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("", "seeds", 1, r"unknown key 'seeds'; did you mean 'seed'\?"),
        ("search", "rolouts", 1, r"unknown key of search 'rolouts'; did you mean 'rollouts'"),
        ("", 7, 1, r"unknown key '7'.*Known: .*seed"),
        ("", "seed", "one", r"seed must be an integer, not 'one'"),
        ("", "seed", True, r"seed must be an integer, not True"),
        ("", "seed", None, r"seed must be an integer, not None"),
        ("", "base", 2, r"base must be a string, not 2"),
        ("search", "rollouts", 16.0, r"search.rollouts must be an integer, not 16.0"),
        ("search", "c", "2", r"search.c must be a number, not '2'"),
        ("search", "c", float("nan"), r"search.c must be a number, not nan"),
        ("lora", "dropout", False, r"lora.dropout must be a number, not False"),
        ("pool", "sources", "gcd", r"pool.sources must be a list of mappings, not 'gcd'"),
        ("pool", "sources", ["gcd"], r"pool.sources must be a list of mappings, not \['gcd'\]"),
        ("pool", "sources", [{"nam": 1}], r"unknown key of pool.sources\[0\] 'nam'; did you mean"),
        (
            "search",
            "unsolved_rollouts",
            [1, "2"],
            r"search.unsolved_rollouts must be a list of integers",
        ),
        ("search", "annotation", "pmp", r"unknown value of search.annotation 'pmp'; did you mean"),
        ("search", "annotation", 3, r"search.annotation must be one of terminal, ppm, not 3"),
        ("ppm", "centering", "x", r"ppm.centering must be a number, or null, not 'x'"),
        ("ppm", "centering", True, r"ppm.centering must be a number, or null, not True"),
        ("ppm", "centering", 0, r"ppm.centering must be above 0, or null, not 0.0"),
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
        ("", "rounds", [{"search": {"c": "x"}}], r"rounds\[1\].search.c must be a number, not 'x'"),
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
            r"rounds\[2\]: search.rollouts must be at least 1, not 0",
        ),
        (
            [{"search": {"policy": "base", "rollouts": 16, "unsolved_rollouts": [8]}}],
            r"rounds\[1\]: search.unsolved_rollouts must be ascending, and above search.rollouts",
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
    assert last.search.rollouts == recipe.search.rollouts
    assert (last.pool, last.lora, last.sft) == (recipe.pool, recipe.lora, recipe.sft)
    assert last.rounds == ()
    with pytest.raises(BenchError, match="has 4 rounds; there is no round 5"):
        recipe.at(5)


@pytest.mark.parametrize("name", SHIPPED)
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
    recipe = load_recipe("official").at(3)
    assert (recipe.search.rules, recipe.rows.rules, recipe.rows.pair_filter) == ("official",) * 3
    assert (recipe.search.rollouts, recipe.search.candidates) == (48, 12)
    assert (recipe.ppm.epochs, recipe.ppm.max_length) == (2, 2048)


def test_unknown_keys_of_mixed_types_are_named_too(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^mine.yaml: unknown key '1'"):
        load_recipe(saved(tmp_path, {**values(), 1: 1, "extra": 2}))


@pytest.mark.parametrize(
    ("where", "key", "message"),
    [
        ("", "seed", r"the key seed \(an integer\) is missing"),
        ("", "lora", r"the key lora \(a mapping\) is missing"),
        ("pool", "sources", r"the key pool.sources \(a list of mappings\) is missing"),
        ("", "rounds", r"the key rounds must be a list of mappings.* missing"),
        ("ppm", "learning_rate", r"the key ppm.learning_rate \(a number\) is missing"),
        ("evaluation", "benchmark", r"the key evaluation.benchmark \(a string\) is missing"),
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


def changed(recipe: Recipe, section: str) -> Recipe:
    """The same recipe but for one number or name of one section."""
    old = getattr(recipe, section)
    if section == "evaluation":
        return dataclasses.replace(recipe, evaluation=dataclasses.replace(old, benchmark="other"))
    if not dataclasses.is_dataclass(old):
        return dataclasses.replace(recipe, **{section: old * 2})
    numbers = (int, float)
    field = next(f for f in dataclasses.fields(old) if isinstance(getattr(old, f.name), numbers))
    new = dataclasses.replace(old, **{field.name: getattr(old, field.name) + 1})  # type: ignore[type-var]
    return dataclasses.replace(recipe, **{section: new})


@pytest.mark.parametrize("section", ["seed", "pool", *OVERRIDABLE])
def test_a_digest_changes_with_its_own_sections_and_the_seed_only(section: str) -> None:
    recipe = load_recipe("smollm2-cpu")
    other = changed(recipe, section)
    assert other != recipe
    for sections in (("pool", "search"), ("lora", "sft"), ("lora", "ppm"), ("evaluation",)):
        same = recipe.digest(*sections) == other.digest(*sections)
        assert same == (section not in (*sections, "seed")), sections


def test_an_option_that_is_null_is_not_in_the_digest_and_one_that_is_set_is() -> None:
    recipe = load_recipe("paper-qwen2.5-math-7b")
    before = dataclasses.asdict(recipe.ppm)
    assert before.pop("centering") is None
    text = json.dumps({"ppm": before, "seed": recipe.seed}, sort_keys=True)
    assert recipe.digest("ppm") == hashlib.sha256(text.encode()).hexdigest()[:16]
    centered = dataclasses.replace(recipe.ppm, centering=0.05)
    assert dataclasses.replace(recipe, ppm=centered).digest("ppm") != recipe.digest("ppm")
