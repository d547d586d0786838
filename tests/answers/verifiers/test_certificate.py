"""An answer is right if it proves or refutes the problem's own statement, and not otherwise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bench.answers import close_checkers
from bench.answers.verifiers import verify
from bench.answers.verifiers.certificate import judge_certificate
from bench.inequalities.deciding import decide_statement
from bench.inequalities.texts.reading import read_statement
from bench.types import Outcome, Verifier

MEAN = "(a + b)/2 >= sqrt(a*b) with a, b > 0"
TOO_STRONG = "a + b >= 3 with a, b > 0 and a*b = 1"


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


@pytest.fixture(scope="module")
def certificate() -> dict[str, Any]:
    found = decide_statement(read_statement(MEAN), 10).certificate
    assert found is not None
    return dict(found)


def point(claim: object = 0, **coordinates: object) -> str:
    return json.dumps({"refuted": coordinates, "claim": claim})


def test_a_proof_and_a_counterexample_are_right_and_judged_in_another_process(
    certificate: dict[str, Any],
) -> None:
    proved = verify(Verifier("certificate", {"statement": MEAN}), json.dumps(certificate))
    assert (proved.outcome, proved.comparer) == (Outcome.CORRECT, "verifier certificate")
    assert proved.reason.startswith("a proof of ")
    refuted = verify(Verifier("certificate", {"statement": TOO_STRONG}), point(a="1", b="1"))
    assert refuted.outcome is Outcome.CORRECT


def test_a_proof_of_another_statement_is_wrong(certificate: dict[str, Any]) -> None:
    for other in (MEAN.replace("b", "c"), MEAN.replace(">=", ">"), "a >= 0 with a > 0"):
        found = judge_certificate(json.dumps(certificate), other)
        assert (found.outcome, found.reason) == (Outcome.WRONG, "it proves another statement")


def test_what_the_checker_refuses_is_wrong_and_says_where(certificate: dict[str, Any]) -> None:
    stronger = json.loads(json.dumps(certificate).replace('"2"', '"3"'))
    found = judge_certificate(json.dumps(stronger), MEAN)
    assert found.outcome is Outcome.WRONG
    assert found.reason.startswith("it is no proof: claim 1")


@pytest.mark.parametrize(
    "answer",
    [
        point(a="1", b="2"),  # the assumption does not hold
        point(a="2", b="1/2", c="1")[:-1] + ', "proofs": []}',
    ],
)
def test_a_point_that_refutes_nothing_is_not_right(answer: str) -> None:
    assert judge_certificate(answer, TOO_STRONG).outcome in (Outcome.WRONG, Outcome.UNPARSED)


@pytest.mark.parametrize(
    "answer",
    [
        "It holds by AM-GM.",
        "[" * 100_000,
        "{}",
        '{"refuted": []}',
        point(a="1"),
        point(a="1", b=1),
        point(a="1", b="0.5"),
        point(a="1", b="a"),
        point(a="1", b="9" * 5000),
        point(True, a="1", b="1"),
        point(1, a="1", b="1"),
        point(-1, a="1", b="1"),
        '{"refuted": {"a": "1", "b": "1"}, "claim": 1e999}',
    ],
)
def test_what_is_neither_cannot_be_read_and_is_no_error(answer: str) -> None:
    assert judge_certificate(answer, TOO_STRONG).outcome is Outcome.UNPARSED


def test_a_huge_power_is_undecided_and_costs_nothing() -> None:
    answer = point(a="3", b="9" * 30)
    assert judge_certificate(answer, "a^b <= 5 with a, b > 1").outcome is Outcome.WRONG


@pytest.mark.parametrize("statement", ["|a| >= 0", "(a >= 0", "n^2 >= n for natural n"])
def test_no_answer_is_graded_where_the_statement_cannot_be_read(statement: str) -> None:
    found = judge_certificate(point(a="1"), statement)
    assert found.outcome is Outcome.INVALID_GOLD
    assert found.reason.startswith("the statement is not one of ours: ")


def test_an_empty_answer_is_unreadable() -> None:
    verdict = verify(Verifier("certificate", {"statement": MEAN}), "")
    assert verdict.outcome is Outcome.UNPARSED
