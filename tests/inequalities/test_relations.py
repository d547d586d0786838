"""Whether a relation holds at a point: enclosures of roots, and roots that cancel."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bench.inequalities.relations import decide, enclose
from bench.inequalities.statements import Relation
from bench.inequalities.texts.reading import read_statement

TWO_THREE = {"a": Fraction(2), "b": Fraction(3)}


def claim(text: str) -> Relation:
    return read_statement(f"{text} with a, b > 0").claims[0]


def test_a_sum_of_roots_is_enclosed_between_near_rationals() -> None:
    enclosed = enclose(claim("sqrt(a) + sqrt(b) >= 0")[1], TWO_THREE)
    assert enclosed is not None
    low, high = enclosed
    assert low < high < low + Fraction(1, 10**50)
    assert float(low) == pytest.approx(2**0.5 + 3**0.5)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a + b >= 5", True),
        ("a + b > 5", False),
        ("sqrt(a) < 1414214/1000000", True),
        ("sqrt(a) < 1414213/1000000", False),
        ("a^b <= 8", True),
        ("b^(1/a) > 1732051/1000000", False),
    ],
)
def test_a_relation_is_decided_at_a_point(text: str, holds: bool) -> None:
    assert decide(claim(text), TWO_THREE) is holds


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(a)*sqrt(b) >= sqrt(a*b)",
        "sqrt(4*a) >= 2*sqrt(a)",
        "(sqrt(a) + sqrt(b))^2 >= a + b + 2*sqrt(a*b)",
        "1/(sqrt(b) - sqrt(a)) >= sqrt(b) + sqrt(a)",
        "a^(2/3)*a^(1/3) >= 2",
        "(a*b)^(1/3)/b^(1/3) >= a^(1/3)",
    ],
)
def test_roots_that_cancel_are_equal(text: str) -> None:
    assert decide(claim(text), TWO_THREE) is True
    assert decide(claim(text.replace(">=", ">")), TWO_THREE) is False


@pytest.mark.parametrize(
    "text",
    [
        "1/(a - 2) >= 0",  # a division by 0
        "sqrt(a - b) >= 0",  # a root of a negative number
        "sqrt(3 + 2*sqrt(a)) >= 1 + sqrt(a)",  # equal, but by roots of roots
        "(1 - a)^b <= 0",  # a variable in the exponent of a negative number
        "a^(1/97) >= 1",  # too high a root
    ],
)
def test_what_cannot_be_told_is_left_open(text: str) -> None:
    assert decide(claim(text), TWO_THREE) is None
