"""How far a run is, on standard error: a live line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from bench.console import LiveLine
from bench.runs.record import Record
from bench.stats.intervals import wilson
from bench.types import Outcome


class Progress:
    """Counts a run's records as they come, and prints done, accuracy, tokens and time."""

    def __init__(self, label: str) -> None:
        """Print nothing yet."""
        self._label = label
        self._total = self._before = self._done = self._correct = self._judged = self._tokens = 0
        self._started = time.monotonic()
        self._live = LiveLine()

    def start(self, total: int, done: int) -> None:
        """Hear how many problems there are, and how many an earlier session has done."""
        self._total, self._before = total, done
        self._started = time.monotonic()
        if done:
            sys.stderr.write(f"{self._label}: {done} of {total} problems were done before\n")

    def tick(self, record: Record) -> None:
        """Count one finished problem."""
        self._done += 1
        outcomes = [chosen.outcome for chosen in record.selected.values()][-1:]
        self._judged += sum(not outcome.is_failure for outcome in outcomes)
        self._correct += sum(outcome is Outcome.CORRECT for outcome in outcomes)
        self._tokens += record.tokens.policy_generated
        self._live.show(self._line)

    def _line(self) -> str:
        seconds = time.monotonic() - self._started
        done = self._before + self._done
        left = seconds / self._done * (self._total - done) if self._done else 0.0
        line = f"{self._label}: {done}/{self._total}"
        if self._judged:
            interval = wilson(self._correct, self._judged)
            line += (
                f", {100 * interval.estimate:.1f} % correct"
                f" [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"
            )
        if self._tokens:
            rate = self._tokens / seconds if seconds > 0 else 0.0
            line += f", {self._tokens} tokens ({rate:.0f}/s)"
        return line + f", {seconds:.0f} s, {left:.0f} s left"

    def __enter__(self) -> Self:
        """Return the counter."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Print the last state for good."""
        if self._done:
            self._live.close(self._line())
