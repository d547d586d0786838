"""A round's evaluation: its figures, the gate, and misspelt searches, found before training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import UnknownNameError
from rstar_train.figures import DifferenceFigures, MethodFigures
from rstar_train.recipes.recipe import RECIPES, load_recipe
from rstar_train.recipes.settings import EvaluationRun
from rstar_train.rounds.evaluation import by_tier, families_of, passes_gate
from rstar_train.rounds.evolve import evolve
from tests.made_runs import C, E, W, greedy

SHIPPED = load_recipe("smollm2-cpu")


def test_accuracy_is_counted_by_tier_and_by_family_where_there_is_one() -> None:
    run = greedy([C, W, C, E])
    tiers = ("low", "low", "high", "high")
    records = [replace(r, benchmark=tier) for r, tier in zip(run.records, tiers, strict=True)]
    families = {"p00": "gcd", "p01": "lcm", "p03": "dice"}
    found = by_tier(replace(run, records=tuple(records)), "greedy", families)
    counts = {name: (cell.correct, cell.n) for name, cell in found.items()}
    assert counts == {"high": (1, 1), "low": (1, 2), "low/gcd": (1, 1), "low/lcm": (0, 1)}


def test_families_are_those_of_the_evaluated_problems() -> None:
    families = families_of("embedded")
    assert {"gcd", "fraction_simplification", "dice"} <= set(families.values())
    assert len(families) >= 504


def greedy_figures(gain: DifferenceFigures | None) -> MethodFigures:
    return MethodFigures("greedy", 9, 3, None, 0, 10.0, 0.0, {}, against_before=gain)


def gain(estimate: float, p: float) -> DifferenceFigures:
    return DifferenceFigures(estimate, estimate - 0.1, estimate + 0.1, 3, 1, p)


@pytest.mark.parametrize(
    ("gate", "gained", "passes"),
    [
        ("none", gain(-0.5, 0.001), True),
        ("not-worse", gain(-0.5, 0.001), False),
        ("not-worse", gain(-0.01, 0.7), True),
        ("not-worse", gain(0.1, 0.001), True),
        ("better", gain(0.1, 0.001), True),
        ("better", gain(0.1, 0.2), False),
        ("better", gain(-0.1, 0.001), False),
        ("better", None, True),  # no problem that both could be judged on
    ],
)
def test_a_gate_lets_pass_what_it_says(
    gate: str, gained: DifferenceFigures | None, passes: bool
) -> None:
    assert passes_gate(gate, greedy_figures(gained)) == passes


@pytest.mark.parametrize("name", sorted(path.stem for path in RECIPES.glob("*.yaml")))
def test_the_searches_of_a_shipped_recipe_exist(name: str) -> None:
    for settings in load_recipe(name).rounds:
        assert all(run.entry.config for run in settings.evaluation.runs)


def test_a_misspelt_search_is_found_before_any_work(tmp_path: Path) -> None:
    wrong = replace(
        SHIPPED.rounds[3].evaluation,
        runs=(EvaluationRun("greedy", 3), EvaluationRun("mtcs", 3)),
    )
    rounds = (*SHIPPED.rounds[:3], replace(SHIPPED.rounds[3], evaluation=wrong))
    with pytest.raises(UnknownNameError, match="'mtcs'; did you mean 'mcts'"):
        evolve(replace(SHIPPED, rounds=rounds), work=tmp_path / "w", publish=tmp_path / "p")
    assert not (tmp_path / "w").exists()
