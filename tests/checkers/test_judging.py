"""Verdicts are counted against labels, and what a checker does to the machine is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.checkers import Case, judge, tallies
from bench.errors import BenchError
from bench.types import Outcome, Verdict


class Scripted:
    """A checker that does what it is told with a prediction."""

    name, version, about = "scripted", "scripted 1", "does as it is told"

    def __init__(self, does: Callable[[str], Outcome]) -> None:
        self._does = does

    def check(self, gold: str, prediction: str | None) -> Verdict:
        text = prediction or ""
        return Verdict(self._does(text), self.version, gold, text, "as told")

    def warm(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to close."""


def case(prediction: str, equal: bool | None, *, tier: str = "a", contested: bool = False) -> Case:
    return Case(1, prediction, "7", prediction, equal, None, tier, "", contested, False)


def accepts_sevens(text: str) -> Outcome:
    return Outcome.CORRECT if "7" in text else Outcome.WRONG


def test_false_accepts_and_false_rejects_are_shares_of_their_labels() -> None:
    cases = [case("7", True), case("7.", True), case("8", True), case("70", False), case("9", None)]
    (row,) = tallies(judge(Scripted(accepts_sevens), cases))
    assert row.n == 5
    assert row.accuracy is not None and (row.accuracy.estimate, row.accuracy.n) == (0.5, 4)
    assert row.false_accepts is not None and (row.false_accepts.estimate, row.false_accepts.n) == (
        1.0,
        1,
    )
    assert row.false_rejects is not None and row.false_rejects.estimate == pytest.approx(1 / 3)
    assert row.false_rejects.low < 1 / 3 < row.false_rejects.high


def test_tiers_and_contested_cases_have_rows_of_their_own() -> None:
    cases = [
        case("7", True),
        case("8", True, contested=True),
        case("7", False, tier="b"),
        case("8", None, tier="b"),
    ]
    rows = tallies(judge(Scripted(accepts_sevens), cases))
    assert [(row.name, row.n) for row in rows] == [("a", 1), ("a, contested", 1), ("b", 2)]
    assert rows[0].false_accepts is None
    assert rows[2].false_accepts is not None and rows[2].false_accepts.estimate == 1


def test_whatever_is_not_correct_is_not_accepted() -> None:
    outcomes = [o for o in Outcome if o is not Outcome.CORRECT]
    cases = [case(outcome, False) for outcome in outcomes]
    (row,) = tallies(judge(Scripted(Outcome), cases))
    assert row.accuracy is not None and row.accuracy.estimate == 1
    assert row.outcomes == dict.fromkeys(outcomes, 1)


def test_code_that_ran_is_seen_by_the_file_it_left() -> None:
    def runs_it(text: str) -> Outcome:
        if text.startswith("touch "):
            Path(text.removeprefix("touch ")).touch()
        return Outcome.WRONG

    judged = judge(Scripted(runs_it), [case("touch @@", False), case("harmless @@", False)])
    assert [each.executed for each in judged] == [True, False]
    (row,) = tallies(judged)
    assert row.executed == 1
    assert not Path(judged[0].verdict.prediction.removeprefix("touch ")).exists()


def test_an_exception_of_a_checker_is_counted_and_the_others_go_on() -> None:
    def fails(text: str) -> Outcome:
        raise ZeroDivisionError("one over nought")

    judged = judge(Scripted(fails), [case("7", True), case("8", False)])
    assert [each.crashed for each in judged] == [True, True]
    assert "ZeroDivisionError: one over nought" in judged[0].verdict.reason
    (row,) = tallies(judged)
    assert row.crashed == 2


def test_a_checker_that_cannot_work_at_all_stops_the_judging() -> None:
    def broken(text: str) -> Outcome:
        raise BenchError("no process can be started")

    with pytest.raises(BenchError, match="no process"):
        judge(Scripted(broken), [case("7", True)])


def test_a_verdict_s_line_has_the_promised_keys() -> None:
    (judged,) = judge(Scripted(accepts_sevens), [case("7", True)])
    line = judged.to_json()
    assert list(line) == ["id", "outcome", "equal", "comparer", "reason", "seconds"]
    assert (line["id"], line["outcome"], line["equal"]) == ("7", "correct", True)
