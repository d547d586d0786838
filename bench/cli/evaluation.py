"""`run`, `demo`, `report`: what makes and shows numbers."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.cli.arguments import above_zero, finite, positive
from bench.cli.conventions import add_convention, conventions_of
from bench.cli.sandbox import add_level, named


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_run(verbs)
    _add_demo(verbs)
    _add_report(verbs)


def _add_run(verbs: Any) -> None:
    run = verbs.add_parser(
        "run",
        help="run one search with one policy on one benchmark",
        description="Run a search on a benchmark, print its row. Repeat the command to resume it.",
    )
    run.add_argument("--benchmark", required=True, help="e.g. math500, gsm8k; see `benchmarks`")
    run.add_argument(
        "--policy", default="smollm2", help="smollm2, smollm2-r1, or an adapter folder"
    )
    run.add_argument(
        "--search",
        required=True,
        help="greedy, sample, majority, best_of_n, weighted, beam, lookahead, dvts or mcts",
    )
    run.add_argument(
        "--ppm", help="PPM of a search that goes by one: a name or folder [the newest published]"
    )
    run.add_argument(
        "--engine", default="auto", help="openvino or transformers [openvino if installed]"
    )
    run.add_argument("--out", type=Path, required=True, help="run directory, made or resumed")
    run.add_argument(
        "--no-errata",
        dest="errata",
        action="store_false",
        help="grade by the published references, known errors included",
    )
    run.add_argument("--limit", type=positive, help="only the first so many problems")
    run.add_argument("--seed", type=int, default=0, help="run seed [%(default)s]")
    run.add_argument(
        "--n", type=positive, default=8, help="samples, or subtrees of dvts [%(default)s]"
    )
    run.add_argument("--rollouts", type=positive, default=8, help="MCTS rollouts [%(default)s]")
    run.add_argument(
        "--candidates", type=positive, default=4, help="candidate steps per node [%(default)s]"
    )
    run.add_argument("--max-depth", type=positive, default=16, help="steps at most [%(default)s]")
    run.add_argument(
        "--c", type=finite, default=2.0, help="UCT's exploration constant [%(default)s]"
    )
    run.add_argument(
        "--rules", default="paper", help="of mcts and beam: paper or official [%(default)s]"
    )
    run.add_argument(
        "--beam-width", type=positive, default=4, help="beams that go on [%(default)s]"
    )
    run.add_argument(
        "--lookahead", type=positive, default=1, help="steps that lookahead sees [%(default)s]"
    )
    run.add_argument(
        "--aggregate",
        default="last",
        help="step scores to one number: last, min, mean or product [%(default)s]",
    )
    run.add_argument(
        "--temperature",
        type=above_zero,
        help="[the policy's prompt template says: trained 1.0, untrained 0.7]",
    )
    run.add_argument(
        "--step-tokens", type=positive, default=96, help="limit of a step [%(default)s]"
    )
    run.add_argument(
        "--solution-tokens", type=positive, default=320, help="limit of a program [%(default)s]"
    )
    run.add_argument(
        "--concurrency",
        type=positive,
        default=32,
        help="problems in flight; changes no result [32]",
    )
    add_convention(run)
    add_level(run)
    run.set_defaults(run=_run)


def _add_demo(verbs: Any) -> None:
    demo = verbs.add_parser("demo", help="four searches, before and after training, in one table")
    demo.add_argument("--out", type=Path, default=Path("results/runs/demo"), help="[%(default)s]")
    demo.add_argument("--limit", type=positive, default=30, help="problems [%(default)s]")
    add_level(demo)
    demo.set_defaults(run=_demo)


def _add_report(verbs: Any) -> None:
    report = verbs.add_parser("report", help="print the table of finished runs")
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directories")
    report.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    report.set_defaults(run=_report)


def _run(arguments: argparse.Namespace) -> int:
    from bench.harness import Harness
    from bench.progress import Progress
    from bench.report import leaderboard
    from bench.spec import RunSpec

    arguments.conventions = conventions_of(arguments.convention)
    spec = RunSpec(**{f.name: getattr(arguments, f.name) for f in fields(RunSpec)})

    async def go() -> Any:
        async with Harness(level=named(arguments)) as harness:
            with Progress(f"{spec.search} on {spec.benchmark}") as progress:
                return await harness.run(
                    spec,
                    arguments.out,
                    concurrency=arguments.concurrency,
                    on_start=progress.start,
                    on_done=progress.tick,
                )

    _print_table(leaderboard([asyncio.run(go())]))
    print(f"run directory: {arguments.out}")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    from bench.demo import demo

    table = asyncio.run(demo(arguments.out, limit=arguments.limit, level=named(arguments)))
    _print_table(table)
    print(f"run directories: {arguments.out}{os.sep}*")
    return 0


def _report(arguments: argparse.Namespace) -> int:
    import json

    from bench.render import to_json, to_markdown
    from bench.report import leaderboard
    from bench.store import load_run

    table = leaderboard([load_run(path) for path in arguments.runs])
    if arguments.format == "markdown":
        print(to_markdown(table), end="")
    elif arguments.format == "json":
        print(json.dumps(to_json(table), indent=2))
    else:
        _print_table(table)
    return 0


def _print_table(table: Any) -> None:
    from rich.console import Console

    from bench.render import to_rich

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(to_rich(table))
