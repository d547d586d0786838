"""A run says how many of its answers were guessed, and what they do to its score."""

from __future__ import annotations

from dataclasses import replace

from bench.reports.guesses import Guesses, count_guesses, describe_guesses
from bench.reports.leaderboard import leaderboard, summary
from bench.runs.reader import Run
from bench.runs.record import Sample, Selected
from bench.types import Outcome
from tests.made_runs import C, W, greedy, make_record, make_run

GUESSED = Outcome.GUESSED


def guessing() -> Run:
    """Four problems: one stated and right, one guess that counts, two that do not."""
    records = []
    for index, (outcome, guess) in enumerate([(C, None), (C, C), (GUESSED, C), (GUESSED, W)]):
        sample = Sample("1", outcome, None, (), 10, "", guess)
        chosen = {"greedy": Selected("1", outcome, 0)}
        record = make_record(index, {"greedy": outcome})
        records.append(replace(record, samples=(sample,), selected=chosen))
    return make_run(records, search="greedy")


def test_guesses_are_counted_by_selector_with_the_scores_they_make() -> None:
    assert count_guesses(guessing()) == {
        "greedy": Guesses(answers=3, right=2, judged=4, correct=2, refused=1, accepted=3)
    }


def test_the_table_and_the_summary_say_what_guesses_do_to_the_score() -> None:
    run = guessing()
    (note,) = describe_guesses(run)
    assert "3 of 4 answers are guesses, 2 of them right" in note
    assert "50.0 % correct as counted, 25.0 % without them, 75.0 % with all of them" in note
    assert note in leaderboard([run]).notes
    assert summary(run)["guesses"]["greedy"]["answers"] == 3


def test_a_guess_that_was_not_accepted_is_no_answer_in_the_row() -> None:
    (row,) = leaderboard([guessing()]).rows
    assert (row.counts.correct, row.counts.no_answer, row.n) == (2, 2, 4)


def test_a_run_without_guesses_says_nothing_of_them() -> None:
    run = greedy([C, W])
    assert describe_guesses(run) == []
    assert summary(run)["guesses"] == {}


def test_a_sample_without_a_guess_is_stored_as_before() -> None:
    stated, guessed = (Sample("1", C, None, (), 10, "", guess) for guess in (None, C))
    assert "guess" not in stated.to_json()
    assert Sample.from_json(guessed.to_json()) == guessed
