"""Boards as tables, Markdown, JSON, CSV and Parquet; nothing is computed here but the rounding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping

from bench.errors import BenchError, MissingExtraError
from bench.reports.every_k_view import lay_out as lay_out_every_k
from bench.reports.grid import Grid, grid_to_markdown
from bench.reports.standings import LEVEL, Board, Standing, Standings

_FLAG = "*"


def lay_out(standings: Standings, digits: int = 0) -> list[Grid]:
    """Return grids for each board: its rows, its samples at every k, and what is quoted beside it.

    Limits have so many digits after the point; without any, a row is one line of 80 columns.
    """
    grids = []
    for board in standings.boards:
        grids += [_lay_out_board(board, digits), *lay_out_every_k(board.every_k)]
        if board.quoted:
            rows = [[each.label, f"{each.value:.1f}", each.source] for each in board.quoted]
            title = f"Quoted on the whole {board.benchmark}, not run here"
            heads = ["System", "Right, %", "Source"]
            note = "Other policies, budgets and checkers than above: for orientation, not ranked."
            grids.append(Grid(title, heads, rows, [note], left=frozenset({0, 2})))
    return grids


def encode(standings: Standings, suffix: str) -> bytes:
    """Return the boards in the format of a file's suffix.

    Raises BenchError: no format has that suffix. MissingExtraError: Parquet without pyarrow.
    """
    if suffix not in _ENCODERS:
        raise BenchError(
            f"no format is written to a file that ends in {suffix!r}; choose one of "
            f"{', '.join(_ENCODERS)}"
        )
    return _ENCODERS[suffix](standings)


def _lay_out_board(board: Board, digits: int) -> Grid:
    rows = [_row(at, each, digits) for at, each in enumerate(board.standings, start=1)]
    notes = [
        f"#: one more than the rows shown to be better ({board.tests} paired tests, Holm, "
        f"{LEVEL:g}); = is shared. n: problems x seeds. Right: 95 %, clustered by problem. Tokens: "
        "generated + read by the PPM, mean of a problem. s: of the run, or of the processor a "
        "problem where no model is asked."
    ]
    notes += [
        f"{_FLAG} Row {at}: {'; '.join(each.flags)}."
        for at, each in enumerate(board.standings, start=1)
        if each.flags
    ]
    commands: dict[str, list[int]] = {}
    for at, each in enumerate(board.standings, start=1):
        for command in each.commands:
            commands.setdefault(command, []).append(at)
    notes += [f"Row {', '.join(map(str, ats))}: {line}" for line, ats in commands.items()]
    return Grid(
        f"{board.benchmark} · {board.problems} problems · graded by {board.graded}",
        ["Row", "#", "Policy", "Method", "n", "Right, %", "Tokens", "s"],
        rows,
        notes,
        left=frozenset({2, 3}),
    )


def _row(at: int, each: Standing, digits: int) -> list[str]:
    row, found = each.row, each.row.accuracy
    right = "-"
    if found is not None:
        low, high = (f"{100 * x:.{digits}f}" for x in (found.low, found.high))
        right = f"{100 * found.estimate:.1f} [{low},{high}]"
    seeds = f" x {len(each.seeds)}" if len(each.seeds) > 1 else ""
    ppm = f"+{row.ppm_tokens:,.0f}" if row.ppm_tokens else ""
    seconds = row.run_seconds if row.cpu_seconds is None else row.cpu_seconds
    return [
        f"{at}{_FLAG * bool(each.flags)}",
        f"{each.rank}{'=' * each.shared}",
        row.policy,
        row.label,
        f"{each.problems}{seeds}",
        right,
        f"{row.policy_tokens:,.0f}{ppm}",
        "-" if seconds is None else f"{seconds:,.{int(row.cpu_seconds is not None)}f}",
    ]


def _to_markdown(standings: Standings) -> bytes:
    text = "\n".join(map(grid_to_markdown, lay_out(standings, digits=1)))
    return (text + "".join(f"\n- {note}" for note in standings.notes)).encode()


def _to_json(standings: Standings) -> bytes:
    return (json.dumps(standings.to_json(), indent=2) + "\n").encode()


def _to_csv(standings: Standings) -> bytes:
    rows = standings.to_rows()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _to_parquet(standings: Standings) -> bytes:
    import pandas

    out = io.BytesIO()
    try:
        pandas.DataFrame(standings.to_rows()).to_parquet(out, index=False)
    except ImportError as error:
        raise MissingExtraError("Parquet", "pyarrow", "train") from error
    return out.getvalue()


_ENCODERS: Mapping[str, Callable[[Standings], bytes]] = {
    ".md": _to_markdown,
    ".json": _to_json,
    ".csv": _to_csv,
    ".parquet": _to_parquet,
}
