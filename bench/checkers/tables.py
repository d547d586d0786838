"""Tallies and flips as tables and lines of text; computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench import stats
from bench.checkers.coverage import Coverage
from bench.checkers.flips import Flip, Flips
from bench.checkers.gate import GateResult
from bench.checkers.tally import SLOW, Tally
from bench.terminal import one_line
from bench.types import Outcome

if TYPE_CHECKING:  # loading rich costs more than everything here
    from rich.table import Table

NOTES = (
    "Shares in percent with Wilson's 95 % interval. Accept (reject): labelled unequal and accepted "
    "(equal and not accepted); whatever is not `correct` counts as not accepted. ms: wall clock, "
    "median and 99th percentile."
)
_CUT = 72
_TROUBLES = (
    Outcome.UNPARSED,
    Outcome.CHECKER_TIMEOUT,
    Outcome.UNSAFE,
    Outcome.INVALID_GOLD,
    Outcome.ENGINE_ERROR,
)


def tally_table(title: str, rows: Sequence[Tally], *, first: str = "Tier") -> Table:
    """Return one line for each tally."""
    table = _table(title, first, "n", "Accuracy", "False accepts", "False rejects", "ms", "Notes")
    for row in rows:
        table.add_row(
            row.name,
            str(row.n),
            share(row.accuracy),
            share(row.false_accepts, counted=True),
            share(row.false_rejects, counted=True),
            f"{1000 * row.p50:.1f} / {1000 * row.p99:.0f}",
            _troubles(row),
        )
    return table


def score_table(flips: Flips) -> Table:
    """Return what going from one checker to the other does to each score."""
    table = _table(
        f"from {flips.a} to {flips.b}",
        "Score",
        "n",
        flips.a,
        flips.b,
        "Change, 95 %",
        "p",
        "Failed",
    )
    for score in flips.scores:
        change = score.difference
        table.add_row(
            score.name,
            str(score.a.n if score.a else 0),
            share(score.a),
            share(score.b),
            "-" if change is None else _points(change),
            "-" if change is None else f"{change.p:.3f}",
            str(score.unjudged),
        )
    return table


def flip_lines(flip: Flip, a: str, b: str) -> list[str]:
    """Return a flip in words: the pair, and what each checker said of it."""
    label = {True: ", labelled equal", False: ", labelled unequal", None: ""}[flip.question.equal]
    return [
        f"{flip.question.name}: {cut(flip.question.gold)}  |  "
        f"{cut(flip.question.prediction or '')}{label}",
        *(
            f"  {name}: {verdict.outcome}{' (as labelled)' if flip.right == side else ''}; "
            f"{verdict.comparer}: {verdict.reason}"
            for side, name, verdict in (("a", a, flip.a), ("b", b, flip.b))
        ),
    ]


def coverage_table(title: str, rows: Sequence[Coverage]) -> Table:
    """Return one line for each category of a corpus."""
    table = _table(title, "Category", "Rows", "Equal", "Unequal", "Other")
    for row in rows:
        other = row.rows - row.equal - row.unequal
        table.add_row(*map(str, (row.category, row.rows, row.equal, row.unequal, other or "")))
    return table


def gate_lines(result: GateResult) -> list[str]:
    """Return every regression in words."""
    return [
        f"{each.case.name}: {cut(each.case.gold)}  |  {cut(each.case.prediction or '')}\n"
        f"  labelled {_label(each.case.equal, each.case.outcome)}, judged "
        f"{each.verdict.outcome}; {each.verdict.comparer}: {each.verdict.reason}"
        for each in result.regressions
    ]


def share(interval: stats.Interval | None, *, counted: bool = False) -> str:
    """Return e.g. `88.1 [85.9, 90.1]`, or `2.7 (9/330) [1.4, 5.1]`."""
    if interval is None:
        return "-"
    count = f" ({round(interval.estimate * interval.n)}/{interval.n})" if counted else ""
    limits = f"[{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
    return f"{100 * interval.estimate:.1f}{count} {limits}"


def cut(text: str) -> str:
    """Return a text on one line, short enough to read."""
    line = one_line(text)
    return line if len(line) <= _CUT else f"{line[:_CUT]}... ({len(text)} characters)"


def _table(title: str, *columns: str) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), box=box.SIMPLE_HEAD, padding=0, title_justify="left")
    for number, column in enumerate(columns):
        left = number in (0, len(columns) - 1)
        table.add_column(column, justify="left" if left else "right", overflow="fold")
    return table


def _label(equal: bool | None, outcome: Outcome | None) -> str:
    return str(outcome) if outcome is not None else "equal" if equal else "unequal"


def _points(change: stats.PairedDifference) -> str:
    limits = f"[{100 * change.low:+.1f}, {100 * change.high:+.1f}]"
    return f"{100 * change.estimate:+.1f} {limits} (+{change.only_a} -{change.only_b})"


def _troubles(row: Tally) -> str:
    found = [f"{row.outcomes[o]} {o}" for o in _TROUBLES if row.outcomes.get(o)]
    found += [f"{row.slow} over {SLOW:g} s"] if row.slow else []
    found += [f"{row.executed} EXECUTED"] if row.executed else []
    found += [f"{row.crashed} CRASHED"] if row.crashed else []
    return ", ".join(found)
