"""A disputed verdict as a row of the golden corpus, so that it is settled once and stays settled.

The row holds the pair, what it should be and why, and under `report` where it came from, how each
side was read, and what every checker that was asked says of it. A row on which ours is wrong today
says so in `known`: the corpus passes until somebody mends the checker, and fails on that day.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.checkers.panel import Checker
from bench.errors import DataError
from bench.files.atomic import append
from bench.runs.reader import Run


@dataclass(frozen=True, slots=True)
class Dispute:
    """A pair that somebody does not agree about, and what it should be."""

    gold: str
    prediction: str | None
    equal: bool
    category: str
    why: str
    """In words, as a mathematician would say it."""
    run: str = ""
    """The run that the pair is from, and below the problem; empty where it is from none."""
    problem: str = ""
    recorded: str = ""
    """The verdict that the run holds."""


def find_dispute(
    run: Run, problem: str, selector: str | None, *, equal: bool, category: str, why: str
) -> Dispute:
    """Return what a run recorded for a problem, by its first selector or a named one.

    Raises DataError: there is no such record, a verifier decided it, or it has no such selector.
    """
    record = next((each for each in run.records if each.problem_id == problem), None)
    if record is None:
        raise DataError(f"the run {run.path} has no problem {problem!r}")
    if record.verifier is not None:
        raise DataError(
            f"problem {problem!r} has no reference: the verifier {record.verifier.name!r} decided"
        )
    names = list(record.selected)
    name = selector or next(iter(names), "")
    if name not in record.selected:
        known = ", ".join(names) or "none"
        raise DataError(f"problem {problem!r} has no selector {name!r}; it has: {known}")
    chosen = record.selected[name]
    said = [s.reason for s in record.samples[chosen.sample or 0 :][:1] if chosen.sample is not None]
    return Dispute(
        gold=record.gold,
        prediction=chosen.answer,
        equal=equal,
        category=category,
        why=why,
        run=run.path.name,
        problem=f"{record.benchmark} {problem}",
        recorded="; ".join([str(chosen.outcome), *said]),
    )


def report_row(dispute: Dispute, checkers: Sequence[Checker], corpus: Path) -> dict[str, Any]:
    """Return the row; the first checker is ours, and its reading of both sides is kept."""
    verdicts = [(each.version, each.check(dispute.gold, dispute.prediction)) for each in checkers]
    ours = verdicts[0][1]
    report = {"run": dispute.run, "problem": dispute.problem, "recorded": dispute.recorded}
    row: dict[str, Any] = {
        "id": next_id(dispute.category, corpus),
        "gold": dispute.gold,
        "prediction": dispute.prediction,
        "expected": "equal" if dispute.equal else "unequal",
        "category": dispute.category,
        "why": dispute.why,
        "report": {
            **{name: value for name, value in report.items() if value},
            "gold_form": ours.gold_form,
            "prediction_form": ours.prediction_form,
            "verdicts": {
                version: f"{verdict.outcome}; {verdict.comparer}: {verdict.reason}"
                for version, verdict in verdicts
            },
        },
    }
    if ours.correct is not dispute.equal:
        row["known"] = f"judged {ours.outcome}: {ours.reason}"
    return row


def next_id(category: str, corpus: Path) -> str:
    """Return the first id of a category that no row of a folder has."""
    stem = "-".join(category.split())
    taken = [
        int(match[1])
        for file in sorted(corpus.glob("*.jsonl"))
        for match in re.finditer(rf'"id": "{re.escape(stem)}-(\d+)"', file.read_text("utf-8"))
    ]
    return f"{stem}-{max(taken, default=0) + 1:03}"


def append_row(row: dict[str, Any], file: Path) -> None:
    """Add a row to a file of cases, which is made if it is not there.

    Raises DataError: it cannot be written.
    """
    try:
        append(file, (json.dumps(row, ensure_ascii=False) + "\n").encode(errors="backslashreplace"))
    except OSError as error:
        raise DataError(f"cannot write the row to {file}: {error.strerror}") from error
