"""Asking z3 for a counterexample: what counts, what is only said, and what ends it."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from bench.errors import MissingExtraError
from bench.inequalities import packages
from bench.inequalities.counterexamples import is_counterexample
from bench.inequalities.deciding import decide_statement
from bench.inequalities.quotients import NoPolynomial
from bench.inequalities.texts.reading import read_statement
from bench.inequalities.z3_points import ask_z3, write_script

needs_z3 = pytest.mark.skipif(find_spec("z3") is None, reason="z3-solver is not installed")
HARD = "a/sqrt(a^2 + 8*b*c) + b/sqrt(b^2 + 8*c*a) + c/sqrt(c^2 + 8*a*b) >= 1 with a, b, c > 0"


def find_nothing(*_: object) -> None:
    return None


@needs_z3
@pytest.mark.parametrize(
    "text",
    [
        "a/(b + c) + b/(c + a) + c/(a + b) >= 31/20 with a, b, c > 0",
        "a + b >= 3 with a, b > 0 and a*b = 2",  # its own point is irrational
        "sqrt(a) + sqrt(b) <= 141/100 with a, b >= 0 and a + b = 1",
        "a + b >= 1 and a*b <= 1 with a, b > 0 and a + b = 3",
    ],
)
def test_a_point_of_z3_counts_where_it_is_verified_exactly(text: str) -> None:
    statement = read_statement(text)
    answer = ask_z3(statement, 5)
    assert answer.counterexample is not None
    assert is_counterexample(statement, answer.counterexample.point, answer.counterexample.claim)


@needs_z3
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a/b + b/a >= 2 with a, b > 0", "no counterexample, without a certificate"),
        ("x >= 2 with x^2 = 2 and x > 0", "there is a counterexample, but no rational one"),
        ("a^b > 0 with a, b > 0", "was not asked"),
    ],
)
def test_what_z3_only_says_decides_nothing(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.inequalities.deciding.find_counterexample", find_nothing)
    decision = decide_statement(read_statement(text), 10, find_nothing, z3_seconds=5)
    assert (decision.verdict, decision.counterexample) == ("open", None)
    assert said in decision.said


@needs_z3
def test_z3_is_ended_after_its_seconds() -> None:
    answer = ask_z3(read_statement(HARD), 0.2)
    assert answer.counterexample is None and "came to no end" in answer.said
    assert 0 < answer.seconds < 3


@needs_z3
def test_a_false_statement_is_refuted_by_z3_where_numbers_found_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.inequalities.deciding.find_counterexample", find_nothing)
    statement = read_statement("a + b >= 3 with a, b > 0 and a*b = 2")
    decision = decide_statement(statement, 10, find_nothing, z3_seconds=5)
    assert decision.verdict == "refuted" and decision.seconds > 0.05


def test_z3_is_not_asked_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.inequalities.deciding.ask_z3", None)  # a call would fail
    statement = read_statement("a/b + b/a >= 2 with a, b > 0")
    assert decide_statement(statement, 1, find_nothing).said == ""


def test_the_script_says_that_the_assumptions_hold_and_a_claim_does_not() -> None:
    script = write_script(read_statement("sqrt(a)/b >= 1/2 with a, b > 0"))
    assert script.splitlines() == [
        "(declare-const x0 Real)",
        "(declare-const x1 Real)",
        "(declare-const x2 Real)",
        "(assert (= (+ 0 (* 1 1 x2 x2) (* (- 1) 1 x0) 0) 0))",
        "(assert (>= (+ 0 (* 1 1 x2) 0) 0))",
        "(assert (distinct (+ 0 (* 1 1 x1) 0) 0))",
        "(assert (> (* (+ 0 (* 1 1 x0) 0) (+ 0 (* 1 1) 0)) 0))",
        "(assert (> (* (+ 0 (* 1 1 x1) 0) (+ 0 (* 1 1) 0)) 0))",
        "(assert (or (not (>= (* (+ 0 (* (- 1) 1 x1) (* 2 1 x2) 0) (+ 0 (* 1 1 x1) 0)) 0)) false))",
    ]


def test_a_power_with_a_variable_in_its_exponent_has_no_script() -> None:
    with pytest.raises(NoPolynomial):
        write_script(read_statement("a^b > 0 with a, b > 0"))


def test_that_z3_is_absent_is_one_sentence_before_any_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packages, "find_spec", lambda name: None)
    statement = read_statement("a/b + b/a >= 2 with a, b > 0")
    with pytest.raises(MissingExtraError, match=r"'z3-solver'.*pip install 'rstar-bench\[z3\]'"):
        decide_statement(statement, 10, z3_seconds=5)
