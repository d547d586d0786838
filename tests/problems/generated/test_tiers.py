"""The embedded pool: seeded, disjoint, balanced, and honest about what it cannot give."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.errors import DataError, UnknownNameError
from bench.problems import load
from bench.problems.generated import (
    DIAL,
    SCHOOLING,
    TIERS,
    ProblemFamily,
    embedded_names,
    family_problems,
    load_embedded,
    tier_problems,
)

QUICK = [(tier, f) for tier in TIERS for f in TIERS[tier] if f.name != "polynomial_equations"]


@pytest.mark.parametrize(("tier", "family"), QUICK, ids=lambda each: getattr(each, "name", each))
def test_training_and_evaluation_splits_share_no_question(tier: str, family: ProblemFamily) -> None:
    held_out = {p.question for p in family_problems(tier, family.name, "eval", family.evaluated)}
    train = {p.question for p in family_problems(tier, family.name, "train", 120)}
    assert len(held_out) == family.evaluated
    assert len(train) == 120
    assert not held_out & train


def test_there_are_three_tiers_of_schooling_and_each_has_several_families() -> None:
    assert list(SCHOOLING) == ["grade-school", "high-school", "competition"]
    assert all(len(families) >= 4 for families in SCHOOLING.values())


def test_the_tiers_with_a_dial_have_three_lengths_or_more_and_400_problems_of_each() -> None:
    assert list(DIAL) == ["arithmetic", "words", "countdown"]
    assert all(len(families) >= 3 for families in DIAL.values())
    assert all(family.evaluated == 400 for families in DIAL.values() for family in families)


def test_the_same_numbers_in_another_order_are_not_in_both_splits() -> None:
    splits = {
        split: {
            (tuple(sorted(p.verifier.parameters["numbers"])), p.verifier.parameters["target"])
            for p in family_problems("countdown", "game_of_24", split, 300)
            if p.verifier
        }
        for split in ("eval", "train")
    }
    assert len(splits["eval"]) == len(splits["train"]) == 300
    assert not splits["eval"] & splits["train"]


def test_any_prefix_of_a_tier_is_balanced_over_its_families() -> None:
    problems = tier_problems("grade-school", "eval", 13)
    counts = [sum(p.subject == f.name for p in problems) for f in TIERS["grade-school"]]
    assert sorted(counts) == [2, 2, 2, 2, 2, 3]


def test_a_short_draw_is_the_beginning_of_a_long_one() -> None:
    short = load_embedded("embedded-high-school", 5)
    assert load_embedded("embedded-high-school", 20)[:5] == short


def test_ids_are_unique_and_say_what_the_problem_is() -> None:
    problems = load("embedded", limit=60)
    assert len({p.id for p in problems}) == 60
    assert {p.level for p in problems} == set(SCHOOLING)
    assert all(p.id.startswith(f"eval-{p.subject}-") for p in problems)


def test_every_process_generates_the_same_problems() -> None:
    code = (
        "from bench.problems import load\n"
        "print(*[p.id + p.answer for p in load('embedded-grade-school', limit=24)])"
    )
    run = [sys.executable, "-c", code]
    outputs = {
        subprocess.run(
            run, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": s}
        ).stdout
        for s in ("1", "2")
    }
    here = " ".join(p.id + p.answer for p in load("embedded-grade-school", limit=24))
    assert outputs == {here + "\n"}


def test_more_evaluation_problems_than_there_are_is_a_clear_error() -> None:
    with pytest.raises(DataError, match="has 200 problems, 201 were asked for"):
        family_problems("grade-school", "gcd", "eval", 201)


def test_unknown_tiers_and_families_name_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'gcd'"):
        family_problems("grade-school", "gdc", "eval", 1)
    with pytest.raises(UnknownNameError, match="high-school"):
        tier_problems("highschool", "eval", 1)
    with pytest.raises(UnknownNameError, match="embedded-competition"):
        load("embedded-competitions")


def test_the_names_are_those_that_load_knows() -> None:
    assert embedded_names() == [
        "embedded",
        "embedded-dial",
        "embedded-out-of-domain",
        "embedded-grade-school",
        "embedded-high-school",
        "embedded-competition",
        "embedded-arithmetic",
        "embedded-words",
        "embedded-countdown",
        "embedded-inequalities",
    ]
