"""`stopping`: what a vote that stops early would have saved of stored samples."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench.cli.options import positive_integer
from bench.console import print_rich

_CONFIDENCES = (0.8, 0.9, 0.95, 0.99)
_WINDOWS = (2, 4)


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "stopping",
        help="say what a vote that stops when its samples agree would have saved",
        description="Play rules that stop a vote early on stored runs of --search sample, without "
        "sampling again: adaptive-consistency's beta rule and ESC's windows. Says the tokens "
        "saved, and the accuracy against all samples and against a fixed number of them.",
    )
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directories")
    command.add_argument(
        "--confidence",
        type=_confidence,
        action="append",
        metavar="P",
        help=f"how sure the beta rule is to be; may be repeated [{_say(_CONFIDENCES)}]",
    )
    command.add_argument(
        "--window",
        type=positive_integer,
        action="append",
        metavar="N",
        help=f"samples of a window that must agree; may be repeated [{_say(_WINDOWS)}]",
    )
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    command.set_defaults(run=_stopping)


def _say(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0.5 to less than 1")
    return value


def _stopping(arguments: argparse.Namespace) -> int:
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
    from bench.reports.stopping import lay_out, read_stopping
    from bench.runs.reader import load_run

    found = read_stopping(
        (load_run(path) for path in arguments.runs),
        confidences=arguments.confidence or _CONFIDENCES,
        windows=arguments.window or _WINDOWS,
    )
    match arguments.format:
        case "json":
            print(json.dumps([each.to_json() for each in found], indent=2))
        case "markdown":
            print("\n".join(map(grid_to_markdown, lay_out(found))), end="")
        case _:
            print_rich(grids_to_rich(lay_out(found)), columns=COLUMNS)
    return 0
