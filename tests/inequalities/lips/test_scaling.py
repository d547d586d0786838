"""Scalings of small goals by single lemmas, and what numbers refute among them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bench.inequalities.lips.filtering import Filter
from bench.inequalities.lips.lemmas import Lemma, load_lemmas, load_proved
from bench.inequalities.lips.scaling import Scaling, list_scalings
from bench.inequalities.proving.goals import begin
from bench.inequalities.statements import (
    Array,
    Expression,
    Statement,
    compile_float,
    format_expression,
)
from bench.inequalities.texts.reading import read_expression, read_statement

POSITIVE = " with a, b, c > 0"
NESBITT = "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2" + POSITIVE
MEANS = "a + b + c >= 3*(a*b*c)^(1/3)" + POSITIVE
RADICALS = "a/sqrt(a^2 + 8*b*c) + b/sqrt(b^2 + 8*c*a) + c/sqrt(c^2 + 8*a*b) >= 1 with a, b, c > 0"
CUBES = (
    "a/(b^3 + 4) + b/(c^3 + 4) + c/(d^3 + 4) + d/(a^3 + 4) >= 2/3"
    " with a, b, c, d > 0 and a + b + c + d = 4"
)


def find(name: str) -> Lemma:
    return next(lemma for lemma in load_lemmas() if lemma.name == name)


def sides_of(statement: Statement) -> tuple[Expression, Expression]:
    ((_, larger, smaller),) = statement.claims
    return larger, smaller


def scale_by(name: str, text: str) -> list[Scaling]:
    statement = read_statement(text)
    return list_scalings(*sides_of(statement), statement.assumptions, [find(name)])


def show(scaling: Scaling) -> str:
    return f"{format_expression(scaling.larger)} >= {format_expression(scaling.smaller)}"


@pytest.mark.parametrize(
    ("lemma", "goal", "new"),
    [
        ("AM-GM of 3", MEANS, "3*(a*b*c)^(1/3) >= 3*(a*b*c)^(1/3)"),
        ("Titu of 3, first powers", NESBITT, "(a + b + c)^2/(2*(a*b + a*c + b*c)) >= 3/2"),
        (
            "Hölder of 3, fractions with squares",
            RADICALS,
            "(a + b + c)^(3/2)/sqrt(24*a*b*c + a^3 + b^3 + c^3) >= 1",
        ),
        # In a radicand of a denominator, alone and in all three at once.
        (
            "AM-GM of 2, squares",
            RADICALS,
            "a/sqrt(a^2 + 4*b^2 + 4*c^2) + b/sqrt(8*a*c + b^2) + c/sqrt(8*a*b + c^2) >= 1",
        ),
        (
            "AM-GM of 2, squares",
            RADICALS,
            "a/sqrt(a^2 + 4*b^2 + 4*c^2) + b/sqrt(4*a^2 + b^2 + 4*c^2)"
            " + c/sqrt(4*a^2 + 4*b^2 + c^2) >= 1",
        ),
        # A term with a minus goes the other way.
        (
            "AM-GM of 2, squares",
            "a^4 + b^4 - a*b >= c" + POSITIVE,
            "a^4 + b^4 - a^2/2 - b^2/2 >= c",
        ),
        # The smaller side grows.
        ("Vasc", "a >= a^3*b + b^3*c + c^3*a" + POSITIVE, "a >= (a^2 + b^2 + c^2)^2/3"),
        # A product in a denominator.
        (
            "AM-GM of 2, square of the sum",
            "1/((1 + a)*(1 + b)) >= c" + POSITIVE,
            "4/(2 + a + b)^2 >= c",
        ),
    ],
)
def test_a_lemma_gives_the_goal_that_it_is_known_for(lemma: str, goal: str, new: str) -> None:
    assert new in map(show, scale_by(lemma, goal))


def test_goals_that_a_symmetry_makes_the_same_are_listed_once() -> None:
    found = scale_by("AM-GM of 2", "a + b + c >= 3" + POSITIVE)
    assert [show(each) for each in found] == [
        "2*sqrt(a*b) + c >= 3",
        "sqrt(a*b) + sqrt(a*c) + sqrt(b*c) >= 3",
    ]


def test_an_assumption_can_break_the_symmetry() -> None:
    found = scale_by("AM-GM of 2", "a + b + c >= 3 with a, b, c > 0 and a >= 2*b")
    assert len(found) == 3


def test_the_goal_itself_is_not_listed() -> None:
    assert scale_by("AM-GM of 2, squares", "c >= a*a" + POSITIVE) == []
    (found,) = scale_by("AM-GM of 2, squares", "c >= a*b" + POSITIVE)
    assert show(found) == "c >= (a^2 + b^2)/2"


def test_a_scaling_knows_where_nothing_is_lost() -> None:
    (found,) = scale_by("Titu of 2", "a^2/b + c^2/(a + b) >= 0" + POSITIVE)
    assert [tuple(map(format_expression, pair)) for pair in found.equality] == [
        ("a*(a + b)", "b*c")
    ] or [tuple(map(format_expression, pair)) for pair in found.equality] == [("b*c", "a*(a + b)")]


def test_a_lemma_without_an_order_takes_precedence() -> None:
    goal = read_statement("a^3 + b^3 >= c" + POSITIVE + " and a >= b")
    lemmas = [find("rearrangement of 3, same order"), find("Muirhead (3, 0) over (2, 1)")]
    found = list_scalings(*sides_of(goal), goal.assumptions, lemmas)
    assert found[0].lemma == "Muirhead (3, 0) over (2, 1)"


def test_all_scalings_of_a_goal_are_the_same_in_every_run() -> None:
    statement = read_statement(NESBITT)
    first, second = (list_scalings(*sides_of(statement), statement.assumptions) for _ in range(2))
    assert first == second
    assert len({scaling.lemma for scaling in first}) > 5


def test_what_is_false_at_a_point_is_not_listed() -> None:
    statement = read_statement(NESBITT)
    points = {"a": np.array([1.0]), "b": np.array([2.0]), "c": np.array([5.0])}
    names = ("Titu of 3, first powers", "AM-HM of 3")
    found = list_scalings(
        *sides_of(statement), statement.assumptions, list(map(find, names)), points
    )
    assert {each.lemma for each in found} == {"Titu of 3, first powers"}


def test_no_root_of_a_sum_is_brought_in() -> None:
    assert scale_by("AM-GM of 3", NESBITT) == []
    assert scale_by("AM-GM of 2", "a + sqrt(a + b)*c >= 0" + POSITIVE)


def test_the_best_scalings_keep_the_symmetry_and_are_short() -> None:
    statement = read_statement("a^2 + b^2 + c^2 >= 3" + POSITIVE)
    sides = sides_of(statement)
    found = list_scalings(*sides, statement.assumptions, most=3)
    shown = list(map(show, found))
    assert shown[:2] == ["3*(a^2*b^2*c^2)^(1/3) >= 3", "a*b + a*c + b*c >= 3"]
    alone = "2*a*b + c^2 >= 3"
    every = list(map(show, list_scalings(*sides, statement.assumptions)))
    assert alone in every and alone not in shown, "it is short, but not cyclic"
    by_chance = list_scalings(*sides, statement.assumptions, most=3, draw=random.Random(0))
    assert len(by_chance) == 3 and by_chance != found


@pytest.mark.parametrize(
    "goal", [NESBITT, "a^2*b + b^2*c + 3*c^2*b - a*b*c/2 >= a*sqrt(b*c)" + POSITIVE]
)
def test_what_a_lemma_puts_in_the_place_of_a_side_is_a_bound_of_it(goal: str) -> None:
    statement = read_statement(goal)
    larger, smaller = sides_of(statement)
    points = np.random.default_rng(0).uniform(0.1, 4, (50, 3))

    def evaluate(side: Expression) -> Array:
        return compile_float(side, statement.variables)(points)

    # Lemmas with other conditions than signs are bounds on a part of the points.
    plain = [
        lemma
        for lemma in load_proved()
        if not begin(lemma.statement, lemma.statement.claims[0]).facts
    ]
    found = list_scalings(larger, smaller, statement.assumptions, plain)
    for scaling in found:
        lost = evaluate(larger) - evaluate(scaling.larger)
        lost += evaluate(scaling.smaller) - evaluate(smaller)
        assert (lost > -1e-9).all(), show(scaling)
    assert {scaling.side for scaling in found} >= {"larger"} and len(found) > 10


def test_the_filter_drops_false_goals_and_keeps_true_ones() -> None:
    statement = read_statement(NESBITT)
    checked = Filter(statement)
    true, false = (scale_by(name, NESBITT) for name in ("Titu of 3, first powers", "AM-HM of 3"))
    assert checked.keep(*sides_of(statement), true) == true
    assert false and not checked.keep(*sides_of(statement), false)


def test_the_filter_drops_bounds_that_hold_under_other_conditions() -> None:
    goal = "a + b + c >= 1/a + 1/b + 1/c" + POSITIVE
    assert scale_by("Karamata, reciprocal", goal) == [], "nothing is assumed but signs"
    goal += " and a + b > c"
    statement = read_statement(goal)
    found = scale_by("Karamata, reciprocal", goal)
    assert found and not Filter(statement).keep(*sides_of(statement), found)


def test_points_of_equality_refute_what_others_do_not() -> None:
    statement = read_statement(CUBES)
    larger, smaller = sides_of(statement)
    bound = read_expression("2*a/(8 + b^2 + b^4) + b/(4 + c^3) + c/(4 + d^3) + d/(4 + a^3)", "abcd")
    scaling = [Scaling("AM-GM of 2", "larger", bound, smaller, ())]
    without = Filter(statement, preserve_equality=False)
    assert without.keep(larger, smaller, scaling) == scaling
    assert not Filter(statement).keep(larger, smaller, scaling)
    assert without.refute(bound, smaller, seconds=2)
    assert not without.keep(larger, smaller, scaling)


def test_without_the_filter_everything_is_kept() -> None:
    statement = read_statement(NESBITT)
    false = scale_by("AM-HM of 3", NESBITT)
    checked = Filter(statement, use_filter=False)
    assert checked.keep(*sides_of(statement), false) == false
    assert not checked.refute(*sides_of(statement), seconds=1)


def test_a_domain_of_which_no_points_are_known_refutes_nothing() -> None:
    statement = read_statement("a + b + c >= 0 with a, b, c > 0 and a + b = 1 and b*c = 1")
    found = scale_by("AM-GM of 2", "a + b + c >= 0" + POSITIVE)
    assert Filter(statement).keep(*sides_of(statement), found) == found
