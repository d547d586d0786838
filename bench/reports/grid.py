"""A table of texts, laid out for a terminal or as Markdown; reports fill it, and compute before.

A cell may have two lines: a terminal shows both, Markdown joins them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.reports.render import markdown_line

if TYPE_CHECKING:
    from rich.console import Group

COLUMNS = 80
"""Width of a terminal that every grid has to fit."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A title, headings, rows and the sentences below them."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    left: frozenset[int] = frozenset({0})
    """Columns of words: set to the left, and folded where there is no room; others are numbers."""


def grids_to_rich(grids: Sequence[Grid]) -> Group:
    """Return grids, one below the other, for a terminal."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Table | Text] = []
    for grid in grids:
        table = Table(box=box.SIMPLE_HEAD, padding=0)
        for at, head in enumerate(grid.heads):
            left = at in grid.left
            table.add_column(
                head, justify="left" if left else "right", no_wrap=not left, overflow="fold"
            )
        for row in grid.rows:
            table.add_row(*map(Text, row))
        parts += [Text(grid.title, style="bold"), table, *map(Text, grid.notes)]
    return Group(*parts)


def grid_to_markdown(grid: Grid) -> str:
    """Return a grid as GitHub Markdown."""
    rule = ["---" if at in grid.left else "---:" for at in range(len(grid.heads))]
    lines = [f"**{grid.title}**", "", markdown_line(grid.heads), markdown_line(rule)]
    lines += map(markdown_line, grid.rows)
    return "\n".join([*lines, "", *(f"- {note}" for note in grid.notes)]) + "\n"
