"""The prover on small statements; every certificate is decided by the checker, as it is stored."""

from __future__ import annotations

import json

import pytest

from bench.inequalities.budget import Budget
from bench.inequalities.checker import ProofError, check_proof
from bench.inequalities.counterexamples import find_counterexample
from bench.inequalities.deciding import decide_statement
from bench.inequalities.proving.prover import prove
from bench.inequalities.relations import decide
from bench.inequalities.texts.reading import read_statement

PROVED = {
    "AM-GM of two": "(a + b) / 2 >= sqrt(a*b) with a, b > 0",
    "AM-GM of three": "a + b + c >= 3*(a*b*c)^(1/3) with a, b, c > 0",
    "Nesbitt": "a/(b + c) + b/(c + a) + c/(a + b) >= 3/2 with a, b, c > 0",
    "Schur": "a*(a - b)*(a - c) + b*(b - a)*(b - c) + c*(c - a)*(c - b) >= 0 with a, b, c >= 0",
    "on a simplex": "a*b + b*c + c*a <= 1/3 with a, b, c > 0 and a + b + c = 1",
    "product of one": "a + b + c >= 3 with a, b, c > 0 and a*b*c = 1",
    "of reals": "a^2 + b^2 + c^2 >= a*b + b*c + c*a for real a, b, c",
    "a strict one": "a^2 + 1 > a for real a",
    "irrational equality points": (
        "(a^2 + b^2 + c^2)^2 >= 3*(a^3*b + b^3*c + c^3*a) with a, b, c > 0"
    ),
    "three radicals": (
        "a/sqrt(a^2 + 8*b*c) + b/sqrt(b^2 + 8*c*a) + c/sqrt(c^2 + 8*a*b) >= 1 with a, b, c > 0"
    ),
    "sides of a triangle": (
        "a*b + b*c + c*a >= (a^2 + b^2 + c^2)/2"
        " with a, b, c > 0 and a + b > c and b + c > a and c + a > b"
    ),
}


@pytest.mark.parametrize("text", PROVED.values(), ids=PROVED.keys())
def test_a_known_inequality_is_proved_and_the_checker_agrees(text: str) -> None:
    statement = read_statement(text)
    certificate = prove(statement, Budget(20))
    assert certificate is not None
    proved = check_proof(json.loads(json.dumps(certificate)))
    assert list(proved.variables) == list(statement.variables)


def test_a_certificate_does_not_prove_a_stronger_statement() -> None:
    certificate = prove(read_statement("a + 1/a >= 2 with a > 0"), Budget(5))
    assert certificate is not None
    stronger = json.loads(json.dumps(certificate))
    stronger["statement"]["claims"][0][2] = "21/10"
    with pytest.raises(ProofError, match="claim 1"):
        check_proof(stronger)


@pytest.mark.parametrize(
    "text",
    [
        "a/(b + c) + b/(c + a) + c/(a + b) >= 31/20 with a, b, c > 0",
        "a + b + c >= 31/10 with a, b, c > 0 and a*b*c = 1",
        "a + b + c <= 29/10 with a, b, c > 0 and a^2 + b^2 + c^2 = 3",
        "sqrt(a/(a + b)) + sqrt(b/(b + c)) + sqrt(c/(c + a)) <= 2 with a, b, c > 0",
    ],
)
def test_a_false_statement_gets_an_exact_counterexample_and_no_proof(text: str) -> None:
    statement = read_statement(text)
    found = find_counterexample(statement, Budget(10))
    assert found is not None
    assert all(decide(each, found.point) for each in statement.assumptions)
    assert decide(statement.claims[found.claim], found.point) is False
    assert prove(statement, Budget(2)) is None


def test_what_the_checker_refuses_is_open_and_says_why() -> None:
    wanted = read_statement("a + 1/a >= 2 with a > 0")
    certificate = prove(wanted, Budget(5))
    assert certificate is not None
    cut = {**certificate, "proofs": [certificate["proofs"][0][:-1]]}
    decision = decide_statement(wanted, 5, lambda statement, budget: cut)
    assert (decision.verdict, decision.certificate) == ("open", None)
    assert "claim 1" in decision.refused


def test_a_proof_of_another_statement_is_none() -> None:
    weaker = prove(read_statement("a + 1/a >= 1 with a > 0"), Budget(5))
    wanted = read_statement("a + 1/a >= 2 with a > 0")
    decision = decide_statement(wanted, 5, lambda statement, budget: weaker)
    assert (decision.verdict, decision.refused) == ("open", "it is one of another statement")


@pytest.mark.parametrize(
    "text",
    [
        "a/(b + c) + b/(c + a) + c/(a + b) > 3/2 with a, b, c > 0",
        "a + b + c < 8/5 with a, b, c > 0 and a^2 + b^2 + c^2 = 1",
    ],
    ids=["equality at a simple point", "rational points of a sphere"],
)
def test_points_that_rounding_does_not_meet_refute_as_well(text: str) -> None:
    assert find_counterexample(read_statement(text), Budget(10)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a/(b + c) + b/(c + a) + c/(a + b) < 2 with a, b, c > 0 and a+b>c and b+c>a and c+a>b",
        "a/(a + b) + b/(b + c) + c/(c + a) > 1 with a, b, c > 0",
        "a^2 + b^2 > a*b with a, b > 0",
    ],
)
def test_a_strict_claim_without_a_gap_is_proved(text: str) -> None:
    certificate = prove(read_statement(text), Budget(10))
    assert certificate is not None
    assert certificate["proofs"][0][-1]["step"] == "positive"
    check_proof(json.loads(json.dumps(certificate)))


def test_a_proof_by_contradiction_whose_region_is_empty_is_found() -> None:
    text = "3 <= a + b + c with a, b, c > 0 and 9 + 3*a*b*c = 4*(a*b + b*c + c*a)"
    certificate = prove(read_statement(text), Budget(10))
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))


def test_a_goal_with_weights_is_scaled_until_it_is_an_equality_of_equal_variables() -> None:
    text = (
        "a*(a - 7*b)*(a - 7*c) + 7*b*(7*b - 7*c)*(7*b - a) + 7*c*(7*c - a)*(7*c - 7*b) >= 0"
        " with a, b, c > 0"
    )
    certificate = prove(read_statement(text), Budget(10))
    assert certificate is not None
    assert certificate["proofs"][0][0]["step"] == "linear"
    check_proof(json.loads(json.dumps(certificate)))


def test_a_denominator_is_seen_positive_though_one_of_its_factors_is_not() -> None:
    text = "1/(1 + a^7) + 1/(1 + b^7) <= 2 with a, b > 0"
    certificate = prove(read_statement(text), Budget(10))
    assert certificate is not None
    check_proof(json.loads(json.dumps(certificate)))
