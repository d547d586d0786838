"""`rstar-bench`: a module per family of commands, each importing what it needs when run."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

import bench
from bench.cli import (
    answers,
    benchmarks,
    checkers,
    contamination,
    evaluation,
    inequalities,
    lm_eval,
    paper,
    sandbox,
    search,
    soundness,
)
from bench.cli.options import VerbParser
from bench.console import quieten_third_parties, run_guarded


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status, 2 with a sentence for what a user can fix."""
    arguments = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    quieten_third_parties()
    return run_guarded("rstar-bench", lambda: arguments.run(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rstar-bench",
        description="Evaluate step-by-step mathematical search: policy-only, best-of-N, MCTS.",
    )
    parser.add_argument("--version", action="version", version=f"rstar-bench {bench.__version__}")
    verbs = parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=VerbParser
    )
    families = (
        *(evaluation, search, benchmarks, contamination, lm_eval, paper),
        *(answers, checkers, inequalities, soundness, sandbox),
    )
    for module in families:
        module.add_verbs(verbs)
    return parser
