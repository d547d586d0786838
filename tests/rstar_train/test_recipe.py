"""Recipes are read strictly: a message names the file, the key and the type."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.errors import RecipeError, UnknownNameError
from rstar_train.recipe import RECIPES, Recipe, load_recipe

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
    data["pool"]["families"] = ["gcd"]
    recipe = load_recipe(saved(tmp_path, data))
    assert (recipe.search.c, recipe.pool.families) == (3.0, ("gcd",))
    assert isinstance(recipe.search.c, float)
    assert recipe.sft == load_recipe("smollm2-cpu").sft


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("", "seeds", 1, r"unknown key 'seeds'; did you mean 'seed'\?"),
        ("search", "rolouts", 1, r"unknown key of search 'rolouts'; did you mean 'rollouts'\?"),
        ("", 7, 1, r"unknown key '7'.*Known: .*seed"),
        ("", "seed", "one", r"seed must be an integer, not 'one'"),
        ("", "seed", True, r"seed must be an integer, not True"),
        ("", "seed", None, r"seed must be an integer, not None"),
        ("", "base", 2, r"base must be a string, not 2"),
        ("search", "rollouts", 16.0, r"search.rollouts must be an integer, not 16.0"),
        ("search", "c", "2", r"search.c must be a number, not '2'"),
        ("search", "c", float("nan"), r"search.c must be a number, not nan"),
        ("lora", "dropout", False, r"lora.dropout must be a number, not False"),
        ("pool", "families", "gcd", r"pool.families must be a list of strings, not 'gcd'"),
        ("pool", "families", ["gcd", 1], r"pool.families must be a list of strings, not \['gcd'"),
        ("", "pool", 3, r"pool must be a mapping, not 3"),
        ("", "pool", ["tier"], r"pool must be a mapping, not \['tier'\]"),
    ],
)
def test_a_wrong_key_or_value_is_named(
    tmp_path: Path, where: str, key: str | int, value: object, message: str
) -> None:
    data = values()
    (data[where] if where else data)[key] = value
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, data))


def test_unknown_keys_of_mixed_types_are_named_too(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"^mine.yaml: unknown key '1'"):
        load_recipe(saved(tmp_path, {**values(), 1: 1, "extra": 2}))


@pytest.mark.parametrize(
    ("where", "key", "message"),
    [
        ("", "seed", r"the key seed \(an integer\) is missing"),
        ("", "lora", r"the key lora \(a mapping\) is missing"),
        ("pool", "families", r"the key pool.families \(a list of strings\) is missing"),
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
    if not dataclasses.is_dataclass(old):
        return dataclasses.replace(recipe, **{section: old * 2})
    field = next(f for f in dataclasses.fields(old) if isinstance(getattr(old, f.name), int))
    new = dataclasses.replace(old, **{field.name: getattr(old, field.name) + 1})  # type: ignore[type-var]
    return dataclasses.replace(recipe, **{section: new})


@pytest.mark.parametrize("section", [field.name for field in dataclasses.fields(Recipe)])
def test_a_digest_changes_with_its_own_sections_and_the_seed_only(section: str) -> None:
    recipe = load_recipe("smollm2-cpu")
    other = changed(recipe, section)
    assert other != recipe
    for sections in (("pool", "search"), ("lora", "sft"), ("lora", "ppm"), ("evaluation",)):
        same = recipe.digest(*sections) == other.digest(*sections)
        assert same == (section not in (*sections, "seed")), sections
