"""Where two checkers disagree, and what that does to the score: paired, with its interval.

The score of a run is that of a selector: the share of its problems whose chosen answer is accepted.
Neither the search nor the choice depends on a checker, so asking another one about the answers that
were chosen is the run as it would have been scored. Answers that either checker failed on (out of
time, unsafe, unreadable reference) are not part of the difference, and are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from bench import stats
from bench.checkers.cases import Case
from bench.checkers.panel import Checker
from bench.errors import DataError
from bench.files.lines import scan
from bench.runs.reader import Run
from bench.runs.record import Record
from bench.types import Outcome, Verdict

Pair = tuple[str, str | None]
"""Gold and prediction."""
Asked = tuple[str, tuple[str, ...], str | None]
"""Gold, other right answers, and prediction."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask both checkers, and what is known of it."""

    name: str
    gold: str
    prediction: str | None
    equal: bool | None = None
    """The label, where there is one."""
    others: tuple[str, ...] = ()
    """Other right answers, of a problem that has several."""

    @property
    def asked(self) -> Asked:
        """What a checker is asked; questions that ask the same are asked once."""
        return self.gold, self.others, self.prediction


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that the two answer differently."""

    question: Question
    a: Verdict
    b: Verdict

    @property
    def right(self) -> str:
        """`a` or `b`, the one that agrees with the label; empty without a label."""
        if self.question.equal is None:
            return ""
        return "a" if self.a.correct is self.question.equal else "b"


@dataclass(frozen=True, slots=True)
class Score:
    """What going from one checker to the other does to a score."""

    name: str
    a: stats.Interval | None
    """Share accepted, of those that both judged; None when there are none."""
    b: stats.Interval | None
    difference: stats.PairedDifference | None
    """share(b) - share(a), the change from a to b; None where a problem has several answers."""
    unjudged: int
    """Answers that either failed on."""


@dataclass(frozen=True, slots=True)
class Flips:
    """Two checkers on the same answers."""

    a: str
    b: str
    flips: tuple[Flip, ...]
    """Each distinct pair of gold and prediction once."""
    asked: int
    """Distinct pairs."""
    scores: tuple[Score, ...]


class Recorded:
    """Verdicts that were given before, as a checker: what a run or a file of verdicts holds."""

    about = "verdicts given before"

    def __init__(self, name: str, verdicts: Mapping[Pair, Verdict]) -> None:
        """Know these pairs and no other."""
        self.name = self.version = name
        self._verdicts = verdicts

    def check(self, gold: str, prediction: str | None) -> Verdict:
        """Return what was said of this pair. Raises KeyError for one that nobody asked about."""
        return self._verdicts[gold, prediction]

    def warm(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def compare(
    a: Checker,
    b: Checker,
    scores: Mapping[str, Sequence[Question]],
    others: Sequence[Question] = (),
    on_done: Callable[[], None] | None = None,
) -> Flips:
    """Ask both about all that the scores are made of, and others, each distinct pair once."""
    verdicts: dict[Asked, tuple[Question, Verdict, Verdict]] = {}
    for question in pairs(scores, others):
        verdicts[question.asked] = question, _ask(a, question), _ask(b, question)
        if on_done is not None:
            on_done()
    of_scores = {
        name: [(q, *verdicts[q.asked][1:]) for q in questions] for name, questions in scores.items()
    }
    labelled = [found for found in verdicts.values() if found[0].equal is not None]
    return Flips(
        a=a.version,
        b=b.version,
        flips=tuple(
            Flip(*found) for found in verdicts.values() if found[1].correct is not found[2].correct
        ),
        asked=len(verdicts),
        scores=(
            *(_score(name, found, _accepted) for name, found in of_scores.items()),
            *([_score("as labelled", labelled, _as_labelled)] if labelled else ()),
        ),
    )


def _ask(checker: Checker, question: Question) -> Verdict:
    """Return what a checker says: correct where it says so of any right answer."""
    said = checker.check(question.gold, question.prediction)
    if said.outcome is Outcome.CORRECT or isinstance(checker, Recorded):
        return said  # a run's verdict is of all of them
    for gold in question.others:
        if (other := checker.check(gold, question.prediction)).outcome is Outcome.CORRECT:
            return other
    return said


def pairs(
    scores: Mapping[str, Sequence[Question]], others: Sequence[Question] = ()
) -> list[Question]:
    """Return the questions that ask something else, the first of each."""
    first: dict[Asked, Question] = {}
    for question in (*chain.from_iterable(scores.values()), *others):
        first.setdefault(question.asked, question)
    return list(first.values())


def list_case_questions(cases: Sequence[Case]) -> dict[str, list[Question]]:
    """Return the questions of a file of cases, under the one score that they have."""
    return {"accepted": [Question(c.name, c.gold, c.prediction, c.equal) for c in cases]}


def list_run_questions(
    run: Run, alternatives: Mapping[str, Sequence[str]] = {}
) -> dict[str, list[Question]]:
    """Return the questions of a run by selector: what each chose, problem by problem.

    `alternatives` has other right answers by problem.
    """
    scores: dict[str, list[Question]] = {}
    for record in _with_references(run):
        if record.error is None:
            for name, chosen in record.selected.items():
                of, gold = record.problem_id, record.gold
                others = tuple(alternatives.get(of, ()))
                question = Question(of, gold, chosen.answer, others=others)
                scores.setdefault(name, []).append(question)
    return scores


def _with_references(run: Run) -> list[Record]:
    """Return the records that a checker can judge: those that no verifier decided."""
    return [record for record in run.records if record.verifier is None]


def list_sample_questions(
    run: Run, alternatives: Mapping[str, Sequence[str]] = {}
) -> list[Question]:
    """Return every sample as a question; samples of one problem are no independent scores."""
    return [
        Question(
            f"{record.problem_id}#{index}",
            record.gold,
            sample.answer,
            others=tuple(alternatives.get(record.problem_id, ())),
        )
        for record in _with_references(run)
        for index, sample in enumerate(record.samples)
    ]


def read_recorded(run: Run) -> Recorded:
    """Return the run's own verdicts as a checker."""
    found: dict[Pair, Verdict] = {}
    for record in _with_references(run):
        given = [(s.answer, s.outcome, s.reason) for s in record.samples]
        given += [(s.answer, s.outcome, "") for s in record.selected.values()]
        for answer, outcome, reason in given:
            found.setdefault(
                (record.gold, answer),
                Verdict(outcome, "recorded", record.gold, answer or "", reason),
            )
    return Recorded("recorded", found)


def read_verdicts(file: Path, cases: Sequence[Case]) -> Recorded:
    """Return a file of verdicts about these cases as a checker.

    Raises:
        DataError: it is not a file of verdicts, or is about other cases.
    """
    if not file.is_file():
        raise DataError(f"no file of verdicts {file}")
    scanned = scan(file, _verdict_row)
    bad = next((line for line in scanned.lines if line.value is None), None)
    if bad is not None:
        raise DataError(f"{file}, line {bad.number}, is no verdict: {bad.fault}")
    rows = [line.value for line in scanned.lines if line.value is not None]
    if [row["id"] for row in rows] != [case.id for case in cases]:
        raise DataError(
            f"{file} holds verdicts on {len(rows)} other cases than the {len(cases)} given; "
            "write it with: rstar-bench check --cases CASES --out VERDICTS"
        )
    return Recorded(
        file.name,
        {
            (case.gold, case.prediction): Verdict(
                Outcome(row["outcome"]),
                row["comparer"],
                case.gold,
                case.prediction or "",
                row["reason"],
                row["seconds"],
            )
            for row, case in zip(rows, cases, strict=True)
        },
    )


def _verdict_row(data: Any) -> dict[str, Any]:
    missing = [key for key in ("id", "outcome", "comparer", "reason", "seconds") if key not in data]
    if missing:
        raise ValueError(f"no {missing[0]!r}")
    Outcome(data["outcome"])
    return dict(data)


_Answered = tuple[Question, Verdict, Verdict]


def _score(
    name: str, answered: Sequence[_Answered], good: Callable[[Question, Verdict], bool]
) -> Score:
    both: dict[str, list[tuple[bool, bool]]] = {}
    unjudged = 0
    for question, a, b in answered:
        if a.outcome.is_failure or b.outcome.is_failure:
            unjudged += 1
        else:
            both.setdefault(question.name, []).append((good(question, a), good(question, b)))
    if not both:
        return Score(name, None, None, None, unjudged)
    of_a, of_b = ([[pair[side] for pair in pairs] for pairs in both.values()] for side in (0, 1))
    # Answers to one problem under several seeds are not independent; the paired test needs that.
    once = all(len(pairs) == 1 for pairs in both.values())
    difference = stats.paired_difference([y[0] for y in of_b], [x[0] for x in of_a])
    return Score(
        name,
        stats.clustered_mean(of_a),
        stats.clustered_mean(of_b),
        difference if once else None,
        unjudged,
    )


def _accepted(_: Question, verdict: Verdict) -> bool:
    return verdict.correct


def _as_labelled(question: Question, verdict: Verdict) -> bool:
    return verdict.correct is question.equal
