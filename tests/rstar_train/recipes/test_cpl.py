"""Recipes of CPL: the released code's figures, sections of their own, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.errors import RecipeError
from bench.knobs import knobs_of
from bench.search import CPL
from rstar_train.recipes.cpl import CPLRound, PlanPairSettings
from rstar_train.recipes.recipe import RECIPES, load_recipe
from rstar_train.recipes.tiny import shrink


def values() -> dict[str, Any]:
    return dict(yaml.safe_load((RECIPES / "cpl-smollm2.yaml").read_text()))


def saved(folder: Path, content: object) -> str:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_figures_of_the_released_code_are_in_its_recipe() -> None:
    recipe = load_recipe("cpl-deepseekmath-7b")
    first, second = recipe.rounds
    assert isinstance(first, CPLRound)
    searches = [first.search, second.search]
    assert [each.iterations for each in searches] == [200, 100]
    assert [each.problems for each in searches] == [5000, None]
    assert {
        (each.c_puct, each.root_children, each.children, each.plan_depth, each.temperature)
        for each in searches
    } == {(1.5, 5, 3, 6, 0.7)}
    assert [(each.policy, each.annotation) for each in searches] == [
        ("base", "terminal"),
        ("previous", "ppm"),
    ]
    assert [each.sft.epochs for each in recipe.rounds] == [5, 3]
    assert (first.sft.learning_rate, first.rows.per_question) == (1e-5, 4)
    learnt = first.preference
    assert (learnt.beta, learnt.alpha, learnt.learning_rate, learnt.epochs) == (0.3, 1.0, 1e-6, 3)
    assert (first.value.learning_rate, first.value.epochs, first.value.bias) == (1e-5, 7, True)
    fits = (first.sft, first.preference, first.value)
    assert {(each.schedule, each.warmup_fraction, each.max_length) for each in fits} == {
        ("cosine", 0.1, 1024)
    }
    # Per GPU 4 x 16, 4 x 2 and 8 x 16, on eight.
    assert [each.batch_size for each in fits] == [512, 64, 1024]
    assert (first.pairs, first.lora.rank) == (PlanPairSettings(0.3, None, None), 0)
    assert recipe.seed == 1234
    assert {(each.action_tokens, each.solutions) for each in searches} == {(1500, "text")}


def test_the_search_of_a_recipe_has_the_knobs_and_defaults_of_cpl(tmp_path: Path) -> None:
    data = values()
    data["search"] = {"policy": "base", "annotation": "terminal"}
    data["rounds"] = [{}]
    search = load_recipe(saved(tmp_path, data)).at(1).search
    knobs = {name: getattr(search, name) for name in knobs_of(CPL)}
    assert knobs == {name: getattr(CPL(), name) for name in knobs}
    assert search.sampling.solution_tokens == search.action_tokens


@pytest.mark.parametrize(
    ("where", "key", "value", "message"),
    [
        ("", "system", "clp", r"unknown value of system 'clp'; did you mean 'cpl'\?"),
        ("", "system", 3, r"system must be one of rstar, cpl, not 3"),
        ("", "system", "rstar", r"unknown key '(preference|pairs|value)'"),
        ("", "ppm", {}, r"unknown key 'ppm'.*Known: .*preference"),
        ("search", "rollouts", 4, r"unknown key of search 'rollouts'"),
        ("search", "solutions", "latex", r"unknown value of search.solutions 'latex'"),
        ("preference", "beta", 0, r"preference.beta must be above 0, not 0"),
        ("preference", "alpha", -1, r"preference.alpha must be at least 0, not -1"),
        ("preference", "schedule", "flat", r"unknown value of preference.schedule 'flat'"),
        ("value", "learn", "pairs", r"value.learn and value.centering must be null"),
        (
            "evaluation",
            "runs",
            [{"search": "greedy", "problems": 3}],
            r"evaluation.runs must be searches of plans.*'greedy' searches steps",
        ),
        (
            "evaluation",
            "runs",
            [{"search": "cpl", "problems": 3}],
            r"evaluation.runs must be at least one run, the first with the search greedy",
        ),
        ("", "rounds", [{"ppm": {}}], r"unknown section of rounds\[1\] 'ppm'.*Known: .*value"),
        ("", "rounds", [{}], r"rounds\[1\]: before round 1 there is no policy"),
    ],
)
def test_a_wrong_key_or_value_is_named(
    tmp_path: Path, where: str, key: str, value: object, message: str
) -> None:
    data = values()
    (data[where] if where else data)[key] = value
    with pytest.raises(RecipeError, match=f"^mine.yaml: {message}"):
        load_recipe(saved(tmp_path, data))


def test_a_tiny_recipe_trains_on_what_the_demonstrator_of_plans_knows() -> None:
    small = shrink(load_recipe("cpl-smollm2"))
    assert {source.families for source in small.pool.sources} == {("sums_3",)}
    assert small.rounds[0].preference.alpha == 1.0
    assert small.rounds[1].evaluation.runs[1].config.iterations == 3
