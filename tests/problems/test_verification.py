from __future__ import annotations

import pytest

from bench.problems import verification
from bench.problems.fingerprint import rows_sha256
from bench.problems.verification import verify
from bench.types import Outcome, Problem, Verdict


def grade(problem: Problem, prediction: str) -> Verdict:
    """Accepts equal numbers, in a box or not, and can read nothing else."""
    text = prediction.removeprefix("The answer is \\boxed{").removesuffix("}.")
    gold = problem.answer
    outcome = Outcome.CORRECT if text == gold and gold.isdigit() else Outcome.UNPARSED
    return Verdict(outcome, "digits", gold, prediction, "no number")


def problem(id_: str, answer: str, *alternatives: str) -> Problem:
    return Problem(id_, f"Question {id_}?", answer, "pool", alternatives)


def test_rejected_and_empty_references_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [problem("a", "1"), problem("b", ""), problem("c", "one"), problem("d", "2", "two")]
    monkeypatch.setattr(verification, "load", lambda name, **_: rows)
    result = verify("pool", grade)
    assert (result.source, result.rows, result.invalid) == ("generated", 4, ("b",))
    assert [id_ for id_, _ in result.rejected] == ["c", "c", "d", "d"]
    assert "'one' is unparsed (no number)" in result.rejected[0][1]
    assert not result.ok


def test_the_hash_of_the_rows_knows_texts_and_no_order() -> None:
    rows = [problem("a", "1"), problem("b", "2")]
    assert rows_sha256(rows) == rows_sha256(reversed(rows))
    assert rows_sha256(rows) == rows_sha256([problem("a", " 1"), problem("b", "2\n")])
    assert rows_sha256(rows) != rows_sha256([problem("a", "2"), problem("b", "1")])
    assert rows_sha256([problem("a", "1 or 2")]) != rows_sha256([problem("a", "1or2")])
