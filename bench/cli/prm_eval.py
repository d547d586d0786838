"""`prm-eval`: how well a reward model finds wrong steps, on ProcessBench and PRMBench."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from bench.cli.options import add_scorer_options, positive_integer, read_scorer
from bench.console import Counter, print_rich
from bench.errors import BenchError


def add_verbs(verbs: Any) -> None:
    """Add this module's command to `rstar-bench`."""
    command = verbs.add_parser(
        "prm-eval",
        help="how well a reward model finds wrong steps: ProcessBench, PRMBench",
        description="Score the steps of judged solutions with a reward model and compare. Scores "
        "are written as they are made; repeat the command to go on, or to count with another "
        "threshold.",
    )
    command.add_argument(
        "files", type=Path, nargs="+", metavar="ROWS.jsonl", help="rows of either benchmark"
    )
    command.add_argument(
        "--ppm", required=True, metavar="NAME", help="a PPM: published, a folder, or of the hub"
    )
    command.add_options = add_scorer_options
    command.add_argument(
        "--out", type=Path, required=True, metavar="SCORES.jsonl", help="where the scores go"
    )
    command.add_argument(
        "--limit", type=positive_integer, metavar="N", help="only the first rows of each file"
    )
    command.add_argument(
        "--threshold",
        type=float,
        metavar="P",
        help="probability below which a step counts as wrong [0.5]",
    )
    command.add_argument(
        "--fit-on",
        type=Path,
        metavar="ROWS.jsonl",
        help="take the threshold that is best on these rows instead",
    )
    command.add_argument("--format", choices=("table", "markdown", "json"), default="table")
    command.set_defaults(run=_prm_eval)


def _prm_eval(arguments: argparse.Namespace) -> int:
    from bench.checkpoints.checkpoint import describe_reading, find_checkpoint
    from bench.engines.opening import ScorerSettings, check_scorer, open_scorer
    from bench.files.outputs import check_output
    from bench.prm_bench.metrics import HALF, Threshold, fit_threshold, judge
    from bench.prm_bench.rows import read_solutions
    from bench.prm_bench.scoring import AT_ONCE, read_scores, score_solutions
    from bench.prm_bench.view import lay_out, to_json
    from bench.reports.grid import COLUMNS, grid_to_markdown, grids_to_rich

    threshold = _read_threshold(arguments)
    files = [*arguments.files, *([arguments.fit_on] if arguments.fit_on else [])]
    check_output(arguments.out, files)
    by_file = {file: read_solutions(file)[: arguments.limit] for file in files}
    asked = [each for file in arguments.files for each in by_file[file]]
    every = list({each.id: each for of in by_file.values() for each in of}.values())
    ppm = find_checkpoint(arguments.ppm, "ppm")
    settings = read_scorer(arguments, ppm)
    check_scorer(ppm, settings)
    # Scores of another engine have other last digits: one file holds those of one.
    about = {"digest": ppm.digest, **describe_reading(ppm), **settings.describe()}
    model = ", ".join([ppm.name, *(f"{k} {v}" for k, v in about.items())])
    done = len(read_scores(every, model, arguments.out).keys() & {each.id for each in every})
    if done:
        sys.stderr.write(f"{done} of {len(every)} solutions were scored before\n")
    scorer = open_scorer(ppm, settings=settings)
    try:
        with Counter(ppm.name, len(every) - done) as counter:
            values = asyncio.run(
                score_solutions(
                    every,
                    scorer,
                    arguments.out,
                    model=model,
                    at_once=1 if settings == ScorerSettings() else AT_ONCE,
                    on_done=counter.tick,
                )
            )
    finally:
        scorer.close()
    at = Threshold(HALF if threshold is None else threshold)
    if arguments.fit_on is not None:
        at = fit_threshold(by_file[arguments.fit_on], values, arguments.fit_on.name)
    judgements = judge(asked, values, at.value)
    match arguments.format:
        case "json":
            print(json.dumps(to_json(judgements, ppm.name, at), indent=2))
        case "markdown":
            print("\n".join(map(grid_to_markdown, lay_out(judgements, ppm.name, at))), end="")
        case _:
            print_rich(grids_to_rich(lay_out(judgements, ppm.name, at)), columns=COLUMNS)
    return 0


def _read_threshold(arguments: argparse.Namespace) -> float | None:
    threshold: float | None = arguments.threshold
    if threshold is not None and arguments.fit_on is not None:
        raise BenchError("--threshold and --fit-on both say where the threshold is; leave one out")
    if threshold is not None and not 0 < threshold < 1:
        raise BenchError(f"--threshold {threshold:g}: a probability between 0 and 1 is expected")
    return threshold
