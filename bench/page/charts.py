"""What the page draws and lists: charts and tables as plain data, whatever they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Point = tuple[float, float, float | None, float | None]
"""Place, value, and the lower and upper end of an interval, where there is one."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    points: Sequence[Point]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over one axis, with bands; `percent` charts run from 0 to 100."""

    title: str
    x: str
    y: str
    series: Sequence[Series]
    note: str = ""
    percent: bool = True
    dots: bool = False
    """Whether points stand for themselves: marked, and intervals drawn as bars, not as a band."""
    diagonal: bool = False
    """Whether x = y is drawn, as what is hoped for."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "title": self.title,
            "x": self.x,
            "y": self.y,
            "note": self.note,
            "percent": self.percent,
            "dots": self.dots,
            "diagonal": self.diagonal,
            "series": [
                {
                    "name": each.name,
                    "dashed": each.dashed,
                    "points": [
                        [None if value is None else round(value, 6) for value in point]
                        for point in each.points
                    ],
                }
                for each in self.series
            ],
        }


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of texts."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "title": self.title,
            "header": list(self.header),
            "rows": [list(row) for row in self.rows],
            "note": self.note,
        }
