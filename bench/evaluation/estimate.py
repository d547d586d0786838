"""What a sweep will take, in tokens and hours, by what stored runs took.

A cell is reckoned by a run of the same policy on the same engine with the same search, best of the
same benchmark and the same budget; else in proportion to rollouts (samples, subtrees), candidates
and beams. Where there is none, the first two problems of a cell are run: it then goes on from
there, so nothing is wasted. Two problems keep an engine less busy than many do: hours by them are
rather too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.errors import RunDirError
from bench.evaluation.comparison import run_all
from bench.evaluation.sweep import Cell
from bench.reports.leaderboard import seconds_of_problem
from bench.runs.finding import find_runs
from bench.runs.reader import Run, load_run
from bench.sandbox import Level
from bench.search import Sampling
from bench.search.registry import SEARCHES

MEASURED = 2
"""Problems of a cell that are run where no stored run tells."""
_WIDTHS = ("candidates", "beam_width")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left to do of a cell."""

    cell: Cell
    done: int
    """Problems that its run holds."""
    tokens: float = 0.0
    """Generated tokens of the rest."""
    seconds: float | None = 0.0
    """None: nobody has measured anything like it."""
    by: Path | None = None
    """The run that it is reckoned by."""

    @property
    def problems(self) -> int:
        """Return how many problems the cell has."""
        return len(self.cell.resolved.problems)


@dataclass(frozen=True, slots=True)
class _Rate:
    """What a problem of a stored run took."""

    path: Path
    kind: tuple[Any, ...]
    benchmark: str
    units: float
    tokens: float
    seconds: float


def estimate_cells(cells: Sequence[Cell], out: Path, rates: Iterable[Path] = ()) -> list[Estimate]:
    """Return what is left of each cell that has a run of its own.

    Raises RunDirError: a folder of `rates` holds no run, or a damaged one.
    """
    own = [cell for cell in cells if cell.covered_by is None]
    stored = {cell.name: run for cell in own if (run := _load(out / cell.name)) is not None}
    known = [*stored.values(), *(load_run(path) for path in find_runs(rates))]
    found = [rate for run in known if (rate := _read_rate(run)) is not None]
    return [_estimate(cell, stored.get(cell.name), found) for cell in own]


async def measure_cells(
    estimates: Sequence[Estimate], out: Path, *, level: Level | None = None
) -> None:
    """Run two problems of the smallest cell of each kind that nobody has measured.

    Raises BenchError.
    """
    smallest: dict[tuple[Any, ...], Cell] = {}
    for each in estimates:
        if each.seconds is None:
            other = smallest.setdefault(_kind_of(each.cell), each.cell)
            if _units(_settings(each.cell)) < _units(_settings(other)):
                smallest[_kind_of(each.cell)] = each.cell
    specs = {
        out / cell.name: replace(
            cell.resolved.spec, limit=min(MEASURED, len(cell.resolved.problems))
        )
        for cell in smallest.values()
    }
    if specs:
        await run_all(specs, level=level)


def _estimate(cell: Cell, run: Run | None, rates: Sequence[_Rate]) -> Estimate:
    done = 0 if run is None else sum(not record.is_engine_error for record in run.records)
    left = len(cell.resolved.problems) - done
    if left <= 0:
        return Estimate(cell, done)
    units = _units(_settings(cell))
    like = [rate for rate in rates if rate.kind == _kind_of(cell)]
    if not like:
        return Estimate(cell, done, seconds=None)
    rate = min(
        like,
        key=lambda each: (
            each.benchmark != cell.resolved.spec.benchmark,
            max(each.units / units, units / each.units),
        ),
    )
    tokens = rate.tokens * units / rate.units
    limit = getattr(cell.resolved.search_config, "tokens", None)
    if limit is not None:
        fill = isinstance(cell.resolved.search_config, Sampling)
        tokens = max(tokens, limit) if fill else min(tokens, limit)
    share = tokens / rate.tokens if rate.tokens else 1.0
    return Estimate(cell, done, left * tokens, left * rate.seconds * share, rate.path)


def _load(path: Path) -> Run | None:
    try:
        return load_run(path)
    except RunDirError:
        return None  # there is none, or a resume mends it


def _read_rate(run: Run) -> _Rate | None:
    config = run.config
    seconds = seconds_of_problem(run)
    search, policy = config.get("search"), config.get("policy")
    if seconds is None or not run.records or not isinstance(search, Mapping):
        return None
    digest = policy.get("digest") if isinstance(policy, Mapping) else None
    benchmark = config.get("benchmark")
    return _Rate(
        path=run.path,
        kind=(digest, config.get("engine"), config.get("precision"), search.get("name")),
        benchmark=str(benchmark.get("name") if isinstance(benchmark, Mapping) else benchmark),
        units=_units(search),
        tokens=fmean(record.tokens.policy_generated for record in run.records),
        seconds=seconds,
    )


def _kind_of(cell: Cell) -> tuple[Any, ...]:
    resolved = cell.resolved
    digest = None if resolved.policy is None else resolved.policy.digest
    return digest, resolved.engine, resolved.spec.precision, resolved.spec.search


def _settings(cell: Cell) -> dict[str, Any]:
    return {"name": cell.resolved.spec.search, **asdict(cell.resolved.search_config)}


def _units(search: Mapping[str, Any]) -> float:
    """Return what the tokens of a search are taken to be in proportion to."""
    entry = SEARCHES.get(str(search.get("name")))
    counts = None if entry is None else entry.counts
    names = (*_WIDTHS, *filter(None, [counts]))
    return float(prod(value for name in names if isinstance(value := search.get(name), int)))
