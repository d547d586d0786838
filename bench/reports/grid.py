"""A table of texts, laid out for a terminal or as Markdown; reports fill it, and compute before.

A cell may have two lines: a terminal shows both, Markdown joins them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

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
    sections: Mapping[int, str] = field(default_factory=dict)
    """Headings inside the table, each by the row that it stands above."""


def grids_to_rich(grids: Sequence[Grid]) -> Group:
    """Return grids, one below the other, for a terminal; what several note is told once, last."""
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = []
    for at, grid in enumerate(grids):
        if at:
            parts.append(Text())
        parts.append(Text(grid.title, style="bold"))
        first = min(grid.sections, default=len(grid.rows))
        parts.append(_lay_out(grid, grid.rows[:first], with_heads=True))
        for start, end in pairwise([*sorted(grid.sections), len(grid.rows)]):
            parts.append(Text(grid.sections[start], style="bold"))
            parts.append(_lay_out(grid, grid.rows[start:end], with_heads=False))
        later = {note for other in grids[at + 1 :] for note in other.notes}
        parts += (Text(note) for note in grid.notes if note not in later)
    return Group(*parts)


def _lay_out(grid: Grid, rows: Sequence[Sequence[str]], *, with_heads: bool) -> Table:
    """Return some rows of a grid; all its parts have columns of the same widths."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, show_header=with_heads)
    for at, head in enumerate(grid.heads):
        cells = (head, *(row[at] for row in grid.rows))
        widest = max(len(line) for cell in cells for line in cell.split("\n"))
        left = at in grid.left
        table.add_column(
            head,
            justify="left" if left else "right",
            no_wrap=not left,
            overflow="fold",
            min_width=widest if grid.sections else None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def grid_to_markdown(grid: Grid) -> str:
    """Return a grid as GitHub Markdown."""
    rule = ["---" if at in grid.left else "---:" for at in range(len(grid.heads))]
    lines = [f"**{grid.title}**", "", markdown_line(grid.heads), markdown_line(rule)]
    for at, row in enumerate(grid.rows):
        if at in grid.sections:
            lines.append(markdown_line([f"**{grid.sections[at]}**", *[""] * (len(row) - 1)]))
        lines.append(markdown_line(row))
    return "\n".join([*lines, "", *(f"- {note}" for note in grid.notes)]) + "\n"


def markdown_line(cells: Iterable[str]) -> str:
    """Return one line of a Markdown table."""
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"
