"""`compare-runs`, `gate`, `plan`: is one run better than another, good enough, and can one tell?

`gate` exits with 0 for GO, 1 for NO-GO and 3 for INCONCLUSIVE; 2 is for what a user can fix.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import positive_integer
from bench.console import print_rich
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.reports.gating import Gate
    from bench.runs.reader import Run

_SEEDS = (1, 2, 4, 8)
_FLIPS = 5


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_compare_runs(verbs)
    _add_gate(verbs)
    _add_plan(verbs)


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


def _add_plan(verbs: Any) -> None:
    command = verbs.add_parser(
        "plan",
        help="how many problems, and seeds, show a difference of so many points",
        description="How many problems a paired comparison of two methods needs to find a true "
        "difference, for several numbers of seeds.",
    )
    command.add_argument(
        "--detect", type=_share, required=True, metavar="POINTS", help="e.g. 2pp, or 0.02"
    )
    command.add_argument(
        "--power", type=_chance, default=0.8, help="chance of finding it [%(default)s]"
    )
    command.add_argument(
        "--alpha", type=_chance, default=0.05, help="level of the two-sided test [%(default)s]"
    )
    command.add_argument(
        "--discordant",
        type=_share,
        default=0.2,
        help="share of the problems that exactly one of the two solves; `compare-runs` shows it as "
        "won/lost [%(default)s]",
    )
    command.add_argument(
        "--redrawn",
        type=_share,
        default=0.5,
        help="share of the variance of a problem's difference that another seed draws anew "
        "[%(default)s]",
    )
    command.add_argument(
        "--comparisons",
        type=positive_integer,
        default=1,
        help="made together, of which the strictest is planned for [%(default)s]",
    )
    command.set_defaults(run=_plan)


LEAST = 1e-6
"""The smallest share that is read: no number of problems finds a smaller one."""


def _share(text: str) -> float:
    """Read a share of 1: `2pp`, `2%` or `0.02`."""
    number, unit = text, 1.0
    for suffix in ("pp", "%"):
        if text.endswith(suffix):
            number, unit = text.removesuffix(suffix), 100.0
    try:
        value = float(number) / unit
    except ValueError:
        value = 0.0
    if not LEAST <= value <= 1:
        raise argparse.ArgumentTypeError(
            f"{text!r} is wrong; it must be a share above 0 and up to 1: 2pp, 2% or 0.02"
        )
    return value


def _chance(text: str) -> float:
    """Read a share below 1: nothing is found, or excluded, with certainty."""
    value = _share(text)
    if value == 1:
        raise argparse.ArgumentTypeError(f"{text!r} is wrong; it must be below 1")
    return value


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
    from bench.reports.leaderboard import configured
    from bench.runs.finding import find_runs
    from bench.runs.reader import load_run

    sides = [[load_run(path) for path in find_runs([folder])] for folder in (candidate, base)]
    if [len(side) for side in sides] == [1, 1]:
        return [(sides[0][0], sides[1][0])]
    by_kind: list[dict[tuple[str, str], Run]] = []
    for side in sides:
        found: dict[tuple[str, str], Run] = {}
        for run in side:
            kind = str(configured(run, "benchmark")), str(configured(run, "search"))
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


def _plan(arguments: argparse.Namespace) -> int:
    from bench.reports.grid import COLUMNS, grids_to_rich

    if max(arguments.power, arguments.alpha) >= 1:
        raise BenchError(
            f"--power {arguments.power:g} and --alpha {arguments.alpha:g} are chances, both below "
            "1; give e.g. 0.8 and 0.05"
        )
    if arguments.detect > arguments.discordant:
        raise BenchError(
            f"a difference of {100 * arguments.detect:g} points needs at least as many problems on "
            f"which the two differ, and --discordant is {arguments.discordant:g}; give a larger one"
        )
    print_rich(grids_to_rich([_lay_out_plan(arguments)]), columns=COLUMNS)
    return 0


def _lay_out_plan(arguments: argparse.Namespace) -> Any:
    from bench import stats
    from bench.reports.grid import Grid

    def count(discordant: float, seeds: int) -> str:
        if arguments.detect > discordant:
            return "-"
        needed = stats.count_problems(
            arguments.detect,
            discordant=discordant,
            alpha=arguments.alpha / arguments.comparisons,
            power=arguments.power,
            seeds=seeds,
            redrawn=arguments.redrawn,
        )
        return f"{needed:,}"

    asked: Sequence[float] = [
        arguments.discordant / 2,
        arguments.discordant,
        min(1.0, arguments.discordant * 2),
    ]
    return Grid(
        f"Problems that find a difference of {100 * arguments.detect:g} points",
        ["Discordant", *(f"{seeds} seed{'s' * (seeds > 1)}" for seeds in _SEEDS)],
        [[f"{100 * d:g} %", *(count(d, seeds) for seeds in _SEEDS)] for d in asked],
        [
            f"With probability {arguments.power:g}, by a paired test at {arguments.alpha:g}"
            + (f"/{arguments.comparisons}" if arguments.comparisons > 1 else "")
            + ". Discordant: solved by exactly one of the two. With several seeds each problem "
            f"counts with its mean; {100 * arguments.redrawn:g} % of a difference's variance is "
            "taken to be drawn anew by another seed."
        ],
    )
