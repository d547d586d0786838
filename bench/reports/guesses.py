"""Guessed answers of a run: how many there are, and what they do to its score.

An answer is guessed where a text states none (`bench.answers.responses`). Whether it counts is a
convention, so a run says what its score would be if none did, and if all did.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.runs.reader import Run
from bench.runs.record import Record
from bench.types import Outcome


@dataclass(frozen=True, slots=True)
class Guesses:
    """The guesses among the answers that one selector chose."""

    answers: int
    right: int
    """Those that equal the reference, whether they count or not."""
    judged: int
    """All answers that could be judged, stated ones included."""
    correct: int
    """Of these, those that count as correct."""
    refused: int
    """Correct answers if no guess counted."""
    accepted: int
    """Correct answers if every guess that is right did."""


def count_guesses(run: Run) -> dict[str, Guesses]:
    """Return the guesses by selector; selectors without any are left out."""
    found: dict[str, Guesses] = {}
    for name in dict.fromkeys(name for record in run.records for name in record.selected):
        answers = right = judged = correct = counted = 0
        for record in run.records:
            chosen = record.selected.get(name)
            if record.error is not None or chosen is None or chosen.outcome.is_failure:
                continue
            judged += 1
            correct += chosen.outcome is Outcome.CORRECT
            guess = _guess_of(record, chosen.sample)
            if guess is not None:
                answers += 1
                right += guess is Outcome.CORRECT
                counted += chosen.outcome is Outcome.CORRECT
        if answers:
            stated = correct - counted
            found[name] = Guesses(answers, right, judged, correct, stated, stated + right)
    return found


def describe_guesses(run: Run) -> list[str]:
    """Return a sentence for each selector that chose a guess."""
    config = run.config
    benchmark = config.get("benchmark")
    name = benchmark.get("name") if isinstance(benchmark, dict) else benchmark
    conventions = config.get("conventions")
    rule = conventions.get("guess", "accept") if isinstance(conventions, dict) else "accept"
    return [
        f"{name}, {method}: {each.answers} of {each.judged} answers are guesses, {each.right} of "
        f"them right (guess={rule}): {_share(each.correct, each.judged)} correct as counted, "
        f"{_share(each.refused, each.judged)} without them, "
        f"{_share(each.accepted, each.judged)} with all of them."
        for method, each in count_guesses(run).items()
    ]


def _guess_of(record: Record, sample: int | None) -> Outcome | None:
    if sample is None or sample >= len(record.samples):
        return None
    return record.samples[sample].guess


def _share(count: int, n: int) -> str:
    return f"{100 * count / n:.1f} %"
