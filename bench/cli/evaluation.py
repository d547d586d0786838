"""`run`, `demo`, `compare`, `report`, `headroom`: what makes and shows numbers."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.options import (
    add_cluster_options,
    add_level,
    add_run_options,
    given_knobs,
    positive_integer,
    positive_integers,
    positive_integers_or_none,
    read_cluster,
    read_spec,
    sandbox_level,
    suggest,
)
from bench.console import print_rich
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.evaluation.harness import Harness
    from bench.evaluation.spec import RunSpec
    from bench.runs.reader import Run

log = logging.getLogger(__name__)

_OF_COMPARE = ("tokens", "rollouts", "iterations", "beam_width", "lookahead", "width")
"""Knobs that `compare` sets itself."""


def add_verbs(verbs: Any) -> None:
    """Add this module's commands to `rstar-bench`."""
    _add_run(verbs)
    _add_demo(verbs)
    _add_compare(verbs)
    _add_report(verbs)
    _add_headroom(verbs)


def _add_run(verbs: Any) -> None:
    run = verbs.add_parser(
        "run",
        help="run one search with one policy on one benchmark",
        description="Run a search on a benchmark, print its row. Repeat the command to resume it; "
        "with a larger --limit, or for samples a larger --n and --at-once, a finished run grows. "
        "Several benchmarks, by comma or as the groups paper and all, are a run each below --out.",
    )
    run.add_options = _add_run_options
    run.set_defaults(run=_run)


def _add_run_options(run: argparse.ArgumentParser) -> None:
    from bench.search.registry import SEARCHES

    known = ". ".join([", ".join(SEARCHES), *SEARCHES.refused])
    search = run.add_argument("--search", required=True, help=known.replace("%", "%%"))
    suggest(search, partial(tuple, SEARCHES))
    run.add_argument("--out", type=Path, required=True, help="run directory, made or resumed")
    add_run_options(run)
    add_cluster_options(run)


def _add_demo(verbs: Any) -> None:
    demo = verbs.add_parser(
        "demo", help="before and after training, searches at equal tokens, and exact proofs"
    )
    demo.add_argument("--out", type=Path, default=Path("results/runs/demo"), help="[%(default)s]")
    demo.add_argument("--limit", type=positive_integer, default=24, help="problems [%(default)s]")
    add_level(demo)
    demo.set_defaults(run=_demo)


def _add_compare(verbs: Any) -> None:
    compare = verbs.add_parser(
        "compare",
        help="greedy, votes, best-of-N, beams and MCTS at equal generated tokens",
        description="Run greedy, samples, step beams and MCTS with one policy and one PPM; with a "
        "policy that writes plans, one greedily, samples of them and CPL's search. Then print a "
        "table for each budget: every method cut, problem by problem, at the same number of "
        "generated tokens. Each method is run once. Repeat the command to resume it.",
    )
    compare.add_options = _add_compare_options
    compare.set_defaults(run=_compare)


def _add_compare_options(compare: argparse.ArgumentParser) -> None:
    from bench.search.registry import SEARCHES

    add_run_options(compare, without=_OF_COMPARE, deciding=False)
    compare.add_argument(
        "--tokens",
        type=positive_integers,
        default=(512, 1024, 2048),
        metavar="N[,N...]",
        help="budgets: generated tokens of a problem [512,1024,2048]",
    )
    compare.add_argument(
        "--beam-widths",
        type=positive_integers_or_none,
        default=(1, 2),
        metavar="N[,N...]|none",
        help="beams that go on; each is a run of its own [1,2]",
    )
    also = compare.add_argument(
        "--also",
        type=_names,
        default=(),
        metavar="SEARCH[,SEARCH...]",
        help="other searches of the registry, e.g. abmcts,rebase,particles",
    )
    suggest(also, partial(tuple, SEARCHES), several=True)
    compare.add_argument(
        "--widths",
        type=positive_integers,
        default=(4, 8),
        metavar="N[,N...]",
        help="solutions that rebase and particles grow side by side; each is a run of its own "
        "[4,8]",
    )
    compare.add_argument("--out", type=Path, required=True, help="where the run directories go")
    _add_table_options(compare)


def _names(text: str) -> tuple[str, ...]:
    """Read names with commas between, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",")))


def _add_report(verbs: Any) -> None:
    report = verbs.add_parser("report", help="print the table of finished runs")
    report.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directories")
    report.add_argument(
        "--tokens",
        type=positive_integers,
        metavar="N[,N...]",
        help="a table for each of these budgets: the runs cut at so many generated tokens",
    )
    _add_table_options(report)
    report.set_defaults(run=_report)


def _add_headroom(verbs: Any) -> None:
    headroom = verbs.add_parser(
        "headroom",
        help="say from stored samples whether a search can help",
        description="Say from stored runs, and without a model, what a search could win: what k "
        "samples hold, what majority and the PPM's scores choose of them, what those scores "
        "follow, and what the generated tokens went into. Give a run of --search sample, and with "
        "it the greedy run of the same policy and any tree searches.",
    )
    headroom.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directories")
    _add_format(headroom)
    headroom.set_defaults(run=_headroom)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")


def _add_table_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--against", metavar="METHOD", help="what the others are compared with [the first row]"
    )
    command.add_argument(
        "--flops",
        action="store_true",
        help="as many tables more: the runs cut at the FLOPs that the policy needs for so many "
        "tokens, prompts and the PPM counted",
    )
    command.add_argument(
        "--chain",
        type=lambda text: tuple(text.split(",")),
        metavar="METHOD,METHOD[,...]",
        help="test, below each table, that methods come in this order, best first",
    )
    command.add_argument(
        "--k",
        type=positive_integers,
        default=(),
        metavar="N[,N...]",
        help="numbers of samples that the tables of runs of samples show [1,2,4,... and all]",
    )
    _add_format(command)
    command.add_argument(
        "--plot",
        type=Path,
        metavar="SVG",
        help="draw accuracy into this file: against tokens, up to the largest budget, or without "
        "one against the number of samples",
    )


def _run(arguments: argparse.Namespace) -> int:
    from bench.evaluation.harness import Harness
    from bench.evaluation.progress import Progress
    from bench.reports.leaderboard import leaderboard
    from bench.search.registry import all_knobs, configure, find_search

    given = given_knobs(arguments, all_knobs())
    known = find_search(arguments.search).knobs
    for name in given:
        if name not in known:
            log.warning(
                "--%s changes nothing: the search %r does not use it",
                name.replace("_", "-"),
                arguments.search,
            )
    if not find_search(arguments.search).uses_ppm:
        for option, was_given in (
            ("--ppm-engine", hasattr(arguments, "ppm_engine")),
            ("--ppm-url", arguments.ppm_url is not None),
            ("--batch-scores", arguments.batch_scores),
        ):
            if was_given:
                log.warning(
                    "%s changes nothing: the search %r uses no PPM", option, arguments.search
                )
    used = {name: value for name, value in given.items() if name in known}
    spec = read_spec(arguments, arguments.search, configure(arguments.search, used))
    specs = _spread(spec, arguments.out)
    if arguments.dry_run:
        return _say_runs(specs, arguments)
    cluster = read_cluster(arguments)
    if len(specs) > 1:  # the last one's data are not found missing after hours
        Harness.check(specs, concurrency=arguments.concurrency)
    where = {
        "level": sandbox_level(arguments),
        "base_url": arguments.base_url,
        "ppm_url": arguments.ppm_url,
    }

    async def fill(harness: Harness, spec: RunSpec, out: Path) -> Run:
        with Progress(f"{spec.search} on {spec.benchmark}") as progress:
            how = {
                "concurrency": arguments.concurrency,
                "on_start": progress.start,
                "on_done": progress.tick,
            }
            if cluster is not None:
                from bench.cluster.driver import run_on_cluster

                return await run_on_cluster(spec, out, cluster, **where, **how)
            return await harness.run(spec, out, **how)

    async def go() -> list[Run]:
        async with Harness(**where) as harness:
            return [await fill(harness, spec, out) for out, spec in specs.items()]

    runs = asyncio.run(go())
    _print_table(leaderboard(runs))
    for out in specs:
        print(f"run directory: {out}")
    _tell_of_machine(runs)
    return 0


def _spread(spec: RunSpec, out: Path) -> dict[Path, RunSpec]:
    """Return a run at `out`; of several benchmarks one below it for each. Raises BenchError."""
    from bench.problems import read_benchmarks

    several = read_benchmarks(spec.benchmark)
    if len(several) == 1:
        return {out: replace(spec, benchmark=several[0])}
    if (out / "run.json").exists():
        raise BenchError(
            f"{out} holds a run; {len(several)} benchmarks need another --out, below which each "
            "has its own run"
        )
    return {out / name: replace(spec, benchmark=name) for name in several}


def _demo(arguments: argparse.Namespace) -> int:
    from bench.evaluation.demo import demo

    shown = asyncio.run(demo(arguments.out, limit=arguments.limit, level=sandbox_level(arguments)))
    _print_table(shown.table)
    print(shown.headroom)
    print(shown.proofs)
    print(f"run directories: {arguments.out}{os.sep}*")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from bench.evaluation.comparison import plan_comparison, run_all
    from bench.search.registry import all_knobs

    _check_table_options(arguments)
    specs = plan_comparison(
        read_spec(arguments, "greedy"),
        given_knobs(arguments, set(all_knobs(deciding=False)) - set(_OF_COMPARE)),
        arguments.out,
        largest=max(arguments.tokens),
        beam_widths=arguments.beam_widths,
        also=arguments.also,
        widths=arguments.widths,
    )
    if arguments.dry_run:
        return _say_runs(specs, arguments)
    runs = asyncio.run(
        run_all(
            specs,
            concurrency=arguments.concurrency,
            level=sandbox_level(arguments),
            base_url=arguments.base_url,
            ppm_url=arguments.ppm_url,
        )
    )
    _print_runs(runs, arguments)
    if arguments.format == "table":
        print(f"run directories: {arguments.out}{os.sep}*")
    return 0


def _say_runs(specs: Mapping[Path, Any], arguments: argparse.Namespace) -> int:
    """Print what would be run."""
    from bench.evaluation.dry_run import describe_runs

    for line in describe_runs(specs, concurrency=arguments.concurrency):
        print(line)
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from bench.runs.reader import load_run

    if arguments.flops and not arguments.tokens:
        raise BenchError("--flops cuts at the FLOPs of a budget in tokens; give that with --tokens")
    _check_table_options(arguments)
    _print_runs([load_run(path) for path in arguments.runs], arguments)
    return 0


def _headroom(arguments: argparse.Namespace) -> int:
    import json

    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
    from bench.reports.headroom import headroom, lay_out, to_json
    from bench.runs.reader import load_run

    groups = headroom(load_run(path) for path in arguments.runs)
    match arguments.format:
        case "json":
            print(json.dumps(to_json(groups), indent=2))
        case "markdown":
            print("\n".join(map(grid_to_markdown, lay_out(groups))), end="")
        case _:
            print_rich(grids_to_rich(lay_out(groups)), columns=COLUMNS)
    return 0


def _check_table_options(arguments: argparse.Namespace) -> None:
    """Refuse a chain that no runs could answer to, or a picture that cannot be written."""
    from bench.files.outputs import check_output
    from bench.reports.chain import check_order

    if arguments.chain is not None:
        check_order(arguments.chain)
    if arguments.plot is not None:
        check_output(arguments.plot, getattr(arguments, "runs", ()))


def _print_runs(runs: Sequence[Any], arguments: argparse.Namespace) -> None:
    """Print the table of finished runs, or one for each budget; draw their curves.

    Below, runs of samples get a table of every number of samples.
    """
    from bench.reports.chain import judge_chains
    from bench.reports.every_k import read_all
    from bench.reports.every_k_view import lay_out
    from bench.reports.leaderboard import leaderboard

    cuts = _cut_runs(runs, arguments.tokens, flops=arguments.flops) if arguments.tokens else [runs]
    tables = [leaderboard(each, against=arguments.against) for each in cuts]
    chains = judge_chains(cuts, arguments.chain) if arguments.chain else [None] * len(cuts)
    every_k = read_all(runs)
    if arguments.k and not every_k:
        log.warning("--k changes nothing: no run holds several samples of a problem")
    grids = lay_out(every_k, arguments.k)
    _print_tables(list(zip(tables, chains, strict=True)), arguments.format, every_k, grids)
    _tell_of_machine(runs)
    if arguments.plot is not None:
        from bench.files.atomic import replace
        from bench.reports.budget_plot import budget_plot
        from bench.reports.every_k_view import draw_every_k

        drawn = budget_plot(runs, max(arguments.tokens)) if arguments.tokens else None
        replace(arguments.plot, drawn or draw_every_k(every_k))
        sys.stderr.write(f"drawn: {arguments.plot}\n")


def _tell_of_machine(runs: Sequence[Any]) -> None:
    """Say on standard error which runs a busy machine held up; their records do not show it."""
    from bench.machine import describe

    for run in runs:
        if told := describe(run.machine):
            sys.stderr.write(f"{run.path}: {told}\n")


def _cut_runs(runs: Sequence[Any], budgets: Sequence[int], *, flops: bool) -> list[list[Any]]:
    """Return the runs cut at each budget in tokens; then, where asked, at the FLOPs of each."""
    from bench.reports.token_budget import cut, cut_at_flops

    cuts = [[cut(run, tokens) for run in runs] for tokens in budgets]
    if flops:
        cuts += [[part for run in runs for part in cut_at_flops(run, at)] for at in budgets]
    return cuts


def _print_tables(
    tables: Sequence[tuple[Any, Any]], form: str, every_k: Sequence[Any], grids: Sequence[Any]
) -> None:
    """Print tables one below the other, each with its chain if any; as JSON, several are a list.

    `grids` are `every_k` laid out, which JSON holds whole.
    """
    import json

    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich
    from bench.reports.render import chain_to_grid, to_grid, to_json, to_markdown

    if form == "json":
        data = [to_json(table, links) for table, links in tables]
        if every_k:
            data[0]["every_k"] = [each.to_json() for each in every_k]
        print(json.dumps(data if len(data) > 1 else data[0], indent=2))
        return
    if form == "markdown":
        print("\n".join(to_markdown(table, links) for table, links in tables), end="")
        print("".join(f"\n{grid_to_markdown(grid)}" for grid in grids), end="")
        return
    shown = []
    for table, links in tables:
        shown.append(to_grid(table))
        if links is not None:
            shown.append(chain_to_grid(links))
    print_rich(grids_to_rich([*shown, *grids]), columns=COLUMNS)


def _print_table(table: Any) -> None:
    from bench.reports.grid import COLUMNS, grids_to_rich
    from bench.reports.render import to_grid

    print_rich(grids_to_rich([to_grid(table)]), columns=COLUMNS)
