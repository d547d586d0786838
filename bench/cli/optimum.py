"""`compute-optimal`: which search is best for how hard a problem, out of stored runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench.cli.options import positive_integer, positive_integers
from bench.console import print_rich


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "compute-optimal",
        help="say which search is best for how hard a problem, at equal tokens",
        description="Of stored runs of one policy on the same problems: for each bin of difficulty "
        "the search that does best at a budget, learnt on one half of the problems and judged on "
        "the other, against one search for all. Give a run of --search sample among them.",
    )
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directories")
    command.add_argument(
        "--tokens",
        type=positive_integers,
        default=(512, 1024),
        metavar="N[,N...]",
        help="budgets: generated tokens of a problem [512,1024]",
    )
    command.add_argument(
        "--bins", type=positive_integer, default=3, metavar="N", help="of difficulty [%(default)s]"
    )
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    command.set_defaults(run=_compute_optimal)


def _compute_optimal(arguments: argparse.Namespace) -> int:
    from bench.reports.compute_optimal import lay_out, read_optima
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
    from bench.runs.reader import load_run

    runs = [load_run(path) for path in arguments.runs]
    optima = read_optima(runs, arguments.tokens, bins=arguments.bins)
    title = f"Compute-optimal · {runs[0].policy} on {runs[0].benchmark}"
    match arguments.format:
        case "json":
            print(json.dumps([each.to_json() for each in optima], indent=2))
        case "markdown":
            print("\n".join(map(grid_to_markdown, lay_out(optima, title))), end="")
        case _:
            print_rich(grids_to_rich(lay_out(optima, title)), columns=COLUMNS)
    return 0
