"""A rule that hangs, dies, raises or devours memory costs a verdict, never the caller."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from bench.checkers.panel.hosted import Hosted, Rule
from bench.errors import BenchError
from bench.types import Outcome
from tests.checkers.panel import rules


def hosted(rule: Rule, limit: float = 5.0) -> Hosted:
    return Hosted("test", "test 1", "a rule of the tests", rule, limit=limit)


def workers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if any("spawn_main" in word for word in child.cmdline())
    ]


def test_a_ruling_becomes_a_verdict_with_the_checker_s_version() -> None:
    with closing(hosted(rules.same)) as checker:
        verdict = checker.check("7", "7")
        assert (verdict.outcome, verdict.comparer) == (Outcome.CORRECT, "test 1")
        assert verdict.reason == "compared"
        assert checker.check("7", "8").outcome is Outcome.WRONG


def test_a_rule_that_hangs_is_killed_and_the_next_question_is_answered() -> None:
    with closing(hosted(rules.hangs, limit=0.5)) as checker:
        start = time.monotonic()
        verdict = checker.check("7", "hang")
        assert (verdict.outcome, verdict.seconds) == (Outcome.CHECKER_TIMEOUT, 0.5)
        assert "undecided after 0.5 s" in verdict.reason
        assert checker.check("7", "7").correct
        assert time.monotonic() - start < 30  # two processes were started


def test_a_rule_that_dies_is_unsafe_and_the_next_question_is_answered() -> None:
    with closing(hosted(rules.dies)) as checker:
        assert checker.check("7", "die").outcome is Outcome.UNSAFE
        assert checker.check("7", "7").correct


def test_a_rule_that_raises_could_not_read_the_pair() -> None:
    with closing(hosted(rules.raises)) as checker:
        verdict = checker.check("7", "7")
        assert verdict.outcome is Outcome.UNPARSED
        assert verdict.reason == "it raised ArithmeticError: no such luck"


def test_a_rule_that_devours_memory_is_stopped_by_its_limit() -> None:
    with closing(hosted(rules.devours)) as checker:
        assert "MemoryError" in checker.check("7", "7").reason


def test_what_a_rule_prints_is_nobody_s(capfd: pytest.CaptureFixture[str]) -> None:
    with closing(hosted(rules.prints)) as checker:
        assert checker.check("7", "7").correct
    assert capfd.readouterr() == ("", "")


def test_a_rule_that_lacks_a_package_stops_the_judging_instead_of_misjudging() -> None:
    with (
        closing(hosted(rules.lacks)) as checker,
        pytest.raises(BenchError, match="'test' cannot work here: No module named 'no_such_pack"),
    ):
        checker.check("7", "7")


def test_an_empty_side_asks_nobody() -> None:
    with closing(hosted(rules.raises)) as checker:
        assert checker.check(" ", "7").outcome is Outcome.INVALID_GOLD
        assert checker.check("7", None).outcome is Outcome.NO_ANSWER
        assert checker.check("7", "\n").outcome is Outcome.NO_ANSWER
        assert not workers()


def test_closing_leaves_no_process_and_may_be_repeated(tmp_path: Path) -> None:
    checker = hosted(rules.same)
    checker.check("7", "7")
    assert workers()
    checker.close()
    checker.close()
    assert not workers()
