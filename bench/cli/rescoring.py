"""`rescore`: a stored run under another checker, selector or PPM, as a run of its own."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.cli.options import add_convention, parse_conventions
from bench.console import Counter, print_rich


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "rescore",
        help="grade, choose or score a stored run anew, without sampling; a run of its own",
        description="Grade the stored answers by another checker or under other conventions, "
        "choose by another aggregate, or score the stored solutions by another PPM. Nothing is "
        "sampled. The result is a run directory of its own, whose run.json says what it was made "
        "of and what changed.",
    )
    command.add_argument("of", type=Path, metavar="RUN", help="a run directory, left as it is")
    command.add_argument(
        "--checker", metavar="NAME", help="who grades; see `rstar-bench checkers` [the run's own]"
    )
    command.add_argument(
        "--aggregate", metavar="NAME", help="of step scores: last, min, mean or product"
    )
    command.add_argument(
        "--ppm", metavar="NAME", help="who scores, of a run of samples: a published PPM or a folder"
    )
    add_convention(command)
    command.add_argument("--out", type=Path, required=True, help="a new run directory")
    command.set_defaults(run=_rescore)


def _rescore(arguments: argparse.Namespace) -> int:
    from bench.evaluation.rescoring import Change, rescore_run
    from bench.reports.comparing import compare_runs
    from bench.reports.comparing_view import lay_out
    from bench.reports.grid import COLUMNS, grids_to_rich
    from bench.reports.leaderboard import summary
    from bench.runs.derived import check_new, write_derived
    from bench.runs.reader import load_run

    check_new(arguments.out)
    source = load_run(arguments.of)
    names = [each.partition("=")[0] for each in arguments.convention]
    given = asdict(parse_conventions(arguments.convention))
    change = Change(
        checker=arguments.checker,
        aggregate=arguments.aggregate,
        ppm=arguments.ppm,
        conventions={name: given[name] for name in names} or None,
    )
    with Counter("rescore", len(source.records)) as counter:
        found = rescore_run(source, change, counter.tick)
    write_derived(arguments.out, found.run, source, summary(found.run), trees=found.trees)
    comparison = compare_runs(source, [load_run(arguments.out)])
    print_rich(grids_to_rich([lay_out(comparison)]), columns=COLUMNS)
    print(f"run directory: {arguments.out}")
    return 0
