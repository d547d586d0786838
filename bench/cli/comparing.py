"""`compare-runs`, `gate`: is one run better than another, and good enough?

`gate` exits with 0 for GO, 1 for NO-GO and 3 for INCONCLUSIVE; 2 is for what a user can fix.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import positive_integer
from bench.console import print_rich
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.reports.gating import Gate
    from bench.runs.reader import Run

_FLIPS = 5


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_compare_runs(verbs)
    _add_gate(verbs)


def _add_compare_runs(verbs: Any) -> None:
    command = verbs.add_parser(
        "compare-runs",
        help="test stored runs against the first one, paired; show what flipped",
        description="Compare runs with the first one, problem by problem: differences with their "
        "intervals, exact tests corrected for their number, and the problems that flipped. Runs "
        "that asked other problems or were graded otherwise are refused. A folder with a run for "
        "each of several benchmarks counts as one run on all their problems.",
    )
    command.add_argument(
        "base", type=Path, metavar="BASE", help="a run directory, or such a folder"
    )
    command.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="what is tested")
    command.add_argument(
        "--at",
        metavar="BUDGET",
        help="cut all at a budget of each problem: tokens=N, flops=F, or seconds=S (then answers "
        "that took longer are none)",
    )
    command.add_argument(
        "--pair",
        action="append",
        default=[],
        metavar="METHOD[:BASE_METHOD]",
        help="what is compared, e.g. mcts_likely:majority; may be repeated [every method that both "
        "have, or the first of each]",
    )
    command.add_argument(
        "--flips",
        type=positive_integer,
        default=_FLIPS,
        metavar="N",
        help="flips that are printed of each comparison [%(default)s]",
    )
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    command.set_defaults(run=_compare_runs)


def _add_gate(verbs: Any) -> None:
    command = verbs.add_parser(
        "gate",
        help="GO, NO-GO or INCONCLUSIVE: is a run as good as its base, by a policy file?",
        description="Judge a run, or a folder of runs, against a base by a policy file; also the "
        "same texts under another checker (`rescore`). Exits with 0 for GO, 1 for NO-GO, 3 for "
        "INCONCLUSIVE.",
    )
    command.add_argument("policy", type=Path, metavar="POLICY.yaml", help="what is asked")
    command.add_argument("candidate", type=Path, metavar="RUN", help="a run, or a folder of runs")
    command.add_argument("base", type=Path, metavar="BASE", help="what it is held against")
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    command.set_defaults(run=_gate)


def _compare_runs(arguments: argparse.Namespace) -> int:
    from bench.reports.comparing import compare_runs, parse_budget, parse_pair
    from bench.reports.comparing_view import lay_out, list_flips, to_json
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
    from bench.reports.pooled import load_pooled

    at = None if arguments.at is None else parse_budget(arguments.at)
    pairs = [parse_pair(text) for text in arguments.pair]
    base, *others = (load_pooled(path) for path in (arguments.base, *arguments.runs))
    comparison = compare_runs(base, others, at=at, pairs=pairs)
    if arguments.format == "json":
        print(json.dumps(to_json(comparison), indent=2))
        return 0
    flips = list_flips(comparison, arguments.flips)
    if arguments.format == "markdown":
        print(grid_to_markdown(lay_out(comparison)))
        print("\n".join(["```text", *flips, "```"]))
        return 0
    print_rich(grids_to_rich([lay_out(comparison)]), columns=COLUMNS)
    print("\n".join(["", *flips]))
    return 0


def _gate(arguments: argparse.Namespace) -> int:
    from bench.reports.gating import judge_run, read_policy
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich

    policy = read_policy(arguments.policy)
    gate = judge_run(policy, _pair_runs(arguments.candidate, arguments.base))
    match arguments.format:
        case "json":
            checks = [
                {
                    "subject": each.subject,
                    "asked": each.asked,
                    "found": each.found,
                    "n": each.n,
                    "verdict": each.verdict,
                }
                for each in gate.checks
            ]
            data = {"verdict": gate.verdict, "checks": checks, "notes": list(gate.notes)}
            print(json.dumps(data, indent=2))
        case "markdown":
            print(grid_to_markdown(_lay_out_gate(gate)), end="")
        case _:
            print_rich(grids_to_rich([_lay_out_gate(gate)]), columns=COLUMNS)
    return gate.verdict.exit_code


def _lay_out_gate(gate: Gate) -> Any:
    from bench.reports.grid import Grid

    return Grid(
        f"gate: {gate.verdict}",
        ["Checked", "Asked", "Found", "n", "Verdict"],
        [[c.subject, c.asked, c.found, str(c.n), str(c.verdict)] for c in gate.checks],
        gate.notes,
        left=frozenset({0, 1, 2, 4}),
    )


def _pair_runs(candidate: Path, base: Path) -> list[tuple[Run, Run]]:
    """Return each run with its base: of folders, those of one benchmark and one search."""
    from bench.runs.finding import find_runs
    from bench.runs.reader import load_run

    sides = [[load_run(path) for path in find_runs([folder])] for folder in (candidate, base)]
    if [len(side) for side in sides] == [1, 1]:
        return [(sides[0][0], sides[1][0])]
    by_kind: list[dict[tuple[str, str], Run]] = []
    for side in sides:
        found: dict[tuple[str, str], Run] = {}
        for run in side:
            kind = run.benchmark, run.search
            if kind in found:
                raise BenchError(
                    f"{found[kind].path} and {run.path} are both runs of {kind[1]} on {kind[0]}; "
                    "give folders with one of each"
                )
            found[kind] = run
        by_kind.append(found)
    missing = [kind for kind in by_kind[1] if kind not in by_kind[0]]
    if missing:
        benchmark, search = missing[0]
        raise BenchError(
            f"{candidate} holds no run of {search} on {benchmark}, and {base} does; a gate needs a "
            "run for each base"
        )
    return [(by_kind[0][kind], run) for kind, run in by_kind[1].items()]
