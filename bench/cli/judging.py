"""What `check` and `checkers` share: cases are judged, counted on standard error, and tabled."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.checkers import Case, Judged
    from bench.checkers.panel import Checker

EVERY_SECONDS = 10.0
"""Between two lines of progress where standard error is no terminal."""


def judged_by(checker: Checker, cases: tuple[Case, ...]) -> list[Judged]:
    """Judge cases, and count them as they are done."""
    from bench.checkers import judge

    with Counter(checker.name, len(cases)) as counter:
        return judge(checker, cases, lambda _: counter.tick())


def print_tallies(title: str, judged: list[Judged]) -> None:
    """Print the table of tiers, and how to read it."""
    from bench.checkers import tallies
    from bench.checkers.tables import NOTES, tally_table

    print_table(tally_table(title, tallies(judged)))
    print(NOTES)


def print_table(table: Any) -> None:
    """Print a table of rich's."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 140).print(table)


class Counter:
    """Counts cases on standard error: live on a terminal, a line now and then elsewhere."""

    def __init__(self, label: str, total: int) -> None:
        """Print nothing yet."""
        self._label, self._total, self._done = label, total, 0
        self._started = self._printed = time.monotonic()
        self._live = sys.stderr.isatty()

    def tick(self) -> None:
        """Count one."""
        self._done += 1
        now = time.monotonic()
        if now - self._printed < (0.1 if self._live else EVERY_SECONDS):
            return
        self._printed = now
        left = (now - self._started) / self._done * (self._total - self._done)
        line = f"{self._label}: {self._done}/{self._total}, {left:.0f} s left"
        sys.stderr.write(f"\r\x1b[K{line}" if self._live else f"{line}\n")
        sys.stderr.flush()

    def __enter__(self) -> Counter:
        """Return the counter."""
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the live line."""
        if self._live:
            sys.stderr.write("\r\x1b[K")
