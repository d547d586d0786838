"""What stored problems asked, where anything here knows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.runs.questions import read_questions
from bench.types import Verifier
from tests.made_runs import C, greedy


def test_a_benchmark_that_is_not_known_leaves_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert read_questions(greedy([C])) == {}
    assert "questions are left out" in caplog.text


def test_a_verifier_that_was_told_the_question_has_it() -> None:
    run = greedy([C, C])
    told = replace(run.records[0], verifier=Verifier("certificate", {"statement": "a > 0"}))
    run = replace(run, records=(told, run.records[1]))
    assert read_questions(run) == {"p00": "a > 0"}
