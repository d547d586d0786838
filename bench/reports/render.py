"""The leaderboard, and the chain of a claim below it, as terminal tables, Markdown or JSON.

JSON holds fractions with all their digits, Markdown percent with one decimal. A terminal has 80
columns, and a row is one line there: limits are whole points, and what most rows have in common
stands in the title or above them. Nothing is computed here but the rounding: the numbers are those
of `bench.reports.leaderboard` and `bench.reports.chain`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

from bench import stats
from bench.reports.chain import LEVEL, Link, LinkVerdict
from bench.reports.grid import Grid, markdown_line
from bench.reports.leaderboard import SCHEMA_VERSION, Counts, Row, Table
from bench.reports.token_budget import CUT_AT_FLOPS_OF, describe_cut

_R = TypeVar("_R")


def to_json(table: Table, links: Sequence[Link] | None = None) -> dict[str, Any]:
    """Return the table, and the links of a claim if any, as JSON values, shares as fractions."""
    rows = [{"label": row.label, **asdict(row)} for row in table.rows]
    data = {
        "schema": SCHEMA_VERSION,
        "rows": rows,
        "legend": list(table.legend),
        "notes": list(table.notes),
    }
    if links is not None:
        data["chain"] = [
            {**asdict(link), "verdict": link.verdict, "detectable": link.detectable}
            for link in links
        ]
    return data


def to_markdown(table: Table, links: Sequence[Link] | None = None) -> str:
    """Return the table, its title above and its notes below, as GitHub Markdown.

    The links of a claim, if any, are a table below it.
    """
    notes = (*table.legend, *table.notes)
    text = _markdown(_title(table.rows), _columns(table.rows), table.rows, notes)
    if links is None:
        return text
    chain = _markdown(_chain_title(links), _chain_columns(links), links, _chain_notes(links))
    return f"{text}\n{chain}"


def to_grid(table: Table) -> Grid:
    """Return the table for a terminal: a row a line, a legend of two lines and the notes."""
    title, sections = _gather(table.rows, _SHARED)
    columns = [column for column in _SHORT if _is_shown(column, table.rows)]
    return Grid(
        title or "Leaderboard",
        [column.name for column in columns],
        [[column.cell(row) for column in columns] for row in table.rows],
        [*_short_legend(table.rows), *table.notes],
        sections=sections,
    )


def chain_to_grid(links: Sequence[Link]) -> Grid:
    """Return the links of a claim for a terminal."""
    common, sections = _gather(links, _CHAIN_SHARED)
    title = _chain_title(links)
    return Grid(
        f"{title} · {common}" if common else title,
        [column.name for column in _CHAIN_SHORT],
        [[column.cell(link) for column in _CHAIN_SHORT] for link in links],
        _short_chain_legend(links),
        left=frozenset({0, len(_CHAIN_SHORT) - 2}),
        sections=sections,
    )


def _markdown(
    title: str, columns: Sequence[_Column[_R]], rows: Sequence[_R], notes: Sequence[str]
) -> str:
    lines = [
        markdown_line(c.name for c in columns),
        markdown_line("---:" if c.right else "---" for c in columns),
        *(markdown_line(c.cell(row) for c in columns) for row in rows),
    ]
    return "\n".join([f"**{title}**", "", *lines, "", *(f"- {note}" for note in notes)]) + "\n"


@dataclass(frozen=True, slots=True)
class _Column(Generic[_R]):
    """A heading, and how a row fills it."""

    name: str
    cell: Callable[[_R], str]
    right: bool = True


# Columns where rows differ, in the title where they do not; "-" (a greedy run has no PPM) does not
# differ from anything.
_CONTEXT: tuple[_Column[Row], ...] = (
    _Column("Benchmark", lambda r: r.benchmark, right=False),
    _Column("PPM", lambda r: r.ppm or "-", right=False),
    _Column("Seed", lambda r: "-" if r.seed is None else str(r.seed)),
    _Column("Cut at", lambda r: describe_cut(r.budget) or "-"),
)
_CPU: _Column[Row] = _Column("CPU s", lambda r: _seconds(r.cpu_seconds))
"""Only where a row has it."""
_MEASURES: tuple[_Column[Row], ...] = (
    _Column("Policy", lambda r: r.policy, right=False),
    _Column("Method", lambda r: r.label, right=False),
    _Column("n", lambda r: str(r.n)),
    _Column("Accuracy 95 %", lambda r: _share(r.accuracy)),
    _Column("W/N/T/U", lambda r: _not_solved(r.counts)),
    _Column("Failed", lambda r: _failed(r)),
    _Column("Tokens", lambda r: _tokens(r)),
    _Column("Run s", lambda r: _seconds(r.run_seconds)),
    _CPU,
    _Column("Gain (p) 95 %", lambda r: _gain(r.difference)),
)


@dataclass(frozen=True, slots=True)
class _Shared(Generic[_R]):
    """What rows may have in common, and how a title says so; "-" agrees with anything."""

    read: Callable[[_R], str]
    phrase: str = "{}"


_SHARED: tuple[_Shared[Row], ...] = (
    _Shared(lambda r: r.policy),
    _Shared(lambda r: r.benchmark, "on {}"),
    _Shared(lambda r: f"{r.n:,}", "n = {}"),
    _Shared(lambda r: r.ppm or "-", "PPM {}"),
    _Shared(lambda r: "-" if r.seed is None else str(r.seed), "seed {}"),
    _Shared(lambda r: _short_cut(r), "cut at {}"),
)
_SHORT: tuple[_Column[Row], ...] = (
    _Column("", lambda r: r.label),
    _Column("Right, %", lambda r: _short_share(r.accuracy)),
    _Column("W/N/T/U", lambda r: _not_solved(r.counts)),
    _Column("Failed", lambda r: _short_failed(r)),
    _Column("Tokens", lambda r: _tokens(r).replace(" ", "")),
    _Column("Run s", lambda r: _whole_seconds(r.run_seconds)),
    _Column("CPU s", lambda r: _seconds(r.cpu_seconds)),
    _Column("Gain, points", lambda r: _short_points(r.difference)),
    _Column("p", lambda r: "-" if r.difference is None else show_p(r.difference.p)),
)


_CHAIN_CONTEXT: tuple[_Column[Link], ...] = (
    _Column("Benchmark", lambda x: x.benchmark, right=False),
    _Column("Policy", lambda x: x.policy, right=False),
)
_CHAIN_ALWAYS: tuple[_Column[Link], ...] = (
    _Column("Claim", lambda x: f"{x.above} > {x.below}", right=False),
    _Column("n", lambda x: str(x.difference.n)),
    _Column("Points [95 %]", lambda x: _points(x.difference)),
    _Column("Only A/B", lambda x: f"{x.difference.only_a}/{x.difference.only_b}"),
    _Column("p", lambda x: show_p(x.difference.p)),
    _Column("Holm p", lambda x: show_p(x.corrected_p)),
    _Column("Verdict", lambda x: str(x.verdict), right=False),
    _Column("Detectable", lambda x: _detectable(x)),
)


_CHAIN_SHARED: tuple[_Shared[Link], ...] = (
    _Shared(lambda x: x.policy),
    _Shared(lambda x: x.benchmark, "on {}"),
    _Shared(lambda x: f"{x.difference.n:,}", "n = {}"),
)
_CHAIN_SHORT: tuple[_Column[Link], ...] = (
    _Column("Claim", lambda x: f"{x.above} > {x.below}"),
    _Column("Points", lambda x: _short_points(x.difference)),
    _Column("A/B", lambda x: f"{x.difference.only_a}/{x.difference.only_b}"),
    _Column("p", lambda x: show_p(x.difference.p)),
    _Column("Holm p", lambda x: show_p(x.corrected_p)),
    _Column("Verdict", lambda x: str(x.verdict)),
    _Column("Finds", lambda x: _detectable(x)),
)


def _gather(rows: Sequence[_R], shared: Sequence[_Shared[_R]]) -> tuple[str, dict[int, str]]:
    """Return what all rows have in common, and headings above those that differ from it."""
    title: list[str] = []
    differing: list[_Shared[_R]] = []
    for each in shared:
        found = dict.fromkeys(value for row in rows if (value := each.read(row)) != "-")
        if len(found) == 1:
            title.append(each.phrase.format(*found))
        elif found:
            differing.append(each)
    sections: dict[int, str] = {}
    last = ""
    for at, row in enumerate(rows):
        found = {each.phrase: each.read(row) for each in differing}
        heading = _join(phrase.format(value) for phrase, value in found.items() if value != "-")
        if heading != last:
            sections[at] = last = heading
    return _join(title), sections


def _join(phrases: Iterable[str]) -> str:
    """Return phrases as one line; a benchmark goes with its policy, where that is there."""
    return " · ".join(phrases).replace(" · on ", " on ").removeprefix("on ")


def _is_shown(column: _Column[Row], rows: Sequence[Row]) -> bool:
    """Whether a terminal has use for a column: one of nothing but dashes or zeros tells nothing."""
    return column.name in ("", "W/N/T/U") or any(column.cell(row) not in ("-", "0") for row in rows)


def _short_legend(rows: Sequence[Row]) -> list[str]:
    """Return how to read the columns, in two lines, and a third where answers failed."""
    over = dict.fromkeys(r.against for r in rows if r.difference and r.against)
    gain = f" Gain: over {', '.join(over)}, same problems; exact p." if over else ""
    tokens = " Tokens: policy + PPM a problem." if any(r.policy_tokens for r in rows) else ""
    lines = [
        f"W/N/T/U: wrong, no answer, truncated, unparsed.{tokens}",
        f"Brackets: 95 %.{gain}",
    ]
    if any(r.counts.failures for r in rows):
        lines.append(
            "Failed: could not be judged; in brackets Right, had all been wrong, or right."
        )
    if any(CUT_AT_FLOPS_OF in r.budget for r in rows):
        lines.append("FLOPs: 2 a parameter for each token that a policy or a PPM reads or writes.")
    return lines


def _short_chain_legend(links: Sequence[Link]) -> list[str]:
    """Return how to read the links, in two lines."""
    tests = max((link.tests for link in links), default=0)
    lines = [f"A/B: problems solved by one alone. Exact McNemar p; Holm over {tests} links."]
    if any(link.verdict is LinkVerdict.NOT_SHOWN for link in links):
        lines.append("Finds: true difference, in points, that would be shown four times in five.")
    return lines


def _columns(rows: Sequence[Row]) -> tuple[_Column[Row], ...]:
    """Return the columns that tell these rows apart, and those that measure them."""
    measures = (c for c in _MEASURES if c is not _CPU or _values(c, rows))
    return (*(c for c in _CONTEXT if len(_values(c, rows)) > 1), *measures)


def _chain_columns(links: Sequence[Link]) -> tuple[_Column[Link], ...]:
    return (*(c for c in _CHAIN_CONTEXT if len(_values(c, links)) > 1), *_CHAIN_ALWAYS)


def _chain_title(links: Sequence[Link]) -> str:
    """Say how much of the claim is shown."""
    shown = sum(link.verdict is LinkVerdict.SHOWN for link in links)
    return f"Chain · {shown} of {len(links)} links shown"


def _chain_notes(links: Sequence[Link]) -> list[str]:
    """Return how to read what these links show."""
    tests = max((link.tests for link in links), default=0)
    notes = [
        "Claim A > B: A is right more often than B of the same policy, on the same problems. "
        "Points: A less B, Newcombe's paired interval; only A/B: problems that one of them alone "
        f"solved. p: exact McNemar; Holm p: corrected for the links of all tables, {tests}. "
        f"Shown: A above B and Holm p below {LEVEL:g}."
    ]
    if any(link.verdict is LinkVerdict.NOT_SHOWN for link in links):
        notes.append(
            "Detectable: true difference, in points, that would be shown four times in five with "
            "as many discordant problems and the correction at its strictest, p below "
            f"{LEVEL:g}/{tests}; none: not even if all of them spoke for A."
        )
    return notes


def _title(rows: Sequence[Row]) -> str:
    """Name what all rows have in common."""
    found = {c.name: _values(c, rows) for c in _CONTEXT}
    same = [f"{name} {values[0]}" for name, values in found.items() if len(values) == 1]
    return " · ".join(same) or "Leaderboard"


def _values(column: _Column[_R], rows: Sequence[_R]) -> list[str]:
    """Return what a column holds, each value once, without the absent one."""
    return list(dict.fromkeys(cell for r in rows if (cell := column.cell(r)) != "-"))


def _percent(share: float, sign: str = "") -> str:
    """Return a share in percent, one decimal, no negative zero."""
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}"


def _share(interval: stats.Interval | None) -> str:
    """Return e.g. `62.5 % [45.3, 77.1]`."""
    if interval is None:
        return "-"
    limits = f"[{_percent(interval.low)}, {_percent(interval.high)}]"
    return f"{_percent(interval.estimate)} % {limits}"


def _short_cut(row: Row) -> str:
    return (describe_cut(row.budget) or "-").replace("generated tokens", "tokens")


def _short_share(interval: stats.Interval | None) -> str:
    """Return e.g. `62.5 [45,77]`: a digit less than Markdown, whose reader may go on from it."""
    if interval is None:
        return "-"
    return f"{_percent(interval.estimate)} [{100 * interval.low:.0f},{100 * interval.high:.0f}]"


def _short_failed(row: Row) -> str:
    if not row.counts.failures:
        return "0"
    limits = f"[{100 * row.bounds.worst:.0f},{100 * row.bounds.best:.0f}]"
    return f"{row.counts.failures} {limits}"


def _short_points(difference: stats.PairedDifference | None) -> str:
    """Return e.g. `+12.5 [-3,+28]`: percentage points, interval."""
    if difference is None:
        return "-"
    low, high = (f"{round(100 * x) + 0:+d}" for x in (difference.low, difference.high))
    return f"{_percent(difference.estimate, '+')} [{low},{high}]"


def _whole_seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:,.0f}"


def _not_solved(counts: Counts) -> str:
    """Return the four ways in which the model, not the harness, did not get there."""
    return f"{counts.wrong}/{counts.no_answer}/{counts.truncated}/{counts.unparsed}"


def _failed(row: Row) -> str:
    """Return the failures, and the accuracies that they could be hiding."""
    if not row.counts.failures:
        return "0"
    limits = f"[{_percent(row.bounds.worst)}, {_percent(row.bounds.best)}]"
    return f"{row.counts.failures} {limits}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.1f}"


def _tokens(row: Row) -> str:
    """Return policy + PPM tokens of a problem."""
    ppm = f" + {row.ppm_tokens:,.0f}" if row.ppm_tokens else ""
    return f"{row.policy_tokens:,.0f}{ppm}"


def _gain(difference: stats.PairedDifference | None) -> str:
    """Return e.g. `+12.5 (0.12) [-3.1, +27.8]`: percentage points, p, interval."""
    if difference is None:
        return "-"
    return f"{_percent(difference.estimate, '+')} ({show_p(difference.p)}) {_limits(difference)}"


def _points(difference: stats.PairedDifference) -> str:
    """Return e.g. `+12.5 [-3.1, +27.8]`: percentage points, interval."""
    return f"{_percent(difference.estimate, '+')} {_limits(difference)}"


def _limits(difference: stats.PairedDifference) -> str:
    return f"[{_percent(difference.low, '+')}, {_percent(difference.high, '+')}]"


def _detectable(link: Link) -> str:
    """Return points, where a link is not shown."""
    if link.verdict is not LinkVerdict.NOT_SHOWN:
        return "-"
    return "none" if link.detectable is None else _percent(link.detectable)


def show_p(p: float) -> str:
    """Return a p-value with as many digits as mean something."""
    if p < 0.001:
        return "< 0.001"
    return f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"
