"""Asks a checker about every case, and watches what it does to the machine meanwhile.

One case at a time, in order, so that seconds mean something. A payload's `@@` becomes the path of a
marker file in a folder made for the purpose: a file there afterwards is code that was executed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from bench.checkers.cases import MARKER, Case
from bench.checkers.panel import Checker
from bench.errors import BenchError
from bench.types import Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Judged:
    """A case, what a checker said of it, and what happened while it did."""

    case: Case
    verdict: Verdict
    seconds: float
    """Wall clock of the caller, waiting included."""
    executed: bool = False
    """Whether the payload's file was there afterwards."""
    crashed: bool = False
    """Whether an exception reached the caller."""

    @property
    def right(self) -> bool | None:
        """Whether the verdict is as labelled; None without a label."""
        return self.case.accepts(self.verdict)

    def to_json(self) -> dict[str, Any]:
        """Return a line of a file of verdicts."""
        return {
            "id": self.case.id,
            "outcome": str(self.verdict.outcome),
            "equal": self.verdict.correct,
            "comparer": self.verdict.comparer,
            "reason": self.verdict.reason,
            "seconds": round(self.seconds, 6),
        }


def judge(
    checker: Checker, cases: Sequence[Case], on_done: Callable[[Judged], None] | None = None
) -> list[Judged]:
    """Ask about every case, in order; `on_done` hears of each.

    Raises:
        BenchError: the checker cannot work at all, e.g. no process can be started.
    """
    judged = []
    checker.warm()
    with TemporaryDirectory(prefix="markers-") as folder:
        for index, case in enumerate(cases):
            judged.append(_ask(checker, case, Path(folder) / f"m{index}"))
            if on_done is not None:
                on_done(judged[-1])
    return judged


def _ask(checker: Checker, case: Case, marker: Path) -> Judged:
    text = case.prediction
    armed = text is not None and MARKER in text
    if armed and text is not None:
        text = text.replace(MARKER, str(marker))
    crashed = False
    start = perf_counter()
    try:
        verdict = checker.check(case.gold, text)
    except BenchError:
        raise
    except Exception as error:  # the contract forbids it, so it is counted, not passed on
        crashed = True
        reason = f"the checker raised {type(error).__name__}: {error}"
        verdict = Verdict(Outcome.ENGINE_ERROR, checker.version, case.gold, text or "", reason)
    seconds = perf_counter() - start
    return Judged(case, verdict, seconds, armed and _made(marker), crashed)


def _made(marker: Path) -> bool:
    """Whether anything is in the markers' folder; what is found is removed, to be found once."""
    found = list(marker.parent.iterdir())
    for file in found:
        file.unlink()
    return bool(found)
