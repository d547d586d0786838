"""The numbers of rStar-Math (arXiv 2501.04519v1), of LIPS and of CPL, to be read beside our own.

`results/paper.json` holds every table and the one figure that could be read, each with a mark of
certainty, and where a paper contradicts itself. Of LIPS (arXiv 2502.13834) no table was read: its
numbers come from its authors' code and from others, and are marked so; of CPL (arXiv 2409.08642)
the main table was, and the others are from notes. Values are as printed, in
percent; nothing here is computed from them. The papers' runs are of other policies and budgets than
ours: a row of a paper beside a run is orientation, not a comparison.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import DataError, UnknownNameError
from bench.files.shipped import find_shipped
from bench.variables import read_variable

_VARIABLE = "RSTAR_BENCH_PAPER"
_BESIDE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "policy": (("table10", "Qwen2.5-Math-7B"),),
    "planning policy": (("cpl1", "CPL, last round"),),
    "search": (
        ("table5", "rStar-Math (Qwen2.5-Math-7B"),
        ("table5", "rStar-Math^64 (Qwen2.5-Math-7B"),
        ("lips2", "LIPS without SOS"),
        ("lips2", "LIPS with SOS"),
    ),
}
"""The rows to print beside a run, by what was run: the table, and how the row's label begins."""
_METHODS = {"greedy": "policy", "majority": None, "plan_greedy": "planning policy"}
"""Selectors that are no search under a PPM; the paper has no majority of plain samples."""
_OF_CPL = ("plan_", "cpl")
"""How selectors begin that the papers have no results of: CPL evaluates no search."""


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table or figure: one value for each row and column, None where the paper has none."""

    id: str
    title: str
    mark: str
    """A letter; what it means is under `marks` in the file."""
    arxiv: str
    """The paper it is of."""
    unit: str
    columns: tuple[str, ...]
    """Benchmarks by the registry's names, or numbers of trajectories, or levels."""
    labels: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]
    notes: tuple[str, ...]
    conflicts: tuple[str, ...]
    """Where other places of the paper say something else."""

    def row(self, label: str) -> dict[str, float | None]:
        """Return the row whose label begins so. Raises KeyError."""
        for found, values in zip(self.labels, self.rows, strict=True):
            if found.startswith(label):
                return dict(zip(self.columns, values, strict=True))
        raise KeyError(label)


@cache
def read_tables() -> Mapping[str, Any]:
    """Return the whole file. Raises DataError where it is absent or damaged."""
    named = read_variable(_VARIABLE)
    file = Path(named) if named else find_shipped("results", "paper.json")
    try:
        found: Mapping[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"the paper's numbers cannot be read from {file} ({error}); install the package again, "
            f"or set {_VARIABLE} to results/paper.json of the project"
        ) from error
    return found


def table_names() -> list[str]:
    """Return the names that `table` knows."""
    whole = read_tables()
    return [entry["id"] for entry in (*whole["tables"], *whole["figures"])]


def find_table(name: str) -> PaperTable:
    """Return a table or figure by name, e.g. `table5`, or `cpl1`, which `cpl-table1` means as well.

    Raises UnknownNameError, DataError.
    """
    whole = read_tables()
    name = name.replace("-table", "")
    if name not in table_names():
        raise UnknownNameError("table of the paper", name, table_names())
    conflicts = tuple(c["says"] for c in whole["conflicts"] if name in c["about"])
    for entry in whole["figures"]:
        if entry["id"] == name:
            return _of_figure(entry, conflicts)
    entry = next(entry for entry in whole["tables"] if entry["id"] == name)
    return PaperTable(
        columns=tuple(entry["columns"]),
        labels=tuple(row["label"] for row in entry["rows"]),
        rows=tuple(tuple(row["values"]) for row in entry["rows"]),
        notes=tuple(entry["notes"]),
        conflicts=conflicts,
        **_heading(entry),
    )


def _of_figure(entry: Mapping[str, Any], conflicts: tuple[str, ...]) -> PaperTable:
    """Return a figure as a table: a row for each curve, a column for each number of trajectories.

    Values that the digitising could not see well are named in the notes.
    """
    titles = {key: facts["title"] for key, facts in read_tables()["benchmarks"].items()}
    curves: Sequence[Mapping[str, Any]] = entry["curves"]
    labels = tuple(f"{titles[curve['benchmark']]}: {curve['label']}" for curve in curves)
    unsure = [
        f"{label}, N = {n}: {why}."
        for label, curve in zip(labels, curves, strict=True)
        for n, why in curve.get("unsure", {}).items()
    ]
    return PaperTable(
        columns=tuple(f"N={n}" for n in entry["trajectories"]),
        labels=labels,
        rows=tuple(tuple(curve["values"]) for curve in curves),
        notes=tuple(unsure),
        conflicts=conflicts,
        **_heading(entry),
    )


def _heading(entry: Mapping[str, Any]) -> dict[str, str]:
    arxiv = entry.get("arxiv", read_tables()["paper"]["arxiv"])
    return {"arxiv": arxiv, **{key: entry[key] for key in ("id", "title", "mark", "unit")}}


@dataclass(frozen=True, slots=True)
class Quoted:
    """A number of a paper on a whole benchmark, in percent."""

    label: str
    value: float
    source: str
    """Table and paper, and how sure the number is."""


def list_quoted(benchmark: str) -> list[Quoted]:
    """Return what the papers report of their own systems on a benchmark.

    Nothing where they have nothing, or the file of their numbers is absent.
    """
    try:
        marks = read_tables()["marks"]
    except DataError:
        return []
    found = []
    for table, label in (row for rows in _BESIDE.values() for row in rows):
        if benchmark in find_table(table).columns:
            of_paper = find_table(table)
            whole, value = _value(table, label, benchmark)
            if value is not None:
                source = f"{table} of arXiv {of_paper.arxiv}: {marks[of_paper.mark]}"
                found.append(Quoted(whole, value, source))
    return found


def describe_paper_result(benchmark: str, method: str) -> str | None:
    """Return what the paper has on a benchmark for such a selector, in one sentence.

    None where it has nothing: another benchmark, a part of one, or no file of the paper's numbers.
    """
    system = _METHODS.get(method, None if method.startswith(_OF_CPL) else "search")
    if system is None:
        return None
    try:
        rows = [(name, *_value(name, label, benchmark)) for name, label in _BESIDE[system]]
    except (DataError, KeyError):
        return None
    found = [f"{label} {value:.1f} ({name})" for name, label, value in rows if value is not None]
    if not found:
        return None
    return f"Paper, whole {benchmark}, percent: {'; '.join(found)}. Other policies and budgets."


def _value(name: str, label: str, benchmark: str) -> tuple[str, float | None]:
    found = find_table(name)
    whole_label = next(each for each in found.labels if each.startswith(label))
    return whole_label, found.row(label).get(benchmark)
