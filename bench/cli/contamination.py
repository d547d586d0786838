"""`find_overlaps`: which training problems are in which benchmark."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.types import Problem


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    command = verbs.add_parser(
        "contamination",
        help="find training problems that benchmarks hold, too",
        description="Equal texts, and texts that hold at least half of a problem's 13-grams.",
    )
    command.add_argument(
        "--train", required=True, metavar="FILE_OR_POOL", help="JSON Lines file, or e.g. math_train"
    )
    command.add_argument(
        "--against",
        nargs="+",
        default=["all"],
        metavar="NAME",
        help="benchmarks, or all [%(default)s]",
    )
    command.add_argument("--out", type=Path, help="write the rows, for the trainer to drop")
    command.add_argument("--list", action="store_true", help="print every pair of rows")
    command.set_defaults(run=_contamination)


def _contamination(arguments: argparse.Namespace) -> int:
    from bench.files.atomic import replace
    from bench.files.outputs import check_output
    from bench.problems import BENCHMARKS, Role, load
    from bench.problems.contamination import choose, encode, find_overlaps

    train = _training_rows(arguments.train)
    if arguments.out is not None:
        check_output(arguments.out, [Path(arguments.train)])
    known = {name: entry for name, entry in BENCHMARKS.items() if entry.role is Role.EVAL}
    names = choose(arguments.against, known)
    benchmarks = {name: load(name, errata=False) for name in names}
    overlaps = find_overlaps(train, benchmarks)
    if arguments.list:
        for each in overlaps:
            kind = "exact" if each.exact else f"{each.share:.2f}"
            print(f"{each.train_id}  {each.benchmark}  {each.problem_id}  {kind}")
    print(f"{'benchmark':16} {'problems':>8} {'held':>6} {'training rows':>14} {'exact':>6}")
    for name, problems in benchmarks.items():
        found = [each for each in overlaps if each.benchmark == name]
        rows = {each.train_id for each in found}
        exact = {each.train_id for each in found if each.exact}
        held = {each.problem_id for each in found}
        print(f"{name:16} {len(problems):8} {len(held):6} {len(rows):14} {len(exact):6}")
    rows = {each.train_id for each in overlaps}
    print(f"{arguments.train}: {len(rows)} of {len(train)} rows are in a benchmark")
    if arguments.out is not None:
        replace(arguments.out, encode(overlaps))
        print(f"rows to drop: {arguments.out}")
    return 0


def _training_rows(given: str) -> list[Problem]:
    from bench.errors import UnknownNameError
    from bench.problems import BENCHMARKS, load
    from bench.problems.contamination import read_training_file

    path = Path(given)
    if given.split(":")[0] in BENCHMARKS:
        return load(given, errata=False)
    if not path.is_file():
        raise UnknownNameError("training pool, nor is it a file,", given, BENCHMARKS)
    return read_training_file(path)
