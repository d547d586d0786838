"""Whether the rows of a benchmark are those of the registry, and its references fit for grading.

Every reference is graded against itself twice: as an answer, and as the boxed end of a response,
the way that a model gives it. A reference that its own checker rejects would cost each model a
point. Empty references are counted apart: no answer to them is ever graded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.problems import BENCHMARKS, corrected_ids, load, mirror
from bench.problems.fingerprint import rows_sha256
from bench.types import Outcome, Problem, Verdict

Grade = Callable[[Problem, str], Verdict]
"""Grades a prediction: by the problem's verifier, else against its reference."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found; counts and hashes that are wrong never get this far, they raise."""

    name: str
    source: str
    """`mirror`, `generated`, or the hub dataset with its revision."""
    rows: int
    same_texts: bool | None
    """Whether the normalised rows have the registry's hash; None where none is registered."""
    invalid: tuple[str, ...]
    """Ids of the problems without a reference."""
    rejected: tuple[tuple[str, str], ...]
    """Ids of the references that were not accepted as answers to themselves, and why."""
    corrected: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether a score on these rows means what its name says."""
        return self.same_texts is not False and not self.rejected


def verify(name: str, grade: Grade) -> Verification:
    """Load a benchmark from wherever it is and check it. Raises BenchError."""
    problems = load(name)
    benchmark = BENCHMARKS.get(name)
    same: bool | None = None
    source = "generated"
    if benchmark is not None:
        same = rows_sha256(load(name, errata=False)) == benchmark.rows_sha256
        on_hub = mirror.locate(benchmark) is None
        meta = problems[0].meta
        source = f"{meta['source']}@{meta['revision']}" if on_hub else "mirror"
    graded = [problem for problem in problems if problem.answer.strip()]
    return Verification(
        name=name,
        source=source,
        rows=len(problems),
        same_texts=same,
        invalid=tuple(
            problem.id
            for problem in problems
            if problem.verifier is None and not problem.answer.strip()
        ),
        rejected=tuple(
            (problem.id, reason) for problem in graded for reason in _objections(problem, grade)
        ),
        corrected=tuple(corrected_ids(problems)),
    )


def _objections(problem: Problem, grade: Grade) -> list[str]:
    """Return why references of a problem were not accepted as answers to themselves."""
    objections = []
    for gold in (problem.answer, *problem.alternatives):
        for form in (gold, f"The answer is \\boxed{{{gold}}}."):
            verdict = grade(replace(problem, answer=gold, alternatives=()), form)
            if verdict.outcome is not Outcome.CORRECT:
                objections.append(f"{form!r} is {verdict.outcome} ({verdict.reason})")
    return objections
