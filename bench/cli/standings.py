"""`leaderboard`: all stored runs below some folders, ranked as far as the tests tell them apart."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bench.console import print_rich


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "leaderboard",
        help="rank all runs below some folders; rows that no test tells apart share a rank",
        description="Rank stored runs, a board for each benchmark and way of grading. Rows that no "
        "corrected paired test tells apart share a rank; rows of the papers stand apart. Each row "
        "names the command that makes it again. Runs of samples have a table of every number of "
        "samples below their board.",
    )
    command.add_argument(
        "folders", type=Path, nargs="+", metavar="DIR", help="run directories, or folders of them"
    )
    command.add_argument(
        "--out",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="write the boards to a .md, .json, .csv or .parquet file; may be repeated",
    )
    command.add_argument(
        "--plot",
        type=Path,
        metavar="SVG",
        help="draw the runs of samples against their number, with bands, into this file",
    )
    command.set_defaults(run=_leaderboard)


def _leaderboard(arguments: argparse.Namespace) -> int:
    from bench.files.atomic import replace
    from bench.files.outputs import check_output
    from bench.reports.every_k_view import draw_every_k
    from bench.reports.grid import COLUMNS, grids_to_rich
    from bench.reports.standings import rank_runs
    from bench.reports.standings_view import encode, lay_out
    from bench.runs.finding import find_runs
    from bench.runs.reader import load_run

    paths = find_runs(arguments.folders)
    drawn = [arguments.plot] if arguments.plot else []
    for file in [*arguments.out, *drawn]:
        check_output(file, paths)
    standings = rank_runs(load_run(path) for path in paths)
    encoded = {file: encode(standings, file.suffix) for file in arguments.out}
    for file, data in encoded.items():
        replace(file, data)
    for file in drawn:
        replace(file, draw_every_k([of for board in standings.boards for of in board.every_k]))
    print_rich(grids_to_rich(lay_out(standings)), columns=COLUMNS)
    for note in standings.notes:
        print(note)
    return 0
