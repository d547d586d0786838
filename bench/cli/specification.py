"""The options that decide what is run and how it is graded, and the specification they make."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import TYPE_CHECKING

from bench.cli.options import (
    above_zero,
    add_convention,
    add_level,
    finite_number,
    parse_conventions,
    positive_integer,
)

if TYPE_CHECKING:
    from bench.evaluation.spec import RunSpec


def add_specification(command: argparse.ArgumentParser) -> None:
    """Add the options to a command that searches."""
    command.add_argument("--benchmark", required=True, help="e.g. math500, gsm8k; see `benchmarks`")
    command.add_argument(
        "--policy",
        default="smollm2",
        help="smollm2, a published round such as smollm2-r1, a folder (of rstar-train, or any "
        "Hugging Face model), or a model of the hub: organisation/model[@revision] [%(default)s]",
    )
    command.add_argument(
        "--template",
        help="prompt template of the policy: rstar or few-shot [what it was trained with, else "
        "few-shot]",
    )
    command.add_argument(
        "--ppm",
        help="PPM of a search that goes by one: a name or folder [the one of the policy's round, "
        "else the newest published]",
    )
    command.add_argument(
        "--engine",
        default="auto",
        help="openvino, vllm or transformers [the first that is installed and runs the policy]; "
        "openvino-cached keeps prefixes: faster, but not the same texts again",
    )
    command.add_argument(
        "--no-errata",
        dest="errata",
        action="store_false",
        help="grade by the published references, known errors included",
    )
    command.add_argument("--limit", type=positive_integer, help="only the first so many problems")
    command.add_argument("--seed", type=int, default=0, help="run seed [%(default)s]")
    command.add_argument(
        "--n", type=positive_integer, default=8, help="samples, or subtrees of dvts [%(default)s]"
    )
    command.add_argument(
        "--candidates",
        type=positive_integer,
        default=4,
        help="candidate steps per node [%(default)s]",
    )
    command.add_argument(
        "--max-depth", type=positive_integer, default=16, help="steps at most [%(default)s]"
    )
    command.add_argument(
        "--c", type=finite_number, default=2.0, help="UCT's exploration constant [%(default)s]"
    )
    command.add_argument(
        "--rules", default="paper", help="of mcts and beam: paper or official [%(default)s]"
    )
    command.add_argument(
        "--aggregate",
        default="last",
        help="step scores to one number: last, min, mean or product [%(default)s]",
    )
    command.add_argument(
        "--temperature",
        type=above_zero,
        help="[the policy's prompt template says: trained 1.0, untrained 0.7]",
    )
    command.add_argument(
        "--step-tokens", type=positive_integer, default=96, help="limit of a step [%(default)s]"
    )
    command.add_argument(
        "--solution-tokens",
        type=positive_integer,
        default=320,
        help="limit of a program [%(default)s]",
    )
    command.add_argument(
        "--concurrency",
        type=positive_integer,
        default=32,
        help="problems in flight; changes no result [%(default)s]",
    )
    add_convention(command)
    add_level(command)


def specification(arguments: argparse.Namespace, **fixed: object) -> RunSpec:
    """Return what the options say; `fixed` fields come from elsewhere. Raises BenchError."""
    from bench.evaluation.spec import RunSpec

    given = {**vars(arguments), "conventions": parse_conventions(arguments.convention), **fixed}
    return RunSpec(**{f.name: given[f.name] for f in fields(RunSpec) if f.name in given})
