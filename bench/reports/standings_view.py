"""Boards as tables, Markdown, JSON, CSV and Parquet; nothing is computed here but the rounding."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping

from bench.errors import BenchError, MissingExtraError
from bench.reports.grid import Grid, grid_to_markdown
from bench.reports.standings import LEVEL, Board, Standing, Standings

_FLAG = "*"


def lay_out(standings: Standings) -> list[Grid]:
    """Return a grid for each board, and one for the rows that are quoted beside it."""
    grids = []
    for board in standings.boards:
        grids.append(_lay_out_board(board))
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


def _lay_out_board(board: Board) -> Grid:
    rows = [_row(at, each) for at, each in enumerate(board.standings, start=1)]
    notes = [
        f"#: one more than the rows shown to be better ({board.tests} paired tests, Holm, "
        f"{LEVEL:g}); = is shared. Right: 95 %, clustered by problem. Tokens: generated + read by "
        "the PPM, mean of a problem."
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
        ["Row", "#", "Policy", "Method", "n", "Right, %\n95 %", "Tokens", "s"],
        rows,
        notes,
        left=frozenset({2, 3}),
    )


def _row(at: int, each: Standing) -> list[str]:
    row, found = each.row, each.row.accuracy
    right = "-"
    if found is not None:
        right = f"{100 * found.estimate:.1f}\n[{100 * found.low:.1f},{100 * found.high:.1f}]"
    seeds = f"\n{len(each.seeds)} seeds" if len(each.seeds) > 1 else ""
    ppm = f"\n+ {row.ppm_tokens:,.0f}" if row.ppm_tokens else ""
    seconds = row.seconds if row.cpu_seconds is None else row.cpu_seconds
    return [
        f"{at}{_FLAG * bool(each.flags)}",
        f"{each.rank}{'=' * each.shared}",
        row.policy,
        row.label,
        f"{each.problems}{seeds}",
        right,
        f"{row.policy_tokens:,.0f}{ppm}",
        "-" if seconds is None else f"{seconds:.1f}",
    ]


def _to_markdown(standings: Standings) -> bytes:
    text = "\n".join(map(grid_to_markdown, lay_out(standings)))
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
