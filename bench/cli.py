"""`rstar-bench`: parse, build a specification, call; each verb imports what it needs."""

from __future__ import annotations

import argparse
import asyncio
import logging
import math
import os
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import bench
from bench.errors import BenchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    _quieten()
    try:
        status: int = arguments.run(arguments)
        return status
    except BenchError as error:
        sys.stderr.write(f"rstar-bench: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("\nrstar-bench: interrupted; repeat the command to go on where it was\n")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rstar-bench",
        description="Evaluate step-by-step mathematical search: policy-only, best-of-N, MCTS.",
    )
    parser.add_argument("--version", action="version", version=f"rstar-bench {bench.__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_run(verbs)
    _add_demo(verbs)
    _add_report(verbs)
    listing = verbs.add_parser("benchmarks", help="list the benchmarks that --benchmark knows")
    listing.set_defaults(run=_benchmarks)
    return parser


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
    run.add_argument("--search", required=True, help="greedy, sample, majority, best_of_n or mcts")
    run.add_argument(
        "--ppm", help="PPM for best_of_n and mcts: a name or folder [the newest published]"
    )
    run.add_argument(
        "--engine", default="auto", help="openvino or transformers [openvino if installed]"
    )
    run.add_argument("--out", type=Path, required=True, help="run directory, made or resumed")
    run.add_argument("--limit", type=_positive, help="only the first so many problems")
    run.add_argument("--seed", type=int, default=0, help="run seed [%(default)s]")
    run.add_argument("--n", type=_positive, default=8, help="samples per problem [%(default)s]")
    run.add_argument("--rollouts", type=_positive, default=8, help="MCTS rollouts [%(default)s]")
    run.add_argument(
        "--candidates", type=_positive, default=4, help="MCTS candidates per step [%(default)s]"
    )
    run.add_argument("--max-depth", type=_positive, default=16, help="steps at most [%(default)s]")
    run.add_argument(
        "--c", type=_finite, default=2.0, help="UCT's exploration constant [%(default)s]"
    )
    run.add_argument("--temperature", type=_above_zero, default=1.0, help="[%(default)s]")
    run.add_argument(
        "--step-tokens", type=_positive, default=96, help="limit of a step [%(default)s]"
    )
    run.add_argument(
        "--solution-tokens", type=_positive, default=320, help="limit of a program [%(default)s]"
    )
    run.add_argument(
        "--concurrency",
        type=_positive,
        default=32,
        help="problems in flight; changes no result [32]",
    )
    run.set_defaults(run=_run)


def _add_demo(verbs: Any) -> None:
    demo = verbs.add_parser("demo", help="four searches, before and after training, in one table")
    demo.add_argument("--out", type=Path, default=Path("results/runs/demo"), help="[%(default)s]")
    demo.add_argument("--limit", type=_positive, default=30, help="problems [%(default)s]")
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

    spec = RunSpec(**{f.name: getattr(arguments, f.name) for f in fields(RunSpec)})

    async def go() -> Any:
        async with Harness() as harness:
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

    table = asyncio.run(demo(arguments.out, limit=arguments.limit))
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


def _benchmarks(arguments: argparse.Namespace) -> int:
    from bench.problems import BENCHMARKS, names

    for name in names():
        benchmark = BENCHMARKS.get(name)
        about = benchmark.title if benchmark else "generated by reasoning-gym, needs no download"
        print(f"{name:24} {about}")
    return 0


def _print_table(table: Any) -> None:
    from rich.console import Console

    from bench.render import to_rich

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(to_rich(table))


def _quieten() -> None:
    """Keep third parties' progress bars and request logs out of the way.

    Set before any of them is imported, which is when they read it.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for name in ("httpx", "datasets", "accelerate", "huggingface_hub", "gguf"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def _finite(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no finite number")
    return value


def _above_zero(text: str) -> float:
    value = _finite(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(
            f"{value} is not above 0; --search greedy takes no samples"
        )
    return value


if __name__ == "__main__":
    raise SystemExit(main())
