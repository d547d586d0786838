"""`rstar-bench`: a module per family of commands, each importing what it needs when run."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import bench
from bench.cli import (
    answers,
    benchmarks,
    checkers,
    comparing,
    completion,
    contamination,
    evaluation,
    exporting,
    fetching,
    inequalities,
    lm_eval,
    optimum,
    page,
    paper,
    planning,
    prm_eval,
    rescoring,
    reward_models,
    sandbox,
    search,
    serving,
    soundness,
    standings,
    stopping,
    sweeping,
)
from bench.cli.parser import Parser
from bench.console import quieten_third_parties, run_guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    return run_guarded("rstar-bench", lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    parser = _parser()
    completion.answer_shell(parser)
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    quieten_third_parties()
    status: int = arguments.run(arguments)
    return status


def _parser() -> Parser:
    parser = Parser(
        prog="rstar-bench",
        description="Evaluate step-by-step mathematical search: policy-only, best-of-N, MCTS.",
    )
    parser.add_argument("--version", action="version", version=f"rstar-bench {bench.__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    families = (
        *(evaluation, sweeping, comparing, planning, rescoring, standings, stopping, optimum),
        *(search, page, exporting, benchmarks, contamination, lm_eval, paper, prm_eval),
        *(reward_models, fetching, serving, answers, checkers, inequalities, soundness, sandbox),
        completion,
    )
    for module in families:
        module.add_verbs(verbs)
    return parser
