"""`plan`: how many problems show a difference, and what a recipe's rounds take for so many."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import positive_integer
from bench.cli.options import seconds as positive
from bench.console import print_rich
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.reports.round_costs import Basis, Range, RoundCost

_SEEDS = (1, 2, 4, 8)
_ABOUT_DETECT = {
    "power": 0.8,
    "alpha": 0.05,
    "discordant": 0.2,
    "redrawn": 0.5,
    "comparisons": 1,
}
"""Defaults of the options that go with --detect."""


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    _add_plan(verbs)


def _add_plan(verbs: Any) -> None:
    command = verbs.add_parser(
        "plan",
        help="how many problems, and seeds, show a difference of so many points; or what a "
        "recipe's rounds take for so many problems",
        description="With --detect: how many problems a paired comparison of two methods needs to "
        "find a true difference, for several numbers of seeds. With --problems and --recipe: what "
        "the searches of a recipe's rounds take in tokens, GPU hours and storage, by a stored run "
        "or by what the paper states, beside what the paper says that its rounds took.",
    )
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument("--detect", type=_share, metavar="POINTS", help="e.g. 2pp, or 0.02")
    what.add_argument(
        "--problems", type=positive_integer, metavar="N", help="that each round searches"
    )
    command.add_argument(
        "--recipe", metavar="NAME", help="a shipped recipe or a YAML file; goes with --problems"
    )
    command.add_argument(
        "--sample",
        type=Path,
        metavar="RUN",
        help="a stored run of --search mcts that is reckoned by [the paper's numbers]",
    )
    command.add_argument(
        "--rate",
        type=positive,
        metavar="TOKENS",
        help="a second that one GPU generates, for all rounds [that of --sample, or the paper's]",
    )
    command.add_argument("--format", choices=("table", "json"), default="table")
    command.add_argument("--power", type=_chance, help="chance of finding it [%(default)s]")
    command.add_argument("--alpha", type=_chance, help="level of the two-sided test [%(default)s]")
    command.add_argument(
        "--discordant",
        type=_share,
        help="share of the problems that exactly one of the two solves; `compare-runs` shows it as "
        "won/lost [%(default)s]",
    )
    command.add_argument(
        "--redrawn",
        type=_share_or_none,
        help="share of the variance of a problem's difference that another seed draws anew "
        "[%(default)s]",
    )
    command.add_argument(
        "--comparisons",
        type=positive_integer,
        help="made together, of which the strictest is planned for [%(default)s]",
    )
    command.set_defaults(run=_plan, **_ABOUT_DETECT)


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


def _share_or_none(text: str) -> float:
    """Read a share of 1, or 0."""
    return 0.0 if text.strip() in ("0", "0.0", "0%", "0pp") else _share(text)


def _chance(text: str) -> float:
    """Read a share below 1: nothing is found, or excluded, with certainty."""
    value = _share(text)
    if value == 1:
        raise argparse.ArgumentTypeError(f"{text!r} is wrong; it must be below 1")
    return value


def _plan(arguments: argparse.Namespace) -> int:
    from bench.reports.grid import COLUMNS, grids_to_rich

    if arguments.problems is not None:
        return _plan_rounds(arguments)
    for name in ("recipe", "sample", "rate"):
        if getattr(arguments, name) is not None:
            raise BenchError(f"--{name} is about --problems; give that in place of --detect")
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
    counts = _count_needed(arguments)
    if arguments.format == "json":
        asked = ("detect", "power", "alpha", "comparisons", "redrawn")
        needed = [{"discordant": d, "problems": by_seeds} for d, by_seeds in counts.items()]
        print(json.dumps({name: getattr(arguments, name) for name in asked} | {"needed": needed}))
        return 0
    print_rich(grids_to_rich([_lay_out_plan(arguments, counts)]), columns=COLUMNS)
    return 0


def _count_needed(arguments: argparse.Namespace) -> dict[float, dict[int, int | None]]:
    """Return the problems needed, by share of discordant ones and by seeds; none are enough."""
    from bench import stats

    def count(discordant: float, seeds: int) -> int | None:
        if arguments.detect > discordant:
            return None
        return stats.count_problems(
            arguments.detect,
            discordant=discordant,
            alpha=arguments.alpha / arguments.comparisons,
            power=arguments.power,
            seeds=seeds,
            redrawn=arguments.redrawn,
        )

    given: float = arguments.discordant
    shares = (given / 2, given, min(1.0, given * 2))
    return {share: {seeds: count(share, seeds) for seeds in _SEEDS} for share in shares}


def _lay_out_plan(
    arguments: argparse.Namespace, counts: Mapping[float, Mapping[int, int | None]]
) -> Any:
    from bench.reports.grid import Grid

    return Grid(
        f"Problems that find a difference of {100 * arguments.detect:g} points",
        ["Discordant", *(f"{seeds} seed{'s' * (seeds > 1)}" for seeds in _SEEDS)],
        [
            [f"{100 * d:g} %", *("-" if n is None else f"{n:,}" for n in by_seeds.values())]
            for d, by_seeds in counts.items()
        ],
        [
            f"With probability {arguments.power:g}, by a paired test at {arguments.alpha:g}"
            + (f"/{arguments.comparisons}" if arguments.comparisons > 1 else "")
            + ". Discordant: solved by exactly one of the two. With several seeds each problem "
            f"counts with its mean; {100 * arguments.redrawn:g} % of a difference's variance is "
            "taken to be drawn anew by another seed."
        ],
    )


def _plan_rounds(arguments: argparse.Namespace) -> int:
    from bench.reports.grid import COLUMNS, grids_to_rich
    from bench.reports.round_costs import paper_basis, read_basis, read_rounds, reckon_rounds
    from bench.runs.reader import load_run

    for name, default in _ABOUT_DETECT.items():
        if getattr(arguments, name) != default:
            raise BenchError(f"--{name} is about --detect; give that in place of --problems")
    if arguments.recipe is None:
        raise BenchError("--problems needs --recipe NAME: whose rounds are to be reckoned?")
    rounds = read_rounds(arguments.recipe)
    sample = arguments.sample
    basis = paper_basis() if sample is None else read_basis(load_run(sample))
    costs = reckon_rounds(rounds, arguments.problems, basis, rate=arguments.rate)
    if arguments.format == "json":
        print(json.dumps(_rounds_to_json(costs, arguments.problems, basis), indent=2))
        return 0
    print_rich(grids_to_rich([_lay_out_rounds(costs, arguments, basis)]), columns=COLUMNS)
    return 0


def _lay_out_rounds(costs: Sequence[RoundCost], arguments: argparse.Namespace, basis: Basis) -> Any:
    from bench.reports.grid import Grid
    from bench.reports.round_costs import PAPER_PROBLEMS, STATED

    def row(cost: RoundCost) -> list[str]:
        stated = STATED.get(cost.search.number)
        return [
            str(cost.search.number),
            cost.search.label,
            _show(cost.tokens, 1e9),
            "-" if cost.hours is None else _show(cost.hours, 1),
            _show(cost.storage, 1e9),
            "-" if stated is None else f"{stated.gpu_hours:,.0f}",
        ]

    notes = list(basis.sources)
    if arguments.rate is not None:
        notes[1] = f"Hours: {arguments.rate:,.0f} tokens a second, as given."
    elif any(cost.hours is None for cost in costs):
        notes.append("No hours where a larger model of others searches: its rate is not known.")
    notes.append(
        "Search: rollouts, then those in all to which the tree of an unsolved problem grows, x "
        "candidates."
    )
    notes.append(
        f"Paper: GPU hours that it states for its {PAPER_PROBLEMS:,} problems, of H100 in round 1 "
        "and of A100 (40 GB) later. Trainings and evaluations are not in the estimates."
    )
    return Grid(
        f"{arguments.recipe} on {arguments.problems:,} problems",
        ["Round", "Search", "Tokens, 10^9", "GPU hours", "Storage, GB", "Paper"],
        [row(cost) for cost in costs],
        notes,
        left=frozenset({1}),
    )


def _show(found: Range, unit: float) -> str:
    """Return a value with its limits below it: three digits that matter."""
    value, low, high = (_short(each / unit) for each in (found.value, found.low, found.high))
    return f"{value}\n[{low}, {high}]"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _rounds_to_json(costs: Sequence[RoundCost], problems: int, basis: Basis) -> dict[str, Any]:
    from dataclasses import asdict

    from bench.reports.round_costs import STATED

    return {
        "problems": problems,
        "computed_from": list(basis.sources),
        "rounds": [
            {
                **asdict(cost),
                "paper_gpu_hours": stated.gpu_hours
                if (stated := STATED.get(cost.search.number))
                else None,
            }
            for cost in costs
        ],
    }
