"""The golden corpus: pairs of our own with the verdict that a mathematician would give, and why.

A regression is a row in `golden/`: id, gold, prediction, expected (equal, unequal, or the one
outcome that is right), category, why. A row that is known to fail says so in `known`, and the test
of it then fails on the day when it passes. Who disputes a verdict makes a row of it with
`rstar-bench checkers report-row`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.answers import check, close_checkers
from bench.checkers import Case, load_cases

GOLDEN = Path(__file__).parent / "golden"
KEYS = ("id", "gold", "prediction", "expected", "category", "why")
ROWS = [
    json.loads(line)
    for file in sorted(GOLDEN.glob("*.jsonl"))
    for line in file.read_text().splitlines()
]
CASES = load_cases(GOLDEN)
KNOWN = {row["id"]: row["known"] for row in ROWS if "known" in row}


@pytest.fixture(autouse=True, scope="module")
def _closed_in_the_end() -> Iterator[None]:
    yield
    close_checkers()


def parameter(case: Case) -> object:
    known = KNOWN.get(case.id)
    marks = [pytest.mark.xfail(reason=known, strict=True)] if known else []
    return pytest.param(case, id=case.id, marks=marks)


@pytest.mark.parametrize("case", [parameter(case) for case in CASES])
def test_a_golden_row_is_judged_as_a_mathematician_would(case: Case) -> None:
    verdict = check(case.gold, case.prediction)
    assert case.accepts(verdict), f"{verdict.outcome}, {verdict.comparer}: {verdict.reason}"
    assert verdict.reason


def test_the_corpus_is_large_and_neither_answer_is_a_safe_guess() -> None:
    assert len(CASES) >= 500
    equal = sum(case.equal is True for case in CASES)
    assert 0.4 < equal / len(CASES) < 0.6
    for category, count in Counter(case.category for case in CASES).items():
        labels = {case.equal for case in CASES if case.category == category}
        assert count >= 4, category
        assert labels == {True, False} or category in ("hostile", "no answer", "invalid gold")


def test_every_row_has_an_id_of_its_own_and_a_reason() -> None:
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert len({(row["gold"], row["prediction"]) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row["id"].startswith(row["category"].replace(" ", "-") + "-")
        assert row["why"]
        assert set(row) <= {*KEYS, "known", "report"}
