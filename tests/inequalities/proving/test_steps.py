"""Steps that the prover and the checker share: what they allow, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.polynomials import Polynomial, generators
from bench.inequalities.proving.cauchy import add_squares
from bench.inequalities.proving.defining import insert_definitions
from bench.inequalities.proving.goals import NONNEGATIVE, Goal, begin
from bench.inequalities.proving.homogenising import even_out_degrees
from bench.inequalities.proving.polynomial_goals import Assumptions, PolynomialGoal, go_inside
from bench.inequalities.proving.prover import prove
from bench.inequalities.statements import find_variables
from bench.inequalities.texts.reading import read_statement

COMPARED = "(a + b)^2 >= 4*a*b with a, b >= 0"


def prove_text(text: str) -> dict[str, Any]:
    """Return a certificate, as it is stored."""
    certificate = prove(read_statement(text), Budget(20))
    assert certificate is not None
    stored: dict[str, Any] = json.loads(json.dumps(certificate))
    return stored


def with_step(certificate: Mapping[str, Any], step: Mapping[str, Any], at: int) -> dict[str, Any]:
    """Return a certificate with one step more in its first proof."""
    steps = certificate["proofs"][0]
    return {**certificate, "proofs": [[*steps[:at], step, *steps[at:]]]}


def set_out(text: str) -> Goal:
    """Return the goal of a statement's first claim."""
    statement = read_statement(text)
    return begin(statement, statement.claims[0])


INTERIOR = {"step": "interior"}


@pytest.mark.parametrize(
    "text", [COMPARED, "a^2 + b^2 >= 1/2 with a, b >= 0 and a + b = 1"], ids=["no more", "a split"]
)
def test_the_interior_is_enough_where_its_limits_are_all_points(text: str) -> None:
    check_proof(with_step(prove_text(text), INTERIOR, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a^2 + b^2 >= 1/2 with a, b >= 0 and a + b >= 1", "there are facts"),
        ("a^2 + b^2 >= a*b with a, b >= 0 and a = b", "needed A and B"),
        ("a^2 + b^2 >= a*b for real a, b", "not all variables are nonnegative"),
        ("a^2 + b^2 + 1 > a*b with a, b >= 0", "needed"),
    ],
    ids=["a fact", "no split", "free", "strict"],
)
def test_the_interior_is_refused_elsewhere(text: str, said: str) -> None:
    certificate = prove_text(text)
    with pytest.raises(ProofError, match=said):
        check_proof(with_step(certificate, INTERIOR, 1))


def test_a_strict_claim_that_fails_at_the_boundary_is_not_proved_by_the_interior() -> None:
    steps = [
        {"step": "clear", "radicals": [], "roots": [], "denominators": []},
        INTERIOR,
        {"step": "positive", "proof": {"by": "visible"}},
    ]
    false = {**prove_text("a + b >= 0 with a, b >= 0"), "proofs": [steps]}
    false["statement"]["claims"][0][0] = ">"
    with pytest.raises(ProofError, match="step 2"):
        check_proof(false)


@pytest.mark.parametrize("facts", [(), ((generators(2)[0], False),)], ids=["none", "one"])
def test_the_prover_goes_inside_where_the_checker_allows_it(
    facts: Sequence[tuple[Polynomial, bool]],
) -> None:
    known = Assumptions((NONNEGATIVE,) * 2, tuple(facts), ())
    inside = go_inside(PolynomialGoal(known, (), generators(2)[0], ()))
    assert (inside is None) == bool(facts)
    assert inside is None or inside.assumptions.exclude_origin


def test_an_equality_with_a_root_is_used_by_its_square() -> None:
    certificate = prove_text("a*b <= 5/4 with a, b >= 0 and a + b = sqrt(5)")
    assert certificate["proofs"][0][0] == {"step": "raise_equality", "equality": 0, "power": 2}
    check_proof(certificate)


@pytest.mark.parametrize(
    ("step", "said"),
    [({"equality": 1, "power": 2}, "from 0 to 0"), ({"equality": 0, "power": 1}, "from 2")],
)
def test_no_other_equality_and_no_first_power_is_raised(step: dict[str, int], said: str) -> None:
    certificate = prove_text("a*b <= 5/4 with a, b >= 0 and a + b = sqrt(5)")
    certificate["proofs"][0][0] = {"step": "raise_equality", **step}
    with pytest.raises(ProofError, match=said):
        check_proof(certificate)


@pytest.mark.parametrize(
    "steps",
    [
        [{"step": "power", "variables": ["a", "b"], "power": 1000}] * 2,
        [{"step": "raise_equality", "equality": j, "power": 1000} for j in range(2)],
    ],
    ids=["of variables", "of an equality"],
)
def test_powers_of_powers_are_limited(steps: list[dict[str, Any]]) -> None:
    certificate = prove_text("a*b <= 5/4 with a, b >= 0 and sqrt(a + b) = 5^(1/4)")
    certificate["proofs"][0][:0] = steps
    with pytest.raises(ProofError, match="exceeds 1000"):
        check_proof(certificate)


def test_a_product_is_raised_factor_by_factor() -> None:
    certificate = prove_text("a*b <= 1 with a, b > 0 and 2*sqrt(a)*sqrt(b) = 2")
    check_proof(certificate)


def test_degrees_that_an_equality_does_not_bring_together_get_a_root_of_one() -> None:
    goal = set_out("a + b + c >= 3 with a, b, c > 0 and a*b + b*c + c*a = 3")
    evened = next(even_out_degrees(goal, Budget(5)))
    assert evened.steps[-1]["step"] == "replace"
    certificate = prove_text("a + b + c >= 3 with a, b, c > 0 and a*b + b*c + c*a = 3")
    assert certificate["proofs"][0][0]["step"] == "replace"
    check_proof(certificate)


def test_degrees_that_an_equality_brings_together_get_none() -> None:
    goal = set_out("a^2 + b^2 >= 1/2 with a, b > 0 and a + b = 1")
    assert list(even_out_degrees(goal, Budget(5))) == []


def test_squares_over_positive_numbers_are_added_by_cauchy_and_schwarz() -> None:
    text = "(a - 1)^2/(a^2 + 1) + (b - 1)^2/(b^2 + 1) >= 2/5 with a, b > 0 and a + b <= a*b"
    changed = add_squares(set_out(text), Budget(5))
    assert changed is not None
    certificate = prove_text(text)
    assert certificate["proofs"][0][0]["step"] == "replace"
    check_proof(certificate)


def test_squares_are_not_added_where_that_loses_the_claim() -> None:
    text = "a^2/b + b^2/a + (a - 2*b)^2/(a + b) >= a + b with a, b > 0"
    assert add_squares(set_out(text), Budget(5)) is None


def test_a_variable_that_an_equality_defines_goes() -> None:
    text = "s < 2 with a, b > 0 and s = a/(a + b) + b/(a + 2*b)"
    goal = insert_definitions(set_out(text), Budget(5))
    assert "s" not in find_variables(goal.expression)
    check_proof(prove_text(text))
