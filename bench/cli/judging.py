"""What `check` and `checkers` share: cases are judged, counted on standard error, and tabled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.console import Counter, print_rich

if TYPE_CHECKING:
    from bench.checkers import Case, Judged
    from bench.checkers.panel import Checker


def judge_with_progress(checker: Checker, cases: tuple[Case, ...]) -> list[Judged]:
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
    print_rich(table, columns=140)
