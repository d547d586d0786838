"""The leaderboard as a terminal table, Markdown or JSON.

Text shows percent with one decimal, JSON fractions with all their digits. Benchmark, PPM and seed
are columns where rows differ in them, else the title. Nothing is computed here but the rounding:
the numbers are `bench.reports.leaderboard`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from bench import stats
from bench.reports.leaderboard import SCHEMA_VERSION, Counts, Row, Table

if TYPE_CHECKING:
    from rich.table import Table as RichTable


def to_json(table: Table) -> dict[str, Any]:
    """Return the table as JSON values, shares as fractions."""
    rows = [{"label": row.label, **asdict(row)} for row in table.rows]
    return {"schema": SCHEMA_VERSION, "rows": rows, "notes": list(table.notes)}


def to_markdown(table: Table) -> str:
    """Return the table, its title above and its notes below, as GitHub Markdown."""
    columns = _columns(table.rows)
    lines = [
        markdown_line(c.name for c in columns),
        markdown_line("---:" if c.right else "---" for c in columns),
        *(markdown_line(c.cell(row) for c in columns) for row in table.rows),
    ]
    notes = [f"- {note}" for note in table.notes]
    return "\n".join([f"**{_title(table.rows)}**", "", *lines, "", *notes]) + "\n"


def to_rich(table: Table) -> RichTable:
    """Return the table for a terminal."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    rich = RichTable(
        title=Text(_title(table.rows)),
        caption=Text("\n".join(table.notes)),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    columns = _columns(table.rows)
    for column in columns:
        # In a narrow terminal names may break, numbers may not.
        side: Literal["left", "right"] = "right" if column.right else "left"
        rich.add_column(column.name, justify=side, no_wrap=column.right, overflow="fold")
    for row in table.rows:
        rich.add_row(*(Text(column.cell(row)) for column in columns))
    return rich


@dataclass(frozen=True, slots=True)
class _Column:
    """A heading and how a row fills it; a line break where a terminal shows two lines."""

    name: str
    cell: Callable[[Row], str]
    right: bool = True


# Columns where rows differ, in the title where they do not; "-" (a greedy run has no PPM) does not
# differ from anything.
_CONTEXT = (
    _Column("Benchmark", lambda r: r.benchmark, right=False),
    _Column("PPM", lambda r: r.ppm or "-", right=False),
    _Column("Seed", lambda r: "-" if r.seed is None else str(r.seed)),
    _Column("Cut at", lambda r: f"{r.budget['cut_at']:,}" if "cut_at" in r.budget else "-"),
)
_ALWAYS = (
    _Column("Policy", lambda r: r.policy, right=False),
    _Column("Method", lambda r: r.label, right=False),
    _Column("n", lambda r: str(r.n)),
    _Column("Accuracy\n95 %", lambda r: _share(r.accuracy)),
    _Column("W/N/T/U", lambda r: _not_solved(r.counts)),
    _Column("Failed", lambda r: _failed(r)),
    _Column("Tokens", lambda r: _tokens(r)),
    _Column("s", lambda r: "-" if r.seconds is None else f"{r.seconds:.1f}"),
    _Column("Gain (p)\n95 %", lambda r: _gain(r.difference)),
)


def _columns(rows: Sequence[Row]) -> tuple[_Column, ...]:
    """Return the columns that tell these rows apart, and those that measure them."""
    return (*(c for c in _CONTEXT if len(_values(c, rows)) > 1), *_ALWAYS)


def _title(rows: Sequence[Row]) -> str:
    """Name what all rows have in common."""
    found = {c.name: _values(c, rows) for c in _CONTEXT}
    same = [f"{name} {values[0]}" for name, values in found.items() if len(values) == 1]
    return " · ".join(same) or "Leaderboard"


def _values(column: _Column, rows: Sequence[Row]) -> list[str]:
    """Return what a column holds, each value once, without the absent one."""
    return list(dict.fromkeys(cell for r in rows if (cell := column.cell(r)) != "-"))


def markdown_line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def _percent(share: float, sign: str = "") -> str:
    """Return a share in percent, one decimal, no negative zero."""
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}"


def _share(interval: stats.Interval | None) -> str:
    """Return e.g. `62.5 % [45.3, 77.1]`."""
    if interval is None:
        return "-"
    limits = f"[{_percent(interval.low)}, {_percent(interval.high)}]"
    return f"{_percent(interval.estimate)} %\n{limits}"


def _not_solved(counts: Counts) -> str:
    """Return the four ways in which the model, not the harness, did not get there."""
    return f"{counts.wrong}/{counts.no_answer}/{counts.truncated}/{counts.unparsed}"


def _failed(row: Row) -> str:
    """Return the failures, and the accuracies that they could be hiding."""
    if not row.counts.failures:
        return "0"
    limits = f"[{_percent(row.bounds.worst)}, {_percent(row.bounds.best)}]"
    return f"{row.counts.failures}\n{limits}"


def _tokens(row: Row) -> str:
    """Return policy + PPM tokens of a problem."""
    ppm = f"\n+ {row.ppm_tokens:,.0f}" if row.ppm_tokens else ""
    return f"{row.policy_tokens:,.0f}{ppm}"


def _gain(difference: stats.PairedDifference | None) -> str:
    """Return e.g. `+12.5 (0.12) [-3.1, +27.8]`: percentage points, p, interval."""
    if difference is None:
        return "-"
    limits = f"[{_percent(difference.low, '+')}, {_percent(difference.high, '+')}]"
    return f"{_percent(difference.estimate, '+')} ({_p(difference.p)})\n{limits}"


def _p(p: float) -> str:
    """Return a p-value with as many digits as mean something."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"
