"""The cost of goals, worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bench.inequalities.lips.ranking import (
    NOT_HOMOGENEOUS,
    count_operators,
    find_degree,
    measure_cost,
)
from bench.inequalities.texts.reading import read_expression


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a", 0),
        ("a + b + c", 2),
        ("a - b", 1),
        ("-a", 1),
        ("a*b/c", 2),
        ("sqrt(a)", 1),
        ("2*a^3", 2),
    ],
)
def test_operators_are_counted_as_they_are_written(text: str, count: int) -> None:
    assert count_operators(read_expression(text)) == count


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("a*b + c^2", 2),
        ("a/(b + c)", 0),
        ("sqrt(a^2 + b*c)", 1),
        ("a + 1", None),
        ("a^b", None),
        ("0*a + 0", 1),
    ],
)
def test_the_degree_of_an_expression_is_that_of_all_its_terms(
    text: str, degree: int | None
) -> None:
    found = find_degree(read_expression(text))
    assert found == (None if degree is None else Fraction(degree))


def test_a_goal_without_a_degree_costs_more_than_any_other() -> None:
    homogeneous = measure_cost(read_expression("a^2 + b^2"), read_expression("2*a*b"))
    other = measure_cost(read_expression("a^2 + 1"), read_expression("2*a"))
    assert homogeneous.hom == 0
    assert other.hom == NOT_HOMOGENEOUS
    assert other.total(homogeneity=False) < homogeneous.total()


def test_terms_that_share_variables_cost_more_than_terms_of_one() -> None:
    apart = measure_cost(read_expression("a^2 + b^2 + c^2"), read_expression("3"))
    together = measure_cost(
        read_expression("(a + b)*(b + c) + (c + a)*(a + b)"), read_expression("3")
    )
    assert apart.dec == 2, "of the larger side: 1 + 1; a number has no variable"
    assert together.dec > apart.dec
    assert together.total() > together.total(decoupling=False)
