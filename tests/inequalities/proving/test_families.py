"""Rational functions near a radical, and zeros with irrational coordinates."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.polynomials import Polynomial, constant, evaluate, generators
from bench.inequalities.proving.closers.algebraic import find_irrational_zeros, span_rationally
from bench.inequalities.proving.goals import POSITIVE
from bench.inequalities.proving.interpolating import list_further_values
from bench.inequalities.proving.polynomial_goals import Assumptions

A, B, C = generators(3)
ONES = (Fraction(1),) * 3


def test_a_quotient_of_forms_meets_the_root_at_the_corners_and_to_first_order_inside() -> None:
    found = list_further_values(A**2 + 4 * B**2 + 4 * C**2, 2, ONES, homogeneous=True)
    wanted = A**2 + 2 * B**2 + 2 * C**2 + A * B + A * C + 2 * B * C
    assert [v.bottom for v in found if v.top == wanted] == [A + B + C]


@pytest.mark.parametrize("u", [A**2 + B**2, (A + B + C) * (A * B + B * C + C * A) * A * B * C])
def test_all_further_values_are_exact_where_the_goal_is_an_equality(u: Polynomial) -> None:
    u = u * constant(3, 1 / evaluate(u, ONES))
    found = list_further_values(u, 2, ONES, homogeneous=True)
    assert found
    assert {evaluate(v.top, ONES) / evaluate(v.bottom, ONES) for v in found} == {1}


def test_a_root_with_a_constant_is_bounded_by_the_roots_of_its_terms() -> None:
    found = list_further_values(1 + A**2 * B**2, 2, ONES, homogeneous=False)
    assert 1 + A * B in [v.top for v in found]


def test_a_number_and_a_root_span_two_dimensions() -> None:
    with mpmath.workdps(70):
        root = mpmath.sqrt(2)
        spanned = span_rationally([mpmath.mpf(1), root, mpmath.mpf(3), 5 * root / 7])
    assert spanned == [[1, 0, 3, 0], [0, 1, 0, Fraction(5, 7)]]


def test_numbers_without_relations_span_nothing_that_is_of_use() -> None:
    with mpmath.workdps(70):
        assert span_rationally([mpmath.pi**k for k in range(9)]) == []


def test_a_zero_on_an_equality_is_found_with_all_its_digits() -> None:
    x, y = generators(2)
    known = Assumptions((POSITIVE,) * 2, (), (x**2 + y**2 - 4,))
    ((a, b),) = find_irrational_zeros(4 - x**2 * y**2, known, [], Budget(5))
    with mpmath.workdps(70):
        assert abs(a - mpmath.sqrt(2)) < mpmath.mpf(10) ** -30
        assert abs(a - b) < mpmath.mpf(10) ** -30
