"""The nouns that every part shares: a problem, and what was decided about an answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Verifier:
    """What decides whether an answer is right where no single reference exists."""

    name: str
    """Name of a function in `bench.answers.verifiers`."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What that function must know of the problem; plain JSON values."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of a benchmark or of a training pool. Search sees `question` only, never `answer`."""

    id: str
    """Unique within its benchmark, stable over versions; the resume key of a run."""
    question: str
    answer: str
    """The reference answer as the benchmark prints it, unboxed; may be empty (invalid gold)."""
    benchmark: str
    alternatives: tuple[str, ...] = ()
    """Other answers, each of which is right as well (an erratum says so)."""
    verifier: Verifier | None = None
    """Decides in place of `answer`, which then is one right answer, or empty."""
    level: str | None = None
    subject: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


class Outcome(StrEnum):
    """What became of one answer. Only the first two are judgements on the mathematics."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    """The search ended without a final answer."""
    TRUNCATED = "truncated"
    """The token or depth limit cut the trajectory before an answer."""
    UNPARSED = "unparsed"
    """There is an answer, and no comparer could read it."""
    GUESSED = "guessed"
    """Prose states no answer; one could be guessed, and was neither accepted nor rejected."""
    CHECKER_TIMEOUT = "checker_timeout"
    UNSAFE = "unsafe"
    INVALID_GOLD = "invalid_gold"
    ENGINE_ERROR = "engine_error"

    @property
    def is_failure(self) -> bool:
        """Whether the harness, not the model, is to blame: counted apart, never as wrong."""
        return self in (
            Outcome.CHECKER_TIMEOUT,
            Outcome.UNSAFE,
            Outcome.INVALID_GOLD,
            Outcome.ENGINE_ERROR,
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a prediction equals the reference, decided by whom, and why."""

    outcome: Outcome
    comparer: str
    """Name and version of the rule that decided, e.g. `math-verify 0.9.0`."""
    gold: str
    prediction: str
    reason: str
    seconds: float = 0.0
    gold_form: str = ""
    """The reference as the comparer understood it; empty where nothing read it."""
    prediction_form: str = ""
    """The answer found in the prediction, likewise."""
    guess: Outcome | None = None
    """What a guessed answer was found to be, counted or not; None where an answer is stated."""

    @property
    def correct(self) -> bool:
        """Whether the prediction was accepted."""
        return self.outcome is Outcome.CORRECT
