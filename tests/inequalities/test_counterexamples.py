"""Counterexamples: found where a statement is false, wherever that is, and exact."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.counterexamples import find_counterexample, is_counterexample, refute_near
from bench.inequalities.relations import decide
from bench.inequalities.texts.reading import read_statement

FALSE = {
    "everywhere": "3 + 5/(1 + a) <= 1/a with a > 0 and a > 1",
    "by very little": "a^2 + b^2 >= 2*a*b + 1/10^8*(a + b) + 1/10^9 with a, b > 0",
    "at an equality point alone": "a/(b + c) + b/(c + a) + c/(a + b) > 3/2 with a, b, c > 0",
    "where roots cancel": "sqrt(a^2 + 1) + sqrt(b^2 + 1) > 2*sqrt(a*b + 1) with a, b > 0",
    "far away": "x <= 10^9 with x > 0",
    "very near a bound": "x >= 1/10^9 with x > 0",
    "on a bound": "x^2 > 4 with x <= -2",
    "between bounds": "x*(3 - x) <= 224/100 with x >= 1 and x <= 2",
    "at negative numbers": "a*b*(a^2 - b^2) <= 24/100*(a^2 + b^2)^2 for real a, b",
    "near a degenerate triangle": (
        "a^2 + b^2 + c^2 <= 199/100*(a*b + b*c + c*a)"
        " with a, b, c > 0 and a + b > c and b + c > a and c + a > b"
    ),
    "on two equalities": (
        "x*y^2*z*w^2 + 1/5000 <= 1 with x, y, z, w > 0 and x + 2*y = 3 and z + 2*w = 3"
    ),
    "on a definition": "s^2 >= 4*(a^2 + b^2) with a, b > 0 and s = a + b",
    "on a sphere": "a + b + c < 8/5 with a, b, c > 0 and a^2 + b^2 + c^2 = 1",
    "on a line and a sphere": (
        "a*b*c >= 1/4 with a, b, c >= 0 and a + b + c = 3 and a^2 + b^2 + c^2 = 5"
    ),
    "on inverses": "x + y + z >= 91/20 with x, y, z > 1 and 1/x + 1/y + 1/z = 2",
    "on roots": "x^2 + y^3 + z^3 >= 3 with x, y, z > 0 and sqrt(x) + sqrt(y) + sqrt(z) = 3",
    "on a cubic": "a*b + b*c + c*a <= 2999/1000 with a, b, c > 0 and a^2 + b^2 + c^2 + a*b*c = 4",
    "where rational points are rare": (
        "y^2 + z^2 + 3 >= (x + y + z)^2"
        " with x, y, z > 0 and 1/(1 + x^2) + 1/(1 + y^2) + 1/(1 + z^2) = 2"
    ),
    "with a variable in the exponent": "a^b >= 1/2 with a, b > 0",
    "in many variables": (
        "a*b*c*d + x*y*z*w <= 1999/1000 with a, b, c, d > 0 and x, y, z, w > 0"
        " and a + b + c + d = 4 and x + y + z + w = 4"
    ),
    "without variables": "2*sqrt(3) < 3",
    "in its second claim": "a + b >= 2 and a*b > 1 with a, b > 0 and a*b = 1",
}


@pytest.mark.parametrize("text", FALSE.values(), ids=FALSE.keys())
def test_a_false_statement_is_refuted_exactly(text: str) -> None:
    statement = read_statement(text)
    found = find_counterexample(statement, Budget(5))
    assert found is not None
    assert is_counterexample(statement, found.point, found.claim)
    assert all(decide(each, found.point) is True for each in statement.assumptions)
    assert decide(statement.claims[found.claim], found.point) is False


@pytest.mark.parametrize(
    "text",
    [
        "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
        "sqrt(a^2 + 1) + sqrt(b^2 + 1) >= 2*sqrt(a) with a, b > 0 and a*b = 1 and a >= 1",
        "a + b + c >= 3 with a, b, c > 0 and a*b*c = 1",
        "2*sqrt(3) > 3",
        "x >= 1 with x > 5 and x < 2",
        "x >= 2 with x^2 = 2 and x > 0",  # false, but at no rational point
        "x >= 2 with x > 0 and 1 = 2",
    ],
)
def test_no_point_refutes_what_is_true_at_all_rational_points(text: str) -> None:
    assert find_counterexample(read_statement(text), Budget(5)) is None


def test_the_same_point_is_found_again() -> None:
    statement = read_statement(FALSE["near a degenerate triangle"])
    assert find_counterexample(statement, Budget(5)) == find_counterexample(statement, Budget(5))


def test_the_search_ends_soon_after_its_time() -> None:
    names = [f"x_{i}" for i in range(1, 21)]
    text = f"{' + '.join(f'{x}^2' for x in names)} >= 0 for real {', '.join(names)}"
    statement = read_statement(text)
    started = time.thread_time()
    assert find_counterexample(statement, Budget(0.05)) is None
    assert time.thread_time() - started < 1.0


def test_a_point_near_the_equality_is_put_on_it() -> None:
    statement = read_statement("a + b <= 141421/100000 with a, b > 0 and a^2 + b^2 = 1")
    near = Fraction(70710678, 10**8)
    found = refute_near(statement, {"a": near, "b": near})
    assert found is not None and found.point["a"] ** 2 + found.point["b"] ** 2 == 1
