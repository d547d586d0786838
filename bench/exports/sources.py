"""A stored run as the formats take it: its rows, its questions, and what the policy wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from bench.checkpoints.hub import is_name
from bench.errors import MissingRunError, RunDirError
from bench.reports.leaderboard import Row, leaderboard, outcomes
from bench.runs.questions import read_questions
from bench.runs.reader import Run
from bench.runs.record import Key, Record, Selected
from bench.search import Trace
from bench.types import Outcome

LOCAL = "local"
"""The developer of a model that no organisation of the hub published."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a selector made of a problem that the harness could judge."""

    record: Record
    selected: Selected
    outcome: Outcome

    @property
    def is_correct(self) -> bool:
        """Whether the outcome is that of a right answer."""
        return self.outcome is Outcome.CORRECT


@dataclass(frozen=True, slots=True)
class Source:
    """A run with what its records do not hold."""

    run: Run
    rows: tuple[Row, ...]
    """One for each selector, as the leaderboard has it."""
    questions: Mapping[str, str]
    """By problem; none where its benchmark cannot be read."""
    solutions: Mapping[Key, Sequence[str]]
    """What the policy wrote and its code printed, for each sample; none without a tree."""

    @property
    def config(self) -> Mapping[str, Any]:
        """Return the configuration."""
        return self.run.config

    @property
    def benchmark(self) -> str:
        """Return the name of the benchmark, or of the pool's parts."""
        name = self.run.configured("benchmark")
        if name is not None:
            return str(name)
        return ", ".join(dict.fromkeys(record.benchmark for record in self.run.records))

    @property
    def search(self) -> str:
        """Return the name of the search."""
        return self.run.search

    @property
    def name(self) -> str:
        """Return what a note calls the run."""
        return f"{self.run.policy}, {self.search} on {self.benchmark}"

    @property
    def model(self) -> tuple[str, str]:
        """Return developer and name of what was evaluated: the policy, or a search without one."""
        policy = self.run.policy
        if policy == "-":
            return LOCAL, self.search
        if is_name(policy):
            developer, _, name = policy.partition("@")[0].partition("/")
            return developer, name
        return LOCAL, PurePath(policy).name

    @property
    def created(self) -> datetime:
        """Return when the run was started. Raises RunDirError: its header does not say."""
        try:
            made = datetime.fromisoformat(self.run.header["created"])
        except (KeyError, TypeError, ValueError) as error:
            raise RunDirError(
                f"{self.run.path}/run.json does not say when the run was made; 'created' must be "
                "a time such as 2026-01-31T12:00:00+00:00"
            ) from error
        return made if made.tzinfo else made.replace(tzinfo=UTC)

    @property
    def digest(self) -> str:
        """Return what tells the run's configuration from others, without the name of the hash."""
        return str(self.run.header.get("config_digest", "")).removeprefix("sha256:")

    def question(self, record: Record) -> str:
        """Return what was asked; empty where nothing here knows it."""
        return self.questions.get(record.problem_id, "")

    def solution(self, record: Record, sample: int | None) -> str | None:
        """Return the text of a sample; None where it was not stored, or nothing was chosen."""
        texts = self.solutions.get(record.key, ())
        return texts[sample] if sample is not None and sample < len(texts) else None

    def judged(self, method: str) -> Iterator[Answer]:
        """Yield what a selector made of each problem, but for failures of the harness."""
        found = outcomes(self.run, method)
        for record in self.run.records:
            outcome = found[record.key]
            if not outcome.is_failure:
                yield Answer(record, record.selected[method], outcome)


def read_source(run: Run) -> Source:
    """Return a run with its rows, its questions and its solutions.

    Raises MissingRunError: no problem is done in it.
    """
    if not run.records:
        raise MissingRunError(
            f"no problem is done in {run.path}; repeat the command that started it"
        )
    return Source(run, leaderboard([run]).rows, read_questions(run), _read_solutions(run))


def describe_failures(sources: Iterable[Source]) -> list[str]:
    """Return, for each run, how many answers a format without a place for failures leaves out."""
    return [
        f"{source.name}: {' and '.join(found)} left out, which the harness could not judge."
        for source in sources
        if (
            found := [
                f"{row.counts.failures} of {row.n} answers by {row.method}"
                for row in source.rows
                if row.counts.failures
            ]
        )
    ]


def describe_gaps(sources: Iterable[Source]) -> list[str]:
    """Return, for each run, how many questions and solutions are missing from what is written."""
    notes = []
    for source in sources:
        records = source.run.records
        unasked = sum(not source.question(record) for record in records)
        untold = sum(record.key not in source.solutions for record in records)
        if unasked:
            notes.append(f"{source.name}: {unasked} of {len(records)} questions are not known.")
        if untold:
            notes.append(f"{source.name}: {untold} of {len(records)} problems have no stored text.")
    return notes


def _read_solutions(run: Run) -> dict[Key, tuple[str, ...]]:
    found = {}
    for stored in run.trees():
        trace = Trace.from_json(stored.tree)
        key = Key(stored.problem_id, stored.seed)
        found[key] = tuple(trace.text(end) for end in trace.rollouts)
    return found
