"""A sweep: every combination of what a YAML file lists, each run once, and none that is covered.

A run of n samples holds every smaller number of them and every selector; a tree of n rollouts
holds, by its clock, every smaller tree. A cell of the sweep that another covers is therefore not
run: it is read off the other's run. Each other cell is a run directory whose name says what it is,
so that a sweep is resumed, and grows by what is added to its file. How the file is read is
`bench.evaluation.sweep_file`, what a sweep will take `bench.evaluation.estimate`, and what becomes
of its runs `bench.reports.sweeps`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.checkpoints.checkpoint import Checkpoint
from bench.checkpoints.weights import attention_width, parameters
from bench.evaluation.comparison import run_all
from bench.evaluation.memory import demand_of, needs_pool
from bench.evaluation.runner import CONCURRENCY
from bench.evaluation.spec import Resolved, RunSpec, resolve
from bench.evaluation.sweep_file import Combination
from bench.reports.sweeps import SweptCell
from bench.runs.reader import Run
from bench.sandbox import Level
from bench.search import Sampling, SearchConfig
from bench.search.compute import ModelSize
from bench.types import Problem


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination, its names looked up."""

    name: str
    """Of its run directory."""
    resolved: Resolved
    varied: Mapping[str, str]
    """What tells it from the others: keys of the file that have several values in it."""
    covered_by: str | None = None
    """The cell whose run holds it; None: it has one of its own."""


def plan_cells(combinations: Sequence[Combination]) -> list[Cell]:
    """Look up every combination; return the cells in their order. Raises BenchError."""
    problems: dict[tuple[str, int | None, bool], Sequence[Problem]] = {}
    cells = []
    for each in combinations:
        spec = each.spec
        asked = spec.benchmark, spec.limit, spec.errata
        resolved = resolve(spec, problems.get(asked))
        problems[asked] = resolved.problems
        cells.append(Cell(each.name, resolved, each.varied))
    own = _find_own(cells)
    names = {cell.name for cell in own}
    return [
        cell
        if cell.name in names
        # Covering is transitive, so what covers a cell is itself covered by one with a run.
        else replace(cell, covered_by=next(each.name for each in own if covers(each, cell)))
        for cell in cells
    ]


def list_own(cells: Sequence[Cell], out: Path) -> dict[Path, RunSpec]:
    """Return the runs that a sweep consists of, by their directories, in the order to run them.

    Those of one policy come together, the widest first: its engine is opened once.
    """
    own = [cell for cell in cells if cell.covered_by is None]
    engines = list(dict.fromkeys(map(_engine_of, own)))

    def order(cell: Cell) -> tuple[int, int]:
        resolved = cell.resolved
        pool = needs_pool(demand_of(resolved, CONCURRENCY)) if resolved.policy else 0
        return engines.index(_engine_of(cell)), -pool

    return {out / cell.name: cell.resolved.spec for cell in sorted(own, key=order)}


async def run_sweep(
    cells: Sequence[Cell],
    out: Path,
    *,
    concurrency: int | None = None,
    level: Level | None = None,
) -> list[SweptCell]:
    """Run what is missing below `out`; return every cell with the run that holds it.

    Raises BenchError.
    """
    own = list_own(cells, out)
    runs = dict(zip(own, await run_all(own, concurrency=concurrency, level=level), strict=True))
    return [_read_cell(cell, runs[out / (cell.covered_by or cell.name)]) for cell in cells]


def covers(run: Cell, cell: Cell) -> bool:
    """Whether the run of one cell holds all that another asks for."""
    a, b = run.resolved, cell.resolved
    if a.spec.policy is None and not a.entry.asks_policy:
        return False  # decided statements leave no clock
    if _common(a) != _common(b):
        return False
    if a.entry.is_sampling and a.entry.function is b.entry.function:
        holds = set(b.selectors) <= set(a.selectors)
        same_ppm = b.ppm is None or (a.ppm is not None and a.ppm.digest == b.ppm.digest)
        return holds and same_ppm and _holds(a.search_config, b.search_config, a.entry.prefix_knob)
    return (
        a.spec.search == b.spec.search
        and a.aggregate == b.aggregate
        and _digest(a.ppm) == _digest(b.ppm)
        and _holds(a.search_config, b.search_config, a.entry.prefix_knob)
    )


def _find_own(cells: Sequence[Cell]) -> list[Cell]:
    """Return the cells that no other covers; of two that cover each other the first one."""
    return [
        cell
        for at, cell in enumerate(cells)
        if not any(
            place != at and covers(other, cell) and (place < at or not covers(cell, other))
            for place, other in enumerate(cells)
        )
    ]


def _common(resolved: Resolved) -> tuple[object, ...]:
    """Return what two runs must have in common for one to hold the other, but for the search."""
    spec = resolved.spec
    asked = spec.benchmark, spec.limit, spec.errata, spec.seed, spec.sampling, spec.conventions
    policy = resolved.policy
    computed = resolved.engine, spec.precision
    return (*asked, *computed, _digest(policy), policy and policy.template)


def _holds(large: SearchConfig, small: SearchConfig, counts: str | None) -> bool:
    """Whether a search with one budget, but for that alike, holds one with another."""
    if counts is None:
        return large == small
    budget = {
        name: getattr(small, name) for name in (counts, "tokens", "at_once") if hasattr(small, name)
    }
    if replace(large, **budget) != small or getattr(large, counts) < getattr(small, counts):
        return False
    spent, wanted = (getattr(config, "tokens", None) for config in (large, small))
    if isinstance(large, Sampling):  # goes on until its tokens are spent
        return wanted is None or (spent is not None and spent >= wanted)
    return spent is None or (wanted is not None and wanted <= spent)


def _engine_of(cell: Cell) -> tuple[str | None, ...]:
    resolved = cell.resolved
    return _digest(resolved.policy), resolved.engine, resolved.spec.precision


def _digest(checkpoint: Checkpoint | None) -> str | None:
    return None if checkpoint is None else checkpoint.digest


def _read_cell(cell: Cell, run: Run) -> SweptCell:
    resolved, config = cell.resolved, cell.resolved.search_config
    counts = resolved.entry.prefix_knob
    tokens = getattr(config, "tokens", None)
    return SweptCell(
        name=cell.name,
        varied=cell.varied,
        seed=resolved.spec.seed,
        run=run,
        covered=cell.covered_by is not None,
        methods=tuple(resolved.selectors),
        aggregate=resolved.aggregate,
        # Samples go on until their tokens are spent: of them the tokens are all the budget.
        rollouts=None
        if counts is None or (tokens is not None and isinstance(config, Sampling))
        else getattr(config, counts),
        tokens=tokens,
        policy=_size(resolved.policy),
        ppm=_size(resolved.ppm),
    )


def _size(checkpoint: Checkpoint | None) -> ModelSize | None:
    if checkpoint is None:
        return None
    return ModelSize(parameters(checkpoint), attention_width(checkpoint))
