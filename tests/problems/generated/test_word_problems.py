"""Word problems: a count at every step, one answer, and as many events as were asked for."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from bench.problems.generated.word_problems import EVENTS, MOST, STARTS, generate


@pytest.mark.parametrize("events", [2, 5])
def test_a_problem_has_two_sentences_to_begin_with_its_events_and_a_question(events: int) -> None:
    for problem in islice(generate(3, events=events), 50):
        sentences = re.findall(r"[^.?]+[.?]", problem.question)
        assert len(sentences) == 2 + events + 1
        assert sentences[-1].endswith("now?")
        assert 0 < int(problem.answer) <= 2 * MOST


def test_the_same_seed_asks_the_same_and_another_one_does_not() -> None:
    first = [p.question for p in islice(generate(3, events=3), 20)]
    assert first == [p.question for p in islice(generate(3, events=3), 20)]
    assert first != [p.question for p in islice(generate(4, events=3), 20)]


def test_every_event_occurs() -> None:
    text = " ".join(p.question for p in islice(generate(3, events=5), 400))
    for event in (*STARTS, *EVENTS):
        for wording in event.wordings:
            pattern = re.sub(r"\\\{\w+\\\}", r"\\w+", re.escape(wording))
            assert re.search(pattern, text), wording
