"""Judgements as a table; nothing is computed here but the rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench import stats
from bench.prm_bench.metrics import Judgement, Threshold
from bench.reports.grid import Grid

SCHEMA_VERSION = 1
"""Version of the JSON that `to_json` returns."""


def lay_out(judgements: Sequence[Judgement], model: str, threshold: Threshold) -> list[Grid]:
    """Return a table for each benchmark, a row a part, that fits 80 columns."""
    grids = []
    for source in dict.fromkeys(each.source for each in judgements):
        heads = ["Part", "n", *_HEADS[source]]
        rows = [
            [each.part, str(each.solutions), *map(_cell, (each.found, each.passed, each.score))]
            for each in judgements
            if each.source == source
        ]
        grids.append(Grid(f"{source} · {model}", heads, rows, [_NOTES[source], _tell(threshold)]))
    return grids


def to_json(judgements: Sequence[Judgement], model: str, threshold: Threshold) -> dict[str, Any]:
    """Return JSON values, shares as fractions."""
    return {
        "schema": SCHEMA_VERSION,
        "ppm": model,
        "threshold": asdict(threshold),
        "parts": [asdict(each) for each in judgements],
    }


_HEADS = {
    "ProcessBench": ["wrong, found", "right, passed", "F1"],
    "PRMBench": ["F1 of wrong", "F1 of right", "PRMScore"],
}
_NOTES = {
    "ProcessBench": "Percent. Found: of the solutions with a wrong step those whose first one is "
    "named; passed: of the right ones those of which no step is. F1: their harmonic mean. 95 %, "
    "Wilson, and by drawing solutions again.",
    "PRMBench": "Percent, over steps. PRMScore: the mean of the two F1; a part without wrong steps "
    "has, as F1 of right, the share of its steps that count as right. 95 %, by drawing solutions "
    "again.",
}


def _cell(found: stats.Interval | None) -> str:
    if found is None:
        return "-"
    return f"{100 * found.estimate:.1f} [{100 * found.low:.0f},{100 * found.high:.0f}]"


def _tell(threshold: Threshold) -> str:
    told = f"A step counts as wrong below a probability of {threshold.value:.2f}"
    if threshold.fitted_on:
        return f"{told}, which is best on {threshold.fitted_on}: that split's own score is no test."
    return f"{told}."
