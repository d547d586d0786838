"""What a corpus of cases covers: how many rows of each category, and how many of them are equal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.checkers.cases import Case


@dataclass(frozen=True, slots=True)
class Coverage:
    """One category of a corpus."""

    category: str
    rows: int
    equal: int
    unequal: int
    """Rows of another label (no answer, invalid reference) are in neither."""


def list_coverage(cases: Iterable[Case]) -> list[Coverage]:
    """Return every category, the thinnest first."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(case.category, []).append(case)
    found = [
        Coverage(
            category,
            len(group),
            sum(case.equal is True for case in group),
            sum(case.equal is False and case.outcome is None for case in group),
        )
        for category, group in groups.items()
    ]
    return sorted(found, key=lambda each: (each.rows, each.category))
