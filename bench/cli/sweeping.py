"""`sweep`: every combination of what a YAML file lists, as runs, tables and curves."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import add_level, positive_integer, sandbox_level
from bench.console import print_rich
from bench.errors import BenchError, MissingExtraError

if TYPE_CHECKING:
    from bench.evaluation.estimate import Estimate
    from bench.evaluation.sweep import Cell
    from bench.reports.sweeps import Swept

_RUNS = Path("results/runs")


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    sweep = verbs.add_parser(
        "sweep",
        help="run every combination of benchmarks, policies, searches and knobs that a file lists",
        description="Run every combination that a YAML file lists, each once; one that a larger "
        "run holds is read off that. Then print a table for each benchmark, with the Pareto "
        "front, and write tables.md, sweep.json and a picture of the curves for each benchmark. "
        "Repeat the command to resume it. The keys of the file are in "
        "bench/evaluation/sweep_file.py.",
    )
    sweep.add_argument("file", type=Path, metavar="FILE.yaml", help="what is varied")
    sweep.add_argument(
        "--dry-run",
        action="store_true",
        help="show the cells, what one holds of others, and about how many tokens and hours are "
        "left; two problems are run of each search that no stored run tells of",
    )
    sweep.add_argument(
        "--out", type=Path, metavar="DIR", help=f"where the runs go [{_RUNS}/NAME-OF-FILE]"
    )
    sweep.add_argument(
        "--concurrency", type=positive_integer, help="problems in flight; changes no result"
    )
    add_level(sweep)
    sweep.set_defaults(run=_sweep)


def _sweep(arguments: argparse.Namespace) -> int:
    from bench.evaluation.sweep import plan_cells, run_sweep
    from bench.evaluation.sweep_file import read_sweep
    from bench.reports.grid import COLUMNS, grids_to_rich
    from bench.reports.sweeps import read_swept
    from bench.reports.sweeps_view import lay_out

    out = _RUNS / arguments.file.stem if arguments.out is None else arguments.out
    if out.exists() and not out.is_dir():
        raise BenchError(f"{out} is a file; give a folder as --out")
    asked = read_sweep(arguments.file)
    cells = plan_cells(asked.combinations)
    level = sandbox_level(arguments)
    if arguments.dry_run:
        estimates = asyncio.run(_estimate(cells, out, asked.rates, level))
        print_rich(grids_to_rich([_lay_out_plan(cells, estimates)]), columns=COLUMNS)
        return 0
    done = asyncio.run(run_sweep(cells, out, concurrency=arguments.concurrency, level=level))
    swept = read_swept(done)
    grids = lay_out(swept)
    print_rich(grids_to_rich(grids), columns=COLUMNS)
    print(f"written: {', '.join(map(str, _write(swept, out)))}")
    return 0


async def _estimate(
    cells: Sequence[Cell], out: Path, rates: Sequence[Path], level: Any
) -> list[Estimate]:
    from bench.evaluation.estimate import estimate_cells, measure_cells

    estimates = estimate_cells(cells, out, rates)
    await measure_cells(estimates, out, level=level)
    return estimate_cells(cells, out, rates)


def _lay_out_plan(cells: Sequence[Cell], estimates: Sequence[Estimate]) -> Any:
    from bench.reports.grid import Grid

    rows = [
        [
            each.cell.name,
            f"{each.done}/{each.problems}",
            "finished" if each.done >= each.problems else "",
            f"{each.tokens:,.0f}",
            "?" if each.seconds is None else f"{each.seconds / 3600:.2f}",
        ]
        for each in estimates
    ]
    numbers = {each.cell.name: at for at, each in enumerate(estimates, start=1)}
    covered = [cell for cell in cells if cell.covered_by is not None]
    rows = [[str(at), *row] for at, row in enumerate(rows, start=1)]
    rows += [
        ["-", cell.name, "-", f"in {numbers[cell.covered_by or '']}", "-", "-"] for cell in covered
    ]
    seconds = sum(each.seconds or 0.0 for each in estimates)
    notes = [
        f"{len(estimates)} runs, {len(covered)} cells read off them: about "
        f"{sum(each.tokens for each in estimates):,.0f} tokens and {seconds / 3600:.2f} hours left."
    ]
    sources = dict.fromkeys(str(each.by) for each in estimates if each.by is not None)
    notes += [f"Reckoned by {source}." for source in sources]
    return Grid(
        "Sweep, not run",
        ["#", "Cell", "Done", "", "Tokens", "Hours"],
        rows,
        notes,
        left=frozenset({1, 3}),
    )


def _write(swept: Swept, out: Path) -> list[Path]:
    """Write tables, numbers and pictures; without matplotlib no pictures, which is said."""
    from bench.files.atomic import replace
    from bench.reports.grid import grid_to_markdown
    from bench.reports.sweeps_view import draw_sweep, lay_out, list_benchmarks

    tables = "\n".join(map(grid_to_markdown, lay_out(swept)))
    files = {
        out / "tables.md": tables.encode(),
        out / "sweep.json": (json.dumps(swept.to_json(), indent=2) + "\n").encode(),
    }
    try:
        for name in list_benchmarks(swept):
            files[out / f"curves-{name.replace(':', '_')}.svg"] = draw_sweep(swept, name)
    except MissingExtraError as error:
        sys.stderr.write(f"no pictures: {error}\n")
    for file, content in files.items():
        replace(file, content)
    return list(files)
