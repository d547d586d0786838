"""Equality of expressions, and proofs of replacements that the checker accepts."""

from __future__ import annotations

from fractions import Fraction

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.lips.equality import (
    Equality,
    compare,
    find_multipliers,
    prove_replacement,
)
from bench.inequalities.lips.sides import ZERO
from bench.inequalities.polynomials import generators
from bench.inequalities.proving.goals import subtract
from tests.inequalities.lips.accepting import check_steps, read, read_goal

ON_SIMPLEX = "a + b + c >= 0 with a, b, c > 0 and a + b + c = 1"
POSITIVE = "a + b + c >= 0 with a, b, c > 0"
TWO = "a + b + c >= 0 with a, b, c > 0 and a + b = 2c and a*b = c"

COMPARED = [
    (POSITIVE, "(a^2 - b^2)/(a - b)", "a + b", Equality.ALWAYS),
    (POSITIVE, "1/a - 1/(a + 1)", "1/(a*(a + 1))", Equality.ALWAYS),
    (POSITIVE, "sqrt(a*b)", "sqrt(a)*sqrt(b)", Equality.ALWAYS),
    (POSITIVE, "sqrt(a^2 + b)^2", "a^2 + b", Equality.ALWAYS),
    (POSITIVE, "a/(b + c)", "a/(b + a)", Equality.NOT_SEEN),
    (POSITIVE, "a + b", "1 - c", Equality.NOT_SEEN),
    (ON_SIMPLEX, "a + b", "1 - c", Equality.ASSUMED),
    (ON_SIMPLEX, "a/(b + c)", "a/(1 - a)", Equality.ASSUMED),
    (ON_SIMPLEX, "(a + b)*sqrt(c)", "(1 - c)*sqrt(c)", Equality.ASSUMED),
    (ON_SIMPLEX, "sqrt(a + b*c)", "sqrt((a + b)*(a + c))", Equality.ASSUMED),
    (ON_SIMPLEX, "a + b", "1 + c", Equality.NOT_SEEN),
    (TWO, "a^2 + b^2", "4c^2 - 2c", Equality.ASSUMED),
    (TWO, "a^2 + b^2", "4c^2 + 2c", Equality.NOT_SEEN),
]


@pytest.mark.parametrize(("text", "left", "right", "equality"), COMPARED)
def test_equality_is_decided_and_the_proof_of_it_accepted(
    text: str, left: str, right: str, equality: Equality
) -> None:
    statement, goal, *_ = read_goal(text)
    first, second = read(left), read(right)
    assert compare(goal, first, second) is equality
    _, goal, *_ = read_goal(f"{left} >= 0 {text[text.index('with') :]}")
    proof = prove_replacement(goal, second, ZERO, Budget(1))
    if equality is not Equality.NOT_SEEN and "a - b" not in left:
        assert proof is not None
        check_steps(statement, subtract(goal.expression, second), proof)


def test_a_denominator_of_unknown_sign_makes_no_proof_of_an_equality() -> None:
    _, goal, *_ = read_goal("(a^2 - b^2)/(a - b) >= 0 with a, b > 0")
    assert compare(goal, goal.expression, read("a + b")) is Equality.ALWAYS
    assert prove_replacement(goal, read("a + b"), ZERO, Budget(1)) is None


def test_an_identity_of_free_variables_closes_without_squares() -> None:
    statement, goal, *_ = read_goal("(a - b)^2 >= 0 for real a, b")
    proof = prove_replacement(goal, read("a^2 + b^2"), read("2a*b"), Budget(1))
    assert proof is not None
    assert proof[-1]["step"] == "squares" and proof[-1]["blocks"] == []
    check_steps(statement, subtract(goal.expression, read("a^2 + b^2 - 2a*b")), proof)


def test_the_multiplier_of_an_equality_is_in_the_certificate() -> None:
    _, goal, *_ = read_goal("a^2 >= 0 with a, b > 0 and a + b = 1")
    proof = prove_replacement(goal, read("a - a*b"), ZERO, Budget(1))
    assert proof is not None
    # a^2 - (a - a b) = a (a + b - 1)
    assert proof[-1]["equalities"] == [[0, [[[1, 0], "1"]]]]


def test_multipliers_of_several_divisors_are_found() -> None:
    x, y = generators(2)
    p = (x + 1) * (x * y - 1) + (y - 2) * (x + y)
    found = find_multipliers(p, [x * y - 1, None, x + y])
    assert found is not None
    divisors = {0: x * y - 1, 2: x + y}
    assert sum((m * divisors[j] for j, m in found), x * 0) == p
    assert find_multipliers(x + 1, [x * y - 1, x + y]) is None
    assert find_multipliers(p * 0, [x]) == []


def test_a_replacement_that_loses_something_is_proved_after_equal_terms_are_gone() -> None:
    statement, goal, *_ = read_goal("a/b + b/a + sqrt(c + d)/e >= 0 with a, b, c, d, e > 0")
    new = read("2 + sqrt(c + d)/e")
    proof = prove_replacement(goal, new, ZERO, Budget(5))
    assert proof is not None and proof[0]["step"] == "replace"
    check_steps(statement, subtract(goal.expression, new), proof)


def test_parts_are_proved_one_by_one() -> None:
    statement, goal, *_ = read_goal("a^4 + b^4 + c^4 >= 0 with a, b, c > 0 and a + b + c = 3")
    parts = [read(f"{v}^4 - 4{v} + 3") for v in "abc"]
    proof = prove_replacement(goal, Fraction(3), ZERO, Budget(5), parts)
    assert proof is not None
    assert [step["step"] for step in proof[:3]] == ["replace"] * 3
    check_steps(statement, subtract(goal.expression, Fraction(3)), proof)


@pytest.mark.parametrize("new", ["a + b", "a^2 + 1"])
def test_a_replacement_by_something_larger_is_not_proved(new: str) -> None:
    _, goal, *_ = read_goal("a^2 >= 0 with a, b > 0")
    assert prove_replacement(goal, read(new), ZERO, Budget(2)) is None
