"""`paper`: print a table of rStar-Math, of LIPS or of CPL, with how sure its numbers are."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.console import print_rich

if TYPE_CHECKING:
    from bench.reports.paper import PaperTable


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    paper = verbs.add_parser(
        "paper",
        help="print a table of the paper: table1 to table10, figure3; of LIPS: lips1 to lips3; of "
        "CPL: cpl1 to cpl4",
        description="Without a name: list the tables, and what is not known of the paper.",
    )
    paper.add_argument("table", nargs="?", help="e.g. table5")
    paper.add_argument("--format", choices=("table", "json"), default="table")
    paper.set_defaults(run=_paper)


def _paper(arguments: argparse.Namespace) -> int:
    from bench.reports.paper import find_table, table_names

    if arguments.table is None:
        return _overview(table_names())
    found = find_table(arguments.table)
    if arguments.format == "json":
        print(json.dumps(asdict(found), indent=2, ensure_ascii=False))
    else:
        _print(found)
    return 0


def _overview(names: list[str]) -> int:
    from bench.reports.paper import find_table, read_tables

    whole = read_tables()
    for name in names:
        found = find_table(name)
        print(f"{name:9} [{found.mark}] {found.title}")
    for entry in whole["missing"]:
        print(f"{entry['id']:9} missing: {entry['why']}")
    for mark, meaning in whole["marks"].items():
        print(f"[{mark}] {meaning}")
    for sentence in (c["says"] for c in whole["conflicts"]):
        print(f"conflict: {sentence}")
    for sentence in whole["unverified"]:
        print(f"unverified: {sentence}")
    return 0


def _print(found: PaperTable) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from bench.reports.paper import read_tables

    whole = read_tables()
    titles = {key: facts["title"] for key, facts in whole["benchmarks"].items()}
    notes = [
        f"[{found.mark}] {whole['marks'][found.mark]}; {found.unit}; {found.arxiv}.",
        *found.notes,
        *(f"Conflict: {sentence}" for sentence in found.conflicts),
    ]
    rich = Table(
        title=Text(f"{found.id}: {found.title}"),
        caption=Text("\n".join(notes)),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1),
    )
    rich.add_column("", overflow="fold")
    for column in found.columns:
        rich.add_column(titles.get(column, column), justify="right")
    for label, values in zip(found.labels, found.rows, strict=True):
        rich.add_row(Text(label), *map(_number, values))
    print_rich(rich)


def _number(value: float | None) -> str:
    """Return a value with the digits that the paper prints, at least one decimal below 100."""
    if value is None:
        return "-"
    return (
        f"{value:,.0f}"
        if value > 100
        else f"{value:.1f}"
        if round(value, 1) == value
        else f"{value:g}"
    )
